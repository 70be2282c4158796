// Devices, errors, streams, events, contexts.
#include <cstdio>
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

struct ErrorText {
  int code;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
    {kSuccess, "hipSuccess", "no error"},
    {kInvalidValue, "hipErrorInvalidValue", "invalid argument"},
    {kOutOfMemory, "hipErrorOutOfMemory", "out of memory"},
    {kNotInitialized, "hipErrorNotInitialized", "initialization error"},
    {kInvalidConfiguration, "hipErrorInvalidConfiguration", "invalid configuration argument"},
    {kInvalidPitchValue, "hipErrorInvalidPitchValue", "invalid pitch argument"},
    {kInvalidSymbol, "hipErrorInvalidSymbol", "invalid device symbol"},
    {kInvalidDevicePointer, "hipErrorInvalidDevicePointer", "invalid device pointer"},
    {kInvalidMemcpyDirection, "hipErrorInvalidMemcpyDirection",
     "invalid copy direction for memcpy"},
    {kMissingConfiguration, "hipErrorMissingConfiguration",
     "__global__ function call is not configured"},
    {kInvalidDeviceFunction, "hipErrorInvalidDeviceFunction", "invalid device function"},
    {kNoDevice, "hipErrorNoDevice", "no ROCm-capable device is detected"},
    {kInvalidDevice, "hipErrorInvalidDevice", "invalid device ordinal"},
    {kInvalidImage, "hipErrorInvalidImage", "device kernel image is invalid"},
    {kInvalidContext, "hipErrorInvalidContext", "invalid device context"},
    {kNoBinaryForGpu, "hipErrorNoBinaryForGpu",
     "no kernel image is available for execution on the device"},
    {kUnsupportedLimit, "hipErrorUnsupportedLimit", "limit is not supported on this architecture"},
    {kFileNotFound, "hipErrorFileNotFound", "file not found"},
    {kInvalidHandle, "hipErrorInvalidHandle", "invalid resource handle"},
    {kNotFound, "hipErrorNotFound", "named symbol not found"},
    {kNotReady, "hipErrorNotReady", "device not ready"},
    {kIllegalAddress, "hipErrorIllegalAddress", "an illegal memory access was encountered"},
    {kLaunchOutOfResources, "hipErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {kLaunchTimeOut, "hipErrorLaunchTimeOut", "the launch timed out and was terminated"},
    {kPeerAccessAlreadyEnabled, "hipErrorPeerAccessAlreadyEnabled",
     "peer access is already enabled"},
    {kPeerAccessNotEnabled, "hipErrorPeerAccessNotEnabled", "peer access has not been enabled"},
    {kHostMemoryAlreadyRegistered, "hipErrorHostMemoryAlreadyRegistered",
     "part or all of the requested memory range is already mapped"},
    {kHostMemoryNotRegistered, "hipErrorHostMemoryNotRegistered",
     "pointer does not correspond to a registered memory region"},
    {kLaunchFailure, "hipErrorLaunchFailure", "unspecified launch failure"},
    {kCooperativeLaunchTooLarge, "hipErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {kNotSupported, "hipErrorNotSupported", "operation not supported"},
    {kUnknown, "hipErrorUnknown", "unknown error"}};

const ErrorText& error_text(int code) {
  for (const ErrorText& e : kErrors)
    if (e.code == code) return e;
  return kErrors[sizeof(kErrors) / sizeof(kErrors[0]) - 1];
}

int check_device(int device) {
  return done(device == 0 ? kSuccess : kInvalidDevice);
}

template <typename T>
T* known(std::unordered_map<void*, std::unique_ptr<T>>& map, void* handle) {
  const auto at = map.find(handle);
  return at == map.end() ? nullptr : at->second.get();
}
// The null stream and the two named ones (legacy 1, per thread 2) are always there.
bool is_stream(void* stream) {
  if (reinterpret_cast<uintptr_t>(stream) <= 2) return true;
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  return known(d.streams, stream) != nullptr;
}
int check_stream(void* stream) {
  return done(is_stream(stream) ? kSuccess : kInvalidHandle);
}

constexpr int kClockKhz = 1500000, kMemoryClockKhz = 945000, kBusWidth = 2048;

}  // namespace

INLAY_HIP int hipInit(unsigned flags) {
  return done(flags == 0 ? kSuccess : kInvalidValue);
}
INLAY_HIP int hipDriverGetVersion(int* version) {
  if (version == nullptr) return done(kInvalidValue);
  *version = 50221153;
  return kSuccess;
}
INLAY_HIP int hipRuntimeGetVersion(int* version) {
  return hipDriverGetVersion(version);
}
INLAY_HIP int hipGetDeviceCount(int* count) {
  if (count == nullptr) return done(kInvalidValue);
  *count = 1;
  return kSuccess;
}
INLAY_HIP int hipGetDevice(int* device) {
  if (device == nullptr) return done(kInvalidValue);
  *device = 0;
  return kSuccess;
}
INLAY_HIP int hipSetDevice(int device) {
  return check_device(device);
}
INLAY_HIP int hipDeviceGet(int* device, int ordinal) {
  if (device == nullptr) return done(kInvalidValue);
  *device = 0;
  return check_device(ordinal);
}
INLAY_HIP int hipChooseDevice(int* device, const DeviceProperties* wanted) {
  if (device == nullptr || wanted == nullptr) return done(kInvalidValue);
  *device = 0;
  return kSuccess;
}
INLAY_HIP int hipDeviceSynchronize() {
  return kSuccess;
}
INLAY_HIP int hipDeviceReset() {
  return kSuccess;
}
INLAY_HIP int hipSetDeviceFlags(unsigned) {
  return kSuccess;
}
INLAY_HIP int hipGetDeviceFlags(unsigned* flags) {
  if (flags == nullptr) return done(kInvalidValue);
  *flags = 0;
  return kSuccess;
}
INLAY_HIP int hipGetDeviceProperties(DeviceProperties* p, int device) {
  if (p == nullptr) return done(kInvalidValue);
  if (device != 0) return done(kInvalidDevice);
  const Device& d = Device::get();
  const bool vega20 = d.chip == Chip::kGfx906;
  memset(p, 0, sizeof(*p));
  snprintf(p->name, sizeof(p->name), "Inlay emulator (%s)", vega20 ? "gfx906" : "gfx900");
  p->total_global_memory = d.total_memory;
  p->shared_memory_per_block = d.options.lds_limit;
  p->registers_per_block = 65536;
  p->warp_size = kLanes;
  p->max_threads_per_block = 1024;
  for (int n = 0; n < 3; n++) {
    p->max_threads_dim[n] = 1024;
    p->max_grid_size[n] = 2147483647;
  }
  p->clock_rate = kClockKhz;
  p->memory_clock_rate = kMemoryClockKhz;
  p->memory_bus_width = vega20 ? 2 * kBusWidth : kBusWidth;
  p->total_constant_memory = 2147483647;
  p->major = 9;
  p->minor = 0;
  p->multiprocessor_count = d.compute_units;
  p->l2_cache_size = 4 << 20;
  p->max_threads_per_multiprocessor = 2560;
  p->clock_instruction_rate = 1000000;
  // Atomics on global and shared memory, f64, warp vote, ballot and shuffle, funnel shift aside,
  // fences, 3D grids.
  p->arch = 1u | 2u | 4u | 8u | 16u | 32u | 64u | 128u | 256u | 512u | 2048u | 4096u | 32768u;
  p->concurrent_kernels = 1;
  p->pci_bus_id = 1;
  p->max_shared_memory_per_multiprocessor = d.options.lds_limit;
  p->can_map_host_memory = 1;
  p->gcn_arch = vega20 ? 906 : 900;
  snprintf(p->gcn_arch_name, sizeof(p->gcn_arch_name), "%s",
           vega20 ? "gfx906:sramecc-:xnack-" : "gfx900:xnack-");
  p->cooperative_launch = 1;
  p->memory_pitch = 2147483647;
  p->texture_alignment = 256;
  p->texture_pitch_alignment = 256;
  p->managed_memory = 1;
  p->direct_managed_access = 1;
  p->concurrent_managed_access = 1;
  p->is_large_bar = 1;
  return kSuccess;
}
INLAY_HIP int hipDeviceGetAttribute(int* value, int attribute, int device) {
  if (value == nullptr) return done(kInvalidValue);
  DeviceProperties p;
  const int r = hipGetDeviceProperties(&p, device);
  if (r != kSuccess) return r;
  const auto clipped = [](size_t v) { return v > 2147483647 ? 2147483647 : static_cast<int>(v); };
  switch (attribute) {  // hipDeviceAttribute_t
    case 0:
      *value = 0;
      break;
    case 2:
      *value = 1;
      break;
    case 3:
      *value = p.can_map_host_memory;
      break;
    case 4:
      *value = 1;
      break;
    case 5:
      *value = p.clock_rate;
      break;
    case 6:
      *value = p.compute_mode;
      break;
    case 8:
      *value = p.concurrent_kernels;
      break;
    case 9:
      *value = p.concurrent_managed_access;
      break;
    case 10:
      *value = p.cooperative_launch;
      break;
    case 11:
      *value = 0;
      break;
    case 13:
      *value = p.direct_managed_access;
      break;
    case 15:
      *value = 1;
      break;
    case 16:
      *value = p.integrated;
      break;
    case 17:
      *value = p.is_multi_gpu_board;
      break;
    case 18:
      *value = p.kernel_timeout_enabled;
      break;
    case 19:
      *value = p.l2_cache_size;
      break;
    case 23:
      *value = p.major;
      break;
    case 24:
      *value = p.managed_memory;
      break;
    case 25:
      *value = 16;
      break;
    case 26:
    case 27:
    case 28:
      *value = p.max_threads_dim[attribute - 26];
      break;
    case 29:
    case 30:
    case 31:
      *value = p.max_grid_size[attribute - 29];
      break;
    case 55:
      *value = p.max_threads_dim[0];
      break;
    case 56:
      *value = p.max_threads_per_block;
      break;
    case 57:
      *value = p.max_threads_per_multiprocessor;
      break;
    case 58:
      *value = clipped(p.memory_pitch);
      break;
    case 59:
      *value = p.memory_bus_width;
      break;
    case 60:
      *value = p.memory_clock_rate;
      break;
    case 61:
      *value = p.minor;
      break;
    case 63:
      *value = p.multiprocessor_count;
      break;
    case 65:
      *value = p.pageable_access;
      break;
    case 66:
      *value = p.pageable_access_host_tables;
      break;
    case 67:
      *value = p.pci_bus_id;
      break;
    case 68:
      *value = p.pci_device_id;
      break;
    case 69:
      *value = p.pci_domain_id;
      break;
    case 71:
      *value = p.registers_per_block;
      break;
    case 72:
      *value = p.registers_per_block;
      break;
    case 74:
      *value = clipped(p.shared_memory_per_block);
      break;
    case 76:
      *value = clipped(p.shared_memory_per_block);
      break;
    case 78:
      *value = 1;
      break;
    case 81:
      *value = clipped(p.texture_alignment);
      break;
    case 82:
      *value = clipped(p.texture_pitch_alignment);
      break;
    case 83:
      *value = clipped(p.total_constant_memory);
      break;
    case 84:
      *value = clipped(p.total_global_memory);
      break;
    case 85:
      *value = 1;
      break;
    case 87:
      *value = p.warp_size;
      break;
    case 88:
      *value = 0;
      break;
    case 10000:
      *value = p.clock_instruction_rate;
      break;
    case 10002:
      *value = clipped(p.max_shared_memory_per_multiprocessor);
      break;
    case 10003:
      *value = p.gcn_arch;
      break;
    case 10011:
      *value = p.is_large_bar;
      break;
    case 10012:
      *value = p.asic_revision;
      break;
    case 10013:
      *value = 0;
      break;
    case 10014:
      *value = 0;
      break;
    case 10015:
      *value = p.multiprocessor_count;
      break;
    case 10016:
      *value = 1;
      break;
    default:
      return done(kInvalidValue);
  }
  return kSuccess;
}
INLAY_HIP int hipDeviceGetName(char* name, int length, int device) {
  DeviceProperties p;
  if (name == nullptr || length <= 0) return done(kInvalidValue);
  const int r = hipGetDeviceProperties(&p, device);
  if (r == kSuccess) snprintf(name, static_cast<size_t>(length), "%s", p.name);
  return r;
}
INLAY_HIP int hipDeviceTotalMem(size_t* bytes, int device) {
  if (bytes == nullptr) return done(kInvalidValue);
  *bytes = Device::get().total_memory;
  return check_device(device);
}
INLAY_HIP int hipDeviceComputeCapability(int* major, int* minor, int device) {
  if (major == nullptr || minor == nullptr) return done(kInvalidValue);
  *major = 9;
  *minor = 0;
  return check_device(device);
}
INLAY_HIP int hipDeviceGetPCIBusId(char* text, int length, int device) {
  if (text == nullptr || length <= 0) return done(kInvalidValue);
  snprintf(text, static_cast<size_t>(length), "0000:01:00.0");
  return check_device(device);
}
INLAY_HIP int hipDeviceGetByPCIBusId(int* device, const char* text) {
  if (device == nullptr || text == nullptr) return done(kInvalidValue);
  *device = 0;
  return done(strcmp(text, "0000:01:00.0") == 0 ? kSuccess : kInvalidDevice);
}
INLAY_HIP int hipDeviceGetLimit(size_t* value, int limit) {
  if (value == nullptr) return done(kInvalidValue);
  if (limit != 0 && limit != 2) return done(kUnsupportedLimit);
  *value = limit == 0 ? 16384 : 8u << 20;  // stack, malloc heap
  return kSuccess;
}
INLAY_HIP int hipDeviceCanAccessPeer(int* can, int device, int peer) {
  if (can == nullptr) return done(kInvalidValue);
  *can = 0;
  return device == 0 ? check_device(peer) : check_device(device);
}
INLAY_HIP int hipDeviceEnablePeerAccess(int, unsigned) {
  return done(kInvalidDevice);
}
INLAY_HIP int hipDeviceDisablePeerAccess(int) {
  return done(kPeerAccessNotEnabled);
}
// Configurations without a counterpart on this chip.
INLAY_HIP int hipDeviceSetCacheConfig(int) {
  return kSuccess;
}
INLAY_HIP int hipDeviceGetCacheConfig(int* config) {
  if (config == nullptr) return done(kInvalidValue);
  *config = 0;
  return kSuccess;
}
INLAY_HIP int hipDeviceSetSharedMemConfig(int) {
  return kSuccess;
}
INLAY_HIP int hipDeviceGetSharedMemConfig(int* config) {
  return hipDeviceGetCacheConfig(config);
}
INLAY_HIP int hipDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least != nullptr) *least = 1;
  if (greatest != nullptr) *greatest = -1;
  return kSuccess;
}

