// Tools of schedule steps: finding loops, what is known there, replacing statements, simplifying
// with what is known.
#pragma once

#include <functional>

#include "core/analysis/dependence.h"
#include "core/schedule/schedule.h"

namespace inlay {

/// A statement and what encloses it in the function, outermost first: loops, branches, and the
/// `let`s and allocations that are visible.
struct Site {
  Stmt self;
  std::vector<Scope> scopes;

  const For& loop() const { return *self.as<For>(); }
  const std::string& name() const { return loop().var.name(); }
};

/// All loops under `root`, in textual order.
std::vector<Site> all_loops(const Stmt& root);
/// The loop that `name` means; throws "unknown-loop" with the nearest names, or "ambiguous-loop".
Site find_loop(const Function& function, const std::string& name);
/// What is known where the site's statement starts.
Context context_at(const Function& function, const Site& site);
/// A further step inwards.
void enter_scope(Context& context, const Scope& scope);

/// `root` with each statement of `changes` replaced by a list of statements.
Stmt replace(const Stmt& root,
             const std::unordered_map<const StmtNode*, std::vector<Stmt>>& changes);
/// `stmt` with statement nodes of its own: steps tell statements apart by their nodes, so that none
/// may stand in two places.
Stmt unshare(const Stmt& stmt);
/// Every loop variable, `let` and allocation under `stmt` made afresh; loops called NAME + suffix.
Stmt copy_with_suffix(const Stmt& stmt, const std::string& suffix);
/// Statements of a loop's body.
const std::vector<Stmt>& body_of(const For& loop);
/// The block that a statement stands in; it may be a bare one, which is no scope of loops.
const Block& parent_block(const Function& function, const Stmt& stmt);
/// The loop with other bounds or body, and the same variable.
Stmt with_body(const For& loop, std::vector<Stmt> body);

/// True if a variable of `vars` is used.
bool uses_any(const Expr& expr, const std::set<const ExprNode*>& vars);
/// Variables defined under `stmt` by loops and `let`s.
std::set<const ExprNode*> defined_vars(const Stmt& stmt);

/// The least number that `poly` is known not to exceed, if one is known.
std::optional<int64_t> greatest_number(const Context& context, const Poly& poly);
/// `place` < `extent`, said without what is known. Of a minimum each operand is asked for itself;
/// null: always.
Expr below(const Context& context, const Expr& place, const Expr& extent);
/// Into an iteration that the loop would have beyond its end if it had `extent` ones.
void enter_beyond(Context& context, const For& loop, int64_t extent);
/// Refuses, with `rule`, a kind that the loop can't have for the loops around it and inside.
void require_nesting(const Site& site, ForKind kind, const std::string& rule);
/// What `stmt` evaluates for bounds, conditions, `let`s reads no memory and can't fail.
bool evaluates_safely(const Stmt& stmt);

/// Conditions, minima, maxima and loops that `context` decides are decided.
Stmt simplify_in(const Context& context, const Stmt& stmt);
Expr simplify_in(const Context& context, const Expr& expr);
/// Simplest form of an index expression that normal forms know; the expression itself if none is
/// shorter.
Expr tidy(const Context& context, const Expr& expr);

/// Puts the values of `let`s into the places of their variables, so that nests are perfect. Values
/// with loads or calls stay.
Stmt inline_pure_lets(const Stmt& stmt);
/// Loops around nothing but an `if` that does not depend on them: the `if` goes outside. Of the
/// nest, the outermost `depth` loops.
Stmt hoist_guards(const Stmt& stmt, size_t depth);
/// Imports, prefetches, budgets and the like: they compute nothing, and stand in nobody's way.
bool is_hint(const Stmt& stmt);
/// True if evaluating `expr` reads no memory and calls nothing.
bool is_pure(const Expr& expr);

/// True if evaluating `expr` where `context` holds could stop the program, or do something: it
/// reads memory, calls, or divides by what is not known to be above zero. Then it may only be
/// evaluated where the program as it is does so.
bool may_fail(const Context& context, const Expr& expr);
/// True if `expr` calls, or reads a buffer that `accesses` write: later it may be another value.
bool may_change(const Expr& expr, const Accesses& accesses);

/// The loops from `outermost` down to the last of `wanted`, each the only statement of the one
/// before; or in an `if` that is, which then goes to `guards`, if given. Throws `rule` if the nest
/// is not perfect or a loop is not in it.
std::vector<const For*> perfect_chain(const Function& function, const Stmt& outermost,
                                      const std::set<std::string>& wanted, const std::string& rule,
                                      std::vector<const If*>* guards = nullptr);
/// If `extent` (an index at the site of `loop`) is min(full, rest), the two; `full` is the one that
/// is a number, or free of loop variables.
struct PartialExtent {
  Poly full, rest;
};
std::optional<PartialExtent> partial_extent(const Context& context, const Expr& extent);

/// Throws CompileError `rule` with notes for the two accesses.
[[noreturn]] void refuse(const std::string& rule, const Site& site, const std::string& message,
                         const Conflict& conflict, const std::string& help);
[[noreturn]] void refuse(const std::string& rule, const Site& site, const std::string& message,
                         const std::string& help = "");
/// Refuses to let iterations of the site's loop run side by side: `conflict` is carried by it.
[[noreturn]] void refuse_carried(const std::string& rule, const Site& site,
                                 const Conflict& conflict);
/// "a, b, c"
std::string joined(const std::vector<std::string>& names);
/// "sgemm/for i/for j"
std::string path_of(const Function& function, const Site& site);
/// `loop `i` (file:line)`-style place of a statement for messages: "line 12" or "".
std::string place_of(const Loc& loc);

}  // namespace inlay
