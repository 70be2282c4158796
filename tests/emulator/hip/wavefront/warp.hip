// Across the lanes of a wavefront: shuffles, votes, ballots, partial EXEC, DPP and LDS permutes
// behind them.
#include "check.h"

__global__ void shuffles(const int* in, int* out) {
  const int t = threadIdx.x, v = in[t];
  out[t] = __shfl(v, (t * 7 + 3) % 64);
  out[64 + t] = __shfl_up(v, 3);
  out[128 + t] = __shfl_down(v, 5);
  out[192 + t] = __shfl_xor(v, 21);
  out[256 + t] = __shfl(v, 1, 8);
  out[320 + t] = __shfl_down(v, 2, 16);
}
__global__ void votes(const int* in, unsigned long long* masks, int* out) {
  const int t = threadIdx.x, v = in[t];
  const unsigned long long odd = __ballot(v & 1);
  if (t == 0) masks[0] = odd;
  out[t] = __any(v == in[17]) + 2 * __all(v < 1000000);
  if (t % 3 == 0) {
    const unsigned long long some = __ballot(1);
    if (t == 0) masks[1] = some;
    out[64 + t] = __popcll(some & ((1ull << t) - 1));
  } else {
    out[64 + t] = -__shfl(v, t);
  }
}
// The inclusive scan that libraries build from DPP row shifts and broadcasts.
__global__ void dpp_scan(const int* in, int* out) {
  int v = in[threadIdx.x];
  v += __builtin_amdgcn_update_dpp(0, v, 0x111, 15, 15, false);
  v += __builtin_amdgcn_update_dpp(0, v, 0x112, 15, 15, false);
  v += __builtin_amdgcn_update_dpp(0, v, 0x114, 15, 15, false);
  v += __builtin_amdgcn_update_dpp(0, v, 0x118, 15, 15, false);
  v += __builtin_amdgcn_update_dpp(0, v, 0x142, 10, 15, false);
  v += __builtin_amdgcn_update_dpp(0, v, 0x143, 12, 15, false);
  out[threadIdx.x] = v;
  out[64 + threadIdx.x] = __builtin_amdgcn_mov_dpp(in[threadIdx.x], 0x140, 15, 15, true);
  out[128 + threadIdx.x] = __builtin_amdgcn_ds_swizzle(in[threadIdx.x], 0x041f);
  out[192 + threadIdx.x] = __builtin_amdgcn_ds_permute(4 * (63 - threadIdx.x), in[threadIdx.x]);
  out[256 + threadIdx.x] = __builtin_amdgcn_readlane(in[threadIdx.x], 33);
}
// With 40 lanes: the others contribute nothing.
__global__ void partial(const int* in, int* out) {
  out[threadIdx.x] = __shfl_down(in[threadIdx.x], 1);
  out[64 + threadIdx.x] = __builtin_amdgcn_update_dpp(-1, in[threadIdx.x], 0x130, 15, 15, false);
  out[128 + threadIdx.x] = __builtin_amdgcn_update_dpp(-1, in[threadIdx.x], 0x130, 15, 15, true);
}

int main() {
  std::vector<int> v(64);
  for (int& x : v) x = random_bits() % 100000;
  Buffer<int> in(v), out(std::vector<int>(384, 99));
  shuffles<<<1, 64>>>(in, out);
  std::vector<int> o = out.get();
  for (int t = 0; t < 64; t++) {
    EXPECT_EQ(o[t], v[(t * 7 + 3) % 64]);
    EXPECT_EQ(o[64 + t], v[t < 3 ? t : t - 3]);
    EXPECT_EQ(o[128 + t], v[t + 5 < 64 ? t + 5 : t]);
    EXPECT_EQ(o[192 + t], v[t ^ 21]);
    EXPECT_EQ(o[256 + t], v[t / 8 * 8 + 1]);
    EXPECT_EQ(o[320 + t], v[t % 16 + 2 < 16 ? t + 2 : t]);
  }
  Buffer<unsigned long long> masks(2);
  votes<<<1, 64>>>(in, masks, out);
  unsigned long long odd = 0, third = 0;
  o = out.get();
  for (int t = 0; t < 64; t++) {
    odd |= static_cast<unsigned long long>(v[t] & 1) << t;
    if (t % 3 == 0) third |= 1ull << t;
    EXPECT_EQ(o[t], 3);
    EXPECT_EQ(o[64 + t], t % 3 == 0 ? t / 3 : -v[t]);
  }
  EXPECT_EQ(masks.get()[0], odd);
  EXPECT_EQ(masks.get()[1], third);

  dpp_scan<<<1, 64>>>(in, out);
  o = out.get();
  for (int t = 0, sum = 0; t < 64; t++) {
    EXPECT_EQ(o[t], sum += v[t]);
    EXPECT_EQ(o[64 + t], v[t / 16 * 16 + 15 - t % 16]);
    EXPECT_EQ(o[128 + t], v[t ^ 1]);
    EXPECT_EQ(o[192 + t], v[63 - t]);
    EXPECT_EQ(o[256 + t], v[33]);
  }
  out.set(std::vector<int>(384, 99));
  partial<<<1, 40>>>(in, out);
  o = out.get();
  for (int t = 0; t < 39; t++) {
    EXPECT_EQ(o[t], v[t + 1]);
    EXPECT_EQ(o[64 + t], v[t + 1]);
    EXPECT_EQ(o[128 + t], v[t + 1]);
  }
  EXPECT_EQ(o[64 + 39], -1);  // the source lane is off: unchanged, or zero with bound_ctrl
  EXPECT_EQ(o[128 + 39], 0);
  return result();
}
