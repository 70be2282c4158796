// Loading of code objects, and what the C API says about them.
//
// What is peculiar: the dynamic loader knows libraries by name and inode, not by content. A path
// that was loaded and then replaced gives the old code again; so the note in memory is compared
// with the note of the file that was checked.
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "cpu/features.h"
#include "devices/devices.h"
#include "error.h"
#include "hip/entry.h"
#include "load/libc_table.h"
#include "load/object_file.h"
#include "threads.h"
#include "vector_math.h"
#include "workspace.h"

struct InlayCallable {
  const InlayCodeObject* object;
  uint32_t index;
};

struct InlayModule {
  void* library;  // of dlopen; NULL if linked in
  const InlayCodeObject* object;
  InlayCallable callables[];  // one for each function
};

namespace inlay {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kMachine = EM_X86_64;
#else
constexpr uint32_t kMachine = EM_AARCH64;
#endif

const InlayRuntimeTable runtime_table = {
    INLAY_ABI_VERSION,
    sizeof(InlayRuntimeTable),
    enter,
    parallel_for,
    workspace_acquire,
    workspace_release,
    fail,
    &inlay_libc_table,
    vector_function,
    hip::kernel_launch,
    hip::gpu_workspace_acquire,
    hip::gpu_workspace_release,
    hip::gpu_assert_begin,
    hip::gpu_assert_end,
};

// Stands for the variant of a code object that has GPU entries, and no variant for this CPU.
const InlayVariant no_variant = {"none", nullptr, nullptr, 0, 0};

// Held while the state of code objects is looked at and changed.
pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;

// Reads a whole file. A copy and not a mapping: a file that shrinks meanwhile must not be a SIGBUS.
int32_t read_file(const char* path, void** bytes, size_t* size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail_format(INLAY_ERROR_IO, "%s: cannot open it: %s", path, strerror(errno));
  }
  struct stat info;
  void* buffer = nullptr;
  int32_t status = INLAY_OK;
  size_t done = 0;
  if (fstat(fd, &info) != 0) {
    status = fail_format(INLAY_ERROR_IO, "%s: cannot look at it: %s", path, strerror(errno));
  } else if (!S_ISREG(info.st_mode)) {
    status = fail_format(INLAY_ERROR_IO, "%s: is no regular file", path);
  } else {
    size_t total = static_cast<size_t>(info.st_size);
    buffer = malloc(total != 0 ? total : 1);
    if (buffer == nullptr) {
      status =
          fail_format(INLAY_ERROR_OUT_OF_MEMORY, "%s: no memory for its %zu bytes", path, total);
    }
    while (status == INLAY_OK && done < total) {
      ssize_t got = read(fd, static_cast<char*>(buffer) + done, total - done);
      if (got == 0) break;
      if (got > 0) {
        done += static_cast<size_t>(got);
      } else if (errno != EINTR) {
        status = fail_format(INLAY_ERROR_IO, "%s: cannot read it: %s", path, strerror(errno));
      }
    }
  }
  close(fd);
  if (status != INLAY_OK) {
    free(buffer);
    return status;
  }
  *bytes = buffer;
  *size = done;
  return INLAY_OK;
}

// Appends the features that the CPU lacks.
void print_missing(Text& text, const InlayVariant& variant) {
  bool first = true;
  for (uint32_t i = 0; i < variant.n_features; ++i) {
    Feature feature = cpu_feature(variant.features[i]);
    if (feature == Feature::kPresent) continue;
    text.add("%s%s%s", first ? "" : ", ", variant.features[i],
             feature == Feature::kUnknown ? " (unknown to this runtime)" : "");
    first = false;
  }
}

bool can_run(const InlayVariant& variant) {
  for (uint32_t i = 0; i < variant.n_features; ++i) {
    if (cpu_feature(variant.features[i]) != Feature::kPresent) return false;
  }
  return true;
}

