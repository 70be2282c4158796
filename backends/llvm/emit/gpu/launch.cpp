// Host code that launches kernels, and the modules of a program for a GPU.
#include <llvm/IR/Verifier.h>
#include <llvm/Target/TargetMachine.h>

#include "backends/llvm/emit/function_emitter.h"
#include "backends/llvm/emit/uses.h"

namespace inlay {

unsigned address_space(MemorySpace space) {
  switch (space) {
    case MemorySpace::Global:
      return kGlobalSpace;
    case MemorySpace::Shared:
      return kSharedSpace;
    case MemorySpace::Private:
      return kPrivateSpace;
  }
  return kGenericSpace;
}

namespace emit {

namespace {

// What the host passes and the kernel takes.
struct Argument {
  llvm::Value* host = nullptr;  // null: an address that is computed from `view`
  llvm::Type* type = nullptr;   // in the kernel
  std::string name;
};

}  // namespace

const KernelPlan* ModuleEmitter::kernel_of(const StmtNode* stmt) const {
  if (!plan_) return nullptr;
  auto found = plan_->kernel_of.find(stmt);
  return found == plan_->kernel_of.end() ? nullptr : &plan_->kernels[found->second];
}

EmittedModule ModuleEmitter::emit_host(const std::vector<HostPlan>& plans, ModuleEmitter& device) {
  device_ = &device;
  std::vector<const Function*> functions = lowered_.program.functions();
  for (size_t i = 0; i < functions.size(); ++i) {
    plan_ = &plans[i];
    emit_function(*functions[i], plans[i].body);
  }
  plan_ = nullptr;
  return take();
}

void FunctionEmitter::emit_launch(const KernelPlan& plan) {
  ModuleEmitter& device = *parent_.device();
  llvm::LLVMContext& context = parent_.context();
  const llvm::DataLayout& layout = device.module().getDataLayout();
  std::array<llvm::Value*, 3> grid;
  for (size_t d = 0; d < 3; ++d) grid[d] = plan.grid[d] ? emit(plan.grid[d]) : b_.getInt64(1);

  EmittedKernel kernel;
  kernel.name = plan.ready ? plan.ready->symbol : plan.name;
  kernel.function = name_;
  kernel.loc = plan.loc;
  kernel.workgroup = plan.workgroup;
  kernel.serial = plan.serial;
  kernel.ready = plan.ready != nullptr;
  kernel.required = plan.required;

  llvm::SmallVector<Argument, 16> arguments;
  llvm::DenseMap<llvm::Value*, size_t> position;
  llvm::Type* global = llvm::PointerType::get(context, kGlobalSpace);
  auto capture = [&](llvm::Value* value, bool is_buffer, const std::string& name) {
    if (llvm::isa<llvm::Constant>(value) || !position.insert({value, arguments.size()}).second) {
      return;
    }
    llvm::Type* type = is_buffer ? global : value->getType();
    if (type->isIntegerTy(1)) type = b_.getInt8Ty();
    arguments.push_back({value, type, name});
  };
  std::vector<Buffer> buffers;
  Uses uses;
  if (plan.ready) {
    for (const Expr& arg : plan.ready->args) {
      llvm::Value* value = emit_argument(arg);
      if (value->getType()->isIntegerTy(1)) value = b_.CreateZExt(value, b_.getInt8Ty());
      bool is_pointer = arg.type().is_pointer();
      arguments.push_back({value, is_pointer ? global : value->getType(), ""});
    }
  } else {
    uses.visit(plan.body);
    for (const Buffer& buffer : uses.buffers) {
      auto found = names_.buffers.find(buffer.get());
      if (found == names_.buffers.end()) continue;  // allocated in the kernel
      buffers.push_back(buffer);
      capture(found->second.base, true, buffer.name());
      for (llvm::Value* stride : found->second.strides) capture(stride, false, "");
    }
    for (const VarNode* var : uses.vars) {
      auto found = names_.vars.find(var);
      if (found != names_.vars.end()) capture(found->second, false, var->name);
    }
  }

  llvm::Value* assert_word = plan.asserts.empty() ? nullptr : emit_assert_begin();
  if (assert_word) arguments.push_back({assert_word, global, "inlay.assert"});

  // The kernarg segment: explicit arguments one after the other, each aligned as its type.
  uint64_t size = 0;
  llvm::Align alignment(8);
  llvm::SmallVector<llvm::Type*, 16> types;
  for (const Argument& argument : arguments) {
    uint64_t bytes = layout.getTypeAllocSize(argument.type);
    llvm::Align own = layout.getABITypeAlign(argument.type);
    size = llvm::alignTo(size, own);
    kernel.args.push_back({uint32_t(size), uint32_t(bytes), argument.type->isPointerTy()});
    size += bytes;
    types.push_back(argument.type);
  }
  kernel.kernarg_size = uint32_t(size);

  // The kernel.
  if (!plan.ready) {
    llvm::Function* function = device.make_function(
        llvm::FunctionType::get(b_.getVoidTy(), types, false), /*internal=*/false, plan.name);
    function->setCallingConv(llvm::CallingConv::AMDGPU_KERNEL);
    function->setVisibility(llvm::GlobalValue::ProtectedVisibility);
    std::string items = std::to_string(plan.work_items());
    function->addFnAttr("amdgpu-flat-work-group-size", items + "," + items);
    function->addFnAttr("uniform-work-group-size", "true");
    function->addFnAttr(kFunctionAttribute, name_);
    llvm::SmallVector<llvm::Metadata*, 3> required;
    for (int64_t extent : plan.workgroup) {
      required.push_back(llvm::ConstantAsMetadata::get(b_.getInt32(uint32_t(extent))));
    }
    function->setMetadata("reqd_work_group_size", llvm::MDNode::get(context, required));
    device.describe(function, plan.loc);
    FunctionEmitter inner(device, name_, function);
    auto inside = [&](llvm::Value* value) -> llvm::Value* {
      auto found = position.find(value);
      if (found == position.end()) return value;
      llvm::Argument* argument = function->getArg(unsigned(found->second));
      return value->getType()->isIntegerTy(1) ? inner.b_.CreateIsNotNull(argument) : argument;
    };
    for (size_t i = 0; i < arguments.size(); ++i) {
      function->getArg(unsigned(i))->setName(arguments[i].name);
      function->getArg(unsigned(i))->addAttr(llvm::Attribute::NoUndef);
    }
    for (const Buffer& buffer : buffers) {
      const BufferSlot& outer = names_.buffers[buffer.get()];
      inner.take_buffer(buffer, outer, llvm::cast<llvm::Argument>(inside(outer.base)));
      for (llvm::Value*& stride : inner.names_.buffers[buffer.get()].strides) {
        stride = inside(stride);
      }
    }
    for (const VarNode* var : uses.vars) {
      auto found = names_.vars.find(var);
      if (found != names_.vars.end()) inner.names_.vars[var] = inside(found->second);
    }
    inner.emit_kernel_body(
        plan, assert_word ? function->getArg(unsigned(arguments.size() - 1)) : nullptr);
  }

  // The launch.
  Builder at(entry_, entry_->getTerminator()->getIterator(), folder_);
  auto* segment_type = llvm::ArrayType::get(b_.getInt8Ty(), std::max<uint64_t>(size, 1));
  llvm::AllocaInst* segment = at.CreateAlloca(segment_type, nullptr, "inlay.kernarg");
  segment->setAlignment(alignment);
  auto* grid_type = llvm::ArrayType::get(b_.getInt64Ty(), 3);
  llvm::AllocaInst* extents = at.CreateAlloca(grid_type, nullptr, "inlay.grid");
  for (size_t i = 0; i < arguments.size(); ++i) {
    llvm::Value* value = arguments[i].host;
    if (value->getType()->isIntegerTy(1)) value = b_.CreateZExt(value, b_.getInt8Ty());
    b_.CreateStore(value,
                   b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), segment, kernel.args[i].offset));
  }
  for (unsigned d = 0; d < 3; ++d) {
    b_.CreateStore(grid[d], b_.CreateConstInBoundsGEP2_64(grid_type, extents, 0, d));
  }
  auto* type = llvm::FunctionType::get(
      b_.getInt32Ty(),
      {b_.getPtrTy(), b_.getInt32Ty(), b_.getPtrTy(), b_.getPtrTy(), b_.getInt64Ty()}, false);
  llvm::CallInst* launched =
      b_.CreateCall(type, parent_.runtime_function(b_, RuntimeOffsets::kernel_launch),
                    {gpu_context_, b_.getInt32(uint32_t(device.kernels().size())), extents, segment,
                     b_.getInt64(size)});
  launched->setDoesNotThrow();
  device.kernels().push_back(std::move(kernel));
  llvm::Value* status = assert_word ? emit_assert_end(plan, assert_word, launched) : launched;
  exit_if(b_.CreateIsNotNull(status), [&]() -> llvm::Value* { return status; });
}

