// stage: the part of a buffer that a loop's body touches is copied into a buffer of its own, worked
// on there, and what was written copied back.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/schedule/memory/box.h"
#include "core/text/text.h"

namespace inlay {

namespace {

// True if `stmt` writes each element of the box, whatever it was.
bool fills(const Context& context, const Stmt& stmt, const Buffer& buffer, const Box& box) {
  Context within = context;
  std::vector<const For*> loops;
  std::vector<bool> may_be_empty;
  const Stmt* at = &stmt;
  while (auto* loop = at->as<For>()) {
    may_be_empty.push_back(!within.proves_positive(within.poly(loop->extent)));
    within.enter(*loop);
    loops.push_back(loop);
    if (body_of(*loop).size() != 1) return false;
    at = &body_of(*loop)[0];
  }
  auto* store = at->as<Store>();
  if (!store || !store->buffer.same_as(buffer)) return false;
  struct Reads : Visitor {
    const BufferNode* buffer = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Load& node) override {
      found |= node.buffer.get() == buffer;
      Visitor::visit_node(node);
    }
  } reads;
  reads.buffer = buffer.get();
  reads.visit(store->value);
  if (reads.found) return false;
  // Each dimension is run through by a loop of its own, or is one element wide.
  std::vector<size_t> loops_of(buffer->rank());
  for (size_t l = 0; l < loops.size(); ++l) {
    const For* loop = loops[l];
    AtomId v = within.atoms().var(loop->var.operator->());
    bool moves = false;
    for (size_t d = 0; d < buffer->rank(); ++d) {
      Poly step = within.poly(store->indices[d]) - box.low[d];
      if (!step.uses(v)) continue;
      ++loops_of[d];
      moves = true;
      bool whole = step == Poly::atom(v) - within.poly(loop->min) &&
                   within.proves_zero(within.poly(loop->extent) - box.extent[d]);
      if (!whole) return false;
    }
    if (!moves && may_be_empty[l]) return false;
  }
  for (size_t d = 0; d < buffer->rank(); ++d) {
    bool one = loops_of[d] == 0 && within.proves_zero(box.extent[d] - Poly(1));
    if (loops_of[d] != 1 && !one) return false;
  }
  return true;
}

bool allocates(const Stmt& stmt, const Buffer& buffer) {
  struct Finder : Visitor {
    const BufferNode* buffer = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Allocate& node) override { found |= node.buffer.get() == buffer; }
  } finder;
  finder.buffer = buffer.get();
  finder.visit(stmt);
  return finder.found;
}

// Intrinsics are given parts of the copy now, whose strides are others: what they say of them must
// be certain.
class Takers : Visitor {
 public:
  Takers(const Site& site, const Context& context, const Program& program, const Buffer& tile)
      : site_(site), context_(context), program_(program), tile_(tile) {
    Poly stride(1);
    strides_.resize(tile->rank());
    for (size_t d = tile->rank(); d-- > 0; stride = stride * context.poly(tile->shape[d])) {
      strides_[d] = stride;
    }
  }
  using Visitor::visit;

 private:
  using Visitor::visit_node;
  void visit_node(const CallIntrin& node) override {
    Visitor::visit_node(node);
    const Intrinsic* intrinsic = program_.find_intrinsic(node.name);
    for (size_t i = 0; intrinsic && i < node.args.size(); ++i) {
      auto* view = node.args[i].as<View>();
      auto* formal = std::get_if<Buffer>(&intrinsic->params[i]);
      if (view && formal && view->buffer.same_as(tile_)) check(*intrinsic, *formal, *view);
    }
  }

  void check(const Intrinsic& intrinsic, const Buffer& formal, const View& view) const {
    check_alignment(intrinsic, formal, view);
    Poly compact(1);
    size_t d = formal->rank();
    for (size_t dim = view.dims.size(); dim-- > 0;) {
      if (!view.dims[dim].extent) continue;
      Poly extent = context_.poly(view.dims[dim].extent);
      Expr stride = formal->strides.empty() ? Expr() : formal->strides[--d];
      const IntImm* number = stride ? as_int(stride) : nullptr;
      bool fits = stride && is_free(intrinsic, stride);
      if (!stride) fits = context_.proves_zero(strides_[dim] - compact);
      if (number) fits = context_.proves_zero(strides_[dim] - Poly(number->value));
      if (!fits && !context_.proves_zero(extent - Poly(1))) {
        refuse("illegal-stage", site_,
               "the copy of `" + formal.name() + "` of `" + intrinsic.name +
                   "` would not have the strides that it asks for" + place_of(view.loc),
               "declare it `strided`, or stage at a loop where the copy is the operand");
      }
      compact = compact * extent;
    }
  }

