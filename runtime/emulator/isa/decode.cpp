// Machine words to Instruction. One function per microcode format (manual, chapter 13); what each
// opcode does with its fields comes from the table.
#include <cstring>

#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

constexpr uint32_t bits(uint64_t w, int low, int count) {
  return static_cast<uint32_t>((w >> low) & ((uint64_t{1} << count) - 1));
}

// Row for (encoding, number), per chip.
class Index {
 public:
  Index() {
    memset(rows_, 0, sizeof(rows_));
    const Opcode* table = opcode_table();
    for (size_t i = 0; i < opcode_count(); i++)
      for (int chip = 0; chip < 2; chip++)
        if (table[i].on(static_cast<Chip>(chip)))
          rows_[chip][static_cast<int>(table[i].encoding)][table[i].number] = &table[i];
  }
  const Opcode* find(Chip chip, Encoding encoding, uint32_t number) const {
    return number < 1024 ? rows_[static_cast<int>(chip)][static_cast<int>(encoding)][number]
                         : nullptr;
  }

 private:
  const Opcode* rows_[2][static_cast<int>(Encoding::kCount)][1024];
};

const Index& index() {
  static const Index instance;
  return instance;
}

class Decoder {
 public:
  Decoder(Chip chip, const uint32_t* words, size_t count, Instruction* out)
      : chip_(chip), words_(words), count_(count), i_(*out) {}

  size_t run() {
    if (count_ == 0) return 0;
    w_ = words_[0];
    w1_ = count_ > 1 ? words_[1] : 0;
    i_.size = 4;
    if (!format()) return 0;
    return i_.size <= count_ * 4 ? i_.size : 0;
  }

 private:
  bool format() {
    if (bits(w_, 31, 1) == 0) {
      const uint32_t op = bits(w_, 25, 6);
      return op == 0x3f ? vop1() : op == 0x3e ? vopc() : vop2();
    }
    if (bits(w_, 30, 2) == 2) {
      switch (bits(w_, 23, 9)) {
        case 0x17d:
          return sop1();
        case 0x17e:
          return sopc();
        case 0x17f:
          return sopp();
        default:
          return bits(w_, 28, 4) == 0xb ? sopk() : sop2();
      }
    }
    i_.size = 8;
    switch (bits(w_, 26, 6)) {
      case 0x30:
        return smem();
      case 0x31:
        return exp();
      case 0x34:
        return bits(w_, 23, 9) == 0x1a7 ? vop3p() : vop3();
      case 0x35:
        i_.size = 4;
        return vintrp();
      case 0x36:
        return ds();
      case 0x37:
        return flat();
      case 0x38:
        return mubuf();
      case 0x3a:
        return mtbuf();
      case 0x3c:
        return mimg();
      default:
        return false;
    }
  }

  bool row(Encoding encoding, uint32_t number) {
    i_.opcode = index().find(chip_, encoding, number);
    return i_.opcode != nullptr;
  }
  OperandType src_type(int n) const { return i_.opcode->src[n]; }
  void reserve(uint64_t value) {
    if (value) i_.reserved = true;
  }

  // A register tuple must not run out of its file, nor start in the middle of a named pair.
  static bool scalar_tuple(uint32_t first, int dwords) {
    if (dwords <= 1) return true;
    const uint32_t alignment = dwords == 2 ? 2 : 4;
    // Quads may reach into FLAT_SCRATCH, which is s[102:103] of the file.
    if (first < 102)
      return first / alignment * alignment + static_cast<uint32_t>(dwords) <=
             (dwords == 2 ? 102 : 104);
    if (first < 108) return dwords == 2 && first % 2 == 0;
    if (first < 124)
      return (first - 108) / alignment * alignment + static_cast<uint32_t>(dwords) <= 16;
    return first == code::kNull || (dwords == 2 && first == code::kExecLo);
  }
  bool scalar_dst(uint32_t c, int dwords) { return scalar_tuple(c, dwords); }
  bool vector_reg(uint32_t v, int dwords) { return v + static_cast<uint32_t>(dwords) <= 256; }

