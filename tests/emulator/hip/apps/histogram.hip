// Histograms: with atomics in memory, in LDS first, per wavefront; with floats as weights; and of
// two dimensions.
#include "check.h"

constexpr int kBins = 64;

__global__ void direct(const uint8_t* in, unsigned* bins, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&bins[in[i] % kBins], 1u);
}
__global__ void privatized(const uint8_t* in, unsigned* bins, int n) {
  __shared__ unsigned local[4][kBins];
  for (int b = threadIdx.x; b < 4 * kBins; b += blockDim.x) local[b / kBins][b % kBins] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&local[threadIdx.x / 64 % 4][in[i] % kBins], 1u);
  __syncthreads();
  for (int b = threadIdx.x; b < kBins; b += blockDim.x)
    atomicAdd(&bins[b], local[0][b] + local[1][b] + local[2][b] + local[3][b]);
}
__global__ void weighted(const uint8_t* in, const float* weights, float* bins, double* total,
                         int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  atomicAdd(&bins[in[i] % kBins], weights[i]);
  atomicAdd(total, static_cast<double>(weights[i]));
}
__global__ void extremes(const int* in, int* low, int* high, unsigned long long* key, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  atomicMin(low, in[i]);
  atomicMax(high, in[i]);
  // The largest value and its place, in one word.
  atomicMax(key, static_cast<unsigned long long>(in[i] + 100000) << 32 | static_cast<unsigned>(i));
}

int main() {
  const int n = 20000;
  std::vector<uint8_t> in(n);
  std::vector<float> weights(n);
  std::vector<unsigned> expected(kBins);
  std::vector<float> heavy(kBins);
  double sum = 0;
  for (int i = 0; i < n; i++) {
    in[i] = static_cast<uint8_t>(random_bits() % (i % 3 ? 256 : 5));
    weights[i] = static_cast<float>(random_bits() % 8) / 4;  // sums are exact in any order
    expected[in[i] % kBins]++;
    heavy[in[i] % kBins] += weights[i];
    sum += weights[i];
  }
  Buffer<uint8_t> data(in);
  Buffer<float> dw(weights);
  {
    Buffer<unsigned> bins(std::vector<unsigned>(kBins, 0));
    direct<<<8, 256>>>(data, bins, n);
    EXPECT(bins.get() == expected);
  }
  {
    Buffer<unsigned> bins(std::vector<unsigned>(kBins, 0));
    privatized<<<8, 256>>>(data, bins, n);
    EXPECT(bins.get() == expected);
  }
  Buffer<float> bins(std::vector<float>(kBins, 0));
  Buffer<double> total(std::vector<double>{0});
  weighted<<<(n + 255) / 256, 256>>>(data, dw, bins, total, n);
  EXPECT(bins.get() == heavy);
  EXPECT_EQ(total.get()[0], sum);

  std::vector<int> v(5000);
  for (int& x : v) x = static_cast<int>(random_bits() % 100001) - 50000;
  v[1234] = 60000;
  Buffer<int> dv(v), low(std::vector<int>{1 << 30}), high(std::vector<int>{-(1 << 30)});
  Buffer<unsigned long long> key(std::vector<unsigned long long>{0});
  extremes<<<20, 256>>>(dv, low, high, key, 5000);
  int least = 1 << 30;
  for (const int x : v) least = std::min(least, x);
  EXPECT_EQ(low.get()[0], least);
  EXPECT_EQ(high.get()[0], 60000);
  EXPECT_EQ(key.get()[0], 160000ull << 32 | 1234);
  return result();
}
