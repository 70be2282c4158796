// Allocation, copies, fills, pointers.
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
  return done(*pointer != nullptr ? kSuccess : kOutOfMemory);
}

// Whether BYTES at POINTER are all memory that the device knows, or none of it is.
bool whole(const void* pointer, size_t bytes) {
  Region r;
  const uint64_t address = reinterpret_cast<uint64_t>(pointer);
  if (!Device::get().memory.find(address, &r)) return true;  // host memory of the program's own
  return r.size - (address - r.base) >= bytes;
}
bool on_device(const void* pointer) {
  Region r;
  return Device::get().memory.find(reinterpret_cast<uint64_t>(pointer), &r);
}

int copy(void* target, const void* source, size_t bytes, int kind) {
  if (bytes == 0) return kSuccess;
  if (target == nullptr || source == nullptr) return done(kInvalidValue);
  if (kind < kHostToHost || kind > kDefault) return done(kInvalidMemcpyDirection);
  // What is named a device pointer must be one.
  if ((kind == kHostToDevice || kind == kDeviceToDevice) && !on_device(target))
    return done(kInvalidValue);
  if ((kind == kDeviceToHost || kind == kDeviceToDevice) && !on_device(source))
    return done(kInvalidValue);
  if (!whole(target, bytes) || !whole(source, bytes)) return done(kInvalidValue);
  memmove(target, source, bytes);
  return kSuccess;
}

int copy_rows(void* target, size_t target_pitch, const void* source, size_t source_pitch,
              size_t width, size_t height, int kind) {
  if (width == 0 || height == 0) return kSuccess;
  if (width > target_pitch || width > source_pitch) return done(kInvalidPitchValue);
  for (size_t y = 0; y < height; y++) {
    const int r = copy(static_cast<uint8_t*>(target) + y * target_pitch,
                       static_cast<const uint8_t*>(source) + y * source_pitch, width, kind);
    if (r != kSuccess) return r;
  }
  return kSuccess;
}

template <typename T>
int fill(void* target, T value, size_t count) {
  if (count == 0) return kSuccess;
  if (target == nullptr || !on_device(target) || !whole(target, count * sizeof(T)))
    return done(kInvalidValue);
  T* p = static_cast<T*>(target);
  for (size_t n = 0; n < count; n++) p[n] = value;
  return kSuccess;
}
int fill_rows(void* target, size_t pitch, int value, size_t width, size_t height) {
  if (width > pitch) return done(kInvalidPitchValue);
  for (size_t y = 0; y < height; y++) {
    const int r =
        fill(static_cast<uint8_t*>(target) + y * pitch, static_cast<uint8_t>(value), width);
    if (r != kSuccess) return r;
  }
  return kSuccess;
}

}  // namespace

INLAY_HIP int hipMalloc(void** pointer, size_t size) {
  return allocate(pointer, size, "device memory");
}
INLAY_HIP int hipExtMallocWithFlags(void** pointer, size_t size, unsigned) {
  return allocate(pointer, size, "device memory");
}
INLAY_HIP int hipMallocManaged(void** pointer, size_t size, unsigned) {
  return allocate(pointer, size, "managed memory");
}
INLAY_HIP int hipMallocAsync(void** pointer, size_t size, void*) {
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
INLAY_HIP int hipFree(void* pointer) {
  if (pointer == nullptr) return kSuccess;
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (d.host_memory.count(reinterpret_cast<uint64_t>(pointer))) return done(kInvalidDevicePointer);
  return done(d.memory.free(pointer) ? kSuccess : kInvalidDevicePointer);
}
INLAY_HIP int hipFreeAsync(void* pointer, void*) {
  return hipFree(pointer);
}

INLAY_HIP int hipHostMalloc(void** pointer, size_t size, unsigned flags) {
  const int r = allocate(pointer, size, "host memory");
  if (r != kSuccess || size == 0) return r;
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  d.host_memory[reinterpret_cast<uint64_t>(*pointer)] = {size, flags | kHostMapped};
  return kSuccess;
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
  const std::lock_guard lock(d.mutex);
  if (!d.host_memory.count(reinterpret_cast<uint64_t>(pointer))) return done(kInvalidValue);
  if (!d.memory.free(pointer)) return done(kInvalidValue);  // registered, not allocated
  d.host_memory.erase(reinterpret_cast<uint64_t>(pointer));
  return kSuccess;
}
INLAY_HIP int hipFreeHost(void* pointer) {
  return hipHostFree(pointer);
}
INLAY_HIP int hipHostRegister(void* pointer, size_t size, unsigned flags) {
  if (pointer == nullptr || size == 0) return done(kInvalidValue);
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (!d.memory.map(pointer, size, "registered host memory"))
    return done(kHostMemoryAlreadyRegistered);
  d.host_memory[reinterpret_cast<uint64_t>(pointer)] = {size, flags | kHostMapped};
  return kSuccess;
}
INLAY_HIP int hipHostUnregister(void* pointer) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (!d.memory.unmap(pointer)) return done(kHostMemoryNotRegistered);
  d.host_memory.erase(reinterpret_cast<uint64_t>(pointer));
  return kSuccess;
}
INLAY_HIP int hipHostGetDevicePointer(void** device, void* host, unsigned) {
  if (device == nullptr || host == nullptr) return done(kInvalidValue);
  if (!on_device(host)) return done(kInvalidValue);
  *device = host;
  return kSuccess;
}
INLAY_HIP int hipHostGetFlags(unsigned* flags, void* pointer) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto at = d.host_memory.find(reinterpret_cast<uint64_t>(pointer));
  if (flags == nullptr || at == d.host_memory.end()) return done(kInvalidValue);
  *flags = at->second.second;
  return kSuccess;
}

