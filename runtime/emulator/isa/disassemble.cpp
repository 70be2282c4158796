// Instruction to text, in the syntax of LLVM's AMDGPU disassembler (docs: AMDGPUInstructionSyntax,
// AMDGPUModifierSyntax). Images and graphics print their mnemonic only.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char buffer[128];
  va_list args;
  va_start(args, pattern);
  vsnprintf(buffer, sizeof(buffer), pattern, args);
  va_end(args);
  return buffer;
}

// `v5`, `s[4:7]`.
std::string tuple(const char* file, uint32_t first, int dwords) {
  if (dwords <= 1) return format("%s%u", file, first);
  return format("%s[%u:%u]", file, first, first + static_cast<uint32_t>(dwords) - 1);
}
std::string vgpr(uint32_t first, int dwords) {
  return tuple("v", first, dwords);
}

std::string scalar(uint32_t c, int dwords) {
  if (c < 102) return tuple("s", c, dwords);
  if (c >= code::kTtmp0 && c < code::kM0) return tuple("ttmp", c - code::kTtmp0, dwords);
  static const char* const kPairs[] = {"flat_scratch", "xnack_mask", "vcc"};
  if (c < code::kTtmp0) {
    const std::string pair = kPairs[(c - 102) / 2];
    return dwords == 2 ? pair : pair + (c % 2 ? "_hi" : "_lo");
  }
  switch (c) {
    case code::kM0:
      return "m0";
    case code::kNull:
      return "null";
    case code::kExecLo:
      return dwords == 2 ? "exec" : "exec_lo";
    case code::kExecHi:
      return "exec_hi";
    case code::kSharedBase:
      return "src_shared_base";
    case code::kSharedLimit:
      return "src_shared_limit";
    case code::kPrivateBase:
      return "src_private_base";
    case code::kPrivateLimit:
      return "src_private_limit";
    case code::kPopsExitingWaveId:
      return "src_pops_exiting_wave_id";
    case code::kVccz:
      return "src_vccz";
    case code::kExecz:
      return "src_execz";
    case code::kScc:
      return "src_scc";
    case code::kLdsDirect:
      return "src_lds_direct";
    default:
      return format("?%u", c);
  }
}

class Printer {
 public:
  Printer(Chip chip, const Instruction& i) : chip_(chip), i_(i), op_(*i.opcode) {}

  std::string run() {
    text_ = printed_mnemonic(i_);
    if (op_.has(NO_COMPUTE)) return text_;
    switch (op_.encoding) {
      case Encoding::kSOP2:
      case Encoding::kSOP1:
        sop();
        break;
      case Encoding::kSOPC:
        sopc();
        break;
      case Encoding::kSOPK:
        sopk();
        break;
      case Encoding::kSOPP:
        sopp();
        break;
      case Encoding::kSMEM:
        smem();
        break;
      case Encoding::kVOP1:
      case Encoding::kVOP2:
      case Encoding::kVOPC:
      case Encoding::kVOP3:
        valu();
        break;
      case Encoding::kVOP3P:
        packed();
        break;
      case Encoding::kDS:
        ds();
        break;
      case Encoding::kFLAT:
        flat();
        break;
      case Encoding::kMUBUF:
      case Encoding::kMTBUF:
        buffer();
        break;
      default:
        break;
    }
    return text_;
  }

 private:
  void operand(const std::string& s) {
    text_ += first_ ? " " : ", ";
    text_ += s;
    first_ = false;
  }
  void suffix(const std::string& s) { text_ += " " + s; }
  void flag(bool on, const char* s) {
    if (on) suffix(s);
  }

  static bool is_16_bit(OperandType type) {
    return type == OperandType::kU16 || type == OperandType::kI16 || type == OperandType::kB16 ||
           type == OperandType::kF16;
  }
  std::string constant(uint32_t c, OperandType type) const {
    if (c <= 192) return format("%u", c - code::kZero);
    if (c <= 208) return format("-%u", c - 192);
    static const char* const kFloats[] = {"0.5", "-0.5", "1.0", "-1.0",
                                          "2.0", "-2.0", "4.0", "-4.0"};
    static const unsigned kF16Bits[] = {0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000,
                                        0xc000, 0x4400, 0xc400, 0x3118};
    const bool integer16 =
        type == OperandType::kU16 || type == OperandType::kI16 || type == OperandType::kB16;
    // LLVM takes the exponent of v_ldexp_f16 for a float here.
    if (integer16 && !(op_.has(LOOSE) && !op_.has(OPSEL)))
      return format("0x%x", kF16Bits[c - code::kHalf]);
    if (c == code::kInv2Pi) {
      const bool f16 =
          type == OperandType::kF16 || type == OperandType::kH16 || type == OperandType::kP16;
      return operand_dwords(type) == 2 ? "0.15915494309189532" : f16 ? "0.15915494" : "0.15915494";
    }
    return kFloats[c - code::kHalf];
  }

