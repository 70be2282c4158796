// Packed and mixed vector instructions, comparisons, scalar ALU, atomics.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/emulator/rows/models.h"

namespace inlay::emulator {
namespace {

using u32 = uint32_t;
using i32 = int32_t;
using u64 = uint64_t;
using i64 = int64_t;

float f32(u64 b) {
  const u32 low = static_cast<u32>(b);
  float v;
  memcpy(&v, &low, 4);
  return v;
}
double f64(u64 b) {
  double v;
  memcpy(&v, &b, 8);
  return v;
}
u64 bits(float v) {
  u32 b;
  memcpy(&b, &v, 4);
  return b;
}

// Half HIGH of source N, as op_sel and op_sel_hi say.
u64 half_of(const In& i, int n, bool high) {
  const u32 select = high ? i.op_sel_hi : i.op_sel;
  return select >> n & 1 ? i.s[n] >> 16 & 0xffff : i.s[n] & 0xffff;
}
template <typename F>
Model packed(F f) {
  return [f](const In& i) {
    u64 v = 0;
    for (int high = 0; high < 2; high++)
      v |= (f(half_of(i, 0, high), half_of(i, 1, high), half_of(i, 2, high)) & 0xffff)
           << (16 * high);
    return Out{v, false, 0, 0};
  };
}
i64 sx(u64 v) {
  return static_cast<int16_t>(v);
}
u64 least(u64 a, u64 b) {
  const double x = half_value(a), y = half_value(b);
  if (std::isnan(x)) return b;
  if (std::isnan(y)) return a;
  return x < y || (x == y && std::signbit(x)) ? a : b;
}
u64 most(u64 a, u64 b) {
  const double x = half_value(a), y = half_value(b);
  if (std::isnan(x)) return b;
  if (std::isnan(y)) return a;
  return x > y || (x == y && !std::signbit(x)) ? a : b;
}
#define PACKED(name, ...)                                                   \
  models[#name] = packed([]([[maybe_unused]] u64 a, [[maybe_unused]] u64 b, \
                            [[maybe_unused]] u64 c) { return static_cast<u64>(__VA_ARGS__); })

float mixed(const In& i, int n) {
  if (!(i.op_sel_hi >> n & 1)) return f32(i.s[n]);
  return static_cast<float>(half_value(i.op_sel >> n & 1 ? i.s[n] >> 16 : i.s[n]));
}
float daz(float v) {
  return std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v;
}
float mad_mix(const In& i) {
  volatile float product = daz(mixed(i, 0)) * daz(mixed(i, 1));
  return daz(daz(product) + daz(mixed(i, 2)));
}
float fma_mix(const In& i) {
  return std::fma(mixed(i, 0), mixed(i, 1), mixed(i, 2));
}
template <int kBits, bool kSigned>
Out dot(const In& i) {
  i64 sum = kSigned ? static_cast<i32>(i.s[2]) : static_cast<i64>(i.s[2] & ~u32{0});
  for (int n = 0; n < 32; n += kBits) {
    i64 a = static_cast<i64>(i.s[0] >> n & ((1u << kBits) - 1)),
        b = static_cast<i64>(i.s[1] >> n & ((1u << kBits) - 1));
    if (kSigned && a >> (kBits - 1)) a -= 1 << kBits;
    if (kSigned && b >> (kBits - 1)) b -= 1 << kBits;
    sum += a * b;
  }
  return {static_cast<u32>(sum), false, 0, 0};
}

}  // namespace

