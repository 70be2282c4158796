// C, C++ and assembly imports through Clang, in process: freestanding, with just the target's
// features, no heavy passes (the whole module is optimized later), diagnostics kept with the places
// in the import's own text.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/llvm/imports/source.h"

namespace llvm {
class TargetMachine;
}

namespace inlay {

struct ClangRequest {
  const ImportSource* source = nullptr;
  std::string triple;
  std::string cpu;
  std::vector<std::string> features;             ///< "+avx2", "-fma"
  std::vector<std::string> include_directories;  ///< after the folder of the source
  bool debug_info = false;
  int code_object_version = 0;  ///< of an AMD GPU; 0: another target
};

struct ClangOutput {
  std::string bytes;  ///< bitcode of c and cxx; preprocessed text of asm
  /// Files that were included, absolute, but Clang's own headers; with the hash of their contents.
  std::vector<std::pair<std::string, std::string>> dependencies;
  /// What c and cxx ask for by target attributes and intrinsics.
  std::set<std::string> features;
};

/// The flags of an import, split as a shell does. Flags that would not be honoured (output, target,
/// plugins) are errors in `found`, rule "import-does-not-compile".
std::vector<std::string> split_flags(const Import& import, Diagnostics& found);

/// Compiles c and cxx to bitcode, preprocesses asm. Errors go to `found` (rule
/// "import-does-not-compile", Clang's message, at its place; Clang's full text in `detail`) and
/// give false; warnings go to `warnings` (rule "import-warning").
bool clang_compile(const ClangRequest& request, ClangOutput& output, Diagnostics& found,
                   Diagnostics& warnings);

// Inline assembly of c and cxx carries its place as `!srcloc`: these bits, instead of Clang's own
// numbers, which mean nothing once Clang is done. Linking adds which import it came from.
struct AsmPlace {
  uint32_t line = 0;  ///< in the payload; 0: in an included file, or unknown
  uint32_t column = 0;
  uint32_t import = 0;  ///< 1 + position among the loaded imports; 0: not linked yet
  bool valid = false;   ///< the cookie is one of these at all
};
uint64_t encode_asm_place(AsmPlace place);
AsmPlace decode_asm_place(uint64_t cookie);

}  // namespace inlay
