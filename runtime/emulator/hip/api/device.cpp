// Devices and contexts.
#include <cstdio>
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

int check_device(int device) {
  return done(device == 0 ? kSuccess : kInvalidDevice);
}

// "inlay" and zeros: there is one such device.
constexpr char kUuid[16] = {'i', 'n', 'l', 'a', 'y'};
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
INLAY_HIP int hipChooseDevice(int* device, const void* wanted) {
  if (device == nullptr || wanted == nullptr) return done(kInvalidValue);
  *device = 0;
  return kSuccess;
}
INLAY_HIP int hipChooseDeviceR0000(int* device, const void* wanted) {
  return hipChooseDevice(device, wanted);
}
INLAY_HIP int hipChooseDeviceR0600(int* device, const void* wanted) {
  return hipChooseDevice(device, wanted);
}
INLAY_HIP int hipDeviceSynchronize() {
  Device::get().queues().wait_all();
  return waited();
}
INLAY_HIP int hipDeviceReset() {
  return hipDeviceSynchronize();
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
  const bool vega20 = d.target.chip == Chip::kGfx906;
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
  snprintf(p->gcn_arch_name, sizeof(p->gcn_arch_name), "%s", d.target.id().c_str());
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
INLAY_HIP int hipGetDevicePropertiesR0000(DeviceProperties* p, int device) {
  return hipGetDeviceProperties(p, device);
}
INLAY_HIP int hipGetDevicePropertiesR0600(DevicePropertiesR0600* p, int device) {
  if (p == nullptr) return done(kInvalidValue);
  DeviceProperties old;
  const int r = hipGetDeviceProperties(&old, device);
  if (r != kSuccess) return r;
  memset(p, 0, sizeof(*p));
  memcpy(p->name, old.name, sizeof(p->name));
  memcpy(p->uuid, kUuid, sizeof(p->uuid));
  p->total_global_memory = old.total_global_memory;
  p->shared_memory_per_block = p->shared_memory_per_multiprocessor = old.shared_memory_per_block;
  p->shared_memory_per_block_optin = old.shared_memory_per_block;
  p->max_shared_memory_per_multiprocessor = old.max_shared_memory_per_multiprocessor;
  p->registers_per_block = p->registers_per_multiprocessor = old.registers_per_block;
  p->warp_size = old.warp_size;
  p->memory_pitch = old.memory_pitch;
  p->max_threads_per_block = old.max_threads_per_block;
  for (int n = 0; n < 3; n++) {
    p->max_threads_dim[n] = old.max_threads_dim[n];
    p->max_grid_size[n] = old.max_grid_size[n];
  }
  p->clock_rate = old.clock_rate;
  p->memory_clock_rate = old.memory_clock_rate;
  p->memory_bus_width = old.memory_bus_width;
  p->total_constant_memory = old.total_constant_memory;
  p->major = old.major;
  p->minor = old.minor;
  p->texture_alignment = old.texture_alignment;
  p->texture_pitch_alignment = old.texture_pitch_alignment;
  p->multiprocessor_count = old.multiprocessor_count;
  p->can_map_host_memory = old.can_map_host_memory;
  p->concurrent_kernels = old.concurrent_kernels;
  p->pci_bus_id = old.pci_bus_id;
  p->async_engine_count = 1;
  p->unified_addressing = 1;
  p->l2_cache_size = old.l2_cache_size;
  p->max_threads_per_multiprocessor = old.max_threads_per_multiprocessor;
  p->stream_priorities_supported = 1;
  p->managed_memory = old.managed_memory;
  p->concurrent_managed_access = old.concurrent_managed_access;
  p->direct_managed_access = old.direct_managed_access;
  p->can_use_host_pointer = 1;
  p->cooperative_launch = old.cooperative_launch;
  p->max_blocks_per_multiprocessor = 16;
  p->host_register_supported = 1;
  p->memory_pools_supported = 1;
  memcpy(p->gcn_arch_name, old.gcn_arch_name, sizeof(p->gcn_arch_name));
  p->clock_instruction_rate = old.clock_instruction_rate;
  p->arch = old.arch;
  p->is_large_bar = old.is_large_bar;
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
      *value = 1;  // memory pools
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
  return hipDeviceSynchronize();
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
INLAY_HIP int hipDeviceGetUuid(char* uuid, int device) {
  if (uuid == nullptr) return done(kInvalidValue);
  memcpy(uuid, kUuid, sizeof(kUuid));
  return check_device(device);
}
INLAY_HIP int hipDeviceGetP2PAttribute(int* value, int, int source, int target) {
  if (value == nullptr || source == target) return done(kInvalidValue);
  return done(kInvalidDevice);  // there is no second one
}
INLAY_HIP int hipExtGetLinkTypeAndHopCount(int, int, uint32_t* type, uint32_t* hops) {
  return done(type == nullptr || hops == nullptr ? kInvalidValue : kInvalidDevice);
}
INLAY_HIP int hipDeviceSetLimit(int limit, size_t) {
  return done(limit >= 0 && limit <= 2 ? kSuccess : kUnsupportedLimit);  // all grow as needed
}
INLAY_HIP int hipDevicePrimaryCtxReset(int device) {
  return check_device(device);
}
INLAY_HIP int hipDevicePrimaryCtxSetFlags(int device, unsigned) {
  return check_device(device);
}
INLAY_HIP int hipCtxGetApiVersion(void*, int* version) {
  if (version == nullptr) return done(kInvalidValue);
  *version = 4;
  return kSuccess;
}
INLAY_HIP int hipCtxGetFlags(unsigned* flags) {
  return hipGetDeviceFlags(flags);
}
INLAY_HIP int hipCtxGetCacheConfig(int* config) {
  return hipDeviceGetCacheConfig(config);
}
INLAY_HIP int hipCtxSetCacheConfig(int) {
  return kSuccess;
}
INLAY_HIP int hipCtxGetSharedMemConfig(int* config) {
  return hipDeviceGetCacheConfig(config);
}
INLAY_HIP int hipCtxSetSharedMemConfig(int) {
  return kSuccess;
}
INLAY_HIP int hipCtxEnablePeerAccess(void*, unsigned) {
  return done(kInvalidDevice);
}
INLAY_HIP int hipCtxDisablePeerAccess(void*) {
  return done(kPeerAccessNotEnabled);
}
INLAY_HIP int hipSetValidDevices(int*, int count) {
  return done(count >= 0 && count <= 1 ? kSuccess : kInvalidValue);
}

// What one element of an array would be made of.
struct ChannelFormat {
  int x, y, z, w, kind;
};
INLAY_HIP ChannelFormat hipCreateChannelDesc(int x, int y, int z, int w, int kind) {
  return {x, y, z, w, kind};
}
// f16 to f32 and back for host code without the instructions.
INLAY_HIP float __gnu_h2f_ieee(uint16_t bits) {
  _Float16 h;
  memcpy(&h, &bits, sizeof(h));
  return static_cast<float>(h);
}
INLAY_HIP uint16_t __gnu_f2h_ieee(float f) {
  const _Float16 h = static_cast<_Float16>(f);
  uint16_t bits;
  memcpy(&bits, &h, sizeof(bits));
  return bits;
}
