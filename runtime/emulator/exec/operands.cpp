// Rows in and rows out: constants, modifiers, SDWA and DPP on the way in; clamp, output multiplier,
// SDWA, DPP and EXEC on the way out.
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {
namespace {

bool is_16_bit(OperandType t) {
  return t == OperandType::kB16 || t == OperandType::kU16 || t == OperandType::kI16 ||
         t == OperandType::kF16;
}

// Lane whose value lane L reads under DPP_CTRL, or -1 (manual, 13.3.9).
int dpp_source(uint32_t ctrl, int l) {
  const int row = l & ~15, in_row = l & 15;
  if (ctrl < 0x100) return (l & ~3) + static_cast<int>(ctrl >> (2 * (l & 3)) & 3);
  const int by = static_cast<int>(ctrl & 15);
  switch (ctrl & 0x1f0) {
    case 0x100:
      return in_row + by < 16 ? l + by : -1;  // row_shl
    case 0x110:
      return in_row - by >= 0 ? l - by : -1;  // row_shr
    case 0x120:
      return row + ((in_row - by) & 15);  // row_ror
    default:
      break;
  }
  switch (ctrl) {
    case 0x130:
      return l + 1 < kLanes ? l + 1 : -1;  // wave_shl
    case 0x134:
      return (l + 1) & 63;  // wave_rol
    case 0x138:
      return l - 1;  // wave_shr
    case 0x13c:
      return (l - 1) & 63;  // wave_ror
    case 0x140:
      return row + 15 - in_row;  // row_mirror
    case 0x141:
      return (l & ~7) + 7 - (l & 7);  // row_half_mirror
    case 0x142:
      return row == 0 ? -1 : row - 1;  // row_bcast:15
    case 0x143:
      return l < 32 ? -1 : 31;  // row_bcast:31
    default:
      return -1;
  }
}

// Lanes that DPP lets write: the row and bank masks, and a valid source unless bound_ctrl makes it
// zero.
uint64_t dpp_write_mask(const Wave& w, const Instruction& i) {
  uint64_t mask = 0;
  const uint64_t exec = w.exec();
  for (int l = 0; l < kLanes; l++) {
    if (!(i.row_mask >> (l / 16) & 1) || !(i.bank_mask >> (l / 4 % 4) & 1)) continue;
    const int from = dpp_source(i.dpp_ctrl, l);
    const bool valid = from >= 0 && (exec >> from & 1);
    if (valid || i.bound_ctrl) mask |= uint64_t{1} << l;
  }
  return mask;
}

uint32_t select(uint32_t v, uint32_t sel, bool sext) {
  if (sel == 6) return v;
  if (sel >= 4) {
    v = v >> (16 * (sel - 4)) & 0xffff;
    return sext ? static_cast<uint32_t>(static_cast<int16_t>(v)) : v;
  }
  v = v >> (8 * sel) & 0xff;
  return sext ? static_cast<uint32_t>(static_cast<int8_t>(v)) : v;
}

void modify(uint32_t* row, OperandType type, int dword, bool abs, bool neg) {
  uint32_t sign = 0x80000000;
  if (is_16_bit(type)) sign = 0x8000;
  if (operand_dwords(type) == 2 && dword == 0) return;  // the sign is in the upper dword
  for (int l = 0; l < kLanes; l++) {
    if (abs) row[l] &= ~sign;
    if (neg) row[l] ^= sign;
  }
}

}  // namespace

uint64_t mask_source(Wave& w, const Slot& s, int n) {
  if (n == 3) return w.vcc();  // v_div_fmas: a fourth operand that is not encoded
  const uint32_t c = s.inst.src[n];
  if (c < code::kZero) return c == code::kNull ? 0 : w.pair(c);
  if (c <= code::kInv2Pi) return inline_constant(c, OperandType::kB64);
  w.fault("a lane mask comes from an operand that is none");
  return 0;
}

// One value from LDS for all lanes: M0[15:0] is its address, M0[18:16] its type (manual, 10.2).
static uint32_t lds_direct(Wave& w) {
  const uint32_t m0 = w.sgpr[code::kM0], address = m0 & 0xffff, type = m0 >> 16 & 7;
  static const uint8_t kBytes[] = {1, 2, 4, 0, 1, 2, 0, 0};
  const uint32_t size = kBytes[type];
  if (size == 0) {
    w.fault("src_lds_direct with M0[18:16] = %u, which is no data type", type);
    return 0;
  }
  if (address % size != 0) {
    w.fault("src_lds_direct at LDS address 0x%x, which is not aligned to its %u bytes", address,
            size);
    return 0;
  }
  uint32_t v = 0;
  if (w.group->lds_size >= size && address <= w.group->lds_size - size)
    memcpy(&v, w.group->lds + address, size);
  if (type == 4) return static_cast<uint32_t>(static_cast<int8_t>(v));
  if (type == 5) return static_cast<uint32_t>(static_cast<int16_t>(v));
  return v;
}

uint64_t scalar_value(Wave& w, const Slot& s, uint32_t c, OperandType type) {
  const int dwords = operand_dwords(type);
  if (c < code::kZero) {
    if (c == code::kNull) return 0;
    return dwords == 2 ? w.pair(c) : w.sgpr[c];
  }
  switch (c) {
    case code::kSharedBase:
      return dwords == 2 ? w.group->shared_aperture : w.group->shared_aperture >> 32;
    case code::kSharedLimit:
      return (dwords == 2 ? w.group->shared_aperture : w.group->shared_aperture >> 32) | 0xffffffff;
    case code::kPrivateBase:
      return dwords == 2 ? w.group->private_aperture : w.group->private_aperture >> 32;
    case code::kPrivateLimit:
      return (dwords == 2 ? w.group->private_aperture : w.group->private_aperture >> 32) |
             0xffffffff;
    case code::kVccz:
      return w.vcc() == 0;
    case code::kExecz:
      return w.exec() == 0;
    case code::kScc:
      return w.scc;
    case code::kLiteral:
      if (type == OperandType::kF64) return static_cast<uint64_t>(s.inst.literal) << 32;
      if (type == OperandType::kI64)
        return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(s.inst.literal)));
      return s.inst.literal;
    case code::kLdsDirect:
      return lds_direct(w);
    case code::kPopsExitingWaveId:
      w.fault("an operand that compute code cannot use");
      return 0;
    default:
      return inline_constant(c, type);
  }
}

