// Parallel loops. The loop becomes a function of its own,
//   i32 @"inlay.fn.f.parallelN"(<what the body uses>..., i64 begin, i64 end)
// with each buffer as a `noalias` argument; an InlayParallelBody unpacks them from a closure on the
// stack of the thread that calls parallel_for.
#include "backends/llvm/emit/function_emitter.h"
#include "backends/llvm/emit/uses.h"

namespace inlay::emit {

// A buffer of the outer function, as an argument of the inner one.
void FunctionEmitter::take_buffer(const Buffer& buffer, const BufferSlot& outer,
                                  llvm::Argument* base) {
  BufferSlot taken = outer;
  taken.base = base;
  taken.loop_depth = 0;
  names_.buffers[buffer.get()] = taken;
  base->addAttr(llvm::Attribute::NoAlias);
  base->addAttr(llvm::Attribute::getWithAlignment(parent_.context(), llvm::Align(outer.alignment)));
  if (auto* argument = llvm::dyn_cast<llvm::Argument>(outer.base)) {
    llvm::AttributeList attributes = argument->getParent()->getAttributes();
    llvm::Attribute param = attributes.getParamAttr(argument->getArgNo(), kParamAttribute);
    if (param.isValid()) base->addAttr(param);
  }
}

void FunctionEmitter::emit_parallel(const For& loop) {
  llvm::LLVMContext& context = parent_.context();
  llvm::Value* begin = emit(loop.min);
  llvm::Value* extent = emit(loop.extent);

  Uses uses;
  uses.visit(loop.body);
  std::vector<llvm::Value*> captured;
  auto capture = [&](llvm::Value* value) {
    if (!llvm::isa<llvm::Constant>(value) && !llvm::is_contained(captured, value)) {
      captured.push_back(value);
    }
  };
  std::vector<Buffer> buffers;
  for (const Buffer& buffer : uses.buffers) {
    auto found = names_.buffers.find(buffer.get());
    if (found == names_.buffers.end()) continue;  // allocated in the body
    buffers.push_back(buffer);
    capture(found->second.base);
    for (llvm::Value* stride : found->second.strides) capture(stride);
  }
  for (const VarNode* var : uses.vars) {
    auto found = names_.vars.find(var);
    if (found != names_.vars.end()) capture(found->second);
  }
  capture(begin);

  std::string name =
      function_->getName().str() + ".parallel" + std::to_string(parent_.next_parallel());
  llvm::SmallVector<llvm::Type*, 16> types;
  for (llvm::Value* value : captured) types.push_back(value->getType());
  auto* closure_type = llvm::StructType::get(context, types);
  types.push_back(b_.getInt64Ty());
  types.push_back(b_.getInt64Ty());
  llvm::Function* work = parent_.make_function(
      llvm::FunctionType::get(b_.getInt32Ty(), types, false), /*internal=*/true, name);
  work->addFnAttr(llvm::Attribute::NoInline);
  work->addFnAttr(kFunctionAttribute, name_);
  parent_.describe(work, loop.loc);

  // The loop itself.
  FunctionEmitter inner(parent_, name_, work);
  llvm::DenseMap<llvm::Value*, llvm::Argument*> argument_of;
  for (size_t i = 0; i < captured.size(); ++i) {
    argument_of[captured[i]] = work->getArg(i);
    work->getArg(i)->setName(captured[i]->getName());
  }
  auto inside = [&](llvm::Value* value) -> llvm::Value* {
    auto found = argument_of.find(value);
    return found == argument_of.end() ? value : found->second;
  };
  for (const Buffer& buffer : buffers) {
    const BufferSlot& outer = names_.buffers[buffer.get()];
    llvm::Argument* base = argument_of[outer.base];
    inner.take_buffer(buffer, outer, base);
    for (llvm::Value*& stride : inner.names_.buffers[buffer.get()].strides) stride = inside(stride);
  }
  for (const VarNode* var : uses.vars) {
    auto found = names_.vars.find(var);
    if (found != names_.vars.end()) inner.names_.vars[var] = inside(found->second);
  }
  llvm::Value* base = inside(begin);
  llvm::Value* from = work->getArg(captured.size());
  llvm::Value* to = work->getArg(captured.size() + 1);
  inner.emit_loop_body(loop, inner.b_.CreateNSWAdd(base, from), inner.b_.CreateNSWSub(to, from));

  // What the runtime calls.
  auto* body_type = llvm::FunctionType::get(
      b_.getInt32Ty(), {b_.getPtrTy(), b_.getInt64Ty(), b_.getInt64Ty()}, false);
  llvm::Function* body = parent_.make_function(body_type, /*internal=*/true, name + ".body");
  Builder unpack(llvm::BasicBlock::Create(context, "entry", body), folder_);
  llvm::SmallVector<llvm::Value*, 16> args;
  for (size_t i = 0; i < captured.size(); ++i) {
    llvm::Value* field = unpack.CreateStructGEP(closure_type, body->getArg(0), i);
    args.push_back(unpack.CreateLoad(captured[i]->getType(), field));
  }
  args.push_back(body->getArg(1));
  args.push_back(body->getArg(2));
  unpack.CreateRet(unpack.CreateCall(work, args));

  // The call.
  Builder at(entry_, entry_->getTerminator()->getIterator(), folder_);
  llvm::AllocaInst* closure = at.CreateAlloca(closure_type, nullptr, kClosureName);
  for (size_t i = 0; i < captured.size(); ++i) {
    b_.CreateStore(captured[i], b_.CreateStructGEP(closure_type, closure, i));
  }
  auto* type = llvm::FunctionType::get(
      b_.getInt32Ty(), {b_.getInt64Ty(), b_.getInt64Ty(), b_.getPtrTy(), b_.getPtrTy()}, false);
  llvm::CallInst* status =
      b_.CreateCall(type, parent_.runtime_function(b_, RuntimeOffsets::parallel_for),
                    {extent, b_.getInt64(0), body, closure});
  status->setDoesNotThrow();
  exit_if(b_.CreateIsNotNull(status), [&]() -> llvm::Value* { return status; });
}

}  // namespace inlay::emit
