// gfx906's dot products, and packed halves: matrix times vector in f16 with f32 sums, quantized
// in 8 and 4 bits.
#include <hip/hip_fp16.h>

#include "check.h"

typedef _Float16 Half2 __attribute__((ext_vector_type(2)));

__global__ void gemv_f16(const Half2* a, const Half2* x, float* y, int pairs) {
  const int row = blockIdx.x, lane = threadIdx.x;
  float sum = 0;
  for (int k = lane; k < pairs; k += 64)
    sum = __builtin_amdgcn_fdot2(a[row * pairs + k], x[k], sum, false);
  for (int d = 32; d > 0; d /= 2) sum += __shfl_down(sum, d);
  if (lane == 0) y[row] = sum;
}
__global__ void dots(const int* a, const int* b, int* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i * 6 + 0] = __builtin_amdgcn_sdot4(a[i], b[i], i, false);
  out[i * 6 + 1] = static_cast<int>(__builtin_amdgcn_udot4(a[i], b[i], i, false));
  out[i * 6 + 2] = __builtin_amdgcn_sdot8(a[i], b[i], i, false);
  out[i * 6 + 3] = static_cast<int>(__builtin_amdgcn_udot8(a[i], b[i], i, false));
  typedef short Short2 __attribute__((ext_vector_type(2)));
  typedef unsigned short UShort2 __attribute__((ext_vector_type(2)));
  out[i * 6 + 4] = __builtin_amdgcn_sdot2(__builtin_bit_cast(Short2, a[i]),
                                          __builtin_bit_cast(Short2, b[i]), i, false);
  out[i * 6 + 5] = static_cast<int>(__builtin_amdgcn_udot2(
      __builtin_bit_cast(UShort2, a[i]), __builtin_bit_cast(UShort2, b[i]), i, false));
}
__global__ void saturate(int* out) {
  out[0] = __builtin_amdgcn_sdot4(0x7f7f7f7f, 0x7f7f7f7f, 0x7fffff00, true);
  out[1] = __builtin_amdgcn_sdot4(0x7f7f7f7f, static_cast<int>(0x80808080), -0x7fffff00, true);
}
__global__ void axpy(const __half2* x, __half2* y, float a, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = __hfma2(__float2half2_rn(a), x[i], y[i]);
}

int main() {
  const int rows = 20, columns = 300;
  std::vector<Half2> a(rows * columns / 2), x(columns / 2);
  for (Half2& h : a) h = Half2{_Float16(int(random_bits() % 17) - 8), _Float16(int(random_bits() % 17) - 8)};
  for (Half2& h : x) h = Half2{_Float16(int(random_bits() % 9) - 4), _Float16(int(random_bits() % 9) - 4)};
  Buffer<Half2> da(a), dx(x);
  Buffer<float> dy(rows);
  gemv_f16<<<rows, 64>>>(da, dx, dy, columns / 2);
  const std::vector<float> y = dy.get();
  for (int r = 0; r < rows; r++) {
    int sum = 0;
    for (int k = 0; k < columns / 2; k++)
      sum += int(a[r * columns / 2 + k].x) * int(x[k].x) + int(a[r * columns / 2 + k].y) * int(x[k].y);
    EXPECT_EQ(y[r], sum);
  }

  const int n = 500;
  std::vector<int> u(n), v(n);
  for (int i = 0; i < n; i++) {
    u[i] = static_cast<int>(random_bits() ^ random_bits() << 11);
    v[i] = static_cast<int>(random_bits() ^ random_bits() << 11);
  }
  Buffer<int> du(u), dv(v), out(n * 6);
  dots<<<(n + 63) / 64, 64>>>(du, dv, out, n);
  const std::vector<int> got = out.get();
  for (int i = 0; i < n; i++) {
    // Parts of BITS bits, signed or not.
    const auto dot = [&](int bits, bool sign) {
      int64_t sum = i;
      for (int at = 0; at < 32; at += bits) {
        const auto part = [&](int w) {
          const int64_t p = static_cast<uint32_t>(w) >> at & ((1u << bits) - 1);
          return sign && p >> (bits - 1) ? p - (int64_t{1} << bits) : p;
        };
        sum += part(u[i]) * part(v[i]);
      }
      return static_cast<int>(sum);
    };
    const int expected[] = {dot(8, true), dot(8, false), dot(4, true),
                            dot(4, false), dot(16, true), dot(16, false)};
    for (int k = 0; k < 6; k++) EXPECT_EQ(got[i * 6 + k], expected[k]);
  }
  saturate<<<1, 1>>>(out);
  EXPECT_EQ(out.get()[0], 0x7fffffff);
  EXPECT_EQ(out.get()[1], static_cast<int>(0x80000000));

  std::vector<__half2> p(256), q(256);
  for (int i = 0; i < 256; i++) {
    p[i] = __floats2half2_rn(i, -i);
    q[i] = __floats2half2_rn(1, 2);
  }
  Buffer<__half2> dp(p), dq(q);
  axpy<<<4, 64>>>(dp, dq, 0.5f, 256);
  q = dq.get();
  for (int i = 0; i < 256; i++) {
    EXPECT_EQ(__low2float(q[i]), 1 + 0.5f * i);
    EXPECT_EQ(__high2float(q[i]), 2 - 0.5f * i);
  }
  return result();
}
