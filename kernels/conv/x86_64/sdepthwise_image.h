// Depthwise micro-kernel, for a vector type: what the AVX-512 and the AVX2 one share.
//
// Equation   c[y, x, j] = bias[j] + sum over r, s of
//                a[y * sh + r * dh - top, x * sw + s * dw - left, j] * f[r, s, j]
//            over the taps that meet the image, 0 <= row < h and 0 <= column < w
//            y in 0..rows, x in 0..m, j in 0..n
// Shapes     a: the image, strides a0 (one row), a1 (one pixel) and 1; f: [taps_h, taps_w, n],
//            strides f0, f1 and 1; bias: [n]; c: strides c0, c1 and 1; all f32
// Strides    in floats
// Alignment  that of a float (4 bytes)
// Extents    rows, m, n, taps_h, taps_w, h, w: any >= 0; top and left any. Without taps c is bias
// Aliasing   c overlaps none of the others
// Memory     reads and writes what the equation names, and nothing beyond
// Clobbers   nothing but c; no state, no libc
//
// With kSpread each channel of a has q filters, whose results are q channels side by side:
// c[y, x, j * q + i] with f[r, s, j * q + i] and bias[j * q + i], i in 0..q; q is 1 or more.
//
// Lanes are channels of c, two vectors of them at a time, and several pixels side by side, in
// blocks of nearly one size: a block takes all channels, so that what it reads are streams. For
// filters of three columns and strides of 1 and 2 an input that serves several taps is loaded once.
// Pixels at the sides, of which some taps miss the image, are taken one by one. The last channels
// go through masked loads and stores.
#pragma once

#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))

struct SdepthwiseShape {
  int64_t rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, q;
};

template <typename Isa, bool kRelu, bool kSpread>
struct SdepthwiseImage {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kPixels = kLanes == 16 ? 6 : 4;  // by the registers that there are

  struct Call {
    SdepthwiseShape shape;
    int64_t right;         ///< from one pixel of c to the next, in floats of a
    int64_t tap_h, tap_w;  ///< from one tap to the next, in floats of a
    int64_t f0, f1, c1;
  };

  template <bool kWhole>
  INLAY_INLINE Vector get(const float* p, int64_t n) {
    if constexpr (kWhole) return Isa::load(p);
    return Isa::load_some(p, n);
  }
  template <bool kWhole>
  INLAY_INLINE void put(float* p, Vector v, int64_t n) {
    if constexpr (kRelu) v = Isa::at_least_zero(v);
    if constexpr (kWhole) {
      Isa::store(p, v);
    } else {
      Isa::store_some(p, v, n);
    }
  }

