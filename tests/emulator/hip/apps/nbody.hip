// Bodies that attract one another, tiles of them in LDS, leapfrog steps; energy and momentum hold.
#include "check.h"

constexpr int kTile = 64;
constexpr float kSoft = 0.05f;

__global__ void accelerate(const float4* bodies, float3* acceleration, int n) {
  __shared__ float4 tile[kTile];
  const int i = blockIdx.x * kTile + threadIdx.x;
  const float4 me = i < n ? bodies[i] : float4{0, 0, 0, 0};
  float3 a{0, 0, 0};
  for (int base = 0; base < n; base += kTile) {
    tile[threadIdx.x] = base + static_cast<int>(threadIdx.x) < n ? bodies[base + threadIdx.x]
                                                                : float4{0, 0, 0, 0};
    __syncthreads();
#pragma unroll 4
    for (int k = 0; k < kTile; k++) {
      const float4 o = tile[k];
      const float dx = o.x - me.x, dy = o.y - me.y, dz = o.z - me.z;
      const float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + kSoft * kSoft);
      const float s = o.w * inverse * inverse * inverse;
      a.x += dx * s;
      a.y += dy * s;
      a.z += dz * s;
    }
    __syncthreads();
  }
  if (i < n) acceleration[i] = a;
}
__global__ void move(float4* bodies, float3* velocities, const float3* acceleration, float dt,
                     float kick, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  velocities[i].x += kick * acceleration[i].x;
  velocities[i].y += kick * acceleration[i].y;
  velocities[i].z += kick * acceleration[i].z;
  bodies[i].x += dt * velocities[i].x;
  bodies[i].y += dt * velocities[i].y;
  bodies[i].z += dt * velocities[i].z;
}

double energy(const std::vector<float4>& b, const std::vector<float3>& v) {
  double e = 0;
  for (size_t i = 0; i < b.size(); i++) {
    e += 0.5 * b[i].w * (double(v[i].x) * v[i].x + double(v[i].y) * v[i].y + double(v[i].z) * v[i].z);
    for (size_t j = 0; j < i; j++)
      e -= b[i].w * b[j].w /
           std::sqrt(std::pow(b[i].x - b[j].x, 2) + std::pow(b[i].y - b[j].y, 2) +
                     std::pow(b[i].z - b[j].z, 2) + double(kSoft) * kSoft);
  }
  return e;
}

int main() {
  const int n = 200;
  const auto uniform = [] { return static_cast<float>(random_bits() % 20001) / 10000 - 1; };
  std::vector<float4> b(n);
  std::vector<float3> v(n);
  for (int i = 0; i < n; i++) {
    b[i] = {uniform(), uniform(), uniform(), 1.0f / n};
    v[i] = {uniform() / 4, uniform() / 4, uniform() / 4};
  }
  const double before = energy(b, v);
  double momentum[3] = {};
  for (int i = 0; i < n; i++) {
    momentum[0] += b[i].w * v[i].x;
    momentum[1] += b[i].w * v[i].y;
    momentum[2] += b[i].w * v[i].z;
  }
  Buffer<float4> bodies(b);
  Buffer<float3> velocities(v), acceleration(n);
  const int blocks = (n + kTile - 1) / kTile;
  const float dt = 0.01f;
  const int steps = 20;
  for (int s = 0; s < steps; s++) {
    accelerate<<<blocks, kTile>>>(bodies, acceleration, n);
    if (s == 0) {
      const std::vector<float3> a = acceleration.get();
      for (int i = 0; i < n; i += 13) {
        double x = 0;
        for (int j = 0; j < n; j++) {
          const double dx = b[j].x - b[i].x, dy = b[j].y - b[i].y, dz = b[j].z - b[i].z;
          x += b[j].w * dx * std::pow(dx * dx + dy * dy + dz * dz + double(kSoft) * kSoft, -1.5);
        }
        EXPECT(std::fabs(a[i].x - x) < 1e-4 * (1 + std::fabs(x)));
      }
    }
    // Half a kick first, so that velocities stand between the positions.
    move<<<blocks, kTile>>>(bodies, velocities, acceleration, dt, s == 0 ? dt / 2 : dt, n);
  }
  accelerate<<<blocks, kTile>>>(bodies, acceleration, n);
  move<<<blocks, kTile>>>(bodies, velocities, acceleration, 0, dt / 2, n);
  const std::vector<float4> eb = bodies.get();
  const std::vector<float3> ev = velocities.get();
  EXPECT(std::fabs(energy(eb, ev) / before - 1) < 2e-3);
  double after[3] = {};
  for (int i = 0; i < n; i++) {
    after[0] += eb[i].w * ev[i].x;
    after[1] += eb[i].w * ev[i].y;
    after[2] += eb[i].w * ev[i].z;
  }
  for (int d = 0; d < 3; d++) EXPECT(std::fabs(after[d] - momentum[d]) < 1e-5);
  return result();
}
