// Prefix sums, a bitonic sort in LDS and in memory, a histogram.
#include "check.h"

__global__ void scan(const int* in, int* out) {
  __shared__ int s[2][512];
  const int t = threadIdx.x;
  int from = 0;
  s[0][t] = in[blockIdx.x * 512 + t];
  for (int d = 1; d < 512; d *= 2) {
    __syncthreads();
    s[1 - from][t] = s[from][t] + (t >= d ? s[from][t - d] : 0);
    from = 1 - from;
  }
  out[blockIdx.x * 512 + t] = s[from][t];
}
__global__ void bitonic_shared(unsigned* v) {
  __shared__ unsigned s[1024];
  const unsigned t = threadIdx.x;
  s[t] = v[blockIdx.x * 1024 + t];
  for (unsigned k = 2; k <= 1024; k *= 2)
    for (unsigned j = k / 2; j > 0; j /= 2) {
      __syncthreads();
      const unsigned o = t ^ j;
      if (o > t) {
        const unsigned a = s[t], b = s[o];
        if ((a > b) == ((t & k) == 0)) s[t] = b, s[o] = a;
      }
    }
  __syncthreads();
  v[blockIdx.x * 1024 + t] = s[t];
}
__global__ void bitonic_step(unsigned* v, unsigned k, unsigned j) {
  const unsigned t = blockIdx.x * blockDim.x + threadIdx.x, o = t ^ j;
  if (o <= t) return;
  const unsigned a = v[t], b = v[o];
  if ((a > b) == ((t & k) == 0)) v[t] = b, v[o] = a;
}
__global__ void histogram(const unsigned char* in, int n, unsigned* out) {
  __shared__ unsigned s[256];
  s[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256)
    atomicAdd(&s[in[i]], 1u);
  __syncthreads();
  atomicAdd(&out[threadIdx.x], s[threadIdx.x]);
}

int main() {
  std::vector<int> v(2048);
  for (int& x : v) x = random_bits() % 1000;
  Buffer<int> in(v), out(2048);
  scan<<<4, 512>>>(in, out);
  const std::vector<int> sums = out.get();
  for (int b = 0, sum = 0; b < 4; b++, sum = 0)
    for (int i = 0; i < 512; i++) EXPECT_EQ(sums[b * 512 + i], sum += v[b * 512 + i]);

  std::vector<unsigned> u(4096);
  for (unsigned& x : u) x = random_bits();
  Buffer<unsigned> keys(u);
  bitonic_shared<<<4, 1024>>>(keys);
  std::vector<unsigned> sorted = keys.get();
  for (int i = 0; i < 4096; i++) EXPECT(i % 1024 == 0 || sorted[i - 1] <= sorted[i]);
  keys.set(u);
  for (unsigned k = 2; k <= 4096; k *= 2)
    for (unsigned j = k / 2; j > 0; j /= 2) bitonic_step<<<16, 256>>>(keys, k, j);
  sorted = keys.get();
  for (int i = 1; i < 4096; i++) EXPECT(sorted[i - 1] <= sorted[i]);

  std::vector<unsigned char> bytes(30011);
  std::vector<unsigned> expected(256);
  for (unsigned char& b : bytes) expected[b = random_bits() % 256]++;
  Buffer<unsigned char> dbytes(bytes);
  Buffer<unsigned> counts(std::vector<unsigned>(256));
  histogram<<<8, 256>>>(dbytes, static_cast<int>(bytes.size()), counts);
  EXPECT(counts.get() == expected);
  return result();
}