const Models& packed_models() {
  static const Models models = [] {
    Models models;
    PACKED(v_pk_mad_i16, sx(a) * sx(b) + sx(c));
    PACKED(v_pk_mad_u16, a * b + c);
    PACKED(v_pk_mul_lo_u16, a * b);
    PACKED(v_pk_add_i16, a + b);
    PACKED(v_pk_sub_i16, a - b);
    PACKED(v_pk_add_u16, a + b);
    PACKED(v_pk_sub_u16, a - b);
    PACKED(v_pk_lshlrev_b16, b << a % 16);
    PACKED(v_pk_lshrrev_b16, b >> a % 16);
    PACKED(v_pk_ashrrev_i16, sx(b) >> a % 16);
    PACKED(v_pk_max_i16, std::max(sx(a), sx(b)));
    PACKED(v_pk_min_i16, std::min(sx(a), sx(b)));
    PACKED(v_pk_max_u16, std::max(a, b));
    PACKED(v_pk_min_u16, std::min(a, b));
    PACKED(v_pk_add_f16, half_bits(half_value(a) + half_value(b)));
    PACKED(v_pk_mul_f16, half_bits(half_value(a) * half_value(b)));
    PACKED(v_pk_fma_f16, vector_models().at("v_fma_f16")({{a, b, c}}).v);
    PACKED(v_pk_min_f16, least(a, b));
    PACKED(v_pk_max_f16, most(a, b));
    models["v_mad_mix_f32"] = [](const In& i) { return Out{bits(mad_mix(i)), false, 0, 0}; };
    models["v_fma_mix_f32"] = [](const In& i) { return Out{bits(fma_mix(i)), false, 0, 0}; };
    models["v_mad_mixlo_f16"] = [](const In& i) {
      return Out{(i.d & 0xffff0000) | half_bits(mad_mix(i)), false, 0, 0};
    };
    models["v_fma_mixlo_f16"] = [](const In& i) {
      return Out{(i.d & 0xffff0000) | half_bits(fma_mix(i)), false, 0, 0};
    };
    models["v_mad_mixhi_f16"] = [](const In& i) {
      return Out{(i.d & 0xffff) | half_bits(mad_mix(i)) << 16, false, 0, 0};
    };
    models["v_fma_mixhi_f16"] = [](const In& i) {
      return Out{(i.d & 0xffff) | half_bits(fma_mix(i)) << 16, false, 0, 0};
    };
    models["v_dot2_f32_f16"] = [](const In& i) {
      const double sum = half_value(i.s[0] & 0xffff) * half_value(i.s[1] & 0xffff) +
                         half_value(i.s[0] >> 16) * half_value(i.s[1] >> 16) + f32(i.s[2]);
      const double size = std::fabs(half_value(i.s[0] & 0xffff) * half_value(i.s[1] & 0xffff)) +
                          std::fabs(half_value(i.s[0] >> 16) * half_value(i.s[1] >> 16)) +
                          std::fabs(f32(i.s[2]));
      // The manual leaves the order of roundings open.
      return Out{bits(static_cast<float>(sum)), false, 2, std::isfinite(size) ? size * 0x1p-22 : 0};
    };
    models["v_dot2_i32_i16"] = dot<16, true>;
    models["v_dot2_u32_u16"] = dot<16, false>;
    models["v_dot4_i32_i8"] = dot<8, true>;
    models["v_dot4_u32_u8"] = dot<8, false>;
    models["v_dot8_i32_i4"] = dot<4, true>;
    models["v_dot8_u32_u4"] = dot<4, false>;
    return models;
  }();
  return models;
}

Model comparison_model(const std::string& mnemonic) {
  const bool exec = mnemonic.compare(0, 7, "v_cmpx_") == 0;
  if (!exec && mnemonic.compare(0, 6, "v_cmp_") != 0) return nullptr;
  const size_t start = exec ? 7 : 6, end = mnemonic.rfind('_');
  const std::string what = mnemonic.substr(start, end - start), type = mnemonic.substr(end + 1);
  const auto number = [type](u64 v) -> double {
    return type == "f16" ? half_value(v) : type == "f32" ? f32(v) : f64(v);
  };
  if (what == "class")
    return [type, number](const In& i) {
      const double v = number(i.s[0]);
      const int top = type == "f16" ? 9 : type == "f32" ? 22 : 51;
      const double smallest = type == "f16" ? 0x1p-14 : type == "f32" ? 0x1p-126 : 0x1p-1022;
      const bool negative = std::signbit(v);
      int k;
      if (std::isnan(v))
        k = i.s[0] >> top & 1 ? 1 : 0;
      else if (std::isinf(v))
        k = negative ? 2 : 9;
      else if (v == 0)
        k = negative ? 5 : 6;
      else if (std::fabs(v) < smallest)
        k = negative ? 4 : 7;
      else
        k = negative ? 3 : 8;
      return Out{0, (i.s[1] >> k & 1) != 0, 0, 0};
    };
  // Of a pair: less, equal, greater, or unordered.
  const auto order = [type, number](const In& i) {
    if (type[0] == 'f') {
      const double a = number(i.s[0]), b = number(i.s[1]);
      return std::isnan(a) || std::isnan(b) ? 2 : a < b ? -1 : a > b ? 1 : 0;
    }
    const int width = std::stoi(type.substr(1));
    u64 a = i.s[0] << (64 - width), b = i.s[1] << (64 - width);
    if (type[0] == 'i') {
      a ^= u64{1} << 63;
      b ^= u64{1} << 63;
    }
    return a < b ? -1 : a > b ? 1 : 0;
  };
  // Which orders make it true: bits for less, equal, greater, unordered.
  static const std::map<std::string, int> kTrue = {
      {"f", 0},    {"lt", 1},   {"eq", 2},   {"le", 3},   {"gt", 4},   {"lg", 5},
      {"ge", 6},   {"o", 7},    {"u", 8},    {"nge", 9},  {"nlg", 10}, {"ngt", 11},
      {"nle", 12}, {"neq", 13}, {"nlt", 14}, {"tru", 15}, {"ne", 5},   {"t", 15}};
  const auto at = kTrue.find(what);
  if (at == kTrue.end()) return nullptr;
  const int wanted = at->second;
  return [order, wanted](const In& i) { return Out{0, (wanted >> (order(i) + 1) & 1) != 0, 0, 0}; };
}

