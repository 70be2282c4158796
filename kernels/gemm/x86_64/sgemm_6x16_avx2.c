// sgemm micro-kernel, register block 6 x 16, AVX2 + FMA, written with intrinsics.
//
// Equation   c[i, j] += sum over p of a[p, i] * b[p, j]      i in 0..6, j in 0..16, p in 0..k
// Shapes     a: [k, 6] packed panel, b: [k, 16] packed panel, c: [6, 16] strided; all f32
// Strides    in floats: a 6 and 1, b 16 and 1, c ldc and 1
// Alignment  that of a float (4 bytes); fastest with b on 32 bytes
// k          any k >= 0; with k = 0 the values of c stay
// Aliasing   c overlaps neither panel
// Clobbers   no memory but the 6 x 16 block of c; no state, no libc
// Registers  12 accumulators + 2 for a row of b + 2 broadcasts of a = 16 of 16 YMM
//
// Twelve independent FMA chains cover 2 ports x 4 or 5 cycles of latency (Haswell to Zen 5), and
// each step of k costs 8 loads for 12 FMAs, so the two load ports are not the limit. The k loop is
// unrolled by four to spread its overhead. The block of c is fetched into L1 while the sum runs.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016); 6 x 16 is its result for two 8-wide FMA ports.
#include <immintrin.h>
#include <stdint.h>

#define INLAY_ROW(i)                                \
  do {                                              \
    const __m256 ai = _mm256_broadcast_ss(a + (i)); \
    c##i##0 = _mm256_fmadd_ps(ai, b0, c##i##0);     \
    c##i##1 = _mm256_fmadd_ps(ai, b1, c##i##1);     \
  } while (0)

#define INLAY_STEP()                          \
  do {                                        \
    const __m256 b0 = _mm256_loadu_ps(b);     \
    const __m256 b1 = _mm256_loadu_ps(b + 8); \
    INLAY_ROW(0);                             \
    INLAY_ROW(1);                             \
    INLAY_ROW(2);                             \
    INLAY_ROW(3);                             \
    INLAY_ROW(4);                             \
    INLAY_ROW(5);                             \
    a += 6;                                   \
    b += 16;                                  \
  } while (0)

// Both ends of a row: an unaligned row of 16 floats may straddle two cache lines.
#define INLAY_FETCH(i)                                            \
  do {                                                            \
    _mm_prefetch((const char*)(c + (i) * ldc), _MM_HINT_T0);      \
    _mm_prefetch((const char*)(c + (i) * ldc + 15), _MM_HINT_T0); \
  } while (0)

#define INLAY_UPDATE(i)                                                          \
  do {                                                                           \
    float* row = c + (i) * ldc;                                                  \
    _mm256_storeu_ps(row, _mm256_add_ps(_mm256_loadu_ps(row), c##i##0));         \
    _mm256_storeu_ps(row + 8, _mm256_add_ps(_mm256_loadu_ps(row + 8), c##i##1)); \
  } while (0)

void uk_sgemm_f32_6x16_avx2(int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
  __m256 c00 = _mm256_setzero_ps(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  __m256 c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;

  INLAY_FETCH(0);
  INLAY_FETCH(1);
  INLAY_FETCH(2);
  INLAY_FETCH(3);
  INLAY_FETCH(4);
  INLAY_FETCH(5);

  int64_t p = k;
  for (; p >= 4; p -= 4) {
    _mm_prefetch((const char*)(a + 6 * 16), _MM_HINT_T0);
    INLAY_STEP();
    INLAY_STEP();
    _mm_prefetch((const char*)(a + 6 * 16), _MM_HINT_T0);
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
}

#undef INLAY_ROW
#undef INLAY_STEP
#undef INLAY_FETCH
#undef INLAY_UPDATE
