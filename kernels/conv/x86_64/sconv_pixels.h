// Products of planes, for a vector type: what a convolution of 1 x 1 with stride 1 of images in
// NCHW is. Lanes are pixels, so nothing is turned round, and weights are broadcast.
//
// Equation   c[j, x] = bias[j] + sum over p of a[p, x] * b[p, j], and with relu the maximum of that
//            and 0                                            x in 0..m, j in 0..n, p in 0..k
// Shapes     a: planes of m pixels that follow each other, `a_plane` apart; b: [k, nr], a packed
//            panel; bias: [n]; c: planes as a, `c_plane` apart; all f32
// Strides    in floats
// Extents    m: kVectors vectors at least; n in 1..nr; k any
// Memory     reads and writes what the equation names, b to the end of its rows of nr
//
// A block of kVectors vectors of pixels meets the panel kBlock channels at a time. Where pixels are
// no multiple of the vectors, the last block begins earlier: what it computes again comes out the
// same.
#pragma once

#include <stdint.h>

#define INLAY_UNROLL _Pragma("clang loop unroll(full)")

template <typename Isa>
struct SconvPixels {
  using Vector = typename Isa::Vector;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kNr = 2 * kLanes;
  static constexpr int kVectors = 3;
  static constexpr int kBlock = Isa::kRegisters / 4;  ///< 3 sums each, 3 vectors of a, one of b

  struct Call {
    int64_t n, k, a_plane, c_plane;
    const float *b, *bias;
    bool relu;
  };

  // All channels pass over the pixels of a block, kBlock at a time: with 8 of them they may come
  // from L2, with 4 they had better stay in the first cache. Steps of pixels that are computed
  // twice cost as much as others; what they save is the turning round of a block of the other kind,
  // about as long as eight of its steps.
  static bool pays(int64_t m, int64_t k) {
    constexpr int64_t kNear = (kBlock >= 8 ? 512 : 24) * 1024;
    const int64_t twice = (kLanes - m % kLanes) % kLanes;
    return m >= kVectors * kLanes && k * kVectors * kLanes * (int64_t)sizeof(float) <= kNear &&
           twice * k <= 8 * m;
  }

  // One block of pixels, all channels.
  template <int kV>
  static __attribute__((noinline)) void pixels(const Call& call, const float* a, float* c) {
    for (int64_t j = 0; j < call.n; j += kBlock) {
      Vector sum[kBlock][kV];
      INLAY_UNROLL for (int i = 0; i < kBlock; ++i) {
        INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::zero();
      }
      const float *b = call.b + j, *at = a;
      for (int64_t p = call.k; p > 0; --p, b += kNr, at += call.a_plane) {
        Vector x[kV];
        INLAY_UNROLL for (int v = 0; v < kV; ++v) x[v] = Isa::load(at + v * kLanes);
        INLAY_UNROLL for (int i = 0; i < kBlock; ++i) {
          const Vector weight = Isa::broadcast(b + i);
          INLAY_UNROLL for (int v = 0; v < kV; ++v) sum[i][v] = Isa::fma(weight, x[v], sum[i][v]);
        }
      }
      const int64_t left = call.n - j;
      float* to = c + j * call.c_plane;
      INLAY_UNROLL for (int i = 0; i < kBlock; ++i) {
        if (i >= left) return;
        const Vector bias = Isa::broadcast(call.bias + j + i);
        INLAY_UNROLL for (int v = 0; v < kV; ++v) {
          const Vector whole = Isa::add(sum[i][v], bias);
          Isa::store(to + v * kLanes, call.relu ? Isa::at_least_zero(whole) : whole);
        }
        to += call.c_plane;
      }
    }
  }

  static __attribute__((noinline)) void run(const Call& call, int64_t m, const float* a, float* c) {
    const int64_t vectors = (m + kLanes - 1) / kLanes, blocks = (vectors + kVectors - 1) / kVectors;
    int64_t x = 0;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t size = vectors / blocks + (i < vectors % blocks);
      if (i + 1 == blocks) x = m - size * kLanes;
      if (size == 3) {
        pixels<3>(call, a + x, c + x);
      } else if (size == 2) {
        pixels<2>(call, a + x, c + x);
      } else {
        pixels<1>(call, a + x, c + x);
      }
      x += size * kLanes;
    }
  }
};

#undef INLAY_UNROLL
