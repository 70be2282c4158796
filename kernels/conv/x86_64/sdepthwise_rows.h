// Depthwise micro-kernel, for a vector type: what the AVX-512 and the AVX2 one share.
//
// Equation   c[i, j] = bias[j] + sum over r, s of a[r * dh, i * sw + s * dw, j] * w[r, s, j]
//            i in 0..m, j in 0..n
// Shapes     a: rows of the input, strides a0 (one row), a1 (one pixel) and 1; w: [taps_h, taps_w,
// n],
//            strides w0, w1 and 1; bias: [n]; c: [m, n], strides c0 and 1; all f32
// Alignment  that of a float (4 bytes)
// Extents    any; with no taps c is the bias
// Aliasing   c overlaps none of the others
// Memory     reads and writes what the equation names, and nothing beyond
// Clobbers   nothing but c; no state, no libc
//
// Two vectors of channels and four pixels at a time: eight chains of FMAs, and ten loads for eight
// of them, which is what there is to share: each weight serves four pixels. The rest of the
// channels goes through masked loads and stores.
#pragma once

#include <stdint.h>

template <typename Isa>
struct SdepthwiseRows {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kPixels = 4;

  struct Window {
    int64_t taps_h, taps_w;
    int64_t tap_h, tap_w;  ///< of a, in floats
    int64_t w0, w1;
    int64_t pixel, c0;
  };

  template <bool kWhole>
  static inline __attribute__((always_inline)) Vector get(const float* p, int64_t n) {
    if constexpr (kWhole) return Isa::load(p);
    return Isa::load_some(p, n);
  }
  template <bool kWhole>
  static inline __attribute__((always_inline)) void put(float* p, Vector v, int64_t n) {
    if constexpr (kWhole) {
      Isa::store(p, v);
    } else {
      Isa::store_some(p, v, n);
    }
  }

  // kCount pixels, two vectors of channels, of which n exist.
  template <int kCount, bool kWhole>
  static inline __attribute__((always_inline)) void block(const Window& window, const float* a,
                                                          const float* w, const float* bias,
                                                          float* c, int64_t n) {
    Vector sum[kCount][2];
    Vector b0 = get<kWhole>(bias, n), b1 = get<kWhole>(bias + kLanes, n - kLanes);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < kCount; ++i) {
      sum[i][0] = b0;
      sum[i][1] = b1;
    }
    for (int64_t r = 0; r < window.taps_h; ++r) {
      for (int64_t s = 0; s < window.taps_w; ++s) {
        const float* x = a + r * window.tap_h + s * window.tap_w;
        const float* tap = w + r * window.w0 + s * window.w1;
        Vector w0 = get<kWhole>(tap, n), w1 = get<kWhole>(tap + kLanes, n - kLanes);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < kCount; ++i) {
          const float* pixel = x + i * window.pixel;
          sum[i][0] = Isa::fma(get<kWhole>(pixel, n), w0, sum[i][0]);
          sum[i][1] = Isa::fma(get<kWhole>(pixel + kLanes, n - kLanes), w1, sum[i][1]);
        }
      }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < kCount; ++i) {
      put<kWhole>(c + i * window.c0, sum[i][0], n);
      put<kWhole>(c + i * window.c0 + kLanes, sum[i][1], n - kLanes);
    }
  }

  template <bool kWhole>
  static inline __attribute__((always_inline)) void pixels(const Window& window, int64_t m,
                                                           const float* a, const float* w,
                                                           const float* bias, float* c, int64_t n) {
    // Masks are vectors too, where there are no mask registers.
    constexpr int kCount = kWhole ? kPixels : 2;
    int64_t i = 0;
    for (; i + kCount <= m; i += kCount) {
      block<kCount, kWhole>(window, a + i * window.pixel, w, bias, c + i * window.c0, n);
    }
    for (; i < m; ++i) {
      block<1, kWhole>(window, a + i * window.pixel, w, bias, c + i * window.c0, n);
    }
  }

  static inline __attribute__((always_inline)) void run(int64_t m, int64_t n, int64_t taps_h,
                                                        int64_t taps_w, int64_t sw, int64_t dh,
                                                        int64_t dw, const float* a, int64_t a0,
                                                        int64_t a1, const float* w, int64_t w0,
                                                        int64_t w1, const float* bias, float* c,
                                                        int64_t c0) {
    const Window window{taps_h, taps_w, dh * a0, dw * a1, w0, w1, sw * a1, c0};
    int64_t j = 0;
    for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
      pixels<true>(window, m, a + j, w + j, bias + j, c + j, 2 * kLanes);
    }
    if (j < n) pixels<false>(window, m, a + j, w + j, bias + j, c + j, n - j);
  }
};
