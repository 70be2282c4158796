// OpenCL C kernels (modules/kernels.cl) through the module API, with grids that are no whole number
// of workgroups.
#include <hip/hip_ext.h>

#include <bit>
#include <string>

#include "check.h"

int main(int, char** argv) {
  hipModule_t module;
  HIP(hipModuleLoad(&module, (std::string(argv[0]) + ".co").c_str()));
  const auto get = [&](const char* name) {
    hipFunction_t f;
    HIP(hipModuleGetFunction(&f, module, name));
    return f;
  };
  // 100 by 7 work-items in workgroups of 32 by 4.
  const unsigned w = 100, h = 7, bw = 32, bh = 4;
  Buffer<unsigned> ids(w * h * 6);
  unsigned* p = ids;
  unsigned width = w;
  void* arguments[] = {&p, &width};
  HIP(hipExtModuleLaunchKernel(get("identity"), w, h, 1, bw, bh, 1, 0, nullptr, arguments, nullptr,
                               nullptr, nullptr, 0));
  const std::vector<unsigned> got = ids.get();
  for (unsigned y = 0; y < h; y++)
    for (unsigned x = 0; x < w; x++) {
      const unsigned* at = &got[(y * w + x) * 6];
      EXPECT_EQ(at[0], x % bw + 1000 * (y % bh));
      EXPECT_EQ(at[1], x / bw + 1000 * (y / bh));
      EXPECT_EQ(at[2], (x / bw == 3 ? 4 : bw) + 1000 * (y / bh == 1 ? 3 : bh));
      EXPECT_EQ(at[3], 4 + 1000 * 2u);
      EXPECT_EQ(at[4], w + 1000 * h);
      EXPECT_EQ(at[5], 2 + 10 * bw);
    }

  const int n = 300;
  std::vector<float4> v(n);
  for (int i = 0; i < n; i++) v[i] = {i + 0.5f, i + 1.5f, i + 2.5f, i + 3.5f};
  Buffer<float4> in(v), out(n);
  float4 *pi = in, *po = out, by{2, 3, 4, 5};
  unsigned count = n;
  void* scale[] = {&pi, &po, &by, &count};
  HIP(hipModuleLaunchKernel(get("scale"), 5, 1, 1, 64, 1, 1, 0, nullptr, scale, nullptr));
  const std::vector<float4> s = out.get();
  for (int i = 0; i < n; i++)
    EXPECT(s[i].x == (i + 3.5f) * 5 + 4 && s[i].y == (i + 2.5f) * 4 + 3 &&
           s[i].z == (i + 1.5f) * 3 + 2 && s[i].w == (i + 0.5f) * 2 + 1);

  std::vector<int> numbers(5000);
  int expected = 0;
  for (int& x : numbers) expected += x = static_cast<int>(random_bits() % 1000) - 500;
  Buffer<int> dn(numbers), sum(std::vector<int>{0});
  int *pn = dn, *ps = sum;
  count = 5000;
  unsigned scratch = 0;  // an offset into LDS that was asked for at the launch
  void* reduce[] = {&pn, &ps, &scratch, &count};
  HIP(hipExtModuleLaunchKernel(get("reduce"), 1000, 1, 1, 128, 1, 1, 128 * sizeof(int), nullptr,
                               reduce, nullptr, nullptr, nullptr, 0));
  EXPECT_EQ(sum.get()[0], expected);

  std::vector<double> d(64);
  for (int i = 0; i < 64; i++) d[i] = i * 0.37;
  Buffer<double> di(d), doubles(64 * 4);
  double *pd = di, *pe = doubles;
  void* math[] = {&pd, &pe};
  HIP(hipModuleLaunchKernel(get("math"), 1, 1, 1, 64, 1, 1, 0, nullptr, math, nullptr));
  const std::vector<double> m = doubles.get();
  const float weights[] = {0.5f, 0.25f, 0.125f, 0.125f};
  for (unsigned i = 0; i < 64; i++) {
    EXPECT_EQ(m[i * 4], std::sqrt(d[i]) * weights[i % 4]);
    EXPECT_EQ(m[i * 4 + 1], 0.0);
    EXPECT_EQ(m[i * 4 + 2], std::min(std::nearbyint(d[i] * 1e9), 2147483647.0));
    EXPECT_EQ(m[i * 4 + 3], std::popcount(i * 0x123456789abcull) + std::countl_zero(i) +
                                static_cast<unsigned>(uint64_t{i} * 0x80000001u >> 32));
  }
  // Empty grids and workgroups are refused.
  EXPECT_EQ(hipExtModuleLaunchKernel(get("math"), 0, 1, 1, 64, 1, 1, 0, nullptr, math, nullptr,
                                     nullptr, nullptr, 0),
            hipErrorInvalidConfiguration);
  EXPECT_EQ(hipExtModuleLaunchKernel(get("math"), 64, 1, 1, 0, 1, 1, 0, nullptr, math, nullptr,
                                     nullptr, nullptr, 0),
            hipErrorInvalidConfiguration);
  (void)hipGetLastError();
  Buffer<int> printed(64);
  int* q = printed;
  void* printing[] = {&q};
  HIP(hipModuleLaunchKernel(get("prints"), 1, 1, 1, 64, 1, 1, 0, nullptr, printing, nullptr));
  for (int v : printed.get()) EXPECT_EQ(v, -1);
  HIP(hipModuleUnload(module));
  return result();
}
