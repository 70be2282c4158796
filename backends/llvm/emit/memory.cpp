// Buffers: addresses, loads, stores, and where allocations live.
//
// An address is one `getelementptr inbounds` of the sum of index times stride. The sums get `nsw`,
// since an access must lie in its buffer; the program's own index arithmetic wraps and gets
// nothing.
#include <llvm/IR/MDBuilder.h>

#include "backends/llvm/emit/function_emitter.h"

namespace inlay::emit {

const BufferSlot& FunctionEmitter::slot(const Buffer& buffer) const {
  auto found = names_.buffers.find(buffer.get());
  INLAY_CHECK(found != names_.buffers.end(), "a buffer without an address; was it verified?");
  return found->second;
}

std::vector<llvm::Value*> FunctionEmitter::emit_strides(const Buffer& buffer) {
  std::vector<llvm::Value*> strides(buffer->rank());
  if (!buffer->strides.empty()) {
    for (size_t d = 0; d < strides.size(); ++d) strides[d] = emit(buffer->strides[d]);
    return strides;
  }
  llvm::Value* stride = b_.getInt64(1);
  for (size_t d = strides.size(); d-- > 0;) {
    strides[d] = stride;
    if (d > 0) stride = multiply(emit(buffer->shape[d]), stride);
  }
  return strides;
}

llvm::Value* FunctionEmitter::multiply(llvm::Value* index, llvm::Value* stride) {
  auto* constant = llvm::dyn_cast<llvm::ConstantInt>(stride);
  return constant && constant->isOne() ? index : b_.CreateNSWMul(index, stride);
}

llvm::Value* FunctionEmitter::emit_offset(const BufferSlot& slot, const std::vector<Expr>& indices,
                                          size_t count) {
  llvm::Value* offset = nullptr;
  for (size_t d = 0; d < count; ++d) {
    llvm::Value* term = multiply(emit(indices[d]), slot.strides[d]);
    offset = offset ? b_.CreateNSWAdd(offset, term) : term;
  }
  return offset ? offset : b_.getInt64(0);
}

llvm::Value* FunctionEmitter::emit_address(const Buffer& buffer, const std::vector<Expr>& indices) {
  const BufferSlot& at = slot(buffer);
  return b_.CreateInBoundsGEP(memory_type(parent_.context(), buffer->type), at.base,
                              emit_offset(at, indices, indices.size()));
}

llvm::Value* FunctionEmitter::emit_view(const View& node) {
  const BufferSlot& at = slot(node.buffer);
  std::vector<Expr> first;
  for (const ViewDim& dim : node.dims) first.push_back(dim.min);
  // Not inbounds: a view of nothing may start anywhere.
  return b_.CreateGEP(memory_type(parent_.context(), node.buffer->type), at.base,
                      emit_offset(at, first, first.size()));
}

// The address may lie anywhere, so that no arithmetic may promise anything.
void FunctionEmitter::emit_prefetch(const Prefetch& node) {
  const BufferSlot& at = slot(node.buffer);
  llvm::Value* offset = b_.getInt64(0);
  for (size_t d = 0; d < node.indices.size(); ++d) {
    offset = b_.CreateAdd(offset, b_.CreateMul(emit(node.indices[d]), at.strides[d]));
  }
  llvm::Value* address =
      b_.CreateGEP(memory_type(parent_.context(), node.buffer->type), at.base, offset);
  // Locality 3 is the nearest cache; 1 as last argument: data.
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {address->getType()},
                     {address, b_.getInt32(node.write),
                      b_.getInt32(static_cast<uint32_t>(4 - node.level)), b_.getInt32(1)});
}

bool FunctionEmitter::is_contiguous(const Buffer& buffer, const Expr& last) {
  auto* ramp = last.as<Ramp>();
  auto* stride = llvm::dyn_cast<llvm::ConstantInt>(slot(buffer).strides.back());
  return ramp && is_const(ramp->stride, 1) && stride && stride->isOne();
}

