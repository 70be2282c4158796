// Which parts of a function become kernels, and what stays on the host. Pure IR, no LLVM.
//
// A function for a GPU is host code that launches kernels. Each outermost grid loop is a kernel,
// and so is each outermost lane loop that stands in no grid loop (one workgroup). Whatever else
// touches memory becomes a kernel of a single work-item, so that every program runs everywhere; it
// is slow, and a warning says so (small buffers that it allocates are private). What remains, loops
// around kernels, `let`s of numbers, allocations in global memory, asserts, is host code, and may
// not look into memory.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ir/program.h"

namespace inlay {

/// What a GPU can launch.
struct GpuLimits {
  int64_t workgroup = 1024;       ///< work-items
  int64_t lds_bytes = 64 * 1024;  ///< of one workgroup
};

/// One kernel.
struct KernelPlan {
  std::string function;  ///< the Inlay function that launches it
  std::string name;      ///< of the kernel: "inlay.FUNCTION.N"
  Stmt body;             ///< as it stands in HostPlan::body
  Loc loc;
  bool serial = false;  ///< neither grid nor lane loops: one work-item does it all
  /// By dimension; null: one workgroup. Computed on the host.
  std::array<Expr, 3> grid;
  std::array<int64_t, 3> workgroup{1, 1, 1};
  /// The ready kernel that this launch runs, if its body is nothing but a call of one.
  const CallExtern* ready = nullptr;
  std::vector<const Assert*> asserts;  ///< in textual order
  std::vector<Stmt> required;          ///< each a Require

  int64_t work_items() const { return workgroup[0] * workgroup[1] * workgroup[2]; }
};

/// A function, split.
struct HostPlan {
  Stmt body;  ///< the function's, kernels of several statements made blocks
  std::vector<KernelPlan> kernels;
  std::unordered_map<const StmtNode*, size_t> kernel_of;  ///< statement of `body` -> kernels
};

/// Splits `function`. `ready`: names of imported kernels. Faults go to `found`; rules:
/// "host-access", "grid-nest", "grid-extent", "lane-extent", "lane-nest", "workgroup-size",
/// "kernel-alloc", "lds-limit", "private-lanes", "ready-kernel". Warnings go to
/// `warnings`: "serial-kernel".
HostPlan plan_kernels(const Function& function, const std::set<std::string>& ready,
                      const GpuLimits& limits, Diagnostics& found, Diagnostics& warnings);

/// 0, 1, 2 for the dimension of a grid loop or lane loop; -1 for other loops.
int grid_dimension(ForKind kind);
int lane_dimension(ForKind kind);

}  // namespace inlay
