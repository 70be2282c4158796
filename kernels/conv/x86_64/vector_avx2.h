// The vectors of AVX2 + FMA, as the templates of micro-kernels here use them.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace {

struct Avx2 {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
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
  // Every step-th float, of which the first n exist.
  static Vector gather_some(const float* p, int64_t step, int64_t n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i at = _mm256_mullo_epi32(lanes, _mm256_set1_epi32((int)step));
    return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, at, _mm256_castsi256_ps(first(n)), 4);
  }
  static void store_some(float* p, Vector v, int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
};

}  // namespace
