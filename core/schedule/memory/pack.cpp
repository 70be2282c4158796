// pack: what a loop's body reads of a buffer is copied once into panels, in the order of reading.
//
// The new buffer is indexed by loops, not by the dimensions of the old one: element (d0, d1, ...)
// is what the body reads in iteration d0, d1, ... of the named loops. So any index map happens
// inside the copying: transposition, strides, dilation, the gathering of patches for a convolution
// with its padding.
#include <algorithm>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

namespace inlay {

namespace {

// A read that is to be redirected: the load, or the select around it that keeps it in bounds.
struct PackedRead {
  Expr value;
  std::vector<Scope> scopes;  // below the place of packing
};

// Finds the outermost expression around each load of `buffer` that consists of selects alone.
struct ReadFinder : Visitor {
  const BufferNode* buffer = nullptr;
  std::vector<PackedRead> reads;
  std::vector<Scope> scopes;
  Stmt current;
  bool other_use = false;

  void run(const std::vector<Stmt>& stmts) {
    size_t depth = scopes.size();
    for (const Stmt& stmt : stmts) {
      current = stmt;
      visit(stmt);
      if (stmt.as<Let>()) scopes.push_back({stmt, true});
    }
    scopes.resize(depth);
  }

  using Visitor::visit_node;
  void visit_node(const Block& node) override { run(node.stmts); }
  void visit_node(const For& node) override {
    Stmt self = current;
    visit(node.min);
    visit(node.extent);
    within({self, true}, node.body);
  }
  void visit_node(const If& node) override {
    Stmt self = current;
    visit(node.condition);
    within({self, true}, node.then_body);
    within({self, false}, node.else_body);
  }
  void visit_node(const Select& node) override {
    auto* load = innermost(node);
    if (load && load->buffer.get() == buffer && is_pure(node.condition)) {
      reads.push_back({Expr(Ref<const ExprNode>(&node)), scopes});
    } else {
      Visitor::visit_node(node);
    }
  }
  void visit_node(const Load& node) override {
    if (node.buffer.get() == buffer) {
      reads.push_back({Expr(Ref<const ExprNode>(&node)), scopes});
      return;
    }
    Visitor::visit_node(node);
  }
  void visit_node(const View& node) override {
    other_use |= node.buffer.get() == buffer;
    Visitor::visit_node(node);
  }

  // The one load of a select whose other values are constants.
  static const Load* innermost(const Select& node) {
    const Load* found = nullptr;
    for (const Expr& side : {node.a, node.b}) {
      if (side.as<IntImm>() || side.as<FloatImm>()) continue;
      const Load* load = side.as<Load>();
      if (auto* select = side.as<Select>()) load = innermost(*select);
      if (!load || found) return nullptr;
      found = load;
    }
    return found;
  }

