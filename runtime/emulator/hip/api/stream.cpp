// Streams and events.
#include <cstring>
#include <type_traits>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator::hip;

namespace {

constexpr unsigned kDisableTiming = 2;

std::shared_ptr<Event> find_event(void* handle) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto at = d.events.find(handle);
  return at == d.events.end() ? nullptr : at->second;
}
FencePointer fence_of(const Event& event) {
  const std::lock_guard lock(Device::get().mutex);
  return event.fence;
}

// Waits for a value in memory: another stream's, a kernel's or the host's write ends it.
template <typename T>
int wait_value(void* handle, void* pointer, T value, unsigned flags, T mask) {
  if (pointer == nullptr || flags > 3) return done(kInvalidValue);
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Command command;
  command.ready = [=] {
    const T now = __atomic_load_n(static_cast<T*>(pointer), __ATOMIC_ACQUIRE) & mask;
    switch (flags) {
      case 0:  // at least, as a circle
        return static_cast<std::make_signed_t<T>>(now - value) >= 0;
      case 1:
        return now == value;
      case 2:
        return (now & value) != 0;
      default:
        return static_cast<T>(~(now | value)) != 0;
    }
  };
  Device::get().queues().enqueue(stream, std::move(command));
  return kSuccess;
}
template <typename T>
int write_value(void* handle, void* pointer, T value) {
  if (pointer == nullptr) return done(kInvalidValue);
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Command command;
  command.work = [=] {
    __atomic_store_n(static_cast<T*>(pointer), value, __ATOMIC_RELEASE);
    return kSuccess;
  };
  Device::get().queues().enqueue(stream, std::move(command));
  return kSuccess;
}

}  // namespace

