// The conformance check of micro-kernels, tried on micro-kernels with a known fault each: it has to
// find every one, and to say where. And on right ones, which it must not blame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <inlay/runtime.h>

#include <cmath>

#include "core/text/text.h"
#include "tools/conform/cases.h"
#include "tools/conform/conform.h"
#include "tools/conform/floats.h"

namespace inlay::conform {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

PluginRegistry& plugins() {
  static PluginRegistry registry;
  return registry;
}

RowReport check(const std::string& text) {
  ParseResult parsed = parse_program(text, "conform_test.inlay");
  EXPECT_TRUE(parsed.diagnostics.all().empty()) << render(parsed.diagnostics.all());
  std::vector<Row> rows = rows_of(parsed.program);
  Options options;
  options.exec = INLAY_EXEC;
  options.most_sizes = 60;
  return check_row(parsed.program, rows.at(0), plugins(), options);
}

std::string all_failures(const RowReport& report) {
  std::string text;
  for (const std::string& failure : report.failures) text += failure + "\n";
  return text;
}

// A tile of a matrix product, `body` in C for any CPU.
std::string tile(const std::string& body) {
  return R"(
intrin tile<mr, nr>(k: index, a: f32[k, mr], b: f32[k, nr], c: f32[mr, nr] strided) {
  for p in 0..k { for i in 0..mr { for j in 0..nr { c[i, j] += a[p, i] * b[p, j] } } }
}
implement tile<3, 4> for any {
  import c inline """
#include <stdint.h>
void uk_tile(int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
)" + body +
         R"(
}
"""
  call uk_tile(k, a, b, c, stride(c, 0))
}
)";
}

const char* const kRight = R"(
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a[p * 3 + i] * b[p * 4 + j];
      c[i * ldc + j] += sum;
    }
)";

TEST(Conform, RightMicroKernelPasses) {
  RowReport report = check(tile(kRight));
  EXPECT_TRUE(report.ok()) << render(report);
  EXPECT_TRUE(report.ran) << render(report);
  EXPECT_EQ(report.name, "tile<3, 4> for any");
  EXPECT_EQ(report.sizes, "k 0..257");
  EXPECT_GT(report.cases, 80u);
  EXPECT_GT(report.worst, 0);
  EXPECT_LT(report.worst, 0.5);
}

struct Fault {
  const char* name;
  const char* body;
  const char* words;  ///< regular expression that one of the failures matches
};

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, AreFound) {
  RowReport report = check(tile(GetParam().body));
  ASSERT_TRUE(report.ran) << render(report);
  EXPECT_FALSE(report.ok()) << render(report);
  EXPECT_THAT(all_failures(report), ContainsRegex(GetParam().words));
}

