// The vectors of AVX-512F, as the templates of micro-kernels here use them.
#pragma once

#include <immintrin.h>
#include <stdint.h>

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
