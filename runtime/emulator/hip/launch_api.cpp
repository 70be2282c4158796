// Registration, modules, launches, occupancy.
#include <cstdio>
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

struct CallConfiguration {
  Dim3 grid, block;
  size_t shared;
  void* stream;
};
thread_local std::vector<CallConfiguration> configurations;

// What the compiler wraps a fat binary in.
struct FatBinaryWrapper {
  uint32_t magic, version;
  const void* binary;
  void* unused;
};
constexpr uint32_t kWrapperMagic = 0x48495046;  // "HIPF"

int launch(const Function& f, Dim3 grid, Dim3 block, size_t shared, void** arguments,
           bool cooperative) {
  const uint32_t g[3] = {grid.x, grid.y, grid.z}, b[3] = {block.x, block.y, block.z};
  size_t needed = 0;
  for (const KernelArgument& a : f.kernel->arguments) needed += !a.hidden();
  if (needed > 0 && arguments == nullptr) return done(kInvalidValue);
  return done(
      Device::get().launch(f, g, b, shared, pack_arguments(*f.kernel, arguments), cooperative));
}

}  // namespace

INLAY_HIP void** __hipRegisterFatBinary(const void* data) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto* wrapper = static_cast<const FatBinaryWrapper*>(data);
  auto binary = std::make_unique<FatBinary>();
  if (wrapper == nullptr || wrapper->magic != kWrapperMagic)
    binary->failed = true;
  else
    binary->image = wrapper->binary;
  d.binaries.push_back(std::move(binary));
  return reinterpret_cast<void**>(d.binaries.back().get());
}
INLAY_HIP void __hipRegisterFunction(void** handle, const void* host, char*, const char* name,
                                     unsigned, void*, void*, void*, void*, int*) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  d.host_functions[host] = {reinterpret_cast<FatBinary*>(handle), name};
}
INLAY_HIP void __hipRegisterVar(void** handle, void* host, char*, char* name, int, size_t size, int,
                                int) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto* binary = reinterpret_cast<FatBinary*>(handle);
  binary->variables.push_back({host, name, size});
  d.host_variables[host] = binary;
}
INLAY_HIP void __hipRegisterManagedVar(void* handle, void** pointer, void* initial,
                                       const char* name, size_t size, unsigned) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto* binary = *reinterpret_cast<FatBinary**>(&handle);
  binary->managed.push_back({pointer, initial, name, size});
  // The host may touch it before any kernel runs.
  d.load_binary(binary);
}
INLAY_HIP void __hipUnregisterFatBinary(void** handle) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  for (auto at = d.binaries.begin(); at != d.binaries.end(); ++at) {
    if (reinterpret_cast<void**>(at->get()) != handle) continue;
    for (auto f = d.host_functions.begin(); f != d.host_functions.end();)
      f = f->second.binary == at->get() ? d.host_functions.erase(f) : std::next(f);
    for (auto v = d.host_variables.begin(); v != d.host_variables.end();)
      v = v->second == at->get() ? d.host_variables.erase(v) : std::next(v);
    d.binaries.erase(at);
    return;
  }
}
INLAY_HIP int __hipPushCallConfiguration(Dim3 grid, Dim3 block, size_t shared, void* stream) {
  configurations.push_back({grid, block, shared, stream});
  return kSuccess;
}
INLAY_HIP int __hipPopCallConfiguration(Dim3* grid, Dim3* block, size_t* shared, void** stream) {
  if (configurations.empty()) return done(kMissingConfiguration);
  const CallConfiguration c = configurations.back();
  configurations.pop_back();
  *grid = c.grid;
  *block = c.block;
  *shared = c.shared;
  *stream = c.stream;
  return kSuccess;
}

INLAY_HIP int hipLaunchKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                              size_t shared, void*) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f == nullptr ? done(error) : launch(*f, grid, block, shared, arguments, false);
}
INLAY_HIP int hipEventRecord(void* event, void* stream);
INLAY_HIP int hipExtLaunchKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                                 size_t shared, void* stream, void* start, void* stop, int) {
  if (start != nullptr) hipEventRecord(start, stream);
  const int result = hipLaunchKernel(host, grid, block, arguments, shared, stream);
  if (stop != nullptr) hipEventRecord(stop, stream);
  return result;
}
INLAY_HIP int hipLaunchCooperativeKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                                         unsigned shared, void*) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f == nullptr ? done(error) : launch(*f, grid, block, shared, arguments, true);
}

