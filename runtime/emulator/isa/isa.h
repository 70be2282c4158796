// Instructions of gfx900 and gfx906: the opcode table, the decoded form, decoder and disassembler.
// Nothing here executes. Section numbers are those of AMD's "Vega" ISA manual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace inlay::emulator {

enum class Chip : uint8_t { kGfx900, kGfx906 };

// Microcode formats (manual, chapter 13). kGlobal and kScratch are FLAT with another segment.
enum class Encoding : uint8_t {
  kSOP2,
  kSOPK,
  kSOP1,
  kSOPC,
  kSOPP,
  kSMEM,
  kVOP2,
  kVOP1,
  kVOPC,
  kVOP3,
  kVOP3P,
  kVINTRP,
  kDS,
  kFLAT,
  kMUBUF,
  kMTBUF,
  kMIMG,
  kEXP,
  kCount
};

// What an operand is: its width, how an inline float constant reads, and whether abs and neg apply.
enum class OperandType : uint8_t {
  kNONE,
  kB16,
  kU16,
  kI16,
  kF16,  // low half of a register
  kB32,
  kU32,
  kI32,
  kF32,
  kP16,
  kH16,  // two 16-bit integers, two f16
  kB64,
  kU64,
  kI64,
  kF64,
  kB96,
  kB128,
  kB256,
  kB512,
  kU8,
  kI8,    // memory only
  kMASK,  // one bit per lane, in an SGPR pair
  kCount
};

// What a memory instruction does to memory.
enum class MemoryAction : uint8_t {
  kNone,
  kLoad,
  kStore,
  kSwap,
  kCmpswap,
  kAdd,
  kSub,
  kRsub,
  kSmin,
  kUmin,
  kSmax,
  kUmax,
  kAnd,
  kOr,
  kXor,
  kInc,
  kDec,
  kFadd,
  kFmin,
  kFmax,
  kFcmpswap,
  kMskor,
  kWrap,
  kCondxchg,
  kAppend,
  kConsume,
  kSwizzle,
  kPermute,
  kBpermute,
  kNop
};

namespace opcode_flags {
enum : uint32_t {
  NO_FLAGS = 0,
  ACTION_MASK = 0x1f,  // MemoryAction
  CLAMP = 1u << 5,     // the VOP3 form has a clamp bit
  OMOD = 1u << 6,      // the VOP3 form has an output multiplier
  OPSEL = 1u << 7,     // the VOP3 form selects halves
  SDST = 1u << 8,      // a scalar result beside the vector result (carry, div_scale)
  CARRY_IN = 1u << 9,  // reads a lane mask: VCC, or src2 in VOP3
  VCC_IN = 1u << 10,   // reads VCC without naming it
  DST_IN = 1u << 11,   // dst is read too
  NO_SDWA = 1u << 12,
  NO_DPP = 1u << 13,
  NO_E64 = 1u << 14,      // no VOP3 form
  MADK = 1u << 15,        // a mandatory literal is an operand
  LOOSE = 1u << 16,       // abs and neg bits of integer sources are ignored, not reserved
  NO_COMPUTE = 1u << 17,  // graphics only: decoded, never executed
  LITERAL = 1u << 18,     // SOPK with a mandatory literal
  NO_IMM = 1u << 19,      // SOPP whose immediate must be zero
  CACHE = 1u << 20,       // acts on caches only
  TIME = 1u << 21,
  PROBE = 1u << 22,
  OFF2 = 1u << 5,  // DS: two 8-bit offsets (memory rows reuse the VALU bits)
  ST64 = 1u << 6,  // DS: offsets count 64 elements
  SRC2 = 1u << 7,  // DS: the operand comes from LDS
  ADDTID = 1u << 8,
  GDS_ONLY = 1u << 9,
  NO_GDS = 1u << 10,
  GWS = 1u << 11,
  STRICT25 = 1u << 12,     // bit 25 must be zero
  D16 = 1u << 23,          // the low half of the register
  D16_HI = 1u << 24,       // the high half of the register
  SCRATCH_TOO = 1u << 25,  // FLAT: exists in the SCRATCH segment; SMEM: is a scratch access
  LDS_OK = 1u << 26,       // can load into LDS
  COMPS_1 = 0,             // components of a format
  COMPS_2 = 1u << 28,
  COMPS_3 = 2u << 28,
  COMPS_4 = 3u << 28,
  FORMAT = 1u << 27,  // converts by a buffer format
};
#define INLAY_ACTION(name, value) \
  constexpr uint32_t name = static_cast<uint32_t>(MemoryAction::value)
INLAY_ACTION(M_LOAD, kLoad);
INLAY_ACTION(M_STORE, kStore);
INLAY_ACTION(M_SWAP, kSwap);
INLAY_ACTION(M_CMPSWAP, kCmpswap);
INLAY_ACTION(M_ADD, kAdd);
INLAY_ACTION(M_SUB, kSub);
INLAY_ACTION(M_RSUB, kRsub);
INLAY_ACTION(M_SMIN, kSmin);
INLAY_ACTION(M_UMIN, kUmin);
INLAY_ACTION(M_SMAX, kSmax);
INLAY_ACTION(M_UMAX, kUmax);
INLAY_ACTION(M_AND, kAnd);
INLAY_ACTION(M_OR, kOr);
INLAY_ACTION(M_XOR, kXor);
INLAY_ACTION(M_INC, kInc);
INLAY_ACTION(M_DEC, kDec);
INLAY_ACTION(M_FADD, kFadd);
INLAY_ACTION(M_FMIN, kFmin);
INLAY_ACTION(M_FMAX, kFmax);
INLAY_ACTION(M_FCMPSWAP, kFcmpswap);
INLAY_ACTION(M_MSKOR, kMskor);
INLAY_ACTION(M_WRAP, kWrap);
INLAY_ACTION(M_CONDXCHG, kCondxchg);
INLAY_ACTION(M_APPEND, kAppend);
INLAY_ACTION(M_CONSUME, kConsume);
INLAY_ACTION(M_SWIZZLE, kSwizzle);
INLAY_ACTION(M_PERMUTE, kPermute);
INLAY_ACTION(M_BPERMUTE, kBpermute);
INLAY_ACTION(M_NOP, kNop);
#undef INLAY_ACTION
}  // namespace opcode_flags

