// The body of the `blocks` micro-kernels: a product of any size from rows of A and of B as they lie
// or from a panel, done in register blocks. README.md has the contract.
//
// Blocks are as tall as the registers allow for their width, so that a product of one vector of
// columns has as many independent sums as one of four; there are as few as can be, of nearly one
// size, and each height and width is a variant of its own, so that a block of 2 rows or 3 columns
// does 2 rows' work. Strips of columns are the outer loop: what is read of b for a strip, k rows,
// stays in L1 or L2 for all rows of a. Of a large b, the next strip is fetched meanwhile.
//
// Few rows of a large b are another matter: what counts is that b is read as memory likes it, a few
// rows at a time, each from end to end. So it is for more rows where those of b lie apart by a
// multiple of 1 KB: those of a strip would all fall into a few sets of L1, which then take one
// line at a time.
//
// A file that includes this says first
//
//   INLAY_HEIGHT_1 .. INLAY_HEIGHT_4   the most rows of a block of so many vectors, 0 to 16
//   INLAY_ROWS                         the greatest of them
//   INLAY_VECTORS                      the widest block that has rows, 2 to 4
//   INLAY_NEAR_VECTORS                 the widest block for a b that is near
//   INLAY_FETCH                        of a large b, the next strip is fetched into this level of
//                                      cache while one is used; 0: it is not
//   INLAY_MASKED_VECTORS               the widest block whose last vector may be masked; what is
//                                      wider is cut in front of that vector
//   INLAY_MASK_WHOLE                   1: masks cost next to nothing, narrower blocks than the
//                                      widest have them where they are whole, too
//   INLAY_STREAM_ROWS                  rows of a, up to which a large b is streamed
//   INLAY_STREAM_PAGED_ROWS            the same for a b whose rows are a multiple of 1 KB apart
//   INLAY_STREAM_GROUP                 of these, how many share a row of b in registers, 1 to 4
//
// and then defines its symbols: by INLAY_BLOCKS_KERNEL(symbol), and, if it has one that copies b to
// a panel meanwhile, by INLAY_PACK_BLOCKS_KERNEL(symbol).
//
// Source: Heinecke et al., "LIBXSMM: Accelerating Small Matrix Multiplications by Runtime Code
// Generation" (SC 2016), for the shapes of blocks.
#include "rows.h"

// Where 16 registers are all, the mask takes that of a second set of six sums.
#define INLAY_MASKED_SETS(h, nv) (kLanes == 8 && (h) * (nv) == 6 ? 1 : INLAY_SETS(h, nv))

