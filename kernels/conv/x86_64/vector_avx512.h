// The vectors of AVX-512F, as the templates of micro-kernels here use them.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

struct Avx512 {
  using Vector = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector at_least_zero(Vector a) { return _mm512_max_ps(a, _mm512_setzero_ps()); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static __mmask16 first(int64_t n) {
    return n <= 0 ? 0 : n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
  }
  static Vector load_some(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  // Lane i is float places[i] of p, of which the first n exist.
  static Vector spread(const float* p, int64_t n, const int32_t* places) {
    return _mm512_permutexvar_ps(_mm512_loadu_si512(places), load_some(p, n));
  }
  static void store_some(float* p, Vector v, int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  // `count` vectors, of which the first n lanes exist, as the columns of rows `step` floats apart.
  static void store_columns(float* to, int64_t step, Vector v0, Vector v1, Vector v2, Vector v3,
                            int count, int64_t n) {
    const Vector low01 = _mm512_unpacklo_ps(v0, v1), high01 = _mm512_unpackhi_ps(v0, v1);
    const Vector low23 = _mm512_unpacklo_ps(v2, v3), high23 = _mm512_unpackhi_ps(v2, v3);
    const __m512d rows[4] = {
        _mm512_unpacklo_pd(_mm512_castps_pd(low01), _mm512_castps_pd(low23)),
        _mm512_unpackhi_pd(_mm512_castps_pd(low01), _mm512_castps_pd(low23)),
        _mm512_unpacklo_pd(_mm512_castps_pd(high01), _mm512_castps_pd(high23)),
        _mm512_unpackhi_pd(_mm512_castps_pd(high01), _mm512_castps_pd(high23))};
    // Row 4 * j + i is lane j of rows[i].
#define INLAY_LANE(j)                                                                            \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; ++i) {                               \
    if (n <= 4 * (j) + i) return;                                                                \
    store_first(to + (4 * (j) + i) * step, _mm512_extractf32x4_ps(_mm512_castpd_ps(rows[i]), j), \
                count);                                                                          \
  }
    INLAY_LANE(0)
    INLAY_LANE(1)
    INLAY_LANE(2)
    INLAY_LANE(3)
#undef INLAY_LANE
  }
  static void store_first(float* to, __m128 v, int count) {
    if (count == 4) {
      _mm_storeu_ps(to, v);
      return;
    }
    if (count >= 2) _mm_storel_pi((__m64*)to, v);
    if (count == 1) _mm_store_ss(to, v);
    if (count == 3) _mm_store_ss(to + 2, _mm_movehl_ps(v, v));
  }
};

}  // namespace
