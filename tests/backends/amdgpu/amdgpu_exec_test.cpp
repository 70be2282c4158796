// Compiled for the GPU that the emulator is, run there with all its checks, compared with the
// interpreter.
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/backends/support/differential.h"
#include "tests/backends/support/gpu_runner.h"
#include "tests/backends/support/scheduled_product.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;

// Code that LLVM did not optimize computes with halves of registers that nobody wrote, and shifts
// them out: true, but too fine for the emulator's check.
std::vector<int> levels() {
  return std::getenv("INLAY_EMULATOR_CHECK") ? std::vector<int>{3} : std::vector<int>{3, 0};
}

void expect_same(const std::string& text, const std::map<std::string, int64_t>& symbols,
                 DifferentialOptions options = {}) {
  options.spec = emulated_gpu();
  for (int level : levels()) {
    options.optimization_level = level;
    std::string difference;
    try {
      difference = compare_with_interpreter(text, "f", symbols, options);
    } catch (const CompileError& error) {
      difference = error.what();
    }
    EXPECT_EQ(difference, "") << "at O" << level << "\n" << text;
  }
}

TEST(AmdgpuExec, StagedAndPipelinedProduct) {
  for (const char* more : {"", "pipeline kb"}) {
    std::string program = scheduled_product(more);
    for (const std::map<std::string, int64_t>& sizes :
         {std::map<std::string, int64_t>{{"M", 37}, {"N", 70}, {"K", 19}},
          {{"M", 32}, {"N", 64}, {"K", 16}},
          {{"M", 3}, {"N", 1}, {"K", 0}}}) {
      expect_same(program, sizes);
    }
  }
}

TEST(AmdgpuExec, ElementsOnAGrid) {
  const char* text = R"(
func f(alpha: f32, X: f32[N], Y: f32[N]) {
  grid(x) for b in 0..(N + 63) / 64 {
    lane(x) for t in 0..64 {
      let i = b * 64 + t
      if i < N { Y[i] += alpha * X[i] }
    }
  }
})";
  for (int64_t n : {0, 1, 63, 64, 65, 1000}) expect_same(text, {{"N", n}});
}

TEST(AmdgpuExec, ThreeDimensionsOfGridAndLanes) {
  expect_same(R"(
func f(A: i32[P, Q, R], B: i32[P, Q, R]) {
  grid(z) for z in 0..P {
    grid(y) for y in 0..(Q + 3) / 4 {
      grid(x) for x in 0..(R + 7) / 8 {
        lane(y) for j in 0..4 {
          lane(x) for i in 0..8 {
            if y * 4 + j < Q && x * 8 + i < R {
              B[z, y * 4 + j, x * 8 + i] = A[z, y * 4 + j, x * 8 + i] * 3i32 + i32(z)
            }
          }
        }
      }
    }
  }
})",
              {{"P", 3}, {"Q", 6}, {"R", 13}});
}

TEST(AmdgpuExec, SequentialLaneLoopsSeeEachOther) {
  // Each lane loop is done before the next one begins, also from one iteration to the next.
  expect_same(R"(
func f(X: f32[N], Y: f32[N]) {
  grid(x) for b in 0..N / 256 {
    alloc S: f32[256] in shared
    for r in 0..3 {
      lane(x) for t in 0..256 { S[t] = X[b * 256 + t] + f32(r) }
      lane(x) for t in 0..256 {
        if r == 0 { Y[b * 256 + t] = 0.0 }
        Y[b * 256 + t] += S[255 - t]
      }
    }
  }
})",
              {{"N", 512}});
}

TEST(AmdgpuExec, LaneLoopsOfDifferentShapes) {
  expect_same(R"(
func f(X: f32[N], Y: f32[N], Z: f32[N / 256]) {
  grid(x) for b in 0..N / 256 {
    alloc S: f32[16, 16] in shared
    lane(y) for i in 0..16 { lane(x) for j in 0..16 { S[i, j] = X[b * 256 + i * 16 + j] } }
    Z[b] = S[3, 5]
    lane(x) for j in 0..16 { for i in 0..16 { Y[b * 256 + j * 16 + i] = S[i, j] } }
    lane(y) for i in 0..8 { Y[b * 256 + i] += S[i, i] }
    Z[b] += S[1, 1] + Y[b * 256]
  }
})",
              {{"N", 512}});
}

