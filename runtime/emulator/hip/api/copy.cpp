// Copies and fills.
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

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

// In a stream's order; kWait: the call returns when it is done.
enum class Return { kWait, kGoOn };
int in_order(void* handle, Return mode, std::function<Error()> work) {
  Queues& queues = Device::get().queues();
  const StreamPointer stream = queues.find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  if (mode == Return::kGoOn) {
    Command command;
    command.work = std::move(work);
    queues.enqueue(stream, std::move(command));
    return kSuccess;
  }
  queues.run(stream, std::move(work));
  return waited();
}

// DEPTH slices of HEIGHT rows of WIDTH bytes; a slice is so many rows of its side's pitch.
struct Side {
  uint8_t* start;
  size_t pitch, rows;
  uint8_t* at(size_t y, size_t z) const { return start + (z * rows + y) * pitch; }
};
size_t span(const Side& s, size_t width, size_t height, size_t depth) {
  return ((depth - 1) * s.rows + height - 1) * s.pitch + width;
}

// For the check of uninitialized memory.
void now_written(const void* p, size_t size) {
  Device& d = Device::get();
  if (d.options.observe.check_uninitialized) d.memory.written(reinterpret_cast<uint64_t>(p), size);
}

int copy_box(Side target, Side source, size_t width, size_t height, size_t depth, int kind,
             void* stream, Return mode) {
  if (width == 0 || height == 0 || depth == 0) return kSuccess;
  if (target.start == nullptr || source.start == nullptr) return done(kInvalidValue);
  if (kind < kHostToHost || kind > kDefault) return done(kInvalidMemcpyDirection);
  if ((height > 1 || depth > 1) && (width > target.pitch || width > source.pitch))
    return done(kInvalidPitchValue);
  const bool to_device = on_device(target.start), from_device = on_device(source.start);
  // What is named a device pointer must be one.
  if ((kind == kHostToDevice || kind == kDeviceToDevice) && !to_device) return done(kInvalidValue);
  if ((kind == kDeviceToHost || kind == kDeviceToDevice) && !from_device)
    return done(kInvalidValue);
  if (!whole(target.start, span(target, width, height, depth)) ||
      !whole(source.start, span(source, width, height, depth)))
    return done(kInvalidValue);
  // Pageable memory is done with when the call returns, whatever its name says.
  if (!to_device || !from_device) mode = Return::kWait;
  return in_order(stream, mode, [=] {
    for (size_t z = 0; z < depth; z++)
      for (size_t y = 0; y < height; y++) {
        memmove(target.at(y, z), source.at(y, z), width);
        now_written(target.at(y, z), width);
      }
    return kSuccess;
  });
}
int copy(void* target, const void* source, size_t bytes, int kind, void* stream, Return mode) {
  return copy_box({static_cast<uint8_t*>(target), bytes, 1},
                  {static_cast<uint8_t*>(const_cast<void*>(source)), bytes, 1}, bytes, 1, 1, kind,
                  stream, mode);
}
int copy_rows(void* target, size_t target_pitch, const void* source, size_t source_pitch,
              size_t width, size_t height, int kind, void* stream, Return mode) {
  if (width > target_pitch || width > source_pitch) return done(kInvalidPitchValue);
  return copy_box({static_cast<uint8_t*>(target), target_pitch, height},
                  {static_cast<uint8_t*>(const_cast<void*>(source)), source_pitch, height}, width,
                  height, 1, kind, stream, mode);
}

template <typename T>
int fill_box(Side target, T value, size_t width, size_t height, size_t depth, void* stream,
             Return mode) {
  if (width == 0 || height == 0 || depth == 0) return kSuccess;
  if ((height > 1 || depth > 1) && width * sizeof(T) > target.pitch)
    return done(kInvalidPitchValue);
  if (target.start == nullptr || width > SIZE_MAX / sizeof(T) || !on_device(target.start) ||
      !whole(target.start, span(target, width * sizeof(T), height, depth)))
    return done(kInvalidValue);
  return in_order(stream, mode, [=] {
    for (size_t z = 0; z < depth; z++)
      for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++)
          memcpy(target.at(y, z) + x * sizeof(T), &value, sizeof(T));
        now_written(target.at(y, z), width * sizeof(T));
      }
    return kSuccess;
  });
}
template <typename T>
int fill(void* target, T value, size_t count, void* stream, Return mode) {
  return fill_box({static_cast<uint8_t*>(target), 0, 1}, value, count, 1, 1, stream, mode);
}
int fill_rows(void* target, size_t pitch, int value, size_t width, size_t height, void* stream,
              Return mode) {
  return fill_box({static_cast<uint8_t*>(target), pitch, height}, static_cast<uint8_t>(value),
                  width, height, 1, stream, mode);
}
int fill_3d(PitchedPointer target, int value, Extent extent, void* stream, Return mode) {
  return fill_box({static_cast<uint8_t*>(target.pointer), target.pitch, target.height},
                  static_cast<uint8_t>(value), extent.width, extent.height, extent.depth, stream,
                  mode);
}

