// Emits the body of one function, or of one parallel loop, statement by statement.
//
// A FunctionEmitter writes one LLVM function whose arguments are given values: a parallel loop gets
// a FunctionEmitter of its own, with what its body uses as arguments.
#pragma once

#include <array>
#include <functional>
#include <unordered_map>
#include <vector>

#include "backends/llvm/emit/module_emitter.h"

namespace inlay::emit {

/// A buffer as addresses are made from it.
struct BufferSlot {
  llvm::Value* base = nullptr;
  std::vector<llvm::Value*> strides;  ///< i64, in elements
  int64_t alignment = 1;              ///< of the base, in bytes
  size_t loop_depth = 0;              ///< of vectorized loops around its definition
};

/// What names mean in one LLVM function.
struct Names {
  std::unordered_map<const ExprNode*, llvm::Value*> vars;
  std::unordered_map<const BufferNode*, BufferSlot> buffers;
};

/// Where the code of a kernel stands while it is emitted.
struct DeviceScope {
  const KernelPlan* plan = nullptr;
  llvm::Value* assert_word = nullptr;           ///< where a failed assert is told; null: no asserts
  std::array<llvm::Value*, 3> group{}, lane{};  ///< ids, i64
  unsigned active = 0;    ///< bit d: a lane loop of dimension d stands around, or one work-item
  bool narrowed = false;  ///< not all work-items are known to come here: no barrier may stand here
  bool last = true;       ///< nothing of the kernel or lane loop follows
  /// All work-items have read memory here, for values of the workgroup, and some may still do so.
  bool reading = false;
};

class FunctionEmitter {
 public:
  /// `name` is the Inlay function's, for messages. The entry block of `function` is made here.
  FunctionEmitter(ModuleEmitter& parent, std::string name, llvm::Function* function);

  /// Binds a buffer parameter: evaluates its strides, and declares what LLVM may assume of `base`.
  void bind_buffer(const Buffer& buffer, llvm::Argument* base);
  void bind_var(const Var& var, llvm::Value* value) { names_.vars[var.get()] = value; }
  /// The value of a variable, null for any other expression.
  llvm::Value* value_of(const Expr& expr) const;

  /// Emits `body` and returns status ok at its end.
  void emit_body(const Stmt& body);
  /// Emits `loop` over begin .. begin + extent, and returns status ok at its end.
  void emit_loop_body(const For& loop, llvm::Value* begin, llvm::Value* extent);
  /// Emits the body of a kernel. `assert_word`: see DeviceScope.
  void emit_kernel_body(const KernelPlan& plan, llvm::Value* assert_word);
  /// This is host code that launches kernels: `context` is its InlayGpuContext.
  void set_gpu_context(llvm::Value* context) { gpu_context_ = context; }

 private:
  // expr.cpp
  llvm::Value* emit(const Expr& expr);
  llvm::Value* emit_select(const Select& node);
  llvm::Value* emit_ramp(const Ramp& node);
  llvm::Value* emit_math(const CallMath& node);
  llvm::Value* emit_libm(MathOp op, DType type, llvm::ArrayRef<llvm::Value*> args);
  llvm::Value* emit_extern(const CallExtern& node);
  llvm::Value* emit_asm(const InlineAsm& node);
  llvm::Value* emit_argument(const Expr& arg);
  llvm::Value* from_abi(DType type, llvm::Value* value);
  llvm::Value* to_abi(DType type, llvm::Value* value);

