// HIP's types, as far as their layout crosses the ABI (HIP 5.2). HIP's own headers are not used
// here; a test holds these against them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay::emulator::hip {

enum Error : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kInvalidConfiguration = 9,
  kInvalidPitchValue = 12,
  kInvalidSymbol = 13,
  kInvalidDevicePointer = 17,
  kInvalidMemcpyDirection = 21,
  kMissingConfiguration = 52,
  kInvalidDeviceFunction = 98,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kNoBinaryForGpu = 209,
  kUnsupportedLimit = 215,
  kFileNotFound = 301,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchTimeOut = 702,
  kPeerAccessAlreadyEnabled = 704,
  kPeerAccessNotEnabled = 705,
  kHostMemoryAlreadyRegistered = 712,
  kHostMemoryNotRegistered = 713,
  kLaunchFailure = 719,
  kCooperativeLaunchTooLarge = 720,
  kNotSupported = 801,
  kUnknown = 999
};

struct Dim3 {
  uint32_t x, y, z;
};

struct DeviceProperties {  // hipDeviceProp_t
  char name[256];
  size_t total_global_memory, shared_memory_per_block;
  int registers_per_block, warp_size, max_threads_per_block, max_threads_dim[3], max_grid_size[3],
      clock_rate, memory_clock_rate, memory_bus_width;
  size_t total_constant_memory;
  int major, minor, multiprocessor_count, l2_cache_size, max_threads_per_multiprocessor,
      compute_mode, clock_instruction_rate;
  uint32_t arch;  // bit field of features
  int concurrent_kernels, pci_domain_id, pci_bus_id, pci_device_id;
  size_t max_shared_memory_per_multiprocessor;
  int is_multi_gpu_board, can_map_host_memory, gcn_arch;
  char gcn_arch_name[256];
  int integrated, cooperative_launch, cooperative_multi_device_launch, max_texture_1d_linear,
      max_texture_1d, max_texture_2d[2], max_texture_3d[3];
  unsigned *hdp_memory_flush, *hdp_register_flush;
  size_t memory_pitch, texture_alignment, texture_pitch_alignment;
  int kernel_timeout_enabled, ecc_enabled, tcc_driver, unmatched_function, unmatched_grid,
      unmatched_block, unmatched_shared, is_large_bar, asic_revision, managed_memory,
      direct_managed_access, concurrent_managed_access, pageable_access,
      pageable_access_host_tables;
};

struct PointerAttributes {  // hipPointerAttribute_t
  int memory_type;          // 0 host, 1 device
  int device;
  void *device_pointer, *host_pointer;
  int is_managed;
  unsigned allocation_flags;
};

struct FunctionAttributes {  // hipFuncAttributes
  int binary_version, cache_mode_ca;
  size_t constant_bytes, local_bytes;
  int max_dynamic_shared_bytes, max_threads_per_block, registers, preferred_carveout, ptx_version;
  size_t shared_bytes;
};

struct Extent {
  size_t width, height, depth;
};
struct PitchedPointer {
  void* pointer;
  size_t pitch, width, height;
};
struct Position {
  size_t x, y, z;
};
struct Copy3D {  // hipMemcpy3DParms
  void* source_array;
  Position source_position;
  PitchedPointer source;
  void* target_array;
  Position target_position;
  PitchedPointer target;
  Extent extent;
  int kind;
};
struct Copy2D {  // hip_Memcpy2D
  size_t source_x, source_y;
  int source_type;
  const void *source_host, *source_device, *source_array;
  size_t source_pitch, target_x, target_y;
  int target_type;
  void *target_host, *target_device, *target_array;
  size_t target_pitch, width, height;
};

enum MemcpyKind : int { kHostToHost, kHostToDevice, kDeviceToHost, kDeviceToDevice, kDefault };

}  // namespace inlay::emulator::hip
