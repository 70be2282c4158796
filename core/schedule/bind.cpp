// bind: iterations of a loop become workgroups of a launch, or work-items of a workgroup.
//
// A workgroup has a fixed size. What split with tail bound makes of a loop has at most so many
// iterations as the factor says: the lane loop gets just that many, and the work-items beyond the
// end find the loops inside empty, or are kept away by a guard.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

namespace inlay {

std::optional<int64_t> greatest_number(const Context& context, const Poly& poly) {
  if (poly.is_constant()) return poly.constant();
  std::set<AtomId> vars;
  auto collect = [&](auto&& self, const Poly& part) -> void {
    for (AtomId id : part.atoms()) {
      const Atoms::Atom& atom = context.atoms()[id];
      if (atom.kind == AtomKind::FloorDiv || atom.kind == AtomKind::Min ||
          atom.kind == AtomKind::Max) {
        self(self, atom.a);
        self(self, atom.b);
      } else {
        vars.insert(id);
      }
    }
  };
  collect(collect, poly);
  auto bound = context.tightest_without(poly, vars, true);
  return bound && bound->is_constant() ? std::optional(bound->constant()) : std::nullopt;
}

Expr below(const Context& context, const Expr& place, const Expr& extent) {
  auto* binary = extent.as<Binary>();
  if (binary && binary->op == BinaryOp::Min) {
    Expr a = below(context, place, binary->a), b = below(context, place, binary->b);
    return !a ? b : !b ? a : logical_and(a, b);
  }
  if (binary && binary->op == BinaryOp::Sub) return below(context, place + binary->b, binary->a);
  Expr condition = lt(place, extent);
  return context.proves(condition) ? Expr() : condition;
}

void enter_beyond(Context& context, const For& loop, int64_t extent) {
  Poly place = context.poly(loop.var) - context.poly(loop.min);
  context.assume_nonnegative(place);
  context.assume_nonnegative(place - context.poly(loop.extent));
  context.assume_nonnegative(Poly(extent - 1) - place);
}

bool evaluates_safely(const Stmt& stmt) {
  struct Checker : Visitor {
    bool safe = true;
    void take(const Expr& expr) {
      safe &= is_pure(expr);
      visit(expr);
    }
    using Visitor::visit_node;
    void visit_node(const Binary& node) override {
      bool division = node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod;
      safe &= !division || (as_int(node.b) && !is_const(node.b, 0));
      Visitor::visit_node(node);
    }
    void visit_node(const For& node) override {
      take(node.min);
      take(node.extent);
      visit(node.body);
    }
    void visit_node(const If& node) override {
      take(node.condition);
      visit(node.then_body);
      if (node.else_body) visit(node.else_body);
    }
    void visit_node(const Let& node) override { take(node.value); }
    // Not reached where the loops around are empty.
    void visit_node(const Store&) override {}
    void visit_node(const Evaluate&) override {}
  } checker;
  checker.visit(stmt);
  return checker.safe;
}

namespace {

std::string loop_text(const For& loop) {
  return "the " + std::string(to_string(loop.for_kind)) + " loop `" + loop.var.name() + "`";
}

// `inner` would stand inside of `outer`, one of which is what is bound.
void check_pair(const std::string& rule, const Site& site, const std::string& inner_text,
                ForKind inner, const std::string& outer_text, ForKind outer) {
  std::string message = inner_text + " would stand inside " + outer_text;
  if (inner == outer && (is_grid(inner) || is_lane(inner))) {
    refuse(rule, site, message, "each dimension is used once in a nest: choose another one");
  }
  bool at_once = outer == ForKind::Parallel || outer == ForKind::Vectorized;
  if (is_grid(inner) && (is_lane(outer) || at_once)) {
    refuse(rule, site, message, "grid loops stand around all others that run at once");
  }
  if (is_lane(inner) && at_once) {
    refuse(rule, site, message, "lane loops stand directly inside of grid or serial loops");
  }
  if (inner == ForKind::Parallel && (is_grid(outer) || is_lane(outer))) {
    refuse(rule, site, message, "a GPU has no threads inside of work-items: bind that loop too");
  }
}

}  // namespace

void require_nesting(const Site& site, ForKind kind, const std::string& rule) {
  std::string self = "the " + std::string(to_string(kind)) + " loop `" + site.name() + "`";
  for (const Scope& scope : site.scopes) {
    auto* outer = scope.stmt.as<For>();
    if (outer) check_pair(rule, site, self, kind, loop_text(*outer), outer->for_kind);
  }
  for (const Site& inner : all_loops(site.loop().body)) {
    check_pair(rule, site, loop_text(inner.loop()), inner.loop().for_kind, self, kind);
  }
}

namespace {

const char* const kRule = "illegal-bind";

// The first barrier, and the first other statement or expression whose order counts.
struct Fences : Visitor {
  Loc barrier, other;
  bool has_barrier = false, has_other = false;
  Stmt current;
  using Visitor::visit_node;
  void visit_node(const Barrier& node) override {
    if (!has_barrier) barrier = node.loc;
    has_barrier = true;
  }
  void visit_node(const Assert& node) override { tell(node.loc); }
  void visit_node(const InlineAsm& node) override {
    if (node.is_volatile) tell(node.loc);
    Visitor::visit_node(node);
  }

