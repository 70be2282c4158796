// Device globals, constants, managed variables, symbols, dynamic LDS, occupancy and attributes.
#include "check.h"

__device__ int counter = 5;
__device__ float table[256];
__constant__ float weights[4] = {1, 2, 3, 4};
__managed__ int shared_with_host = 7;

__global__ void use(float* out) {
  const int t = threadIdx.x;
  out[t] = table[t] * weights[t % 4];
  atomicAdd(&counter, 1);
  if (t == 0) shared_with_host += 1;
}
__global__ void __launch_bounds__(128) dynamic(const int* in, int* out) {
  extern __shared__ int s[];
  s[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}

int main() {
  std::vector<float> t(256);
  for (int i = 0; i < 256; i++) t[i] = i;
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data(), sizeof(float) * 256));
  const float w[2] = {10, 20};
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(weights), w, sizeof(w), sizeof(float)));
  EXPECT_EQ(shared_with_host, 7);
  Buffer<float> out(256);
  use<<<1, 256>>>(out);
  HIP(hipDeviceSynchronize());
  EXPECT_EQ(shared_with_host, 8);
  const std::vector<float> o = out.get();
  const float now[4] = {1, 10, 20, 4};
  for (int i = 0; i < 256; i++) EXPECT_EQ(o[i], i * now[i % 4]);
  int count = 0;
  HIP(hipMemcpyFromSymbol(&count, HIP_SYMBOL(counter), sizeof(count)));
  EXPECT_EQ(count, 261);
  void* address = nullptr;
  size_t size = 0;
  HIP(hipGetSymbolAddress(&address, HIP_SYMBOL(table)));
  HIP(hipGetSymbolSize(&size, HIP_SYMBOL(table)));
  EXPECT_EQ(size, 1024u);
  float five = 0;
  HIP(hipMemcpy(&five, static_cast<float*>(address) + 5, sizeof(five), hipMemcpyDeviceToHost));
  EXPECT_EQ(five, 5.0f);
  EXPECT_EQ(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data(), 1025), hipErrorInvalidValue);
  (void)hipGetLastError();

  std::vector<int> v(128);
  for (int i = 0; i < 128; i++) v[i] = i * i;
  Buffer<int> in(v), reversed(128);
  dynamic<<<1, 128, 128 * sizeof(int)>>>(in, reversed);
  const std::vector<int> r = reversed.get();
  for (int i = 0; i < 128; i++) EXPECT_EQ(r[i], v[127 - i]);

  hipFuncAttributes attributes;
  HIP(hipFuncGetAttributes(&attributes, reinterpret_cast<const void*>(dynamic)));
  EXPECT_EQ(attributes.maxThreadsPerBlock, 128);
  EXPECT(attributes.numRegs > 0);
  int blocks = 0, grid = 0, block = 0;
  HIP(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, dynamic, 128, 16384));
  EXPECT_EQ(blocks, 4);  // by LDS
  HIP(hipOccupancyMaxPotentialBlockSize(&grid, &block, dynamic, 0, 0));
  EXPECT(block % 64 == 0 && block <= 128 && grid > 0);
  dynamic<<<1, 256, 1024>>>(in, reversed);
  EXPECT(hipGetLastError() != hipSuccess);  // more work-items than its bounds
  hipDeviceProp_t p;
  HIP(hipGetDeviceProperties(&p, 0));
  EXPECT_EQ(p.warpSize, 64);
  EXPECT(strncmp(p.gcnArchName, "gfx90", 5) == 0);
  int units = 0;
  HIP(hipDeviceGetAttribute(&units, hipDeviceAttributeMultiprocessorCount, 0));
  EXPECT_EQ(units, p.multiProcessorCount);
  return result();
}
