// The meaning of an intrinsic as what decides: as it stands, by the interpreter; and in double
// precision, with a bound on what rounding may do to each element of the result.
//
// The bound comes from the meaning itself, rewritten twice: once so that it sums up magnitudes
// instead of values, once so that it counts the roundings on the way to each element. Both are
// programs in f64 of the same shape, run by the interpreter.
#pragma once

#include "core/interp/interp.h"
#include "core/ir/program.h"

namespace inlay::conform {

struct Meaning {
  Program plain;  ///< one function, kCallOnce: the meaning in loops, types as they are
  Program value;  ///< the same with f64 for every float type
  Program magnitude, roundings;
  /// False where rounding can't be bounded this way (a division, a comparison of floats, a math
  /// function): `why_unbounded` says which; then only the interpreter's values are compared with.
  bool bounded = true;
  std::string why_unbounded;
  bool whole_constants = true;  ///< no constant in it has a fraction
  bool adds_products = false;   ///< a fused multiply-add could do some of it
  double epsilon = 0;           ///< the largest of its float types
  double smallest = 0;          ///< the largest of their least positive numbers
  double largest = 0;           ///< the smallest of their greatest numbers; infinity without floats
  double exact_below = 0;       ///< integers up to here are exact in all its float types

  const Function& function() const { return *plain.functions().front(); }
};

/// `program` is a parsed row_program().
Meaning meaning_of(const Program& program);

/// The same for float scalars of these values, in the order of the parameters: conditions on them
/// are decided then, and stand in the way of no bound.
Meaning specialize(const Meaning& meaning, const std::vector<double>& scalars);

/// How often the meaning adds floats, or multiplies elements, for parameters and symbols of these
/// values; 0 if that depends on data.
double float_operations(const Meaning& meaning, const std::map<std::string, int64_t>& sizes);

}  // namespace inlay::conform
