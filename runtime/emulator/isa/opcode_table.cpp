// The rows of opcodes.def as an array.
#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;
constexpr uint8_t GFX900 = 1, GFX906 = 2, GFX9 = 3;

constexpr Opcode kOpcodes[] = {
#define INST(enc, number, name, chips, d, s0, s1, s2, flags)                               \
  {#name, Encoding::k##enc,  number,                                                       \
   chips, OperandType::k##d, {OperandType::k##s0, OperandType::k##s1, OperandType::k##s2}, \
   flags},
#include "opcodes.def"
#undef INST
};

}  // namespace

const Opcode* opcode_table() {
  return kOpcodes;
}
size_t opcode_count() {
  return sizeof(kOpcodes) / sizeof(kOpcodes[0]);
}

int operand_dwords(OperandType type) {
  switch (type) {
    case OperandType::kNONE:
      return 0;
    case OperandType::kB64:
    case OperandType::kU64:
    case OperandType::kI64:
    case OperandType::kF64:
    case OperandType::kMASK:
      return 2;
    case OperandType::kB96:
      return 3;
    case OperandType::kB128:
      return 4;
    case OperandType::kB256:
      return 8;
    case OperandType::kB512:
      return 16;
    default:
      return 1;
  }
}

bool operand_is_float(OperandType type) {
  return type == OperandType::kF16 || type == OperandType::kF32 || type == OperandType::kF64 ||
         type == OperandType::kH16;
}

}  // namespace inlay::emulator
