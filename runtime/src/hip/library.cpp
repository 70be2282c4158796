// See library.h. A library that was opened stays open, used or not: AMD's has threads of its own.
#include "hip/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

namespace inlay::hip {
namespace {

constexpr char kVariable[] = "INLAY_HIP_LIBRARY";
constexpr char kEmulator[] = "emulator";  // the value that means ours

// The newest first, the development link of an installation before them.
const char* const kNames[] = {"libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6",
                              "libamdhip64.so.5", "libamdhip64.so.4"};
constexpr char kRocm[] = "/opt/rocm/lib/libamdhip64.so";

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
Library opened;
const Library* ready;  // &opened when it has a device

// Where the emulator lies beside this library, as built and as installed; "" if this can't be told.
void find_emulator(char (&path)[PATH_MAX]) {
  Dl_info info;
  path[0] = '\0';
  if (dladdr(&opened, &info) == 0 || info.dli_fname == nullptr) return;
  char real[PATH_MAX];
  if (realpath(info.dli_fname, real) == nullptr) return;
  char* slash = strrchr(real, '/');
  if (slash == nullptr) return;
  *slash = '\0';
  int size = snprintf(path, sizeof path, "%s/inlay/emulator", real);
  struct stat folder;
  if (size < 0 || size >= static_cast<int>(sizeof path) || stat(path, &folder) != 0) {
    path[0] = '\0';
  }
}

struct Symbol {
  char name[31];
  bool required;
};
constexpr bool REQUIRED = true, OPTIONAL = false;
const Symbol kSymbols[] = {
#define INLAY_HIP_SYMBOL(kind, result, name, parameters) {#name, kind},
#include "hip/symbols.def"
#undef INLAY_HIP_SYMBOL
};
constexpr size_t kSymbolCount = sizeof kSymbols / sizeof kSymbols[0];
static_assert(offsetof(Library, path) == kSymbolCount * sizeof(void*), "");

bool bind(void* handle, Library* out, Text& why) {
  uint32_t missing = 0;
  auto miss = [&](const char* name) {
    if (++missing <= 3) why.add("%s%s", missing == 1 ? "lacks " : ", ", name);
  };
  for (size_t i = 0; i < kSymbolCount; ++i) {
    void* symbol = dlsym(handle, kSymbols[i].name);
    if (symbol == nullptr && kSymbols[i].required) miss(kSymbols[i].name);
    memcpy(reinterpret_cast<char*>(out) + i * sizeof symbol, &symbol, sizeof symbol);
  }
  if (out->hipGetDevicePropertiesR0600 == nullptr && out->hipGetDeviceProperties == nullptr) {
    miss("hipGetDeviceProperties");
  }
  if (missing > 3) why.add(" and %u more", missing - 3);
  if (missing > 0) why.add(", so it is no HIP library that this runtime can use");
  return missing == 0;
}

bool open_one(const char* path, Library* out, Text& why) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* message = dlerror();
    if (message == nullptr) message = "cannot be opened";
    // The loader's message begins with the name, mostly.
    size_t size = strlen(path);
    if (strncmp(message, path, size) == 0 && strncmp(message + size, ": ", 2) == 0) {
      message += size + 2;
    }
    constexpr char kUsual[] = "cannot open shared object file: ";
    if (strncmp(message, kUsual, sizeof kUsual - 1) == 0) message += sizeof kUsual - 1;
    why.add("%s: %s", path, message);
    return false;
  }
  why.add("%s: ", path);
  if (!bind(handle, out, why)) {
    dlclose(handle);
    return false;
  }
  snprintf(out->path, sizeof out->path, "%s", path);
  return true;
}

class Search {
 public:
  bool run(Library* out) {
    out_ = out;
    const char* asked = getenv(kVariable);
    if (asked == nullptr || *asked == '\0') {
      for (const char* name : kNames) {
        if (try_path(name)) return true;
      }
      return try_path(kRocm);
    }
    char folder[PATH_MAX];
    if (strcmp(asked, kEmulator) == 0) {
      find_emulator(folder);
      if (folder[0] == '\0') {
        tried_.add(
            "%s asks for the emulator, which is not in lib/inlay/emulator beside this "
            "library",
            kVariable);
        return false;
      }
      asked = folder;
    }
    struct stat info;
    if (stat(asked, &info) != 0 || !S_ISDIR(info.st_mode)) return try_path(asked);
    for (const char* name : kNames) {
      char path[PATH_MAX];
      int size = snprintf(path, sizeof path, "%s/%s", asked, name);
      if (size > 0 && size < PATH_MAX && try_path(path)) return true;
    }
    return false;
  }

  const char* tried() const { return tried_.c_str(); }

 private:
  bool try_path(const char* path) {
    Text why;
    if (open_one(path, out_, why)) return true;
    tried_.add("%s%s", first_ ? "" : "; ", why.c_str());
    first_ = false;
    return false;
  }

  Library* out_ = nullptr;
  Text tried_;
  bool first_ = true;
};

// Appends HIP's name, number and words for an error; its words are the name again for some.
void print_error(Text& text, const Library* library, int error) {
  const char* name = library->hipGetErrorName(error);
  const char* words = library->hipGetErrorString(error);
  text.add("%s (%d)", name, error);
  if (strcmp(name, words) != 0) text.add(": %s", words);
}

// Begins the sentence with the way out, as what was tried may be long.
void print_help(Text& text) {
  char folder[PATH_MAX];
  find_emulator(folder);
  text.add("no GPU (without one, the emulator can take its place: set %s to %s): ", kVariable,
           folder[0] != '\0' ? kEmulator : "the folder of libamdhip64.so of Inlay's emulator");
}

int32_t open_and_initialize() {
  Search search;
  Text text;
  if (!search.run(&opened)) {
    print_help(text);
    text.add("found no HIP library: %s", search.tried());
    return fail(INLAY_ERROR_NO_DEVICE, text.c_str());
  }
  const char* call = "hipInit";
  int error = opened.hipInit(0);
  opened.n_devices = 0;
  if (error == kSuccess) {
    call = "hipGetDeviceCount";
    error = opened.hipGetDeviceCount(&opened.n_devices);
  }
  if (error == kSuccess && opened.n_devices > 0) {
    __atomic_store_n(&ready, &opened, __ATOMIC_RELEASE);
    return INLAY_OK;
  }
  if (error == kSuccess) error = kErrorNoDevice;
  print_help(text);
  text.add("%s finds no device: %s: ", opened.path, call);
  print_error(text, &opened, error);
  return fail(INLAY_ERROR_NO_DEVICE, text.c_str());
}

}  // namespace

int32_t library(const Library** out) {
  *out = __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
  if (*out != nullptr) return INLAY_OK;
  pthread_mutex_lock(&mutex);
  int32_t status = ready != nullptr ? INLAY_OK : open_and_initialize();
  *out = ready;
  pthread_mutex_unlock(&mutex);
  return status;
}

int32_t fail_hip(const Library* library, int error, const char* format, ...) {
  char what[512];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  // HIP remembers it too, for a hipGetLastError of somebody else in this thread.
  if (library->hipGetLastError != nullptr) library->hipGetLastError();
  Text text;
  text.add("%s: ", what);
  print_error(text, library, error);
  return fail(error == kErrorOutOfMemory ? INLAY_ERROR_OUT_OF_MEMORY : INLAY_ERROR_DEVICE,
              text.c_str());
}

}  // namespace inlay::hip
