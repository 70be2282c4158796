// What an import's payload is, read: bytes, where they came from, and how a place in them is shown.
// Knows no LLVM type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/import.h"
#include "core/support/diagnostic.h"

namespace inlay {

struct ImportSource {
  Import import;  ///< the first pragma that named it
  std::string bytes;
  std::string name;            ///< "kernels/uk.c", or "inline at sgemm.inlay:12"
  std::string path;            ///< resolved; empty if inline
  std::string directory;       ///< absolute: where `#include "..."` looks first
  Ref<const SourceFile> text;  ///< what `locate` points into; null for binary kinds

  /// "import c \"uk.c\"", or "import c inline at sgemm.inlay:12".
  std::string title() const;
  /// The place of line `line`, column `column` of the payload: in the file itself, or, for an
  /// inline payload, in the .inlay file that holds it. Line 0: the payload as a whole.
  Loc locate(uint32_t line, uint32_t column) const;
};

/// Reads the payload of `import`. nullopt, and an error in `found`, if it can't be: rules
/// "import-missing-file" (names what was tried and the nearest names in that folder) and
/// "import-unreadable" (a directory, no permission, empty, absurdly large).
std::optional<ImportSource> read_import_source(const Import& import, Diagnostics& found);

/// True if an asm import is to be preprocessed: a file `.S`, or one with flags.
bool is_preprocessed(const ImportSource& source);

/// SHA-256 as hex digits of the parts, each framed by its length.
std::string content_hash(const std::vector<std::string_view>& parts);

/// The contents of a file, or nullopt.
std::optional<std::string> read_file(const std::string& path);

}  // namespace inlay