int32_t choose_variant(const InlayCodeObject* object, const char* where,
                       const InlayVariant** chosen) {
  if (object->n_variants == 0) {
    *chosen = &no_variant;
    return INLAY_OK;
  }
  const char* forced = getenv("INLAY_VARIANT");
  bool any = forced == nullptr || *forced == '\0';
  for (uint32_t i = 0; i < object->n_variants; ++i) {
    const InlayVariant* variant = &object->variants[i];
    if (any ? !can_run(*variant) : strcmp(variant->name, forced) != 0) continue;
    if (!can_run(*variant)) {
      Text text;
      text.add("%s: INLAY_VARIANT asks for %s, but this CPU lacks ", where, forced);
      print_missing(text, *variant);
      return fail(INLAY_ERROR_UNSUPPORTED_CPU, text.c_str());
    }
    *chosen = variant;
    return INLAY_OK;
  }
  // Its tensors lie on a GPU, then.
  if (any && object->n_gpu_entries != 0) {
    *chosen = &no_variant;
    return INLAY_OK;
  }
  Text text;
  if (any) {
    text.add("%s: this CPU can run none of its variants: ", where);
  } else {
    text.add("%s: INLAY_VARIANT asks for %s, which it does not have; it has ", where, forced);
  }
  for (uint32_t i = 0; i < object->n_variants; ++i) {
    text.add("%s%s", i != 0 ? (any ? "; " : ", ") : "", object->variants[i].name);
    if (any) {
      text.add(" lacks ");
      print_missing(text, object->variants[i]);
    }
  }
  return fail(any ? INLAY_ERROR_UNSUPPORTED_CPU : INLAY_ERROR_NOT_FOUND, text.c_str());
}

// Gives a code object its runtime and its variant, if it has none yet; with load_mutex held.
int32_t connect(const InlayCodeObject* object, const char* where) {
  if (object->machine != kMachine) {
    return fail_format(INLAY_ERROR_UNSUPPORTED_CPU, "%s: is for %s, this machine is %s", where,
                       machine_name(object->machine), machine_name(kMachine));
  }
  const InlayVariant* variant = nullptr;
  if (int32_t status = choose_variant(object, where, &variant)) return status;
  InlayObjectState* state = object->state;
  if (state->modules == 0) {
    state->runtime = &runtime_table;
    state->variant = variant;
  } else if (state->variant != variant) {
    return fail_format(
        INLAY_ERROR_INVALID_ARGUMENT,
        "%s: is loaded already with variant %s, and cannot run %s too; unload it first", where,
        state->variant->name, variant->name);
  }
  ++state->modules;
  return INLAY_OK;
}

int32_t make_module(const InlayCodeObject* object, const char* where, void* library,
                    InlayModule** out) {
  if (int32_t status = check_tables(object, where)) return status;
  size_t size = sizeof(InlayModule) + object->n_functions * sizeof(InlayCallable);
  auto* module = static_cast<InlayModule*>(malloc(size));
  if (module == nullptr) {
    return fail_format(INLAY_ERROR_OUT_OF_MEMORY, "%s: no memory for the module", where);
  }
  module->library = library;
  module->object = object;
  for (uint32_t i = 0; i < object->n_functions; ++i) module->callables[i] = {object, i};
  pthread_mutex_lock(&load_mutex);
  int32_t status = connect(object, where);
  pthread_mutex_unlock(&load_mutex);
  if (status != INLAY_OK) {
    free(module);
    return status;
  }
  *out = module;
  return INLAY_OK;
}

