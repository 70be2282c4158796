// Small products take some tens of nanoseconds, and so do the checks of a call by a loop over
// tables. Here they are straight code. What is right is nearly always right in all, so a branch
// that leaves is never taken: a comparison with memory and its branch are one operation for the
// CPU, fewer than a number to be gathered takes. Ranges are gathered: values that may have the same
// bits, by `or`, and those they may not have tested once. Extents, strides and addresses are held
// to so few bits that no sum or product of them overflows; what is larger takes the other way.
// Memory is read as far as what was tested before allows.
#include "backends/llvm/object/direct_call.h"

#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <bit>
#include <cstring>

#include "runtime/abi/inlay_abi.h"

namespace inlay {

namespace {

constexpr size_t kMostParams = 12;

uint64_t element_size(DType type) {
  return type.is_bool() ? 1 : type.bits / 8;
}

uint64_t alignment_of(const ParamDescription& param) {
  return param.alignment ? param.alignment : element_size(param.dtype);
}

// Addresses and lengths in bytes are below 2^61 and 2^60.
constexpr unsigned kAddressBits = 61, kLengthBits = 60;

unsigned log2_of(uint64_t value) {
  return static_cast<unsigned>(std::bit_width(value)) - 1;
}

class DirectCall {
 public:
  DirectCall(llvm::IRBuilder<>& b, llvm::Function* entry, const FunctionDescription& function,
             llvm::BasicBlock* otherwise)
      : b_(b),
        entry_(entry),
        function_(function),
        otherwise_(otherwise),
        pointer_(b.getPtrTy()),
        symbols_(function.symbols.size()),
        symbol_bits_(function.symbols.size(), 64),
        tensors_(function.params.size()) {}

  void emit(size_t index, llvm::Value* state) {
    llvm::Value* variant = load(pointer_, state, offsetof(InlayObjectState, variant));
    go_on_if(b_.CreateIsNotNull(variant));
    for_tensors([&](size_t i) { go_on_if(b_.CreateIsNotNull(argument(i))); });
    for_tensors([&](size_t i) { check_head(i); });
    for_tensors([&](size_t i) { check_extents(i); });
    for_tensors([&](size_t i) { read_strides(i); });
    for_tensors([&](size_t i) { place(i); });
    check_overlaps();
    check_bools();
    go_on_if_gathered();
    if (apart_) go_on_if(b_.CreateICmpSLT(apart_, b_.getInt64(0)));
    llvm::Value* table = load(pointer_, variant, offsetof(InlayVariant, invoke));
    call(load(pointer_, table, index * sizeof(InlayInvoke)));
  }

 private:
  // What is known of a tensor.
  struct Tensor {
    llvm::SmallVector<llvm::Value*, 6> extents;
    llvm::Value* elements = nullptr;  ///< from the first to the last, gaps included
    llvm::Value *begin = nullptr, *end = nullptr;
  };

  template <typename Each>
  void for_tensors(const Each& each) {
    for (size_t i = 0; i < function_.params.size(); ++i) {
      if (function_.params[i].is_tensor) each(i);
    }
  }

  llvm::Value* argument(size_t i) { return entry_->getArg(static_cast<unsigned>(i)); }

  llvm::Value* load(llvm::Type* type, llvm::Value* base, uint64_t offset) {
    return b_.CreateAlignedLoad(type, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), base, offset),
                                llvm::Align(type->isIntegerTy(32) ? 4 : 8));
  }
  llvm::Value* less_one(llvm::Value* value) {
    return b_.CreateAdd(value, llvm::ConstantInt::getSigned(b_.getInt64Ty(), -1));
  }

  // ---- conditions ----

  // Numbers that may have no bit of `wrong`.
  struct Bits {
    uint64_t wrong;
    llvm::Value* values;
  };

  void must_not_have(uint64_t wrong, llvm::Value* value) {
    for (Bits& bits : gathered_) {
      if (bits.wrong != wrong) continue;
      bits.values = b_.CreateOr(bits.values, value);
      return;
    }
    gathered_.push_back({wrong, value});
  }
  // 0 to 2^bits - 1.
  void must_fit(llvm::Value* value, unsigned bits) { must_not_have(~uint64_t{0} << bits, value); }
  // 1 to 2^bits.
  void must_count(llvm::Value* value, unsigned bits) { must_fit(less_one(value), bits); }