TEST(AmdgpuExec, ValuesOfTheWorkgroup) {
  // Read by all work-items, then overwritten by lanes: no wavefront may be late with reading.
  expect_same(R"(
func f(X: f32[N], Y: f32[N]) {
  grid(x) for g in 0..N / 256 {
    alloc S: f32[256] in shared
    lane(x) for t in 0..256 { S[t] = X[g * 256 + t] }
    for r in 0..3 {
      let first = S[r]
      lane(x) for t in 0..256 { S[(t + 1) % 256] = first + f32(t) }
    }
    lane(x) for t in 0..256 { Y[g * 256 + t] = S[t] }
  }
})",
              {{"N", 512}});
}

TEST(AmdgpuExec, ReductionWithBarriers) {
  expect_same(R"(
func f(X: f32[N], Y: f32[M]) {
  grid(x) for b in 0..M {
    alloc S: f32[128] in shared
    lane(x) for t in 0..128 {
      S[t] = X[b * 128 + t]
      barrier
      unrolled for k in 0..7 {
        let h = 64 >> k
        if t < h { S[t] += S[t + h] }
        barrier
      }
      if t == 0 { Y[b] = S[0] }
    }
  }
})",
              {{"N", 384}, {"M", 3}});
}

// The shape of a kernel of the field: tiles in LDS, a register block a work-item, guarded edges.
TEST(AmdgpuExec, TiledMatrixProduct) {
  const char* text = R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  grid(y) for by in 0..(M + 31) / 32 {
    grid(x) for bx in 0..(N + 31) / 32 {
      alloc As: f32[8, 32] in shared
      alloc Bs: f32[8, 32] in shared
      lane(y) for ty in 0..8 { lane(x) for tx in 0..8 {
        alloc acc: f32[4, 4] in private
        unrolled for i in 0..4 { unrolled for j in 0..4 { acc[i, j] = 0.0 } }
        for k0 in 0..(K + 7) / 8 {
          unrolled for i in 0..4 {
            let m = by * 32 + i * 8 + ty
            let n = bx * 32 + i * 8 + tx
            let ka = k0 * 8 + tx
            let kb = k0 * 8 + ty
            As[tx, i * 8 + ty] = select(m < M && ka < K, A[min(m, M - 1), min(ka, K - 1)], 0.0)
            Bs[ty, i * 8 + tx] = select(n < N && kb < K, B[min(kb, K - 1), min(n, N - 1)], 0.0)
          }
          barrier
          for k in 0..8 {
            unrolled for i in 0..4 { unrolled for j in 0..4 {
              acc[i, j] += As[k, ty * 4 + i] * Bs[k, tx * 4 + j]
            } }
          }
          barrier
        }
        unrolled for i in 0..4 { unrolled for j in 0..4 {
          let m = by * 32 + ty * 4 + i
          let n = bx * 32 + tx * 4 + j
          if m < M && n < N { C[m, n] = acc[i, j] }
        } }
      } }
    }
  }
})";
  expect_same(text, {{"M", 32}, {"N", 32}, {"K", 16}});
  expect_same(text, {{"M", 37}, {"N", 70}, {"K", 13}});
}

TEST(AmdgpuExec, EveryTypeInEveryMemory) {
  for (const char* type : {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f16", "bf16",
                           "f32", "f64", "bool"}) {
    std::string t = type;
    DifferentialOptions options;
    options.fill = Fill::Wild;
    expect_same("func f(s: " + t + ", A: " + t + "[N], B: " + t + "[N], C: " + t + "[N]) {\n" +
                    "  grid(x) for b in 0..N / 32 {\n    alloc S: " + t +
                    "[32] in shared\n    lane(x) for l in 0..32 {\n      alloc p: " + t +
                    "[4] in private\n      p[l % 4] = A[b * 32 + l]\n      S[31 - l] = p[l % 4]\n"
                    "      barrier\n      B[b * 32 + l] = S[l]\n      C[b * 32 + l] = s\n    }\n"
                    "  }\n}\n",
                {{"N", 64}}, options);
  }
}

