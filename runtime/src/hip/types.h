// What the runtime knows of HIP's types, so that it builds without HIP's headers. A test holds all
// of it against those headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace inlay::hip {

// Opaque pointers, each of its own type.
using Stream = struct StreamTag*;
using Event = struct EventTag*;
using Module = struct ModuleTag*;
using Function = struct FunctionTag*;

enum : int {  // hipError_t
  kSuccess = 0,
  kErrorOutOfMemory = 2,
  kErrorNoDevice = 100,
};

enum : int {  // hipMemcpyKind
  kHostToHost = 0,
  kHostToDevice = 1,
  kDeviceToHost = 2,
  kDeviceToDevice = 3,
  kDefault = 4,
};

constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kEventDefault = 0;
constexpr unsigned kHostMallocDefault = 0;

// Tags of hipModuleLaunchKernel's `extra`.
constexpr uintptr_t kLaunchBuffer = 1;
constexpr uintptr_t kLaunchBufferSize = 2;
constexpr uintptr_t kLaunchEnd = 3;

// Where hipDeviceProp_t has what we read; its name is at 0.
struct PropertiesLayout {
  size_t memory;          // size_t
  size_t lds_bytes;       // size_t, of a workgroup
  size_t max_workgroup;   // int
  size_t max_dimensions;  // int[3]
  size_t clock_khz;       // int
  size_t compute_units;   // int
  size_t arch;            // char[256]
};
constexpr PropertiesLayout kPropertiesR0000 = {256, 264, 280, 284, 308, 336, 396};
constexpr PropertiesLayout kPropertiesR0600 = {288, 296, 320, 324, 348, 388, 1160};
// Room for either, and for what later versions append.
constexpr size_t kPropertiesRoom = 8192;
constexpr size_t kNameSize = 256;

}  // namespace inlay::hip
