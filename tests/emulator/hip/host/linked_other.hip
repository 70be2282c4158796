// What linked.hip calls.
#include <hip/hip_runtime.h>

__device__ int shared_value = 7;
__device__ int helper(int x) {
  return x * 3;
}
