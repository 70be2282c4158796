// Modules, what is known of kernels, occupancy.
#include <cstdio>
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

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
  d.queues().wait_all();
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
  out->binary_version = Device::get().target.chip == Chip::kGfx900 ? 900 : 906;
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
      *value = Device::get().target.chip == Chip::kGfx900 ? 900 : 906;
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

INLAY_HIP const char* hipKernelNameRef(const void* function) {
  return Device::get().is_function(function)
             ? static_cast<const Function*>(function)->kernel->name.c_str()
             : "";
}
INLAY_HIP const char* hipKernelNameRefByPtr(const void* host, void*) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f != nullptr ? f->kernel->name.c_str() : "";
}
INLAY_HIP int hipGetFuncBySymbol(const void** function, const void* host) {
  if (function == nullptr) return done(kInvalidValue);
  Error error;
  *function = Device::get().function(host, &error);
  return done(error);
}
