// Allocation and what is known of pointers.
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

constexpr unsigned kHostMapped = 2;

int allocate(void** pointer, size_t size, const char* what) {
  if (pointer == nullptr) return done(kInvalidValue);
  *pointer = nullptr;
  if (size == 0) return kSuccess;
  Device& d = Device::get();
  if (size > d.total_memory || d.memory.allocated() > d.total_memory - size)
    return done(kOutOfMemory);
  static std::atomic<uint64_t> count{0};
  *pointer = d.memory.allocate(size, std::string(what) + " #" + std::to_string(++count));
  // Of what only the device writes, and copies and fills from the host, it can be told whether
  // bytes were ever written.
  const bool from_host = strncmp(what, "device", 6) != 0 && strncmp(what, "pitched", 7) != 0;
  if (d.options.observe.check_uninitialized && !from_host) d.memory.watch(*pointer);
  return done(*pointer != nullptr ? kSuccess : kOutOfMemory);
}
void note(void* pointer, size_t size, unsigned flags, Placement::Kind kind) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  d.placements[reinterpret_cast<uint64_t>(pointer)] = {size, flags, kind};
}
// What was noted of the memory that starts at BASE; device memory if nothing was.
Placement placement(uint64_t base) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto at = d.placements.find(base);
  return at != d.placements.end() ? at->second : Placement();
}
bool find(const void* pointer, Region* region) {
  return Device::get().memory.find(reinterpret_cast<uint64_t>(pointer), region);
}

}  // namespace

INLAY_HIP int hipMalloc(void** pointer, size_t size) {
  return allocate(pointer, size, "device memory");
}
INLAY_HIP int hipExtMallocWithFlags(void** pointer, size_t size, unsigned) {
  return allocate(pointer, size, "device memory");
}
INLAY_HIP int hipMallocManaged(void** pointer, size_t size, unsigned flags) {
  const int r = allocate(pointer, size, "managed memory");
  if (r == kSuccess && size != 0) note(*pointer, size, flags, Placement::kManaged);
  return r;
}
INLAY_HIP int hipMallocAsync(void** pointer, size_t size, void* stream) {
  if (Device::get().queues().find(stream) == nullptr) return done(kInvalidHandle);
  return allocate(pointer, size, "device memory");
}
INLAY_HIP int hipMallocPitch(void** pointer, size_t* pitch, size_t width, size_t height) {
  if (pitch == nullptr) return done(kInvalidValue);
  *pitch = (width + 255) / 256 * 256;
  if (height != 0 && *pitch > SIZE_MAX / height) return done(kOutOfMemory);
  return allocate(pointer, *pitch * height, "pitched memory");
}
INLAY_HIP int hipMemAllocPitch(void** pointer, size_t* pitch, size_t width, size_t height,
                               unsigned) {
  return hipMallocPitch(pointer, pitch, width, height);
}
INLAY_HIP int hipMalloc3D(PitchedPointer* out, Extent extent) {
  if (out == nullptr) return done(kInvalidValue);
  *out = {nullptr, 0, extent.width, extent.height};
  if (extent.depth != 0 && extent.height > SIZE_MAX / extent.depth) return done(kOutOfMemory);
  return hipMallocPitch(&out->pointer, &out->pitch, extent.width, extent.height * extent.depth);
}
// Kernels that still run may use it.
INLAY_HIP int hipFree(void* pointer) {
  if (pointer == nullptr) return kSuccess;
  Device& d = Device::get();
  const Placement p = placement(reinterpret_cast<uint64_t>(pointer));
  if (p.kind == Placement::kHost || p.kind == Placement::kRegistered)
    return done(kInvalidDevicePointer);
  d.queues().wait_all();
  const std::lock_guard lock(d.mutex);
  if (!d.memory.free(pointer)) return done(kInvalidDevicePointer);
  d.placements.erase(reinterpret_cast<uint64_t>(pointer));
  return kSuccess;
}
INLAY_HIP int hipFreeAsync(void* pointer, void* handle) {
  if (pointer == nullptr) return kSuccess;
  Device& d = Device::get();
  const StreamPointer stream = d.queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Region r;
  if (!find(pointer, &r) || r.base != reinterpret_cast<uint64_t>(pointer) ||
      placement(r.base).kind != Placement::kDevice)
    return done(kInvalidDevicePointer);
  Command command;
  command.work = [&d, pointer] {
    d.retire(pointer);
    return kSuccess;
  };
  d.queues().enqueue(stream, std::move(command));
  return kSuccess;
}

