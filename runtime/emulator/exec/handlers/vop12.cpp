// VOP1 and VOP2 (manual, 12.7 and 12.8), and v_mov-like instructions that name scalar registers.
#include <cmath>

#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

uint64_t scalar_value(Wave& w, const Slot& s, uint32_t c, OperandType type);

// --- VOP2 ---
INLAY_LANE(v_cndmask_b32, uint32_t, uint32_t a, uint32_t b, Bit c) {
  return c.v ? b : a;
}
INLAY_ARITH(v_add_f32, float, float a, float b) {
  return a + b;
}
INLAY_ARITH(v_sub_f32, float, float a, float b) {
  return a - b;
}
INLAY_ARITH(v_subrev_f32, float, float a, float b) {
  return b - a;
}
INLAY_ARITH(v_mul_f32, float, float a, float b) {
  return a * b;
}
// Zero times anything is zero, infinity and NaN included.
INLAY_ARITH(v_mul_legacy_f32, float, float a, float b) {
  return a == 0 || b == 0 ? 0.0f : a * b;
}

static inline int32_t i24(int32_t v) {
  return static_cast<int32_t>(static_cast<uint32_t>(v) << 8) >> 8;
}
static inline uint32_t u24(uint32_t v) {
  return v & 0xffffff;
}
static inline int32_t clamp_i32(int64_t v) {
  return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : static_cast<int32_t>(v);
}
static inline uint32_t clamp_u32(int64_t v) {
  return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(v);
}
static inline uint16_t clamp_u16(int32_t v) {
  return v < 0 ? 0 : v > 65535 ? 65535 : static_cast<uint16_t>(v);
}

INLAY_LANE(v_mul_i32_i24, int32_t, const Context& x, int32_t a, int32_t b) {
  const int64_t v = static_cast<int64_t>(i24(a)) * i24(b);
  return x.clamp ? clamp_i32(v) : static_cast<int32_t>(v);
}
INLAY_LANE(v_mul_hi_i32_i24, int32_t, int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(i24(a)) * i24(b)) >> 32);
}
INLAY_LANE(v_mul_u32_u24, uint32_t, const Context& x, uint32_t a, uint32_t b) {
  const uint64_t v = static_cast<uint64_t>(u24(a)) * u24(b);
  return x.clamp && v > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(v);
}
INLAY_LANE(v_mul_hi_u32_u24, uint32_t, uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(u24(a)) * u24(b)) >> 32);
}

// The number wins over NaN; in IEEE mode a signalling NaN does not lose, it is quieted (manual,
// V_MIN_F32). -0 < +0.
template <typename T>
static inline T float_min(const Context& x, T a, T b) {
  if (x.ieee && is_snan(a)) return quiet(a);
  if (x.ieee && is_snan(b)) return quiet(b);
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return as_bits(a) > as_bits(b) ? a : b;
  return a < b ? a : b;
}
template <typename T>
static inline T float_max(const Context& x, T a, T b) {
  if (x.ieee && is_snan(a)) return quiet(a);
  if (x.ieee && is_snan(b)) return quiet(b);
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  if (a == b) return as_bits(a) < as_bits(b) ? a : b;
  return a > b ? a : b;
}
INLAY_LANE(v_min_f32, float, const Context& x, float a, float b) {
  return float_min(x, a, b);
}
INLAY_LANE(v_max_f32, float, const Context& x, float a, float b) {
  return float_max(x, a, b);
}
INLAY_LANE(v_min_f16, HalfBits, const Context& x, HalfBits a, HalfBits b) {
  return half_min(x.ieee, a, b);
}
INLAY_LANE(v_max_f16, HalfBits, const Context& x, HalfBits a, HalfBits b) {
  return half_max(x.ieee, a, b);
}
INLAY_LANE(v_min_i32, int32_t, int32_t a, int32_t b) {
  return min_(a, b);
}
INLAY_LANE(v_max_i32, int32_t, int32_t a, int32_t b) {
  return max_(a, b);
}
INLAY_LANE(v_min_u32, uint32_t, uint32_t a, uint32_t b) {
  return min_(a, b);
}
INLAY_LANE(v_max_u32, uint32_t, uint32_t a, uint32_t b) {
  return max_(a, b);
}
INLAY_LANE(v_lshrrev_b32, uint32_t, uint32_t n, uint32_t a) {
  return a >> (n & 31);
}
INLAY_LANE(v_ashrrev_i32, int32_t, uint32_t n, int32_t a) {
  return a >> (n & 31);
}
INLAY_LANE(v_lshlrev_b32, uint32_t, uint32_t n, uint32_t a) {
  return a << (n & 31);
}
INLAY_LANE(v_and_b32, uint32_t, uint32_t a, uint32_t b) {
  return a & b;
}
INLAY_LANE(v_or_b32, uint32_t, uint32_t a, uint32_t b) {
  return a | b;
}
INLAY_LANE(v_xor_b32, uint32_t, uint32_t a, uint32_t b) {
  return a ^ b;
}
INLAY_LANE(v_xnor_b32, uint32_t, uint32_t a, uint32_t b) {
  return ~(a ^ b);
}

