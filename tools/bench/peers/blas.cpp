#include "tools/bench/peers/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

namespace inlay::bench {

namespace {

// Patches of an NHWC image, one a row: [pixels, taps].
void gather_patches(const ConvShape& shape, const float* image, float* patches) {
  int64_t line = shape.kernel_w * shape.cin;
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t y = 0; y < shape.out_h(); ++y) {
      for (int64_t x = 0; x < shape.out_w(); ++x) {
        int64_t left = x * shape.stride_w - shape.left;
        int64_t begin = std::max<int64_t>(0, -left);
        int64_t end = std::min(shape.kernel_w, shape.w - left);
        for (int64_t ky = 0; ky < shape.kernel_h; ++ky, patches += line) {
          int64_t row = y * shape.stride_h - shape.top + ky;
          if (row < 0 || row >= shape.h || begin >= end) {
            std::memset(patches, 0, static_cast<size_t>(line) * sizeof(float));
            continue;
          }
          const float* source = image + ((n * shape.h + row) * shape.w + left + begin) * shape.cin;
          std::memset(patches, 0, static_cast<size_t>(begin * shape.cin) * sizeof(float));
          std::memcpy(patches + begin * shape.cin, source,
                      static_cast<size_t>((end - begin) * shape.cin) * sizeof(float));
          std::memset(patches + end * shape.cin, 0,
                      static_cast<size_t>((shape.kernel_w - end) * shape.cin) * sizeof(float));
        }
      }
    }
  }
}

}  // namespace

std::vector<Implementation> blas_implementations(const std::string& name, CblasSgemm sgemm,
                                                 Problem& problem) {
  if (problem.row.kind != Kind::Gemm && problem.row.kind != Kind::Conv) return {};
  auto multiply = [sgemm](int64_t m, int64_t n, int64_t k, const float* a, const float* b,
                          float* c) {
    constexpr int kRowMajor = 101, kNoTranspose = 111;
    int columns = static_cast<int>(n), depth = static_cast<int>(k);
    sgemm(kRowMajor, kNoTranspose, kNoTranspose, static_cast<int>(m), columns, depth, 1.0f, a,
          depth, b, columns, 0.0f, c, columns);
  };
  const float *a = problem.a.data(), *b = problem.b.data();
  float* c = problem.c.data();
  if (problem.row.kind == Kind::Gemm) {
    GemmShape shape = problem.row.gemm;
    return {{name, [=] { multiply(shape.m, shape.n, shape.k, a, b, c); }, nullptr}};
  }
  ConvShape shape = problem.row.conv;
  if (shape.is_product()) {
    return {{name + " gemm", [=] { multiply(shape.pixels(), shape.cout, shape.cin, a, b, c); },
             nullptr}};
  }
  auto patches = std::make_shared<Floats>(shape.pixels() * shape.taps());
  return {{name + " im2col",
           [=] {
             gather_patches(shape, a, patches->data());
             multiply(shape.pixels(), shape.cout, shape.taps(), patches->data(), b, c);
           },
           nullptr}};
}

void* open_library(const std::vector<std::string>& sonames, std::string* why_not) {
  for (const std::string& soname : sonames) {
    if (void* library = dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    const char* reason = dlerror();
    *why_not += (why_not->empty() ? "" : "; ") + std::string(reason ? reason : soname);
  }
  return nullptr;
}

std::string steer(const char* variable, const char* value) {
  setenv(variable, value, /*overwrite=*/0);
  return std::string(variable) + "=" + std::getenv(variable);
}

}  // namespace inlay::bench
