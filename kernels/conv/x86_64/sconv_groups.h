// Image micro-kernel for groups of few channels, for a vector type: what sconv_image.h leaves to
// it. Lanes are the output channels of as many groups as fill a vector.
//
// Equation   that of sconv_image.h, for each of several groups whose channels follow each other
// Extents    n and k at most kLanes, and what `takes` says
//
// A vector of the image holds the channels of those groups at a pixel, and lane j wants channel p
// of its own group: a permutation, which serves all taps of a filter row that read the pixel. So
// the weights of the groups are first put side by side, as many rows of kLanes as one group has of
// nr; and rows of the image are copied where pixels follow each other, when the first row of c
// wants them: rows of the image itself often lie a multiple of 1 KB apart, and share few sets of
// the first cache. Taps that miss the image are left out, by the bits of a mask.
#pragma once

#include <stdint.h>

#include "columns.h"

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))
#define INLAY_APART static __attribute__((noinline))

struct SconvShape {
  int64_t rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w;
};

/// Strides in floats: of a row, a pixel and a channel of an image.
struct SconvStrides {
  int64_t row, pixel, channel;
};

template <typename Isa, bool kPlanes>
struct SconvGroups {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kNr = 2 * kLanes;
  static constexpr int kMost = Isa::kRegisters >= 32 ? 14 : 10;  ///< pixels of a block
  static constexpr int kTaps = 32;                               ///< in a row or column of a filter
  static constexpr int64_t kWeights = 512;                       ///< rows of weights
  static constexpr int64_t kPixels = 1024;                       ///< pixels of the rows of a filter

  static int64_t reach(const SconvShape& shape) { return (shape.taps_h - 1) * shape.dh + 1; }
  // Groups in a vector.
  static int64_t together(const SconvShape& shape) {
    const int64_t most = shape.n > shape.k ? shape.n : shape.k;
    return kLanes / (most > 1 ? most : 1);
  }
  static bool three_columns(const SconvShape& shape) {
    return shape.taps_w == 3 && shape.dw == 1 && (shape.sw == 1 || shape.sw == 2);
  }
  static bool takes(int64_t groups, const SconvShape& shape) {
    // A group alone is worth the copy where three taps share an input.
    const bool fits = shape.n <= kLanes && shape.k <= kLanes;
    const bool alone = together(shape) == 1;
    return groups > 1 && fits && (!alone || three_columns(shape)) && shape.n > 0 && shape.k > 0 &&
           shape.taps_h > 0 && shape.taps_w > 0 && shape.taps_h <= kTaps && shape.taps_w <= kTaps &&
           shape.taps_h * shape.taps_w * shape.k <= kWeights && shape.w > 0 &&
           reach(shape) <= kPixels / shape.w;
  }

  // What the blocks of a row of c have in common.
  struct Row {
    const SconvShape& shape;
    const float* weights;
    const int32_t* places;     ///< of channel 0 of each lane's group
    const float* rows[kTaps];  ///< of the taps r0..r1, at column 0
    int64_t r0, r1, channels;  ///< those of c
    const float* bias;
    SconvStrides c;
    bool relu;
  };

