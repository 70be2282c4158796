// ocml's f64 functions over a sweep of arguments, against the host in long double. Bounds in units
// of the last place, with room for what OpenCL allows these functions.
#include <functional>

#include "check.h"

#define FUNCTIONS(F)                                                                               \
  F(sin, sinl, 4, -1e5, 1e5)                                                                       \
  F(cos, cosl, 4, -1e5, 1e5) F(tan, tanl, 5, -100, 100) F(asin, asinl, 4, -1, 1) F(                \
      acos, acosl, 4, -1, 1) F(atan, atanl, 5, -1e6, 1e6) F(sinh, sinhl, 4, -700, 700)             \
      F(cosh, coshl, 4, -700, 700) F(tanh, tanhl, 5, -20, 20) F(asinh, asinhl, 4, -1e6, 1e6) F(    \
          acosh, acoshl, 4, 1, 1e6) F(atanh, atanhl, 5, -0.999, 0.999) F(exp, expl, 3, -700, 700)  \
          F(exp2, exp2l, 3, -1000, 1000) F(expm1, expm1l, 3, -20, 700)                             \
              F(log, logl, 3, 1e-300, 1e300) F(log2, log2l, 3, 1e-300, 1e300)                      \
                  F(log10, log10l, 3, 1e-300, 1e300) F(log1p, log1pl, 3, -0.99, 1e10)              \
                      F(sqrt, sqrtl, 1, 0, 1e300) F(rsqrt, rsqrt_, 2, 1e-300, 1e300)               \
                          F(cbrt, cbrtl, 2, -1e300, 1e300) F(erf, erfl, 16, -5, 5)                 \
                              F(erfc, erfcl, 16, -3, 20) F(tgamma, tgammal, 16, 0.1, 150)          \
                                  F(lgamma, lgammal, 16, 3, 1000) F(floor, floorl, 0, -1e15, 1e15) \
                                      F(ceil, ceill, 0, -1e15, 1e15)                               \
                                          F(trunc, truncl, 0, -1e15, 1e15)                         \
                                              F(rint, rintl, 0, -1e15, 1e15)

long double rsqrt_(long double x) {
  return 1 / sqrtl(x);
}

#define KERNEL(f, host, bound, low, high)                            \
  __global__ void device_##f(const double* in, double* out, int n) { \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;             \
    if (i < n) out[i] = f(in[i]);                                    \
  }
FUNCTIONS(KERNEL)
double ulps(double got, long double expected) {
  if (std::isnan(expected)) return std::isnan(got) ? 0 : 1e9;
  const double near = static_cast<double>(expected);
  if (got == near) return 0;
  if (std::isinf(near) || std::isinf(got)) return 1e9;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(near == 0 ? 5e-324 : near), -1022) - 52);
  return static_cast<double>(fabsl(got - expected) / unit);
}

int main() {
  const int n = 20000;
  std::vector<double> x(n);
  Buffer<double> in(n), out(n);
  const auto check = [&](const char* name, void (*kernel)(const double*, double*, int),
                         long double (*host)(long double), double bound, double low, double high) {
    for (int i = 0; i < n; i++) {
      // Evenly spread, or evenly in the exponent for ranges of many magnitudes.
      const double u = (i + 0.37) / n;
      x[i] = low > 0 && high / low > 1e6 ? low * pow(high / low, u) : low + (high - low) * u;
    }
    in.set(x);
    kernel<<<(n + 255) / 256, 256>>>(in, out, n);
    const std::vector<double> got = out.get();
    double worst = 0;
    int at = 0;
    for (int i = 0; i < n; i++) {
      const double u = ulps(got[i], host(x[i]));
      if (u > worst) worst = u, at = i;
    }
    if (worst > bound) {
      printf("%s: %g ulp at %.17g: %.17g, not %.17g\n", name, worst, x[at], got[at],
             static_cast<double>(host(x[at])));
      failures++;
    }
  };
#define CHECK(f, host, bound, low, high) \
  check(#f, device_##f, [](long double v) -> long double { return host(v); }, bound, low, high);
  FUNCTIONS(CHECK)
  return result();
}
