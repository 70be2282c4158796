// HIP's types, as far as their layout crosses the ABI (HIP 5.2). HIP's own headers are not used
// here; a test holds these against them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay::emulator::hip {

// Which of the library's major versions this is: INLAY_HIP_MAJOR is set by the build.
constexpr int kHipMajor = INLAY_HIP_MAJOR;

enum Error : int {
  kSuccess = 0,
#define HIP_ERROR(ours, theirs, number, text) ours = number,
#include "runtime/emulator/hip/errors.def"
#undef HIP_ERROR
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

struct DevicePropertiesR0600 {  // hipDeviceProp_tR0600: hipDeviceProp_t since HIP 6.0
  char name[256], uuid[16], luid[8];
  unsigned luid_device_node_mask;
  size_t total_global_memory, shared_memory_per_block;
  int registers_per_block, warp_size;
  size_t memory_pitch;
  int max_threads_per_block, max_threads_dim[3], max_grid_size[3], clock_rate;
  size_t total_constant_memory;
  int major, minor;
  size_t texture_alignment, texture_pitch_alignment;
  int device_overlap, multiprocessor_count, kernel_timeout_enabled, integrated, can_map_host_memory,
      compute_mode, max_texture_1d, max_texture_1d_mipmap, max_texture_1d_linear, max_texture_2d[2],
      max_texture_2d_mipmap[2], max_texture_2d_linear[3], max_texture_2d_gather[2],
      max_texture_3d[3], max_texture_3d_alternate[3], max_texture_cubemap,
      max_texture_1d_layered[2], max_texture_2d_layered[3], max_texture_cubemap_layered[2],
      max_surface_1d, max_surface_2d[2], max_surface_3d[3], max_surface_1d_layered[2],
      max_surface_2d_layered[3], max_surface_cubemap, max_surface_cubemap_layered[2];
  size_t surface_alignment;
  int concurrent_kernels, ecc_enabled, pci_bus_id, pci_device_id, pci_domain_id, tcc_driver,
      async_engine_count, unified_addressing, memory_clock_rate, memory_bus_width, l2_cache_size,
      persisting_l2_cache_size, max_threads_per_multiprocessor, stream_priorities_supported,
      global_l1_cache_supported, local_l1_cache_supported;
  size_t shared_memory_per_multiprocessor;
  int registers_per_multiprocessor, managed_memory, is_multi_gpu_board, multi_gpu_board_group,
      host_native_atomics, single_to_double_ratio, pageable_access, concurrent_managed_access,
      compute_preemption, can_use_host_pointer, cooperative_launch, cooperative_multi_device_launch;
  size_t shared_memory_per_block_optin;
  int pageable_access_host_tables, direct_managed_access, max_blocks_per_multiprocessor,
      access_policy_window;
  size_t reserved_shared_memory_per_block;
  int host_register_supported, sparse_array_supported, host_register_read_only, timeline_semaphores,
      memory_pools_supported, gpu_direct_rdma;
  unsigned gpu_direct_rdma_flush;
  int gpu_direct_rdma_ordering;
  unsigned memory_pool_handle_types;
  int deferred_mapping_arrays, ipc_events, cluster_launch, unified_function_pointers, reserved[63],
      hip_reserved[32];
  char gcn_arch_name[256];
  size_t max_shared_memory_per_multiprocessor;
  int clock_instruction_rate;
  uint32_t arch;
  unsigned *hdp_memory_flush, *hdp_register_flush;
  int unmatched_function, unmatched_grid, unmatched_block, unmatched_shared, is_large_bar,
      asic_revision;
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

struct MultiLaunch {  // hipLaunchParams
  const void* function;
  Dim3 grid, block;
  void** arguments;
  size_t shared;
  void* stream;
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

struct DriverCopy3D {  // HIP_MEMCPY3D
  struct Side {
    unsigned x, y, z, lod;
    int type;
    const void *host, *device, *array;
    unsigned pitch, height;
  };
  Side source, target;
  unsigned width, height, depth;
};

enum MemcpyKind : int { kHostToHost, kHostToDevice, kDeviceToHost, kDeviceToDevice, kDefault };

}  // namespace inlay::emulator::hip
