// ROCm's device libraries: ocml (math), ockl (the rest), as bitcode. Linked only for what is still
// undefined after the imports, function by function, before optimization.
//
// The libraries read constants (__oclc_*) that say what they are linked for. These are defined
// here, from one table, after it is known which are asked for: releases differ in which they need.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/llvm/link/resolve.h"
#include "core/target.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay::amdgpu {

class DeviceLibraries {
 public:
  DeviceLibraries();
  ~DeviceLibraries();

  /// What the libraries define; finding and opening them at the first question. Throws
  /// CompileError, rule "device-libraries", naming the folders where they were looked for. Lives as
  /// long as this.
  SymbolProvider provider();

  /// Defines in `module` what it still declares and the libraries have, to a fix point; then the
  /// __oclc constants; all of it internal. Returns, for each library that was needed, its name and
  /// how many functions came: "ocml (3 functions)". Throws CompileError: "device-libraries",
  /// "undefined-symbol".
  std::vector<std::string> link(llvm::Module& module, const Target& target,
                                llvm::TargetMachine& machine, int code_object_version);

  /// Paths of the libraries that were read.
  std::vector<std::string> files() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace inlay::amdgpu
