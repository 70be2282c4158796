// What the HIP test programs share: each checks itself and ends with 0 or 1.
#pragma once

#include <hip/hip_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

inline int failures = 0;

#define HIP(call)                                                                        \
  do {                                                                                   \
    const hipError_t hip_result = (call);                                                \
    if (hip_result != hipSuccess) {                                                      \
      printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, hipGetErrorName(hip_result)); \
      exit(1);                                                                           \
    }                                                                                    \
  } while (0)
#define EXPECT(condition)                                            \
  do {                                                               \
    if (!(condition) && failures++ < 10)                             \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
  } while (0)
#define EXPECT_EQ(a, b)                                                                     \
  do {                                                                                      \
    const auto left = (a);                                                                  \
    const auto right = (b);                                                                 \
    if (!(left == right) && failures++ < 10)                                                \
      printf("%s:%d: %s is %.17g, %s is %.17g\n", __FILE__, __LINE__, #a, double(left), #b, \
             double(right));                                                                \
  } while (0)

template <typename T>
struct Buffer {
  T* data = nullptr;
  size_t count;
  explicit Buffer(size_t n) : count(n) {
    HIP(hipMalloc(reinterpret_cast<void**>(&data), n * sizeof(T)));
  }
  explicit Buffer(const std::vector<T>& v) : Buffer(v.size()) { set(v); }
  ~Buffer() { (void)hipFree(data); }
  void set(const std::vector<T>& v) {
    HIP(hipMemcpy(data, v.data(), v.size() * sizeof(T), hipMemcpyHostToDevice));
  }
  std::vector<T> get() const {
    std::vector<T> v(count);
    HIP(hipMemcpy(v.data(), data, count * sizeof(T), hipMemcpyDeviceToHost));
    return v;
  }
  operator T*() const { return data; }
};

// Small exact numbers, the same each time.
inline uint32_t random_bits() {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 16);
}

inline int result() {
  HIP(hipGetLastError());
  HIP(hipDeviceSynchronize());
  if (failures == 0) printf("ok\n");
  return failures != 0;
}
