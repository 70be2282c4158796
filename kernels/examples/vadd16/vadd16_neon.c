// Sixteen-wide vector add, AArch64 NEON, written with intrinsics in C.
//
// Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
// Alignment  that of a float (4 bytes)
// Aliasing   c may be a or b itself; it must not overlap them in part
// Clobbers   no memory but the 16 floats of c; no state, no libc
#include <arm_neon.h>

void uk_vadd_f32_16_neon(const float* a, const float* b, float* c) {
  const float32x4_t c0 = vaddq_f32(vld1q_f32(a), vld1q_f32(b));
  const float32x4_t c1 = vaddq_f32(vld1q_f32(a + 4), vld1q_f32(b + 4));
  const float32x4_t c2 = vaddq_f32(vld1q_f32(a + 8), vld1q_f32(b + 8));
  const float32x4_t c3 = vaddq_f32(vld1q_f32(a + 12), vld1q_f32(b + 12));
  vst1q_f32(c, c0);
  vst1q_f32(c + 4, c1);
  vst1q_f32(c + 8, c2);
  vst1q_f32(c + 12, c3);
}
