// Every row of the table has a handler in every host variant, but for graphics, which have none:
// the loop stops there with a sentence.
#include <gtest/gtest.h>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {
namespace {

TEST(Coverage, EveryRowHasAHandler) {
  for (const HandlerSet* set : handler_sets())
    for (size_t n = 0; n < opcode_count(); n++) {
      const Opcode& op = opcode_table()[n];
      Instruction i;
      i.opcode = &op;
      EXPECT_EQ(set->find(i) != nullptr, !op.has(opcode_flags::NO_COMPUTE))
          << set->host_isa << " " << op.mnemonic;
    }
}

}  // namespace
}  // namespace inlay::emulator
