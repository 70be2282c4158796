// n-body forces, a fast Fourier transform in LDS, Monte Carlo with an integer generator, a wave
// equation over many launches.
#include <complex>

#include "check.h"

__global__ void forces(const float4* bodies, float4* out, int n) {
  __shared__ float4 tile[128];
  const int i = blockIdx.x * 128 + threadIdx.x;
  const float4 me = bodies[i];
  float ax = 0, ay = 0, az = 0;
  for (int t = 0; t < n; t += 128) {
    tile[threadIdx.x] = bodies[t + threadIdx.x];
    __syncthreads();
    for (int k = 0; k < 128; k++) {
      const float dx = tile[k].x - me.x, dy = tile[k].y - me.y, dz = tile[k].z - me.z;
      const float r = rsqrtf(dx * dx + dy * dy + dz * dz + 0.01f), s = tile[k].w * r * r * r;
      ax += s * dx, ay += s * dy, az += s * dz;
    }
    __syncthreads();
  }
  out[i] = make_float4(ax, ay, az, 0);
}
__global__ void fft(const float2* in, float2* out) {
  __shared__ float2 s[256];
  const int t = threadIdx.x;
  for (int k = 0; k < 2; k++) s[__brev(t + 128 * k) >> 24] = in[blockIdx.x * 256 + t + 128 * k];
  for (int half = 1; half < 256; half *= 2) {
    __syncthreads();
    const int at = t / half * 2 * half + t % half;
    float sine, cosine;
    sincosf(-3.14159265358979f * (t % half) / half, &sine, &cosine);
    const float2 a = s[at], b = s[at + half];
    const float2 w = make_float2(b.x * cosine - b.y * sine, b.x * sine + b.y * cosine);
    s[at] = make_float2(a.x + w.x, a.y + w.y);
    s[at + half] = make_float2(a.x - w.x, a.y - w.y);
  }
  __syncthreads();
  for (int k = 0; k < 2; k++) out[blockIdx.x * 256 + t + 128 * k] = s[t + 128 * k];
}
__global__ void circle(unsigned* hits) {
  unsigned state = (blockIdx.x * blockDim.x + threadIdx.x) * 747796405u + 1, inside = 0;
  for (int k = 0; k < 500; k++) {
    float v[2];
    for (float& x : v) {
      state = state * 1664525u + 1013904223u;
      x = (state >> 8) * 0x1p-24f;
    }
    inside += v[0] * v[0] + v[1] * v[1] < 1;
  }
  atomicAdd(hits, inside);
}
__global__ void wave(const double* now, const double* before, double* next, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i > 0 && i < n - 1)
    next[i] = 2 * now[i] - before[i] + 0.25 * (now[i - 1] - 2 * now[i] + now[i + 1]);
}

int main() {
  const int n = 512;
  std::vector<float4> bodies(n);
  const auto uniform = [] { return (random_bits() % 2001) * 1e-3f - 1; };
  for (float4& b : bodies) b = make_float4(uniform(), uniform(), uniform(), 1 + uniform());
  Buffer<float4> in(bodies), out(n);
  forces<<<n / 128, 128>>>(in, out, n);
  const std::vector<float4> f = out.get();
  for (int i = 0; i < n; i += 17) {
    double a[3] = {}, size = 0;
    for (const float4& b : bodies) {
      const double d[3] = {double(b.x) - bodies[i].x, double(b.y) - bodies[i].y,
                           double(b.z) - bodies[i].z};
      const double r = 1 / std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01),
                   s = b.w * r * r * r;
      for (int k = 0; k < 3; k++) a[k] += s * d[k], size += std::fabs(s * d[k]);
    }
    EXPECT(std::fabs(f[i].x - a[0]) + std::fabs(f[i].y - a[1]) + std::fabs(f[i].z - a[2]) <
           1e-5 * size);
  }

  std::vector<float2> signal(1024);
  for (float2& s : signal) s = make_float2(uniform(), uniform());
  Buffer<float2> time(signal), frequency(1024);
  fft<<<4, 128>>>(time, frequency);
  const std::vector<float2> spectrum = frequency.get();
  for (int b = 0; b < 4; b++)
    for (int k = 0; k < 256; k += 5) {
      std::complex<double> sum = 0;
      for (int t = 0; t < 256; t++)
        sum += std::complex<double>(signal[b * 256 + t].x, signal[b * 256 + t].y) *
               std::polar(1.0, -2 * M_PI * k * t / 256);
      const float2 got = spectrum[b * 256 + k];
      EXPECT(std::abs(std::complex<double>(got.x, got.y) - sum) < 1e-4);
    }

  Buffer<unsigned> hits(std::vector<unsigned>{0});
  circle<<<8, 128>>>(hits);
  EXPECT(std::fabs(4.0 * hits.get()[0] / (8 * 128 * 500) - M_PI) < 0.02);

  std::vector<double> now(1000), before(1000), next(1000);
  for (int i = 1; i < 999; i++) now[i] = before[i] = std::sin(i * 0.01) * (i < 300);
  Buffer<double> d[3] = {Buffer<double>(now), Buffer<double>(before), Buffer<double>(next)};
  double* p[3] = {d[0], d[1], d[2]};
  for (int step = 0; step < 40; step++) {
    wave<<<4, 256>>>(p[0], p[1], p[2], 1000);
    for (int i = 1; i < 999; i++)
      next[i] = 2 * now[i] - before[i] + 0.25 * (now[i - 1] - 2 * now[i] + now[i + 1]);
    std::swap(before, now), std::swap(now, next);
    std::swap(p[1], p[0]), std::swap(p[0], p[2]);
  }
  std::vector<double> got(1000);
  HIP(hipMemcpy(got.data(), p[0], 8000, hipMemcpyDeviceToHost));
  for (int i = 0; i < 1000; i++) EXPECT_EQ(got[i], now[i]);
  return result();
}
