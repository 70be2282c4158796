// Managed memory and variables: host and device write it in turn, no copies between.
#include "check.h"

__managed__ int counter = 5;
__managed__ float weights[8] = {1, 2, 3, 4, 5, 6, 7, 8};

struct Particle {
  float position[3];
  int steps;
};

__global__ void work(float* out) {
  atomicAdd(&counter, 1);
  out[threadIdx.x] = weights[threadIdx.x % 8] * 10;
}
__global__ void advance(Particle* p, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  for (float& x : p[i].position) x += 0.5f;
  p[i].steps++;
}

int main() {
  EXPECT_EQ(counter, 5);
  weights[3] = 40;
  float* out = nullptr;
  HIP(hipMallocManaged(&out, 64 * sizeof(float)));
  work<<<1, 64>>>(out);
  HIP(hipDeviceSynchronize());
  EXPECT_EQ(counter, 69);
  for (int i = 0; i < 64; i++) EXPECT_EQ(out[i], (i % 8 == 3 ? 40.0f : i % 8 + 1.0f) * 10);
  hipPointerAttribute_t attributes;
  HIP(hipPointerGetAttributes(&attributes, out));
  EXPECT(attributes.isManaged);
  HIP(hipFree(out));

  const int n = 300;
  Particle* particles = nullptr;
  HIP(hipMallocManaged(&particles, n * sizeof(Particle)));
  for (int i = 0; i < n; i++) particles[i] = {{float(i), float(2 * i), float(3 * i)}, 0};
  HIP(hipMemAdvise(particles, n * sizeof(Particle), hipMemAdviseSetPreferredLocation, 0));
  HIP(hipMemPrefetchAsync(particles, n * sizeof(Particle), 0, nullptr));
  for (int step = 0; step < 4; step++) {
    advance<<<3, 128>>>(particles, n);
    HIP(hipDeviceSynchronize());
    for (int i = 0; i < n; i++) particles[i].position[0] += 1;  // the host's turn
  }
  for (int i = 0; i < n; i++) {
    EXPECT_EQ(particles[i].position[0], i + 6.0f);
    EXPECT_EQ(particles[i].position[2], 3 * i + 2.0f);
    EXPECT_EQ(particles[i].steps, 4);
  }
  HIP(hipFree(particles));
  // Memory of the host's own, made known.
  std::vector<int> own(100, 3);
  HIP(hipHostRegister(own.data(), own.size() * sizeof(int), hipHostRegisterDefault));
  int* device = nullptr;
  HIP(hipHostGetDevicePointer(reinterpret_cast<void**>(&device), own.data(), 0));
  advance<<<1, 64>>>(reinterpret_cast<Particle*>(device), 25);
  HIP(hipDeviceSynchronize());
  for (int i = 3; i < 100; i += 4) EXPECT_EQ(own[i], 4);
  HIP(hipHostUnregister(own.data()));
  advance<<<1, 64>>>(reinterpret_cast<Particle*>(own.data()), 25);
  EXPECT_EQ(hipDeviceSynchronize(), hipErrorIllegalAddress);
  (void)hipGetLastError();
  return result();
}
