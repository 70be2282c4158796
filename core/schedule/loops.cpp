// Steps on loops: split, reorder, fuse, unroll, vectorize, parallel.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {

namespace {

Expr ceil_div(const Expr& a, const Expr& b) {
  return (a + b - Expr(1)) / b;
}

// The variable called `name` that is visible at the site: a parameter, a symbol, a let or a loop.
Expr visible_variable(const Function& function, const Site& site, const std::string& name) {
  for (size_t i = site.scopes.size(); i-- > 0;) {
    const Stmt& stmt = site.scopes[i].stmt;
    if (auto* let = stmt.as<Let>(); let && let->var.name() == name) return let->var;
    if (auto* loop = stmt.as<For>(); loop && loop->var.name() == name) return loop->var;
  }
  std::vector<std::string> names;
  for (const Param& param : function.params) {
    if (auto* var = std::get_if<Var>(&param)) {
      if (var->name() == name) return *var;
      names.push_back(var->name());
    }
  }
  for (const Var& symbol : function.symbols()) {
    if (symbol.name() == name) return symbol;
    names.push_back(symbol.name());
  }
  auto nearest = nearest_names(name, names);
  throw CompileError("bad-factor", site.self.loc(),
                     "no variable `" + name + "` is visible at loop `" + site.name() + "`",
                     nearest.empty() ? "parameters and symbols: " + joined(names)
                                     : "did you mean `" + nearest[0] + "`?");
}

// True if the variable is taken apart by division or modulo, as fuse does; bounds of loops may do
// so.
bool is_divided(const Stmt& body, const VarNode* var) {
  struct Finder : Visitor {
    std::set<const ExprNode*> var;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Binary& node) override {
      if (node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod) {
        found |= uses_any(node.a, var) || uses_any(node.b, var);
      }
      Visitor::visit_node(node);
    }
    void visit_node(const For& node) override { visit(node.body); }
  } finder;
  finder.var = {var};
  finder.visit(body);
  return finder.found;
}

// Puts `let`s as far out as the variables that `value` uses allow, at most before the site's loop;
// but not out of a loop that may be empty if its value can't be computed there.
Stmt insert_let(const Function& function, const Site& site, const Stmt& let, const Expr& value,
                const Stmt& root) {
  Stmt anchor = site.self;
  for (size_t i = site.scopes.size(); i-- > 0;) {
    const Stmt& stmt = site.scopes[i].stmt;
    std::set<const ExprNode*> own;
    if (auto* loop = stmt.as<For>()) own.insert(loop->var.get());
    if (auto* inner = stmt.as<Let>()) own.insert(inner->var.get());
    if (stmt.as<If>() || uses_any(value, own)) break;
    if (!stmt.as<For>()) continue;
    Site outside{stmt, {site.scopes.begin(), site.scopes.begin() + static_cast<ptrdiff_t>(i)}};
    if (may_fail(context_at(function, outside), value)) break;
    anchor = stmt;
  }
  return replace(root, {{anchor.get(), {let, anchor}}});
}

// Steps that evaluate the loop's extent once more, or later, need it to stay what it was. If they
// put its start into the body (`into_body`), that can't be one that is read from memory.
void require_lasting(const std::string& rule, const Site& site, const For& loop,
                     const Accesses& accesses, bool into_body = true) {
  for (const Expr& bound : {loop.min, loop.extent}) {
    bool changes = may_change(bound, accesses);
    if (!changes && (!into_body || bound.same_as(loop.extent) || is_pure(bound))) continue;
    refuse(rule, site,
           "the bound `" + print(bound) + "` of loop `" + loop.var.name() +
               "` is read from memory" + (changes ? " that the loop writes" : ""),
           "name it with a `let` before the loop");
  }
}

// A step would evaluate `bound` of `loop` where the loops around it may run no iteration.
[[noreturn]] void refuse_early(const std::string& rule, const Site& site, const For& loop,
                               const Expr& bound) {
  bool reads = !is_pure(bound);
  refuse(rule, site,
         "the bound `" + print(bound) + "` of loop `" + loop.var.name() + "` " +
             (reads ? "is read from memory" : "divides by what is not known to be above zero") +
             "; it would be evaluated where the loops around it are empty, too",
         reads ? "name it with a `let` before the loops"
               : "divide by max(1, ...), or say in the schedule's condition that it is above zero");
}

// Extents are rounded up to whole blocks, which may not overflow.
constexpr int64_t kGreatestFactor = int64_t{1} << 40;

