#include "backends/llvm/object/libc.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "backends/llvm/emit/emit.h"
#include "backends/llvm/machine.h"
#include "runtime/abi/inlay_abi.h"

namespace inlay {

namespace {

struct LibcRow {
  std::string_view name;
  const char* result;
  const char* parameters;
};
constexpr LibcRow kRows[] = {
#define INLAY_LIBC(name, result, parameters) {#name, #result, #parameters},
#include "runtime/abi/libc.def"
#undef INLAY_LIBC
};

std::string_view without_prefix(std::string_view symbol) {
  std::string_view prefix = kLibcPrefix;
  return symbol.substr(0, prefix.size()) == prefix ? symbol.substr(prefix.size()) : symbol;
}

const LibcRow* find_row(std::string_view symbol) {
  for (const LibcRow& row : kRows) {
    if (row.name == without_prefix(symbol)) return &row;
  }
  return nullptr;
}

llvm::Type* type_of(llvm::LLVMContext& context, char letter) {
  switch (letter) {
    case 'v':
      return llvm::Type::getVoidTy(context);
    case 'i':
      return llvm::Type::getInt32Ty(context);
    case 'l':
    case 'z':
      return llvm::Type::getInt64Ty(context);
    case 'p':
      return llvm::PointerType::getUnqual(context);
    case 'f':
      return llvm::Type::getFloatTy(context);
    case 'd':
      return llvm::Type::getDoubleTy(context);
  }
  INLAY_CHECK(false, "a letter that libc.def does not explain");
  return nullptr;
}

}  // namespace

bool is_libc_symbol(std::string_view symbol) {
  return find_row(symbol) != nullptr;
}

uint32_t define_libc_shims(llvm::Module& module, const std::set<std::string>& symbols,
                           const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  llvm::GlobalVariable* state = module.getGlobalVariable(kStateSymbol, /*AllowInternal=*/true);
  INLAY_CHECK(state != nullptr, "shims without the runtime's state");
  uint32_t used = offsetof(InlayLibcTable, memcpy);
  for (const std::string& symbol : symbols) {
    const LibcRow* row = find_row(symbol);
    INLAY_CHECK(row != nullptr, "a shim that libc.def has no row for");
    llvm::SmallVector<llvm::Type*, 3> params;
    for (const char* at = row->parameters; *at; ++at) params.push_back(type_of(context, *at));
    auto* type = llvm::FunctionType::get(type_of(context, row->result[0]), params, false);
    auto* shim = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module);
    shim->setVisibility(llvm::GlobalValue::HiddenVisibility);
    shim->setDSOLocal(true);
    shim->setDoesNotThrow();
    set_target_attributes(*shim, target);
    uint32_t offset =
        offsetof(InlayLibcTable, memcpy) + static_cast<uint32_t>(row - kRows) * sizeof(void*);
    used = std::max<uint32_t>(used, offset + sizeof(void*));
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", shim));
    auto load = [&](llvm::Value* base, uint64_t at) {
      return b.CreateAlignedLoad(pointer, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, at),
                                 llvm::Align(8));
    };
    llvm::Value* runtime = load(state, offsetof(InlayObjectState, runtime));
    llvm::Value* target_function = load(load(runtime, offsetof(InlayRuntimeTable, libc)), offset);
    llvm::SmallVector<llvm::Value*, 3> args;
    for (llvm::Argument& argument : shim->args()) args.push_back(&argument);
    llvm::CallInst* call = b.CreateCall(type, target_function, args);
    call->setTailCallKind(llvm::CallInst::TCK_Tail);
    call->setDoesNotThrow();
    if (type->getReturnType()->isVoidTy()) {
      b.CreateRetVoid();
    } else {
      b.CreateRet(call);
    }
  }
  return used;
}

}  // namespace inlay
