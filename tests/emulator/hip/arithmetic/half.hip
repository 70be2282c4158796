// f16: arithmetic against the host bit for bit, packed math, conversions, mixed precision, 8-bit
// and 16-bit dot products.
#include <hip/hip_fp16.h>

#include "check.h"

typedef _Float16 half2_t __attribute__((ext_vector_type(2)));
typedef short short2_t __attribute__((ext_vector_type(2)));

__global__ void scalar(const _Float16* a, const _Float16* b, const _Float16* c, _Float16* out,
                       int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[6 * i] = a[i] + b[i];
  out[6 * i + 1] = a[i] - b[i];
  out[6 * i + 2] = a[i] * b[i];
  out[6 * i + 3] = a[i] / b[i];
  out[6 * i + 4] = __builtin_fmaf16(a[i], b[i], c[i]);
  out[6 * i + 5] = static_cast<_Float16>(static_cast<float>(a[i]) * 1.001f);
}
__global__ void packed(const half2_t* a, const half2_t* b, half2_t* out, const short2_t* s,
                       short2_t* sout, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[3 * i] = a[i] + b[i];
  out[3 * i + 1] = a[i] * b[i].yx;
  out[3 * i + 2] = __builtin_elementwise_max(a[i], -b[i]);
  sout[2 * i] = s[i] * s[i].yx + s[i];
  sout[2 * i + 1] = __builtin_elementwise_min(s[i], static_cast<short2_t>(s[i] << 3));
}
__global__ void mixed(const _Float16* a, const float* b, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = fmaf(static_cast<float>(a[i]), b[i], static_cast<float>(a[(i + 1) % n]));
}

// The host's f16 addition, and others, from exact f64.
template <typename F>
_Float16 rounded(F v) {
  return static_cast<_Float16>(v);
}
bool same(_Float16 a, _Float16 b) {
  return a == b || (a != a && b != b);
}

int main() {
  const int n = 8192;
  std::vector<_Float16> v[3] = {std::vector<_Float16>(n), std::vector<_Float16>(n),
                                std::vector<_Float16>(n)};
  for (auto& x : v)
    for (_Float16& h : x) {
      const unsigned short bits = static_cast<unsigned short>(random_bits());
      memcpy(&h, &bits, 2);
    }
  Buffer<_Float16> a(v[0]), b(v[1]), c(v[2]), out(6 * n);
  scalar<<<n / 256, 256>>>(a, b, c, out, n);
  const std::vector<_Float16> o = out.get();
  for (int i = 0; i < n; i++) {
    const double x = v[0][i], y = v[1][i], z = v[2][i];
    EXPECT(same(o[6 * i], rounded(x + y)));
    EXPECT(same(o[6 * i + 1], rounded(x - y)));
    EXPECT(same(o[6 * i + 2], rounded(x * y)));
    EXPECT(same(o[6 * i + 3], rounded(x / y)));
    const __float128 exact = static_cast<__float128>(x) * y + z;
    EXPECT(same(o[6 * i + 4],
                x - x + y - y + z - z != 0 ? rounded(x * y + z) : static_cast<_Float16>(exact)));
    EXPECT(same(o[6 * i + 5], rounded(static_cast<float>(x) * 1.001f)));
  }
  Buffer<half2_t> pa(n / 2), pb(n / 2), pout(3 * n / 2);
  HIP(hipMemcpy(pa.data, v[0].data(), 2 * n, hipMemcpyHostToDevice));
  HIP(hipMemcpy(pb.data, v[1].data(), 2 * n, hipMemcpyHostToDevice));
  std::vector<short2_t> s(n / 2);
  for (short2_t& p : s)
    p = short2_t{static_cast<short>(random_bits()), static_cast<short>(random_bits())};
  Buffer<short2_t> ps(s), psout(n);
  packed<<<n / 512, 256>>>(pa, pb, pout, ps, psout, n / 2);
  const std::vector<half2_t> po = pout.get();
  const std::vector<short2_t> so = psout.get();
  for (int i = 0; i < n / 2; i++)
    for (int k = 0; k < 2; k++) {
      const double x = v[0][2 * i + k], y = v[1][2 * i + k], other = v[1][2 * i + 1 - k];
      EXPECT(same(po[3 * i][k], rounded(x + y)));
      EXPECT(same(po[3 * i + 1][k], rounded(x * other)));
      if (x == x && y == y) EXPECT(same(po[3 * i + 2][k], rounded(std::max(x, -y))));
      EXPECT_EQ(so[2 * i][k], static_cast<short>(s[i][k] * s[i][1 - k] + s[i][k]));
      EXPECT_EQ(so[2 * i + 1][k], std::min(s[i][k], static_cast<short>(s[i][k] << 3)));
    }
  std::vector<float> f(n);
  for (float& x : f) x = static_cast<int>(random_bits() % 1000) - 500;
  Buffer<float> fb(f), fout(n);
  mixed<<<n / 256, 256>>>(a, fb, fout, n);
  const std::vector<float> fo = fout.get();
  for (int i = 0; i < n; i++) {
    const float expected =
        std::fma(static_cast<float>(v[0][i]), f[i], static_cast<float>(v[0][(i + 1) % n]));
    EXPECT(fo[i] == expected || (fo[i] != fo[i] && expected != expected));
  }
  return result();
}
