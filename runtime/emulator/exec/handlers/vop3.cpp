// VOP3-only instructions (manual, 12.10).
#include <cmath>

#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

uint64_t scalar_value(Wave& w, const Slot& s, uint32_t c, OperandType type);

// --- float ---
// Product and sum rounded each, denormals flushed whatever MODE says.
static inline float mad32(float a, float b, float c) {
  return flush(flush(flush(a) * flush(b)) + flush(c));
}
INLAY_ARITH(v_mad_f32, float, float a, float b, float c) {
  return mad32(a, b, c);
}
INLAY_ARITH(v_mad_legacy_f32, float, float a, float b, float c) {
  a = flush(a);
  b = flush(b);
  return flush((a == 0 || b == 0 ? 0.0f : flush(a * b)) + flush(c));
}
INLAY_ARITH(v_fma_f32, float, float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
INLAY_ARITH(v_fma_f64, double, double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
INLAY_ARITH(v_add_f64, double, double a, double b) {
  return a + b;
}
INLAY_ARITH(v_mul_f64, double, double a, double b) {
  return a * b;
}
INLAY_ARITH(v_ldexp_f64, double, double a, int32_t e) {
  return ldexp(a, e);
}
INLAY_ARITH(v_ldexp_f32, float, float a, int32_t e) {
  return ldexpf(a, e);
}

template <typename T>
static inline T float_min(bool ieee, T a, T b) {
  if (ieee && is_snan(a)) return quiet(a);
  if (ieee && is_snan(b)) return quiet(b);
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return as_bits(a) > as_bits(b) ? a : b;
  return a < b ? a : b;
}
template <typename T>
static inline T float_max(bool ieee, T a, T b) {
  if (ieee && is_snan(a)) return quiet(a);
  if (ieee && is_snan(b)) return quiet(b);
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return as_bits(a) < as_bits(b) ? a : b;
  return a > b ? a : b;
}
template <typename T>
static inline T float_med3(bool ieee, T a, T b, T c) {
  if (is_nan(a) || is_nan(b) || is_nan(c)) return float_min(ieee, float_min(ieee, a, b), c);
  return float_max(ieee, float_min(ieee, a, b), float_min(ieee, float_max(ieee, a, b), c));
}
INLAY_LANE(v_min_f64, double, const Context& x, double a, double b) {
  return float_min(x.ieee, a, b);
}
INLAY_LANE(v_max_f64, double, const Context& x, double a, double b) {
  return float_max(x.ieee, a, b);
}
INLAY_LANE(v_min3_f32, float, const Context& x, float a, float b, float c) {
  return float_min(x.ieee, float_min(x.ieee, a, b), c);
}
INLAY_LANE(v_max3_f32, float, const Context& x, float a, float b, float c) {
  return float_max(x.ieee, float_max(x.ieee, a, b), c);
}
INLAY_LANE(v_med3_f32, float, const Context& x, float a, float b, float c) {
  return float_med3(x.ieee, a, b, c);
}
INLAY_LANE(v_min3_f16, HalfBits, const Context& x, HalfBits a, HalfBits b, HalfBits c) {
  return half_min(x.ieee, half_min(x.ieee, a, b), c);
}
INLAY_LANE(v_max3_f16, HalfBits, const Context& x, HalfBits a, HalfBits b, HalfBits c) {
  return half_max(x.ieee, half_max(x.ieee, a, b), c);
}
INLAY_LANE(v_med3_f16, HalfBits, const Context& x, HalfBits a, HalfBits b, HalfBits c) {
  if (is_nan(a) || is_nan(b) || is_nan(c)) return half_min(x.ieee, half_min(x.ieee, a, b), c);
  return half_max(false, half_min(false, a, b), half_min(false, half_max(false, a, b), c));
}

static inline Half mad16(Half a, Half b, Half c) {
  return {half_to_float(float_to_half(a.v * b.v)) + c.v};
}
INLAY_ARITH(v_mad_f16, Half, Half a, Half b, Half c) {
  return mad16(a, b, c);
}
INLAY_ARITH(v_mad_legacy_f16, Half, Half a, Half b, Half c) {
  return mad16(a, b, c);
}
INLAY_ARITH(v_fma_f16, Half, Half a, Half b, Half c) {
  return fma_half(a, b, c);
}
INLAY_ARITH(v_fma_legacy_f16, Half, Half a, Half b, Half c) {
  return fma_half(a, b, c);
}

// --- division ---
#if defined(__SIZEOF_FLOAT128__)
using Quad = __float128;
#else
using Quad = long double;
#endif
// v_div_scale brings numerator and denominator into a range where the reciprocal, the quotient and
// the residual of Newton's steps are normal; VCC tells v_div_fmas that the quotient came out
// scaled. The published pseudocode scales a huge denominator up where only down makes sense; this
// is the rule by which the compiler's division is correct.
template <typename T, typename R>
struct Division {
  static constexpr int kBias = sizeof(T) == 4 ? 127 : 1023;
  static constexpr int kMax = sizeof(T) == 4 ? 255 : 2047;
  static constexpr int kFractionBits = sizeof(T) == 4 ? 23 : 52;
  static constexpr int kScale = sizeof(T) == 4 ? 64 : 128;
  static constexpr int kFar = sizeof(T) == 4 ? 96 : 768;

  static int exponent(T v) { return static_cast<int>(as_bits(v) >> kFractionBits & kMax); }
  static bool denormal(T v) { return exponent(v) == 0 && v != 0; }
  static T scaled(T v, int by) {
    if constexpr (sizeof(T) == 4)
      return ldexpf(v, by);
    else
      return ldexp(v, by);
  }
  static T nan() {
    if constexpr (sizeof(T) == 4)
      return as_float(kNan32);
    else
      return as_double(kNan64);
  }
  static R scale(T s0, T denominator, T numerator) {
    const bool is_denominator = as_bits(s0) == as_bits(denominator),
               is_numerator = as_bits(s0) == as_bits(numerator);
    if (numerator == 0 || denominator == 0) return {nan(), false};
    if (exponent(numerator) - exponent(denominator) >= kFar)
      return {is_denominator ? scaled(s0, kScale) : s0, true};
    if (denormal(denominator)) return {scaled(s0, kScale), false};
    const bool tiny_reciprocal = denormal(T(1) / denominator);
    const T quotient = numerator / denominator;
    const bool tiny_quotient = quotient == 0 || denormal(quotient);
    if (tiny_reciprocal && tiny_quotient) return {is_denominator ? scaled(s0, -kScale) : s0, true};
    if (tiny_reciprocal) return {scaled(s0, -kScale), false};
    if (tiny_quotient) return {is_numerator ? scaled(s0, kScale) : s0, true};
    if (exponent(numerator) <= kFractionBits) return {scaled(s0, kScale), false};
    return {s0, false};
  }
  // The scale is applied before the one rounding: a quotient that comes out denormal would be
  // rounded twice otherwise.
  static T fmas(T a, T b, T c, bool scaled_quotient) {
    T v;
    if constexpr (sizeof(T) == 4)
      v = __builtin_fmaf(a, b, c);
    else
      v = __builtin_fma(a, b, c);
    if (!scaled_quotient) return v;
    const int by = exponent(c) > kBias ? kScale : -kScale;
    const T simple = scaled(v, by);
    if (by > 0 || exponent(simple) > 1 || v - v != 0) return simple;
    const Quad exact = static_cast<Quad>(a) * static_cast<Quad>(b) + static_cast<Quad>(c);
    return static_cast<T>(exact * static_cast<Quad>(scaled(T(1), by)));
  }
  static T fixup(T quotient, T denominator, T numerator) {
    const auto sign = (as_bits(denominator) ^ as_bits(numerator)) >> (sizeof(T) * 8 - 1);
    const auto signed_ = [&](T v) { return sign ? -v : v; };
    const T infinity = static_cast<T>(inf32());
    if (is_nan(numerator)) return quiet(numerator);
    if (is_nan(denominator)) return quiet(denominator);
    const bool d_inf = fabs_(denominator) == infinity, n_inf = fabs_(numerator) == infinity;
    if ((denominator == 0 && numerator == 0) || (d_inf && n_inf)) return -nan();
    if (denominator == 0 || n_inf) return signed_(infinity);
    if (d_inf || numerator == 0) return signed_(T(0));
    // Beyond the range of the steps before, whose result is no number then.
    int en, ed;
    frexp(static_cast<double>(numerator), &en);
    frexp(static_cast<double>(denominator), &ed);
    if (en - ed > kBias + 2) return signed_(infinity);
    return signed_(fabs_(quotient));
  }
};
using Division32 = Division<float, FloatBit>;
using Division64 = Division<double, DoubleBit>;
INLAY_LANE(v_div_scale_f32, FloatBit, float a, float d, float n) {
  return Division32::scale(a, d, n);
}
INLAY_LANE(v_div_scale_f64, DoubleBit, double a, double d, double n) {
  return Division64::scale(a, d, n);
}
INLAY_LANE(v_div_fixup_f32, float, float q, float d, float n) {
  return Division32::fixup(q, d, n);
}
INLAY_LANE(v_div_fixup_f64, double, double q, double d, double n) {
  return Division64::fixup(q, d, n);
}
static inline Half fixup16(Half q, Half d, Half n) {
  return {Division32::fixup(q.v, d.v, n.v)};
}
INLAY_LANE(v_div_fixup_f16, Half, Half q, Half d, Half n) {
  return fixup16(q, d, n);
}
INLAY_LANE(v_div_fixup_legacy_f16, Half, Half q, Half d, Half n) {
  return fixup16(q, d, n);
}
// VCC is read without being named.
INLAY_ARITH(v_div_fmas_f32, float, float a, float b, float c, Bit vcc) {
  return Division32::fmas(a, b, c, vcc.v);
}
INLAY_ARITH(v_div_fmas_f64, double, double a, double b, double c, Bit vcc) {
  return Division64::fmas(a, b, c, vcc.v);
}

// 53 bits of 2/pi from bit 53*segment on, further along for a large argument.
INLAY_LANE(v_trig_preop_f64, double, double a, uint32_t segment) {
  static const uint32_t kTwoOverPi[40] = {
      0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
      0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
      0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b,
      0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7,
      0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1,
      0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d};
  const int exponent = static_cast<int>(as_bits(a) >> 52 & 0x7ff);
  int shift = static_cast<int>(segment & 31) * 53;
  if (exponent > 1077) shift += exponent - 1077;
  uint64_t bits = 0;
  for (int n = 0; n < 53; n++) {
    const int at = shift + n;
    bits = bits << 1 | (at < 1201 ? kTwoOverPi[at / 32] >> (31 - at % 32) & 1 : 0);
  }
  return ldexp(static_cast<double>(bits), -53 - shift + (exponent >= 1968 ? 128 : 0));
}

// --- integer ---
static inline int32_t i24(int32_t v) {
  return static_cast<int32_t>(static_cast<uint32_t>(v) << 8) >> 8;
}
static inline uint32_t u24(uint32_t v) {
  return v & 0xffffff;
}
static inline int32_t clamp_i32(int64_t v) {
  return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : static_cast<int32_t>(v);
}
static inline uint32_t clamp_u32(uint64_t v) {
  return v > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(v);
}
INLAY_LANE(v_mad_i32_i24, int32_t, const Context& x, int32_t a, int32_t b, int32_t c) {
  const int64_t v = static_cast<int64_t>(i24(a)) * i24(b) + c;
  return x.clamp ? clamp_i32(v) : static_cast<int32_t>(v);
}
INLAY_LANE(v_mad_u32_u24, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  const uint64_t v = static_cast<uint64_t>(u24(a)) * u24(b) + c;
  return x.clamp ? clamp_u32(v) : static_cast<uint32_t>(v);
}
INLAY_LANE(v_bfe_u32, uint32_t, uint32_t a, uint32_t offset, uint32_t width) {
  return a >> (offset & 31) & ((1u << (width & 31)) - 1);
}
INLAY_LANE(v_bfe_i32, int32_t, int32_t a, uint32_t offset, uint32_t width) {
  const uint32_t n = width & 31;
  if (n == 0) return 0;
  const uint32_t v = static_cast<uint32_t>(a >> (offset & 31));
  return static_cast<int32_t>(v << (32 - n)) >> (32 - n);
}
INLAY_LANE(v_bfi_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return (a & b) | (~a & c);
}
INLAY_LANE(v_bfm_b32, uint32_t, uint32_t width, uint32_t offset) {
  return ((1u << (width & 31)) - 1) << (offset & 31);
}
INLAY_LANE(v_alignbit_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) << 32 | b) >> (c & 31));
}
INLAY_LANE(v_alignbyte_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) << 32 | b) >> (8 * (c & 3)));
}
INLAY_LANE(v_min3_i32, int32_t, int32_t a, int32_t b, int32_t c) {
  return min_(min_(a, b), c);
}
INLAY_LANE(v_min3_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return min_(min_(a, b), c);
}
INLAY_LANE(v_max3_i32, int32_t, int32_t a, int32_t b, int32_t c) {
  return max_(max_(a, b), c);
}
INLAY_LANE(v_max3_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return max_(max_(a, b), c);
}
template <typename T>
static inline T med3(T a, T b, T c) {
  return max_(min_(a, b), min_(max_(a, b), c));
}
INLAY_LANE(v_med3_i32, int32_t, int32_t a, int32_t b, int32_t c) {
  return med3(a, b, c);
}
INLAY_LANE(v_med3_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return med3(a, b, c);
}
INLAY_LANE(v_min3_i16, int16_t, int16_t a, int16_t b, int16_t c) {
  return min_(min_(a, b), c);
}
INLAY_LANE(v_min3_u16, uint16_t, uint16_t a, uint16_t b, uint16_t c) {
  return min_(min_(a, b), c);
}
INLAY_LANE(v_max3_i16, int16_t, int16_t a, int16_t b, int16_t c) {
  return max_(max_(a, b), c);
}
INLAY_LANE(v_max3_u16, uint16_t, uint16_t a, uint16_t b, uint16_t c) {
  return max_(max_(a, b), c);
}
INLAY_LANE(v_med3_i16, int16_t, int16_t a, int16_t b, int16_t c) {
  return med3(a, b, c);
}
INLAY_LANE(v_med3_u16, uint16_t, uint16_t a, uint16_t b, uint16_t c) {
  return med3(a, b, c);
}
INLAY_LANE(v_lshl_add_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return (a << (b & 31)) + c;
}
INLAY_LANE(v_add_lshl_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return (a + b) << (c & 31);
}
INLAY_LANE(v_add3_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return a + b + c;
}
INLAY_LANE(v_lshl_or_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return a << (b & 31) | c;
}
INLAY_LANE(v_and_or_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return (a & b) | c;
}
INLAY_LANE(v_or3_b32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return a | b | c;
}
INLAY_LANE(v_xad_u32, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  return (a ^ b) + c;
}
INLAY_LANE(v_mul_lo_u32, uint32_t, uint32_t a, uint32_t b) {
  return a * b;
}
INLAY_LANE(v_mul_hi_u32, uint32_t, uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}
INLAY_LANE(v_mul_hi_i32, int32_t, int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(a) * b) >> 32);
}
INLAY_LANE(v_mad_u64_u32, Carry64, const Context& x, uint32_t a, uint32_t b, uint64_t c) {
  const uint64_t p = static_cast<uint64_t>(a) * b, v = p + c;
  return {x.clamp && v < p ? ~uint64_t{0} : v, v < p};
}
INLAY_LANE(v_mad_i64_i32, Carry64, const Context& x, int32_t a, int32_t b, int64_t c) {
  int64_t v;
  const bool overflow = __builtin_add_overflow(static_cast<int64_t>(a) * b, c, &v);
  if (x.clamp && overflow) v = c < 0 ? INT64_MIN : INT64_MAX;
  return {static_cast<uint64_t>(v), overflow};
}
INLAY_LANE(v_lshlrev_b64, uint64_t, uint32_t n, uint64_t a) {
  return a << (n & 63);
}
INLAY_LANE(v_lshrrev_b64, uint64_t, uint32_t n, uint64_t a) {
  return a >> (n & 63);
}
INLAY_LANE(v_ashrrev_i64, int64_t, uint32_t n, int64_t a) {
  return a >> (n & 63);
}
INLAY_LANE(v_bcnt_u32_b32, uint32_t, uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(__builtin_popcount(a)) + b;
}
INLAY_LANE(v_add_i32, int32_t, const Context& x, int32_t a, int32_t b) {
  const int64_t v = static_cast<int64_t>(a) + b;
  return x.clamp ? clamp_i32(v) : static_cast<int32_t>(v);
}
INLAY_LANE(v_sub_i32, int32_t, const Context& x, int32_t a, int32_t b) {
  const int64_t v = static_cast<int64_t>(a) - b;
  return x.clamp ? clamp_i32(v) : static_cast<int32_t>(v);
}
static inline int16_t clamp_i16(int32_t v) {
  return static_cast<int16_t>(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
}
static inline uint16_t clamp_u16(uint32_t v) {
  return static_cast<uint16_t>(v > 65535 ? 65535 : v);
}
INLAY_LANE(v_add_i16, int16_t, const Context& x, int16_t a, int16_t b) {
  return x.clamp ? clamp_i16(a + b) : static_cast<int16_t>(a + b);
}
INLAY_LANE(v_sub_i16, int16_t, const Context& x, int16_t a, int16_t b) {
  return x.clamp ? clamp_i16(a - b) : static_cast<int16_t>(a - b);
}
static inline uint16_t mad_u16(bool clamp, uint16_t a, uint16_t b, uint16_t c) {
  const uint64_t v = static_cast<uint64_t>(a) * b + c;
  return clamp ? clamp_u16(clamp_u32(v)) : static_cast<uint16_t>(v);
}
static inline int16_t mad_i16(bool clamp, int16_t a, int16_t b, int16_t c) {
  const int64_t v = static_cast<int64_t>(a) * b + c;
  return clamp ? clamp_i16(clamp_i32(v)) : static_cast<int16_t>(v);
}
INLAY_LANE(v_mad_u16, uint16_t, const Context& x, uint16_t a, uint16_t b, uint16_t c) {
  return mad_u16(x.clamp, a, b, c);
}
INLAY_LANE(v_mad_i16, int16_t, const Context& x, int16_t a, int16_t b, int16_t c) {
  return mad_i16(x.clamp, a, b, c);
}
INLAY_LANE(v_mad_legacy_u16, uint16_t, const Context& x, uint16_t a, uint16_t b, uint16_t c) {
  return mad_u16(x.clamp, a, b, c);
}
INLAY_LANE(v_mad_legacy_i16, int16_t, const Context& x, int16_t a, int16_t b, int16_t c) {
  return mad_i16(x.clamp, a, b, c);
}
INLAY_LANE(v_mad_u32_u16, uint32_t, const Context& x, uint16_t a, uint16_t b, uint32_t c) {
  const uint64_t v = static_cast<uint64_t>(a) * b + c;
  return x.clamp ? clamp_u32(v) : static_cast<uint32_t>(v);
}
INLAY_LANE(v_mad_i32_i16, int32_t, const Context& x, int16_t a, int16_t b, int32_t c) {
  const int64_t v = static_cast<int64_t>(a) * b + c;
  return x.clamp ? clamp_i32(v) : static_cast<int32_t>(v);
}

// --- bytes ---
// Selectors 0-7 are bytes of {a, b}, b below; 8-11 repeat the sign of a half; 12 is zero, more are
// ones.
INLAY_LANE(v_perm_b32, uint32_t, uint32_t a, uint32_t b, uint32_t selectors) {
  const uint64_t data = static_cast<uint64_t>(a) << 32 | b;
  uint32_t v = 0;
  for (int n = 0; n < 4; n++) {
    const uint32_t sel = selectors >> (8 * n) & 0xff;
    const uint32_t byte = sel < 8     ? static_cast<uint32_t>(data >> (8 * sel)) & 0xff
                          : sel < 12  ? (data >> (16 * (sel - 8) + 15) & 1 ? 0xffu : 0u)
                          : sel == 12 ? 0
                                      : 0xff;
    v |= byte << (8 * n);
  }
  return v;
}
INLAY_LANE(v_lerp_u8, uint32_t, uint32_t a, uint32_t b, uint32_t c) {
  uint32_t v = 0;
  for (int n = 0; n < 32; n += 8) v |= ((a >> n & 0xff) + (b >> n & 0xff) + (c >> n & 1)) >> 1 << n;
  return v;
}
static inline uint32_t distance(uint32_t a, uint32_t b) {
  return a > b ? a - b : b - a;
}
static inline uint32_t sad_u8(uint32_t a, uint32_t b, bool masked) {
  uint32_t v = 0;
  for (int n = 0; n < 32; n += 8)
    if (!masked || (b >> n & 0xff)) v += distance(a >> n & 0xff, b >> n & 0xff);
  return v;
}
static inline uint32_t accumulate(const Context& x, uint32_t v, uint32_t c) {
  return x.clamp ? clamp_u32(static_cast<uint64_t>(v) + c) : v + c;
}
INLAY_LANE(v_sad_u8, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  return accumulate(x, sad_u8(a, b, false), c);
}
INLAY_LANE(v_msad_u8, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  return accumulate(x, sad_u8(a, b, true), c);
}
INLAY_LANE(v_sad_hi_u8, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  return accumulate(x, sad_u8(a, b, false) << 16, c);
}
INLAY_LANE(v_sad_u16, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  return accumulate(x, distance(a & 0xffff, b & 0xffff) + distance(a >> 16, b >> 16), c);
}
INLAY_LANE(v_sad_u32, uint32_t, const Context& x, uint32_t a, uint32_t b, uint32_t c) {
  return accumulate(x, distance(a, b), c);
}
static inline uint64_t quad_sad(const Context& x, uint64_t a, uint32_t b, uint64_t c, bool masked) {
  uint64_t v = 0;
  for (int n = 0; n < 4; n++) {
    const uint32_t sum = sad_u8(static_cast<uint32_t>(a >> (8 * n)), b, masked) +
                         static_cast<uint32_t>(c >> (16 * n) & 0xffff);
    v |= static_cast<uint64_t>(x.clamp ? clamp_u16(sum) : sum & 0xffff) << (16 * n);
  }
  return v;
}
INLAY_LANE(v_qsad_pk_u16_u8, uint64_t, const Context& x, uint64_t a, uint32_t b, uint64_t c) {
  return quad_sad(x, a, b, c, false);
}
INLAY_LANE(v_mqsad_pk_u16_u8, uint64_t, const Context& x, uint64_t a, uint32_t b, uint64_t c) {
  return quad_sad(x, a, b, c, true);
}

// --- packing and conversion ---
INLAY_LANE(v_cvt_pkrtz_f16_f32, uint32_t, float a, float b) {
  return half_toward_zero(a) | static_cast<uint32_t>(half_toward_zero(b)) << 16;
}
static inline uint32_t normalize(float v, float low, float scale) {
  if (is_nan(v)) return 0;
  return static_cast<uint32_t>(static_cast<int32_t>(__builtin_roundevenf((v < low ? low
                                                                          : v > 1 ? 1
                                                                                  : v) *
                                                                         scale))) &
         0xffff;
}
INLAY_LANE(v_cvt_pknorm_i16_f32, uint32_t, float a, float b) {
  return normalize(a, -1, 32767) | normalize(b, -1, 32767) << 16;
}
INLAY_LANE(v_cvt_pknorm_u16_f32, uint32_t, float a, float b) {
  return normalize(a, 0, 65535) | normalize(b, 0, 65535) << 16;
}
INLAY_LANE(v_cvt_pknorm_i16_f16, uint32_t, Half a, Half b) {
  return normalize(a.v, -1, 32767) | normalize(b.v, -1, 32767) << 16;
}
INLAY_LANE(v_cvt_pknorm_u16_f16, uint32_t, Half a, Half b) {
  return normalize(a.v, 0, 65535) | normalize(b.v, 0, 65535) << 16;
}
INLAY_LANE(v_cvt_pk_u16_u32, uint32_t, uint32_t a, uint32_t b) {
  return clamp_u16(a) | static_cast<uint32_t>(clamp_u16(b)) << 16;
}
INLAY_LANE(v_cvt_pk_i16_i32, uint32_t, int32_t a, int32_t b) {
  return static_cast<uint16_t>(clamp_i16(a)) |
         static_cast<uint32_t>(static_cast<uint16_t>(clamp_i16(b))) << 16;
}
INLAY_LANE(v_cvt_pk_u8_f32, uint32_t, float a, uint32_t byte, uint32_t c) {
  const uint32_t n = 8 * (byte & 3), v = to_u32(static_cast<double>(a));
  return (c & ~(0xffu << n)) | (v > 255 ? 255 : v) << n;
}
// The other bytes of the destination stay.
INLAY_LANE(v_cvt_pkaccum_u8_f32, uint32_t, float a, uint32_t byte, uint32_t d) {
  const uint32_t n = 8 * (byte & 3), v = to_u32(static_cast<double>(a));
  return (d & ~(0xffu << n)) | (v > 255 ? 255 : v) << n;
}
INLAY_LANE(v_pack_b32_f16, uint32_t, uint16_t a, uint16_t b) {
  return a | static_cast<uint32_t>(b) << 16;
}

// --- cube maps: coordinates, face and major axis of a direction ---
static inline int cube_axis(float x, float y, float z) {
  if (fabs_(z) >= fabs_(x) && fabs_(z) >= fabs_(y)) return 2;
  return fabs_(y) >= fabs_(x) ? 1 : 0;
}
INLAY_LANE(v_cubeid_f32, float, float x, float y, float z) {
  const int axis = cube_axis(x, y, z);
  const float major = axis == 2 ? z : axis == 1 ? y : x;
  return static_cast<float>(2 * axis + (major < 0 ? 1 : 0));
}
INLAY_LANE(v_cubema_f32, float, float x, float y, float z) {
  const int axis = cube_axis(x, y, z);
  return 2.0f * (axis == 2 ? z : axis == 1 ? y : x);
}
INLAY_LANE(v_cubesc_f32, float, float x, float y, float z) {
  const int axis = cube_axis(x, y, z);
  if (axis == 2) return z < 0 ? -x : x;
  if (axis == 1) return x;
  return x < 0 ? z : -z;
}
INLAY_LANE(v_cubetc_f32, float, float x, float y, float z) {
  if (cube_axis(x, y, z) != 1) return -y;
  return y < 0 ? -z : z;
}

// --- across lanes ---
// Bits of the mask below this lane, in the lower or upper half of the wavefront.
static void count_below(Wave& w, const Slot& s, bool upper) {
  alignas(64) uint32_t t0[kLanes], t1[kLanes], out[kLanes];
  const uint32_t* mask = source_row(w, s, 0, 0, t0);
  const uint32_t* add = source_row(w, s, 1, 0, t1);
  for (int l = 0; l < kLanes; l++) {
    const uint64_t below = (uint64_t{1} << l) - 1;
    out[l] = static_cast<uint32_t>(
                 __builtin_popcount(mask[l] & static_cast<uint32_t>(upper ? below >> 32 : below))) +
             add[l];
  }
  commit(w, s, out, nullptr, OperandType::kU32);
}
INLAY_WAVE(v_mbcnt_lo_u32_b32) {
  count_below(w, s, false);
}
INLAY_WAVE(v_mbcnt_hi_u32_b32) {
  count_below(w, s, true);
}
// EXEC plays no part in these two.
INLAY_WAVE(v_readlane_b32) {
  const uint32_t lane =
      static_cast<uint32_t>(scalar_value(w, s, s.inst.src[1], OperandType::kB32)) & 63;
  const uint32_t c = s.inst.src[0];
  w.sgpr[s.inst.dst] = c >= code::kVgpr0
                           ? w.vgpr[c - code::kVgpr0][lane]
                           : static_cast<uint32_t>(scalar_value(w, s, c, OperandType::kB32));
}
INLAY_WAVE(v_writelane_b32) {
  if (s.inst.src[0] >= code::kVgpr0) return w.fault("v_writelane_b32 takes no VGPR as its value");
  const uint32_t lane =
      static_cast<uint32_t>(scalar_value(w, s, s.inst.src[1], OperandType::kB32)) & 63;
  w.vgpr[s.inst.dst][lane] =
      static_cast<uint32_t>(scalar_value(w, s, s.inst.src[0], OperandType::kB32));
}
INLAY_WAVE(v_mqsad_u32_u8) {
  alignas(64) uint32_t t[7][kLanes], out[4][kLanes];
  const uint32_t* a_lo = source_row(w, s, 0, 0, t[0]);
  const uint32_t* a_hi = source_row(w, s, 0, 1, t[1]);
  const uint32_t* b = source_row(w, s, 1, 0, t[2]);
  for (int n = 0; n < 4; n++) {
    const uint32_t* c = source_row(w, s, 2, n, t[3 + n]);
    const Context x{s.inst.clamp, false, false, 0};
    for (int l = 0; l < kLanes; l++) {
      const uint64_t a = a_lo[l] | static_cast<uint64_t>(a_hi[l]) << 32;
      out[n][l] = accumulate(x, sad_u8(static_cast<uint32_t>(a >> (8 * n)), b[l], true), c[l]);
    }
  }
  const uint32_t* lanes = exec_rows(w);
  for (int n = 0; n < 4; n++)
    for (int l = 0; l < kLanes; l++)
      w.vgpr[s.inst.dst + n][l] = (out[n][l] & lanes[l]) | (w.vgpr[s.inst.dst + n][l] & ~lanes[l]);
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