INLAY_HIP int hipModuleLaunchKernel(const void* function, unsigned gx, unsigned gy, unsigned gz,
                                    unsigned bx, unsigned by, unsigned bz, unsigned shared, void*,
                                    void** parameters, void** extra) {
  Device& d = Device::get();
  if (!d.is_function(function)) return done(kInvalidHandle);
  const Function& f = *static_cast<const Function*>(function);
  if (extra == nullptr || parameters != nullptr)
    return launch(f, {gx, gy, gz}, {bx, by, bz}, shared, parameters, false);
  // The other form: a buffer and its size, tagged 1 and 2, ended by 3.
  const void* buffer = nullptr;
  size_t size = 0;
  for (size_t n = 0; reinterpret_cast<uintptr_t>(extra[n]) != 3; n += 2) {
    const uintptr_t tag = reinterpret_cast<uintptr_t>(extra[n]);
    if (tag == 1)
      buffer = extra[n + 1];
    else if (tag == 2)
      size = *static_cast<size_t*>(extra[n + 1]);
    else
      return done(kInvalidValue);
  }
  if (buffer == nullptr && size > 0) return done(kInvalidValue);
  std::vector<uint8_t> arguments(std::max<size_t>(f.kernel->kernarg_size, 1));
  if (size > 0) memcpy(arguments.data(), buffer, std::min(size, arguments.size()));
  const uint32_t g[3] = {gx, gy, gz}, b[3] = {bx, by, bz};
  return done(d.launch(f, g, b, shared, std::move(arguments), false));
}

// The C++ functions of hip_ext.h, under their mangled names: grids in work-items.
INLAY_HIP int
_Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
    const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, size_t shared, void* stream, void** parameters, void** extra, void* start,
    void* stop, unsigned) {
  if (bx == 0 || by == 0 || bz == 0 || gx % bx || gy % by || gz % bz)
    return done(kInvalidConfiguration);  // partial workgroups are not supported
  if (shared > 0xffffffff) return done(kInvalidValue);
  if (start != nullptr) hipEventRecord(start, stream);
  const int result =
      hipModuleLaunchKernel(function, gx / bx, gy / by, gz / bz, bx, by, bz,
                            static_cast<unsigned>(shared), stream, parameters, extra);
  if (stop != nullptr) hipEventRecord(stop, stream);
  return result;
}
INLAY_HIP int
_Z24hipHccModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_(
    const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, size_t shared, void* stream, void** parameters, void** extra, void* start,
    void* stop) {
  return _Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
      function, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra, start, stop, 0);
}

INLAY_HIP int hipModuleLoadData(void** module, const void* image) {
  Device& d = Device::get();
  if (module == nullptr || image == nullptr) return done(kInvalidValue);
  std::unique_ptr<Module> m;
  const Error error = d.load(image, ~uint64_t{0}, &m);
  if (error != kSuccess) return done(error);
  const std::lock_guard lock(d.mutex);
  *module = m.get();
  d.modules[m.get()] = std::move(m);
  return kSuccess;
}
INLAY_HIP int hipModuleLoadDataEx(void** module, const void* image, unsigned, void*, void**) {
  return hipModuleLoadData(module, image);
}
INLAY_HIP int hipModuleLoad(void** module, const char* path) {
  if (module == nullptr || path == nullptr) return done(kInvalidValue);
  FILE* file = fopen(path, "rb");
  if (file == nullptr) return done(kFileNotFound);
  std::vector<uint8_t> data;
  uint8_t block[65536];
  for (size_t n; (n = fread(block, 1, sizeof(block), file)) > 0;)
    data.insert(data.end(), block, block + n);
  fclose(file);
  Device& d = Device::get();
  std::unique_ptr<Module> m;
  const Error error = d.load(data.data(), data.size(), &m);
  if (error != kSuccess) return done(error);
  const std::lock_guard lock(d.mutex);
  *module = m.get();
  d.modules[m.get()] = std::move(m);
  return kSuccess;
}
INLAY_HIP int hipModuleUnload(void* module) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  return done(d.modules.erase(module) ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipModuleGetFunction(const void** function, void* module, const char* name) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto at = d.modules.find(module);
  if (at == d.modules.end()) return done(kInvalidHandle);
  if (function == nullptr || name == nullptr) return done(kInvalidValue);
  *function = d.module_function(at->second.get(), name);
  return done(*function ? kSuccess : kNotFound);
}
INLAY_HIP int hipModuleGetGlobal(void** address, size_t* size, void* module, const char* name) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto at = d.modules.find(module);
  if (at == d.modules.end()) return done(kInvalidHandle);
  if (name == nullptr) return done(kInvalidValue);
  const DeviceVariable* v = at->second->object->variable(name);
  if (v == nullptr) return done(kNotFound);
  if (address != nullptr) *address = reinterpret_cast<void*>(v->address);
  if (size != nullptr) *size = v->size;
  return kSuccess;
}

