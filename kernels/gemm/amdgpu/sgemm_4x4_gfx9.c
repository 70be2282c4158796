// The 4x4 block of a work-item, in plain C: c += alpha * a * b in k steps. a and b lie in LDS, rows
// of 4 floats, 16-byte aligned; c is a private array that becomes registers once this is inlined.
// The address spaces are those of the AMDGPU target: a pointer without one would do as well, since
// the compiler finds out, but this says what the kernel is for.
#include <stdint.h>

typedef float Four __attribute__((ext_vector_type(4)));
typedef const __attribute__((address_space(3))) float* Shared;
typedef __attribute__((address_space(5))) float* Private;

void uk_sgemm_f32_4x4_gfx9(int64_t k, Shared a, int lda, Shared b, int ldb, Private c,
                           float alpha) {
  Four sum[4];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) sum[i][j] = c[i * 4 + j];
  for (int64_t p = 0; p < k; ++p) {
    Four column = *(const __attribute__((address_space(3))) Four*)a * alpha;
    Four row = *(const __attribute__((address_space(3))) Four*)b;
    for (int i = 0; i < 4; ++i) sum[i] = __builtin_elementwise_fma((Four)column[i], row, sum[i]);
    a += lda;
    b += ldb;
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) c[i * 4 + j] = sum[i][j];
}
