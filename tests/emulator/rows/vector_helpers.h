// What the models of vector instructions are written with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/emulator/rows/models.h"

namespace inlay::emulator::rows {

const Models& vop12_models();
const Models& vop3_models();

using u32 = uint32_t;
using i32 = int32_t;
using u64 = uint64_t;
using i64 = int64_t;

inline float f32(u64 b) {
  const u32 low = static_cast<u32>(b);
  float v;
  memcpy(&v, &low, 4);
  return v;
}
inline double f64(u64 b) {
  double v;
  memcpy(&v, &b, 8);
  return v;
}
inline u64 bits(float v) {
  u32 b;
  memcpy(&b, &v, 4);
  return b;
}
inline u64 bits(double v) {
  u64 b;
  memcpy(&b, &v, 8);
  return b;
}
inline Out near(u64 v, int ulps) {
  Out o;
  o.v = v;
  o.ulps = ulps;
  return o;
}
inline Out within(u64 v, double slack) {
  Out o;
  o.v = v;
  o.slack = slack;
  return o;
}
inline Out carry(u64 v, bool bit) {
  Out o;
  o.v = v;
  o.bit = bit;
  return o;
}

// Denormals as v_mad and v_mac see them.
inline float daz(float v) {
  return std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v;
}
inline float mad(float a, float b, float c) {
  volatile float product = daz(a) * daz(b);
  return daz(daz(product) + daz(c));
}
template <typename T>
inline T least(T a, T b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <typename T>
inline T most(T a, T b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}
template <typename T>
inline T middle(T a, T b, T c) {
  if (std::isnan(a) || std::isnan(b) || std::isnan(c)) return least(least(a, b), c);
  T v[3] = {a, b, c};
  std::sort(v, v + 3,
            [](T x, T y) { return x < y || (x == y && std::signbit(x) && !std::signbit(y)); });
  return v[1];
}
template <typename T>
inline T median(T a, T b, T c) {
  T v[3] = {a, b, c};
  std::sort(v, v + 3);
  return v[1];
}
inline i64 sign24(u64 v) {
  return static_cast<i32>(static_cast<u32>(v) << 8) >> 8;
}
template <typename I>
inline u64 saturated(long double v) {
  if (std::isnan(v)) return 0;
  v = std::trunc(v);
  const long double low = std::numeric_limits<I>::min(), high = std::numeric_limits<I>::max();
  return static_cast<std::make_unsigned_t<I>>(static_cast<I>(v < low ? low : v > high ? high : v));
}
inline u64 byte(u64 v, int n) {
  return v >> (8 * n) & 0xff;
}
inline u64 distance(u64 a, u64 b) {
  return a > b ? a - b : b - a;
}
inline u64 sad4(u64 a, u64 b, bool masked) {
  u64 v = 0;
  for (int n = 0; n < 4; n++)
    if (!masked || byte(b, n) != 0) v += distance(byte(a, n), byte(b, n));
  return v;
}
// The exact a * b + c of halves, rounded once: everything is a multiple of 2^-48.
inline u64 half_fma(double a, double b, double c) {
  if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c)) return half_bits(a * b + c);
  const __int128 p = static_cast<__int128>(static_cast<i64>(std::ldexp(a, 24))) *
                     static_cast<i64>(std::ldexp(b, 24)),
                 q = static_cast<__int128>(static_cast<i64>(std::ldexp(c, 24))) << 24;
  __int128 sum = p + q;
  if (sum == 0) return half_bits(a * b + c);
  const bool negative = sum < 0;
  if (negative) sum = -sum;
  // Reduced to 60 bits, the last of which is sticky.
  int shift = 0;
  bool sticky = false;
  while (sum >> 50) {
    sticky = sticky || (sum & 1);
    sum >>= 1;
    shift++;
  }
  const double v =
      std::ldexp(static_cast<double>(static_cast<i64>(sum) | (sticky ? 1 : 0)), shift - 48);
  return half_bits(negative ? -v : v);
}
inline u64 division(double quotient, double denominator, double numerator, u64 (*round)(double)) {
  const bool negative = std::signbit(denominator) != std::signbit(numerator);
  const auto sign = [&](double v) { return round(negative ? -v : v); };
  if (std::isnan(numerator)) return round(numerator);
  if (std::isnan(denominator)) return round(denominator);
  if (denominator == 0 && numerator == 0) return round(NAN);
  if (std::isinf(denominator) && std::isinf(numerator)) return round(NAN);
  if (denominator == 0 || std::isinf(numerator)) return sign(INFINITY);
  if (std::isinf(denominator) || numerator == 0) return sign(0.0);
  return sign(std::fabs(quotient));
}
inline int face_axis(float x, float y, float z) {
  const float ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
  return az >= ax && az >= ay ? 2 : ay >= ax ? 1 : 0;
}
// Bits of 2 / pi behind the point, most significant first.
inline double two_over_pi(int first_bit) {
  static const u32 kDigits[] = {0xA2F983, 0x6E4E44, 0x1529FC, 0x2757D1, 0xF534DD, 0xC0DB62,
                                0x95993C, 0x439041, 0xFE5163, 0xABDEBB, 0xC561B7, 0x246E3A};
  u64 v = 0;
  for (int n = first_bit; n < first_bit + 53; n++)
    v = v << 1 | (kDigits[n / 24] >> (23 - n % 24) & 1);
  return std::ldexp(static_cast<double>(v), -first_bit - 53);
}
template <typename T>
inline T fraction(T v, T top) {
  return std::min(v - std::floor(v), top);
}
// Sine and cosine of a turn.
inline double turned(double v, bool cosine) {
  if (std::isinf(v) || std::isnan(v)) return NAN;
  if (std::fabs(v) > 256) return cosine ? 1 : 0;
  const long double angle =
      (static_cast<long double>(v) - std::floor(static_cast<long double>(v))) *
      6.28318530717958647692528676655900577L;
  return static_cast<double>(cosine ? std::cos(angle) : std::sin(angle));
}

