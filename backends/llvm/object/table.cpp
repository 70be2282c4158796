// Tables, state, note and typed entries, as constants and functions of one LLVM module. The layouts
// are those of inlay_abi.h, field by field, and each table's size is checked against it.
#include "backends/llvm/object/table.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

#include "backends/llvm/emit/emit.h"
#include "backends/llvm/machine.h"
#include "backends/llvm/object/direct_call.h"
#include "backends/llvm/object/libc.h"
#include "core/support/build_id.h"
#include "runtime/abi/inlay_abi.h"

namespace inlay {

DLDataType dl_type(DType type) {
  DLDataType result{};
  result.bits = type.is_bool() ? 8 : type.bits;
  result.lanes = 1;
  switch (type.code) {
    case TypeCode::Bool:
      result.code = INLAY_DTYPE_BOOL;
      break;
    case TypeCode::Int:
      result.code = kDLInt;
      break;
    case TypeCode::UInt:
      result.code = kDLUInt;
      break;
    case TypeCode::BFloat:
      result.code = kDLBfloat;
      break;
    default:
      result.code = kDLFloat;
      break;
  }
  return result;
}

namespace {

std::string object_symbol(const ObjectDescription& object) {
  if (!object.relocatable) return INLAY_OBJECT_SYMBOL;
  std::string name = INLAY_OBJECT_SYMBOL;
  name += "_";
  for (char c : object.program) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    name += plain ? c : '_';
  }
  return name;
}

class TableMaker {
 public:
  TableMaker(llvm::LLVMContext& context, const ObjectDescription& object, const Target& target,
             const llvm::TargetMachine& machine)
      : context_(context),
        object_(object),
        target_(target),
        module_(std::make_unique<llvm::Module>("inlay.table", context)),
        pointer_(llvm::PointerType::getUnqual(context)),
        i32_(llvm::Type::getInt32Ty(context)),
        i64_(llvm::Type::getInt64Ty(context)) {
    module_->setTargetTriple(target.triple);
    module_->setDataLayout(machine.createDataLayout());
    module_->setPICLevel(llvm::PICLevel::BigPIC);
  }

  std::unique_ptr<llvm::Module> make(const std::set<std::string>& libc_symbols) {
    make_state();
    uint32_t libc_size = define_libc_shims(*module_, libc_symbols, target_);
    make_table(libc_size);
    for (size_t i = 0; i < object_.functions.size(); ++i) make_entry(i);
    if (!object_.relocatable) make_note();
    return std::move(module_);
  }

 private:
  llvm::Constant* i32(uint64_t value) { return llvm::ConstantInt::get(i32_, value); }
  llvm::Constant* i64(uint64_t value) { return llvm::ConstantInt::get(i64_, value); }
  llvm::Constant* null() { return llvm::ConstantPointerNull::get(pointer_); }

  llvm::Constant* record(llvm::ArrayRef<llvm::Constant*> fields, size_t size) {
    llvm::Constant* value = llvm::ConstantStruct::getAnon(context_, fields);
    INLAY_CHECK(module_->getDataLayout().getTypeAllocSize(value->getType()) == size,
                "a table that inlay_abi.h lays out otherwise");
    return value;
  }

  llvm::Constant* constant(llvm::Constant* value, const char* name) {
    return new llvm::GlobalVariable(*module_, value->getType(), true,
                                    llvm::GlobalValue::InternalLinkage, value, name);
  }

  // The address of an array of `values`, null if there are none.
  llvm::Constant* array(llvm::ArrayRef<llvm::Constant*> values, const char* name) {
    if (values.empty()) return null();
    auto* type = llvm::ArrayType::get(values[0]->getType(), values.size());
    return constant(llvm::ConstantArray::get(type, values), name);
  }

