#include "tests/backends/support/gpu_runner.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

namespace inlay::test {

namespace {

// What of HIP is used here; prototypes as hip_runtime_api.h has them.
struct Hip {
  int (*init)(unsigned);
  int (*module_load)(void** module, const void* image);
  int (*module_unload)(void* module);
  int (*get_function)(void** function, void* module, const char* name);
  int (*launch)(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                unsigned bz, unsigned lds, void* stream, void** params, void** extra);
  int (*malloc)(void** memory, size_t bytes);
  int (*free)(void* memory);
  int (*memcpy)(void* to, const void* from, size_t bytes, int kind);
  int (*synchronize)();
  const char* (*error_name)(int);

  Hip() {
    void* library = dlopen(INLAY_EMULATOR_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(dlerror());
    auto load = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      if (!function) throw std::runtime_error(std::string("the emulator lacks ") + name);
    };
    load(init, "hipInit");
    load(module_load, "hipModuleLoadData");
    load(module_unload, "hipModuleUnload");
    load(get_function, "hipModuleGetFunction");
    load(launch, "hipModuleLaunchKernel");
    load(malloc, "hipMalloc");
    load(free, "hipFree");
    load(memcpy, "hipMemcpy");
    load(synchronize, "hipDeviceSynchronize");
    load(error_name, "hipGetErrorName");
    check(init(0), "hipInit");
  }
  void check(int error, const char* what) const {
    if (error != 0) throw std::runtime_error(std::string(what) + ": " + error_name(error));
  }
};

const Hip& hip() {
  static const Hip functions;
  return functions;
}

thread_local std::string last_message;

}  // namespace

std::string emulated_gpu() {
  const char* arch = std::getenv("INLAY_EMULATOR_ARCH");
  return arch && *arch ? arch : "gfx900";
}

}  // namespace inlay::test

// As the compiled code knows it: a name.
struct InlayGpuContext {
  const InlayGpuEntry* entry = nullptr;
  std::map<uint32_t, void*> modules;
  std::vector<inlay::test::GpuObject::Launch>* launches = nullptr;
};

namespace inlay::test {

namespace {

int32_t fail(int32_t status, const char* message) {
  last_message = message;
  return status;
}

int32_t kernel_launch(InlayGpuContext* context, uint32_t index, const int64_t grid[3],
                      const void* arguments, uint64_t size) {
  if (index >= context->entry->n_kernels) return fail(INLAY_ERROR_DEVICE, "no such kernel");
  const InlayGpuKernel& kernel = context->entry->kernels[index];
  if (size != kernel.kernarg_size) return fail(INLAY_ERROR_DEVICE, "kernarg size");
  context->launches->push_back({kernel.name, {grid[0], grid[1], grid[2]}});
  if (grid[0] <= 0 || grid[1] <= 0 || grid[2] <= 0) return INLAY_OK;
  try {
    void*& module = context->modules[kernel.code];
    if (!module) {
      hip().check(hip().module_load(&module, context->entry->codes[kernel.code].data),
                  "hipModuleLoadData");
    }
    void* function = nullptr;
    hip().check(hip().get_function(&function, module, kernel.name), "hipModuleGetFunction");
    std::vector<char> copy(size + 1);
    memcpy(copy.data(), arguments, size);
    size_t bytes = size;
    void* config[] = {reinterpret_cast<void*>(1), copy.data(), reinterpret_cast<void*>(2), &bytes,
                      reinterpret_cast<void*>(3)};
    hip().check(hip().launch(function, unsigned(grid[0]), unsigned(grid[1]), unsigned(grid[2]),
                             kernel.workgroup[0], kernel.workgroup[1], kernel.workgroup[2],
                             kernel.dynamic_lds, nullptr, nullptr, config),
                kernel.name);
    hip().check(hip().synchronize(), kernel.name);
  } catch (const std::runtime_error& error) {
    return fail(INLAY_ERROR_DEVICE, error.what());
  }
  return INLAY_OK;
}

void* gpu_workspace_acquire(InlayGpuContext*, uint64_t bytes, uint64_t) {
  void* memory = nullptr;
  if (hip().malloc(&memory, bytes ? bytes : 1) != 0) fail(INLAY_ERROR_OUT_OF_MEMORY, "no memory");
  return memory;
}

void gpu_workspace_release(InlayGpuContext*, void* memory) {
  if (memory) hip().free(memory);
}

// What host code calls of libc, from the process.
const InlayLibcTable* libc_table() {
  static const InlayLibcTable table = [] {
    InlayLibcTable made{};
    made.size = sizeof made;
#define INLAY_LIBC(name, result, parameters) \
  made.name = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, #name));
#include "runtime/abi/libc.def"
#undef INLAY_LIBC
    return made;
  }();
  return &table;
}

const void* no_vector_function(const char*) {
  return nullptr;
}

InlayRuntimeTable make_table() {
  InlayRuntimeTable table{};
  table.abi_version = INLAY_ABI_VERSION;
  table.size = sizeof table;
  table.fail = fail;
  table.libc = libc_table();
  table.vector_function = no_vector_function;
  table.kernel_launch = kernel_launch;
  table.gpu_workspace_acquire = gpu_workspace_acquire;
  table.gpu_workspace_release = gpu_workspace_release;
  return table;
}

const InlayRuntimeTable kTable = make_table();

// The first entry for this processor with no feature on: so is the emulator, unless it is asked.
const InlayGpuEntry* entry_for(const InlayCodeObject& object, const std::string& gpu) {
  for (uint32_t i = 0; i < object.n_gpu_entries; ++i) {
    std::string target = object.gpu_entries[i].target;
    bool fits = target.substr(0, target.find(':')) == gpu && target.find('+') == std::string::npos;
    if (fits) return &object.gpu_entries[i];
  }
  return nullptr;
}

void bind_symbols(const InlayFunction& function, const std::vector<InlayValue>& args,
                  std::vector<int64_t>& symbols) {
  std::vector<bool> bound(symbols.size());
  auto bind = [&](const InlayDim& dim, int64_t value) {
    if (dim.kind != INLAY_DIM_SYMBOL || bound[size_t(dim.value)]) return;
    symbols[size_t(dim.value)] = value;
    bound[size_t(dim.value)] = true;
  };
  for (uint32_t p = 0; p < function.n_params; ++p) {
    const InlayParam& param = function.params[p];
    if (param.kind != INLAY_PARAM_TENSOR) continue;
    for (uint32_t d = 0; d < param.rank; ++d) bind(param.dims[d], args[p].as.tensor->shape[d]);
    for (uint32_t d = 0; param.strides && d < param.rank; ++d) {
      bind(param.strides[d], args[p].as.tensor->strides[d]);
    }
  }
}

int64_t bytes_of(const DLTensor& tensor) {
  int64_t elements = 1;
  for (int d = 0; d < tensor.ndim; ++d) {
    if (tensor.shape[d] == 0) return 0;
    elements += (tensor.shape[d] - 1) * tensor.strides[d];
  }
  return elements * tensor.dtype.bits / 8;
}

}  // namespace

GpuObject::GpuObject(const std::string& bytes) {
  path_ = (std::filesystem::temp_directory_path() / "inlay-gpu-XXXXXX").string();
  int file = mkstemp(path_.data());
  if (file < 0) throw std::runtime_error("can't make " + path_);
  close(file);
  std::ofstream(path_, std::ios::binary) << bytes;
  library_ = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library_) throw std::runtime_error(dlerror());
  object_ = static_cast<const InlayCodeObject*>(dlsym(library_, INLAY_OBJECT_SYMBOL));
  if (!object_) throw std::runtime_error("no " INLAY_OBJECT_SYMBOL);
  object_->state->runtime = &kTable;
}

