// Steps on what stands around and between loops: fission, sink, peel, specialize, hoist,
// inline_call, pragma.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

namespace inlay {

namespace {

// All statements under `stmts`.
std::set<const StmtNode*> nodes_of(const std::vector<Stmt>& stmts) {
  struct Walker : Visitor {
    std::set<const StmtNode*> found;
    using Visitor::visit_node;
#define INLAY_STMT_NODE(Kind, Node)            \
  void visit_node(const Node& node) override { \
    found.insert(&node);                       \
    Visitor::visit_node(node);                 \
  }
#include "core/ir/ir_nodes.def"
  } walker;
  for (const Stmt& stmt : stmts) walker.visit(stmt);
  return std::move(walker.found);
}

}  // namespace

const Block& parent_block(const Function& function, const Stmt& stmt) {
  struct Finder : Visitor {
    Stmt wanted;
    const Block* found = nullptr;
    using Visitor::visit_node;
    void visit_node(const Block& node) override {
      if (std::find(node.stmts.begin(), node.stmts.end(), wanted) != node.stmts.end()) {
        found = &node;
      } else {
        Visitor::visit_node(node);
      }
    }
  } finder;
  finder.wanted = stmt;
  finder.visit(function.body);
  INLAY_CHECK(finder.found, "a statement that stands in no block");
  return *finder.found;
}

Schedule& Schedule::fission(const std::vector<std::string>& names, const std::string& at_loop,
                            const std::string& suffix, bool is_after) {
  if (names.empty()) {
    throw CompileError("illegal-fission", function_.loc, "fission takes one loop or more");
  }
  Site site = find_loop(function_, names[0]);
  Site border = find_loop(function_, at_loop);
  const std::string side = is_after ? "after" : "before";
  std::set<std::string> wanted;
  for (const std::string& name : names) wanted.insert(find_loop(function_, name).name());
  Stmt nest = inline_pure_lets(site.self);
  auto chain = perfect_chain(function_, nest, wanted, "illegal-fission");
  const std::vector<Stmt>& stmts = body_of(*chain.back());
  // `border` was found in the function as it is; in the nest without `let`s it is found by name.
  size_t at = stmts.size();
  for (size_t i = 0; i < stmts.size(); ++i) {
    for (const Site& inner : all_loops(Block::make({stmts[i]}))) {
      if (inner.name() == border.name()) at = std::min(at, i);
    }
  }
  if (at == stmts.size()) {
    refuse("illegal-fission", site,
           "loop `" + at_loop + "` is not in the body of `" + chain.back()->var.name() + "`",
           "name a loop of the statement " + side + " which the nest is to end");
  }
  if (is_after) ++at;
  std::vector<Stmt> first(stmts.begin(), stmts.begin() + at), rest(stmts.begin() + at, stmts.end());
  if (first.empty() || rest.empty()) {
    const For* around = nullptr;  // the innermost loop around the named one
    for (const Scope& scope : border.scopes) {
      if (scope.stmt.as<For>()) around = scope.stmt.as<For>();
    }
    bool deeper = around && around->var.name() != chain.back()->var.name();
    refuse(
        "illegal-fission", site,
        "nothing stands " + side + " loop `" + at_loop + "` in `" + chain.back()->var.name() + "`",
        deeper ? "name the nest down to `" + around->var.name() + "`, as in fission " +
                     joined(names) + ", " + around->var.name() + " " + side + " " + at_loop
        : is_after ? "name a loop of the first part"
                   : "name a loop of the second part");
  }
  for (const Stmt& stmt : first) {
    if (stmt.as<Allocate>() || stmt.as<Let>()) {
      refuse("illegal-fission", site,
             "what is declared " + std::string(is_after ? "up to" : "before") + " loop `" +
                 at_loop + "` would be out of its reach" + place_of(stmt.loc()),
             "move the declaration out with hoist");
    }
  }
  for (const For* loop : chain) {
    if (!is_pure(loop->min) || !is_pure(loop->extent)) {
      refuse("illegal-fission", site,
             "the bounds of loop `" + loop->var.name() + "` are read from memory",
             "name them with a `let` before the loop");
    }
  }
  Accesses all = collect_accesses(nest, program_), before_part, after_part;
  if (all.fence) {
    refuse("illegal-fission", site,
           "an assert, a barrier or volatile assembly in loop `" + site.name() + "`" +
               place_of(all.fence.loc()) + " fixes the order",
           "move it out of the nest");
  }
  std::set<const StmtNode*> in_first = nodes_of(first);
  for (const Access& access : all.list) {
    bool is_first = in_first.count(access.stmt.get()) != 0;
    (is_first ? before_part : after_part).list.push_back(access);
  }
  auto conflict =
      find_fission_conflict(context_at(function_, site), before_part, after_part, chain);
  if (conflict) {
    refuse("illegal-fission", site,
           "the first part of loop `" + site.name() +
               "` needs what the second part does in earlier iterations",
           *conflict, "keep the two together, or name fewer loops");
  }
  Stmt second_nest = Block::make(rest), first_nest = Block::make(first);
  for (size_t i = chain.size(); i-- > 0;) {
    const For& loop = *chain[i];
    first_nest = For::make(loop.for_kind, loop.var, loop.min, loop.extent, first_nest, loop.loc);
    second_nest = For::make(loop.for_kind, loop.var, loop.min, loop.extent, second_nest, loop.loc);
  }
  // The part that has the named loop keeps its names; loops inside of those that are copied stay as
  // they are.
  Stmt& other = is_after ? second_nest : first_nest;
  other = copy_with_suffix(other, free_suffix(Block::make({other}), suffix));
  first_nest = hoist_guards(first_nest, chain.size());
  second_nest = hoist_guards(second_nest, chain.size());
  return commit("fission " + joined(names) + " " + side + " " + at_loop + " suffix " + suffix,
                replace(function_.body, {{site.self.get(), {first_nest, second_nest}}}));
}

Schedule& Schedule::sink(const std::string& name) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  if (loop.for_kind != ForKind::Serial) {
    refuse("illegal-sink", site, "loop `" + name + "` is " + to_string(loop.for_kind) + " already",
           "sink before that step");
  }
  if (!is_pure(loop.min) || !is_pure(loop.extent)) {
    refuse("illegal-sink", site, "the bounds of loop `" + name + "` are read from memory",
           "name them with a `let` before the loop");
  }
  std::vector<Stmt> moved;
  std::unordered_map<const StmtNode*, std::vector<Stmt>> changes;
  for (const Stmt& stmt : parent_block(function_, site.self).stmts) {
    if (stmt.same_as(site.self)) break;
    if (stmt.as<Allocate>() || is_hint(stmt)) continue;
    if (auto* let = stmt.as<Let>()) {
      if (!moved.empty() && !is_pure(let->value)) {
        refuse("illegal-sink", site,
               "`" + let->var.name() + "` is read from memory between what sinks and loop `" +
                   name + "`",
               "move the `let` up");
      }
      continue;
    }
    moved.push_back(stmt);
    changes[stmt.get()] = {};
  }
  if (moved.empty()) {
    refuse("illegal-sink", site, "nothing stands before loop `" + name + "` in its block",
           "sink moves the statements that stand before a loop");
  }
  Context context = context_at(function_, site);
  std::vector<Stmt> body{
      If::make(eq(Expr(loop.var), loop.min), Block::make(moved), {}, moved[0].loc())};
  std::vector<Stmt> own = body_of(loop);
  Expr extent = loop.extent;
  if (!context.proves_positive(context.poly(extent))) {
    // Where the loop was empty its first iteration must do nothing of its own.
    Context empty = context;
    Poly min = empty.poly(loop.min);
    empty.assume_nonnegative(-empty.poly(extent));
    empty.define(loop.var.operator->(), min);
    Stmt left = simplify_in(empty, loop.body);
    bool nothing = left.as<Block>() && left.as<Block>()->stmts.empty();
    // Nor may it evaluate what is not reached then.
    if (!nothing || !evaluates_safely(loop.body)) {
      own = {If::make(lt(Expr(0), extent), loop.body, {}, loop.loc)};
    }
    extent = tidy(context, max(Expr(1), extent));
  }
  body.insert(body.end(), own.begin(), own.end());
  changes[site.self.get()] = {
      For::make(loop.for_kind, loop.var, loop.min, extent, Block::make(std::move(body)), loop.loc)};
  return commit("sink into " + name, replace(function_.body, changes));
}

