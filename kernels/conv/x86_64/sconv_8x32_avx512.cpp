// Rows micro-kernel, register block 8 x 32, AVX-512F, written with intrinsics: see sconv_rows.h.
//
// Registers  16 accumulators + 2 for a row of b + 2 broadcasts of a = 20 of 32 ZMM
//
// Sixteen independent FMA chains are twice what 2 ports x 4 cycles of latency need, and a step
// costs 10 loads for 16 FMAs. Taller blocks (10, 12, 14 rows) were not faster on Zen 5: a sum over
// few channels then pays more for the start and the end of a block.
#include <immintrin.h>

#include "sconv_rows.h"

namespace {

struct Avx512 {
  using Vector = __m512;
  static constexpr int kLanes = 16;
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector at_least_zero(Vector a) { return _mm512_max_ps(_mm512_setzero_ps(), a); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static __mmask16 first(int64_t n) {
    return n <= 0 ? 0 : n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
  }
  static Vector load_some(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_some(float* p, Vector v, int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
};

}  // namespace

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