void require_positive(const Context& context, const Site& site, const Expr& size) {
  if (auto* number = as_int(size);
      number && (number->value < 1 || number->value > kGreatestFactor)) {
    refuse("bad-factor", site,
           "loop `" + site.name() + "` can't be split into blocks of " +
               std::to_string(number->value) + " iterations",
           number->value < 1 ? "use 1 or more" : "use at most 2^40");
  }
  if (context.proves_positive(context.poly(size))) return;
  refuse("bad-factor", site,
         "factor `" + print(size) + "` of loop `" + site.name() + "` is not known to be positive",
         "use a number, or a `let` such as max(1, " + print(size) + ")");
}

}  // namespace

Schedule& Schedule::split(const std::string& name, Factor factor, const std::string& outer,
                          const std::string& inner, Tail tail) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  require_new_name(outer, loop.loc);
  require_new_name(inner, loop.loc);
  if (outer == inner) {
    refuse("name-taken", site,
           "both loops that `" + name + "` is split into are called `" + outer + "`",
           "choose two names");
  }
  if (loop.for_kind != ForKind::Serial && loop.for_kind != ForKind::Parallel) {
    refuse("illegal-split", site, "loop `" + name + "` is " + to_string(loop.for_kind) + " already",
           "split it before that step");
  }
  require_lasting("illegal-split", site, loop, collect_accesses(loop.body, program_));
  Stmt root = function_.body;
  std::string text = "split " + name + " by ";
  Expr size = factor.size;
  if (factor.at_most) {
    if (factor.at_most < 1 || factor.multiple < 1 || factor.at_most > kGreatestFactor ||
        factor.multiple > kGreatestFactor) {
      refuse("bad-factor", site,
             "loop `" + name + "` can't be split into blocks of at most " +
                 std::to_string(factor.at_most) + ", in multiples of " +
                 std::to_string(factor.multiple),
             "both have to be 1 or more, and at most 2^40");
    }
    // Blocks of nearly one size instead of whole ones and a thin rest.
    Context context = context_at(function_, site);
    Expr units = factor.multiple == 1 ? loop.extent : ceil_div(loop.extent, factor.multiple);
    Expr blocks = max(Expr(1), ceil_div(loop.extent, Expr(factor.at_most)));
    Expr value = max(Expr(1), ceil_div(units, blocks)) * Expr(factor.multiple);
    value = tidy(context, value);
    Var block(name + "_block");
    root = insert_let(function_, site, Let::make(block, value, loop.loc), value, root);
    size = block;
    text += "even(" + std::to_string(factor.at_most) +
            (factor.multiple > 1 ? ", " + std::to_string(factor.multiple) : "") + ")";
  } else {
    if (!factor.symbol_name.empty()) {
      size = visible_variable(function_, site, factor.symbol_name);
    }
    text += print(size);
  }
  text += " into " + outer + ", " + inner + " tail " + to_string(tail);
  // The `let` may stand in the way of the handles: look the loop up again.
  Function changed = function_;
  changed.body = root;
  site = find_loop(changed, name);
  Context context = context_at(changed, site);
  require_positive(context, site, size);
  if (!as_int(size) && is_divided(site.self, loop.var.operator->())) {
    refuse("illegal-split", site,
           "loop `" + name +
               "` is divided in the indices of its body, as a fused loop is; by the symbol `" +
               print(size) + "` that can't be analysed",
           "split it by a number, or split the loops before `fuse`");
  }
  Poly extent = context.poly(loop.extent), count = context.poly(size);
  Atoms& atoms = context.atoms();
  Poly whole = atoms.floor_div(extent, count);
  bool divides = context.expressible(extent) && context.expressible(count) &&
                 context.proves_zero(extent - whole * count);
  if (tail == Tail::Perfect && !divides) {
    refuse("illegal-split", site,
           "factor `" + print(size) + "` is not known to divide the extent `" + print(loop.extent) +
               "` of loop `" + name + "`",
           "choose tail guard, bound or peel");
  }
  Var o(outer, kIndex, loop.var.loc()), i(inner, kIndex, loop.var.loc());
  Expr position = size * Expr(o) + Expr(i);
  if (auto* number = as_int(size)) position = Expr(o) * Expr(number->value) + Expr(i);
  if (!is_const(loop.min, 0)) position = loop.min + position;
  Substitution substitution;
  substitution.vars[loop.var.get()] = position;
  Stmt body = substitute(loop.body, substitution);
  Expr inner_extent = size;
  if (!divides) {
    Expr left = loop.extent - Expr(o) * size;
    if (tail == Tail::Guard) {
      body = If::make(lt(Expr(o) * size + Expr(i), loop.extent), body, {}, loop.loc);
    } else {
      inner_extent = min(size, left);
    }
  }
  Expr outer_extent = divides ? context.expr(whole) : ceil_div(loop.extent, size);
  Stmt inside = For::make(ForKind::Serial, i, Expr(0), inner_extent, body, loop.loc);
  Stmt result = For::make(loop.for_kind, o, Expr(0), tidy(context, outer_extent), inside, loop.loc);
  Stmt new_root = replace(root, {{site.self.get(), {result}}});
  if (tail == Tail::Peel && !divides) {
    // The rest is what is past the last whole block.
    Schedule bounded = *this;
    bounded.function_.body = new_root;
    bounded.peel(outer, inner);
    new_root = bounded.function_.body;
  }
  return commit(std::move(text), std::move(new_root));
}

