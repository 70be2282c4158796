// See entry.h. What was loaded hangs on InlayObjectState::gpu, a slot for each GPU; a slot is
// filled under a lock and read without one.
#include "hip/entry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip/code_object.h"

namespace inlay::hip {

struct LoadedKernel {
  Function function;
  uint64_t max_workgroup;
  uint64_t required_workgroup[3];
};

struct LoadedEntry {
  const InlayGpuEntry* entry;
  Device* device;
  uint32_t n_modules;
  Module* modules;
  LoadedKernel kernels[];
};

namespace {

constexpr int32_t kBad = INLAY_ERROR_BAD_CODE_OBJECT;
constexpr uintptr_t kPage = 4096;

struct Loaded {
  LoadedEntry* entries[kMaxDevices];
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// With the GPU the current one.
void unload(LoadedEntry* loaded) {
  const Library* library = loaded->device->library;
  for (uint32_t i = 0; i < loaded->n_modules; ++i) library->hipModuleUnload(loaded->modules[i]);
  free(loaded->modules);
  free(loaded);
}

int32_t choose(const InlayCodeObject* object, const Device* device, const InlayGpuEntry** out) {
  for (uint32_t i = 0; i < object->n_gpu_entries; ++i) {
    Target target;
    parse_target(object->gpu_entries[i].target, &target);
    if (!fits(target, device->target)) continue;
    *out = &object->gpu_entries[i];
    return INLAY_OK;
  }
  Text text;
  text.add("%s: rocm:%d is a %s (%s), but the file holds GPU code for ", object->program,
           device->index, device->arch, device->name);
  for (uint32_t i = 0; i < object->n_gpu_entries; ++i) {
    text.add("%s%s", i != 0 ? ", " : "", object->gpu_entries[i].target);
  }
  text.add("; build it with --target %s", device->target.processor);
  return fail(INLAY_ERROR_UNSUPPORTED_GPU, text.c_str());
}

// One code of the entry: checked, given to HIP, its kernels found.
int32_t load_code(LoadedEntry* loaded, uint32_t code, const char* program) {
  const InlayGpuEntry* entry = loaded->entry;
  const Device* device = loaded->device;
  const Library* library = device->library;
  Text where;
  where.add("%s, GPU code %u for %s", program, code, entry->target);
  CodeObject object(entry->codes[code].data, entry->codes[code].size, where.c_str());
  if (int32_t status = object.check()) return status;
  if (!fits(object.target(), device->target)) {
    Text text;
    text.add("%s: is for ", where.c_str());
    print_target(text, object.target());
    text.add(", which a %s can't run", device->arch);
    return fail(kBad, text.c_str());
  }
  Module module = nullptr;
  if (int error = library->hipModuleLoadData(&module, entry->codes[code].data)) {
    return fail_hip(library, error, "%s: code object version %d: hipModuleLoadData on rocm:%d",
                    where.c_str(), object.version(), device->index);
  }
  loaded->modules[loaded->n_modules++] = module;
  for (uint32_t i = 0; i < entry->n_kernels; ++i) {
    const InlayGpuKernel& kernel = entry->kernels[i];
    if (kernel.code != code) continue;
    KernelFacts facts;
    if (int32_t status = object.find(kernel, &facts)) return status;
    LoadedKernel& one = loaded->kernels[i];
    one.max_workgroup = facts.max_workgroup;
    memcpy(one.required_workgroup, facts.required_workgroup, sizeof one.required_workgroup);
    if (int error = library->hipModuleGetFunction(&one.function, module, kernel.name)) {
      return fail_hip(library, error, "%s: kernel %s: hipModuleGetFunction", where.c_str(),
                      kernel.name);
    }
  }
  return INLAY_OK;
}

int32_t load(const InlayCodeObject* object, Device* device, LoadedEntry** out) {
  const InlayGpuEntry* entry = nullptr;
  if (int32_t status = choose(object, device, &entry)) return status;
  auto* loaded = static_cast<LoadedEntry*>(
      calloc(1, sizeof(LoadedEntry) + entry->n_kernels * sizeof(LoadedKernel)));
  auto* modules = static_cast<Module*>(calloc(entry->n_codes, sizeof(Module)));
  if (loaded == nullptr || modules == nullptr) {
    free(loaded);
    free(modules);
    return fail_format(INLAY_ERROR_OUT_OF_MEMORY, "%s: no memory for its GPU entry",
                       object->program);
  }
  loaded->entry = entry;
  loaded->device = device;
  loaded->modules = modules;
  Scope scope(device);
  int32_t status = scope.status();
  for (uint32_t i = 0; i < entry->n_codes && status == INLAY_OK; ++i) {
    status = load_code(loaded, i, object->program);
  }
  if (status != INLAY_OK) {
    unload(loaded);
    return status;
  }
  *out = loaded;
  return INLAY_OK;
}

// The slot of a GPU; NULL: no memory.
LoadedEntry** slot(InlayObjectState* state, int device) {
  auto* loaded = static_cast<Loaded*>(__atomic_load_n(&state->gpu, __ATOMIC_ACQUIRE));
  return loaded != nullptr ? &loaded->entries[device] : nullptr;
}

int32_t check_kernel(const InlayGpuEntry& entry, uint32_t index, const char* where) {
  const InlayGpuKernel& kernel = entry.kernels[index];
  const char* what = nullptr;
  if (kernel.name == nullptr || kernel.function == nullptr) {
    return fail_format(kBad, "%s: GPU entry %s: kernel %u has no name", where, entry.target, index);
  }
  if (kernel.n_args != 0 && kernel.args == nullptr) what = "lacks its table of arguments";
  if (kernel.code >= entry.n_codes) what = "lies in a code that there is not";
  uint64_t end = 0;
  for (uint32_t i = 0; i < kernel.n_args && what == nullptr; ++i) {
    const InlayKernelArg& arg = kernel.args[i];
    bool pointer = arg.kind == INLAY_KERNEL_ARG_POINTER;
    if (!pointer && arg.kind != INLAY_KERNEL_ARG_VALUE) what = "has an argument of unknown kind";
    if (arg.size == 0 || arg.size > 8 || (arg.size & (arg.size - 1)) != 0 ||
        (pointer && arg.size != 8)) {
      what = "has an argument of unfit size";
    } else if (arg.offset < end || arg.offset % arg.size != 0) {
      what = "has arguments that overlap";
    }
    end = uint64_t{arg.offset} + arg.size;
  }
  if (kernel.kernarg_size < end) what = "has an argument outside of its kernarg_size";
  for (uint32_t extent : kernel.workgroup) {
    if (extent == 0) what = "has an empty workgroup";
  }
  if (what == nullptr) return INLAY_OK;
  return fail_format(kBad, "%s: GPU entry %s: kernel %s %s", where, entry.target, kernel.name,
                     what);
}

int32_t check_entry(const InlayCodeObject* object, const InlayGpuEntry& entry, const char* where) {
  Target target;
  if (entry.target == nullptr || !parse_target(entry.target, &target)) {
    return fail_format(kBad, "%s: a GPU entry has no target ID", where);
  }
  const char* what = nullptr;
  if (entry.n_codes == 0 || entry.codes == nullptr) what = "has no code";
  if (entry.n_kernels != 0 && entry.kernels == nullptr) what = "lacks its table of kernels";
  if (object->n_functions != 0 && entry.invoke == nullptr) what = "has no functions";
  for (uint32_t i = 0; i < entry.n_codes && what == nullptr; ++i) {
    if (entry.codes[i].data == nullptr || entry.codes[i].size == 0) what = "has an empty code";
    if (reinterpret_cast<uintptr_t>(entry.codes[i].data) % kPage != 0) {
      what = "has a code that is not aligned to 4096 bytes";
    }
  }
  for (uint32_t i = 0; i < object->n_functions && what == nullptr; ++i) {
    if (entry.invoke[i] == nullptr) what = "lacks a function";
  }
  if (what != nullptr) {
    return fail_format(kBad, "%s: GPU entry %s %s", where, entry.target, what);
  }
  for (uint32_t i = 0; i < entry.n_kernels; ++i) {
    if (int32_t status = check_kernel(entry, i, where)) return status;
  }
  return INLAY_OK;
}

}  // namespace

int32_t check_entries(const InlayCodeObject* object, const char* where) {
  for (uint32_t i = 0; i < object->n_gpu_entries; ++i) {
    if (int32_t status = check_entry(object, object->gpu_entries[i], where)) return status;
  }
  return INLAY_OK;
}

const InlayGpuEntry* entry_of(const LoadedEntry* loaded) {
  return loaded->entry;
}

int32_t load_entry(const InlayCodeObject* object, Device* device, const LoadedEntry** out) {
  LoadedEntry** at = slot(object->state, device->index);
  if (at != nullptr && (*out = __atomic_load_n(at, __ATOMIC_ACQUIRE)) != nullptr) return INLAY_OK;
  pthread_mutex_lock(&mutex);
  at = slot(object->state, device->index);
  if (at == nullptr) {
    void* fresh = calloc(1, sizeof(Loaded));
    __atomic_store_n(&object->state->gpu, fresh, __ATOMIC_RELEASE);
    at = slot(object->state, device->index);
  }
  int32_t status = INLAY_OK;
  if (at == nullptr) {
    status =
        fail_format(INLAY_ERROR_OUT_OF_MEMORY, "%s: no memory for its GPU entry", object->program);
  } else if (*at == nullptr) {
    LoadedEntry* loaded = nullptr;
    status = load(object, device, &loaded);
    __atomic_store_n(at, loaded, __ATOMIC_RELEASE);
  }
  if (status == INLAY_OK) *out = *at;
  pthread_mutex_unlock(&mutex);
  return status;
}

void unload_entries(const InlayCodeObject* object) {
  pthread_mutex_lock(&mutex);
  auto* loaded = static_cast<Loaded*>(object->state->gpu);
  object->state->gpu = nullptr;
  for (int i = 0; loaded != nullptr && i < kMaxDevices; ++i) {
    if (loaded->entries[i] == nullptr) continue;
    Scope scope(loaded->entries[i]->device);
    loaded->entries[i]->device->library->hipDeviceSynchronize();
    unload(loaded->entries[i]);
  }
  free(loaded);
  pthread_mutex_unlock(&mutex);
}

}  // namespace inlay::hip

struct InlayGpuContext {
  inlay::hip::Device* device;
  const inlay::hip::LoadedEntry* loaded;
  inlay::hip::Stream stream;
};

namespace inlay::hip {

int32_t invoke(const InlayCodeObject* object, uint32_t index, int32_t number, void* const* data,
               const int64_t* symbols, const InlayScalar* scalars) {
  InlayGpuContext context{};
  if (int32_t status = device(number, &context.device)) return status;
  if (int32_t status = load_entry(object, context.device, &context.loaded)) return status;
  context.stream = current_stream(context.device);
  Scope scope(context.device);
  if (scope.status() != INLAY_OK) return scope.status();
  return context.loaded->entry->invoke[index](&context, data, symbols, scalars);
}

namespace {

int32_t refuse(const InlayGpuKernel& kernel, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

// Fails with a sentence that begins with the function and its kernel.
int32_t refuse(const InlayGpuKernel& kernel, const char* format, ...) {
  char why[256];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: kernel %s: %s", kernel.function,
                     kernel.name, why);
}

// What the kernel and the device allow.
int32_t check_launch(const InlayGpuContext* context, const InlayGpuKernel& kernel,
                     const LoadedKernel& loaded, const int64_t grid[3]) {
  const Device* device = context->device;
  uint64_t items = 1;
  for (int d = 0; d < 3; ++d) {
    uint64_t extent = kernel.workgroup[d];
    if (extent > static_cast<uint64_t>(device->max_dimensions[d])) {
      return refuse(kernel, "a workgroup of %" PRIu64 " work-items in %c, rocm:%d takes at most %d",
                    extent, 'x' + d, device->index, device->max_dimensions[d]);
    }
    items *= extent;  // no wrap: each is at most what a device takes
    uint64_t count = static_cast<uint64_t>(grid[d]);
    if (count > UINT32_MAX || count * extent > UINT32_MAX) {
      return refuse(kernel,
                    "a grid of %" PRIu64 " workgroups of %" PRIu64
                    " work-items in %c, whose product must be below 2^32",
                    count, extent, 'x' + d);
    }
    uint64_t required = loaded.required_workgroup[d];
    if (required != 0 && required != extent) {
      return refuse(kernel,
                    "a workgroup of %" PRIu64 " work-items in %c, it was compiled for %" PRIu64,
                    extent, 'x' + d, required);
    }
  }
  if (items > loaded.max_workgroup) {
    return refuse(kernel,
                  "a workgroup of %" PRIu64 " work-items, it was compiled for at most %" PRIu64,
                  items, loaded.max_workgroup);
  }
  if (items > static_cast<uint64_t>(device->max_workgroup)) {
    return refuse(kernel, "a workgroup of %" PRIu64 " work-items, rocm:%d takes at most %d", items,
                  device->index, device->max_workgroup);
  }
  uint64_t lds = uint64_t{kernel.lds_bytes} + kernel.dynamic_lds;
  if (lds > static_cast<uint64_t>(device->lds_bytes)) {
    return refuse(kernel, "a workgroup needs %" PRIu64 " bytes of LDS, rocm:%d has %d", lds,
                  device->index, device->lds_bytes);
  }
  return INLAY_OK;
}

}  // namespace

int32_t kernel_launch(InlayGpuContext* context, uint32_t index, const int64_t grid[3],
                      const void* arguments, uint64_t size) {
  const InlayGpuEntry* entry = context->loaded->entry;
  if (index >= entry->n_kernels) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                       "GPU entry %s: there is no kernel %u; there are %u", entry->target, index,
                       entry->n_kernels);
  }
  const InlayGpuKernel& kernel = entry->kernels[index];
  const LoadedKernel& loaded = context->loaded->kernels[index];
  if (size != kernel.kernarg_size) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                       "%s: kernel %s: got %llu bytes of arguments, it takes %u", kernel.function,
                       kernel.name, static_cast<unsigned long long>(size), kernel.kernarg_size);
  }
  if (grid[0] <= 0 || grid[1] <= 0 || grid[2] <= 0) return INLAY_OK;
  if (int32_t status = check_launch(context, kernel, loaded, grid)) return status;
  // HIP copies the explicit arguments by the kernel's metadata, and fills in the hidden ones.
  size_t bytes = size;
  void* extra[] = {reinterpret_cast<void*>(kLaunchBuffer), const_cast<void*>(arguments),
                   reinterpret_cast<void*>(kLaunchBufferSize), &bytes,
                   reinterpret_cast<void*>(kLaunchEnd)};
  const Library* library = context->device->library;
  int error = library->hipModuleLaunchKernel(
      loaded.function, static_cast<unsigned>(grid[0]), static_cast<unsigned>(grid[1]),
      static_cast<unsigned>(grid[2]), kernel.workgroup[0], kernel.workgroup[1], kernel.workgroup[2],
      kernel.dynamic_lds, context->stream, nullptr, bytes != 0 ? extra : nullptr);
  if (error == kSuccess) return INLAY_OK;
  return fail_hip(library, error, "%s: kernel %s on rocm:%d", kernel.function, kernel.name,
                  context->device->index);
}

