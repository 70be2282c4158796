// Image micro-kernel, for a vector type: all of sconv_8x32_avx512.cpp and sconv_6x16_avx2.cpp.
//
// Equation   c[y, x, j] = bias[j] + sum over r, s, p of
//                a[y * sh + r * dh - top, x * sw + s * dw - left, p] * b[r, s, p, j]
//            over the taps that meet the image, 0 <= row < h and 0 <= column < w; with relu the
//            maximum of that and 0          y in 0..rows, x in 0..m, j in 0..n
// Shapes     a: the image, strides a0 (one row), a1 (one pixel) and 1; b: [taps_h, taps_w, k, nr],
//            a packed panel; bias: [n]; c: strides c0 (one row), c1 (one pixel) and 1; all f32.
//            With kPlanes images in planes: a[p, ...] and c[j, ...], strides of a plane, a row, 1
// Strides    in floats
// Alignment  that of a float (4 bytes); fastest with b on the width of a vector
// Extents    rows, m, taps_h, taps_w, k, h, w: any >= 0; n in 0..nr; top and left any. With nothing
//            to sum up c is the bias
// Aliasing   c overlaps none of the others
// Memory     reads and writes what the equation names, b to the end of its rows of nr
// Clobbers   nothing but c; no state, no libc
//
// Pixels of c are taken in blocks of at most kMr, whose sizes differ by one at most: of one row of
// c each, or, where rows are short, across rows. A block's accumulators stay in registers over the
// whole sum. Elements of a are broadcast from where they lie.
//
// Plain blocks, side by side and with all taps in the image, need few registers for that: pixels
// lie evenly, so three share a pointer. Where the taps of a filter row follow each other in memory
// (dw pixels of k floats each, as with dilation 1 and dense rows) they are one run. Other blocks
// have a pointer for each pixel; taps that miss the image for some of them are computed for the
// others only, so that padding costs nothing and is nowhere stored.
//
// In planes, pixels that follow each other and have one tap are a product of matrices, which is
// left to sconv_pixels.h where that is faster.
//
// Panels of at most one vector of channels (the last of 80 = 32 + 32 + 16) are blocks of one
// vector: half the work. They need more pixels for as many independent sums, hence kTall.
//
// A panel too large for L2 is taken in parts, between which the sums wait in c. The order of the
// products of a part is that of the equation, whatever the blocks.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016); direct convolution without im2col as in Georganas et al.,
// "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (SC 2018).
#pragma once

#include <stdint.h>

#include "columns.h"
#include "sconv_groups.h"
#include "sconv_pixels.h"

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))

// Blocks are of kMr pixels by two vectors of channels. Where a panel has no more than one, of kMr
// or, side by side, of kTall.
template <typename Isa, int kMr, int kTall, bool kPlanes>
struct SconvImage {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kNr = 2 * kLanes;
  static constexpr int kRuns = 128;             ///< runs of a part that are listed
  static constexpr int kListed = 32;            ///< taps of a filter row whose masks are
  static constexpr int kPlainMr = kMr / 2 + 1;  ///< smaller plain blocks are done as any other
  /// Sums start from the bias. With 16 chains of AVX-512 they had better start from 0, and the bias
  /// come last: loads would hold up the first steps of a block by a dozen cycles on Zen 5, as they
  /// do not with AVX2; with planes the end of a block is what is long.
  static constexpr bool kBiasFirst = kPlanes || kLanes < 16;
  static constexpr int64_t kPart = kLanes * 32 * 1024;  ///< bytes of b

  struct Call {
    SconvShape shape;
    int64_t a_right, a_down;  ///< from one pixel of c to the next, in bytes of a
    int64_t tap_h, tap_w;     ///< from one tap to the next, in floats of a
    int64_t channel;          ///< from one channel to the next, in floats of a
    const float* b;
    const float* bias;
    int64_t c_down, c_right, c_channel;  ///< in floats
    bool relu;
  };

  /// Steps of the sum whose floats of a follow each other, from `at` on, in bytes.
  struct Run {
    int64_t at, steps;
  };

  // A part of the sum: taps `tap`..`end` in the order of b, floats p0..p1 of each.
  struct Part {
    int64_t tap, end, p0, p1;
    bool first, last;
    int64_t row, column;  ///< of `tap`
    // All of it, for a pixel with all taps in the image; null where runs are too many.
    const Run *runs, *runs_end;
    const float* b;  ///< of its first tap
  };