INLAY_HIP int hipFuncGetAttributes(FunctionAttributes* out, const void* host) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  if (f == nullptr || out == nullptr) return done(f == nullptr ? error : kInvalidValue);
  *out = FunctionAttributes();
  out->binary_version = Device::get().chip == Chip::kGfx900 ? 900 : 906;
  out->ptx_version = out->binary_version;
  out->local_bytes = f->kernel->descriptor.private_segment_size;
  out->shared_bytes = f->kernel->descriptor.group_segment_size;
  out->max_threads_per_block = static_cast<int>(f->kernel->max_workgroup_size);
  out->registers = static_cast<int>(f->kernel->vgprs);
  out->max_dynamic_shared_bytes =
      static_cast<int>(Device::get().options.lds_limit - out->shared_bytes);
  return kSuccess;
}
INLAY_HIP int hipFuncGetAttribute(int* value, int attribute, const void* function) {
  if (value == nullptr || !Device::get().is_function(function))
    return done(value ? kInvalidHandle : kInvalidValue);
  const Kernel& k = *static_cast<const Function*>(function)->kernel;
  switch (attribute) {  // hipFunction_attribute
    case 0:
      *value = static_cast<int>(k.max_workgroup_size);
      break;
    case 1:
      *value = static_cast<int>(k.descriptor.group_segment_size);
      break;
    case 2:
      *value = 0;
      break;
    case 3:
      *value = static_cast<int>(k.descriptor.private_segment_size);
      break;
    case 4:
      *value = static_cast<int>(k.vgprs);
      break;
    case 5:
    case 6:
      *value = Device::get().chip == Chip::kGfx900 ? 900 : 906;
      break;
    case 7:
      *value = 0;
      break;
    case 8:
      *value = static_cast<int>(Device::get().options.lds_limit - k.descriptor.group_segment_size);
      break;
    default:
      return done(kInvalidValue);
  }
  return kSuccess;
}
// Hints that change nothing here; the function must exist.
INLAY_HIP int hipFuncSetAttribute(const void* host, int, int) {
  Error error;
  Device::get().function(host, &error);
  return done(error);
}
INLAY_HIP int hipFuncSetCacheConfig(const void* host, int) {
  return hipFuncSetAttribute(host, 0, 0);
}
INLAY_HIP int hipFuncSetSharedMemConfig(const void* host, int) {
  return hipFuncSetAttribute(host, 0, 0);
}