  void check_alignment(const Intrinsic& intrinsic, const Buffer& formal, const View& view) const {
    int bytes = formal->type.bytes();
    if (formal->alignment <= bytes) return;
    Poly offset;
    for (size_t d = 0; d < view.dims.size(); ++d) {
      offset = offset + context_.poly(view.dims[d].min) * strides_[d];
    }
    bool aligned = offset.divided_by(Poly(formal->alignment / bytes)).has_value();
    if (aligned && tile_->alignment >= formal->alignment) return;
    refuse("illegal-stage", site_,
           "the copy of `" + formal.name() + "` of `" + intrinsic.name + "` would not lie at " +
               std::to_string(formal->alignment) + " bytes, as it asks for" + place_of(view.loc),
           "stage with align " + std::to_string(formal->alignment) +
               ", at a loop where the copy is the operand");
  }

  // A stride that nothing else tells: `strided`.
  static bool is_free(const Intrinsic& intrinsic, const Expr& stride) {
    if (!stride.as<VarNode>() || stride.as<VarNode>()->is_constant) return false;
    struct Counter : Visitor {
      const ExprNode* var = nullptr;
      int count = 0;
      using Visitor::visit_node;
      void visit_node(const VarNode& node) override { count += &node == var; }
    } counter;
    counter.var = stride.get();
    for (const Param& param : intrinsic.params) {
      auto* buffer = std::get_if<Buffer>(&param);
      if (!buffer) {
        counter.count += std::get<Var>(param).get() == stride.get();
        continue;
      }
      for (const Expr& each : (*buffer)->shape) counter.visit(each);
      for (const Expr& each : (*buffer)->strides) counter.visit(each);
    }
    return counter.count == 1;
  }

  const Site& site_;
  const Context& context_;
  const Program& program_;
  const Buffer& tile_;
  std::vector<Poly> strides_;
};

}  // namespace