// A function for each size of a block: a call prepares what its own block needs, and the compiler's
// work grows faster than a function does. Operands come one by one, so that those that all calls of
// a program agree about are folded.
#define INLAY_BLOCK(nv, h)                                                                      \
  static __attribute__((noinline)) void whole_##nv##x##h(                                       \
      int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, \
      float* c, int64_t c_row, float alpha, float beta) {                                       \
    if (h > INLAY_HEIGHT_##nv) return;                                                          \
    const Operands o = {k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, 0, 0};           \
    block(h, nv, 0, mask_of(0), INLAY_SETS(h, nv), 0, 0, 0, &o);                                \
  }                                                                                             \
  static __attribute__((noinline)) void masked_##nv##x##h(                                      \
      int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, \
      float* c, int64_t c_row, float alpha, float beta, int64_t last) {                         \
    if (h > INLAY_HEIGHT_##nv) return;                                                          \
    const Operands o = {k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, 0, 0};           \
    block(h, nv, 1, mask_of(last), INLAY_MASKED_SETS(h, nv), 0, 0, 0, &o);                      \
  }
#define INLAY_BLOCKS(nv) \
  INLAY_BLOCK(nv, 1)     \
  INLAY_BLOCK(nv, 2)     \
  INLAY_BLOCK(nv, 3)     \
  INLAY_BLOCK(nv, 4)     \
  INLAY_BLOCK(nv, 5)     \
  INLAY_BLOCK(nv, 6)     \
  INLAY_BLOCK(nv, 7)     \
  INLAY_BLOCK(nv, 8)     \
  INLAY_BLOCK(nv, 9)     \
  INLAY_BLOCK(nv, 10)    \
  INLAY_BLOCK(nv, 11)    \
  INLAY_BLOCK(nv, 12)    \
  INLAY_BLOCK(nv, 13)    \
  INLAY_BLOCK(nv, 14)    \
  INLAY_BLOCK(nv, 15)    \
  INLAY_BLOCK(nv, 16)
INLAY_BLOCKS(1)
INLAY_BLOCKS(2)
INLAY_BLOCKS(3)
INLAY_BLOCKS(4)

#define INLAY_WHOLE(nv, h)                                                     \
  case h:                                                                      \
    if (h <= INLAY_HEIGHT_##nv)                                                \
      whole_##nv##x##h(k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta); \
    break;
#define INLAY_MASKED(nv, h)                                                           \
  case h:                                                                             \
    if (h <= INLAY_HEIGHT_##nv)                                                       \
      masked_##nv##x##h(k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, last); \
    break;
#define INLAY_HEIGHTS(variant, nv)                                                               \
  int64_t blocks = (m + INLAY_HEIGHT_##nv - 1) / (INLAY_HEIGHT_##nv + (INLAY_HEIGHT_##nv == 0)); \
  for (; blocks > 0; --blocks) {                                                                 \
    const int64_t height = blocks == 1 ? m : (m + blocks - 1) / blocks;                          \
    switch (height) {                                                                            \
      variant(nv, 1) variant(nv, 2) variant(nv, 3) variant(nv, 4) variant(nv, 5) variant(nv, 6)  \
          variant(nv, 7) variant(nv, 8) variant(nv, 9) variant(nv, 10) variant(nv, 11)           \
              variant(nv, 12) variant(nv, 13) variant(nv, 14) variant(nv, 15) variant(nv, 16)    \
    }                                                                                            \
    a += height * a_row;                                                                         \
    c += height * c_row;                                                                         \
    m -= height;                                                                                 \
  }

// m rows of a strip of columns, `nv` vectors wide; `last`: columns of a last vector.
#define INLAY_STRIPS(nv)                                                                   \
  static __attribute__((noinline)) void whole_strip_##nv(                                  \
      int64_t m, int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b, \
      int64_t b_step, float* c, int64_t c_row, float alpha, float beta) {                  \
    INLAY_HEIGHTS(INLAY_WHOLE, nv)                                                         \
  }                                                                                        \
  static __attribute__((noinline)) void masked_strip_##nv(                                 \
      int64_t m, int64_t last, int64_t k, const float* a, int64_t a_row, int64_t a_step,   \
      const float* b, int64_t b_step, float* c, int64_t c_row, float alpha, float beta) {  \
    INLAY_HEIGHTS(INLAY_MASKED, nv)                                                        \
  }
INLAY_STRIPS(1)
INLAY_STRIPS(2)
INLAY_STRIPS(3)
INLAY_STRIPS(4)

#if INLAY_VECTORS == 4
enum { kWidestRows = INLAY_HEIGHT_4 };
#define INLAY_WIDEST_STRIP whole_strip_4
#elif INLAY_VECTORS == 3
enum { kWidestRows = INLAY_HEIGHT_3 };
#define INLAY_WIDEST_STRIP whole_strip_3
#else
enum { kWidestRows = INLAY_HEIGHT_2 };
#define INLAY_WIDEST_STRIP whole_strip_2
#endif

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

#if INLAY_FETCH
// Two strips so deep lie in that cache.
enum { kFarDepth = INLAY_FETCH == 1 ? 128 : 256 };

#define INLAY_LEAD(h)                                                                  \
  case h:                                                                              \
    if (h > least && h <= most) block(h, nv, 0, mask_of(0), 1, 0, INLAY_FETCH, 0, &o); \
    break;

// The first rows of a strip, while what lies ahead of it in b is fetched. They are more than half
// of a block's height, or, of the narrow one, than fit into a wider block.
INLAY_INLINE void lead(const int nv, const int least, const int most, int64_t height, int64_t k,
                       const float* a, int64_t a_row, int64_t a_step, const float* b,
                       int64_t b_step, float* c, int64_t c_row, float alpha, float beta,
                       int64_t ahead) {
  const Operands o = {k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, 0, ahead};
  switch (height) {
    INLAY_LEAD(3)
    INLAY_LEAD(4)
    INLAY_LEAD(5)
    INLAY_LEAD(6)
    INLAY_LEAD(7)
    INLAY_LEAD(8)
  }
}
#define INLAY_LEADS(name, nv, least, most)                                                       \
  static __attribute__((noinline)) void name(                                                    \
      int64_t height, int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b,  \
      int64_t b_step, float* c, int64_t c_row, float alpha, float beta, int64_t ahead) {         \
    lead(nv, least, most, height, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, ahead); \
  }
INLAY_LEADS(lead_widest, kVectors, kWidestRows / 2, kWidestRows)
INLAY_LEADS(lead_narrow, 3, INLAY_HEIGHT_4, INLAY_HEIGHT_3)

// All whole strips of a b that is too large to be near. Returns how many columns that is.
static __attribute__((noinline)) int64_t far_strips(int64_t m, int64_t n, int64_t k, const float* a,
                                                    int64_t a_row, int64_t a_step, const float* b,
                                                    int64_t b_step, float* c, int64_t c_row,
                                                    float alpha, float beta) {
  const int narrow = kVectors > 3 && m > kWidestRows && m <= INLAY_HEIGHT_3;
  const int64_t width = (narrow ? 3 : kVectors) * kLanes;
  const int64_t blocks = (m + kWidestRows - 1) / kWidestRows;
  const int64_t height = narrow ? m : (m + blocks - 1) / blocks;
  const int64_t parts = (k + kFarDepth - 1) / kFarDepth, even = (k + parts - 1) / parts;
  for (; k > 0; k -= even, a += even * a_step, b += even * b_step, beta = 1) {
    const int64_t depth = k < even ? k : even;
    for (int64_t j = 0; j + width <= n; j += width) {
      // After the last strip comes the first of the next rows of b.
      const int64_t ahead = j + 2 * width <= n ? width : depth * b_step - j;
      if (narrow) {
        lead_narrow(m, depth, a, a_row, a_step, b + j, b_step, c + j, c_row, alpha, beta, ahead);
        continue;
      }
      lead_widest(height, depth, a, a_row, a_step, b + j, b_step, c + j, c_row, alpha, beta, ahead);
      if (m > height) {
        INLAY_WIDEST_STRIP(m - height, depth, a + height * a_row, a_row, a_step, b + j, b_step,
                           c + height * c_row + j, c_row, alpha, beta);
      }
    }
  }
  return n - n % width;
}

// Into L1 all that is far is fetched; into L2 what is read only once and the hardware does not
// foresee: rows that fall into few sets of the caches, and what is in no cache.
INLAY_INLINE int is_far(int64_t m, int64_t n, int64_t k, int64_t b_step) {
  const int foreseen = m > INLAY_HEIGHT_3 || (b_step % 256 != 0 && n * k <= 3 << 18);
  return m > kWidestRows / 2 && n * k > 1 << 15 && (INLAY_FETCH == 1 || !foreseen);
}
#endif

INLAY_INLINE void product(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row,
                          int64_t a_step, const float* b, int64_t b_step, float* c, int64_t c_row,
                          float alpha, float beta) {
#if INLAY_FETCH
  if (is_far(m, n, k, b_step)) {
    const int64_t done = far_strips(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);
    n -= done;
    b += done;
    c += done;
  }
#endif
  // One vector less, if one block then takes all rows: b is read once.
  const int narrow = kVectors > 3 && m > INLAY_HEIGHT_4 && m <= INLAY_HEIGHT_3;
  // One more, if blocks of the usual width would be no taller: more sums, fewer loads.
  const int wide = INLAY_NEAR_VECTORS == 2 && kVectors == 3 &&
                   (m == INLAY_HEIGHT_3 || (m > INLAY_HEIGHT_2 && m <= 2 * INLAY_HEIGHT_3));
  const int64_t widest = (narrow ? 3 : wide ? kVectors : INLAY_NEAR_VECTORS) * kLanes;
  while (n > 0) {
    int64_t columns = n < widest ? n : widest;
    // Three vectors at the end are one strip, not two and one.
    if (INLAY_NEAR_VECTORS == 2 && kVectors == 3 && n / kLanes == 3) columns = 3 * kLanes;
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

// What a pass over kDepth rows of b touches, of b and of c, is to stay near; its loop is to be
// long.
enum { kDepth = 4, kLeastColumns = 256, kMostColumns = 1024, kNearFloats = 20480 };

INLAY_INLINE int streams(int64_t m, int64_t n, int64_t k, int64_t b_step) {
  const int few =
      b_step % 256 == 0 ? m <= INLAY_STREAM_PAGED_ROWS : m <= INLAY_STREAM_ROWS && m != kWidestRows;
  return few && n >= kLeastColumns && n * k > 1 << 16;
}

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

// b is read once; the columns of c that it is added to stay in L1 or L2 meanwhile. The first rows
// of b, up to kDepth, meet beta, and leave a multiple.
static __attribute__((noinline)) void stream(int64_t m, int64_t n, int64_t k, const float* a,
                                             int64_t a_row, int64_t a_step, const float* b,
                                             int64_t b_step, float* c, int64_t c_row, float alpha,
                                             float beta) {
  const int64_t first = (k - 1) % kDepth + 1;
  shallow(m, n, first, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);
  const int64_t near = kNearFloats / (m + kDepth);
  const int64_t most = near < kLeastColumns  ? kLeastColumns
                       : near > kMostColumns ? kMostColumns
                                             : near & -kLeastColumns;
  const int64_t parts = (n + most - 1) / most;
  const int64_t even = ((n + parts - 1) / parts + kLanes - 1) & -kLanes;
  for (int64_t j = 0; j < n; j += even) {
    const int64_t columns = n - j < even ? n - j : even;
    for (int64_t p = first; p < k; p += kDepth) {
      const float* rows_of_b = b + p * b_step + j;
      int64_t groups = (m + INLAY_STREAM_GROUP - 1) / INLAY_STREAM_GROUP;
      for (int64_t i = 0, height; i < m; i += height, --groups) {
        const float* at = a + i * a_row + p * a_step;
        height = (m - i + groups - 1) / groups;
        switch (height) {
          INLAY_ADD(1)
          INLAY_ADD(2)
          INLAY_ADD(3)
          INLAY_ADD(4)
        }
      }
    }
  }
}

// ---- one block ----

// A block this deep is not far: its rows of b are within L1 or L2.
enum { kOneDeep = 256 };

INLAY_INLINE int is_one_block(int64_t m, int64_t n, int64_t k) {
  const int64_t vectors = (n + kLanes - 1) / kLanes;
  const int64_t most = vectors == 1   ? INLAY_HEIGHT_1
                       : vectors == 2 ? INLAY_HEIGHT_2
                       : vectors == 3 ? INLAY_HEIGHT_3
                                      : INLAY_HEIGHT_4;
  return m > 0 && m <= most && n > 0 && n <= INLAY_NEAR_VECTORS * kLanes && k <= kOneDeep &&
         (vectors <= INLAY_MASKED_VECTORS || n % kLanes == 0);
}

#define INLAY_ONE_WHOLE(nv, h)                                                 \
  case (nv - 1) * 16 + h:                                                      \
    if (h <= INLAY_HEIGHT_##nv && nv <= INLAY_VECTORS && nv > kMaskedWhole)    \
      whole_##nv##x##h(k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta); \
    break;
#define INLAY_ONE_MASKED(nv, h)                                                       \
  case (nv - 1) * 16 + h:                                                             \
    if (h <= INLAY_HEIGHT_##nv && nv <= INLAY_MASKED_VECTORS)                         \
      masked_##nv##x##h(k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, last); \
    break;
#define INLAY_ONE(variant, nv)                                                                     \
  variant(nv, 1) variant(nv, 2) variant(nv, 3) variant(nv, 4) variant(nv, 5) variant(nv, 6)        \
      variant(nv, 7) variant(nv, 8) variant(nv, 9) variant(nv, 10) variant(nv, 11) variant(nv, 12) \
          variant(nv, 13) variant(nv, 14) variant(nv, 15) variant(nv, 16)

// A product that is one block goes there by one jump: loops around it would take as long as it
// does. size: vectors less one, times 16, and rows.
static __attribute__((noinline)) void one_block(int64_t k, const float* a, int64_t a_row,
                                                int64_t a_step, const float* b, int64_t b_step,
                                                float* c, int64_t c_row, float alpha, float beta,
                                                int64_t last, int64_t size) {
  // Up to here whole blocks have a mask, too.
  enum { kMaskedWhole = INLAY_MASK_WHOLE ? INLAY_VECTORS - 1 : 0 };
  if (last == kLanes && size > kMaskedWhole * 16) {
    switch (size) {
      INLAY_ONE(INLAY_ONE_WHOLE, 1)
      INLAY_ONE(INLAY_ONE_WHOLE, 2)
      INLAY_ONE(INLAY_ONE_WHOLE, 3)
      INLAY_ONE(INLAY_ONE_WHOLE, 4)
    }
  } else {
    switch (size) {
      INLAY_ONE(INLAY_ONE_MASKED, 1)
      INLAY_ONE(INLAY_ONE_MASKED, 2)
      INLAY_ONE(INLAY_ONE_MASKED, 3)
      INLAY_ONE(INLAY_ONE_MASKED, 4)
    }
  }
}

#define INLAY_BLOCKS_KERNEL(symbol)                                                                \
  void symbol(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_step,      \
              const float* b, int64_t b_step, float* c, int64_t c_row, int32_t first, float alpha, \
              float beta) {                                                                        \
    if (first == 0) beta = 1;                                                                      \
    if (is_one_block(m, n, k)) {                                                                   \
      const int64_t vectors = (n - 1) / kLanes;                                                    \
      one_block(k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, n - vectors * kLanes,       \
                vectors * 16 + m);                                                                 \
    } else if (streams(m, n, k, b_step)) {                                                         \
      stream(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                         \
    } else if (m > kRowsAtATime && n > kVectors * kLanes && k <= kShallow) {                       \
      shallow(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                        \
    } else {                                                                                       \
      product(m, n, k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta);                        \
    }                                                                                              \
  }

// ---- b is copied to a panel meanwhile ----

// A block of the widest strip that another one follows, of the next rows; what that needs comes
// meanwhile.
static __attribute__((noinline)) void followed_block(int64_t k, const float* a, int64_t a_row,
                                                     int64_t a_step, const float* panel, float* c,
                                                     int64_t c_row, float alpha, float beta,
                                                     const float* next, int64_t next_step,
                                                     int64_t next_lines) {
  const int64_t width = kVectors * kLanes;
  const Operands o = {k,     a,    a_row, a_step, panel, width,     c,         c_row,
                      alpha, beta, 0,     0,      next,  next_step, next_lines};
  block(kWidestRows, kVectors, 0, mask_of(0), 1, 0, 0, 1, &o);
}

// m rows of the widest strip, of a panel. The last of its blocks fetch rows of b that the next
// strip is packed from, a line of them for each line of k. (Without them `next` is no null pointer:
// a comparison with that would keep the compiler from seeing that b is only read.)
static __attribute__((noinline)) void followed_strip(int64_t m, int64_t k, const float* a,
                                                     int64_t a_row, int64_t a_step,
                                                     const float* panel, float* c, int64_t c_row,
                                                     float alpha, float beta, const float* next,
                                                     int64_t next_step) {
  const int64_t depth = k / (kVectors * kLanes);
  const int64_t last = depth > 0 ? (k + depth - 1) / depth : 0;
  for (; m > 2 * kWidestRows && k >= kLong; m -= kWidestRows) {
    const int64_t left = m / kWidestRows - 1, done = left <= last ? last - left : 0;
    followed_block(k, a, a_row, a_step, panel, c, c_row, alpha, beta,
                   next + done * depth * next_step, next_step, left <= last ? k / kLine : 0);
    a += kWidestRows * a_row;
    c += kWidestRows * c_row;
  }
  INLAY_WIDEST_STRIP(m, k, a, a_row, a_step, panel, kVectors * kLanes, c, c_row, alpha, beta);
}

// The first rows of a meet b where it lies, fetched ahead, and leave the panel for all others: the
// copy costs stores that nothing waits for.
#define INLAY_PACK_BLOCKS_KERNEL(symbol)                                                        \
  static __attribute__((noinline)) void packing_block(                                          \
      int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b, int64_t b_step, \
      float* panel, float* c, int64_t c_row, float alpha, float beta) {                         \
    const Operands o = {k, a, a_row, a_step, b, b_step, c, c_row, alpha, beta, panel, 0};       \
    block(kWidestRows, kVectors, 0, mask_of(0), 1, 1, 0, 0, &o);                                \
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
    if (n == kVectors * kLanes && panel_step == n && m >= kWidestRows) {                        \
      packing_block(k, a, a_row, a_step, b, b_step, panel, c, c_row, alpha, beta);              \
      m -= kWidestRows;                                                                         \
      a += kWidestRows * a_row;                                                                 \
      c += kWidestRows * c_row;                                                                 \
      followed_strip(m, k, a, a_row, a_step, panel, c, c_row, alpha, beta, b + n, b_step);      \
      return;                                                                                   \
    } else {                                                                                    \
      copy_rows(n, k, b, b_step, panel, panel_step);                                            \
    }                                                                                           \
    product(m, n, k, a, a_row, a_step, panel, panel_step, c, c_row, alpha, beta);               \
  }
