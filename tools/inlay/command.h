// What the subcommands of `inlay` share: options that mean the same in each, and how they end.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/driver/build.h"

namespace inlay::cli {

// Exit codes, as `inlay --help` tells them.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;     ///< the input or the run has a fault, a diagnostic says which
inline constexpr int kUsage = 2;      ///< the command line is wrong
inline constexpr int kInternal = 70;  ///< a fault of Inlay's own

/// Options of every command that compiles.
struct CompileFlags {
  std::vector<std::string> targets;
  std::vector<std::string> sets;
  std::vector<std::string> imports;
  std::vector<std::string> include_directories;
  std::string optimization = "3";
  bool debug_info = false;
  std::string code_object_version;
  bool no_cache = false;
  bool no_schedule = false;

  void add_to(CLI::App& app, bool many_targets);
  /// Throws CompileError (rule "option") at a value that can't be understood.
  BuildRequest request(const std::string& input) const;
};

/// One driver for the process; its cache is off with no_cache, or where there is no cache folder.
class Session {
 public:
  explicit Session(bool no_cache);
  Driver& driver() { return driver_; }
  PluginRegistry& plugins() { return plugins_; }

 private:
  PluginRegistry plugins_;
  std::unique_ptr<DiskCache> cache_;
  Driver driver_;
};

/// "NAME=VALUE", split; throws CompileError (rule "option") naming `option` if there is no "=".
std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option);

// Checks of options, for CLI::Option::check(): empty if `text` is good, else what is wrong.
std::string is_seed(const std::string& text);
/// A finite number that is not negative.
std::string is_amount(const std::string& text);

/// True if diagnostics on stderr may be coloured (a terminal, and NO_COLOR unset).
bool colour_on_stderr();

/// The command line quoted for a shell, for reproduce comments.
std::string command_line(int argc, char** argv);

// Each adds its subcommand to `app` and sets `run` when it is chosen.
using Action = std::function<int()>;
void add_build(CLI::App& app, Action& run, std::string command_line);
void add_run(CLI::App& app, Action& run);
void add_check(CLI::App& app, Action& run);
void add_explain(CLI::App& app, Action& run);
void add_bench(CLI::App& app, Action& run);
void add_targets(CLI::App& app, Action& run);
void add_emulate(CLI::App& app, Action& run);
void add_disasm(CLI::App& app, Action& run);
void add_completion(CLI::App& app, Action& run);

}  // namespace inlay::cli