// One row of opcodes.def.
struct Opcode {
  const char* mnemonic;
  Encoding encoding;
  uint16_t number;
  uint8_t chips;  // bit 0: gfx900, bit 1: gfx906
  OperandType dst;
  OperandType src[3];
  uint32_t flags;

  bool has(uint32_t flag) const { return (flags & flag) != 0; }
  MemoryAction action() const {
    return static_cast<MemoryAction>(flags & opcode_flags::ACTION_MASK);
  }
  int components() const { return static_cast<int>((flags >> 28) & 3) + 1; }
  bool on(Chip chip) const { return (chips >> static_cast<int>(chip)) & 1; }
};

// All rows, in table order.
const Opcode* opcode_table();
size_t opcode_count();
// Dwords that an operand of this type takes in registers; 0 for kNONE. Inlined always: code for
// several host instruction sets calls it, and must not share one instance.
extern const uint8_t kOperandDwords[];
__attribute__((always_inline)) inline int operand_dwords(OperandType type) {
  return kOperandDwords[static_cast<int>(type)];
}
bool operand_is_float(OperandType type);

// Source and destination codes (manual, 13.1): 0-101 SGPR, then the special registers, inline
// constants, 255 the literal, 256 and up VGPRs.
namespace code {
enum : uint16_t {
  kFlatScratchLo = 102,
  kFlatScratchHi,
  kXnackMaskLo,
  kXnackMaskHi,
  kVccLo,
  kVccHi,
  kTtmp0,
  kM0 = 124,
  kNull,
  kExecLo,
  kExecHi,
  kZero,
  kSharedBase = 235,
  kSharedLimit,
  kPrivateBase,
  kPrivateLimit,
  kPopsExitingWaveId,
  kHalf = 240,
  kInv2Pi = 248,
  kSdwa,
  kDpp,
  kVccz,
  kExecz,
  kScc,
  kLdsDirect,
  kLiteral,
  kVgpr0
};
}  // namespace code

// The value of source CODE, an inline constant, as an operand of TYPE reads it (manual, 13.1; float
// constants take the operand's width). A number that stands for no constant reads as zero, as
// registers do where only constants and scalars may stand.
uint64_t inline_constant(uint32_t code, OperandType type);

enum class Segment : uint8_t { kFlat, kScratch, kGlobal };
enum class Extension : uint8_t {
  kNone,
  kVop3,
  kSdwa,
  kDpp
};  // the form of a VOP1, VOP2 or VOPC instruction

// A decoded instruction. Fields that its format lacks are zero.
struct Instruction {
  const Opcode* opcode = nullptr;
  uint32_t literal = 0;
  int32_t offset =
      0;             // byte offset of a memory instruction; SIMM16, sign-extended, of SOPK and SOPP
  uint16_t dst = 0;  // vector: VGPR number; scalar: code
  uint16_t sdst = 0;     // code of the scalar result of VOP3B, VOPC
  uint16_t src[3] = {};  // codes
  uint16_t soffset = 0;  // code: MUBUF, SMEM with an SGPR offset, saddr of FLAT
  uint16_t dpp_ctrl = 0;
  uint8_t size = 0;  // bytes, literal included
  Extension extension = Extension::kNone;
  Segment segment = Segment::kFlat;
  uint8_t abs = 0, neg = 0;  // bit i: source i; VOP3P: abs is neg_hi
  uint8_t op_sel = 0, op_sel_hi = 0;
  uint8_t omod = 0;  // 1: times 2, 2: times 4, 3: divided by 2
  uint8_t dst_sel = 6, dst_unused = 0, src_sel[2] = {6, 6}, sext = 0;  // SDWA
  uint8_t row_mask = 15, bank_mask = 15;                               // DPP
  uint8_t offset0 = 0, offset1 = 0;                                    // DS
  uint8_t dfmt = 0, nfmt = 0;                                          // MTBUF
  uint8_t vaddr = 0, vdata = 0, vdata1 = 0;                            // VGPR numbers
  uint8_t srsrc = 0, ssamp = 0;                                        // first SGPR
  uint8_t dmask = 0;                                                   // MIMG; EXP: en
  bool clamp : 1 = false, bound_ctrl : 1 = false, glc : 1 = false, slc : 1 = false, tfe : 1 = false,
               lds : 1 = false, gds : 1 = false, offen : 1 = false, idxen : 1 = false,
               imm : 1 = false, soffset_en : 1 = false, has_literal : 1 = false,
               has_saddr : 1 = false;
  bool reserved : 1 =
      false;  // a bit was set that the format reserves: hardware ignores it, assemblers refuse it
};

// Decodes one instruction from WORDS (COUNT dwords available). Returns its size in bytes, or 0 if
// the words are no instruction of CHIP, or are cut short. Accepts what hardware accepts; `reserved`
// tells what an assembler refuses.
size_t decode(Chip chip, const uint32_t* words, size_t count, Instruction* out);

// Text in the syntax of LLVM's disassembler.
std::string disassemble(Chip chip, const Instruction& instruction);
// The mnemonic alone, as disassemble() prints it.
std::string printed_mnemonic(const Instruction& instruction);

}  // namespace inlay::emulator
