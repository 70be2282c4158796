// Links what the program imports into the emitted module, checks it, and inlines it.
//
// Every import is loaded once (imports/), whatever the number of pragmas that name it. The module
// then gets only what its calls reach, internal and under names of its own, so that nothing of an
// import can clash with emitted code, with another import's static helpers or with libc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/llvm/emit/extern_call.h"
#include "backends/llvm/guard.h"
#include "backends/llvm/imports/source.h"
#include "backends/llvm/link/resolve.h"
#include "backends/plugin/plugin.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// An object or archive for the final link. Archives are to be searched, not taken whole.
struct NativeInput {
  std::string name;  ///< for the linker's messages: path, or "inline at FILE:LINE"
  std::string bytes;
};

/// Metadata of calls of intrinsics that an import makes: !{i64 index into LinkResult::sources,
/// !"function of the import"}.
inline constexpr const char* kOriginMetadata = "inlay.origin";

struct LinkResult {
  std::vector<NativeInput> native;
  std::vector<std::string> dependencies;  ///< files that the imports were made of
  /// What native inputs call of runtime/abi/libc.def: to be defined in the module, hidden, under
  /// just these names.
  std::vector<std::string> native_libc;
  std::vector<ImportSource> sources;  ///< of the loaded imports, for asm_diagnostic()
};

/// Resolves each call of `calls` to the import that defines its symbol, checks it (kind, layout,
/// clashing definitions, signature, features, undefined symbols), links what is needed and inlines
/// the calls. `module` holds the calls as direct calls of declarations named like the symbol, with
/// metadata `!inlay.call !{i32 N}`, N an index into `calls`; several calls may bear one N (copies
/// of a loop body), or none (dead code). Every function of `module` has its target-cpu and
/// target-features.
///
/// Appends to `report` an ImportReport for each distinct import and a CallReport for each of
/// `calls`. Throws CompileError with all faults found; rules: "import-missing-file",
/// "import-unreadable", "import-kind", "import-does-not-parse", "import-does-not-compile",
/// "import-bitcode", "import-layout", "import-module-flags", "import-unknown-symbol",
/// "import-clash", "import-signature", "import-missing-feature", "import-undefined-symbol",
/// "import-object", "import-unsupported", "import-not-inlined", "import-calls-kernel".
///
/// What `provider` has stays a declaration in `module`, under its own name.
///
/// A mutable global of an import has one instance in `module`: variants compiled from one program
/// have one each, of which a process uses the one of the variant that was chosen.
LinkResult link_imports(llvm::Module& module, const std::vector<ExternCall>& calls,
                        const CompileUnit& unit, llvm::TargetMachine& machine,
                        const CompileOptions& options, BuildReport& report, Diagnostics& warnings,
                        const SymbolProvider& provider = runtime_symbols());

/// What LLVM's code generator said of an import's inline assembly (a constraint that can't be met,
/// a label that is there twice), as a diagnostic of rule "import-inline-asm" at its place in the
/// import. nullopt if `message` is about no import.
std::optional<Diagnostic> asm_diagnostic(const LlvmMessage& message, const LinkResult& linked);

}  // namespace inlay
