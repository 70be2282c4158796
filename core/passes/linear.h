// Integer expressions as sums c0*t0 + c1*t1 + ... + c, and what values they may have.
//
// Arithmetic wraps, so a sum equals its expression modulo 2^bits only. What needs the true number
// (division, comparison) must first get its range from exact_range(), which proves that nothing
// wraps: if the sum of the terms' ranges lies within the type, the sum is the value.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/ir/expr.h"

namespace inlay {

__extension__ typedef __int128 Wide;

/// All integers from lo to hi.
struct Range {
  Wide lo, hi;

  bool within(const Range& outer) const { return lo >= outer.lo && hi <= outer.hi; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// What an integer or bool type can hold.
Range range_of_type(DType type);

/// Ranges of variables that are known, by node: loop variables and lets.
using KnownRanges = std::unordered_map<const ExprNode*, Range>;
/// The values that a scalar integer or bool expression may have.
Range range_of(const Expr& expr, const KnownRanges& known);

/// A sum modulo 2^bits of `type`. Terms are no sums themselves and pairwise different; coefficients
/// and constant are signed numbers, none of them 0 modulo 2^bits but perhaps the constant.
struct Linear {
  struct Term {
    Expr expr;
    int64_t factor;
  };
  DType type;
  std::vector<Term> terms;
  int64_t constant = 0;

  void add(const Expr& term, int64_t factor);
  void add(const Linear& other, int64_t factor);
  void add_constant(int64_t value);
};

/// The sum that a scalar integer expression is; nullopt if it has too many terms, or evaluates
/// something with an effect, which must be neither moved nor merged.
std::optional<Linear> linearize(const Expr& expr);
/// A short expression for the sum.
Expr to_expr(const Linear& sum);
/// Range of the sum as a true number if it can't wrap, else nullopt.
std::optional<Range> exact_range(const Linear& sum, const KnownRanges& known);

/// Floor division and modulo of wide numbers by a positive one.
Wide wide_floor_div(Wide a, Wide b);

/// True if evaluating `expr` does more than give a value: it calls an extern or assembly.
bool has_effect(const Expr& expr);

}  // namespace inlay