// Product and sum are rounded each, and denormals flushed whatever MODE says: these are not fused.
static inline float mad32(float a, float b, float c) {
  return flush(flush(flush(a) * flush(b)) + flush(c));
}
INLAY_ARITH(v_mac_f32, float, float a, float b, float d) {
  return mad32(a, b, d);
}
INLAY_ARITH(v_madmk_f32, float, float a, float b, float k) {
  return mad32(a, k, b);
}
INLAY_ARITH(v_madak_f32, float, float a, float b, float k) {
  return mad32(a, b, k);
}
INLAY_ARITH(v_fmac_f32, float, float a, float b, float d) {
  return __builtin_fmaf(a, b, d);
}
static inline Half round_half(float v) {
  return {half_to_float(float_to_half(v))};
}
static inline Half mad16(Half a, Half b, Half c) {
  return {round_half(a.v * b.v).v + c.v};
}
INLAY_ARITH(v_mac_f16, Half, Half a, Half b, Half d) {
  return mad16(a, b, d);
}
INLAY_ARITH(v_madmk_f16, Half, Half a, Half b, Half k) {
  return mad16(a, k, b);
}
INLAY_ARITH(v_madak_f16, Half, Half a, Half b, Half k) {
  return mad16(a, b, k);
}

INLAY_LANE(v_add_co_u32, Carry, const Context& x, uint32_t a, uint32_t b) {
  const uint64_t v = static_cast<uint64_t>(a) + b;
  return {x.clamp && (v >> 32) ? UINT32_MAX : static_cast<uint32_t>(v), (v >> 32) != 0};
}
INLAY_LANE(v_sub_co_u32, Carry, const Context& x, uint32_t a, uint32_t b) {
  return {x.clamp && b > a ? 0 : a - b, b > a};
}
INLAY_LANE(v_subrev_co_u32, Carry, const Context& x, uint32_t a, uint32_t b) {
  return {x.clamp && a > b ? 0 : b - a, a > b};
}
INLAY_LANE(v_addc_co_u32, Carry, const Context& x, uint32_t a, uint32_t b, Bit c) {
  const uint64_t v = static_cast<uint64_t>(a) + b + c.v;
  return {x.clamp && (v >> 32) ? UINT32_MAX : static_cast<uint32_t>(v), (v >> 32) != 0};
}
static inline Carry subtract(const Context& x, uint32_t a, uint32_t b, bool c) {
  const bool borrow = static_cast<uint64_t>(b) + c > a;
  return {x.clamp && borrow ? 0 : a - b - c, borrow};
}
INLAY_LANE(v_subb_co_u32, Carry, const Context& x, uint32_t a, uint32_t b, Bit c) {
  return subtract(x, a, b, c.v);
}
INLAY_LANE(v_subbrev_co_u32, Carry, const Context& x, uint32_t a, uint32_t b, Bit c) {
  return subtract(x, b, a, c.v);
}
INLAY_LANE(v_add_u32, uint32_t, const Context& x, uint32_t a, uint32_t b) {
  return x.clamp ? clamp_u32(static_cast<int64_t>(a) + b) : a + b;
}
INLAY_LANE(v_sub_u32, uint32_t, const Context& x, uint32_t a, uint32_t b) {
  return x.clamp ? clamp_u32(static_cast<int64_t>(a) - b) : a - b;
}
INLAY_LANE(v_subrev_u32, uint32_t, const Context& x, uint32_t a, uint32_t b) {
  return x.clamp ? clamp_u32(static_cast<int64_t>(b) - a) : b - a;
}

