// What an AMDGPU code object says of itself: target, version, kernels and what they take.
//
// Source: LLVM's "User Guide for AMDGPU Backend", Code Object: ELF header, Metadata (V3 and above),
// Kernel Descriptor.
#pragma once

#include <string>
#include <vector>

#include "backends/plugin/plugin.h"

namespace inlay::amdgpu {

/// An argument as the metadata has it.
struct HsacoArgument {
  std::string name;  ///< may be empty
  uint32_t offset = 0, size = 0;
  std::string kind;  ///< .value_kind: "by_value", "global_buffer", "hidden_none", ...
  bool hidden() const { return kind.compare(0, 7, "hidden_") == 0; }
};

struct HsacoKernel {
  std::string name;
  std::vector<HsacoArgument> args;
  uint32_t kernarg_size = 0;
  int64_t max_workgroup = 0;                  ///< .max_flat_workgroup_size; 0: not said
  int64_t required_workgroup[3] = {0, 0, 0};  ///< .reqd_workgroup_size; 0: not said
  int64_t vgprs = 0, sgprs = 0, agprs = 0, lds_bytes = 0, scratch_bytes = 0;
  int64_t vgpr_spills = 0, sgpr_spills = 0;
  bool dynamic_stack = false;
};

struct Hsaco {
  std::string target_id;        ///< "gfx906:sramecc+:xnack-"
  int code_object_version = 0;  ///< 3 to 6
  std::vector<HsacoKernel> kernels;
  std::vector<std::string> functions;  ///< symbols of functions, kernels among them
  const HsacoKernel* find(const std::string& name) const;
};

/// Reads a finished code object. Throws CompileError (rule "hsaco", at `loc`) saying what is wrong
/// with `name`: no ELF, another machine, truncated, no or broken metadata.
Hsaco read_hsaco(const std::string& bytes, const std::string& name, const Loc& loc);

}  // namespace inlay::amdgpu
