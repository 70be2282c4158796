// Which definition each symbol means, and what is needed to link it: the linker's part that can be
// wrong by the user's fault. Changes nothing in any module.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/llvm/emit/extern_call.h"
#include "backends/llvm/imports/load.h"

namespace llvm {
class GlobalValue;
}

namespace inlay {

/// Where an external symbol is defined: in a module, or in a member of native code.
struct Definition {
  size_t import = 0;
  llvm::GlobalValue* value = nullptr;  ///< null: native
  size_t member = 0;                   ///< of the native code
  bool weak = false;                   ///< gives way to a strong one
};

struct Resolution {
  /// The one that each external name means, for all names that any import defines.
  std::map<std::string, Definition> winners;
  /// What is reached from the calls, by import.
  std::vector<std::set<llvm::GlobalValue*>> needed;
  /// Members of native code that are reached, by import.
  std::map<size_t, std::set<size_t>> needed_natives;
  std::set<std::string> native_libc;  ///< of the runtime's table, called by native code
  std::set<std::string> exported;     ///< module symbols that native code refers to
};

/// Who else defines symbols that an import may call: the runtime's table, device libraries.
struct SymbolProvider {
  std::function<bool(const std::string&)> has;  ///< asked for what no import defines
  std::string help;                             ///< what there is, for who asks for something else
};
/// runtime/abi/libc.def.
SymbolProvider runtime_symbols();

/// Resolves what `calls` need. Errors: "import-unknown-symbol" (with the nearest names),
/// "import-clash" (both places), "import-undefined-symbol" (with the chain of callers),
/// "import-calls-kernel" (likewise).
Resolution resolve(const std::vector<LoadedImport>& imports, const std::vector<ExternCall>& calls,
                   const SymbolProvider& provider, Diagnostics& found);

/// Every global that the body or initializer of `value` refers to directly.
std::vector<llvm::GlobalValue*> direct_references(llvm::GlobalValue& value);

/// True if the runtime's table offers `name` (runtime/abi/libc.def).
bool is_runtime_symbol(const std::string& name);

}  // namespace inlay
