// The body of the `blocks` micro-kernels: a product of any size from rows of A and of B as they lie
// or from a panel, done in register blocks. README.md has the contract.
//
// Blocks are as tall as the registers allow for their width, so that a product of one vector of
// columns has as many independent sums as one of four; there are as few as can be, of nearly one
// size, and each height and width is a variant of its own, so that a block of 2 rows or 3 columns
// does 2 rows' work. Strips of columns are the outer loop: what is read of b for a strip, k rows,
// stays in L1 or L2 for all rows of a.
//
// Very few rows of a large b are another matter: what counts is that b is read as memory likes it,
// a few rows at a time, each from end to end.
//
// A file that includes this says first
//
//   INLAY_HEIGHT_1 .. INLAY_HEIGHT_4   the most rows of a block of so many vectors, 0 to 16
//   INLAY_ROWS                         the greatest of them
//   INLAY_VECTORS                      the widest block that has rows
//   INLAY_MASKED_VECTORS               the widest block whose last vector may be masked; what is
//                                      wider is cut in front of that vector
//   INLAY_MASK_WHOLE                   1: masks cost next to nothing, blocks of less than the
//   widest
//                                      have them where they are whole, too
//   INLAY_STREAM_ROWS                  rows of a, up to which a large b is streamed
//   INLAY_STREAM_GROUP                 of these, how many share a row of b in registers, 1 to 4
//
// and then defines its symbols: by INLAY_BLOCKS_KERNEL(symbol), and, if it has one that copies b to
// a panel meanwhile, by INLAY_PACK_BLOCKS_KERNEL(symbol).
//
// Source: Heinecke et al., "LIBXSMM: Accelerating Small Matrix Multiplications by Runtime Code
// Generation" (SC 2016), for the shapes of blocks.
#define INLAY_AHEAD 0
#define INLAY_BLOCKS_ONLY
#include "rows.h"

// Where 16 registers are all, the mask takes that of a second set of six sums.
#define INLAY_BLOCK_SETS(h) (masked && kLanes == 8 && (h) * nv == 6 ? 1 : INLAY_SETS(h, nv))

#define INLAY_CASE(h)                                                      \
  case h:                                                                  \
    if (h <= most) block(h, nv, masked, tail, INLAY_BLOCK_SETS(h), 0, &o); \
    break;

// m rows of a strip of columns, `nv` vectors wide. Operands come one by one, so that those that all
// calls of a program agree about are folded.
INLAY_INLINE void strip(const int nv, const int masked, const int most, int64_t m, Mask tail,
                        int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b,
                        int64_t b_step, float* c, int64_t c_row, float alpha, float beta) {
  Operands o = {1, k, a, 0, a_row, a_step, b, 0, b_step, c, c_row, alpha, beta, 0};
  int64_t blocks = (m + most - 1) / most;
  for (; blocks > 0; --blocks) {
    const int64_t height = blocks == 1 ? m : (m + blocks - 1) / blocks;
    switch (height) {
      INLAY_CASE(1)
      INLAY_CASE(2)
      INLAY_CASE(3)
      INLAY_CASE(4)
      INLAY_CASE(5)
      INLAY_CASE(6)
      INLAY_CASE(7)
      INLAY_CASE(8)
      INLAY_CASE(9)
      INLAY_CASE(10)
      INLAY_CASE(11)
      INLAY_CASE(12)
      INLAY_CASE(13)
      INLAY_CASE(14)
      INLAY_CASE(15)
      INLAY_CASE(16)
    }
    o.a += height * a_row;
    o.c += height * c_row;
    m -= height;
  }
}

// A function for each kind of strip: the compiler's work grows faster than a function does.
#define INLAY_STRIPS(nv)                                                                        \
  static __attribute__((noinline)) void whole_strip_##nv(                                       \
      int64_t m, int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b,      \
      int64_t b_step, float* c, int64_t c_row, float alpha, float beta) {                       \
    strip(nv, 0, INLAY_HEIGHT_##nv, m, mask_of(0), k, a, a_row, a_step, b, b_step, c, c_row,    \
          alpha, beta);                                                                         \
  }                                                                                             \
  static __attribute__((noinline)) void masked_strip_##nv(                                      \
      int64_t m, int64_t last, int64_t k, const float* a, int64_t a_row, int64_t a_step,        \
      const float* b, int64_t b_step, float* c, int64_t c_row, float alpha, float beta) {       \
    strip(nv, 1, INLAY_HEIGHT_##nv, m, mask_of(last), k, a, a_row, a_step, b, b_step, c, c_row, \
          alpha, beta);                                                                         \
  }
