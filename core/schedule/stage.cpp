// stage: the part of a buffer that a loop's body touches is copied into a buffer of its own, worked
// on there, and what was written copied back.
#include <algorithm>
#include <cmath>

#include "core/ir/visitor.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

namespace inlay {

namespace {

struct Box {
  std::vector<Poly> low, extent;
  std::set<size_t> outside;  // dimensions in which it may reach out of the buffer
};

// The smallest box that `accesses` (of one buffer, below `context`) are known to lie in.
Box box_of(const Site& site, const Context& context, const std::vector<Access>& accesses) {
  Box box;
  const Buffer& buffer = accesses[0].buffer;
  std::vector<Poly> high(buffer->rank());
  box.low.resize(buffer->rank());
  for (size_t a = 0; a < accesses.size(); ++a) {
    const Access& access = accesses[a];
    Context within = context;
    std::set<AtomId> inner;
    for (const Scope& scope : access.scopes) {
      enter_scope(within, scope);
      const VarNode* var = nullptr;
      if (auto* loop = scope.stmt.as<For>()) var = loop->var.operator->();
      if (auto* let = scope.stmt.as<Let>()) var = let->var.operator->();
      if (var) inner.insert(within.atoms().var(var));
    }
    for (size_t d = 0; d < buffer->rank(); ++d) {
      Poly index = within.poly(access.indices[d]);
      auto low = within.tightest_without(index, inner, false);
      auto top = within.tightest_without(index, inner, true);
      if (!low || !top) {
        refuse("illegal-stage", site,
               "no bounds are known for `" + describe(access) + "` in loop `" + site.name() + "`",
               "stage further in, or split loops by numbers");
      }
      if (a == 0) {
        box.low[d] = *low;
        high[d] = *top;
        continue;
      }
      auto wider = [&](Poly& bound, const Poly& other, bool lower) {
        Poly difference = lower ? bound - other : other - bound;
        if (context.proves_nonnegative(-difference)) return;
        if (!context.proves_nonnegative(difference)) {
          refuse("illegal-stage", site,
                 "the parts of `" + buffer.name() + "` that loop `" + site.name() +
                     "` accesses can't be compared: `" + print(context.expr(bound)) + "` and `" +
                     print(context.expr(other)) + "`",
                 "stage further in");
        }
        bound = other;
      };
      wider(box.low[d], *low, true);
      wider(high[d], *top, false);
    }
  }
  for (size_t d = 0; d < buffer->rank(); ++d) {
    box.extent.push_back(high[d] - box.low[d] + Poly(1));
    bool inside = context.proves_nonnegative(box.low[d]) &&
                  context.proves_positive(context.poly(buffer->shape[d]) - high[d]);
    if (!inside) box.outside.insert(d);
  }
  return box;
}

[[noreturn]] void refuse_outside(const Site& site, const Context& context, const Buffer& buffer,
                                 const Box& box) {
  size_t d = *box.outside.begin();
  refuse("illegal-stage", site,
         "the part `" + print(context.expr(box.low[d])) + ".." +
             print(context.expr(box.low[d] + box.extent[d])) + "` of dimension " +
             std::to_string(d) + " of `" + buffer.name() + "` is not known to be in bounds",
         "stage inside the guard that keeps it there, or guard each read with select and zero, as "
         "in select(0 <= i && i < n, x[i], 0.0)");
}

bool is_zero(const Expr& expr) {
  if (auto* number = expr.as<FloatImm>()) return number->value == 0 && !std::signbit(number->value);
  auto* number = expr.as<IntImm>();
  return number && number->value == 0;
}

// What select(condition, x[...], 0) asks, as a condition on the place in the box: `position[d]` is
// the index of dimension d, counted from the box's corner. Null where that can't be said.
class GuardOverBox {
 public:
  GuardOverBox(const Context& within, const std::set<AtomId>& inner, const Load& load,
               const Box& box, const std::vector<Var>& position)
      : within_(within), inner_(inner) {
    for (size_t d = 0; d < position.size(); ++d) {
      indices_.push_back(within.poly(load.indices[d]));
      places_.push_back(box.low[d] + Poly::atom(within.atoms().var(position[d].operator->())));
    }
  }

