// f64: matrix product in blocks, the heat equation by an implicit line solve, Gauss quadrature, sums
// that compensate their rounding, and the harmonic mean of many scales.
#include "check.h"

constexpr int kTile = 16;

__global__ void dgemm(const double* a, const double* b, double* c, int n) {
  __shared__ double sa[kTile][kTile], sb[kTile][kTile + 1];
  const int x = blockIdx.x * kTile + threadIdx.x, y = blockIdx.y * kTile + threadIdx.y;
  double sum = 0;
  for (int k = 0; k < n; k += kTile) {
    const int ka = k + threadIdx.x, kb = k + threadIdx.y;
    sa[threadIdx.y][threadIdx.x] = y < n && ka < n ? a[y * n + ka] : 0;
    sb[threadIdx.y][threadIdx.x] = x < n && kb < n ? b[kb * n + x] : 0;
    __syncthreads();
    for (int i = 0; i < kTile; i++) sum = fma(sa[threadIdx.y][i], sb[i][threadIdx.x], sum);
    __syncthreads();
  }
  if (x < n && y < n) c[y * n + x] = sum;
}
// Thomas's algorithm, one system a lane: (1 + 2r) on the diagonal, -r beside it.
__global__ void heat(double* u, double r, int n, int systems) {
  const int s = blockIdx.x * blockDim.x + threadIdx.x;
  if (s >= systems) return;
  double upper[64];
  double previous = 0, last = 0;
  for (int i = 0; i < n; i++) {
    const double m = 1 + 2 * r + r * last;
    upper[i] = last = -r / m;
    u[i * systems + s] = previous = (u[i * systems + s] + r * previous) / m;
  }
  for (int i = n - 2; i >= 0; i--) u[i * systems + s] -= upper[i] * u[(i + 1) * systems + s];
}
__global__ void quadrature(double* out) {
  const double nodes[5] = {0, 0.5384693101056831, 0.9061798459386640, -0.5384693101056831,
                           -0.9061798459386640},
               weights[5] = {0.5688888888888889, 0.4786286704993665, 0.2369268850561891,
                             0.4786286704993665, 0.2369268850561891};
  // The integral of exp(-x^2) over [0, threadIdx.x / 16] in 8 pieces.
  const double h = threadIdx.x / 128.0;
  double sum = 0;
  for (int piece = 0; piece < 8; piece++)
    for (int k = 0; k < 5; k++) {
      const double x = h * (piece + 0.5 + nodes[k] / 2);
      sum += weights[k] * exp(-x * x) * h / 2;
    }
  out[threadIdx.x] = sum;
}
__global__ void compensated(const double* in, double* out, int n) {
  double sum = 0, lost = 0;
  for (int i = 0; i < n; i++) {
    const double t = sum + in[i];
    lost += fabs(sum) >= fabs(in[i]) ? sum - t + in[i] : in[i] - t + sum;
    sum = t;
  }
  out[0] = sum + lost;
  out[1] = sum;
}
__global__ void scales(double* out) {
  const int e = static_cast<int>(threadIdx.x) * 16 - 1000;
  const double x = ldexp(1.0 + threadIdx.x / 128.0, e);
  out[threadIdx.x * 4] = 1 / x;
  out[threadIdx.x * 4 + 1] = x / 3;
  out[threadIdx.x * 4 + 2] = sqrt(x);
  out[threadIdx.x * 4 + 3] = fmod(x, 0.7);
}

int main() {
  const int n = 50;
  std::vector<double> a(n * n), b(n * n);
  for (double& x : a) x = static_cast<int>(random_bits() % 2001) - 1000;
  for (double& x : b) x = static_cast<int>(random_bits() % 2001) - 1000;
  Buffer<double> da(a), db(b), dc(n * n);
  dgemm<<<dim3(4, 4), dim3(kTile, kTile)>>>(da, db, dc, n);
  const std::vector<double> c = dc.get();
  for (int i = 0; i < n * n; i++) {
    double sum = 0;
    for (int k = 0; k < n; k++) sum += a[i / n * n + k] * b[k * n + i % n];
    EXPECT_EQ(c[i], sum);
  }

  // A sine decays by a known factor each step.
  const int points = 63, systems = 100;
  const double r = 0.8;
  std::vector<double> u(points * systems);
  for (int i = 0; i < points; i++)
    for (int s = 0; s < systems; s++)
      u[i * systems + s] = sin(M_PI * (s % 5 + 1) * (i + 1) / (points + 1));
  Buffer<double> du(u);
  for (int step = 0; step < 5; step++) heat<<<2, 64>>>(du, r, points, systems);
  const std::vector<double> v = du.get();
  for (int i = 0; i < points; i++)
    for (int s = 0; s < systems; s++) {
      const double half = sin(M_PI * (s % 5 + 1) / (2.0 * (points + 1)));
      const double factor = std::pow(1 / (1 + 4 * r * half * half), 5);
      EXPECT(std::fabs(v[i * systems + s] - factor * u[i * systems + s]) < 1e-12);
    }

  Buffer<double> q(64);
  quadrature<<<1, 64>>>(q);
  const std::vector<double> integral = q.get();
  for (int i = 0; i < 64; i++)
    EXPECT(std::fabs(integral[i] - std::sqrt(M_PI) / 2 * std::erf(i / 16.0)) < 1e-9);

  std::vector<double> terms = {1e16, 1, -1e16, 3.25, 1e-3};
  Buffer<double> dt(terms), sums(2);
  compensated<<<1, 1>>>(dt, sums, 5);
  EXPECT(std::fabs(sums.get()[0] - 4.251) < 1e-14);
  EXPECT(std::fabs(sums.get()[1] - 4.251) > 0.1);

  Buffer<double> out(128 * 4);
  scales<<<1, 128>>>(out);
  const std::vector<double> s = out.get();
  for (int i = 0; i < 126; i++) {
    const double x = std::ldexp(1.0 + i / 128.0, i * 16 - 1000);
    EXPECT_EQ(s[i * 4], 1 / x);
    EXPECT_EQ(s[i * 4 + 1], x / 3);
    EXPECT_EQ(s[i * 4 + 2], std::sqrt(x));
    EXPECT_EQ(s[i * 4 + 3], std::fmod(x, 0.7));
  }
  return result();
}
