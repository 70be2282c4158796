// Functions of libm on vectors. Compiled code calls the C library's vector functions, or SLEEF's,
// as the vector function ABIs of x86-64 and AArch64 name them, through the runtime's table; it is
// LLVM's loop vectorizer that chooses them, from the attribute that libm_call() puts on a call.
//
// Peculiar: the address is asked for at the first call and kept. Where no library has the function,
// the shim's own copy calls libm lane by lane, so that a code object runs everywhere.
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/VFABIDemangler.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

#include "backends/llvm/emit/function_emitter.h"

namespace inlay::emit {

namespace {

struct VectorAbi {
  char isa;  // as mangled
  int bits;
};

// Widest first.
std::vector<VectorAbi> vector_abis(const Target& target) {
  std::vector<VectorAbi> abis;
  if (target.arch == "x86_64") {
    if (target.features.count("avx512f")) abis.push_back({'e', 512});
    if (target.features.count("avx2")) abis.push_back({'d', 256});
    if (target.features.count("sse4.1")) abis.push_back({'b', 128});
  } else if (target.arch == "aarch64") {
    abis.push_back({'n', 128});
  }
  return abis;
}

// Calls `scalar` for each lane of `args`.
llvm::Value* by_lane(Builder& b, llvm::FunctionCallee scalar, llvm::ArrayRef<llvm::Value*> args) {
  auto* type = llvm::cast<llvm::FixedVectorType>(args[0]->getType());
  llvm::Value* result = llvm::PoisonValue::get(type);
  for (unsigned lane = 0; lane < type->getNumElements(); ++lane) {
    llvm::SmallVector<llvm::Value*, 2> scalars;
    for (llvm::Value* arg : args) scalars.push_back(b.CreateExtractElement(arg, lane));
    result = b.CreateInsertElement(result, b.CreateCall(scalar, scalars), lane);
  }
  return result;
}

void add_pure(llvm::CallInst* call) {
  call->setDoesNotAccessMemory();
  call->setDoesNotThrow();
  call->addFnAttr(llvm::Attribute::WillReturn);
}

}  // namespace

llvm::Function* ModuleEmitter::vector_libm(llvm::Function* scalar, int lanes, char isa) {
  std::string function_name = scalar->getName().substr(std::string_view(kLibcPrefix).size()).str();
  std::string name = kVectorMathPrefix + function_name + ".x" + std::to_string(lanes);
  if (llvm::Function* known = module().getFunction(name)) return known;

  auto* vector = llvm::FixedVectorType::get(scalar->getReturnType(), lanes);
  llvm::SmallVector<llvm::Type*, 2> params(scalar->arg_size(), vector);
  auto* type = llvm::FunctionType::get(vector, params, false);
  llvm::TargetFolder folder(module().getDataLayout());
  auto arguments = [](llvm::Function* function) {
    llvm::SmallVector<llvm::Value*, 2> values;
    for (llvm::Argument& argument : function->args()) values.push_back(&argument);
    return values;
  };

  llvm::Function* each = make_function(type, true, name + ".each");
  Builder b(llvm::BasicBlock::Create(context_, "entry", each), folder);
  b.CreateRet(by_lane(b, scalar, arguments(each)));

  auto* pointer = llvm::PointerType::getUnqual(context_);
  auto* slot =
      new llvm::GlobalVariable(module(), pointer, false, llvm::GlobalValue::InternalLinkage,
                               llvm::ConstantPointerNull::get(pointer), name + ".address");
  llvm::Function* shim = make_function(type, true, name);
  shim->addFnAttr(llvm::Attribute::NoInline);
  llvm::BasicBlock* entry = llvm::BasicBlock::Create(context_, "entry", shim);
  llvm::BasicBlock* ask = llvm::BasicBlock::Create(context_, "ask", shim);
  llvm::BasicBlock* go = llvm::BasicBlock::Create(context_, "go", shim);
  b.SetInsertPoint(entry);
  // Threads may ask at the same time: they get the same answer.
  auto load = b.CreateAlignedLoad(pointer, slot, llvm::Align(8));
  load->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateCondBr(b.CreateIsNull(load), ask, go);
  b.SetInsertPoint(ask);
  std::string abi_name = std::string("_ZGV") + isa + "N" + std::to_string(lanes) +
                         std::string(scalar->arg_size(), 'v') + "_" + function_name;
  auto* ask_type = llvm::FunctionType::get(pointer, {pointer}, false);
  llvm::Value* found = b.CreateCall(ask_type, runtime_function(b, RuntimeOffsets::vector_function),
                                    {text(abi_name)});
  llvm::Value* chosen = b.CreateSelect(b.CreateIsNull(found), each, found);
  b.CreateAlignedStore(chosen, slot, llvm::Align(8))->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateBr(go);
  b.SetInsertPoint(go);
  llvm::PHINode* address = b.CreatePHI(pointer, 2);
  address->addIncoming(load, entry);
  address->addIncoming(chosen, ask);
  llvm::CallInst* call = b.CreateCall(type, address, arguments(shim));
  call->setDoesNotThrow();
  call->setTailCall();
  b.CreateRet(call);
  // Nothing calls it before loops are vectorized.
  llvm::appendToCompilerUsed(module(), {shim});
  return shim;
}

llvm::Value* FunctionEmitter::emit_libm(MathOp op, DType type, llvm::ArrayRef<llvm::Value*> args) {
  llvm::FunctionCallee callee = device_ ? parent_.device_math(op, type) : parent_.libm(op, type);
  auto* scalar = llvm::cast<llvm::Function>(callee.getCallee());
  const int element_bits = type.bits;
  const std::vector<VectorAbi> abis = vector_abis(parent_.target());
  if (type.is_scalar()) {
    llvm::CallInst* call = b_.CreateCall(callee, args);
    llvm::SmallVector<std::string, 3> variants;
    for (const VectorAbi& abi : abis) {
      int lanes = abi.bits / element_bits;
      llvm::Function* vector = parent_.vector_libm(scalar, lanes, abi.isa);
      variants.push_back("_ZGV_LLVM_N" + std::to_string(lanes) + std::string(args.size(), 'v') +
                         "_" + scalar->getName().str() + "(" + vector->getName().str() + ")");
    }
    llvm::VFABI::setVectorVariantNames(call, variants);
    return call;
  }
  for (const VectorAbi& abi : abis) {
    int lanes = abi.bits / element_bits;
    if (type.lanes % lanes != 0) continue;
    llvm::Function* vector = parent_.vector_libm(scalar, lanes, abi.isa);
    llvm::SmallVector<llvm::Value*, 4> parts;
    for (int from = 0; from < type.lanes; from += lanes) {
      llvm::SmallVector<llvm::Value*, 2> pieces;
      llvm::SmallVector<int, 16> mask;
      for (int lane = 0; lane < lanes; ++lane) mask.push_back(from + lane);
      for (llvm::Value* arg : args) {
        pieces.push_back(type.lanes == lanes ? arg : b_.CreateShuffleVector(arg, mask));
      }
      llvm::CallInst* call = b_.CreateCall(vector, pieces);
      add_pure(call);
      parts.push_back(call);
    }
    return llvm::concatenateVectors(b_, parts);
  }
  return by_lane(b_, callee, args);
}

}  // namespace inlay::emit