  Expr of(const Expr& condition) const {
    auto* binary = condition.as<Binary>();
    if (!binary) return {};
    switch (binary->op) {
      case BinaryOp::And: {
        Expr a = of(binary->a), b = of(binary->b);
        return a && b ? logical_and(a, b) : Expr();
      }
      case BinaryOp::Lt:
      case BinaryOp::Le:
      case BinaryOp::Gt:
      case BinaryOp::Ge:
        break;
      default:
        return {};
    }
    if (binary->a.type() != kIndex) return {};
    // a op b is 0 op b - a.
    Poly difference = within_.poly(binary->b) - within_.poly(binary->a);
    if (!within_.depends(difference, inner_)) return compare(binary->op, difference);
    for (size_t d = 0; d < indices_.size(); ++d) {
      for (int sign : {1, -1}) {
        Poly rest = difference - Poly(sign) * indices_[d];
        if (within_.depends(rest, inner_)) continue;
        return compare(binary->op, rest + Poly(sign) * places_[d]);
      }
    }
    return {};
  }

 private:
  Expr compare(BinaryOp op, const Poly& value) const {
    return Binary::make(op, Expr(0), within_.expr(value));
  }

  const Context& within_;
  const std::set<AtomId>& inner_;
  std::vector<Poly> indices_, places_;
};

// The reads of a buffer, each with the select around it, if there is one.
struct GuardedReads : Visitor {
  struct Read {
    const Select* guard = nullptr;
    const Load* load = nullptr;
    std::vector<Scope> scopes;
  };
  const BufferNode* buffer = nullptr;
  std::vector<Read> reads;
  std::vector<Scope> scopes;
  Stmt current;

  using Visitor::visit_node;
  void visit_node(const Block& node) override {
    size_t depth = scopes.size();
    for (const Stmt& stmt : node.stmts) {
      current = stmt;
      visit(stmt);
      if (stmt.as<Let>()) scopes.push_back({stmt, true});
    }
    scopes.resize(depth);
  }
  void visit_node(const For& node) override { within({current, true}, node.body); }
  void visit_node(const If& node) override {
    Stmt self = current;
    visit(node.condition);
    within({self, true}, node.then_body);
    if (node.else_body) within({self, false}, node.else_body);
  }
  void visit_node(const Select& node) override {
    auto* load = node.a.as<Load>();
    if (load && load->buffer.get() == buffer && is_zero(node.b)) {
      reads.push_back({&node, load, scopes});
    } else {
      Visitor::visit_node(node);
    }
  }
  void visit_node(const Load& node) override {
    if (node.buffer.get() == buffer) reads.push_back({nullptr, &node, scopes});
    Visitor::visit_node(node);
  }

