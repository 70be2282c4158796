// sgemm micro-kernel, register block 8 x 12, AArch64 NEON, written with intrinsics.
//
// Equation   c[i, j] += sum over p of a[p, i] * b[p, j]      i in 0..8, j in 0..12, p in 0..k
// Shapes     a: [k, 8] packed panel, b: [k, 12] packed panel, c: [8, 12] strided; all f32
// Strides    in floats: a 8 and 1, b 12 and 1, c ldc and 1
// Alignment  that of a float (4 bytes) for a, b and c
// k          any k >= 0; with k = 0 the values of c stay
// Aliasing   c overlaps neither panel
// Clobbers   no memory but the 8 x 12 block of c; no state, no libc
// Registers  24 accumulators + 3 for a row of b + 2 for a row of a = 29 of 32 V
//
// FMLA by element takes its multiplier straight out of a lane, so a row of a costs two loads and no
// broadcast: 5 loads for 24 FMAs. Twenty-four chains cover 4 pipes x 4 cycles of latency with room.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016), for 32 registers of 4 floats; FMLA (by element) in the Arm
// Architecture Reference Manual for A-profile, C7.2.
#include <arm_neon.h>
#include <stdint.h>

#define INLAY_ROW(i, half, lane)                        \
  do {                                                  \
    c##i##0 = vfmaq_laneq_f32(c##i##0, b0, half, lane); \
    c##i##1 = vfmaq_laneq_f32(c##i##1, b1, half, lane); \
    c##i##2 = vfmaq_laneq_f32(c##i##2, b2, half, lane); \
  } while (0)

#define INLAY_STEP()                         \
  do {                                       \
    const float32x4_t a0 = vld1q_f32(a);     \
    const float32x4_t a1 = vld1q_f32(a + 4); \
    const float32x4_t b0 = vld1q_f32(b);     \
    const float32x4_t b1 = vld1q_f32(b + 4); \
    const float32x4_t b2 = vld1q_f32(b + 8); \
    INLAY_ROW(0, a0, 0);                     \
    INLAY_ROW(1, a0, 1);                     \
    INLAY_ROW(2, a0, 2);                     \
    INLAY_ROW(3, a0, 3);                     \
    INLAY_ROW(4, a1, 0);                     \
    INLAY_ROW(5, a1, 1);                     \
    INLAY_ROW(6, a1, 2);                     \
    INLAY_ROW(7, a1, 3);                     \
    a += 8;                                  \
    b += 12;                                 \
  } while (0)

// For a write that is soon to come; both ends of a row, which may straddle two cache lines.
#define INLAY_FETCH(i)                            \
  do {                                            \
    __builtin_prefetch(c + (i) * ldc, 1, 3);      \
    __builtin_prefetch(c + (i) * ldc + 11, 1, 3); \
  } while (0)

#define INLAY_UPDATE(i)                                         \
  do {                                                          \
    float* row = c + (i) * ldc;                                 \
    vst1q_f32(row, vaddq_f32(vld1q_f32(row), c##i##0));         \
    vst1q_f32(row + 4, vaddq_f32(vld1q_f32(row + 4), c##i##1)); \
    vst1q_f32(row + 8, vaddq_f32(vld1q_f32(row + 8), c##i##2)); \
  } while (0)

void uk_sgemm_f32_8x12_neon(int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
  float32x4_t c00 = vdupq_n_f32(0.0f), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00;
  float32x4_t c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
  float32x4_t c40 = c00, c41 = c00, c42 = c00, c50 = c00, c51 = c00, c52 = c00;
  float32x4_t c60 = c00, c61 = c00, c62 = c00, c70 = c00, c71 = c00, c72 = c00;

  INLAY_FETCH(0);
  INLAY_FETCH(1);
  INLAY_FETCH(2);
  INLAY_FETCH(3);
  INLAY_FETCH(4);
  INLAY_FETCH(5);
  INLAY_FETCH(6);
  INLAY_FETCH(7);

  int64_t p = k;
  for (; p >= 2; p -= 2) {
    INLAY_STEP();
    INLAY_STEP();
  }
  if (p > 0) {
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
