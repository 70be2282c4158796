#include "backends/llvm/link/inline.h"

#include <llvm/Analysis/InlineCost.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/Local.h>

#include <map>
#include <regex>
#include <set>

namespace inlay {

namespace {

struct Why {
  std::string reason;
  std::string llvm_words;
  explicit operator bool() const { return !reason.empty(); }
};

struct WordsRow {
  const char* llvm;
  const char* ours;
};
// LLVM's reasons (llvm/Analysis/InlineCost.h, Transforms/Utils/Cloning.h) in words for the author.
constexpr WordsRow kWords[] = {
    {"recursive", "it is recursive"},
    {"indirect branch", "it has an indirect branch (computed goto)"},
    {"indirectbr", "it has an indirect branch (computed goto)"},
    {"blockaddress", "the address of one of its labels is used outside of it"},
    {"returns twice", "it calls a function that returns twice (setjmp)"},
    {"VarArgs", "it is variadic (va_start)"},
    {"varargs", "it is variadic (va_start)"},
    {"localescape", "it uses llvm.localescape"},
    {"async", "its unwinding differs from its caller's"},
    {"personality", "its exception handling differs from its caller's"},
};

Why from_llvm(const char* words) {
  Why why;
  why.llvm_words = words;
  for (const WordsRow& row : kWords) {
    if (why.llvm_words.find(row.llvm) != std::string::npos) {
      why.reason = row.ours;
      return why;
    }
  }
  why.reason = "LLVM can't inline it";
  return why;
}

int call_number(const llvm::CallBase& call) {
  llvm::MDNode* node = call.getMetadata(kExternCallMetadata);
  if (!node || node->getNumOperands() != 1) return -1;
  auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(node->getOperand(0));
  return number ? int(number->getZExtValue()) : -1;
}

// Assembly that defines a label by name can stand in a program once: a copy defines it again.
std::string fixed_label(const llvm::Function& function) {
  // A label at the start of a statement; `1:` and names with ${:uid} may be repeated.
  static const std::regex label(R"((?:^|[\n;])\s*([A-Za-z_.][A-Za-z0-9_.$@]*):)");
  for (const llvm::Instruction& instruction : llvm::instructions(function)) {
    auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
    if (!call || !call->isInlineAsm()) continue;
    std::string text = llvm::cast<llvm::InlineAsm>(call->getCalledOperand())->getAsmString();
    std::smatch found;
    if (std::regex_search(text, found, label)) return found[1].str();
  }
  return "";
}

class Inliner {
 public:
  Inliner(llvm::Module& module, const std::vector<llvm::Function*>& imported, size_t call_count,
          llvm::TargetMachine& machine)
      : module_(module), imported_(imported.begin(), imported.end()), machine_(machine) {
    outcomes_.resize(call_count);
  }

  std::vector<InlineOutcome> run() {
    drop_dead_calls();
    std::map<llvm::Function*, std::vector<llvm::CallBase*>> calls = calls_of_program();
    for (auto& [callee, list] : calls) visit(callee);
    find_recursion();
    for (auto& [callee, list] : calls) {
      callee->removeFnAttr(llvm::Attribute::NoInline);
      inline_helpers(*callee);
    }
    for (auto& [callee, list] : calls) {
      clean(*callee);
      Why why = obstacle(*callee, list.size());
      for (llvm::CallBase* call : list) settle(*call, *callee, why);
    }
    return std::move(outcomes_);
  }

 private:
  // Removes what no path reaches, so that a dead call is not taken for one that was inlined.
  void drop_dead_calls() {
    for (llvm::Function& function : module_) {
      if (function.isDeclaration() || imported_.count(&function)) continue;
      bool has_call = false;
      for (llvm::Instruction& instruction : llvm::instructions(function)) {
        has_call |= instruction.getMetadata(kExternCallMetadata) != nullptr;
      }
      if (!has_call) continue;
      for (llvm::BasicBlock& block : function) llvm::ConstantFoldTerminator(&block, true);
      llvm::removeUnreachableBlocks(function);
    }
  }

