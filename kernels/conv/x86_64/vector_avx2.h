// The vectors of AVX2 + FMA, as the templates of micro-kernels here use them.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

struct Avx2 {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector at_least_zero(Vector a) { return _mm256_max_ps(a, _mm256_setzero_ps()); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  // Ones in the first n lanes, from memory: a vector of lane numbers would stay in a register.
  static __m256i first(int64_t n) {
    static const int32_t kOnesThenZeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const int64_t count = n <= 0 ? 0 : n >= 8 ? 8 : n;
    return _mm256_loadu_si256((const __m256i*)(kOnesThenZeros + 8 - count));
  }
  static Vector load_some(const float* p, int64_t n) { return _mm256_maskload_ps(p, first(n)); }
  // Lane i is float places[i] of p, of which the first n exist.
  static Vector spread(const float* p, int64_t n, const int32_t* places) {
    return _mm256_permutevar8x32_ps(load_some(p, n), _mm256_loadu_si256((const __m256i*)places));
  }
  static void store_some(float* p, Vector v, int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
  // `count` vectors, of which the first n lanes exist, as the columns of rows `step` floats apart.
  static void store_columns(float* to, int64_t step, Vector v0, Vector v1, Vector v2, Vector v3,
                            int count, int64_t n) {
    const Vector low01 = _mm256_unpacklo_ps(v0, v1), high01 = _mm256_unpackhi_ps(v0, v1);
    const Vector low23 = _mm256_unpacklo_ps(v2, v3), high23 = _mm256_unpackhi_ps(v2, v3);
    const __m256d rows[4] = {
        _mm256_unpacklo_pd(_mm256_castps_pd(low01), _mm256_castps_pd(low23)),
        _mm256_unpackhi_pd(_mm256_castps_pd(low01), _mm256_castps_pd(low23)),
        _mm256_unpacklo_pd(_mm256_castps_pd(high01), _mm256_castps_pd(high23)),
        _mm256_unpackhi_pd(_mm256_castps_pd(high01), _mm256_castps_pd(high23))};
    // Row 4 * j + i is lane j of rows[i].
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; ++i) {
      if (n <= i) return;
      store_first(to + i * step, _mm256_castps256_ps128(_mm256_castpd_ps(rows[i])), count);
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; ++i) {
      if (n <= 4 + i) return;
      store_first(to + (4 + i) * step, _mm256_extractf128_ps(_mm256_castpd_ps(rows[i]), 1), count);
    }
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