  // Any 9-bit (or 8-bit) source; takes a literal if the format allows one.
  bool source(int n, uint32_t c, bool literal_allowed) {
    const int dwords = operand_dwords(src_type(n));
    i_.src[n] = static_cast<uint16_t>(c);
    if (c >= code::kVgpr0) return vector_reg(c - code::kVgpr0, dwords);
    if (c < code::kZero) return scalar_tuple(c, dwords);
    if (c == code::kLiteral) {
      if (!literal_allowed) return false;
      if (!i_.has_literal) {
        i_.has_literal = true;
        i_.literal = count_ > i_.size / 4u ? words_[i_.size / 4u] : 0;
        i_.size += 4;
      }
      return true;
    }
    if (c > 208 && c < code::kSharedBase) return false;
    if (c == code::kSdwa || c == code::kDpp) return false;
    if (c == code::kLdsDirect) return dwords == 1;
    return true;
  }
  bool scalar_source(int n, uint32_t c) { return source(n, c, true); }

  bool sop2() {
    if (!row(Encoding::kSOP2, bits(w_, 23, 7))) return false;
    return scalar_result(bits(w_, 16, 7)) && scalar_source(0, bits(w_, 0, 8)) &&
           scalar_source(1, bits(w_, 8, 8));
  }
  bool scalar_result(uint32_t c) {
    if (i_.opcode->dst == OperandType::kNONE) return true;
    i_.dst = static_cast<uint16_t>(c);
    return scalar_dst(c, operand_dwords(i_.opcode->dst));
  }
  bool sop1() {
    if (!row(Encoding::kSOP1, bits(w_, 8, 8))) return false;
    if (!scalar_result(bits(w_, 16, 7))) return false;
    return src_type(0) == OperandType::kNONE || scalar_source(0, bits(w_, 0, 8));
  }
  bool sopc() {
    if (!row(Encoding::kSOPC, bits(w_, 16, 7))) return false;
    if (!scalar_source(0, bits(w_, 0, 8))) return false;
    i_.offset =
        static_cast<int32_t>(bits(w_, 8, 8));  // s_set_gpr_idx_on: the field is an immediate
    return src_type(1) == OperandType::kNONE || scalar_source(1, bits(w_, 8, 8));
  }
  bool sopk() {
    if (!row(Encoding::kSOPK, bits(w_, 23, 5))) return false;
    i_.offset = static_cast<int16_t>(bits(w_, 0, 16));
    if (i_.opcode->has(LITERAL)) {
      i_.has_literal = true;
      i_.literal = w1_;
      i_.size = 8;
      return true;
    }
    const uint32_t c = bits(w_, 16, 7);
    if (i_.opcode->dst != OperandType::kNONE) return scalar_result(c);
    i_.src[0] = static_cast<uint16_t>(c);
    return scalar_tuple(c, operand_dwords(src_type(0)));
  }
  bool sopp() {
    if (!row(Encoding::kSOPP, bits(w_, 16, 7))) return false;
    i_.offset = static_cast<int16_t>(bits(w_, 0, 16));
    if (i_.opcode->has(NO_IMM)) reserve(bits(w_, 0, 16));
    return true;
  }

  bool smem() {
    const uint64_t w = wide();
    if (!row(Encoding::kSMEM, bits(w, 18, 8))) return false;
    const Opcode& op = *i_.opcode;
    i_.imm = bits(w, 17, 1);
    i_.glc = bits(w, 16, 1);
    i_.soffset_en = bits(w, 14, 1);
    if (op.dst == OperandType::kNONE && op.src[0] == OperandType::kNONE) {
      reserve(i_.imm);
      return true;
    }
    i_.dst = static_cast<uint16_t>(bits(w, 6, 7));
    if (op.has(TIME)) {
      reserve(i_.imm);
      return scalar_tuple(i_.dst, 2);
    }
    i_.src[0] = static_cast<uint16_t>(bits(w, 0, 6) * 2);
    if (!scalar_tuple(i_.src[0], operand_dwords(op.src[0]))) return false;
    const OperandType data = op.dst != OperandType::kNONE ? op.dst : op.src[1];
    if (data != OperandType::kNONE && !scalar_tuple(i_.dst, operand_dwords(data))) return false;
    i_.offset = static_cast<int32_t>(bits(w, 32, 21) << 11) >> 11;
    i_.soffset = static_cast<uint16_t>(i_.soffset_en ? bits(w, 57, 7) : bits(w, 32, 7));
    return true;
  }

  bool vop2() {
    if (!row(Encoding::kVOP2, bits(w_, 25, 6))) return false;
    i_.dst = static_cast<uint16_t>(bits(w_, 17, 8));
    return extended(2);
  }
  bool vop1() {
    if (!row(Encoding::kVOP1, bits(w_, 9, 8))) return false;
    i_.dst = static_cast<uint16_t>(bits(w_, 17, 8));
    return extended(1);
  }
  bool vopc() {
    if (!row(Encoding::kVOPC, bits(w_, 17, 8))) return false;
    i_.sdst = code::kVccLo;
    return extended(2);
  }

