// Dense solvers in f64: LU with pivots and Cholesky, each in one workgroup; the solution checked by
// the residual. And determinants of many 4x4 matrices, one a lane.
#include "check.h"

constexpr int kN = 48;

__global__ void lu_solve(double* a, double* b, int* pivots) {
  __shared__ double best[64];
  __shared__ int where[64];
  const int t = threadIdx.x;
  for (int k = 0; k < kN; k++) {
    best[t] = t >= k && t < kN ? fabs(a[t * kN + k]) : -1;
    where[t] = t;
    for (int w = 32; w > 0; w /= 2) {
      __syncthreads();
      if (t < w && best[t + w] > best[t]) best[t] = best[t + w], where[t] = where[t + w];
    }
    __syncthreads();
    const int p = where[0];
    if (t == 0) pivots[k] = p;
    if (p != k) {
      if (t < kN) {
        const double x = a[k * kN + t];
        a[k * kN + t] = a[p * kN + t];
        a[p * kN + t] = x;
      }
      if (t == kN) {
        const double x = b[k];
        b[k] = b[p];
        b[p] = x;
      }
    }
    __syncthreads();
    if (t > k && t < kN) {
      const double f = a[t * kN + k] / a[k * kN + k];
      a[t * kN + k] = f;
      for (int j = k + 1; j < kN; j++) a[t * kN + j] -= f * a[k * kN + j];
      b[t] -= f * b[k];
    }
    __syncthreads();
  }
  for (int k = kN - 1; k >= 0; k--) {
    if (t == 0) b[k] /= a[k * kN + k];
    __syncthreads();
    if (t < k) b[t] -= a[t * kN + k] * b[k];
    __syncthreads();
  }
}
__global__ void cholesky(double* a) {
  const int t = threadIdx.x;
  for (int k = 0; k < kN; k++) {
    if (t == k) a[k * kN + k] = sqrt(a[k * kN + k]);
    __syncthreads();
    if (t > k && t < kN) a[t * kN + k] /= a[k * kN + k];
    __syncthreads();
    if (t > k && t < kN)
      for (int j = k + 1; j <= t; j++) a[t * kN + j] -= a[t * kN + k] * a[j * kN + k];
    __syncthreads();
  }
}
__global__ void determinants(const float* m, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float a[4][4], det = 1;
  for (int k = 0; k < 16; k++) a[k / 4][k % 4] = m[i * 16 + k];
  for (int k = 0; k < 4; k++) {
    int p = k;
    for (int r = k + 1; r < 4; r++)
      if (fabsf(a[r][k]) > fabsf(a[p][k])) p = r;
    if (a[p][k] == 0) {
      det = 0;
      break;
    }
    if (p != k) {
      for (int c = 0; c < 4; c++) {
        const float x = a[k][c];
        a[k][c] = a[p][c];
        a[p][c] = x;
      }
      det = -det;
    }
    det *= a[k][k];
    for (int r = k + 1; r < 4; r++) {
      const float f = a[r][k] / a[k][k];
      for (int c = k; c < 4; c++) a[r][c] -= f * a[k][c];
    }
  }
  out[i] = det;
}

int main() {
  std::vector<double> a(kN * kN), x(kN), b(kN);
  for (double& v : a) v = static_cast<int>(random_bits() % 2001) - 1000;
  for (double& v : x) v = static_cast<int>(random_bits() % 21) - 10;
  a[0] = 0;  // the first pivot must move
  for (int r = 0; r < kN; r++)
    for (int c = 0; c < kN; c++) b[r] += a[r * kN + c] * x[c];
  Buffer<double> da(a), db(b);
  Buffer<int> pivots(kN);
  lu_solve<<<1, 64>>>(da, db, pivots);
  const std::vector<double> got = db.get();
  for (int k = 0; k < kN; k++) EXPECT(std::fabs(got[k] - x[k]) < 1e-8);
  EXPECT(pivots.get()[0] != 0);

  std::vector<double> l(kN * kN), spd(kN * kN);
  for (int r = 0; r < kN; r++)
    for (int c = 0; c <= r; c++)
      l[r * kN + c] = c == r ? 20 + static_cast<int>(random_bits() % 5) : static_cast<int>(random_bits() % 7) - 3;
  for (int r = 0; r < kN; r++)
    for (int c = 0; c < kN; c++)
      for (int k = 0; k < kN; k++) spd[r * kN + c] += l[r * kN + k] * l[c * kN + k];
  Buffer<double> ds(spd);
  cholesky<<<1, 64>>>(ds);
  const std::vector<double> factor = ds.get();
  for (int r = 0; r < kN; r++)
    for (int c = 0; c <= r; c++) {
      double sum = -spd[r * kN + c];
      for (int k = 0; k <= c; k++) sum += factor[r * kN + k] * factor[c * kN + k];
      EXPECT(std::fabs(sum) < 1e-10 * spd[r * kN + r] + 1e-10);
    }

  const int n = 300;
  std::vector<float> m(n * 16);
  for (float& v : m) v = static_cast<int>(random_bits() % 9) - 4;
  Buffer<float> dm(m), dd(n);
  determinants<<<(n + 63) / 64, 64>>>(dm, dd, n);
  const std::vector<float> dets = dd.get();
  for (int i = 0; i < n; i++) {
    // By Leibniz: the sum over permutations.
    double exact = 0;
    for (int p0 = 0; p0 < 4; p0++)
      for (int p1 = 0; p1 < 4; p1++)
        for (int p2 = 0; p2 < 4; p2++) {
          const int p3 = 6 - p0 - p1 - p2;
          if (p0 == p1 || p0 == p2 || p1 == p2 || p3 == p0 || p3 == p1 || p3 == p2) continue;
          const int p[4] = {p0, p1, p2, p3};
          int inversions = 0;
          for (int u = 0; u < 4; u++)
            for (int v = u + 1; v < 4; v++) inversions += p[u] > p[v];
          double term = inversions % 2 ? -1 : 1;
          for (int r = 0; r < 4; r++) term *= m[i * 16 + r * 4 + p[r]];
          exact += term;
        }
    EXPECT(std::fabs(dets[i] - exact) < 1e-2);
  }
  return result();
}
