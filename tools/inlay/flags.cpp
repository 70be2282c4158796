// Options shared by the subcommands.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/inlay/command.h"

namespace inlay::cli {

namespace {

[[noreturn]] void bad_option(const std::string& message, const std::string& help) {
  throw CompileError("option", {}, message, help);
}

int64_t parse_number(const std::string& text, const std::string& where) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    bad_option("`" + text + "` in " + where + " is no integer", "write " + where + " as NAME=8");
  }
  return value;
}

Import parse_import(const std::string& text) {
  size_t colon = text.find(':');
  std::optional<ImportKind> kind;
  std::string path = text;
  if (colon != std::string::npos && (kind = parse_import_kind(text.substr(0, colon)))) {
    path = text.substr(colon + 1);
  } else if (colon == std::string::npos || text.find('/') < colon || std::ifstream(text)) {
    kind = import_kind_of_path(text);
  }
  if (!kind) {
    bad_option("can't tell the kind of `--import " + text + "`",
               "write it as KIND:PATH, KIND one of llvm, bitcode, c, cxx, asm, object, archive, "
               "hsaco");
  }
  return Import::path(*kind, path);
}

std::string is_folder(const std::string& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed) ? "" : "there is no folder " + path;
}

}  // namespace

std::string is_seed(const std::string& text) {
  uint64_t seed = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  bool good = error == std::errc() && end == text.data() + text.size();
  return good ? "" : "`" + text + "` is no number from 0 to 18446744073709551615";
}

std::string is_amount(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  bool good = !text.empty() && *end == 0 && std::isfinite(value) && value >= 0;
  return good ? "" : "`" + text + "` is no number from 0 up";
}

std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    bad_option("`" + text + "` of " + option + " is no assignment", "write it as NAME=VALUE");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void CompileFlags::add_to(CLI::App& app, bool many_targets) {
  CLI::Option* target =
      app.add_option("-t,--target", targets,
                     many_targets ? "Target, such as native (default), x86-64-v3, znver3+avx512f, "
                                    "aarch64+neon, gfx906:xnack-; several of one architecture make "
                                    "variants, chosen when loaded; GPUs go into the same file"
                                  : "Target, such as native (default), x86-64-v3, aarch64+neon");
  target->type_name("TARGET");
  if (many_targets) {
    target->take_all();
  } else {
    target->expected(1);
  }
  // One value for each flag: what comes next is the command's.
  target->allow_extra_args(false);
  app.add_option(
         "--set", sets,
         "Value of a `param`, or of a number of a schedule, such as mr=4; sgemm.mc=72 is for "
         "the schedules of sgemm alone")
      ->type_name("NAME=INT")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--import", imports,
                 "One more import, as if at program scope: KIND:PATH, or PATH "
                 "where the extension tells the kind")
      ->type_name("[KIND:]PATH")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("-I,--include-dir", include_directories,
                 "Folder for #include in C and C++ imports")
      ->type_name("DIR")
      ->check(is_folder)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("-O", optimization, "Optimization, 0 to 3")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"0", "1", "2", "3"}))
      ->capture_default_str();
  app.add_flag("-g", debug_info, "Keep debug information");
  app.add_option("--code-object-version", code_object_version,
                 "Of code for AMD GPUs: 4 for ROCm 5.2 and its time, 5 (default) for later ones")
      ->type_name("VERSION")
      ->check(CLI::IsMember({"4", "5", "6"}));
  app.add_flag("--no-schedule", no_schedule, "Compile functions as they are written");
  app.add_flag("--no-cache", no_cache, "Neither read nor write the cache");
}

BuildRequest CompileFlags::request(const std::string& input) const {
  BuildRequest request;
  request.input = input;
  request.targets = targets;
  for (const std::string& text : sets) {
    auto [name, value] = split_assignment(text, "--set");
    request.params[name] = parse_number(value, "--set " + name);
  }
  for (const std::string& text : imports) request.imports.push_back(parse_import(text));
  request.include_directories = include_directories;
  request.optimization_level = optimization[0] - '0';
  request.debug_info = debug_info;
  if (!code_object_version.empty()) request.code_object_version = code_object_version[0] - '0';
  request.schedule = !no_schedule;
  return request;
}

Session::Session(bool no_cache)
    : cache_(no_cache || DiskCache::default_folder().empty()
                 ? nullptr
                 : std::make_unique<DiskCache>(DiskCache::default_folder(),
                                               DiskCache::default_bound())),
      driver_(plugins_, cache_.get()) {}

}  // namespace inlay::cli
