// LDS by launch: several arrays carved out of one, more than a static one may have, sizes that
// differ from launch to launch, banks with and without conflicts.
#include "check.h"

__global__ void reverse(int* data, int n) {
  extern __shared__ int s[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) s[i] = data[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) data[i] = s[n - 1 - i];
}
// Doubles, then ints, then bytes, in one piece.
__global__ void carve(const int* in, double* a, int* b, uint8_t* c, int n) {
  extern __shared__ double memory[];
  int* ints = reinterpret_cast<int*>(memory + n);
  auto* bytes = reinterpret_cast<uint8_t*>(ints + n);
  const int i = threadIdx.x;
  if (i < n) {
    memory[i] = in[i] * 0.5;
    ints[i] = in[i] * 3;
    bytes[i] = static_cast<uint8_t>(in[i]);
  }
  __syncthreads();
  if (i < n) {
    a[i] = memory[(i + 1) % n];
    b[i] = ints[(i + 2) % n];
    c[i] = bytes[(i + 3) % n];
  }
}
template <int kStride>
__global__ void strided(int* out) {
  __shared__ int s[64 * kStride];
  s[threadIdx.x * kStride] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = s[(63 - threadIdx.x) * kStride];
}
// Structures and vectors of 128 bits.
__global__ void vectors(const float4* in, float4* out) {
  __shared__ float4 s[128];
  s[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  const float4 v = s[threadIdx.x ^ 5];
  out[threadIdx.x] = {v.w, v.z, v.y, v.x};
}

int main() {
  for (const int n : {1, 100, 4096, 16384}) {
    std::vector<int> v(n);
    for (int i = 0; i < n; i++) v[i] = i * 3;
    Buffer<int> data(v);
    reverse<<<1, 256, n * sizeof(int)>>>(data, n);
    const std::vector<int> got = data.get();
    for (int i = 0; i < n; i++) EXPECT_EQ(got[i], (n - 1 - i) * 3);
  }
  Buffer<int> data(std::vector<int>(16));
  reverse<<<1, 64, 65536 + 4>>>(data, 16);
  EXPECT(hipGetLastError() != hipSuccess);

  const int n = 200;
  std::vector<int> v(n);
  for (int i = 0; i < n; i++) v[i] = i + 7;
  Buffer<int> in(v), b(n);
  Buffer<double> a(n);
  Buffer<uint8_t> c(n);
  carve<<<1, 256, n * 13>>>(in, a, b, c, n);
  const std::vector<double> ga = a.get();
  const std::vector<int> gb = b.get();
  const std::vector<uint8_t> gc = c.get();
  for (int i = 0; i < n; i++) {
    EXPECT_EQ(ga[i], v[(i + 1) % n] * 0.5);
    EXPECT_EQ(gb[i], v[(i + 2) % n] * 3);
    EXPECT_EQ(gc[i], static_cast<uint8_t>(v[(i + 3) % n]));
  }
  Buffer<int> out(64);
  for (void (*kernel)(int*) : {strided<1>, strided<2>, strided<32>, strided<33>}) {
    kernel<<<1, 64>>>(out);
    const std::vector<int> got = out.get();
    for (int i = 0; i < 64; i++) EXPECT_EQ(got[i], 63 - i);
  }
  std::vector<float4> w(128);
  for (int i = 0; i < 128; i++) w[i] = {i + 0.0f, i + 0.25f, i + 0.5f, i + 0.75f};
  Buffer<float4> dw(w), dx(128);
  vectors<<<1, 128>>>(dw, dx);
  const std::vector<float4> x = dx.get();
  for (int i = 0; i < 128; i++) {
    const float k = i ^ 5;
    EXPECT(x[i].x == k + 0.75f && x[i].y == k + 0.5f && x[i].z == k + 0.25f && x[i].w == k);
  }
  return result();
}