const Fault kFaults[] = {
    {"LastStepForgotten", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p + 1 < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
)",
     "c\\[.*\\] is .*, expected "},
    {"OddStepForgotten", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < (k & ~(int64_t)1); ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
)",
     "k=1, .* expected"},
    {"AtLeastOneStep", R"(
  int64_t p = 0;
  do {
    for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
      c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  } while (++p < k);
)",
     "k=0, .*touched [ab], "},
    {"ReadsPastTheEndOfB", R"(
  float extra = 0;
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  extra = *(const volatile float*)(b + k * 4);
  (void)extra;
)",
     "signal 11.*: it touched b, 0 bytes past its last element"},
    {"ReadsBeforeA", R"(
  float extra = *(const volatile float*)(a - 1);
  (void)extra;
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
)",
     "it touched a, 4 bytes before its first element"},
    {"WritesPastTheRow", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 5; ++j) {
    if (j == 4) { if (ldc > 4 && i < 2) c[i * ldc + 4] = 0; continue; }
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  }
)",
     "a gap between the rows of c, .*was written 4 elements from its start"},
    {"WritesBehindC", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  if (((uintptr_t)c & 4095) == 0) c[2 * ldc + 4] = 1;
)",
     "it wrote outside of c, at byte"},
    {"WritesItsInput", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  if (k) ((float*)b)[0] = 0.5f;
)",
     "b, which it must not change"},
    {"TakesTheStrideForTight", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * 4 + j] += a[p * 3 + i] * b[p * 4 + j];
)",
     "c.stride0=(5|11|20|65|1004), "},
    {"SkipsZeros", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p)
      if (a[p * 3 + i] != 0) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
)",
     "one (NaN|infinity).* expected nan"},
    {"FlushesDenormals", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j) {
    float sum = c[i * ldc + j];
    for (int64_t p = 0; p < k; ++p) {
      float term = a[p * 3 + i] * b[p * 4 + j];
      if (term < 1.17549435e-38f && term > -1.17549435e-38f) term = 0;
      sum += term;
    }
    c[i * ldc + j] = sum;
  }
)",
     "denormal numbers, .* expected"},
    {"SumsInHalfPrecision", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p)
      c[i * ldc + j] += a[p * 3 + i] * (float)(_Float16)b[p * 4 + j];
)",
     "off by .*, allowed"},
    {"ClampsInfinities", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j) {
    float sum = c[i * ldc + j];
    for (int64_t p = 0; p < k; ++p) sum += a[p * 3 + i] * b[p * 4 + j];
    c[i * ldc + j] = sum > 3e38f ? 3e38f : sum;
  }
)",
     "expected (inf|.*it overflows)"},
    {"TakesWholeRowsForAligned", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  if ((uintptr_t)b & 15) __builtin_trap();
)",
     "aligned to no more than is promised: stopped by signal"},
    {"Traps", R"(
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
  if (k == 17) __builtin_trap();
)",
     "k=17, .*stopped by signal"},
};

INSTANTIATE_TEST_SUITE_P(, Faults, testing::ValuesIn(kFaults),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Conform, UnpromisedAlignmentIsNotGiven) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "aligned loads that fault are x86-64's";
#endif
  const std::string text = R"(
intrin add8(a: f32[8]ALIGN, c: f32[8]ALIGN) { for i in 0..8 { c[i] += a[i] } }
implement add8 for x86_64 {
  import c inline """
#include <immintrin.h>
void uk_add8(const float* a, float* c) {
  for (int i = 0; i < 8; i += 4)
    __asm__ volatile("movaps %1, %%xmm0\n\taddps %0, %%xmm0\n\tmovaps %%xmm0, %0"
                     : "+m"(*(__m128*)(c + i)) : "m"(*(const __m128*)(a + i)) : "xmm0");
}
"""
  call uk_add8(a, c)
}
)";
  auto with = [&](const std::string& words) {
    std::string result = text;
    for (size_t at; (at = result.find("ALIGN")) != std::string::npos;) result.replace(at, 5, words);
    return check(result);
  };
  RowReport promised = with(" align 16");
  EXPECT_TRUE(promised.ok()) << render(promised);
  // 8 floats end at a page: aligned to 32 all the same. One more makes the difference visible.
  RowReport odd = check(R"(
intrin add5(a: f32[5], c: f32[5]) { for i in 0..5 { c[i] += a[i] } }
implement add5 for x86_64 {
  import c inline """
#include <immintrin.h>
void uk_add5(const float* a, float* c) {
  __asm__ volatile("movaps %1, %%xmm0\n\taddps %0, %%xmm0\n\tmovaps %%xmm0, %0"
                   : "+m"(*(__m128*)c) : "m"(*(const __m128*)a) : "xmm0");
  c[4] += a[4];
}
"""
  call uk_add5(a, c)
}
)");
  EXPECT_FALSE(odd.ok()) << render(odd);
  EXPECT_THAT(all_failures(odd), HasSubstr("stopped by signal 11"));
}

