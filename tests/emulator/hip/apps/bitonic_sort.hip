// Bitonic sort: steps within a block in LDS, wider ones through memory; and one of 64 keys in
// registers by shuffles.
#include <algorithm>

#include "check.h"

constexpr int kBlock = 256;

__global__ void wide_step(float* data, int j, int k) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, partner = i ^ j;
  if (partner <= i) return;
  const float a = data[i], b = data[partner];
  if ((a > b) == ((i & k) == 0)) {
    data[i] = b;
    data[partner] = a;
  }
}
__global__ void narrow_steps(float* data, int first, int k) {
  __shared__ float s[kBlock];
  const int i = blockIdx.x * kBlock + threadIdx.x;
  s[threadIdx.x] = data[i];
  for (int j = first; j > 0; j /= 2) {
    __syncthreads();
    const int partner = threadIdx.x ^ j;
    const float mine = s[threadIdx.x], other = s[partner];
    __syncthreads();
    const bool up = (i & k) == 0, low = static_cast<int>(threadIdx.x) < partner;
    s[threadIdx.x] = up == low ? fminf(mine, other) : fmaxf(mine, other);
  }
  data[i] = s[threadIdx.x];
}
__global__ void wavefront_sort(int* data) {
  const int lane = threadIdx.x % 64, at = blockIdx.x * blockDim.x + threadIdx.x;
  int v = data[at];
  for (int k = 2; k <= 64; k *= 2)
    for (int j = k / 2; j > 0; j /= 2) {
      const int other = __shfl_xor(v, j);
      v = ((lane & k) == 0) == ((lane & j) == 0) ? min(v, other) : max(v, other);
    }
  data[at] = v;
}

int main() {
  const int n = 4096;
  std::vector<float> v(n);
  for (float& x : v) x = static_cast<float>(static_cast<int>(random_bits() % 20001) - 10000) / 8;
  v[7] = INFINITY;
  v[8] = -INFINITY;
  Buffer<float> data(v);
  for (int k = 2; k <= n; k *= 2) {
    int j = k / 2;
    for (; j >= kBlock; j /= 2) wide_step<<<n / kBlock, kBlock>>>(data, j, k);
    narrow_steps<<<n / kBlock, kBlock>>>(data, j, k);
  }
  std::sort(v.begin(), v.end());
  const std::vector<float> got = data.get();
  for (int i = 0; i < n; i++) EXPECT_EQ(got[i], v[i]);

  std::vector<int> w(512);
  for (int& x : w) x = static_cast<int>(random_bits() % 1000) - 500;
  Buffer<int> words(w);
  wavefront_sort<<<4, 128>>>(words);
  const std::vector<int> sorted = words.get();
  for (int b = 0; b < 512; b += 64) std::sort(w.begin() + b, w.begin() + b + 64);
  for (int i = 0; i < 512; i++) EXPECT_EQ(sorted[i], w[i]);
  return result();
}