  // A literal that an inline constant could have said is printed as that constant.
  std::string literal(OperandType type) const {
    const bool half = is_16_bit(type);
    const uint32_t v = half ? static_cast<uint16_t>(i_.literal) : i_.literal;
    const int32_t value = static_cast<int32_t>(type == OperandType::kF16 ? v : i_.literal);
    const bool wide_float = type == OperandType::kF64;
    if (value >= -16 && value <= 64 && !wide_float) return format("%d", value);
    static const uint32_t kF32[] = {0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
                                    0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983};
    static const uint32_t kF16[] = {0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000,
                                    0xc000, 0x4400, 0xc400, 0x3118};
    for (uint32_t n = 0; n < 9 && !wide_float && (!half || type == OperandType::kF16); n++)
      if (v == (half ? kF16[n] : kF32[n]))
        return constant(code::kHalf + n, half ? type : OperandType::kB32);
    return format("0x%x", v);
  }
  // SOPP and SOPK immediates.
  static std::string immediate(uint32_t v) { return format(v <= 64 ? "%u" : "0x%x", v); }

  std::string source_code(uint32_t c, OperandType type) const {
    if (c >= code::kVgpr0) return vgpr(c - code::kVgpr0, operand_dwords(type));
    if (c == code::kLiteral) return literal(type);
    if ((c >= code::kZero && c <= 208) || (c >= code::kHalf && c <= code::kInv2Pi))
      return constant(c, type);
    return scalar(c, operand_dwords(type));
  }
  std::string source(int n) const {
    if (n == 2 && i_.src[2] == code::kLiteral)
      return format("0x%x", i_.literal);  // K of madmk, madak
    return source_code(i_.src[n], op_.src[n]);
  }

  void sop() {
    if (op_.dst != OperandType::kNONE) operand(scalar(i_.dst, operand_dwords(op_.dst)));
    for (int n = 0; n < 2; n++)
      if (op_.src[n] != OperandType::kNONE) operand(source(n));
  }
  static std::string gpr_idx(uint32_t modes) {
    if (modes > 15) return format("0x%x", modes);
    static const char* const kNames[] = {"SRC0", "SRC1", "SRC2", "DST"};
    std::string s = "gpr_idx(";
    bool first = true;
    for (int n = 0; n < 4; n++)
      if (modes >> n & 1) {
        if (!first) s += ",";
        s += kNames[n];
        first = false;
      }
    return s + ")";
  }
  void sopc() {
    operand(source(0));
    if (op_.src[1] != OperandType::kNONE)
      operand(source(1));
    else
      operand(gpr_idx(static_cast<uint32_t>(i_.offset)));
  }
  std::string hwreg() const {
    const uint32_t v = static_cast<uint16_t>(i_.offset);
    static const char* const kNames[] = {"0",
                                         "HW_REG_MODE",
                                         "HW_REG_STATUS",
                                         "HW_REG_TRAPSTS",
                                         "HW_REG_HW_ID",
                                         "HW_REG_GPR_ALLOC",
                                         "HW_REG_LDS_ALLOC",
                                         "HW_REG_IB_STS"};
    static const char* const kMore[] = {"HW_REG_SH_MEM_BASES", "HW_REG_TBA_LO", "HW_REG_TBA_HI",
                                        "HW_REG_TMA_LO", "HW_REG_TMA_HI"};
    const uint32_t id = v & 63, offset = v >> 6 & 31, width = (v >> 11) + 1;
    const std::string name = id < 8                ? kNames[id]
                             : id >= 15 && id < 20 ? kMore[id - 15]
                                                   : format("%u", id);
    if (offset == 0 && width == 32) return "hwreg(" + name + ")";
    return "hwreg(" + name + format(", %u, %u)", offset, width);
  }
  void sopk() {
    const std::string simm = format("0x%x", static_cast<uint16_t>(i_.offset));
    if (strncmp(op_.mnemonic, "s_setreg", 8) == 0) {
      operand(hwreg());
      return operand(i_.has_literal ? literal(OperandType::kB32) : scalar(i_.src[0], 1));
    }
    if (strcmp(op_.mnemonic, "s_incperflevel") == 0) return operand(simm);
    operand(op_.dst != OperandType::kNONE ? scalar(i_.dst, operand_dwords(op_.dst))
                                          : scalar(i_.src[0], operand_dwords(op_.src[0])));
    if (strcmp(op_.mnemonic, "s_getreg_b32") == 0) return operand(hwreg());
    if (strcmp(op_.mnemonic, "s_call_b64") == 0 || strcmp(op_.mnemonic, "s_cbranch_i_fork") == 0)
      return operand(format("%u", static_cast<uint16_t>(i_.offset)));
    operand(simm);
  }

