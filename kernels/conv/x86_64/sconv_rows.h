// Rows micro-kernel, for a vector type: what sconv_8x32_avx512.cpp and sconv_6x16_avx2.cpp share.
//
// Equation   c[i, j] = bias[j] + sum over r, s, p of a[r * dh, i * sw + s * dw, p] * b[r, s, p, j]
//            and with kRelu the maximum of that and 0        i in 0..m, j in 0..n
// Shapes     a: rows of the input, strides a0 (one row), a1 (one pixel) and 1;
//            b: [taps_h, taps_w, k, nr] packed panel; bias: [n]; c: [m, n] strided; all f32
// Strides    in floats; c: c0 and 1
// Alignment  that of a float (4 bytes); fastest with b on the width of a vector
// Extents    m, taps_h, taps_w, k: any >= 0; n in 0..nr. With nothing to sum up c is the bias
// Aliasing   c overlaps none of the others
// Memory     reads and writes what the equation names, b to the end of its rows of nr
// Clobbers   nothing but c; no state, no libc
//
// The m pixels are taken in blocks of at most kMr, whose sizes differ by one at most. A block's
// accumulators stay in registers over the whole sum. Elements of a are broadcast from where they
// lie: the pixels lie a stride apart, so that one pointer and three multiples of the stride reach
// seven of them. Where the taps of a filter row follow each other in memory (dw pixels of k floats
// each, as with dilation 1 and dense rows) they are one run.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016); direct convolution without im2col as in Georganas et al.,
// "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (SC 2018).
#pragma once

#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")

template <typename Isa, int kMr, bool kRelu>
struct SconvRows {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kNr = 2 * kLanes;

  struct Window {
    int64_t taps_h, taps_w, k;
    int64_t tap_h, tap_w;  ///< from one tap to the next, in floats
    int64_t pixel;         ///< from one pixel to the next, in bytes
    const float* b;
  };

  // The address of row I after p. What the compiler does not see through (`s`, `s3`, `s5`) it can't
  // turn into a pointer per row, of which there would be more than registers.
  template <int I>
  static const float* row(const char* p, int64_t s, int64_t s3, int64_t s5) {
    static_assert(I < 7);
    int64_t offset = I == 0   ? 0
                     : I == 1 ? s
                     : I == 2 ? 2 * s
                     : I == 3 ? s3
                     : I == 4 ? 4 * s
                     : I == 5 ? s5
                              : 2 * s3;
    return (const float*)(p + offset);
  }

  template <int I, int kRows, int kM>
  static inline __attribute__((always_inline)) void add_rows(Vector (&sum)[kM][2], int first,
                                                             const char* p, int64_t s, int64_t s3,
                                                             int64_t s5, int q, Vector b0,
                                                             Vector b1) {
    if constexpr (I < kRows) {
      Vector a = Isa::broadcast(row<I>(p, s, s3, s5) + q);
      sum[first + I][0] = Isa::fma(a, b0, sum[first + I][0]);
      sum[first + I][1] = Isa::fma(a, b1, sum[first + I][1]);
      add_rows<I + 1, kRows>(sum, first, p, s, s3, s5, q, b0, b1);
    }
  }

  // One block of kM pixels: the first half is reached from p0, the second from p1.
  template <int kM>
  static inline __attribute__((always_inline)) void block(const Window& window, const float* a,
                                                          const float* bias, int64_t n, float* c,
                                                          int64_t c0) {
    constexpr int kHalf = (kM + 1) / 2;
    Vector sum[kM][2];
    if (n == kNr) {
      sum[0][0] = Isa::load(bias);
      sum[0][1] = Isa::load(bias + kLanes);
    } else {
      sum[0][0] = Isa::load_some(bias, n);
      sum[0][1] = Isa::load_some(bias + kLanes, n - kLanes);
    }
    INLAY_UNROLL for (int i = 1; i < kM; ++i) {
      sum[i][0] = sum[0][0];
      sum[i][1] = sum[0][1];
    }
    const float* b = window.b;
    int64_t s = window.pixel, s3 = 3 * s, s5 = 5 * s;
    __asm__("" : "+r"(s), "+r"(s3), "+r"(s5));
    for (int64_t th = 0; th < window.taps_h; ++th) {
      const float* row_start = a + th * window.tap_h;
      for (int64_t tw = 0; tw < window.taps_w; ++tw) {
        const char* p0 = (const char*)(row_start + tw * window.tap_w);
        const char* p1 = p0 + kHalf * s;
        int64_t left = window.k;
        for (; left >= 2; left -= 2) {
          __asm__("" : "+r"(p0), "+r"(p1), "+r"(b));
          INLAY_UNROLL for (int q = 0; q < 2; ++q) {
            Vector b0 = Isa::load(b + q * kNr), b1 = Isa::load(b + q * kNr + kLanes);
            add_rows<0, kHalf>(sum, 0, p0, s, s3, s5, q, b0, b1);
            add_rows<0, kM - kHalf>(sum, kHalf, p1, s, s3, s5, q, b0, b1);
          }
          p0 += 2 * sizeof(float);
          p1 += 2 * sizeof(float);
          b += 2 * kNr;
        }
        for (; left > 0; --left) {
          __asm__("" : "+r"(p0), "+r"(p1), "+r"(b));
          Vector b0 = Isa::load(b), b1 = Isa::load(b + kLanes);
          add_rows<0, kHalf>(sum, 0, p0, s, s3, s5, 0, b0, b1);
          add_rows<0, kM - kHalf>(sum, kHalf, p1, s, s3, s5, 0, b0, b1);
          p0 += sizeof(float);
          p1 += sizeof(float);
          b += kNr;
        }
      }
    }
    if constexpr (kRelu) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        sum[i][0] = Isa::at_least_zero(sum[i][0]);
        sum[i][1] = Isa::at_least_zero(sum[i][1]);
      }
    }
    if (n == kNr) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        Isa::store(c + i * c0, sum[i][0]);
        Isa::store(c + i * c0 + kLanes, sum[i][1]);
      }
    } else {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        Isa::store_some(c + i * c0, sum[i][0], n);
        Isa::store_some(c + i * c0 + kLanes, sum[i][1], n - kLanes);
      }
    }
  }

  template <int kM>
  static inline __attribute__((always_inline)) void dispatch(int64_t m, const Window& window,
                                                             const float* a, const float* bias,
                                                             int64_t n, float* c, int64_t c0) {
    if constexpr (kM > 0) {
      if (m == kM) {
        block<kM>(window, a, bias, n, c, c0);
      } else {
        dispatch<kM - 1>(m, window, a, bias, n, c, c0);
      }
    }
  }

  static inline __attribute__((always_inline)) void run(int64_t m, int64_t n, int64_t taps_h,
                                                        int64_t taps_w, int64_t k, int64_t sw,
                                                        int64_t dh, int64_t dw, const float* a,
                                                        int64_t a0, int64_t a1, const float* b,
                                                        const float* bias, float* c, int64_t c0) {
    if (m <= 0 || n <= 0) return;
    Window window{taps_h, taps_w, k, dh * a0, dw * a1, sw * a1 * (int64_t)sizeof(float), b};
    if (window.tap_w == k) {
      window.k *= taps_w;
      window.taps_w = 1;
    }
    int64_t blocks = (m + kMr - 1) / kMr, done = 0;
    for (int64_t i = 1; i <= blocks; ++i) {
      int64_t next = i * m / blocks;
      dispatch<kMr>(next - done, window, a + done * sw * a1, bias, n, c + done * c0, c0);
      done = next;
    }
  }
};

#undef INLAY_UNROLL