llvm::Value* FunctionEmitter::emit_assert_begin() {
  Builder at(entry_, entry_->getTerminator()->getIterator(), folder_);
  llvm::AllocaInst* word = at.CreateAlloca(b_.getPtrTy(), nullptr, "inlay.assert");
  auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy(), b_.getPtrTy()}, false);
  llvm::CallInst* status = b_.CreateCall(
      type, parent_.runtime_function(b_, RuntimeOffsets::gpu_assert_begin), {gpu_context_, word});
  status->setDoesNotThrow();
  exit_if(b_.CreateIsNotNull(status), [&]() -> llvm::Value* { return status; });
  return b_.CreateLoad(b_.getPtrTy(), word);
}

llvm::Value* FunctionEmitter::emit_assert_end(const KernelPlan& plan, llvm::Value* word,
                                              llvm::Value* launched) {
  llvm::SmallVector<llvm::Constant*, 4> texts;
  for (const Assert* each : plan.asserts) {
    texts.push_back(parent_.text(name_ + ": " + each->message));
  }
  auto* array = llvm::ArrayType::get(b_.getPtrTy(), texts.size());
  auto* messages =
      new llvm::GlobalVariable(parent_.module(), array, true, llvm::GlobalValue::PrivateLinkage,
                               llvm::ConstantArray::get(array, texts), plan.name + ".asserts");
  auto* type = llvm::FunctionType::get(
      b_.getInt32Ty(),
      {b_.getPtrTy(), b_.getPtrTy(), b_.getInt32Ty(), b_.getPtrTy(), b_.getInt32Ty()}, false);
  llvm::CallInst* status =
      b_.CreateCall(type, parent_.runtime_function(b_, RuntimeOffsets::gpu_assert_end),
                    {gpu_context_, word, launched, messages, b_.getInt32(uint32_t(texts.size()))});
  status->setDoesNotThrow();
  return status;
}

}  // namespace emit

