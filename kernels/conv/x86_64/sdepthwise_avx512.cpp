// Depthwise micro-kernel, AVX-512F, written with intrinsics: see sdepthwise_rows.h.
#include "sdepthwise_rows.h"
#include "vector_avx512.h"

extern "C" void uk_sdepthwise_f32_4x32_avx512(int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,
                                              int64_t sw, int64_t dh, int64_t dw, const float* a,
                                              int64_t a0, int64_t a1, const float* w, int64_t w0,
                                              int64_t w1, const float* bias, float* c, int64_t c0) {
  SdepthwiseRows<Avx512>::run(m, n, taps_h, taps_w, sw, dh, dw, a, a0, a1, w, w0, w1, bias, c, c0);
}
