// sgemm micro-kernel, register block 4 x 24, AVX2 + FMA, written in GNU inline assembly.
//
// Equation   c[i, j] += sum over p of a[p, i] * b[p, j]      i in 0..4, j in 0..24, p in 0..k
// Shapes     a: [k, 4] packed panel, b: [k, 24] packed panel, c: [4, 24] strided; all f32
// Strides    in floats: a 4 and 1, b 24 and 1, c ldc and 1
// Alignment  that of a float (4 bytes); fastest with b on 32 bytes
// k          any k >= 0; with k = 0 the values of c stay
// Aliasing   c overlaps neither panel
// Clobbers   flags, all 16 YMM registers, the 4 x 24 block of c; no state, no libc
// Registers  12 accumulators (ymm4..15) + 3 for a row of b + 1 broadcast of a = 16 of 16 YMM
//
// 7 loads for 12 FMAs, one less than 6 x 16, but only one broadcast register: the order of the
// instructions is fixed here, so that each broadcast is loaded while the FMAs before it still run
// (register renaming gives every broadcast a register of its own). Labels carry %=, since the body
// is inlined wherever the generated loops call it.
//
// Source: the register-block analysis of Low et al., "Analytical Modeling Is Enough for
// High-Performance BLIS" (TOMS 2016); 4 x 24 is the other block that fills 16 YMM registers.
#include <stdint.h>

// clang-format off: one instruction a line
#define INLAY_ROW(a_offset, c0, c1, c2)              \
  "vbroadcastss " #a_offset "(%[a]), %%ymm3\n\t"     \
  "vfmadd231ps %%ymm0, %%ymm3, %%ymm" #c0 "\n\t"     \
  "vfmadd231ps %%ymm1, %%ymm3, %%ymm" #c1 "\n\t"     \
  "vfmadd231ps %%ymm2, %%ymm3, %%ymm" #c2 "\n\t"

// One step of k: byte offsets of the row of b (three loads) and of the row of a (four broadcasts).
#define INLAY_STEP(b0, b1, b2, a0, a1, a2, a3) \
  "vmovups " #b0 "(%[b]), %%ymm0\n\t"          \
  "vmovups " #b1 "(%[b]), %%ymm1\n\t"          \
  "vmovups " #b2 "(%[b]), %%ymm2\n\t"          \
  INLAY_ROW(a0, 4, 5, 6)                       \
  INLAY_ROW(a1, 7, 8, 9)                       \
  INLAY_ROW(a2, 10, 11, 12)                    \
  INLAY_ROW(a3, 13, 14, 15)

// c[i, :] += three accumulators, at the row that %[c] points to; then on to the next row.
#define INLAY_UPDATE(c0, c1, c2)                       \
  "vaddps (%[c]), %%ymm" #c0 ", %%ymm" #c0 "\n\t"      \
  "vaddps 32(%[c]), %%ymm" #c1 ", %%ymm" #c1 "\n\t"    \
  "vaddps 64(%[c]), %%ymm" #c2 ", %%ymm" #c2 "\n\t"    \
  "vmovups %%ymm" #c0 ", (%[c])\n\t"                   \
  "vmovups %%ymm" #c1 ", 32(%[c])\n\t"                 \
  "vmovups %%ymm" #c2 ", 64(%[c])\n\t"                 \
  "addq %[row], %[c]\n\t"

// Three accumulators to zero; the upper halves of the registers follow.
#define INLAY_ZERO(c0, c1, c2)                                 \
  "vxorps %%xmm" #c0 ", %%xmm" #c0 ", %%xmm" #c0 "\n\t"        \
  "vxorps %%xmm" #c1 ", %%xmm" #c1 ", %%xmm" #c1 "\n\t"        \
  "vxorps %%xmm" #c2 ", %%xmm" #c2 ", %%xmm" #c2 "\n\t"

// A row of 24 floats at any alignment lies in two or three cache lines.
#define INLAY_FETCH            \
  "prefetcht0 (%[next])\n\t"   \
  "prefetcht0 64(%[next])\n\t" \
  "prefetcht0 92(%[next])\n\t" \
  "addq %[row], %[next]\n\t"

void uk_sgemm_f32_4x24_avx2(int64_t k, const float* a, const float* b, float* c, int64_t ldc) {
  const float* next = c;
  int64_t quads = k >> 2;
  int64_t rest = k & 3;
  if (k <= 0) {
    return;
  }
  __asm__ volatile(
      INLAY_FETCH
      INLAY_FETCH
      INLAY_FETCH
      INLAY_FETCH
      INLAY_ZERO(4, 5, 6)
      INLAY_ZERO(7, 8, 9)
      INLAY_ZERO(10, 11, 12)
      INLAY_ZERO(13, 14, 15)
      "testq %[quads], %[quads]\n\t"
      "jz .Lrest%=\n\t"
      ".p2align 5\n"
      ".Lquad%=:\n\t"
      "prefetcht0 512(%[a])\n\t"
      INLAY_STEP(0, 32, 64, 0, 4, 8, 12)
      INLAY_STEP(96, 128, 160, 16, 20, 24, 28)
      INLAY_STEP(192, 224, 256, 32, 36, 40, 44)
      INLAY_STEP(288, 320, 352, 48, 52, 56, 60)
      "addq $64, %[a]\n\t"
      "addq $384, %[b]\n\t"
      "decq %[quads]\n\t"
      "jnz .Lquad%=\n"
      ".Lrest%=:\n\t"
      "testq %[rest], %[rest]\n\t"
      "jz .Lupdate%=\n"
      ".Lone%=:\n\t"
      INLAY_STEP(0, 32, 64, 0, 4, 8, 12)
      "addq $16, %[a]\n\t"
      "addq $96, %[b]\n\t"
      "decq %[rest]\n\t"
      "jnz .Lone%=\n"
      ".Lupdate%=:\n\t"
      INLAY_UPDATE(4, 5, 6)
      INLAY_UPDATE(7, 8, 9)
      INLAY_UPDATE(10, 11, 12)
      INLAY_UPDATE(13, 14, 15)
      : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [next] "+r"(next), [quads] "+r"(quads),
        [rest] "+r"(rest)
      : [row] "r"(ldc * (int64_t)sizeof(float))
      : "cc", "memory", "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8",
        "ymm9", "ymm10", "ymm11", "ymm12", "ymm13", "ymm14", "ymm15");
}
// clang-format on

#undef INLAY_ROW
#undef INLAY_STEP
#undef INLAY_UPDATE
#undef INLAY_ZERO
#undef INLAY_FETCH
