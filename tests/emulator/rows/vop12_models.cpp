// VOP1 and VOP2, in IEEE mode with denormals kept and rounding to nearest.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/emulator/rows/vector_helpers.h"

namespace inlay::emulator {

double half_value(uint64_t b) {
  const int e = static_cast<int>(b >> 10 & 31), m = static_cast<int>(b & 1023);
  double v = e == 31  ? (m ? NAN : INFINITY)
             : e == 0 ? std::ldexp(m, -24)
                      : std::ldexp(1024 + m, e - 25);
  return b & 0x8000 ? -v : v;
}
uint64_t half_bits(double v) {
  const uint64_t sign = std::signbit(v) ? 0x8000 : 0;
  v = std::fabs(v);
  if (std::isnan(v)) return sign | 0x7e00;
  if (v >= 65520) return sign | 0x7c00;
  if (v < std::ldexp(1, -14))
    return sign | static_cast<uint64_t>(std::nearbyint(std::ldexp(v, 24)));
  int e;
  std::frexp(v, &e);
  // 1024 to 2048 of the last place; rounding up to 2048 carries into the exponent.
  const uint64_t m = static_cast<uint64_t>(std::nearbyint(std::ldexp(v, 11 - e)));
  return sign | ((static_cast<uint64_t>(e + 14) << 10) + m - 1024);
}

namespace rows {

const Models& vop12_models() {
  static const Models models = [] {
    Models models;
    // --- VOP2 ---
    U32(v_cndmask_b32, i.bit ? b : a);
    F32(v_add_f32, a + b);
    F32(v_sub_f32, a - b);
    F32(v_subrev_f32, b - a);
    F32(v_mul_f32, a * b);
    F32(v_mul_legacy_f32, a == 0 || b == 0 ? 0.0f : a * b);
    U32(v_mul_i32_i24, sign24(a) * sign24(b));
    U32(v_mul_hi_i32_i24, (sign24(a) * sign24(b)) >> 32);
    U32(v_mul_u32_u24, u64{a & 0xffffff} * (b & 0xffffff));
    U32(v_mul_hi_u32_u24, u64{a & 0xffffff} * (b & 0xffffff) >> 32);
    F32(v_min_f32, least(a, b));
    F32(v_max_f32, most(a, b));
    U32(v_min_i32, std::min(sa, sb));
    U32(v_max_i32, std::max(sa, sb));
    U32(v_min_u32, std::min(a, b));
    U32(v_max_u32, std::max(a, b));
    U32(v_lshrrev_b32, b >> a % 32);
    U32(v_ashrrev_i32, sb >> a % 32);
    U32(v_lshlrev_b32, b << a % 32);
    U32(v_and_b32, a & b);
    U32(v_or_b32, a | b);
    U32(v_xor_b32, a ^ b);
    U32(v_xnor_b32, ~(a ^ b));
    F32(v_mac_f32, mad(a, b, d));
    F32(v_madmk_f32, mad(a, c, b));
    F32(v_madak_f32, mad(a, b, c));
    F32(v_fmac_f32, std::fma(a, b, d));
    ANY(v_add_co_u32) {
      return carry((i.s[0] + i.s[1]) & ~u32{0}, (i.s[0] + i.s[1]) >> 32);
    };
    ANY(v_sub_co_u32) {
      return carry(static_cast<u32>(i.s[0] - i.s[1]), i.s[1] > i.s[0]);
    };
    ANY(v_subrev_co_u32) {
      return carry(static_cast<u32>(i.s[1] - i.s[0]), i.s[0] > i.s[1]);
    };
    ANY(v_addc_co_u32) {
      const u64 v = i.s[0] + i.s[1] + i.bit;
      return carry(static_cast<u32>(v), v >> 32);
    };
    ANY(v_subb_co_u32) {
      return carry(static_cast<u32>(i.s[0] - i.s[1] - i.bit), i.s[1] + i.bit > i.s[0]);
    };
    ANY(v_subbrev_co_u32) {
      return carry(static_cast<u32>(i.s[1] - i.s[0] - i.bit), i.s[0] + i.bit > i.s[1]);
    };
    F16(v_add_f16, a + b);
    F16(v_sub_f16, a - b);
    F16(v_subrev_f16, b - a);
    F16(v_mul_f16, a * b);
    F16(v_mac_f16, half_value(half_bits(a * b)) + d);
    F16(v_madmk_f16, half_value(half_bits(a * c)) + b);
    F16(v_madak_f16, half_value(half_bits(a * b)) + c);
    U16(v_add_u16, a + b);
    U16(v_sub_u16, a - b);
    U16(v_subrev_u16, b - a);
    U16(v_mul_lo_u16, a * b);
    U16(v_lshlrev_b16, b << a % 16);
    U16(v_lshrrev_b16, b >> a % 16);
    U16(v_ashrrev_i16, sb >> a % 16);
    F16(v_max_f16, most(a, b));
    F16(v_min_f16, least(a, b));
    U16(v_max_u16, std::max(a, b));
    U16(v_max_i16, std::max(sa, sb));
    U16(v_min_u16, std::min(a, b));
    U16(v_min_i16, std::min(sa, sb));
    F16(v_ldexp_f16, std::ldexp(a, static_cast<int16_t>(i.s[1])));
    U32(v_add_u32, a + b);
    U32(v_sub_u32, a - b);
    U32(v_subrev_u32, b - a);
    // --- VOP1 ---
    U32(v_mov_b32, a);
    U32(v_not_b32, ~a);
    U32(v_bfrev_b32, [&] {
      u32 v = 0;
      for (int n = 0; n < 32; n++) v |= (a >> n & 1) << (31 - n);
      return v;
    }());
    U32(v_ffbh_u32, [&] {
      for (int n = 31; n >= 0; n--)
        if (a >> n & 1) return 31 - n;
      return -1;
    }());
    U32(v_ffbl_b32, [&] {
      for (int n = 0; n < 32; n++)
        if (a >> n & 1) return n;
      return -1;
    }());
    U32(v_ffbh_i32, [&] {
      for (int n = 1; n < 32; n++)
        if ((a >> (31 - n) & 1) != a >> 31) return n;
      return -1;
    }());
    ANY(v_cvt_i32_f64) {
      return {saturated<i32>(f64(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_u32_f64) {
      return {saturated<u32>(f64(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_i32_f32) {
      return {saturated<i32>(f32(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_u32_f32) {
      return {saturated<u32>(f32(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_f64_i32) {
      return {bits(static_cast<double>(static_cast<i32>(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f64_u32) {
      return {bits(static_cast<double>(static_cast<u32>(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f32_i32) {
      return {bits(static_cast<float>(static_cast<i32>(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f32_u32) {
      return {bits(static_cast<float>(static_cast<u32>(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f16_f32) {
      return {half_bits(f32(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_f32_f16) {
      return {bits(static_cast<float>(half_value(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_rpi_i32_f32) {
      return {saturated<i32>(std::floor(static_cast<double>(f32(i.s[0])) + 0.5)), false, 0, 0};
    };
    ANY(v_cvt_flr_i32_f32) {
      return {saturated<i32>(std::floor(f32(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_off_f32_i4) {
      const int n = static_cast<int>(i.s[0] & 15);
      return {bits(static_cast<float>(n < 8 ? n : n - 16) / 16), false, 0, 0};
    };
    ANY(v_cvt_f32_f64) {
      return {bits(static_cast<float>(f64(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f64_f32) {
      return {bits(static_cast<double>(f32(i.s[0]))), false, 0, 0};
    };
    ANY(v_cvt_f32_ubyte0) {
      return {bits(static_cast<float>(byte(i.s[0], 0))), false, 0, 0};
    };
    ANY(v_cvt_f32_ubyte1) {
      return {bits(static_cast<float>(byte(i.s[0], 1))), false, 0, 0};
    };
    ANY(v_cvt_f32_ubyte2) {
      return {bits(static_cast<float>(byte(i.s[0], 2))), false, 0, 0};
    };
    ANY(v_cvt_f32_ubyte3) {
      return {bits(static_cast<float>(byte(i.s[0], 3))), false, 0, 0};
    };
    F64(v_trunc_f64, std::trunc(a));
    F64(v_ceil_f64, std::ceil(a));
    F64(v_rndne_f64, std::nearbyint(a));
    F64(v_floor_f64, std::floor(a));
    F64(v_fract_f64, fraction(a, 1 - 0x1p-53));
    F32(v_trunc_f32, std::trunc(a));
    F32(v_ceil_f32, std::ceil(a));
    F32(v_rndne_f32, std::nearbyint(a));
    F32(v_floor_f32, std::floor(a));
    F32(v_fract_f32, fraction(a, 1 - 0x1p-24f));
    F16(v_trunc_f16, std::trunc(a));
    F16(v_ceil_f16, std::ceil(a));
    F16(v_rndne_f16, std::nearbyint(a));
    F16(v_floor_f16, std::floor(a));
    F16(v_fract_f16, fraction(a, 1 - 0x1p-11));
    ANY(v_exp_f32) {
      return near(bits(static_cast<float>(std::exp2(static_cast<long double>(f32(i.s[0]))))), 1);
    };
    ANY(v_log_f32) {
      return near(bits(static_cast<float>(std::log2(static_cast<long double>(f32(i.s[0]))))), 1);
    };
    ANY(v_exp_legacy_f32) {
      return near(bits(static_cast<float>(std::exp2(static_cast<long double>(f32(i.s[0]))))), 1);
    };
    ANY(v_log_legacy_f32) {
      return near(bits(static_cast<float>(std::log2(static_cast<long double>(f32(i.s[0]))))), 1);
    };
    ANY(v_rcp_f32) {
      return near(bits(1 / f32(i.s[0])), 1);
    };
    ANY(v_rcp_iflag_f32) {
      return near(bits(1 / f32(i.s[0])), 1);
    };
    ANY(v_rsq_f32) {
      return near(bits(static_cast<float>(1 / std::sqrt(static_cast<long double>(f32(i.s[0]))))),
                  1);
    };
    ANY(v_sqrt_f32) {
      return near(bits(std::sqrt(f32(i.s[0]))), 1);
    };
    ANY(v_rcp_f64) {
      return near(bits(1 / f64(i.s[0])), 1);
    };
    ANY(v_rsq_f64) {
      return near(bits(static_cast<double>(1 / std::sqrt(static_cast<long double>(f64(i.s[0]))))),
                  1);
    };
    ANY(v_sqrt_f64) {
      return near(bits(std::sqrt(f64(i.s[0]))), 1);
    };
    ANY(v_rcp_f16) {
      return near(half_bits(1 / half_value(i.s[0])), 1);
    };
    ANY(v_sqrt_f16) {
      return near(half_bits(std::sqrt(half_value(i.s[0]))), 1);
    };
    ANY(v_rsq_f16) {
      return near(half_bits(1 / std::sqrt(half_value(i.s[0]))), 1);
    };
    ANY(v_log_f16) {
      return near(half_bits(std::log2(half_value(i.s[0]))), 1);
    };
    ANY(v_exp_f16) {
      return near(half_bits(std::exp2(half_value(i.s[0]))), 1);
    };
    ANY(v_sin_f32) {
      return within(bits(static_cast<float>(turned(f32(i.s[0]), false))), 1e-7);
    };
    ANY(v_cos_f32) {
      return within(bits(static_cast<float>(turned(f32(i.s[0]), true))), 1e-7);
    };
    ANY(v_sin_f16) {
      return within(half_bits(turned(half_value(i.s[0]), false)), 0x1p-10);
    };
    ANY(v_cos_f16) {
      return within(half_bits(turned(half_value(i.s[0]), true)), 0x1p-10);
    };
    ANY(v_frexp_exp_i32_f64) {
      int e = 0;
      if (std::isfinite(f64(i.s[0]))) std::frexp(f64(i.s[0]), &e);
      return {static_cast<u32>(e), false, 0, 0};
    };
    ANY(v_frexp_exp_i32_f32) {
      int e = 0;
      if (std::isfinite(f32(i.s[0]))) std::frexp(f32(i.s[0]), &e);
      return {static_cast<u32>(e), false, 0, 0};
    };
    ANY(v_frexp_exp_i16_f16) {
      int e = 0;
      if (std::isfinite(half_value(i.s[0]))) std::frexp(half_value(i.s[0]), &e);
      return {static_cast<uint16_t>(e), false, 0, 0};
    };
    F64(v_frexp_mant_f64, [&] {
      int e;
      return std::isfinite(a) ? std::frexp(a, &e) : a;
    }());
    F32(v_frexp_mant_f32, [&] {
      int e;
      return std::isfinite(a) ? std::frexp(a, &e) : a;
    }());
    F16(v_frexp_mant_f16, [&] {
      int e;
      return std::isfinite(a) ? std::frexp(a, &e) : a;
    }());
    ANY(v_cvt_f16_u16) {
      return {half_bits(static_cast<double>(i.s[0] & 0xffff)), false, 0, 0};
    };
    ANY(v_cvt_f16_i16) {
      return {half_bits(static_cast<int16_t>(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_u16_f16) {
      return {saturated<uint16_t>(half_value(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_i16_f16) {
      return {saturated<int16_t>(half_value(i.s[0])), false, 0, 0};
    };
    ANY(v_cvt_norm_i16_f16) {
      const double v = half_value(i.s[0]);
      return {saturated<int16_t>(std::nearbyint(std::clamp(v, -1.0, 1.0) * 32767)), false, 0, 0};
    };
    ANY(v_cvt_norm_u16_f16) {
      const double v = half_value(i.s[0]);
      return {saturated<uint16_t>(std::nearbyint(std::clamp(v, 0.0, 1.0) * 65535)), false, 0, 0};
    };
    ANY(v_sat_pk_u8_i16) {
      const auto low = [](u64 v) {
        return static_cast<u64>(std::clamp<int>(static_cast<int16_t>(v), 0, 255));
      };
      return {low(i.s[0]) | low(i.s[0] >> 16) << 8, false, 0, 0};
    };
    ANY(v_screen_partition_4se_b32) {
      // Every tile from the first to the
      // last, around a square of four by
      // four.
      const u32 s = static_cast<u32>(i.s[0]);
      u32 engines = 0;
      for (u32 x = s >> 6 & 3;; x = (x + 1) % 4) {
        for (u32 y = s >> 4 & 3;; y = (y + 1) % 4) {
          const u32 x5 = x & 1, x6 = x >> 1, y5 = y & 1, y6 = y >> 1;
          engines |= 1u << (2 * (x5 ^ y6) + (y5 ^ x6));
          if (y == (s & 3)) break;
        }
        if (x == (s >> 2 & 3)) break;
      }
      return {engines, false, 0, 0};
    };
    return models;
  }();
  return models;
}

}  // namespace rows

const Models& vector_models() {
  static const Models models = [] {
    Models all = rows::vop12_models();
    all.insert(rows::vop3_models().begin(), rows::vop3_models().end());
    return all;
  }();
  return models;
}

}  // namespace inlay::emulator