// hipMemoryType of a side in a copy that names it: host, device or unified; arrays are for
// textures.
constexpr int kHost = kHipMajor >= 6 ? 1 : 0, kDevice = kHipMajor >= 6 ? 2 : 1,
              kManaged = kHipMajor >= 6 ? 3 : 3, kUnified = kHipMajor >= 6 ? 11 : 3;
const void* pick(int type, const void* host, const void* device) {
  if (type == kHost) return host;
  return type == kDevice || type == kManaged || type == kUnified ? device : nullptr;
}

int copy_2d(const Copy2D* p, void* stream, Return mode) {
  if (p == nullptr) return done(kInvalidValue);
  const auto* source =
      static_cast<const uint8_t*>(pick(p->source_type, p->source_host, p->source_device));
  auto* target = static_cast<uint8_t*>(
      const_cast<void*>(pick(p->target_type, p->target_host, p->target_device)));
  if (source == nullptr || target == nullptr) return done(kInvalidValue);
  return copy_rows(target + p->target_y * p->target_pitch + p->target_x, p->target_pitch,
                   source + p->source_y * p->source_pitch + p->source_x, p->source_pitch, p->width,
                   p->height, kDefault, stream, mode);
}
int copy_3d(const Copy3D* p, void* stream, Return mode) {
  if (p == nullptr || p->source_array != nullptr || p->target_array != nullptr)
    return done(kInvalidValue);
  const auto side = [](const PitchedPointer& q, const Position& o) {
    return Side{q.pointer == nullptr
                    ? nullptr
                    : static_cast<uint8_t*>(q.pointer) + (o.z * q.height + o.y) * q.pitch + o.x,
                q.pitch, q.height};
  };
  return copy_box(side(p->target, p->target_position), side(p->source, p->source_position),
                  p->extent.width, p->extent.height, p->extent.depth, p->kind, stream, mode);
}
int copy_driver_3d(const DriverCopy3D* p, void* stream, Return mode) {
  if (p == nullptr) return done(kInvalidValue);
  const auto side = [](const DriverCopy3D::Side& s) {
    auto* start = static_cast<uint8_t*>(const_cast<void*>(pick(s.type, s.host, s.device)));
    if (start != nullptr) start += (size_t{s.z} * s.height + s.y) * s.pitch + s.x;
    return Side{start, s.pitch, s.height};
  };
  return copy_box(side(p->target), side(p->source), p->width, p->height, p->depth, kDefault, stream,
                  mode);
}

// Part of a variable.
int symbol(const void* variable, size_t bytes, size_t offset, uint8_t** at) {
  void* address;
  size_t size;
  const Error error = Device::get().variable(variable, &address, &size);
  if (error != kSuccess) return done(error);
  if (offset > size || size - offset < bytes) return done(kInvalidValue);
  *at = static_cast<uint8_t*>(address) + offset;
  return kSuccess;
}
int to_symbol(const void* variable, const void* source, size_t bytes, size_t offset, int kind,
              void* stream, Return mode) {
  uint8_t* at = nullptr;
  const int r = symbol(variable, bytes, offset, &at);
  return r != kSuccess ? r : copy(at, source, bytes, kind, stream, mode);
}
int from_symbol(void* target, const void* variable, size_t bytes, size_t offset, int kind,
                void* stream, Return mode) {
  uint8_t* at = nullptr;
  const int r = symbol(variable, bytes, offset, &at);
  return r != kSuccess ? r : copy(target, at, bytes, kind, stream, mode);
}

}  // namespace

