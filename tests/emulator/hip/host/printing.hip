// printf from device code: its own output is read back and compared.
#include <unistd.h>

#include <string>

#include "check.h"

__global__ void print(const char* name) {
  const int t = threadIdx.x;
  printf("lane %d of %s: %.3f %5u|%-4d|%llx %c %%\n", t, "a wavefront", t * 0.5, 7u, -3,
         0x123456789abcdefull, 'x');
  if (t == 1) printf("no arguments\n");
}

int main() {
  char path[] = "/tmp/inlay_printf_XXXXXX";
  const int file = mkstemp(path), saved = dup(1);
  fflush(stdout);
  dup2(file, 1);
  print<<<1, 2>>>(nullptr);
  HIP(hipDeviceSynchronize());
  fflush(stdout);
  dup2(saved, 1);
  char text[4096] = {};
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  unlink(path);
  EXPECT(size > 0);
  EXPECT_EQ(std::string(text) ==
                "lane 0 of a wavefront: 0.000     7|-3  |123456789abcdef x %\n"
                "lane 1 of a wavefront: 0.500     7|-3  |123456789abcdef x %\n"
                "no arguments\n",
            true);
  if (failures) printf("%s", text);
  return result();
}
