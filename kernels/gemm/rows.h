// One block of C in registers, from rows of A and of B where they lie or from a panel: what
// blocks.h makes products of. One source for SSE2, AVX2, AVX-512 and NEON: vectors are the
// compiler's own (GNU vector extensions), only masked access differs.
//
// A file that includes this says first how large blocks may be:
//
//   INLAY_ROWS      mr, rows of a block, 1 to 16
//   INLAY_VECTORS   nv, vectors of a row: nr = nv * lanes, 1 to 4
//
// A block is inlined for each size that is in use, with what is constant there (alpha = 1, a step
// of 1) folded; the last vector of a row may be masked. Where so few accumulators would wait for
// each other, several sets of them take turns over k, and are added up at the end.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016). That small products want no packing: Heinecke et al.,
// "LIBXSMM: Accelerating Small Matrix Multiplications by Runtime Code Generation" (SC 2016).
#include <stdint.h>

#define INLAY_INLINE static inline __attribute__((always_inline))

// ---- vectors ----

#if defined(__AVX512F__)
enum { kLanes = 16 };
typedef float Vec __attribute__((vector_size(64)));
typedef float UnalignedVec __attribute__((vector_size(64), aligned(4)));
typedef uint16_t Mask;
INLAY_INLINE Mask mask_of(int64_t n) {
  return (Mask)((1u << n) - 1);
}
INLAY_INLINE Vec load_masked(const float* p, Mask mask) {
  return __builtin_ia32_loadups512_mask((void*)p, (Vec){0}, mask);
}
INLAY_INLINE void store_masked(float* p, Vec v, Mask mask) {
  __builtin_ia32_storeups512_mask((void*)p, v, mask);
}
#elif defined(__AVX2__)
enum { kLanes = 8 };
typedef float Vec __attribute__((vector_size(32)));
typedef float UnalignedVec __attribute__((vector_size(32), aligned(4)));
typedef int32_t Mask __attribute__((vector_size(32)));
INLAY_INLINE Mask mask_of(int64_t n) {
  return (Mask){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)n;
}
INLAY_INLINE Vec load_masked(const float* p, Mask mask) {
  return __builtin_ia32_maskloadps256((void*)p, mask);
}
INLAY_INLINE void store_masked(float* p, Vec v, Mask mask) {
  __builtin_ia32_maskstoreps256((void*)p, mask, v);
}
#else
enum { kLanes = 4 };
typedef float Vec __attribute__((vector_size(16)));
typedef float UnalignedVec __attribute__((vector_size(16), aligned(4)));
typedef int64_t Mask;
INLAY_INLINE Mask mask_of(int64_t n) {
  return n;
}
INLAY_INLINE Vec load_masked(const float* p, Mask n) {
  return (Vec){p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0};
}
INLAY_INLINE void store_masked(float* p, Vec v, Mask n) {
  p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
  if (n > 3) p[3] = v[3];
}
#endif

INLAY_INLINE Vec load(const float* p) {
  return *(const UnalignedVec*)p;
}
INLAY_INLINE Vec multiply_add(Vec x, Vec y, Vec sum) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(x, y, sum);
#else
  return x * y + sum;
#endif
}
INLAY_INLINE void store(float* p, Vec v, int masked, Mask tail) {
  if (masked) {
    store_masked(p, v, tail);
  } else {
    *(UnalignedVec*)p = v;
  }
}
// x - 0 is x for every x, -0 and NaN too.
INLAY_INLINE Vec broadcast(float x) {
  return x - (Vec){0};
}

// ---- the block ----

enum { kRows = INLAY_ROWS, kVectors = INLAY_VECTORS, kMostSets = 4 };

// What a block is made of; strides in floats.
typedef struct Operands {
  int64_t k;
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t b_step;
  float* c;
  int64_t c_row;
  float alpha, beta;
  float* panel;        // where the rows of b are copied to, one behind the other
  int64_t ahead;       // floats from a row of b to what is fetched meanwhile
  const float* next;   // rows of b of a later strip,
  int64_t next_step;   // so far apart, of which
  int64_t next_lines;  // so many lines of the caches are to be fetched
} Operands;

