#include "backends/llvm/object/codegen.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include "core/support/check.h"

namespace inlay {

std::string generate_code(llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  bool refused =
      machine.addPassesToEmitFile(passes, stream, nullptr,
                                  kind == CodeKind::Object ? llvm::CodeGenFileType::ObjectFile
                                                           : llvm::CodeGenFileType::AssemblyFile,
                                  /*DisableVerify=*/true);
  INLAY_CHECK(!refused, "a target that can't emit files");
  passes.run(module);
  return std::string(bytes);
}

}  // namespace inlay