 private:
  void within(Scope scope, const Stmt& body) {
    scopes.push_back(std::move(scope));
    visit(body);
    scopes.pop_back();
  }
};

// What all reads of `buffer` in `body` ask before they read, over the places of the box; refused
// where one does not ask, or another thing.
Expr common_guard(const Site& site, const Context& context, const Stmt& body, const Buffer& buffer,
                  const Box& box, const std::vector<Var>& position) {
  GuardedReads finder;
  finder.buffer = buffer.get();
  finder.visit(body);
  Expr guard;
  for (const GuardedReads::Read& read : finder.reads) {
    Context within = context;
    std::set<AtomId> inner;
    for (const Scope& scope : read.scopes) {
      enter_scope(within, scope);
      if (auto* loop = scope.stmt.as<For>()) {
        inner.insert(within.atoms().var(loop->var.operator->()));
      }
      if (auto* let = scope.stmt.as<Let>()) {
        inner.insert(within.atoms().var(let->var.operator->()));
      }
    }
    if (!read.guard) refuse_outside(site, context, buffer, box);
    Expr own = GuardOverBox(within, inner, *read.load, box, position).of(read.guard->condition);
    if (!own || (guard && print(guard) != print(own))) {
      refuse("illegal-stage", site,
             "the guard `" + print(read.guard->condition) + "` of a read of `" + buffer.name() +
                 "` " + (own ? "is not that of the others" : "does not follow from where it reads"),
             "let the guard compare the indices of the read with their bounds, as in "
             "select(0 <= i && i < n, x[i], 0.0)");
    }
    guard = own;
  }
  return guard;
}

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

struct Redirect : Mutator {
  const BufferNode* from = nullptr;
  Buffer to;
  std::function<std::vector<Expr>(const std::vector<Expr>&)> map;
  bool drop_guards = false;  // the copy holds zeros where the guards don't hold
  using Mutator::mutate_node;
  Expr mutate_node(const Select& node, const Expr& self) override {
    auto* load = node.a.as<Load>();
    bool guarded = drop_guards && load && load->buffer.get() == from;
    return guarded ? mutate(node.a) : Mutator::mutate_node(node, self);
  }
  Expr mutate_node(const Load& node, const Expr& self) override {
    if (node.buffer.get() != from) return Mutator::mutate_node(node, self);
    return Load::make(to, map(mutate(node.indices)), node.loc);
  }
  Stmt mutate_node(const Store& node, const Stmt& self) override {
    if (node.buffer.get() != from) return Mutator::mutate_node(node, self);
    return Store::make(to, map(mutate(node.indices)), mutate(node.value), node.loc);
  }
};

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

}  // namespace

Schedule& Schedule::stage(const Stage& spec) {
  Site site = find_loop(function_, spec.at);
  const For& at = site.loop();
  Stmt body = inline_pure_lets(at.body);
  Accesses all = collect_accesses(body, program_);
  std::vector<Access> accesses;
  std::vector<std::string> names;
  for (const Access& access : all.list) {
    names.push_back(access.buffer.name());
    if (access.buffer.name() == spec.buffer && !access.is_local) accesses.push_back(access);
  }
  if (accesses.empty()) {
    auto nearest = nearest_names(spec.buffer, names);
    refuse(
        "unknown-buffer", site,
        "the body of loop `" + spec.at + "` accesses no buffer `" + spec.buffer + "` from outside",
        nearest.empty() ? "" : "did you mean `" + nearest[0] + "`?");
  }
  Buffer buffer = accesses[0].buffer;
  bool written = false;
  for (const Access& access : accesses) {
    if (access.unknown || !access.extents.empty() || !access.buffer.same_as(buffer)) {
      refuse("illegal-stage", site,
             "`" + spec.buffer + "` is accessed by vectors or calls in loop `" + spec.at + "`",
             "stage before tensorize and vector code");
    }
    written |= access.writes();
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
  if (!box.outside.empty() && written) refuse_outside(site, context, buffer, box);

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
    if (spec.space == MemorySpace::Private && !greatest.is_constant()) {
      refuse("illegal-stage", site,
             "the extent `" + print(context.expr(greatest)) + "` of `" + spec.name +
                 "` is no constant, as private memory needs",
             "split the loops inside by numbers, or stage in global memory");
    }
    Expr size = context.expr(greatest);
    shape.push_back(context.proves_nonnegative(greatest) ? size : max(Expr(0), size));
    low.push_back(context.expr(box.low[d]));
    extent.push_back(context.expr(box.extent[d]));
  }
  Buffer tile =
      Buffer::make(spec.name, buffer->type, shape, {}, spec.space, spec.alignment, at.loc);
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
    DType type = buffer->type;
    Expr zero = type.is_float() ? FloatImm::make(type, 0) : IntImm::make(type, 0);
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
  if (on_condition && fills(context, branch->then_body.as<Block>()->stmts[0], buffer, box)) {
    result.push_back(If::make(Unary::make(UnaryOp::Not, branch->condition),
                              Block::make({copy("in", true)}), {}, at.loc));
  } else if (!fills(context, first, buffer, box)) {
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
  Redirect redirect;
  redirect.from = buffer.get();
  redirect.to = tile;
  redirect.drop_guards = !box.outside.empty();
  redirect.map = [&](const std::vector<Expr>& indices) {
    std::vector<Expr> mapped;
    for (size_t d = 0; d < indices.size(); ++d) {
      mapped.push_back(is_const(low[d], 0) ? indices[d] : tidy(context, indices[d] - low[d]));
    }
    return mapped;
  };
  for (const Stmt& stmt : stmts) result.push_back(redirect.mutate(stmt));
  if (written) result.push_back(copy("out", false));
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
  std::string text = "stage " + spec.buffer + " at " + spec.at + " as " + spec.name + " align " +
                     std::to_string(spec.alignment) + " in " + to_string(spec.space);
  return commit(std::move(text), root);
}

}  // namespace inlay
