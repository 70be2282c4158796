// Target machines and processor tables. Peculiar: only the LLVM targets that are asked for are
// initialized, since all of them together cost a good part of a build's time.
#include "backends/llvm/machine.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/AArch64TargetParser.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/TargetParser/X86TargetParser.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

namespace inlay {

namespace {

void initialize(llvm::Triple::ArchType arch) {
  static std::mutex mutex;
  static std::set<llvm::Triple::ArchType> done;
  std::lock_guard<std::mutex> lock(mutex);
  if (!done.insert(arch).second) return;
  if (arch == llvm::Triple::x86_64) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  } else if (arch == llvm::Triple::aarch64) {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  } else if (arch == llvm::Triple::amdgcn) {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUAsmPrinter();
    LLVMInitializeAMDGPUAsmParser();
  }
}

const llvm::Target& find_target(const std::string& triple) {
  initialize(llvm::Triple(triple).getArch());
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) throw CompileError("unknown-target", Loc(), "LLVM has no target for " + triple);
  return *target;
}

std::unique_ptr<llvm::MCSubtargetInfo> subtarget(const std::string& triple, const std::string& cpu,
                                                 const std::string& features) {
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      find_target(triple).createMCSubtargetInfo(triple, cpu, features));
  INLAY_CHECK(bool(info), "a target without subtarget info");
  return info;
}

// Every feature that some x86 CPU has: the parser of CPU names lists no tuning advice.
const std::set<std::string>& x86_instruction_sets() {
  static const std::set<std::string> names = [] {
    std::set<std::string> all;
    llvm::SmallVector<llvm::StringRef, 128> cpus;
    llvm::X86::fillValidCPUArchList(cpus);
    for (llvm::StringRef cpu : cpus) {
      llvm::SmallVector<llvm::StringRef, 128> features;
      llvm::X86::getFeaturesForCPU(cpu, features);
      for (llvm::StringRef feature : features) all.insert(feature.str());
    }
    all.insert("64bit");
    return all;
  }();
  return names;
}

// LLVM's tables mix instruction sets with tuning advice and modes; the target parsers list the
// instruction sets alone.
bool is_instruction_set(const llvm::Triple& triple, llvm::StringRef name) {
  if (triple.getArch() == llvm::Triple::x86_64) {
    llvm::StringMap<bool> implied;
    llvm::X86::updateImpliedFeatures(name, true, implied);
    return !implied.empty() || x86_instruction_sets().count(name.str()) != 0;
  }
  if (triple.getArch() == llvm::Triple::aarch64) {
    for (const llvm::AArch64::ExtensionInfo& row : llvm::AArch64::Extensions) {
      if (row.PosTargetFeature.size() > 1 && row.PosTargetFeature.drop_front() == name) return true;
    }
    // The revisions of the architecture: v8a, v8.1a ... v9.5a.
    return name.size() >= 3 && name[0] == 'v' && name.ends_with("a") &&
           (name[1] == '8' || name[1] == '9');
  }
  return true;
}

std::set<std::string> enabled_features(const std::string& triple, const std::string& cpu,
                                       const std::string& changes) {
  std::set<std::string> enabled;
  llvm::Triple parsed(triple);
  for (const llvm::SubtargetFeatureKV& row :
       subtarget(triple, cpu, changes)->getEnabledProcessorFeatures()) {
    if (is_instruction_set(parsed, row.Key)) enabled.insert(row.Key);
  }
  return enabled;
}

}  // namespace

namespace {

// A GPU has what its processor has. What the target ID leaves open must not be said, since "any" is
// a third state.
std::string target_id_string(const Target& target) {
  std::string text;
  for (const char* name : {"sramecc", "xnack"}) {
    bool on = target.features.count(name) != 0;
    bool off = target.features.count(std::string("no-") + name) != 0;
    if (on || off) text += std::string(text.empty() ? "" : ",") + (on ? "+" : "-") + name;
  }
  return text;
}

}  // namespace

