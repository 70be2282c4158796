// Diagnostics: what is said to a person about a fault of the input: where, what, and the way out.
//
// Parser, verifier and passes collect into a Diagnostics; a step that can't go on throws
// CompileError, which carries them. Nothing here prints; render() makes the text.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "core/support/ref.h"

namespace inlay {

/// A text that was read: a file, or a string with a made-up name such as "<builder>".
class SourceFile final : public RefCounted {
 public:
  SourceFile(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}

  /// As the user named it; what diagnostics show, and what relative imports are relative to.
  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }
  /// Line number `line` (from 1) without its newline; empty past the end.
  std::string_view line(uint32_t line) const;

 private:
  std::string path_;
  std::string text_;
};

/// A place in a SourceFile. Lines and columns count from 1, columns in bytes; line 0 means the file
/// as a whole, a null file means "made by the C++ builder".
struct Loc {
  Ref<const SourceFile> file;
  uint32_t line = 0;
  uint32_t column = 0;

  explicit operator bool() const { return bool(file); }
};

enum class Severity : uint8_t { Note, Warning, Error };

/// One finding. `rule` is a stable kebab-case name that tests and scripts may match
/// ("parse", "type-mismatch", "import-missing-feature", ...).
struct Diagnostic {
  Severity severity = Severity::Error;
  std::string rule;
  std::string message;  ///< what is wrong, as one sentence without a full stop
  Loc loc;              ///< where; may be empty
  std::string ir_path;  ///< e.g. "sgemm/for i/for j", empty where the text says enough
  std::string help;     ///< the way out; may be empty
  std::string
      detail;  ///< preformatted lines (Clang's own diagnostic, a side-by-side); may be empty
  std::vector<Diagnostic> notes;
};

/// A collector. Not thread-safe: one per compilation.
class Diagnostics {
 public:
  /// Errors past this many are counted, not kept.
  static constexpr size_t kMaxErrors = 100;

  Diagnostic& error(std::string rule, const Loc& loc, std::string message, std::string help = "");
  Diagnostic& warning(std::string rule, const Loc& loc, std::string message, std::string help = "");
  void add(Diagnostic diagnostic);

  bool has_errors() const { return errors_ != 0; }
  size_t error_count() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return list_; }

  /// Throws CompileError with everything collected if there is an error in it.
  void throw_if_errors() const;

 private:
  std::vector<Diagnostic> list_;
  Diagnostic overflow_;
  size_t errors_ = 0;
};

/// The input can't be compiled. what() is the rendered text of all diagnostics, without colour.
class CompileError : public std::exception {
 public:
  explicit CompileError(std::vector<Diagnostic> diagnostics);
  CompileError(std::string rule, const Loc& loc, std::string message, std::string help = "");

  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

/// The text of a diagnostic as clang shows one: "file:line:col: error: message [rule]", the source
/// line with a caret, "help: ...", then its notes. Ends with a newline.
std::string render(const Diagnostic& diagnostic, bool colour = false);
std::string render(const std::vector<Diagnostic>& diagnostics, bool colour = false);

/// Those of `candidates` that a typist may have meant by `wanted`, nearest first, at most `count`
/// (optimal string alignment distance up to a third of the length; of one or two letters, only case
/// may differ).
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& candidates,
                                       size_t count = 3);
/// "did you mean `a`, `b`?" for a help text; empty without names.
std::string did_you_mean(const std::vector<std::string>& names);

}  // namespace inlay