  // Pixels `x` to `x + size` of a row of c. With kStride filters have three columns, and pixels and
  // taps are that far and 1 apart. With kAlone a vector holds one group.
  template <int kSize, int kStride, bool kAlone>
  INLAY_APART void block(const Row& row, int64_t x, int64_t size, float* c) {
    const SconvShape& shape = row.shape;
    const int64_t k = shape.k, column = x * shape.sw - shape.left;
    // Of each tap, or of all, the pixels that it meets; with kStride, the columns that there are.
    uint32_t there[kStride > 0 ? 1 : kTaps] = {};
    if constexpr (kStride > 0) {
      INLAY_UNROLL for (int at = 0; at < (kSize - 1) * kStride + 3; ++at) {
        there[0] |= (uint32_t)((uint64_t)(column + at) < (uint64_t)shape.w) << at;
      }
    } else {
      for (int64_t s = 0; s < shape.taps_w; ++s) {
        INLAY_UNROLL for (int i = 0; i < kSize; ++i) {
          const int64_t at = column + i * shape.sw + s * shape.dw;
          there[s] |= (uint32_t)((uint64_t)at < (uint64_t)shape.w) << i;
        }
      }
    }
    Vector sum[kSize];
    sum[0] = Isa::load_some(row.bias, row.channels);
    INLAY_UNROLL for (int i = 1; i < kSize; ++i) sum[i] = sum[0];
    const float* weights = row.weights + row.r0 * shape.taps_w * k * kLanes;
    for (int64_t r = row.r0; r < row.r1; ++r) {
      const float* a = (const float*)((intptr_t)row.rows[r] + column * (intptr_t)sizeof(Vector));
      if constexpr (kStride > 0) {
        for (int64_t p = 0; p < k; ++p, weights += kLanes) {
          Vector tap[3];
          INLAY_UNROLL for (int s = 0; s < 3; ++s) tap[s] = Isa::load(weights + s * k * kLanes);
          const auto places = Isa::places(row.places, p);
          uint32_t columns = there[0];
          __asm__ volatile("" : "+r"(columns));  // no register for each bit
          INLAY_UNROLL for (int at = 0; at < (kSize - 1) * kStride + 3; ++at) {
            if (__builtin_expect(!(columns >> at & 1), 0)) continue;
            const float* const pixel = a + at * kLanes;
            const Vector picked =
                kAlone ? Isa::broadcast(pixel + p) : Isa::pick(Isa::load(pixel), places);
            INLAY_UNROLL for (int s = 0; s < 3; ++s) {
              const int i = (at - s) / kStride;
              if (at < s || (at - s) % kStride != 0 || i >= kSize) continue;
              sum[i] = Isa::fma(picked, tap[s], sum[i]);
            }
          }
        }
        weights += 2 * k * kLanes;
      } else {
        for (int64_t s = 0; s < shape.taps_w; ++s) {
          const float* first = a + s * shape.dw * kLanes;
          for (int64_t p = 0; p < k; ++p, weights += kLanes) {
            const Vector tap = Isa::load(weights);
            const auto places = Isa::places(row.places, p);
            uint32_t pixels = there[s];
            __asm__ volatile("" : "+r"(pixels));
            INLAY_UNROLL for (int i = 0; i < kSize; ++i) {
              if (__builtin_expect(!(pixels >> i & 1), 0)) continue;
              const Vector picked = Isa::pick(Isa::load(first + i * shape.sw * kLanes), places);
              sum[i] = Isa::fma(picked, tap, sum[i]);
            }
          }
        }
      }
    }
    if (row.relu) {
      INLAY_UNROLL for (int i = 0; i < kSize; ++i) sum[i] = Isa::at_least_zero(sum[i]);
    }
    store<kSize>(row, sum, size, c + x * row.c.pixel);
  }