  llvm::Constant* text(const std::string& value) {
    auto* global = llvm::cast<llvm::GlobalVariable>(
        constant(llvm::ConstantDataArray::getString(context_, value), "inlay.name"));
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  llvm::Constant* texts(const std::vector<std::string>& values, const char* name) {
    llvm::SmallVector<llvm::Constant*, 16> pointers;
    for (const std::string& value : values) pointers.push_back(text(value));
    return array(pointers, name);
  }

  llvm::Constant* dims(const std::vector<DimDescription>& values) {
    llvm::SmallVector<llvm::Constant*, 8> rows;
    for (const DimDescription& dim : values) {
      llvm::SmallVector<llvm::Constant*, 16> words;
      for (int64_t word : dim.code) words.push_back(i64(static_cast<uint64_t>(word)));
      rows.push_back(record({i64(static_cast<uint64_t>(dim.value)), array(words, "inlay.shape"),
                             i32(dim.kind), i32(dim.code.size())},
                            sizeof(InlayDim)));
    }
    return array(rows, "inlay.dims");
  }

  llvm::Constant* param(const ParamDescription& value) {
    DLDataType type = dl_type(value.dtype);
    auto* i8 = llvm::Type::getInt8Ty(context_);
    auto* i16 = llvm::Type::getInt16Ty(context_);
    return record({text(value.name), i32(value.is_tensor ? INLAY_PARAM_TENSOR : INLAY_PARAM_SCALAR),
                   i32(value.flags), llvm::ConstantInt::get(i8, type.code),
                   llvm::ConstantInt::get(i8, type.bits), llvm::ConstantInt::get(i16, type.lanes),
                   i32(value.dims.size()), i32(value.alignment), i32(value.is_tensor ? kDLCPU : 0),
                   dims(value.dims), dims(value.strides)},
                  sizeof(InlayParam));
  }

  llvm::Constant* function(const FunctionDescription& value) {
    llvm::SmallVector<llvm::Constant*, 16> params;
    for (const ParamDescription& row : value.params) params.push_back(param(row));
    return record(
        {text(value.name), array(params, "inlay.params"), texts(value.symbols, "inlay.symbols"),
         i32(value.params.size()), i32(value.symbols.size())},
        sizeof(InlayFunction));
  }

  llvm::Constant* variant(const VariantDescription& value) {
    llvm::SmallVector<llvm::Constant*, 16> invoke;
    auto* type = llvm::FunctionType::get(i32_, {pointer_, pointer_, pointer_}, false);
    for (const std::string& name : value.invoke) invoke.push_back(hidden_function(type, name));
    return record({text(value.name), texts(value.features, "inlay.features"),
                   array(invoke, "inlay.invoke"), i32(value.features.size()), i32(0)},
                  sizeof(InlayVariant));
  }

  llvm::Constant* kernel(const DeviceKernel& value) {
    llvm::SmallVector<llvm::Constant*, 16> args;
    for (const DeviceKernel::Argument& arg : value.args) {
      args.push_back(
          record({i32(arg.offset), i32(arg.size),
                  i32(arg.pointer ? INLAY_KERNEL_ARG_POINTER : INLAY_KERNEL_ARG_VALUE), i32(0)},
                 sizeof(InlayKernelArg)));
    }
    return record({text(value.name), text(value.function), array(args, "inlay.kernel_args"),
                   i32(value.args.size()), i32(value.kernarg_size), i32(value.workgroup[0]),
                   i32(value.workgroup[1]), i32(value.workgroup[2]), i32(value.lds_bytes),
                   i32(value.dynamic_lds), i32(value.private_bytes), i32(value.code), i32(0)},
                  sizeof(InlayGpuKernel));
  }

  llvm::Constant* gpu_code(const std::string& bytes) {
    auto* data = llvm::cast<llvm::GlobalVariable>(constant(
        llvm::ConstantDataArray::getString(context_, bytes, /*AddNull=*/false), "inlay.gpu_code"));
    data->setAlignment(llvm::Align(4096));  // as the loader of a driver maps it
    return record({data, i64(bytes.size())}, sizeof(InlayGpuCode));
  }

  llvm::Constant* gpu_entry(const GpuDescription& value) {
    llvm::SmallVector<llvm::Constant*, 16> codes, kernels, invoke;
    for (const std::string& bytes : value.codes) codes.push_back(gpu_code(bytes));
    for (const DeviceKernel& row : value.kernels) kernels.push_back(kernel(row));
    auto* type = llvm::FunctionType::get(i32_, {pointer_, pointer_, pointer_, pointer_}, false);
    for (const std::string& name : value.invoke) invoke.push_back(hidden_function(type, name));
    return record(
        {text(value.target_id), array(codes, "inlay.gpu_codes"), array(kernels, "inlay.kernels"),
         array(invoke, "inlay.gpu_invoke"), i32(value.codes.size()), i32(value.kernels.size())},
        sizeof(InlayGpuEntry));
  }

  llvm::Function* hidden_function(llvm::FunctionType* type, const std::string& name) {
    auto* declared =
        llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, *module_);
    declared->setVisibility(llvm::GlobalValue::HiddenVisibility);
    declared->setDSOLocal(true);
    return declared;
  }

