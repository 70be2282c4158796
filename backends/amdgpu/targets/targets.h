// The GPUs that this backend compiles for, and how a specification names one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/target.h"

namespace inlay::amdgpu {

/// A row of targets.def.
struct GpuFacts {
  const char* name;
  int isa;
  unsigned mach;
  int vgprs, vgpr_granule, sgprs, waves;
  int64_t lds_bytes;
  const char* mix;
  const char* dots;
  bool xnack, sramecc;  ///< the target ID may name it
  bool runs_generic;
  int least_code_object_version;
  const char* description;
};

/// Those of targets.def, in order.
const std::vector<GpuFacts>& gpu_table();
const GpuFacts& facts_of(const Target& target);

/// "gfx906", "gfx906:sramecc+:xnack-" as a Target: cpu is the processor; features are LLVM's of it,
/// its own name, and what the target ID says: "xnack" or "no-xnack", "sramecc" or "no-sramecc".
/// nullopt if `spec` names no GPU; throws CompileError, rule "unknown-target".
std::optional<Target> resolve_target(const std::string& spec);

/// The target ID in its canonical form: features sorted by name.
std::string target_id(const Target& target);

/// Wavefronts that a SIMD can hold at once of a kernel, by its registers, its workgroup and LDS.
int64_t occupancy(const GpuFacts& facts, int64_t vgprs, int64_t sgprs, int64_t lds_bytes,
                  int64_t work_items);

}  // namespace inlay::amdgpu
