// Numbers as the hardware sees them: bit casts, denormals, NaN, conversions. Everything here is
// inlined into loops over lanes, so it is branch-free where that matters.
//
// These headers are compiled once per host instruction set, each time in its own namespace: nothing
// in them may be a function of the standard library's headers, whose one instantiation the linker
// would share among all of them.
#pragma once

#include <cstdint>

#ifndef INLAY_EXEC_VARIANT
#error \
    "compiled once per host instruction set, with INLAY_EXEC_VARIANT as the name of its namespace"
#endif

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

inline float as_float(uint32_t v) {
  return __builtin_bit_cast(float, v);
}
inline uint32_t as_bits(float v) {
  return __builtin_bit_cast(uint32_t, v);
}
inline double as_double(uint64_t v) {
  return __builtin_bit_cast(double, v);
}
inline uint64_t as_bits(double v) {
  return __builtin_bit_cast(uint64_t, v);
}

// f16 is computed in f32, which is exact enough for one rounding of +, -, * and sqrt; what is not
// says so.
struct Half {
  float v;
};
inline float half_to_float(uint16_t v) {
  return static_cast<float>(__builtin_bit_cast(_Float16, v));
}
// Rounds as the host's current rounding mode says.
inline uint16_t float_to_half(float v) {
  return __builtin_bit_cast(uint16_t, static_cast<_Float16>(v));
}

// An f16 that is not computed with: a conversion would quiet a signalling NaN.
struct HalfBits {
  uint16_t v;
};
inline bool is_nan(HalfBits v) {
  return (v.v & 0x7fff) > 0x7c00;
}
inline bool is_snan(HalfBits v) {
  return is_nan(v) && !(v.v & 0x200);
}
// Larger for what is larger; -0 before +0.
inline uint16_t half_order(HalfBits v) {
  return static_cast<uint16_t>(v.v & 0x8000 ? ~v.v : v.v | 0x8000);
}
// The number wins over NaN; in IEEE mode a signalling NaN does not lose, it is quieted.
inline HalfBits half_min(bool ieee, HalfBits a, HalfBits b) {
  if (ieee && is_snan(a)) return {static_cast<uint16_t>(a.v | 0x200)};
  if (ieee && is_snan(b)) return {static_cast<uint16_t>(b.v | 0x200)};
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  return half_order(b) < half_order(a) ? b : a;
}
inline HalfBits half_max(bool ieee, HalfBits a, HalfBits b) {
  if (ieee && is_snan(a)) return {static_cast<uint16_t>(a.v | 0x200)};
  if (ieee && is_snan(b)) return {static_cast<uint16_t>(b.v | 0x200)};
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  return half_order(a) < half_order(b) ? b : a;
}

constexpr uint32_t kNan32 = 0x7fc00000;
constexpr uint64_t kNan64 = 0x7ff8000000000000;

inline bool is_nan(float v) {
  return v != v;
}
inline bool is_nan(double v) {
  return v != v;
}
inline bool is_nan(Half v) {
  return v.v != v.v;
}
inline bool is_snan(float v) {
  return is_nan(v) && !(as_bits(v) & 0x00400000);
}
inline bool is_snan(double v) {
  return is_nan(v) && !(as_bits(v) & 0x0008000000000000);
}
inline float quiet(float v) {
  return as_float(as_bits(v) | 0x00400000);
}
inline double quiet(double v) {
  return as_double(as_bits(v) | 0x0008000000000000);
}
inline Half quiet(Half v) {
  return {quiet(v.v)};
}

// Denormals become zeros of their sign.
inline float flush(float v) {
  const uint32_t b = as_bits(v);
  return as_float((b & 0x7f800000) == 0 ? b & 0x80000000 : b);
}
inline double flush(double v) {
  const uint64_t b = as_bits(v);
  return as_double((b & 0x7ff0000000000000) == 0 ? b & 0x8000000000000000 : b);
}
inline uint16_t flush_half(uint16_t b) {
  return (b & 0x7c00) == 0 ? b & 0x8000 : b;
}

inline float fabs_(float v) {
  return as_float(as_bits(v) & 0x7fffffff);
}
inline double fabs_(double v) {
  return as_double(as_bits(v) & 0x7fffffffffffffff);
}
inline float inf32() {
  return as_float(0x7f800000);
}

// To integer, towards zero, saturating; NaN is 0 (manual, V_CVT_*).
template <typename I, typename F>
inline I saturate(F v, F low, F high) {
  if (is_nan(v)) return 0;
  if (v <= low) return static_cast<I>(low);
  // `high` is the first power of two beyond the type.
  if (v >= high)
    return static_cast<I>(~(I(1) << (sizeof(I) * 8 - 1)) |
                          (static_cast<I>(-1) < 0 ? 0 : I(1) << (sizeof(I) * 8 - 1)));
  return static_cast<I>(v);
}
inline int32_t to_i32(double v) {
  return saturate<int32_t, double>(v, -2147483648.0, 2147483648.0);
}
inline uint32_t to_u32(double v) {
  return saturate<uint32_t, double>(v, 0.0, 4294967296.0);
}
inline int32_t to_i16(float v) {
  return saturate<int32_t, float>(v, -32768.0f, 2147483648.0f) > 32767
             ? 32767
             : saturate<int32_t, float>(v, -32768.0f, 2147483648.0f);
}
inline uint32_t to_u16(float v) {
  return saturate<uint32_t, float>(v, 0.0f, 4294967296.0f) > 65535
             ? 65535
             : saturate<uint32_t, float>(v, 0.0f, 4294967296.0f);
}

// To the next of two floats so that its last bit is odd if anything was lost: rounding that to
// fewer bits is then the same as rounding the exact value (S. Boldo, G. Melquiond, "Emulation of a
// FMA and Correctly Rounded Sums", 2008).
inline double odd(double sum, double error) {
  uint64_t b = as_bits(sum);
  if (error == 0 || (b & 1) || sum - sum != 0) return sum;
  return as_double((error > 0) == (sum > 0) ? b + 1 : b - 1);
}
inline float to_float_odd(double v) {
  const float f = static_cast<float>(v);
  const double lost = v - static_cast<double>(f);
  const uint32_t b = as_bits(f);
  if (!(lost != 0) || (b & 1) || f - f != 0) return f;
  return as_float((lost > 0) == (f > 0) ? b + 1 : b - 1);
}
// One rounding in all.
inline Half fma_half(Half a, Half b, Half c) {
  const double p = static_cast<double>(a.v) * static_cast<double>(b.v),
               d = static_cast<double>(c.v);
  const double sum = p + d, bb = sum - p, error = (p - (sum - bb)) + (d - bb);
  return {to_float_odd(odd(sum, error))};
}
inline uint16_t half_toward_zero(float v) {
  const uint32_t b = as_bits(v);
  const uint16_t h = float_to_half(v);
  // Where rounding to nearest went away from zero, one step back; infinity is the step past the
  // largest half.
  if (is_nan(v) || (b & 0x7fffffff) == 0x7f800000) return h;
  return (as_bits(half_to_float(h)) & 0x7fffffff) > (b & 0x7fffffff) ? static_cast<uint16_t>(h - 1)
                                                                     : h;
}

template <typename T>
inline T min_(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
inline T max_(T a, T b) {
  return a < b ? b : a;
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
