// Math functions over their domains: vectorized loops, explicit vectors, f32 and f64, against libm
// in a wider type. CTest runs it three times: with libmvec, with SLEEF, and with neither; the bound
// is that of docs/LANGUAGE.md in each.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

struct Case {
  const char* call;  // of x, and y
  double low, high;  // the domain swept
  long double (*reference)(long double x, long double y);
};

long double sigmoid(long double x, long double) {
  return 1 / (1 + std::exp(-x));
}

#define UNARY(name) [](long double x, long double) -> long double { return std::name(x); }
#define BINARY(name) [](long double x, long double y) -> long double { return std::name(x, y); }
const Case kCases[] = {
    {"exp(x)", -80, 80, UNARY(exp)},
    {"exp2(x)", -120, 120, UNARY(exp2)},
    {"expm1(x)", -20, 80, UNARY(expm1)},
    {"log(x)", 1e-30, 1e30, UNARY(log)},
    {"log2(x)", 1e-30, 1e30, UNARY(log2)},
    {"log10(x)", 1e-30, 1e30, UNARY(log10)},
    {"log1p(x)", -0.99, 1e10, UNARY(log1p)},
    {"sin(x)", -100, 100, UNARY(sin)},
    {"cos(x)", -100, 100, UNARY(cos)},
    {"tan(x)", -100, 100, UNARY(tan)},
    {"asin(x)", -1, 1, UNARY(asin)},
    {"acos(x)", -1, 1, UNARY(acos)},
    {"atan(x)", -1e4, 1e4, UNARY(atan)},
    {"sinh(x)", -80, 80, UNARY(sinh)},
    {"cosh(x)", -80, 80, UNARY(cosh)},
    {"tanh(x)", -20, 20, UNARY(tanh)},
    {"erf(x)", -6, 6, UNARY(erf)},
    {"erfc(x)", -6, 9, UNARY(erfc)},
    {"cbrt(x)", -1e20, 1e20, UNARY(cbrt)},
    {"sigmoid(x)", -80, 80, sigmoid},
    {"pow(abs(x), y)", -20, 20,
     [](long double x, long double y) { return std::pow(std::fabs(x), y); }},
    {"atan2(x, y)", -20, 20, BINARY(atan2)},
    {"hypot(x, y)", -1e10, 1e10, BINARY(hypot)},
};
#undef UNARY
#undef BINARY

constexpr int64_t kCount = 4099;  // a rest beyond every vector

template <typename T>
struct Numbers {
  std::vector<T> x, y;
  Numbers(double low, double high) : x(kCount), y(kCount) {
    for (int64_t i = 0; i < kCount; ++i) {
      double at = static_cast<double>(i) / (kCount - 1);
      // A wide positive domain is swept by its logarithm.
      x[i] = static_cast<T>(low > 0 && high / low > 1e6 ? low * std::pow(high / low, at)
                                                        : low + (high - low) * at);
      y[i] = static_cast<T>(2.5 - 0.00125 * static_cast<double>(i));
    }
  }
};

// Distance in units of the last place of the result, or of the least normal number.
template <typename T>
double ulps(T result, long double expected) {
  if (std::isnan(expected)) return std::isnan(result) ? 0 : INFINITY;
  if (static_cast<long double>(result) == expected) return 0;
  int exponent = std::max(std::ilogb(expected), std::numeric_limits<T>::min_exponent - 1);
  long double unit = std::scalbn(1.0L, exponent - (std::numeric_limits<T>::digits - 1));
  return static_cast<double>(std::fabs((static_cast<long double>(result) - expected) / unit));
}

template <typename T>
void sweep(const std::string& type, DLDataType dtype, double bound) {
  std::string program;
  int number = 0;
  for (const Case& c : kCases) {
    std::string body = c.call;
    program += "func case" + std::to_string(number++) + "(X: " + type + "[N], Y: " + type +
               "[N], R: " + type +
               "[N]) { for i in 0..N { let x = X[i] let y = Y[i] R[i] = " + body + " } }\n";
  }
  LoadedObject object(compile(program, "native"));
  number = 0;
  for (const Case& c : kCases) {
    Numbers<T> numbers(c.low, c.high);
    Tensor<T> x{dtype, {kCount}, numbers.x}, y{dtype, {kCount}, numbers.y},
        r{dtype, {kCount}, std::vector<T>(kCount)};
    DLTensor xv = x.view(), yv = y.view(), rv = r.view();
    std::string name = "case" + std::to_string(number++);
    ASSERT_EQ(object.call(name.c_str(), {inlay_tensor(&xv), inlay_tensor(&yv), inlay_tensor(&rv)}),
              INLAY_OK)
        << inlay_last_error();
    double worst = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      double error = ulps(r.data[i], c.reference(numbers.x[i], numbers.y[i]));
      if (error > worst) {
        worst = error;
        at = i;
      }
    }
    EXPECT_LE(worst, bound) << c.call << " of " << type << ", x = " << numbers.x[at]
                            << ", y = " << numbers.y[at];
  }
}

