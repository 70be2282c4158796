// Which instructions a GPU has, as far as imports may ask for them by LLVM's intrinsics.
#pragma once

#include <string>

#include "backends/llvm/link/link.h"
#include "core/target.h"

namespace inlay::amdgpu {

/// Finds calls of intrinsics that the target's processor lacks: selecting instructions for one
/// would end the process. What an intrinsic needs is what Clang asks for before it lets a program
/// call the builtin of that name (BuiltinsAMDGPU.def); what a processor has, LLVM's table of it.
/// Each intrinsic is an error of rule "import-missing-feature" once, at its place in the import:
/// the line if the import has debug information, else the function. It names the feature and the
/// GPUs of targets.def that have it.
void check_instructions(const llvm::Module& module, const Target& target, const LinkResult& linked,
                        Diagnostics& found);

/// What LLVM's intrinsic "llvm.amdgcn.NAME" needs, in Clang's words: "dot1-insts", "a,b" (both),
/// "a|b" (one of them); empty: nothing, or nobody knows.
std::string needed_features(const std::string& intrinsic);

/// Whether the processor (LLVM's name of it) has what needed_features() said.
bool has_features(const std::string& processor, const std::string& needed);

}  // namespace inlay::amdgpu
