// The inlay command: picks the subcommand, and turns whatever goes wrong into a sentence and an
// exit code.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "core/support/build_id.h"
#include "tools/inlay/command.h"

namespace inlay::cli {

bool colour_on_stderr() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) && !(no_color && *no_color);
}

std::string command_line(int argc, char** argv) {
  std::string text = "inlay";
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    bool plain = !word.empty() && word.find_first_not_of(
                                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_-+=./,:@%") == std::string_view::npos;
    text += ' ';
    if (plain) {
      text += word;
      continue;
    }
    text += '\'';
    for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

namespace {

int guarded(const Action& action) {
  try {
    return action();
  } catch (const CompileError& error) {
    std::fflush(stdout);  // what was said before comes first
    std::fputs(render(error.diagnostics(), colour_on_stderr()).c_str(), stderr);
    size_t errors = 0;
    for (const Diagnostic& diagnostic : error.diagnostics()) {
      errors += diagnostic.severity == Severity::Error;
    }
    if (errors > 1) std::fprintf(stderr, "%zu errors\n", errors);
    return kFailed;
  } catch (const InternalError& error) {
    std::fprintf(stderr, "inlay: %s\n", error.what());
    return kInternal;
  } catch (const std::bad_alloc&) {
    std::fputs("inlay: out of memory\n", stderr);
    return kFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "inlay: internal error: %s; please report this\n", error.what());
    return kInternal;
  }
}

int main_of(int argc, char** argv) {
  CLI::App app{
      "Inlay compiles tensor programs and inlays the micro-kernels that you trust into the\n"
      "loops that it generates.",
      "inlay"};
  app.set_version_flag("--version", std::string("inlay ") + std::string(build_id()));
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Examples:\n"
      "  inlay run kernels/examples/vadd16/vadd16.inlay N=1000 --check\n"
      "  inlay build kernels/gemm/sgemm.inlay --target x86-64-v3 -o sgemm.so --report\n"
      "  inlay explain kernels/gemm/sgemm.inlay --target native\n"
      "  inlay emulate --arch gfx906 --check all ./hip_program\n\n"
      "Exit codes: 0 done; 1 the input has a fault, said on stderr; 2 the command line is wrong;\n"
      "70 a fault of Inlay's own.\n"
      "Environment: INLAY_BACKEND_PATH (folders of backend plugins), XDG_CACHE_HOME (the cache "
      "lies\n"
      "in its folder inlay), INLAY_CACHE_BYTES (its bound), INLAY_NUM_THREADS, NO_COLOR.");
  Action action;
  add_build(app, action, command_line(argc, argv));
  add_run(app, action);
  add_check(app, action);
  add_explain(app, action);
  add_bench(app, action);
  add_targets(app, action);
  add_emulate(app, action);
  add_disasm(app, action);
  add_completion(app, action);
  if (argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
    if (std::find(names.begin(), names.end(), argv[1]) == names.end()) {
      std::vector<std::string> near = nearest_names(argv[1], names, 1);
      std::fprintf(stderr, "inlay: there is no command `%s`%s\n", argv[1],
                   near.empty() ? "; `inlay --help` lists them"
                                : ("; did you mean `" + near[0] + "`?").c_str());
      return kUsage;
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    int code = app.exit(asked);  // --help, --version
    if (std::cout.flush()) return code;
    std::perror("inlay: stdout");
    return kFailed;
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kUsage;
  }
  int code = guarded(action);
  // A full disk or a closed pipe must not pass for success.
  bool earlier = std::ferror(stdout) != 0;
  if ((std::fflush(stdout) != 0 || earlier) && code == kOk) {
    std::fprintf(stderr, "inlay: stdout: %s\n",
                 earlier ? "not all could be written" : std::strerror(errno));
    return kFailed;
  }
  return code;
}

}  // namespace

}  // namespace inlay::cli

int main(int argc, char** argv) {
  inlay::remove_files_on_signals();
  return inlay::cli::main_of(argc, argv);
}