INLAY_HIP int hipStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
  if (stream == nullptr || flags > 1) return done(kInvalidValue);
  *stream = Device::get().queues().create(flags, priority < -1 ? -1 : priority > 1 ? 1 : priority);
  return kSuccess;
}
INLAY_HIP int hipStreamCreate(void** stream) {
  return hipStreamCreateWithPriority(stream, 0, 0);
}
INLAY_HIP int hipStreamCreateWithFlags(void** stream, unsigned flags) {
  return hipStreamCreateWithPriority(stream, flags, 0);
}
// Which units run a stream's kernels changes nothing that a program could see.
INLAY_HIP int hipExtStreamCreateWithCUMask(void** stream, uint32_t size, const uint32_t* mask) {
  if (stream == nullptr || size == 0 || mask == nullptr) return done(kInvalidValue);
  return hipStreamCreate(stream);
}
INLAY_HIP int hipExtStreamGetCUMask(void* stream, uint32_t size, uint32_t* mask) {
  Device& d = Device::get();
  if (mask == nullptr || size * 32 < static_cast<uint32_t>(d.compute_units))
    return done(kInvalidValue);
  if (d.queues().find(stream) == nullptr) return done(kInvalidHandle);
  memset(mask, 0, size * sizeof(*mask));
  for (int n = 0; n < d.compute_units; n++) mask[n / 32] |= 1u << n % 32;
  return kSuccess;
}
INLAY_HIP int hipStreamDestroy(void* stream) {
  return done(Device::get().queues().destroy(stream) ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipStreamSynchronize(void* handle) {
  Queues& queues = Device::get().queues();
  const StreamPointer stream = queues.find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  // The null stream is done when those are that it would wait for.
  Command marker;
  queues.wait(queues.enqueue(stream, std::move(marker)));
  return waited();
}
INLAY_HIP int hipStreamQuery(void* handle) {
  Queues& queues = Device::get().queues();
  const StreamPointer stream = queues.find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Command marker;
  if (!queues.is_done(queues.enqueue(stream, std::move(marker)))) return kNotReady;
  return waited();
}
INLAY_HIP int hipStreamWaitEvent(void* handle, void* event, unsigned) {
  Queues& queues = Device::get().queues();
  const StreamPointer stream = queues.find(handle);
  const std::shared_ptr<Event> e = find_event(event);
  if (stream == nullptr || e == nullptr) return done(kInvalidHandle);
  Command marker;
  if (const FencePointer fence = fence_of(*e)) marker.waits.push_back(fence);
  queues.enqueue(stream, std::move(marker));
  return kSuccess;
}
INLAY_HIP int hipStreamGetFlags(void* handle, unsigned* flags) {
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  if (flags == nullptr) return done(kInvalidValue);
  *flags = stream->flags;
  return kSuccess;
}
INLAY_HIP int hipStreamGetPriority(void* handle, int* priority) {
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  if (priority == nullptr) return done(kInvalidValue);
  *priority = stream->priority;
  return kSuccess;
}
INLAY_HIP int hipStreamGetDevice(void* handle, int* device) {
  if (Device::get().queues().find(handle) == nullptr) return done(kInvalidHandle);
  if (device == nullptr) return done(kInvalidValue);
  *device = 0;
  return kSuccess;
}
INLAY_HIP int hipGetStreamDeviceId(void* handle) {
  return Device::get().queues().find(handle) == nullptr ? -1 : 0;
}
INLAY_HIP int hipStreamAddCallback(void* handle, void (*callback)(void*, int, void*), void* data,
                                   unsigned flags) {
  if (callback == nullptr || flags != 0) return done(kInvalidValue);
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Command command;
  command.host = true;
  command.work = [=] {
    callback(handle, kSuccess, data);
    return kSuccess;
  };
  Device::get().queues().enqueue(stream, std::move(command));
  return kSuccess;
}
INLAY_HIP int hipLaunchHostFunc(void* handle, void (*function)(void*), void* data) {
  if (function == nullptr) return done(kInvalidValue);
  const StreamPointer stream = Device::get().queues().find(handle);
  if (stream == nullptr) return done(kInvalidHandle);
  Command command;
  command.host = true;
  command.work = [=] {
    function(data);
    return kSuccess;
  };
  Device::get().queues().enqueue(stream, std::move(command));
  return kSuccess;
}
// Managed memory belongs to all streams: nothing has to move.
INLAY_HIP int hipStreamAttachMemAsync(void* handle, void* pointer, size_t, unsigned) {
  if (pointer == nullptr) return done(kInvalidValue);
  return done(Device::get().queues().find(handle) != nullptr ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipStreamWriteValue32(void* stream, void* pointer, uint32_t value, unsigned) {
  return write_value(stream, pointer, value);
}
INLAY_HIP int hipStreamWriteValue64(void* stream, void* pointer, uint64_t value, unsigned) {
  return write_value(stream, pointer, value);
}
INLAY_HIP int hipStreamWaitValue32(void* stream, void* pointer, uint32_t value, unsigned flags,
                                   uint32_t mask) {
  return wait_value(stream, pointer, value, flags, mask);
}
INLAY_HIP int hipStreamWaitValue64(void* stream, void* pointer, uint64_t value, unsigned flags,
                                   uint64_t mask) {
  return wait_value(stream, pointer, value, flags, mask);
}

INLAY_HIP int hipEventCreateWithFlags(void** event, unsigned flags) {
  if (event == nullptr) return done(kInvalidValue);
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto e = std::make_shared<Event>();
  e->flags = flags;
  *event = e.get();
  d.events[e.get()] = std::move(e);
  return kSuccess;
}
INLAY_HIP int hipEventCreate(void** event) {
  return hipEventCreateWithFlags(event, 0);
}
INLAY_HIP int hipEventDestroy(void* event) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  return done(d.events.erase(event) ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipEventRecord(void* event, void* handle) {
  Device& d = Device::get();
  const StreamPointer stream = d.queues().find(handle);
  const std::shared_ptr<Event> e = find_event(event);
  if (stream == nullptr || e == nullptr) return done(kInvalidHandle);
  const FencePointer fence = d.queues().enqueue(stream, Command());
  const std::lock_guard lock(d.mutex);
  e->fence = fence;
  e->start = false;
  return kSuccess;
}
INLAY_HIP int hipEventRecordWithFlags(void* event, void* stream, unsigned) {
  return hipEventRecord(event, stream);
}
INLAY_HIP int hipEventSynchronize(void* event) {
  const std::shared_ptr<Event> e = find_event(event);
  if (e == nullptr) return done(kInvalidHandle);
  if (const FencePointer fence = fence_of(*e)) Device::get().queues().wait(fence);
  return waited();
}
INLAY_HIP int hipEventQuery(void* event) {
  const std::shared_ptr<Event> e = find_event(event);
  if (e == nullptr) return done(kInvalidHandle);
  if (!Device::get().queues().is_done(fence_of(*e))) return kNotReady;
  return waited();
}
INLAY_HIP int hipEventElapsedTime(float* milliseconds, void* start, void* stop) {
  if (milliseconds == nullptr) return done(kInvalidValue);
  const std::shared_ptr<Event> a = find_event(start), b = find_event(stop);
  if (a == nullptr || b == nullptr || ((a->flags | b->flags) & kDisableTiming))
    return done(kInvalidHandle);
  const FencePointer from = fence_of(*a), to = fence_of(*b);
  if (from == nullptr || to == nullptr) return done(kInvalidHandle);
  Queues& queues = Device::get().queues();
  if (!queues.is_done(from) || !queues.is_done(to)) return done(kNotReady);
  const auto time = [](const Event& e, const Fence& f) { return e.start ? f.start : f.end; };
  *milliseconds = std::chrono::duration<float, std::milli>(time(*b, *to) - time(*a, *from)).count();
  return kSuccess;
}
