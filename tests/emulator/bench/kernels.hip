// What the emulator's speed is measured on: element-wise code, a chain of arithmetic, a matrix
// product with blocks of 8 by 8 in registers, and workgroups that do next to nothing.
#include <hip/hip_runtime.h>

extern "C" __global__ void axpy(int n, float a, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

// Four elements per lane, as tuned element-wise kernels have it.
extern "C" __global__ void axpy4(int n, float a, const float4* x, float4* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float4 u = x[i], v = y[i];
  y[i] = float4{a * u.x + v.x, a * u.y + v.y, a * u.z + v.z, a * u.w + v.w};
}

extern "C" __global__ void relu(int n, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = fmaxf(x[i], 0.0f);
}
extern "C" __global__ void add(int n, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + y[i];
}
// Each work-item takes several elements, a grid apart.
extern "C" __global__ void strided(int n, float a, const float* x, float* y) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
    y[i] = a * x[i] + y[i];
}
extern "C" __global__ void integers(int n, const unsigned* x, unsigned* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned v = x[i] ^ y[i];
  v ^= v << 13, v ^= v >> 17, v ^= v << 5;
  y[i] = min(v & 0xffffff, x[i] + 3u);
}
extern "C" __global__ void doubles(int n, const double* x, double* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = fma(x[i], 0.5, y[i]);
}
extern "C" __global__ void choose(int n, float a, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] > a ? x[i] * 0.25f : (y[i] - x[i]) * a;
}

// A polynomial of degree 32 in each element.
extern "C" __global__ void polynomial(int n, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float v = x[i];
  float r = 0.5f;
#pragma unroll
  for (int k = 0; k < 32; k++) r = fmaf(r, v, 0.25f + 0.125f * k);
  y[i] = r;
}

extern "C" __global__ void small(int* out) {
  if (threadIdx.x == 0) out[blockIdx.x] = blockIdx.x;
}

// C = A^T B for row-major A[k][m], B[k][n]: tiles of 128 by 128, 256 work-items, 8 by 8 each.
constexpr int kTile = 128, kDepth = 8;
extern "C" __global__ void __launch_bounds__(256)
    gemm(int m, int n, int k, const float* a, const float* b, float* c) {
  __shared__ float as[kDepth][kTile], bs[kDepth][kTile];
  const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  const int row = blockIdx.y * kTile, column = blockIdx.x * kTile;
  const int load_k = threadIdx.x / 32, load_i = threadIdx.x % 32 * 4;
  float acc[8][8] = {};
  for (int p = 0; p < k; p += kDepth) {
    *reinterpret_cast<float4*>(&as[load_k][load_i]) =
        *reinterpret_cast<const float4*>(&a[(p + load_k) * m + row + load_i]);
    *reinterpret_cast<float4*>(&bs[load_k][load_i]) =
        *reinterpret_cast<const float4*>(&b[(p + load_k) * n + column + load_i]);
    __syncthreads();
#pragma unroll
    for (int q = 0; q < kDepth; q++) {
      float x[8], y[8];
#pragma unroll
      for (int i = 0; i < 8; i++) x[i] = as[q][ty * 8 + i];
#pragma unroll
      for (int j = 0; j < 8; j++) y[j] = bs[q][tx * 4 + j % 4 + j / 4 * 64];
#pragma unroll
      for (int i = 0; i < 8; i++)
#pragma unroll
        for (int j = 0; j < 8; j++) acc[i][j] = fmaf(x[i], y[j], acc[i][j]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 8; i++)
#pragma unroll
    for (int j = 0; j < 8; j++)
      c[(row + ty * 8 + i) * n + column + tx * 4 + j % 4 + j / 4 * 64] = acc[i][j];
}
