// Streams, events, partial wavefronts, both kinds of launch.
#include "check.h"

__global__ void add(const float* a, const float* b, float* c, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

int main() {
  for (const int n : {1, 63, 64, 65, 1000, 100003}) {
    std::vector<float> a(n), b(n);
    for (int i = 0; i < n; i++) a[i] = i * 0.5f, b[i] = 3.0f * i;
    Buffer<float> da(a), db(b), dc(n);
    hipStream_t stream;
    hipEvent_t start, stop;
    HIP(hipStreamCreate(&stream));
    HIP(hipEventCreate(&start));
    HIP(hipEventCreate(&stop));
    HIP(hipEventRecord(start, stream));
    add<<<(n + 255) / 256, 256, 0, stream>>>(da, db, dc, n);
    HIP(hipEventRecord(stop, stream));
    HIP(hipEventSynchronize(stop));
    float milliseconds = -1;
    HIP(hipEventElapsedTime(&milliseconds, start, stop));
    EXPECT(milliseconds >= 0);
    const std::vector<float> c = dc.get();
    for (int i = 0; i < n; i++) EXPECT_EQ(c[i], a[i] + b[i]);
    hipLaunchKernelGGL(add, dim3((n + 99) / 100), dim3(100), 0, stream, da, da, dc, n);
    const std::vector<float> d = dc.get();
    for (int i = 0; i < n; i++) EXPECT_EQ(d[i], 2 * a[i]);
    HIP(hipStreamDestroy(stream));
    HIP(hipEventDestroy(start));
    HIP(hipEventDestroy(stop));
  }
  return result();
}