  // One row of three taps, side by side, of kCount pixels kStride apart.
  template <int kCount, int kStride, int kVectors, bool kWhole>
  INLAY_INLINE void row_of_three(Vector (&sum)[kCount][kVectors], const Call& call, const float* a,
                                 const float* f, int64_t n) {
    Vector tap[3][kVectors];
    INLAY_UNROLL for (int s = 0; s < 3; ++s) {
      INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
        tap[s][v] = get<kWhole>(f + s * call.f1 + v * kLanes, n);
      }
    }
    INLAY_UNROLL for (int column = 0; column < (kCount - 1) * kStride + 3; ++column) {
      Vector x[kVectors];
      INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
        x[v] = get<kWhole>(a + column * call.tap_w + v * kLanes, n);
      }
      INLAY_UNROLL for (int s = 0; s < 3; ++s) {
        if (column < s || (column - s) % kStride != 0 || (column - s) / kStride >= kCount) continue;
        const int i = (column - s) / kStride;
        INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
          sum[i][v] = Isa::fma(x[v], tap[s][v], sum[i][v]);
        }
      }
    }
  }

  // kCount pixels, kVectors of channels, or one of which n exist; taps_h x taps_w taps from a and f
  // on. With kStride filters have three columns, and pixels and taps are that far and 1 apart.
  template <int kCount, int kStride, int kVectors, bool kWhole>
  INLAY_INLINE void block(const Call& call, const float* a, const float* f, int64_t taps_h,
                          int64_t taps_w, const float* bias, float* c, int64_t n) {
    static_assert(kWhole || kVectors == 1);
    Vector sum[kCount][kVectors];
    INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
      sum[0][v] = get<kWhole>(bias + v * kLanes, n);
      INLAY_UNROLL for (int i = 1; i < kCount; ++i) sum[i][v] = sum[0][v];
    }
    for (int64_t r = 0; r < taps_h; ++r, a += call.tap_h, f += call.f0) {
      if constexpr (kStride > 0) {
        row_of_three<kCount, kStride, kVectors, kWhole>(sum, call, a, f, n);
        continue;
      }
      for (int64_t s = 0; s < taps_w; ++s) {
        INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
          const Vector tap = get<kWhole>(f + s * call.f1 + v * kLanes, n);
          INLAY_UNROLL for (int i = 0; i < kCount; ++i) {
            const float* x = a + s * call.tap_w + i * call.right + v * kLanes;
            sum[i][v] = Isa::fma(get<kWhole>(x, n), tap, sum[i][v]);
          }
        }
      }
    }
    INLAY_UNROLL for (int i = 0; i < kCount; ++i) {
      INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
        put<kWhole>(c + i * call.c1 + v * kLanes, sum[i][v], n);
      }
    }
  }

  // kCount pixels, the channels of one vector, of which n exist: `from` of them in a, at `places`.
  template <int kCount>
  INLAY_INLINE void spread_block(const Call& call, const float* a, const float* f, int64_t taps_h,
                                 int64_t taps_w, const float* bias, float* c, int64_t n,
                                 int64_t from, const int32_t* places) {
    Vector sum[kCount];
    sum[0] = get<false>(bias, n);
    INLAY_UNROLL for (int i = 1; i < kCount; ++i) sum[i] = sum[0];
    for (int64_t r = 0; r < taps_h; ++r) {
      for (int64_t s = 0; s < taps_w; ++s) {
        const Vector tap = get<false>(f + r * call.f0 + s * call.f1, n);
        const float* x = a + r * call.tap_h + s * call.tap_w;
        INLAY_UNROLL for (int i = 0; i < kCount; ++i) {
          sum[i] = Isa::fma(Isa::spread(x + i * call.right, from, places), tap, sum[i]);
        }
      }
    }
    INLAY_UNROLL for (int i = 0; i < kCount; ++i) put<false>(c + i * call.c1, sum[i], n);
  }

  // kCount pixels, all channels of c, each channel of a spread over q of them.
  template <int kCount>
  INLAY_INLINE void spread_pixels(const Call& call, const float* a, const float* f, int64_t taps_h,
                                  int64_t taps_w, const float* bias, float* c) {
    const int64_t q = call.shape.q, all = call.shape.n * q;
    int64_t channel = 0, rest = 0;  // of the first lane: j / q and j % q
    for (int64_t j = 0; j < all; j += kLanes) {
      const int64_t n = all - j < kLanes ? all - j : kLanes;
      int32_t places[kLanes];
      int32_t place = 0;
      int64_t part = rest;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        places[lane] = place;
        if (++part == q) {
          part = 0;
          if (lane + 1 < kLanes) ++place;
        }
      }
      const int64_t from = (rest + n - 1) / q + 1;
      spread_block<kCount>(call, a + channel, f + j, taps_h, taps_w, bias + j, c + j, n, from,
                           places);
      channel += (rest + kLanes) / q;
      rest = (rest + kLanes) % q;
    }
  }

  // kCount pixels, all channels.
  template <int kCount, int kStride>
  static __attribute__((noinline)) void pixels(const Call& call, const float* a, const float* f,
                                               int64_t taps_h, int64_t taps_w, const float* bias,
                                               float* c) {
    if constexpr (kSpread) {
      spread_pixels<kCount>(call, a, f, taps_h, taps_w, bias, c);
      return;
    }
    int64_t left = call.shape.n;
    for (; left >= 2 * kLanes; left -= 2 * kLanes) {
      block<kCount, kStride, 2, true>(call, a, f, taps_h, taps_w, bias, c, 0);
      a += 2 * kLanes;
      f += 2 * kLanes;
      bias += 2 * kLanes;
      c += 2 * kLanes;
    }
    if (left >= kLanes) {
      block<kCount, kStride, 1, true>(call, a, f, taps_h, taps_w, bias, c, 0);
      a += kLanes;
      f += kLanes;
      bias += kLanes;
      c += kLanes;
      left -= kLanes;
    }
    if (left > 0) block<kCount, kStride, 1, false>(call, a, f, taps_h, taps_w, bias, c, left);
  }

  template <int kCount, int kStride>
  INLAY_INLINE void sized(int64_t size, const Call& call, const float* a, const float* f,
                          int64_t taps_h, const float* bias, float* c) {
    if constexpr (kCount > 0) {
      if (size == kCount) {
        pixels<kCount, kStride>(call, a, f, taps_h, call.shape.taps_w, bias, c);
      } else {
        sized<kCount - 1, kStride>(size, call, a, f, taps_h, bias, c);
      }
    }
  }

  // Pixels first..last of one row, all their columns in the image; a is at tap (0, 0) of pixel 0.
  template <int kStride>
  INLAY_INLINE void inner(const Call& call, int64_t first, int64_t last, const float* a,
                          const float* f, int64_t taps_h, const float* bias, float* c) {
    const int64_t blocks = (last - first + kPixels - 1) / kPixels;
    const int64_t least = (last - first) / blocks, larger = (last - first) % blocks;
    a += first * call.right;
    c += first * call.c1;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t size = least + (i < larger);
      sized<kPixels, kStride>(size, call, a, f, taps_h, bias, c);
      a += size * call.right;
      c += size * call.c1;
    }
  }

  static __attribute__((noinline)) void run(const SdepthwiseShape& shape, const float* a,
                                            int64_t a0, int64_t a1, const float* f, int64_t f0,
                                            int64_t f1, const float* bias, float* c, int64_t c0,
                                            int64_t c1) {
    if (shape.n <= 0 || shape.q <= 0) return;
    const Call call{shape, shape.sw * a1, shape.dh * a0, shape.dw * a1, f0, f1, c1};
    const bool three = !kSpread && shape.taps_w == 3 && shape.dw == 1;
    // Pixels first..last of a row have all their columns in the image.
    const int64_t room = shape.w - 1 - (shape.taps_w - 1) * shape.dw + shape.left;
    int64_t first = 0, last = shape.m;
    while (first < last && first * shape.sw < shape.left) ++first;
    while (first < last && (last - 1) * shape.sw > room) --last;
    for (int64_t y = 0; y < shape.rows; ++y) {
      const int64_t row = y * shape.sh - shape.top;
      int64_t r0 = 0, r1 = shape.taps_h;
      while (r0 < r1 && row + r0 * shape.dh < 0) ++r0;
      while (r0 < r1 && row + (r1 - 1) * shape.dh >= shape.h) --r1;
      const int64_t corner = (row + r0 * shape.dh) * a0 - shape.left * a1;
      const float* start = (const float*)((intptr_t)a + corner * (int64_t)sizeof(float));
      const float* filter = f + r0 * f0;
      float* to = c + y * c0;
      for (int64_t x = 0; x < shape.m; ++x) {
        if (x == first && x < last) {
          if (three && shape.sw == 1) {
            inner<1>(call, first, last, start, filter, r1 - r0, bias, to);
          } else if (three && shape.sw == 2) {
            inner<2>(call, first, last, start, filter, r1 - r0, bias, to);
          } else {
            inner<0>(call, first, last, start, filter, r1 - r0, bias, to);
          }
          x = last - 1;
          continue;
        }
        const int64_t column = x * shape.sw - shape.left;
        int64_t s0 = 0, s1 = shape.taps_w;
        while (s0 < s1 && column + s0 * shape.dw < 0) ++s0;
        while (s0 < s1 && column + (s1 - 1) * shape.dw >= shape.w) --s1;
        pixels<1, 0>(call, start + x * call.right + s0 * call.tap_w, filter + s0 * f1, r1 - r0,
                     s1 - s0, bias, to + x * c1);
      }
    }
  }
};

#undef INLAY_UNROLL
#undef INLAY_INLINE
