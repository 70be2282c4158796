#include "backends/llvm/stages/dump.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "backends/llvm/signals_wait.h"

namespace inlay {

namespace {

// For a shell: in single quotes if it holds anything special.
std::string shell_word(const std::string& word) {
  const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,/=:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

}  // namespace

StageDump::StageDump(const CompileOptions& options, const CompileUnit& unit, bool several)
    : folder_(options.dump_stages),
      variant_(several ? "." + unit.target.spec : ""),
      target_(unit.target.spec),
      triple_(unit.target.triple),
      cpu_(unit.target.cpu),
      build_(options.reproduce_command),
      level_(options.optimization_level) {
  if (folder_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    throw CompileError("dump-stages", Loc(),
                       "can't make the folder " + folder_ + ": " + error.message(),
                       "name a folder that is writable");
  }
}

std::string StageDump::file(const char* stage, const char* suffix) const {
  return std::string(stage) + variant_ + suffix;
}

void StageDump::write(const std::string& name, const std::string& heading,
                      const std::string& text) const {
  std::string path = (std::filesystem::path(folder_) / name).string();
  // Whole or not at all.
  SignalsWait wait;
  std::string part = path + ".part";
  std::ofstream stream(part, std::ios::binary);
  stream << heading << "\n" << text;
  stream.close();
  if (!stream || std::rename(part.c_str(), path.c_str()) != 0) {
    std::string why = strerror(errno);
    std::remove(part.c_str());
    throw CompileError("dump-stages", Loc(), "can't write " + path + ": " + why,
                       "name a folder that is writable and has room");
  }
}

void StageDump::lowered(const std::string& text) const {
  std::string name = file("0.lowered", ".inlay");
  std::string command = build_.empty() ? "inlay build " + shell_word(name) + " --target " +
                                             shell_word(target_) + " --dump-stages ."
                                       : build_;
  write(name, "// next, " + file("1.emitted", ".ll") + ": " + command, text);
}

void StageDump::emitted(const std::string& text) const {
  std::string command = build_.empty() ? "inlay build --dump-stages ." : build_;
  write(file("1.emitted", ".ll"), "; next, " + file("2.linked", ".ll") + ": " + command, text);
}

void StageDump::linked(const std::string& text) const {
  std::string next = file("3.optimized", ".ll");
  write(file("2.linked", ".ll"),
        "; next: opt-19 -S -O" + std::to_string(level_) + " " +
            shell_word(file("2.linked", ".ll")) + " -o " + shell_word(next),
        text);
}

void StageDump::optimized(const std::string& text) const {
  std::string name = file("3.optimized", ".ll");
  write(name,
        "; next: llc-19 -O" + std::to_string(level_) +
            " --relocation-model=pic --function-sections --data-sections " + shell_word(name) +
            " -o " + shell_word(file("4", ".s")),
        text);
}

void StageDump::assembly(const std::string& text) const {
  std::string name = file("4", ".s");
  bool gpu = triple_.rfind("amdgcn", 0) == 0;
  std::string comment = gpu ? "; " : triple_.rfind("aarch64", 0) == 0 ? "// " : "# ";
  // The assembler takes processor and target ID from a directive in the text.
  std::string command = gpu ? "llvm-mc-19 -triple=" + triple_ + " -mcpu=" + cpu_ + " -filetype=obj"
                            : "clang-19 -c --target=" + triple_;
  write(
      name,
      comment + "next: " + command + " " + shell_word(name) + " -o " + shell_word(file("5", ".o")),
      text);
}

}  // namespace inlay
