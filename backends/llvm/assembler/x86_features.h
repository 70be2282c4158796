// Which features an x86 instruction needs, by mnemonic and registers: LLVM's assembler tables do
// not say. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, the
// "CPUID Feature Flag" column of each instruction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace inlay {

/// What of an instruction's operands decides.
struct X86Operands {
  bool xmm = false, ymm = false, zmm = false;
  bool high_register = false;  ///< xmm16 to zmm31: EVEX only
  bool mask = false;           ///< k0 to k7
  bool memory = false;
};

/// LLVM's names of the features beyond x86-64 (SSE2) that the instruction needs; empty: none, or an
/// instruction that the table does not know. `mnemonic` is AT&T's, lower case.
std::vector<std::string> x86_features(std::string_view mnemonic, const X86Operands& operands);

}  // namespace inlay