#define INLAY_SOURCES(type, read) \
  [[maybe_unused]] const type a = read(i.s[0]), b = read(i.s[1]), c = read(i.s[2]), d = read(i.d);
// A model is a statement where `models` is in sight: `F32(v_add_f32, a + b);`, or, of any type,
// `ANY(v_nop) { return ...; };`.
#define F32(name, ...)                                           \
  models[#name] = [](const In& i) -> Out {                       \
    INLAY_SOURCES(float, f32)                                    \
    return {bits(static_cast<float>(__VA_ARGS__)), false, 0, 0}; \
  }
#define F64(name, ...)                                            \
  models[#name] = [](const In& i) -> Out {                        \
    INLAY_SOURCES(double, f64)                                    \
    return {bits(static_cast<double>(__VA_ARGS__)), false, 0, 0}; \
  }
// Halves are computed in double, exactly where it matters.
#define F16(name, ...)                                                 \
  models[#name] = [](const In& i) -> Out {                             \
    INLAY_SOURCES(double, half_value)                                  \
    return {half_bits(static_cast<double>(__VA_ARGS__)), false, 0, 0}; \
  }
// Integers: a, b, c, d unsigned of 32 bits; sa, sb, sc signed.
#define U32(name, ...)                                                             \
  models[#name] = [](const In& i) -> Out {                                         \
    INLAY_SOURCES(u32, static_cast<u32>)                                           \
    [[maybe_unused]] const i64 sa = static_cast<i32>(a), sb = static_cast<i32>(b), \
                               sc = static_cast<i32>(c);                           \
    return {static_cast<u32>(__VA_ARGS__), false, 0, 0};                           \
  }
#define U16(name, ...)                                                                     \
  models[#name] = [](const In& i) -> Out {                                                 \
    INLAY_SOURCES(u32, static_cast<uint16_t>)                                              \
    [[maybe_unused]] const i32 sa = static_cast<int16_t>(a), sb = static_cast<int16_t>(b), \
                               sc = static_cast<int16_t>(c);                               \
    return {static_cast<uint16_t>(__VA_ARGS__), false, 0, 0};                              \
  }
#define ANY(name) models[#name] = [](const In& i) -> Out

}  // namespace inlay::emulator::rows
