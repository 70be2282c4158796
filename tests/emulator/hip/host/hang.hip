// Kernels that never end are stopped by the watchdog, which the test's environment makes impatient;
// what waits for them says so, and the program goes on. One spins, one sleeps for a flag.
#include "check.h"

__global__ void spin(volatile int* p) {
  while (*p == 0) {
  }
}
__global__ void wait_for(volatile int* p) {
  while (*p == 0) __builtin_amdgcn_s_sleep(10);
}
__global__ void fine(int* p) {
  *p = 5;
}

int main() {
  Buffer<int> flag(std::vector<int>{0});
  spin<<<4, 128>>>(flag);
  EXPECT_EQ(hipDeviceSynchronize(), hipErrorLaunchTimeOut);
  hipStream_t stream;
  HIP(hipStreamCreate(&stream));
  wait_for<<<1, 64, 0, stream>>>(flag);
  fine<<<1, 1, 0, stream>>>(flag);
  EXPECT_EQ(hipStreamSynchronize(stream), hipErrorLaunchTimeOut);
  (void)hipGetLastError();
  EXPECT_EQ(flag.get()[0], 5);
  HIP(hipStreamDestroy(stream));
  return result();
}
