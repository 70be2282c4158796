// Peculiar: lld reads and writes files, and keeps its state in globals. So inputs go through a
// temporary folder, and a mutex lets one link run at a time.
#include "backends/llvm/object/lld.h"

#include <lld/Common/Driver.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Path.h>

#include <mutex>

#include "backends/llvm/object/elf.h"
#include "backends/llvm/signals_wait.h"

LLD_HAS_DRIVER(elf)

namespace inlay {

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    if (std::error_code error = llvm::sys::fs::createUniqueDirectory("inlay-link", path_)) {
      llvm::SmallString<128> root;
      llvm::sys::path::system_temp_directory(true, root);
      throw CompileError(
          "link", Loc(),
          "can't make a temporary folder in " + root.str().str() + ": " + error.message(),
          "set TMPDIR to a folder that is writable");
    }
  }
  ~TemporaryFolder() {
    for (const std::string& file : files_) llvm::sys::fs::remove(file);
    llvm::sys::fs::remove(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string reserve(const std::string& name) {
    llvm::SmallString<128> file(path_);
    llvm::sys::path::append(file, name);
    files_.push_back(file.str().str());
    return files_.back();
  }

  std::string write(const std::string& name, llvm::StringRef bytes) {
    std::string path = reserve(name);
    std::error_code error;
    llvm::raw_fd_ostream stream(path, error, llvm::sys::fs::OF_None);
    if (!error) {
      stream << bytes;
      stream.close();
      error = stream.error();
      stream.clear_error();
    }
    if (error) {
      throw CompileError("link", Loc(), "can't write " + path + ": " + error.message(),
                         "set TMPDIR to a folder that is writable and has room");
    }
    return path;
  }

 private:
  SignalsWait wait_;
  llvm::SmallString<128> path_;
  std::vector<std::string> files_;
};

std::string version_script(const std::vector<std::string>& exports) {
  std::string text = "{ global:";
  for (const std::string& name : exports) text += " \"" + name + "\";";
  return text + " local: *; };\n";
}

// lld's words, with the inputs' own names in the place of temporary files.
[[noreturn]] void link_failed(std::string words,
                              const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [path, name] : names) {
    for (size_t at = 0; (at = words.find(path, at)) != std::string::npos; at += name.size()) {
      words.replace(at, path.size(), name);
    }
  }
  const std::string undefined = "undefined symbol: ";
  std::string symbols;
  for (size_t at = 0; (at = words.find(undefined, at)) != std::string::npos;) {
    at += undefined.size();
    symbols += (symbols.empty() ? "`" : ", `") + words.substr(at, words.find('\n', at) - at) + "`";
  }
  Diagnostic diagnostic;
  diagnostic.detail = words;
  if (symbols.empty()) {
    diagnostic.rule = "link";
    diagnostic.message = "the code object can't be linked";
  } else {
    diagnostic.rule = "undefined-symbol";
    diagnostic.message = "nothing defines " + symbols;
    diagnostic.help =
        "a code object stands alone: import what defines it; of libc, only what "
        "runtime/abi/libc.def lists is there";
  }
  throw CompileError({diagnostic});
}

}  // namespace

std::string link_objects(const std::vector<NativeInput>& inputs, const LinkOptions& options) {
  TemporaryFolder folder;
  std::vector<std::pair<std::string, std::string>> names;
  std::vector<std::string> words{"ld.lld",          "-m",
                                 options.emulation, "--threads=1",
                                 "--build-id=none", "--color-diagnostics=never"};
  if (options.relocatable) {
    words.insert(words.end(), {"-r"});
  } else if (options.device) {
    words.insert(words.end(), {"-shared", "--no-undefined", "--gc-sections"});
  } else {
    std::string script = folder.write("exports", version_script(options.exports));
    words.insert(words.end(),
                 {"-shared", "--no-undefined", "-Bsymbolic", "-z", "now", "-z", "relro", "-z",
                  "noexecstack", "--gc-sections", "--hash-style=gnu", "--no-dependent-libraries",
                  "--version-script=" + script, "--undefined-version"});
    if (!options.keep_symbols) words.push_back("--strip-all");
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    bool archive = llvm::StringRef(inputs[i].bytes).starts_with("!<");
    std::string path = folder.write(std::to_string(i) + (archive ? ".a" : ".o"), inputs[i].bytes);
    names.push_back({path, inputs[i].name});
    words.push_back(path);
  }
  std::string output = folder.reserve("output");
  words.insert(words.end(), {"-o", output});
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());

  std::string said;
  bool linked = false;
  {
    static std::mutex mutex;
    static bool broken = false;
    std::lock_guard<std::mutex> lock(mutex);
    if (broken) {
      throw CompileError("link", Loc(),
                         "the linker crashed earlier in this process and can't run again",
                         "start a new process");
    }
    llvm::raw_string_ostream stream(said);
    lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
    broken = !result.canRunAgain;
    linked = result.retCode == 0;
    stream.flush();
  }
  if (!linked) link_failed(said, names);
  auto buffer = llvm::MemoryBuffer::getFile(output, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    throw CompileError("link", Loc(),
                       "can't read the linker's output: " + buffer.getError().message());
  }
  std::string bytes = (*buffer)->getBuffer().str();
  if (options.relocatable) return localize_symbols(bytes, options.exports, options.keep_symbols);
  if (options.device) return bytes;
  set_checksum(bytes);
  return bytes;
}

}  // namespace inlay
