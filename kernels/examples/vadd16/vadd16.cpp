// Sixteen-wide vector add, AVX2, written with intrinsics in C++.
//
// Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
// Alignment  that of a float (4 bytes)
// Aliasing   c may be a or b itself; it must not overlap them in part
// Clobbers   no memory but the 16 floats of c; no state, no libc, no C++ runtime
//
// The symbol must be extern "C": a call names it as it stands in the object, not as C++ mangles it.
#include <immintrin.h>

namespace {

// One register of eight lanes; a template, since that is what C++ is chosen for.
template <int kLanes>
struct Vector;

template <>
struct Vector<8> {
  __m256 value;

  static Vector load(const float* from) { return {_mm256_loadu_ps(from)}; }
  void store(float* to) const { _mm256_storeu_ps(to, value); }
  friend Vector operator+(Vector x, Vector y) { return {_mm256_add_ps(x.value, y.value)}; }
};

}  // namespace

extern "C" void uk_vadd_f32_16_avx2_cxx(const float* a, const float* b, float* c) {
  using Lanes = Vector<8>;
  const Lanes low = Lanes::load(a) + Lanes::load(b);
  const Lanes high = Lanes::load(a + 8) + Lanes::load(b + 8);
  low.store(c);
  high.store(c + 8);
}
