// Debug information: functions and lines of the .inlay file. Variables are not described.
#include <llvm/BinaryFormat/Dwarf.h>

#include "backends/llvm/emit/module_emitter.h"

namespace inlay::emit {

void ModuleEmitter::describe(llvm::Function* function, const Loc& loc) {
  if (!options_.debug_info || !loc) return;
  if (!debug_) {
    module().addModuleFlag(llvm::Module::Warning, "Debug Info Version",
                           llvm::DEBUG_METADATA_VERSION);
    module().addModuleFlag(llvm::Module::Warning, "Dwarf Version", 5);
    debug_ = std::make_unique<llvm::DIBuilder>(module());
    // There is no code for the language in DWARF; C has the debuggers' fewest surprises.
    debug_->createCompileUnit(llvm::dwarf::DW_LANG_C99, debug_->createFile(loc.file->path(), "."),
                              "inlay", /*isOptimized=*/true, "", 0);
  }
  llvm::DIFile* file = debug_->createFile(loc.file->path(), ".");
  llvm::DISubroutineType* type =
      debug_->createSubroutineType(debug_->getOrCreateTypeArray(std::nullopt));
  function->setSubprogram(debug_->createFunction(
      file, function->getName(), function->getName(), file, loc.line, type, loc.line,
      llvm::DINode::FlagZero,
      llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagLocalToUnit |
          llvm::DISubprogram::SPFlagOptimized));
}

llvm::DebugLoc ModuleEmitter::debug_place(const llvm::Function& function, const Loc& loc) {
  llvm::DISubprogram* scope = function.getSubprogram();
  if (!scope) return {};
  if (!loc) return llvm::DILocation::get(context_, scope->getLine(), 0, scope);
  return llvm::DILocation::get(context_, loc.line, loc.column, scope);
}

}  // namespace inlay::emit
