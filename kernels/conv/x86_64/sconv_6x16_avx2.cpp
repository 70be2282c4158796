// Rows micro-kernel, register block 6 x 16, AVX2 + FMA, written with intrinsics: see sconv_rows.h.
//
// Registers  12 accumulators + 2 for a row of b + 2 broadcasts of a = 16 of 16 YMM
#include <immintrin.h>

#include "sconv_rows.h"

namespace {

struct Avx2 {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector at_least_zero(Vector a) { return _mm256_max_ps(_mm256_setzero_ps(), a); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  // Ones in the first n lanes, from memory: a vector of lane numbers would stay in a register.
  static __m256i first(int64_t n) {
    static const int32_t kOnesThenZeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const int64_t count = n <= 0 ? 0 : n >= 8 ? 8 : n;
    return _mm256_loadu_si256((const __m256i*)(kOnesThenZeros + 8 - count));
  }
  static Vector load_some(const float* p, int64_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void store_some(float* p, Vector v, int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
};

}  // namespace

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
