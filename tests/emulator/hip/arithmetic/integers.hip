// Integer arithmetic against the host: division, high products, shifts, bits, 8 to 64 bits wide.
#include "check.h"

template <typename T>
__global__ void arithmetic(const T* a, const T* b, T* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const T x = a[i], y = b[i];
  T* o = out + 12 * i;
  o[0] = x + y;
  o[1] = x - y;
  o[2] = x * y;
  o[3] = y ? x / y : 0;
  o[4] = y ? x % y : 0;
  o[5] = x << (y & (sizeof(T) * 8 - 1));
  o[6] = x >> (y & (sizeof(T) * 8 - 1));
  o[7] = x & y;
  o[8] = x | y;
  o[9] = x ^ y;
  o[10] = x < y ? x : y;
  o[11] = x < y;
}
__global__ void bit_functions(const unsigned long long* in, int* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned long long v = in[i];
  const unsigned lo = static_cast<unsigned>(v);
  int* o = out + 10 * i;
  o[0] = __popc(lo);
  o[1] = __popcll(v);
  o[2] = __clz(lo);
  o[3] = __clzll(v);
  o[4] = __ffs(lo);
  o[5] = __ffsll(v);
  o[6] = __brev(lo);
  o[7] = __umulhi(lo, static_cast<unsigned>(v >> 32));
  o[8] = __mulhi(static_cast<int>(lo), static_cast<int>(v >> 32));
  o[9] = static_cast<int>(__umul64hi(v, ~v) >> 7);
}

template <typename T>
void check() {
  const int n = 3000;
  std::vector<T> a(n), b(n);
  for (int i = 0; i < n; i++) {
    a[i] = static_cast<T>(random_bits() * 0x100000001ull * (1 + random_bits() % 5));
    b[i] = static_cast<T>((random_bits() * 0x100000001ull) >> (random_bits() % 64));
    // The one quotient that overflows is undefined.
    if (b[i] == static_cast<T>(-1)) b[i] = 1;
  }
  Buffer<T> da(a), db(b), out(12 * n);
  arithmetic<T><<<(n + 63) / 64, 64>>>(da, db, out, n);
  const std::vector<T> got = out.get();
  for (int i = 0; i < n; i++) {
    const T x = a[i], y = b[i];
    using U = std::make_unsigned_t<T>;
    const T expected[12] = {
        static_cast<T>(U(x) + U(y)),
        static_cast<T>(U(x) - U(y)),
        static_cast<T>(static_cast<unsigned long long>(x) * static_cast<unsigned long long>(y)),
        static_cast<T>(y ? x / y : 0),
        static_cast<T>(y ? x % y : 0),
        static_cast<T>(static_cast<unsigned long long>(x) << (y & (sizeof(T) * 8 - 1))),
        static_cast<T>(x >> (y & (sizeof(T) * 8 - 1))),
        static_cast<T>(x & y),
        static_cast<T>(x | y),
        static_cast<T>(x ^ y),
        x < y ? x : y,
        static_cast<T>(x < y)};
    for (int k = 0; k < 12; k++) EXPECT_EQ(got[12 * i + k], expected[k]);
  }
}

int main() {
  check<int>();
  check<unsigned>();
  check<long long>();
  check<unsigned long long>();
  check<short>();
  check<unsigned short>();
  check<signed char>();
  check<unsigned char>();
  const int n = 1000;
  std::vector<unsigned long long> v(n);
  for (int i = 0; i < n; i++)
    v[i] = ((static_cast<unsigned long long>(random_bits()) << 32) | random_bits()) >> (i % 64);
  v[0] = 0;
  Buffer<unsigned long long> in(v);
  Buffer<int> out(10 * n);
  bit_functions<<<(n + 63) / 64, 64>>>(in, out, n);
  const std::vector<int> got = out.get();
  for (int i = 0; i < n; i++) {
    const unsigned long long x = v[i];
    const unsigned lo = static_cast<unsigned>(x);
    unsigned reversed = 0;
    for (int b = 0; b < 32; b++) reversed |= (lo >> b & 1) << (31 - b);
    const int expected[10] = {
        __builtin_popcount(lo),
        __builtin_popcountll(x),
        lo ? __builtin_clz(lo) : 32,
        x ? __builtin_clzll(x) : 64,
        __builtin_ffs(static_cast<int>(lo)),
        __builtin_ffsll(static_cast<long long>(x)),
        static_cast<int>(reversed),
        static_cast<int>((static_cast<unsigned long long>(lo) * (x >> 32)) >> 32),
        static_cast<int>(
            (static_cast<long long>(static_cast<int>(lo)) * static_cast<int>(x >> 32)) >> 32),
        static_cast<int>(
            static_cast<unsigned long long>((static_cast<unsigned __int128>(x) * ~x) >> 64) >> 7)};
    for (int k = 0; k < 10; k++) EXPECT_EQ(got[10 * i + k], expected[k]);
  }
  return result();
}
