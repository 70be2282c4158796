// SGEMM against OpenBLAS and against itself: results verified first, then timed in one interleaved
// run.
//
// OpenBLAS is loaded with dlopen, so that nothing of Inlay links it. It chooses its kernels by CPU,
// or as OPENBLAS_CORETYPE says; its name here tells which.
#pragma once

#include "tools/driver/timing.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {

/// C[M, N] = A[M, K] * B[K, N], f32, row-major.
struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

/// cblas_sgemm on one thread; `sgemm` is null where OpenBLAS is not installed.
struct OpenBlas {
  using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float* a, int lda, const float* b, int ldb, float beta, float* c,
                         int ldc);
  Sgemm sgemm = nullptr;
  std::string name;  ///< "OpenBLAS (Haswell kernels)"

  OpenBlas();
  void operator()(const GemmShape& shape, const float* a, const float* b, float* c) const;
};

/// One of ours: a function `(A, B, C)` of a loaded program.
struct GemmRow {
  std::string label, function;
  const LoadedProgram* loaded;
};

/// Largest error allowed against a sum in double precision, relative to the largest element.
inline constexpr double kGemmTolerance = 1e-5;

/// Runs every row and OpenBLAS (last, if it is there) on one shape: each result is compared with a
/// sum in double, then they race for about `seconds`. Throws CompileError (rule "wrong-result")
/// naming the row at an error above kGemmTolerance.
std::vector<Timing> race_gemm(const Program& program, const std::vector<GemmRow>& rows,
                              const OpenBlas& blas, const GemmShape& shape, double seconds);

}  // namespace inlay::cli