// Whether what the dynamic loader gave is what was checked.
bool is_same(void* library, const ObjectFile& file) {
  struct link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return false;
  // An older library of this name may be smaller: ask the loader what lies at the address.
  auto* note = reinterpret_cast<const InlayNote*>(map->l_addr + file.note);
  const auto* object = dlsym(library, INLAY_OBJECT_SYMBOL);
  Dl_info note_info, object_info;
  if (object == nullptr || dladdr(note, &note_info) == 0 || dladdr(object, &object_info) == 0 ||
      note_info.dli_fbase != object_info.dli_fbase) {
    return false;
  }
  return memcmp(note->name, INLAY_NOTE_NAME "\0\0", sizeof note->name) == 0 &&
         inlay_abi_load_word(note->checksum, sizeof note->checksum) == file.checksum;
}

int32_t open_library(const char* path, const ObjectFile& file, InlayModule** out) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return fail_format(INLAY_ERROR_BAD_CODE_OBJECT, "%s: the dynamic loader refused it: %s", path,
                       why != nullptr ? why : "unknown reason");
  }
  int32_t status = INLAY_OK;
  auto* object = static_cast<const InlayCodeObject*>(dlsym(library, INLAY_OBJECT_SYMBOL));
  if (object == nullptr) {
    status = fail_format(INLAY_ERROR_BAD_CODE_OBJECT, "%s: does not export %s", path,
                         INLAY_OBJECT_SYMBOL);
  } else if (!is_same(library, file)) {
    status =
        fail_format(INLAY_ERROR_BAD_CODE_OBJECT,
                    "%s: another file of this name is loaded; unload that first, or give the new "
                    "one a name of its own",
                    path);
  } else {
    status = make_module(object, path, library, out);
  }
  if (status != INLAY_OK) dlclose(library);
  return status;
}

int32_t load(const char* path, InlayModule** out) {
  if (int32_t status = configure_threads()) return status;
  if (int32_t status = configure_vector_math()) return status;
  void* bytes = nullptr;
  size_t size = 0;
  if (int32_t status = read_file(path, &bytes, &size)) return status;
  ObjectFile file{};
  int32_t status = check_object_file(bytes, size, path, &file);
  free(bytes);
  if (status != INLAY_OK) return status;
  if (file.machine != kMachine) {
    return fail_format(INLAY_ERROR_UNSUPPORTED_CPU, "%s: is for %s, this machine is %s", path,
                       machine_name(file.machine), machine_name(kMachine));
  }
  // A path without a slash would be searched for in the library path.
  char* full = realpath(path, nullptr);
  if (full == nullptr) {
    return fail_format(INLAY_ERROR_IO, "%s: cannot resolve it: %s", path, strerror(errno));
  }
  status = open_library(full, file, out);
  free(full);
  return status;
}

int32_t find_function(const InlayModule* module, const char* name, uint32_t* index) {
  const InlayCodeObject* object = module->object;
  for (uint32_t i = 0; i < object->n_functions; ++i) {
    if (strcmp(object->functions[i].name, name) == 0) {
      *index = i;
      return INLAY_OK;
    }
  }
  Text text;
  text.add("%s: has no function %s; it has ", object->program, name);
  for (uint32_t i = 0; i < object->n_functions; ++i) {
    text.add("%s%s", i != 0 ? ", " : "", object->functions[i].name);
  }
  if (object->n_functions == 0) text.add("none");
  return fail(INLAY_ERROR_NOT_FOUND, text.c_str());
}

}  // namespace
}  // namespace inlay

using namespace inlay;

const char* inlay_version(void) {
  return INLAY_VERSION_STRING;
}

const char* inlay_status_name(int32_t status) {
  switch (status) {
#define INLAY_STATUS(name, value, text) \
  case value:                           \
    return text;
#include "status.def"
#undef INLAY_STATUS
    default:
      return "unknown status";
  }
}

int32_t inlay_module_load(const char* path, InlayModule** out) {
  if (path == nullptr) return fail_null("inlay_module_load", "path");
  if (out == nullptr) return fail_null("inlay_module_load", "out");
  return load(path, out);
}

