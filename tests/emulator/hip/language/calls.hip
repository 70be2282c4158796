// Calls that are not inlined: virtual functions, tables of function pointers, recursion with a stack
// in scratch, switches that jump, and arrays that are indexed by what is loaded.
#include "check.h"

struct Shape {
  __device__ virtual float area() const = 0;
  __device__ virtual float scaled(float by) const { return area() * by * by; }
};
struct Square : Shape {
  float side;
  __device__ explicit Square(float s) : side(s) {}
  __device__ float area() const override { return side * side; }
};
struct Circle : Shape {
  float radius;
  __device__ explicit Circle(float r) : radius(r) {}
  __device__ float area() const override { return 3 * radius * radius; }
  __device__ float scaled(float by) const override { return area() * by * by + 1; }
};

__global__ void shapes(float* out) {
  const Square s(static_cast<float>(threadIdx.x));
  const Circle c(static_cast<float>(threadIdx.x));
  const Shape* shape = threadIdx.x % 3 == 0 ? static_cast<const Shape*>(&s) : &c;
  out[threadIdx.x] = shape->scaled(2);
}

using Operation = int (*)(int, int);
__device__ __attribute__((noinline)) int add(int a, int b) {
  return a + b;
}
__device__ __attribute__((noinline)) int subtract(int a, int b) {
  return a - b;
}
__device__ __attribute__((noinline)) int multiply(int a, int b) {
  return a * b;
}
__device__ __attribute__((noinline)) int divide(int a, int b) {
  return b == 0 ? 0 : a / b;
}
__device__ Operation table[] = {add, subtract, multiply, divide};
__global__ void operations(const int* codes, int* out) {
  const int i = threadIdx.x;
  out[i] = table[codes[i] % 4](i * 7, i % 5);
}

__device__ __attribute__((noinline)) int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
__device__ __attribute__((noinline)) unsigned fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
__global__ void recursion(int* a, unsigned* f) {
  a[threadIdx.x] = ackermann(2, threadIdx.x % 5);
  f[threadIdx.x] = fibonacci(threadIdx.x % 12);
}
// Quicksort of a lane's own array, by recursion.
__device__ __attribute__((noinline)) void quicksort(int* v, int low, int high) {
  if (low >= high) return;
  const int pivot = v[(low + high) / 2];
  int i = low, j = high;
  while (i <= j) {
    while (v[i] < pivot) i++;
    while (v[j] > pivot) j--;
    if (i <= j) {
      const int t = v[i];
      v[i++] = v[j];
      v[j--] = t;
    }
  }
  quicksort(v, low, j);
  quicksort(v, i, high);
}
__global__ void sort_own(int* data) {
  int own[24];
  for (int k = 0; k < 24; k++) own[k] = data[threadIdx.x * 24 + k];
  quicksort(own, 0, 23);
  for (int k = 0; k < 24; k++) data[threadIdx.x * 24 + k] = own[k];
}

__device__ __host__ int interpret(const uint8_t* program, int length, int x) {
  int stack[8] = {}, top = 0;
  for (int at = 0; at < length; at++) switch (program[at]) {
      case 0:
        stack[top++ & 7] = x;
        break;
      case 1:
        stack[top++ & 7] = at;
        break;
      case 2:
        stack[(top - 2) & 7] += stack[(top - 1) & 7];
        top--;
        break;
      case 3:
        stack[(top - 2) & 7] *= stack[(top - 1) & 7];
        top--;
        break;
      case 4:
        stack[(top - 1) & 7] ^= 0x55;
        break;
      case 5:
        stack[(top - 1) & 7] = stack[(top - 1) & 7] < 0 ? -1 : 1;
        break;
      case 6:
        stack[top & 7] = stack[(top - 1) & 7];
        top++;
        break;
      case 7:
        if (stack[(top - 1) & 7] & 1) at++;
        break;
      default:
        stack[(top - 1) & 7]--;
    }
  return stack[(top - 1) & 7];
}
__global__ void machines(const uint8_t* programs, int length, int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = interpret(programs + i * length, length, i);
}

int main() {
  Buffer<float> areas(64);
  shapes<<<1, 64>>>(areas);
  const std::vector<float> a = areas.get();
  for (int i = 0; i < 64; i++) EXPECT_EQ(a[i], i % 3 == 0 ? 4.0f * i * i : 12.0f * i * i + 1);

  std::vector<int> codes(128);
  for (int& c : codes) c = static_cast<int>(random_bits() % 100);
  Buffer<int> dc(codes), out(128);
  operations<<<1, 128>>>(dc, out);
  const std::vector<int> o = out.get();
  for (int i = 0; i < 128; i++) {
    const int x = i * 7, y = i % 5;
    const int expected[] = {x + y, x - y, x * y, y == 0 ? 0 : x / y};
    EXPECT_EQ(o[i], expected[codes[i] % 4]);
  }

  Buffer<unsigned> f(64);
  recursion<<<1, 64>>>(out, f);
  const std::vector<int> ackermanns = out.get();
  const std::vector<unsigned> fibonaccis = f.get();
  unsigned fib[12] = {0, 1};
  for (int i = 2; i < 12; i++) fib[i] = fib[i - 1] + fib[i - 2];
  for (int i = 0; i < 64; i++) {
    EXPECT_EQ(ackermanns[i], 2 * (i % 5) + 3);
    EXPECT_EQ(fibonaccis[i], fib[i % 12]);
  }

  std::vector<int> v(64 * 24);
  for (int& x : v) x = static_cast<int>(random_bits() % 100);
  Buffer<int> dv(v);
  sort_own<<<1, 64>>>(dv);
  for (int i = 0; i < 64; i++) std::sort(v.begin() + i * 24, v.begin() + (i + 1) * 24);
  EXPECT(dv.get() == v);

  const int length = 20, count = 256;
  std::vector<uint8_t> programs(length * count);
  for (size_t i = 0; i < programs.size(); i++)
    programs[i] = i % length < 2 ? 0 : static_cast<uint8_t>(random_bits() % 9);
  Buffer<uint8_t> dp(programs);
  Buffer<int> results(count);
  machines<<<count / 64, 64>>>(dp, length, results);
  const std::vector<int> r = results.get();
  for (int i = 0; i < count; i++) EXPECT_EQ(r[i], interpret(&programs[i * length], length, i));
  return result();
}