TEST(CpuMath, F32WithinTheStatedBound) {
  sweep<float>("f32", {kDLFloat, 32, 1}, 4);
}
TEST(CpuMath, F64WithinTheStatedBound) {
  sweep<double>("f64", {kDLFloat, 64, 1}, 4);
}

TEST(CpuMath, ExplicitVectorsOfAnyLanes) {
  LoadedObject object(compile(R"(
func f(A: f32[48], R: f32[48]) {
  R[ramp(0, 1, 16)] = exp(A[ramp(0, 1, 16)])
  R[ramp(16, 1, 8)] = tanh(A[ramp(16, 1, 8)])
  R[ramp(24, 1, 4)] = log(A[ramp(24, 1, 4)])
  R[ramp(28, 1, 3)] = erf(A[ramp(28, 1, 3)])
  R[ramp(31, 1, 12)] = pow(A[ramp(31, 1, 12)], A[ramp(0, 1, 12)])
  for i in 43..48 { R[i] = sqrt(A[i]) }
})",
                              "native"));
  Tensor<float> a{{kDLFloat, 32, 1}, {48}, std::vector<float>(48)},
      r{{kDLFloat, 32, 1}, {48}, std::vector<float>(48)};
  for (int i = 0; i < 48; ++i) a.data[i] = 0.25f + 0.125f * static_cast<float>(i);
  DLTensor av = a.view(), rv = r.view();
  ASSERT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&rv)}), INLAY_OK)
      << inlay_last_error();
  for (int i = 0; i < 48; ++i) {
    float x = a.data[i];
    float expected = i < 16   ? std::exp(x)
                     : i < 24 ? std::tanh(x)
                     : i < 28 ? std::log(x)
                     : i < 31 ? std::erf(x)
                     : i < 43 ? std::pow(x, a.data[i - 31])
                              : std::sqrt(x);
    EXPECT_FLOAT_EQ(r.data[i], expected) << i;
  }
}

TEST(CpuMath, LoopsCallVectorFunctions) {
  const char* program = "func f(A: f32[N]) { for i in 0..N { A[i] = exp(A[i]) } }";
  auto calls = [&](const char* target, const char* call) {
    return compile(program, target, Artifact::LlvmIr).find(call) != std::string::npos;
  };
  EXPECT_TRUE(calls("x86-64-v3", "call <8 x float> @inlay.vector.expf.x8("));
  EXPECT_TRUE(calls("aarch64", "call <4 x float> @inlay.vector.expf.x4("));
}

// The library that CTest chose for this run is the one that is asked.
TEST(CpuMath, TheLibraryOfTheEnvironmentIsUsed) {
  LoadedObject object(
      compile("func f(A: f32[N]) { for i in 0..N { A[i] = exp(A[i]) } }", "native"));
  Tensor<float> a{{kDLFloat, 32, 1}, {64}, std::vector<float>(64, 1.0f)};
  DLTensor av = a.view();
  ASSERT_EQ(object.call("f", {inlay_tensor(&av)}), INLAY_OK) << inlay_last_error();
  const char* chosen = std::getenv("INLAY_VECTOR_MATH_LIBRARY");
  auto loaded = [](const char* name) {
    void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    if (library != nullptr) dlclose(library);
    return library != nullptr;
  };
  if (chosen == nullptr || *chosen == '\0') {
    EXPECT_TRUE(loaded("libmvec.so.1") || loaded("libsleefgnuabi.so.3"));
  } else if (std::string(chosen) != "none") {
    EXPECT_TRUE(loaded(chosen));
    EXPECT_FALSE(loaded("libmvec.so.1"));
  } else {
    EXPECT_FALSE(loaded("libmvec.so.1") || loaded("libsleefgnuabi.so.3"));
  }
}

}  // namespace
}  // namespace inlay::test