INLAY_HIP int hipMemcpy(void* target, const void* source, size_t bytes, int kind) {
  return copy(target, source, bytes, kind, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyAsync(void* target, const void* source, size_t bytes, int kind,
                             void* stream) {
  return copy(target, source, bytes, kind, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyWithStream(void* target, const void* source, size_t bytes, int kind,
                                  void* stream) {
  return copy(target, source, bytes, kind, stream, Return::kWait);
}
INLAY_HIP int hipMemcpyHtoD(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kHostToDevice, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyHtoDAsync(void* target, void* source, size_t bytes, void* stream) {
  return copy(target, source, bytes, kHostToDevice, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyDtoH(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kDeviceToHost, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyDtoHAsync(void* target, void* source, size_t bytes, void* stream) {
  return copy(target, source, bytes, kDeviceToHost, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyDtoD(void* target, void* source, size_t bytes) {
  return copy(target, source, bytes, kDeviceToDevice, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyDtoDAsync(void* target, void* source, size_t bytes, void* stream) {
  return copy(target, source, bytes, kDeviceToDevice, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyPeerAsync(void* target, int target_device, const void* source,
                                 int source_device, size_t bytes, void* stream) {
  if (target_device != 0 || source_device != 0) return done(kInvalidDevice);
  return copy(target, source, bytes, kDeviceToDevice, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyPeer(void* target, int target_device, const void* source, int source_device,
                            size_t bytes) {
  if (target_device != 0 || source_device != 0) return done(kInvalidDevice);
  return copy(target, source, bytes, kDeviceToDevice, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpy2D(void* target, size_t target_pitch, const void* source,
                          size_t source_pitch, size_t width, size_t height, int kind) {
  return copy_rows(target, target_pitch, source, source_pitch, width, height, kind, nullptr,
                   Return::kWait);
}
INLAY_HIP int hipMemcpy2DAsync(void* target, size_t target_pitch, const void* source,
                               size_t source_pitch, size_t width, size_t height, int kind,
                               void* stream) {
  return copy_rows(target, target_pitch, source, source_pitch, width, height, kind, stream,
                   Return::kGoOn);
}
INLAY_HIP int hipMemcpyParam2D(const Copy2D* p) {
  return copy_2d(p, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyParam2DAsync(const Copy2D* p, void* stream) {
  return copy_2d(p, stream, Return::kGoOn);
}
INLAY_HIP int hipDrvMemcpy2DUnaligned(const Copy2D* p) {
  return hipMemcpyParam2D(p);
}
INLAY_HIP int hipMemcpy3D(const Copy3D* p) {
  return copy_3d(p, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpy3DAsync(const Copy3D* p, void* stream) {
  return copy_3d(p, stream, Return::kGoOn);
}
INLAY_HIP int hipDrvMemcpy3D(const DriverCopy3D* p) {
  return copy_driver_3d(p, nullptr, Return::kWait);
}
INLAY_HIP int hipDrvMemcpy3DAsync(const DriverCopy3D* p, void* stream) {
  return copy_driver_3d(p, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyToSymbol(const void* variable, const void* source, size_t bytes,
                                size_t offset, int kind) {
  return to_symbol(variable, source, bytes, offset, kind, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyToSymbolAsync(const void* variable, const void* source, size_t bytes,
                                     size_t offset, int kind, void* stream) {
  return to_symbol(variable, source, bytes, offset, kind, stream, Return::kGoOn);
}
INLAY_HIP int hipMemcpyFromSymbol(void* target, const void* variable, size_t bytes, size_t offset,
                                  int kind) {
  return from_symbol(target, variable, bytes, offset, kind, nullptr, Return::kWait);
}
INLAY_HIP int hipMemcpyFromSymbolAsync(void* target, const void* variable, size_t bytes,
                                       size_t offset, int kind, void* stream) {
  return from_symbol(target, variable, bytes, offset, kind, stream, Return::kGoOn);
}
INLAY_HIP int hipMemset(void* target, int value, size_t bytes) {
  return fill(target, static_cast<uint8_t>(value), bytes, nullptr, Return::kWait);
}
INLAY_HIP int hipMemsetAsync(void* target, int value, size_t bytes, void* stream) {
  return fill(target, static_cast<uint8_t>(value), bytes, stream, Return::kGoOn);
}
INLAY_HIP int hipMemsetD8(void* target, uint8_t value, size_t count) {
  return fill(target, value, count, nullptr, Return::kWait);
}
INLAY_HIP int hipMemsetD8Async(void* target, uint8_t value, size_t count, void* stream) {
  return fill(target, value, count, stream, Return::kGoOn);
}
INLAY_HIP int hipMemsetD16(void* target, uint16_t value, size_t count) {
  return fill(target, value, count, nullptr, Return::kWait);
}
INLAY_HIP int hipMemsetD16Async(void* target, uint16_t value, size_t count, void* stream) {
  return fill(target, value, count, stream, Return::kGoOn);
}
INLAY_HIP int hipMemsetD32(void* target, int value, size_t count) {
  return fill(target, value, count, nullptr, Return::kWait);
}
INLAY_HIP int hipMemsetD32Async(void* target, int value, size_t count, void* stream) {
  return fill(target, value, count, stream, Return::kGoOn);
}
INLAY_HIP int hipMemset2D(void* target, size_t pitch, int value, size_t width, size_t height) {
  return fill_rows(target, pitch, value, width, height, nullptr, Return::kWait);
}
INLAY_HIP int hipMemset2DAsync(void* target, size_t pitch, int value, size_t width, size_t height,
                               void* stream) {
  return fill_rows(target, pitch, value, width, height, stream, Return::kGoOn);
}
INLAY_HIP int hipMemset3D(PitchedPointer target, int value, Extent extent) {
  return fill_3d(target, value, extent, nullptr, Return::kWait);
}
INLAY_HIP int hipMemset3DAsync(PitchedPointer target, int value, Extent extent, void* stream) {
  return fill_3d(target, value, extent, stream, Return::kGoOn);
}
INLAY_HIP int hipGetSymbolAddress(void** address, const void* variable) {
  size_t size;
  if (address == nullptr) return done(kInvalidValue);
  return done(Device::get().variable(variable, address, &size));
}
INLAY_HIP int hipGetSymbolSize(size_t* size, const void* variable) {
  void* address;
  if (size == nullptr) return done(kInvalidValue);
  return done(Device::get().variable(variable, &address, size));
}