  void go_on_if_gathered() {
    for (const Bits& bits : gathered_)
      go_on_if(b_.CreateIsNull(b_.CreateAnd(bits.values, b_.getInt64(bits.wrong))));
    gathered_.clear();
  }
  void go_on_if(llvm::Value* condition) {
    auto* next = llvm::BasicBlock::Create(b_.getContext(), "direct", entry_);
    b_.CreateCondBr(condition, next, otherwise_,
                    llvm::MDBuilder(b_.getContext()).createBranchWeights(2000, 1));
    b_.SetInsertPoint(next);
  }

  // ---- tensors ----

  unsigned length_bits(const ParamDescription& param) {
    return kLengthBits - log2_of(element_size(param.dtype));
  }
  // So that the product of all extents fits, or, of strided tensors, a sum over the dimensions of
  // extent times stride.
  unsigned extent_bits(const ParamDescription& param) {
    return (length_bits(param) - 5) / static_cast<unsigned>(param.dims.size());
  }
  unsigned stride_bits(const ParamDescription& param) {
    return length_bits(param) - 5 - extent_bits(param);
  }

  // Device, rank, type, and that there is a shape: nothing behind a pointer.
  void check_head(size_t i) {
    const ParamDescription& param = function_.params[i];
    DLTensor right{};
    right.device.device_type = kDLCPU;
    right.ndim = static_cast<int32_t>(param.dims.size());
    right.dtype = dl_type(param.dtype);
    auto field = [&](llvm::IntegerType* type, size_t offset) {
      uint64_t bits = 0;
      std::memcpy(&bits, reinterpret_cast<const char*>(&right) + offset, type->getBitWidth() / 8);
      go_on_if(
          b_.CreateICmpEQ(load(type, argument(i), offset), llvm::ConstantInt::get(type, bits)));
    };
    static_assert(offsetof(DLTensor, dtype) == offsetof(DLTensor, ndim) + sizeof right.ndim);
    field(b_.getInt32Ty(), offsetof(DLTensor, device));
    field(b_.getInt64Ty(), offsetof(DLTensor, ndim));  // and dtype
    if (!param.dims.empty())
      go_on_if(b_.CreateIsNotNull(load(pointer_, argument(i), offsetof(DLTensor, shape))));
  }

  void check_extents(size_t i) {
    const ParamDescription& param = function_.params[i];
    if (param.dims.empty()) return;
    llvm::Value* shape = load(pointer_, argument(i), offsetof(DLTensor, shape));
    for (size_t d = 0; d < param.dims.size(); ++d) {
      const DimDescription& dim = param.dims[d];
      llvm::Value* extent = load(b_.getInt64Ty(), shape, d * sizeof(int64_t));
      // What equals a number that is known, or that was held to no more bits, needs no range.
      unsigned bits = extent_bits(param);
      if (dim.kind == INLAY_DIM_CONST) {
        go_on_if(b_.CreateICmpEQ(extent, b_.getInt64(static_cast<uint64_t>(dim.value))));
        extent = b_.getInt64(static_cast<uint64_t>(dim.value));
        must_count(extent, bits);
      } else {
        auto symbol = static_cast<size_t>(dim.value);
        if (symbols_[symbol]) {
          go_on_if(b_.CreateICmpEQ(extent, symbols_[symbol]));
          extent = symbols_[symbol];
        }
        symbols_[symbol] = extent;
        if (bits < symbol_bits_[symbol]) {
          must_count(extent, bits);
          symbol_bits_[symbol] = bits;
        }
      }
      tensors_[i].extents.push_back(extent);
    }
  }