 private:
  void within(Scope scope, const Stmt& body) {
    if (!body) return;
    scopes.push_back(std::move(scope));
    visit(body);
    scopes.pop_back();
  }
};

std::vector<std::string> distinct(const std::vector<std::string>& names) {
  std::set<std::string> all(names.begin(), names.end());
  return {all.begin(), all.end()};
}

Expr zero_of(DType type) {
  return type.is_float() ? FloatImm::make(type, 0) : IntImm::make(type, 0);
}

// Proves that every load in `value`, those in indices too, stays in bounds, and that no index
// divides by zero, conditions of selects and `context` given.
bool in_bounds(const Context& context, const Expr& value) {
  struct Checker : Visitor {
    Context context;
    bool proven = true;
    using Visitor::visit_node;
    void visit_node(const Select& node) override {
      visit(node.condition);
      Context outer = context;
      context.assume(node.condition, true);
      visit(node.a);
      context = outer;
      context.assume(node.condition, false);
      visit(node.b);
      context = outer;
    }
    void visit_node(const Load& node) override {
      for (size_t d = 0; d < node.indices.size(); ++d) {
        visit(node.indices[d]);
        Poly index = context.poly(node.indices[d]);
        proven = proven && context.proves_nonnegative(index) &&
                 context.proves_positive(context.poly(node.buffer->shape[d]) - index);
      }
    }
    void visit_node(const Binary& node) override {
      visit(node.a);
      visit(node.b);
      bool division = node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod;
      if (!division || as_int(node.b)) return;
      proven = proven && node.b.type() == kIndex && context.proves_positive(context.poly(node.b));
    }
  } checker;
  checker.context = context;
  checker.visit(value);
  return checker.proven;
}

struct Replacer : Mutator {
  std::set<const ExprNode*> values;
  std::function<Expr(const Expr&)> replacement;
  using Mutator::mutate_node;
  Expr mutate_node(const Select& node, const Expr& self) override {
    return values.count(self.get()) ? replacement(self) : Mutator::mutate_node(node, self);
  }
  Expr mutate_node(const Load& node, const Expr& self) override {
    return values.count(self.get()) ? replacement(self) : Mutator::mutate_node(node, self);
  }
};

}  // namespace

Schedule& Schedule::pack(const Pack& spec) {
  Site site = find_loop(function_, spec.at);
  const For& at = site.loop();
  const std::string rule = "illegal-pack";
  std::vector<Scope> around = site.scopes;
  around.push_back({site.self, true});
  for (const Scope& scope : around) {
    auto* lane = scope.stmt.as<For>();
    if (spec.space != MemorySpace::Shared || !lane || !is_lane(lane->for_kind)) continue;
    refuse(
        rule, site,
        "`" + spec.name + "` in shared memory would be packed by each work-item of the " +
            to_string(lane->for_kind) + " loop `" + lane->var.name() + "`",
        "stage copies with all work-items; or pack at a loop outside of the lane loops, and bind "
        "the loops of the panel");
  }
  // Buffer by name: what the body reads.
  Accesses accesses = collect_accesses(at.body, program_);
  Buffer buffer;
  std::vector<std::string> seen;
  for (const Access& access : accesses.list) {
    seen.push_back(access.buffer.name());
    if (access.buffer.name() == spec.buffer) buffer = access.buffer;
  }
  if (!buffer) {
    auto nearest = nearest_names(spec.buffer, seen);
    refuse("unknown-buffer", site,
           "the body of loop `" + spec.at + "` reads no buffer `" + spec.buffer + "`",
           nearest.empty() ? "it accesses: " + joined(distinct(seen))
                           : "did you mean `" + nearest[0] + "`?");
  }
  for (const Access& access : accesses.list) {
    if (access.buffer.same_as(buffer) && (access.writes() || access.is_local)) {
      Conflict conflict{access, access, {}};
      refuse(rule, site,
             "`" + spec.buffer + "` is written in loop `" + spec.at + "`, a copy would go stale",
             conflict, "pack further in, or use stage, which copies back");
    }
  }
  // Two copies of a block could stand side by side, so the loops are looked up below `at` only.
  ReadFinder finder;
  finder.buffer = buffer.get();
  finder.run(body_of(at));
  if (finder.other_use) {
    refuse(rule, site, "`" + spec.buffer + "` is passed to a call in loop `" + spec.at + "`",
           "pack before tensorize, or inline the call with inline_call");
  }
  INLAY_CHECK(!finder.reads.empty(), "a buffer is accessed but not read");

  Context context = context_at(function_, site);
  context.enter(at);
  std::vector<const For*> first_loops;
  Expr packed_value;
  Context packed_context = context;
  std::vector<Expr> packed_guards;
  std::map<const ExprNode*, std::vector<Expr>> indices_of;  // read -> indices into the panel
  for (const PackedRead& read : finder.reads) {
    Context within = context;
    std::vector<const For*> loops(spec.dims.size());
    std::set<const ExprNode*> inner, bound;
    std::vector<Expr> guards;
    std::vector<std::string> inner_names;
    for (const Scope& scope : read.scopes) {
      if (auto* loop = scope.stmt.as<For>()) {
        inner.insert(loop->var.get());
        inner_names.push_back(loop->var.name());
        for (size_t d = 0; d < spec.dims.size(); ++d) {
          if (loop->var.name() == spec.dims[d]) {
            loops[d] = loop;
            bound.insert(loop->var.get());
          }
        }
      } else if (auto* let = scope.stmt.as<Let>()) {
        inner.insert(let->var.get());
      } else if (auto* branch = scope.stmt.as<If>()) {
        Expr condition = branch->condition;
        if (!within.proves(condition, scope.truth)) {
          guards.push_back(scope.truth ? condition : Unary::make(UnaryOp::Not, condition));
        }
      }
      enter_scope(within, scope);
    }
    for (size_t d = 0; d < spec.dims.size(); ++d) {
      if (loops[d]) continue;
      auto nearest = nearest_names(spec.dims[d], inner_names);
      refuse("unknown-loop", site,
             "no loop `" + spec.dims[d] + "` between `" + spec.at + "` and the read of `" +
                 spec.buffer + "`" + place_of(read.value.loc()),
             nearest.empty() ? "name the loops that the read depends on"
                             : "did you mean `" + nearest[0] + "`?");
    }
    std::set<const ExprNode*> free;
    for (const ExprNode* var : inner) {
      if (!bound.count(var)) free.insert(var);
    }
    struct FirstUse : Visitor {
      const std::set<const ExprNode*>* vars = nullptr;
      const VarNode* found = nullptr;
      using Visitor::visit_node;
      void visit_node(const VarNode& node) override {
        if (vars->count(&node)) found = &node;
      }
    } use;
    use.vars = &free;
    use.visit(read.value);
    if (use.found) {
      refuse(rule, site,
             "the read `" + print(read.value) + "` depends on `" + use.found->name +
                 "`, which is inside loop `" + spec.at + "` and no dimension of the panel",
             "add `" + use.found->name + "` to the dimensions, or pack inside its loop");
    }
    std::vector<Expr> indices;
    for (const For* loop : loops) {
      indices.push_back(is_const(loop->min, 0) ? Expr(loop->var) : Expr(loop->var) - loop->min);
    }
    auto [known, is_new] = indices_of.try_emplace(read.value.get(), indices);
    bool same_place = true;
    for (size_t d = 0; d < loops.size(); ++d) same_place &= equal(known->second[d], indices[d]);
    if (!packed_value) {
      packed_value = read.value;
      first_loops = loops;
      packed_guards = guards;
      continue;
    }
    // Every further read must read the same through its own loops.
    Substitution same;
    for (size_t d = 0; d < loops.size(); ++d) same.vars[loops[d]->var.get()] = first_loops[d]->var;
    Expr mapped = substitute(read.value, same);
    auto same_value = [&](auto&& self, const Expr& a, const Expr& b) -> bool {
      auto *x = a.as<Load>(), *y = b.as<Load>();
      if (x && y && x->buffer.same_as(y->buffer)) {
        for (size_t d = 0; d < x->indices.size(); ++d) {
          if (!(context.poly(x->indices[d]) == context.poly(y->indices[d]))) return false;
        }
        return true;
      }
      auto *s = a.as<Select>(), *t = b.as<Select>();
      if (s && t) {
        return equal(s->condition, t->condition) && self(self, s->a, t->a) &&
               self(self, s->b, t->b);
      }
      return equal(a, b);
    };
    bool same_domain = true;
    for (size_t d = 0; d < loops.size(); ++d) {
      for (auto bound : {&For::min, &For::extent}) {
        same_domain &= context.poly(substitute(loops[d]->*bound, same)) ==
                       context.poly(first_loops[d]->*bound);
      }
    }
    if (!same_domain) {
      refuse(rule, site,
             "the reads of `" + spec.buffer + "` in loop `" + spec.at +
                 "` run over loops of different extents",
             "pack before specialize and peel");
    }
    if (!same_place || !same_value(same_value, mapped, packed_value)) {
      Diagnostic diagnostic{Severity::Error,
                            rule,
                            "loop `" + spec.at + "` reads `" + spec.buffer + "` in two ways",
                            at.loc,
                            "",
                            "pack inside, where there is one, or use stage",
                            "",
                            {}};
      for (const Expr& value : {packed_value, read.value}) {
        diagnostic.notes.push_back(
            {Severity::Note, "", "`" + print(value) + "`", value.loc(), "", "", "", {}});
      }
      throw CompileError(std::vector<Diagnostic>{std::move(diagnostic)});
    }
  }

  std::vector<Expr> early = packed_guards;
  early.push_back(packed_value);
  for (const For* loop : first_loops) early.insert(early.end(), {loop->min, loop->extent});
  for (const Expr& value : early) {
    if (!may_change(value, accesses)) continue;
    refuse(rule, site,
           "`" + print(value) + "` reads what loop `" + spec.at +
               "` writes; the copy would be made before",
           "pack further in");
  }
  // The panel's loops, afresh, in the order of its dimensions.
  Substitution rename;
  std::vector<Var> vars;
  for (size_t d = 0; d < spec.dims.size(); ++d) {
    vars.push_back(Var(spec.name + "." + spec.dims[d], kIndex, first_loops[d]->loc));
    require_new_name(vars[d].name(), at.loc);
    rename.vars[first_loops[d]->var.get()] =
        is_const(first_loops[d]->min, 0) ? Expr(vars[d]) : first_loops[d]->min + Expr(vars[d]);
  }
  std::vector<Expr> extents(spec.dims.size()), greatest(spec.dims.size());
  Context inside = context;
  std::set<AtomId> inner_atoms;
  std::set<const ExprNode*> below = defined_vars(at.body), not_yet;
  for (const Var& var : vars) not_yet.insert(var.get());
  for (size_t d = 0; d < vars.size(); ++d) {
    Expr extent = substitute(first_loops[d]->extent, rename);
    extents[d] = simplify_in(inside, extent);
    if (uses_any(extents[d], below) || uses_any(extents[d], not_yet)) {
      refuse(rule, site,
             "the extent `" + print(first_loops[d]->extent) + "` of dimension `" + spec.dims[d] +
                 "` depends on a loop that is not an earlier dimension",
             "put that loop first");
    }
    if (may_fail(inside, extents[d])) {
      refuse(rule, site,
             "the extent `" + print(first_loops[d]->extent) + "` of dimension `" + spec.dims[d] +
                 "` is read from memory, or divides by what is not known to be above zero",
             "pack inside of the loops and conditions around loop `" + spec.dims[d] + "`");
    }
    not_yet.erase(vars[d].get());
    inner_atoms.insert(inside.atoms().var(vars[d].operator->()));
    inside.enter(
        *For::make(ForKind::Serial, vars[d], Expr(0), extents[d], Block::make({})).as<For>());
  }
  // A shape free of all loops can be hoisted; one free of the panel's own must be there.
  std::set<AtomId> all_atoms = inner_atoms;
  all_atoms.insert(context.atoms().var(at.var.operator->()));
  for (const Scope& scope : site.scopes) {
    if (auto* loop = scope.stmt.as<For>()) {
      all_atoms.insert(context.atoms().var(loop->var.operator->()));
    }
  }
  for (size_t d = 0; d < vars.size(); ++d) {
    Poly extent = inside.poly(extents[d]);
    auto bound = inside.bound_without(extent, all_atoms, true);
    if (!bound) bound = inside.bound_without(extent, inner_atoms, true);
    if (!bound) {
      refuse(rule, site,
             "no bound is known for the extent `" + print(first_loops[d]->extent) +
                 "` of dimension `" + spec.dims[d] + "`",
             "split the loop by a number");
    }
    greatest[d] = context.expr(*bound);
    if (!context.proves_nonnegative(*bound)) greatest[d] = max(Expr(0), greatest[d]);
  }
  Buffer panel =
      Buffer::make(spec.name, buffer->type, greatest, {}, spec.space, spec.alignment, at.loc);
  Expr value = substitute(packed_value, rename);
  if (!in_bounds(inside, value)) {
    // Where a guard kept the one read in bounds, the copy asks it too; nothing else is read there.
    for (const Expr& guard : packed_guards) {
      Expr condition = substitute(guard, rename);
      if (finder.reads.size() > 1 || uses_any(condition, below) || !is_pure(condition)) {
        refuse(rule, site,
               "the read of `" + spec.buffer + "` is guarded by `" + print(guard) +
                   "`, which the copy can't ask",
               "pack inside the guard");
      }
      value = Select::make(condition, value, zero_of(buffer->type));
    }
    if (!in_bounds(inside, value)) {
      refuse(rule, site,
             "the copy might read out of the bounds of `" + spec.buffer + "`: `" +
                 print(packed_value) + "`",
             "guard the read with select, as in select(0 <= i && i < n, x[i], 0.0)");
    }
  }
  // The nest; a padded dimension goes on with zeros to its greatest extent.
  std::set<std::string> padded(spec.padded.begin(), spec.padded.end());
  std::set<size_t> padded_dims;
  for (size_t d = 0; d < spec.dims.size(); ++d) {
    if (padded.erase(spec.dims[d])) padded_dims.insert(d);
  }
  if (!padded.empty()) {
    refuse("unknown-loop", site, "padded `" + *padded.begin() + "` is no dimension of the panel",
           "name one of its dimensions");
  }
  std::vector<Expr> position(vars.begin(), vars.end());
  std::set<const ExprNode*> panel_vars;
  for (const Var& var : vars) panel_vars.insert(var.get());
  auto nest = [&](auto&& self, size_t d, bool zero, const Context& outer) -> std::vector<Stmt> {
    if (d == vars.size()) {
      return {Store::make(panel, position, zero ? zero_of(buffer->type) : value, at.loc)};
    }
    std::vector<Stmt> stmts;
    auto add = [&](const Var& var, const Expr& from, const Expr& count, bool is_zero) {
      position[d] = var;
      Stmt probe = For::make(ForKind::Serial, var, from, count, Block::make({}), at.loc);
      if (outer.proves_nonnegative(-outer.poly(count))) return;
      Context in = outer;
      in.enter(*probe.as<For>());
      stmts.push_back(with_body(*probe.as<For>(), self(self, d + 1, is_zero, in)));
    };
    // Beside a padded index, extents that depend on the panel's loops say nothing.
    bool depends = uses_any(extents[d], panel_vars);
    Expr extent = zero && depends ? greatest[d] : extents[d];
    Var var = zero ? Var(vars[d].name() + "_zero", kIndex, at.loc) : vars[d];
    add(var, Expr(0), extent, zero);
    if (!zero && padded_dims.count(d)) {
      Expr left = tidy(outer, greatest[d] - extents[d]);
      // A loop that is empty may have a negative extent.
      Expr from = extents[d];
      if (!outer.proves_nonnegative(outer.poly(from))) {
        from = max(Expr(0), from);
        left = greatest[d] - from;
      }
      add(Var(vars[d].name() + "_pad", kIndex, at.loc), from, left, true);
    }
    position[d] = vars[d];
    return stmts;
  };
  std::vector<Stmt> copying = nest(nest, 0, false, context);

  Replacer replacer;
  for (auto& [node, indices] : indices_of) replacer.values.insert(node);
  replacer.replacement = [&](const Expr& self) {
    return Load::make(panel, indices_of.at(self.get()), self.loc());
  };
  std::vector<Stmt> body{Allocate::make(panel, at.loc)};
  body.insert(body.end(), copying.begin(), copying.end());
  for (const Stmt& stmt : body_of(at)) body.push_back(replacer.mutate(stmt));
  padded_[panel.get()] = padded_dims;
  std::string text = "pack " + spec.buffer + " at " + spec.at + " as " + spec.name + "[";
  for (size_t d = 0; d < spec.dims.size(); ++d) text += (d ? ", " : "") + spec.dims[d];
  text += "]";
  if (!spec.padded.empty()) text += " pad " + joined(spec.padded);
  text += " align " + std::to_string(spec.alignment) + " in " + to_string(spec.space);
  return commit(std::move(text),
                replace(function_.body, {{site.self.get(), {with_body(at, std::move(body))}}}));
}

}  // namespace inlay
