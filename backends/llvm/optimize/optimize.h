// LLVM's own optimization pipeline for a linked module, and what it learned about the parameters.
#pragma once

#include <map>
#include <string>

#include "backends/plugin/plugin.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// Runs LLVM's pipeline O`level` (0 to 3) over `module`. Floating point stays strict: nothing is
/// reassociated or contracted that the module does not allow. Throws InternalError if the result
/// does not verify.
void optimize(llvm::Module& module, llvm::TargetMachine& machine, int level);

/// What `module` does with each buffer parameter, by function and position: at least what it really
/// does, and little more after optimization. Reads the attributes that emit.h names.
std::map<std::string, std::map<size_t, ParamAccess>> param_accesses(const llvm::Module& module);

}  // namespace inlay