  std::map<llvm::Function*, std::vector<llvm::CallBase*>> calls_of_program() {
    std::map<llvm::Function*, std::vector<llvm::CallBase*>> calls;
    for (llvm::Function& function : module_) {
      if (imported_.count(&function)) continue;
      for (llvm::Instruction& instruction : llvm::instructions(function)) {
        auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
        if (!call || call_number(*call) < 0 || size_t(call_number(*call)) >= outcomes_.size()) {
          continue;
        }
        llvm::Function* callee =
            llvm::dyn_cast<llvm::Function>(call->getCalledOperand()->stripPointerCastsAndAliases());
        if (callee && imported_.count(callee)) {
          calls[callee].push_back(call);
        } else {
          outcomes_[call_number(*call)].called++;
        }
      }
    }
    return calls;
  }

  // ---- the call graph of the imports ----

  std::vector<llvm::Function*> callees(llvm::Function& function) {
    std::vector<llvm::Function*> out;
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
      if (callee && imported_.count(callee)) out.push_back(callee);
    }
    return out;
  }

  // Post-order: callees stand before callers.
  void visit(llvm::Function* function) {
    if (!seen_.insert(function).second) return;
    for (llvm::Function* callee : callees(*function)) visit(callee);
    order_.push_back(function);
  }

  void find_recursion() {
    for (llvm::Function* start : order_) {
      std::set<llvm::Function*> reached;
      std::vector<llvm::Function*> todo = callees(*start);
      while (!todo.empty()) {
        llvm::Function* at = todo.back();
        todo.pop_back();
        if (!reached.insert(at).second) continue;
        for (llvm::Function* next : callees(*at)) todo.push_back(next);
      }
      if (reached.count(start)) recursive_.insert(start);
    }
  }

  // ---- inlining ----

  // Why `callee` can't be put in the place of a call of it.
  Why obstacle(llvm::Function& callee, size_t copies) {
    if (callee.isDeclaration()) return {"it has no body", ""};
    if (recursive_.count(&callee)) return {"it is recursive", ""};
    if (callee.isVarArg()) return {"it is variadic", ""};
    if (callee.hasFnAttribute(llvm::Attribute::Naked)) {
      return {"it is naked: its body is assembly that holds its own return", ""};
    }
    llvm::InlineResult viable = llvm::isInlineViable(callee);
    if (!viable.isSuccess()) return from_llvm(viable.getFailureReason());
    if (copies > 1) {
      for (llvm::Instruction& instruction : llvm::instructions(callee)) {
        auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
        if (call && call->cannotDuplicate()) {
          return {"it is called at " + std::to_string(copies) +
                      " places and holds a call that must not be duplicated (noduplicate)",
                  ""};
        }
      }
      std::string label = fixed_label(callee);
      if (!label.empty()) {
        return {"it is called at " + std::to_string(copies) +
                    " places and its assembly defines the label `" + label +
                    "`, which may exist once: name it with %= (in LLVM IR ${:uid}), or use a "
                    "numeric one (1:, jumped to by 1b)",
                ""};
      }
    }
    return {};
  }

  Why inline_one(llvm::CallBase& call, llvm::Function& callee) {
    llvm::Function& caller = *call.getFunction();
    if (!machine_.getTargetTransformInfo(caller).areInlineCompatible(&caller, &callee)) {
      return {"its processor features are not a subset of its caller's", ""};
    }
    llvm::InlineFunctionInfo info;
    llvm::InlineResult result = llvm::InlineFunction(call, info, /*MergeAttributes=*/true);
    return result.isSuccess() ? Why{} : from_llvm(result.getFailureReason());
  }

  // Whatever `function` calls of its own import becomes part of it, innermost first.
  void inline_helpers(llvm::Function& function) {
    if (!flattened_.insert(&function).second) return;
    std::vector<llvm::CallBase*> list;
    std::map<llvm::Function*, size_t> copies;
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
      if (!callee || !imported_.count(callee) || callee == &function) continue;
      list.push_back(call);
      copies[callee]++;
    }
    for (llvm::CallBase* call : list) {
      llvm::Function& callee = *call->getCalledFunction();
      inline_helpers(callee);
      if (callee.hasFnAttribute(llvm::Attribute::NoInline) || call->isNoInline()) continue;
      // A helper of which there will be many copies anyway: a label in it can't be helped here.
      if (!obstacle(callee, copies[&callee])) inline_one(*call, callee);
    }
  }