  void waitcnt() {
    const uint32_t v = static_cast<uint16_t>(i_.offset);
    const uint32_t vm = (v & 15) | (v >> 14 & 3) << 4, exp = v >> 4 & 7, lgkm = v >> 8 & 15;
    const bool all = vm == 63 && exp == 7 && lgkm == 15;
    if (vm != 63 || all) suffix(format("vmcnt(%u)", vm));
    if (exp != 7 || all) suffix(format("expcnt(%u)", exp));
    if (lgkm != 15 || all) suffix(format("lgkmcnt(%u)", lgkm));
  }
  void sendmsg() {
    const uint32_t v = static_cast<uint16_t>(i_.offset);
    const uint32_t id = v & 15, op = v >> 4 & 7, stream = v >> 8 & 3;
    static const char* const kNames[] = {nullptr,
                                         "MSG_INTERRUPT",
                                         "MSG_GS",
                                         "MSG_GS_DONE",
                                         "MSG_SAVEWAVE",
                                         "MSG_STALL_WAVE_GEN",
                                         "MSG_HALT_WAVES",
                                         "MSG_ORDERED_PS_DONE",
                                         "MSG_EARLY_PRIM_DEALLOC",
                                         "MSG_GS_ALLOC_REQ",
                                         "MSG_GET_DOORBELL",
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         "MSG_SYSMSG"};
    static const char* const kGsOps[] = {"GS_OP_NOP", "GS_OP_CUT", "GS_OP_EMIT", "GS_OP_EMIT_CUT"};
    static const char* const kSysOps[] = {nullptr, "SYSMSG_OP_ECC_ERR_INTERRUPT",
                                          "SYSMSG_OP_REG_RD", nullptr, "SYSMSG_OP_TTRACE_PC"};
    const bool gs = id == 2 || id == 3, sys = id == 15;
    const bool op_known = gs    ? op < 4 && (op != 0 || id == 3)
                          : sys ? op < 5 && kSysOps[op] != nullptr
                                : op == 0;
    const bool stream_known = (gs && op != 0) || stream == 0;
    if (kNames[id] == nullptr || !op_known || !stream_known)
      return suffix((id | op << 4 | stream << 8) == v
                        ? format("sendmsg(%u, %u, %u)", id, op, stream)
                        : format("%u", v));
    std::string s = std::string("sendmsg(") + kNames[id];
    if (gs) s += std::string(", ") + kGsOps[op] + (op ? format(", %u", stream) : "");
    if (sys) s += std::string(", ") + kSysOps[op];
    suffix(s + ")");
  }
  void sopp() {
    if (op_.has(NO_IMM)) return;
    const char* name = op_.mnemonic;
    const uint32_t v = static_cast<uint16_t>(i_.offset);
    if (strcmp(name, "s_waitcnt") == 0) return waitcnt();
    if (strncmp(name, "s_sendmsg", 9) == 0) return sendmsg();
    if (strcmp(name, "s_set_gpr_idx_mode") == 0) return suffix(gpr_idx(v));
    if (strcmp(name, "s_endpgm") == 0 && v == 0) return;
    const bool decimal = strstr(name, "branch") != nullptr || strcmp(name, "s_endpgm") == 0;
    suffix(decimal ? format("%u", v) : immediate(v));
  }