GpuObject::~GpuObject() {
  dlclose(library_);
  unlink(path_.c_str());
}

std::string GpuObject::call(const std::string& name, const std::vector<InlayValue>& args) {
  const InlayGpuEntry* entry = entry_for(*object_, emulated_gpu());
  if (!entry) return "no GPU entry for " + emulated_gpu();
  uint32_t index = 0;
  while (index < object_->n_functions && object_->functions[index].name != name) ++index;
  if (index == object_->n_functions) return "no function " + name;
  const InlayFunction& function = object_->functions[index];
  std::vector<void*> data;
  std::vector<InlayScalar> scalars;
  std::vector<int64_t> symbols(function.n_symbols);
  bind_symbols(function, args, symbols);
  launches_.clear();
  InlayGpuContext context{entry, {}, &launches_};
  std::string problem;
  try {
    for (const InlayValue& arg : args) {
      if (arg.kind != INLAY_VALUE_TENSOR) {
        InlayScalar scalar{};
        scalar.u64 = arg.as.bits;
        scalars.push_back(scalar);
        continue;
      }
      void* memory = nullptr;
      int64_t bytes = bytes_of(*arg.as.tensor);
      if (bytes > 0) {
        hip().check(hip().malloc(&memory, size_t(bytes)), "hipMalloc");
        hip().check(hip().memcpy(memory, arg.as.tensor->data, size_t(bytes), 1), "hipMemcpy");
      }
      data.push_back(memory);
    }
    int32_t status = entry->invoke[index](&context, data.data(), symbols.data(), scalars.data());
    if (status != INLAY_OK) problem = "status " + std::to_string(status) + ": " + last_message;
    size_t at = 0;
    for (const InlayValue& arg : args) {
      if (arg.kind != INLAY_VALUE_TENSOR) continue;
      void* memory = data[at++];
      if (!memory) continue;
      hip().check(hip().memcpy(arg.as.tensor->data, memory, size_t(bytes_of(*arg.as.tensor)), 2),
                  "hipMemcpy");
    }
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  for (void* memory : data) gpu_workspace_release(&context, memory);
  for (auto& [code, module] : context.modules) hip().module_unload(module);
  return problem;
}

}  // namespace inlay::test
