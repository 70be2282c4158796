// Image micro-kernel, for a vector type: what sconv_8x32_avx512.cpp and sconv_6x16_avx2.cpp share.
//
// Equation   c[y, x, j] = bias[j] + sum over r, s, p of
//                a[y * sh + r * dh - top, x * sw + s * dw - left, p] * b[r, s, p, j]
//            over the taps that meet the image, 0 <= row < h and 0 <= column < w; with kRelu the
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
// whole sum. Elements of a are broadcast from where they lie: one pointer a pixel, and one offset
// for all of them that runs over the taps. Where the taps of a filter row follow each other in
// memory (dw pixels of k floats each, as with dilation 1 and dense rows) they are one run; where
// few channels make short runs, all taps are, by a list of offsets. Taps that miss the image for
// some pixels of the block are computed for the others only, so that padding costs nothing and is
// nowhere stored.
//
// A panel too large for L2 is taken in parts, between which the sums wait in c. The order of a sum
// is that of the equation, whatever the blocks and parts.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016); direct convolution without im2col as in Georganas et al.,
// "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (SC 2018).
#pragma once

#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))

struct SconvShape {
  int64_t rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w;
};

template <typename Isa, int kMr, bool kRelu, bool kPlanes>
struct SconvImage {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kNr = 2 * kLanes;
  static constexpr int kPlaces = 512, kShort = 32;
  static constexpr int64_t kPart = kLanes * 32 * 1024;  ///< bytes of b

  struct Call {
    SconvShape shape;
    int64_t a_right, a_down;  ///< from one pixel of c to the next, in bytes of a
    int64_t tap_h, tap_w;     ///< from one tap to the next, in floats of a
    int64_t channel;          ///< from one channel to the next, in floats of a
    const float* b;
    const float* bias;
    int64_t c_down, c_right, c_channel;  ///< in floats
  };

  // A part of the sum: taps `tap`..`end` in the order of b, floats p0..p1 of each.
  struct Part {
    int64_t tap, end, p0, p1;
    bool first, last;
    int64_t row, column;  ///< of `tap`
    // Where one run of each pixel is the whole part: how many steps, from where on; or 0.
    int64_t run, run_at;
    const int64_t* places;  ///< where few channels make short runs: where each step reads, or null
    const float* b;         ///< of its first tap
  };

  // The pixels of one block. Of those that lie side by side in one row of c, with all their taps
  // in the image, the first is enough.
  struct Pixels {
    bool plain;
    int64_t blocks;  ///< how many follow each other, if they are plain
    const char* a;   ///< of tap (0, 0), which may lie outside of the image: an address only
    float* c;
    const char* each_a[kMr];
    float* each_c[kMr];
    int64_t row[kMr], column[kMr];  ///< of tap (0, 0)
  };

  INLAY_INLINE void load_pair(Vector (&pair)[2], const float* from, int64_t n) {
    if (n == kNr) {
      pair[0] = Isa::load(from);
      pair[1] = Isa::load(from + kLanes);
    } else {
      pair[0] = Isa::load_some(from, n);
      pair[1] = Isa::load_some(from + kLanes, n - kLanes);
    }
  }