  void smem() {
    if (op_.dst == OperandType::kNONE && op_.src[0] == OperandType::kNONE) return;
    const OperandType data = op_.dst != OperandType::kNONE ? op_.dst : op_.src[1];
    if (op_.has(PROBE))
      operand(immediate(i_.dst));
    else if (data != OperandType::kNONE)
      operand(scalar(i_.dst, operand_dwords(data)));
    if (op_.has(TIME)) return;
    operand(scalar(i_.src[0], operand_dwords(op_.src[0])));
    const std::string imm = i_.offset < 0 ? format("-0x%x", -i_.offset) : format("0x%x", i_.offset);
    if (i_.soffset_en) {
      operand(scalar(i_.soffset, 1));
      if (i_.imm) suffix("offset:" + imm);
    } else {
      operand(i_.imm ? imm : scalar(i_.soffset, 1));
    }
    flag(i_.glc && !op_.has(CACHE | PROBE), "glc");
  }

  std::string modified(int n) const {
    std::string s = source(n);
    const bool abs = i_.abs >> n & 1, neg = i_.neg >> n & 1, sext = i_.sext >> n & 1;
    // The bit that negates a float extends an integer, in this syntax.
    if (op_.has(LOOSE) && !op_.has(OPSEL) && !operand_is_float(op_.src[n]) && neg)
      return "sext(" + s + ")";
    if (operand_is_float(op_.src[n])) {
      const uint32_t c = i_.src[n];
      // A minus in front of a number would read as another number.
      const bool number =
          c >= code::kZero && c <= code::kInv2Pi && !(c >= code::kSharedBase && c <= 239);
      if (abs) s = "|" + s + "|";
      if (neg) s = number && !abs ? "neg(" + s + ")" : "-" + s;
    }
    return sext ? "sext(" + s + ")" : s;
  }
  void omod_clamp() {
    flag(i_.clamp, "clamp");
    static const char* const kOmod[] = {"", "mul:2", "mul:4", "div:2"};
    flag(i_.omod != 0, kOmod[i_.omod]);
  }
  void valu() {
    const char* name = op_.mnemonic;
    if (op_.src[0] == OperandType::kNONE) return;
    if (op_.dst == OperandType::kMASK)
      operand(scalar(i_.sdst, 2));
    else if (strcmp(name, "v_readfirstlane_b32") == 0 || strcmp(name, "v_readlane_b32") == 0)
      operand(scalar(i_.dst, 1));
    else
      operand(vgpr(i_.dst, operand_dwords(op_.dst)));
    if (op_.has(SDST)) operand(scalar(i_.sdst, 2));
    for (int n = 0; n < 3; n++) {
      if (op_.src[n] == OperandType::kNONE) break;
      if (op_.has(MADK) && strncmp(name, "v_madmk", 7) == 0 && n == 1) {
        operand(source(2));
        operand(source(1));
        break;
      }
      operand(modified(n));
    }
    if (i_.extension == Extension::kVop3) {
      if (op_.has(OPSEL) && i_.op_sel != 0) op_sel();
      omod_clamp();
    } else if (i_.extension == Extension::kSdwa) {
      omod_clamp();
      sdwa();
    } else if (i_.extension == Extension::kDpp) {
      dpp();
    }
  }
  void op_sel() {
    std::string s = "op_sel:[";
    for (int n = 0; n < 3; n++)
      if (op_.src[n] != OperandType::kNONE) s += i_.op_sel >> n & 1 ? "1," : "0,";
    suffix(s + (i_.op_sel >> 3 & 1 ? "1]" : "0]"));
  }
  void sdwa() {
    static const char* const kSel[] = {"BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3",
                                       "WORD_0", "WORD_1", "DWORD"};
    static const char* const kUnused[] = {"UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE"};
    if (op_.dst != OperandType::kMASK) {
      suffix(std::string("dst_sel:") + kSel[i_.dst_sel]);
      suffix(std::string("dst_unused:") + kUnused[i_.dst_unused]);
    }
    suffix(std::string("src0_sel:") + kSel[i_.src_sel[0]]);
    if (op_.encoding != Encoding::kVOP1) suffix(std::string("src1_sel:") + kSel[i_.src_sel[1]]);
  }
  void dpp() {
    const uint32_t c = i_.dpp_ctrl;
    static const char* const kRow[] = {"row_shl:%u", "row_shr:%u", "row_ror:%u"};
    if (c < 0x100)
      suffix(format("quad_perm:[%u,%u,%u,%u]", c & 3, c >> 2 & 3, c >> 4 & 3, c >> 6 & 3));
    else if (c < 0x130)
      suffix(format(kRow[(c >> 4) & 3], c & 15));
    else if (c < 0x140)
      suffix(c == 0x130   ? "wave_shl:1"
             : c == 0x134 ? "wave_rol:1"
             : c == 0x138 ? "wave_shr:1"
                          : "wave_ror:1");
    else
      suffix(c == 0x140   ? "row_mirror"
             : c == 0x141 ? "row_half_mirror"
             : c == 0x142 ? "row_bcast:15"
                          : "row_bcast:31");
    suffix(format("row_mask:0x%x bank_mask:0x%x", i_.row_mask, i_.bank_mask));
    flag(i_.bound_ctrl, "bound_ctrl:1");
  }