  // Strides that are given take a branch of their own; both ways meet with the same values.
  void read_strides(size_t i) {
    const ParamDescription& param = function_.params[i];
    Tensor& known = tensors_[i];
    size_t rank = param.dims.size();
    llvm::SmallVector<llvm::Value*, 6> compact(rank), values(rank);
    known.elements = b_.getInt64(1);
    for (size_t d = rank; d-- > 0;) {
      compact[d] = known.elements;
      known.elements = b_.CreateMul(known.elements, known.extents[d]);
    }
    if (rank == 0) return;
    llvm::Value* strides = load(pointer_, argument(i), offsetof(DLTensor, strides));
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* given = llvm::BasicBlock::Create(b_.getContext(), "strides", entry_);
    auto* after = llvm::BasicBlock::Create(b_.getContext(), "direct", entry_);
    b_.CreateCondBr(b_.CreateIsNull(strides), after, given);
    b_.SetInsertPoint(given);
    for (size_t d = 0; d < rank; ++d)
      values[d] = load(b_.getInt64Ty(), strides, d * sizeof(int64_t));
    llvm::Value* reach = known.elements;
    if (param.strides.empty()) {
      for (size_t d = 0; d < rank; ++d) go_on_if(b_.CreateICmpEQ(values[d], compact[d]));
    } else {
      std::vector<Bits> outside;
      gathered_.swap(outside);
      reach = check_strides(param, known, values);
      go_on_if_gathered();
      gathered_.swap(outside);
    }
    given = b_.GetInsertBlock();
    auto meet = [&](llvm::Value* without, llvm::Value* with) -> llvm::Value* {
      if (without == with) return with;
      llvm::PHINode* value = b_.CreatePHI(with->getType(), 2);
      value->addIncoming(without, before);
      value->addIncoming(with, given);
      return value;
    };
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
    known.elements = meet(known.elements, reach);
    llvm::SmallVector<llvm::Value*, 6> met;
    for (size_t d = 0; d < param.strides.size(); ++d) met.push_back(meet(compact[d], values[d]));
    for (size_t d = 0; d < param.strides.size(); ++d) {
      // The stride of a single element addresses nothing: it is never compared.
      const DimDescription& dim = param.strides[d];
      llvm::Value* several = b_.CreateICmpSGT(known.extents[d], b_.getInt64(1));
      if (dim.kind == INLAY_DIM_SYMBOL) {
        symbols_[static_cast<size_t>(dim.value)] = b_.CreateSelect(several, met[d], compact[d]);
      } else {
        llvm::Value* same = b_.CreateICmpEQ(met[d], b_.getInt64(static_cast<uint64_t>(dim.value)));
        go_on_if(b_.CreateOr(b_.CreateNot(several), same));
      }
    }
  }

  // The elements from the first to the last one.
  llvm::Value* check_strides(const ParamDescription& param, const Tensor& known,
                             llvm::ArrayRef<llvm::Value*> strides) {
    llvm::Value* reach = b_.getInt64(1);
    for (size_t d = strides.size(); d-- > 0;) {
      must_fit(strides[d], stride_bits(param));
      reach = b_.CreateAdd(reach, b_.CreateMul(strides[d], less_one(known.extents[d])));
      if ((param.flags & INLAY_PARAM_WRITTEN) == 0) continue;
      // The dimensions inside of this one end before its next element.
      llvm::Value* inside = b_.getInt64(1);
      if (d + 1 < strides.size()) inside = b_.CreateMul(strides[d + 1], known.extents[d + 1]);
      go_on_if(b_.CreateICmpSGE(strides[d], inside));
    }
    return reach;
  }

  void place(size_t i) {
    const ParamDescription& param = function_.params[i];
    Tensor& known = tensors_[i];
    llvm::Value* data = load(b_.getInt64Ty(), argument(i), offsetof(DLTensor, data));
    llvm::Value* offset = load(b_.getInt64Ty(), argument(i), offsetof(DLTensor, byte_offset));
    must_count(data, kAddressBits);
    must_fit(offset, kAddressBits);
    known.begin = b_.CreateAdd(data, offset);
    known.end = b_.CreateAdd(known.begin,
                             b_.CreateMul(known.elements, b_.getInt64(element_size(param.dtype))));
    if (alignment_of(param) > 1) must_not_have(alignment_of(param) - 1, known.begin);
  }