  void make_state() {
    auto* type = llvm::ArrayType::get(pointer_, sizeof(InlayObjectState) / sizeof(void*));
    state_ = new llvm::GlobalVariable(*module_, type, false, llvm::GlobalValue::ExternalLinkage,
                                      llvm::ConstantAggregateZero::get(type), kStateSymbol);
    state_->setVisibility(llvm::GlobalValue::HiddenVisibility);
    state_->setDSOLocal(true);
    state_->setAlignment(llvm::Align(64));
  }

  void make_table(uint32_t libc_size) {
    llvm::SmallVector<llvm::Constant*, 16> functions, variants, gpus;
    for (const FunctionDescription& row : object_.functions) functions.push_back(function(row));
    for (const VariantDescription& row : object_.variants) variants.push_back(variant(row));
    for (const GpuDescription& row : object_.gpus) gpus.push_back(gpu_entry(row));
    uint64_t runtime_size =
        gpus.empty() ? offsetof(InlayRuntimeTable, kernel_launch) : sizeof(InlayRuntimeTable);
    llvm::Constant* value =
        record({i64(INLAY_OBJECT_MAGIC), i32(INLAY_ABI_VERSION), i32(sizeof(InlayCodeObject)),
                i32(runtime_size), i32(libc_size), text(object_.program),
                text("inlay " + std::string(build_id())), array(functions, "inlay.functions"),
                array(variants, "inlay.variants"), array(gpus, "inlay.gpu_entries"), state_,
                i32(object_.functions.size()), i32(object_.variants.size()),
                i32(object_.gpus.size()), i32(object_.machine)},
               sizeof(InlayCodeObject));
    table_ = constant(value, "inlay.table");
    auto* exported =
        llvm::GlobalAlias::create(value->getType(), 0, llvm::GlobalValue::ExternalLinkage,
                                  object_symbol(object_), table_, module_.get());
    exported->setVisibility(llvm::GlobalValue::DefaultVisibility);
  }

  // See "THE CALL" in inlay_abi.h.
  void make_entry(size_t index) {
    const FunctionDescription& function = object_.functions[index];
    llvm::SmallVector<llvm::Type*, 16> types;
    for (const ParamDescription& param : function.params) {
      types.push_back(param.is_tensor ? pointer_ : scalar_type(param.dtype));
    }
    auto* entry = llvm::Function::Create(llvm::FunctionType::get(i32_, types, false),
                                         llvm::GlobalValue::ExternalLinkage,
                                         INLAY_ENTRY_PREFIX + function.name, *module_);
    entry->setDoesNotThrow();
    set_target_attributes(*entry, target_);

    llvm::IRBuilder<> b(llvm::BasicBlock::Create(context_, "entry", entry));
    if (!object_.variants.empty() && has_direct_call(function)) {
      auto* checked = llvm::BasicBlock::Create(context_, "checked", entry);
      emit_direct_call(b, entry, function, index, state_, checked);
      b.SetInsertPoint(checked);
    }
    auto* value_type = llvm::StructType::get(i32_, i32_, i64_);
    llvm::IRBuilder<> first(&entry->getEntryBlock(), entry->getEntryBlock().begin());
    llvm::Value* values = first.CreateAlloca(
        llvm::ArrayType::get(value_type, std::max<size_t>(function.params.size(), 1)));
    auto load = [&](llvm::Value* base, uint64_t offset) {
      return b.CreateAlignedLoad(
          pointer_, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset), llvm::Align(8));
    };
    llvm::Value* runtime = load(state_, offsetof(InlayObjectState, runtime));
    auto* not_loaded = llvm::BasicBlock::Create(context_, "not_loaded", entry);
    auto* loaded = llvm::BasicBlock::Create(context_, "loaded", entry);
    b.CreateCondBr(b.CreateIsNull(runtime), not_loaded, loaded);
    b.SetInsertPoint(not_loaded);
    b.CreateRet(b.getInt32(INLAY_ERROR_NOT_LOADED));
    b.SetInsertPoint(loaded);
    for (size_t i = 0; i < function.params.size(); ++i) {
      llvm::Value* slot = b.CreateConstInBoundsGEP1_64(value_type, values, i);
      bool tensor = function.params[i].is_tensor;
      b.CreateStore(b.getInt32(tensor ? INLAY_VALUE_TENSOR : INLAY_VALUE_BITS),
                    b.CreateStructGEP(value_type, slot, 0));
      b.CreateStore(b.getInt32(0), b.CreateStructGEP(value_type, slot, 1));
      llvm::Value* argument = entry->getArg(i);
      if (!tensor) argument = to_bits(b, argument);
      b.CreateStore(argument, b.CreateStructGEP(value_type, slot, 2));
    }
    auto* type = llvm::FunctionType::get(i32_, {pointer_, i32_, pointer_, i32_}, false);
    b.CreateRet(
        b.CreateCall(type, load(runtime, offsetof(InlayRuntimeTable, enter)),
                     {table_, b.getInt32(index), values, b.getInt32(function.params.size())}));
  }