llvm::Value* FunctionEmitter::emit_lane_addresses(const Buffer& buffer,
                                                  const std::vector<Expr>& indices) {
  const BufferSlot& at = slot(buffer);
  llvm::Type* element = memory_type(parent_.context(), buffer->type);
  size_t last = indices.size() - 1;
  llvm::Value* row = b_.CreateInBoundsGEP(element, at.base, emit_offset(at, indices, last));
  llvm::Value* lanes = emit(indices[last]);
  llvm::Value* stride = b_.CreateVectorSplat(indices[last].type().lanes, at.strides[last]);
  return b_.CreateInBoundsGEP(element, row, b_.CreateNSWMul(lanes, stride));
}

// A vectorized loop promises that iterations are independent, in buffers from outside of it.
void FunctionEmitter::annotate(llvm::Instruction* access, const Buffer& buffer) {
  size_t depth = slot(buffer).loop_depth;
  if (depth >= access_groups_.size()) return;
  llvm::ArrayRef<llvm::MDNode*> groups = llvm::ArrayRef(access_groups_).drop_front(depth);
  llvm::SmallVector<llvm::Metadata*, 4> list(groups.begin(), groups.end());
  access->setMetadata(llvm::LLVMContext::MD_access_group,
                      list.size() == 1 ? groups[0] : llvm::MDNode::get(parent_.context(), list));
}

llvm::Value* FunctionEmitter::from_memory(DType type, llvm::Value* value) {
  return type.is_bool() ? b_.CreateIsNotNull(value) : value;
}

llvm::Value* FunctionEmitter::to_memory(DType type, llvm::Value* value) {
  if (!type.is_bool()) return value;
  llvm::Type* byte = b_.getInt8Ty();
  return b_.CreateZExt(value,
                       type.is_scalar() ? byte : llvm::FixedVectorType::get(byte, type.lanes));
}

llvm::Value* FunctionEmitter::emit_load(const Load& node) {
  llvm::Type* element = memory_type(parent_.context(), node.buffer->type);
  llvm::Align align(node.buffer->type.bytes());
  llvm::Instruction* load = nullptr;
  if (node.type.is_scalar()) {
    load = b_.CreateAlignedLoad(element, emit_address(node.buffer, node.indices), align);
  } else {
    auto* vector = llvm::FixedVectorType::get(element, node.type.lanes);
    if (is_contiguous(node.buffer, node.indices.back())) {
      std::vector<Expr> first = node.indices;
      first.back() = first.back().as<Ramp>()->base;
      load = b_.CreateAlignedLoad(vector, emit_address(node.buffer, first), align);
    } else {
      load = b_.CreateMaskedGather(vector, emit_lane_addresses(node.buffer, node.indices), align);
    }
  }
  annotate(load, node.buffer);
  if (device_ && node.buffer->space != MemorySpace::Private && missing_dimensions() != 0) {
    device_->reading = true;
  }
  return from_memory(node.type, load);
}

void FunctionEmitter::emit_store(const Store& node) {
  llvm::Value* value = to_memory(node.value.type(), emit(node.value));
  llvm::Align align(node.buffer->type.bytes());
  llvm::Instruction* store = nullptr;
  if (node.value.type().is_scalar()) {
    store = b_.CreateAlignedStore(value, emit_address(node.buffer, node.indices), align);
  } else if (is_contiguous(node.buffer, node.indices.back())) {
    std::vector<Expr> first = node.indices;
    first.back() = first.back().as<Ramp>()->base;
    store = b_.CreateAlignedStore(value, emit_address(node.buffer, first), align);
  } else {
    store = b_.CreateMaskedScatter(value, emit_lane_addresses(node.buffer, node.indices), align);
  }
  annotate(store, node.buffer);
}

void FunctionEmitter::bind_buffer(const Buffer& buffer, llvm::Argument* base) {
  llvm::LLVMContext& context = parent_.context();
  int64_t alignment = buffer->alignment ? buffer->alignment : buffer->type.bytes();
  names_.buffers[buffer.get()] = {base, emit_strides(buffer), alignment, 0};
  base->addAttr(llvm::Attribute::NoAlias);
  base->addAttr(llvm::Attribute::NoUndef);
  base->addAttr(llvm::Attribute::getWithAlignment(context, llvm::Align(alignment)));
  // With a constant compact shape, that many bytes are there; on a GPU, not for the host.
  if (!buffer->strides.empty() || gpu_context_) return;
  int64_t bytes = buffer->type.bytes();
  for (const Expr& extent : buffer->shape) {
    const IntImm* number = as_int(extent);
    if (!number || number->value <= 0 || __builtin_mul_overflow(bytes, number->value, &bytes))
      return;
  }
  base->addAttr(llvm::Attribute::getWithDereferenceableBytes(context, bytes));
}

