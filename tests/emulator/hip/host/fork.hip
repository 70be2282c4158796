// A program that forks while its kernel runs: the child, which has none of the emulator's threads,
// ends as it likes, and the parent goes on.
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

__global__ void wait_for(volatile int* flag, int* out) {
  while (*flag == 0) {
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = *flag;
}

int main() {
  int* flag = nullptr;
  HIP(hipHostMalloc(reinterpret_cast<void**>(&flag), 4, 0));
  Buffer<int> out(64 * 8);
  for (int round = 1; round <= 2; round++) {
    *flag = 0;
    wait_for<<<8, 64>>>(flag, out.data);
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);    // ends it with a signal, should it hang
      exit(round);  // through destructors, the emulator's among them
    }
    EXPECT(child > 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), round);
    *flag = round;
    HIP(hipDeviceSynchronize());
    for (int v : out.get()) EXPECT_EQ(v, round);
  }
  return failures;
}
