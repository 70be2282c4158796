// Code objects for AArch64, run under qemu's user emulation by the runtime that was cross-built for
// it, against the interpreter.
#include <gmock/gmock.h>

#include "tests/backends/support/differential.h"

namespace inlay::test {
namespace {

void expect_same(const std::string& text, const std::map<std::string, int64_t>& symbols,
                 Fill fill) {
  for (const char* spec : {"aarch64+neon", "aarch64+sve"}) {
    DifferentialOptions options;
    options.spec = spec;
    options.fill = fill;
    options.emulator = INLAY_EMULATED_EXEC;
    EXPECT_EQ(compare_with_interpreter(text, "f", symbols, options), "") << spec;
  }
}

TEST(CpuAArch64, MatrixProduct) {
  expect_same(R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  parallel for i in 0..M {
    alloc row: f32[N]
    for j in 0..N { row[j] = 0.0 }
    for k in 0..K { for j in 0..N { row[j] += A[i, k] * B[k, j] } }
    for j in 0..N { C[i, j] = row[j] }
  }
})",
              {{"M", 19}, {"K", 7}, {"N", 37}}, Fill::Tame);
}

TEST(CpuAArch64, ArithmeticOfEveryKind) {
  expect_same(R"(
func f(F: f32[N], G: f32[N], D: f64[N], H: f16[N], I: i32[N], U: u64[N], B: i8[N], P: f32[N],
       Q: i32[N], R: f64[N], S: f16[N], T: i64[N], V: u8[N], W: f32[N]) {
  for i in 0..N {
    P[i] = min(F[i], G[i]) + floor(F[i]) * fma(F[i], G[i], F[i])
    Q[i] = I[i] / (I[i] % 7i32 * 2i32 + 1i32) + i32(F[i]) + I[i] / 8i32
    R[i] = f64(U[i]) + sqrt(abs(D[i])) + f64(H[i])
    S[i] = f16(D[i]) + H[i] * f16(I[i])
    T[i] = i64(D[i]) + i64(B[i])
    V[i] = u8(F[i]) + u8(B[i])
    W[i] = round(F[i]) + f32(bf16(G[i]) * bf16(F[i]))
  }
})",
              {{"N", 203}}, Fill::Wild);
}

TEST(CpuAArch64, VectorsAndRamps) {
  expect_same(R"(
func f(A: f32[64], R: f32[64]) {
  for i in 0..8 { R[ramp(i * 8, 1, 8)] = A[ramp(63 - i * 8, -1, 8)] * broadcast(2.0, 8) }
  R[ramp(1, 4, 8)] = sqrt(abs(A[ramp(0, 8, 8)]))
})",
              {}, Fill::Tame);
}

}  // namespace
}  // namespace inlay::test