namespace {

// The site of `name`, which must be inside `outer`.
Site inner_site(const Function& function, const Site& outer, const std::string& name,
                const std::string& rule) {
  Site site = find_loop(function, name);
  for (const Scope& scope : site.scopes) {
    if (scope.stmt.same_as(outer.self)) return site;
  }
  refuse(rule, outer, "loop `" + name + "` is not inside `" + outer.name() + "`");
}

}  // namespace

Schedule& Schedule::peel(const std::string& name, const std::string& inner) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  Site inside = inner_site(function_, site, inner, "illegal-peel");
  Context within = context_at(function_, inside);
  auto extent = partial_extent(within, inside.loop().extent);
  AtomId v = within.atoms().var(loop.var.operator->());
  Poly factor, rest;
  bool fits = extent && extent->rest.split(v, &factor, &rest) && factor == -extent->full;
  std::set<const ExprNode*> own = defined_vars(site.self);
  if (!fits || uses_any(within.expr(rest), own) || uses_any(within.expr(extent->full), own)) {
    refuse("illegal-peel", site,
           "the extent `" + print(inside.loop().extent) + "` of loop `" + inner +
               "` is not min(F, rest - F * " + name + ")",
           "peel what split with tail bound made of a loop");
  }
  // Whole while F <= rest - F * v, that is v < rest / F. Each context has atoms of its own.
  Context context = context_at(function_, site);
  Poly full = context.poly(within.expr(extent->full));
  rest = context.poly(within.expr(rest));
  Expr end = context.expr(context.atoms().floor_div(rest, full));
  Poly count = context.poly(end) - context.poly(loop.min), all = context.poly(loop.extent);
  if (!context.proves_nonnegative(all - count)) {
    // Both are quotients of one number, which the general proof can't compare for symbolic F.
    Poly whole = context.atoms().floor_div(rest + full - Poly(1), full);
    if (!(all + context.poly(loop.min) == whole)) count = context.atoms().minimum(all, count);
  }
  if (!context.proves_nonnegative(count)) count = context.atoms().maximum(count, Poly(0));
  Expr main_extent = context.expr(count);
  if (may_fail(context, main_extent)) {
    refuse("illegal-peel", site,
           "loop `" + name + "` would end at `" + print(main_extent) +
               "`, which divides by what is not known to be above zero",
           "peel inside the condition that says so");
  }
  Stmt main = For::make(loop.for_kind, loop.var, loop.min, main_extent, loop.body, loop.loc);
  // A site's statement is no root of its own to all_loops: a block around it makes it one.
  Stmt whole_loop = Block::make({site.self});
  Stmt copy = copy_with_suffix(site.self, free_suffix(whole_loop, "_tail"));
  const For& tail = *copy.as<For>();
  Expr start = tidy(context, loop.min + main_extent);
  Stmt last = For::make(tail.for_kind, tail.var, start, tidy(context, loop.extent - main_extent),
                        tail.body, tail.loc);
  main = simplify_in(context, main);
  last = simplify_in(context, last);
  return commit("peel " + name + " for " + inner,
                replace(function_.body, {{site.self.get(), {main, last}}}));
}

