// LLVM's TargetMachine for a Target of ours. Initializes only the LLVM target that is asked for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/target.h"

namespace llvm {
class Function;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// A target machine for position-independent code without fast-math; `optimization_level` 0 to 3.
/// Throws CompileError (rule "unknown-target") if LLVM does not know the triple or the CPU.
/// Thread-safe; the result is not.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target& target,
                                                         int optimization_level);

/// The `target-features` string of `target`: "+f" for each enabled feature, "-f" for each that the
/// CPU has by itself and the target has not. Sorted. For a GPU only what the target ID says of
/// `sramecc` and `xnack` (features "xnack", "no-xnack").
std::string feature_string(const Target& target);

/// Puts target-cpu and target-features of `target` on a function that we make.
void set_target_attributes(llvm::Function& function, const Target& target);

/// A processor feature of an LLVM target.
struct FeatureInfo {
  std::string name;
  bool tuning = false;  ///< how to schedule, not what can be executed
};

/// What LLVM knows of one triple's processors.
struct ProcessorTable {
  std::vector<std::string> cpus;  ///< those with a 64-bit mode; without LLVM's "generic"
  std::vector<FeatureInfo> features;
};
ProcessorTable processor_table(const std::string& triple);

/// LLVM's feature for an architecture extension as -march names it (AArch64: "fp16" is "fullfp16");
/// empty if there is none.
std::string feature_of_extension(const std::string& triple, const std::string& extension);

/// Enabled instruction-set features (no tuning ones, no modes) of `cpu` changed by `changes`
/// ("+avx2", "-fma"), with all that they imply. `cpu` and the features must be known.
std::vector<std::string> expand_features(const std::string& triple, const std::string& cpu,
                                         const std::vector<std::string>& changes);

/// What each instruction-set feature of the triple's LLVM target implies, directly and through
/// others. Asked once a triple. Thread-safe.
std::shared_ptr<const ImpliedFeatures> implied_features(const std::string& triple);

}  // namespace inlay