namespace {

// Results whose SCC is "not zero"; that leave SCC; that say it themselves.
Out nonzero(u64 v) {
  return {v, v != 0, 0, 0};
}
#define S_NZ(name, ...)                                                                    \
  models[#name] = [](const In& i) -> Out {                                                 \
    [[maybe_unused]] const u32 a = static_cast<u32>(i.s[0]), b = static_cast<u32>(i.s[1]); \
    [[maybe_unused]] const i64 sa = static_cast<i32>(a), sb = static_cast<i32>(b);         \
    return nonzero(static_cast<u32>(__VA_ARGS__));                                         \
  }
#define S_KEEP(name, ...)                                                                  \
  models[#name] = [](const In& i) -> Out {                                                 \
    [[maybe_unused]] const u32 a = static_cast<u32>(i.s[0]), b = static_cast<u32>(i.s[1]); \
    [[maybe_unused]] const i64 sa = static_cast<i32>(a), sb = static_cast<i32>(b);         \
    return {static_cast<u32>(__VA_ARGS__), i.bit, 0, 0};                                   \
  }
#define S_SCC(name, value, scc)                                                            \
  models[#name] = [](const In& i) -> Out {                                                 \
    [[maybe_unused]] const u32 a = static_cast<u32>(i.s[0]), b = static_cast<u32>(i.s[1]); \
    [[maybe_unused]] const i64 sa = static_cast<i32>(a), sb = static_cast<i32>(b);         \
    return {static_cast<u32>(value), static_cast<bool>(scc), 0, 0};                        \
  }
#define L_NZ(name, ...)                                \
  models[#name] = [](const In& i) -> Out {             \
    [[maybe_unused]] const u64 a = i.s[0], b = i.s[1]; \
    return nonzero(static_cast<u64>(__VA_ARGS__));     \
  }
#define L_KEEP(name, ...)                                \
  models[#name] = [](const In& i) -> Out {               \
    [[maybe_unused]] const u64 a = i.s[0], b = i.s[1];   \
    return {static_cast<u64>(__VA_ARGS__), i.bit, 0, 0}; \
  }
#define S_LOGIC(stem, ...)           \
  S_NZ(s_##stem##_b32, __VA_ARGS__); \
  L_NZ(s_##stem##_b64, __VA_ARGS__)
#define S_CMP(name, ...)                                                                   \
  models[#name] = [](const In& i) -> Out {                                                 \
    [[maybe_unused]] const u32 a = static_cast<u32>(i.s[0]), b = static_cast<u32>(i.s[1]); \
    [[maybe_unused]] const i64 sa = static_cast<i32>(a), sb = static_cast<i32>(b);         \
    return {0, static_cast<bool>(__VA_ARGS__), 0, 0};                                      \
  }
#define L_CMP(name, ...)                               \
  models[#name] = [](const In& i) -> Out {             \
    [[maybe_unused]] const u64 a = i.s[0], b = i.s[1]; \
    return {0, static_cast<bool>(__VA_ARGS__), 0, 0};  \
  }

u64 field(u64 v, u64 how, int size, bool sign) {
  const u64 offset = how % static_cast<u64>(size),
            width = std::min<u64>(how >> 16 & 0x7f, static_cast<u64>(size));
  u64 r = 0;
  for (u64 n = 0; n < static_cast<u64>(size) && width != 0; n++) {
    const u64 k = n < width ? n : (sign ? width - 1 : 99);
    if (k == 99) break;
    // Bits beyond the operand repeat its sign, or are zero.
    const u64 from = offset + k;
    const u64 bit = from < static_cast<u64>(size) ? v >> from & 1 : sign ? v >> (size - 1) & 1 : 0;
    r |= bit << n;
  }
  return r;
}
int first_bit(u64 v, bool value, int size) {
  for (int n = 0; n < size; n++)
    if ((v >> n & 1) == value) return n;
  return -1;
}
int leading(u64 v, int size) {
  for (int n = 0; n < size; n++)
    if (v >> (size - 1 - n) & 1) return n;
  return -1;
}
int leading_sign(u64 v, int size) {
  for (int n = 1; n < size; n++)
    if ((v >> (size - 1 - n) & 1) != (v >> (size - 1) & 1)) return n;
  return -1;
}
int ones(u64 v) {
  int n = 0;
  for (int k = 0; k < 64; k++) n += v >> k & 1;
  return n;
}
u64 reversed(u64 v, int size) {
  u64 r = 0;
  for (int n = 0; n < size; n++) r |= (v >> n & 1) << (size - 1 - n);
  return r;
}
u64 quads(u64 v, bool whole) {
  u64 r = 0;
  for (int n = 0; n < 16; n++)
    if (v >> (4 * n) & 15) r |= whole ? u64{15} << (4 * n) : u64{1} << n;
  return r;
}
bool overflow(i64 v) {
  return v != static_cast<i32>(v);
}

}  // namespace

const Models& scalar_models() {
  static const Models models = [] {
    Models models;
    S_SCC(s_add_u32, a + b, (u64{a} + b) >> 32);
    S_SCC(s_sub_u32, a - b, b > a);
    S_SCC(s_add_i32, a + b, overflow(sa + sb));
    S_SCC(s_sub_i32, a - b, overflow(sa - sb));
    S_SCC(s_addc_u32, a + b + i.bit, (u64{a} + b + i.bit) >> 32);
    S_SCC(s_subb_u32, a - b - i.bit, u64{b} + i.bit > a);
    S_SCC(s_min_i32, std::min(sa, sb), sa < sb);
    S_SCC(s_max_i32, std::max(sa, sb), sa > sb);
    S_SCC(s_min_u32, std::min(a, b), a < b);
    S_SCC(s_max_u32, std::max(a, b), a > b);
    S_KEEP(s_cselect_b32, i.bit ? a : b);
    L_KEEP(s_cselect_b64, i.bit ? a : b);
    S_LOGIC(and, a & b);
    S_LOGIC(or, a | b);
    S_LOGIC(xor, a ^ b);
    S_LOGIC(andn2, a & ~b);
    S_LOGIC(orn2, a | ~b);
    S_LOGIC(nand, ~(a & b));
    S_LOGIC(nor, ~(a | b));
    S_LOGIC(xnor, ~(a ^ b));
    S_NZ(s_lshl_b32, a << b % 32);
    S_NZ(s_lshr_b32, a >> b % 32);
    S_NZ(s_ashr_i32, sa >> b % 32);
    L_NZ(s_lshl_b64, a << b % 64);
    L_NZ(s_lshr_b64, a >> b % 64);
    L_NZ(s_ashr_i64, static_cast<i64>(a) >> b % 64);
    S_KEEP(s_bfm_b32, ((u64{1} << a % 32) - 1) << b % 32);
    L_KEEP(s_bfm_b64, ((u64{1} << a % 64) - 1) << b % 64);
    S_KEEP(s_mul_i32, a * b);
    S_KEEP(s_mul_hi_u32, u64{a} * b >> 32);
    S_KEEP(s_mul_hi_i32, (sa * sb) >> 32);
    S_NZ(s_bfe_u32, field(a, b, 32, false));
    S_NZ(s_bfe_i32, field(a, b, 32, true));
    L_NZ(s_bfe_u64, field(a, b, 64, false));
    L_NZ(s_bfe_i64, field(a, b, 64, true));
    // In 32 bits: 0x80000000 and 1 differ by 0x7fffffff.
    S_NZ(s_absdiff_i32, std::abs(i64{static_cast<i32>(a - b)}));
    S_SCC(s_lshl1_add_u32, a * 2 + b, (u64{a} * 2 + b) >> 32);
    S_SCC(s_lshl2_add_u32, a * 4 + b, (u64{a} * 4 + b) >> 32);
    S_SCC(s_lshl3_add_u32, a * 8 + b, (u64{a} * 8 + b) >> 32);
    S_SCC(s_lshl4_add_u32, a * 16 + b, (u64{a} * 16 + b) >> 32);
    S_KEEP(s_pack_ll_b32_b16, a % 65536 + b * 65536);
    S_KEEP(s_pack_lh_b32_b16, a % 65536 + b / 65536 * 65536);
    S_KEEP(s_pack_hh_b32_b16, a / 65536 + b / 65536 * 65536);
    S_KEEP(s_mov_b32, a);
    L_KEEP(s_mov_b64, a);
    S_KEEP(s_cmov_b32, i.bit ? a : i.d);
    L_KEEP(s_cmov_b64, i.bit ? a : i.d);
    S_NZ(s_not_b32, ~a);
    L_NZ(s_not_b64, ~a);
    S_NZ(s_wqm_b32, quads(a, true));
    L_NZ(s_wqm_b64, quads(a, true));
    S_NZ(s_quadmask_b32, quads(a, false));
    L_NZ(s_quadmask_b64, quads(a, false));
    S_KEEP(s_brev_b32, reversed(a, 32));
    L_KEEP(s_brev_b64, reversed(a, 64));
    S_NZ(s_bcnt0_i32_b32, 32 - ones(a));
    S_NZ(s_bcnt1_i32_b32, ones(a));
    L_NZ(s_bcnt0_i32_b64, 64 - ones(a));
    L_NZ(s_bcnt1_i32_b64, ones(a));
    S_KEEP(s_ff0_i32_b32, first_bit(a, false, 32));
    S_KEEP(s_ff1_i32_b32, first_bit(a, true, 32));
    L_KEEP(s_ff0_i32_b64, static_cast<u32>(first_bit(a, false, 64)));
    L_KEEP(s_ff1_i32_b64, static_cast<u32>(first_bit(a, true, 64)));
    S_KEEP(s_flbit_i32_b32, leading(a, 32));
    L_KEEP(s_flbit_i32_b64, static_cast<u32>(leading(a, 64)));
    S_KEEP(s_flbit_i32, leading_sign(a, 32));
    L_KEEP(s_flbit_i32_i64, static_cast<u32>(leading_sign(a, 64)));
    S_KEEP(s_sext_i32_i8, static_cast<int8_t>(a));
    S_KEEP(s_sext_i32_i16, static_cast<int16_t>(a));
    S_KEEP(s_bitset0_b32, i.d & ~(u64{1} << a % 32));
    S_KEEP(s_bitset1_b32, i.d | u64{1} << a % 32);
    L_KEEP(s_bitset0_b64, i.d & ~(u64{1} << a % 64));
    L_KEEP(s_bitset1_b64, i.d | u64{1} << a % 64);
    S_NZ(s_abs_i32, sa < 0 ? -sa : sa);
    L_KEEP(s_bitreplicate_b64_b32, [&] {
      u64 v = 0;
      for (int n = 0; n < 64; n++) v |= (a >> (n / 2) & 1) << n;
      return v;
    }());
    S_CMP(s_cmp_eq_i32, a == b);
    S_CMP(s_cmp_lg_i32, a != b);
    S_CMP(s_cmp_gt_i32, sa > sb);
    S_CMP(s_cmp_ge_i32, sa >= sb);
    S_CMP(s_cmp_lt_i32, sa < sb);
    S_CMP(s_cmp_le_i32, sa <= sb);
    S_CMP(s_cmp_eq_u32, a == b);
    S_CMP(s_cmp_lg_u32, a != b);
    S_CMP(s_cmp_gt_u32, a > b);
    S_CMP(s_cmp_ge_u32, a >= b);
    S_CMP(s_cmp_lt_u32, a < b);
    S_CMP(s_cmp_le_u32, a <= b);
    S_CMP(s_bitcmp0_b32, (a >> b % 32 & 1) == 0);
    S_CMP(s_bitcmp1_b32, (a >> b % 32 & 1) == 1);
    L_CMP(s_bitcmp0_b64, (a >> b % 64 & 1) == 0);
    L_CMP(s_bitcmp1_b64, (a >> b % 64 & 1) == 1);
    L_CMP(s_cmp_eq_u64, a == b);
    L_CMP(s_cmp_lg_u64, a != b);
    // SOPK: the second source is the immediate, sign-extended; cmpk_*_u32 take it as it is.
    S_KEEP(s_movk_i32, b);
    S_KEEP(s_cmovk_i32, i.bit ? b : i.d);
    S_CMP(s_cmpk_eq_i32, sa == sb);
    S_CMP(s_cmpk_lg_i32, sa != sb);
    S_CMP(s_cmpk_gt_i32, sa > sb);
    S_CMP(s_cmpk_ge_i32, sa >= sb);
    S_CMP(s_cmpk_lt_i32, sa < sb);
    S_CMP(s_cmpk_le_i32, sa <= sb);
    S_CMP(s_cmpk_eq_u32, a == b % 65536);
    S_CMP(s_cmpk_lg_u32, a != b % 65536);
    S_CMP(s_cmpk_gt_u32, a > b % 65536);
    S_CMP(s_cmpk_ge_u32, a >= b % 65536);
    S_CMP(s_cmpk_lt_u32, a < b % 65536);
    S_CMP(s_cmpk_le_u32, a <= b % 65536);
    S_SCC(s_addk_i32, i.d + b, overflow(static_cast<i32>(i.d) + sb));
    S_KEEP(s_mulk_i32, i.d * b);
    return models;
  }();
  return models;
}

Atomic atomic_model(const std::string& name, int width) {
  const u64 mask = width == 64 ? ~u64{0} : ~u32{0};
  const auto sign = [width](u64 v) {
    return width == 64 ? static_cast<i64>(v) : static_cast<i32>(v);
  };
  const auto number = [width](u64 v) { return width == 64 ? f64(v) : static_cast<double>(f32(v)); };
  static const std::map<std::string, Atomic> kPlain = {
      {"add", [](u64 o, u64 d, u64) { return o + d; }},
      {"sub", [](u64 o, u64 d, u64) { return o - d; }},
      {"rsub", [](u64 o, u64 d, u64) { return d - o; }},
      {"umin", [](u64 o, u64 d, u64) { return std::min(o, d); }},
      {"umax", [](u64 o, u64 d, u64) { return std::max(o, d); }},
      {"and", [](u64 o, u64 d, u64) { return o & d; }},
      {"or", [](u64 o, u64 d, u64) { return o | d; }},
      {"xor", [](u64 o, u64 d, u64) { return o ^ d; }},
      {"inc", [](u64 o, u64 d, u64) { return o >= d ? 0 : o + 1; }},
      {"dec", [](u64 o, u64 d, u64) { return o == 0 || o > d ? d : o - 1; }},
      {"swap", [](u64, u64 d, u64) { return d; }},
      {"cmpswap", [](u64 o, u64 d, u64 c) { return o == c ? d : o; }},
      {"mskor", [](u64 o, u64 d, u64 c) { return (o & ~d) | c; }},
      {"wrap", [](u64 o, u64 d, u64 c) { return o >= d ? o - d : o + c; }},
  };
  Atomic f;
  if (name == "smin") f = [sign](u64 o, u64 d, u64) { return sign(o) < sign(d) ? o : d; };
  if (name == "smax") f = [sign](u64 o, u64 d, u64) { return sign(o) > sign(d) ? o : d; };
  // The number wins over NaN.
  if (name == "fmin" || name == "fmax")
    f = [number, name](u64 o, u64 d, u64) {
      const double x = number(o), y = number(d);
      if (std::isnan(x) || std::isnan(y)) return std::isnan(y) ? o : d;
      return (name == "fmin" ? x < y : x > y) ? o : d;
    };
  if (name == "fcmpswap")
    f = [number](u64 o, u64 d, u64 c) { return number(o) == number(c) ? d : o; };
  if (name == "fadd") f = [](u64 o, u64 d, u64) { return bits(f32(o) + f32(d)); };
  const auto at = kPlain.find(name);
  if (at != kPlain.end()) f = at->second;
  if (!f) return nullptr;
  return [f, mask](u64 o, u64 d, u64 c) { return f(o, d, c) & mask; };
}

}  // namespace inlay::emulator