INLAY_HIP int hipHostMalloc(void** pointer, size_t size, unsigned flags) {
  const int r = allocate(pointer, size, "host memory");
  if (r == kSuccess && size != 0) note(*pointer, size, flags | kHostMapped, Placement::kHost);
  return r;
}
INLAY_HIP int hipHostAlloc(void** pointer, size_t size, unsigned flags) {
  return hipHostMalloc(pointer, size, flags);
}
INLAY_HIP int hipMallocHost(void** pointer, size_t size) {
  return hipHostMalloc(pointer, size, 0);
}
INLAY_HIP int hipMemAllocHost(void** pointer, size_t size) {
  return hipHostMalloc(pointer, size, 0);
}
INLAY_HIP int hipHostFree(void* pointer) {
  if (pointer == nullptr) return kSuccess;
  Device& d = Device::get();
  if (placement(reinterpret_cast<uint64_t>(pointer)).kind != Placement::kHost)
    return done(kInvalidValue);
  d.queues().wait_all();
  const std::lock_guard lock(d.mutex);
  d.placements.erase(reinterpret_cast<uint64_t>(pointer));
  return done(d.memory.free(pointer) ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipFreeHost(void* pointer) {
  return hipHostFree(pointer);
}
INLAY_HIP int hipHostRegister(void* pointer, size_t size, unsigned flags) {
  if (pointer == nullptr || size == 0) return done(kInvalidValue);
  if (!Device::get().memory.map(pointer, size, "registered host memory"))
    return done(kHostMemoryAlreadyRegistered);
  note(pointer, size, flags | kHostMapped, Placement::kRegistered);
  return kSuccess;
}
INLAY_HIP int hipHostUnregister(void* pointer) {
  Device& d = Device::get();
  if (placement(reinterpret_cast<uint64_t>(pointer)).kind != Placement::kRegistered)
    return done(kHostMemoryNotRegistered);
  d.queues().wait_all();
  const std::lock_guard lock(d.mutex);
  d.placements.erase(reinterpret_cast<uint64_t>(pointer));
  return done(d.memory.unmap(pointer) ? kSuccess : kHostMemoryNotRegistered);
}
INLAY_HIP int hipHostGetDevicePointer(void** device, void* host, unsigned) {
  Region r;
  if (device == nullptr || host == nullptr || !find(host, &r)) return done(kInvalidValue);
  *device = host;
  return kSuccess;
}
INLAY_HIP int hipHostGetFlags(unsigned* flags, void* pointer) {
  const Placement p = placement(reinterpret_cast<uint64_t>(pointer));
  if (flags == nullptr || (p.kind != Placement::kHost && p.kind != Placement::kRegistered))
    return done(kInvalidValue);
  *flags = p.flags;
  return kSuccess;
}

INLAY_HIP int hipMemGetInfo(size_t* free, size_t* total) {
  Device& d = Device::get();
  if (total != nullptr) *total = d.total_memory;
  if (free != nullptr) *free = d.total_memory - d.memory.allocated();
  return kSuccess;
}
INLAY_HIP int hipMemPtrGetInfo(void* pointer, size_t* size) {
  Region r;
  if (size == nullptr || !find(pointer, &r)) return done(kInvalidValue);
  *size = r.size;
  return kSuccess;
}
INLAY_HIP int hipMemGetAddressRange(void** base, size_t* size, void* pointer) {
  Region r;
  if (!find(pointer, &r)) return done(kNotFound);
  if (base != nullptr) *base = reinterpret_cast<void*>(r.base);
  if (size != nullptr) *size = r.size;
  return kSuccess;
}
namespace {
// hipMemoryType, which HIP 6 numbered anew.
int type_number(Placement::Kind kind) {
  const bool host = kind == Placement::kHost || kind == Placement::kRegistered;
  if (kHipMajor >= 6) return host ? 1 : kind == Placement::kManaged ? 3 : 2;
  return host ? 0 : 1;
}
}  // namespace
INLAY_HIP int hipPointerGetAttributes(PointerAttributes* out, const void* pointer) {
  Region r;
  if (out == nullptr) return done(kInvalidValue);
  if (pointer == nullptr || !find(pointer, &r)) {
    // Since HIP 6 memory of the program's own is a case of its own, before it was an error.
    if (kHipMajor < 6 || pointer == nullptr) return done(kInvalidValue);
    *out = {0, -2, nullptr, nullptr, 0, 0};
    return kSuccess;
  }
  const Placement place = placement(r.base);
  void* p = const_cast<void*>(pointer);
  *out = {type_number(place.kind),
          0,
          p,
          place.kind == Placement::kDevice ? nullptr : p,
          place.kind == Placement::kManaged,
          place.flags};
  return kSuccess;
}
INLAY_HIP int hipPointerGetAttribute(void* data, int attribute, const void* pointer) {
  Region r;
  if (data == nullptr || pointer == nullptr || !find(pointer, &r)) return done(kInvalidValue);
  const Placement place = placement(r.base);
  const auto put = [&](auto value) {
    memcpy(data, &value, sizeof(value));
    return kSuccess;
  };
  switch (attribute) {  // hipPointer_attribute
    case 2:
      return put(type_number(place.kind));
    case 3:
      return put(pointer);
    case 4:
      if (place.kind == Placement::kDevice) return done(kInvalidValue);
      return put(pointer);
    case 6:
      return put(0u);
    case 7:
      return put(static_cast<unsigned>(r.base >> 8));
    case 8:
      return put(place.kind == Placement::kManaged ? 1 : 0);
    case 9:
      return put(0);
    case 11:
      return put(r.base);
    case 12:
      return put(r.size);
    case 13:
      return put(1);
    case 16:
      return put(3);  // read and write
    default:
      return done(attribute >= 1 && attribute <= 17 ? kNotSupported : kInvalidValue);
  }
}
// Those that have no answer are left as they are.
INLAY_HIP int hipDrvPointerGetAttributes(unsigned count, int* attributes, void** data,
                                         const void* pointer) {
  if (count == 0 || attributes == nullptr || data == nullptr) return done(kInvalidValue);
  for (unsigned n = 0; n < count; n++) {
    const int r = hipPointerGetAttribute(data[n], attributes[n], pointer);
    if (r != kSuccess && r != kNotSupported) return r;
  }
  return kSuccess;
}
// Managed memory lies in one place: advice changes nothing.
INLAY_HIP int hipMemAdvise(const void* pointer, size_t, int, int) {
  Region r;
  return done(find(pointer, &r) ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipMemPrefetchAsync(const void* pointer, size_t, int, void* stream) {
  Region r;
  if (Device::get().queues().find(stream) == nullptr) return done(kInvalidHandle);
  return done(find(pointer, &r) ? kSuccess : kInvalidValue);
}
// Read-mostly: no; preferred and last prefetch location: none (-2); coherency: fine-grained (0).
INLAY_HIP int hipMemRangeGetAttribute(void* data, size_t size, int attribute, const void* pointer,
                                      size_t count) {
  Region r;
  if (data == nullptr || count == 0 || size < sizeof(int) || !find(pointer, &r))
    return done(kInvalidValue);
  int value = 0;
  switch (attribute) {
    case 1:
    case 100:
      break;
    case 2:
    case 3:
    case 4:
      value = -2;
      break;
    default:
      return done(kInvalidValue);
  }
  for (size_t at = 0; at + sizeof(value) <= size; at += sizeof(value))
    memcpy(static_cast<uint8_t*>(data) + at, &value, sizeof(value));
  return kSuccess;
}
INLAY_HIP int hipMemRangeGetAttributes(void** data, size_t* sizes, int* attributes, size_t count,
                                       const void* pointer, size_t bytes) {
  if (data == nullptr || sizes == nullptr || attributes == nullptr) return done(kInvalidValue);
  for (size_t n = 0; n < count; n++) {
    const int r = hipMemRangeGetAttribute(data[n], sizes[n], attributes[n], pointer, bytes);
    if (r != kSuccess) return r;
  }
  return kSuccess;
}

// Pools are names: memory is allocated when it is asked for, whatever the pool.
namespace {
struct Pool {
  uint64_t attributes[8] = {1, 1, 1, 0, 0, 0, 0, 0};  // hipMemPoolAttr, from 1
};
std::map<void*, std::unique_ptr<Pool>>& pools() {
  static auto* all = new std::map<void*, std::unique_ptr<Pool>>;
  return *all;
}
Pool* default_pool() {
  static auto* pool = new Pool;
  return pool;
}
Pool* current_pool = nullptr;  // guarded by the device's mutex
Pool* find_pool(void* handle) {
  if (handle == default_pool()) return default_pool();
  const auto at = pools().find(handle);
  return at == pools().end() ? nullptr : at->second.get();
}
}  // namespace
INLAY_HIP int hipDeviceGetDefaultMemPool(void** pool, int device) {
  if (pool == nullptr) return done(kInvalidValue);
  *pool = default_pool();
  return done(device == 0 ? kSuccess : kInvalidDevice);
}
INLAY_HIP int hipDeviceGetMemPool(void** pool, int device) {
  if (pool == nullptr) return done(kInvalidValue);
  const std::lock_guard lock(Device::get().mutex);
  *pool = current_pool != nullptr ? current_pool : default_pool();
  return done(device == 0 ? kSuccess : kInvalidDevice);
}
INLAY_HIP int hipDeviceSetMemPool(int device, void* pool) {
  const std::lock_guard lock(Device::get().mutex);
  if (device != 0) return done(kInvalidDevice);
  if (find_pool(pool) == nullptr) return done(kInvalidValue);
  current_pool = find_pool(pool);
  return kSuccess;
}
INLAY_HIP int hipMemPoolCreate(void** pool, const void* properties) {
  if (pool == nullptr || properties == nullptr) return done(kInvalidValue);
  const std::lock_guard lock(Device::get().mutex);
  auto made = std::make_unique<Pool>();
  *pool = made.get();
  pools()[*pool] = std::move(made);
  return kSuccess;
}
INLAY_HIP int hipMemPoolDestroy(void* pool) {
  const std::lock_guard lock(Device::get().mutex);
  if (current_pool == pool) current_pool = nullptr;
  return done(pools().erase(pool) ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipMemPoolSetAttribute(void* pool, int attribute, void* value) {
  const std::lock_guard lock(Device::get().mutex);
  Pool* p = find_pool(pool);
  if (p == nullptr || value == nullptr || attribute < 1 || attribute > 8)
    return done(kInvalidValue);
  memcpy(&p->attributes[attribute - 1], value, attribute <= 3 ? sizeof(int) : sizeof(uint64_t));
  return kSuccess;
}
INLAY_HIP int hipMemPoolGetAttribute(void* pool, int attribute, void* value) {
  const std::lock_guard lock(Device::get().mutex);
  Pool* p = find_pool(pool);
  if (p == nullptr || value == nullptr || attribute < 1 || attribute > 8)
    return done(kInvalidValue);
  memcpy(value, &p->attributes[attribute - 1], attribute <= 3 ? sizeof(int) : sizeof(uint64_t));
  return kSuccess;
}
INLAY_HIP int hipMemPoolTrimTo(void* pool, size_t) {
  const std::lock_guard lock(Device::get().mutex);
  return done(find_pool(pool) != nullptr ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipMallocFromPoolAsync(void** pointer, size_t size, void* pool, void* stream) {
  {
    const std::lock_guard lock(Device::get().mutex);
    if (find_pool(pool) == nullptr) return done(kInvalidValue);
  }
  return hipMallocAsync(pointer, size, stream);
}
