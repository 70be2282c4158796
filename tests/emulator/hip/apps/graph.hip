// Graphs: breadth-first search level by level with a frontier, and all shortest paths by Floyd and
// Warshall in blocks of LDS.
#include <queue>

#include "check.h"

__global__ void expand(const int* starts, const int* edges, int* level, const int* frontier,
                       int count, int* next, int* next_count, int depth) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int node = frontier[i];
  for (int e = starts[node]; e < starts[node + 1]; e++)
    if (atomicCAS(&level[edges[e]], -1, depth) == -1) next[atomicAdd(next_count, 1)] = edges[e];
}

constexpr int kTile = 16;
__global__ void relax(int* d, int n, int k) {
  __shared__ int column[kTile], row[kTile];
  const int x = blockIdx.x * kTile + threadIdx.x, y = blockIdx.y * kTile + threadIdx.y;
  if (threadIdx.x == 0) column[threadIdx.y] = y < n ? d[y * n + k] : 0;
  if (threadIdx.y == 0) row[threadIdx.x] = x < n ? d[k * n + x] : 0;
  __syncthreads();
  if (x < n && y < n) d[y * n + x] = min(d[y * n + x], column[threadIdx.y] + row[threadIdx.x]);
}

int main() {
  const int n = 3000;
  std::vector<std::vector<int>> lists(n);
  for (int i = 0; i < n; i++)
    for (unsigned k = 0; k < 1 + random_bits() % 3; k++)
      lists[i].push_back(static_cast<int>((i * 7 + random_bits() % 400) % (n - 50)));
  std::vector<int> starts{0}, edges, level(n, -1), expected(n, -1);
  for (const auto& l : lists) {
    edges.insert(edges.end(), l.begin(), l.end());
    starts.push_back(static_cast<int>(edges.size()));
  }
  std::queue<int> queue;
  expected[0] = 0;
  for (queue.push(0); !queue.empty(); queue.pop())
    for (const int to : lists[queue.front()])
      if (expected[to] < 0) {
        expected[to] = expected[queue.front()] + 1;
        queue.push(to);
      }
  level[0] = 0;
  Buffer<int> ds(starts), de(edges), dl(level), a(n), b(n), count(1);
  a.set({0});
  int size = 1;
  for (int depth = 1; size > 0; depth++) {
    count.set({0});
    expand<<<(size + 127) / 128, 128>>>(ds, de, dl, depth % 2 ? a : b, size, depth % 2 ? b : a,
                                        count, depth);
    size = count.get()[0];
  }
  EXPECT(dl.get() == expected);

  const int m = 50, far = 1 << 28;
  std::vector<int> d(m * m, far);
  for (int i = 0; i < m; i++) {
    d[i * m + i] = 0;
    for (int k = 0; k < 4; k++) d[i * m + random_bits() % m] = 1 + random_bits() % 100;
    d[i * m + i] = 0;
  }
  Buffer<int> dd(d);
  for (int k = 0; k < m; k++)
    relax<<<dim3((m + kTile - 1) / kTile, (m + kTile - 1) / kTile), dim3(kTile, kTile)>>>(dd, m, k);
  for (int k = 0; k < m; k++)
    for (int i = 0; i < m; i++)
      for (int j = 0; j < m; j++) d[i * m + j] = std::min(d[i * m + j], d[i * m + k] + d[k * m + j]);
  EXPECT(dd.get() == d);
  return result();
}
