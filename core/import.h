// Import: hand-written code that a program brings along. A pragma of the IR: it may stand at
// program, function or statement scope, in an `implement` row, on the command line or in the C++
// builder, and means the same everywhere: "these symbols are defined there".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/support/diagnostic.h"
#include "core/support/ref.h"

namespace inlay {

/// What the payload is. Each backend says which it honours; any other is an error, never ignored.
enum class ImportKind : uint8_t {
  Llvm,     ///< LLVM IR text (.ll)
  Bitcode,  ///< LLVM bitcode (.bc)
  C,        ///< C17 (GNU dialect), compiled freestanding with the target's features
  Cxx,      ///< C++20, likewise; exported functions need extern "C"
  Asm,      ///< assembly text (.s; .S is preprocessed)
  Object,   ///< ELF object
  Archive,  ///< ar archive of ELF objects
  Hsaco,    ///< ready AMDGPU code object
};

/// "llvm", "bitcode", "c", "cxx", "asm", "object", "archive", "hsaco".
const char* to_string(ImportKind kind);
std::optional<ImportKind> parse_import_kind(std::string_view name);
/// By file extension (.ll .bc .c .cpp .cc .cxx .s .S .o .a .hsaco); nullopt for another.
std::optional<ImportKind> import_kind_of_path(std::string_view path);
/// Kinds whose payload is text, and which may therefore be given inline.
bool is_text_kind(ImportKind kind);

struct ImportNode : RefCounted {
  ImportKind kind{};
  bool is_inline = false;          ///< payload is the code itself, not a path
  std::string payload;             ///< path as written, or the code
  bool may_call = false;           ///< a call that is not inlined is no error
  std::vector<std::string> flags;  ///< extra Clang flags for c, cxx and asm
  std::string base_directory;      ///< a relative path starts here; empty: the current directory
  Loc loc;                         ///< of the pragma
  Loc payload_loc;                 ///< of the first byte of an inline payload
};

/// Shared, immutable import pragma. Two are equal if kind, payload, flags and policy are.
class Import : public Ref<const ImportNode> {
 public:
  using Ref::Ref;
  static Import path(ImportKind kind, std::string path, std::string base_directory = "",
                     std::vector<std::string> flags = {}, bool may_call = false, Loc loc = {});
  static Import inline_text(ImportKind kind, std::string code, std::vector<std::string> flags = {},
                            bool may_call = false, Loc loc = {}, Loc payload_loc = {});
};

bool equal(const Import& a, const Import& b);

/// The path of a file import, joined with its base directory and normalized lexically.
std::string resolved_path(const Import& import);

}  // namespace inlay