TEST(AmdgpuExec, ArithmeticIsTheInterpreters) {
  DifferentialOptions options;
  options.fill = Fill::Wild;
  // All of one type in one kernel, each result in a buffer of its own: R0, R1 ...
  auto check = [&](const std::string& type, const std::vector<std::string>& values) {
    std::string params = "A: " + type + "[N], B: " + type + "[N], C: " + type + "[N]", body;
    for (size_t i = 0; i < values.size(); ++i) {
      params += ", R" + std::to_string(i) + ": " + type + "[N]";
      body += "    R" + std::to_string(i) + "[i] = " + values[i] + "\n";
    }
    expect_same(
        "func f(" + params +
            ") {\n  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {\n"
            "    let i = g * 64 + t\n    let a = A[i]\n    let b = B[i]\n    let c = C[i]\n" +
            body + "  } }\n}\n",
        {{"N", 128}}, options);
  };
  for (const char* type : {"f16", "bf16", "f32", "f64"}) {
    check(type,
          {"a + b * c", "a / b", "sqrt(a)", "min(a, b)", "max(a, b)", "fma(a, b, c)", "floor(a)",
           "ceil(a)", "trunc(a)", "round(a)", "abs(a) - b", "select(a < b, c, -c)"});
  }
  for (const char* type : {"i8", "u16", "i32", "u32", "i64", "u64"}) {
    check(type, {"a * b + c", "a / (b | 1)", "a % (b | 1)", "a / 7", "a % 8",
                 "min(a, b) ^ max(b, c)", "(a & b) | (~c)", "(a >> 3) + (b << 2)"});
  }
}

TEST(AmdgpuExec, Casts) {
  DifferentialOptions options;
  options.fill = Fill::Wild;
  for (const char* from : {"i8", "u32", "i64", "u64", "f16", "bf16", "f32", "f64"}) {
    std::string text = "func f(A: " + std::string(from) + "[N]";
    std::string body;
    int at = 0;
    for (const char* to : {"i8", "u8", "i16", "u32", "i64", "u64", "f16", "bf16", "f32", "f64"}) {
      std::string result = "R" + std::to_string(at++);
      text += ", " + result + ": " + to + "[N]";
      body += "    " + result + "[i] = " + to + "(A[i])\n";
    }
    expect_same(text +
                    ") {\n  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {\n"
                    "    let i = g * 64 + t\n" +
                    body + "  } }\n}\n",
                {{"N", 128}}, options);
  }
}

TEST(AmdgpuExec, VectorsAndGathers) {
  expect_same(R"(
func f(A: f32[N], I: i64[N], B: f32[N], C: f32[N]) {
  grid(x) for b in 0..N / 64 { lane(x) for t in 0..16 {
    let i = b * 64 + t * 4
    B[ramp(i, 1, 4)] = A[ramp(i, 1, 4)] * broadcast(2.0, 4)
    C[ramp(i, 1, 4)] = A[(I[ramp(i, 1, 4)] % broadcast(8, 4) + broadcast(8, 4)) % broadcast(8, 4)]
  } }
})",
              {{"N", 128}});
}

TEST(AmdgpuExec, WithoutGridItStillRuns) {
  const char* text = R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0  for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";
  expect_same(text, {{"M", 5}, {"N", 7}, {"K", 3}});
  expect_same(R"(
func f(A: f32[N], B: f32[N]) {
  let first = A[0]
  alloc t: f32[4] in private
  for i in 0..4 { t[i] = first * f32(i) }
  parallel for i in 0..N { B[i] = A[i] + t[i % 4] }
})",
              {{"N", 9}});
}

TEST(AmdgpuExec, HostCodeBetweenKernels) {
  // Two kernels and workspace between them, in a loop and under a condition of the host's.
  const char* text = R"(
func f(n: i32, X: f32[N], Y: f32[N]) {
  assert N % 64 == 0, "whole workgroups"
  alloc T: f32[N]
  let blocks = N / 64
  for r in 0..index(n) {
    grid(x) for b in 0..blocks { lane(x) for t in 0..64 { T[b * 64 + t] = X[b * 64 + t] * f32(r) } }
    if r == 0 {
      grid(x) for b in 0..blocks { lane(x) for t in 0..64 { Y[b * 64 + t] = 1.0 } }
    }
    grid(x) for b in 0..blocks { lane(x) for t in 0..64 {
      Y[b * 64 + t] += T[(b * 64 + t + 1) % N]
    } }
  }
})";
  expect_same(text, {{"N", 192}, {"n", 3}});
}

