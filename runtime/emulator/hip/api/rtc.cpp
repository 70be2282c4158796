// hiprtc: device code compiled while the program runs, by the clang that is installed.
//
// INLAY_EMULATOR_CLANG names it; else HIP_CLANG_PATH's, then clang++ of the PATH are tried, newest
// names first. Name expressions are found again by pointers that are appended to the source: the
// linked code object says which symbol each points to.
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/emulator/hip/device.h"

extern char** environ;

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

enum Result : int {  // hiprtcResult
  kRtcSuccess = 0,
  kRtcCreationFailure = 2,
  kRtcInvalidInput = 3,
  kRtcInvalidProgram = 4,
  kRtcCompilation = 6,
  kRtcBuiltinFailure = 7,
  kRtcNoExpressionsAfterCompilation = 8,
  kRtcNoNamesBeforeCompilation = 9,
  kRtcExpressionNotValid = 10,
  kRtcInternal = 11
};

struct Rtc {
  std::string name, source, log;
  std::vector<std::pair<std::string, std::string>> headers;  // name to include by, text
  std::vector<std::string> expressions;
  std::map<std::string, std::string> lowered;
  std::vector<char> code;
  bool compiled = false;
};
std::mutex programs_mutex;
std::map<void*, std::unique_ptr<Rtc>>& programs() {
  static auto* all = new std::map<void*, std::unique_ptr<Rtc>>;
  return *all;
}
Rtc* find(void* handle) {
  const std::lock_guard lock(programs_mutex);
  const auto at = programs().find(handle);
  return at == programs().end() ? nullptr : at->second.get();
}

constexpr char kPointer[] = "__inlay_name_expression_";

bool exists(const std::string& path) {
  return access(path.c_str(), R_OK) == 0;
}
std::string environment(const char* name) {
  const char* v = getenv(name);
  return v != nullptr ? v : "";
}
// NAME in the PATH, or itself if it has a slash.
std::string in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const std::string path = environment("PATH");
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find(':', at), path.size());
    const std::string full = path.substr(at, end - at) + "/" + name;
    if (access(full.c_str(), X_OK) == 0) return full;
    at = end + 1;
  }
  return "";
}
std::string clang() {
  if (const std::string named = environment("INLAY_EMULATOR_CLANG"); !named.empty())
    return in_path(named);
  if (const std::string folder = environment("HIP_CLANG_PATH"); !folder.empty())
    if (const std::string found = in_path(folder + "/clang++"); !found.empty()) return found;
  for (const char* name : {"clang++-19", "clang++-20", "clang++-21", "clang++-18", "clang++-17",
                           "clang++", "/opt/rocm/llvm/bin/clang++", "/usr/lib/llvm-19/bin/clang++"})
    if (const std::string found = in_path(name); !found.empty()) return found;
  return "";
}

// A folder that goes with all that is in it.
struct Folder {
  std::string path;
  std::vector<std::string> files, folders;
  Folder() {
    std::string t = environment("TMPDIR");
    t = (t.empty() ? "/tmp" : t) + "/inlay-hiprtc-XXXXXX";
    if (mkdtemp(t.data()) != nullptr) path = t;
  }
  ~Folder() {
    for (const std::string& f : files) unlink(f.c_str());
    for (auto f = folders.rbegin(); f != folders.rend(); ++f) rmdir(f->c_str());
    if (!path.empty()) rmdir(path.c_str());
  }
  // NAME may lie in folders of its own, but not outside.
  std::string write(const std::string& name, const std::string& text) {
    if (name.empty() || name[0] == '/' || name.find("..") != std::string::npos) return "";
    for (size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
      const std::string folder = path + "/" + name.substr(0, at);
      if (mkdir(folder.c_str(), 0700) == 0) folders.push_back(folder);
    }
    const std::string full = path + "/" + name;
    FILE* f = fopen(full.c_str(), "wb");
    if (f == nullptr) return "";
    files.push_back(full);
    const bool whole = fwrite(text.data(), 1, text.size(), f) == text.size();
    return fclose(f) == 0 && whole ? full : "";
  }
};

