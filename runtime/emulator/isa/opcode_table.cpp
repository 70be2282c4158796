// The rows of opcodes.def as an array.
#include <cstring>

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

extern const uint8_t kOperandDwords[];
// In the order of OperandType.
const uint8_t kOperandDwords[] = {0, 1, 1, 1, 1, 1, 1, 1,  1, 1, 1,
                                  2, 2, 2, 2, 3, 4, 8, 16, 1, 1, 2};
static_assert(sizeof(kOperandDwords) == static_cast<size_t>(OperandType::kCount));

bool operand_is_float(OperandType type) {
  return type == OperandType::kF16 || type == OperandType::kF32 || type == OperandType::kF64 ||
         type == OperandType::kH16;
}

uint64_t inline_constant(uint32_t c, OperandType type) {
  if (c <= 192) return c - code::kZero;
  if (c <= 208) return static_cast<uint64_t>(-static_cast<int64_t>(c - 192));
  if (c < code::kHalf || c > code::kInv2Pi) return 0;
  // 0.5, -0.5, 1, -1, 2, -2, 4, -4 and 1 / (2 pi).
  static const uint16_t kHalves[] = {0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000,
                                     0xc000, 0x4400, 0xc400, 0x3118};
  static const float kFloats[] = {0.5f, -0.5f, 1, -1, 2, -2, 4, -4, 0};
  const uint32_t n = c - code::kHalf;
  const bool inverse = c == code::kInv2Pi;
  uint32_t single;
  memcpy(&single, &kFloats[n], sizeof(single));
  if (operand_dwords(type) == 2) {
    if (inverse) return 0x3fc45f306dc9c882;
    const double wide = static_cast<double>(kFloats[n]);
    uint64_t bits;
    memcpy(&bits, &wide, sizeof(bits));
    return bits;
  }
  switch (type) {
    case OperandType::kB16:
    case OperandType::kU16:
    case OperandType::kI16:
    case OperandType::kF16:
    case OperandType::kH16:
      return kHalves[n];
    default:
      return inverse ? 0x3e22f983 : single;
  }
}

}  // namespace inlay::emulator
