// A small bench for imports: a module made by hand that calls symbols as emitted code does, linked,
// optimized, proven, and run in this process. LLVM's headers stay in the .cpp.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "backends/llvm/link/link.h"

namespace inlay::test {

/// One call in the emitted module.
struct Call {
  std::string symbol;
  std::vector<DType> args;
  DType result = kVoid;
  std::string function = "f";
  int copies = 1;     ///< call instructions with this number, as an unrolled loop has them
  bool dead = false;  ///< stands behind a condition that is false
};

/// What linking gave: either errors, or IR, report and code.
struct Outcome {
  std::vector<Diagnostic> errors;
  std::string text;               ///< of the errors
  std::string linked, optimized;  ///< LLVM IR
  BuildReport report;
  std::vector<Diagnostic> warnings;
  LinkResult link;
  std::shared_ptr<void> code;  ///< keeps the machine code alive

  bool ok() const { return errors.empty(); }
  /// The address of `function` ("f": all calls of it, one after the other); null if not run here.
  void* address = nullptr;
  template <typename F>
  F* as() const {
    return reinterpret_cast<F*>(address);
  }
};

/// A program text with imports, and calls of them. Places are in "program.inlay".
class Bench {
 public:
  explicit Bench(const std::string& target = "x86-64-v3");

  /// `import KIND "path"`, relative to `folder` (default: tests/backends/data/imports).
  Bench& file(ImportKind kind, const std::string& path, std::vector<std::string> flags = {},
              bool may_call = false, const std::string& folder = "");
  /// `import KIND inline """..."""`; the code starts on the line after the pragma.
  Bench& text(ImportKind kind, const std::string& code, std::vector<std::string> flags = {},
              bool may_call = false);
  Bench& call(Call call);
  Bench& cache(ByteCache* cache);
  Bench& debug_info();
  /// Stops after linking: the code is not run.
  Bench& link_only();
  Bench& include(const std::string& folder);
  /// Module flag of behaviour "error" on the emitted module.
  Bench& module_flag(const std::string& key, uint32_t value);

  /// Links; then optimizes and proves; then, on the host's architecture, loads the code.
  Outcome run();

  /// Line (from 1) of the pragma of import `index`, and of the first line of an inline payload.
  uint32_t pragma_line(size_t index) const { return pragma_lines_[index]; }
  uint32_t payload_line(size_t index) const { return pragma_lines_[index] + 1; }

 private:
  struct Pending {
    ImportKind kind;
    bool is_inline;
    std::string payload, folder;
    std::vector<std::string> flags;
    bool may_call;
  };
  std::string spec_;
  std::vector<Pending> pending_;
  std::vector<Call> calls_;
  std::vector<uint32_t> pragma_lines_;
  std::string program_ = "// program.inlay\n";
  CompileOptions options_;
  bool link_only_ = false;
  std::vector<std::pair<std::string, uint32_t>> flags_;
};

/// tests/backends/data/imports.
std::string data_folder();
/// A fresh folder under the build tree for this test.
std::string scratch_folder();
std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);
/// Runs a command of the machine; fails the test with its output if it fails.
void shell(const std::string& command);

/// The only error has this rule, stands at this line of program.inlay (0: anywhere), and its text
/// has all the parts.
void expect_error(const Outcome& outcome, const std::string& rule, uint32_t line,
                  const std::vector<std::string>& parts);

}  // namespace inlay::test