  // memory.cpp
  const BufferSlot& slot(const Buffer& buffer) const;
  std::vector<llvm::Value*> emit_strides(const Buffer& buffer);
  llvm::Value* multiply(llvm::Value* index, llvm::Value* stride);
  llvm::Value* emit_offset(const BufferSlot& slot, const std::vector<Expr>& indices, size_t count);
  llvm::Value* emit_address(const Buffer& buffer, const std::vector<Expr>& indices);
  llvm::Value* emit_view(const View& node);
  llvm::Value* emit_load(const Load& node);
  void emit_prefetch(const Prefetch& node);
  void emit_store(const Store& node);
  /// Addresses of the lanes of an access with a vector of indices.
  llvm::Value* emit_lane_addresses(const Buffer& buffer, const std::vector<Expr>& indices);
  bool is_contiguous(const Buffer& buffer, const Expr& last);
  void annotate(llvm::Instruction* access, const Buffer& buffer);
  llvm::Value* to_memory(DType type, llvm::Value* value);
  llvm::Value* from_memory(DType type, llvm::Value* value);
  void emit_allocate(const Allocate& node);
  void emit_stack(BufferSlot& made, const Buffer& buffer, int64_t size, const Loc& loc);
  void emit_workspace(BufferSlot& made, const Buffer& buffer, llvm::Value* bytes);
  llvm::Value* workspace_function(bool acquire);
  llvm::Value* emit_byte_count(const Buffer& buffer, llvm::ArrayRef<llvm::Value*> extents,
                               llvm::ArrayRef<llvm::Value*> strides, llvm::Value** overflow);

  // parallel.cpp
  void emit_parallel(const For& loop);
  void take_buffer(const Buffer& buffer, const BufferSlot& outer, llvm::Argument* base);

  // gpu/launch.cpp
  void emit_launch(const KernelPlan& plan);
  llvm::Value* emit_assert_begin();
  llvm::Value* emit_assert_end(const KernelPlan& plan, llvm::Value* word, llvm::Value* launched);

  // gpu/device.cpp
  void emit_device_for(const For& loop);
  void emit_lane_loop(const For& loop, int dimension);
  void emit_effect(const Stmt& stmt);
  void emit_device_if(const If& node);
  void emit_device_assert(const Assert& node, llvm::Value* failed);
  void emit_barrier();
  /// Makes the work-items wait for each other where the order of the IR's statements asks for it.
  void emit_order(const Loc& loc);
  llvm::Value* emit_ids_are_zero(unsigned dimensions);
  /// Dimensions of the workgroup without a lane loop around.
  unsigned missing_dimensions() const;
  void emit_shared(BufferSlot& made, const Buffer& buffer, int64_t size);
  void check_private(const Buffer& buffer, const Loc& loc);
  /// A pointer as C and imported IR take it: to the generic address space.
  llvm::Value* to_generic(llvm::Value* pointer);

  // stmt.cpp
  void emit(const Stmt& stmt);
  void emit_block(const Block& block);
  void emit_for(const For& loop);
  void emit_loop(const For& loop, llvm::Value* begin, llvm::Value* extent);
  void emit_if(const If& node);
  void emit_assert(const Assert& node);
  llvm::MDNode* loop_metadata(const For& loop, llvm::MDNode* access_group,
                              const llvm::ConstantInt* constant_extent);
  llvm::BasicBlock* new_block(const char* name);
  /// Branches to a block that releases what is live and returns `status`, if `failed`.
  void exit_if(llvm::Value* failed, const std::function<llvm::Value*()>& status);
  void release_down_to(size_t count);
  llvm::Value* emit_fail(int32_t status, const std::string& message);

  ModuleEmitter& parent_;
  std::string name_;
  llvm::Function* function_;
  llvm::TargetFolder folder_;
  Builder b_;
  Arith arith_;
  Names names_;
  llvm::BasicBlock* entry_ = nullptr;         ///< allocas go to its end
  std::vector<llvm::Value*> workspaces_;      ///< acquired, innermost last
  std::vector<llvm::MDNode*> access_groups_;  ///< of the vectorized loops around
  int64_t stack_bytes_ = 0;
  DeviceScope* device_ = nullptr;       ///< null: host code
  llvm::Value* gpu_context_ = nullptr;  ///< of host code that launches kernels
};

}  // namespace inlay::emit
