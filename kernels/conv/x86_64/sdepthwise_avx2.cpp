// Depthwise micro-kernel, AVX2 + FMA, written with intrinsics: see sdepthwise_image.h.
#include "sdepthwise_image.h"
#include "vector_avx2.h"

#define INLAY_SDEPTHWISE(symbol, relu)                                                          \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,    \
                         int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,           \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,        \
                         int64_t a1, const float* f, int64_t f0, int64_t f1, const float* bias, \
                         float* c, int64_t c0, int64_t c1) {                                    \
    SdepthwiseImage<Avx2, relu, false>::run(                                                    \
        {rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, 1}, a, a0, a1, f, f0, f1, \
        bias, c, c0, c1);                                                                       \
  }
#define INLAY_SDEPTHWISE_SPREAD(symbol, relu)                                                   \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t q, int64_t taps_h,         \
                         int64_t taps_w, int64_t sh, int64_t sw, int64_t dh, int64_t dw,        \
                         int64_t top, int64_t left, int64_t h, int64_t w, const float* a,       \
                         int64_t a0, int64_t a1, const float* f, int64_t f0, int64_t f1,        \
                         const float* bias, float* c, int64_t c0, int64_t c1) {                 \
    SdepthwiseImage<Avx2, relu, true>::run(                                                     \
        {rows, m, n, taps_h, taps_w, sh, sw, dh, dw, top, left, h, w, q}, a, a0, a1, f, f0, f1, \
        bias, c, c0, c1);                                                                       \
  }
INLAY_SDEPTHWISE(uk_sdepthwise_f32_4x16_avx2, false)
INLAY_SDEPTHWISE(uk_sdepthwise_relu_f32_4x16_avx2, true)
INLAY_SDEPTHWISE_SPREAD(uk_sdepthwise_spread_f32_4x16_avx2, false)
