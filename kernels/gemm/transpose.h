// The body of the `transpose` micro-kernels: b[j, i] = a[i, j], in squares of one vector's length
// that are turned in registers. A file that includes this defines its symbol by
// INLAY_TRANSPOSE_KERNEL(symbol). README.md has the contract.
#include <stdint.h>

#define INLAY_INLINE static inline __attribute__((always_inline))

#if defined(__AVX2__)
enum { kSide = 8 };
typedef float Row __attribute__((vector_size(32)));
typedef float UnalignedRow __attribute__((vector_size(32), aligned(4)));
#else
enum { kSide = 4 };
typedef float Row __attribute__((vector_size(16)));
typedef float UnalignedRow __attribute__((vector_size(16), aligned(4)));
#endif

// Of rows x and y: of each two blocks of so many columns, the second of x and the first of y change
// places.
#if defined(__AVX2__)
#define INLAY_SWAP(x, y, l0, l1, l2, l3, l4, l5, l6, l7, h0, h1, h2, h3, h4, h5, h6, h7) \
  do {                                                                                   \
    const Row low = __builtin_shufflevector(x, y, l0, l1, l2, l3, l4, l5, l6, l7);       \
    y = __builtin_shufflevector(x, y, h0, h1, h2, h3, h4, h5, h6, h7);                   \
    x = low;                                                                             \
  } while (0)
#define INLAY_SWAP_1(x, y) INLAY_SWAP(x, y, 0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15)
#define INLAY_SWAP_2(x, y) INLAY_SWAP(x, y, 0, 1, 8, 9, 4, 5, 12, 13, 2, 3, 10, 11, 6, 7, 14, 15)
#define INLAY_SWAP_4(x, y) INLAY_SWAP(x, y, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)
#else
#define INLAY_SWAP(x, y, l0, l1, l2, l3, h0, h1, h2, h3)           \
  do {                                                             \
    const Row low = __builtin_shufflevector(x, y, l0, l1, l2, l3); \
    y = __builtin_shufflevector(x, y, h0, h1, h2, h3);             \
    x = low;                                                       \
  } while (0)
#define INLAY_SWAP_1(x, y) INLAY_SWAP(x, y, 0, 4, 2, 6, 1, 5, 3, 7)
#define INLAY_SWAP_2(x, y) INLAY_SWAP(x, y, 0, 1, 4, 5, 2, 3, 6, 7)
#endif

INLAY_INLINE void transpose_square(const float* a, int64_t a_row, float* b, int64_t b_row) {
  Row r[kSide];
#pragma clang loop unroll(full)
  for (int i = 0; i < kSide; ++i) r[i] = *(const UnalignedRow*)(a + i * a_row);
#pragma clang loop unroll(full)
  for (int i = 0; i < kSide; i += 2) INLAY_SWAP_1(r[i], r[i + 1]);
#pragma clang loop unroll(full)
  for (int i = 0; i < kSide; ++i) {
    if ((i & 2) == 0) INLAY_SWAP_2(r[i], r[i + 2]);
  }
#if defined(__AVX2__)
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; ++i) INLAY_SWAP_4(r[i], r[i + 4]);
#endif
#pragma clang loop unroll(full)
  for (int i = 0; i < kSide; ++i) *(UnalignedRow*)(b + i * b_row) = r[i];
}

INLAY_INLINE void transpose_edge(int64_t m, int64_t n, const float* a, int64_t a_row, float* b,
                                 int64_t b_row) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (int64_t j = 0; j < n; ++j) {
#pragma clang loop vectorize(disable) unroll(disable)
    for (int64_t i = 0; i < m; ++i) b[j * b_row + i] = a[i * a_row + j];
  }
}

// Squares side by side fill whole lines of b while its rows are in the cache.
static __attribute__((noinline)) void transpose(int64_t m, int64_t n, const float* a, int64_t a_row,
                                                float* b, int64_t b_row) {
  int64_t j = 0;
  for (; j + kSide <= n; j += kSide) {
    int64_t i = 0;
    for (; i + kSide <= m; i += kSide)
      transpose_square(a + i * a_row + j, a_row, b + j * b_row + i, b_row);
    transpose_edge(m - i, kSide, a + i * a_row + j, a_row, b + j * b_row + i, b_row);
  }
  transpose_edge(m, n - j, a + j, a_row, b + j * b_row, b_row);
}

#define INLAY_TRANSPOSE_KERNEL(symbol)                                                        \
  void symbol(int64_t m, int64_t n, const float* a, int64_t a_row, float* b, int64_t b_row) { \
    transpose(m, n, a, a_row, b, b_row);                                                      \
  }
