// What is measured: rows of shapes from a CSV file, their data, and what decides whether a result
// is right.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace inlay::bench {

/// C[m, n] = A[m, k] * B[k, n], f32, row-major and compact.
struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
};

/// A convolution of `batch` images of h x w x cin by a window of kernel_h x kernel_w, to cout
/// channels.
struct ConvShape {
  int64_t batch = 1, cin = 0, h = 0, w = 0, cout = 0;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< rows and columns of padding
  int64_t out_h() const { return (h + top + bottom - kernel_h) / stride_h + 1; }
  int64_t out_w() const { return (w + left + right - kernel_w) / stride_w + 1; }
  int64_t pixels() const { return batch * out_h() * out_w(); }
  int64_t window() const { return kernel_h * kernel_w; }
  int64_t taps() const { return window() * cin; }
  bool padded() const { return top || left || bottom || right; }
  /// A product of matrices: one tap at each pixel, and nothing left out.
  bool is_product() const { return window() == 1 && stride_h == 1 && stride_w == 1 && !padded(); }
};

/// Gemm, Conv: as above. Planes: a Conv whose operators take and give images in NCHW. Depthwise: a
/// filter for each channel, cout = cin. Dense: C = max(A * B + bias, 0) with B packed ahead.
enum class Kind { Gemm, Conv, Planes, Depthwise, Dense };

struct Row {
  Kind kind = Kind::Gemm;
  std::string group;  ///< "square", "resnet18": rows of which a geometric mean is taken
  std::string name;   ///< "49x512x512", "64x56-128k3s2": unique within its group
  GemmShape gemm;
  ConvShape conv;

  bool is_product() const { return kind == Kind::Gemm || kind == Kind::Dense; }
  double flops() const;
  int64_t terms() const;  ///< products in one element of the result
};

/// Reads shapes; throws CompileError (rule "workload") naming file and line at a row that is none.
std::vector<Row> load_rows(const std::string& path);

/// Floats on a 64-byte boundary.
class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t size);
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  void fill(float value);
  /// Uniform in [-1, 1), the same for the same seed.
  void randomize(uint64_t seed);

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float[], Free> data_;
  int64_t size_ = 0;
};

/// Operands of one row, shared by all contestants.
///
///   gemm   a: A[m, k]                    b: B[k, n]                           c: C[m, n]
///   conv   a: input [batch, h, w, cin]   b: weights [kernel_h, kernel_w, cin, cout]
///          c: output [batch, out_h, out_w, cout]; so also of planes, whose operators' layouts are
///          made ahead and turned round by `publish`. Weights of depthwise: [kernel_h, kernel_w,
///          cin].
struct Problem {
  Row row;
  Floats a, b, c;

  explicit Problem(const Row& row);
  /// Elements of `c`, largest difference from a sum in double, over what sum_error_bound() allows:
  /// above 1 is wrong. Results of more than 2^31 products are compared on every 17th row, on the
  /// first and on the last.
  double error_of_bound() const;

 private:
  std::vector<double> expected_;  ///< rows_[i] of the result each
  std::vector<int64_t> rows_;
};

}  // namespace inlay::bench
