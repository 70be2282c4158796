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
  // Lanes from..to of what lies at p, the others 0.
  static Vector load_lanes(const float* p, int64_t from, int64_t to) {
    return _mm512_maskz_loadu_ps(first(to) & ~first(from), p);
  }
  // Lane i of the result is lane places[i] + more of v.
  using Places = __m512i;
  static Places places(const int32_t* places, int64_t more) {
    return _mm512_add_epi32(_mm512_loadu_si512(places), _mm512_set1_epi32((int32_t)more));
  }
  static Vector pick(Vector v, Places places) { return _mm512_permutexvar_ps(places, v); }
  static void store_some(float* p, Vector v, int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  // In each quarter of 128 bits: the low two lanes of both, one after the other; the high two; and
  // the same of pairs of lanes.
  static Vector low_of_both(Vector a, Vector b) { return _mm512_unpacklo_ps(a, b); }
  static Vector high_of_both(Vector a, Vector b) { return _mm512_unpackhi_ps(a, b); }
  static Vector low_pairs(Vector a, Vector b) { return _mm512_shuffle_ps(a, b, 0x44); }
  static Vector high_pairs(Vector a, Vector b) { return _mm512_shuffle_ps(a, b, 0xee); }
  template <int kQuarter>
  static __m128 quarter(Vector v) {
    return _mm512_extractf32x4_ps(v, kQuarter);
  }
  struct Eights {
    __m256 first, second;
  };
  // Quarter kQuarter of a beside that of b, and the same of the next quarter.
  template <int kQuarter>
  static Eights quarters(Vector a, Vector b) {
    const __m512i places =
        _mm512_setr_epi64(2 * kQuarter, 2 * kQuarter + 1, 8 + 2 * kQuarter, 9 + 2 * kQuarter,
                          2 * kQuarter + 2, 2 * kQuarter + 3, 10 + 2 * kQuarter, 11 + 2 * kQuarter);
    const __m512d both = _mm512_permutex2var_pd(_mm512_castps_pd(a), places, _mm512_castps_pd(b));
    return {_mm512_castps512_ps256(_mm512_castpd_ps(both)),
            _mm256_castpd_ps(_mm512_extractf64x4_pd(both, 1))};
  }
};

}  // namespace
