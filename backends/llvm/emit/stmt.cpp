// Statements: loops and what LLVM is told of them, conditions, and the ways out of a function.
#include <llvm/IR/MDBuilder.h>

#include "backends/llvm/emit/function_emitter.h"
#include "core/ir/visitor.h"

namespace inlay::emit {

namespace {

// Vectorized loops of at most so many iterations become straight code: a row of a register block.
constexpr int64_t kShortLoop = 256;

}  // namespace

FunctionEmitter::FunctionEmitter(ModuleEmitter& parent, std::string name, llvm::Function* function)
    : parent_(parent),
      name_(std::move(name)),
      function_(function),
      folder_(parent.module().getDataLayout()),
      b_(parent.context(), folder_),
      arith_(b_, parent.arith_facts()) {
  entry_ = llvm::BasicBlock::Create(parent.context(), "entry", function);
  llvm::BasicBlock* body = new_block("body");
  b_.SetInsertPoint(entry_);
  b_.SetCurrentDebugLocation(parent_.debug_place(*function, Loc()));
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
}

llvm::BasicBlock* FunctionEmitter::new_block(const char* name) {
  return llvm::BasicBlock::Create(parent_.context(), name, function_);
}

llvm::Value* FunctionEmitter::value_of(const Expr& expr) const {
  auto found = names_.vars.find(expr.get());
  return found == names_.vars.end() ? nullptr : found->second;
}

void FunctionEmitter::emit_body(const Stmt& body) {
  emit(body);
  b_.CreateRet(b_.getInt32(Status::ok));
}

void FunctionEmitter::emit_loop_body(const For& loop, llvm::Value* begin, llvm::Value* extent) {
  emit_loop(loop, begin, extent);
  b_.CreateRet(b_.getInt32(Status::ok));
}

void FunctionEmitter::emit(const Stmt& stmt) {
  if (stmt.loc()) b_.SetCurrentDebugLocation(parent_.debug_place(*function_, stmt.loc()));
  if (const KernelPlan* kernel = parent_.kernel_of(stmt.get())) return emit_launch(*kernel);
  switch (stmt->kind) {
    case StmtKind::Block:
      return emit_block(*stmt.as<Block>());
    case StmtKind::For:
      return emit_for(*stmt.as<For>());
    case StmtKind::If:
      return device_ ? emit_device_if(*stmt.as<If>()) : emit_if(*stmt.as<If>());
    case StmtKind::Store:
      return device_ ? emit_effect(stmt) : emit_store(*stmt.as<Store>());
    case StmtKind::Allocate:
      return emit_allocate(*stmt.as<Allocate>());
    case StmtKind::Let: {
      auto* node = stmt.as<Let>();
      bind_var(node->var, emit(node->value));
      return;
    }
    case StmtKind::Assert:
      return emit_assert(*stmt.as<Assert>());
    case StmtKind::Evaluate:
      if (device_) return emit_effect(stmt);
      emit(stmt.as<Evaluate>()->value);
      return;
    case StmtKind::Barrier:
      if (device_) return emit_barrier();
      throw CompileError("unsupported", stmt.loc(),
                         "a barrier can't be compiled for a CPU: lane loops run one lane after the "
                         "other there",
                         "split the lane loop at the barrier, or compile for a GPU");
    case StmtKind::ImportPragma:
      return;  // imports are the program's, wherever they stand
    case StmtKind::UnrollPragma:
      return;  // loop_metadata looks for it
    case StmtKind::Require:
      return;  // held to the code object
    case StmtKind::Prefetch:
      return emit_prefetch(*stmt.as<Prefetch>());
  }
}

void FunctionEmitter::emit_block(const Block& block) {
  size_t live = workspaces_.size();
  bool last = device_ && device_->last;
  for (const Stmt& stmt : block.stmts) {
    if (device_) device_->last = last && &stmt == &block.stmts.back();
    emit(stmt);
  }
  if (device_) device_->last = last;
  release_down_to(live);
  workspaces_.resize(live);
}

void FunctionEmitter::release_down_to(size_t count) {
  if (workspaces_.size() == count) return;
  llvm::SmallVector<llvm::Type*, 2> types(gpu_context_ ? 2 : 1, b_.getPtrTy());
  auto* type = llvm::FunctionType::get(b_.getVoidTy(), types, false);
  llvm::Value* release = workspace_function(/*acquire=*/false);
  for (size_t i = workspaces_.size(); i-- > count;) {
    llvm::SmallVector<llvm::Value*, 2> args{workspaces_[i]};
    if (gpu_context_) args.insert(args.begin(), gpu_context_);
    b_.CreateCall(type, release, args)->setDoesNotThrow();
  }
}

void FunctionEmitter::exit_if(llvm::Value* failed, const std::function<llvm::Value*()>& status) {
  auto* constant = llvm::dyn_cast<llvm::ConstantInt>(failed);
  if (constant && constant->isZero()) return;
  llvm::BasicBlock* failure = new_block("failure");
  llvm::BasicBlock* next = new_block("next");
  b_.CreateCondBr(failed, failure, next,
                  llvm::MDBuilder(parent_.context()).createUnlikelyBranchWeights());
  b_.SetInsertPoint(failure);
  llvm::Value* value = status();
  release_down_to(0);
  b_.CreateRet(value);
  b_.SetInsertPoint(next);
}

llvm::Value* FunctionEmitter::emit_fail(int32_t status, const std::string& message) {
  auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getInt32Ty(), b_.getPtrTy()}, false);
  llvm::CallInst* call = b_.CreateCall(type, parent_.runtime_function(b_, RuntimeOffsets::fail),
                                       {b_.getInt32(status), parent_.text(message)});
  call->setDoesNotThrow();
  return call;
}

