// Image micro-kernel, register block 6 x 16, AVX2 + FMA, written with intrinsics: see
// sconv_image.h.
//
// Registers  12 accumulators + 2 for a row of b + 2 broadcasts of a = 16 of 16 YMM. Blocks of one
//            vector have 12 pixels: as many accumulators
#include "sconv_image.h"
#include "vector_avx2.h"

#define INLAY_SCONV_IMAGE(symbol, relu)                                                            \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,       \
                         int64_t k, int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,   \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,           \
                         int64_t a1, const float* b, const float* bias, float* c, int64_t c0,      \
                         int64_t c1) {                                                             \
    SconvImage<Avx2, 6, 12, relu, false>::run(                                                     \
        {rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w}, a, {a0, a1, 1}, b, bias, \
        c, {c0, c1, 1});                                                                           \
  }
#define INLAY_SCONV_PLANES(symbol, relu)                                                           \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,       \
                         int64_t k, int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,   \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,           \
                         int64_t a1, const float* b, const float* bias, float* c, int64_t c0,      \
                         int64_t c1) {                                                             \
    SconvImage<Avx2, 6, 12, relu, true>::run(                                                      \
        {rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w}, a, {a1, 1, a0}, b, bias, \
        c, {c1, 1, c0});                                                                           \
  }

INLAY_SCONV_IMAGE(uk_sconv_f32_6x16_avx2, false)
INLAY_SCONV_IMAGE(uk_sconv_relu_f32_6x16_avx2, true)
INLAY_SCONV_PLANES(uk_sconv_planes_f32_6x16_avx2, false)
INLAY_SCONV_PLANES(uk_sconv_planes_relu_f32_6x16_avx2, true)
