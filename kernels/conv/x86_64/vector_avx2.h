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
  // Lanes from..to of what lies at p, the others 0.
  static Vector load_lanes(const float* p, int64_t from, int64_t to) {
    return _mm256_maskload_ps(p, _mm256_andnot_si256(first(from), first(to)));
  }
  // Lane i of the result is lane places[i] + more of v.
  using Places = __m256i;
  static Places places(const int32_t* places, int64_t more) {
    return _mm256_add_epi32(_mm256_loadu_si256((const __m256i*)places),
                            _mm256_set1_epi32((int32_t)more));
  }
  static Vector pick(Vector v, Places places) { return _mm256_permutevar8x32_ps(v, places); }
  static void store_some(float* p, Vector v, int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
  // In each half of 128 bits: the low two lanes of both, one after the other; the high two; and the
  // same of pairs of lanes.
  static Vector low_of_both(Vector a, Vector b) { return _mm256_unpacklo_ps(a, b); }
  static Vector high_of_both(Vector a, Vector b) { return _mm256_unpackhi_ps(a, b); }
  static Vector low_pairs(Vector a, Vector b) { return _mm256_shuffle_ps(a, b, 0x44); }
  static Vector high_pairs(Vector a, Vector b) { return _mm256_shuffle_ps(a, b, 0xee); }
  template <int kHalf>
  static __m128 quarter(Vector v) {
    return _mm256_extractf128_ps(v, kHalf);
  }
  struct Eights {
    __m256 first, second;
  };
  // Both halves of a beside those of b.
  template <int kFirst>
  static Eights quarters(Vector a, Vector b) {
    static_assert(kFirst == 0);
    return {_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31)};
  }
};

}  // namespace
