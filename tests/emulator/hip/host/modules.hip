// The module interface: code objects and bundles from memory and files, both argument forms,
// globals, errors. The program is its own device code: argv[0] names it, and a second program of
// the build leaves the code object beside it.
#include <fstream>
#include <iterator>
#include <string>

#include "check.h"

#ifdef KERNELS
extern "C" __device__ int bias = 3;
struct Pair {
  char tag;
  double value;
};
extern "C" __global__ void scale(float* data, float factor, Pair pair, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] = data[i] * factor + static_cast<float>(pair.value) + bias + (pair.tag == 'x');
}
#else

int main(int argc, char** argv) {
  const std::string path = std::string(argv[0]) + ".co";
  std::ifstream file(path, std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), {}};
  EXPECT(image.size() > 64);
  hipModule_t modules[2];
  HIP(hipModuleLoad(&modules[0], path.c_str()));
  HIP(hipModuleLoadData(&modules[1], image.data()));
  for (hipModule_t module : modules) {
    hipFunction_t scale;
    HIP(hipModuleGetFunction(&scale, module, "scale"));
    hipFunction_t none;
    EXPECT_EQ(hipModuleGetFunction(&none, module, "missing"), hipErrorNotFound);
    hipDeviceptr_t bias;
    size_t size;
    HIP(hipModuleGetGlobal(&bias, &size, module, "bias"));
    EXPECT_EQ(size, 4u);
    int five = 5;
    HIP(hipMemcpyHtoD(bias, &five, 4));
    struct Pair {
      char tag;
      double value;
    } pair{'x', 100};
    const int n = 1000;
    std::vector<float> v(n, 2);
    Buffer<float> data(v);
    float* pointer = data;
    float factor = 10;
    int count = n;
    void* parameters[] = {&pointer, &factor, &pair, &count};
    HIP(hipModuleLaunchKernel(scale, 4, 1, 1, 256, 1, 1, 0, nullptr, parameters, nullptr));
    struct {
      float* data;
      float factor;
      Pair pair;
      int n;
    } packed{data, 2, pair, n};
    size_t bytes = sizeof(packed);
    void* extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, &packed, HIP_LAUNCH_PARAM_BUFFER_SIZE, &bytes,
                     HIP_LAUNCH_PARAM_END};
    HIP(hipModuleLaunchKernel(scale, 4, 1, 1, 256, 1, 1, 0, nullptr, nullptr, extra));
    for (const float x : data.get()) EXPECT_EQ(x, (20.0f + 106) * 2 + 106);
    int registers = 0;
    HIP(hipFuncGetAttribute(&registers, HIP_FUNC_ATTRIBUTE_NUM_REGS, scale));
    EXPECT(registers > 0);
    HIP(hipModuleUnload(module));
    EXPECT_EQ(hipModuleUnload(module), hipErrorInvalidHandle);
    EXPECT_EQ(hipModuleLaunchKernel(scale, 1, 1, 1, 64, 1, 1, 0, nullptr, parameters, nullptr),
              hipErrorInvalidHandle);
  }
  hipModule_t module;
  EXPECT_EQ(hipModuleLoad(&module, "/nonexistent"), hipErrorFileNotFound);
  EXPECT_EQ(hipModuleLoadData(&module, "not a code object, nor anything like one"),
            hipErrorInvalidImage);
  (void)hipGetLastError();
  return result();
}
#endif
