// A program may end while its kernel never does: the kernel is stopped, the exit code is its own.
#include "check.h"

__global__ void wait_for(volatile int* flag) {
  while (*flag == 0) {
  }
}

int main() {
  int* flag = nullptr;
  HIP(hipHostMalloc(reinterpret_cast<void**>(&flag), 4, 0));
  *flag = 0;
  wait_for<<<1, 64>>>(flag);
  EXPECT_EQ(hipStreamQuery(nullptr), hipErrorNotReady);
  return failures;
}