  // VOP1, VOP2, VOPC: 32 bits, with a literal, SDWA or DPP behind them.
  bool extended(int sources) {
    const Opcode& op = *i_.opcode;
    if (op.encoding == Encoding::kVOPC) i_.dst = 0;
    if (op.has(SDST)) i_.sdst = code::kVccLo;
    if (op.has(CARRY_IN)) i_.src[2] = code::kVccLo;
    if (sources == 2) {
      i_.src[1] = static_cast<uint16_t>(bits(w_, 9, 8) + code::kVgpr0);
      if (!vector_reg(i_.src[1] - code::kVgpr0, operand_dwords(src_type(1)))) return false;
    }
    const uint32_t c = bits(w_, 0, 9);
    if (src_type(0) == OperandType::kNONE) {
      reserve(i_.dst);
      return true;
    }
    if (c == code::kSdwa) return !op.has(NO_SDWA) && sdwa(sources);
    if (c == code::kDpp) return op.encoding != Encoding::kVOPC && !op.has(NO_DPP) && dpp();
    if (op.has(MADK)) {
      i_.has_literal = true;
      i_.literal = w1_;
      i_.size = 8;
      i_.src[2] = code::kLiteral;
      return source(0, c, true);
    }
    if (!vop_result()) return false;
    return source(0, c, true);
  }
  bool vop_result() {
    const Opcode& op = *i_.opcode;
    if (strcmp(op.mnemonic, "v_readfirstlane_b32") == 0)
      return scalar_tuple(i_.dst, 1) && i_.dst < 128;
    return op.dst == OperandType::kMASK || vector_reg(i_.dst, operand_dwords(op.dst));
  }

  bool sdwa(int sources) {
    const Opcode& op = *i_.opcode;
    i_.extension = Extension::kSdwa;
    i_.size = 8;
    const uint32_t s = w1_;
    i_.src[0] = static_cast<uint16_t>(bits(s, 0, 8) + (bits(s, 23, 1) ? 0 : code::kVgpr0));
    if (sources == 2 && bits(s, 31, 1)) i_.src[1] -= code::kVgpr0;
    for (int n = 0; n < sources; n++) {
      const uint16_t c = i_.src[n];
      i_.src_sel[n] = static_cast<uint8_t>(bits(s, 16 + 8 * n, 3));
      if (i_.src_sel[n] == 7) return false;
      const bool scalar = c < code::kVgpr0;
      if (scalar && !source(n, c, false)) return false;
      i_.sext |= static_cast<uint8_t>(bits(s, 19 + 8 * n, 1) << n);
      i_.neg |= static_cast<uint8_t>(bits(s, 20 + 8 * n, 1) << n);
      i_.abs |= static_cast<uint8_t>(bits(s, 21 + 8 * n, 1) << n);
      if (operand_is_float(src_type(n)))
        reserve(bits(s, 19 + 8 * n, 1));
      else
        reserve(bits(s, 20 + 8 * n, 2));
    }
    if (sources == 1) reserve(bits(s, 24, 6) | bits(s, 31, 1));
    if (op.encoding == Encoding::kVOPC) {
      if (bits(s, 15, 1)) i_.sdst = static_cast<uint16_t>(bits(s, 8, 7));
      return scalar_tuple(i_.sdst, 2);
    }
    i_.dst_sel = static_cast<uint8_t>(bits(s, 8, 3));
    i_.dst_unused = static_cast<uint8_t>(bits(s, 11, 2));
    if (i_.dst_sel == 7) return false;
    if (i_.dst_unused == 3) i_.dst_unused = 0;
    i_.clamp = bits(s, 13, 1);
    i_.omod = static_cast<uint8_t>(bits(s, 14, 2));
    if (!op.has(OMOD) || !operand_is_float(op.dst)) reserve(i_.omod);
    return true;
  }