INLAY_ARITH(v_add_f16, Half, Half a, Half b) {
  return {a.v + b.v};
}
INLAY_ARITH(v_sub_f16, Half, Half a, Half b) {
  return {a.v - b.v};
}
INLAY_ARITH(v_subrev_f16, Half, Half a, Half b) {
  return {b.v - a.v};
}
INLAY_ARITH(v_mul_f16, Half, Half a, Half b) {
  return {a.v * b.v};
}
INLAY_LANE(v_add_u16, uint16_t, const Context& x, uint16_t a, uint16_t b) {
  return x.clamp ? clamp_u16(a + b) : static_cast<uint16_t>(a + b);
}
INLAY_LANE(v_sub_u16, uint16_t, const Context& x, uint16_t a, uint16_t b) {
  return x.clamp ? clamp_u16(a - b) : static_cast<uint16_t>(a - b);
}
INLAY_LANE(v_subrev_u16, uint16_t, const Context& x, uint16_t a, uint16_t b) {
  return x.clamp ? clamp_u16(b - a) : static_cast<uint16_t>(b - a);
}
INLAY_LANE(v_mul_lo_u16, uint16_t, uint16_t a, uint16_t b) {
  return static_cast<uint16_t>(static_cast<uint32_t>(a) * b);
}
INLAY_LANE(v_lshlrev_b16, uint16_t, uint16_t n, uint16_t a) {
  return static_cast<uint16_t>(a << (n & 15));
}
INLAY_LANE(v_lshrrev_b16, uint16_t, uint16_t n, uint16_t a) {
  return static_cast<uint16_t>(a >> (n & 15));
}
INLAY_LANE(v_ashrrev_i16, int16_t, uint16_t n, int16_t a) {
  return static_cast<int16_t>(a >> (n & 15));
}
INLAY_LANE(v_max_u16, uint16_t, uint16_t a, uint16_t b) {
  return max_(a, b);
}
INLAY_LANE(v_max_i16, int16_t, int16_t a, int16_t b) {
  return max_(a, b);
}
INLAY_LANE(v_min_u16, uint16_t, uint16_t a, uint16_t b) {
  return min_(a, b);
}
INLAY_LANE(v_min_i16, int16_t, int16_t a, int16_t b) {
  return min_(a, b);
}
INLAY_ARITH(v_ldexp_f16, Half, Half a, int16_t e) {
  return {static_cast<float>(ldexp(static_cast<double>(a.v), e))};
}