void FunctionEmitter::emit_assert(const Assert& node) {
  llvm::Value* failed = b_.CreateNot(emit(node.condition));
  if (device_) return emit_device_assert(node, failed);
  exit_if(failed, [&] { return emit_fail(Status::assertion, name_ + ": " + node.message); });
}

void FunctionEmitter::emit_if(const If& node) {
  llvm::Value* condition = emit(node.condition);
  llvm::BasicBlock* then_block = new_block("then");
  llvm::BasicBlock* join = new_block("end");
  llvm::BasicBlock* else_block = node.else_body ? new_block("else") : join;
  b_.CreateCondBr(condition, then_block, else_block);
  b_.SetInsertPoint(then_block);
  emit(node.then_body);
  b_.CreateBr(join);
  if (node.else_body) {
    b_.SetInsertPoint(else_block);
    emit(node.else_body);
    b_.CreateBr(join);
  }
  b_.SetInsertPoint(join);
}

void FunctionEmitter::emit_for(const For& loop) {
  if (device_) return emit_device_for(loop);
  if (loop.for_kind == ForKind::Parallel) return emit_parallel(loop);
  llvm::Value* begin = emit(loop.min);
  emit_loop(loop, begin, emit(loop.extent));
}

namespace {

// The count of the `pragma unroll` that is about this loop, 0 without one.
int64_t unroll_count(const For& loop) {
  struct Finder : Visitor {
    int64_t count = 0;
    using Visitor::visit_node;
    void visit_node(const For&) override {}
    void visit_node(const UnrollPragma& node) override { count = node.count; }
  } finder;
  finder.visit(loop.body);
  return finder.count;
}

}  // namespace

llvm::MDNode* FunctionEmitter::loop_metadata(const For& loop, llvm::MDNode* access_group,
                                             const llvm::ConstantInt* constant_extent) {
  llvm::LLVMContext& context = parent_.context();
  auto node = [&](const char* name, llvm::Metadata* value = nullptr) {
    llvm::SmallVector<llvm::Metadata*, 2> operands{llvm::MDString::get(context, name)};
    if (value) operands.push_back(value);
    return llvm::MDNode::get(context, operands);
  };
  llvm::SmallVector<llvm::Metadata*, 4> operands{nullptr};
  // A work-item has no vectors: what is unrolled, LLVM loads and stores together.
  bool short_vector = device_ && loop.for_kind == ForKind::Vectorized && constant_extent &&
                      constant_extent->getSExtValue() <= kShortLoop;
  if (loop.for_kind == ForKind::Unrolled || short_vector) {
    operands.push_back(node(constant_extent ? "llvm.loop.unroll.full" : "llvm.loop.unroll.enable"));
  } else if (loop.for_kind == ForKind::Vectorized && !device_) {
    operands.push_back(
        node("llvm.loop.vectorize.enable", llvm::ConstantAsMetadata::get(b_.getTrue())));
    operands.push_back(node("llvm.loop.parallel_accesses", access_group));
    if (constant_extent && constant_extent->getSExtValue() <= kShortLoop) {
      // Else a short loop is unrolled, element by element, before the vectorizer sees it. What the
      // vectorizer leaves is unrolled, so that private arrays become registers.
      operands.push_back(node("llvm.loop.unroll.disable"));
      operands.push_back(
          node("llvm.loop.vectorize.followup_vectorized", node("llvm.loop.unroll.full")));
    }
  }
  // What an unrolled or a vectorized loop says of itself goes before.
  if (int64_t count = operands.size() > 1 ? 0 : unroll_count(loop)) {
    operands.push_back(count == 1 ? node("llvm.loop.unroll.disable")
                                  : node("llvm.loop.unroll.count",
                                         llvm::ConstantAsMetadata::get(
                                             b_.getInt32(static_cast<uint32_t>(count)))));
  }
  if (operands.size() == 1) return nullptr;
  llvm::MDNode* id = llvm::MDNode::getDistinct(context, operands);
  id->replaceOperandWith(0, id);
  return id;
}

// The loop is guarded and tested at its end, as LLVM's loop passes like it best.
void FunctionEmitter::emit_loop(const For& loop, llvm::Value* begin, llvm::Value* extent) {
  auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  llvm::Value* end = first && first->isZero() ? extent : b_.CreateNSWAdd(begin, extent);
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = new_block(loop.var.name().c_str());
  llvm::BasicBlock* after = new_block("after");
  b_.CreateCondBr(b_.CreateICmpSLT(begin, end), body, after);
  b_.SetInsertPoint(body);
  llvm::PHINode* index = b_.CreatePHI(b_.getInt64Ty(), 2, loop.var.name());
  index->addIncoming(begin, before);
  bind_var(loop.var, index);

  llvm::MDNode* access_group = nullptr;
  if (loop.for_kind == ForKind::Vectorized && !device_) {
    access_group = llvm::MDNode::getDistinct(parent_.context(), {});
    access_groups_.push_back(access_group);
  }
  emit(loop.body);
  if (access_group) access_groups_.pop_back();

  bool never_negative = first && !first->isNegative();
  llvm::Value* next = b_.CreateAdd(index, b_.getInt64(1), "", never_negative, true);
  index->addIncoming(next, b_.GetInsertBlock());
  llvm::BranchInst* latch = b_.CreateCondBr(b_.CreateICmpSLT(next, end), body, after);
  llvm::MDNode* metadata =
      loop_metadata(loop, access_group, llvm::dyn_cast<llvm::ConstantInt>(extent));
  if (metadata) latch->setMetadata(llvm::LLVMContext::MD_loop, metadata);
  b_.SetInsertPoint(after);
}

}  // namespace inlay::emit
