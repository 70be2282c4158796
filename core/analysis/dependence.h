// Dependence: may two accesses touch one element in different iterations of a loop nest?
//
// The test writes down what would have to hold (equal indices, the loops' bounds and guards of both
// instances, the order of the iterations), and looks for a contradiction: a greatest common divisor
// that does not divide, or bounds that exclude each other (see context.h). Symbolic extents and
// strides are allowed. Where no contradiction is found the answer is "may", which is safe.
#pragma once

#include "core/analysis/access.h"
#include "core/analysis/context.h"

namespace inlay {

/// How the iteration of the second access lies to that of the first in one loop.
enum class Direction : uint8_t { Less, Equal, Greater, Any };  // first < second, ...

/// True unless it is proven that no instance of `a` and instance of `b` touch one element with the
/// given directions. `loops` is a chain of loops that enclose both accesses, as they stand in their
/// scopes; loops of the scopes that are not among them take any values. `context` holds at the root
/// of the analysis that collected the accesses.
bool may_conflict(const Context& context, const Access& a, const Access& b,
                  const std::vector<const For*>& loops, const std::vector<Direction>& directions);

/// Two accesses that stand in the way of a step.
struct Conflict {
  Access first, second;               ///< in the order in which they run today
  std::vector<Direction> directions;  ///< per loop of the nest
};

/// True if both are updates of one kind, whose order matters only to rounding.
bool commute(const Access& a, const Access& b);

/// Would running `loops` (outermost first, a chain below the root) in the order `permutation`
/// (permutation[new place] = old place) turn a dependence round? Updates that commute may be turned
/// round; `reassociates` is set if that may happen to floats.
std::optional<Conflict> find_reversal(const Context& context, const Accesses& accesses,
                                      const std::vector<const For*>& loops,
                                      const std::vector<size_t>& permutation, bool* reassociates);

/// A dependence between different iterations of `loop`, which stands in `loops` (a chain from the
/// root down to it, the outer ones being in the same iteration).
std::optional<Conflict> find_carried(const Context& context, const Accesses& accesses,
                                     const std::vector<const For*>& loops);

/// Would splitting the body of the innermost of `loops` into a loop over `before` and then one over
/// `after` (collected below the same root) turn a dependence round?
std::optional<Conflict> find_fission_conflict(const Context& context, const Accesses& before,
                                              const Accesses& after,
                                              const std::vector<const For*>& loops);

}  // namespace inlay