int32_t inlay_module_load_static(const InlayCodeObject* object, InlayModule** out) {
  if (object == nullptr) return fail_null("inlay_module_load_static", "object");
  if (out == nullptr) return fail_null("inlay_module_load_static", "out");
  if (int32_t status = configure_vector_math()) return status;
  if (int32_t status = configure_threads()) return status;
  return make_module(object, "the linked-in code object", nullptr, out);
}

void inlay_module_unload(InlayModule* module) {
  if (module == nullptr) return;
  pthread_mutex_lock(&load_mutex);
  InlayObjectState* state = module->object->state;
  if (--state->modules == 0) {
    state->variant = nullptr;
    hip::unload_entries(module->object);
  }
  pthread_mutex_unlock(&load_mutex);
  if (module->library != nullptr) dlclose(module->library);
  free(module);
}

const InlayCodeObject* inlay_module_object(const InlayModule* module) {
  return module->object;
}

const InlayVariant* inlay_module_variant(const InlayModule* module) {
  const InlayVariant* variant = module->object->state->variant;
  return variant != &no_variant ? variant : nullptr;
}

int32_t inlay_module_gpu_entry(const InlayModule* module, DLDevice device,
                               const InlayGpuEntry** out) {
  if (module == nullptr) return fail_null("inlay_module_gpu_entry", "module");
  if (out == nullptr) return fail_null("inlay_module_gpu_entry", "out");
  if (type_of(device) != kDLROCM) {
    return fail(INLAY_ERROR_INVALID_ARGUMENT,
                "inlay_module_gpu_entry: expected a device of type rocm (10)");
  }
  if (module->object->n_gpu_entries == 0) {
    return fail_format(INLAY_ERROR_NOT_FOUND,
                       "%s: has no code for a GPU; build it with a --target such as gfx900",
                       module->object->program);
  }
  hip::Device* gpu = nullptr;
  const hip::LoadedEntry* loaded = nullptr;
  if (int32_t status = hip::device(device.device_id, &gpu)) return status;
  if (int32_t status = hip::load_entry(module->object, gpu, &loaded)) return status;
  *out = hip::entry_of(loaded);
  return INLAY_OK;
}

int32_t inlay_module_function(const InlayModule* module, const char* name,
                              const InlayCallable** out) {
  if (module == nullptr) return fail_null("inlay_module_function", "module");
  if (name == nullptr) return fail_null("inlay_module_function", "name");
  if (out == nullptr) return fail_null("inlay_module_function", "out");
  uint32_t index = 0;
  if (int32_t status = find_function(module, name, &index)) return status;
  *out = &module->callables[index];
  return INLAY_OK;
}

int32_t inlay_module_entry(const InlayModule* module, const char* name, void** out) {
  if (module == nullptr) return fail_null("inlay_module_entry", "module");
  if (name == nullptr) return fail_null("inlay_module_entry", "name");
  if (out == nullptr) return fail_null("inlay_module_entry", "out");
  uint32_t index = 0;
  if (int32_t status = find_function(module, name, &index)) return status;
  const char* program = module->object->program;
  if (module->library == nullptr) {
    return fail_format(INLAY_ERROR_NOT_FOUND, "%s: is linked into the program; call %s%s directly",
                       program, INLAY_ENTRY_PREFIX, name);
  }
  Text symbol;
  symbol.add("%s%s", INLAY_ENTRY_PREFIX, name);
  void* entry = dlsym(module->library, symbol.c_str());
  if (entry == nullptr) {
    return fail_format(INLAY_ERROR_NOT_FOUND, "%s: does not export %s", program, symbol.c_str());
  }
  *out = entry;
  return INLAY_OK;
}

const InlayFunction* inlay_callable_describe(const InlayCallable* function) {
  return &function->object->functions[function->index];
}

int32_t inlay_call(const InlayCallable* function, const InlayValue* args, uint32_t n_args) {
  if (function == nullptr) return fail_null("inlay_call", "function");
  return enter(function->object, function->index, args, n_args);
}