  // acc[i] += a[i][at] * b for the pixels of `mask`.
  template <int kM, bool kMasked>
  INLAY_INLINE void step(Vector (&sum)[kM][2], const float* const (&a)[kM], int64_t at,
                         const float* b, uint32_t mask) {
    const Vector b0 = Isa::load(b), b1 = Isa::load(b + kLanes);
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      if (kMasked && !(mask & 1u << i)) continue;
      const Vector x = Isa::broadcast(a[i] + at);
      sum[i][0] = Isa::fma(x, b0, sum[i][0]);
      sum[i][1] = Isa::fma(x, b1, sum[i][1]);
    }
  }

  // `count` steps, `channel` floats apart from `at` on.
  template <int kM>
  INLAY_INLINE void run_whole(Vector (&sum)[kM][2], const float* const (&a)[kM], int64_t at,
                              int64_t channel, int64_t count, const float* b) {
    const float* const pairs = b + (count & ~(int64_t)1) * kNr;
    while (b < pairs) {
      // The compiler would make a pointer per pixel run along.
      __asm__("" : "+r"(at), "+r"(b));
      step<kM, false>(sum, a, at, b, 0);
      step<kM, false>(sum, a, at + channel, b + kNr, 0);
      at += 2 * channel;
      b += 2 * kNr;
    }
    if (count & 1) step<kM, false>(sum, a, at, b, 0);
  }

  // The same for the pixels of `mask`.
  template <int kM>
  INLAY_INLINE void run_masked(Vector (&sum)[kM][2], const float* const (&a)[kM], int64_t at,
                               int64_t channel, int64_t count, const float* b, uint32_t mask) {
    const float* const end = b + count * kNr;
    while (b < end) {
      // Nor is a loop wanted for each mask.
      __asm__("" : "+r"(at), "+r"(b), "+r"(mask));
      step<kM, true>(sum, a, at, b, mask);
      at += channel;
      b += kNr;
    }
  }

  // Steps that read at `places`.
  template <int kM>
  INLAY_INLINE void run_places(Vector (&sum)[kM][2], const float* const (&a)[kM],
                               const int64_t* places, int64_t count, const float* b) {
    for (const int64_t* const end = places + count; places < end; ++places) {
      int64_t at = *places;
      __asm__("" : "+r"(at), "+r"(b));
      step<kM, false>(sum, a, at, b, 0);
      b += kNr;
    }
  }

  // Which of the places (plus `offset`) lie in 0..end.
  template <int kM>
  INLAY_INLINE uint32_t meeting(const int64_t* places, int64_t offset, int64_t end) {
    uint32_t mask = 0;
    INLAY_UNROLL for (int i = 0; i < kM; ++i) {
      int64_t place = places[i] + offset;
      __asm__("" : "+r"(place));  // a vector would wait for the stores of all places
      mask |= (uint32_t)((uint64_t)place < (uint64_t)end) << i;
    }
    return mask;
  }

  // Tap by tap, or in runs of those of a filter row that meet the image for every pixel.
  template <int kM>
  INLAY_INLINE void add_taps(Vector (&sum)[kM][2], const float* const (&a)[kM], const Call& call,
                             const Part& part, const Pixels& pixels) {
    const SconvShape& shape = call.shape;
    constexpr uint32_t kAll = (1u << kM) - 1;
    const int64_t k = part.p1 - part.p0;
    const int64_t channel = kPlanes ? call.channel : 1;
    const bool follow = call.tap_w == k * channel;
    // Taps in first..last of a filter row meet the image for every pixel.
    int64_t first = 0, last = shape.taps_w;
    if (!pixels.plain) {
      while (first < last && meeting<kM>(pixels.column, first * shape.dw, shape.w) != kAll) ++first;
      while (first < last && meeting<kM>(pixels.column, (last - 1) * shape.dw, shape.w) != kAll)
        --last;
    }
    const float* b = part.b;
    int64_t r = part.row, s = part.column;
    for (int64_t left = part.end - part.tap; left > 0;) {
      const int64_t end = left < shape.taps_w - s ? s + left : shape.taps_w;
      left -= end - s;
      const uint32_t rows = pixels.plain ? kAll : meeting<kM>(pixels.row, r * shape.dh, shape.h);
      const int64_t at = r * call.tap_h + part.p0 * channel;
      while (s < end) {
        const bool whole = s >= first && s < last;
        const int64_t taps = whole && follow ? (last < end ? last : end) - s : 1;
        const uint32_t mask =
            whole ? rows : rows & meeting<kM>(pixels.column, s * shape.dw, shape.w);
        if (mask == kAll) {
          run_whole<kM>(sum, a, at + s * call.tap_w, channel, taps * k, b);
        } else if (mask != 0) {
          run_masked<kM>(sum, a, at + s * call.tap_w, channel, taps * k, b, mask);
        }
        s += taps;
        b += taps * k * kNr;
      }
      s = 0;
      ++r;
    }
  }

  // The block of c: a row of channels for each pixel.
  template <int kM>
  INLAY_INLINE void get(Vector (&sum)[kM][2], const Call& call, const Pixels& pixels,
                        const float* first) {
    const int64_t n = call.shape.n;
    if constexpr (kPlanes) {
      float block[kM * kNr];
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        const float* from = pixels.plain ? first + i * call.c_right : pixels.each_c[i];
        for (int64_t j = 0; j < n; ++j) block[i * kNr + j] = from[j * call.c_channel];
        load_pair(sum[i], block + i * kNr, n);
      }
    } else {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        load_pair(sum[i], pixels.plain ? first + i * call.c_right : pixels.each_c[i], n);
      }
    }
  }

  template <int kM>
  INLAY_INLINE void put(const Vector (&sum)[kM][2], const Call& call, const Pixels& pixels,
                        float* first) {
    const int64_t n = call.shape.n;
    auto c = [&](int i) { return pixels.plain ? first + i * call.c_right : pixels.each_c[i]; };
    if constexpr (kPlanes) {
      if (call.c_right == 1 && c(kM - 1) == c(0) + (kM - 1)) {
        INLAY_UNROLL for (int i = 0; i < kM; i += 4) {
          const int count = kM - i < 4 ? kM - i : 4;
          INLAY_UNROLL for (int v = 0; v < 2; ++v) {
            Isa::store_columns(c(0) + i + v * kLanes * call.c_channel, call.c_channel, sum[i][v],
                               sum[i + (count > 1 ? 1 : 0)][v], sum[i + (count > 2 ? 2 : 0)][v],
                               sum[i + (count > 3 ? 3 : 0)][v], count, n - v * kLanes);
          }
        }
        return;
      }
      float block[kM * kNr];
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        Isa::store(block + i * kNr, sum[i][0]);
        Isa::store(block + i * kNr + kLanes, sum[i][1]);
      }
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        float* to = c(i);
        for (int64_t j = 0; j < n; ++j) to[j * call.c_channel] = block[i * kNr + j];
      }
    } else if (n == kNr) {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        float* to = c(i);
        Isa::store(to, sum[i][0]);
        Isa::store(to + kLanes, sum[i][1]);
      }
    } else {
      INLAY_UNROLL for (int i = 0; i < kM; ++i) {
        float* to = c(i);
        Isa::store_some(to, sum[i][0], n);
        Isa::store_some(to + kLanes, sum[i][1], n - kLanes);
      }
    }
  }

  // A part of the sums of one block, or of several plain ones that follow each other, added to what
  // is in c but for the first part.
  template <int kM>
  static __attribute__((noinline)) void block(const Call& call, const Part& part,
                                              const Pixels& pixels) {
    const char* first_a = pixels.a;
    float* first_c = pixels.c;
    for (int64_t left = pixels.blocks;;) {
      const float* a[kM];
      if (pixels.plain) {
        INLAY_UNROLL for (int i = 0; i < kM; ++i) a[i] = (const float*)(first_a + i * call.a_right);
      } else {
        INLAY_UNROLL for (int i = 0; i < kM; ++i) a[i] = (const float*)pixels.each_a[i];
      }
      Vector sum[kM][2];
      if (part.first) {
        load_pair(sum[0], call.bias, call.shape.n);
        INLAY_UNROLL for (int i = 1; i < kM; ++i) {
          sum[i][0] = sum[0][0];
          sum[i][1] = sum[0][1];
        }
      } else {
        get<kM>(sum, call, pixels, first_c);
      }
      if (pixels.plain && part.run > 0) {
        run_whole<kM>(sum, a, part.run_at, kPlanes ? call.channel : 1, part.run, part.b);
      } else if (pixels.plain && part.places) {
        run_places<kM>(sum, a, part.places, (part.end - part.tap) * (part.p1 - part.p0), part.b);
      } else {
        add_taps<kM>(sum, a, call, part, pixels);
      }
      if (kRelu && part.last) {
        INLAY_UNROLL for (int i = 0; i < kM; ++i) {
          sum[i][0] = Isa::at_least_zero(sum[i][0]);
          sum[i][1] = Isa::at_least_zero(sum[i][1]);
        }
      }
      put<kM>(sum, call, pixels, first_c);
      if (--left == 0) return;
      first_a += kM * call.a_right;
      first_c += kM * call.c_right;
    }
  }

  template <int kM>
  INLAY_INLINE void dispatch(int64_t m, const Call& call, const Part& part, const Pixels& pixels) {
    if constexpr (kM > 0) {
      if (m == kM) {
        block<kM>(call, part, pixels);
      } else {
        dispatch<kM - 1>(m, call, part, pixels);
      }
    }
  }

  // Each pixel of a block that starts at pixel x of a row.
  static __attribute__((noinline)) void list(const Call& call, Pixels& pixels, int64_t size,
                                             int64_t row, int64_t x) {
    const char* a = pixels.a;
    float* c = pixels.c;
    for (int64_t i = 0; i < size; ++i) {
      pixels.each_a[i] = a;
      pixels.each_c[i] = c;
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
    const int64_t blocks = (line + kMr - 1) / kMr;
    const int64_t least = line / blocks, larger = line % blocks;
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
    int64_t row = -shape.top, x = 0;
    for (int64_t l = 0; l < lines; ++l) {
      for (int64_t i = 0; i < blocks;) {
        const int64_t size = least + (i < larger);
        Pixels pixels;
        pixels.a = a + x * call.a_right;
        pixels.c = c + x * call.c_right;
        pixels.blocks = 1;
        pixels.plain =
            x >= first_x && x + size <= last_x && (inside || (row >= 0 && row + reach_h < shape.h));
        if (!pixels.plain) {
          list(call, pixels, size, row, x);
        } else if (x + 2 * size <= last_x) {
          const int64_t fit = (last_x - x) / size, alike = i < larger ? larger - i : blocks - i;
          pixels.blocks = fit < alike ? fit : alike;
        }
        dispatch<kMr>(size, call, part, pixels);
        i += pixels.blocks;
        for (x += size * pixels.blocks; x >= m; x -= m) {
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

  /// Strides in floats: of a row, a pixel and a channel of a, and of c.
  struct Strides {
    int64_t row, pixel, channel;
  };

  static __attribute__((noinline)) void run(const SconvShape& shape, const float* a, Strides as,
                                            const float* b, const float* bias, float* c,
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
                    cs.channel};
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
    int64_t places[kPlaces];
    if (k < kShort && taps > 1 && taps * k <= kPlaces && shape.rows * shape.m >= kShort) {
      int64_t* to = places;
      for (int64_t r = 0; r < shape.taps_h; ++r) {
        for (int64_t s = 0; s < shape.taps_w; ++s) {
          for (int64_t p = 0; p < k; ++p) {
            *to++ = r * call.tap_h + s * call.tap_w + p * as.channel;
          }
        }
      }
      part.places = places;
    }
    for (;;) {
      part.end = part.tap + part_taps < taps ? part.tap + part_taps : taps;
      part.p1 = part.p0 + part_k < k ? part.p0 + part_k : k;
      part.last = part.end == taps && part.p1 == k;
      const int64_t floats = (part.end - part.tap) * (part.p1 - part.p0);
      const bool one_run = part.end - part.tap == 1 ||
                           (shape.taps_h == 1 && call.tap_w == (part.p1 - part.p0) * as.channel);
      part.run = one_run ? floats : 0;
      part.run_at = part.row * call.tap_h + part.column * call.tap_w + part.p0 * as.channel;
      image(call, part, start, c);
      if (part.last) return;
      part.first = false;
      part.b += floats * kNr;
      part.p0 = part.p1;
      if (part.p0 == k) {
        part.p0 = 0;
        part.tap = part.end;
        part.row = part.tap / shape.taps_w;
        part.column = part.tap % shape.taps_w;
      }
    }
  }
};

#undef INLAY_UNROLL
#undef INLAY_INLINE
