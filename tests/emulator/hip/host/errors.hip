// What goes wrong comes back as an error, with a sentence on stderr; the program goes on.
#include "check.h"

__global__ void write_at(int* p, long i) {
  p[i] = 1;
}
__global__ void read_at(const int* p, long i, int* out) {
  *out = p[i];
}
__global__ void trap() {
  __builtin_trap();
}

int main() {
  Buffer<int> a(100), out(1);
  write_at<<<1, 1>>>(a, 99);
  EXPECT_EQ(hipGetLastError(), hipSuccess);
  EXPECT_EQ(hipDeviceSynchronize(), hipSuccess);
  for (const long i : {100l, -1l, 1l << 40}) {
    // The launch is sound; what the kernel did comes back from whatever waits for it.
    write_at<<<1, 1>>>(a, i);
    EXPECT_EQ(hipGetLastError(), hipSuccess);
    EXPECT_EQ(hipDeviceSynchronize(), hipErrorIllegalAddress);
    EXPECT_EQ(hipGetLastError(), hipErrorIllegalAddress);
    EXPECT_EQ(hipDeviceSynchronize(), hipSuccess);
    read_at<<<1, 1>>>(a, i, out);
    EXPECT_EQ(hipStreamSynchronize(nullptr), hipErrorIllegalAddress);
    read_at<<<1, 1>>>(a, i, out);
    int got;
    EXPECT_EQ(hipMemcpy(&got, a, 4, hipMemcpyDeviceToHost), hipErrorIllegalAddress);
    hipEvent_t event;
    HIP(hipEventCreate(&event));
    read_at<<<1, 1>>>(a, i, out);
    HIP(hipEventRecord(event));
    EXPECT_EQ(hipEventSynchronize(event), hipErrorIllegalAddress);
    HIP(hipEventDestroy(event));
    EXPECT_EQ(hipGetLastError(), hipErrorIllegalAddress);
  }
  int* freed = nullptr;
  HIP(hipMalloc(&freed, 4096));
  HIP(hipFree(freed));
  EXPECT_EQ(hipFree(freed), hipErrorInvalidDevicePointer);
  (void)hipGetLastError();
  read_at<<<1, 1>>>(nullptr, 0, out);
  EXPECT_EQ(hipDeviceSynchronize(), hipErrorIllegalAddress);
  trap<<<1, 1>>>();
  EXPECT_EQ(hipDeviceSynchronize(), hipErrorLaunchFailure);
  (void)hipGetLastError();
  write_at<<<1, 2048>>>(a, 0);
  EXPECT_EQ(hipGetLastError(), hipErrorInvalidConfiguration);
  write_at<<<0, 64>>>(a, 0);
  EXPECT_EQ(hipGetLastError(), hipErrorInvalidConfiguration);
  write_at<<<1, 64, 1 << 20>>>(a, 0);
  EXPECT(hipGetLastError() != hipSuccess);
  EXPECT_EQ(hipMemcpy(a, nullptr, 4, hipMemcpyHostToDevice), hipErrorInvalidValue);
  EXPECT_EQ(hipMemset(a, 0, 401), hipErrorInvalidValue);
  void* huge = nullptr;
  EXPECT_EQ(hipMalloc(&huge, size_t{1} << 50), hipErrorOutOfMemory);
  EXPECT_EQ(hipSetDevice(3), hipErrorInvalidDevice);
  hipArray_t array;
  EXPECT_EQ(hipMallocArray(&array, nullptr, 1, 1, 0), hipErrorNotSupported);
  EXPECT_EQ(hipGetLastError(), hipErrorNotSupported);
  EXPECT_EQ(hipGetLastError(), hipSuccess);
  EXPECT_EQ(strcmp(hipGetErrorName(hipErrorIllegalAddress), "hipErrorIllegalAddress"), 0);
  // And it still works.
  write_at<<<1, 1>>>(a, 7);
  EXPECT_EQ(a.get()[7], 1);
  return result();
}
