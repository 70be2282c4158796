// Loads what a program imports: each distinct payload once, into a module or native bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/llvm/imports/native.h"
#include "backends/llvm/imports/source.h"
#include "backends/plugin/plugin.h"

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

struct LoadedImport {
  ImportSource source;
  std::vector<Import> pragmas;  ///< every one that named this content; the first is source.import
  std::string content_hash;  ///< of payload, kind, flags, and of the folder that includes look in
  bool may_call = false;     ///< one of the pragmas allows it
  bool from_cache = false;
  std::vector<std::string> dependencies;     ///< files that it was made of: itself, its includes
  std::vector<std::string> features_needed;  ///< what its assembly uses beyond the baseline
  std::unique_ptr<llvm::Module> module;      ///< llvm, bitcode, c, cxx
  NativeCode native;                         ///< asm, object, archive

  bool is_native() const { return !module; }
};

/// Loads every import of `unit`, in order of appearance. All faults go to `found`; what failed is
/// missing from the result. C, C++ and assembly come from options.cache when the sources, their
/// includes, the flags, the target and this compiler are the same; warnings of Clang are not
/// cached.
std::vector<LoadedImport> load_imports(llvm::LLVMContext& context, const CompileUnit& unit,
                                       llvm::TargetMachine& machine, const CompileOptions& options,
                                       Diagnostics& found, Diagnostics& warnings);

}  // namespace inlay