void* gpu_workspace_acquire(InlayGpuContext* context, uint64_t bytes, uint64_t align) {
  return workspace_acquire(context->device, context->stream, bytes, align);
}

void gpu_workspace_release(InlayGpuContext* context, void* memory) {
  workspace_release(context->device, memory);
}

// A copy and not memory of the host that the GPU sees: atomics on that are not for every bus.
int32_t gpu_assert_begin(InlayGpuContext* context, void** word) {
  static constexpr uint32_t kNone = UINT32_MAX;
  *word = workspace_acquire(context->device, context->stream, sizeof kNone, sizeof kNone);
  if (*word == nullptr) return INLAY_ERROR_OUT_OF_MEMORY;
  const Library* library = context->device->library;
  int error = library->hipMemcpyAsync(*word, &kNone, sizeof kNone, kHostToDevice, context->stream);
  if (error == kSuccess) return INLAY_OK;
  workspace_release(context->device, *word);
  return fail_hip(library, error, "rocm:%d: the word for asserts", context->device->index);
}

int32_t gpu_assert_end(InlayGpuContext* context, void* word, int32_t launched,
                       const char* const* messages, uint32_t n_messages) {
  const Library* library = context->device->library;
  uint32_t number = UINT32_MAX;
  int error = kSuccess;
  if (launched == INLAY_OK) {
    error = library->hipMemcpyAsync(&number, word, sizeof number, kDeviceToHost, context->stream);
    if (error == kSuccess) error = library->hipStreamSynchronize(context->stream);
    // A device that stopped the kernel for what came of a failed assert may still tell of that.
    if (error != kSuccess && (library->hipMemcpyAsync(&number, word, sizeof number, kDeviceToHost,
                                                      context->stream) != kSuccess ||
                              library->hipStreamSynchronize(context->stream) != kSuccess)) {
      number = UINT32_MAX;
    }
  }
  workspace_release(context->device, word);
  if (launched != INLAY_OK) return launched;
  if (error != kSuccess && number == UINT32_MAX) {
    return fail_hip(library, error, "rocm:%d: waiting for a kernel with asserts",
                    context->device->index);
  }
  if (number == UINT32_MAX) return INLAY_OK;
  return number < n_messages
             ? fail(INLAY_ERROR_ASSERT, messages[number])
             : fail_format(kBad, "GPU entry %s: a kernel reports assert %u; there are %u",
                           context->loaded->entry->target, number, n_messages);
}

}  // namespace inlay::hip