  // The pixels of one block: of each, where tap (0, 0) is.
  struct Pixels {
    const char* a[kMr];
    float* c[kMr];
    int64_t row[kMr], column[kMr];
  };

  // Sums of kM pixels, kV vectors of channels each.
  template <int kM, int kV>
  using Sums = Vector[kM][kV];

  template <int kV>
  INLAY_INLINE void load(Vector (&to)[kV], const float* from, int64_t n) {
    INLAY_UNROLL for (int v = 0; v < kV; ++v) {
      const float* at = from + v * kLanes;
      to[v] = n >= (v + 1) * kLanes ? Isa::load(at) : Isa::load_some(at, n - v * kLanes);
    }
  }

  // Of pixels that lie evenly, `right` bytes apart, three share a pointer.
  static constexpr int pointers(int pixels) { return (pixels + 2) / 3; }

  // sum[i] += a[i] * b, from `at` bytes behind the pointers.
  template <int kM, int kV>
  INLAY_INLINE void even_step(Sums<kM, kV>& sum, const char* const (&a)[pointers(kM)],
                              int64_t right, int64_t at, const float* b) {
    Vector row[kV];
    INLAY_UNROLL for (int v = 0; v < kV; ++v) row[v] = Isa::load(b + v * kLanes);
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      const Vector x = Isa::broadcast((const float*)(a[i / 3] + i % 3 * right + at));
      INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::fma(x, row[v], sum[i][v]);
    }
  }

  // The steps of a run, `channel` bytes apart.
  template <int kM, int kV>
  INLAY_INLINE void even_run(Sums<kM, kV>& sum, const char* first, int64_t right, int64_t channel,
                             int64_t steps, const float* b) {
    constexpr int kPointers = pointers(kM);
    const char* a[kPointers];
    INLAY_UNROLL for (int i = 0; i < kPointers; ++i) a[i] = first + 3 * i * right;
    const float* const fours = b + (steps & ~(int64_t)3) * kNr;
    while (b < fours) {
      // The compiler would make a pointer for each pixel.
      INLAY_UNROLL for (int i = 0; i < kPointers; ++i) __asm__("" : "+r"(a[i]));
      __asm__("" : "+r"(b));
      INLAY_UNROLL for (int u = 0; u < 4; ++u) {
        even_step<kM, kV>(sum, a, right, kPlanes ? 0 : u * 4, b + u * kNr);
        if (kPlanes) {
          INLAY_UNROLL for (int i = 0; i < kPointers; ++i) a[i] += channel;
        }
      }
      if (!kPlanes) {
        INLAY_UNROLL for (int i = 0; i < kPointers; ++i) a[i] += 16;
      }
      b += 4 * kNr;
    }
    for (steps &= 3; steps > 0; --steps) {
      INLAY_UNROLL for (int i = 0; i < kPointers; ++i) __asm__("" : "+r"(a[i]));
      __asm__("" : "+r"(b));
      even_step<kM, kV>(sum, a, right, 0, b);
      INLAY_UNROLL for (int i = 0; i < kPointers; ++i) a[i] += kPlanes ? channel : 4;
      b += kNr;
    }
  }

  // sum[i] += a[i][at] * b for the pixels of `mask`.
  template <int kM, int kV, bool kMasked>
  INLAY_INLINE void step(Sums<kM, kV>& sum, const float* const (&a)[kM], int64_t at, const float* b,
                         uint32_t mask) {
    Vector row[kV];
    INLAY_UNROLL for (int v = 0; v < kV; ++v) row[v] = Isa::load(b + v * kLanes);
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      if (kMasked && !(mask & 1u << i)) continue;
      const Vector x = Isa::broadcast(a[i] + at);
      INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::fma(x, row[v], sum[i][v]);
    }
  }

  // Sets of sums that take turns over the steps, where those of one would wait for each other: two
  // products in a cycle, four cycles each.
  static constexpr int sets(int sums) { return sums >= 8 ? 1 : sums >= 4 ? 2 : sums >= 2 ? 4 : 8; }

  // `count` steps, `channel` floats apart from `at` on.
  template <int kM, int kV>
  INLAY_INLINE void run_whole(Sums<kM, kV>& sum, const float* const (&a)[kM], int64_t at,
                              int64_t channel, int64_t count, const float* b) {
    constexpr int kSets = sets(kM * kV), kSteps = kSets > 1 ? kSets : 2;
    const float* const end = b + count * kNr;
    Vector more[kSets][kM][kV];
    INLAY_UNROLL for (int u = 1; u < kSets; ++u) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) more[u][i][v] = Isa::zero();
      }
    }
    const float* const turns = b + count / kSteps * kSteps * kNr;
    while (b < turns) {
      __asm__("" : "+r"(at), "+r"(b));
      INLAY_UNROLL for (int u = 0; u < kSteps; ++u) {
        step<kM, kV, false>(u % kSets == 0 ? sum : more[u % kSets], a, at + u * channel,
                            b + u * kNr, 0);
      }
      at += kSteps * channel;
      b += kSteps * kNr;
    }
    INLAY_UNROLL for (int u = 1; u < kSets; ++u) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::add(sum[i][v], more[u][i][v]);
      }
    }
    for (; b < end; b += kNr, at += channel) step<kM, kV, false>(sum, a, at, b, 0);
  }

  // The same for the pixels of `mask`.
  template <int kM, int kV>
  INLAY_INLINE void run_masked(Sums<kM, kV>& sum, const float* const (&a)[kM], int64_t at,
                               int64_t channel, int64_t count, const float* b, uint32_t mask) {
    const float* const end = b + count * kNr;
    while (b < end) {
      // Nor is a loop wanted for each mask.
      __asm__("" : "+r"(at), "+r"(b), "+r"(mask));
      step<kM, kV, true>(sum, a, at, b, mask);
      at += channel;
      b += kNr;
    }
  }

  // Which of the places (plus `offset`) lie in 0..end. If they are even, they ascend.
  template <int kM>
  INLAY_INLINE uint32_t meeting(const int64_t* places, bool even, int64_t offset, int64_t end) {
    if (even && places[0] + offset >= 0 && places[kM - 1] + offset < end) return (1u << kM) - 1;
    uint32_t mask = 0;
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      int64_t place = places[i] + offset;
      __asm__("" : "+r"(place));  // a vector would wait for the stores of all places
      mask |= (uint32_t)((uint64_t)place < (uint64_t)end) << i;
    }
    return mask;
  }

  // Tap by tap, or in runs of those of a filter row that meet the image for every pixel.
  template <int kM, int kV>
  INLAY_INLINE void add_taps(Sums<kM, kV>& sum, const float* const (&a)[kM], const Call& call,
                             const Part& part, const Pixels& pixels) {
    const SconvShape& shape = call.shape;
    constexpr uint32_t kAll = (1u << kM) - 1;
    const int64_t k = part.p1 - part.p0;
    const int64_t channel = kPlanes ? call.channel : 1;
    const bool follow = call.tap_w == k * channel;
    const bool even = pixels.row[0] == pixels.row[kM - 1];
    uint32_t columns[kListed];
    const int64_t listed = shape.taps_w < kListed ? shape.taps_w : kListed;
    for (int64_t s = 0; s < listed; ++s) {
      columns[s] = meeting<kM>(pixels.column, even, s * shape.dw, shape.w);
    }
    const float* b = part.b;
    int64_t r = part.row, s = part.column;
    for (int64_t left = part.end - part.tap; left > 0;) {
      const int64_t end = left < shape.taps_w - s ? s + left : shape.taps_w;
      left -= end - s;
      const uint32_t rows = meeting<kM>(pixels.row, even, r * shape.dh, shape.h);
      const int64_t at = r * call.tap_h + part.p0 * channel;
      if (rows == 0) {
        b += (end - s) * k * kNr;
        s = end;
      }
      while (s < end) {
        const uint32_t mask =
            rows &
            (s < kListed ? columns[s] : meeting<kM>(pixels.column, even, s * shape.dw, shape.w));
        int64_t taps = 1;
        if (follow && mask == kAll) {
          while (s + taps < end && s + taps < listed && columns[s + taps] == kAll) ++taps;
        }
        if (mask == kAll) {
          run_whole<kM, kV>(sum, a, at + s * call.tap_w, channel, taps * k, b);
        } else if (mask != 0) {
          run_masked<kM, kV>(sum, a, at + s * call.tap_w, channel, taps * k, b, mask);
        }
        s += taps;
        b += taps * k * kNr;
      }
      s = 0;
      ++r;
    }
  }

  // The sums of a block before a part of them is added.
  template <int kM, int kV>
  INLAY_INLINE void begin(Sums<kM, kV>& sum, const Call& call, const Part& part) {
    Vector start[kV];
    if (kBiasFirst && part.first) {
      load<kV>(start, call.bias, call.shape.n);
    } else {
      INLAY_UNROLL for (int v = 0; v < kV; ++v) start[v] = Isa::zero();
    }
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = start[v];
    }
  }

  // n channels of m pixels of planes, `step` floats apart, to or from rows of kNr. Out of line:
  // what stands in each kind of block is what is usual.
  static __attribute__((noinline)) void read_planes(float* rows, const float* const* c, int64_t m,
                                                    int64_t n, int64_t step) {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) rows[i * kNr + j] = c[i][j * step];
    }
  }
  static __attribute__((noinline)) void write_planes(const float* rows, float* const* c, int64_t m,
                                                     int64_t n, int64_t step) {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) c[i][j * step] = rows[i * kNr + j];
    }
  }

  // A part of the sums of a block is complete: to it, what other parts have left in c. c(i) is
  // where pixel i is.
  template <int kM, int kV, typename Where>
  INLAY_INLINE void finish(Sums<kM, kV>& sum, const Call& call, const Part& part, Where c) {
    const int64_t n = call.shape.n;
    if (part.first) {
      if constexpr (!kBiasFirst) {
        Vector bias[kV];
        load<kV>(bias, call.bias, n);
        INLAY_UNROLL for (int i = 0; i < kM; ++i) {
          INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::add(sum[i][v], bias[v]);
        }
      }
    } else {
      float rows[kPlanes ? kM * kNr : 1];
      if constexpr (kPlanes) {
        const float* each[kM];
        INLAY_UNROLL for (int i = 0; i < kM; ++i) each[i] = c(i);
        read_planes(rows, each, kM, n, call.c_channel);
      }
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        Vector before[kV];
        load<kV>(before, kPlanes ? rows + i * kNr : c(i), n);
        INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::add(sum[i][v], before[v]);
      }
    }
    if (call.relu && part.last) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::at_least_zero(sum[i][v]);
      }
    }
    if constexpr (kPlanes) {
      if (call.c_right == 1 && c(kM - 1) == c(0) + (kM - 1)) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) {
          Vector columns[kM];
          INLAY_UNROLL for (int i = 0; i < kM; ++i) columns[i] = sum[i][v];
          Columns<Isa>::template store<kM>(c(0) + v * kLanes * call.c_channel, call.c_channel,
                                           columns, n - v * kLanes);
        }
        return;
      }
      float rows[kM * kNr];
      float* each[kM];
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        each[i] = c(i);
        INLAY_UNROLL for (int v = 0; v < kV; ++v) {
          Isa::store(rows + i * kNr + v * kLanes, sum[i][v]);
        }
      }
      write_planes(rows, each, kM, n, call.c_channel);
    } else if (n == kV * kLanes) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) Isa::store(c(i) + v * kLanes, sum[i][v]);
      }
    } else {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) {
          Isa::store_some(c(i) + v * kLanes, sum[i][v], n - v * kLanes);
        }
      }
    }
  }

  // A part of the sums of blocks that follow each other in a row of c, all taps in the image.
  template <int kM, int kV>
  static __attribute__((noinline)) void plain_blocks(const Call& call, const Part& part,
                                                     const char* a, float* c, int64_t blocks) {
    const int64_t right = call.a_right, channel = call.channel * (int64_t)sizeof(float);
    for (; blocks > 0; --blocks) {
      Vector sum[kM][kV];
      begin<kM, kV>(sum, call, part);
      const float* b = part.b;
      for (const Run* run = part.runs; run < part.runs_end; ++run) {
        even_run<kM, kV>(sum, a + run->at, right, channel, run->steps, b);
        b += run->steps * kNr;
      }
      finish<kM, kV>(sum, call, part, [&](int i) { return c + i * call.c_right; });
      a += kM * right;
      c += kM * call.c_right;
    }
  }

  // A part of the sums of any block.
  template <int kM, int kV>
  static __attribute__((noinline)) void mixed_block(const Call& call, const Part& part,
                                                    const Pixels& pixels) {
    const float* a[kM];
    INLAY_UNROLL for (int i = 0; i < kM; ++i) a[i] = (const float*)pixels.a[i];
    Vector sum[kM][kV];
    begin<kM, kV>(sum, call, part);
    add_taps<kM, kV>(sum, a, call, part, pixels);
    finish<kM, kV>(sum, call, part, [&](int i) { return pixels.c[i]; });
  }

  template <int kM, int kV>
  INLAY_INLINE void plain_blocks_of(int64_t m, const Call& call, const Part& part, const char* a,
                                    float* c, int64_t blocks) {
    if constexpr (kM >= kPlainMr) {
      if (m == kM) {
        plain_blocks<kM, kV>(call, part, a, c, blocks);
      } else {
        plain_blocks_of<kM - 1, kV>(m, call, part, a, c, blocks);
      }
    }
  }

  template <int kM, int kV>
  INLAY_INLINE void mixed_block_of(int64_t m, const Call& call, const Part& part,
                                   const Pixels& pixels) {
    if constexpr (kM > 0) {
      if (m == kM) {
        mixed_block<kM, kV>(call, part, pixels);
      } else {
        mixed_block_of<kM - 1, kV>(m, call, part, pixels);
      }
    }
  }

  // Each pixel of a block that starts at pixel x of a row.
  static __attribute__((noinline)) void list(const Call& call, Pixels& pixels, const char* a,
                                             float* c, int64_t size, int64_t row, int64_t x) {
    // Rows that follow each other may have been taken for one.
    row += x / call.shape.m * call.shape.sh;
    x %= call.shape.m;
    for (int64_t i = 0; i < size; ++i) {
      pixels.a[i] = a;
      pixels.c[i] = c;
      pixels.row[i] = row;
      pixels.column[i] = x * call.shape.sw - call.shape.left;
      a += call.a_right;
      c += call.c_right;
      if (++x == call.shape.m) {
        x = 0;
        row += call.shape.sh;
        a += call.a_down - call.shape.m * call.a_right;
        c += call.c_down - call.shape.m * call.c_right;
      }
    }
  }

  // All pixels of c, a part of their sums.
  template <int kV>
  static __attribute__((noinline)) void image(const Call& call, const Part& part, const char* a,
                                              float* c) {
    const SconvShape& shape = call.shape;
    const int64_t reach_h = (shape.taps_h - 1) * shape.dh, reach_w = (shape.taps_w - 1) * shape.dw;
    const bool inside = shape.top <= 0 && shape.left <= 0 &&
                        (shape.rows - 1) * shape.sh + reach_h - shape.top < shape.h &&
                        (shape.m - 1) * shape.sw + reach_w - shape.left < shape.w;
    int64_t m = shape.m, line = m, lines = shape.rows;
    if (inside && call.a_down == m * call.a_right && call.c_down == m * call.c_right) {
      // The rows of c and their pixels of a follow each other: one row.
      line = m *= lines;
      lines = 1;
    } else if (m / ((m + kMr - 1) / kMr) < 5) {
      // Blocks of one row would be small.
      line *= lines;
      lines = 1;
    }
    // Pixels first_x..last_x of a row have all their columns in the image.
    int64_t first_x = 0, last_x = m;
    if (!inside) {
      const int64_t room = shape.w - 1 - reach_w + shape.left;
      if (shape.left > 0) first_x = shape.sw > 0 ? (shape.left + shape.sw - 1) / shape.sw : m;
      if (room < 0) {
        last_x = 0;
      } else if (shape.sw > 0 && room / shape.sw + 1 < m) {
        last_x = room / shape.sw + 1;
      }
    }
    if (!part.runs) last_x = 0;
    int64_t row = -shape.top, x = 0;
    for (int64_t l = 0; l < lines; ++l) {
      for (int64_t left = line; left > 0;) {
        const char* const block_a = a + x * call.a_right;
        float* const block_c = c + x * call.c_right;
        const bool rows_meet = inside || (row >= 0 && row + reach_h < shape.h);
        const int64_t room =
            rows_meet && x >= first_x ? (last_x < x + left ? last_x - x : left) : 0;
        int64_t done;
        // Plain blocks of one vector may be taller.
        const int64_t most = kV == 1 && room >= left && left > kMr ? kTall : kMr;
        if (kV == 1 && room >= kTall && room < left) {
          done = room - room % kTall;
          plain_blocks<kTall, kV>(call, part, block_a, block_c, done / kTall);
        } else {
          const int64_t blocks = (left + most - 1) / most, larger = left % blocks;
          const int64_t size = left / blocks + (larger > 0);
          if (size <= room && size >= kPlainMr) {
            const int64_t alike = larger > 0 ? larger : blocks;
            done = size * alike <= room ? size * alike : room - room % size;
            plain_blocks_of<kV == 1 ? kTall : kMr, kV>(size, call, part, block_a, block_c,
                                                       done / size);
          } else {
            Pixels pixels;
            list(call, pixels, block_a, block_c, size, row, x);
            mixed_block_of<kMr, kV>(size, call, part, pixels);
            done = size;
          }
        }
        left -= done;
        for (x += done; x >= m; x -= m) {
          row += shape.sh;
          a += call.a_down;
          c += call.c_down;
        }
      }
    }
  }

  // The size of parts of `all`, of at most `most` and of nearly one size.
  static int64_t share(int64_t all, int64_t most) {
    const int64_t parts = (all + most - 1) / most;
    return parts > 1 ? (all + parts - 1) / parts : all;
  }

  using Strides = SconvStrides;

  // One tap for each pixel, and pixels that follow each other over all rows, in a and in c.
  static bool dense_products(const SconvShape& shape, Strides as, Strides cs) {
    return shape.taps_h == 1 && shape.taps_w == 1 && shape.sh == 1 && shape.sw == 1 &&
           shape.top <= 0 && shape.rows - shape.top <= shape.h && shape.left == 0 &&
           shape.m <= shape.w && as.row == shape.m && cs.row == shape.m;
  }

  static __attribute__((noinline)) void run(const SconvShape& shape, bool relu, const float* a,
                                            Strides as, const float* b, const float* bias, float* c,
                                            Strides cs) {
    if (shape.rows <= 0 || shape.m <= 0 || shape.n <= 0) return;
    const int64_t bytes = sizeof(float);
    const Call call{shape,
                    shape.sw * as.pixel * bytes,
                    shape.sh * as.row * bytes,
                    shape.dh * as.row,
                    shape.dw * as.pixel,
                    as.channel,
                    b,
                    bias,
                    cs.row,
                    cs.pixel,
                    cs.channel,
                    relu};
    if constexpr (kPlanes) {
      if (dense_products(shape, as, cs) && SconvPixels<Isa>::pays(shape.rows * shape.m, shape.k)) {
        SconvPixels<Isa>::run({shape.n, shape.k, as.channel, cs.channel, b, bias, relu},
                              shape.rows * shape.m, a - shape.top * as.row, c);
        return;
      }
    }
    const char* start =
        (const char*)((intptr_t)a - (shape.top * as.row + shape.left * as.pixel) * bytes);
    // Parts of the sum whose b stays in L2 over all pixels: some taps, or some of the floats of
    // one.
    int64_t k = shape.k, taps = shape.taps_h * shape.taps_w;
    const int64_t most = kPart / (kNr * bytes);
    if (k <= 0 || shape.taps_h <= 0 || shape.taps_w <= 0) k = taps = 0;
    const int64_t part_taps = taps * k <= most ? taps : share(taps, most > k ? most / k : 1);
    const int64_t part_k = share(k, most);
    Part part{};
    part.b = b;
    part.first = true;
    Run runs[kRuns];
    for (;;) {
      part.end = part.tap + part_taps < taps ? part.tap + part_taps : taps;
      part.p1 = part.p0 + part_k < k ? part.p0 + part_k : k;
      part.last = part.end == taps && part.p1 == k;
      find_runs(call, part, runs);
      const int64_t floats = (part.end - part.tap) * (part.p1 - part.p0) * kNr;
      if (shape.n > kLanes) {
        image<2>(call, part, start, c);
      } else {
        image<1>(call, part, start, c);
      }
      if (part.last) return;
      part.first = false;
      part.b += floats;
      part.p0 = part.p1;
      if (part.p0 == k) {
        part.p0 = 0;
        part.tap = part.end;
        part.row = part.tap / shape.taps_w;
        part.column = part.tap % shape.taps_w;
      }
    }
  }

  // The runs of a part, in `runs`.
  static __attribute__((noinline)) void find_runs(const Call& call, Part& part, Run* runs) {
    const int64_t bytes = sizeof(float), k = part.p1 - part.p0;
    const bool follow = call.tap_w == k * call.channel;
    const int64_t most = follow ? call.shape.taps_w : 1;  // taps of a run
    Run* to = runs;
    bool fits = true;
    int64_t row = part.row, column = part.column;
    for (int64_t tap = part.tap; tap < part.end && fits;) {
      int64_t count = most < call.shape.taps_w - column ? most : call.shape.taps_w - column;
      if (count > part.end - tap) count = part.end - tap;
      to->at = (row * call.tap_h + column * call.tap_w + part.p0 * call.channel) * bytes;
      to->steps = count * k;
      ++to;
      tap += count;
      column += count;
      if (column == call.shape.taps_w) {
        column = 0;
        ++row;
      }
      fits = to < runs + kRuns || tap == part.end;
    }
    part.runs = fits ? runs : nullptr;
    part.runs_end = to;
  }
};