enum { kRowsAhead = 8 };
// Floats of a line of the caches.
enum { kLine = 16 };
// Steps that take long enough to bring a block of c along.
enum { kLong = 128 };

// Where a narrow block reads a. With one pointer the compiler walks from row to row, where no
// stride is a constant: each address waits for the one before it, a cycle a row, and such a block
// does its sums in less. It has a place for every third row, in floats from the begin of a; those
// between are one and two strides further.
enum { kApart = 3 };
typedef struct Places {
  int64_t at[(kRows + kApart - 1) / kApart];
} Places;

INLAY_INLINE int is_narrow(int m, int nv) {
  return nv <= 2 && m > 4;
}
INLAY_INLINE Places places_of(int m, const Operands* o) {
  Places places;
#pragma clang loop unroll(full)
  for (int g = 0; g * kApart < m; ++g) places.at[g] = g * kApart * o->a_row;
  return places;
}
INLAY_INLINE void advance(int m, int nv, Places* places, int64_t by) {
  if (!is_narrow(m, nv)) return;
#pragma clang loop unroll(full)
  for (int g = 0; g * kApart < m; ++g) {
    places->at[g] += by;
    // Else it would be derived from the first one again, or there would be one for each row. (A
    // number, not a pointer: of that the compiler would no longer know that it is only read from.)
    __asm__("" : "+r"(places->at[g]));
  }
}

// acc[i, :] += a[i] * b[:], one step of k. A narrow block reads a `later` floats behind its places,
// and does not look at `a`.
INLAY_INLINE void step(int m, int nv, int masked, Mask tail, int fetch, const Operands* o,
                       const float* a, const Places* places, int64_t later, const float* b,
                       float* panel, Vec acc[kRows][kVectors]) {
  Vec row[kVectors];
#pragma clang loop unroll(full)
  for (int v = 0; v < nv; ++v) {
    const float* at = b + v * kLanes;
    row[v] = masked && v == nv - 1 ? load_masked(at, tail) : load(at);
    if (panel) {
      store(panel + v * kLanes, row[v], 0, tail);
      __builtin_prefetch(at + kRowsAhead * o->b_step);
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; fetch && v < nv; v += 16 / kLanes) {
    const float* at = b + o->ahead + v * kLanes;
    if (fetch == 1) __builtin_prefetch(at, 0, 3);
    if (fetch == 2) __builtin_prefetch(at, 0, 2);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) {
    const Vec x =
        broadcast(is_narrow(m, nv) ? (o->a + i % kApart * o->a_row)[places->at[i / kApart] + later]
                                   : a[i * o->a_row]);
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; ++v) acc[i][v] = multiply_add(x, row[v], acc[i][v]);
  }
}

// What comes after a block, while it takes step number kLine * `line` and those behind it: of the
// next rows of a, a line each; a row of the next block of c; and a line of o->next. The hardware
// sees a row of a coming only when it has begun, and never the rows of c and b, of which a line is
// touched once.
INLAY_INLINE void fetch_what_follows(int m, int nv, int64_t line, const Operands* o,
                                     const float* a) {
  const int64_t lines = nv * kLanes / kLine;
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) __builtin_prefetch(a + (m + i) * o->a_row, 0, 2);
  if (line < m) {
    const float* row = o->c + (m + line) * o->c_row;
#pragma clang loop unroll(full)
    for (int v = 0; v < lines; ++v) __builtin_prefetch(row + v * kLine, 1, 2);
  }
  if (line < o->next_lines) {
    __builtin_prefetch(o->next + line / lines * o->next_step + line % lines * kLine, 0, 2);
  }
}

