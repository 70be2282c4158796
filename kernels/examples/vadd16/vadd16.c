// Sixteen-wide vector add, AVX2, written with intrinsics in C.
//
// Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
// Alignment  that of a float (4 bytes)
// Aliasing   c may be a or b itself; it must not overlap them in part
// Clobbers   no memory but the 16 floats of c; no state, no libc
#include <immintrin.h>

void uk_vadd_f32_16_avx2(const float* a, const float* b, float* c) {
  const __m256 low = _mm256_add_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b));
  const __m256 high = _mm256_add_ps(_mm256_loadu_ps(a + 8), _mm256_loadu_ps(b + 8));
  _mm256_storeu_ps(c, low);
  _mm256_storeu_ps(c + 8, high);
}
