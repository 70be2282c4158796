// Cooperative groups by HIP's own header: tiles with shuffles, coalesced threads, blocks, the whole
// grid. HIP 5.2's header calls names that its compiler defined and clang 19 does not.
#define hipThreadIdx_x threadIdx.x
#define hipThreadIdx_y threadIdx.y
#define hipThreadIdx_z threadIdx.z
#define hipBlockIdx_x blockIdx.x
#define hipBlockIdx_y blockIdx.y
#define hipBlockIdx_z blockIdx.z
#define hipBlockDim_x blockDim.x
#define hipBlockDim_y blockDim.y
#define hipBlockDim_z blockDim.z
#define hipGridDim_x gridDim.x
#define hipGridDim_y gridDim.y
#define hipGridDim_z gridDim.z
#include <hip/hip_runtime.h>
// Behind it.
#include <hip/hip_cooperative_groups.h>

#include <algorithm>

#include "check.h"

namespace cg = cooperative_groups;

template <unsigned kSize>
__global__ void tile_sums(const int* in, int* sums, int* ranks) {
  const cg::thread_block block = cg::this_thread_block();
  const cg::thread_block_tile<kSize> tile = cg::tiled_partition<kSize>(block);
  const int i = blockIdx.x * block.size() + block.thread_rank();
  int v = in[i];
  for (int d = tile.size() / 2; d > 0; d /= 2) v += tile.shfl_down(v, d);
  v = tile.shfl(v, 0);
  const int left = tile.shfl_up(in[i], 1), across = tile.shfl_xor(in[i], 1);
  sums[i] = v + 1000 * (tile.thread_rank() > 0 ? left : in[i]) + 1000000 * across;
  ranks[i] = tile.thread_rank() + 100 * tile.size();
}
__global__ void block_reduce(const int* in, int* out) {
  __shared__ int s[256];
  cg::thread_block block = cg::this_thread_block();
  s[block.thread_rank()] = in[block.group_index().x * block.size() + block.thread_rank()];
  for (unsigned w = block.size() / 2; w > 0; w /= 2) {
    block.sync();
    if (block.thread_rank() < w) s[block.thread_rank()] += s[block.thread_rank() + w];
  }
  if (block.thread_rank() == 0) out[block.group_index().x] = s[0];
}
// One atomic for all lanes that take the branch.
__global__ void compact(const int* in, int* out, int* count, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && in[i] % 3 == 0) {
    const cg::coalesced_group active = cg::coalesced_threads();
    int base = 0;
    if (active.thread_rank() == 0) base = atomicAdd(count, static_cast<int>(active.size()));
    out[active.shfl(base, 0) + active.thread_rank()] = in[i];
  }
}
__global__ void relax(int* data, int rounds) {
  const cg::grid_group grid = cg::this_grid();
  const int i = grid.thread_rank(), n = grid.size();
  for (int r = 0; r < rounds; r++) {
    const int next = data[(i + 1) % n] + data[(i + n - 1) % n];
    grid.sync();
    data[i] = next % 1009;
    grid.sync();
  }
}

// A group over several devices, of which there is one.
__global__ void over_devices(int* data, int* info) {
  cg::multi_grid_group group = cg::this_multi_grid();
  const int i = group.thread_rank(), n = group.size();
  if (i == 0) {
    info[0] = group.num_grids();
    info[1] = group.grid_rank();
    info[2] = group.is_valid();
  }
  const int next = data[(i + 1) % n];
  group.sync();
  data[i] = next;
}

template <unsigned kSize>
void tiles(const std::vector<int>& v) {
  const int n = static_cast<int>(v.size());
  Buffer<int> in(v), sums(n), ranks(n);
  tile_sums<kSize><<<n / 128, 128>>>(in, sums, ranks);
  const std::vector<int> s = sums.get(), r = ranks.get();
  for (int i = 0; i < n; i++) {
    const int start = i / kSize * kSize, rank = i % kSize;
    int sum = 0;
    for (unsigned k = 0; k < kSize; k++) sum += v[start + k];
    EXPECT_EQ(s[i], sum + 1000 * v[rank > 0 ? i - 1 : i] + 1000000 * v[i ^ 1]);
    EXPECT_EQ(r[i], rank + 100 * static_cast<int>(kSize));
  }
}

int main() {
  const int n = 512;
  std::vector<int> v(n);
  for (int& x : v) x = static_cast<int>(random_bits() % 30);
  tiles<64>(v);
  tiles<32>(v);
  tiles<16>(v);
  tiles<8>(v);
  tiles<4>(v);
  tiles<2>(v);
  Buffer<int> in(v), blocks(2), out(n), count(std::vector<int>{0});
  block_reduce<<<2, 256>>>(in, blocks);
  int total = 0, expected = 0;
  for (const int x : v) expected += x;
  for (const int x : blocks.get()) total += x;
  EXPECT_EQ(total, expected);
  compact<<<2, 256>>>(in, out, count, n);
  std::vector<int> kept = out.get(), wanted;
  for (const int x : v)
    if (x % 3 == 0) wanted.push_back(x);
  EXPECT_EQ(count.get()[0], static_cast<int>(wanted.size()));
  kept.resize(wanted.size());
  std::sort(kept.begin(), kept.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT(kept == wanted);

  Buffer<int> data(v);
  int* p = data;
  int rounds = 6;
  void* arguments[] = {&p, &rounds};
  HIP(hipLaunchCooperativeKernel(reinterpret_cast<void*>(relax), dim3(4), dim3(128), arguments, 0,
                                 nullptr));
  std::vector<int> next(n);
  for (int r = 0; r < rounds; r++) {
    for (int i = 0; i < n; i++) next[i] = (v[(i + 1) % n] + v[(i + n - 1) % n]) % 1009;
    v = next;
  }
  EXPECT(data.get() == v);

  Buffer<int> info(3);
  int* q = info;
  void* pointers[] = {&p, &q};
  hipLaunchParams launch = {};
  launch.func = reinterpret_cast<void*>(over_devices);
  launch.gridDim = dim3(4);
  launch.blockDim = dim3(128);
  launch.args = pointers;
  HIP(hipLaunchCooperativeKernelMultiDevice(&launch, 1, 0));
  std::rotate(v.begin(), v.begin() + 1, v.end());
  EXPECT(data.get() == v);
  EXPECT(info.get() == (std::vector<int>{1, 0, 1}));
  return result();
}