std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target& target,
                                                         int optimization_level) {
  llvm::TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  options.MCOptions.AsmVerbose = true;  // as llc: people read the assembly
  constexpr llvm::CodeGenOptLevel kLevels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less, llvm::CodeGenOptLevel::Default,
      llvm::CodeGenOptLevel::Aggressive};
  std::unique_ptr<llvm::TargetMachine> machine(
      find_target(target.triple)
          .createTargetMachine(target.triple, target.cpu, feature_string(target), options,
                               llvm::Reloc::PIC_, std::nullopt,
                               kLevels[std::clamp(optimization_level, 0, 3)]));
  if (!machine) {
    throw CompileError("unknown-target", Loc(),
                       "LLVM can't compile for " + target.triple + ", CPU " + target.cpu);
  }
  return machine;
}

std::string feature_string(const Target& target) {
  if (llvm::Triple(target.triple).getArch() == llvm::Triple::amdgcn)
    return target_id_string(target);
  std::set<std::string> own = enabled_features(target.triple, target.cpu, "");
  std::set<std::string> changes;
  for (const std::string& feature : target.features) changes.insert("+" + feature);
  for (const std::string& feature : own) {
    if (!target.features.count(feature)) changes.insert("-" + feature);
  }
  std::string text;
  for (const std::string& change : changes) text += (text.empty() ? "" : ",") + change;
  return text;
}

void set_target_attributes(llvm::Function& function, const Target& target) {
  function.addFnAttr("target-cpu", target.cpu);
  function.addFnAttr("target-features", feature_string(target));
}

ProcessorTable processor_table(const std::string& triple) {
  std::unique_ptr<llvm::MCSubtargetInfo> info = subtarget(triple, "", "");
  llvm::Triple parsed(triple);
  ProcessorTable table;
  bool is_x86 = parsed.getArch() == llvm::Triple::x86_64;
  for (const llvm::SubtargetSubTypeKV& row : info->getAllProcessorDescriptions()) {
    llvm::StringRef cpu = row.Key;
    bool is_32_bit = is_x86 && llvm::X86::parseArchX86(cpu, true) == llvm::X86::CK_None;
    if (cpu != "generic" && !is_32_bit) table.cpus.push_back(cpu.str());
  }
  for (const llvm::SubtargetFeatureKV& row : info->getAllProcessorFeatures()) {
    table.features.push_back({row.Key, !is_instruction_set(parsed, row.Key)});
  }
  return table;
}

std::string feature_of_extension(const std::string& triple, const std::string& extension) {
  if (llvm::Triple(triple).getArch() != llvm::Triple::aarch64) return "";
  llvm::StringRef feature = llvm::AArch64::getArchExtFeature(extension);
  return feature.starts_with("+") ? feature.drop_front().str() : "";
}

std::vector<std::string> expand_features(const std::string& triple, const std::string& cpu,
                                         const std::vector<std::string>& changes) {
  std::string joined;
  for (const std::string& change : changes) joined += (joined.empty() ? "" : ",") + change;
  std::set<std::string> enabled = enabled_features(triple, cpu, joined);
  return {enabled.begin(), enabled.end()};
}

std::shared_ptr<const ImpliedFeatures> implied_features(const std::string& triple) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const ImpliedFeatures>> known;
  std::lock_guard<std::mutex> lock(mutex);
  auto [place, fresh] = known.try_emplace(triple);
  if (!fresh) return place->second;
  llvm::Triple parsed(triple);
  std::unique_ptr<llvm::MCSubtargetInfo> info = subtarget(triple, "", "");
  // The table has direct implications only.
  std::map<unsigned, llvm::FeatureBitset> direct, all;
  std::map<unsigned, std::string> names;
  for (const llvm::SubtargetFeatureKV& row : info->getAllProcessorFeatures()) {
    direct[row.Value] = row.Implies.getAsBitset();
    if (is_instruction_set(parsed, row.Key)) names[row.Value] = row.Key;
  }
  auto closed = [&](auto& self, unsigned feature) -> const llvm::FeatureBitset& {
    auto [found, is_new] = all.try_emplace(feature, direct[feature]);
    if (is_new) {
      for (auto& [other, bits] : direct) {
        if (bits.any() && direct[feature].test(other)) found->second |= self(self, other);
      }
    }
    return found->second;
  };
  ImpliedFeatures implied;
  for (auto& [feature, name] : names) {
    const llvm::FeatureBitset& bits = closed(closed, feature);
    std::set<std::string>& others = implied[name];
    for (auto& [other, other_name] : names) {
      if (other != feature && bits.test(other)) others.insert(other_name);
    }
  }
  return place->second = std::make_shared<const ImpliedFeatures>(std::move(implied));
}

}  // namespace inlay