  std::string bit_list(const char* name, uint32_t value, int count) const {
    std::string s = std::string(name) + ":[";
    for (int n = 0; n < count; n++) s += std::string(n ? "," : "") + (value >> n & 1 ? "1" : "0");
    return s + "]";
  }
  void packed() {
    const bool mix = strstr(op_.mnemonic, "_mix") != nullptr;
    int sources = 0;
    operand(vgpr(i_.dst, operand_dwords(op_.dst)));
    for (int n = 0; n < 3; n++) {
      if (op_.src[n] == OperandType::kNONE) break;
      sources = n + 1;
      if (!mix) {
        operand(source(n));
        continue;
      }
      operand(modified(n));
    }
    const uint32_t all = (1u << sources) - 1;
    if (i_.op_sel & all) suffix(bit_list("op_sel", i_.op_sel, sources));
    if (mix ? (i_.op_sel_hi & all) != 0 : (i_.op_sel_hi & all) != all)
      suffix(bit_list("op_sel_hi", i_.op_sel_hi, sources));
    if (!mix) {
      if (i_.neg & all) suffix(bit_list("neg_lo", i_.neg, sources));
      if (i_.abs & all) suffix(bit_list("neg_hi", i_.abs, sources));
    }
    flag(i_.clamp, "clamp");
  }

  std::string swizzle() const {
    const uint32_t v = static_cast<uint32_t>(i_.offset);
    if (v & 0x8000) {
      if (v & 0x7f00) return format("offset:%u", v);
      return format("offset:swizzle(QUAD_PERM,%u,%u,%u,%u)", v & 3, v >> 2 & 3, v >> 4 & 3,
                    v >> 6 & 3);
    }
    const uint32_t and_mask = v & 31, or_mask = v >> 5 & 31, xor_mask = v >> 10 & 31;
    const auto power = [](uint32_t x) { return x && !(x & (x - 1)); };
    if (and_mask == 31 && or_mask == 0 && power(xor_mask))
      return format("offset:swizzle(SWAP,%u)", xor_mask);
    if (and_mask == 31 && or_mask == 0 && xor_mask > 0 && power(xor_mask + 1))
      return format("offset:swizzle(REVERSE,%u)", xor_mask + 1);
    const uint32_t group = 32 - and_mask;
    if (group > 1 && power(group) && or_mask < group && xor_mask == 0)
      return format("offset:swizzle(BROADCAST,%u,%u)", group, or_mask);
    std::string s = "offset:swizzle(BITMASK_PERM,\"";
    for (int b = 4; b >= 0; b--) {
      const uint32_t p0 = (0u | or_mask >> b) & 1, p1 = ((and_mask >> b & 1) | or_mask >> b) & 1;
      const uint32_t x = xor_mask >> b & 1;
      const uint32_t r0 = p0 ^ x, r1 = p1 ^ x;
      s += r0 == r1 ? (r0 ? "1" : "0") : (r0 == 0 ? "p" : "i");
    }
    return s + "\")";
  }
  void ds() {
    if (op_.dst != OperandType::kNONE) operand(vgpr(i_.dst, operand_dwords(op_.dst)));
    const uint8_t regs[] = {i_.vaddr, i_.vdata, i_.vdata1};
    for (int n = 0; n < 3; n++)
      if (op_.src[n] != OperandType::kNONE) operand(vgpr(regs[n], operand_dwords(op_.src[n])));
    if (op_.action() == MemoryAction::kNop) return;
    if (op_.has(OFF2)) {
      if (i_.offset0) suffix(format("offset0:%u", i_.offset0));
      if (i_.offset1) suffix(format("offset1:%u", i_.offset1));
    } else if (i_.offset) {
      suffix(op_.action() == MemoryAction::kSwizzle ? swizzle() : format("offset:%d", i_.offset));
    }
    flag(i_.gds, "gds");
  }

