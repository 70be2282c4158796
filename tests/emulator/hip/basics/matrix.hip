// GEMM with 8x8 register blocks and LDS tiles, transposition through padded LDS, a stencil.
#include "check.h"

__global__ __launch_bounds__(256) void gemm(const float* A, const float* B, float* C, int N) {
  __shared__ float As[8][128], Bs[8][128];
  const int t = threadIdx.x, tx = t % 16, ty = t / 16, bx = blockIdx.x * 128, by = blockIdx.y * 128;
  float acc[8][8] = {};
  for (int k = 0; k < N; k += 8) {
    const int r = t / 2, c = t % 2 * 4;
    const float4 v = *reinterpret_cast<const float4*>(&A[(by + r) * N + k + c]);
    As[c][r] = v.x, As[c + 1][r] = v.y, As[c + 2][r] = v.z, As[c + 3][r] = v.w;
    *reinterpret_cast<float4*>(&Bs[t / 32][t % 32 * 4]) =
        *reinterpret_cast<const float4*>(&B[(k + t / 32) * N + bx + t % 32 * 4]);
    __syncthreads();
#pragma unroll
    for (int p = 0; p < 8; p++) {
      float a[8], b[8];
#pragma unroll
      for (int i = 0; i < 8; i++)
        a[i] = As[p][i / 4 * 64 + ty * 4 + i % 4], b[i] = Bs[p][i / 4 * 64 + tx * 4 + i % 4];
#pragma unroll
      for (int i = 0; i < 8; i++)
#pragma unroll
        for (int j = 0; j < 8; j++) acc[i][j] = fmaf(a[i], b[j], acc[i][j]);
    }
    __syncthreads();
  }
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++)
      C[(by + i / 4 * 64 + ty * 4 + i % 4) * N + bx + j / 4 * 64 + tx * 4 + j % 4] = acc[i][j];
}
template <typename T>
__global__ void transpose(const T* in, T* out, int w, int h) {
  __shared__ T s[32][33];
  int x = blockIdx.x * 32 + threadIdx.x;
  const int y0 = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < w && y0 + j < h) s[threadIdx.y + j][threadIdx.x] = in[(y0 + j) * w + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  const int y1 = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < h && y1 + j < w) out[(y1 + j) * h + x] = s[threadIdx.x][threadIdx.y + j];
}
__global__ void stencil(const double* in, double* out, int n) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x == 0 || y == 0 || x >= n - 1 || y >= n - 1) return;
  out[y * n + x] =
      0.25 * (in[y * n + x - 1] + in[y * n + x + 1] + in[(y - 1) * n + x] + in[(y + 1) * n + x]);
}

template <typename T>
void check_transpose(int w, int h) {
  std::vector<T> v(w * h);
  for (T& x : v) x = static_cast<T>(random_bits());
  Buffer<T> in(v), out(v.size());
  transpose<T><<<dim3((w + 31) / 32, (h + 31) / 32), dim3(32, 8)>>>(in, out, w, h);
  const std::vector<T> got = out.get();
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) EXPECT_EQ(got[x * h + y], v[y * w + x]);
}

int main() {
  const int n = 256;
  std::vector<float> a(n * n), b(n * n);
  for (float& x : a) x = static_cast<int>(random_bits() % 17) - 8;
  for (float& x : b) x = static_cast<int>(random_bits() % 13) - 6;
  Buffer<float> da(a), db(b), dc(n * n);
  gemm<<<dim3(n / 128, n / 128), 256>>>(da, db, dc, n);
  const std::vector<float> c = dc.get();
  for (int i = 0; i < n; i++)
    for (int j = i % 7; j < n; j += 7) {
      float sum = 0;
      for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      EXPECT_EQ(c[i * n + j], sum);
    }
  check_transpose<float>(100, 65);
  check_transpose<unsigned char>(64, 70);
  check_transpose<double>(33, 40);
  check_transpose<short>(50, 31);

  std::vector<double> grid(64 * 64), expected;
  for (double& x : grid) x = random_bits() % 1000;
  expected = grid;
  for (int y = 1; y < 63; y++)
    for (int x = 1; x < 63; x++)
      expected[y * 64 + x] = 0.25 * (grid[y * 64 + x - 1] + grid[y * 64 + x + 1] +
                                     grid[(y - 1) * 64 + x] + grid[(y + 1) * 64 + x]);
  Buffer<double> from(grid), to(grid);
  stencil<<<dim3(4, 8), dim3(16, 8)>>>(from, to, 64);
  EXPECT(to.get() == expected);
  return result();
}