  void check_overlaps() {
    for_tensors([&](size_t i) {
      if ((function_.params[i].flags & INLAY_PARAM_WRITTEN) == 0) return;
      for_tensors([&](size_t j) {
        bool done = j < i && (function_.params[j].flags & INLAY_PARAM_WRITTEN) != 0;
        if (j == i || done) return;
        // One of the two is negative.
        llvm::Value* before = b_.CreateSub(less_one(tensors_[i].end), tensors_[j].begin);
        llvm::Value* behind = b_.CreateSub(less_one(tensors_[j].end), tensors_[i].begin);
        llvm::Value* apart = b_.CreateOr(before, behind);
        apart_ = apart_ ? b_.CreateAnd(apart_, apart) : apart;
      });
    });
  }

  void check_bools() {
    for (size_t i = 0; i < function_.params.size(); ++i) {
      const ParamDescription& param = function_.params[i];
      if (!param.is_tensor && param.dtype.is_bool())
        go_on_if(b_.CreateICmpULE(argument(i), llvm::ConstantInt::get(argument(i)->getType(), 1)));
    }
  }

  // ---- the call ----

  // The first `count` values, each in 8 bytes.
  llvm::Value* array(llvm::ArrayRef<llvm::Value*> values) {
    if (values.empty()) return llvm::ConstantPointerNull::get(pointer_);
    llvm::IRBuilder<> at(&entry_->getEntryBlock(), entry_->getEntryBlock().begin());
    llvm::Value* memory =
        at.CreateAlloca(llvm::ArrayType::get(b_.getInt64Ty(), values.size()), nullptr, "arguments");
    for (size_t i = 0; i < values.size(); ++i)
      b_.CreateStore(values[i], b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), memory, i));
    return memory;
  }

  void call(llvm::Value* invoke) {
    llvm::SmallVector<llvm::Value*, 8> data, scalars;
    for (size_t i = 0; i < function_.params.size(); ++i) {
      const ParamDescription& param = function_.params[i];
      if (param.is_tensor) {
        data.push_back(tensors_[i].begin);
        continue;
      }
      llvm::Value* value = argument(i);
      if (value->getType()->isFloatingPointTy())
        value = b_.CreateBitCast(value, b_.getIntNTy(value->getType()->getPrimitiveSizeInBits()));
      bool has_sign = param.dtype.code == TypeCode::Int;
      scalars.push_back(has_sign ? b_.CreateSExt(value, b_.getInt64Ty())
                                 : b_.CreateZExt(value, b_.getInt64Ty()));
    }
    auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {pointer_, pointer_, pointer_}, false);
    b_.CreateRet(b_.CreateCall(type, invoke, {array(data), array(symbols_), array(scalars)}));
  }

  llvm::IRBuilder<>& b_;
  llvm::Function* entry_;
  const FunctionDescription& function_;
  llvm::BasicBlock* otherwise_;
  llvm::PointerType* pointer_;
  std::vector<Bits> gathered_;
  llvm::Value* apart_ =
      nullptr;  // negative: no output overlaps another tensor; null: there is none
  std::vector<llvm::Value*> symbols_;
  std::vector<unsigned> symbol_bits_;  // what each is held to
  std::vector<Tensor> tensors_;
};

}  // namespace

bool has_direct_call(const FunctionDescription& function) {
  if (function.params.size() > kMostParams) return false;
  std::vector<int> uses(function.symbols.size()), in_strides(function.symbols.size());
  for (const ParamDescription& param : function.params) {
    if (!param.is_tensor) continue;
    uint64_t alignment = alignment_of(param);
    if ((alignment & (alignment - 1)) != 0) return false;
    for (const auto* dims : {&param.dims, &param.strides}) {
      for (const DimDescription& dim : *dims) {
        if (dim.kind == INLAY_DIM_EXPR) return false;
        if (dim.kind != INLAY_DIM_SYMBOL) continue;
        ++uses[static_cast<size_t>(dim.value)];
        in_strides[static_cast<size_t>(dim.value)] |= dims == &param.strides;
      }
    }
  }
  for (size_t i = 0; i < uses.size(); ++i) {
    if (uses[i] == 0 || (in_strides[i] && uses[i] > 1)) return false;
  }
  return true;
}

void emit_direct_call(llvm::IRBuilder<>& b, llvm::Function* entry,
                      const FunctionDescription& function, size_t index, llvm::Value* state,
                      llvm::BasicBlock* otherwise) {
  DirectCall(b, entry, function, otherwise).emit(index, state);
}

}  // namespace inlay
