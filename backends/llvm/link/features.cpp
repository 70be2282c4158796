#include "backends/llvm/link/features.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/Function.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>

#include "backends/llvm/machine.h"

namespace inlay {

namespace {

// What the attributes of a function ask for, as far as this LLVM knows the names.
struct Asked {
  std::string cpu;
  std::string unknown_cpu;
  std::vector<std::string> changes;
  std::vector<std::string> unknown;  // wanted, and not known
};

class Names {
 public:
  explicit Names(const std::string& triple) : aarch64_(triple.compare(0, 7, "aarch64") == 0) {
    ProcessorTable table = processor_table(triple);
    cpus_.insert(table.cpus.begin(), table.cpus.end());
    cpus_.insert({"generic", ""});
    for (const FeatureInfo& feature : table.features) features_.insert(feature.name);
  }

  Asked asked(const llvm::Function& function, const std::string& default_cpu) const {
    Asked out;
    out.cpu = default_cpu;
    llvm::Attribute cpu = function.getFnAttribute("target-cpu");
    if (cpu.isValid()) {
      out.cpu = cpu.getValueAsString().str();
      if (!cpus_.count(out.cpu)) {
        out.unknown_cpu = out.cpu;
        out.cpu = default_cpu;
      }
    }
    llvm::SmallVector<llvm::StringRef, 64> parts;
    function.getFnAttribute("target-features").getValueAsString().split(parts, ',', -1, false);
    for (llvm::StringRef part : parts) {
      if (part.size() < 2) continue;
      // Clang for AArch64 writes these everywhere: every 64-bit Arm CPU is v8a, and atomics of
      // which a library decides when it runs are nothing that a code object could link.
      if (aarch64_ && (part == "+v8a" || part == "+outline-atomics")) continue;
      if (features_.count(part.drop_front().str())) {
        out.changes.push_back(part.str());
      } else if (part[0] == '+') {
        out.unknown.push_back(part.drop_front().str());
      }
    }
    return out;
  }

 private:
  std::set<std::string> cpus_, features_;
  bool aarch64_;
};

std::string baseline_cpu(const Target& target) {
  if (target.arch == "amdgpu") return "gfx900";
  return target.arch == "x86_64" ? "x86-64" : "generic";
}

bool says_nothing(const llvm::Function& function) {
  return !function.hasFnAttribute("target-cpu") && !function.hasFnAttribute("target-features");
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 8; ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > 8) text += " and " + std::to_string(names.size() - 8) + " more";
  return text;
}

const ExternCall* first_call(const std::vector<ExternCall>& calls, const Resolution& resolution,
                             size_t import) {
  for (const ExternCall& call : calls) {
    auto it = resolution.winners.find(call.symbol);
    if (it != resolution.winners.end() && it->second.import == import) return &call;
  }
  return nullptr;
}

}  // namespace

void check_features(const std::vector<LoadedImport>& imports, const Resolution& resolution,
                    const std::vector<ExternCall>& calls, const Target& target,
                    const llvm::Function& caller, const llvm::TargetMachine& machine,
                    Diagnostics& found) {
  Names names(target.triple);
  llvm::TargetTransformInfo costs = machine.getTargetTransformInfo(caller);
  for (size_t i = 0; i < imports.size(); ++i) {
    std::set<std::string> said;
    for (llvm::GlobalValue* value : resolution.needed[i]) {
      auto* function = llvm::dyn_cast<llvm::Function>(value);
      if (!function || function->isDeclaration()) continue;
      if (says_nothing(*function)) {
        set_target_attributes(*function, target);
        continue;
      }
      Asked asked = names.asked(*function, machine.getTargetCPU().str());
      if (!asked.unknown_cpu.empty()) {
        found.error("import-missing-feature", imports[i].source.import->loc,
                    imports[i].source.title() + ": `" + function->getName().str() +
                        "` is for the CPU " + asked.unknown_cpu + ", which this LLVM does not know",
                    "compile it for " + machine.getTargetCPU().str());
        continue;
      }
      if (asked.unknown.empty()) {
        // Older releases name features (avx512er, 3dnow) only to switch them off; this LLVM would
        // complain on stderr about each.
        std::string known;
        for (const std::string& change : asked.changes)
          known += (known.empty() ? "" : ",") + change;
        if (function->hasFnAttribute("target-features")) {
          function->addFnAttr("target-features", known);
        }
        if (costs.areInlineCompatible(&caller, function)) continue;
      }
      std::vector<std::string> missing = asked.unknown;
      for (const std::string& feature : expand_features(target.triple, asked.cpu, asked.changes)) {
        if (!target.features.count(feature)) missing.push_back(feature);
      }
      if (!said.insert(list(missing)).second) continue;
      const ImportSource& source = imports[i].source;
      std::string what = missing.empty() ? "was compiled for a processor that differs from the "
                                           "target's in a way that forbids inlining"
                                         : "needs " + list(missing) + ", which the target " +
                                               target.spec + " lacks";
      Diagnostic& diagnostic =
          found.error("import-missing-feature", source.import->loc,
                      source.title() + ": `" + function->getName().str() + "` " + what,
                      "build for a target that has them (--target), or import this only there: an "
                      "`implement ... for` row with these features");
      diagnostic.detail = "import: cpu " + asked.cpu + ", " +
                          function->getFnAttribute("target-features").getValueAsString().str() +
                          "\ntarget: cpu " + machine.getTargetCPU().str() + ", " +
                          machine.getTargetFeatureString().str();
      if (const ExternCall* call = first_call(calls, resolution, i)) {
        diagnostic.notes.push_back({Severity::Note,
                                    "",
                                    "`" + call->symbol + "` is called in " + call->function,
                                    call->loc,
                                    "",
                                    "",
                                    "",
                                    {}});
      }
    }
  }
}

std::vector<std::string> features_needed(const LoadedImport& import,
                                         const std::set<llvm::GlobalValue*>& needed,
                                         const Target& target) {
  std::set<std::string> all(import.features_needed.begin(), import.features_needed.end());
  // Clang gave its functions the target's features, whatever they use.
  bool ours =
      import.source.import->kind == ImportKind::C || import.source.import->kind == ImportKind::Cxx;
  Names names(target.triple);
  std::set<std::string> baseline;
  for (const std::string& feature : expand_features(target.triple, baseline_cpu(target), {})) {
    baseline.insert(feature);
  }
  for (llvm::GlobalValue* value : needed) {
    auto* function = llvm::dyn_cast<llvm::Function>(value);
    if (!function || function->isDeclaration() || ours || says_nothing(*function)) continue;
    Asked asked = names.asked(*function, baseline_cpu(target));
    for (const std::string& feature : expand_features(target.triple, asked.cpu, asked.changes)) {
      all.insert(feature);
    }
  }
  std::vector<std::string> out;
  for (const std::string& feature : all) {
    if (!baseline.count(feature)) out.push_back(feature);
  }
  return out;
}

}  // namespace inlay