  bool dpp() {
    const Opcode& op = *i_.opcode;
    i_.extension = Extension::kDpp;
    i_.size = 8;
    const uint32_t d = w1_;
    i_.src[0] = static_cast<uint16_t>(bits(d, 0, 8) + code::kVgpr0);
    i_.dpp_ctrl = static_cast<uint16_t>(bits(d, 8, 9));
    const uint32_t c = i_.dpp_ctrl;
    const bool shift = c > 0x100 && c < 0x130 && c != 0x110 && c != 0x120;
    const bool other =
        c == 0x130 || c == 0x134 || c == 0x138 || c == 0x13c || (c >= 0x140 && c <= 0x143);
    if (c > 0xff && !shift && !other) return false;
    i_.bound_ctrl = bits(d, 19, 1);
    i_.neg = static_cast<uint8_t>(bits(d, 20, 1) | bits(d, 22, 1) << 1);
    i_.abs = static_cast<uint8_t>(bits(d, 21, 1) | bits(d, 23, 1) << 1);
    for (int n = 0; n < 2; n++)
      if (!operand_is_float(src_type(n)) && !op.has(LOOSE)) reserve(bits(d, 20 + 2 * n, 2));
    i_.bank_mask = static_cast<uint8_t>(bits(d, 24, 4));
    i_.row_mask = static_cast<uint8_t>(bits(d, 28, 4));
    return true;
  }

  uint64_t wide() const { return w_ | static_cast<uint64_t>(w1_) << 32; }

  bool vop3() {
    const uint64_t w = wide();
    const uint32_t number = bits(w, 16, 10);
    i_.extension = Extension::kVop3;
    bool found = false;
    if (number < 0x100) {
      found = row(Encoding::kVOPC, number);
    } else if (row(Encoding::kVOP3, number)) {
      found = true;
    } else if (number < 0x140) {
      found = row(Encoding::kVOP2, number - 0x100) && !i_.opcode->has(NO_E64);
    } else if (number < 0x1c0) {
      found = row(Encoding::kVOP1, number - 0x140) && !i_.opcode->has(NO_E64);
    }
    if (!found) return false;
    const Opcode& op = *i_.opcode;
    i_.dst = static_cast<uint16_t>(bits(w, 0, 8));
    i_.clamp = bits(w, 15, 1);
    i_.omod = static_cast<uint8_t>(bits(w, 59, 2));
    i_.neg = static_cast<uint8_t>(bits(w, 61, 3));
    if (op.has(SDST)) {
      i_.sdst = static_cast<uint16_t>(bits(w, 8, 7));
      if (!scalar_tuple(i_.sdst, 2)) return false;
    } else {
      i_.abs = static_cast<uint8_t>(bits(w, 8, 3));
      i_.op_sel = static_cast<uint8_t>(bits(w, 11, 4));
    }
    if (op.has(NO_COMPUTE)) return true;
    int sources = 0;
    for (int n = 0; n < 3; n++) {
      const uint32_t c = bits(w, 32 + 9 * n, 9);
      if (src_type(n) == OperandType::kNONE) {
        reserve(c);
        reserve((i_.abs | i_.neg) >> n & 1);
        continue;
      }
      sources = n + 1;
      // A lane mask lives in SGPRs.
      if (src_type(n) == OperandType::kMASK && c >= code::kVgpr0) return false;
      if (!source(n, c, false)) return false;
      const bool modifiable = operand_is_float(src_type(n)) || op.has(LOOSE);
      if (!modifiable || src_type(n) == OperandType::kMASK) reserve((i_.abs | i_.neg) >> n & 1);
    }
    if (op.has(OPSEL)) {
      if (sources == 2) reserve(i_.op_sel & 4);
    } else {
      i_.op_sel = 0;
    }
    if (!op.has(CLAMP)) reserve(i_.clamp);
    if (!op.has(OMOD)) reserve(i_.omod);
    return vop3_result();
  }
  bool vop3_result() {
    const Opcode& op = *i_.opcode;
    if (op.dst == OperandType::kNONE) {
      reserve(i_.dst);
      return true;
    }
    if (op.dst == OperandType::kMASK) {
      i_.sdst = i_.dst;
      i_.dst = 0;
      return i_.sdst < 128 && scalar_tuple(i_.sdst, 2);
    }
    if (strcmp(op.mnemonic, "v_readlane_b32") == 0) return i_.dst < 128;
    return vector_reg(i_.dst, operand_dwords(op.dst));
  }

