// Imports that are whole kernels: an hsaco, or assembly with its own .amdhsa_ directives and
// metadata. They are not linked with anything; the program launches them as they are.
//
// A launch is written as grid and lane loops that hold nothing but a call of the kernel: the loops
// say how many workgroups and work-items, the call's arguments, computed on the host, become its
// kernargs.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "backends/amdgpu/hsaco.h"
#include "backends/llvm/emit/gpu/gpu.h"
#include "backends/llvm/imports/source.h"

namespace llvm {
class TargetMachine;
}

namespace inlay::amdgpu {

struct KernelImport {
  ImportSource source;
  std::string content_hash;
  std::vector<Import> pragmas;
  std::string bytes;  ///< the code object
  Hsaco hsaco;
};

/// Loads the program's imports of kinds hsaco and asm, each content once. Faults go to `found`:
/// those of reading and assembling, "hsaco", "import-layout" (of another GPU), "import-clash" (one
/// kernel in two imports).
std::vector<KernelImport> load_kernel_imports(const CompileUnit& unit,
                                              const llvm::TargetMachine& machine,
                                              const CompileOptions& options, Diagnostics& found);

/// Names of all their kernels.
std::set<std::string> kernel_names(const std::vector<KernelImport>& imports);

/// Holds a launch of a ready kernel against its metadata: number, sizes and kinds of the arguments,
/// the workgroup against what it was compiled for. Faults: rule "ready-kernel".
void check_launch(const EmittedKernel& launch, const HsacoKernel& kernel, const std::string& title,
                  const Loc& import, Diagnostics& found);

}  // namespace inlay::amdgpu