// Bytes from the first element to the last, zero if a dimension is empty; nullopt if an extent or
// stride is negative or the number overflows.
static std::optional<int64_t> constant_bytes(const Buffer& buffer, llvm::ArrayRef<int64_t> extents,
                                             llvm::ArrayRef<int64_t> strides) {
  bool overflow = false;
  int64_t count = 1;
  for (size_t d = 0; d < extents.size(); ++d) {
    int64_t reach = 0;
    if (extents[d] < 0 || strides[d] < 0) return std::nullopt;
    if (extents[d] == 0) return 0;
    overflow |= __builtin_mul_overflow(extents[d] - 1, strides[d], &reach);
    overflow |= __builtin_add_overflow(count, reach, &count);
  }
  overflow |= __builtin_mul_overflow(count, buffer->type.bytes(), &count);
  return overflow ? std::nullopt : std::optional(count);
}

// The same, computed by the program. Sets `overflow` where constant_bytes() gives nullopt.
llvm::Value* FunctionEmitter::emit_byte_count(const Buffer& buffer,
                                              llvm::ArrayRef<llvm::Value*> extents,
                                              llvm::ArrayRef<llvm::Value*> strides,
                                              llvm::Value** overflow) {
  llvm::Value* negative = b_.getFalse();
  llvm::Value* empty = b_.getFalse();
  llvm::Value* carry = b_.getFalse();
  auto checked = [&](llvm::Intrinsic::ID id, llvm::Value* a, llvm::Value* b) {
    llvm::Value* pair = b_.CreateBinaryIntrinsic(id, a, b);
    carry = b_.CreateOr(carry, b_.CreateExtractValue(pair, 1));
    return b_.CreateExtractValue(pair, 0);
  };
  llvm::Value* zero = b_.getInt64(0);
  llvm::Value* count = b_.getInt64(1);
  for (size_t d = 0; d < extents.size(); ++d) {
    negative = b_.CreateOr(negative, b_.CreateICmpSLT(extents[d], zero));
    empty = b_.CreateOr(empty, b_.CreateICmpEQ(extents[d], zero));
    if (buffer->strides.empty()) {
      count = checked(llvm::Intrinsic::smul_with_overflow, count, extents[d]);
    } else {
      negative = b_.CreateOr(negative, b_.CreateICmpSLT(strides[d], zero));
      llvm::Value* reach = checked(llvm::Intrinsic::smul_with_overflow,
                                   b_.CreateSub(extents[d], b_.getInt64(1)), strides[d]);
      count = checked(llvm::Intrinsic::sadd_with_overflow, count, reach);
    }
  }
  llvm::Value* bytes =
      checked(llvm::Intrinsic::smul_with_overflow, count, b_.getInt64(buffer->type.bytes()));
  *overflow = b_.CreateOr(negative, b_.CreateAnd(carry, b_.CreateNot(empty)));
  return b_.CreateSelect(empty, zero, bytes);
}

