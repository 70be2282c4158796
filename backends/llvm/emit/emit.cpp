// Emission of a module: one body and one invoke function for each function of the program.
#include "backends/llvm/emit/emit.h"

#include <llvm/IR/Verifier.h>
#include <llvm/Target/TargetMachine.h>

#include "backends/llvm/emit/function_emitter.h"
#include "backends/llvm/machine.h"
#include "runtime/abi/inlay_abi.h"

namespace inlay {

namespace emit {

const int64_t RuntimeOffsets::parallel_for = offsetof(InlayRuntimeTable, parallel_for);
const int64_t RuntimeOffsets::workspace_acquire = offsetof(InlayRuntimeTable, workspace_acquire);
const int64_t RuntimeOffsets::workspace_release = offsetof(InlayRuntimeTable, workspace_release);
const int64_t RuntimeOffsets::fail = offsetof(InlayRuntimeTable, fail);
const int64_t RuntimeOffsets::vector_function = offsetof(InlayRuntimeTable, vector_function);
const int64_t RuntimeOffsets::kernel_launch = offsetof(InlayRuntimeTable, kernel_launch);
const int64_t RuntimeOffsets::gpu_workspace_acquire =
    offsetof(InlayRuntimeTable, gpu_workspace_acquire);
const int64_t RuntimeOffsets::gpu_workspace_release =
    offsetof(InlayRuntimeTable, gpu_workspace_release);
const int64_t RuntimeOffsets::gpu_assert_begin = offsetof(InlayRuntimeTable, gpu_assert_begin);
const int64_t RuntimeOffsets::gpu_assert_end = offsetof(InlayRuntimeTable, gpu_assert_end);
const int32_t Status::ok = INLAY_OK;
const int32_t Status::out_of_memory = INLAY_ERROR_OUT_OF_MEMORY;
const int32_t Status::assertion = INLAY_ERROR_ASSERT;

ModuleEmitter::ModuleEmitter(llvm::LLVMContext& context, const LoweredProgram& lowered,
                             const Target& target, const llvm::TargetMachine& machine,
                             const EmitOptions& options)
    : context_(context),
      lowered_(lowered),
      target_(target),
      options_(options),
      features_(feature_string(target)) {
  arith_facts_.converts_f16 = target.arch == "aarch64" || target.arch == "amdgpu" ||
                              target.features.count("f16c") || target.features.count("avx512f");
  // Quotient and remainder of 16 bits together are a node that its instruction selection lacks,
  // where nothing has widened them before: without optimization.
  if (target.arch == "amdgpu") arith_facts_.division_bits = 32;
  result_.module = std::make_unique<llvm::Module>(lowered.program.name, context);
  module().setTargetTriple(target.triple);
  module().setDataLayout(machine.createDataLayout());
  module().setPICLevel(llvm::PICLevel::BigPIC);
}

EmittedModule ModuleEmitter::emit() {
  for (const Function* function : lowered_.program.functions()) {
    emit_function(*function, function->body);
  }
  return take();
}

EmittedModule ModuleEmitter::take() {
  if (debug_) debug_->finalize();
  return std::move(result_);
}

llvm::Function* ModuleEmitter::make_function(llvm::FunctionType* type, bool internal,
                                             const std::string& name) {
  auto* function = llvm::Function::Create(
      type, internal ? llvm::Function::InternalLinkage : llvm::Function::ExternalLinkage, name,
      module());
  if (!internal) function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->setDSOLocal(true);
  function->setDoesNotThrow();
  function->addFnAttr("target-cpu", target_.cpu);
  function->addFnAttr("target-features", features_);
  return function;
}

llvm::Value* ModuleEmitter::runtime_function(Builder& builder, int64_t offset) {
  llvm::GlobalVariable* state = module().getGlobalVariable(kStateSymbol);
  if (!state) {
    state = new llvm::GlobalVariable(
        module(), llvm::ArrayType::get(builder.getPtrTy(), sizeof(InlayObjectState) / 8), false,
        llvm::GlobalValue::ExternalLinkage, nullptr, kStateSymbol);
    state->setVisibility(llvm::GlobalValue::HiddenVisibility);
    state->setDSOLocal(true);
  }
  // The runtime fills the state before any code runs, and never changes it or its table.
  llvm::MDNode* empty = llvm::MDNode::get(context_, {});
  auto load = [&](llvm::Value* address) {
    llvm::LoadInst* value = builder.CreateAlignedLoad(builder.getPtrTy(), address, llvm::Align(8));
    value->setMetadata(llvm::LLVMContext::MD_invariant_load, empty);
    return value;
  };
  llvm::Value* runtime = load(state);
  return load(builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), runtime, offset));
}

llvm::Constant* ModuleEmitter::text(const std::string& value) {
  llvm::Constant*& known = texts_[value];
  if (!known) {
    llvm::Constant* data = llvm::ConstantDataArray::getString(context_, value);
    auto* global = new llvm::GlobalVariable(module(), data->getType(), true,
                                            llvm::GlobalValue::PrivateLinkage, data, "inlay.text");
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    known = global;
  }
  return known;
}

