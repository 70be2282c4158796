// What all functions of one module share: declarations, attributes, the runtime's table, and the
// numbers of extern calls.
#pragma once

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <memory>
#include <unordered_map>

#include "backends/llvm/emit/arith.h"
#include "backends/llvm/emit/emit.h"
#include "backends/llvm/emit/gpu/gpu.h"

namespace inlay::emit {

/// Offsets into InlayRuntimeTable; checked against inlay_abi.h where they are defined.
struct RuntimeOffsets {
  static const int64_t parallel_for;
  static const int64_t workspace_acquire;
  static const int64_t workspace_release;
  static const int64_t fail;
  static const int64_t vector_function;
  static const int64_t kernel_launch;
  static const int64_t gpu_workspace_acquire;
  static const int64_t gpu_workspace_release;
  static const int64_t gpu_assert_begin;
  static const int64_t gpu_assert_end;
};

struct Status {
  static const int32_t ok;
  static const int32_t out_of_memory;
  static const int32_t assertion;
};

class ModuleEmitter {
 public:
  ModuleEmitter(llvm::LLVMContext& context, const LoweredProgram& lowered, const Target& target,
                const llvm::TargetMachine& machine, const EmitOptions& options);
  EmittedModule emit();
  /// The functions of a program for a GPU: host code of `plans` (by function), kernels go to
  /// `device`.
  EmittedModule emit_host(const std::vector<HostPlan>& plans, ModuleEmitter& device);
  /// What was emitted into this module by another one's emit_host().
  EmittedModule take();

  llvm::LLVMContext& context() { return context_; }
  ModuleEmitter* device() { return device_; }
  std::vector<EmittedKernel>& kernels() { return kernels_; }
  /// The kernel that `stmt` of a host plan is; null: it is host code.
  const KernelPlan* kernel_of(const StmtNode* stmt) const;
  llvm::Module& module() { return *result_.module; }
  const ArithFacts& arith_facts() const { return arith_facts_; }
  const Target& target() const { return target_; }

  /// A function that never throws, with the target's attributes; hidden unless internal.
  llvm::Function* make_function(llvm::FunctionType* type, bool internal, const std::string& name);
  /// Loads the function pointer at `offset` of the runtime's table.
  llvm::Value* runtime_function(Builder& builder, int64_t offset);
  /// A NUL-terminated constant.
  llvm::Constant* text(const std::string& value);
  /// Declaration of the shim that calls libm's function for f32 or f64.
  llvm::FunctionCallee libm(MathOp op, DType type);
  /// `scalar` (of libm()) on vectors of `lanes`: a shim that calls the function of the vector ABI
  /// `isa`, or `scalar` for each lane.
  llvm::Function* vector_libm(llvm::Function* scalar, int lanes, char isa);
  /// Declaration of the device library's function: __ocml_exp_f32.
  llvm::FunctionCallee device_math(MathOp op, DType type);
  /// Declaration of an imported symbol; throws if no import could define one so named.
  llvm::FunctionCallee extern_function(const CallExtern& call, llvm::FunctionType* type);
  /// Registers a call, and its number.
  uint32_t add_call(ExternCall call);
  /// The cookie by which LLVM names this inline assembly in its messages.
  uint64_t add_asm(const Loc& loc);
  /// Describes `function` to debuggers, if that was asked for: `loc` is where it stands.
  void describe(llvm::Function* function, const Loc& loc);
  /// The place `loc` in `function`; none if it is not described or has no line.
  llvm::DebugLoc debug_place(const llvm::Function& function, const Loc& loc);
  /// Numbers the parallel loops of the module.
  int next_parallel() { return parallel_loops_++; }

 private:
  void emit_function(const Function& function, const Stmt& function_body);
  void emit_invoke(const Function& function, llvm::Function* body, const std::string& name);

  llvm::LLVMContext& context_;
  const LoweredProgram& lowered_;
  const Target& target_;
  const EmitOptions& options_;
  ArithFacts arith_facts_;
  std::string features_;
  EmittedModule result_;
  std::map<std::string, llvm::Constant*> texts_;
  int parallel_loops_ = 0;
  ModuleEmitter* device_ = nullptr;     ///< where kernels go; null: this module has none
  const HostPlan* plan_ = nullptr;      ///< of the function that is being emitted
  std::vector<EmittedKernel> kernels_;  ///< of a device module
  std::unique_ptr<llvm::DIBuilder> debug_;
};

}  // namespace inlay::emit
