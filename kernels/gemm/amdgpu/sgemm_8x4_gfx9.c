// The 8x4 block of a work-item, each of its multiply-adds an instruction that was chosen by hand:
// c += alpha * a * b in k steps. What LLVM does not know, such as an instruction that it would
// never choose, comes into a program like this; registers stay its business. a and b lie in LDS,
// rows of 8 and 4 floats, 16-byte aligned; c is a private array.
#include <stdint.h>

typedef float Four __attribute__((ext_vector_type(4)));
typedef const __attribute__((address_space(3))) float* Shared;
typedef const __attribute__((address_space(3))) Four* SharedFour;
typedef __attribute__((address_space(5))) float* Private;

static inline void multiply_add(float* sum, float x, float y) {
  __asm__("v_fma_f32 %0, %1, %2, %0" : "+v"(*sum) : "v"(x), "v"(y));
}

void uk_sgemm_f32_8x4_gfx9(int64_t k, Shared a, int lda, Shared b, int ldb, Private c,
                           float alpha) {
  float sum[8][4];
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 4; ++j) sum[i][j] = c[i * 4 + j];
  for (int64_t p = 0; p < k; ++p) {
    Four upper = ((SharedFour)a)[0] * alpha, lower = ((SharedFour)a)[1] * alpha;
    Four row = *(SharedFour)b;
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        multiply_add(&sum[i][j], upper[i], row[j]);
        multiply_add(&sum[4 + i][j], lower[i], row[j]);
      }
    }
    a += lda;
    b += ldb;
  }
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 4; ++j) c[i * 4 + j] = sum[i][j];
}
