// Every atomic of global memory and LDS, 32 and 64 bits, with contention.
#include "check.h"

template <typename T>
__device__ void all(T* a, T v) {
  atomicAdd(&a[0], v);
  atomicSub(&a[1], v);
  atomicMin(&a[2], v);
  atomicMax(&a[3], v);
  atomicAnd(&a[4], ~v);
  atomicOr(&a[5], v);
  atomicXor(&a[6], v);
}
__global__ void global32(unsigned* a) {
  all<unsigned>(a, 1u << (threadIdx.x % 32));
}
__global__ void global64(unsigned long long* a) {
  const unsigned long long v = 1ull << (threadIdx.x % 64);
  atomicAdd(&a[0], v);
  atomicMin(&a[2], v);
  atomicMax(&a[3], v);
  atomicAnd(&a[4], ~v);
  atomicOr(&a[5], v);
  atomicXor(&a[6], v);
}
__global__ void local32(unsigned* out) {
  __shared__ unsigned a[7];
  if (threadIdx.x < 7) a[threadIdx.x] = threadIdx.x == 2 || threadIdx.x == 4 ? ~0u : 0;
  __syncthreads();
  all<unsigned>(a, 1u << (threadIdx.x % 32));
  __syncthreads();
  if (threadIdx.x < 7) out[threadIdx.x] = a[threadIdx.x];
}
__global__ void others(unsigned* a, float* f, double* d) {
  __builtin_amdgcn_atomic_inc32(&a[0], 999, __ATOMIC_RELAXED, "agent");
  __builtin_amdgcn_atomic_dec32(&a[1], 999, __ATOMIC_RELAXED, "agent");
  atomicExch(&a[2], blockIdx.x);
  // A lock-free maximum by compare and swap.
  const unsigned mine = (blockIdx.x * blockDim.x + threadIdx.x) * 2654435761u;
  unsigned seen = a[3];
  while (seen < mine) {
    const unsigned was = atomicCAS(&a[3], seen, mine);
    if (was == seen) break;
    seen = was;
  }
  atomicAdd(f, 0.5f);
  atomicAdd(d, 0.25);
}
__global__ void old_values(int* next, int* seen) {
  const int ticket = atomicAdd(next, 1);
  seen[ticket] = blockIdx.x * blockDim.x + threadIdx.x;
}

int main() {
  const std::vector<unsigned> start = {0, 0, ~0u, 0, ~0u, 0, 0};
  Buffer<unsigned> a(start), b(7);
  global32<<<10, 256>>>(a);
  local32<<<1, 1024>>>(b);
  const std::vector<unsigned> g = a.get(), l = b.get();
  EXPECT_EQ(g[0], ~0u * 80);
  EXPECT_EQ(g[1], 80u);
  EXPECT_EQ(g[2], 1u);
  EXPECT_EQ(g[3], 0x80000000u);
  EXPECT_EQ(g[4], 0u);
  EXPECT_EQ(g[5], ~0u);
  EXPECT_EQ(g[6], 0u);
  EXPECT_EQ(l[0], ~0u * 32);
  EXPECT_EQ(l[1], 32u);
  for (int k = 2; k < 7; k++) EXPECT_EQ(l[k], g[k]);
  Buffer<unsigned long long> w(std::vector<unsigned long long>{0, 0, ~0ull, 0, ~0ull, 0, 0});
  global64<<<3, 64>>>(w);
  const std::vector<unsigned long long> q = w.get();
  EXPECT_EQ(q[0], ~0ull * 3);
  EXPECT_EQ(q[2], 1ull);
  EXPECT_EQ(q[3], 1ull << 63);
  EXPECT_EQ(q[4], 0ull);
  EXPECT_EQ(q[5], ~0ull);
  EXPECT_EQ(q[6], ~0ull);
  Buffer<unsigned> c(std::vector<unsigned>{0, 0, 777, 0});
  Buffer<float> f(std::vector<float>{0});
  Buffer<double> d(std::vector<double>{0});
  others<<<10, 250>>>(c, f, d);
  const std::vector<unsigned> r = c.get();
  EXPECT_EQ(r[0], 500u);
  EXPECT_EQ(r[1], 500u);
  EXPECT(r[2] < 10);
  unsigned most = 0;
  for (unsigned i = 0; i < 2500; i++) most = std::max(most, i * 2654435761u);
  EXPECT_EQ(r[3], most);
  EXPECT_EQ(f.get()[0], 1250.0f);
  EXPECT_EQ(d.get()[0], 625.0);
  Buffer<int> next(std::vector<int>{0}), seen(std::vector<int>(1000, -1));
  old_values<<<4, 250>>>(next, seen);
  std::vector<int> s = seen.get(), times(1000);
  for (const int v : s) EXPECT(v >= 0 && v < 1000 && times[v]++ == 0);
  return result();
}
