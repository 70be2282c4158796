// Built with -fgpu-default-stream=per-thread: each host thread has a default stream of its own, so
// that what one launches may wait for what another launches later.
#include <atomic>
#include <thread>

#include "check.h"

// What HIP's headers call in such programs; older ones do not declare it.
extern "C" {
hipError_t hipMemcpy_spt(void* to, const void* from, size_t bytes, hipMemcpyKind kind);
hipError_t hipMemsetAsync_spt(void* to, int value, size_t bytes, hipStream_t stream);
hipError_t hipStreamQuery_spt(hipStream_t stream);
hipError_t hipStreamSynchronize_spt(hipStream_t stream);
}

__global__ void wait_for(volatile int* flag, int* out, int value) {
  while (*flag == 0) __builtin_amdgcn_s_sleep(1);
  *out += value;
}
__global__ void raise(volatile int* flag) {
  *flag = 1;
}

int main() {
  int *flag, *out;
  HIP(hipHostMalloc(reinterpret_cast<void**>(&flag), sizeof(int), hipHostMallocCoherent));
  *flag = 0;
  HIP(hipMalloc(reinterpret_cast<void**>(&out), sizeof(int)));
  std::atomic<bool> launched = false;
  std::thread first([&] {
    HIP(hipMemsetAsync_spt(out, 0, sizeof(int), nullptr));
    wait_for<<<1, 1>>>(flag, out, 7);
    HIP(hipGetLastError());
    EXPECT_EQ(hipStreamQuery_spt(nullptr), hipErrorNotReady);
    launched = true;
    // In order behind the kernel.
    int got = 0;
    HIP(hipMemcpy_spt(&got, out, sizeof(int), hipMemcpyDeviceToHost));
    EXPECT_EQ(got, 7);
    EXPECT_EQ(hipStreamQuery_spt(nullptr), hipSuccess);
  });
  std::thread second([&] {
    while (!launched) std::this_thread::yield();
    EXPECT_EQ(hipStreamQuery_spt(nullptr), hipSuccess);
    raise<<<1, 1>>>(flag);
    HIP(hipStreamSynchronize_spt(nullptr));
    EXPECT_EQ(*flag, 1);
  });
  first.join();
  second.join();
  HIP(hipDeviceSynchronize());
  HIP(hipFree(out));
  HIP(hipHostFree(flag));
  return result();
}
