// Image micro-kernel, register block 8 x 32, AVX-512F, written with intrinsics: see sconv_image.h.
//
// Registers  16 accumulators + 2 for a row of b + 2 broadcasts of a = 20 of 32 ZMM
//
// Sixteen independent FMA chains are twice what 2 ports x 4 cycles of latency need, and a step
// costs 10 loads for 16 FMAs. Taller blocks (10, 12, 14 pixels) were not faster on Zen 5: a sum
// over few channels then pays more for the start and the end of a block. Blocks of one vector have
// 16 pixels: as many chains.
#include "sconv_image.h"
#include "vector_avx512.h"

#define INLAY_SCONV_IMAGE(symbol, relu)                                                            \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,       \
                         int64_t k, int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,   \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,           \
                         int64_t a1, const float* b, const float* bias, float* c, int64_t c0,      \
                         int64_t c1) {                                                             \
    SconvImage<Avx512, 8, 16, relu, false>::run(                                                   \
        {rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w}, a, {a0, a1, 1}, b, bias, \
        c, {c0, c1, 1});                                                                           \
  }
#define INLAY_SCONV_PLANES(symbol, relu)                                                           \
  extern "C" void symbol(int64_t rows, int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,       \
                         int64_t k, int64_t sh, int64_t sw, int64_t dh, int64_t dw, int64_t top,   \
                         int64_t left, int64_t h, int64_t w, const float* a, int64_t a0,           \
                         int64_t a1, const float* b, const float* bias, float* c, int64_t c0,      \
                         int64_t c1) {                                                             \
    SconvImage<Avx512, 8, 16, relu, true>::run(                                                    \
        {rows, m, n, taps_h, taps_w, k, sh, sw, dh, dw, top, left, h, w}, a, {a1, 1, a0}, b, bias, \
        c, {c1, 1, c0});                                                                           \
  }

INLAY_SCONV_IMAGE(uk_sconv_f32_8x32_avx512, false)
INLAY_SCONV_IMAGE(uk_sconv_relu_f32_8x32_avx512, true)
INLAY_SCONV_PLANES(uk_sconv_planes_f32_8x32_avx512, false)
INLAY_SCONV_PLANES(uk_sconv_planes_relu_f32_8x32_avx512, true)
