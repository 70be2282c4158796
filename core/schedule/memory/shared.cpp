// stage ... in shared, at a loop inside of lane loops: the workgroup's work-items copy together
// what all of them read in one iteration.
//
// Work-item t of W copies groups t, t + W, t + 2 W ... of `width` elements each, in the order of
// the original's memory, so that neighbours read neighbouring addresses. A group goes through
// registers: all loads are on their way before the first is waited for, and pipeline can move them
// ahead. In the body of the loop stand
//
//   loads of all copies | barrier | stores of all copies | barrier | what it was
//
// The first barrier lets those finish who read what the iteration before had copied, and is there
// only if there is one; the second waits for the copy, unless each work-item reads only what it has
// copied itself. A copy is as large as it can become at most, zeros where the original ends.
#include <algorithm>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/memory/box.h"
#include "core/text/text.h"

namespace inlay {

namespace {

const char* const kRule = "illegal-stage";
// A work-item's loads are of at most 16 bytes.
constexpr int64_t kWidestBytes = 16;
// Loads of a work-item, which are written out one by one.
constexpr int64_t kMostGroups = 64;

Expr conjunction(const Expr& a, const Expr& b) {
  return !a ? b : !b ? a : logical_and(a, b);
}

// The lane loops around a place, outermost first, and what depends on the lane.
struct Workgroup {
  std::vector<const For*> lanes;
  Stmt outermost;
  std::set<const ExprNode*> vars;
  std::set<AtomId> atoms;
  int64_t size = 1;
  Expr item;  // number of the work-item, x first
};

// Refuses where work-items would come to the place at different times, or not all of them.
Workgroup workgroup_at(const std::string& rule, const Site& site, const Context& context,
                       const std::vector<Scope>& scopes) {
  Workgroup group;
  for (const Scope& scope : scopes) {
    auto* loop = scope.stmt.as<For>();
    auto* let = scope.stmt.as<Let>();
    auto* branch = scope.stmt.as<If>();
    if (loop && is_lane(loop->for_kind)) {
      if (group.lanes.empty()) group.outermost = scope.stmt;
      group.lanes.push_back(loop);
      group.vars.insert(loop->var.get());
      continue;
    }
    if (group.lanes.empty()) continue;
    auto differs = [&](const Expr& expr) { return !is_pure(expr) || uses_any(expr, group.vars); };
    if (let && differs(let->value)) group.vars.insert(let->var.get());
    bool at_once =
        loop && (loop->for_kind == ForKind::Vectorized || loop->for_kind == ForKind::Parallel);
    if (at_once) {
      refuse(rule, site,
             "loop `" + loop->var.name() + "` is " + to_string(loop->for_kind) +
                 ", and no place for a barrier",
             "do it outside of that loop");
    }
    bool divergent = (loop && (differs(loop->min) || differs(loop->extent))) ||
                     (branch && differs(branch->condition));
    if (!divergent) continue;
    refuse(rule, site,
           "work-items would not all come to a barrier at loop `" + site.name() + "`: " +
               (loop ? "the bounds of loop `" + loop->var.name() + "`"
                     : "the condition `" + print(branch->condition) + "`") +
               place_of(scope.stmt.loc()) + " may differ between them",
           "do it outside of that, at a loop that all work-items run through alike");
  }
  for (size_t l = 0; l + 1 < group.lanes.size(); ++l) {
    for (const Stmt& stmt : body_of(*group.lanes[l])) {
      if (stmt.get() == group.lanes[l + 1] || stmt.as<Let>() || is_hint(stmt)) continue;
      refuse(rule, site,
             "between the lane loops `" + group.lanes[l]->var.name() + "` and `" +
                 group.lanes[l + 1]->var.name() + "` stands a statement" + place_of(stmt.loc()) +
                 ", which would not be done between two barriers",
             "bring them together with reorder or fission, before bind");
    }
  }
  for (const Site& inside : all_loops(site.loop().body)) {
    if (!is_lane(inside.loop().for_kind)) continue;
    refuse(rule, site,
           "the lane loop `" + inside.name() + "` is inside of loop `" + site.name() + "`",
           "do it at a loop inside of all lane loops");
  }
  for (const ExprNode* var : group.vars) {
    group.atoms.insert(context.atoms().var(static_cast<const VarNode*>(var)));
  }
  // Number in the workgroup: x runs fastest.
  for (ForKind kind : {ForKind::LaneX, ForKind::LaneY, ForKind::LaneZ}) {
    for (const For* lane : group.lanes) {
      if (lane->for_kind != kind) continue;
      Poly extent = context.poly(lane->extent);
      if (!extent.is_constant()) {
        refuse(rule, site,
               "the extent `" + print(lane->extent) + "` of the lane loop `" + lane->var.name() +
                   "` is no number",
               "split it by a number");
      }
      Expr at = is_const(lane->min, 0) ? Expr(lane->var) : Expr(lane->var) - lane->min;
      if (group.size > 1) at = at * Expr(group.size);
      group.item = group.item ? group.item + at : at;
      group.size *= extent.constant();
    }
  }
  return group;
}

// One copy: its shape, and who copies what.
struct Plan {
  std::vector<Expr> low;         // of the box, in the original
  std::vector<int64_t> extents;  // of the copy, in the order of the original's dimensions
  std::vector<Expr> existing;    // of these, how many exist; null: all
  int64_t width = 1;
  int64_t groups = 0;  // of `width` elements
  int64_t turns = 0;   // groups of a work-item, at most
};

bool contiguous(const Buffer& buffer) {
  return buffer->strides.empty() || is_const(buffer->strides.back(), 1);
}

void choose_width(const Site& site, const Stage& spec, const Buffer& buffer, const Workgroup& group,
                  Plan& plan) {
  int64_t total = 1, row = plan.extents.empty() ? 1 : plan.extents.back();
  for (int64_t extent : plan.extents) {
    if (__builtin_mul_overflow(total, extent, &total)) total = INT64_MAX;
  }
  if (spec.width) {
    bool fits = row % spec.width == 0 && spec.width * buffer->type.bytes() <= kWidestBytes &&
                (spec.width == 1 || contiguous(buffer));
    if (!fits) {
      refuse(kRule, site,
             "a work-item can't copy " + std::to_string(spec.width) + " elements of `" +
                 buffer.name() + "` at once: rows have " + std::to_string(row) +
                 ", 16 bytes is most, and neighbours must lie side by side",
             "say by 1, or leave it out");
    }
    plan.width = spec.width;
  } else if (contiguous(buffer)) {
    for (int64_t width : {4, 2}) {
      if (plan.width > 1 || row % width || width * buffer->type.bytes() > kWidestBytes) continue;
      // Every work-item has something to do.
      if (total / width >= group.size) plan.width = width;
    }
  }
  plan.groups = total / plan.width;
  plan.turns = (plan.groups + group.size - 1) / group.size;
  if (plan.turns > kMostGroups) {
    refuse(kRule, site,
           "each of the " + std::to_string(group.size) + " work-items would copy " +
               std::to_string(plan.turns) + " groups of " + std::to_string(plan.width) +
               " elements of `" + buffer.name() + "`, at most " + std::to_string(kMostGroups) +
               " are written out",
           "stage further in, or split the loops by smaller numbers");
  }
}

// Place of element `e` of a group in the box.
std::vector<Expr> place_in_box(const Plan& plan, const Expr& number, const Expr& e) {
  std::vector<Expr> place(plan.extents.size());
  Expr rest = number;
  int64_t left = plan.groups;
  for (size_t d = plan.extents.size(); d-- > 0;) {
    bool last = d + 1 == plan.extents.size();
    int64_t extent = last ? plan.extents[d] / plan.width : plan.extents[d];
    left /= std::max<int64_t>(extent, 1);
    Expr digit = extent == 1 ? Expr(0) : left == 1 ? rest : rest % Expr(extent);
    if (extent > 1 && left > 1) rest = rest / Expr(extent);
    if (last && plan.width > 1) {
      digit = is_const(digit, 0) ? Expr(0) : digit * Expr(plan.width);
      digit = is_const(e, 0) ? digit : is_const(digit, 0) ? e : digit + e;
    }
    place[d] = digit;
  }
  return place;
}

Expr sum(const Expr& a, const Expr& b) {
  return is_const(a, 0) ? b : is_const(b, 0) ? a : a + b;
}

// The last two dimensions change places.
template <typename T>
std::vector<T> swapped(std::vector<T> list, bool transposed) {
  if (transposed) std::swap(list[list.size() - 1], list[list.size() - 2]);
  return list;
}

Expr vector_of(const Expr& first, int64_t lanes) {
  return lanes == 1 ? first : Ramp::make(first, Expr(1), static_cast<int>(lanes));
}

Stmt unrolled(const std::string& name, int64_t extent, const Loc& loc,
              const std::function<Stmt(const Expr&)>& body) {
  if (extent == 1) return body(Expr(0));
  Var var(name, kIndex, loc);
  return For::make(ForKind::Unrolled, var, Expr(0), Expr(extent), Block::make({body(var)}), loc);
}

// True if each of `accesses` reads only what its work-item copies.
bool reads_own(const Context& context, const Plan& plan, const Workgroup& group,
               const std::vector<Access>& accesses) {
  for (const Access& access : accesses) {
    Context within = context;
    for (const Scope& scope : access.scopes) enter_scope(within, scope);
    Poly place;
    int64_t stride = 1;
    for (size_t d = plan.extents.size(); d-- > 0;) {
      Poly digit = within.poly(access.indices[d]) - within.poly(plan.low[d]);
      place = place + Poly(stride) * digit;
      stride *= plan.extents[d];
    }
    Poly number = within.atoms().floor_div(place, Poly(plan.width));
    Poly turn = within.atoms().floor_div(number, Poly(group.size));
    if (!within.proves_zero(number - Poly(group.size) * turn - within.poly(group.item))) {
      return false;
    }
  }
  return true;
}

void add_conjuncts(const Expr& condition, std::vector<Expr>& list) {
  auto* binary = condition.as<Binary>();
  if (binary && binary->op == BinaryOp::And) {
    add_conjuncts(binary->a, list);
    add_conjuncts(binary->b, list);
  } else if (std::none_of(list.begin(), list.end(),
                          [&](const Expr& other) { return equal(condition, other); })) {
    list.push_back(condition);
  }
}

// One condition for all copies, so that nothing stands between their loads: the other branch is
// right for whole copies, too.
void append_copy(std::vector<Stmt>& copies, const Stmt& stmt) {
  const If* last = copies.empty() ? nullptr : copies.back().as<If>();
  const If* next = stmt.as<If>();
  if (!last || !next || !last->else_body || !next->else_body) {
    copies.push_back(stmt);
    return;
  }
  std::vector<Expr> conjuncts;
  add_conjuncts(last->condition, conjuncts);
  add_conjuncts(next->condition, conjuncts);
  Expr condition;
  for (const Expr& each : conjuncts) condition = conjunction(condition, each);
  auto joined_block = [](const Stmt& a, const Stmt& b) {
    std::vector<Stmt> stmts = a.as<Block>()->stmts;
    const std::vector<Stmt>& more = b.as<Block>()->stmts;
    stmts.insert(stmts.end(), more.begin(), more.end());
    return Block::make(std::move(stmts));
  };
  copies.back() = If::make(condition, joined_block(last->then_body, next->then_body),
                           joined_block(last->else_body, next->else_body), next->loc);
}

}  // namespace

bool is_repeated(const Context& context, const std::vector<Scope>& scopes) {
  bool inside = false;
  for (const Scope& scope : scopes) {
    auto* loop = scope.stmt.as<For>();
    if (!loop) continue;
    inside |= is_lane(loop->for_kind);
    if (!inside || is_lane(loop->for_kind)) continue;
    if (!context.proves_nonnegative(Poly(1) - context.poly(loop->extent))) return true;
  }
  return false;
}

Schedule::CopyParts Schedule::copy_parts(const std::vector<Stmt>& body) const {
  std::set<const BufferNode*> registers;
  for (const auto& [tile, copy] : shared_) registers.insert(copy.registers.get());
  struct Stores : Visitor {
    std::set<const BufferNode*> written;
    using Visitor::visit_node;
    void visit_node(const Store& node) override { written.insert(node.buffer.get()); }
    void visit_node(const Evaluate&) override { written.insert(nullptr); }
    void visit_node(const Barrier&) override { written.insert(nullptr); }
  };
  auto writes_only = [](const Stmt& stmt, auto&& known) {
    Stores stores;
    stores.visit(stmt);
    return !stores.written.empty() &&
           std::all_of(stores.written.begin(), stores.written.end(), known);
  };
  auto is_load = [&](const Stmt& stmt) {
    auto* allocate = stmt.as<Allocate>();
    if (allocate) return registers.count(allocate->buffer.get()) != 0;
    return writes_only(stmt,
                       [&](const BufferNode* buffer) { return registers.count(buffer) != 0; });
  };
  auto is_store = [&](const Stmt& stmt) {
    return writes_only(stmt, [&](const BufferNode* buffer) { return shared_.count(buffer) != 0; });
  };
  CopyParts parts;
  size_t at = 0;
  while (at < body.size() && is_load(body[at])) parts.loads.push_back(body[at++]);
  bool waits = at + 1 < body.size() && body[at].as<Barrier>() && is_store(body[at + 1]);
  if (waits) ++at;
  while (at < body.size() && is_store(body[at])) parts.stores.push_back(body[at++]);
  parts.waits_before = waits;
  parts.waits = !parts.stores.empty() && at < body.size() && body[at].as<Barrier>();
  if (parts.waits) ++at;
  parts.rest.assign(body.begin() + at, body.end());
  return parts;
}

Schedule& Schedule::stage_shared(const Stage& spec) {
  Site site = find_loop(function_, spec.at);
  const For& at = site.loop();
  const Loc& loc = at.loc;
  Context context = context_at(function_, site);
  std::vector<Scope> scopes = site.scopes;
  scopes.push_back({site.self, true});
  Workgroup group = workgroup_at(kRule, site, context, scopes);
  context.enter(at);
  Stmt body = inline_pure_lets(at.body);
  std::vector<Access> accesses =
      accesses_to_stage(site, collect_accesses(body, program_), spec.buffer, false);
  Buffer buffer = accesses[0].buffer;
  for (const Access& access : collect_accesses(group.outermost, program_).list) {
    if (!access.buffer.same_as(buffer) || !access.writes()) continue;
    refuse(kRule, site,
           "`" + buffer.name() + "` is written by the workgroup, so that a copy would go stale",
           Conflict{access, accesses[0], {}},
           "stage it in private memory, which copies back, or name what is only read");
  }
  if (buffer->space == MemorySpace::Private) {
    refuse(kRule, site, "`" + buffer.name() + "` is private: other work-items can't copy it",
           "stage what is in global memory");
  }
  if (buffer->rank() < (spec.transposed ? 2u : 1u)) {
    refuse(kRule, site,
           "`" + buffer.name() + "` has " + std::to_string(buffer->rank()) + " dimensions" +
               (spec.transposed ? ", two are needed to change places" : ", so it is no part"),
           spec.transposed ? "leave `transposed` out" : "read it into a private buffer");
  }
  Box box = box_of(site, context, accesses, group.atoms);

  Plan plan;
  for (size_t d = 0; d < buffer->rank(); ++d) {
    auto greatest = greatest_number(context, box.extent[d]);
    Expr extent = context.expr(box.extent[d]);
    if (!greatest || *greatest < 1) {
      refuse(kRule, site,
             "the extent `" + print(extent) + "` of dimension " + std::to_string(d) + " of `" +
                 spec.name + "` is no number, as shared memory needs",
             "split the loops inside by numbers");
    }
    plan.low.push_back(context.expr(box.low[d]));
    plan.extents.push_back(*greatest);
    bool all = context.proves_nonnegative(box.extent[d] - Poly(*greatest));
    // Of min(greatest, rest) the rest says it.
    auto partial = partial_extent(context, extent);
    if (partial && partial->full == Poly(*greatest)) extent = context.expr(partial->rest);
    plan.existing.push_back(all ? Expr() : extent);
  }
  choose_width(site, spec, buffer, group, plan);

  std::vector<int64_t> sizes = swapped(plan.extents, spec.transposed);
  std::vector<Expr> shape(sizes.begin(), sizes.end()), strides;
  if (spec.pitch && spec.pitch != sizes.back()) {
    if (spec.pitch < sizes.back() || sizes.size() < 2) {
      refuse(kRule, site,
             "rows of `" + spec.name + "` are " + std::to_string(sizes.back()) +
                 " elements long, a pitch of " + std::to_string(spec.pitch) +
                 (sizes.size() < 2 ? " needs two dimensions" : " is too small"),
             "the pitch is how many elements a row is after the one before");
    }
    strides.resize(sizes.size());
    int64_t stride = 1;
    for (size_t d = sizes.size(); d-- > 0;) {
      strides[d] = Expr(stride);
      stride *= d + 1 == sizes.size() ? spec.pitch : sizes[d];
    }
  }
  Buffer tile = Buffer::make(spec.name, buffer->type, shape, strides, MemorySpace::Shared,
                             spec.alignment, loc);
  std::vector<Expr> held{Expr(plan.turns), Expr(plan.width)};
  Buffer registers = Buffer::make(spec.name + ".in", buffer->type, held, {}, MemorySpace::Private,
                                  spec.alignment, loc);

  // What the reads ask, as conditions on a place in the box: one by one, and of the whole box.
  std::vector<Var> position;
  for (size_t d = 0; d < buffer->rank(); ++d) {
    position.push_back(Var(spec.name + ".d" + std::to_string(d), kIndex, loc));
  }
  Expr guard;
  if (!box.outside.empty()) {
    guard = common_guard(site, context, body, buffer, box, position, group.atoms);
    Context in = context;
    for (size_t d = 0; d < buffer->rank(); ++d) {
      in.enter(*For::make(ForKind::Serial, position[d], Expr(0), context.expr(box.extent[d]),
                          Block::make({}))
                    .as<For>());
    }
    in.assume(guard);
    for (size_t d : box.outside) {
      Poly index = in.poly(sum(plan.low[d], position[d]));
      bool inside =
          in.proves_nonnegative(index) && in.proves_positive(in.poly(buffer->shape[d]) - index);
      if (!inside) refuse_outside(site, context, buffer, box);
    }
  }
  auto condition_at = [&](const std::vector<Expr>& place) {
    Expr condition;
    Substitution values;
    for (size_t d = 0; d < place.size(); ++d) {
      values.vars[position[d].get()] = place[d];
      if (plan.existing[d]) condition = conjunction(condition, lt(place[d], plan.existing[d]));
    }
    return conjunction(condition, guard ? substitute(guard, values) : Expr());
  };
  // Where there is something to read at all, work-items beyond the edge read the last element there
  // is, and store zero: no branch stands between the loads. Else they ask before they read.
  bool clamps = true;
  for (size_t d = 0; d < buffer->rank(); ++d) {
    if (plan.existing[d]) clamps &= context.proves_positive(context.poly(plan.existing[d]));
    if (box.outside.count(d)) clamps &= context.proves_positive(context.poly(buffer->shape[d]));
  }
  // Each comparison is linear in one place: what holds at both corners holds between them.
  Expr whole;
  std::vector<Expr> first(buffer->rank(), Expr(0)), last;
  for (int64_t extent : plan.extents) last.push_back(Expr(extent - 1));
  for (size_t d = 0; d < buffer->rank(); ++d) {
    if (plan.existing[d]) whole = conjunction(whole, le(Expr(plan.extents[d]), plan.existing[d]));
  }
  if (guard) {
    for (const std::vector<Expr>& corner : {first, last}) {
      Substitution values;
      for (size_t d = 0; d < corner.size(); ++d) values.vars[position[d].get()] = corner[d];
      whole = conjunction(whole, simplify_in(context, substitute(guard, values)));
    }
  }

  DType type = buffer->type;
  Expr zero = type.is_float() ? FloatImm::make(type, 0) : IntImm::make(type, 0);
  auto number_of = [&](const Expr& turn) {
    return is_const(turn, 0) ? group.item : turn * Expr(group.size) + group.item;
  };
  auto outside = [&](const std::vector<Expr>& place) {
    std::vector<Expr> indices;
    for (size_t d = 0; d < place.size(); ++d) indices.push_back(sum(plan.low[d], place[d]));
    return indices;
  };
  // `body` for each group of this work-item.
  auto turns = [&](const char* suffix, const std::function<Stmt(const Expr&, const Expr&)>& make) {
    return unrolled(spec.name + suffix, plan.turns, loc, [&](const Expr& turn) {
      Expr number = number_of(turn);
      Stmt stmt = make(turn, number);
      // Not all work-items have so many groups.
      if (plan.groups % group.size == 0) return stmt;
      return If::make(lt(number, Expr(plan.groups)), Block::make({stmt}), {}, loc);
    });
  };
  auto load_whole = [&](const Expr& turn, const Expr& number) {
    std::vector<Expr> indices = outside(place_in_box(plan, number, Expr(0)));
    indices.back() = vector_of(indices.back(), plan.width);
    return Store::make(registers, {turn, vector_of(Expr(0), plan.width)},
                       Load::make(buffer, indices, loc), loc);
  };
  auto load_parts = [&](const Expr& turn, const Expr& number) {
    return unrolled(spec.name + ".part", plan.width, loc, [&](const Expr& e) {
      std::vector<Expr> place = place_in_box(plan, number, e);
      if (!clamps) {
        Expr value = Load::make(buffer, outside(place), loc);
        return Store::make(registers, {turn, e}, Select::make(condition_at(place), value, zero),
                           loc);
      }
      for (size_t d = 0; d < place.size(); ++d) {
        if (plan.existing[d]) place[d] = min(place[d], tidy(context, plan.existing[d] - Expr(1)));
      }
      std::vector<Expr> indices = outside(place);
      for (size_t d : box.outside) {
        indices[d] = max(Expr(0), min(indices[d], tidy(context, buffer->shape[d] - Expr(1))));
      }
      return Store::make(registers, {turn, e}, Load::make(buffer, indices, loc), loc);
    });
  };
  auto store_whole = [&](const Expr& turn, const Expr& number) {
    bool rows = !spec.transposed && (strides.empty() || spec.pitch % plan.width == 0);
    if (rows) {
      std::vector<Expr> indices = place_in_box(plan, number, Expr(0));
      indices.back() = vector_of(indices.back(), plan.width);
      return Store::make(tile, indices,
                         Load::make(registers, {turn, vector_of(Expr(0), plan.width)}, loc), loc);
    }
    return unrolled(spec.name + ".element", plan.width, loc, [&](const Expr& e) {
      return Store::make(tile, swapped(place_in_box(plan, number, e), spec.transposed),
                         Load::make(registers, {turn, e}, loc), loc);
    });
  };
  auto store_parts = [&](const Expr& turn, const Expr& number) {
    return unrolled(spec.name + ".part_store", plan.width, loc, [&](const Expr& e) {
      std::vector<Expr> place = place_in_box(plan, number, e);
      Expr value = Load::make(registers, {turn, e}, loc);
      return Store::make(tile, swapped(place, spec.transposed),
                         Select::make(condition_at(place), value, zero), loc);
    });
  };
  Stmt load = turns(".load", load_whole), store = turns(".store", store_whole);
  if (whole) {
    // The condition is the same for all work-items.
    load =
        If::make(whole, Block::make({load}), Block::make({turns(".load_edge", load_parts)}), loc);
    if (clamps) {
      store = If::make(whole, Block::make({store}),
                       Block::make({turns(".store_edge", store_parts)}), loc);
    }
  }
  for (const char* name :
       {".load", ".load_edge", ".part", ".store", ".store_edge", ".part_store", ".element"}) {
    require_new_name(spec.name + name, loc);
  }

  IndexMap map = [&](const std::vector<Expr>& indices) {
    std::vector<Expr> mapped;
    for (size_t d = 0; d < indices.size(); ++d) {
      mapped.push_back(is_const(plan.low[d], 0) ? indices[d]
                                                : tidy(context, indices[d] - plan.low[d]));
    }
    return swapped(mapped, spec.transposed);
  };
  SharedCopy made{registers, !reads_own(context, plan, group, accesses)};
  shared_[tile.get()] = made;
  if (made.waits) {
    std::vector<Expr> existing;
    for (size_t d = 0; d < sizes.size(); ++d) {
      existing.push_back(plan.existing[d] ? plan.existing[d] : Expr(plan.extents[d]));
    }
    whole_[tile.get()] = swapped(existing, spec.transposed);
  }

  // With what other copies at this loop do already.
  CopyParts parts = copy_parts(body.as<Block>()->stmts);
  parts.loads.insert(parts.loads.begin(), Allocate::make(registers, loc));
  append_copy(parts.loads, load);
  append_copy(parts.stores, store);
  parts.waits |= made.waits;
  std::vector<Stmt> result = std::move(parts.loads);
  if (parts.waits && is_repeated(context, scopes)) result.push_back(Barrier::make(loc));
  result.insert(result.end(), parts.stores.begin(), parts.stores.end());
  if (parts.waits) result.push_back(Barrier::make(loc));
  for (const Stmt& stmt : parts.rest) {
    result.push_back(redirect(stmt, buffer, tile, map, !box.outside.empty()));
  }
  Stmt root = replace(function_.body, {{site.self.get(), {with_body(at, std::move(result))}}});
  // The lane loops are others now; the first of the nest is found by its variable.
  Stmt outermost;
  for (const Site& loop : all_loops(root)) {
    if (loop.loop().var.same_as(group.lanes[0]->var)) outermost = loop.self;
  }
  root = replace(root, {{outermost.get(), {Allocate::make(tile, loc), outermost}}});
  std::string text = "stage " + spec.buffer + " at " + spec.at + " as " + spec.name;
  if (spec.transposed) text += " transposed";
  text += " by " + std::to_string(plan.width);
  if (spec.pitch) text += " pitch " + std::to_string(spec.pitch);
  text += " align " + std::to_string(spec.alignment) + " in shared";
  return commit(std::move(text), root);
}

Schedule& Schedule::barrier(const std::string& name, bool after) {
  const std::string rule = "illegal-barrier";
  Site site = find_loop(function_, name);
  bool in_lanes = std::any_of(site.scopes.begin(), site.scopes.end(), [](const Scope& scope) {
    auto* loop = scope.stmt.as<For>();
    return loop && is_lane(loop->for_kind);
  });
  if (!in_lanes) {
    refuse(rule, site,
           "loop `" + name + "` is in no lane loop, where a barrier makes work-items wait",
           "bind the loops around it to lanes first");
  }
  workgroup_at(rule, site, context_at(function_, site), site.scopes);
  const std::vector<Stmt>& beside = parent_block(function_, site.self).stmts;
  auto self = std::find(beside.begin(), beside.end(), site.self);
  auto neighbour = after ? self + 1 : self - 1;
  bool is_there =
      (after || self != beside.begin()) && neighbour != beside.end() && neighbour->as<Barrier>();
  if (is_there) {
    refuse(rule, site,
           std::string("a barrier stands ") + (after ? "after" : "before") + " loop `" + name +
               "` already");
  }
  Stmt made = Barrier::make(site.self.loc());
  std::vector<Stmt> both =
      after ? std::vector<Stmt>{site.self, made} : std::vector<Stmt>{made, site.self};
  return commit(std::string("barrier ") + (after ? "after " : "before ") + name,
                replace(function_.body, {{site.self.get(), both}}));
}

}  // namespace inlay