// --- VOP1 ---
INLAY_WAVE(v_nop) {}
INLAY_WAVE(v_clrexcp) {}
INLAY_LANE(v_mov_b32, uint32_t, uint32_t a) {
  return a;
}
INLAY_LANE(v_not_b32, uint32_t, uint32_t a) {
  return ~a;
}
INLAY_LANE(v_bfrev_b32, uint32_t, uint32_t a) {
  return __builtin_bitreverse32(a);
}
INLAY_LANE(v_ffbh_u32, uint32_t, uint32_t a) {
  return a ? static_cast<uint32_t>(__builtin_clz(a)) : ~0u;
}
INLAY_LANE(v_ffbl_b32, uint32_t, uint32_t a) {
  return a ? static_cast<uint32_t>(__builtin_ctz(a)) : ~0u;
}
INLAY_LANE(v_ffbh_i32, uint32_t, int32_t a) {
  const uint32_t v = static_cast<uint32_t>(a < 0 ? ~a : a);
  return v ? static_cast<uint32_t>(__builtin_clz(v)) : ~0u;
}
INLAY_LANE(v_cvt_f32_i32, float, int32_t a) {
  return static_cast<float>(a);
}
INLAY_LANE(v_cvt_f32_u32, float, uint32_t a) {
  return static_cast<float>(a);
}
INLAY_LANE(v_cvt_u32_f32, uint32_t, float a) {
  return to_u32(a);
}
INLAY_LANE(v_cvt_i32_f32, int32_t, float a) {
  return to_i32(a);
}
INLAY_LANE(v_cvt_i32_f64, int32_t, double a) {
  return to_i32(a);
}
INLAY_LANE(v_cvt_u32_f64, uint32_t, double a) {
  return to_u32(a);
}
INLAY_LANE(v_cvt_f64_i32, double, int32_t a) {
  return a;
}
INLAY_LANE(v_cvt_f64_u32, double, uint32_t a) {
  return a;
}
INLAY_ARITH(v_cvt_f16_f32, Half, float a) {
  return {a};
}
INLAY_LANE(v_cvt_f32_f16, float, Half a) {
  return a.v;
}
INLAY_LANE(v_cvt_f32_f64, float, double a) {
  return static_cast<float>(a);
}
INLAY_LANE(v_cvt_f64_f32, double, float a) {
  return a;
}
INLAY_LANE(v_cvt_rpi_i32_f32, int32_t, float a) {
  return to_i32(floor(static_cast<double>(a) + 0.5));
}
INLAY_LANE(v_cvt_flr_i32_f32, int32_t, float a) {
  return to_i32(floor(static_cast<double>(a)));
}
INLAY_LANE(v_cvt_off_f32_i4, float, uint32_t a) {
  return static_cast<float>(static_cast<int32_t>(a << 28) >> 28) / 16.0f;
}
INLAY_LANE(v_cvt_f32_ubyte0, float, uint32_t a) {
  return static_cast<float>(a & 0xff);
}
INLAY_LANE(v_cvt_f32_ubyte1, float, uint32_t a) {
  return static_cast<float>(a >> 8 & 0xff);
}
INLAY_LANE(v_cvt_f32_ubyte2, float, uint32_t a) {
  return static_cast<float>(a >> 16 & 0xff);
}
INLAY_LANE(v_cvt_f32_ubyte3, float, uint32_t a) {
  return static_cast<float>(a >> 24);
}
INLAY_ARITH(v_trunc_f32, float, float a) {
  return __builtin_truncf(a);
}
INLAY_ARITH(v_ceil_f32, float, float a) {
  return __builtin_ceilf(a);
}
INLAY_ARITH(v_rndne_f32, float, float a) {
  return __builtin_roundevenf(a);
}
INLAY_ARITH(v_floor_f32, float, float a) {
  return __builtin_floorf(a);
}
// The largest float below one, where rounding would give one.
INLAY_ARITH(v_fract_f32, float, float a) {
  const float v = a - __builtin_floorf(a);
  return v >= 1.0f ? as_float(0x3f7fffff) : v;
}
INLAY_ARITH(v_trunc_f64, double, double a) {
  return __builtin_trunc(a);
}
INLAY_ARITH(v_ceil_f64, double, double a) {
  return __builtin_ceil(a);
}
INLAY_ARITH(v_rndne_f64, double, double a) {
  return __builtin_roundeven(a);
}
INLAY_ARITH(v_floor_f64, double, double a) {
  return __builtin_floor(a);
}
INLAY_ARITH(v_fract_f64, double, double a) {
  const double v = a - __builtin_floor(a);
  return v >= 1.0 ? as_double(0x3fefffffffffffff) : v;
}
// The transcendental instructions promise one unit in the last place; computed in f64 they are
// closer than that.
INLAY_ARITH(v_exp_f32, float, float a) {
  return static_cast<float>(exp2(static_cast<double>(a)));
}
INLAY_ARITH(v_log_f32, float, float a) {
  return static_cast<float>(log2(static_cast<double>(a)));
}
INLAY_ARITH(v_exp_legacy_f32, float, float a) {
  return static_cast<float>(exp2(static_cast<double>(a)));
}
INLAY_ARITH(v_log_legacy_f32, float, float a) {
  return static_cast<float>(log2(static_cast<double>(a)));
}
INLAY_ARITH(v_rcp_f32, float, float a) {
  return 1.0f / a;
}
INLAY_ARITH(v_rcp_iflag_f32, float, float a) {
  return 1.0f / a;
}
INLAY_ARITH(v_rsq_f32, float, float a) {
  return static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(a)));
}
INLAY_ARITH(v_sqrt_f32, float, float a) {
  return __builtin_sqrtf(a);
}
INLAY_ARITH(v_rcp_f64, double, double a) {
  return 1.0 / a;
}
INLAY_ARITH(v_rsq_f64, double, double a) {
  return 1.0 / __builtin_sqrt(a);
}
INLAY_ARITH(v_sqrt_f64, double, double a) {
  return __builtin_sqrt(a);
}
// The argument counts revolutions; beyond 256 of them the hardware gives up.
static inline double revolutions(double a) {
  return (a - __builtin_floor(a)) * 6.283185307179586476925;
}
static inline float sine(float a) {
  return fabs_(a) > 256.0f ? 0.0f : static_cast<float>(sin(revolutions(static_cast<double>(a))));
}
static inline float cosine(float a) {
  return fabs_(a) > 256.0f ? 1.0f : static_cast<float>(cos(revolutions(static_cast<double>(a))));
}
INLAY_ARITH(v_sin_f32, float, float a) {
  return fabs_(a) == inf32() ? as_float(kNan32) : sine(a);
}
INLAY_ARITH(v_cos_f32, float, float a) {
  return fabs_(a) == inf32() ? as_float(kNan32) : cosine(a);
}
INLAY_ARITH(v_sin_f16, Half, Half a) {
  return {fabs_(a.v) == inf32() ? as_float(kNan32) : sine(a.v)};
}
INLAY_ARITH(v_cos_f16, Half, Half a) {
  return {fabs_(a.v) == inf32() ? as_float(kNan32) : cosine(a.v)};
}