uint32_t ModuleEmitter::add_call(ExternCall call) {
  call.number = static_cast<uint32_t>(result_.calls.size());
  result_.calls.push_back(std::move(call));
  return result_.calls.back().number;
}

uint64_t ModuleEmitter::add_asm(const Loc& loc) {
  result_.asm_locs.push_back(loc);
  return kAsmCookie + result_.asm_locs.size() - 1;
}

void ModuleEmitter::emit_function(const Function& function, const Stmt& function_body) {
  std::vector<Var> symbols = function.symbols();
  llvm::SmallVector<llvm::Type*, 16> types;
  size_t first = 0;  // of the parameters
  if (device_) {
    types.push_back(llvm::PointerType::getUnqual(context_));
    first = 1;
  }
  for (const Param& param : function.params) {
    auto* var = std::get_if<Var>(&param);
    types.push_back(var ? value_type(context_, var->type())
                        : llvm::PointerType::getUnqual(context_));
  }
  types.append(symbols.size(), llvm::Type::getInt64Ty(context_));
  llvm::Type* status = llvm::Type::getInt32Ty(context_);
  llvm::Function* body = make_function(llvm::FunctionType::get(status, types, false),
                                       /*internal=*/true, "inlay.fn." + function.name);
  body->addFnAttr(llvm::Attribute::NoInline);  // inlined, the buffers would lose `noalias`
  body->addFnAttr(kFunctionAttribute, function.name);

  describe(body, function.loc);

  FunctionEmitter emitter(*this, function.name, body);
  if (device_) {
    body->getArg(0)->setName("inlay.context");
    emitter.set_gpu_context(body->getArg(0));
  }
  size_t at = first;
  for (const Param& param : function.params) {
    llvm::Argument* argument = body->getArg(at++);
    argument->setName(param_name(param));
    if (auto* var = std::get_if<Var>(&param)) emitter.bind_var(*var, argument);
  }
  for (const Var& symbol : symbols) {
    llvm::Argument* argument = body->getArg(at++);
    argument->setName(symbol.name());
    emitter.bind_var(symbol, argument);
  }
  at = first;
  for (const Param& param : function.params) {
    if (auto* buffer = std::get_if<Buffer>(&param)) {
      body->getArg(at)->addAttr(
          llvm::Attribute::get(context_, kParamAttribute, std::to_string(at - first)));
      emitter.bind_buffer(*buffer, body->getArg(at));
      // An extent is never negative.
      for (const Expr& extent : (*buffer)->shape) {
        auto* argument = llvm::dyn_cast_or_null<llvm::Argument>(emitter.value_of(extent));
        if (argument && !argument->hasAttribute(llvm::Attribute::Range)) {
          argument->addAttr(llvm::Attribute::get(
              context_, llvm::Attribute::Range,
              llvm::ConstantRange(llvm::APInt(64, 0), llvm::APInt::getSignedMinValue(64))));
        }
      }
    }
    ++at;
  }
  emitter.emit_body(function_body);

  std::string invoke_name = options_.symbol_prefix + "inlay.invoke." + function.name;
  emit_invoke(function, body, invoke_name);
  result_.functions.push_back({function.name, body->getName().str(), invoke_name});
}

void ModuleEmitter::emit_invoke(const Function& function, llvm::Function* body,
                                const std::string& name) {
  llvm::Type* pointer = llvm::PointerType::getUnqual(context_);
  unsigned first = device_ ? 1 : 0;
  llvm::SmallVector<llvm::Type*, 4> types(3 + first, pointer);
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context_), types, false);
  llvm::Function* invoke = make_function(type, /*internal=*/false, name);
  Builder b(llvm::BasicBlock::Create(context_, "entry", invoke),
            llvm::TargetFolder(module().getDataLayout()));
  auto element = [&](unsigned array, size_t index) {
    return b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), invoke->getArg(first + array), index);
  };
  llvm::SmallVector<llvm::Value*, 16> args;
  if (device_) args.push_back(invoke->getArg(0));
  size_t buffers = 0, scalars = 0;
  for (const Param& param : function.params) {
    if (auto* var = std::get_if<Var>(&param)) {
      llvm::Value* value = b.CreateAlignedLoad(memory_type(context_, var->type()),
                                               element(2, scalars++), llvm::Align(8));
      args.push_back(var->type().is_bool() ? b.CreateIsNotNull(value) : value);
    } else {
      args.push_back(b.CreateAlignedLoad(pointer, element(0, buffers++), llvm::Align(8)));
    }
  }
  for (size_t i = 0; i < function.symbols().size(); ++i) {
    args.push_back(b.CreateAlignedLoad(b.getInt64Ty(), element(1, i), llvm::Align(8)));
  }
  b.CreateRet(b.CreateCall(body, args));
}

}  // namespace emit

EmittedModule emit_module(llvm::LLVMContext& context, const LoweredProgram& lowered,
                          const Target& target, const llvm::TargetMachine& machine,
                          const EmitOptions& options) {
  EmittedModule emitted = emit::ModuleEmitter(context, lowered, target, machine, options).emit();
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  bool broken = llvm::verifyModule(*emitted.module, &stream);
  if (broken) throw InternalError("the emitted module is malformed: " + stream.str());
  return emitted;
}

}  // namespace inlay
