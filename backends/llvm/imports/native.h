// Machine code imports: ELF objects and archives of them, checked before a linker sees them.
#pragma once

#include <string>
#include <vector>

#include "backends/llvm/imports/source.h"

namespace inlay {

/// An object: itself, or a member of an archive.
struct NativeMember {
  std::string name;
  std::vector<std::string> defined;  ///< global and weak symbols
  std::vector<std::string> weak;     ///< those of `defined` that give way to another
  std::vector<std::string> undefined;
};

struct NativeCode {
  std::string bytes;
  std::vector<NativeMember> members;
};

/// Reads `code.bytes`, an object or archive for `triple`, into `code.members`. Errors: rule
/// "import-object" (no ELF, not relocatable, damaged, not position-independent, thread-local data),
/// "import-layout" (another machine, class or byte order).
bool inspect_native(const ImportSource& source, const std::string& triple, NativeCode& code,
                    Diagnostics& found);

}  // namespace inlay
