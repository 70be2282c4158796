// Fast Fourier transforms: radix 2 in LDS, forward and back, many rows at once; a two-dimensional
// one by transposition; and Parseval's sum.
#include "check.h"

constexpr int kPoints = 256;

__global__ void fft(float2* data, float sign) {
  __shared__ float2 s[kPoints];
  float2* row = data + blockIdx.x * kPoints;
  for (int i = threadIdx.x; i < kPoints; i += blockDim.x)
    s[__brev(static_cast<unsigned>(i)) >> 24] = row[i];
  for (int half = 1; half < kPoints; half *= 2) {
    __syncthreads();
    for (int b = threadIdx.x; b < kPoints / 2; b += blockDim.x) {
      const int k = b % half, i = b / half * 2 * half + k;
      float sine, cosine;
      sincosf(sign * static_cast<float>(M_PI) * k / half, &sine, &cosine);
      const float2 a = s[i], c = s[i + half];
      const float2 t{c.x * cosine - c.y * sine, c.x * sine + c.y * cosine};
      s[i] = {a.x + t.x, a.y + t.y};
      s[i + half] = {a.x - t.x, a.y - t.y};
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kPoints; i += blockDim.x) row[i] = s[i];
}
__global__ void transpose(const float2* in, float2* out) {
  __shared__ float2 tile[16][17];
  tile[threadIdx.y][threadIdx.x] =
      in[(blockIdx.y * 16 + threadIdx.y) * kPoints + blockIdx.x * 16 + threadIdx.x];
  __syncthreads();
  out[(blockIdx.x * 16 + threadIdx.y) * kPoints + blockIdx.y * 16 + threadIdx.x] =
      tile[threadIdx.x][threadIdx.y];
}

int main() {
  const int rows = 6;
  std::vector<float2> v(rows * kPoints);
  for (float2& x : v)
    x = {static_cast<float>(random_bits() % 200) / 100 - 1,
         static_cast<float>(random_bits() % 200) / 100 - 1};
  Buffer<float2> data(v);
  fft<<<rows, 64>>>(data, -1);
  const std::vector<float2> f = data.get();
  double time = 0, frequency = 0;
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < kPoints; k++) {
      const float2 got = f[r * kPoints + k], in = v[r * kPoints + k];
      frequency += double(got.x) * got.x + double(got.y) * got.y;
      time += double(in.x) * in.x + double(in.y) * in.y;
      if (k % 17 != 0) continue;
      double re = 0, im = 0;
      for (int n = 0; n < kPoints; n++) {
        const double a = -2 * M_PI * k * n / kPoints;
        const float2 x = v[r * kPoints + n];
        re += x.x * cos(a) - x.y * sin(a);
        im += x.x * sin(a) + x.y * cos(a);
      }
      EXPECT(std::fabs(got.x - re) < 2e-4 && std::fabs(got.y - im) < 2e-4);
    }
  EXPECT(std::fabs(frequency / (kPoints * time) - 1) < 1e-6);
  fft<<<rows, 128>>>(data, 1);
  const std::vector<float2> back = data.get();
  for (int i = 0; i < rows * kPoints; i++)
    EXPECT(std::fabs(back[i].x / kPoints - v[i].x) < 1e-6 &&
           std::fabs(back[i].y / kPoints - v[i].y) < 1e-6);

  // A plane wave has one peak.
  std::vector<float2> wave(kPoints * kPoints);
  for (int y = 0; y < kPoints; y++)
    for (int x = 0; x < kPoints; x++) {
      const double a = 2 * M_PI * (5.0 * x + 250.0 * y) / kPoints;
      wave[y * kPoints + x] = {static_cast<float>(cos(a)), static_cast<float>(sin(a))};
    }
  Buffer<float2> a(wave), b(kPoints * kPoints);
  fft<<<kPoints, 64>>>(a, -1);
  transpose<<<dim3(16, 16), dim3(16, 16)>>>(a, b);
  fft<<<kPoints, 64>>>(b, -1);
  const std::vector<float2> spectrum = b.get();
  for (int x = 0; x < kPoints; x++)
    for (int y = 0; y < kPoints; y++) {
      const float2 s = spectrum[x * kPoints + y];
      const double size = std::hypot(s.x, s.y) / (kPoints * kPoints);
      EXPECT(std::fabs(size - (x == 5 && y == 250 ? 1 : 0)) < 1e-5);
    }
  return result();
}
