// Machine code of a module, as bytes.
#pragma once

#include <string>

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

enum class CodeKind { Object, Assembly };

/// Generates code for `module`, which is changed on the way. Inline assembly that does not assemble
/// is reported through the module's context.
std::string generate_code(llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind);

}  // namespace inlay
