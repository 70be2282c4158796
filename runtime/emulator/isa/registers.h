// Which registers an instruction reads and writes: what checks of waits and of uninitialized reads
// go by.
#pragma once

#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {

struct RegisterUse {
  bool vector = false;  // VGPRs; else scalar registers by operand code
  bool write = false;
  uint16_t first = 0;
  uint16_t count = 0;
};
constexpr int kMaxRegisterUses = 12;

// Fills OUT, and returns how many there are. SCC, EXEC, MODE and M0 are listed only where an
// operand names them.
int register_uses(const Instruction& instruction, RegisterUse out[kMaxRegisterUses]);

// One more than the highest VGPR that the instruction names.
int vgprs_used(const Instruction& instruction);

}  // namespace inlay::emulator
