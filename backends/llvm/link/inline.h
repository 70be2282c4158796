// Inlining the calls of imports, one by one and on purpose: not left to a pass's estimate of cost.
#pragma once

#include <string>
#include <vector>

#include "backends/llvm/emit/extern_call.h"

namespace llvm {
class Function;
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// What became of the calls with one number.
struct InlineOutcome {
  int inlined = 0;
  int called = 0;
  std::string reason;      ///< why one was not inlined, as a clause: "it is recursive"
  std::string llvm_words;  ///< LLVM's own reason; may be empty
};

/// Inlines what a module's own `always_inline` helpers are for, such as the functions of
/// immintrin.h: they pass vectors by value, and LLVM takes a function that still calls one for
/// incompatible with a caller whose widest legal vector differs.
void inline_always(llvm::Module& module, llvm::TargetMachine& machine);

/// Inlines into `module`'s functions every call with `!inlay.call` whose callee is in `imported`
/// (definitions, internal), after inlining helpers into the imported functions where that is
/// possible and not forbidden by noinline, and drops calls that no path reaches. Index of the
/// result: ExternCall::number; none inlined nor called: there is no such call, or only a dead one.
std::vector<InlineOutcome> inline_imports(llvm::Module& module,
                                          const std::vector<llvm::Function*>& imported,
                                          size_t call_count, llvm::TargetMachine& machine);

}  // namespace inlay
