// Device code in two files, linked (-fgpu-rdc): the other half is linked_other.hip.
#include "check.h"

extern __device__ int shared_value;
__device__ int helper(int x);

__global__ void call(int* out) {
  out[threadIdx.x] = helper(threadIdx.x) + shared_value;
  __syncthreads();
  if (threadIdx.x == 0) shared_value++;
}

int main() {
  Buffer<int> out(64);
  for (int round = 0; round < 3; round++) {
    call<<<1, 64>>>(out);
    const std::vector<int> got = out.get();
    for (int i = 0; i < 64; i++) EXPECT_EQ(got[i], i * 3 + 7 + round);
  }
  return result();
}
