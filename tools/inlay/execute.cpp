#include "tools/inlay/execute.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace inlay::cli {

LoadedProgram::LoadedProgram(const std::string& code_object) {
  std::string path = (std::filesystem::temp_directory_path() / "inlay-XXXXXX").string();
  int file = mkstemp(path.data());
  if (file < 0) {
    throw CompileError(
        "load", {},
        "can't make a temporary file in " + std::filesystem::temp_directory_path().string(),
        "name a writable folder in TMPDIR");
  }
  close(file);
  std::string object = path + ".so";
  int32_t status = INLAY_OK;
  try {
    write_file(object, code_object, true);
    status = inlay_module_load(object.c_str(), &module_);
  } catch (...) {
    unlink(path.c_str());
    throw;
  }
  // A loaded library needs its file no more.
  unlink(path.c_str());
  unlink(object.c_str());
  if (status != INLAY_OK) {
    throw CompileError("load", {}, inlay_last_error());
  }
}

LoadedProgram::~LoadedProgram() {
  inlay_module_unload(module_);
}

const InlayCallable* LoadedProgram::function(const std::string& name) const {
  const InlayCallable* found = nullptr;
  if (inlay_module_function(module_, name.c_str(), &found) != INLAY_OK) {
    throw CompileError("load", {}, inlay_last_error());
  }
  return found;
}

void call(const InlayCallable* function, const std::vector<InlayValue>& values) {
  int32_t status = inlay_call(function, values.data(), static_cast<uint32_t>(values.size()));
  if (status != INLAY_OK) {
    throw CompileError("run", {},
                       fmt::format("{} ({})", inlay_last_error(), inlay_status_name(status)));
  }
}

const Function& pick_function(const Program& program, const std::string& name) {
  std::vector<std::string> names;
  for (const Function* function : program.functions()) names.push_back(function->name);
  if (name.empty() && names.size() == 1) return *program.functions().front();
  if (const Function* found = program.find_function(name)) return *found;
  std::string list = fmt::format("{}", fmt::join(names, ", "));
  if (names.empty()) throw CompileError("argument", {}, "the program has no function");
  if (name.empty()) {
    throw CompileError("argument", {}, "the program has several functions",
                       "name one after the file: " + list);
  }
  throw CompileError("argument", {}, "the program has no function `" + name + "`",
                     "it has " + list);
}

std::map<std::string, std::string> assignments(const std::vector<std::string>& words) {
  std::map<std::string, std::string> result;
  for (const std::string& word : words) {
    auto [name, value] = split_assignment(word, "arguments");
    if (!result.emplace(name, value).second) {
      throw CompileError("option", {}, "`" + name + "` is given twice");
    }
  }
  return result;
}

}  // namespace inlay::cli