const uint32_t* fetch(Wave& w, const Slot& s, int n, int dword, uint32_t* temp) {
  const Instruction& i = s.inst;
  const uint32_t c = i.src[n];
  const OperandType type = i.opcode->src[n];
  const bool vgpr = c >= code::kVgpr0;
  if (!vgpr) {
    uint32_t v = 0;
    if (c < code::kZero)
      v = c == code::kNull ? 0 : w.sgpr[c + static_cast<uint32_t>(dword)];
    else if (dword < 2)
      v = static_cast<uint32_t>(scalar_value(w, s, c, type) >> (32 * dword));
    spread(v, temp);
    if (s.plain) return temp;
  } else {
    const uint32_t* row = w.vgpr[c - code::kVgpr0 + static_cast<uint32_t>(dword)];
    if (s.plain) return row;
    if (i.extension == Extension::kDpp && n == 0) {
      const uint64_t exec = w.exec();
      for (int l = 0; l < kLanes; l++) {
        const int from = dpp_source(i.dpp_ctrl, l);
        temp[l] = from >= 0 && (exec >> from & 1) ? row[from] : 0;
      }
    } else {
      memcpy(temp, row, sizeof(uint32_t) * kLanes);
    }
  }
  if (i.extension == Extension::kSdwa && n < 2) {
    for (int l = 0; l < kLanes; l++) temp[l] = select(temp[l], i.src_sel[n], i.sext >> n & 1);
  }
  if (i.extension == Extension::kVop3 && (i.op_sel >> n & 1) && is_16_bit(type))
    for (int l = 0; l < kLanes; l++) temp[l] >>= 16;
  if (operand_is_float(type)) modify(temp, type, dword, i.abs >> n & 1, i.neg >> n & 1);
  return temp;
}

