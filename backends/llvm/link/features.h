// Processor features of imported functions against those of the code that they become part of.
#pragma once

#include <string>
#include <vector>

#include "backends/llvm/link/resolve.h"
#include "core/target.h"

namespace llvm {
class Function;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// Gives each needed function that says nothing about the processor the target's attributes, and
/// checks the others with TargetTransformInfo::areInlineCompatible against `caller`, a function
/// that we emitted. LLVM 19's always-inliner does not ask, and makes code that crashes or is
/// silently slow. Errors: rule "import-missing-feature", naming the features.
void check_features(const std::vector<LoadedImport>& imports, const Resolution& resolution,
                    const std::vector<ExternCall>& calls, const Target& target,
                    const llvm::Function& caller, const llvm::TargetMachine& machine,
                    Diagnostics& found);

/// Features beyond the baseline of the architecture that the needed functions of `import` ask for
/// by attributes of their own, and that its assembly uses; sorted.
std::vector<std::string> features_needed(const LoadedImport& import,
                                         const std::set<llvm::GlobalValue*>& needed,
                                         const Target& target);

}  // namespace inlay
