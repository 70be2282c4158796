// Every operator on every type, every statement: compiled code against the interpreter.
#include <gmock/gmock.h>

#include "tests/backends/support/differential.h"

namespace inlay::test {
namespace {

struct Mode {
  const char* spec;
  int level;
};

// The baseline has no f16, no FMA, no rounding instructions: much is emulated or called there.
constexpr Mode kModes[] = {{"native", 3}, {"x86-64", 0}};

void expect_same(const std::string& text, const std::map<std::string, int64_t>& symbols, Fill fill,
                 bool strided = false) {
  for (const Mode& mode : kModes) {
    DifferentialOptions options;
    options.spec = mode.spec;
    options.optimization_level = mode.level;
    options.fill = fill;
    options.strided = strided;
    EXPECT_EQ(compare_with_interpreter(text, "f", symbols, options), "")
        << "target " << mode.spec << " at O" << mode.level << "\n"
        << text;
  }
}

struct Result {
  std::string expression;
  std::string type;
};

// A function that computes each result from a, b, c: elements of vectors of `type`.
std::string elementwise(const std::string& type, const std::vector<Result>& results) {
  std::string text = "func f(A: " + type + "[N], B: " + type + "[N], C: " + type + "[N]";
  for (size_t i = 0; i < results.size(); ++i) {
    text += ", R" + std::to_string(i) + ": " + results[i].type + "[N]";
  }
  text += ") {\n  for i in 0..N {\n    let a = A[i]\n    let b = B[i]\n    let c = C[i]\n";
  for (size_t i = 0; i < results.size(); ++i) {
    text += "    R" + std::to_string(i) + "[i] = " + results[i].expression + "\n";
  }
  return text + "  }\n}\n";
}

std::string elementwise(const std::string& type, const std::vector<std::string>& expressions,
                        const std::string& result = "") {
  std::vector<Result> results;
  for (const std::string& expression : expressions) {
    results.push_back({expression, result.empty() ? type : result});
  }
  return elementwise(type, results);
}

std::string casts_to_every_type(const std::string& from) {
  std::vector<Result> results;
  for (std::string to : {"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32",
                         "f64", "bool"}) {
    results.push_back({to + "(a)", to});
  }
  return elementwise(from, results);
}

class FloatType : public testing::TestWithParam<const char*> {};
TEST_P(FloatType, Arithmetic) {
  std::string text =
      elementwise(GetParam(), {"a + b", "a - b", "a * b", "a / b", "min(a, b)", "max(a, b)", "-a",
                               "abs(a)", "sqrt(a)", "floor(a)", "ceil(a)", "trunc(a)", "round(a)",
                               "fma(a, b, c)", "a * b + c", "select(a < b, a, c)"});
  expect_same(text, {{"N", 301}}, Fill::Wild);
  expect_same(text, {{"N", 37}}, Fill::Tame);
}
TEST_P(FloatType, Comparisons) {
  expect_same(
      elementwise(GetParam(),
                  {"a < b", "a <= b", "a > b", "a >= b", "a == b", "a != b", "!(a < b)", "bool(a)"},
                  "bool"),
      {{"N", 300}}, Fill::Wild);
}
TEST_P(FloatType, IsCastToEveryType) {
  expect_same(casts_to_every_type(GetParam()), {{"N", 500}}, Fill::Wild);
}
INSTANTIATE_TEST_SUITE_P(Types, FloatType, testing::Values("f16", "bf16", "f32", "f64"),
                         [](const auto& info) { return std::string(info.param); });

class IntType : public testing::TestWithParam<const char*> {};
TEST_P(IntType, Arithmetic) {
  std::string type = GetParam();
  std::string one = "1" + type;
  std::string shift = "(b & " + std::string("7") + type + ")";
  std::vector<std::string> expressions{"a + b",
                                       "a - b",
                                       "a * b",
                                       "-a",
                                       "~a",
                                       "a & b",
                                       "a | b",
                                       "a ^ b",
                                       "min(a, b)",
                                       "max(a, b)",
                                       "a << " + shift,
                                       "a >> " + shift,
                                       "a / (b | " + one + ")",
                                       "a % (b | " + one + ")"};
  for (const char* divisor : {"1", "3", "4", "7", "64", "100"}) {
    expressions.push_back("a / " + (divisor + type));
    expressions.push_back("a % " + (divisor + type));
  }
  if (type[0] == 'i') {
    for (const char* divisor : {"-1", "-3", "-4"}) {
      expressions.push_back("a / (" + (divisor + type) + ")");
      expressions.push_back("a % (" + (divisor + type) + ")");
    }
  }
  expect_same(elementwise(type, expressions), {{"N", 300}}, Fill::Wild);
}
TEST_P(IntType, Comparisons) {
  expect_same(elementwise(GetParam(),
                          {"a < b", "a <= b", "a > b", "a >= b", "a == b", "a != b",
                           "a < b && b < c", "a < b || b < c", "bool(a)"},
                          "bool"),
              {{"N", 300}}, Fill::Wild);
}
TEST_P(IntType, IsCastToEveryType) {
  expect_same(casts_to_every_type(GetParam()), {{"N", 500}}, Fill::Wild);
}
INSTANTIATE_TEST_SUITE_P(Types, IntType,
                         testing::Values("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"),
                         [](const auto& info) { return std::string(info.param); });

TEST(CpuDifferential, Bool) {
  expect_same(
      elementwise("bool", {"a && b", "a || b", "!a", "a == b", "a != b", "select(a, b, c)"}),
      {{"N", 40}}, Fill::Tame);
  expect_same(elementwise("bool", {"i8(a)"}, "i8"), {{"N", 40}}, Fill::Tame);
  expect_same(elementwise("bool", {"f32(a)"}, "f32"), {{"N", 40}}, Fill::Tame);
}

TEST(CpuDifferential, ScalarsOfAllTypes) {
  for (const char* type : {"bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16",
                           "bf16", "f32", "f64"}) {
    std::string text = std::string("func f(s: ") + type + ", t: " + type + ", R: " + type +
                       "[2]) { R[0] = t R[1] = s }";
    expect_same(text, {}, Fill::Wild);
  }
}

TEST(CpuDifferential, MatrixProductOfAnySize) {
  const char* text = R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M {
    for j in 0..N { C[i, j] = 0.0 }
    for k in 0..K { for j in 0..N { C[i, j] += A[i, k] * B[k, j] } }
  }
})";
  for (int64_t m : {0, 1, 5, 17}) {
    for (int64_t n : {0, 1, 33}) expect_same(text, {{"M", m}, {"K", 9}, {"N", n}}, Fill::Tame);
  }
  expect_same(text, {{"M", 3}, {"K", 0}, {"N", 3}}, Fill::Tame);
}

