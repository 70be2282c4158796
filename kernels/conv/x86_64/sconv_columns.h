// Columns micro-kernel, for a vector type: lanes are pixels of one output row, for images in NCHW.
//
// Equation   c[i, j] = bias[i] + sum over p, r, s of x[p, r * dh, j * sw + s * dw] * w[i, p, r, s]
//            i in 0..m, j in 0..n
// Shapes     x: planes of the input, strides x0 (one plane), x1 (one row) and 1; w: weights of m
//            output channels, strides w0, w1, w2 and 1; bias: [m]; c: [m, n], strides c0 and 1; f32
// Alignment  that of a float (4 bytes)
// Extents    any; with nothing to sum up c is the bias
// Aliasing   c overlaps none of the others
// Memory     reads and writes what the equation names, and nothing beyond
// Clobbers   nothing but c; no state, no libc
//
// Two vectors of pixels by kMr output channels stay in registers over the whole sum; a weight is
// broadcast from where it lies, and pixels that are not side by side (sw > 1) are gathered. The
// rest of a row goes through masked loads and stores.
#pragma once

#include <stdint.h>

template <typename Isa, int kMr>
struct SconvColumns {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;

  struct Window {
    int64_t k, taps_h, taps_w;
    int64_t x0, tap_h, tap_w, sw;
    int64_t w0, w1, w2, c0;
  };

  template <bool kDense>
  static inline __attribute__((always_inline)) Vector pixels(const float* x, int64_t sw,
                                                             int64_t n) {
    if constexpr (kDense) return Isa::load_some(x, n);
    return Isa::gather_some(x, sw, n);
  }

  template <int kM, bool kDense>
  static inline __attribute__((always_inline)) void block(const Window& window, const float* x,
                                                          const float* w, const float* bias,
                                                          float* c, int64_t n) {
    Vector sum[kM][2];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < kM; ++i) {
      sum[i][0] = sum[i][1] = Isa::broadcast(bias + i);
    }
    for (int64_t p = 0; p < window.k; ++p) {
      for (int64_t r = 0; r < window.taps_h; ++r) {
        for (int64_t s = 0; s < window.taps_w; ++s) {
          const float* from = x + p * window.x0 + r * window.tap_h + s * window.tap_w;
          const float* weight = w + p * window.w1 + r * window.w2 + s;
          Vector x0 = pixels<kDense>(from, window.sw, n);
          Vector x1 = pixels<kDense>(from + kLanes * window.sw, window.sw, n - kLanes);
          _Pragma("clang loop unroll(full)") for (int i = 0; i < kM; ++i) {
            Vector factor = Isa::broadcast(weight + i * window.w0);
            sum[i][0] = Isa::fma(factor, x0, sum[i][0]);
            sum[i][1] = Isa::fma(factor, x1, sum[i][1]);
          }
        }
      }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < kM; ++i) {
      Isa::store_some(c + i * window.c0, sum[i][0], n);
      Isa::store_some(c + i * window.c0 + kLanes, sum[i][1], n - kLanes);
    }
  }

  template <bool kDense>
  static inline __attribute__((always_inline)) void channels(const Window& window, int64_t m,
                                                             const float* x, const float* w,
                                                             const float* bias, float* c,
                                                             int64_t n) {
    int64_t i = 0;
    for (; i + kMr <= m; i += kMr) {
      block<kMr, kDense>(window, x, w + i * window.w0, bias + i, c + i * window.c0, n);
    }
    for (; i < m; ++i) {
      block<1, kDense>(window, x, w + i * window.w0, bias + i, c + i * window.c0, n);
    }
  }

  static inline __attribute__((always_inline)) void run(int64_t m, int64_t n, const Window& window,
                                                        const float* x, const float* w,
                                                        const float* bias, float* c) {
    for (int64_t j = 0; j < n; j += 2 * kLanes) {
      int64_t rest = n - j < 2 * kLanes ? n - j : 2 * kLanes;
      if (window.sw == 1) {
        channels<true>(window, m, x + j, w, bias, c + j, rest);
      } else {
        channels<false>(window, m, x + j * window.sw, w, bias, c + j, rest);
      }
    }
  }
};