namespace {
int occupancy(const Function* f, int* blocks, int block, size_t shared) {
  if (blocks == nullptr || f == nullptr) return done(kInvalidValue);
  *blocks = Device::get().blocks_per_unit(*f->kernel, block, shared);
  return kSuccess;
}
// The block size with the most wavefronts per unit; the larger one of equals.
int potential(const Function* f, int* grid, int* block, size_t shared, int limit) {
  Device& d = Device::get();
  if (grid == nullptr || block == nullptr || f == nullptr) return done(kInvalidValue);
  int best = 0;
  const int most = limit > 0 && limit < static_cast<int>(f->kernel->max_workgroup_size)
                       ? limit
                       : static_cast<int>(f->kernel->max_workgroup_size);
  for (int size = kLanes; size <= most; size += kLanes) {
    const int blocks = d.blocks_per_unit(*f->kernel, size, shared);
    if (blocks * size < best) continue;
    best = blocks * size;
    *block = size;
    *grid = blocks * d.compute_units;
  }
  return done(best > 0 ? kSuccess : kInvalidConfiguration);
}
}  // namespace
INLAY_HIP int hipOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* host, int block,
                                                           size_t shared) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f == nullptr ? done(error) : occupancy(f, blocks, block, shared);
}
INLAY_HIP int hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* host,
                                                                    int block, size_t shared,
                                                                    unsigned) {
  return hipOccupancyMaxActiveBlocksPerMultiprocessor(blocks, host, block, shared);
}
INLAY_HIP int hipOccupancyMaxPotentialBlockSize(int* grid, int* block, const void* host,
                                                size_t shared, int limit) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f == nullptr ? done(error) : potential(f, grid, block, shared, limit);
}
INLAY_HIP int hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* function,
                                                                 int block, size_t shared) {
  if (!Device::get().is_function(function)) return done(kInvalidHandle);
  return occupancy(static_cast<const Function*>(function), blocks, block, shared);
}
INLAY_HIP int hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks,
                                                                          const void* function,
                                                                          int block, size_t shared,
                                                                          unsigned) {
  return hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, block, shared);
}
INLAY_HIP int hipModuleOccupancyMaxPotentialBlockSize(int* grid, int* block, const void* function,
                                                      size_t shared, int limit) {
  if (!Device::get().is_function(function)) return done(kInvalidHandle);
  return potential(static_cast<const Function*>(function), grid, block, shared, limit);
}
INLAY_HIP int hipModuleOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block,
                                                               const void* function, size_t shared,
                                                               int limit, unsigned) {
  return hipModuleOccupancyMaxPotentialBlockSize(grid, block, function, shared, limit);
}

INLAY_HIP int hipGetSymbolAddress(void** address, const void* symbol) {
  size_t size;
  if (address == nullptr) return done(kInvalidValue);
  return done(Device::get().variable(symbol, address, &size));
}
INLAY_HIP int hipGetSymbolSize(size_t* size, const void* symbol) {
  void* address;
  if (size == nullptr) return done(kInvalidValue);
  return done(Device::get().variable(symbol, &address, size));
}
INLAY_HIP int hipMemcpyToSymbol(const void* symbol, const void* source, size_t bytes, size_t offset,
                                int) {
  void* address;
  size_t size;
  const Error error = Device::get().variable(symbol, &address, &size);
  if (error != kSuccess) return done(error);
  if (source == nullptr || offset > size || size - offset < bytes) return done(kInvalidValue);
  memcpy(static_cast<uint8_t*>(address) + offset, source, bytes);
  return kSuccess;
}
INLAY_HIP int hipMemcpyFromSymbol(void* target, const void* symbol, size_t bytes, size_t offset,
                                  int) {
  void* address;
  size_t size;
  const Error error = Device::get().variable(symbol, &address, &size);
  if (error != kSuccess) return done(error);
  if (target == nullptr || offset > size || size - offset < bytes) return done(kInvalidValue);
  memcpy(target, static_cast<uint8_t*>(address) + offset, bytes);
  return kSuccess;
}
INLAY_HIP int hipMemcpyToSymbolAsync(const void* symbol, const void* source, size_t bytes,
                                     size_t offset, int kind, void*) {
  return hipMemcpyToSymbol(symbol, source, bytes, offset, kind);
}
INLAY_HIP int hipMemcpyFromSymbolAsync(void* target, const void* symbol, size_t bytes,
                                       size_t offset, int kind, void*) {
  return hipMemcpyFromSymbol(target, symbol, bytes, offset, kind);
}
INLAY_HIP const char* hipKernelNameRef(const void* function) {
  return Device::get().is_function(function)
             ? static_cast<const Function*>(function)->kernel->name.c_str()
             : "";
}
