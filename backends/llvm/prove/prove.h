// The proof that imports were inlined: read off the optimized module, not off what was intended.
#pragma once

#include "backends/plugin/plugin.h"

namespace llvm {
class Module;
}

namespace inlay {

/// Settles the verdict of each call of `report` (as link_imports() left it) from the calls with
/// `!inlay.call` metadata that `optimized` still has. Throws CompileError, rule
/// "import-not-inlined", if a call that was inlined is a call again.
void prove_inlined(const llvm::Module& optimized, BuildReport& report);

}  // namespace inlay