// Exponent and significand, in [0.5, 1); 0 and the value itself for zero, infinity and NaN.
static inline int32_t frexp_exponent(double a, bool special) {
  if (special || a == 0) return 0;
  int e;
  frexp(a, &e);
  return e;
}
static inline double frexp_mantissa(double a, bool special) {
  if (special || a == 0) return a;
  int e;
  return frexp(a, &e);
}
template <typename T>
static inline bool special(T a) {
  return is_nan(a) || a - a != 0;
}
INLAY_LANE(v_frexp_exp_i32_f64, int32_t, double a) {
  return frexp_exponent(a, special(a));
}
INLAY_ARITH(v_frexp_mant_f64, double, double a) {
  return frexp_mantissa(a, special(a));
}
INLAY_LANE(v_frexp_exp_i32_f32, int32_t, float a) {
  return frexp_exponent(static_cast<double>(a), special(a));
}
INLAY_ARITH(v_frexp_mant_f32, float, float a) {
  return static_cast<float>(frexp_mantissa(static_cast<double>(a), special(a)));
}
INLAY_LANE(v_frexp_exp_i16_f16, int16_t, Half a) {
  return static_cast<int16_t>(frexp_exponent(static_cast<double>(a.v), special(a.v)));
}
INLAY_ARITH(v_frexp_mant_f16, Half, Half a) {
  return {static_cast<float>(frexp_mantissa(static_cast<double>(a.v), special(a.v)))};
}