std::vector<const For*> perfect_chain(const Function& function, const Stmt& outermost,
                                      const std::set<std::string>& wanted, const std::string& rule,
                                      std::vector<const If*>* guards) {
  std::vector<const For*> chain;
  std::set<std::string> missing = wanted;
  const Stmt* at = &outermost;
  while (true) {
    const For* loop = at->as<For>();
    chain.push_back(loop);
    missing.erase(loop->var.name());
    if (missing.empty()) return chain;
    const Stmt* next = nullptr;
    const Stmt* other = nullptr;
    const std::vector<Stmt>* inside = &body_of(*loop);
    while (guards && inside->size() == 1) {
      auto* guard = inside->front().as<If>();
      if (!guard || guard->else_body) break;
      guards->push_back(guard);
      inside = &guard->then_body.as<Block>()->stmts;
    }
    for (const Stmt& stmt : *inside) {
      if (is_hint(stmt)) continue;
      if (stmt.as<For>() && !next) {
        next = &stmt;
      } else {
        other = &stmt;
      }
    }
    Site site{*at, {}};
    std::string below = "`" + *missing.begin() + "`";
    if (!next) {
      refuse(rule, site, "loop " + below + " is not inside `" + loop->var.name() + "`",
             "name loops of one nest, or distribute the nest with fission");
    }
    if (other) {
      bool before = other < next;
      Diagnostic diagnostic{
          Severity::Error,
          rule,
          "loops `" + loop->var.name() + "` and `" + next->as<For>()->var.name() +
              "` do not nest perfectly",
          loop->loc,
          function.name,
          before ? "move what stands before `" + next->as<For>()->var.name() +
                       "` into it with sink, or apart from it with fission"
                 : "take it apart from `" + next->as<For>()->var.name() + "` with fission",
          "",
          {}};
      diagnostic.notes.push_back({Severity::Note,
                                  "",
                                  std::string("this stands ") + (before ? "before" : "after") +
                                      " loop `" + next->as<For>()->var.name() + "`",
                                  other->loc(),
                                  "",
                                  "",
                                  "",
                                  {}});
      throw CompileError(std::vector<Diagnostic>{std::move(diagnostic)});
    }
    at = next;
  }
}