// Index arguments with bounds that only the meaning knows: it is asked, and no more is tried.
TEST(Conform, SizesKeepWithinTheMeaning) {
  const std::string text = R"(
intrin part<mr, nr>(m: index, n: index, k: index, a: f32[k, mr], b: f32[k, nr], c: f32[m, n] strided) {
  for p in 0..k { for i in 0..m { for j in 0..n { c[i, j] += a[p, i] * b[p, j] } } }
}
implement part<3, 5> for any {
  import c inline """
#include <stdint.h>
void uk_part(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < COLUMNS; ++j)
      for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 5 + j];
}
"""
  call uk_part(m, n, k, a, b, c, stride(c, 0))
}
)";
  auto with = [&](const std::string& columns) {
    std::string result = text;
    return check(result.replace(result.find("COLUMNS"), 7, columns));
  };
  RowReport right = with("n");
  EXPECT_TRUE(right.ok()) << render(right);
  EXPECT_EQ(right.sizes, "k 0..257, m 0..3, n 0..5");
  RowReport wrong = with("(n > 4 ? 4 : n)");
  EXPECT_FALSE(wrong.ok()) << render(wrong);
  EXPECT_THAT(all_failures(wrong), HasSubstr("n=5, "));
  EXPECT_THAT(all_failures(wrong), testing::Not(HasSubstr("n=4, ")));
}

TEST(Conform, AssertsBoundSizes) {
  RowReport report = check(R"(
intrin some<most>(n: index, a: f32[most], c: f32[most]) {
  assert n >= 1, "n is 1 at least"
  assert n <= most, "n is at most that"
  for i in 0..n { c[i] = a[i] * 2.0 }
}
implement some<6> for any {
  import c inline """
void uk_some(long n, const float* a, float* c) { for (long i = 0; i < n; ++i) c[i] = a[i] + a[i]; }
"""
  call uk_some(n, a, c)
}
)");
  EXPECT_TRUE(report.ok()) << render(report);
  EXPECT_EQ(report.sizes, "n 1..6");
}

TEST(Conform, OtherTypes) {
  const char* const dot = R"(
intrin dot<n>(k: index, a: TYPE[k, 4], b: i8[k, 4], c: i32[n]) {
  for p in 0..k { for j in 0..n { for q in 0..4 { c[j] += i32(a[p, q]) * i32(b[p, q]) } } }
}
implement dot<2> for any {
  import c inline """
#include <stdint.h>
void uk_dot(int64_t k, const CTYPE* a, const int8_t* b, int32_t* c) {
  for (int64_t p = 0; p < k; ++p)
    for (int j = 0; j < 2; ++j)
      for (int q = 0; q < 4; ++q) c[j] += a[p * 4 + q] * b[p * 4 + q];
}
"""
  call uk_dot(k, a, b, c)
}
)";
  auto with = [&](const std::string& type, const std::string& c_type) {
    std::string text = dot;
    text.replace(text.find("TYPE"), 4, type);
    return check(text.replace(text.find("CTYPE"), 5, c_type));
  };
  RowReport right = with("u8", "uint8_t"), wrong = with("u8", "int8_t");
  EXPECT_TRUE(right.ok()) << render(right);
  EXPECT_FALSE(wrong.ok()) << render(wrong);
  EXPECT_THAT(all_failures(wrong), ContainsRegex("c\\[[01]\\] is -?[0-9]+, expected -?[0-9]+"));
}

TEST(Conform, UnboundedMeaningsAreComparedWithTheInterpreter) {
  const char* const text = R"(
intrin invert(a: f32[N], c: f32[N]) { for i in 0..N { c[i] = 1.0 / a[i] } }
implement invert for any {
  import c inline """
void uk_invert(long n, const float* a, float* c) { for (long i = 0; i < n; ++i) c[i] = VALUE; }
"""
  call uk_invert(extent(c, 0), a, c)
}
)";
  auto with = [&](const std::string& value) {
    std::string result = text;
    return check(result.replace(result.find("VALUE"), 5, value));
  };
  RowReport right = with("1 / a[i]"), wrong = with("1 / a[i] * 1.001f");
  EXPECT_TRUE(right.ok()) << render(right);
  EXPECT_EQ(right.unbounded, "a division");
  EXPECT_FALSE(wrong.ok()) << render(wrong);
}

TEST(Conform, AMeaningThatNeverRunsIsSaid) {
  RowReport report = check(R"(
intrin never(a: f32[4]) { for i in 0..5 { a[i] = 0.0 } }
implement never for any {
  import c inline """
void uk_never(float* a) { a[0] = 0; }
"""
  call uk_never(a)
}
)");
  EXPECT_FALSE(report.ran);
  EXPECT_THAT(all_failures(report), HasSubstr("the meaning runs for no sizes"));
}