// Groups of channels, those of c og apart, one after the other or, where they are small, several at
// once.
template <typename Isa, int kMr, int kTall, bool kPlanes>
static __attribute__((noinline)) void sconv_groups(int64_t groups, int64_t og, const SconvShape& s,
                                                   bool relu, const float* a, SconvStrides as,
                                                   const float* b, int64_t b0, const float* bias,
                                                   int64_t bias0, float* c, SconvStrides cs) {
  if (s.n == og && SconvGroups<Isa, kPlanes>::takes(groups, s)) {
    SconvGroups<Isa, kPlanes>::run(groups, s, relu, a, as, b, b0, bias, bias0, c, cs);
    return;
  }
  for (int64_t g = 0; g < groups; ++g) {
    SconvImage<Isa, kMr, kTall, kPlanes>::run(s, relu, a + g * s.k * as.channel, as, b + g * b0,
                                              bias + g * bias0, c + g * og * cs.channel, cs);
  }
}

// The functions of one instruction set.
#define INLAY_SCONV_FUNCTION(symbol, Isa, mr, tall, relu, planes, as, cs)                          \
  extern "C" void symbol(int64_t groups, int64_t rows, int64_t m, int64_t n, int64_t og,           \
                         int64_t taps_h, int64_t taps_w, int64_t k, int64_t sh, int64_t sw,        \
                         int64_t dh, int64_t dw, int64_t top, int64_t left, int64_t h, int64_t w,  \
                         const float* a, int64_t a0, int64_t a1, const float* b, int64_t b0,       \
                         const float* bias, int64_t bias0, float* c, int64_t c0, int64_t c1) {     \
    sconv_groups<Isa, mr, tall, planes>(                                                           \
        groups, og, {rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w}, relu, a, as, \
        b, b0, bias, bias0, c, cs);                                                                \
  }
