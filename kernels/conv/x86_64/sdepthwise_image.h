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
// Lanes are channels of c. Square filters of 3 and 5 with strides of 1 and 2 go down the image: a
// few pixels of a row and one to four vectors of channels are a block, whose sums of all rows of c
// that an input row serves wait in registers, so that each input is loaded once for all of its taps
// in the block. Other filters are taken row by row, several pixels side by side and two vectors of
// channels at a time, in blocks of nearly one size: a block takes all channels, so that what it
// reads are streams. There pixels at the sides, of which some taps miss the image, are taken one by
// one. With 16 registers going down leaves few pixels to a block; filters of three columns go row
// by row where that is faster, and an input that serves several taps is loaded once. The last
// channels go through masked loads and stores.
#pragma once

#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))
#define INLAY_APART static __attribute__((noinline))

struct SdepthwiseShape {
  int64_t rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, q;
};

template <typename Isa, bool kSpread>
struct SdepthwiseImage {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr bool kManyRegisters = Isa::kRegisters >= 32;
  static constexpr int kPixels = kManyRegisters ? 6 : 4;

  struct Call {
    SdepthwiseShape shape;
    int64_t right;         ///< from one pixel of c to the next, in floats of a
    int64_t tap_h, tap_w;  ///< from one tap to the next, in floats of a
    int64_t a0, a1, f0, f1, c0, c1;
    bool relu;
  };

  template <bool kWhole>
  INLAY_INLINE Vector get(const float* p, int64_t n) {
    if constexpr (kWhole) return Isa::load(p);
    return Isa::load_some(p, n);
  }
  template <bool kWhole>
  INLAY_INLINE void put(float* p, Vector v, int64_t n, bool relu) {
    if (relu) v = Isa::at_least_zero(v);
    if constexpr (kWhole) {
      Isa::store(p, v);
    } else {
      Isa::store_some(p, v, n);
    }
  }

  // Pixels of c from `x` on; of the columns that they read, first..last are in the image.
  struct Block {
    const Call& call;
    int64_t x, first, last;
  };

  // Going down the image: kTaps x kTaps taps, pixels of c kStep apart, kVectors of channels.
  template <int kTaps, int kStep, int kVectors>
  struct Down {
    // Rows of c that one input row has taps for. Their sums are in registers, with all taps where
    // that leaves pixels enough, else with a tap and the pixels that it meets. The compiler needs a
    // few more registers, the more the longer the loop.
    static constexpr int kRows = (kTaps + kStep - 1) / kStep;
    static constexpr int kSpare = Isa::kRegisters / 8 + (kTaps == 5 ? 2 : 0);
    static constexpr int kWithTaps = (Isa::kRegisters - 6 - kTaps * kTaps) / kRows;
    static constexpr bool kHolds = kVectors == 1 && kWithTaps >= 4;
    static constexpr int kMost =
        kHolds ? kWithTaps : (Isa::kRegisters - kSpare) / (kRows * kVectors + 1);
    static constexpr int kCount = kMost < 1 ? 1 : kMost > 6 ? 6 : kMost;
    static constexpr int kLeast = (kCount + 1) / 2;  ///< of blocks of nearly one size
    static constexpr int kColumns = (kCount - 1) * kStep + kTaps;