EmittedGpu emit_gpu(llvm::LLVMContext& context, const LoweredProgram& lowered,
                    const std::vector<HostPlan>& plans, const Target& device,
                    const llvm::TargetMachine& device_machine, const Target& host,
                    const llvm::TargetMachine& host_machine, const GpuEmitOptions& options) {
  EmitOptions host_options;
  host_options.symbol_prefix = options.symbol_prefix;
  host_options.debug_info = options.debug_info;
  EmitOptions device_options;
  device_options.debug_info = options.debug_info;
  emit::ModuleEmitter device_emitter(context, lowered, device, device_machine, device_options);
  emit::ModuleEmitter host_emitter(context, lowered, host, host_machine, host_options);
  // What compilers of other languages put there too; linking refuses another version.
  device_emitter.module().addModuleFlag(llvm::Module::Error, "amdhsa_code_object_version",
                                        uint32_t(options.code_object_version * 100));
  EmittedGpu result;
  result.host = host_emitter.emit_host(plans, device_emitter);
  result.kernels = std::move(device_emitter.kernels());
  result.device = device_emitter.take();
  for (const llvm::Module* module : {result.host.module.get(), result.device.module.get()}) {
    std::string problem;
    llvm::raw_string_ostream stream(problem);
    bool broken = llvm::verifyModule(*module, &stream);
    if (broken) throw InternalError("the emitted module is malformed: " + stream.str());
  }
  return result;
}

}  // namespace inlay
