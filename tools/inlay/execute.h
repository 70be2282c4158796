// A program compiled, loaded and ready to be called, for `run` and `bench`.
#pragma once

#include "tools/driver/arguments.h"
#include "tools/inlay/command.h"

namespace inlay::cli {

/// Code object in memory -> loaded module. Throws CompileError (rule "load") with the runtime's
/// sentence.
class LoadedProgram {
 public:
  explicit LoadedProgram(const std::string& code_object);
  ~LoadedProgram();
  LoadedProgram(const LoadedProgram&) = delete;
  LoadedProgram& operator=(const LoadedProgram&) = delete;

  const InlayCallable* function(const std::string& name) const;
  InlayModule* module() const { return module_; }

 private:
  InlayModule* module_ = nullptr;
};

/// Throws CompileError (rule "run") with the runtime's sentence at a status other than INLAY_OK.
void call(const InlayCallable* function, const std::vector<InlayValue>& values);

/// The function named, or the only one; throws CompileError that lists what there is.
const Function& pick_function(const Program& program, const std::string& name);

/// Words "NAME=VALUE" as a map; throws CompileError at a word without "=" or a name given twice.
std::map<std::string, std::string> assignments(const std::vector<std::string>& words);

}  // namespace inlay::cli