#define INLAY_SCONV_IMAGE(symbol, Isa, mr, tall, relu)                               \
  INLAY_SCONV_FUNCTION(symbol, Isa, mr, tall, relu, false, INLAY_STRIDES(a0, a1, 1), \
                       INLAY_STRIDES(c0, c1, 1))
#define INLAY_SCONV_PLANES(symbol, Isa, mr, tall, relu)                             \
  INLAY_SCONV_FUNCTION(symbol, Isa, mr, tall, relu, true, INLAY_STRIDES(a1, 1, a0), \
                       INLAY_STRIDES(c1, 1, c0))
#define INLAY_STRIDES(row, pixel, channel) {row, pixel, channel}
#define INLAY_SCONV(Isa, mr, tall, size)                               \
  INLAY_SCONV_IMAGE(uk_sconv_f32_##size, Isa, mr, tall, false)         \
  INLAY_SCONV_IMAGE(uk_sconv_relu_f32_##size, Isa, mr, tall, true)     \
  INLAY_SCONV_PLANES(uk_sconv_planes_f32_##size, Isa, mr, tall, false) \
  INLAY_SCONV_PLANES(uk_sconv_planes_relu_f32_##size, Isa, mr, tall, true)

#undef INLAY_UNROLL
#undef INLAY_INLINE