INLAY_HIP int hipMemcpy(void* target, const void* source, size_t bytes, int kind) {
  return copy(target, source, bytes, kind);
}
INLAY_HIP int hipMemcpyAsync(void* target, const void* source, size_t bytes, int kind, void*) {
  return copy(target, source, bytes, kind);
}
INLAY_HIP int hipMemcpyWithStream(void* target, const void* source, size_t bytes, int kind, void*) {
  return copy(target, source, bytes, kind);
}
INLAY_HIP int hipMemcpyHtoD(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kHostToDevice);
}
INLAY_HIP int hipMemcpyDtoH(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kDeviceToHost);
}
INLAY_HIP int hipMemcpyDtoD(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kDeviceToDevice);
}
INLAY_HIP int hipMemcpyHtoDAsync(void* target, void* source, size_t bytes, void*) {
  return copy(target, source, bytes, kHostToDevice);
}
INLAY_HIP int hipMemcpyDtoHAsync(void* target, void* source, size_t bytes, void*) {
  return copy(target, source, bytes, kDeviceToHost);
}
INLAY_HIP int hipMemcpyDtoDAsync(void* target, void* source, size_t bytes, void*) {
  return copy(target, source, bytes, kDeviceToDevice);
}
INLAY_HIP int hipMemcpyPeer(void* target, int target_device, const void* source, int source_device,
                            size_t bytes) {
  if (target_device != 0 || source_device != 0) return done(kInvalidDevice);
  return copy(target, source, bytes, kDeviceToDevice);
}
INLAY_HIP int hipMemcpyPeerAsync(void* target, int target_device, const void* source,
                                 int source_device, size_t bytes, void*) {
  return hipMemcpyPeer(target, target_device, source, source_device, bytes);
}
INLAY_HIP int hipMemcpy2D(void* target, size_t target_pitch, const void* source,
                          size_t source_pitch, size_t width, size_t height, int kind) {
  return copy_rows(target, target_pitch, source, source_pitch, width, height, kind);
}
INLAY_HIP int hipMemcpy2DAsync(void* target, size_t target_pitch, const void* source,
                               size_t source_pitch, size_t width, size_t height, int kind, void*) {
  return copy_rows(target, target_pitch, source, source_pitch, width, height, kind);
}
INLAY_HIP int hipMemcpyParam2D(const Copy2D* p) {
  if (p == nullptr) return done(kInvalidValue);
  const auto pick = [](int type, const void* host, const void* device) {
    return type == 0 ? host : type == 1 || type == 3 ? device : nullptr;
  };
  const auto* source =
      static_cast<const uint8_t*>(pick(p->source_type, p->source_host, p->source_device));
  auto* target = static_cast<uint8_t*>(
      const_cast<void*>(pick(p->target_type, p->target_host, p->target_device)));
  if (source == nullptr || target == nullptr)
    return done(kInvalidValue);  // arrays are for textures
  return copy_rows(target + p->target_y * p->target_pitch + p->target_x, p->target_pitch,
                   source + p->source_y * p->source_pitch + p->source_x, p->source_pitch, p->width,
                   p->height, kDefault);
}
INLAY_HIP int hipMemcpyParam2DAsync(const Copy2D* p, void*) {
  return hipMemcpyParam2D(p);
}
INLAY_HIP int hipMemcpy3D(const Copy3D* p) {
  if (p == nullptr || p->source_array != nullptr || p->target_array != nullptr)
    return done(kInvalidValue);
  const auto at = [](const PitchedPointer& q, const Position& o, size_t z) {
    return static_cast<uint8_t*>(q.pointer) + ((o.z + z) * q.height + o.y) * q.pitch + o.x;
  };
  for (size_t z = 0; z < p->extent.depth; z++) {
    const int r = copy_rows(at(p->target, p->target_position, z), p->target.pitch,
                            at(p->source, p->source_position, z), p->source.pitch, p->extent.width,
                            p->extent.height, p->kind);
    if (r != kSuccess) return r;
  }
  return kSuccess;
}
INLAY_HIP int hipMemcpy3DAsync(const Copy3D* p, void*) {
  return hipMemcpy3D(p);
}