INLAY_HIP int hipGetLastError() {
  const Error e = last_error;
  last_error = kSuccess;
  return e;
}
INLAY_HIP int hipPeekAtLastError() {
  return last_error;
}
INLAY_HIP const char* hipGetErrorName(int error) {
  return error_text(error).name;
}
INLAY_HIP const char* hipGetErrorString(int error) {
  return error_text(error).text;
}

INLAY_HIP int hipStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
  if (stream == nullptr || flags > 1) return done(kInvalidValue);
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto s = std::make_unique<Stream>();
  s->flags = flags;
  s->priority = priority < -1 ? -1 : priority > 1 ? 1 : priority;
  *stream = s.get();
  d.streams[s.get()] = std::move(s);
  return kSuccess;
}
INLAY_HIP int hipStreamCreate(void** stream) {
  return hipStreamCreateWithPriority(stream, 0, 0);
}
INLAY_HIP int hipStreamCreateWithFlags(void** stream, unsigned flags) {
  return hipStreamCreateWithPriority(stream, flags, 0);
}
INLAY_HIP int hipStreamDestroy(void* stream) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  return done(d.streams.erase(stream) ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipStreamSynchronize(void* stream) {
  return check_stream(stream);
}
INLAY_HIP int hipStreamQuery(void* stream) {
  return check_stream(stream);
}
INLAY_HIP int hipStreamWaitEvent(void* stream, void* event, unsigned) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (known(d.events, event) == nullptr) return done(kInvalidHandle);
  return check_stream(stream);
}
INLAY_HIP int hipStreamGetFlags(void* stream, unsigned* flags) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (flags == nullptr) return done(kInvalidValue);
  const Stream* s = known(d.streams, stream);
  *flags = s ? s->flags : 0;
  return check_stream(stream);
}
INLAY_HIP int hipStreamGetPriority(void* stream, int* priority) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (priority == nullptr) return done(kInvalidValue);
  const Stream* s = known(d.streams, stream);
  *priority = s ? s->priority : 0;
  return check_stream(stream);
}
INLAY_HIP int hipStreamAddCallback(void* stream, void (*callback)(void*, int, void*), void* data,
                                   unsigned flags) {
  if (callback == nullptr || flags != 0) return done(kInvalidValue);
  const int r = check_stream(stream);
  if (r == kSuccess) callback(stream, kSuccess, data);
  return r;
}
INLAY_HIP int hipStreamWriteValue32(void* stream, void* pointer, uint32_t value, unsigned) {
  if (pointer == nullptr) return done(kInvalidValue);
  memcpy(pointer, &value, sizeof(value));
  return check_stream(stream);
}
INLAY_HIP int hipStreamWriteValue64(void* stream, void* pointer, uint64_t value, unsigned) {
  if (pointer == nullptr) return done(kInvalidValue);
  memcpy(pointer, &value, sizeof(value));
  return check_stream(stream);
}