TEST(CpuDifferential, StridedAndExplicitStrides) {
  expect_same(R"(
func f(A: f32[M, N, P] strided, B: f32[M, N, P] strided) {
  for i in 0..M { for j in 0..N { for k in 0..P {
    B[i, j, k] = A[i, j, k] + f32(stride(A, 0)) + f32(stride(A, 1)) + f32(extent(A, 2)) } } }
})",
              {{"M", 3}, {"N", 4}, {"P", 19}}, Fill::Tame, true);
}

TEST(CpuDifferential, GuardedLoadsAndConditions) {
  expect_same(R"(
func f(A: f32[N], R: f32[N], Q: i32[N]) {
  for i in 0..N {
    R[i] = select(i > 0, A[i - 1], 0.0) + select(i + 1 < N, A[i + 1], 0.0)
    if A[i] > 1.0 { Q[i] = 1i32 } else if A[i] > 0.0 { Q[i] = 2i32 } else { Q[i] = i32(i) / 3i32 }
  }
})",
              {{"N", 50}}, Fill::Tame);
}

TEST(CpuDifferential, LoopsThatStartAnywhere) {
  expect_same(R"(
func f(first: index, last: index, R: i64[32]) {
  for i in 0..32 { R[i] = 0 }
  for i in first..last { R[i + 8] += i * 3 }
  for i in first + 2..first { R[0] = 99 }
  for i in 4..4 { R[0] = 98 }
  unrolled for i in -3..5 { R[i + 3] += i }
})",
              {{"first", -5}, {"last", 7}}, Fill::Tame);
}