INLAY_HIP int hipMemset(void* target, int value, size_t bytes) {
  return fill(target, static_cast<uint8_t>(value), bytes);
}
INLAY_HIP int hipMemsetAsync(void* target, int value, size_t bytes, void*) {
  return fill(target, static_cast<uint8_t>(value), bytes);
}
INLAY_HIP int hipMemsetD8(void* target, uint8_t value, size_t count) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemsetD8Async(void* target, uint8_t value, size_t count, void*) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemsetD16(void* target, uint16_t value, size_t count) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemsetD16Async(void* target, uint16_t value, size_t count, void*) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemsetD32(void* target, int value, size_t count) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemsetD32Async(void* target, int value, size_t count, void*) {
  return fill(target, value, count);
}
INLAY_HIP int hipMemset2D(void* target, size_t pitch, int value, size_t width, size_t height) {
  return fill_rows(target, pitch, value, width, height);
}
INLAY_HIP int hipMemset2DAsync(void* target, size_t pitch, int value, size_t width, size_t height,
                               void*) {
  return fill_rows(target, pitch, value, width, height);
}
INLAY_HIP int hipMemset3D(PitchedPointer target, int value, Extent extent) {
  for (size_t z = 0; z < extent.depth; z++) {
    const int r =
        fill_rows(static_cast<uint8_t*>(target.pointer) + z * target.height * target.pitch,
                  target.pitch, value, extent.width, extent.height);
    if (r != kSuccess) return r;
  }
  return kSuccess;
}
INLAY_HIP int hipMemset3DAsync(PitchedPointer target, int value, Extent extent, void*) {
  return hipMemset3D(target, value, extent);
}

INLAY_HIP int hipMemGetInfo(size_t* free, size_t* total) {
  Device& d = Device::get();
  if (total != nullptr) *total = d.total_memory;
  if (free != nullptr) *free = d.total_memory - d.memory.allocated();
  return kSuccess;
}
INLAY_HIP int hipMemPtrGetInfo(void* pointer, size_t* size) {
  Region r;
  if (size == nullptr || !Device::get().memory.find(reinterpret_cast<uint64_t>(pointer), &r))
    return done(kInvalidValue);
  *size = r.size;
  return kSuccess;
}
INLAY_HIP int hipMemGetAddressRange(void** base, size_t* size, void* pointer) {
  Region r;
  if (!Device::get().memory.find(reinterpret_cast<uint64_t>(pointer), &r)) return done(kNotFound);
  if (base != nullptr) *base = reinterpret_cast<void*>(r.base);
  if (size != nullptr) *size = r.size;
  return kSuccess;
}
INLAY_HIP int hipPointerGetAttributes(PointerAttributes* out, const void* pointer) {
  Region r;
  if (out == nullptr || !Device::get().memory.find(reinterpret_cast<uint64_t>(pointer), &r))
    return done(kInvalidValue);
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto host = d.host_memory.find(r.base);
  void* p = const_cast<void*>(pointer);
  *out = {host == d.host_memory.end() ? 1 : 0,
          0,
          p,
          host == d.host_memory.end() ? nullptr : p,
          0,
          host == d.host_memory.end() ? 0 : host->second.second};
  return kSuccess;
}
// Managed memory lies in one place: advice changes nothing.
INLAY_HIP int hipMemAdvise(const void* pointer, size_t, int, int) {
  return done(on_device(pointer) ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipMemPrefetchAsync(const void* pointer, size_t, int, void*) {
  return done(on_device(pointer) ? kSuccess : kInvalidValue);
}
