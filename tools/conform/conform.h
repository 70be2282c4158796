// Conformance of micro-kernels: every `implement` row of a program is compared with the meaning of
// its intrinsic, on cases made from the meaning alone. A micro-kernel needs no test of its own.
//
// Each call runs in another process, between guard pages, so that a read or write outside of an
// argument is caught where it happens; on another architecture that process is started by a command
// given for it, such as an emulator. The code of each row is looked at as well.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/conform/rows.h"

namespace inlay::conform {

struct Options {
  uint64_t seed = 1;
  size_t most_sizes = 100;  ///< combinations of sizes
  std::string exec;         ///< inlay-exec of this machine
  /// By architecture as in predicates: the words before `PROGRAM.so --cases IN OUT`.
  std::map<std::string, std::string> exec_of;
  size_t most_failures = 5;  ///< that are told of each row
};

/// What its machine code shows, local functions of its imports included. Only what was inlined or
/// linked as IR is seen.
struct CodeReport {
  bool inlined = false;
  int fused = 0;          ///< fused multiply-adds, of vectors
  std::string registers;  ///< widest that they use: "zmm", "ymm", "xmm", "v"
  int loop_calls = 0;     ///< calls in blocks of innermost loops that have fused multiply-adds
  int loop_spills = 0;    ///< vector registers that such blocks move to or from the stack
  int hot_spills = 0;  ///< of those, for less than eight fused multiply-adds each, in the largest
                       ///< such block and those above half of its size
  std::vector<std::string> foreign;  ///< what is called and is not part of the code
};

/// Reads assembly as LLVM writes it.
CodeReport inspect(const std::string& assembly, const std::string& arch);

struct RowReport {
  std::string name, place, target;
  bool ran = false;
  std::string not_run;  ///< why it did not run here
  size_t cases = 0, failed = 0;
  std::string sizes;      ///< "k 0..257"
  double worst = 0;       ///< largest error, as a fraction of its bound
  std::string unbounded;  ///< why only the interpreter's values were compared with; or empty
  CodeReport code;
  std::vector<std::string> failures;  ///< what went wrong, the first few
  bool ok() const { return failures.empty(); }
};

/// Tests one row. Throws CompileError where the row does not compile.
RowReport check_row(const Program& program, const Row& row, PluginRegistry& plugins,
                    const Options& options);

/// Why a row can't be called by a test at all; empty if it can.
std::string why_not_callable(const Row& row);

/// Two or three lines for a person.
std::string render(const RowReport& report);

/// The program's path, where `inlay-exec` lies beside it.
std::string exec_beside_this_program();

}  // namespace inlay::conform