TEST(Conform, OtherArchitecturesAreSaidToBeNotRun) {
  // Whichever this machine is not.
#if defined(__aarch64__)
  const char *arch = "x86_64", *said = "it is for x86-64";
#else
  const char *arch = "aarch64", *said = "it is for AArch64";
#endif
  std::string text = tile(kRight);
  text.replace(text.find("for any"), 7, std::string("for ") + arch);
  RowReport report = check(text);
  EXPECT_TRUE(report.ok()) << render(report);
  EXPECT_FALSE(report.ran);
  EXPECT_THAT(report.not_run, HasSubstr(said));
  EXPECT_THAT(render(report), HasSubstr(": not run\n"));
  text.replace(text.find(std::string("for ") + arch), 4 + std::string(arch).size(), "for pdp11");
  EXPECT_THAT(check(text).not_run, HasSubstr("no backend here compiles for pdp11"));
  text.replace(text.find("for pdp11"), 9, "for amdgpu(gfx9)");
  EXPECT_THAT(check(text).not_run, HasSubstr("code for a GPU is called by kernels"));
}

TEST(Conform, CodeIsInspected) {
  CodeReport report = inspect(
      "\t.text\n"
      "inlay.fn.conform:                # @inlay.fn.conform\n"
      "# %bb.0:\n"
      "\tvmovups\t%zmm4, 64(%rsp)  # 64-byte Spill\n"
      "\tcallq\tinlay.import.0.edge\n"
      "\tcallq\tmemcpy@PLT\n"
      ".LBB0_1:                         # %loop\n"
      "                                 # =>This Inner Loop Header: Depth=1\n"
      "\tvfmadd231ps\t%zmm1, %zmm2, %zmm3  # zmm3\n"
      "\tvfmadd231ss\t%xmm1, %xmm2, %xmm3\n"
      "\tvfnmadd132pd\t64(%rsp), %zmm2, %zmm3  # 64-byte Folded Reload\n"
      "\tmovq\t%rax, 8(%rsp)  # 8-byte Spill\n"
      "# %bb.2:                         #   in Loop: Header=BB0_1 Depth=1\n"
      "\tvmovups\t64(%rsp), %zmm4  # 64-byte Reload\n"
      ".LBB0_3:                         # %exit\n"
      "\tvfmadd231ps\t%ymm1, %ymm2, %ymm3\n"
      "\tvmovups\t64(%rsp), %zmm4  # 64-byte Reload\n"
      ".Lfunc_end0:\n"
      "inlay.invoke.conform:\n"
      "\tvfmadd231ps\t%ymm1, %ymm2, %ymm3\n"
      "\tcallq\tlater\n"
      "inlay.import.0.edge:\n"
      "\tretq\n",
      "x86_64");
  EXPECT_EQ(report.fused, 3);
  EXPECT_EQ(report.registers, "zmm");
  EXPECT_EQ(report.loop_spills, 1);
  EXPECT_EQ(report.hot_spills, 1);
  EXPECT_EQ(report.loop_calls, 0);
  EXPECT_THAT(report.foreign, testing::ElementsAre("memcpy"));
  report = inspect(
      "inlay.fn.conform:\n"
      ".LBB0_1:                         // =>This Inner Loop Header: Depth=1\n"
      "\tfmla\tv0.4s, v1.4s, v2.s[0]\n"
      "\tstr\tq8, [sp, #16]  // 16-byte Folded Spill\n"
      "\tstr\tx8, [sp]  // 8-byte Folded Spill\n"
      "\tbl\tinlay.fn.conform\n",
      "aarch64");
  EXPECT_EQ(report.fused, 1);
  EXPECT_EQ(report.loop_spills, 1);
  EXPECT_EQ(report.loop_calls, 1);
  EXPECT_TRUE(report.foreign.empty());
  // Not in the innermost loop; and not worth a word.
  std::string outer =
      "inlay.fn.conform:\n"
      ".LBB0_1:    # =>This Loop Header: Depth=1\n"
      "            #     Child Loop BB0_2 Depth 2\n"
      "\tvfmadd231ps\t%ymm1, %ymm2, %ymm3\n"
      "\tvmovups\t64(%rsp), %ymm4  # 32-byte Reload\n"
      ".LBB0_2:    # =>This Inner Loop Header: Depth=2\n"
      "\tvmovups\t64(%rsp), %ymm4  # 32-byte Reload\n";
  for (int i = 0; i < 8; ++i) outer += "\tvfmadd231ps\t%ymm1, %ymm2, %ymm3\n";
  report = inspect(outer, "x86_64");
  EXPECT_EQ(report.fused, 9);
  EXPECT_EQ(report.loop_spills, 1);
  EXPECT_EQ(report.hot_spills, 0);
}