Schedule& Schedule::reorder(const std::vector<std::string>& names) {
  if (names.size() < 2) {
    throw CompileError("illegal-reorder", function_.loc, "reorder takes two loops or more");
  }
  std::set<std::string> wanted;
  Site outermost;
  size_t least = SIZE_MAX;
  std::map<std::string, std::string> plain;  // "i#2" -> "i"
  for (const std::string& name : names) {
    Site site = find_loop(function_, name);
    if (!wanted.insert(site.name()).second) {
      refuse("illegal-reorder", site, "loop `" + site.name() + "` is named twice", "name it once");
    }
    plain[name] = site.name();
    size_t depth = site.scopes.size();
    if (depth < least) {
      least = depth;
      outermost = site;
    }
  }
  Stmt nest = inline_pure_lets(outermost.self);
  std::vector<const If*> guards;
  std::vector<const For*> chain =
      perfect_chain(function_, nest, wanted, "illegal-reorder", &guards);
  // The listed loops take, in their new order, the places that they have now.
  std::vector<size_t> places;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (wanted.count(chain[i]->var.name())) places.push_back(i);
  }
  std::vector<size_t> permutation(chain.size());
  for (size_t i = 0; i < chain.size(); ++i) permutation[i] = i;
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t old = 0; old < chain.size(); ++old) {
      if (chain[old]->var.name() == plain[names[i]]) permutation[places[i]] = old;
    }
  }
  std::set<const ExprNode*> not_yet;
  for (const For* loop : chain) not_yet.insert(loop->var.get());
  for (size_t old : permutation) {
    const For& loop = *chain[old];
    if (loop.for_kind != ForKind::Serial) {
      refuse("illegal-reorder", {nest, {}},
             "loop `" + loop.var.name() + "` is " + to_string(loop.for_kind) + " already",
             "reorder before that step");
    }
    for (size_t later = 0; later < chain.size(); ++later) {
      if (!not_yet.count(chain[later]->var.get()) || chain[later] == &loop) continue;
      std::set<const ExprNode*> one{chain[later]->var.get()};
      if (uses_any(loop.min, one) || uses_any(loop.extent, one)) {
        refuse("illegal-reorder", {nest, {}},
               "the bounds of loop `" + loop.var.name() + "` depend on `" +
                   chain[later]->var.name() + "`, which would run inside it",
               "keep `" + chain[later]->var.name() + "` outside of `" + loop.var.name() + "`");
      }
    }
    not_yet.erase(loop.var.get());
  }
  Accesses accesses = collect_accesses(nest, program_);
  if (accesses.fence) {
    refuse("illegal-reorder", {nest, {}},
           "an assert, a barrier or volatile assembly in loop `" + outermost.name() + "`" +
               place_of(accesses.fence.loc()) + " fixes the order",
           "move it out of the nest");
  }
  if (!guards.empty() && !evaluates_safely(Block::make({nest}))) {
    refuse("illegal-reorder", {nest, {}},
           "a condition" + place_of(guards[0]->loc) +
               " stands between the loops, and bounds or conditions in them read memory or divide",
           "name those with a `let` before the loops");
  }
  Context around = context_at(function_, outermost);
  for (size_t place = 0; place < chain.size(); ++place) {
    const For& loop = *chain[permutation[place]];
    if (place || permutation[place]) {
      require_lasting("illegal-reorder", outermost, loop, accesses, false);
    }
    // Loops that were around it and are inside now may have kept it from being reached.
    bool reached = true;
    for (size_t later = place + 1; later < chain.size(); ++later) {
      if (permutation[later] > permutation[place]) continue;
      reached &= around.proves_positive(around.poly(chain[permutation[later]]->extent));
    }
    for (const Expr& bound : {loop.min, loop.extent}) {
      if (!reached && may_fail(around, bound)) {
        refuse_early("illegal-reorder", outermost, loop, bound);
      }
    }
    around.enter(loop);
  }
  bool reassociates = false;
  auto conflict =
      find_reversal(context_at(function_, outermost), accesses, chain, permutation, &reassociates);
  if (conflict) {
    // The loop that carries the dependence today.
    size_t carrier = 0;
    while (conflict->directions[carrier] != Direction::Less) ++carrier;
    refuse("illegal-reorder", outermost,
           "this order turns a dependence round, which loop `" + chain[carrier]->var.name() +
               "` carries",
           *conflict,
           "keep `" + chain[carrier]->var.name() +
               "` outside, or take the statements apart with fission");
  }
  // A guard between the loops goes inside of all, and out again as far as it does not change. Then
  // bounds below it are evaluated where it does not hold, too.
  Stmt body = chain.back()->body;
  for (size_t i = guards.size(); i-- > 0;) {
    body = Block::make({If::make(guards[i]->condition, body, {}, guards[i]->loc)});
  }
  for (size_t i = chain.size(); i-- > 0;) {
    const For& loop = *chain[permutation[i]];
    body = For::make(loop.for_kind, loop.var, loop.min, loop.extent, body, loop.loc);
  }
  if (!guards.empty()) body = hoist_guards(body, chain.size());
  std::string text = "reorder ";
  for (size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + names[i];
  reassociates_ |= reassociates;
  return commit(std::move(text), replace(function_.body, {{outermost.self.get(), {body}}}));
}