    template <int kSize, bool kSides>
    INLAY_INLINE void vectors(const Block& block, float* taps, const float* a, const float* f,
                              const float* bias, float* c) {
      const Call& call = block.call;
      const int64_t a0 = call.a0, a1 = call.a1, c0 = call.c0, c1 = call.c1, h = call.shape.h;
      const int64_t rows = call.shape.rows, top = call.shape.top;
      const bool relu = call.relu;
      const int64_t column = block.x * kStep - call.shape.left, first = block.first,
                    last = block.last;
      Vector held[kHolds ? kTaps * kTaps : 1];
      INLAY_UNROLL for (int tap = 0; tap < kTaps * kTaps; ++tap) {
        INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
          const float* from = f + tap / kTaps * call.f0 + tap % kTaps * call.f1 + v * kLanes;
          if constexpr (kHolds) {
            held[tap] = Isa::load(from);
          } else {
            Isa::store(taps + (tap * kVectors + v) * kLanes, Isa::load(from));
          }
        }
      }
      auto tap = [&](int r, int s, int v) __attribute__((always_inline)) {
        if constexpr (kHolds) return held[r * kTaps + s];
        return Isa::load(taps + ((r * kTaps + s) * kVectors + v) * kLanes);
      };
      Vector sum[kRows][kVectors][kSize];
      INLAY_UNROLL for (int k = 0; k < kRows; ++k) {
        INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
          INLAY_UNROLL for (int i = 0; i < kSize; ++i) sum[k][v][i] = Isa::load(bias + v * kLanes);
        }
      }
      // Row y of c takes its last kStep input rows; k rows further down it is other taps of them.
      for (int64_t y = 1 - kRows; y < rows; ++y) {
        INLAY_UNROLL for (int q = 0; q < kStep; ++q) {
          const int64_t below = y * kStep + kTaps - kStep + q, row = below - top;
          if (below < 0 || row < 0 || row >= h) continue;
          INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
            const float* p = a + row * a0 + v * kLanes;
            if constexpr (kSides || kHolds) {
              INLAY_UNROLL for (int at = 0; at < (kSize - 1) * kStep + kTaps; ++at) {
                if (kSides && (at < first || at >= last)) continue;
                // Taps are read again for each column: no registers for all of them.
                if (!kHolds) asm volatile("" : "+r"(taps));
                const Vector x = Isa::load(p + (column + at) * a1);
                INLAY_UNROLL for (int s = 0; s < kTaps; ++s) {
                  const int i = (at - s) / kStep;
                  if (at < s || (at - s) % kStep != 0 || i >= kSize) continue;
                  INLAY_UNROLL for (int k = 0; k < kRows; ++k) {
                    const int r = kTaps - kStep + q - k * kStep;
                    if (r >= 0) sum[k][v][i] = Isa::fma(x, tap(r, s, v), sum[k][v][i]);
                  }
                }
              }
            } else {
              INLAY_UNROLL for (int s = 0; s < kTaps; ++s) {
                INLAY_UNROLL for (int k = 0; k < kRows; ++k) {
                  const int r = kTaps - kStep + q - k * kStep;
                  if (r < 0) continue;
                  const Vector t = tap(r, s, v);
                  INLAY_UNROLL for (int i = 0; i < kSize; ++i) {
                    const Vector x = Isa::load(p + (column + i * kStep + s) * a1);
                    sum[k][v][i] = Isa::fma(x, t, sum[k][v][i]);
                  }
                }
              }
            }
          }
        }
        INLAY_UNROLL for (int i = 0; i < kSize; ++i) {
          INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
            if (y >= 0) put<true>(c + y * c0 + i * c1 + v * kLanes, sum[0][v][i], 0, relu);
            INLAY_UNROLL for (int k = 0; k + 1 < kRows; ++k) sum[k][v][i] = sum[k + 1][v][i];
            sum[kRows - 1][v][i] = Isa::load(bias + v * kLanes);
          }
        }
      }
    }

    // n channels, a vector at least. Where they are no multiple of the vectors, the last vector
    // begins earlier: what it computes again comes out the same.
    template <int kSize, bool kSides>
    INLAY_APART void channels(const Block& block, int64_t n, float* taps, const float* a,
                              const float* f, const float* bias, float* c) {
      constexpr int kWidth = kVectors * kLanes;
      for (int64_t j = 0; j < n; j += kWidth) {
        const int64_t rest = n - j;
        if constexpr (kVectors == 1) {
          if (rest < kLanes) j = n - kLanes;
        } else if (rest < kWidth) {
          if (rest < kLanes) j = n - kLanes;
          Down<kTaps, kStep, 1>::template channels<kSize, kSides>(block, n - j, taps, a + j, f + j,
                                                                  bias + j, c + j);
          return;
        }
        vectors<kSize, kSides>(block, taps, a + j, f + j, bias + j, c + j);
      }
    }

    template <int kSize>
    INLAY_INLINE void sized(int64_t size, const Block& block, float* taps, const float* a,
                            const float* f, const float* bias, float* c) {
      if constexpr (kSize >= kLeast) {
        if (size != kSize) {
          sized<kSize - 1>(size, block, taps, a, f, bias, c);
        } else if (block.first == 0 && block.last == (kSize - 1) * kStep + kTaps) {
          channels<kSize, false>(block, block.call.shape.n, taps, a, f, bias, c);
        } else {
          channels<kSize, true>(block, block.call.shape.n, taps, a, f, bias, c);
        }
      }
    }

    INLAY_APART void run(const Call& call, const float* a, const float* f, const float* bias,
                         float* c) {
      alignas(64) float taps[kTaps * kTaps * kVectors * kLanes];
      const int64_t m = call.shape.m, w = call.shape.w;
      const int64_t blocks = (m + kCount - 1) / kCount;
      for (int64_t i = 0, x = 0; i < blocks; ++i) {
        const int64_t size = m / blocks + (i < m % blocks);
        const int64_t column = x * kStep - call.shape.left, columns = (size - 1) * kStep + kTaps;
        const int64_t first = column < 0 ? -column : 0;
        const int64_t last = w - column < columns ? w - column : columns;
        sized<kCount>(size, {call, x, first, last}, taps, a, f, bias, c + x * call.c1);
        x += size;
      }
    }
  };

  // Sets of the first cache that pixels side by side meet. Offsets in a page of 4 KB tell no more
  // apart.
  static int64_t sets_of_pixels(const Call& call) {
    constexpr int64_t kLine = 64, kSets = 64;
    const int64_t step = call.a1 * (int64_t)sizeof(float);
    int64_t sets = kSets;
    while (sets > 1 && step % (kLine * kSets / sets * 2) == 0) sets /= 2;
    return sets;
  }

  // A block takes a line of channels at least: if half of one, the other half would be fetched
  // again. Pixels that are a multiple of a large power of two apart share a few sets of the first
  // cache, which then has no room for what a block reads and writes, nor for what is fetched ahead:
  // blocks of more channels and fewer pixels meet more sets.
  template <int kTaps, int kStep>
  INLAY_INLINE void down(const Call& call, const float* a, const float* f, const float* bias,
                         float* c) {
    if constexpr (kTaps == 5) {
      // Sums of five rows leave 16 registers no room for two vectors.
      Down<kTaps, kStep, kManyRegisters ? 2 : 1>::run(call, a, f, bias, c);
    } else if constexpr (!kManyRegisters) {
      Down<kTaps, kStep, 2>::run(call, a, f, bias, c);
    } else if (sets_of_pixels(call) >= 2 * Down<kTaps, kStep, 1>::kColumns) {
      Down<kTaps, kStep, 1>::run(call, a, f, bias, c);
    } else {
      Down<kTaps, kStep, 4>::run(call, a, f, bias, c);
    }
  }

  static bool goes_down(const Call& call) {
    const SdepthwiseShape& s = call.shape;
    return s.taps_h == s.taps_w && s.sh == s.sw && s.dh == 1 && s.dw == 1 && s.m >= 3 &&
           s.n >= kLanes;
  }

  // Where going down serves filters of 3 x 3 better than going along (measured). With 16 registers
  // it leaves two pixels to a block, which read columns that their neighbours have read: those had
  // better still be in the first cache, and two more rows are gone through than there are. With 32
  // it pays where pixels side by side share no sets, and where they share so many that a line is
  // gone before anything beside it is wanted: there blocks have several vectors.
  static bool pays_to_go_down(const Call& call) {
    const int64_t sets = sets_of_pixels(call);
    if (kManyRegisters) return sets >= 32 || sets <= 4 / call.shape.sh;
    return call.shape.sh == 1 && sets >= 32 && call.shape.rows >= 40;
  }

  // Filters of three columns, row by row: blocks of at most kMost pixels of c, kStride apart in a,
  // and kVectors of channels. Of the columns that a block reads, bits say which are in the image.
  // With kFetch the rows that the next row of c is the first to read are fetched ahead.
  template <int kMost, int kStride, int kVectors, bool kFetch = false>
  struct Along {
    static constexpr int kLeast = (kMost + 1) / 2;  ///< of blocks of nearly one size

    // Of kCount pixels `size` exist.
    template <int kCount, int kWide, bool kWhole>
    INLAY_INLINE void block(const Call& call, int64_t size, const float* a, const float* f,
                            int64_t taps_h, uint32_t columns, const float* bias, float* c,
                            int64_t n) {
      Vector sum[kCount][kWide];
      INLAY_UNROLL for (int v = 0; v < kWide; ++v) {
        sum[0][v] = get<kWhole>(bias + v * kLanes, n);
        INLAY_UNROLL for (int i = 1; i < kCount; ++i) sum[i][v] = sum[0][v];
      }
      for (int64_t r = 0; r < taps_h; ++r, a += call.tap_h, f += call.f0) {
        Vector tap[3][kWide];
        INLAY_UNROLL for (int s = 0; s < 3; ++s) {
          INLAY_UNROLL for (int v = 0; v < kWide; ++v) {
            tap[s][v] = get<kWhole>(f + s * call.f1 + v * kLanes, n);
          }
        }
        asm volatile("" : "+r"(columns));  // no register for each bit
        INLAY_UNROLL for (int at = 0; at < (kCount - 1) * kStride + 3; ++at) {
          if (__builtin_expect(!(columns >> at & 1), 0)) continue;
          if (kFetch && r >= taps_h - kStride) {
            __builtin_prefetch(a + at * call.a1 + call.shape.sh * call.a0);
          }
          Vector x[kWide];
          INLAY_UNROLL for (int v = 0; v < kWide; ++v) {
            x[v] = get<kWhole>(a + at * call.a1 + v * kLanes, n);
          }
          INLAY_UNROLL for (int s = 0; s < 3; ++s) {
            const int i = (at - s) / kStride;
            if (at < s || (at - s) % kStride != 0 || i >= kCount) continue;
            INLAY_UNROLL for (int v = 0; v < kWide; ++v) {
              sum[i][v] = Isa::fma(x[v], tap[s][v], sum[i][v]);
            }
          }
        }
      }
      INLAY_UNROLL for (int i = 0; i < kCount; ++i) {
        if (kCount == kLeast && i >= size) return;
        INLAY_UNROLL for (int v = 0; v < kWide; ++v) {
          put<kWhole>(c + i * call.c1 + v * kLanes, sum[i][v], n, call.relu);
        }
      }
    }

    template <int kCount>
    INLAY_APART void pixels(const Call& call, int64_t size, const float* a, const float* f,
                            int64_t taps_h, uint32_t columns, const float* bias, float* c) {
      int64_t j = 0;
      for (; j + kVectors * kLanes <= call.shape.n; j += kVectors * kLanes) {
        block<kCount, kVectors, true>(call, size, a + j, f + j, taps_h, columns, bias + j, c + j,
                                      0);
      }
      for (; j < call.shape.n; j += kLanes) {
        block<kCount, 1, false>(call, size, a + j, f + j, taps_h, columns, bias + j, c + j,
                                call.shape.n - j);
      }
    }

    template <int kCount>
    INLAY_INLINE void sized(int64_t size, const Call& call, const float* a, const float* f,
                            int64_t taps_h, uint32_t columns, const float* bias, float* c) {
      if constexpr (kCount > kLeast) {
        if (size < kCount) {
          sized<kCount - 1>(size, call, a, f, taps_h, columns, bias, c);
          return;
        }
      }
      pixels<kCount>(call, size, a, f, taps_h, columns, bias, c);
    }

    INLAY_APART void run(const Call& call, const float* a, const float* f, const float* bias,
                         float* c) {
      const SdepthwiseShape& shape = call.shape;
      const int64_t blocks = (shape.m + kMost - 1) / kMost;
      for (int64_t i = 0, x = 0; i < blocks; ++i) {
        const int64_t size = shape.m / blocks + (i < shape.m % blocks);
        const int64_t column = x * kStride - shape.left;
        uint32_t columns = 0;
        for (int at = 0; at < (kMost - 1) * kStride + 3; ++at) {
          columns |= (uint32_t)((uint64_t)(column + at) < (uint64_t)shape.w) << at;
        }
        for (int64_t y = 0; y < shape.rows; ++y) {
          const int64_t row = y * shape.sh - shape.top;
          int64_t r0 = 0, r1 = shape.taps_h;
          while (r0 < r1 && row + r0 * shape.dh < 0) ++r0;
          while (r0 < r1 && row + (r1 - 1) * shape.dh >= shape.h) --r1;
          const int64_t corner = (row + r0 * shape.dh) * call.a0 + column * call.a1;
          const float* from = (const float*)((intptr_t)a + corner * (int64_t)sizeof(float));
          sized<kMost>(size, call, from, f + r0 * call.f0, r1 - r0, columns, bias,
                       c + y * call.c0 + x * call.c1);
        }
        x += size;
      }
    }
  };

  INLAY_INLINE void along(const Call& call, const float* a, const float* f, const float* bias,
                          float* c) {
    // Half a line of each pixel is enough where the other half is still there when it is wanted.
    if (call.shape.sw == 2) {
      // An image that L2 does not hold comes too slowly for so few products. Elsewhere, and with
      // more products for an input, fetching ahead costs more than it gains.
      constexpr int64_t kLarge = 1 << 20;
      if (call.shape.h * call.a0 * (int64_t)sizeof(float) > kLarge) {
        Along<4, 2, 2, true>::run(call, a, f, bias, c);
      } else {
        Along<4, 2, 2>::run(call, a, f, bias, c);
      }
    } else if (kManyRegisters) {
      Along<10, 1, 1>::run(call, a, f, bias, c);
    } else if (sets_of_pixels(call) > 4) {
      Along<7, 1, 1>::run(call, a, f, bias, c);
    } else {
      Along<4, 1, 2>::run(call, a, f, bias, c);
    }
  }

  // kCount pixels, kVectors of channels, or one of which n exist; taps_h x taps_w taps from a and f
  // on.
  template <int kCount, int kVectors, bool kWhole>
  INLAY_INLINE void block(const Call& call, const float* a, const float* f, int64_t taps_h,
                          int64_t taps_w, const float* bias, float* c, int64_t n) {
    static_assert(kWhole || kVectors == 1);
    Vector sum[kCount][kVectors];
    INLAY_UNROLL for (int v = 0; v < kVectors; ++v) {
      sum[0][v] = get<kWhole>(bias + v * kLanes, n);
      INLAY_UNROLL for (int i = 1; i < kCount; ++i) sum[i][v] = sum[0][v];
    }
    for (int64_t r = 0; r < taps_h; ++r, a += call.tap_h, f += call.f0) {
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
        put<kWhole>(c + i * call.c1 + v * kLanes, sum[i][v], n, call.relu);
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
    INLAY_UNROLL for (int i = 0; i < kCount; ++i) put<false>(c + i * call.c1, sum[i], n, call.relu);
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
  template <int kCount>
  INLAY_APART void pixels(const Call& call, const float* a, const float* f, int64_t taps_h,
                          int64_t taps_w, const float* bias, float* c) {
    if constexpr (kSpread) {
      spread_pixels<kCount>(call, a, f, taps_h, taps_w, bias, c);
      return;
    }
    int64_t left = call.shape.n;
    for (; left >= 2 * kLanes; left -= 2 * kLanes) {
      block<kCount, 2, true>(call, a, f, taps_h, taps_w, bias, c, 0);
      a += 2 * kLanes;
      f += 2 * kLanes;
      bias += 2 * kLanes;
      c += 2 * kLanes;
    }
    if (left >= kLanes) {
      block<kCount, 1, true>(call, a, f, taps_h, taps_w, bias, c, 0);
      a += kLanes;
      f += kLanes;
      bias += kLanes;
      c += kLanes;
      left -= kLanes;
    }
    if (left > 0) block<kCount, 1, false>(call, a, f, taps_h, taps_w, bias, c, left);
  }

  template <int kCount>
  INLAY_INLINE void sized(int64_t size, const Call& call, const float* a, const float* f,
                          int64_t taps_h, const float* bias, float* c) {
    if constexpr (kCount > 0) {
      if (size == kCount) {
        pixels<kCount>(call, a, f, taps_h, call.shape.taps_w, bias, c);
      } else {
        sized<kCount - 1>(size, call, a, f, taps_h, bias, c);
      }
    }
  }

  // Pixels first..last of one row, all their columns in the image; a is at tap (0, 0) of pixel 0.
  INLAY_INLINE void inner(const Call& call, int64_t first, int64_t last, const float* a,
                          const float* f, int64_t taps_h, const float* bias, float* c) {
    const int64_t blocks = (last - first + kPixels - 1) / kPixels;
    const int64_t least = (last - first) / blocks, larger = (last - first) % blocks;
    a += first * call.right;
    c += first * call.c1;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t size = least + (i < larger);
      sized<kPixels>(size, call, a, f, taps_h, bias, c);
      a += size * call.right;
      c += size * call.c1;
    }
  }

  INLAY_APART void run(const SdepthwiseShape& shape, bool relu, const float* a, int64_t a0,
                       int64_t a1, const float* f, int64_t f0, int64_t f1, const float* bias,
                       float* c, int64_t c0, int64_t c1) {
    if (shape.n <= 0 || shape.q <= 0) return;
    const Call call{shape, shape.sw * a1, shape.dh * a0, shape.dw * a1, a0, a1, f0, f1, c0,
                    c1,    relu};
    if constexpr (!kSpread) {
      if (goes_down(call)) {
        if (shape.taps_h == 3 && pays_to_go_down(call)) {
          if (shape.sh == 1) return down<3, 1>(call, a, f, bias, c);
          if constexpr (kManyRegisters) return down<3, 2>(call, a, f, bias, c);
        }
        if (shape.taps_h == 5 && shape.sh == 1) return down<5, 1>(call, a, f, bias, c);
        if (shape.taps_h == 5 && shape.sh == 2) return down<5, 2>(call, a, f, bias, c);
      }
      if (shape.taps_w == 3 && shape.dw == 1 && (shape.sw == 1 || shape.sw == 2)) {
        return along(call, a, f, bias, c);
      }
    }
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
          inner(call, first, last, start, filter, r1 - r0, bias, to);
          x = last - 1;
          continue;
        }
        const int64_t column = x * shape.sw - shape.left;
        int64_t s0 = 0, s1 = shape.taps_w;
        while (s0 < s1 && column + s0 * shape.dw < 0) ++s0;
        while (s0 < s1 && column + (s1 - 1) * shape.dw >= shape.w) --s1;
        pixels<1>(call, start + x * call.right + s0 * call.tap_w, filter + s0 * f1, r1 - r0,
                  s1 - s0, bias, to + x * c1);
      }
    }
  }
};

