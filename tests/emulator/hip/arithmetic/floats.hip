// IEEE arithmetic bit for bit: +, -, *, /, sqrt, fma, conversions, for f32 and f64, denormals and
// specials included.
#include "check.h"

template <typename T>
__global__ void arithmetic(const T* a, const T* b, const T* c, T* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  T* o = out + 8 * i;
  o[0] = a[i] + b[i];
  o[1] = a[i] - b[i];
  o[2] = a[i] * b[i];
  o[3] = a[i] / b[i];
  o[4] = sqrt(fabs(a[i]));
  o[5] = fma(a[i], b[i], c[i]);
  o[6] = fmin(a[i], b[i]);
  o[7] = floor(a[i]) + ceil(b[i]) + trunc(c[i]) + rint(a[i]);
}
template <typename T>
__global__ void convert(const T* in, long long* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  long long* o = out + 5 * i;
  o[0] = static_cast<int>(in[i]);
  o[1] = static_cast<unsigned>(in[i] < 0 ? -in[i] : in[i]);
  o[2] = static_cast<long long>(in[i]);
  o[3] = static_cast<long long>(static_cast<T>(o[2]));
  o[4] = static_cast<short>(in[i] / 65536);
}

template <typename T, typename U>
void check(int exponent_bits) {
  const int n = 20000, fraction = sizeof(T) * 8 - 1 - exponent_bits;
  std::vector<T> v[3] = {std::vector<T>(n), std::vector<T>(n), std::vector<T>(n)};
  for (auto& x : v)
    for (int i = 0; i < n; i++) {
      U bits =
          static_cast<U>((static_cast<unsigned long long>(random_bits()) << 32) | random_bits());
      // Every exponent, and now and then zeros, infinities, denormals.
      if (i % 16 == 0) bits &= ~(((U(1) << exponent_bits) - 1) << fraction);
      if (i % 37 == 0) bits = U(random_bits() & 1) << (sizeof(T) * 8 - 1);
      if (i % 53 == 0) bits = ((U(1) << exponent_bits) - 1) << fraction;
      memcpy(&x[i], &bits, sizeof(T));
    }
  for (int i = 0; i < n;
       i += 3) {  // near one another, so that sums cancel and quotients are ordinary
    v[1][i] = v[0][i] * static_cast<T>(1 + (random_bits() % 1000) * 1e-3);
    v[2][i] = -v[0][i] * v[1][i];
  }
  Buffer<T> a(v[0]), b(v[1]), c(v[2]), out(8 * n);
  arithmetic<T><<<(n + 255) / 256, 256>>>(a, b, c, out, n);
  const std::vector<T> got = out.get();
  int wrong[8] = {};
  for (int i = 0; i < n; i++) {
    const T x = v[0][i], y = v[1][i], z = v[2][i];
    const T expected[8] = {x + y,
                           x - y,
                           x * y,
                           x / y,
                           std::sqrt(std::fabs(x)),
                           std::fma(x, y, z),
                           std::fmin(x, y),
                           std::floor(x) + std::ceil(y) + std::trunc(z) + std::rint(x)};
    for (int k = 0; k < 8; k++) {
      const T g = got[8 * i + k];
      if (std::isnan(expected[k]) ? std::isnan(g) : g == expected[k]) continue;
      if (wrong[k]++ < 3)
        printf("operation %d of %.9g (%a), %.9g (%a), %.9g: %.9g (%a), not %.9g (%a)\n", k,
               double(x), double(x), double(y), double(y), double(z), double(g), double(g),
               double(expected[k]), double(expected[k]));
    }
  }
  for (const int w : wrong) EXPECT_EQ(w, 0);

  std::vector<T> w(n);
  for (int i = 0; i < n; i++)
    w[i] = static_cast<T>(static_cast<int>(random_bits())) / static_cast<T>(1 << (i % 31)) *
           (i % 2 ? 1 : static_cast<T>(0.3));
  Buffer<T> in(w);
  Buffer<long long> integers(5 * n);
  convert<T><<<(n + 255) / 256, 256>>>(in, integers, n);
  const std::vector<long long> ints = integers.get();
  for (int i = 0; i < n; i++) {
    const T x = w[i];
    EXPECT_EQ(ints[5 * i], static_cast<long long>(static_cast<int>(x)));
    EXPECT_EQ(ints[5 * i + 1], static_cast<long long>(static_cast<unsigned>(x < 0 ? -x : x)));
    EXPECT_EQ(ints[5 * i + 2], static_cast<long long>(x));
    EXPECT_EQ(ints[5 * i + 3], static_cast<long long>(static_cast<T>(static_cast<long long>(x))));
    EXPECT_EQ(ints[5 * i + 4], static_cast<long long>(static_cast<short>(x / 65536)));
  }
}

int main() {
  check<float, unsigned>(8);
  check<double, unsigned long long>(11);
  return result();
}