Schedule& Schedule::stage(const Stage& spec) {
  Site site = find_loop(function_, spec.at);
  const For& at = site.loop();
  if (spec.space == MemorySpace::Shared) {
    bool by_all = is_lane(at.for_kind);
    for (const Scope& scope : site.scopes) {
      by_all |= scope.stmt.as<For>() && is_lane(scope.stmt.as<For>()->for_kind);
    }
    if (by_all) return stage_shared(spec);
  }
  if (spec.transposed || spec.pitch || spec.width) {
    refuse(
        "illegal-stage", site,
        "`transposed`, `pitch` and `by` are about what a workgroup copies: into shared memory, at "
        "a loop inside of lane loops",
        "bind first, or use pack, which takes any order");
  }
  if (spec.pad && spec.space != MemorySpace::Private) {
    refuse("illegal-stage", site,
           std::string("`pad` is for a copy in private memory, this one is in ") +
               to_string(spec.space),
           "leave it out, or use pack, which fills panels up");
  }
  Stmt body = inline_pure_lets(at.body);
  Accesses all = collect_accesses(body, program_);
  std::vector<Access> accesses = accesses_to_stage(site, all, spec.buffer, true);
  Buffer buffer = accesses[0].buffer;
  bool written = false, viewed = false;
  for (const Access& access : accesses) {
    written |= access.writes();
    viewed |= access.is_view;
  }
  if (all.fence && written) {
    refuse("illegal-stage", site,
           "an assert, a barrier or volatile assembly in loop `" + spec.at + "`" +
               place_of(all.fence.loc()) + " would come between writing and copying back",
           "move it out of the loop");
  }
  Context context = context_at(function_, site);
  context.enter(at);
  Box box = box_of(site, context, accesses);
  if (!box.outside.empty() && (written || viewed || spec.pad))
    refuse_outside(site, context, buffer, box);

  // The greatest extents, free of all loops if that can be.
  std::set<AtomId> outer{context.atoms().var(at.var.operator->())};
  for (const Scope& scope : site.scopes) {
    if (auto* loop = scope.stmt.as<For>()) {
      outer.insert(context.atoms().var(loop->var.operator->()));
    }
  }
  std::vector<Expr> shape, low, extent;
  for (size_t d = 0; d < buffer->rank(); ++d) {
    Poly greatest = context.bound_without(box.extent[d], outer, true).value_or(box.extent[d]);
    if (spec.space != MemorySpace::Global && !greatest.is_constant()) {
      refuse("illegal-stage", site,
             "the extent `" + print(context.expr(greatest)) + "` of `" + spec.name +
                 "` is no constant, as " + to_string(spec.space) + " memory needs",
             "split the loops inside by numbers, or stage in global memory");
    }
    Expr size = context.expr(greatest);
    shape.push_back(context.proves_nonnegative(greatest) ? size : max(Expr(0), size));
    low.push_back(context.expr(box.low[d]));
    extent.push_back(context.expr(box.extent[d]));
    for (const Expr& bound : {low[d], extent[d], shape[d]}) {
      if (!may_fail(context, bound)) continue;
      refuse("illegal-stage", site,
             "`" + print(bound) + "`, for dimension " + std::to_string(d) + " of `" + spec.name +
                 "`, divides by what is not known to be above zero at loop `" + spec.at + "`",
             "stage inside the condition that says so");
    }
  }
  Buffer tile =
      Buffer::make(spec.name, buffer->type, shape, {}, spec.space, spec.alignment, at.loc);
  DType type = buffer->type;
  Expr zero = type.is_float() ? FloatImm::make(type, 0) : IntImm::make(type, 0);
  // With `pad`: dimensions that may end before the copy does.
  std::vector<bool> partial(buffer->rank());
  bool any_partial = false;
  for (size_t d = 0; spec.pad && d < buffer->rank(); ++d) {
    partial[d] = !context.proves_nonnegative(box.extent[d] - context.poly(shape[d]));
    any_partial = any_partial || partial[d];
  }
  auto copy = [&](const char* direction, bool into) {
    std::vector<Expr> inside, outside;
    std::vector<Var> vars;
    for (size_t d = 0; d < buffer->rank(); ++d) {
      vars.push_back(Var(spec.name + "." + direction + std::to_string(d), kIndex, at.loc));
      require_new_name(vars[d].name(), at.loc);
      inside.push_back(vars[d]);
      outside.push_back(is_const(low[d], 0) ? Expr(vars[d]) : low[d] + Expr(vars[d]));
    }
    auto loops = [&](Stmt stmt, size_t first, size_t end) {
      for (size_t d = end; d-- > first;) {
        stmt = For::make(ForKind::Serial, vars[d], Expr(0), extent[d], stmt, at.loc);
      }
      return stmt;
    };
    if (spec.pad) {
      // Loops of constant bounds, which become straight code, so that the copy stays in registers.
      Context in = context;
      for (size_t d = 0; d < buffer->rank(); ++d) {
        in.enter(
            *For::make(ForKind::Serial, vars[d], Expr(0), shape[d], Block::make({})).as<For>());
      }
      std::vector<Expr> exists(buffer->rank());
      Expr all, value = into ? Load::make(buffer, outside) : Load::make(tile, inside);
      for (size_t d = 0; d < buffer->rank(); ++d) {
        if (partial[d]) exists[d] = below(in, vars[d], extent[d]);
        if (exists[d]) all = all ? logical_and(all, exists[d]) : exists[d];
      }
      if (into && all) value = Select::make(all, value, zero);
      Stmt stmt = into ? Store::make(tile, inside, value, at.loc)
                       : Store::make(buffer, outside, value, at.loc);
      for (size_t d = buffer->rank(); d-- > 0;) {
        if (!into && exists[d]) stmt = If::make(exists[d], Block::make({stmt}), {}, at.loc);
        stmt =
            For::make(ForKind::Unrolled, vars[d], Expr(0), shape[d], Block::make({stmt}), at.loc);
      }
      return stmt;
    }
    Stmt stmt = into ? Store::make(tile, inside, Load::make(buffer, outside), at.loc)
                     : Store::make(buffer, outside, Load::make(tile, inside), at.loc);
    if (box.outside.empty()) return loops(stmt, 0, buffer->rank());
    // The guard is asked outside of the loops that it does not depend on.
    Expr guard = common_guard(site, context, body, buffer, box, vars);
    Context in = context;
    size_t guarded = 0;
    for (size_t d = 0; d < buffer->rank(); ++d) {
      if (uses_any(guard, {vars[d].get()})) guarded = d + 1;
      in.enter(*For::make(ForKind::Serial, vars[d], Expr(0), extent[d], Block::make({})).as<For>());
    }
    in.assume(guard);
    for (size_t d : box.outside) {
      Poly index = in.poly(outside[d]);
      bool inside_buffer =
          in.proves_nonnegative(index) && in.proves_positive(in.poly(buffer->shape[d]) - index);
      if (!inside_buffer) refuse_outside(site, context, buffer, box);
    }
    Stmt fill = unshare(loops(Store::make(tile, inside, zero, at.loc), guarded, buffer->rank()));
    return loops(If::make(guard, Block::make({loops(stmt, guarded, buffer->rank())}),
                          Block::make({copy_with_suffix(fill, "_zero")}), at.loc),
                 0, guarded);
  };
  // No copying in where the body begins by filling the whole, always or on a condition.
  const std::vector<Stmt>& stmts = body.as<Block>()->stmts;
  Stmt first;
  for (const Stmt& stmt : stmts) {
    bool touches = false;
    for (const Access& access : collect_accesses(stmt, program_).list) {
      touches |= access.buffer.same_as(buffer);
    }
    if (touches) {
      first = stmt;
      break;
    }
  }
  std::vector<Stmt> result{Allocate::make(tile, at.loc)};
  auto* branch = first.as<If>();
  bool on_condition = branch && !branch->else_body && is_pure(branch->condition) &&
                      branch->then_body.as<Block>()->stmts.size() == 1;
  auto fill_up = [&] {
    if (!any_partial) return;
    std::vector<Expr> place;
    std::vector<Var> vars;
    for (size_t d = 0; d < buffer->rank(); ++d) {
      vars.push_back(Var(spec.name + ".zero" + std::to_string(d), kIndex, at.loc));
      place.push_back(vars[d]);
    }
    Stmt stmt = Store::make(tile, place, zero, at.loc);
    for (size_t d = buffer->rank(); d-- > 0;) {
      stmt = For::make(ForKind::Unrolled, vars[d], Expr(0), shape[d], Block::make({stmt}), at.loc);
    }
    result.push_back(stmt);
  };
  bool filled = fills(context, first, buffer, box);
  if (on_condition && fills(context, branch->then_body.as<Block>()->stmts[0], buffer, box)) {
    fill_up();
    result.push_back(If::make(Unary::make(UnaryOp::Not, branch->condition),
                              Block::make({copy("in", true)}), {}, at.loc));
  } else if (filled) {
    fill_up();
  } else {
    // What the body leaves alone must survive copying back. Where it begins by writing a part, the
    // rest may never have been written.
    if (accesses[0].kind == AccessKind::Write) {
      refuse("illegal-stage", site,
             "loop `" + spec.at + "` begins by writing `" + spec.buffer +
                 "`, and is not known to write the whole part",
             "stage at a loop whose body writes a whole tile");
    }
    result.push_back(copy("in", true));
  }
  IndexMap map = [&](const std::vector<Expr>& indices) {
    std::vector<Expr> mapped;
    for (size_t d = 0; d < indices.size(); ++d) {
      mapped.push_back(is_const(low[d], 0) ? indices[d] : tidy(context, indices[d] - low[d]));
    }
    return mapped;
  };
  for (const Stmt& stmt : stmts) {
    result.push_back(redirect(stmt, buffer, tile, map, !box.outside.empty()));
  }
  if (written) result.push_back(copy("out", false));
  Takers takers(site, context, program_, tile);
  for (const Stmt& stmt : result) takers.visit(stmt);
  Stmt root = replace(function_.body, {{site.self.get(), {with_body(at, std::move(result))}}});
  // Copying back writes the whole box: loops that run side by side around it are asked again.
  Function changed = function_;
  changed.body = root;
  for (const Site& around : all_loops(root)) {
    const For& loop = around.loop();
    if (loop.for_kind == ForKind::Serial || loop.for_kind == ForKind::Unrolled) continue;
    if (!allocates(around.self, tile)) continue;
    auto conflict =
        find_carried(context_at(changed, around), collect_accesses(around.self, program_), {&loop});
    if (conflict) {
      refuse("illegal-stage", site,
             "iterations of the " + std::string(to_string(loop.for_kind)) + " loop `" +
                 loop.var.name() + "` would copy over each other's elements",
             *conflict, "stage before that step");
    }
  }
  if (spec.pad) whole_[tile.get()] = extent;
  std::string text = "stage " + spec.buffer + " at " + spec.at + " as " + spec.name +
                     (spec.pad ? " pad" : "") + " align " + std::to_string(spec.alignment) +
                     " in " + to_string(spec.space);
  return commit(std::move(text), root);
}

}  // namespace inlay
