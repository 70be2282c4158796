#include "backends/llvm/stages/stages.h"

#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

namespace inlay {

bool wants(const CompileOptions& options, Artifact artifact) {
  return std::find(options.artifacts.begin(), options.artifacts.end(), artifact) !=
         options.artifacts.end();
}

std::string module_text(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

}  // namespace inlay
