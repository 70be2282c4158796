// LLD in process: objects in, a code object or one relocatable object out.
#pragma once

#include <string>
#include <vector>

#include "backends/llvm/link/link.h"

namespace inlay {

struct LinkOptions {
  std::string emulation;             ///< "elf_x86_64", "aarch64linux"
  std::vector<std::string> exports;  ///< all other symbols become local
  bool relocatable = false;
  bool keep_symbols = false;  ///< local symbols and debug sections stay
  bool device = false;        ///< a code object for a GPU: what is protected is exported; no note
};

/// Links `inputs` without any library. The result depends on nothing but them. Throws CompileError
/// (rule "link", or "undefined-symbol" naming each and who needs it) with the linker's own words.
/// Thread-safe: one link runs at a time. Uses a temporary folder under TMPDIR, removed afterwards.
std::string link_objects(const std::vector<NativeInput>& inputs, const LinkOptions& options);

}  // namespace inlay
