// Statements of a kernel: grid and lane loops as ids, barriers, memory spaces.
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/IntrinsicsAMDGPU.h>
#include <llvm/IR/MDBuilder.h>

#include <algorithm>

#include "backends/llvm/emit/function_emitter.h"
#include "core/ir/visitor.h"
#include "core/passes/passes.h"

namespace inlay::emit {

namespace {

// Dimensions of the lane loops in a statement, and its first barrier.
struct Lanes : Visitor {
  unsigned dimensions = 0;
  const Barrier* barrier = nullptr;

  using Visitor::visit_node;
  void visit_node(const For& node) override {
    int dimension = lane_dimension(node.for_kind);
    if (dimension >= 0) dimensions |= 1u << dimension;
    Visitor::visit_node(node);
  }
  void visit_node(const Barrier& node) override {
    if (!barrier) barrier = &node;
  }
};

// Whether a statement reads memory outside of its lane loops.
struct ReadsOfGroup : Visitor {
  bool found = false;
  using Visitor::visit_node;
  void visit_node(const For& node) override {
    if (lane_dimension(node.for_kind) < 0) Visitor::visit_node(node);
  }
  void visit_node(const Load&) override { found = true; }
};

// Dimensions in which a workgroup has more than one work-item.
unsigned wide_dimensions(const KernelPlan& plan) {
  unsigned wide = 0;
  for (unsigned d = 0; d < 3; ++d) wide |= plan.workgroup[d] > 1 ? 1u << d : 0;
  return wide;
}

}  // namespace

llvm::FunctionCallee ModuleEmitter::device_math(MathOp op, DType type) {
  bool is_double = type.bits == 64;
  llvm::Type* number =
      is_double ? llvm::Type::getDoubleTy(context_) : llvm::Type::getFloatTy(context_);
  llvm::SmallVector<llvm::Type*, 2> params(size_t(arity(op)), number);
  // The device library follows C's names.
  llvm::FunctionCallee callee = module().getOrInsertFunction(
      std::string("__ocml_") + spelling(op) + (is_double ? "_f64" : "_f32"),
      llvm::FunctionType::get(number, params, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->setDoesNotAccessMemory();
  function->setDoesNotThrow();
  function->setWillReturn();
  return callee;
}

void FunctionEmitter::emit_kernel_body(const KernelPlan& plan, llvm::Value* assert_word) {
  DeviceScope scope;
  scope.plan = &plan;
  scope.assert_word = assert_word;
  device_ = &scope;
  Builder at(entry_, entry_->getTerminator()->getIterator(), folder_);
  constexpr llvm::Intrinsic::ID kGroup[] = {llvm::Intrinsic::amdgcn_workgroup_id_x,
                                            llvm::Intrinsic::amdgcn_workgroup_id_y,
                                            llvm::Intrinsic::amdgcn_workgroup_id_z};
  constexpr llvm::Intrinsic::ID kLane[] = {llvm::Intrinsic::amdgcn_workitem_id_x,
                                           llvm::Intrinsic::amdgcn_workitem_id_y,
                                           llvm::Intrinsic::amdgcn_workitem_id_z};
  auto id = [&](llvm::Intrinsic::ID intrinsic, uint64_t bound, const char* name) -> llvm::Value* {
    llvm::CallInst* call = at.CreateIntrinsic(intrinsic, {}, {});
    llvm::ConstantRange range(llvm::APInt(32, 0), llvm::APInt(32, bound));
    call->addRetAttr(llvm::Attribute::get(parent_.context(), llvm::Attribute::Range, range));
    return at.CreateZExt(call, at.getInt64Ty(), name, /*IsNonNeg=*/true);
  };
  for (unsigned d = 0; d < 3; ++d) {
    uint64_t lanes = uint64_t(plan.workgroup[d]);
    // A launch has fewer than 2^32 work-items in each dimension.
    uint64_t groups = std::min(uint64_t{1} << 31, (uint64_t{1} << 32) / lanes);
    scope.group[d] = plan.grid[d] ? id(kGroup[d], groups, "group") : at.getInt64(0);
    scope.lane[d] = lanes > 1 ? id(kLane[d], lanes, "lane") : at.getInt64(0);
  }
  emit(plan.body);
  b_.CreateRetVoid();
  device_ = nullptr;
}

void FunctionEmitter::emit_device_for(const For& loop) {
  int grid = grid_dimension(loop.for_kind), lane = lane_dimension(loop.for_kind);
  if (lane >= 0) return emit_lane_loop(loop, lane);
  llvm::Value* begin = emit(loop.min);
  if (grid >= 0) {
    bind_var(loop.var, b_.CreateNSWAdd(begin, device_->group[size_t(grid)]));
    return emit(loop.body);
  }
  llvm::Value* extent = emit(loop.extent);
  DeviceScope outside = *device_;
  bool is_constant = llvm::isa<llvm::ConstantInt>(begin) && llvm::isa<llvm::ConstantInt>(extent);
  device_->narrowed |= device_->active != 0 && !is_constant;
  device_->last = false;
  if (missing_dimensions() != 0) {
    // The iteration before may still be reading at its end.
    ReadsOfGroup reads;
    reads.visit(loop.body);
    device_->reading |= reads.found;
  }
  emit_loop(loop, begin, extent);
  device_->narrowed = outside.narrowed;
  device_->last = outside.last;
}

void FunctionEmitter::emit_device_if(const If& node) {
  bool outside = device_->narrowed;
  device_->narrowed |= device_->active != 0;
  emit_if(node);
  device_->narrowed = outside;
}

// The work-item ends; the host is told which assert it was, of several the first in the text.
// Others don't wait for it at a barrier: a wavefront that has ended is not waited for.
void FunctionEmitter::emit_device_assert(const Assert& node, llvm::Value* failed) {
  auto* constant = llvm::dyn_cast<llvm::ConstantInt>(failed);
  if (constant && constant->isZero()) return;
  const std::vector<const Assert*>& asserts = device_->plan->asserts;
  size_t number = size_t(std::find(asserts.begin(), asserts.end(), &node) - asserts.begin());
  INLAY_CHECK(number < asserts.size() && device_->assert_word, "the plan knows all asserts");
  llvm::BasicBlock* failure = new_block("failure");
  llvm::BasicBlock* next = new_block("next");
  b_.CreateCondBr(failed, failure, next,
                  llvm::MDBuilder(parent_.context()).createUnlikelyBranchWeights());
  b_.SetInsertPoint(failure);
  // Told at once, before the others go on to a barrier: the optimizer would put what only those
  // work-items do that end behind everything else, so it must not see that they do.
  b_.CreateAtomicRMW(llvm::AtomicRMWInst::UMin, device_->assert_word, b_.getInt32(uint32_t(number)),
                     llvm::Align(4), llvm::AtomicOrdering::Monotonic,
                     parent_.context().getOrInsertSyncScopeID("agent"));
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
  llvm::FunctionType* type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getInt32Ty()}, false);
  llvm::Value* again =
      b_.CreateCall(llvm::InlineAsm::get(type, "", "=v,0", /*hasSideEffects=*/true),
                    {b_.CreateZExt(failed, b_.getInt32Ty())});
  llvm::BasicBlock* end = new_block("end");
  llvm::BasicBlock* rest = new_block("rest");
  b_.CreateCondBr(b_.CreateIsNotNull(again), end, rest);
  b_.SetInsertPoint(end);
  b_.CreateRetVoid();
  b_.SetInsertPoint(rest);
}

unsigned FunctionEmitter::missing_dimensions() const {
  return wide_dimensions(*device_->plan) & ~device_->active;
}

llvm::Value* FunctionEmitter::emit_ids_are_zero(unsigned dimensions) {
  llvm::Value* zero = nullptr;
  for (unsigned d = 0; d < 3; ++d) {
    if (!(dimensions >> d & 1)) continue;
    llvm::Value* one = b_.CreateICmpEQ(device_->lane[d], b_.getInt64(0));
    zero = zero ? b_.CreateAnd(zero, one) : one;
  }
  return zero;
}

// All lanes at once. Where the workgroup is larger than the loop, the others skip it.
void FunctionEmitter::emit_lane_loop(const For& loop, int dimension) {
  const KernelPlan& plan = *device_->plan;
  Expr folded = simplify(loop.extent);
  const IntImm* extent = as_int(folded);
  INLAY_CHECK(extent != nullptr, "lane extents were checked to be constants");
  llvm::Value* begin = emit(loop.min);
  if (device_->reading) emit_order(loop.loc);
  device_->reading = false;
  llvm::Value* id = device_->lane[size_t(dimension)];
  DeviceScope outside = *device_;
  Lanes inside;
  inside.visit(loop.body);
  unsigned own = inside.dimensions | 1u << dimension;

  llvm::Value* guard = nullptr;
  if (extent->value < plan.workgroup[size_t(dimension)]) {
    guard = b_.CreateICmpSLT(id, b_.getInt64(extent->value));
  }
  unsigned unused = device_->active == 0 ? wide_dimensions(plan) & ~own : 0;
  if (unused != 0) {
    llvm::Value* first = emit_ids_are_zero(unused);
    guard = guard ? b_.CreateAnd(guard, first) : first;
  }
  if (guard && inside.barrier) {
    throw CompileError("lane-nest", inside.barrier->loc ? inside.barrier->loc : loop.loc,
                       "this barrier is reached by the " + std::to_string(extent->value) +
                           " lanes of the loop `" + loop.var.name() +
                           "`, but the workgroup of this kernel has more work-items, since another "
                           "lane loop of it is larger",
                       "give the lane loops of a kernel the same dimensions and extents, and guard "
                       "what only some lanes do with `if`");
  }
  llvm::BasicBlock* after = nullptr;
  if (guard) {
    llvm::BasicBlock* body = new_block("lanes");
    after = new_block("lanes.end");
    b_.CreateCondBr(guard, body, after);
    b_.SetInsertPoint(body);
    device_->narrowed = true;
  }
  bind_var(loop.var, b_.CreateNSWAdd(begin, id));
  device_->active |= 1u << dimension | unused;
  device_->last = true;
  emit(loop.body);
  *device_ = outside;
  if (after) {
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
  }
  if (!outside.last) emit_order(loop.loc);
}

// Stores and calls: once in each iteration of the lane loops around, so by one work-item where not
// all dimensions have a loop.
void FunctionEmitter::emit_effect(const Stmt& stmt) {
  auto emit_it = [&] {
    if (auto* store = stmt.as<Store>()) {
      emit_store(*store);
    } else {
      emit(stmt.as<Evaluate>()->value);
    }
  };
  unsigned missing = missing_dimensions();
  if (missing == 0) return emit_it();
  // What others read before and after.
  emit_order(stmt.loc());
  device_->reading = false;
  llvm::BasicBlock* body = new_block("one");
  llvm::BasicBlock* after = new_block("one.end");
  b_.CreateCondBr(emit_ids_are_zero(missing), body, after);
  b_.SetInsertPoint(body);
  emit_it();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
  if (!device_->last) emit_order(stmt.loc());
}

void FunctionEmitter::emit_barrier() {
  if (device_->plan->work_items() == 1) return;
  llvm::SyncScope::ID group = parent_.context().getOrInsertSyncScopeID("workgroup");
  b_.CreateFence(llvm::AtomicOrdering::Release, group);
  b_.CreateIntrinsic(llvm::Intrinsic::amdgcn_s_barrier, {}, {});
  b_.CreateFence(llvm::AtomicOrdering::Acquire, group);
}

void FunctionEmitter::emit_order(const Loc& loc) {
  if (device_->plan->work_items() == 1) return;
  if (device_->narrowed) {
    throw CompileError(
        "lane-nest", loc,
        "work-items must wait for each other here, since this does not stand in lane loops of all "
        "dimensions, but not all of them come here: a condition or bound around it may differ",
        "put it into lane loops of all dimensions of the workgroup");
  }
  emit_barrier();
}

void FunctionEmitter::emit_shared(BufferSlot& made, const Buffer& buffer, int64_t size) {
  made.alignment = std::max<int64_t>({buffer->alignment, buffer->type.bytes(), 16});
  auto* type = llvm::ArrayType::get(memory_type(parent_.context(), buffer->type),
                                    uint64_t(size / buffer->type.bytes()));
  auto* memory = new llvm::GlobalVariable(
      parent_.module(), type, false, llvm::GlobalValue::InternalLinkage,
      llvm::PoisonValue::get(type), device_->plan->name + "." + buffer.name(), nullptr,
      llvm::GlobalValue::NotThreadLocal, kSharedSpace);
  memory->setAlignment(llvm::Align(uint64_t(made.alignment)));
  made.base = memory;
}

// A private buffer belongs to a work-item, in the IR to an iteration of the loops around it.
void FunctionEmitter::check_private(const Buffer& buffer, const Loc& loc) {
  if (!device_ || missing_dimensions() == 0) return;
  throw CompileError("private-lanes", loc,
                     "private buffer `" + buffer.name() +
                         "` is allocated outside of lane loops, so the lanes would share it, but "
                         "each work-item has private memory of its own",
                     "allocate it inside of the lane loops, or `in shared`");
}

llvm::Value* FunctionEmitter::to_generic(llvm::Value* pointer) {
  auto* type = llvm::dyn_cast<llvm::PointerType>(pointer->getType());
  if (!type || type->getAddressSpace() == kGenericSpace) return pointer;
  return b_.CreateAddrSpaceCast(pointer, b_.getPtrTy());
}

}  // namespace inlay::emit
