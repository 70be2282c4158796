// Escape times of the Mandelbrot set in f32 and f64: lanes leave their loops at different times.
#include "check.h"

template <typename T>
__host__ __device__ int escape(T cx, T cy, int limit) {
  T x = 0, y = 0;
  int n = 0;
  while (n < limit && x * x + y * y <= T(4)) {
    const T t = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = t;
    n++;
  }
  return n;
}
template <typename T>
__global__ void render(int* out, int w, int h, int limit) {
  const int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= w || py >= h) return;
  out[py * w + px] = escape(T(-2) + px * (T(3) / w), T(-1.125) + py * (T(2.25) / h), limit);
}
// Border tracing of a kind: a block is painted at once if its border is of one colour.
__global__ void count_inside(const int* image, int* inside, int n, int limit) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const uint64_t in = __ballot(i < n && image[i] == limit);
  if (threadIdx.x % 64 == 0) atomicAdd(inside, static_cast<int>(__popcll(in)));
}

template <typename T>
void check() {
  const int w = 96, h = 64, limit = 150;
  Buffer<int> out(w * h);
  render<T><<<dim3(w / 16, h / 8), dim3(16, 8)>>>(out, w, h, limit);
  const std::vector<int> got = out.get();
  int inside = 0;
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      const int expected = escape(T(-2) + x * (T(3) / w), T(-1.125) + y * (T(2.25) / h), limit);
      EXPECT_EQ(got[y * w + x], expected);
      inside += expected == limit;
    }
  Buffer<int> counted(std::vector<int>{0});
  count_inside<<<w * h / 256, 256>>>(out, counted, w * h, limit);
  EXPECT_EQ(counted.get()[0], inside);
  EXPECT(inside > 500 && inside < 2500);
}

int main() {
  check<float>();
  check<double>();
  return result();
}
