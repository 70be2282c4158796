// Hand-written kernels of the field's kinds through the module API: modules/pipelines.s.
#include <hip/hip_fp16.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "check.h"

namespace {

hipModule_t module;

void launch(const char* name, int groups, int items, void* a, void* b, void* c, unsigned n) {
  hipFunction_t f;
  HIP(hipModuleGetFunction(&f, module, name));
  struct {
    void *a, *b, *c;
    unsigned n;
  } arguments{a, b, c, n};
  size_t size = sizeof(arguments);
  void* extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, &arguments, HIP_LAUNCH_PARAM_BUFFER_SIZE, &size,
                   HIP_LAUNCH_PARAM_END};
  HIP(hipModuleLaunchKernel(f, groups, 1, 1, items, 1, 1, 0, nullptr, nullptr, extra));
  HIP(hipDeviceSynchronize());
}

void lds_pipeline() {
  const int n = 512 * 7;
  std::vector<float> a(n);
  for (float& x : a) x = static_cast<int>(random_bits() % 2000) - 1000;
  Buffer<float> da(a), dc(std::vector<float>(n, -1));
  launch("lds_pipeline", 1, 256, da, da, dc, n);
  const std::vector<float> c = dc.get();
  for (int tile = 0; tile < 7; tile++)
    for (int i = 0; i < 256; i++)
      EXPECT_EQ(c[256 * tile + i], a[512 * tile + (i ^ 63)] + 3 * a[512 * tile + (i ^ 63) + 256]);
  EXPECT_EQ(c[256 * 7], -1.0f);
}

void mixed() {
  const int steps = 24, n = 64 * steps;
  std::vector<__half2> a(n), b(n);
  const auto small = [] { return static_cast<float>(static_cast<int>(random_bits() % 9) - 4); };
  for (auto* v : {&a, &b})
    for (__half2& x : *v) {
      const float first = small();
      x = __floats2half2_rn(first, small());
    }
  Buffer<__half2> da(a), db(b);
  Buffer<uint32_t> dc(std::vector<uint32_t>(n, 0));
  launch("mixed", 1, 64, da, db, dc, n);
  const std::vector<uint32_t> c = dc.get();
  for (int i = 0; i < 64; i++) {
    float sum = 0;
    for (int k = 0; k < steps; k++)
      sum += __low2float(a[64 * k + i]) * __low2float(b[k]) +
             __high2float(a[64 * k + i]) * __high2float(b[k]);
    float got;
    memcpy(&got, &c[i], 4);
    EXPECT_EQ(got, sum);
    __half2 packed;
    memcpy(&packed, &c[64 + i], 4);
    EXPECT_EQ(__low2float(packed), sum);
    EXPECT_EQ(__high2float(packed), sum);
  }
}

void subroutines() {
  Buffer<uint32_t> b(std::vector<uint32_t>{11}), c(std::vector<uint32_t>(71));
  launch("subroutines", 1, 64, b, b, c, 71);
  const std::vector<uint32_t> got = c.get();
  for (uint32_t i = 0; i < 64; i++) EXPECT_EQ(got[i], 5040 + 11 * i);
}

void tickets() {
  const uint32_t groups = 3, items = 192, n = 256;
  const std::vector<uint32_t> zeros(n);
  Buffer<uint32_t> a(zeros), c(zeros);
  launch("tickets", 1, items, a, a, c, n);
  std::vector<uint32_t> order = a.get();
  order.resize(items);
  std::sort(order.begin(), order.end());
  for (uint32_t i = 0; i < items; i++) EXPECT_EQ(order[i], i);
  const std::vector<uint32_t> got = c.get();
  EXPECT_EQ(got[16], items % 100);
  float sum;
  memcpy(&sum, &got[17], 4);
  EXPECT_EQ(sum, items * (items - 1) / 2.0f);
  EXPECT_EQ(got[18], items - 1);
  EXPECT_EQ(got[19], ~0u);
  EXPECT_EQ(got[20], items);
  // Several workgroups at once: the tickets are still all different.
  c.set(zeros);
  launch("tickets", groups, items, a, a, c, n);
  EXPECT_EQ(c.get()[20], groups * items);
}

void bytes() {
  const int n = 64;
  std::vector<int8_t> a(4 * n);
  for (int8_t& x : a) x = static_cast<int8_t>(random_bits());
  const int8_t taps[4] = {3, -7, 100, 0};
  Buffer<int8_t> da(a), db(std::vector<int8_t>(taps, taps + 4));
  Buffer<int16_t> dc(std::vector<int16_t>(2 * n));
  launch("bytes", 1, 64, da, db, dc, n);
  const std::vector<int16_t> c = dc.get();
  for (int i = 0; i < 64; i++) {
    const int before = i % 16 ? a[8 + i - 1] : 0, behind = i % 16 != 15 ? a[8 + i + 1] : 0;
    const int sum = before * taps[0] + a[8 + i] * taps[1] + behind * taps[2];
    EXPECT_EQ(c[2 * i], static_cast<int16_t>(sum));
    EXPECT_EQ(c[2 * i + 1], static_cast<int16_t>(sum + i));
  }
}

}  // namespace

int main(int, char** argv) {
  HIP(hipModuleLoad(&module, (std::string(argv[0]) + ".co").c_str()));
  lds_pipeline();
  mixed();
  subroutines();
  tickets();
  bytes();
  HIP(hipModuleUnload(module));
  return result();
}