// m, nv, masked, sets, copies, fetch and follows are constants where this is inlined. copies: to
// o->panel; fetch: the level of cache into which what is o->ahead of b comes meanwhile, 0: nothing
// does; follows: another block does, of the next rows.
INLAY_INLINE void block(const int m, const int nv, const int masked, Mask tail, const int sets,
                        const int copies, const int fetch, const int follows, const Operands* o) {
  Vec acc[kMostSets][kRows][kVectors];
#pragma clang loop unroll(full)
  for (int s = 0; s < sets; ++s) {
#pragma clang loop unroll(full)
    for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
      for (int v = 0; v < nv; ++v) acc[s][i][v] = (Vec){0};
    }
  }
  if (o->k >= kLong && !follows) {
#pragma clang loop unroll(full)
    for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
      for (int v = 0; v < nv; v += 16 / kLanes)
        __builtin_prefetch(o->c + i * o->c_row + v * kLanes);
    }
  }
  Places places = places_of(m, o);
  const float *a = o->a, *b = o->b;
  float* panel = copies ? o->panel : 0;
  int64_t p = o->k;
  if (sets > 1) {
    for (; p >= sets; p -= sets) {
#pragma clang loop unroll(full)
      for (int s = 0; s < sets; ++s) {
        step(m, nv, masked, tail, fetch, o, a + s * o->a_step, &places, s * o->a_step,
             b + s * o->b_step, 0, acc[s]);
      }
      a += sets * o->a_step;
      advance(m, nv, &places, sets * o->a_step);
      b += sets * o->b_step;
    }
  }
  for (int64_t line = 0; follows && p >= kLine; p -= kLine, ++line) {
    fetch_what_follows(m, nv, line, o, a);
#pragma clang loop unroll(disable)
    for (int q = 0; q < kLine; q += 2) {
      step(m, nv, masked, tail, fetch, o, a, &places, 0, b, 0, acc[0]);
      step(m, nv, masked, tail, fetch, o, a + o->a_step, &places, o->a_step, b + o->b_step, 0,
           acc[0]);
      a += 2 * o->a_step;
      advance(m, nv, &places, 2 * o->a_step);
      b += 2 * o->b_step;
    }
  }
  if (!masked && !follows) {
    for (; p >= 2; p -= 2) {
      step(m, nv, masked, tail, fetch, o, a, &places, 0, b, panel, acc[0]);
      if (copies) panel += nv * kLanes;
      step(m, nv, masked, tail, fetch, o, a + o->a_step, &places, o->a_step, b + o->b_step, panel,
           acc[0]);
      if (copies) panel += nv * kLanes;
      a += 2 * o->a_step;
      advance(m, nv, &places, 2 * o->a_step);
      b += 2 * o->b_step;
    }
  }
#pragma clang loop unroll(disable)
  for (; p > 0; --p) {
    step(m, nv, masked, tail, fetch, o, a, &places, 0, b, panel, acc[0]);
    if (copies) panel += nv * kLanes;
    a += o->a_step;
    advance(m, nv, &places, o->a_step);
    b += o->b_step;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; ++v) {
#pragma clang loop unroll(full)
      for (int s = 1; s < sets; ++s) acc[0][i][v] += acc[s][i][v];
      acc[0][i][v] *= broadcast(o->alpha);
    }
  }
  if (o->beta == 0) {
#pragma clang loop unroll(full)
    for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
      for (int v = 0; v < nv; ++v) {
        store(o->c + i * o->c_row + v * kLanes, acc[0][i][v], masked && v == nv - 1, tail);
      }
    }
    return;
  }
  const Vec beta = broadcast(o->beta);
#pragma clang loop unroll(full)
  for (int i = 0; i < m; ++i) {
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; ++v) {
      float* at = o->c + i * o->c_row + v * kLanes;
      const int last = masked && v == nv - 1;
      const Vec old = last ? load_masked(at, tail) : load(at);
      store(at, multiply_add(beta, old, acc[0][i][v]), last, tail);
    }
  }
}

// Enough chains of additions for two units of four cycles.
#define INLAY_SETS(m, nv) ((m) * (nv) <= 2 ? 4 : (m) * (nv) <= 6 ? 2 : 1)
