// What each operator does to numbers, once: the interpreter computes with it, and so does constant
// folding, so that the two can't disagree.
//
// Carriers: an integer or bool is an int64_t in canonical form (signed types sign-extended,
// unsigned ones zero-extended, u64 as its bits, bool 0 or 1); a float of any width is a double that
// holds it exactly. f16 and bf16 are computed in f32 and rounded once. Nothing here may be
// contracted to a fused multiply-add.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/ir/expr.h"

#pragma STDC FP_CONTRACT OFF

namespace inlay::arith {

/// `value` modulo 2^bits in the canonical form of `type` (an integer).
inline int64_t wrap(int64_t value, DType type) {
  if (type.bits == 64) return value;
  int shift = 64 - type.bits;
  uint64_t up = static_cast<uint64_t>(value) << shift;
  return type.is_int() ? static_cast<int64_t>(up) >> shift : static_cast<int64_t>(up >> shift);
}

inline int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
/// Floor division; the divisor is not 0. The least number divided by -1 wraps.
inline int64_t floor_div(int64_t a, int64_t b) {
  if (b == -1) return sub(0, a);
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}
/// Floor modulo: the sign is the divisor's.
inline int64_t floor_mod(int64_t a, int64_t b) {
  if (b == -1) return 0;
  int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
inline int64_t udiv(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) / static_cast<uint64_t>(b));
}
inline int64_t umod(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) % static_cast<uint64_t>(b));
}

/// The nearest f16 to `value`, ties to even; one rounding.
inline double round_f16(double value) {
  return static_cast<_Float16>(value);
}
inline double round_f16(float value) {
  return static_cast<_Float16>(value);
}
/// The nearest bf16 to `value`, ties to even.
inline double round_bf16(float value) {
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  uint32_t bits = std::bit_cast<uint32_t>(value);
  bits += 0x7fff + ((bits >> 16) & 1);
  return std::bit_cast<float>(bits & 0xffff0000u);
}
/// A float whose rounding to fewer bits equals that of `value`: rounded to odd.
inline float round_f32_to_odd(double value) {
  float nearest = static_cast<float>(value);
  if (std::isnan(value) || static_cast<double>(nearest) == value) return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(value)) --bits;
  return std::bit_cast<float>(bits | 1);
}

/// `value` as `type` holds it: one rounding to nearest even.
inline double round_to(DType type, double value) {
  if (type.is_float() && type.bits == 64) return value;
  if (type.bits == 32) return static_cast<float>(value);
  return type.code == TypeCode::BFloat ? round_bf16(round_f32_to_odd(value)) : round_f16(value);
}

// Each float type computes in T; round() brings a result back to what the type can hold.
struct F64 {
  using T = double;
  static double round(double value) { return value; }
};
struct F32 {
  using T = float;
  static double round(float value) { return value; }
};
struct F16 {
  using T = float;
  static double round(float value) { return round_f16(value); }
};
struct BF16 {
  using T = float;
  static double round(float value) { return round_bf16(value); }
};

/// Calls `use` with the F64, F32, F16 or BF16 of a float type.
template <typename Use>
auto with_float(DType type, Use use) {
  if (type.code == TypeCode::BFloat) return use(BF16{});
  if (type.bits == 16) return use(F16{});
  return type.bits == 32 ? use(F32{}) : use(F64{});
}

/// IEEE 754-2008 minNum and maxNum: a NaN loses.
inline double min_num(double a, double b) {
  return std::isnan(a) || b < a ? b : a;
}
inline double max_num(double a, double b) {
  return std::isnan(a) || b > a ? b : a;
}

/// Integer, or bool, `a op b` of operands of `type`; a comparison gives 0 or 1. nullopt where the
/// program is at fault: division by zero, shift amount out of range.
std::optional<int64_t> int_binary(BinaryOp op, DType type, int64_t a, int64_t b);
/// Float arithmetic, min and max.
double float_binary(BinaryOp op, DType type, double a, double b);
/// Float comparison; ordered, but for != which is true on NaN.
bool float_compare(BinaryOp op, double a, double b);
/// `args` has arity(op) values of `type`.
double float_math(MathOp op, DType type, const double* args);

/// Conversions, as Cast means them.
int64_t int_to_int(DType to, int64_t value);
double int_to_float(DType from, DType to, int64_t value);
int64_t float_to_int(DType to, double value);

}  // namespace inlay::arith
