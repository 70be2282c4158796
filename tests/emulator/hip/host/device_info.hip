// What programs ask before they start: properties, attributes, occupancy, function attributes, peers,
// versions, memory, limits, error names.
#include <set>
#include <string>

#include "check.h"

__global__ void plain(float* p) {
  p[threadIdx.x] *= 2;
}
__global__ void __launch_bounds__(128) bounded(float* p) {
  __shared__ float s[4000];
  for (int i = threadIdx.x; i < 4000; i += 128) s[i] = p[i];
  __syncthreads();
  p[threadIdx.x] = s[3999 - threadIdx.x];
}
__global__ void heavy(float* p, int n) {
  float own[64];
  for (int i = 0; i < 64; i++) own[i] = p[i * n];
  for (int k = 0; k < n; k++) own[k % 64] += own[(k * 7) % 64];
  p[0] = own[n % 64];
}

int main() {
  int count = 0, device = -1;
  HIP(hipGetDeviceCount(&count));
  HIP(hipGetDevice(&device));
  EXPECT_EQ(count, 1);
  EXPECT_EQ(device, 0);
  hipDeviceProp_t p;
  HIP(hipGetDeviceProperties(&p, 0));
  EXPECT_EQ(p.warpSize, warpSize);
  EXPECT_EQ(p.sharedMemPerBlock, 65536u);
  EXPECT(std::string(p.gcnArchName).substr(0, 4) == "gfx9");
  const auto attribute = [](hipDeviceAttribute_t a) {
    int v = -1;
    HIP(hipDeviceGetAttribute(&v, a, 0));
    return v;
  };
  EXPECT_EQ(attribute(hipDeviceAttributeWarpSize), 64);
  EXPECT_EQ(attribute(hipDeviceAttributeMultiprocessorCount), p.multiProcessorCount);
  EXPECT_EQ(attribute(hipDeviceAttributeMaxThreadsPerBlock), 1024);
  EXPECT_EQ(attribute(hipDeviceAttributeMaxSharedMemoryPerBlock), 65536);
  EXPECT_EQ(attribute(hipDeviceAttributeComputeCapabilityMajor), p.major);
  EXPECT_EQ(attribute(hipDeviceAttributeCooperativeLaunch), 1);
  EXPECT_EQ(hipGetDeviceProperties(&p, 1), hipErrorInvalidDevice);
  (void)hipGetLastError();

  int blocks = 0, grid = 0, block = 0;
  HIP(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, plain, 256, 0));
  EXPECT_EQ(blocks, 10);  // 40 wavefronts a unit
  HIP(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, plain, 64, 32768));
  EXPECT_EQ(blocks, 2);  // by LDS
  HIP(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 128, 0));
  EXPECT_EQ(blocks, 4);  // 16000 bytes each
  HIP(hipOccupancyMaxPotentialBlockSize(&grid, &block, bounded, 0, 0));
  EXPECT(block <= 128 && block % 64 == 0 && grid % p.multiProcessorCount == 0 && grid > 0);

  hipFuncAttributes a;
  HIP(hipFuncGetAttributes(&a, reinterpret_cast<const void*>(bounded)));
  EXPECT_EQ(a.maxThreadsPerBlock, 128);
  EXPECT_EQ(a.sharedSizeBytes, 16000u);
  EXPECT_EQ(a.localSizeBytes, 0u);
  EXPECT(a.numRegs > 0 && a.numRegs <= 256);
  HIP(hipFuncGetAttributes(&a, reinterpret_cast<const void*>(heavy)));
  EXPECT(a.localSizeBytes >= 256u);  // what is indexed at run time lies in scratch
  EXPECT_EQ(hipFuncGetAttributes(&a, &a), hipErrorInvalidDeviceFunction);
  bounded<<<1, 256>>>(nullptr);
  EXPECT(hipGetLastError() != hipSuccess);

  int can = 1;
  HIP(hipDeviceCanAccessPeer(&can, 0, 0));
  EXPECT_EQ(can, 0);
  EXPECT_EQ(hipDeviceEnablePeerAccess(1, 0), hipErrorInvalidDevice);
  (void)hipGetLastError();
  int version = 0;
  HIP(hipRuntimeGetVersion(&version));
  EXPECT(version >= 50000000);
  size_t before = 0, after = 0, total = 0;
  HIP(hipMemGetInfo(&before, &total));
  Buffer<char> some(1 << 20);
  HIP(hipMemGetInfo(&after, &total));
  EXPECT_EQ(before - after, size_t{1} << 20);
  EXPECT_EQ(total, p.totalGlobalMem);
  char bus[32];
  HIP(hipDeviceGetPCIBusId(bus, sizeof(bus), 0));
  HIP(hipDeviceGetByPCIBusId(&device, bus));
  EXPECT_EQ(device, 0);

  hipPointerAttribute_t at;
  HIP(hipPointerGetAttributes(&at, some.data + 5));
  EXPECT_EQ(at.memoryType, hipMemoryTypeDevice);
  EXPECT(at.devicePointer == some.data + 5);
  void* host = nullptr;
  HIP(hipHostMalloc(&host, 64, hipHostMallocPortable));
  HIP(hipPointerGetAttributes(&at, host));
  EXPECT_EQ(at.memoryType, hipMemoryTypeHost);
  unsigned flags = 0;
  HIP(hipHostGetFlags(&flags, host));
  EXPECT(flags & hipHostMallocPortable);
  HIP(hipHostFree(host));
  EXPECT_EQ(hipPointerGetAttributes(&at, &count), hipErrorInvalidValue);
  (void)hipGetLastError();

  // Each error has a name of its own.
  std::set<std::string> names;
  for (const hipError_t e : {hipSuccess, hipErrorInvalidValue, hipErrorOutOfMemory,
                             hipErrorAssert, hipErrorNotReady, hipErrorPriorLaunchFailure,
                             hipErrorStreamCaptureIsolation, hipErrorRuntimeOther}) {
    names.insert(hipGetErrorName(e));
    EXPECT(strlen(hipGetErrorString(e)) > 3);
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT(strcmp(hipGetErrorName(hipErrorAssert), "hipErrorAssert") == 0);
  EXPECT(strcmp(hipGetErrorName(static_cast<hipError_t>(12345)), "hipErrorUnknown") == 0);
  return result();
}
