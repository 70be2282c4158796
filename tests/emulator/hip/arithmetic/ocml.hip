// Every function of one argument of ROCm's math library, and those of two, in f32 and f64, against
// MPFR; bounds and their sources in ocml_bounds.def. The first argument is how many points of each
// function are tried.
#include <mpfr.h>

#include <algorithm>
#include <limits>

#include "check.h"

constexpr mpfr_prec_t kBits = 140;

struct Big {
  mpfr_t v;
  Big() { mpfr_init2(v, kBits); }
  explicit Big(double x) : Big() { mpfr_set_d(v, x, MPFR_RNDN); }
  ~Big() { mpfr_clear(v); }
  Big(const Big&) = delete;
};
using Unary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
using Binary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

int exact_lgamma(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  int sign;
  return mpfr_lgamma(r, &sign, x, m);
}
int exact_logb(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  return mpfr_set_si(r, mpfr_get_exp(x) - 1, m);
}
int exact_rcbrt(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  mpfr_cbrt(r, x, m);
  return mpfr_ui_div(r, 1, r, m);
}
int exact_erfcx(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  Big s;
  mpfr_sqr(s.v, x, m);
  mpfr_exp(s.v, s.v, m);
  mpfr_erfc(r, x, m);
  return mpfr_mul(r, r, s.v, m);
}
int exact_ncdf(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  Big s(0.5);
  mpfr_sqrt(s.v, s.v, m);
  mpfr_mul(s.v, s.v, x, m);
  mpfr_neg(s.v, s.v, m);
  mpfr_erfc(r, s.v, m);
  return mpfr_div_ui(r, r, 2, m);
}
// The inverse of erf by Newton's steps.
int exact_erfinv(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  Big y, e, slope, root;
  // Winitzki's approximation to start from.
  const double t = mpfr_get_d(x, m), l = std::log1p(-t * t), k = 2 / (M_PI * 0.147) + l / 2;
  mpfr_set_d(y.v, std::copysign(std::sqrt(std::sqrt(k * k - l / 0.147) - k), t), m);
  mpfr_const_pi(root.v, m);
  mpfr_sqrt(root.v, root.v, m);
  mpfr_div_ui(root.v, root.v, 2, m);
  for (int n = 0; n < 8; n++) {
    mpfr_erf(e.v, y.v, m);
    mpfr_sub(e.v, e.v, x, m);
    mpfr_sqr(slope.v, y.v, m);
    mpfr_exp(slope.v, slope.v, m);
    mpfr_mul(e.v, e.v, slope.v, m);
    mpfr_mul(e.v, e.v, root.v, m);
    mpfr_sub(y.v, y.v, e.v, m);
  }
  return mpfr_set(r, y.v, m);
}
int exact_erfcinv(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  Big t;
  mpfr_ui_sub(t.v, 1, x, m);
  return exact_erfinv(r, t.v, m);
}
int exact_ncdfinv(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  Big t, two(2);
  mpfr_mul_ui(t.v, x, 2, m);
  mpfr_sub_ui(t.v, t.v, 1, m);
  exact_erfinv(r, t.v, m);
  mpfr_sqrt(two.v, two.v, m);
  return mpfr_mul(r, r, two.v, m);
}
// The modified Bessel functions by their series.
int series(mpfr_ptr r, mpfr_srcptr x, int order, mpfr_rnd_t m) {
  Big half, term(1), square, sum;
  mpfr_div_ui(half.v, x, 2, m);
  mpfr_sqr(square.v, half.v, m);
  if (order == 1) mpfr_set(term.v, half.v, m);
  mpfr_set(sum.v, term.v, m);
  for (int k = 1; k < 120; k++) {
    mpfr_mul(term.v, term.v, square.v, m);
    mpfr_div_ui(term.v, term.v, k * (k + order), m);
    mpfr_add(sum.v, sum.v, term.v, m);
  }
  return mpfr_set(r, sum.v, m);
}
int exact_i0(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  return series(r, x, 0, m);
}
int exact_i1(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m) {
  return series(r, x, 1, m);
}
int exact_copysign(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  return mpfr_copysign(r, x, y, m);
}
int exact_dim(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  return mpfr_dim(r, x, y, m);
}
int exact_max(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  return mpfr_max(r, x, y, m);
}
int exact_min(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  return mpfr_min(r, x, y, m);
}
int exact_pow(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  return mpfr_pow(r, x, y, m);
}
int exact_powr(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  if (mpfr_sgn(x) < 0) {
    mpfr_set_nan(r);
    return 0;
  }
  return mpfr_pow(r, x, y, m);
}
int exact_rhypot(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t m) {
  mpfr_hypot(r, x, y, m);
  return mpfr_ui_div(r, 1, r, m);
}