void FunctionEmitter::emit_allocate(const Allocate& node) {
  const Buffer& buffer = node.buffer;
  const Loc& loc = buffer->loc ? buffer->loc : node.loc;
  llvm::SmallVector<llvm::Value*, 4> extents;
  for (const Expr& extent : buffer->shape) extents.push_back(emit(extent));
  BufferSlot made;
  made.strides = emit_strides(buffer);
  made.loop_depth = access_groups_.size();

  llvm::SmallVector<int64_t, 8> numbers;
  for (llvm::Value* value : llvm::concat<llvm::Value* const>(extents, made.strides)) {
    if (auto* number = llvm::dyn_cast<llvm::ConstantInt>(value)) {
      numbers.push_back(number->getSExtValue());
    }
  }
  bool is_constant = numbers.size() == 2 * extents.size();
  if (buffer->space == MemorySpace::Private && !is_constant) {
    throw CompileError("private-shape", loc,
                       "private buffer `" + buffer.name() + "` has a shape that is no constant",
                       "make its extents constants, or allocate it `in global`");
  }
  if (is_constant) {
    llvm::ArrayRef<int64_t> all(numbers);
    std::optional<int64_t> bytes =
        constant_bytes(buffer, all.take_front(extents.size()), all.drop_front(extents.size()));
    if (!bytes) {
      throw CompileError(
          "allocation-size", loc,
          "buffer `" + buffer.name() + "` has a negative extent or stride, or its size overflows");
    }
    if (buffer->space == MemorySpace::Global && !device_) {
      emit_workspace(made, buffer, b_.getInt64(*bytes));
    } else if (device_ && buffer->space == MemorySpace::Shared) {
      emit_shared(made, buffer, *bytes);
    } else {
      check_private(buffer, loc);
      emit_stack(made, buffer, *bytes, loc);
    }
  } else {
    llvm::Value* overflow = nullptr;
    llvm::Value* bytes = emit_byte_count(buffer, extents, made.strides, &overflow);
    exit_if(overflow, [&] {
      return emit_fail(Status::out_of_memory, name_ + ": the size of buffer `" + buffer.name() +
                                                  "` is negative or overflows");
    });
    emit_workspace(made, buffer, bytes);
  }
  names_.buffers[buffer.get()] = made;
}

void FunctionEmitter::emit_stack(BufferSlot& made, const Buffer& buffer, int64_t size,
                                 const Loc& loc) {
  if (size > (device_ ? kMaxScratchBytes : kMaxStackBytes) - stack_bytes_) {
    throw CompileError("stack-limit", loc,
                       "buffer `" + buffer.name() + "` of " + std::to_string(size) +
                           " bytes exceeds the stack: one " + (device_ ? "work-item" : "function") +
                           " may keep " +
                           std::to_string(device_ ? kMaxScratchBytes : kMaxStackBytes) +
                           " bytes in private buffers",
                       "allocate it `in global`");
  }
  stack_bytes_ += size;
  Builder at(entry_, entry_->getTerminator()->getIterator(), folder_);
  auto* type = llvm::ArrayType::get(memory_type(parent_.context(), buffer->type),
                                    size / buffer->type.bytes());
  llvm::AllocaInst* memory = at.CreateAlloca(type, nullptr, buffer.name());
  made.alignment = std::max<int64_t>(buffer->alignment, buffer->type.bytes());
  int64_t whole = device_ ? 16 : 64;  // for whole vectors
  if (size >= whole) made.alignment = std::max(made.alignment, whole);
  memory->setAlignment(llvm::Align(made.alignment));
  made.base = memory;
}

void FunctionEmitter::emit_workspace(BufferSlot& made, const Buffer& buffer, llvm::Value* bytes) {
  made.alignment = std::max(buffer->alignment, gpu_context_ ? 256 : 64);
  llvm::SmallVector<llvm::Value*, 3> args{bytes, b_.getInt64(made.alignment)};
  llvm::SmallVector<llvm::Type*, 3> types{b_.getInt64Ty(), b_.getInt64Ty()};
  if (gpu_context_) {
    args.insert(args.begin(), gpu_context_);
    types.insert(types.begin(), b_.getPtrTy());
  }
  llvm::CallInst* memory = b_.CreateCall(llvm::FunctionType::get(b_.getPtrTy(), types, false),
                                         workspace_function(/*acquire=*/true), args);
  memory->setName(buffer.name());
  memory->addRetAttr(llvm::Attribute::NoAlias);
  memory->addRetAttr(
      llvm::Attribute::getWithAlignment(parent_.context(), llvm::Align(made.alignment)));
  memory->setDoesNotThrow();
  exit_if(b_.CreateIsNull(memory), [&] { return b_.getInt32(Status::out_of_memory); });
  workspaces_.push_back(memory);
  made.base = memory;
}

llvm::Value* FunctionEmitter::workspace_function(bool acquire) {
  int64_t offset = acquire ? RuntimeOffsets::workspace_acquire : RuntimeOffsets::workspace_release;
  if (gpu_context_) {
    offset =
        acquire ? RuntimeOffsets::gpu_workspace_acquire : RuntimeOffsets::gpu_workspace_release;
  }
  return parent_.runtime_function(b_, offset);
}

}  // namespace inlay::emit