// Conditions on scalars are decided for each value, so that rounding can be bounded all the same.
TEST(Conform, ScalarsOfAllKinds) {
  const char* const text = R"(
intrin scaled<n>(k: index, first: bool, beta: f32, a: f32[k, n], c: f32[n]) {
  for j in 0..n {
    if first {
      if beta == 0.0 { c[j] = 0.0 } else { c[j] = c[j] * beta }
    }
    for p in 0..k { c[j] += a[p, j] * 0.5 }
  }
}
implement scaled<4> for any {
  import c inline """
void uk_scaled(long k, int first, float beta, const float* a, float* c) {
  for (int j = 0; j < 4; ++j) {
    float sum = !first ? c[j] : ZERO c[j] * beta;
    for (long p = 0; p < k; ++p) sum += a[p * 4 + j] * 0.5f;
    c[j] = sum;
  }
}
"""
  call uk_scaled(k, i32(first), beta, a, c)
}
)";
  auto with = [&](const std::string& zero) {
    std::string result = text;
    return check(result.replace(result.find("ZERO"), 4, zero));
  };
  RowReport right = with("beta == 0 ? 0 :"), wrong = with("");
  EXPECT_TRUE(right.ok()) << render(right);
  EXPECT_EQ(right.sizes, "first 0..1, k 0..257");
  EXPECT_EQ(right.unbounded, "");
  // 0 * NaN
  EXPECT_FALSE(wrong.ok()) << render(wrong);
  EXPECT_THAT(all_failures(wrong), ContainsRegex("first=1, .*beta=0, .*is -?nan, expected"));
}

TEST(Conform, MissingFusedMultiplyAddsAreAFault) {
  if (inlay_cpu_has_feature("avx2") != 1 || inlay_cpu_has_feature("fma") != 1)
    GTEST_SKIP() << "needs AVX2 and FMA";
  auto with = [](const std::string& body) {
    std::string text = tile(body);
    return check(text.replace(text.find("for any"), 7, "for x86_64(avx2, fma)"));
  };
  EXPECT_THAT(all_failures(with(R"(
  #pragma clang fp contract(off)
  for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j)
    for (int64_t p = 0; p < k; ++p) c[i * ldc + j] += a[p * 3 + i] * b[p * 4 + j];
)")),
              HasSubstr("no fused multiply-add of vectors"));
}

TEST(ConformFloats, EveryHalfGoesRound) {
  for (DType type : {kF16, kBF16}) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      uint8_t before[2] = {static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}, after[2];
      double value = load_float(type, before, 0);
      store_float(type, after, 0, value);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(load_float(type, after, 0)));
      } else {
        ASSERT_EQ(std::vector<uint8_t>(before, before + 2), std::vector<uint8_t>(after, after + 2))
            << to_string(type) << " " << bits;
      }
    }
    uint8_t bytes[2];
    // Halfway between two numbers: to the even one. Beyond the greatest: infinity.
    store_float(type, bytes, 0, 1 + epsilon(type) / 2);
    EXPECT_EQ(load_float(type, bytes, 0), 1);
    store_float(type, bytes, 0, 1 + 1.5 * epsilon(type));
    EXPECT_EQ(load_float(type, bytes, 0), 1 + 2 * epsilon(type));
    store_float(type, bytes, 0, greatest(type) * 1.01);
    EXPECT_EQ(load_float(type, bytes, 0), HUGE_VAL);
    store_float(type, bytes, 0, least_positive(type) * 0.4);
    EXPECT_EQ(load_float(type, bytes, 0), 0);
  }
}

}  // namespace
}  // namespace inlay::conform