namespace {

// Output multiplier and clamp of float results (manual, 6.2). The multiplier is ignored where
// denormals are kept, and in IEEE mode.
void output_modifiers(const Wave& w, const Instruction& i, uint32_t* lo, uint32_t* hi,
                      OperandType type) {
  static const float kFactor[] = {1.0f, 2.0f, 4.0f, 0.5f};
  const bool single = type == OperandType::kF32;
  const bool keeps_denormals = single ? (w.mode.denorm32() & 1) : (w.mode.denorm64() & 1);
  const int omod = w.mode.ieee() || keeps_denormals ? 0 : i.omod;
  if (omod == 0 && !i.clamp) return;
  const bool nan_to_zero = w.mode.dx10_clamp();
  for (int l = 0; l < kLanes; l++) {
    double v = type == OperandType::kF64 ? as_double(lo[l] | static_cast<uint64_t>(hi[l]) << 32)
               : type == OperandType::kF16
                   ? static_cast<double>(half_to_float(static_cast<uint16_t>(lo[l])))
                   : static_cast<double>(as_float(lo[l]));
    if (omod) v *= static_cast<double>(kFactor[omod]);
    if (i.clamp) {
      if (is_nan(v)) {
        if (!nan_to_zero) continue;
        v = 0;
      }
      v = v < 0 ? 0 : v > 1 ? 1 : v;
      if (v == 0) v = 0;  // no negative zero
    }
    if (type == OperandType::kF64) {
      lo[l] = static_cast<uint32_t>(as_bits(v));
      hi[l] = static_cast<uint32_t>(as_bits(v) >> 32);
    } else if (type == OperandType::kF16) {
      const uint16_t b = float_to_half(static_cast<float>(v));
      lo[l] = omod ? flush_half(b) : b;
    } else {
      lo[l] = as_bits(omod ? flush(static_cast<float>(v)) : static_cast<float>(v));
    }
  }
}

}  // namespace

void commit(Wave& w, const Slot& s, uint32_t* lo, uint32_t* hi, OperandType type) {
  const Instruction& i = s.inst;
  uint64_t exec = w.exec();
  uint32_t* dst = w.vgpr[i.dst];
  const bool half = is_16_bit(type);
  if (!s.plain) {
    if ((i.omod || i.clamp) && operand_is_float(type)) output_modifiers(w, i, lo, hi, type);
    if (i.extension == Extension::kDpp) exec &= dpp_write_mask(w, i);
    if (i.extension == Extension::kSdwa && i.dst_sel != 6) {
      const uint32_t width = i.dst_sel >= 4 ? 16 : 8;
      const uint32_t shift = i.dst_sel >= 4 ? 16u * (i.dst_sel - 4u) : 8u * i.dst_sel;
      const uint32_t field = (width == 16 ? 0xffffu : 0xffu) << shift;
      for (int l = 0; l < kLanes; l++) {
        const uint32_t v = lo[l] << shift & field;
        uint32_t rest = 0;
        if (i.dst_unused == 2) rest = dst[l] & ~field;
        // Bits above the result repeat its sign, bits below are zero.
        if (i.dst_unused == 1 && shift + width < 32 && (v >> (shift + width - 1) & 1))
          rest = ~0u << (shift + width);
        lo[l] = v | rest;
      }
    } else if (half && i.opcode->has(opcode_flags::OPSEL) && i.extension != Extension::kSdwa) {
      // Instructions that select halves write one and keep the other.
      const bool high = i.op_sel >> 3 & 1;
      for (int l = 0; l < kLanes; l++)
        lo[l] = high ? (dst[l] & 0xffff) | lo[l] << 16 : (dst[l] & 0xffff0000) | (lo[l] & 0xffff);
    }
  }
  if (exec == ~uint64_t{0}) {
    memcpy(dst, lo, sizeof(uint32_t) * kLanes);
    if (hi != nullptr) memcpy(w.vgpr[i.dst + 1], hi, sizeof(uint32_t) * kLanes);
    return;
  }
  alignas(64) uint32_t own[kLanes];
  const uint32_t* lanes = own;
  if (exec == w.exec())
    lanes = exec_rows(w);
  else
    expand_mask(exec, own);
  merge_row(dst, lo, lanes);
  if (hi != nullptr) merge_row(w.vgpr[i.dst + 1], hi, lanes);
}

void commit_mask(Wave& w, const Slot& s, const uint32_t* bits) {
  uint64_t mask = gather_bits(bits) & w.exec();
  if (s.inst.extension == Extension::kDpp) mask &= dpp_write_mask(w, s.inst);
  w.set_pair(s.inst.sdst, mask);
  // v_cmpx writes EXEC as well, in every encoding of gfx9.
  if (s.writes_exec) w.set_pair(code::kExecLo, mask);
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
