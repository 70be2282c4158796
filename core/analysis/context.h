// Context: what is known about integers at one point of a program, and what follows from it.
//
// Loop bounds, guards and `let`s on the way to the point are put in; then comparisons can be
// proved. A proof is a search with a budget: true means proven, false means only that no proof was
// found. It eliminates one atom after the other by its bounds (the extremes of an affine form lie
// at the bounds of its variables; Banerjee, "Dependence Analysis for Supercomputing", 1988), with
// symbolic coefficients and bounds, and the defining inequalities of floor division, minimum and
// maximum.
#pragma once

#include <memory>
#include <set>

#include "core/analysis/poly.h"
#include "core/ir/program.h"

namespace inlay {

/// g*x + c >= 0 as x + floor(c / g) >= 0, which says the same of integers.
Poly tightened(const Poly& fact);

/// A value: copy it to go into a branch. Copies share the table of atoms, so one analysis is one
/// thread's, and polynomials mean something only to the context that made them and its copies.
class Context {
 public:
  Context() : atoms_(std::make_shared<Atoms>()) {}
  /// What holds at the start of the body: extents of parameters are not negative.
  explicit Context(const Function& function);

  Atoms& atoms() const { return *atoms_; }

  /// Normal form of an index expression. Loads and calls are unknowns, each its own, and so is what
  /// is not understood of a variable that was defined here.
  Poly poly(const Expr& expr) const;
  /// An expression of the value; only of what is expressible.
  Expr expr(const Poly& poly) const { return atoms_->to_expr(poly); }
  /// True if no unknown (a value read from memory, say) is part of it.
  bool expressible(const Poly& poly) const { return !depends(poly, {}); }
  /// True if the value may change with one of `inner`, or with what is unknown.
  bool depends(const Poly& poly, const std::set<AtomId>& inner) const;

  /// From here on `var` stands for `value`.
  void define(const VarNode* var, const Poly& value) { definitions_[var] = value; }
  /// Inside the body of the loop: min <= var < min + extent.
  void enter(const For& loop);
  /// As enter, with a fresh atom for the variable, which is returned.
  AtomId enter_renamed(const For& loop, const std::string& name);
  void enter(const Let& let);
  /// As enter, but the variable stays itself, with what is known of its value, unless the value is
  /// a plain sum of products: so that expressions go on saying `k_block`.
  void enter_named(const Let& let);
  void enter(const Allocate& allocate);
  /// `condition` is `truth`; what can't be expressed is not used.
  void assume(const Expr& condition, bool truth = true);
  /// poly >= 0.
  void assume_nonnegative(const Poly& poly);

  bool proves_nonnegative(const Poly& poly) const;
  bool proves_positive(const Poly& poly) const { return proves_nonnegative(poly - Poly(1)); }
  bool proves_equal(const Expr& a, const Expr& b) const { return proves_zero(poly(a) - poly(b)); }
  bool proves_zero(const Poly& poly) const;
  bool proves(const Expr& condition, bool truth = true) const;

  /// The greatest (upper) or least value of `poly` as a polynomial in which none of `inner`
  /// appears: their bounds are put in, where of several the first that works is taken. nullopt: not
  /// bounded.
  std::optional<Poly> bound_without(const Poly& poly, const std::set<AtomId>& inner,
                                    bool upper) const;

  /// Of several such bounds the one that is proven to be the closest.
  std::optional<Poly> tightest_without(const Poly& poly, const std::set<AtomId>& inner,
                                       bool upper) const;

  const std::vector<Poly>& facts() const { return facts_; }

 private:
  friend class Prover;

  /// `budget`: how many forms may still be looked at, by this and by the searches within it.
  std::vector<Poly> bounds_without(const Poly& poly, const std::set<AtomId>& inner, bool upper,
                                   size_t most, int& budget) const;

  std::optional<std::vector<Poly>> conjunction(const Expr& condition, bool truth) const;
  void assume_loop(const Poly& value, const Poly& min, const Poly& extent);
  /// `var` is a number from here on.
  void assume_value(const VarNode* var, int64_t value);
  bool mentions_defined(const Expr& expr) const;

  std::shared_ptr<Atoms> atoms_;
  std::unordered_map<const ExprNode*, Poly> definitions_;
  std::vector<Poly> facts_;                 ///< each >= 0
  std::vector<std::vector<Poly>> not_all_;  ///< not all of these are >= 0
};

}  // namespace inlay
