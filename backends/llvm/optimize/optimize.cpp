// Peculiar: no pass plugin and no pass name is looked up, since registering them costs a good part
// of the time that a small program takes.
#include "backends/llvm/optimize/optimize.h"

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

#include <set>

#include "backends/llvm/emit/emit.h"

namespace inlay {

namespace {

// Follows a pointer through what is computed from it.
class AccessFinder {
 public:
  ParamAccess find(const llvm::Argument& argument) {
    if (argument.hasAttribute(llvm::Attribute::ReadNone)) return {};
    follow(argument);
    if (argument.hasAttribute(llvm::Attribute::ReadOnly)) access_.written = false;
    if (argument.hasAttribute(llvm::Attribute::WriteOnly)) access_.read = false;
    return access_;
  }

 private:
  void follow(const llvm::Value& pointer) {
    for (const llvm::Use& use : pointer.uses()) {
      if (!seen_.insert(&use).second) continue;
      auto* user = llvm::dyn_cast<llvm::Instruction>(use.getUser());
      if (!user) {
        unknown();
      } else if (llvm::isa<llvm::LoadInst>(user)) {
        access_.read = true;
      } else if (auto* store = llvm::dyn_cast<llvm::StoreInst>(user)) {
        take_store(*store, pointer);
      } else if (auto* call = llvm::dyn_cast<llvm::CallBase>(user)) {
        take_call(*call, use);
      } else if (llvm::isa<llvm::GetElementPtrInst, llvm::PHINode, llvm::SelectInst, llvm::CastInst,
                           llvm::FreezeInst, llvm::InsertElementInst, llvm::ShuffleVectorInst,
                           llvm::ExtractElementInst>(user)) {
        follow(*user);
      } else if (!llvm::isa<llvm::ICmpInst>(user)) {
        unknown();
      }
    }
  }

  void take_store(const llvm::StoreInst& store, const llvm::Value& pointer) {
    if (store.getValueOperand() != &pointer) {
      access_.written = true;
      return;
    }
    // Into a closure: the parallel loop's own arguments tell.
    const llvm::Value* place = store.getPointerOperand()->stripInBoundsOffsets();
    auto* slot = llvm::dyn_cast<llvm::AllocaInst>(place);
    if (!slot || !slot->getName().starts_with(kClosureName)) unknown();
  }

  void take_call(const llvm::CallBase& call, const llvm::Use& use) {
    if (!call.isArgOperand(&use)) return unknown();
    unsigned index = call.getArgOperandNo(&use);
    if (call.paramHasAttr(index, llvm::Attribute::Returned)) follow(call);
    if (call.doesNotAccessMemory(index)) return;
    if (!call.onlyReadsMemory(index) && !call.onlyReadsMemory()) access_.written = true;
    if (!call.onlyWritesMemory(index) && !call.onlyWritesMemory()) access_.read = true;
  }

  void unknown() { access_.read = access_.written = true; }

  ParamAccess access_;
  std::set<const llvm::Use*> seen_;
};

}  // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& machine, int level) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopInterleaving = level > 1;
  tuning.LoopVectorization = level > 1;
  tuning.SLPVectorization = level > 1;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  constexpr llvm::OptimizationLevel const* kLevels[] = {
      &llvm::OptimizationLevel::O0, &llvm::OptimizationLevel::O1, &llvm::OptimizationLevel::O2,
      &llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel chosen = *kLevels[level < 0 ? 0 : level > 3 ? 3 : level];
  llvm::ModulePassManager passes = level <= 0 ? builder.buildO0DefaultPipeline(chosen)
                                              : builder.buildPerModuleDefaultPipeline(chosen);
  passes.run(module, modules);
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  bool broken = llvm::verifyModule(module, &stream);
  if (broken) throw InternalError("the optimized module is malformed: " + stream.str());
}

std::map<std::string, std::map<size_t, ParamAccess>> param_accesses(const llvm::Module& module) {
  std::map<std::string, std::map<size_t, ParamAccess>> result;
  for (const llvm::Function& function : module) {
    llvm::Attribute name = function.getFnAttribute(kFunctionAttribute);
    if (!name.isValid() || function.isDeclaration()) continue;
    for (const llvm::Argument& argument : function.args()) {
      llvm::Attribute param =
          function.getAttributes().getParamAttr(argument.getArgNo(), kParamAttribute);
      if (!param.isValid()) continue;
      ParamAccess found = AccessFinder().find(argument);
      ParamAccess& known =
          result[name.getValueAsString().str()][std::stoul(param.getValueAsString().str())];
      known.read |= found.read;
      known.written |= found.written;
    }
  }
  return result;
}

}  // namespace inlay
