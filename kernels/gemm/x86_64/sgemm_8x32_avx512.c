// sgemm micro-kernel, register block 8 x 32, AVX-512F, written with intrinsics.
//
// Equation   c[i, j] += sum over p of a[p, i] * b[p, j]      i in 0..8, j in 0..32, p in 0..k
// Shapes     a: [k, 8] packed panel, b: [k, 32] packed panel, c: [8, 32] strided; all f32
// Strides    in floats: a 8 and 1, b 32 and 1, c ldc and 1
// Alignment  that of a float (4 bytes); fastest with b on 64 bytes
// k          any k >= 0; with k = 0 the values of c stay
// Aliasing   c overlaps neither panel
// Clobbers   no memory but the 8 x 32 block of c; no state, no libc
// Registers  16 accumulators + 2 for a row of b + 2 broadcasts of a = 20 of 32 ZMM
//
// Sixteen independent FMA chains are twice what 2 ports x 4 cycles of latency need, and 10 loads
// for 16 FMAs leave the load ports slack. Larger blocks (12 x 32, 14 x 32, 8 x 48) fill more
// registers and are not faster: their edges waste more of common sizes, and 8 is a width that packs
// by plain shuffles.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016), with 16 floats a register.
#include <immintrin.h>
#include <stdint.h>

#define INLAY_ROW(i)                            \
  do {                                          \
    const __m512 ai = _mm512_set1_ps(a[i]);     \
    c##i##0 = _mm512_fmadd_ps(ai, b0, c##i##0); \
    c##i##1 = _mm512_fmadd_ps(ai, b1, c##i##1); \
  } while (0)

#define INLAY_STEP()                           \
  do {                                         \
    const __m512 b0 = _mm512_loadu_ps(b);      \
    const __m512 b1 = _mm512_loadu_ps(b + 16); \
    INLAY_ROW(0);                              \
    INLAY_ROW(1);                              \
    INLAY_ROW(2);                              \
    INLAY_ROW(3);                              \
    INLAY_ROW(4);                              \
    INLAY_ROW(5);                              \
    INLAY_ROW(6);                              \
    INLAY_ROW(7);                              \
    a += 8;                                    \
    b += 32;                                   \
  } while (0)

// A row of 32 floats at any alignment lies in two or three cache lines.
#define INLAY_FETCH(i)                                            \
  do {                                                            \
    _mm_prefetch((const char*)(c + (i) * ldc), _MM_HINT_T0);      \
    _mm_prefetch((const char*)(c + (i) * ldc + 16), _MM_HINT_T0); \
    _mm_prefetch((const char*)(c + (i) * ldc + 31), _MM_HINT_T0); \
  } while (0)

#define INLAY_UPDATE(i)                                                            \
  do {                                                                             \
    float* row = c + (i) * ldc;                                                    \
    _mm512_storeu_ps(row, _mm512_add_ps(_mm512_loadu_ps(row), c##i##0));           \
    _mm512_storeu_ps(row + 16, _mm512_add_ps(_mm512_loadu_ps(row + 16), c##i##1)); \
  } while (0)

void uk_sgemm_f32_8x32_avx512(int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
  __m512 c00 = _mm512_setzero_ps(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  __m512 c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  __m512 c60 = c00, c61 = c00, c70 = c00, c71 = c00;

  INLAY_FETCH(0);
  INLAY_FETCH(1);
  INLAY_FETCH(2);
  INLAY_FETCH(3);
  INLAY_FETCH(4);
  INLAY_FETCH(5);
  INLAY_FETCH(6);
  INLAY_FETCH(7);

  int64_t p = k;
  for (; p >= 4; p -= 4) {
    // Four steps consume two cache lines of a: fetch the two that come a few iterations later.
    _mm_prefetch((const char*)(a + 128), _MM_HINT_T0);
    _mm_prefetch((const char*)(a + 144), _MM_HINT_T0);
    INLAY_STEP();
    INLAY_STEP();
    INLAY_STEP();
    INLAY_STEP();
  }
  for (; p > 0; --p) {
    INLAY_STEP();
  }

  INLAY_UPDATE(0);
  INLAY_UPDATE(1);
  INLAY_UPDATE(2);
  INLAY_UPDATE(3);
  INLAY_UPDATE(4);
  INLAY_UPDATE(5);
  INLAY_UPDATE(6);
  INLAY_UPDATE(7);
}

#undef INLAY_ROW
#undef INLAY_STEP
#undef INLAY_FETCH
#undef INLAY_UPDATE
