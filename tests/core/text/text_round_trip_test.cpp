// parse(print(p)) == p, and print(parse(t)) == t for text in the printer's own style.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "core/ir/equal.h"
#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {
namespace {

Program parsed(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  EXPECT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all()) << text;
  return std::move(result.program);
}

void expect_round_trip(const Program& program) {
  std::string text = print(program);
  Program again = parsed(text);
  EXPECT_TRUE(equal(program, again)) << text << "---- again:\n" << print(again);
  EXPECT_EQ(text, print(again));
}

// Text that the printer itself would write.
void expect_stable(const std::string& text) {
  Program program = parsed(text);
  EXPECT_EQ(text, print(program));
  expect_round_trip(program);
}

// A function with `body`, one line of which each string is.
std::string in_function(const std::string& body) {
  std::string text = "func f(n: index, x: f32, A: f32[8, 16], B: f32[n], I: i32[n], d: f64) {\n";
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) text += "  " + line + "\n";
  return text + "}\n";
}

class Statement : public testing::TestWithParam<const char*> {};
TEST_P(Statement, IsPrintedAsItIsWritten) {
  expect_stable(in_function(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(
    Text, Statement,
    testing::Values(
        // Stores and literals.
        "B[0] = 1.0", "B[n - 1] = x", "A[1, 2] += x * 2.0", "A[1, 2] -= 1.0",
        "A[1, 2] *= B[0] + 1.0", "A[1, 2] = x + A[1, 2]", "I[0] = 3i32", "I[0] = -3i32",
        "I[n / 2] = I[n % 2] / 3i32", "let y = 0.1", "let y = 0.1f64", "let y = 1e+30",
        "let y = 2.0bf16", "let y = 0.5f16", "let y = -0.0", "let y = infinity(f32)",
        "let y = -infinity(f64)", "let y = nan(f16)", "let y = -(1.0)", "let y = -(-x)",
        "let y = -(1)", "let y = ~-5", "let y = 255u8", "let y = -128i8",
        "let y = 18446744073709551615u64", "let y = -9223372036854775808", "let y = true",
        "let y = !(x < 1.0)",
        // Precedence.
        "let y = (n + 1) * 2 - n / (3 + n) % 5", "let y = n - (n - 1)", "let y = n - n - 1",
        "let y = (n & 7 | 3 ^ n) << 2 >> (n & 1)", "let y = n < 1 && x >= 2.0 || n == 3",
        "let y = (n < 1) == (n < 2)", "let y = n < 1 && (n < 2 || n < 3)", "let y = ~n & -n",
        "let y = min(n, max(3, n * 2)) + 1",
        // Casts: a literal inside keeps its own type only with a suffix.
        "let y = f32(n)", "let y = f64(1.0f32)", "let y = f64(1.5f64)", "let y = i32(3i64)",
        "let y = f32(1i64 + 2i64)", "let y = bool(n)", "let y = i32x4(broadcast(n, 4))",
        "let y = f64x4(broadcast(1.0f32, 4))", "let y = f64(x + 1.0)",
        "let y = f64(select(n < 1, 1.0f32, 2.0f32))",
        // Vectors, select, math.
        "let y = ramp(n * 4, 1, 4)", "let y = broadcast(x, 8) * broadcast(2.0, 8)",
        "A[0, ramp(0, 1, 16)] = A[1, ramp(0, 1, 16)]", "A[0, ramp(0, 2, 8)] += broadcast(x, 8)",
        "let y = select(n > 0, B[n - 1], 0.0)", "let y = exp(x) + fma(x, x, 1.0)",
        "let y = pow(d, 2.0f64)", "let y = abs(-x)",
        // Calls and views.
        "call g()", "call g(n, x, A, B)", "call f32 g(x)", "let y = call f32 g(x) + 1.0",
        "call \"_Z1g f\"(x)", "call \"min\"(x)", "call g(&A[0, n], &B[0])",
        "call g(A[0..4, n], A[n..n + 4, 2..5])", "call g(A[n * 2..n * 2 + (n + 1), 0..16])",
        "call g(B[1..n], B[n..9])", "call g(A[3, 4] + x, A[3, 4])", "tile(n, A[0..4, 0..16])",
        "tile<4, 16>(n, A)", "tile<n >> 1, n & 3>(n)", "tile()", "asm (\"nop\", \"\")",
        "let y = asm f32 (\"vaddss $2, $1, $0\", \"=x,x,x\", x, 1.0)",
        "let y = asm volatile i64 (\"rdtsc\", \"=r\")",
        // Control.
        "for i in 0..n {\n}", "for i in 1..n {\n  B[i] = 0.0\n}", "for i in n..n + 4 {\n}",
        "for i in 2..5 {\n}", "for i in -2..n {\n}",
        "parallel for i in 0..8 {\n  vectorized for j in 0..16 {\n    A[i, j] = 0.0\n  }\n}",
        "unrolled for i in 0..4 {\n  B[i] = 0.0\n}",
        "grid(x) for i in 0..4 {\n  lane(z) for j in 0..4 {\n    barrier\n  }\n}",
        "grid(y) for i in 0..4 {\n}", "grid(z) for i in 0..4 {\n}", "lane(x) for i in 0..4 {\n}",
        "lane(y) for i in 0..4 {\n}", "if n > 0 {\n  B[0] = 1.0\n}",
        "if n > 0 {\n} else {\n  B[0] = 1.0\n}",
        "if n > 0 {\n} else if n < 0 {\n} else if n == 7 {\n} else {\n}",
        "{\n  let y = 1\n}\n{\n  let y = 2\n}", "{\n}",
        "assert n > 0, \"n is \\\"small\\\"\\n\\t\\\\ \\x01 \u00e9\"",
        // Hints.
        "for i in 0..n {\n  pragma unroll 4\n  prefetch B[i + 8]\n}",
        "prefetch write A[n, n - 100]", "prefetch write into l3 A[0, 0]", "prefetch into l2 B[n]",
        // Declarations.
        "alloc T: f32[4, n]", "alloc T: f32[4, n] align 64", "alloc T: i8[] in private\nT[] = 3i8",
        "alloc T: f32[4, n] strides [n * 2, 1] align 32 in shared\ncall g(&T[0, 0], T)",
        "alloc T: bool[n]\nT[0] = n > 3\nT[0] = T[1] && true",
        // Imports.
        ";\nimport llvm \"a/b.ll\"\nimport c \"k.c\" flags \"-O2\" flags \"-DX=\\\"y\\\"\" "
        "may_call",
        "let y = 1\nimport asm \"k.S\"", "let y = 1\nimport bitcode \"k.bc\"",
        "let y = 1\nimport c inline \"int f(void);\""));

TEST(TextRoundTrip, ItemsArePrintedAsTheyAreWritten) {
  expect_stable(R"(import llvm "vadd.ll"
import cxx inline """
extern "C" int f() { return 1; }
"""
param mr = 6 { x86_64(avx512f): 14 aarch64(neon, dot1-insts): 8 any(sse4.2): -3 }
param nr = 16

intrin tile<m, k>(p: index, a: f32[p, m], b: f32[p, k], c: f32[m, k] strided) {
  for i in 0..p {
    c[0, 0] += a[i, 0] * b[i, mr - nr]
  }
}

implement tile<6, 16> for x86_64(avx2, fma) {
  import c "tile.c" flags "-O3"
  import c "tile2.c"
  call uk_tile(p, a, b, c, c.stride0, m, k)
}

implement tile<6, 16> for any {
  ;
  import object "tile.o" may_call
}

func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N] strides [ldc, 1] align 64, s: bool) {
  import archive "lib.a"
  import hsaco "k.hsaco"
  for i in 0..M {
    tile<mr, nr>(K, A, B, C[i..i + mr, 0..nr])
  }
}

func empty() {
}

func layouts(a: f32[n, m, 3] strided align 16, b: i64[n, m] strides [a.stride1, 1], c: f32[n] strided) {
  a[0, a.stride0, 1] = 0.0
}
)");
}

TEST(TextRoundTrip, WhatReadsWellMeansTheSame) {
  Program program = parsed(R"(
    intrin t(a: f32[n, 4], c: f32[4] strided, n: index) {}   // a scalar after the shape that names it
    implement t for any { call g(stride(a, 0), extent(a, 1), stride(c, 0)) }
    func f(A: f32[M, N, 4] strided, y: f64) {
      let a = stride(A, 0) + stride(A, 2); let b = extent(A, 1)
      let c: f64 = 1 / 3.0
      let d: u8 = 0xff
      let e = y * 2 + 1_000
      let g = select(y > 0, 1, y)
      let h = f64(0.1)
      let k = i8(~1)
      let l = 0x1.8p1f64 + 0b11
      let m = 1.0 + 1
      for i in 0..M { A[i, 0, 0] += 1 }
      /* a comment /* in a comment */ */
      B_free(0x7fffffffffffffff)
    }
  )");
  expect_round_trip(program);
  std::string text = print(program);
  for (const char* line :
       {"call g(4, 4, 1)", "let a = A.stride0 + 1", "let b = N", "let c = 1.0f64 / 3.0f64",
        "let d = 255u8", "let e = y * 2.0f64 + 1000.0f64", "let g = select(y > 0.0f64, 1.0f64, y)",
        "let h = 0.1f64", "let k = ~1i8", "let l = 3.0f64 + 3.0f64", "let m = 1.0 + 1.0",
        "A[i, 0, 0] += 1.0", "B_free(9223372036854775807)"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nnot in\n" << text;
  }
}

TEST(TextRoundTrip, EveryProgramOfKernels) {
  size_t found = 0;
  for (auto& entry : std::filesystem::recursive_directory_iterator(INLAY_SOURCE_DIR "/kernels")) {
    if (entry.path().extension() != ".inlay") continue;
    SCOPED_TRACE(entry.path());
    // With what it includes; what is printed stands alone.
    Program program = load_program(entry.path().string());
    expect_round_trip(program);
    Diagnostics faults = verify(program);
    EXPECT_TRUE(faults.all().empty()) << render(faults.all());
    ++found;
  }
  if (found == 0) GTEST_SKIP() << "kernels/ holds no .inlay file";
}

TEST(Budgets, ArePrintedAsTheyAreWritten) {
  expect_stable(
      "func f(A: f32[N]) {\n"
      "  require vgprs <= 128\n"
      "  require scratch == 0 for amdgpu(gfx9)\n"
      "  require occupancy >= 4 for amdgpu(gfx906)\n"
      "  for i in 0..N {\n"
      "    A[i] = 0.0\n"
      "  }\n"
      "}\n");
}

// `for` behind a budget is a loop's, if it goes on as one; a target may stand before it.
TEST(Budgets, AreFollowedByALoop) {
  std::string loop = "  for i in 0..N {\n    A[i] = 0.0\n  }\n}\n";
  for (std::string target : {"", " for amdgpu(gfx9)", " for any", " for amdgpu"}) {
    SCOPED_TRACE(target);
    std::string text = "func f(A: f32[N]) {\n  require vgprs <= 128" + target + "\n" + loop;
    Program program = parsed(text);
    const std::vector<Stmt>& body = program.find_function("f")->body.as<Block>()->stmts;
    ASSERT_EQ(body.size(), 2u);
    ASSERT_TRUE(body[0].as<Require>() && body[1].as<For>());
    EXPECT_EQ(body[0].as<Require>()->requirement.target.has_value(), !target.empty());
    expect_stable(text);
  }
}

TEST(Budgets, StandInBlocksAndSchedules) {
  expect_stable(
      "func f(A: f32[N]) {\n"
      "  if N > 8 {\n"
      "    require vgprs <= 128, scratch == 0\n"
      "    A[0] = 0.0\n"
      "  }\n"
      "  for i in 0..N {\n"
      "    A[i] = 0.0\n"
      "  }\n"
      "}\n\n"
      "schedule f for amdgpu(gfx9) when N > 8 {\n"
      "  require vgprs <= 128, scratch == 0 for amdgpu(gfx906)\n"
      "  require lds < 4096\n"
      "  split i by 4 into o, v tail bound\n"
      "}\n");
  // Equality sees them, as it sees all of a step.
  const std::string f = "func f(A: f32[N]) { for i in 0..N { A[i] = 0.0 } } schedule f { ";
  for (auto [one, other] : {std::pair{"require lds < 4", "require lds <= 4"},
                            {"require lds < 4", ""},
                            {"require lds < 4", "require lds < 4 for amdgpu"},
                            {"require lds < 4 for amdgpu", "require lds < 4 for amdgpu(gfx9)"},
                            {"hoist a out of i", "hoist b out of i"},
                            {"stage A at i as a", "stage A at i as a pad"},
                            {"stage A at i as a by 2", "stage A at i as a by 4"},
                            {"stage A at i as a pitch 2", "stage A at i as a"},
                            {"stage A at i as a transposed", "stage A at i as a"},
                            {"barrier before i", "barrier after i"},
                            {"bind i to grid(x)", "bind i to lane(x)"}}) {
    EXPECT_TRUE(equal(parsed(f + one + " }"), parsed(f + one + " }"))) << one;
    EXPECT_FALSE(equal(parsed(f + one + " }"), parsed(f + other + " }"))) << one;
  }
}

}  // namespace
}  // namespace inlay
