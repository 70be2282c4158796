// What OpenBLAS and BLIS share: cblas_sgemm for matrices, and for convolutions a matrix of patches
// (im2col) where the image itself is none. Both are loaded with dlopen: they define the same
// symbols.
#pragma once

#include "tools/bench/peers/peer.h"

namespace inlay::bench {

using CblasSgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float* a, int lda, const float* b, int ldb, float beta, float* c,
                            int ldc);

/// The row by `sgemm`; `name` is the library's.
std::vector<Implementation> blas_implementations(const std::string& name, CblasSgemm sgemm,
                                                 Problem& problem);

/// Opens the first of `sonames` that can be; null and the loader's sentences in `why_not`
/// otherwise.
void* open_library(const std::vector<std::string>& sonames, std::string* why_not);

/// Sets an environment variable that steers a library, unless the user has; what is in force.
std::string steer(const char* variable, const char* value);

}  // namespace inlay::bench