// The functions of one instruction set.
#define INLAY_SDEPTHWISE_IMAGE(symbol, Isa, relu)                                                 \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,      \
                         int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,             \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,          \
                         int64_t a1, const float* f, int64_t f0, int64_t f1, const float* bias,   \
                         float* c, int64_t c0, int64_t c1) {                                      \
    SdepthwiseImage<Isa, false>::run(                                                             \
        {rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, 1}, relu, a, a0, a1, f, f0, \
        f1, bias, c, c0, c1);                                                                     \
  }
#define INLAY_SDEPTHWISE_SPREAD(symbol, Isa)                                                       \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t q, int64_t taps_h,            \
                         int64_t taps_w, int64_t sh, int64_t sw, int64_t dh, int64_t dw,           \
                         int64_t top, int64_t left, int64_t h, int64_t w, const float* a,          \
                         int64_t a0, int64_t a1, const float* f, int64_t f0, int64_t f1,           \
                         const float* bias, float* c, int64_t c0, int64_t c1) {                    \
    SdepthwiseImage<Isa, true>::run(                                                               \
        {rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, q}, false, a, a0, a1, f, f0, \
        f1, bias, c, c0, c1);                                                                      \
  }
#define INLAY_SDEPTHWISE(Isa, size)                                \
  INLAY_SDEPTHWISE_IMAGE(uk_sdepthwise_f32_##size, Isa, false)     \
  INLAY_SDEPTHWISE_IMAGE(uk_sdepthwise_relu_f32_##size, Isa, true) \
  INLAY_SDEPTHWISE_SPREAD(uk_sdepthwise_spread_f32_##size, Isa)

#undef INLAY_UNROLL
#undef INLAY_INLINE
#undef INLAY_APART
