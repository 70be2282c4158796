// Columns micro-kernel, register block 4 x 16, AVX2 + FMA, written with intrinsics: see
// sconv_columns.h.
#include "sconv_columns.h"
#include "vector_avx2.h"

extern "C" void uk_sconv_columns_f32_4x16_avx2(int64_t m, int64_t n, int64_t k, int64_t taps_h,
                                               int64_t taps_w, int64_t sw, int64_t dh, int64_t dw,
                                               const float* x, int64_t x0, int64_t x1,
                                               const float* w, int64_t w0, int64_t w1, int64_t w2,
                                               const float* bias, float* c, int64_t c0) {
  SconvColumns<Avx2, 4>::run(m, n, {k, taps_h, taps_w, x0, dh * x1, dw, sw, w0, w1, w2, c0}, x, w,
                             bias, c);
}