  // An import's IR is as its front end left it; what is copied to many places is cleaned once.
  void clean(llvm::Function& function) {
    if (!passes_) passes_ = std::make_unique<Passes>(machine_);
    passes_->list.run(function, passes_->functions);
  }

  void settle(llvm::CallBase& call, llvm::Function& callee, const Why& obstacle) {
    InlineOutcome& outcome = outcomes_[call_number(call)];
    call.setCallingConv(callee.getCallingConv());
    call.removeFnAttr(llvm::Attribute::NoInline);
    Why why = obstacle;
    if (!why && !call.getCalledFunction()) {
      why = {"the call's type differs from the function's", ""};
    }
    if (!why) why = inline_one(call, callee);
    if (!why) {
      outcome.inlined++;
      return;
    }
    outcome.called++;
    outcome.reason = why.reason;
    outcome.llvm_words = why.llvm_words;
    make_real_call(call, callee);
  }

  // A call that stays follows the callee's ABI: extension of small integers, variadic type.
  static void make_real_call(llvm::CallBase& call, llvm::Function& callee) {
    call.mutateFunctionType(callee.getFunctionType());
    for (llvm::Argument& argument : callee.args()) {
      for (llvm::Attribute::AttrKind kind : {llvm::Attribute::ZExt, llvm::Attribute::SExt}) {
        if (argument.hasAttribute(kind)) call.addParamAttr(argument.getArgNo(), kind);
      }
    }
    for (llvm::Attribute::AttrKind kind : {llvm::Attribute::ZExt, llvm::Attribute::SExt}) {
      if (callee.hasRetAttribute(kind)) call.addRetAttr(kind);
    }
  }

  struct Passes {
    explicit Passes(llvm::TargetMachine& machine) {
      llvm::PassBuilder builder(&machine);
      builder.registerModuleAnalyses(modules);
      builder.registerCGSCCAnalyses(sccs);
      builder.registerFunctionAnalyses(functions);
      builder.registerLoopAnalyses(loops);
      builder.crossRegisterProxies(loops, functions, sccs, modules);
      list.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
      list.addPass(llvm::EarlyCSEPass());
      list.addPass(llvm::SimplifyCFGPass());
    }
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager sccs;
    llvm::ModuleAnalysisManager modules;
    llvm::FunctionPassManager list;
  };

  llvm::Module& module_;
  std::set<llvm::Function*> imported_;
  llvm::TargetMachine& machine_;
  std::vector<InlineOutcome> outcomes_;
  std::set<llvm::Function*> seen_, recursive_, flattened_;
  std::vector<llvm::Function*> order_;
  std::unique_ptr<Passes> passes_;
};

}  // namespace

void inline_always(llvm::Module& module, llvm::TargetMachine& machine) {
  constexpr int kMaxRounds = 64;  // as deep as helpers of helpers may nest; more is recursion
  for (llvm::Function& caller : module) {
    for (int round = 0; round < kMaxRounds; ++round) {
      std::vector<llvm::CallBase*> calls;
      for (llvm::Instruction& instruction : llvm::instructions(caller)) {
        auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
        llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
        if (callee && callee != &caller && !callee->isDeclaration() && callee->hasLocalLinkage() &&
            callee->hasFnAttribute(llvm::Attribute::AlwaysInline) &&
            machine.getTargetTransformInfo(caller).areInlineCompatible(&caller, callee) &&
            llvm::isInlineViable(*callee).isSuccess()) {
          calls.push_back(call);
        }
      }
      if (calls.empty()) break;
      for (llvm::CallBase* call : calls) {
        llvm::InlineFunctionInfo info;
        llvm::InlineFunction(*call, info, /*MergeAttributes=*/true);
      }
    }
  }
  for (llvm::Function& function : llvm::make_early_inc_range(module)) {
    if (function.hasLocalLinkage() && function.use_empty()) function.eraseFromParent();
  }
}

std::vector<InlineOutcome> inline_imports(llvm::Module& module,
                                          const std::vector<llvm::Function*>& imported,
                                          size_t call_count, llvm::TargetMachine& machine) {
  return Inliner(module, imported, call_count, machine).run();
}

}  // namespace inlay
