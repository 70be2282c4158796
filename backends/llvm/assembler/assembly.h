// Assembly: asm imports become objects, and the inline assembly of IR imports is assembled on
// trial, so that an instruction which the target lacks is an error with a place, not a SIGILL.
//
// LLVM's AArch64 assembler knows what each instruction requires. Its x86 assembler accepts all
// instructions whatever the target is; there, x86_features.h says what each needs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backends/llvm/imports/source.h"
#include "core/target.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// Assembles `text` (of an asm import; with line markers if it was preprocessed) for `machine`.
/// Errors: rule "import-does-not-compile", or "import-missing-feature" if the target lacks what an
/// instruction needs. `needed` gets the features that its instructions use (x86).
bool assemble(const ImportSource& source, const std::string& text, const Target& target,
              const llvm::TargetMachine& machine, std::string& object,
              std::vector<std::string>& needed, Diagnostics& found);

/// Compiles a copy of `module` far enough to see its inline assembly's instructions, and checks
/// them likewise. Does nothing for a module without any.
bool check_inline_assembly(const llvm::Module& module, const ImportSource& source,
                           const Target& target, llvm::TargetMachine& machine,
                           std::vector<std::string>& needed, Diagnostics& found);

/// The same for the assembly in the program itself: rules "inline-asm" and
/// "import-missing-feature". `place` gives the place of a `!srcloc` cookie.
bool check_program_assembly(const llvm::Module& module, const std::function<Loc(uint64_t)>& place,
                            const Target& target, llvm::TargetMachine& machine, Diagnostics& found);

}  // namespace inlay