Schedule& Schedule::specialize(const std::string& name, const std::vector<std::string>& whole) {
  Site site = find_loop(function_, name);
  const For& loop = site.loop();
  std::set<const ExprNode*> inside_vars = defined_vars(loop.body);
  Expr condition;
  bool itself = false;
  for (const std::string& inner : whole) {
    Site inside = find_loop(function_, inner);
    if (inside.self.same_as(site.self)) {
      itself = true;
    } else {
      inside = inner_site(function_, site, inner, "illegal-specialize");
    }
    Context within = context_at(function_, inside);
    auto extent = partial_extent(within, inside.loop().extent);
    if (!extent) {
      if (within.poly(inside.loop().extent).is_constant()) continue;
      refuse("illegal-specialize", site,
             "the extent `" + print(inside.loop().extent) + "` of loop `" + inner +
                 "` is not a minimum of the whole and what is left",
             "split it with tail bound");
    }
    Expr full = within.expr(extent->full), rest = within.expr(extent->rest);
    if (itself) inside_vars.insert(loop.var.get());
    if (uses_any(full, inside_vars) || uses_any(rest, inside_vars)) {
      refuse("illegal-specialize", site,
             "the extent of loop `" + inner + "` depends on loops inside `" + name + "`",
             "specialize a loop further in");
    }
    Expr part = le(full, rest);
    condition = condition ? logical_and(condition, part) : part;
  }
  if (!condition) {
    refuse("illegal-specialize", site, "all of the loops have constant extents already");
  }
  Context context = context_at(function_, site);
  Context asked = context;
  if (!itself) asked.enter(loop);
  if (may_fail(asked, condition)) {
    refuse("illegal-specialize", site,
           "the condition `" + print(condition) +
               "` divides by what is not known to be above zero in loop `" + name + "`",
           "specialize a loop further in");
  }
  if (itself) {
    Context yes = context, no = context;
    yes.assume(condition, true);
    no.assume(condition, false);
    Stmt copy = copy_with_suffix(site.self, free_suffix(Block::make({site.self}), "_edge"));
    Stmt branch = If::make(condition, Block::make({simplify_in(yes, site.self)}),
                           Block::make({simplify_in(no, copy)}), loop.loc);
    return commit("specialize " + name + " for " + joined(whole),
                  replace(function_.body, {{site.self.get(), {branch}}}));
  }
  context.enter(loop);
  Context yes = context, no = context;
  yes.assume(condition, true);
  no.assume(condition, false);
  Stmt branch = If::make(
      condition, simplify_in(yes, loop.body),
      simplify_in(no, copy_with_suffix(loop.body, free_suffix(loop.body, "_edge"))), loop.loc);
  return commit("specialize " + name + " for " + joined(whole),
                replace(function_.body, {{site.self.get(), {with_body(loop, {branch})}}}));
}

