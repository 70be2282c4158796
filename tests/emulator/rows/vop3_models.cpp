// VOP3, in IEEE mode with denormals kept and rounding to nearest.
#include "tests/emulator/rows/vector_helpers.h"

namespace inlay::emulator::rows {

const Models& vop3_models() {
  static const Models models = [] {
    Models models;
    // --- VOP3 ---
    F32(v_mad_f32, mad(a, b, c));
    F32(v_mad_legacy_f32, daz(a) == 0 || daz(b) == 0 ? daz(0.0f + daz(c)) : mad(a, b, c));
    U32(v_mad_i32_i24, sign24(a) * sign24(b) + sc);
    U32(v_mad_u32_u24, u64{a & 0xffffff} * (b & 0xffffff) + c);
    F32(v_cubeid_f32, [&] {
      const int axis = face_axis(a, b, c);
      return 2.0f * static_cast<float>(axis) + ((axis == 2 ? c : axis == 1 ? b : a) < 0 ? 1 : 0);
    }());
    F32(v_cubesc_f32, [&] {
      const int axis = face_axis(a, b, c);
      return axis == 2 ? (c < 0 ? -a : a) : axis == 1 ? a : (a < 0 ? c : -c);
    }());
    F32(v_cubetc_f32, [&] {
      const int axis = face_axis(a, b, c);
      return axis == 1 ? (b < 0 ? -c : c) : -b;
    }());
    F32(v_cubema_f32, [&] {
      const int axis = face_axis(a, b, c);
      return 2 * (axis == 2 ? c : axis == 1 ? b : a);
    }());
    U32(v_bfe_u32, [&] {
      const u32 w = c % 32;
      return w == 0 ? 0 : (a >> b % 32) & ((u64{1} << w) - 1);
    }());
    U32(v_bfe_i32, [&] {
      const u32 w = c % 32;
      const i64 v = (sa >> b % 32) & static_cast<i64>((u64{1} << w) - 1);
      return w == 0 ? 0 : v >> (w - 1) & 1 ? v - (i64{1} << w) : v;
    }());
    U32(v_bfi_b32, (a & b) | (~a & c));
    F32(v_fma_f32, std::fma(a, b, c));
    F64(v_fma_f64, std::fma(a, b, c));
    U32(v_lerp_u8, [&] {
      u32 v = 0;
      for (int n = 0; n < 4; n++)
        v |= static_cast<u32>((byte(a, n) + byte(b, n) + (byte(c, n) & 1)) / 2) << (8 * n);
      return v;
    }());
    U32(v_alignbit_b32, (u64{a} << 32 | b) >> c % 32);
    U32(v_alignbyte_b32, (u64{a} << 32 | b) >> 8 * (c % 4));
    F32(v_min3_f32, least(least(a, b), c));
    F32(v_max3_f32, most(most(a, b), c));
    F32(v_med3_f32, middle(a, b, c));
    F16(v_min3_f16, least(least(a, b), c));
    F16(v_max3_f16, most(most(a, b), c));
    F16(v_med3_f16, middle(a, b, c));
    U32(v_min3_i32, std::min({sa, sb, sc}));
    U32(v_max3_i32, std::max({sa, sb, sc}));
    U32(v_med3_i32, median(sa, sb, sc));
    U32(v_min3_u32, std::min({a, b, c}));
    U32(v_max3_u32, std::max({a, b, c}));
    U32(v_med3_u32, median(a, b, c));
    U16(v_min3_i16, std::min({sa, sb, sc}));
    U16(v_max3_i16, std::max({sa, sb, sc}));
    U16(v_med3_i16, median(sa, sb, sc));
    U16(v_min3_u16, std::min({a, b, c}));
    U16(v_max3_u16, std::max({a, b, c}));
    U16(v_med3_u16, median(a, b, c));
    U32(v_sad_u8, sad4(a, b, false) + c);
    U32(v_sad_hi_u8, (sad4(a, b, false) << 16) + c);
    U32(v_sad_u16, distance(a & 0xffff, b & 0xffff) + distance(a >> 16, b >> 16) + c);
    U32(v_sad_u32, distance(a, b) + c);
    U32(v_msad_u8, sad4(a, b, true) + c);
    ANY(v_qsad_pk_u16_u8) {
      u64 v = 0;
      for (int n = 0; n < 4; n++)
        v |= ((sad4(i.s[0] >> (8 * n) & ~u32{0}, i.s[1], false) + (i.s[2] >> (16 * n))) & 0xffff)
             << (16 * n);
      return {v, false, 0, 0};
    };
    ANY(v_mqsad_pk_u16_u8) {
      u64 v = 0;
      for (int n = 0; n < 4; n++)
        v |= ((sad4(i.s[0] >> (8 * n) & ~u32{0}, i.s[1], true) + (i.s[2] >> (16 * n))) & 0xffff)
             << (16 * n);
      return {v, false, 0, 0};
    };
    ANY(v_cvt_pk_u8_f32) {
      const int n = 8 * static_cast<int>(i.s[1] & 3);
      return {(i.s[2] & ~(u64{0xff} << n) & ~u32{0}) | saturated<uint8_t>(f32(i.s[0])) << n, false,
              0, 0};
    };
    ANY(v_cvt_pkaccum_u8_f32) {
      const int n = 8 * static_cast<int>(i.s[1] & 3);
      return {(i.d & ~(u64{0xff} << n) & ~u32{0}) | saturated<uint8_t>(f32(i.s[0])) << n, false, 0,
              0};
    };
    ANY(v_div_fixup_f32) {
      return {division(f32(i.s[0]), f32(i.s[1]), f32(i.s[2]),
                       [](double v) { return bits(static_cast<float>(v)); }),
              false, 0, 0};
    };
    ANY(v_div_fixup_f64) {
      return {division(f64(i.s[0]), f64(i.s[1]), f64(i.s[2]), [](double v) { return bits(v); }),
              false, 0, 0};
    };
    ANY(v_div_fixup_f16) {
      return {division(half_value(i.s[0]), half_value(i.s[1]), half_value(i.s[2]), half_bits),
              false, 0, 0};
    };
    ANY(v_div_fixup_legacy_f16) {
      return {division(half_value(i.s[0]), half_value(i.s[1]), half_value(i.s[2]), half_bits),
              false, 0, 0};
    };
    ANY(v_mad_u64_u32) {
      const unsigned __int128 v = static_cast<unsigned __int128>(i.s[0]) * i.s[1] + i.s[2];
      return carry(static_cast<u64>(v), v >> 64);
    };
    ANY(v_mad_i64_i32) {
      const __int128 v =
          static_cast<__int128>(static_cast<i32>(i.s[0])) * static_cast<i32>(i.s[1]) +
          static_cast<i64>(i.s[2]);
      return carry(static_cast<u64>(v), v != static_cast<i64>(v));
    };
    F16(v_mad_legacy_f16, half_value(half_bits(a * b)) + c);
    F16(v_mad_f16, half_value(half_bits(a * b)) + c);
    ANY(v_fma_f16) {
      return {half_fma(half_value(i.s[0]), half_value(i.s[1]), half_value(i.s[2])), false, 0, 0};
    };
    ANY(v_fma_legacy_f16) {
      return {half_fma(half_value(i.s[0]), half_value(i.s[1]), half_value(i.s[2])), false, 0, 0};
    };
    U16(v_mad_legacy_u16, a * b + c);
    U16(v_mad_legacy_i16, sa * sb + sc);
    U16(v_mad_u16, a * b + c);
    U16(v_mad_i16, sa * sb + sc);
    ANY(v_mad_u32_u16) {
      return {static_cast<u32>((i.s[0] & 0xffff) * (i.s[1] & 0xffff) + i.s[2]), false, 0, 0};
    };
    ANY(v_mad_i32_i16) {
      return {static_cast<u32>(i64{static_cast<int16_t>(i.s[0])} * static_cast<int16_t>(i.s[1]) +
                               static_cast<i32>(i.s[2])),
              false, 0, 0};
    };
    U32(v_perm_b32, [&] {
      const u64 all = u64{a} << 32 | b;
      u32 v = 0;
      for (int n = 0; n < 4; n++) {
        const u64 s = byte(c, n);
        const u64 r = s >= 13   ? 0xff
                      : s == 12 ? 0
                      : s >= 8  ? (all >> (16 * (s - 8) + 15) & 1) * 0xff
                                : byte(all, static_cast<int>(s));
        v |= static_cast<u32>(r) << (8 * n);
      }
      return v;
    }());
    U32(v_xad_u32, (a ^ b) + c);
    U32(v_lshl_add_u32, (a << b % 32) + c);
    U32(v_add_lshl_u32, (a + b) << c % 32);
    U32(v_add3_u32, a + b + c);
    U32(v_lshl_or_b32, (a << b % 32) | c);
    U32(v_and_or_b32, (a & b) | c);
    U32(v_or3_b32, a | b | c);
    F64(v_add_f64, a + b);
    F64(v_mul_f64, a * b);
    F64(v_min_f64, least(a, b));
    F64(v_max_f64, most(a, b));
    F64(v_ldexp_f64, std::ldexp(a, static_cast<i32>(i.s[1])));
    F32(v_ldexp_f32, std::ldexp(a, static_cast<i32>(i.s[1])));
    U32(v_mul_lo_u32, u64{a} * b);
    U32(v_mul_hi_u32, u64{a} * b >> 32);
    U32(v_mul_hi_i32, (sa * sb) >> 32);
    U32(v_bcnt_u32_b32, [&] {
      u32 n = b;
      for (int k = 0; k < 32; k++) n += a >> k & 1;
      return n;
    }());
    U32(v_mbcnt_lo_u32_b32, [&] {
      u32 n = b;
      for (int k = 0; k < std::min(i.lane, 32); k++) n += a >> k & 1;
      return n;
    }());
    U32(v_mbcnt_hi_u32_b32, [&] {
      u32 n = b;
      for (int k = 32; k < i.lane; k++) n += a >> (k - 32) & 1;
      return n;
    }());
    ANY(v_lshlrev_b64) {
      return {i.s[1] << i.s[0] % 64, false, 0, 0};
    };
    ANY(v_lshrrev_b64) {
      return {i.s[1] >> i.s[0] % 64, false, 0, 0};
    };
    ANY(v_ashrrev_i64) {
      return {static_cast<u64>(static_cast<i64>(i.s[1]) >> i.s[0] % 64), false, 0, 0};
    };
    ANY(v_trig_preop_f64) {
      return {bits(two_over_pi(53 * static_cast<int>(i.s[1] & 31))), false, 0, 0};
    };
    U32(v_bfm_b32, ((u64{1} << a % 32) - 1) << b % 32);
    ANY(v_cvt_pknorm_i16_f32) {
      const auto n = [](float v) {
        return std::isnan(v)
                   ? 0
                   : saturated<int16_t>(std::nearbyint(std::clamp(v, -1.0f, 1.0f) * 32767.0));
      };
      return {n(f32(i.s[0])) | n(f32(i.s[1])) << 16, false, 0, 0};
    };
    ANY(v_cvt_pknorm_u16_f32) {
      const auto n = [](float v) {
        return std::isnan(v)
                   ? 0
                   : saturated<uint16_t>(std::nearbyint(std::clamp(v, 0.0f, 1.0f) * 65535.0));
      };
      return {n(f32(i.s[0])) | n(f32(i.s[1])) << 16, false, 0, 0};
    };
    ANY(v_cvt_pknorm_i16_f16) {
      const auto n = [](double v) {
        return std::isnan(v)
                   ? 0
                   : saturated<int16_t>(std::nearbyint(std::clamp(v, -1.0, 1.0) * 32767.0));
      };
      return {n(half_value(i.s[0])) | n(half_value(i.s[1])) << 16, false, 0, 0};
    };
    ANY(v_cvt_pknorm_u16_f16) {
      const auto n = [](double v) {
        return std::isnan(v)
                   ? 0
                   : saturated<uint16_t>(std::nearbyint(std::clamp(v, 0.0, 1.0) * 65535.0));
      };
      return {n(half_value(i.s[0])) | n(half_value(i.s[1])) << 16, false, 0, 0};
    };
    ANY(v_cvt_pkrtz_f16_f32) {
      // Towards zero: the nearest half, unless that is farther out.
      const auto toward_zero = [](float v) {
        const u64 h = half_bits(v);
        return std::fabs(half_value(h)) > std::fabs(static_cast<double>(v)) ? h - 1 : h;
      };
      return {toward_zero(f32(i.s[0])) | toward_zero(f32(i.s[1])) << 16, false, 0, 0};
    };
    ANY(v_cvt_pk_u16_u32) {
      return {std::min<u64>(i.s[0], 65535) | std::min<u64>(i.s[1], 65535) << 16, false, 0, 0};
    };
    ANY(v_cvt_pk_i16_i32) {
      const auto n = [](u64 v) {
        return static_cast<u64>(
            static_cast<uint16_t>(std::clamp(static_cast<i32>(v), -32768, 32767)));
      };
      return {n(i.s[0]) | n(i.s[1]) << 16, false, 0, 0};
    };
    U32(v_add_i32, a + b);
    U32(v_sub_i32, a - b);
    U16(v_add_i16, a + b);
    U16(v_sub_i16, a - b);
    ANY(v_pack_b32_f16) {
      return {(i.s[0] & 0xffff) | (i.s[1] & 0xffff) << 16, false, 0, 0};
    };
    return models;
  }();
  return models;
}

}  // namespace inlay::emulator::rows
