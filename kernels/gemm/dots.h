// The body of the `dots` micro-kernels: c = a * b where the columns of b lie end to end. Vectors
// run along k, so that no lane is idle where there are no columns for it: each element of c is the
// sum of the lanes of an accumulator. README.md has the contract.
//
// A file that includes this says first
//
//   INLAY_DOT_ROWS_1 .. INLAY_DOT_ROWS_4   rows of a that so many columns of b are used for at a
//                                          time, 1 to 8
//
// and then defines its symbol by INLAY_DOTS_KERNEL(symbol).
#define INLAY_ROWS 8
#define INLAY_VECTORS 4
#include "rows.h"

INLAY_INLINE float sum_of_lanes(Vec v) {
#if defined(__AVX512F__)
  v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
#elif defined(__AVX2__)
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#else
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
  return v[0] + v[1];
}

// m rows by n columns; constants where this is inlined, as all loops over them are unrolled.
INLAY_INLINE void dots(const int m, const int n, int64_t k, const float* a, int64_t a_row,
                       const float* b, int64_t b_row, float* c, int64_t c_row, float alpha,
                       float beta) {
  Vec acc[8][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < n; ++j) acc[i][j] = (Vec){0};
  }
  int64_t p = 0;
#pragma clang loop unroll(disable)
  for (; p + kLanes <= k; p += kLanes) {
    Vec column[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < n; ++j) column[j] = load(b + j * b_row + p);
#pragma clang loop unroll(full)
    for (int i = 0; i < m; ++i) {
      const Vec row = load(a + i * a_row + p);
#pragma clang loop unroll(full)
      for (int j = 0; j < n; ++j) acc[i][j] = multiply_add(row, column[j], acc[i][j]);
    }
  }
  if (p < k) {
    const Mask tail = mask_of(k - p);
    Vec column[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < n; ++j) column[j] = load_masked(b + j * b_row + p, tail);
#pragma clang loop unroll(full)
    for (int i = 0; i < m; ++i) {
      const Vec row = load_masked(a + i * a_row + p, tail);
#pragma clang loop unroll(full)
      for (int j = 0; j < n; ++j) acc[i][j] = multiply_add(row, column[j], acc[i][j]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < n; ++j) {
      float* at = c + i * c_row + j;
      const float sum = alpha * sum_of_lanes(acc[i][j]);
      *at = beta == 0 ? sum : sum + beta * *at;
    }
  }
}

// Heights in use: 8, 4, 2, 1, as far as there are registers.
#define INLAY_HEIGHT(h, columns)                                    \
  for (; h <= INLAY_DOT_ROWS_##columns && m >= h; m -= h) {         \
    dots(h, columns, k, a, a_row, b, b_row, c, c_row, alpha, beta); \
    a += h * a_row;                                                 \
    c += h * c_row;                                                 \
  }
#define INLAY_COLUMNS(columns)                                                            \
  static __attribute__((noinline)) void dots_##columns(                                   \
      int64_t m, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_row, \
      float* c, int64_t c_row, float alpha, float beta) {                                 \
    INLAY_HEIGHT(8, columns)                                                              \
    INLAY_HEIGHT(4, columns)                                                              \
    INLAY_HEIGHT(2, columns)                                                              \
    INLAY_HEIGHT(1, columns)                                                              \
  }
INLAY_COLUMNS(1)
INLAY_COLUMNS(2)
INLAY_COLUMNS(3)
INLAY_COLUMNS(4)

#define INLAY_DOTS_KERNEL(symbol)                                                               \
  void symbol(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b,   \
              int64_t b_row, float* c, int64_t c_row, int32_t first, float alpha, float beta) { \
    if (first == 0) beta = 1;                                                                   \
    for (; n >= 4; n -= 4, b += 4 * b_row, c += 4)                                              \
      dots_4(m, k, a, a_row, b, b_row, c, c_row, alpha, beta);                                  \
    if (n == 1) dots_1(m, k, a, a_row, b, b_row, c, c_row, alpha, beta);                        \
    if (n == 2) dots_2(m, k, a, a_row, b, b_row, c, c_row, alpha, beta);                        \
    if (n == 3) dots_3(m, k, a, a_row, b, b_row, c, c_row, alpha, beta);                        \
  }