INLAY_HIP int hipEventCreateWithFlags(void** event, unsigned flags) {
  if (event == nullptr) return done(kInvalidValue);
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto e = std::make_unique<Event>();
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
INLAY_HIP int hipEventRecord(void* event, void* stream) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  Event* e = known(d.events, event);
  if (e == nullptr) return done(kInvalidHandle);
  e->recorded = true;
  e->time = std::chrono::steady_clock::now();
  return check_stream(stream);
}
INLAY_HIP int hipEventSynchronize(void* event) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  return done(known(d.events, event) ? kSuccess : kInvalidHandle);
}
INLAY_HIP int hipEventQuery(void* event) {
  return hipEventSynchronize(event);
}
INLAY_HIP int hipEventElapsedTime(float* milliseconds, void* start, void* stop) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  if (milliseconds == nullptr) return done(kInvalidValue);
  const Event *a = known(d.events, start), *b = known(d.events, stop);
  constexpr unsigned kDisableTiming = 2;
  if (a == nullptr || b == nullptr || !a->recorded || !b->recorded || (a->flags & kDisableTiming) ||
      (b->flags & kDisableTiming))
    return done(kInvalidHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(b->time - a->time).count();
  return kSuccess;
}

// One context, always current: the older interface's view of the device.
INLAY_HIP int hipCtxCreate(void** context, unsigned, int device) {
  if (context == nullptr) return done(kInvalidValue);
  *context = &Device::get();
  return check_device(device);
}
INLAY_HIP int hipCtxDestroy(void* context) {
  return done(context == &Device::get() ? kSuccess : kInvalidContext);
}
INLAY_HIP int hipCtxSetCurrent(void*) {
  return kSuccess;
}
INLAY_HIP int hipCtxPushCurrent(void*) {
  return kSuccess;
}
INLAY_HIP int hipCtxPopCurrent(void** context) {
  if (context != nullptr) *context = &Device::get();
  return kSuccess;
}
INLAY_HIP int hipCtxGetCurrent(void** context) {
  if (context == nullptr) return done(kInvalidValue);
  *context = &Device::get();
  return kSuccess;
}
INLAY_HIP int hipCtxGetDevice(int* device) {
  return hipGetDevice(device);
}
INLAY_HIP int hipCtxSynchronize() {
  return kSuccess;
}
INLAY_HIP int hipDevicePrimaryCtxRetain(void** context, int device) {
  return hipCtxCreate(context, 0, device);
}
INLAY_HIP int hipDevicePrimaryCtxRelease(int device) {
  return check_device(device);
}
INLAY_HIP int hipDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  if (flags != nullptr) *flags = 0;
  if (active != nullptr) *active = 1;
  return check_device(device);
}
INLAY_HIP int hipProfilerStart() {
  return kSuccess;
}
INLAY_HIP int hipProfilerStop() {
  return kSuccess;
}
