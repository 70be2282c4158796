// Rows micro-kernel, register block 6 x 16, AVX2 + FMA, written with intrinsics: see sconv_rows.h.
//
// Registers  12 accumulators + 2 for a row of b + 2 broadcasts of a = 16 of 16 YMM
#include "sconv_rows.h"
#include "vector_avx2.h"

extern "C" void uk_sconv_f32_6x16_avx2(int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,
                                       int64_t k, int64_t sw, int64_t dh, int64_t dw,
                                       const float* a, int64_t a0, int64_t a1, const float* b,
                                       const float* bias, float* c, int64_t c0) {
  SconvRows<Avx2, 6, false>::run(m, n, taps_h, taps_w, k, sw, dh, dw, a, a0, a1, b, bias, c, c0);
}

extern "C" void uk_sconv_relu_f32_6x16_avx2(int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,
                                            int64_t k, int64_t sw, int64_t dh, int64_t dw,
                                            const float* a, int64_t a0, int64_t a1, const float* b,
                                            const float* bias, float* c, int64_t c0) {
  SconvRows<Avx2, 6, true>::run(m, n, taps_h, taps_w, k, sw, dh, dw, a, a0, a1, b, bias, c, c0);
}
