// Cooperative launches: the whole grid meets, several times; and workgroups that wait for one
// another through memory. HIP 5.2's cooperative groups header does not compile with clang 19: this
// calls what it calls.
#include "check.h"

__global__ void grid_scan(int* data, int* sums, int rounds) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
  for (int r = 0; r < rounds; r++) {
    const int mine = data[(i + 1) % n];
    __ockl_grid_sync();
    data[i] = mine;
    __ockl_grid_sync();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = data[blockIdx.x * blockDim.x];
}
// The last workgroup to come does the rest.
__global__ void last_block(const int* in, int* parts, unsigned* arrived, int* total) {
  __shared__ int s[64];
  __shared__ bool last;
  s[threadIdx.x] = in[blockIdx.x * 64 + threadIdx.x];
  for (int w = 32; w > 0; w /= 2) {
    __syncthreads();
    if (threadIdx.x < w) s[threadIdx.x] += s[threadIdx.x + w];
  }
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = s[0];
    __threadfence();
    last = atomicAdd(arrived, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    int sum = 0;
    for (unsigned b = 0; b < gridDim.x; b++) sum += parts[b];
    *total = sum;
  }
}
// A wavefront that polls LDS until another writes it.
__global__ void poll(int* out) {
  __shared__ volatile int flag;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  if (threadIdx.x < 64) {
    while (flag == 0) {
    }
    out[threadIdx.x] = flag;
  } else if (threadIdx.x == 64) {
    flag = 42;
  }
}
// A workgroup that waits for a later one.
__global__ void wait_for_later(volatile int* flags) {
  if (blockIdx.x + 1 < gridDim.x)
    while (flags[blockIdx.x + 1] == 0) __builtin_amdgcn_s_sleep(1);
  flags[blockIdx.x] = 1;
}

int main() {
  const int blocks = 8, threads = 128, n = blocks * threads, rounds = 5;
  std::vector<int> v(n);
  for (int i = 0; i < n; i++) v[i] = i;
  Buffer<int> data(v), sums(blocks);
  int* pd = data;
  int* ps = sums;
  int r = rounds;
  void* arguments[] = {&pd, &ps, &r};
  HIP(hipLaunchCooperativeKernel(reinterpret_cast<void*>(grid_scan), dim3(blocks), dim3(threads),
                                 arguments, 0, 0));
  const std::vector<int> d = data.get();
  for (int i = 0; i < n; i++) EXPECT_EQ(d[i], (i + rounds) % n);
  EXPECT_EQ(hipLaunchCooperativeKernel(reinterpret_cast<void*>(grid_scan), dim3(1 << 20),
                                       dim3(1024), arguments, 0, 0),
            hipErrorCooperativeLaunchTooLarge);
  (void)hipGetLastError();

  Buffer<int> parts(16), total(1);
  Buffer<unsigned> arrived(std::vector<unsigned>{0});
  last_block<<<16, 64>>>(data, parts, arrived, total);
  EXPECT_EQ(total.get()[0], n * (n - 1) / 2);

  Buffer<int> out(64);
  poll<<<1, 128>>>(out);
  for (const int x : out.get()) EXPECT_EQ(x, 42);

  Buffer<int> flags(std::vector<int>(20));
  wait_for_later<<<20, 64>>>(flags);
  for (const int x : flags.get()) EXPECT_EQ(x, 1);
  return result();
}