  void flat() {
    const bool load = op_.action() == MemoryAction::kLoad;
    const bool atomic = op_.action() > MemoryAction::kStore;
    if ((load && !i_.lds) || (atomic && i_.glc)) operand(vgpr(i_.dst, operand_dwords(op_.dst)));
    const bool wide =
        i_.segment == Segment::kFlat || (i_.segment == Segment::kGlobal && !i_.has_saddr);
    if (i_.segment == Segment::kScratch && i_.has_saddr)
      operand("off");
    else
      operand(vgpr(i_.vaddr, wide ? 2 : 1));
    if (op_.src[1] != OperandType::kNONE) operand(vgpr(i_.vdata, operand_dwords(op_.src[1])));
    if (i_.segment != Segment::kFlat) {
      if (i_.has_saddr)
        operand(scalar(i_.soffset, i_.segment == Segment::kGlobal ? 2 : 1));
      else
        operand("off");
    }
    if (i_.offset) suffix(format("offset:%d", i_.offset));
    flag(i_.glc, "glc");
    flag(i_.slc, "slc");
    flag(i_.lds, "lds");
  }

  void buffer() {
    if (op_.has(CACHE)) return;
    const OperandType data = op_.src[1] != OperandType::kNONE ? op_.src[1] : op_.dst;
    if (!i_.lds) operand(vgpr(i_.vdata, operand_dwords(data) + (i_.tfe ? 1 : 0)));
    if (data != OperandType::kNONE)
      operand(i_.offen || i_.idxen ? vgpr(i_.vaddr, i_.offen && i_.idxen ? 2 : 1) : "off");
    operand(scalar(i_.srsrc, 4));
    operand(source_code(i_.soffset, OperandType::kB32));
    if (op_.encoding == Encoding::kMTBUF) format_suffix();
    flag(i_.idxen, "idxen");
    flag(i_.offen, "offen");
    if (i_.offset) suffix(format("offset:%d", i_.offset));
    const bool store_lds = i_.lds && data == OperandType::kNONE;
    flag(store_lds, "lds");
    flag(i_.glc, "glc");
    flag(i_.slc, "slc");
    flag(i_.tfe, "tfe");
    flag(i_.lds && !store_lds, "lds");
  }
  void format_suffix() {
    static const char* const kData[] = {"INVALID",     "8",          "16",          "8_8",
                                        "32",          "16_16",      "10_11_11",    "11_11_10",
                                        "10_10_10_2",  "2_10_10_10", "8_8_8_8",     "32_32",
                                        "16_16_16_16", "32_32_32",   "32_32_32_32", "RESERVED_15"};
    static const char* const kNumber[] = {"UNORM", "SNORM", "USCALED",    "SSCALED",
                                          "UINT",  "SINT",  "RESERVED_6", "FLOAT"};
    if (i_.dfmt == 1 && i_.nfmt == 0) return;  // the default
    const std::string d = std::string("BUF_DATA_FORMAT_") + kData[i_.dfmt];
    const std::string n = std::string("BUF_NUM_FORMAT_") + kNumber[i_.nfmt];
    if (i_.nfmt == 0) return suffix("format:[" + d + "]");
    if (i_.dfmt == 1) return suffix("format:[" + n + "]");
    suffix("format:[" + d + "," + n + "]");
  }

  [[maybe_unused]] Chip chip_;
  const Instruction& i_;
  const Opcode& op_;
  std::string text_;
  bool first_ = true;
};

}  // namespace

std::string printed_mnemonic(const Instruction& i) {
  const Opcode& op = *i.opcode;
  std::string name = op.mnemonic;
  switch (op.encoding) {
    case Encoding::kFLAT: {
      static const char* const kSegments[] = {"flat_", "scratch_", "global_"};
      return kSegments[static_cast<int>(i.segment)] + name;
    }
    case Encoding::kVOP1:
    case Encoding::kVOP2:
    case Encoding::kVOPC:
      if (op.has(NO_E64) || op.src[0] == OperandType::kNONE) return name;
      if (i.extension == Extension::kVop3) return name + "_e64";
      if (i.extension == Extension::kSdwa) return name + "_sdwa";
      if (i.extension == Extension::kDpp) return name + "_dpp";
      return name + "_e32";
    default:
      return name;
  }
}

std::string disassemble(Chip chip, const Instruction& instruction) {
  if (instruction.opcode == nullptr) return "<invalid>";
  return Printer(chip, instruction).run();
}

}  // namespace inlay::emulator
