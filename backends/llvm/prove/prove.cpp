#include "backends/llvm/prove/prove.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>

#include <map>

#include "backends/llvm/emit/extern_call.h"

namespace inlay {

namespace {

// The calls of imports that are left, by number.
std::map<size_t, const llvm::CallBase*> remaining_calls(const llvm::Module& module) {
  std::map<size_t, const llvm::CallBase*> calls;
  for (const llvm::Function& function : module) {
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      const llvm::MDNode* node = call ? call->getMetadata(kExternCallMetadata) : nullptr;
      if (!node || node->getNumOperands() != 1) continue;
      auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(node->getOperand(0));
      if (number) calls.insert({number->getZExtValue(), call});
    }
  }
  return calls;
}

}  // namespace

void prove_inlined(const llvm::Module& optimized, BuildReport& report) {
  std::map<size_t, const llvm::CallBase*> calls = remaining_calls(optimized);
  Diagnostics found;
  for (size_t i = 0; i < report.calls.size(); ++i) {
    CallReport& call = report.calls[i];
    bool remains = calls.count(i) != 0;
    switch (call.verdict) {
      case InlineVerdict::Inlined:
        if (remains) {
          call.verdict = InlineVerdict::Called;
          call.reason = "the optimizer left a call";
          found.error("import-not-inlined", call.loc,
                      "`" + call.symbol + "` in " + call.function +
                          " is still called in the optimized code",
                      "`may_call` on the import allows a call");
        }
        break;
      case InlineVerdict::Called:
        if (!remains) {
          call.verdict = InlineVerdict::Removed;
          call.reason = "dead code: the optimizer dropped the call";
        }
        break;
      case InlineVerdict::Removed:
        INLAY_CHECK(!remains, "a call that was dead at link time came back");
        break;
    }
  }
  found.throw_if_errors();
}

}  // namespace inlay
