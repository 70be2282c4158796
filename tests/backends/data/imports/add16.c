// Sixteen floats: c = a + b.
#include <immintrin.h>

#include "add16.h"

void uk_add16(const float* a, const float* b, float* c) {
  for (int i = 0; i < 16; i += ADD16_STEP) {
    _mm256_storeu_ps(c + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  }
}
