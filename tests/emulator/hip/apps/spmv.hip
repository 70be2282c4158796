// Sparse matrix times vector: CSR with a thread and with a wavefront a row, ELLPACK, COO with
// atomics; then conjugate gradients on a Poisson matrix.
#include "check.h"

struct Csr {
  std::vector<int> starts{0}, columns;
  std::vector<double> values;
};

__global__ void csr_scalar(const int* starts, const int* columns, const double* values,
                           const double* x, double* y, int rows) {
  const int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  double sum = 0;
  for (int i = starts[r]; i < starts[r + 1]; i++) sum += values[i] * x[columns[i]];
  y[r] = sum;
}
__global__ void csr_vector(const int* starts, const int* columns, const double* values,
                           const double* x, double* y, int rows) {
  const int r = (blockIdx.x * blockDim.x + threadIdx.x) / 64, lane = threadIdx.x % 64;
  if (r >= rows) return;
  double sum = 0;
  for (int i = starts[r] + lane; i < starts[r + 1]; i += 64) sum += values[i] * x[columns[i]];
  for (int d = 32; d > 0; d /= 2) sum += __shfl_down(sum, d);
  if (lane == 0) y[r] = sum;
}
__global__ void ellpack(const int* columns, const double* values, const double* x, double* y,
                        int rows, int width) {
  const int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  double sum = 0;
  for (int k = 0; k < width; k++) {
    const int c = columns[k * rows + r];
    if (c >= 0) sum += values[k * rows + r] * x[c];
  }
  y[r] = sum;
}
__global__ void coo(const int* row_of, const int* columns, const double* values, const double* x,
                    double* y, int entries) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < entries) atomicAdd(&y[row_of[i]], values[i] * x[columns[i]]);
}
__global__ void dot(const double* a, const double* b, double* out, int n) {
  __shared__ double s[256];
  double sum = 0;
  for (int i = threadIdx.x; i < n; i += 256) sum += a[i] * b[i];
  s[threadIdx.x] = sum;
  for (int w = 128; w > 0; w /= 2) {
    __syncthreads();
    if (threadIdx.x < w) s[threadIdx.x] += s[threadIdx.x + w];
  }
  if (threadIdx.x == 0) *out = s[0];
}
// x += alpha p, r -= alpha q; or p = r + beta p.
__global__ void step(double* x, double* r, const double* p, const double* q, double alpha, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += alpha * p[i], r[i] -= alpha * q[i];
}
__global__ void turn(double* p, const double* r, double beta, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) p[i] = r[i] + beta * p[i];
}

int main() {
  const int rows = 700, cols = 500;
  Csr m;
  std::vector<int> row_of;
  int width = 0;
  for (int r = 0; r < rows; r++) {
    const int count = r % 50 == 3 ? 200 : static_cast<int>(random_bits() % 9);
    for (int k = 0; k < count; k++) {
      m.columns.push_back(static_cast<int>(random_bits() % cols));
      m.values.push_back(static_cast<int>(random_bits() % 17) - 8);
      row_of.push_back(r);
    }
    width = std::max(width, count);
    m.starts.push_back(static_cast<int>(m.columns.size()));
  }
  std::vector<double> x(cols), expected(rows), values(size_t(rows) * width);
  std::vector<int> columns(size_t(rows) * width, -1);
  for (double& v : x) v = static_cast<int>(random_bits() % 31) - 15;  // all sums are exact
  for (int r = 0; r < rows; r++)
    for (int i = m.starts[r]; i < m.starts[r + 1]; i++) {
      expected[r] += m.values[i] * x[m.columns[i]];
      columns[size_t(i - m.starts[r]) * rows + r] = m.columns[i];
      values[size_t(i - m.starts[r]) * rows + r] = m.values[i];
    }
  Buffer<int> starts(m.starts), dc(m.columns), dr(row_of), ec(columns);
  Buffer<double> dv(m.values), dx(x), ev(values);
  Buffer<double> a(rows), b(rows), c(rows), d(std::vector<double>(rows, 0));
  csr_scalar<<<(rows + 127) / 128, 128>>>(starts, dc, dv, dx, a, rows);
  csr_vector<<<(rows + 3) / 4, 256>>>(starts, dc, dv, dx, b, rows);
  ellpack<<<(rows + 63) / 64, 64>>>(ec, ev, dx, c, rows, width);
  coo<<<(m.columns.size() + 255) / 256, 256>>>(dr, dc, dv, dx, d, m.columns.size());
  for (const Buffer<double>* out : {&a, &b, &c, &d}) EXPECT(out->get() == expected);

  // Poisson's matrix on a grid of 20 by 20: symmetric and positive.
  const int side = 20, n = side * side;
  Csr p;
  for (int i = 0; i < n; i++) {
    const auto entry = [&](bool there, int column, double value) {
      if (!there) return;
      p.columns.push_back(column);
      p.values.push_back(value);
    };
    entry(i >= side, i - side, -1);
    entry(i % side > 0, i - 1, -1);
    entry(true, i, 4);
    entry(i % side < side - 1, i + 1, -1);
    entry(i + side < n, i + side, -1);
    p.starts.push_back(static_cast<int>(p.columns.size()));
  }
  Buffer<int> ps(p.starts), pc(p.columns);
  Buffer<double> pv(p.values), sx(std::vector<double>(n, 0)), r(std::vector<double>(n, 1)),
      direction(std::vector<double>(n, 1)), q(n), scalar(1);
  const int blocks = (n + 255) / 256;
  const auto product = [&](const Buffer<double>& u, const Buffer<double>& v) {
    dot<<<1, 256>>>(u, v, scalar, n);
    return scalar.get()[0];
  };
  double rr = product(r, r);
  int steps = 0;
  for (; rr > 1e-20 && steps < 200; steps++) {
    csr_scalar<<<blocks, 256>>>(ps, pc, pv, direction, q, n);
    const double alpha = rr / product(direction, q);
    step<<<blocks, 256>>>(sx, r, direction, q, alpha, n);
    const double next = product(r, r);
    turn<<<blocks, 256>>>(direction, r, next / rr, n);
    rr = next;
  }
  EXPECT(steps < 100);
  const std::vector<double> s = sx.get();
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int k = p.starts[i]; k < p.starts[i + 1]; k++) sum += p.values[k] * s[p.columns[k]];
    EXPECT(std::fabs(sum - 1) < 1e-9);
  }
  return result();
}
