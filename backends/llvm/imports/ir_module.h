// LLVM IR and bitcode imports: parsing, what can be wrong with them, and the fit to the target.
#pragma once

#include <memory>

#include "backends/llvm/imports/source.h"

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// Parses the text of an `llvm` import. Null, and an error in `found` (rule
/// "import-does-not-parse", at LLVM's line and column), if LLVM can't.
std::unique_ptr<llvm::Module> parse_ir_text(const ImportSource& source, llvm::LLVMContext& context,
                                            Diagnostics& found);

/// Reads bitcode: of a `bitcode` import, or what Clang made of another (`bytes`). Older producers
/// are upgraded; a newer one, and damage, are errors (rule "import-bitcode").
std::unique_ptr<llvm::Module> parse_bitcode(const ImportSource& source, const std::string& bytes,
                                            llvm::LLVMContext& context, Diagnostics& found);

/// Makes `module` one of `machine`'s: verifies it, compares architecture, system and data layout
/// (pointers, alignments, stack) and then sets ours, refuses what can't be linked (global
/// constructors, ifuncs), drops optnone with its noinline, comdats, and, unless `keep_debug_info`,
/// debug info. Errors: "import-does-not-parse", "import-layout", "import-unsupported".
bool fit_module(llvm::Module& module, const ImportSource& source,
                const llvm::TargetMachine& machine, bool keep_debug_info, Diagnostics& found);

}  // namespace inlay
