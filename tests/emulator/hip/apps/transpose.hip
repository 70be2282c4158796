// Matrix transposition four ways, each the same matrix: plainly, through LDS with and without
// padding, by 128-bit vectors, in place.
#include "check.h"

constexpr int kTile = 32, kRows = 8;

__global__ void plain(const float* in, float* out, int w, int h) {
  const int x = blockIdx.x * kTile + threadIdx.x;
  for (int y = blockIdx.y * kTile + threadIdx.y; y < min(h, static_cast<int>(blockIdx.y + 1) * kTile);
       y += kRows)
    if (x < w) out[x * h + y] = in[y * w + x];
}
template <int kPad>
__global__ void tiled(const float* in, float* out, int w, int h) {
  __shared__ float tile[kTile][kTile + kPad];
  const int x = blockIdx.x * kTile + threadIdx.x, y = blockIdx.y * kTile + threadIdx.y;
  for (int j = 0; j < kTile; j += kRows)
    if (x < w && y + j < h) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * w + x];
  __syncthreads();
  const int ox = blockIdx.y * kTile + threadIdx.x, oy = blockIdx.x * kTile + threadIdx.y;
  for (int j = 0; j < kTile; j += kRows)
    if (ox < h && oy + j < w) out[(oy + j) * h + ox] = tile[threadIdx.x][threadIdx.y + j];
}
// 4x4 blocks in registers.
__global__ void vectors(const float4* in, float4* out, int w, int h) {
  const int bx = blockIdx.x * blockDim.x + threadIdx.x, by = blockIdx.y * blockDim.y + threadIdx.y;
  if (bx * 4 >= w || by * 4 >= h) return;
  float4 r[4];
  for (int j = 0; j < 4; j++) r[j] = in[((by * 4 + j) * w + bx * 4) / 4];
  out[((bx * 4 + 0) * h + by * 4) / 4] = {r[0].x, r[1].x, r[2].x, r[3].x};
  out[((bx * 4 + 1) * h + by * 4) / 4] = {r[0].y, r[1].y, r[2].y, r[3].y};
  out[((bx * 4 + 2) * h + by * 4) / 4] = {r[0].z, r[1].z, r[2].z, r[3].z};
  out[((bx * 4 + 3) * h + by * 4) / 4] = {r[0].w, r[1].w, r[2].w, r[3].w};
}
__global__ void in_place(float* data, int n) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= n || y >= x) return;
  const float t = data[y * n + x];
  data[y * n + x] = data[x * n + y];
  data[x * n + y] = t;
}

int main() {
  for (const auto& [w, h] : {std::pair{64, 96}, std::pair{100, 36}, std::pair{4, 200}}) {
    std::vector<float> v(w * h), expected(w * h);
    for (int y = 0; y < h; y++)
      for (int x = 0; x < w; x++) expected[x * h + y] = v[y * w + x] = y * 1000 + x;
    Buffer<float> in(v);
    const dim3 grid((w + kTile - 1) / kTile, (h + kTile - 1) / kTile), block(kTile, kRows);
    Buffer<float> a(w * h), b(w * h), c(w * h), d(w * h);
    plain<<<grid, block>>>(in, a, w, h);
    tiled<0><<<grid, block>>>(in, b, w, h);
    tiled<1><<<grid, block>>>(in, c, w, h);
    vectors<<<dim3((w + 31) / 32, (h + 31) / 32), dim3(8, 8)>>>(
        reinterpret_cast<const float4*>(in.data), reinterpret_cast<float4*>(d.data), w, h);
    for (const Buffer<float>* out : {&a, &b, &c, &d}) EXPECT(out->get() == expected);
  }
  const int n = 77;
  std::vector<float> v(n * n);
  for (int i = 0; i < n * n; i++) v[i] = i;
  Buffer<float> data(v);
  in_place<<<dim3(10, 10), dim3(8, 8)>>>(data, n);
  const std::vector<float> got = data.get();
  for (int y = 0; y < n; y++)
    for (int x = 0; x < n; x++) EXPECT_EQ(got[y * n + x], v[x * n + y]);
  return result();
}
