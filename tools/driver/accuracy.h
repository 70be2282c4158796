// How far a floating-point sum may lie from the same sum in double precision. The one place that
// says so: tests, checks and benchmarks ask here.
#pragma once

namespace inlay {

inline constexpr double kEpsilonF32 = 0x1p-23, kEpsilonF64 = 0x1p-52;
inline constexpr double kEpsilonF16 = 0x1p-10, kEpsilonBf16 = 0x1p-7;

/// The largest error allowed in a sum of `terms` products that was rounded to a type of `epsilon`,
/// in any order and with or without fused multiply-add: 2 * terms * epsilon * scale.
///
/// `scale` is the sum of the magnitudes of all terms, where it is known: the bound is then that of
/// Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1, with a factor of two to
/// spare, and no correct sum breaks it. For terms of random sign it may be the largest magnitude of
/// a single term: errors then grow with the root of the number of terms, partial sums too, and real
/// errors stay several times below.
constexpr double sum_error_bound(double terms, double scale, double epsilon) {
  return 2 * (terms < 1 ? 1 : terms) * epsilon * scale;
}

}  // namespace inlay