  bool vop3p() {
    const uint64_t w = wide();
    if (!row(Encoding::kVOP3P, bits(w, 16, 7))) return false;
    const Opcode& op = *i_.opcode;
    i_.dst = static_cast<uint16_t>(bits(w, 0, 8));
    i_.abs = static_cast<uint8_t>(bits(w, 8, 3));
    i_.op_sel = static_cast<uint8_t>(bits(w, 11, 3));
    i_.op_sel_hi = static_cast<uint8_t>(bits(w, 59, 2) | bits(w, 14, 1) << 2);
    i_.clamp = bits(w, 15, 1);
    i_.neg = static_cast<uint8_t>(bits(w, 61, 3));
    for (int n = 0; n < 3; n++) {
      const uint32_t c = bits(w, 32 + 9 * n, 9);
      if (src_type(n) != OperandType::kNONE) {
        if (!source(n, c, false)) return false;
        continue;
      }
      reserve(c);
      reserve((i_.abs | i_.neg | i_.op_sel) >> n & 1);
    }
    return vector_reg(i_.dst, operand_dwords(op.dst));
  }

  bool vintrp() {
    if (!row(Encoding::kVINTRP, bits(w_, 16, 2))) return false;
    i_.dst = static_cast<uint16_t>(bits(w_, 18, 8));
    i_.src[0] = static_cast<uint16_t>(bits(w_, 0, 8) + code::kVgpr0);
    i_.offset = static_cast<int32_t>(bits(w_, 8, 8));  // attribute and channel
    return true;
  }

  bool ds() {
    const uint64_t w = wide();
    if (!row(Encoding::kDS, bits(w, 17, 8))) return false;
    const Opcode& op = *i_.opcode;
    i_.offset0 = static_cast<uint8_t>(bits(w, 0, 8));
    i_.offset1 = static_cast<uint8_t>(bits(w, 8, 8));
    i_.offset = static_cast<int32_t>(bits(w, 0, 16));
    i_.gds = bits(w, 16, 1);
    i_.vaddr = static_cast<uint8_t>(bits(w, 32, 8));
    i_.vdata = static_cast<uint8_t>(bits(w, 40, 8));
    i_.vdata1 = static_cast<uint8_t>(bits(w, 48, 8));
    i_.dst = static_cast<uint16_t>(bits(w, 56, 8));
    if (op.has(STRICT25)) reserve(bits(w, 25, 1));
    if (op.has(GDS_ONLY)) reserve(!i_.gds);
    if (op.has(NO_GDS)) reserve(i_.gds);
    if (op.action() == MemoryAction::kNop) reserve(bits(w, 0, 17));
    const OperandType types[] = {op.src[0], op.src[1], op.src[2], op.dst};
    const uint32_t regs[] = {i_.vaddr, i_.vdata, i_.vdata1, i_.dst};
    for (int n = 0; n < 4; n++) {
      if (types[n] == OperandType::kNONE)
        reserve(regs[n]);
      else if (!vector_reg(regs[n], operand_dwords(types[n])))
        return false;
    }
    return true;
  }

  bool flat() {
    const uint64_t w = wide();
    if (!row(Encoding::kFLAT, bits(w, 18, 7))) return false;
    const Opcode& op = *i_.opcode;
    const uint32_t segment = bits(w, 14, 2);
    if (segment == 3) return false;
    i_.segment = static_cast<Segment>(segment);
    if (i_.segment == Segment::kScratch && !op.has(SCRATCH_TOO)) return false;
    i_.lds = bits(w, 13, 1);
    i_.glc = bits(w, 16, 1);
    i_.slc = bits(w, 17, 1);
    i_.offset = static_cast<int32_t>(bits(w, 0, 13) << 19) >> 19;
    if (i_.segment == Segment::kFlat) {
      reserve(bits(w, 12, 1));
      i_.offset = static_cast<int32_t>(bits(w, 0, 12));
    }
    if (i_.lds && (!op.has(LDS_OK) || i_.segment == Segment::kFlat)) return false;
    if (i_.lds) reserve(bits(w, 55, 1));
    i_.vaddr = static_cast<uint8_t>(bits(w, 32, 8));
    i_.vdata = static_cast<uint8_t>(bits(w, 40, 8));
    i_.dst = static_cast<uint16_t>(bits(w, 56, 8));
    i_.soffset = static_cast<uint16_t>(bits(w, 48, 7));
    if (i_.segment == Segment::kFlat) {
      reserve(i_.soffset);
    } else {
      i_.has_saddr = i_.soffset != 0x7f;
      if (i_.has_saddr && i_.segment == Segment::kGlobal && !scalar_tuple(i_.soffset, 2))
        return false;
    }
    const bool wide_address =
        i_.segment == Segment::kFlat || (i_.segment == Segment::kGlobal && !i_.has_saddr);
    if (wide_address && i_.vaddr == 255) return false;
    if (op.src[1] != OperandType::kNONE && !vector_reg(i_.vdata, operand_dwords(op.src[1])))
      return false;
    const bool returns =
        op.action() == MemoryAction::kLoad ? !i_.lds : op.dst != OperandType::kNONE && i_.glc;
    return !returns || vector_reg(i_.dst, operand_dwords(op.dst));
  }