TEST(AmdgpuExec, AssertsOfTheHostFail) {
  std::string bytes = compile(R"(
func f(X: f32[N]) {
  assert N % 64 == 0, "whole workgroups"
  grid(x) for b in 0..N / 64 { lane(x) for t in 0..64 { X[b * 64 + t] = 1.0 } }
})",
                              emulated_gpu());
  GpuObject object(bytes);
  Tensor<float> x{{kDLFloat, 32, 1}, {65}, std::vector<float>(65), {1}};
  DLTensor view = x.view();
  EXPECT_THAT(object.call("f", {inlay_tensor(&view)}), HasSubstr("f: whole workgroups"));
  EXPECT_TRUE(object.launches().empty());
}

// What a call of f(X, Y) says, and how many kernels it launched. X is 0, 1, 2 ..., Y zeros.
std::pair<std::string, size_t> asserted(const std::string& body, std::vector<float>* result = {}) {
  GpuObject object(compile("func f(X: f32[N], Y: f32[N]) {" + body + "}", emulated_gpu()));
  Tensor<float> x{{kDLFloat, 32, 1}, {256}, std::vector<float>(256), {1}};
  Tensor<float> y{{kDLFloat, 32, 1}, {256}, std::vector<float>(256), {1}};
  for (size_t i = 0; i < 256; ++i) x.data[i] = static_cast<float>(i);
  DLTensor x_view = x.view(), y_view = y.view();
  std::string said = object.call("f", {inlay_tensor(&x_view), inlay_tensor(&y_view)});
  if (result) *result = y.data;
  // A failed call is no hindrance to the next.
  EXPECT_EQ(object.call("f", {inlay_tensor(&x_view), inlay_tensor(&y_view)}), said);
  return {said, object.launches().size()};
}

TEST(AmdgpuExec, AssertsOfKernelsFail) {
  const std::string second =
      "  grid(x) for b in 0..N / 64 { lane(x) for t in 0..64 { Y[b * 64 + t] += 1.0 } }";
  auto kernel = [](const std::string& statements) {
    return "grid(x) for b in 0..N / 64 { alloc S: f32[64] in shared  lane(x) for t in 0..64 {\n"
           "  let i = b * 64 + t  " +
           statements + "} }";
  };
  // One work-item of all fails: the call does, and no other kernel is launched.
  auto [said, launches] =
      asserted(kernel("assert X[i] != 100.0, \"not a hundred\"  Y[i] = X[i]") + second);
  EXPECT_THAT(said, HasSubstr("f: not a hundred"));
  EXPECT_EQ(launches, 1u);
  // None does.
  std::vector<float> result;
  std::tie(said, launches) =
      asserted(kernel("assert X[i] >= 0.0, \"not negative\"  Y[i] = X[i]") + second, &result);
  EXPECT_EQ(said, "");
  EXPECT_EQ(launches, 2u);
  EXPECT_EQ(result[255], 256.0f);
  // Of several the first in the text.
  EXPECT_THAT(asserted(kernel("assert X[i] < 9.0, \"first\"  assert X[i] < 5.0, \"second\"")).first,
              HasSubstr("f: first"));
  EXPECT_THAT(
      asserted(kernel("assert X[i] < 999.0, \"first\"  assert X[i] < 5.0, \"second\"")).first,
      HasSubstr("f: second"));
}

TEST(AmdgpuExec, AssertsOfKernelsBesideBarriers) {
  // The first wavefront ends, others go on to the barrier, in a loop too; and so do lanes of one
  // wavefront.
  for (const char* condition : {"t >= 64", "t % 3 != 1", "t < 200", "t < 0"}) {
    std::string text =
        "grid(x) for b in 0..1 { alloc S: f32[256] in shared  lane(x) for t in "
        "0..256 { S[t] = X[t] for k in 0..3 { assert k == 0 || " +
        std::string(condition) + ", \"gone\"  barrier  Y[t] += S[(t + 1) % 256]  barrier } } }";
    EXPECT_THAT(asserted(text).first, HasSubstr("f: gone")) << condition;
  }
  // What would be out of bounds behind a failed assert is not reached.
  EXPECT_THAT(asserted("grid(x) for b in 0..4 { lane(x) for t in 0..64 { let at = index(X[b * 64 + "
                       "t]) * 1000000  assert at < N, \"inside\"  Y[at] = 1.0 } }")
                  .first,
              HasSubstr("f: inside"));
}

