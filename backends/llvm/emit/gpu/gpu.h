// Emission of a program for a GPU: two modules, the host's and the device's.
//
// On the host each function f becomes
//   i32 @"inlay.fn.f"(ptr context, ptr A, ..., i64 M, ..., float alpha, ...)
//   i32 @"inlay.invoke.f"(ptr context, ptr data, ptr symbols, ptr scalars)    an InlayGpuInvoke
// which computes grids and arguments and calls the runtime's kernel_launch; on the device each
// kernel is an amdgpu_kernel "inlay.f.N" whose arguments are what its body uses: addresses of
// buffers in address space 1, numbers by value. Shared buffers are internal globals in address
// space 3, private ones are allocas in address space 5.
//
// Statements of a workgroup outside of lane loops are done by its first work-item; where the order
// of statements matters across work-items, a barrier stands between them.
#pragma once

#include "backends/llvm/emit/emit.h"
#include "backends/llvm/emit/gpu/plan.h"

namespace inlay {

/// One explicit argument in the kernarg segment.
struct KernelArgument {
  uint32_t offset = 0;
  uint32_t size = 0;
  bool pointer = false;
  friend bool operator==(const KernelArgument&, const KernelArgument&) = default;
};

struct EmittedKernel {
  std::string name;      ///< symbol; of a ready kernel, that of the import
  std::string function;  ///< the Inlay function that launches it
  Loc loc;
  std::array<int64_t, 3> workgroup{1, 1, 1};
  std::vector<KernelArgument> args;
  uint32_t kernarg_size = 0;
  bool serial = false;
  bool ready = false;          ///< of an import, not in the device module
  std::vector<Stmt> required;  ///< each a Require
};

struct GpuEmitOptions {
  std::string symbol_prefix;  ///< put before "inlay.invoke" of the host's functions
  int code_object_version = 5;
  bool debug_info = false;
};

struct EmittedGpu {
  EmittedModule host, device;
  std::vector<EmittedKernel> kernels;  ///< by the number that kernel_launch takes
};

/// Emits `lowered`, split by `plans` (one a function, in order). Both modules live in `context`.
/// Throws CompileError: what emit_module() throws, and "lane-nest", "private-lanes".
EmittedGpu emit_gpu(llvm::LLVMContext& context, const LoweredProgram& lowered,
                    const std::vector<HostPlan>& plans, const Target& device,
                    const llvm::TargetMachine& device_machine, const Target& host,
                    const llvm::TargetMachine& host_machine, const GpuEmitOptions& options);

/// Address spaces of LLVM's AMDGPU backend.
inline constexpr unsigned kGenericSpace = 0, kGlobalSpace = 1, kSharedSpace = 3, kPrivateSpace = 5;
unsigned address_space(MemorySpace space);

}  // namespace inlay
