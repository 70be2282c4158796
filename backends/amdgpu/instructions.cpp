#include "backends/amdgpu/instructions.h"

#include <clang/Basic/Builtins.h>
#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/TargetInfo.h>
#include <clang/Basic/TargetOptions.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/IntrinsicsAMDGPU.h>
#include <llvm/IR/Module.h>
#include <llvm/TargetParser/TargetParser.h>

#include <map>
#include <set>

#include "backends/amdgpu/targets/targets.h"
#include "backends/llvm/emit/emit.h"

namespace inlay::amdgpu {

namespace {

// Of intrinsics without a builtin of the same types, or for which Clang asks for less than what
// LLVM selects them by: the predicates of their instructions in LLVM's AMDGPU.td,
// VOP3Instructions.td and VOP3PInstructions.td.
constexpr std::pair<llvm::Intrinsic::ID, const char*> kOthers[] = {
    {llvm::Intrinsic::amdgcn_permlane16, "gfx10-insts"},
    {llvm::Intrinsic::amdgcn_permlanex16, "gfx10-insts"},
    {llvm::Intrinsic::amdgcn_permlane64, "gfx11-insts"},
    {llvm::Intrinsic::amdgcn_mov_dpp8, "gfx10-insts"},
    {llvm::Intrinsic::amdgcn_global_atomic_fadd, "gfx90a-insts|gfx940-insts|gfx11-insts"},
    {llvm::Intrinsic::amdgcn_global_atomic_fmin, "gfx90a-insts|gfx10-insts"},
    {llvm::Intrinsic::amdgcn_global_atomic_fmax, "gfx90a-insts|gfx10-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f64_16x16x4f64, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f64_4x4x4f64, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_32x32x4bf16_1k, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_16x16x4bf16_1k, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_4x4x4bf16_1k, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_32x32x8bf16_1k, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_16x16x16bf16_1k, "gfx90a-insts"},
    {llvm::Intrinsic::amdgcn_mfma_i32_16x16x32_i8, "gfx940-insts"},
    {llvm::Intrinsic::amdgcn_mfma_i32_32x32x16_i8, "gfx940-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_16x16x8_xf32, "gfx940-insts"},
    {llvm::Intrinsic::amdgcn_mfma_f32_32x32x4_xf32, "gfx940-insts"},
    {llvm::Intrinsic::amdgcn_wmma_f32_16x16x16_f16, "gfx11-insts"},
    {llvm::Intrinsic::amdgcn_wmma_f32_16x16x16_bf16, "gfx11-insts"},
};

// Clang's builtins of the target, by the intrinsics that they are.
std::map<llvm::Intrinsic::ID, std::string> make_needs() {
  std::map<llvm::Intrinsic::ID, std::string> needs(std::begin(kOthers), std::end(kOthers));
  clang::DiagnosticsEngine quiet(llvm::makeIntrusiveRefCnt<clang::DiagnosticIDs>(),
                                 llvm::makeIntrusiveRefCnt<clang::DiagnosticOptions>(),
                                 new clang::IgnoringDiagConsumer);
  auto options = std::make_shared<clang::TargetOptions>();
  options->Triple = "amdgcn-amd-amdhsa";
  options->CPU = "gfx900";
  std::unique_ptr<clang::TargetInfo> info(clang::TargetInfo::CreateTargetInfo(quiet, options));
  INLAY_CHECK(info != nullptr, "Clang knows the triple");
  for (const clang::Builtin::Info& builtin : info->getTargetBuiltins()) {
    if (!builtin.Features || !*builtin.Features) continue;
    llvm::Intrinsic::ID id = llvm::Intrinsic::getIntrinsicForClangBuiltin("amdgcn", builtin.Name);
    if (id != llvm::Intrinsic::not_intrinsic) needs.emplace(id, builtin.Features);
  }
  return needs;
}

const std::string& needs_of(llvm::Intrinsic::ID id) {
  static const std::map<llvm::Intrinsic::ID, std::string> needs = make_needs();
  static const std::string nothing;
  auto found = needs.find(id);
  return found == needs.end() ? nothing : found->second;
}

struct Origin {
  const ImportSource* source = nullptr;
  std::string function;
};

Origin origin_of(const llvm::Instruction& instruction, const LinkResult& linked) {
  Origin origin;
  llvm::MDNode* node = instruction.getMetadata(kOriginMetadata);
  if (!node) return origin;
  auto* number = llvm::mdconst::extract<llvm::ConstantInt>(node->getOperand(0));
  if (number->getZExtValue() < linked.sources.size()) {
    origin.source = &linked.sources[number->getZExtValue()];
  }
  origin.function = llvm::cast<llvm::MDString>(node->getOperand(1))->getString().str();
  return origin;
}

}  // namespace

std::string needed_features(const std::string& intrinsic) {
  return needs_of(llvm::Function::lookupIntrinsicID(intrinsic));
}

bool has_features(const std::string& processor, const std::string& needed) {
  llvm::StringMap<bool> features;
  llvm::AMDGPU::fillAMDGPUFeatureMap(processor, llvm::Triple("amdgcn-amd-amdhsa"), features);
  return needed.empty() || clang::Builtin::evaluateRequiredTargetFeatures(needed, features);
}

void check_instructions(const llvm::Module& module, const Target& target, const LinkResult& linked,
                        Diagnostics& found) {
  std::set<llvm::Intrinsic::ID> said;
  for (const llvm::Function& function : module) {
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
      const std::string* needed = call ? &needs_of(call->getIntrinsicID()) : nullptr;
      if (!needed || has_features(target.cpu, *needed)) continue;
      if (!said.insert(call->getIntrinsicID()).second) continue;
      std::string having;
      for (const GpuFacts& facts : gpu_table()) {
        if (has_features(facts.name, *needed))
          having += (having.empty() ? "" : ", ") + std::string(facts.name);
      }
      Origin origin = origin_of(instruction, linked);
      Loc loc = origin.source ? origin.source->import->loc : Loc();
      const llvm::DebugLoc& line = instruction.getDebugLoc();
      if (line && origin.source) loc = origin.source->locate(line.getLine(), line.getCol());
      std::string where = origin.source ? origin.source->title() + ": function " + origin.function
                                        : "function " + function.getName().str();
      std::string name = call->getCalledFunction()->getName().str();
      std::string help = having.empty()
                             ? "no GPU that is known here has it"
                             : "build for one that has it (" + having +
                                   "), or import this only there: "
                                   "an `implement ... for amdgpu(...)` row with that feature";
      Diagnostic& told = found.error("import-missing-feature", loc,
                                     where + " calls " + name + ", which needs " + *needed +
                                         "; the target " + target.spec + " lacks it",
                                     help);
      if (origin.source && !(told.loc.file == origin.source->import->loc.file)) {
        told.notes.push_back(
            {Severity::Note, "", "imported here", origin.source->import->loc, "", "", "", {}});
      }
    }
  }
}

}  // namespace inlay::amdgpu