INLAY_STRIPS(1)
INLAY_STRIPS(2)
INLAY_STRIPS(3)
INLAY_STRIPS(4)

#define INLAY_STRIP(nv)                                                                           \
  case nv:                                                                                        \
    if (nv <= INLAY_MASKED_VECTORS &&                                                             \
        ((INLAY_MASK_WHOLE && nv < INLAY_VECTORS) || columns < nv * kLanes)) {                    \
      masked_strip_##nv(m, columns - (nv - 1) * kLanes, k, a, a_row, a_step, b, b_step, c, c_row, \
                        alpha, beta);                                                             \
    } else if (nv <= INLAY_VECTORS) {                                                             \
      whole_strip_##nv(m, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                 \
    }                                                                                             \
    break;

INLAY_INLINE void product(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row,
                          int64_t a_step, const float* b, int64_t b_step, float* c, int64_t c_row,
                          float alpha, float beta) {
  // One vector less, if one block then takes all rows: b is read once.
  const int narrow = kVectors > 3 && m > INLAY_HEIGHT_4 && m <= INLAY_HEIGHT_3;
  const int64_t widest = (narrow ? 3 : kVectors) * kLanes;
  while (n > 0) {
    int64_t columns = n < widest ? n : widest;
    if (columns > INLAY_MASKED_VECTORS * kLanes) columns &= -kLanes;
    switch ((columns + kLanes - 1) / kLanes) {
      INLAY_STRIP(1)
      INLAY_STRIP(2)
      INLAY_STRIP(3)
      INLAY_STRIP(4)
    }
    n -= columns;
    b += columns;
    c += columns;
  }
}

enum { kShallow = 32, kRowsAtATime = 6 };

// A small k: c is most of what is touched, and is written a few rows at a time, from end to end.
static __attribute__((noinline)) void shallow(int64_t m, int64_t n, int64_t k, const float* a,
                                              int64_t a_row, int64_t a_step, const float* b,
                                              int64_t b_step, float* c, int64_t c_row, float alpha,
                                              float beta) {
  for (; m > 0; m -= kRowsAtATime) {
    product(m < kRowsAtATime ? m : kRowsAtATime, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha,
            beta);
    a += kRowsAtATime * a_row;
    c += kRowsAtATime * c_row;
  }
}

// ---- few rows ----

enum { kDepth = 4, kStreamColumns = 1024, kStreamFloats = 1 << 16 };

// A vector of columns of c[i, :] += sum over q in 0..kDepth of x[i][q] * b[q, :].
INLAY_INLINE void add_rows_to(const int rows, const int masked, Mask tail,
                              Vec x[INLAY_STREAM_GROUP][kDepth], const float* b, int64_t b_step,
                              float* c, int64_t c_row) {
  Vec sum[INLAY_STREAM_GROUP];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
    const float* at = c + i * c_row;
    sum[i] = masked ? load_masked(at, tail) : load(at);
  }
#pragma clang loop unroll(full)
  for (int q = 0; q < kDepth; ++q) {
    const float* at = b + q * b_step;
    const Vec row = masked ? load_masked(at, tail) : load(at);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; ++i) sum[i] = multiply_add(x[i][q], row, sum[i]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) store(c + i * c_row, sum[i], masked, tail);
}

#define INLAY_ADD_ROWS(rows)                                                                    \
  static __attribute__((noinline)) void add_rows_##rows(                                        \
      int64_t n, const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, \
      float* c, int64_t c_row, float alpha) {                                                   \
    if (rows > INLAY_STREAM_GROUP) return;                                                      \
    Vec x[INLAY_STREAM_GROUP][kDepth];                                                          \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; ++i) {                         \
      _Pragma("clang loop unroll(full)") for (int q = 0; q < kDepth; ++q) x[i][q] =             \
          broadcast(alpha * a[i * a_row + q * a_step]);                                         \
    }                                                                                           \
    _Pragma("clang loop unroll(disable)") for (; n >= kLanes;                                   \
                                               n -= kLanes, b += kLanes, c += kLanes)           \
        add_rows_to(rows, 0, mask_of(0), x, b, b_step, c, c_row);                               \
    if (n > 0) add_rows_to(rows, 1, mask_of(n), x, b, b_step, c, c_row);                        \
  }
INLAY_ADD_ROWS(1)
INLAY_ADD_ROWS(2)
INLAY_ADD_ROWS(3)
INLAY_ADD_ROWS(4)

