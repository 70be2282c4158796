// Monte Carlo: xorshift generators a lane, the area of the quarter circle, an option's price
// against the closed form, a random walk's spread.
#include "check.h"

struct Generator {
  uint32_t x, y, z, w;
  __host__ __device__ explicit Generator(uint32_t seed) {
    x = 123456789u ^ seed;
    y = 362436069u + seed * 2654435761u;
    z = 521288629u;
    w = 88675123u ^ (seed << 7);
    for (int i = 0; i < 8; i++) next();
  }
  __host__ __device__ uint32_t next() {
    const uint32_t t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    return w = w ^ (w >> 19) ^ t ^ (t >> 8);
  }
  // In (0, 1).
  __host__ __device__ float uniform() { return (static_cast<float>(next() >> 9) + 0.5f) / 8388608; }
};

__global__ void circle(unsigned* hits, int samples) {
  Generator g(blockIdx.x * blockDim.x + threadIdx.x);
  unsigned mine = 0;
  for (int s = 0; s < samples; s++) {
    const float x = g.uniform(), y = g.uniform();
    mine += x * x + y * y < 1;
  }
  for (int d = 32; d > 0; d /= 2) mine += __shfl_down(mine, d);
  if (threadIdx.x % 64 == 0) atomicAdd(hits, mine);
}
__global__ void option(double* sums, int samples, float spot, float strike, float rate, float sigma,
                       float years) {
  Generator g(7777 + blockIdx.x * blockDim.x + threadIdx.x);
  double sum = 0;
  for (int s = 0; s < samples; s++) {
    // Box and Muller: two normal numbers from two uniform ones.
    const float r = sqrtf(-2 * logf(g.uniform())), a = 6.2831853f * g.uniform();
    float normal[2];
    sincosf(a, &normal[0], &normal[1]);
    for (const float z : normal) {
      const float end = spot * expf((rate - 0.5f * sigma * sigma) * years +
                                    sigma * sqrtf(years) * r * z);
      sum += fmaxf(end - strike, 0.0f);
    }
  }
  sums[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
__global__ void states(uint32_t* out, int steps) {
  Generator g(threadIdx.x);
  for (int s = 0; s < steps; s++) g.next();
  out[threadIdx.x] = g.next();
}

int main() {
  Buffer<uint32_t> words(64);
  states<<<1, 64>>>(words, 100);
  const std::vector<uint32_t> w = words.get();
  for (uint32_t i = 0; i < 64; i++) {
    Generator g(i);
    for (int s = 0; s < 100; s++) g.next();
    EXPECT_EQ(w[i], g.next());
  }
  const int threads = 2048, samples = 200;
  Buffer<unsigned> hits(std::vector<unsigned>{0});
  circle<<<threads / 256, 256>>>(hits, samples);
  const double pi = 4.0 * hits.get()[0] / (double(threads) * samples);
  EXPECT(std::fabs(pi - M_PI) < 0.01);

  const double spot = 100, strike = 105, rate = 0.03, sigma = 0.2, years = 1.5;
  Buffer<double> sums(threads);
  option<<<threads / 256, 256>>>(sums, 60, spot, strike, rate, sigma, years);
  double total = 0;
  for (const double s : sums.get()) total += s;
  const double price = exp(-rate * years) * total / (threads * 120.0);
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const double d1 = (std::log(spot / strike) + (rate + sigma * sigma / 2) * years) /
                    (sigma * std::sqrt(years)),
               d2 = d1 - sigma * std::sqrt(years);
  const double exact = spot * normal(d1) - strike * exp(-rate * years) * normal(d2);
  EXPECT(std::fabs(price - exact) < 0.25);
  return result();
}
