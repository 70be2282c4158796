// Divergence: nested loops and breaks, switches, functions that are called, recursion, function
// pointers, scratch arrays.
#include "check.h"

__global__ void collatz(const int* in, int* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = in[i], steps = 0;
  while (v != 1) {
    v = v % 2 ? 3 * v + 1 : v / 2;
    if (++steps > 150) break;
  }
  out[i] = steps;
}
__device__ __attribute__((noinline)) int fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
__global__ void recurse(int* out) {
  out[threadIdx.x] = fibonacci(threadIdx.x % 12);
}
__device__ __attribute__((noinline)) float twice(float x) {
  return 2 * x;
}
__device__ __attribute__((noinline)) float square(float x) {
  return x * x;
}
__device__ __attribute__((noinline)) float negate(float x) {
  return -x;
}
__global__ void pointers(const float* in, float* out) {
  float (*const table[])(float) = {twice, square, negate};
  float v = in[threadIdx.x];
  for (unsigned k = 0; k < 3; k++) v = table[(threadIdx.x + k) % 3](v);
  out[threadIdx.x] = v;
}
__global__ void scratch(const int* in, int* out) {
  int a[64];
  long long wide[8];
  unsigned char bytes[32];
  const int t = threadIdx.x;
  for (int i = 0; i < 64; i++) a[(i * 7 + t) % 64] = in[i] + t;
  for (int i = 0; i < 8; i++) wide[(i + t) % 8] = 0x100000001ll * i;
  for (int i = 0; i < 32; i++) bytes[(i * 5 + t) % 32] = i + t;
  int sum = 0;
  for (int i = 0; i < 64; i++) sum = sum * 31 + a[(i + in[t]) & 63];
  out[t] = sum + static_cast<int>(wide[in[t] & 7] >> 32) + bytes[in[t] & 31];
}
__global__ void switches(const int* in, int* out) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  int r = 0;
  for (int i = 0; i < 10; i++) switch ((in[t] >> i) % 5) {
      case 0:
        r += 3;
        break;
      case 1:
        r *= 2;
        continue;
      case 2:
        r ^= in[t];
      case 3:
        r -= i;
        break;
      default:
        if (r > 1000) goto out;
        r += 100;
    }
out:
  out[t] = r;
}
int host_switches(int v) {
  int r = 0;
  for (int i = 0; i < 10; i++) switch ((v >> i) % 5) {
      case 0:
        r += 3;
        break;
      case 1:
        r *= 2;
        continue;
      case 2:
        r ^= v;
      case 3:
        r -= i;
        break;
      default:
        if (r > 1000) return r;
        r += 100;
    }
  return r;
}

int main() {
  const int n = 1000;
  std::vector<int> v(n);
  for (int i = 0; i < n; i++) v[i] = i + 1;
  Buffer<int> in(v), out(n);
  collatz<<<(n + 127) / 128, 128>>>(in, out, n);
  std::vector<int> o = out.get();
  for (int i = 0; i < n; i++) {
    int x = v[i], steps = 0;
    while (x != 1 && steps <= 150) x = x % 2 ? 3 * x + 1 : x / 2, steps++;
    EXPECT_EQ(o[i], steps);
  }
  recurse<<<1, 100>>>(out);
  o = out.get();
  for (int t = 0; t < 100; t++) {
    int a = 0, b = 1;
    for (int k = 0; k < t % 12; k++) std::swap(a, b), b += a;
    EXPECT_EQ(o[t], a);
  }
  std::vector<float> f(128);
  for (float& x : f) x = static_cast<int>(random_bits() % 100) - 50;
  Buffer<float> fin(f), fout(128);
  pointers<<<1, 128>>>(fin, fout);
  const std::vector<float> g = fout.get();
  for (int t = 0; t < 128; t++) {
    float x = f[t];
    for (int k = 0; k < 3; k++) x = (t + k) % 3 == 0 ? 2 * x : (t + k) % 3 == 1 ? x * x : -x;
    EXPECT_EQ(g[t], x);
  }
  for (int& x : v) x = random_bits() & 0xffffff;
  in.set(v);
  scratch<<<1, 256>>>(in, out);
  o = out.get();
  for (int t = 0; t < 256; t++) {
    int a[64];
    long long wide[8];
    unsigned char bytes[32];
    for (int i = 0; i < 64; i++) a[(i * 7 + t) % 64] = v[i] + t;
    for (int i = 0; i < 8; i++) wide[(i + t) % 8] = 0x100000001ll * i;
    for (int i = 0; i < 32; i++) bytes[(i * 5 + t) % 32] = i + t;
    unsigned sum = 0;
    for (int i = 0; i < 64; i++) sum = sum * 31 + a[(i + v[t]) & 63];
    EXPECT_EQ(o[t], static_cast<int>(sum + (wide[v[t] & 7] >> 32) + bytes[v[t] & 31]));
  }
  switches<<<8, 125>>>(in, out);
  o = out.get();
  for (int t = 0; t < n; t++) EXPECT_EQ(o[t], host_switches(v[t]));
  return result();
}
