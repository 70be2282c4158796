// inlay emulate: a HIP program on the emulator, by its library's folder in LD_LIBRARY_PATH and its
// options in the environment.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/emulator/machine/bundle.h"
#include "runtime/emulator/machine/checks/observe.h"
#include "tools/inlay/command.h"

namespace inlay::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string arch, check, trace;
  int cus = 0, threads = 0, watchdog = -1;
  bool stats = false, verbose = false;
};

int wrong(const std::string& why) {
  fmt::print(stderr, "inlay: {}\n", why);
  return kUsage;
}

/// The folder with libamdhip64.so.5, beside this program or where it is installed; empty if none.
fs::path library_folder() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const fs::path root = program.parent_path().parent_path();
  for (const char* folder : {"lib", INLAY_LIBDIR}) {
    const fs::path candidate = root / folder / "inlay/emulator";
    if (fs::exists(candidate / "libamdhip64.so.5", failed)) return candidate;
  }
  return {};
}

/// As a shell finds it; empty if it does not.
fs::path find_program(const std::string& name) {
  std::error_code failed;
  if (name.find('/') != std::string::npos)
    return fs::exists(name, failed) ? fs::path(name) : fs::path();
  const char* path = std::getenv("PATH");
  const std::string folders = path ? path : "";
  for (size_t at = 0; at <= folders.size();) {
    const size_t end = std::min(folders.find(':', at), folders.size());
    const fs::path candidate = fs::path(folders.substr(at, end - at)) / name;
    if (access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate, failed))
      return candidate;
    at = end + 1;
  }
  return {};
}

void set(const char* name, const std::string& value) {
  setenv(name, value.c_str(), 1);
}

int emulate(const Options& options, const std::vector<std::string>& words) {
  if (words.empty()) return wrong("emulate: name the PROGRAM to run; `inlay emulate --help`");
  if (words[0][0] == '-')
    return wrong(fmt::format("emulate: there is no option `{}`; the program's own stand behind it",
                             words[0]));
  emulator::Target target(emulator::Chip::kGfx900);
  if (!options.arch.empty() && !emulator::parse_target(options.arch, &target))
    return wrong(fmt::format(
        "--arch {}: known are gfx900 and gfx906, with features as in gfx906:sramecc+:xnack-",
        options.arch));
  emulator::ObserverOptions checks;
  std::string unknown;
  if (!emulator::choose_checks(options.check, &checks, &unknown))
    return wrong(fmt::format("--check: there is no check `{}`; known are {}, all", unknown,
                             emulator::known_checks()));
  if (!options.trace.empty() && options.trace != "-") {
    std::ofstream file(options.trace, std::ios::app);
    if (!file) return wrong(fmt::format("--trace {}: {}", options.trace, std::strerror(errno)));
  }
  const fs::path folder = library_folder();
  if (folder.empty()) {
    fmt::print(
        stderr,
        "inlay: the emulator's library lib/inlay/emulator/libamdhip64.so.5 is not beside this "
        "program: build or install the target inlay_emulator_hip\n");
    return kFailed;
  }
  const fs::path program = find_program(words[0]);
  if (program.empty() || access(program.c_str(), X_OK) != 0) {
    const char* why = program.empty()   ? "no such program"
                      : errno == EACCES ? "not executable; chmod +x makes it so"
                                        : std::strerror(errno);
    fmt::print(stderr, "inlay: {}: {}\n", words[0], why);
    return kFailed;
  }
  if (std::error_code failed; fs::is_directory(program, failed)) {
    fmt::print(stderr, "inlay: {}: a folder, not a program\n", words[0]);
    return kFailed;
  }
  if (!options.arch.empty()) set("INLAY_EMULATOR_ARCH", options.arch);
  if (options.cus > 0) set("INLAY_EMULATOR_CUS", std::to_string(options.cus));
  if (options.threads > 0) set("INLAY_EMULATOR_THREADS", std::to_string(options.threads));
  if (options.watchdog >= 0) set("INLAY_EMULATOR_WATCHDOG", std::to_string(options.watchdog));
  if (!options.check.empty()) set("INLAY_EMULATOR_CHECK", options.check);
  if (!options.trace.empty()) set("INLAY_EMULATOR_TRACE", options.trace);
  if (options.stats) set("INLAY_EMULATOR_STATISTICS", "1");
  if (options.verbose) set("INLAY_EMULATOR_VERBOSE", "1");
  const char* old = std::getenv("LD_LIBRARY_PATH");
  set("LD_LIBRARY_PATH", folder.string() + (old && *old ? ":" + std::string(old) : ""));

  std::vector<std::string> copy = words;
  std::vector<char*> arguments;
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  fmt::print(stderr, "inlay: {}: {}\n", program.string(),
             errno == ENOEXEC ? "not a program that this machine runs" : std::strerror(errno));
  return kFailed;
}

}  // namespace

void add_emulate(CLI::App& app, Action& run) {
  CLI::App* sub = app.add_subcommand(
      "emulate",
      "Run a HIP program on the emulated gfx900 or gfx906: inlay emulate [OPTIONS] PROGRAM [ARGS]\n"
      "Its libamdhip64.so.5 or .so.6 is the emulator's; its exit code is inlay's.");
  auto options = std::make_shared<Options>();
  sub->add_option("--arch", options->arch, "gfx900 (default) or gfx906, features behind a colon");
  sub->add_option("--cus", options->cus, "compute units that the device reports")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--threads", options->threads,
                  "host threads; 1 runs everything in the same order each time")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--check", options->check,
                  "checks, with commas between: " + emulator::known_checks() + ", all");
  sub->add_option("--trace", options->trace, "one line per instruction to this file, - for stderr");
  sub->add_flag("--stats", options->stats, "counts of each launch on stderr");
  sub->add_option("--watchdog", options->watchdog,
                  "seconds after which a launch is stopped, 0 for never (default 600)")
      ->check(CLI::Range(0, 1000000));
  sub->add_flag("--verbose", options->verbose, "name the functions of HIP that are missing");
  sub->prefix_command(true);
  sub->callback([sub, options, &run] {
    const std::vector<std::string> words = sub->remaining();
    run = [options, words] { return emulate(*options, words); };
  });
}

}  // namespace inlay::cli
