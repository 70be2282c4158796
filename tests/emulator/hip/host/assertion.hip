// assert in a kernel: a message of its own on stderr, the kernel stops, the next call that waits says
// so, and the program goes on.
#undef NDEBUG
#include <cassert>

#include "check.h"

__global__ void positive(const int* in, int* out) {
  const int v = in[threadIdx.x];
  assert(v > 0 && "only positive numbers");
  out[threadIdx.x] = v * 2;
}

int main() {
  std::vector<int> v(64);
  for (int i = 0; i < 64; i++) v[i] = i + 1;
  Buffer<int> in(v), out(64);
  positive<<<1, 64>>>(in, out);
  EXPECT_EQ(hipDeviceSynchronize(), hipSuccess);
  v[40] = -3;
  in.set(v);
  positive<<<1, 64>>>(in, out);
  EXPECT_EQ(hipDeviceSynchronize(), hipErrorLaunchFailure);
  (void)hipGetLastError();
  v[40] = 3;
  in.set(v);
  positive<<<1, 64>>>(in, out);
  EXPECT_EQ(out.get()[40], 6);
  return result();
}