TEST(AmdgpuExec, AssertsOfWorkgroupsAndOfOneWorkItem) {
  EXPECT_THAT(asserted("grid(x) for b in 0..4 { assert X[b * 64] < 100.0, \"group\"  lane(x) for t "
                       "in 0..64 { Y[b * 64 + t] = 1.0 } }")
                  .first,
              HasSubstr("f: group"));
  EXPECT_THAT(asserted("assert X[3] == 4.0, \"element\"").first, HasSubstr("f: element"));
  EXPECT_EQ(asserted("assert X[3] == 3.0, \"element\"").first, "");
  EXPECT_THAT(
      asserted("for i in 0..N { if X[i] > 3.0 { assert X[i] != 7.0, \"in a loop\" } }").first,
      HasSubstr("f: in a loop"));
}

TEST(AmdgpuExec, StridesAndOffsets) {
  DifferentialOptions options;
  options.strided = true;
  expect_same(R"(
func f(A: f32[M, N] strided, B: f32[M, N] strided) {
  grid(y) for i in 0..M { grid(x) for b in 0..(N + 31) / 32 { lane(x) for t in 0..32 {
    if b * 32 + t < N { B[i, b * 32 + t] = A[M - 1 - i, b * 32 + t] }
  } } }
})",
              {{"M", 5}, {"N", 45}}, options);
}

TEST(AmdgpuExec, MathFunctions) {
  const char* functions[] = {
      "exp(a)",        "exp2(a)",       "expm1(a)",     "log(abs(a))",   "log2(abs(a))",
      "log10(abs(a))", "log1p(abs(a))", "sin(a)",       "cos(a)",        "tan(a)",
      "asin(a / 8)",   "acos(a / 8)",   "atan(a)",      "sinh(a)",       "cosh(a)",
      "tanh(a)",       "erf(a)",        "erfc(a)",      "cbrt(a)",       "pow(abs(a), b)",
      "atan2(a, b)",   "hypot(a, b)",   "sqrt(abs(a))", "rsqrt(abs(a))", "sigmoid(a)"};
  for (std::string type : {"f32", "f64", "f16"}) {
    DifferentialOptions options;
    // Two implementations of which each may be off by 2 (cosh and tan by a little more).
    options.ulps = 6;
    std::string parameters, body;
    int at = 0;
    for (const char* function : functions) {
      std::string result = "R" + std::to_string(at++);
      parameters += ", " + result + ": " + type + "[N]";
      body += "    " + result + "[i] = " + function + "\n";
    }
    expect_same("func f(A: " + type + "[N], B: " + type + "[N]" + parameters +
                    ") {\n  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {\n"
                    "    let i = g * 64 + t\n    let a = A[i]\n    let b = B[i]\n" +
                    body + "  } }\n}\n",
                {{"N", 192}}, options);
  }
}

TEST(AmdgpuExec, SeveralGpusInOneObject) {
  const char* text = R"(
func f(A: i32[N]) {
  grid(x) for b in 0..N / 64 { lane(x) for t in 0..64 { A[b * 64 + t] += i32(b) } }
})";
  CompileOptions options;
  std::vector<CompileUnit> units;
  for (const char* spec : {"gfx9-generic", "gfx906", "gfx900", "gfx906:sramecc+:xnack-"}) {
    units.push_back(lower(text, spec));
  }
  CompileResult result = compile_units(units, options);
  GpuObject object(result.artifacts.at(Artifact::SharedObject));
  std::vector<std::string> order;
  for (uint32_t i = 0; i < object.object().n_gpu_entries; ++i) {
    order.push_back(object.object().gpu_entries[i].target);
  }
  EXPECT_THAT(order,
              testing::ElementsAre("gfx906:sramecc+:xnack-", "gfx906", "gfx900", "gfx9-generic"));
  EXPECT_EQ(object.object().n_variants, 0u);
  Tensor<int32_t> a{{kDLInt, 32, 1}, {128}, std::vector<int32_t>(128), {1}};
  DLTensor view = a.view();
  EXPECT_EQ(object.call("f", {inlay_tensor(&view)}), "");
  EXPECT_EQ(a.data[63], 0);
  EXPECT_EQ(a.data[64], 1);
}

}  // namespace
}  // namespace inlay::test
