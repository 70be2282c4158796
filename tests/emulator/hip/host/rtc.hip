// hiprtc: compile, load, launch; templates by name expression, headers, errors with their log.
#include <hip/hiprtc.h>

#include <string>

#include "check.h"

#define RTC(call)                                                                       \
  do {                                                                                  \
    const hiprtcResult rtc_result = (call);                                             \
    if (rtc_result != HIPRTC_SUCCESS) {                                                 \
      printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, hiprtcGetErrorString(rtc_result)); \
      exit(1);                                                                          \
    }                                                                                   \
  } while (0)

const char kSource[] = R"(
#include "factor.h"
__device__ int bias = 4;
extern "C" __global__ void plain(float* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] = data[i] * FACTOR + bias + EXTRA;
}
template <typename T, int N>
__global__ void power(T* data) {
  T r = 1;
  for (int k = 0; k < N; k++) r *= data[threadIdx.x];
  data[threadIdx.x] = r;
}
)";

std::string log_of(hiprtcProgram program) {
  size_t size = 0;
  RTC(hiprtcGetProgramLogSize(program, &size));
  std::string log(size, '\0');
  if (size != 0) RTC(hiprtcGetProgramLog(program, log.data()));
  return log;
}

int main() {
  hiprtcProgram program;
  const char* header = "#define FACTOR 3\n";
  const char* header_name = "factor.h";
  RTC(hiprtcCreateProgram(&program, kSource, "mine.cu", 1, &header, &header_name));
  RTC(hiprtcAddNameExpression(program, "power<double, 3>"));
  RTC(hiprtcAddNameExpression(program, "&bias"));
  const char* options[] = {"-DEXTRA=2", "-O2"};
  const char* name = nullptr;
  EXPECT_EQ(hiprtcGetLoweredName(program, "&bias", &name),
            HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION);
  if (hiprtcCompileProgram(program, 2, options) != HIPRTC_SUCCESS) {
    printf("%s\n", log_of(program).c_str());
    return 1;
  }
  EXPECT_EQ(hiprtcAddNameExpression(program, "plain"),
            HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION);
  size_t size = 0;
  RTC(hiprtcGetCodeSize(program, &size));
  std::vector<char> code(size);
  RTC(hiprtcGetCode(program, code.data()));
  hipModule_t module;
  HIP(hipModuleLoadData(&module, code.data()));

  std::vector<float> v(100, 5);
  Buffer<float> data(v);
  float* pointer = data;
  int n = 100;
  void* arguments[] = {&pointer, &n};
  hipFunction_t f;
  HIP(hipModuleGetFunction(&f, module, "plain"));
  HIP(hipModuleLaunchKernel(f, 2, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr));
  for (const float x : data.get()) EXPECT_EQ(x, 21.0f);

  RTC(hiprtcGetLoweredName(program, "&bias", &name));
  hipDeviceptr_t bias;
  HIP(hipModuleGetGlobal(&bias, &size, module, name));
  EXPECT_EQ(size, sizeof(int));
  RTC(hiprtcGetLoweredName(program, "power<double, 3>", &name));
  HIP(hipModuleGetFunction(&f, module, name));
  std::vector<double> d(64);
  for (int i = 0; i < 64; i++) d[i] = i;
  Buffer<double> doubles(d);
  double* q = doubles;
  void* more[] = {&q};
  HIP(hipModuleLaunchKernel(f, 1, 1, 1, 64, 1, 1, 0, nullptr, more, nullptr));
  d = doubles.get();
  for (int i = 0; i < 64; i++) EXPECT_EQ(d[i], double(i) * i * i);
  HIP(hipModuleUnload(module));
  RTC(hiprtcDestroyProgram(&program));

  RTC(hiprtcCreateProgram(&program, "__global__ void k() { undeclared(); }", "wrong.cu", 0, nullptr,
                          nullptr));
  EXPECT_EQ(hiprtcCompileProgram(program, 0, nullptr), HIPRTC_ERROR_COMPILATION);
  const std::string log = log_of(program);
  EXPECT(log.find("undeclared") != std::string::npos);
  EXPECT(log.find("wrong.cu:1") != std::string::npos);
  EXPECT_EQ(hiprtcGetCodeSize(program, &size), HIPRTC_ERROR_INVALID_PROGRAM);
  RTC(hiprtcDestroyProgram(&program));
  EXPECT_EQ(hiprtcCompileProgram(program, 0, nullptr), HIPRTC_ERROR_INVALID_PROGRAM);
  return result();
}