  bool buffer_common(uint64_t w) {
    const Opcode& op = *i_.opcode;
    i_.offset = static_cast<int32_t>(bits(w, 0, 12));
    i_.offen = bits(w, 12, 1);
    i_.idxen = bits(w, 13, 1);
    i_.glc = bits(w, 14, 1);
    i_.vaddr = static_cast<uint8_t>(bits(w, 32, 8));
    i_.vdata = static_cast<uint8_t>(bits(w, 40, 8));
    i_.srsrc = static_cast<uint8_t>(bits(w, 48, 5) * 4);
    i_.tfe = bits(w, 55, 1);
    i_.soffset = static_cast<uint16_t>(bits(w, 56, 8));
    if (i_.offen && i_.idxen && i_.vaddr == 255) return false;
    if (i_.soffset > 208 && i_.soffset < code::kSharedBase) return false;
    if (i_.soffset == code::kSdwa || i_.soffset == code::kDpp || i_.soffset == code::kLiteral)
      return false;
    if (i_.soffset == code::kLdsDirect) return false;
    if (!scalar_tuple(i_.srsrc, 4)) return false;
    if (i_.lds) return true;
    const OperandType data = op.dst != OperandType::kNONE && op.src[1] != OperandType::kNONE
                                 ? op.src[1]
                             : op.dst != OperandType::kNONE ? op.dst
                                                            : op.src[1];
    return vector_reg(i_.vdata, operand_dwords(data) + (i_.tfe ? 1 : 0));
  }

  bool mubuf() {
    const uint64_t w = wide();
    if (!row(Encoding::kMUBUF, bits(w, 18, 7))) return false;
    const Opcode& op = *i_.opcode;
    i_.lds = bits(w, 16, 1);
    i_.slc = bits(w, 17, 1);
    if (op.has(CACHE)) {
      reserve(bits(w, 12, 5) | bits(w, 55, 1));
      return true;
    }
    if (i_.lds && !op.has(LDS_OK)) return false;
    const bool lds_only = op.dst == OperandType::kNONE && op.src[1] == OperandType::kNONE;
    if (lds_only && !i_.lds) return false;
    if (lds_only) reserve(bits(w, 12, 2));
    const bool atomic = op.action() > MemoryAction::kStore;
    if (bits(w, 55, 1) && (i_.lds || atomic)) reserve(1);
    return buffer_common(w);
  }
  bool mtbuf() {
    const uint64_t w = wide();
    if (!row(Encoding::kMTBUF, bits(w, 15, 4))) return false;
    i_.dfmt = static_cast<uint8_t>(bits(w, 19, 4));
    i_.nfmt = static_cast<uint8_t>(bits(w, 23, 3));
    i_.slc = bits(w, 54, 1);
    reserve(bits(w, 55, 1));
    return buffer_common(w & ~(uint64_t{1} << 55));
  }

  bool mimg() {
    const uint64_t w = wide();
    if (!row(Encoding::kMIMG, bits(w, 18, 7))) return false;
    i_.dmask = static_cast<uint8_t>(bits(w, 8, 4));
    i_.vaddr = static_cast<uint8_t>(bits(w, 32, 8));
    i_.vdata = static_cast<uint8_t>(bits(w, 40, 8));
    i_.srsrc = static_cast<uint8_t>(bits(w, 48, 5) * 4);
    i_.ssamp = static_cast<uint8_t>(bits(w, 53, 5) * 4);
    return true;
  }
  bool exp() {
    const uint64_t w = wide();
    if (!row(Encoding::kEXP, 0)) return false;
    i_.dmask = static_cast<uint8_t>(bits(w, 0, 4));
    i_.dst = static_cast<uint16_t>(bits(w, 4, 6));
    i_.imm = bits(w, 10, 1);  // compr
    i_.gds = bits(w, 11, 1);  // done
    i_.lds = bits(w, 12, 1);  // vm
    return true;
  }

  Chip chip_;
  const uint32_t* words_;
  size_t count_;
  Instruction& i_;
  uint32_t w_ = 0, w1_ = 0;
};

}  // namespace

size_t decode(Chip chip, const uint32_t* words, size_t count, Instruction* out) {
  *out = Instruction();
  return Decoder(chip, words, count, out).run();
}

}  // namespace inlay::emulator