#define ONE(name, reference, low, high, f32, f64, wl, wh, w32, w64) DECLARE_ONE(name)
#define OWN(name, reference, low, high, f32, f64) DECLARE_ONE(name)
#define DECLARE_ONE(name)                                                           \
  extern "C" __device__ float __ocml_##name##_f32(float);                           \
  extern "C" __device__ double __ocml_##name##_f64(double);                         \
  __global__ void name##_float(const float* x, const float*, float* out, int n) {   \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;                            \
    if (i < n) out[i] = __ocml_##name##_f32(x[i]);                                  \
  }                                                                                 \
  __global__ void name##_double(const double* x, const double*, double* out, int n) { \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;                            \
    if (i < n) out[i] = __ocml_##name##_f64(x[i]);                                  \
  }
#define TWO(name, reference, low, high, low2, high2, f32, f64, w32, w64)            \
  extern "C" __device__ float __ocml_##name##_f32(float, float);                    \
  extern "C" __device__ double __ocml_##name##_f64(double, double);                 \
  __global__ void name##_float(const float* x, const float* y, float* out, int n) { \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;                            \
    if (i < n) out[i] = __ocml_##name##_f32(x[i], y[i]);                            \
  }                                                                                 \
  __global__ void name##_double(const double* x, const double* y, double* out, int n) { \
    const int i = blockIdx.x * blockDim.x + threadIdx.x;                            \
    if (i < n) out[i] = __ocml_##name##_f64(x[i], y[i]);                            \
  }
#include "arithmetic/ocml_bounds.def"
#undef ONE
#undef TWO
#undef OWN

template <typename T>
double ulp_of(mpfr_srcptr exact, bool of_one) {
  if (mpfr_zero_p(exact)) return std::numeric_limits<T>::denorm_min();
  long e = mpfr_get_exp(exact) - 1;
  if (of_one && e < 0) e = 0;
  e = std::max<long>(e, std::numeric_limits<T>::min_exponent - 1);
  return std::ldexp(1.0, static_cast<int>(e) - std::numeric_limits<T>::digits + 1);
}
template <typename T>
T rounded(mpfr_srcptr exact) {
  return sizeof(T) == 4 ? static_cast<T>(mpfr_get_flt(exact, MPFR_RNDN))
                        : static_cast<T>(mpfr_get_d(exact, MPFR_RNDN));
}
// How many numbers lie between.
template <typename T>
double steps(T a, T b) {
  using I = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  const auto ordered = [](T v) {
    I i;
    memcpy(&i, &v, sizeof(i));
    return i < 0 ? std::numeric_limits<I>::min() - i : i;
  };
  if (a == b) return 0;
  if (std::isnan(a) || std::isnan(b)) return INFINITY;
  return std::fabs(static_cast<double>(ordered(a)) - static_cast<double>(ordered(b)));
}

// Half of the points are spread evenly, half evenly over the exponents.
template <typename T>
T point(int i, int n, double low, double high) {
  const double u = (i / 2 + 0.5) / (n / 2 + 1);
  if (i % 2 == 0) return static_cast<T>(low + (high - low) * u);
  const double small = std::max(1e-30, low > 0 ? low : 0), least = low > 0 ? small : 1e-12;
  const bool negative = low < 0 && (i / 2) % 2 == 0;
  const double most = negative ? -low : high;
  if (most <= least) return static_cast<T>(low + (high - low) * u);
  const double magnitude = least * std::pow(most / least, u);
  const double x = negative ? -magnitude : magnitude;
  return static_cast<T>(std::min(high, std::max(low, x)));
}

struct Worst {
  double ulps = 0, x = 0, y = 0, got = 0, exact = 0;
};