Schedule& Schedule::fuse(const std::string& outer, const std::string& inner,
                         const std::string& name) {
  Site site = find_loop(function_, outer);
  find_loop(function_, inner);
  require_new_name(name, site.self.loc());
  Stmt nest = inline_pure_lets(site.self);
  auto chain = perfect_chain(function_, nest, {site.name(), find_loop(function_, inner).name()},
                             "illegal-fuse");
  if (chain.size() != 2 || chain[0] == chain[1]) {
    refuse("illegal-fuse", site, "loop `" + inner + "` is not directly inside `" + outer + "`",
           "bring them together with reorder");
  }
  const For &first = *chain[0], &second = *chain[1];
  if (first.for_kind != second.for_kind ||
      (first.for_kind != ForKind::Serial && first.for_kind != ForKind::Parallel)) {
    refuse("illegal-fuse", site, "loops `" + outer + "` and `" + inner + "` are not of one kind",
           "fuse before parallel, vectorize or unroll");
  }
  std::set<const ExprNode*> outer_var{first.var.get()};
  if (uses_any(second.min, outer_var) || uses_any(second.extent, outer_var)) {
    refuse("illegal-fuse", site, "the bounds of loop `" + inner + "` depend on `" + outer + "`",
           "fuse loops of a rectangle; split with tail guard keeps one");
  }
  Context context = context_at(function_, site);
  auto count = [&](const Expr& extent) {
    return context.proves_nonnegative(context.poly(extent)) ? extent : max(Expr(0), extent);
  };
  for (const For* loop : chain) {
    require_lasting("illegal-fuse", site, *loop, collect_accesses(nest, program_));
  }
  if (may_fail(context, second.extent) && !context.proves_positive(context.poly(first.extent))) {
    refuse_early("illegal-fuse", site, second, second.extent);
  }
  Expr rows = count(first.extent), columns = count(second.extent);
  Var fused(name, kIndex, first.var.loc());
  auto from = [&](const Expr& min, Expr value) { return is_const(min, 0) ? value : min + value; };
  Substitution substitution;
  substitution.vars[first.var.get()] = from(first.min, Expr(fused) / columns);
  substitution.vars[second.var.get()] = from(second.min, Expr(fused) % columns);
  Stmt body = substitute(second.body, substitution);
  Stmt result =
      For::make(first.for_kind, fused, Expr(0), tidy(context, rows * columns), body, first.loc);
  return commit("fuse " + outer + ", " + inner + " into " + name,
                replace(function_.body, {{site.self.get(), {result}}}));
}

Schedule& Schedule::set_kind(const std::string& name, ForKind kind, const char* step) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  std::string rule = std::string("illegal-") + step;
  if (loop.for_kind != ForKind::Serial) {
    refuse(rule, site, "loop `" + name + "` is " + to_string(loop.for_kind) + " already");
  }
  if (kind == ForKind::Unrolled) {
    Context context = context_at(function_, site);
    if (!context.poly(loop.extent).is_constant()) {
      refuse(rule, site,
             "the extent `" + print(loop.extent) + "` of loop `" + name + "` is no constant",
             "split it by a number with tail guard or peel, and unroll the inner loop");
    }
    if (context.poly(loop.extent).constant() > kMostUnrolled) {
      refuse(rule, site,
             "loop `" + name + "` has " + print(loop.extent) + " iterations; at most " +
                 std::to_string(kMostUnrolled) + " are unrolled",
             "split it by a number, and unroll the inner loop");
    }
  } else {
    require_nesting(site, kind, rule);
    Accesses accesses = collect_accesses(site.self, program_);
    if (accesses.fence) {
      refuse(rule, site,
             "an assert, a barrier or volatile assembly in loop `" + name + "`" +
                 place_of(accesses.fence.loc()) + " fixes the order",
             "move it out of the loop");
    }
    auto conflict = find_carried(context_at(function_, site), accesses, {&loop});
    if (conflict) refuse_carried(rule, site, *conflict);
  }
  Stmt result = For::make(kind, loop.var, loop.min, loop.extent, loop.body, loop.loc);
  return commit(std::string(step) + " " + name,
                replace(function_.body, {{site.self.get(), {result}}}));
}

Schedule& Schedule::unroll(const std::string& loop) {
  return set_kind(loop, ForKind::Unrolled, "unroll");
}
Schedule& Schedule::vectorize(const std::string& loop) {
  return set_kind(loop, ForKind::Vectorized, "vectorize");
}
Schedule& Schedule::parallel(const std::string& loop) {
  return set_kind(loop, ForKind::Parallel, "parallel");
}

}  // namespace inlay