#define INLAY_ADD(rows)                                                                      \
  case rows:                                                                                 \
    add_rows_##rows(columns, at, a_row, a_step, rows_of_b, b_step, c + i * c_row + j, c_row, \
                    alpha);                                                                  \
    break;

// b is read once; the columns of c that it is added to stay in L1 meanwhile. The first rows of b,
// up to kDepth, meet beta, and leave a multiple.
static __attribute__((noinline)) void stream(int64_t m, int64_t n, int64_t k, const float* a,
                                             int64_t a_row, int64_t a_step, const float* b,
                                             int64_t b_step, float* c, int64_t c_row, float alpha,
                                             float beta) {
  const int64_t first = (k - 1) % kDepth + 1;
  shallow(m, n, first, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);
  for (int64_t j = 0; j < n; j += kStreamColumns) {
    const int64_t columns = n - j < kStreamColumns ? n - j : kStreamColumns;
    for (int64_t p = first; p < k; p += kDepth) {
      const float* rows_of_b = b + p * b_step + j;
      for (int64_t i = 0; i < m; i += INLAY_STREAM_GROUP) {
        const float* at = a + i * a_row + p * a_step;
        switch (m - i < INLAY_STREAM_GROUP ? m - i : INLAY_STREAM_GROUP) {
          INLAY_ADD(1)
          INLAY_ADD(2)
          INLAY_ADD(3)
          INLAY_ADD(4)
        }
      }
    }
  }
}

#define INLAY_BLOCKS_KERNEL(symbol)                                                                \
  void symbol(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_step,      \
              const float* b, int64_t b_step, float* c, int64_t c_row, int32_t first, float alpha, \
              float beta) {                                                                        \
    if (first == 0) beta = 1;                                                                      \
    if (m <= INLAY_STREAM_ROWS && n * k > kStreamFloats) {                                         \
      stream(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                         \
    } else if (m > kRowsAtATime && n > kVectors * kLanes && k <= kShallow) {                       \
      shallow(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                        \
    } else {                                                                                       \
      product(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                        \
    }                                                                                              \
  }

// ---- b is copied to a panel meanwhile ----

// The first rows of a meet b where it lies, fetched ahead, and leave the panel for all others: the
// copy costs stores that nothing waits for.
#define INLAY_PACK_BLOCKS_KERNEL(symbol)                                                        \
  enum {                                                                                        \
    kTall = kVectors == 4   ? INLAY_HEIGHT_4                                                    \
            : kVectors == 3 ? INLAY_HEIGHT_3                                                    \
                            : INLAY_HEIGHT_2                                                    \
  };                                                                                            \
  static __attribute__((noinline)) void packing_block(                                          \
      int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, \
      float* panel, float* c, int64_t c_row, float alpha, float beta) {                         \
    const Operands o = {1, k, a, 0, a_row, a_step, b, 0, b_step, c, c_row, alpha, beta, panel}; \
    block(kTall, kVectors, 0, mask_of(0), 1, 1, &o);                                            \
  }                                                                                             \
  static __attribute__((noinline)) void copy_rows(                                              \
      int64_t n, int64_t k, const float* b, int64_t b_step, float* panel, int64_t panel_step) { \
    for (; k > 0; --k, b += b_step, panel += panel_step) {                                      \
      int64_t j = 0;                                                                            \
      for (; j + kLanes <= n; j += kLanes) store(panel + j, load(b + j), 0, mask_of(0));        \
      const Mask tail = mask_of(n - j);                                                         \
      if (j < n) store(panel + j, load_masked(b + j, tail), 1, tail);                           \
    }                                                                                           \
  }                                                                                             \
  void symbol(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_step,   \
              const float* b, int64_t b_step, float* panel, int64_t panel_step, float* c,       \
              int64_t c_row, int32_t first, float alpha, float beta) {                          \
    if (first == 0) beta = 1;                                                                   \
    if (n == kVectors * kLanes && panel_step == n && m >= kTall) {                              \
      packing_block(k, a, a_row, a_step, b, b_step, panel, c, c_row, alpha, beta);              \
      m -= kTall;                                                                               \
      a += kTall * a_row;                                                                       \
      c += kTall * c_row;                                                                       \
    } else {                                                                                    \
      copy_rows(n, k, b, b_step, panel, panel_step);                                            \
    }                                                                                           \
    product(m, n, k, a, a_row, a_step, panel, panel_step, c, c_row, alpha, beta);               \
  }
