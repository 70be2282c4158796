// Stencils with halos in LDS: five points in two dimensions, seven in three by planes that move
// through registers, and the game of life on a torus.
#include "check.h"

constexpr int kTile = 16;

__global__ void five_point(const float* in, float* out, int w, int h) {
  __shared__ float s[kTile + 2][kTile + 2];
  const int x = blockIdx.x * kTile + threadIdx.x, y = blockIdx.y * kTile + threadIdx.y;
  const auto at = [&](int px, int py) {
    return px >= 0 && px < w && py >= 0 && py < h ? in[py * w + px] : 0.0f;
  };
  const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
  s[ty][tx] = at(x, y);
  if (threadIdx.x == 0) s[ty][0] = at(x - 1, y);
  if (threadIdx.x == kTile - 1) s[ty][kTile + 1] = at(x + 1, y);
  if (threadIdx.y == 0) s[0][tx] = at(x, y - 1);
  if (threadIdx.y == kTile - 1) s[kTile + 1][tx] = at(x, y + 1);
  __syncthreads();
  if (x < w && y < h)
    out[y * w + x] =
        0.5f * s[ty][tx] + 0.125f * (s[ty][tx - 1] + s[ty][tx + 1] + s[ty - 1][tx] + s[ty + 1][tx]);
}
__global__ void seven_point(const double* in, double* out, int n) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < 1 || y < 1 || x >= n - 1 || y >= n - 1) return;
  double below = in[y * n + x], here = in[(n + y) * n + x];
  for (int z = 1; z < n - 1; z++) {
    const double above = in[((z + 1) * n + y) * n + x];
    const double* plane = in + z * n * n;
    out[(z * n + y) * n + x] = below + above + plane[y * n + x - 1] + plane[y * n + x + 1] +
                               plane[(y - 1) * n + x] + plane[(y + 1) * n + x] - 6 * here;
    below = here;
    here = above;
  }
}
__global__ void life(const uint8_t* in, uint8_t* out, int w, int h) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= w || y >= h) return;
  int alive = 0;
  for (int dy = -1; dy <= 1; dy++)
    for (int dx = -1; dx <= 1; dx++)
      if (dx != 0 || dy != 0) alive += in[(y + dy + h) % h * w + (x + dx + w) % w];
  out[y * w + x] = alive == 3 || (alive == 2 && in[y * w + x]);
}

int main() {
  {
    const int w = 70, h = 45;
    std::vector<float> v(w * h);
    for (float& x : v) x = static_cast<float>(random_bits() % 1024);
    Buffer<float> a(v), b(w * h);
    std::vector<float> next(w * h);
    for (int step = 0; step < 3; step++) {
      five_point<<<dim3((w + kTile - 1) / kTile, (h + kTile - 1) / kTile), dim3(kTile, kTile)>>>(
          step % 2 ? b : a, step % 2 ? a : b, w, h);
      const auto at = [&](int x, int y) {
        return x >= 0 && x < w && y >= 0 && y < h ? v[y * w + x] : 0.0f;
      };
      for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
          next[y * w + x] = 0.5f * at(x, y) + 0.125f * (at(x - 1, y) + at(x + 1, y) + at(x, y - 1) +
                                                        at(x, y + 1));
      v = next;
    }
    EXPECT(b.get() == v);
  }
  {
    const int n = 20;
    std::vector<double> v(n * n * n);
    for (int i = 0; i < n * n * n; i++) {
      const int x = i % n, y = i / n % n, z = i / n / n;
      v[i] = x * x + 2.0 * y * y - 3.0 * z * z;  // its Laplacian is 2 + 4 - 6 everywhere
    }
    v[(7 * n + 8) * n + 9] += 1;
    Buffer<double> in(v), out(std::vector<double>(n * n * n, -1));
    seven_point<<<dim3(3, 5), dim3(8, 4)>>>(in, out, n);
    const std::vector<double> got = out.get();
    for (int i = 0; i < n * n * n; i++) {
      const int x = i % n, y = i / n % n, z = i / n / n;
      const bool inside = x > 0 && y > 0 && z > 0 && x < n - 1 && y < n - 1 && z < n - 1;
      const int away = std::abs(x - 9) + std::abs(y - 8) + std::abs(z - 7);
      EXPECT_EQ(got[i], !inside ? -1.0 : away == 0 ? -6.0 : away == 1 ? 1.0 : 0.0);
    }
  }
  {
    const int w = 40, h = 24;
    std::vector<uint8_t> glider(w * h);
    for (const int at : {1, w + 2, 2 * w, 2 * w + 1, 2 * w + 2}) glider[at] = 1;
    Buffer<uint8_t> a(glider), b(w * h);
    for (int step = 0; step < 40; step++)
      life<<<dim3(5, 6), dim3(8, 4)>>>(step % 2 ? b : a, step % 2 ? a : b, w, h);
    // Four generations move it by one in both directions.
    const std::vector<uint8_t> got = a.get();
    for (int y = 0; y < h; y++)
      for (int x = 0; x < w; x++)
        EXPECT_EQ(got[(y + 10) % h * w + (x + 10) % w], glider[y * w + x]);
  }
  return result();
}
