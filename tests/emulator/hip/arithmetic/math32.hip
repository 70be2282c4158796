// ocml's f32 functions over a sweep of arguments, against the host in f64. Bounds in units of the
// last place, with room for what OpenCL allows these functions.
#include <functional>

#include "check.h"

#define FUNCTIONS(F)                                                                              \
  F(sinf, sin, 4, -100, 100)                                                                      \
  F(cosf, cos, 4, -100, 100) F(tanf, tan, 5, -100, 100) F(asinf, asin, 4, -1, 1) F(               \
      acosf, acos, 4, -1, 1) F(atanf, atan, 5, -1e6, 1e6) F(sinhf, sinh, 4, -80, 80)              \
      F(coshf, cosh, 4, -80, 80) F(tanhf, tanh, 5, -20, 20) F(asinhf, asinh, 4, -1e6, 1e6) F(     \
          acoshf, acosh, 4, 1, 1e6) F(atanhf, atanh, 5, -0.999, 0.999) F(expf, exp, 3, -87, 88)   \
          F(exp2f, exp2, 3, -126, 127) F(exp10f, exp10_, 3, -37, 38) F(expm1f, expm1, 3, -20, 80) \
              F(logf, log, 3, 1e-30, 1e30) F(log2f, log2, 3, 1e-30, 1e30)                         \
                  F(log10f, log10, 3, 1e-30, 1e30) F(log1pf, log1p, 3, -0.99, 1e10)               \
                      F(sqrtf, sqrt, 1, 0, 1e30) F(rsqrtf, rsqrt_, 2, 1e-30, 1e30)                \
                          F(cbrtf, cbrt, 2, -1e30, 1e30) F(erff, erf, 16, -4, 4)                  \
                              F(erfcf, erfc, 16, -3, 9) F(tgammaf, tgamma, 16, 0.1, 30) F(        \
                                  lgammaf, lgamma, 16, 3, 1000) F(floorf, floor, 0, -1e6, 1e6)    \
                                  F(ceilf, ceil, 0, -1e6, 1e6) F(truncf, trunc, 0, -1e6, 1e6)     \
                                      F(rintf, rint, 0, -1e6, 1e6) F(roundf, round, 0, -1e6, 1e6) \
                                          F(sinpif, sinpi_, 4, -100, 100)                         \
                                              F(cospif, cospi_, 4, -100, 100)                     \
                                                  F(j0f, j0, 4e5, 0.1, 2) F(j1f, j1, 4e5, 0.1, 3)

double exp10_(double x) {
  return pow(10.0, x);
}
double rsqrt_(double x) {
  return 1 / sqrt(x);
}
double sinpi_(double x) {
  return sin(M_PI * fmod(x, 2));
}
double cospi_(double x) {
  return cos(M_PI * fmod(x, 2));
}

#define KERNEL(f, host, bound, low, high)                          \
  __global__ void device_##f(const float* in, float* out, int n) { \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;           \
    if (i < n) out[i] = f(in[i]);                                  \
  }
FUNCTIONS(KERNEL)
__global__ void powers(const float* a, const float* b, float* p, float* h, float* m, float* t,
                       int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  p[i] = powf(fabsf(a[i]), b[i] * 0.1f);
  h[i] = hypotf(a[i], b[i]);
  m[i] = fmodf(a[i], b[i]);
  t[i] = atan2f(a[i], b[i]);
}

double ulps(float got, double expected) {
  if (std::isnan(expected)) return std::isnan(got) ? 0 : 1e9;
  const float near = static_cast<float>(expected);
  if (got == near) return 0;
  if (std::isinf(near) || std::isinf(got)) return 1e9;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(near == 0 ? 1e-45f : near), -126) - 23);
  return std::fabs(got - expected) / unit;
}

int main() {
  const int n = 20000;
  std::vector<float> x(n);
  Buffer<float> in(n), out(n);
  const auto check = [&](const char* name, void (*kernel)(const float*, float*, int),
                         double (*host)(double), double bound, double low, double high) {
    for (int i = 0; i < n; i++) {
      // Evenly spread, or evenly in the exponent for ranges of many magnitudes.
      const double u = (i + 0.37) / n;
      x[i] = low > 0 && high / low > 1e6 ? low * pow(high / low, u) : low + (high - low) * u;
    }
    in.set(x);
    kernel<<<(n + 255) / 256, 256>>>(in, out, n);
    const std::vector<float> got = out.get();
    double worst = 0;
    int at = 0;
    for (int i = 0; i < n; i++) {
      const double u = ulps(got[i], host(x[i]));
      if (u > worst) worst = u, at = i;
    }
    if (worst > bound) {
      printf("%s: %g ulp at %.9g: %.9g, not %.17g\n", name, worst, x[at], got[at], host(x[at]));
      failures++;
    }
  };
#define CHECK(f, host, bound, low, high) \
  check(#f, device_##f, [](double v) -> double { return host(v); }, bound, low, high);
  FUNCTIONS(CHECK)

  std::vector<float> a(n), b(n);
  for (int i = 0; i < n; i++) {
    a[i] = (static_cast<int>(random_bits() % 200001) - 100000) * 1e-3f;
    b[i] = (static_cast<int>(random_bits() % 200001) - 100000) * 1e-3f;
    if (b[i] == 0) b[i] = 1;
  }
  Buffer<float> da(a), db(b), p(n), h(n), m(n), t(n);
  powers<<<(n + 255) / 256, 256>>>(da, db, p, h, m, t, n);
  const std::vector<float> gp = p.get(), gh = h.get(), gm = m.get(), gt = t.get();
  for (int i = 0; i < n; i++) {
    EXPECT(ulps(gp[i], pow(double(std::fabs(a[i])), double(b[i] * 0.1f))) <= 16);
    EXPECT(ulps(gh[i], hypot(double(a[i]), double(b[i]))) <= 4);
    EXPECT_EQ(gm[i], static_cast<float>(fmod(double(a[i]), double(b[i]))));
    EXPECT(ulps(gt[i], atan2(double(a[i]), double(b[i]))) <= 6);
  }
  return result();
}
