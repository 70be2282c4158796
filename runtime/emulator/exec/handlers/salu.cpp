// Scalar ALU, branches and program control (manual, 12.1 to 12.5).
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

uint64_t scalar_value(Wave& w, const Slot& s, uint32_t c, OperandType type);

namespace {

uint32_t source(Wave& w, const Slot& s, int n) {
  if (s.origin[n] == Slot::kScalar) return w.sgpr[s.inst.src[n]];
  if (s.origin[n] == Slot::kConstant) return s.constant[n][0];
  return static_cast<uint32_t>(scalar_value(w, s, s.inst.src[n], s.inst.opcode->src[n]));
}
uint32_t s0(Wave& w, const Slot& s) {
  return source(w, s, 0);
}
uint32_t s1(Wave& w, const Slot& s) {
  return source(w, s, 1);
}
uint64_t d(Wave& w, const Slot& s, int n) {
  if (s.origin[n] == Slot::kScalar) return w.pair(s.inst.src[n]);
  if (s.origin[n] == Slot::kConstant)
    return s.constant[n][0] | static_cast<uint64_t>(s.constant[n][1]) << 32;
  return scalar_value(w, s, s.inst.src[n], s.inst.opcode->src[n]);
}
void set(Wave& w, const Slot& s, uint32_t v) {
  if (s.inst.dst != code::kNull) w.sgpr[s.inst.dst] = v;
}
void set64(Wave& w, const Slot& s, uint64_t v) {
  if (s.inst.dst != code::kNull) w.set_pair(s.inst.dst, v);
}
int32_t sext(uint32_t v) {
  return static_cast<int32_t>(v);
}

}  // namespace

// 32-bit result V; SCC from the expression after it.
#define INLAY_SOP(name, value, carry)                           \
  INLAY_WAVE(name) {                                            \
    [[maybe_unused]] const uint32_t a = s0(w, s), b = s1(w, s); \
    const uint32_t v = static_cast<uint32_t>(value);            \
    w.scc = carry;                                              \
    set(w, s, v);                                               \
  }
#define INLAY_SOP_KEEP(name, value)                             \
  INLAY_WAVE(name) {                                            \
    [[maybe_unused]] const uint32_t a = s0(w, s), b = s1(w, s); \
    set(w, s, static_cast<uint32_t>(value));                    \
  }
#define INLAY_SOP64(name, value)                   \
  INLAY_WAVE(name) {                               \
    const uint64_t a = d(w, s, 0), b = d(w, s, 1); \
    const uint64_t v = value;                      \
    w.scc = v != 0;                                \
    set64(w, s, v);                                \
  }