  llvm::Type* scalar_type(DType type) {
    if (type.is_bool()) return llvm::Type::getInt8Ty(context_);
    if (type == kF32) return llvm::Type::getFloatTy(context_);
    if (type == kF64) return llvm::Type::getDoubleTy(context_);
    return llvm::Type::getIntNTy(context_, type.bits);
  }

  llvm::Value* to_bits(llvm::IRBuilder<>& b, llvm::Value* value) {
    if (value->getType()->isFloatingPointTy()) {
      value = b.CreateBitCast(value, b.getIntNTy(value->getType()->getPrimitiveSizeInBits()));
    }
    return b.CreateZExt(value, i64_);
  }

  void make_note() {
    auto* i8 = llvm::Type::getInt8Ty(context_);
    llvm::Constant* name = llvm::ConstantDataArray::getString(
        context_, llvm::StringRef(INLAY_NOTE_NAME "\0\0\0", 8), /*AddNull=*/false);
    llvm::Constant* value = record(
        {i32(sizeof(INLAY_NOTE_NAME)), i32(sizeof(InlayNote) - offsetof(InlayNote, abi_version)),
         i32(INLAY_NOTE_TYPE), name, i32(INLAY_ABI_VERSION),
         llvm::ConstantAggregateZero::get(llvm::ArrayType::get(i8, 8))},
        sizeof(InlayNote));
    auto* note = llvm::cast<llvm::GlobalVariable>(constant(value, "inlay.note"));
    note->setSection(".note.inlay");
    note->setAlignment(llvm::Align(4));
    llvm::appendToUsed(*module_, {note});
  }

  llvm::LLVMContext& context_;
  const ObjectDescription& object_;
  const Target& target_;
  std::unique_ptr<llvm::Module> module_;
  llvm::PointerType* pointer_;
  llvm::Type* i32_;
  llvm::Type* i64_;
  llvm::GlobalVariable* state_ = nullptr;
  llvm::Constant* table_ = nullptr;
};

}  // namespace

std::vector<std::string> exported_symbols(const ObjectDescription& object) {
  std::vector<std::string> names{object_symbol(object)};
  for (const FunctionDescription& function : object.functions) {
    names.push_back(INLAY_ENTRY_PREFIX + function.name);
  }
  return names;
}

std::unique_ptr<llvm::Module> make_table_module(llvm::LLVMContext& context,
                                                const ObjectDescription& object,
                                                const std::set<std::string>& libc_symbols,
                                                const Target& target,
                                                const llvm::TargetMachine& machine) {
  return TableMaker(context, object, target, machine).make(libc_symbols);
}

}  // namespace inlay