TEST(CpuDifferential, VectorsRampsAndLanes) {
  expect_same(R"(
func f(A: f32[N], G: f32[N], I: i64[8], R: f32[N], S: f32[N], V: bool[N], W: bool[N]) {
  for i in 0..N { R[i] = 0.0 S[i] = 0.0 W[i] = false }
  let v = A[ramp(0, 1, 8)]
  let w = v * broadcast(2.0, 8) + f32x8(broadcast(3, 8))
  R[ramp(8, 1, 8)] = w
  R[ramp(1, 2, 3)] = A[ramp(20, -1, 3)]
  let places = ramp(3, 2, 8)
  S[places] = select(v < w, v, w)
  S[ramp(30, 1, 8)] = select(v < w, sqrt(abs(v)), w)
  let m = V[ramp(0, 1, 8)]
  W[ramp(4, 1, 8)] = m || v < w
  W[ramp(20, 3, 4)] = V[ramp(2, 5, 4)]
})",
              {{"N", 64}}, Fill::Tame);
}

TEST(CpuDifferential, ParallelLoopsWithWorkspaceAndPrivateBuffers) {
  expect_same(R"(
func f(alpha: f32, A: f32[M, N], R: f32[M, N], E: f32[M]) {
  alloc T: f32[M, N]
  let twice = alpha * 2.0
  parallel for i in 0..M {
    alloc row: f32[N]
    alloc acc: f32[4] in private
    unrolled for j in 0..4 { acc[j] = 0.0 }
    for j in 0..N { row[j] = A[i, j] * twice }
    for j in 0..N { T[i, j] = row[N - 1 - j]  acc[j % 4] += row[j] }
    E[i] = acc[0] + acc[1] + acc[2] + acc[3]
  }
  parallel for i in 0..M { parallel for j in 0..N { R[i, j] = T[i, j] + E[i] + f32(i - j) } }
})",
              {{"M", 23}, {"N", 31}}, Fill::Tame);
}

TEST(CpuDifferential, VectorizedAndUnrolledLoops) {
  expect_same(R"(
func f(A: f32[N, 16], B: f32[16], R: f32[N, 16]) {
  for i in 0..N {
    alloc acc: f32[16] in private align 64
    vectorized for j in 0..16 { acc[j] = A[i, j] }
    unrolled for k in 0..3 {
      vectorized for j in 0..16 {
        alloc t: f32[1] in private
        t[0] = B[j] * f32(k)
        acc[j] += t[0]
      }
    }
    vectorized for j in 0..16 { R[i, j] = acc[j] }
  }
  vectorized for i in 0..N { R[i, 0] = R[i, 0] + 1.0 }
})",
              {{"N", 13}}, Fill::Tame);
}

TEST(CpuDifferential, GridAndLaneLoopsRunAsPlainLoops) {
  expect_same(R"(
func f(A: f32[N], R: f32[N]) {
  grid(x) for b in 0..(N + 7) / 8 {
    alloc S: f32[8] in shared
    lane(x) for t in 0..8 { if b * 8 + t < N { S[t] = A[b * 8 + t]  R[b * 8 + t] = S[t] * 2.0 } }
  }
})",
              {{"N", 45}}, Fill::Tame);
}

TEST(CpuDifferential, AllocationsOfEveryShape) {
  expect_same(R"(
func f(R: i64[4], n: index) {
  alloc scalar: i64[] in private
  alloc none: i64[n - n, 4]
  alloc spaced: i64[4, n] strides [n + 3, 1] align 256
  scalar[] = 5
  for i in 0..4 { for j in 0..n { spaced[i, j] = i * 10 + j } }
  for i in 0..4 { R[i] = spaced[i, n - 1] + scalar[] }
})",
              {{"n", 6}}, Fill::Tame);
}

}  // namespace
}  // namespace inlay::test
