// Rows micro-kernel, register block 8 x 32, AVX-512F, written with intrinsics: see sconv_rows.h.
//
// Registers  16 accumulators + 2 for a row of b + 2 broadcasts of a = 20 of 32 ZMM
//
// Sixteen independent FMA chains are twice what 2 ports x 4 cycles of latency need, and a step
// costs 10 loads for 16 FMAs. Taller blocks (10, 12, 14 rows) were not faster on Zen 5: a sum over
// few channels then pays more for the start and the end of a block.
#include "sconv_rows.h"
#include "vector_avx512.h"

extern "C" void uk_sconv_f32_8x32_avx512(int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,
                                         int64_t k, int64_t sw, int64_t dh, int64_t dw,
                                         const float* a, int64_t a0, int64_t a1, const float* b,
                                         const float* bias, float* c, int64_t c0) {
  SconvRows<Avx512, 8, false>::run(m, n, taps_h, taps_w, k, sw, dh, dw, a, a0, a1, b, bias, c, c0);
}

extern "C" void uk_sconv_relu_f32_8x32_avx512(int64_t m, int64_t n, int64_t taps_h, int64_t taps_w,
                                              int64_t k, int64_t sw, int64_t dh, int64_t dw,
                                              const float* a, int64_t a0, int64_t a1,
                                              const float* b, const float* bias, float* c,
                                              int64_t c0) {
  SconvRows<Avx512, 8, true>::run(m, n, taps_h, taps_w, k, sw, dh, dw, a, a0, a1, b, bias, c, c0);
}