INLAY_LANE(v_cvt_f16_u16, Half, uint16_t a) {
  return {static_cast<float>(a)};
}
INLAY_LANE(v_cvt_f16_i16, Half, int16_t a) {
  return {static_cast<float>(a)};
}
INLAY_LANE(v_cvt_u16_f16, uint16_t, Half a) {
  return static_cast<uint16_t>(to_u16(a.v));
}
INLAY_LANE(v_cvt_i16_f16, int16_t, Half a) {
  return static_cast<int16_t>(to_i16(a.v));
}
INLAY_ARITH(v_rcp_f16, Half, Half a) {
  return {1.0f / a.v};
}
INLAY_ARITH(v_sqrt_f16, Half, Half a) {
  return {__builtin_sqrtf(a.v)};
}
INLAY_ARITH(v_rsq_f16, Half, Half a) {
  return {static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(a.v)))};
}
INLAY_ARITH(v_log_f16, Half, Half a) {
  return {static_cast<float>(log2(static_cast<double>(a.v)))};
}
INLAY_ARITH(v_exp_f16, Half, Half a) {
  return {static_cast<float>(exp2(static_cast<double>(a.v)))};
}
INLAY_ARITH(v_floor_f16, Half, Half a) {
  return {__builtin_floorf(a.v)};
}
INLAY_ARITH(v_ceil_f16, Half, Half a) {
  return {__builtin_ceilf(a.v)};
}
INLAY_ARITH(v_trunc_f16, Half, Half a) {
  return {__builtin_truncf(a.v)};
}
INLAY_ARITH(v_rndne_f16, Half, Half a) {
  return {__builtin_roundevenf(a.v)};
}
INLAY_ARITH(v_fract_f16, Half, Half a) {
  const float v = half_to_float(float_to_half(a.v - __builtin_floorf(a.v)));
  return {v >= 1.0f ? half_to_float(0x3bff) : v};
}
// Normalized integers: rounded to nearest, NaN is 0.
static inline float normalize(float v, float low, float scale) {
  if (is_nan(v)) return 0;
  return __builtin_roundevenf((v < low ? low : v > 1 ? 1 : v) * scale);
}
INLAY_LANE(v_cvt_norm_i16_f16, int16_t, Half a) {
  return static_cast<int16_t>(normalize(a.v, -1, 32767));
}
INLAY_LANE(v_cvt_norm_u16_f16, uint16_t, Half a) {
  return static_cast<uint16_t>(normalize(a.v, 0, 65535));
}
static inline uint32_t saturate_u8(int32_t v) {
  return static_cast<uint32_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}
INLAY_LANE(v_sat_pk_u8_i16, uint32_t, uint32_t a) {
  return saturate_u8(static_cast<int16_t>(a)) | saturate_u8(static_cast<int16_t>(a >> 16)) << 8;
}

// Which of four shader engines draw a rectangle of 32-pixel tiles, from its first column, first
// row, last column and last row, two bits each from the top. Tile (x, y) is engine {x[0] ^ y[1],
// y[0] ^ x[1]}'s.
INLAY_LANE(v_screen_partition_4se_b32, uint32_t, uint32_t a) {
  const uint32_t x0 = a >> 6 & 3, y0 = a >> 4 & 3, x1 = a >> 2 & 3, y1 = a & 3;
  uint32_t engines = 0;
  for (uint32_t dx = 0; dx <= ((x1 - x0) & 3); dx++)
    for (uint32_t dy = 0; dy <= ((y1 - y0) & 3); dy++) {
      const uint32_t x = (x0 + dx) & 3, y = (y0 + dy) & 3;
      engines |= 1u << (((x ^ y >> 1) & 1) << 1 | ((y ^ x >> 1) & 1));
    }
  return engines;
}

INLAY_WAVE(v_readfirstlane_b32) {
  const uint64_t exec = w.exec();
  const int lane = exec ? __builtin_ctzll(exec) : 0;
  const uint32_t c = s.inst.src[0];
  w.sgpr[s.inst.dst] = c >= code::kVgpr0
                           ? w.vgpr[c - code::kVgpr0][lane]
                           : static_cast<uint32_t>(scalar_value(w, s, c, OperandType::kB32));
}
INLAY_WAVE(v_swap_b32) {
  uint32_t* a = w.vgpr[s.inst.dst];
  uint32_t* b = w.vgpr[s.inst.src[0] - code::kVgpr0];
  const uint32_t* lanes = exec_rows(w);
  for (int l = 0; l < kLanes; l++) {
    const uint32_t old = a[l];
    a[l] = (b[l] & lanes[l]) | (old & ~lanes[l]);
    b[l] = (old & lanes[l]) | (b[l] & ~lanes[l]);
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
