// Least-significant-digit radix sort of keys with values, 4 bits a pass: per-block histograms, a
// scan over them, a stable scatter by ranks within the block.
#include <algorithm>
#include <numeric>

#include "check.h"

constexpr int kThreads = 256, kDigits = 16;

__device__ uint32_t digit_of(uint32_t key, int shift) {
  return key >> shift & (kDigits - 1);
}
__global__ void count(const uint32_t* keys, uint32_t* counts, int n, int shift) {
  __shared__ uint32_t local[kDigits];
  if (threadIdx.x < kDigits) local[threadIdx.x] = 0;
  __syncthreads();
  const int i = blockIdx.x * kThreads + threadIdx.x;
  if (i < n) atomicAdd(&local[digit_of(keys[i], shift)], 1u);
  __syncthreads();
  if (threadIdx.x < kDigits) counts[threadIdx.x * gridDim.x + blockIdx.x] = local[threadIdx.x];
}
// One block scans all counts, exclusively, a chunk of its size at a time.
__global__ void scan(uint32_t* counts, int n) {
  __shared__ uint32_t s[kThreads];
  uint32_t carry = 0;
  for (int base = 0; base < n; base += kThreads) {
    const int i = base + threadIdx.x;
    const uint32_t mine = i < n ? counts[i] : 0;
    s[threadIdx.x] = mine;
    __syncthreads();
    for (int d = 1; d < kThreads; d *= 2) {
      const uint32_t add = static_cast<int>(threadIdx.x) >= d ? s[threadIdx.x - d] : 0;
      __syncthreads();
      s[threadIdx.x] += add;
      __syncthreads();
    }
    if (i < n) counts[i] = carry + s[threadIdx.x] - mine;
    carry += s[kThreads - 1];
    __syncthreads();
  }
}
__global__ void scatter(const uint32_t* keys, const uint32_t* values, const uint32_t* starts,
                        uint32_t* keys_out, uint32_t* values_out, int n, int shift) {
  __shared__ uint32_t before[kThreads / 64][kDigits];
  const int i = blockIdx.x * kThreads + threadIdx.x, lane = threadIdx.x % 64,
            wave = threadIdx.x / 64;
  const uint32_t key = i < n ? keys[i] : 0, digit = digit_of(key, shift);
  // Lanes of the wavefront with the same digit, by one ballot a bit.
  uint64_t same = __ballot(i < n);
  for (int b = 0; b < 4; b++) {
    const uint64_t set = __ballot(digit >> b & 1);
    same &= digit >> b & 1 ? set : ~set;
  }
  if (lane < kDigits) before[wave][lane] = 0;
  __syncthreads();
  const uint32_t rank = __popcll(same & ((uint64_t{1} << lane) - 1));
  if (i < n && rank == 0) before[wave][digit] = __popcll(same);
  __syncthreads();
  if (i >= n) return;
  uint32_t at = starts[digit * gridDim.x + blockIdx.x] + rank;
  for (int w = 0; w < wave; w++) at += before[w][digit];
  keys_out[at] = key;
  values_out[at] = values[i];
}

int main() {
  for (const int n : {1, 255, 4096, 10007}) {
    std::vector<uint32_t> keys(n), values(n);
    for (int i = 0; i < n; i++) {
      keys[i] = i % 5 == 0 ? random_bits() % 7 : random_bits() ^ random_bits() << 16;
      values[i] = i;
    }
    const int blocks = (n + kThreads - 1) / kThreads;
    Buffer<uint32_t> a(keys), b(n), va(values), vb(n), counts(kDigits * blocks);
    uint32_t *k = a, *v = va, *ko = b, *vo = vb;
    for (int shift = 0; shift < 32; shift += 4) {
      count<<<blocks, kThreads>>>(k, counts, n, shift);
      scan<<<1, kThreads>>>(counts, kDigits * blocks);
      scatter<<<blocks, kThreads>>>(k, v, counts, ko, vo, n, shift);
      std::swap(k, ko);
      std::swap(v, vo);
    }
    const std::vector<uint32_t> sorted = a.get(), order = va.get();
    std::vector<uint32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(),
                     [&](uint32_t x, uint32_t y) { return keys[x] < keys[y]; });
    for (int i = 0; i < n; i++) {
      EXPECT_EQ(order[i], expected[i]);
      EXPECT_EQ(sorted[i], keys[expected[i]]);
    }
  }
  return result();
}
