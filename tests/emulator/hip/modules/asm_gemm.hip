// A hand-written kernel through the module API: modules/sgemm.s, assembled beside this program.
#include <string>

#include "check.h"

int main(int, char** argv) {
  hipModule_t module;
  hipFunction_t sgemm;
  HIP(hipModuleLoad(&module, (std::string(argv[0]) + ".co").c_str()));
  HIP(hipModuleGetFunction(&sgemm, module, "sgemm"));
  for (const auto& [m, n, k] : {std::array{64, 64, 8}, {128, 64, 40}, {192, 256, 96}}) {
    std::vector<float> a(k * m), b(k * n);
    for (float& x : a) x = static_cast<int>(random_bits() % 15) - 7;
    for (float& x : b) x = static_cast<int>(random_bits() % 15) - 7;
    Buffer<float> da(a), db(b), dc(std::vector<float>(m * n, -1));
    struct {
      float *a, *b, *c;
      int k, lda, ldb, ldc;
    } arguments{da, db, dc, k, m, n, n};
    size_t size = sizeof(arguments);
    void* extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, &arguments, HIP_LAUNCH_PARAM_BUFFER_SIZE,
                     &size, HIP_LAUNCH_PARAM_END};
    HIP(hipModuleLaunchKernel(sgemm, n / 64, m / 64, 1, 256, 1, 1, 0, nullptr, nullptr, extra));
    const std::vector<float> c = dc.get();
    for (int i = 0; i < m; i++)
      for (int j = 0; j < n; j++) {
        float sum = 0;
        for (int p = 0; p < k; p++) sum += a[p * m + i] * b[p * n + j];
        EXPECT_EQ(c[i * n + j], sum);
      }
  }
  HIP(hipModuleUnload(module));
  return result();
}
