// HIP's structures and constants as we lay them out, against HIP's own headers; and our symbols and
// versions against AMD's library, where it is installed.
#define __HIP_PLATFORM_AMD__ 1
#define INLAY_HIP_MAJOR 5
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <hip/hip_runtime_api.h>

#include <cstddef>
#include <cstdio>
#include <map>
#include <string>

#include "runtime/emulator/hip/types.h"

namespace {

using namespace inlay::emulator::hip;

#define SAME_FIELD(ours, our_field, theirs, their_field)                                   \
  static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field), #their_field); \
  static_assert(sizeof(ours::our_field) == sizeof(theirs::their_field), #their_field)

static_assert(sizeof(DeviceProperties) == sizeof(hipDeviceProp_t));
SAME_FIELD(DeviceProperties, name, hipDeviceProp_t, name);
SAME_FIELD(DeviceProperties, total_global_memory, hipDeviceProp_t, totalGlobalMem);
SAME_FIELD(DeviceProperties, shared_memory_per_block, hipDeviceProp_t, sharedMemPerBlock);
SAME_FIELD(DeviceProperties, registers_per_block, hipDeviceProp_t, regsPerBlock);
SAME_FIELD(DeviceProperties, warp_size, hipDeviceProp_t, warpSize);
SAME_FIELD(DeviceProperties, max_threads_dim, hipDeviceProp_t, maxThreadsDim);
SAME_FIELD(DeviceProperties, max_grid_size, hipDeviceProp_t, maxGridSize);
SAME_FIELD(DeviceProperties, clock_rate, hipDeviceProp_t, clockRate);
SAME_FIELD(DeviceProperties, memory_bus_width, hipDeviceProp_t, memoryBusWidth);
SAME_FIELD(DeviceProperties, total_constant_memory, hipDeviceProp_t, totalConstMem);
SAME_FIELD(DeviceProperties, major, hipDeviceProp_t, major);
SAME_FIELD(DeviceProperties, multiprocessor_count, hipDeviceProp_t, multiProcessorCount);
SAME_FIELD(DeviceProperties, l2_cache_size, hipDeviceProp_t, l2CacheSize);
SAME_FIELD(DeviceProperties, clock_instruction_rate, hipDeviceProp_t, clockInstructionRate);
SAME_FIELD(DeviceProperties, arch, hipDeviceProp_t, arch);
SAME_FIELD(DeviceProperties, concurrent_kernels, hipDeviceProp_t, concurrentKernels);
SAME_FIELD(DeviceProperties, pci_bus_id, hipDeviceProp_t, pciBusID);
SAME_FIELD(DeviceProperties, max_shared_memory_per_multiprocessor, hipDeviceProp_t,
           maxSharedMemoryPerMultiProcessor);
SAME_FIELD(DeviceProperties, can_map_host_memory, hipDeviceProp_t, canMapHostMemory);
SAME_FIELD(DeviceProperties, gcn_arch, hipDeviceProp_t, gcnArch);
SAME_FIELD(DeviceProperties, gcn_arch_name, hipDeviceProp_t, gcnArchName);
SAME_FIELD(DeviceProperties, cooperative_launch, hipDeviceProp_t, cooperativeLaunch);
SAME_FIELD(DeviceProperties, memory_pitch, hipDeviceProp_t, memPitch);
SAME_FIELD(DeviceProperties, texture_alignment, hipDeviceProp_t, textureAlignment);
SAME_FIELD(DeviceProperties, kernel_timeout_enabled, hipDeviceProp_t, kernelExecTimeoutEnabled);
SAME_FIELD(DeviceProperties, is_large_bar, hipDeviceProp_t, isLargeBar);
SAME_FIELD(DeviceProperties, managed_memory, hipDeviceProp_t, managedMemory);
SAME_FIELD(DeviceProperties, pageable_access_host_tables, hipDeviceProp_t,
           pageableMemoryAccessUsesHostPageTables);
static_assert(sizeof(PointerAttributes) == sizeof(hipPointerAttribute_t));
SAME_FIELD(PointerAttributes, memory_type, hipPointerAttribute_t, memoryType);
SAME_FIELD(PointerAttributes, device_pointer, hipPointerAttribute_t, devicePointer);
SAME_FIELD(PointerAttributes, host_pointer, hipPointerAttribute_t, hostPointer);
SAME_FIELD(PointerAttributes, allocation_flags, hipPointerAttribute_t, allocationFlags);
static_assert(sizeof(FunctionAttributes) == sizeof(hipFuncAttributes));
SAME_FIELD(FunctionAttributes, local_bytes, hipFuncAttributes, localSizeBytes);
SAME_FIELD(FunctionAttributes, max_threads_per_block, hipFuncAttributes, maxThreadsPerBlock);
SAME_FIELD(FunctionAttributes, registers, hipFuncAttributes, numRegs);
SAME_FIELD(FunctionAttributes, shared_bytes, hipFuncAttributes, sharedSizeBytes);
static_assert(sizeof(Dim3) == sizeof(dim3));
static_assert(sizeof(Extent) == sizeof(hipExtent));
static_assert(sizeof(PitchedPointer) == sizeof(hipPitchedPtr));
static_assert(sizeof(Copy3D) == sizeof(hipMemcpy3DParms));
SAME_FIELD(Copy3D, source, hipMemcpy3DParms, srcPtr);
SAME_FIELD(Copy3D, target, hipMemcpy3DParms, dstPtr);
SAME_FIELD(Copy3D, extent, hipMemcpy3DParms, extent);
SAME_FIELD(Copy3D, kind, hipMemcpy3DParms, kind);
static_assert(sizeof(Copy2D) == sizeof(hip_Memcpy2D));
SAME_FIELD(Copy2D, source_type, hip_Memcpy2D, srcMemoryType);
SAME_FIELD(Copy2D, source_pitch, hip_Memcpy2D, srcPitch);
SAME_FIELD(Copy2D, target_type, hip_Memcpy2D, dstMemoryType);
SAME_FIELD(Copy2D, target_pitch, hip_Memcpy2D, dstPitch);
SAME_FIELD(Copy2D, height, hip_Memcpy2D, Height);

#define HIP_ERROR(ours, theirs, number, text) \
  static_assert(static_cast<int>(ours) == static_cast<int>(hipError##theirs));
#include "runtime/emulator/hip/errors.def"
#undef HIP_ERROR
static_assert(sizeof(MultiLaunch) == sizeof(hipLaunchParams));
SAME_FIELD(MultiLaunch, grid, hipLaunchParams, gridDim);
SAME_FIELD(MultiLaunch, arguments, hipLaunchParams, args);
SAME_FIELD(MultiLaunch, shared, hipLaunchParams, sharedMem);
static_assert(sizeof(DriverCopy3D) == sizeof(HIP_MEMCPY3D));
SAME_FIELD(DriverCopy3D, source.type, HIP_MEMCPY3D, srcMemoryType);
SAME_FIELD(DriverCopy3D, source.pitch, HIP_MEMCPY3D, srcPitch);
SAME_FIELD(DriverCopy3D, target.type, HIP_MEMCPY3D, dstMemoryType);
SAME_FIELD(DriverCopy3D, target.device, HIP_MEMCPY3D, dstDevice);
SAME_FIELD(DriverCopy3D, width, HIP_MEMCPY3D, WidthInBytes);
// HIP 6's header is not here; these are the offsets that its layout gives on 64-bit hosts.
static_assert(sizeof(DevicePropertiesR0600) == 1472);
static_assert(offsetof(DevicePropertiesR0600, total_global_memory) == 288);
static_assert(offsetof(DevicePropertiesR0600, warp_size) == 308);
static_assert(offsetof(DevicePropertiesR0600, multiprocessor_count) == 388);
static_assert(offsetof(DevicePropertiesR0600, gcn_arch_name) == 1160);
static_assert(kHostToDevice == static_cast<int>(hipMemcpyHostToDevice) &&
              kDefault == static_cast<int>(hipMemcpyDefault));
static_assert(hipDeviceAttributeMultiprocessorCount == 63 && hipDeviceAttributeWarpSize == 87);
static_assert(hipDeviceAttributeMaxThreadsPerBlock == 56 &&
              hipDeviceAttributeMaxSharedMemoryPerBlock == 74);
static_assert(hipDeviceAttributeMaxGridDimX == 29 && hipDeviceAttributeCooperativeLaunch == 10);
static_assert(hipDeviceAttributeGcnArch == 10003 && hipDeviceAttributeClockRate == 5);
static_assert(hipDeviceAttributeTotalGlobalMem == 84 && hipDeviceAttributePciBusId == 67);

// Functions that LIBRARY defines, with their versions.
std::map<std::string, std::string> functions(const std::string& library) {
  std::map<std::string, std::string> found;
  FILE* pipe = popen(
      (std::string(INLAY_READELF) + " --dyn-syms -W " + library + " 2>/dev/null").c_str(), "r");
  char line[1024];
  while (pipe != nullptr && fgets(line, sizeof(line), pipe) != nullptr) {
    char type[32], section[32], name[512];
    if (sscanf(line, " %*d: %*x %*s %31s %*s %*s %31s %511s", type, section, name) != 3) continue;
    const std::string full = name;
    const size_t at = full.find('@');
    if (std::string(type) != "FUNC" || std::string(section) == "UND" || at == std::string::npos)
      continue;
    found[full.substr(0, at)] = full.substr(full.find_last_of('@') + 1);
  }
  if (pipe != nullptr) pclose(pipe);
  return found;
}

const std::map<std::string, std::string> kLater = {
#define HIP_HERE(name, version) {#name, #version},
#define HIP_MISSING(name, version) {#name, #version},
#define HIP_SAME(name, other, version) {#name, #version},
#include "runtime/emulator/hip/symbols_later.def"
};

TEST(HipAbi, SymbolsAndVersionsAreThoseOfHip) {
  const auto ours = functions(INLAY_EMULATOR_LIBRARY), theirs = functions(INLAY_REAL_HIP);
  ASSERT_GT(ours.size(), 300u);
  if (theirs.empty()) GTEST_SKIP() << "AMD's library is not installed: nothing to compare with";
  for (const auto& [name, version] : theirs) {
    if (name.compare(0, 3, "hip") != 0 && name.compare(0, 5, "__hip") != 0 &&
        name.compare(0, 7, "_Z24hip") != 0)
      continue;  // C++ names
    if (name.compare(0, 4, "hip_") == 0) continue;
    const auto at = ours.find(name);
    EXPECT_TRUE(at != ours.end()) << name << " is missing";
    if (at != ours.end()) EXPECT_EQ(at->second, version) << name;
  }
  for (const auto& [name, version] : ours)
    EXPECT_TRUE(theirs.count(name) || kLater.count(name)) << name << " is none of HIP's";
}

TEST(HipAbi, LaterVersionsHaveTheirSymbols) {
  const auto five = functions(INLAY_EMULATOR_LIBRARY), six = functions(INLAY_EMULATOR_LIBRARY_6);
  for (const auto& [name, version] : kLater) {
    EXPECT_EQ(five.count(name), version < "hip_6" ? 1u : 0u) << name;
    ASSERT_EQ(six.count(name), 1u) << name;
    EXPECT_EQ(six.at(name), version) << name;
  }
  for (const auto& [name, version] : five) {
    ASSERT_EQ(six.count(name), 1u) << name;
    EXPECT_EQ(six.at(name), version) << name;
  }
}

// What the sixth library does in another way, by the names that HIP 6's headers call.
TEST(HipAbi, SixthLibraryAnswers) {
  void* library = dlopen(INLAY_EMULATOR_LIBRARY_6, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto find = [&](auto* type, const char* name, const char* version) {
    auto* f = reinterpret_cast<decltype(type)>(dlvsym(library, name, version));
    EXPECT_NE(f, nullptr) << name;
    return f;
  };
  auto* properties = find(static_cast<int (*)(DevicePropertiesR0600*, int)>(nullptr),
                          "hipGetDevicePropertiesR0600", "hip_6.0");
  DevicePropertiesR0600 p;
  ASSERT_EQ(properties(&p, 0), 0);
  EXPECT_EQ(std::string(p.gcn_arch_name).substr(0, 6), "gfx900");
  EXPECT_EQ(p.warp_size, 64);
  EXPECT_EQ(p.max_threads_per_block, 1024);
  EXPECT_GT(p.total_global_memory, size_t{1} << 30);
  EXPECT_EQ(properties(&p, 1), kInvalidDevice);
  auto* old = find(static_cast<int (*)(DeviceProperties*, int)>(nullptr), "hipGetDeviceProperties",
                   "hip_4.2");
  DeviceProperties q;
  ASSERT_EQ(old(&q, 0), 0);
  EXPECT_EQ(q.multiprocessor_count, p.multiprocessor_count);
  auto* attributes = find(static_cast<int (*)(PointerAttributes*, const void*)>(nullptr),
                          "hipPointerGetAttributes", "hip_4.2");
  auto* allocate = find(static_cast<int (*)(void**, size_t)>(nullptr), "hipMalloc", "hip_4.2");
  void* device = nullptr;
  ASSERT_EQ(allocate(&device, 256), 0);
  PointerAttributes a;
  ASSERT_EQ(attributes(&a, device), 0);
  EXPECT_EQ(a.memory_type, 2);
  int own = 0;
  ASSERT_EQ(attributes(&a, &own), 0);
  EXPECT_EQ(a.memory_type, 0);
  dlclose(library);
}

}  // namespace