  template <int kSize>
  INLAY_INLINE void store(const Row& row, const Vector (&sum)[kSize], int64_t size, float* c) {
    const int64_t n = row.channels;
    if constexpr (kPlanes) {
      if (size == kSize) {
        Columns<Isa>::template store<kSize>(c, row.c.channel, sum, n);
        return;
      }
      float pixels[kSize * kLanes];
      INLAY_UNROLL for (int i = 0; i < kSize; ++i) Isa::store(pixels + i * kLanes, sum[i]);
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t i = 0; i < size; ++i) c[j * row.c.channel + i] = pixels[i * kLanes + j];
      }
    } else {
      INLAY_UNROLL for (int i = 0; i < kSize; ++i) {
        if (i >= size) return;
        if (n == kLanes) {
          Isa::store(c + i * row.c.pixel, sum[i]);
        } else {
          Isa::store_some(c + i * row.c.pixel, sum[i], n);
        }
      }
    }
  }

  template <int kStride, bool kAlone>
  INLAY_INLINE void blocks(const Row& row, float* c) {
    const int64_t m = row.shape.m, count = (m + kMost - 1) / kMost;
    for (int64_t i = 0, x = 0; i < count; ++i) {
      const int64_t size = m / count + (i < m % count);
      // A block computes as many pixels as a smaller one needs, and stores those that there are.
      constexpr int kMiddle = kMost * 3 / 4, kSmall = kMost / 2;
      if (size > kMiddle) {
        block<kMost, kStride, kAlone>(row, x, size, c);
      } else if (size > kSmall) {
        block<kMiddle, kStride, kAlone>(row, x, size, c);
      } else {
        block<kSmall, kStride, kAlone>(row, x, size, c);
      }
      x += size;
    }
  }

  // `channels` of the pixels of a row, side by side in vectors.
  INLAY_APART void copy(const float* a, SconvStrides as, int64_t w, int64_t channels, float* to) {
    if constexpr (kPlanes) {
      for (int64_t x = 0; x < w; x += kLanes) {
        Vector planes[kLanes];
        INLAY_UNROLL for (int j = 0; j < kLanes; ++j) {
          planes[j] = j < channels ? Isa::load_some(a + j * as.channel + x, w - x) : Isa::zero();
        }
        Columns<Isa>::template store<kLanes>(to + x * kLanes, kLanes, planes, w - x);
      }
    } else {
      for (int64_t x = 0; x < w; ++x) {
        Isa::store(to + x * kLanes, Isa::load_some(a + x * as.pixel, channels));
      }
    }
  }

  INLAY_APART void run(int64_t groups, const SconvShape& shape, bool relu, const float* a,
                       SconvStrides as, const float* b, int64_t b0, const float* bias,
                       int64_t bias0, float* c, SconvStrides cs) {
    alignas(64) float weights[kWeights * kLanes], image[kPixels * kLanes];
    const int64_t n = shape.n, k = shape.k;
    const int64_t most = together(shape);
    for (int64_t g = 0; g < groups; g += most) {
      const int64_t count = most < groups - g ? most : groups - g;
      for (int64_t t = 0; t < shape.taps_h * shape.taps_w * k; ++t) {
        Vector row = Isa::zero();
        for (int64_t j = 0; j < count; ++j) {
          const float* from = b + (g + j) * b0 + t * kNr;
          row = Isa::add(row, Isa::load_lanes(from - j * n, j * n, j * n + n));
        }
        Isa::store(weights + t * kLanes, row);
      }
      int32_t places[kLanes] = {};
      float biases[kLanes] = {};
      for (int64_t lane = 0; lane < count * n; ++lane) {
        places[lane] = (int32_t)(lane / n * k);
        biases[lane] = bias[(g + lane / n) * bias0 + lane % n];
      }
      const float* const groups_a = a + g * k * as.channel;
      float* to = c + g * n * cs.channel;
      int64_t next = 0;  // row of the image, the first that is not copied yet
      for (int64_t y = 0; y < shape.rows; ++y, to += cs.row) {
        Row row{shape, weights, places, {}, 0, shape.taps_h, count * n, biases, cs, relu};
        const int64_t top = y * shape.sh - shape.top;
        while (row.r0 < row.r1 && top + row.r0 * shape.dh < 0) ++row.r0;
        while (row.r0 < row.r1 && top + (row.r1 - 1) * shape.dh >= shape.h) --row.r1;
        const auto kept = [&](int64_t line) {
          return image + line % reach(shape) * shape.w * kLanes;
        };
        if (next < top) next = top;
        for (; row.r0 < row.r1 && next <= top + (row.r1 - 1) * shape.dh; ++next) {
          copy(groups_a + next * as.row, as, shape.w, count * k, kept(next));
        }
        for (int64_t r = row.r0; r < row.r1; ++r) row.rows[r] = kept(top + r * shape.dh);
        if (!three_columns(shape)) {
          blocks<0, false>(row, to);
        } else if (shape.sw == 1) {
          most > 1 ? blocks<1, false>(row, to) : blocks<1, true>(row, to);
        } else {
          most > 1 ? blocks<2, false>(row, to) : blocks<2, true>(row, to);
        }
      }
    }
  }
};

#undef INLAY_UNROLL
#undef INLAY_INLINE
#undef INLAY_APART