bool read_file(const std::string& path, std::vector<char>* out) {
  FILE* f = fopen(path.c_str(), "rb");
  if (f == nullptr) return false;
  char block[65536];
  for (size_t n; (n = fread(block, 1, sizeof(block), f)) > 0;)
    out->insert(out->end(), block, block + n);
  fclose(f);
  return true;
}

// Runs COMMAND; all it says goes to LOG. Its exit code, or -1.
int run(std::vector<std::string> command, const std::string& log) {
  std::vector<char*> words;
  for (std::string& w : command) words.push_back(w.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int started = posix_spawn(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (started != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The symbols that the appended pointers point to. The code object is clang's own, and still every
// offset is checked.
void find_names(Rtc* p) {
  const std::vector<char>& c = p->code;
  const auto get = [&](uint64_t at, auto* out) {
    if (at > c.size() || c.size() - at < sizeof(*out)) return false;
    memcpy(out, c.data() + at, sizeof(*out));
    return true;
  };
  Elf64_Ehdr h;
  if (!get(0, &h)) return;
  const auto section = [&](uint64_t n, Elf64_Shdr* s) {
    return n < h.e_shnum && get(h.e_shoff + n * sizeof(*s), s);
  };
  struct Symbol {
    std::string name;
    uint64_t value;
    int type;
  };
  std::vector<Symbol> symbols;
  std::vector<Elf64_Rela> relocations;
  Elf64_Shdr s, strings;
  for (uint64_t n = 0; section(n, &s); n++) {
    if (s.sh_type == SHT_DYNSYM && section(s.sh_link, &strings)) {
      Elf64_Sym symbol;
      for (uint64_t k = 0; k < s.sh_size / sizeof(symbol); k++) {
        if (!get(s.sh_offset + k * sizeof(symbol), &symbol)) return;
        const uint64_t at = strings.sh_offset + symbol.st_name;
        if (at >= c.size()) return;
        symbols.push_back({std::string(&c[at], strnlen(&c[at], c.size() - at)), symbol.st_value,
                           symbol.st_info & 15});
      }
    } else if (s.sh_type == SHT_RELA) {
      Elf64_Rela r;
      for (uint64_t k = 0; k < s.sh_size / sizeof(r); k++)
        if (get(s.sh_offset + k * sizeof(r), &r)) relocations.push_back(r);
    }
  }
  for (const Symbol& pointer : symbols) {
    if (pointer.name.compare(0, strlen(kPointer), kPointer) != 0) continue;
    const size_t n = strtoul(pointer.name.c_str() + strlen(kPointer), nullptr, 10);
    for (const Elf64_Rela& r : relocations) {
      if (r.r_offset != pointer.value || n >= p->expressions.size()) continue;
      const uint64_t index = ELF64_R_SYM(r.r_info);
      const uint64_t to = index != 0 && index < symbols.size() ? symbols[index].value
                                                               : static_cast<uint64_t>(r.r_addend);
      for (const Symbol& target : symbols)
        if (target.value == to && (target.type == STT_FUNC || target.type == STT_OBJECT) &&
            target.name.find(kPointer) == std::string::npos)
          p->lowered[p->expressions[n]] = target.name;
    }
  }
}

Result compile(Rtc* p, int count, const char** options) {
  const std::string compiler = clang();
  if (compiler.empty()) {
    p->log =
        "inlay emulator: hiprtc needs a clang++ that compiles HIP, and found none: install one, "
        "or name it in INLAY_EMULATOR_CLANG\n";
    Device::get().say("%s", p->log.substr(16, p->log.size() - 17).c_str());
    return kRtcBuiltinFailure;
  }
  Folder folder;
  if (folder.path.empty()) return kRtcInternal;
  std::string source = p->source;
  for (size_t n = 0; n < p->expressions.size(); n++)
    source += "\nextern \"C\" __device__ __attribute__((used)) const void* " +
              (kPointer + std::to_string(n)) + " = reinterpret_cast<const void*>(" +
              (p->expressions[n][0] == '&' ? "" : "&") + p->expressions[n] + ");";
  source += "\n";
  for (const auto& [name, text] : p->headers)
    if (folder.write(name, text).empty()) return kRtcCreationFailure;
  const std::string in = folder.write("program.hip", source);
  const std::string out = folder.path + "/program.co", log = folder.path + "/log";
  folder.files.insert(folder.files.end(), {out, log});
  if (in.empty()) return kRtcInternal;

  std::vector<std::string> command = {
      compiler, "-x",         "hip",      "--cuda-device-only", "--no-gpu-bundle-output",
      "-O3",    "-std=c++17", "-include", "hip/hip_runtime.h",  "-I" + folder.path};
  std::string root = environment("ROCM_PATH");
  if (root.empty()) root = exists("/opt/rocm/include/hip") ? "/opt/rocm" : "/usr";
  command.push_back("--rocm-path=" + root);
  for (const std::string& bitcode : {environment("HIP_DEVICE_LIB_PATH"), root + "/amdgcn/bitcode",
                                     std::string("/usr/lib/x86_64-linux-gnu/amdgcn/bitcode"),
                                     std::string("/usr/lib/aarch64-linux-gnu/amdgcn/bitcode")})
    if (!bitcode.empty() && exists(bitcode + "/ocml.bc")) {
      command.push_back("--rocm-device-lib-path=" + bitcode);
      break;
    }
  bool architecture = false;
  for (int n = 0; n < count; n++) {
    std::string option = options[n] != nullptr ? options[n] : "";
    for (const char* form : {"--gpu-architecture=", "-arch="})
      if (option.compare(0, strlen(form), form) == 0)
        option = "--offload-arch=" + option.substr(strlen(form));
    architecture |= option.compare(0, 15, "--offload-arch=") == 0;
    if (!option.empty()) command.push_back(option);
  }
  if (!architecture)
    command.push_back(std::string("--offload-arch=") + chip_name(Device::get().target.chip));
  command.insert(command.end(), {"-o", out, in});
  const int code = run(command, log);
  std::vector<char> said;
  read_file(log, &said);
  p->log.assign(said.begin(), said.end());
  // Messages name the program as its author did.
  for (size_t at; (at = p->log.find(in)) != std::string::npos;)
    p->log.replace(at, in.size(), p->name);
  p->code.clear();
  if (code != 0 || !read_file(out, &p->code)) return kRtcCompilation;
  find_names(p);
  p->compiled = true;
  return kRtcSuccess;
}

}  // namespace

INLAY_HIP const char* hiprtcGetErrorString(int result) {
  switch (result) {
    case kRtcSuccess:
      return "HIPRTC_SUCCESS";
    case 1:
      return "HIPRTC_ERROR_OUT_OF_MEMORY";
    case kRtcCreationFailure:
      return "HIPRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case kRtcInvalidInput:
      return "HIPRTC_ERROR_INVALID_INPUT";
    case kRtcInvalidProgram:
      return "HIPRTC_ERROR_INVALID_PROGRAM";
    case 5:
      return "HIPRTC_ERROR_INVALID_OPTION";
    case kRtcCompilation:
      return "HIPRTC_ERROR_COMPILATION";
    case kRtcBuiltinFailure:
      return "HIPRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    case kRtcNoExpressionsAfterCompilation:
      return "HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION";
    case kRtcNoNamesBeforeCompilation:
      return "HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION";
    case kRtcExpressionNotValid:
      return "HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID";
    default:
      return "HIPRTC_ERROR_INTERNAL_ERROR";
  }
}
INLAY_HIP int hiprtcVersion(int* major, int* minor) {
  if (major == nullptr || minor == nullptr) return kRtcInvalidInput;
  *major = 9;
  *minor = 0;
  return kRtcSuccess;
}
INLAY_HIP int hiprtcCreateProgram(void** program, const char* source, const char* name, int count,
                                  const char** headers, const char** names) {
  if (program == nullptr || source == nullptr || count < 0 ||
      (count > 0 && (headers == nullptr || names == nullptr)))
    return kRtcInvalidInput;
  auto p = std::make_unique<Rtc>();
  p->name = name != nullptr && *name != 0 ? name : "program.hip";
  p->source = source;
  for (int n = 0; n < count; n++) {
    if (headers[n] == nullptr || names[n] == nullptr) return kRtcInvalidInput;
    p->headers.emplace_back(names[n], headers[n]);
  }
  *program = p.get();
  const std::lock_guard lock(programs_mutex);
  programs()[*program] = std::move(p);
  return kRtcSuccess;
}
INLAY_HIP int hiprtcDestroyProgram(void** program) {
  if (program == nullptr) return kRtcInvalidInput;
  const std::lock_guard lock(programs_mutex);
  if (!programs().erase(*program)) return kRtcInvalidProgram;
  *program = nullptr;
  return kRtcSuccess;
}
INLAY_HIP int hiprtcAddNameExpression(void* program, const char* expression) {
  Rtc* p = find(program);
  if (p == nullptr) return kRtcInvalidProgram;
  if (expression == nullptr || *expression == 0) return kRtcInvalidInput;
  if (p->compiled) return kRtcNoExpressionsAfterCompilation;
  p->expressions.push_back(expression);
  return kRtcSuccess;
}
INLAY_HIP int hiprtcCompileProgram(void* program, int count, const char** options) {
  Rtc* p = find(program);
  if (p == nullptr) return kRtcInvalidProgram;
  if (count < 0 || (count > 0 && options == nullptr)) return kRtcInvalidInput;
  return compile(p, count, options);
}
INLAY_HIP int hiprtcGetLoweredName(void* program, const char* expression, const char** name) {
  Rtc* p = find(program);
  if (p == nullptr) return kRtcInvalidProgram;
  if (expression == nullptr || name == nullptr) return kRtcInvalidInput;
  if (!p->compiled) return kRtcNoNamesBeforeCompilation;
  const auto at = p->lowered.find(expression);
  if (at == p->lowered.end()) return kRtcExpressionNotValid;
  *name = at->second.c_str();
  return kRtcSuccess;
}
INLAY_HIP int hiprtcGetProgramLogSize(void* program, size_t* size) {
  Rtc* p = find(program);
  if (p == nullptr) return kRtcInvalidProgram;
  if (size == nullptr) return kRtcInvalidInput;
  *size = p->log.empty() ? 0 : p->log.size() + 1;
  return kRtcSuccess;
}
INLAY_HIP int hiprtcGetProgramLog(void* program, char* log) {
  Rtc* p = find(program);
  if (p == nullptr) return kRtcInvalidProgram;
  if (log == nullptr) return kRtcInvalidInput;
  if (!p->log.empty()) memcpy(log, p->log.c_str(), p->log.size() + 1);
  return kRtcSuccess;
}
INLAY_HIP int hiprtcGetCodeSize(void* program, size_t* size) {
  Rtc* p = find(program);
  if (p == nullptr || !p->compiled) return kRtcInvalidProgram;
  if (size == nullptr) return kRtcInvalidInput;
  *size = p->code.size();
  return kRtcSuccess;
}
INLAY_HIP int hiprtcGetCode(void* program, char* code) {
  Rtc* p = find(program);
  if (p == nullptr || !p->compiled) return kRtcInvalidProgram;
  if (code == nullptr) return kRtcInvalidInput;
  memcpy(code, p->code.data(), p->code.size());
  return kRtcSuccess;
}
