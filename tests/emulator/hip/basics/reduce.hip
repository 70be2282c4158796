// Reductions: LDS tree with barriers, wavefront shuffles, atomics.
#include "check.h"

__global__ void tree(const int* in, int* out, int n) {
  __shared__ int s[256];
  const int t = threadIdx.x;
  int sum = 0;
  for (int i = blockIdx.x * 256 + t; i < n; i += gridDim.x * 256) sum += in[i];
  s[t] = sum;
  for (int w = 128; w > 0; w /= 2) {
    __syncthreads();
    if (t < w) s[t] += s[t + w];
  }
  if (t == 0) out[blockIdx.x] = s[0];
}
__global__ void shuffle(const float* in, float* out, int n) {
  __shared__ float s[16];
  float v = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) v = fmaxf(v, in[i]);
  for (int w = 32; w > 0; w /= 2) v = fmaxf(v, __shfl_down(v, w));
  if (threadIdx.x % 64 == 0) s[threadIdx.x / 64] = v;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 1; i < static_cast<int>(blockDim.x) / 64; i++) v = fmaxf(v, s[i]);
    *out = v;
  }
}
__global__ void atomic(const int* in, int n, unsigned long long* sum, int* low, int* high) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  atomicAdd(sum, static_cast<unsigned long long>(in[i]));
  atomicMin(low, in[i]);
  atomicMax(high, in[i]);
}

int main() {
  const int n = 50001;
  std::vector<int> v(n);
  std::vector<float> f(n);
  long long sum = 0;
  int low = 0x7fffffff, high = 0;
  for (int i = 0; i < n; i++) {
    v[i] = random_bits() % 100000;
    f[i] = v[i];
    sum += v[i];
    low = std::min(low, v[i]);
    high = std::max(high, v[i]);
  }
  Buffer<int> in(v), parts(32), limits(std::vector<int>{0x7fffffff, 0});
  tree<<<32, 256>>>(in, parts, n);
  long long total = 0;
  for (const int p : parts.get()) total += p;
  EXPECT_EQ(total, sum);
  Buffer<float> fin(f), fout(1);
  shuffle<<<1, 1024>>>(fin, fout, n);
  EXPECT_EQ(fout.get()[0], static_cast<float>(high));
  Buffer<unsigned long long> count(std::vector<unsigned long long>{0});
  atomic<<<(n + 127) / 128, 128>>>(in, n, count, limits, limits + 1);
  EXPECT_EQ(static_cast<long long>(count.get()[0]), sum);
  EXPECT_EQ(limits.get()[0], low);
  EXPECT_EQ(limits.get()[1], high);
  return result();
}