 private:
  void tell(const Loc& loc) {
    if (!has_other) other = loc;
    has_other = true;
  }
};

// Memory of a work-item belongs to one, that of a workgroup to one.
void check_memory(const Site& site, ForKind kind, const Accesses& accesses) {
  const std::string& name = site.name();
  std::set<const BufferNode*> used;
  for (const Access& access : accesses.list) used.insert(access.buffer.get());
  for (const Scope& scope : site.scopes) {
    auto* allocate = scope.stmt.as<Allocate>();
    if (!allocate || !used.count(allocate->buffer.get())) continue;
    MemorySpace space = allocate->buffer->space;
    bool own = space == MemorySpace::Private || (space == MemorySpace::Shared && is_grid(kind));
    if (!own) continue;
    refuse(kRule, site,
           "`" + allocate->buffer.name() + "` in " + to_string(space) +
               " memory is allocated outside of loop `" + name + "`, but each " +
               (space == MemorySpace::Private ? "work-item" : "workgroup") + " has its own",
           "stage it at a loop inside `" + name + "`, or in another memory space");
  }
  if (!is_lane(kind)) return;
  struct Finder : Visitor {
    const Allocate* found = nullptr;
    using Visitor::visit_node;
    void visit_node(const Allocate& node) override {
      if (node.buffer->space == MemorySpace::Shared && !found) found = &node;
    }
  } finder;
  finder.visit(site.loop().body);
  if (!finder.found) return;
  refuse(kRule, site,
         "`" + finder.found->buffer.name() + "` in shared memory is allocated inside loop `" +
             name + "`, so that each work-item would have its own",
         "bind first: stage then puts the buffer outside of the lane loops");
}

bool does_nothing(const Stmt& stmt) {
  auto* block = stmt.as<Block>();
  if (!block) return stmt.as<Allocate>() || stmt.as<Let>() || is_hint(stmt);
  return std::all_of(block->stmts.begin(), block->stmts.end(), does_nothing);
}

}  // namespace

Schedule& Schedule::bind(const std::string& name, ForKind kind) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  std::string what = to_string(kind);
  if (!is_grid(kind) && !is_lane(kind)) {
    refuse(kRule, site, "loop `" + name + "` can't be bound to `" + what + "`",
           "bind it to grid(x|y|z) or lane(x|y|z)");
  }
  bool known = loop.for_kind == ForKind::Parallel;  // that iterations are independent
  if (loop.for_kind != ForKind::Serial && !known) {
    refuse(kRule, site, "loop `" + name + "` is " + to_string(loop.for_kind) + " already");
  }
  require_nesting(site, kind, kRule);
  Fences fences;
  fences.visit(loop.body);
  if (fences.has_other) {
    refuse(kRule, site,
           "an assert or volatile assembly in loop `" + name + "`" + place_of(fences.other) +
               " fixes the order",
           "move it out of the loop");
  }
  if (fences.has_barrier && is_lane(kind)) {
    refuse(kRule, site,
           "a barrier stands in loop `" + name + "`" + place_of(fences.barrier) +
               ", which makes the work-items of the lane loops that are there wait for each other",
           "bind all lane loops before stage ... in shared");
  }
  Accesses accesses = collect_accesses(site.self, program_);
  check_memory(site, kind, accesses);
  Context context = context_at(function_, site);
  auto conflict = known ? std::nullopt : find_carried(context, accesses, {&loop});
  if (conflict) refuse_carried(kRule, site, *conflict);
  Expr extent = loop.extent;
  Stmt body = loop.body;
  Poly count = context.poly(extent);
  if (is_lane(kind) && !count.is_constant()) {
    auto greatest = greatest_number(context, count);
    if (!greatest) {
      refuse(kRule, site,
             "the extent `" + print(extent) + "` of loop `" + name +
                 "` is no number, but a workgroup has a fixed size",
             "split it by a number, bind the outer loop to the grid and the inner one to " + what);
    }
    // Work-items beyond the end.
    Context beyond = context;
    enter_beyond(beyond, loop, *greatest);
    bool idle = evaluates_safely(body) && does_nothing(simplify_in(beyond, body));
    if (!idle) {
      Expr position = is_const(loop.min, 0) ? Expr(loop.var) : Expr(loop.var) - loop.min;
      body = Block::make({If::make(lt(position, extent), body, {}, loop.loc)});
    }
    extent = Expr(std::max<int64_t>(*greatest, 0));
  }
  Stmt result = For::make(kind, loop.var, loop.min, extent, body, loop.loc);
  return commit("bind " + name + " to " + what,
                replace(function_.body, {{site.self.get(), {result}}}));
}

}  // namespace inlay