INLAY_SOP(s_add_u32, a + b, v < a)
INLAY_SOP(s_sub_u32, a - b, b > a)
INLAY_SOP(s_add_i32, a + b, (~(a ^ b) & (a ^ v)) >> 31)
INLAY_SOP(s_sub_i32, a - b, ((a ^ b) & (a ^ v)) >> 31)
INLAY_WAVE(s_addc_u32) {
  const uint64_t v = static_cast<uint64_t>(s0(w, s)) + s1(w, s) + w.scc;
  w.scc = v >> 32;
  set(w, s, static_cast<uint32_t>(v));
}
INLAY_WAVE(s_subb_u32) {
  const uint32_t a = s0(w, s), b = s1(w, s), c = w.scc;
  w.scc = static_cast<uint64_t>(b) + c > a;
  set(w, s, a - b - c);
}
INLAY_SOP(s_min_i32, sext(a) < sext(b) ? a : b, sext(a) < sext(b))
INLAY_SOP(s_min_u32, a < b ? a : b, a < b)
INLAY_SOP(s_max_i32, sext(a) > sext(b) ? a : b, sext(a) > sext(b))
INLAY_SOP(s_max_u32, a > b ? a : b, a > b)
INLAY_SOP_KEEP(s_cselect_b32, w.scc ? a : b)
INLAY_WAVE(s_cselect_b64) {
  set64(w, s, w.scc ? d(w, s, 0) : d(w, s, 1));
}
#define INLAY_SOP_LOGIC(stem, value)       \
  INLAY_SOP(s_##stem##_b32, value, v != 0) \
  INLAY_SOP64(s_##stem##_b64, value)
INLAY_SOP_LOGIC(and, a& b)
INLAY_SOP_LOGIC(or, a | b)
INLAY_SOP_LOGIC(xor, a ^ b)
INLAY_SOP_LOGIC(andn2, a & ~b)
INLAY_SOP_LOGIC(orn2, a | ~b)
INLAY_SOP_LOGIC(nand, ~(a& b))
INLAY_SOP_LOGIC(nor, ~(a | b))
INLAY_SOP_LOGIC(xnor, ~(a ^ b))
INLAY_SOP(s_lshl_b32, a << (b & 31), v != 0)
INLAY_SOP(s_lshr_b32, a >> (b & 31), v != 0)
INLAY_SOP(s_ashr_i32, sext(a) >> (b & 31), v != 0)
#define INLAY_SOP64_32(name, value) \
  INLAY_WAVE(name) {                \
    const uint64_t a = d(w, s, 0);  \
    const uint32_t b = s1(w, s);    \
    const uint64_t v = value;       \
    w.scc = v != 0;                 \
    set64(w, s, v);                 \
  }
INLAY_SOP64_32(s_lshl_b64, a << (b & 63))
INLAY_SOP64_32(s_lshr_b64, a >> (b & 63))
INLAY_SOP64_32(s_ashr_i64, static_cast<uint64_t>(static_cast<int64_t>(a) >> (b & 63)))
INLAY_SOP_KEEP(s_bfm_b32, ((1u << (a & 31)) - 1) << (b & 31))
INLAY_WAVE(s_bfm_b64) {
  set64(w, s, ((uint64_t{1} << (s0(w, s) & 63)) - 1) << (s1(w, s) & 63));
}
INLAY_SOP_KEEP(s_mul_i32, a* b)
INLAY_SOP_KEEP(s_mul_hi_u32, (static_cast<uint64_t>(a) * b) >> 32)
INLAY_SOP_KEEP(s_mul_hi_i32, (static_cast<int64_t>(sext(a)) * sext(b)) >> 32)
// Bit fields: offset in bits 4:0 (5:0), width in 22:16. They write SCC.
namespace {
uint64_t field_mask(uint32_t width) {
  return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}
uint64_t sign_extend(uint64_t v, uint32_t width) {
  if (width == 0) return 0;
  if (width >= 64) return v;
  return static_cast<uint64_t>(static_cast<int64_t>(v << (64 - width)) >> (64 - width));
}
}  // namespace
INLAY_SOP(s_bfe_u32, (a >> (b & 31)) & field_mask(b >> 16 & 0x7f), v != 0)
INLAY_SOP(s_bfe_i32,
          sign_extend(static_cast<uint32_t>(sext(a) >> (b & 31)) &
                          field_mask(min_<uint32_t>(b >> 16 & 0x7f, 32)),
                      min_<uint32_t>(b >> 16 & 0x7f, 32)),
          v != 0)
INLAY_SOP64_32(s_bfe_u64, (a >> (b & 63)) & field_mask(b >> 16 & 0x7f))
INLAY_SOP64_32(s_bfe_i64, sign_extend(static_cast<uint64_t>(static_cast<int64_t>(a) >> (b & 63)) &
                                          field_mask(b >> 16 & 0x7f),
                                      b >> 16 & 0x7f))
INLAY_SOP(s_absdiff_i32, sext(a - b) < 0 ? b - a : a - b, v != 0)
#define INLAY_SHIFT_ADD(n)                                            \
  INLAY_SOP(s_lshl##n##_add_u32, (static_cast<uint64_t>(a) << n) + b, \
            ((static_cast<uint64_t>(a) << n) + b) >> 32 != 0)
INLAY_SHIFT_ADD(1)
INLAY_SHIFT_ADD(2)
INLAY_SHIFT_ADD(3)
INLAY_SHIFT_ADD(4)
INLAY_SOP_KEEP(s_pack_ll_b32_b16, (a & 0xffff) | b << 16)
INLAY_SOP_KEEP(s_pack_lh_b32_b16, (a & 0xffff) | (b & 0xffff0000))
INLAY_SOP_KEEP(s_pack_hh_b32_b16, a >> 16 | (b & 0xffff0000))

// --- SOP1 ---
INLAY_WAVE(s_mov_b32) {
  set(w, s, s0(w, s));
}
INLAY_WAVE(s_mov_b64) {
  set64(w, s, d(w, s, 0));
}
INLAY_WAVE(s_cmov_b32) {
  if (w.scc) set(w, s, s0(w, s));
}
INLAY_WAVE(s_cmov_b64) {
  if (w.scc) set64(w, s, d(w, s, 0));
}
#define INLAY_SOP1(name, value)                      \
  INLAY_WAVE(name) {                                 \
    const uint32_t a = s0(w, s);                     \
    const uint32_t v = static_cast<uint32_t>(value); \
    w.scc = v != 0;                                  \
    set(w, s, v);                                    \
  }
#define INLAY_SOP1_KEEP(name, value)         \
  INLAY_WAVE(name) {                         \
    const uint32_t a = s0(w, s);             \
    set(w, s, static_cast<uint32_t>(value)); \
  }
#define INLAY_SOP1_64(name, value) \
  INLAY_WAVE(name) {               \
    const uint64_t a = d(w, s, 0); \
    const uint64_t v = value;      \
    w.scc = v != 0;                \
    set64(w, s, v);                \
  }
// 64 bits in, 32 out.
#define INLAY_SOP1_NARROW(name, value, condition)    \
  INLAY_WAVE(name) {                                 \
    const uint64_t a = d(w, s, 0);                   \
    const uint32_t v = static_cast<uint32_t>(value); \
    if (condition) w.scc = v != 0;                   \
    set(w, s, v);                                    \
  }
namespace {
// Whole quads: any bit of four sets all four; one bit per quad.
uint64_t whole_quads(uint64_t a) {
  uint64_t v = 0;
  for (int n = 0; n < 64; n += 4)
    if (a >> n & 15) v |= uint64_t{15} << n;
  return v;
}
uint64_t quad_bits(uint64_t a) {
  uint64_t v = 0;
  for (int n = 0; n < 16; n++)
    if (a >> (4 * n) & 15) v |= uint64_t{1} << n;
  return v;
}
// Distance of the first bit from the top that differs from the sign; -1 if none does.
int sign_bits(uint64_t a, int width) {
  const uint64_t sign = a >> (width - 1) & 1;
  for (int n = 1; n < width; n++)
    if ((a >> (width - 1 - n) & 1) != sign) return n;
  return -1;
}
}  // namespace
INLAY_SOP1(s_not_b32, ~a)
INLAY_SOP1_64(s_not_b64, ~a)
INLAY_SOP1(s_wqm_b32, whole_quads(a))
INLAY_SOP1_64(s_wqm_b64, whole_quads(a))
INLAY_SOP1(s_quadmask_b32, quad_bits(a))
INLAY_SOP1_64(s_quadmask_b64, quad_bits(a))
INLAY_SOP1_KEEP(s_brev_b32, __builtin_bitreverse32(a))
INLAY_WAVE(s_brev_b64) {
  set64(w, s, __builtin_bitreverse64(d(w, s, 0)));
}
INLAY_SOP1(s_bcnt0_i32_b32, 32 - __builtin_popcount(a))
INLAY_SOP1_NARROW(s_bcnt0_i32_b64, 64 - __builtin_popcountll(a), true)
INLAY_SOP1(s_bcnt1_i32_b32, __builtin_popcount(a))
INLAY_SOP1_NARROW(s_bcnt1_i32_b64, __builtin_popcountll(a), true)
INLAY_SOP1_KEEP(s_ff0_i32_b32, ~a ? __builtin_ctz(~a) : -1)
INLAY_SOP1_NARROW(s_ff0_i32_b64, ~a ? __builtin_ctzll(~a) : -1, false)
INLAY_SOP1_KEEP(s_ff1_i32_b32, a ? __builtin_ctz(a) : -1)
INLAY_SOP1_NARROW(s_ff1_i32_b64, a ? __builtin_ctzll(a) : -1, false)
INLAY_SOP1_KEEP(s_flbit_i32_b32, a ? __builtin_clz(a) : -1)
INLAY_SOP1_NARROW(s_flbit_i32_b64, a ? __builtin_clzll(a) : -1, false)
INLAY_SOP1_KEEP(s_flbit_i32, sign_bits(a, 32))
INLAY_SOP1_NARROW(s_flbit_i32_i64, sign_bits(a, 64), false)
INLAY_SOP1_KEEP(s_sext_i32_i8, static_cast<int8_t>(a))
INLAY_SOP1_KEEP(s_sext_i32_i16, static_cast<int16_t>(a))
INLAY_SOP1(s_abs_i32, sext(a) < 0 ? 0u - a : a)
INLAY_SOP1_KEEP(s_bitset0_b32, w.sgpr[s.inst.dst] & ~(1u << (a & 31)))
INLAY_SOP1_KEEP(s_bitset1_b32, w.sgpr[s.inst.dst] | 1u << (a & 31))
INLAY_WAVE(s_bitset0_b64) {
  set64(w, s, w.pair(s.inst.dst) & ~(uint64_t{1} << (s0(w, s) & 63)));
}
INLAY_WAVE(s_bitset1_b64) {
  set64(w, s, w.pair(s.inst.dst) | uint64_t{1} << (s0(w, s) & 63));
}
INLAY_WAVE(s_bitreplicate_b64_b32) {
  const uint32_t a = s0(w, s);
  uint64_t v = 0;
  for (int n = 0; n < 32; n++) v |= static_cast<uint64_t>(a >> n & 1) * 3 << (2 * n);
  set64(w, s, v);
}
#define INLAY_SAVEEXEC(stem, value)              \
  INLAY_WAVE(s_##stem##_saveexec_b64) {          \
    const uint64_t a = d(w, s, 0), e = w.exec(); \
    set64(w, s, e);                              \
    w.set_pair(code::kExecLo, value);            \
    w.scc = w.exec() != 0;                       \
  }
INLAY_SAVEEXEC(and, a& e)
INLAY_SAVEEXEC(or, a | e)
INLAY_SAVEEXEC(xor, a ^ e)
INLAY_SAVEEXEC(andn2, a & ~e)
INLAY_SAVEEXEC(orn2, a | ~e)
INLAY_SAVEEXEC(nand, ~(a& e))
INLAY_SAVEEXEC(nor, ~(a | e))
INLAY_SAVEEXEC(xnor, ~(a ^ e))
INLAY_SAVEEXEC(andn1, ~a& e)
INLAY_SAVEEXEC(orn1, ~a | e)
#define INLAY_WREXEC(stem, value)                \
  INLAY_WAVE(s_##stem##_wrexec_b64) {            \
    const uint64_t a = d(w, s, 0), e = w.exec(); \
    const uint64_t v = value;                    \
    w.set_pair(code::kExecLo, v);                \
    set64(w, s, v);                              \
    w.scc = v != 0;                              \
  }
INLAY_WREXEC(andn1, ~a& e)
INLAY_WREXEC(andn2, a & ~e)
namespace {
// M0 is added to the register number.
bool relative(Wave& w, uint32_t base, int dwords, uint32_t* out) {
  *out = base + w.sgpr[code::kM0];
  if (*out + static_cast<uint32_t>(dwords) <= 102) return true;
  w.fault("M0 moves a scalar register out of the register file");
  return false;
}
}  // namespace
INLAY_WAVE(s_movrels_b32) {
  uint32_t r;
  if (relative(w, s.inst.src[0], 1, &r)) set(w, s, w.sgpr[r]);
}
INLAY_WAVE(s_movrels_b64) {
  uint32_t r;
  if (relative(w, s.inst.src[0], 2, &r)) set64(w, s, w.pair(r));
}
INLAY_WAVE(s_movreld_b32) {
  uint32_t r;
  if (relative(w, s.inst.dst, 1, &r)) w.sgpr[r] = s0(w, s);
}
INLAY_WAVE(s_movreld_b64) {
  uint32_t r;
  if (relative(w, s.inst.dst, 2, &r)) w.set_pair(r, d(w, s, 0));
}

// --- SOPC ---
#define INLAY_SOPC(name, value)                \
  INLAY_WAVE(name) {                           \
    const uint32_t a = s0(w, s), b = s1(w, s); \
    w.scc = value;                             \
  }
INLAY_SOPC(s_cmp_eq_i32, a == b)
INLAY_SOPC(s_cmp_lg_i32, a != b)
INLAY_SOPC(s_cmp_gt_i32, sext(a) > sext(b))
INLAY_SOPC(s_cmp_ge_i32, sext(a) >= sext(b))
INLAY_SOPC(s_cmp_lt_i32, sext(a) < sext(b))
INLAY_SOPC(s_cmp_le_i32, sext(a) <= sext(b))
INLAY_SOPC(s_cmp_eq_u32, a == b)
INLAY_SOPC(s_cmp_lg_u32, a != b)
INLAY_SOPC(s_cmp_gt_u32, a > b)
INLAY_SOPC(s_cmp_ge_u32, a >= b)
INLAY_SOPC(s_cmp_lt_u32, a < b)
INLAY_SOPC(s_cmp_le_u32, a <= b)
INLAY_SOPC(s_bitcmp0_b32, !(a >> (b & 31) & 1))
INLAY_SOPC(s_bitcmp1_b32, a >> (b & 31) & 1)
INLAY_WAVE(s_bitcmp0_b64) {
  w.scc = !(d(w, s, 0) >> (s1(w, s) & 63) & 1);
}
INLAY_WAVE(s_bitcmp1_b64) {
  w.scc = d(w, s, 0) >> (s1(w, s) & 63) & 1;
}
INLAY_WAVE(s_cmp_eq_u64) {
  w.scc = d(w, s, 0) == d(w, s, 1);
}
INLAY_WAVE(s_cmp_lg_u64) {
  w.scc = d(w, s, 0) != d(w, s, 1);
}

// --- VGPR indexing: which operands M0 moves is kept in M0[15:12], by how much in M0[7:0] ---
INLAY_WAVE(s_set_gpr_idx_on) {
  uint32_t& m0 = w.sgpr[code::kM0];
  m0 = (m0 & ~0xf0ffu) | (s0(w, s) & 0xff) | static_cast<uint32_t>(s.inst.offset & 15) << 12;
  w.gpr_idx = true;
  w.mode.bits |= 1u << 27;
}
INLAY_WAVE(s_set_gpr_idx_off) {
  w.gpr_idx = false;
  w.mode.bits &= ~(1u << 27);
}
INLAY_WAVE(s_setvskip) {
  w.vskip = s0(w, s) >> (s1(w, s) & 31) & 1;
  w.mode.bits = (w.mode.bits & ~(1u << 28)) | (w.vskip ? 1u << 28 : 0);
}
INLAY_WAVE(s_set_gpr_idx_mode) {
  uint32_t& m0 = w.sgpr[code::kM0];
  m0 = (m0 & ~0xf000u) | static_cast<uint32_t>(s.inst.offset & 15) << 12;
}
INLAY_WAVE(s_set_gpr_idx_idx) {
  uint32_t& m0 = w.sgpr[code::kM0];
  m0 = (m0 & ~0xffu) | (s0(w, s) & 0xff);
}

// --- SOPK ---
INLAY_WAVE(s_movk_i32) {
  set(w, s, static_cast<uint32_t>(s.inst.offset));
}
INLAY_WAVE(s_cmovk_i32) {
  if (w.scc) set(w, s, static_cast<uint32_t>(s.inst.offset));
}
#define INLAY_CMPK(stem, op)                                                         \
  INLAY_WAVE(s_cmpk_##stem##_i32) {                                                  \
    w.scc = sext(s0(w, s)) op s.inst.offset;                                         \
  }                                                                                  \
  INLAY_WAVE(s_cmpk_##stem##_u32) {                                                  \
    w.scc = s0(w, s) op static_cast<uint32_t>(static_cast<uint16_t>(s.inst.offset)); \
  }
INLAY_CMPK(eq, ==)
INLAY_CMPK(lg, !=)
INLAY_CMPK(gt, >)
INLAY_CMPK(ge, >=)
INLAY_CMPK(lt, <)
INLAY_CMPK(le, <=)
INLAY_WAVE(s_addk_i32) {
  const uint32_t a = w.sgpr[s.inst.dst], b = static_cast<uint32_t>(s.inst.offset), v = a + b;
  w.scc = (~(a ^ b) & (a ^ v)) >> 31;
  set(w, s, v);
}
INLAY_WAVE(s_mulk_i32) {
  set(w, s, w.sgpr[s.inst.dst] * static_cast<uint32_t>(s.inst.offset));
}

// --- hardware registers: id in bits 5:0, offset 10:6, width - 1 in 15:11 (manual, 5.1) ---
namespace {
constexpr uint32_t kMode = 1, kStatus = 2, kHwId = 4, kGprAlloc = 5, kLdsAlloc = 6,
                   kShMemBases = 15;
uint32_t status_bits(const Wave& w) {
  return (w.status & ~0x201u) | (w.scc ? 1u : 0u) | (w.exec() == 0 ? 1u << 9 : 0) |
         (w.vcc() == 0 ? 1u << 10 : 0);
}
bool hardware_register(Wave& w, uint32_t id, uint32_t* value) {
  switch (id) {
    case kMode:
      *value = w.mode.bits;
      return true;
    case kStatus:
      *value = status_bits(w);
      return true;
    case 3:
      *value = 0;
      return true;  // TRAPSTS: no exception is ever pending
    case kHwId:
      *value = w.hw_id;
      return true;
    case kGprAlloc:
      *value = w.vgpr_count ? (w.vgpr_count / 4u - 1) << 8 : 0;
      return true;
    case kLdsAlloc:
      *value = static_cast<uint32_t>((w.group->lds_size + 511) / 512) << 12;
      return true;
    case 7:
      *value = 0;
      return true;  // IB_STS: no counter is ever above zero
    case kShMemBases:
      *value = static_cast<uint32_t>(w.group->private_aperture >> 48) |
               static_cast<uint32_t>(w.group->shared_aperture >> 48) << 16;
      return true;
    default:
      w.fault("hardware register %u is not for compute code", id);
      return false;
  }
}
void set_hardware_register(Wave& w, uint32_t simm, uint32_t value) {
  const uint32_t id = simm & 63, offset = simm >> 6 & 31, width = (simm >> 11 & 31) + 1;
  const uint32_t mask = static_cast<uint32_t>(field_mask(width)) << offset;
  if (id != kMode) return w.fault("s_setreg of hardware register %u: only MODE can be set", id);
  w.mode.bits = (w.mode.bits & ~mask) | (value << offset & mask);
  w.gpr_idx = w.mode.bits >> 27 & 1;
  w.vskip = w.mode.bits >> 28 & 1;
}
}  // namespace
INLAY_WAVE(s_getreg_b32) {
  const uint32_t simm = static_cast<uint16_t>(s.inst.offset);
  uint32_t v;
  if (hardware_register(w, simm & 63, &v))
    set(w, s, v >> (simm >> 6 & 31) & static_cast<uint32_t>(field_mask((simm >> 11) + 1)));
}
INLAY_WAVE(s_setreg_b32) {
  set_hardware_register(w, static_cast<uint16_t>(s.inst.offset), s0(w, s));
}
INLAY_WAVE(s_setreg_imm32_b32) {
  set_hardware_register(w, static_cast<uint16_t>(s.inst.offset), s.inst.literal);
}

// --- control flow; a PC is a slot index within the wave, and an address in registers ---
namespace {
uint64_t address_of(const Wave& w, uint32_t pc) {
  return w.program->base + uint64_t{4} * pc;
}
// Of the instruction behind.
uint64_t following(const Wave& w, const Slot& s) {
  return address_of(w, w.pc + s.dwords);
}
void jump_to_address(Wave& w, uint64_t target) {
  const uint64_t at = target - w.program->base;
  if (target % 4 != 0 || at / 4 >= w.program->slot_count) {
    return w.fault("jump to 0x%llx, outside the code object",
                   static_cast<unsigned long long>(target));
  }
  w.next_pc = static_cast<uint32_t>(at / 4);
}
void branch(Wave& w, const Slot& s, bool taken) {
  if (taken)
    jump_to_address(w, following(w, s) + static_cast<uint64_t>(int64_t{4} * s.inst.offset));
}
}  // namespace
INLAY_WAVE(s_branch) {
  branch(w, s, true);
}
INLAY_WAVE(s_cbranch_scc0) {
  branch(w, s, !w.scc);
}
INLAY_WAVE(s_cbranch_scc1) {
  branch(w, s, w.scc);
}
INLAY_WAVE(s_cbranch_vccz) {
  branch(w, s, w.vcc() == 0);
}
INLAY_WAVE(s_cbranch_vccnz) {
  branch(w, s, w.vcc() != 0);
}
INLAY_WAVE(s_cbranch_execz) {
  branch(w, s, w.exec() == 0);
}
INLAY_WAVE(s_cbranch_execnz) {
  branch(w, s, w.exec() != 0);
}
// No debugger is ever attached: the conditional debug flags are clear.
INLAY_WAVE(s_cbranch_cdbgsys) {}
INLAY_WAVE(s_cbranch_cdbguser) {}
INLAY_WAVE(s_cbranch_cdbgsys_or_user) {}
INLAY_WAVE(s_cbranch_cdbgsys_and_user) {}
INLAY_WAVE(s_getpc_b64) {
  set64(w, s, following(w, s));
}
INLAY_WAVE(s_setpc_b64) {
  jump_to_address(w, d(w, s, 0));
}
INLAY_WAVE(s_swappc_b64) {
  const uint64_t target = d(w, s, 0);
  set64(w, s, following(w, s));
  jump_to_address(w, target);
}
INLAY_WAVE(s_call_b64) {
  set64(w, s, following(w, s));
  branch(w, s, true);
}
// Divergent branches by a stack: both sides of a fork are executed, the one with fewer lanes first;
// the other waits in four scalar registers, mask and PC, at four times MODE.CSP.
namespace {
uint32_t stack_pointer(const Wave& w) {
  return w.mode.bits >> 29;
}
void set_stack_pointer(Wave& w, uint32_t v) {
  w.mode.bits = (w.mode.bits & 0x1fffffff) | v << 29;
}
void fork(Wave& w, const Slot& s, uint64_t mask, uint64_t target) {
  const uint64_t pass = mask & w.exec(), fail = ~mask & w.exec();
  if (pass == w.exec()) return jump_to_address(w, target);
  if (fail == w.exec()) return;
  const uint32_t depth = stack_pointer(w);
  if (depth == 7) return w.fault("the eighth fork within forks: MODE.CSP counts to seven");
  const bool fail_first = __builtin_popcountll(fail) < __builtin_popcountll(pass);
  w.set_pair(code::kExecLo, fail_first ? fail : pass);
  w.set_pair(4 * depth, fail_first ? pass : fail);
  w.set_pair(4 * depth + 2, fail_first ? target : following(w, s));
  set_stack_pointer(w, depth + 1);
  if (!fail_first) jump_to_address(w, target);
}
}  // namespace
INLAY_WAVE(s_cbranch_g_fork) {
  fork(w, s, d(w, s, 0), d(w, s, 1));
}
INLAY_WAVE(s_cbranch_i_fork) {
  fork(w, s, d(w, s, 0), following(w, s) + static_cast<uint64_t>(int64_t{4} * s.inst.offset));
}
INLAY_WAVE(s_cbranch_join) {
  const uint32_t depth = stack_pointer(w);
  if (depth == s0(w, s)) return;  // both sides have come
  if (depth == 0) return w.fault("a join with no fork before it");
  set_stack_pointer(w, depth - 1);
  const uint64_t target = w.pair(4 * depth - 2);
  w.set_pair(code::kExecLo, w.pair(4 * depth - 4));
  jump_to_address(w, target);
}
// Only a trap handler is privileged to return from a trap.
INLAY_WAVE(s_rfe_b64) {
  w.fault("a return from a trap handler, and the wavefront is in none");
}
INLAY_WAVE(s_rfe_restore_b64) {
  w.fault("a return from a trap handler, and the wavefront is in none");
}
INLAY_WAVE(s_setkill) {
  if (s.inst.offset & 1) w.state = WaveState::kEnded;
}
INLAY_WAVE(s_endpgm) {
  w.state = WaveState::kEnded;
}
INLAY_WAVE(s_endpgm_saved) {
  w.state = WaveState::kEnded;
}
INLAY_WAVE(s_barrier) {
  w.state = WaveState::kBarrier;
}
INLAY_WAVE(s_trap) {
  switch (s.inst.offset & 0xff) {
    case 2:
      return w.fault(
          "the program trapped (llvm.trap: an assertion, or code that must not be reached)");
    case 3:
      return;  // a breakpoint, and no debugger
    default:
      return w.fault("trap %d has no handler", s.inst.offset & 0xff);
  }
}
// Time, priorities, caches and counters: a machine that finishes every instruction before the next
// has nothing to do.
INLAY_WAVE(s_nop) {}
INLAY_WAVE(s_waitcnt) {}
INLAY_WAVE(s_sleep) {
  w.state = WaveState::kYield;
}
INLAY_WAVE(s_setprio) {}
INLAY_WAVE(s_wakeup) {}
INLAY_WAVE(s_icache_inv) {}
INLAY_WAVE(s_incperflevel) {}
INLAY_WAVE(s_decperflevel) {}
INLAY_WAVE(s_ttracedata) {}
INLAY_WAVE(s_sethalt) {
  if (s.inst.offset & 1)
    w.fault("the wavefront halted itself (s_sethalt), and there is no debugger to resume it");
}
namespace {
void send_message(Wave& w, const Slot& s) {
  // MSG_INTERRUPT tells the host of a signal, which is in memory already.
  const int id = s.inst.offset & 15;
  if (id != 1) w.fault("message %d: only MSG_INTERRUPT is for compute code", id);
}
}  // namespace
INLAY_WAVE(s_sendmsg) {
  send_message(w, s);
}
INLAY_WAVE(s_sendmsghalt) {
  send_message(w, s);
  if (w.state == WaveState::kRunning)
    w.fault("the wavefront halted itself (s_sendmsghalt), and there is no debugger to resume it");
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