// ABSOLUTE: the difference in steps where the absolute error is largest; else the largest error in
// units of the last place.
template <typename T>
Worst measure(void (*kernel)(const T*, const T*, T*, int), Unary one, Binary two,
              const std::vector<T>& x, const std::vector<T>& y, bool absolute, bool of_one) {
  const int n = static_cast<int>(x.size());
  Buffer<T> dx(x), dy(y), out(n);
  kernel<<<(n + 255) / 256, 256>>>(dx, dy, out, n);
  const std::vector<T> got = out.get();
  Worst worst;
  double largest = -1;
  Big a, b, exact, error;
  for (int i = 0; i < n; i++) {
    mpfr_set_d(a.v, x[i], MPFR_RNDN);
    mpfr_set_d(b.v, y[i], MPFR_RNDN);
    if (two != nullptr)
      two(exact.v, a.v, b.v, MPFR_RNDN);
    else
      one(exact.v, a.v, MPFR_RNDN);
    const T near = rounded<T>(exact.v);
    double ulps = 0, distance = 0;
    if (std::isnan(near) || std::isinf(near) || std::isnan(got[i]) || std::isinf(got[i])) {
      // Where the exact value is beyond the largest number, the largest is near enough.
      const bool same = (std::isnan(near) && std::isnan(got[i])) || near == got[i] ||
                        steps(near, got[i]) <= 16;
      ulps = same ? 0 : INFINITY;
      distance = ulps;
    } else if (near != got[i]) {
      mpfr_set_d(error.v, got[i], MPFR_RNDN);
      mpfr_sub(error.v, error.v, exact.v, MPFR_RNDN);
      distance = std::fabs(mpfr_get_d(error.v, MPFR_RNDN));
      ulps = distance / ulp_of<T>(exact.v, of_one);
    }
    if (absolute ? distance > largest : ulps > worst.ulps) {
      largest = distance;
      worst = {absolute && std::isfinite(distance) ? steps(near, got[i]) : ulps, double(x[i]),
               double(y[i]), double(got[i]), mpfr_get_d(exact.v, MPFR_RNDN)};
    }
  }
  return worst;
}

template <typename T>
void hold(const char* name, const char* what, const Worst& w, double bound, bool two) {
  const bool bad = !(w.ulps <= bound);
  if (!bad && getenv("OCML_REPORT") == nullptr) return;
  printf("%s, %s, %s: %g ulp (bound %g) at %.17g", name, sizeof(T) == 4 ? "f32" : "f64", what,
         w.ulps, bound, w.x);
  if (two) printf(", %.17g", w.y);
  printf(": %.17g, not %.17g\n", w.got, w.exact);
  failures += bad;
}

int points = 600;

template <typename T>
void one(const char* name, void (*kernel)(const T*, const T*, T*, int), Unary exact, double low,
         double high, double bound, double wide_low, double wide_high, double wide) {
  std::vector<T> x(points);
  if (bound >= 0) {
    for (int i = 0; i < points; i++) x[i] = point<T>(i, points, low, high);
    hold<T>(name, "documented range", measure<T>(kernel, exact, nullptr, x, x, true, false), bound,
            false);
  }
  if (wide < 0) return;
  for (int i = 0; i < points; i++) x[i] = point<T>(i, points, wide_low, wide_high);
  hold<T>(name, "wide range", measure<T>(kernel, exact, nullptr, x, x, false, false), wide, false);
}
template <typename T>
void two(const char* name, void (*kernel)(const T*, const T*, T*, int), Binary exact, double low,
         double high, double low2, double high2, double bound, double wide) {
  const int side = std::max(2, static_cast<int>(std::sqrt(points)));
  std::vector<T> x, y;
  for (const double by : {1.0, 1000.0}) {
    if ((by == 1 ? bound : wide) < 0) continue;
    x.clear();
    y.clear();
    // Powers overflow on wide ranges; their exponents stay.
    const double by2 = exact == exact_pow || exact == exact_powr ? 1 : by;
    for (int i = 0; i < side; i++)
      for (int j = 0; j < side; j++) {
        x.push_back(point<T>(i, side, low * (low > 0 ? 1 / by : by), high * by));
        y.push_back(point<T>(j, side, low2 * by2, high2 * by2));
      }
    hold<T>(name, by == 1 ? "documented range" : "wide range",
            measure<T>(kernel, nullptr, exact, x, y, by == 1, false), by == 1 ? bound : wide, true);
  }
}
template <typename T>
void own(const char* name, void (*kernel)(const T*, const T*, T*, int), Unary exact, double low,
         double high, double bound) {
  std::vector<T> x(points);
  for (int i = 0; i < points; i++) x[i] = point<T>(i, points, low, high);
  hold<T>(name, "own bound", measure<T>(kernel, exact, nullptr, x, x, false, true), bound, false);
}

int main(int argc, char** argv) {
  if (argc > 1) points = atoi(argv[1]);
#define ONE(name, reference, low, high, f32, f64, wl, wh, w32, w64)              \
  one<float>(#name, name##_float, reference, low, high, f32, wl, wh, w32);       \
  one<double>(#name, name##_double, reference, low, high, f64, wl, wh, w64);
#define TWO(name, reference, low, high, low2, high2, f32, f64, w32, w64)               \
  two<float>(#name, name##_float, reference, low, high, low2, high2, f32, w32);        \
  two<double>(#name, name##_double, reference, low, high, low2, high2, f64, w64);
#define OWN(name, reference, low, high, f32, f64)                 \
  own<float>(#name, name##_float, reference, low, high, f32);     \
  own<double>(#name, name##_double, reference, low, high, f64);
#include "arithmetic/ocml_bounds.def"
  mpfr_free_cache();
  return result();
}
