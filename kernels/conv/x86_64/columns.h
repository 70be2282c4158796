// Vectors stored as columns, for a vector type: the blocks of micro-kernels that write images in
// planes have channels for lanes, and go to memory turned round.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")
#define INLAY_INLINE static inline __attribute__((always_inline))

template <typename Isa>
struct Columns {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;

  /// v[0..kCount] as columns of the first n (at most kLanes) of rows `step` floats apart.
  template <int kCount>
  INLAY_INLINE void store(float* to, int64_t step, const Vector* v, int64_t n) {
    if constexpr (kCount >= 8) {
      eight(to, step, v, n);
      if constexpr (kCount > 8) store<kCount - 8>(to + 8, step, v + 8, n);
    } else {
      four<(kCount < 4 ? kCount : 4)>(to, step, v, n);
      if constexpr (kCount > 4) store<kCount - 4>(to + 4, step, v + 4, n);
    }
  }

 private:
  // Of the rows that kCount <= 4 vectors are the columns of, number 4 * j + i is quarter j of
  // rows[i].
  template <int kCount>
  INLAY_INLINE void turn(Vector (&rows)[4], const Vector* v) {
    const Vector &v1 = v[kCount > 1 ? 1 : 0], &v2 = v[kCount > 2 ? 2 : 0],
                 &v3 = v[kCount > 3 ? 3 : 0];
    const Vector low01 = Isa::low_of_both(v[0], v1), high01 = Isa::high_of_both(v[0], v1);
    const Vector low23 = Isa::low_of_both(v2, v3), high23 = Isa::high_of_both(v2, v3);
    rows[0] = Isa::low_pairs(low01, low23);
    rows[1] = Isa::high_pairs(low01, low23);
    rows[2] = Isa::low_pairs(high01, high23);
    rows[3] = Isa::high_pairs(high01, high23);
  }

  template <int kCount>
  INLAY_INLINE void four(float* to, int64_t step, const Vector* v, int64_t n) {
    Vector rows[4];
    turn<kCount>(rows, v);
    four_from<kCount, 0>(to, step, rows, n);
  }
  template <int kCount, int kQuarter>
  INLAY_INLINE void four_from(float* to, int64_t step, const Vector (&rows)[4], int64_t n) {
    if constexpr (kQuarter < kLanes / 4) {
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        if (n <= 4 * kQuarter + i) return;
        const __m128 row = Isa::template quarter<kQuarter>(rows[i]);
        float* at = to + (4 * kQuarter + i) * step;
        if constexpr (kCount == 4) _mm_storeu_ps(at, row);
        if constexpr (kCount == 2 || kCount == 3) _mm_storel_pi((__m64*)at, row);
        if constexpr (kCount == 1) _mm_store_ss(at, row);
        if constexpr (kCount == 3) _mm_store_ss(at + 2, _mm_movehl_ps(row, row));
      }
      four_from<kCount, kQuarter + 1>(to, step, rows, n);
    }
  }

  INLAY_INLINE void eight(float* to, int64_t step, const Vector* v, int64_t n) {
    Vector left[4], right[4];
    turn<4>(left, v);
    turn<4>(right, v + 4);
    eight_from<0>(to, step, left, right, n);
  }
  template <int kQuarter>
  INLAY_INLINE void eight_from(float* to, int64_t step, const Vector (&left)[4],
                               const Vector (&right)[4], int64_t n) {
    if constexpr (kQuarter < kLanes / 4) {
      typename Isa::Eights rows[4];
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        rows[i] = Isa::template quarters<kQuarter>(left[i], right[i]);
      }
      INLAY_UNROLL for (int half = 0; half < 2; ++half) {
        INLAY_UNROLL for (int i = 0; i < 4; ++i) {
          const int at = 4 * (kQuarter + half) + i;
          if (n <= at) return;
          _mm256_storeu_ps(to + at * step, half == 0 ? rows[i].first : rows[i].second);
        }
      }
      eight_from<kQuarter + 2>(to, step, left, right, n);
    }
  }
};

#undef INLAY_UNROLL
#undef INLAY_INLINE