Schedule& Schedule::hoist(const std::string& name, const std::string& loop_name) {
  Site site = find_loop(function_, loop_name);
  const For& loop = site.loop();
  std::set<const ExprNode*> own = defined_vars(site.self);
  std::vector<std::string> names;
  Context context = context_at(function_, site);
  // Outside it is evaluated even if the loop runs no iteration.
  auto require_safe = [&](const Expr& value) {
    if (context.proves_positive(context.poly(loop.extent)) || !may_fail(context, value)) return;
    refuse("illegal-hoist", site,
           "`" + print(value) + "` divides by what is not known to be above zero where loop `" +
               loop_name + "` runs no iteration",
           "divide by max(1, ...), or leave it inside");
  };
  for (const Stmt& stmt : body_of(loop)) {
    auto* allocate = stmt.as<Allocate>();
    auto* let = stmt.as<Let>();
    if (!allocate && !let) continue;
    names.push_back(allocate ? allocate->buffer.name() : let->var.name());
    if (names.back() != name) continue;
    if (allocate) {
      std::vector<Expr> needs = allocate->buffer->shape;
      needs.insert(needs.end(), allocate->buffer->strides.begin(), allocate->buffer->strides.end());
      for (const Expr& need : needs) {
        if (uses_any(need, own) || !is_pure(need)) {
          refuse("illegal-hoist", site,
                 "the extent `" + print(need) + "` of `" + name + "` depends on loop `" +
                     loop_name + "`",
                 "split the loop by a number, so that the greatest extent is known outside");
        }
        require_safe(need);
      }
      if (loop.for_kind != ForKind::Serial && loop.for_kind != ForKind::Unrolled) {
        refuse("illegal-hoist", site,
               "iterations of the " + std::string(to_string(loop.for_kind)) + " loop `" +
                   loop_name + "` would share `" + name + "`",
               "leave it inside");
      }
    } else if (uses_any(let->value, own) || !is_pure(let->value)) {
      refuse("illegal-hoist", site,
             "`" + name + "` = " + print(let->value) + " depends on what loop `" + loop_name +
                 "` does",
             "leave it inside");
    } else {
      require_safe(let->value);
    }
    std::vector<Stmt> body = body_of(loop);
    body.erase(std::find(body.begin(), body.end(), stmt));
    return commit(
        "hoist " + name + " out of " + loop_name,
        replace(function_.body, {{site.self.get(), {stmt, with_body(loop, std::move(body))}}}));
  }
  auto nearest = nearest_names(name, names);
  refuse("unknown-name", site, "the body of loop `" + loop_name + "` declares no `" + name + "`",
         nearest.empty() ? "hoist moves an allocation or a `let`"
                         : "did you mean `" + nearest[0] + "`?");
}

Schedule& Schedule::inline_call(const std::string& name) {
  Site site = find_loop(function_, name);
  struct Calls : Visitor {
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const CallIntrin&) override { found = true; }
  } calls;
  calls.visit(site.self);
  if (!calls.found) refuse("unknown-name", site, "no intrinsic is called in loop `" + name + "`");
  // Without rows every intrinsic is lowered to its meaning.
  Program meanings;
  meanings.name = program_.name;
  for (const Item& item : program_.items) {
    if (std::holds_alternative<Intrinsic>(item)) meanings.items.push_back(item);
  }
  Function part = function_;
  part.body = Block::make({site.self});
  meanings.items.push_back(part);
  Program lowered = lower_intrinsics(meanings, nullptr).program;
  const Function* result = lowered.find_function(function_.name);
  INLAY_CHECK(result, "lowering lost the function");
  return commit(
      "inline_call " + name,
      replace(function_.body, {{site.self.get(), unshare(result->body).as<Block>()->stmts}}));
}

}  // namespace inlay
