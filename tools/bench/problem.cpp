#include "tools/bench/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <new>
#include <random>

#include "core/support/diagnostic.h"
#include "tools/driver/accuracy.h"

namespace inlay::bench {

namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else if (c != '\r' && c != ' ') {
      cells.back() += c;
    }
  }
  return cells;
}

// Up to `most` numbers with an x between them; one stands for all.
std::vector<int64_t> numbers_of(const std::string& cell, size_t most, int64_t least) {
  std::vector<int64_t> numbers;
  const char *at = cell.data(), *end = at + cell.size();
  for (bool more = true; more;) {
    int64_t value = -1;
    auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < least || value > 1 << 20) return {};
    numbers.push_back(value);
    more = stop != end && *stop == 'x';
    if (!more && stop != end) return {};
    at = stop + 1;
  }
  if (numbers.size() == 1) numbers.resize(most, numbers[0]);
  if (numbers.size() == 2 && most == 4) numbers = {numbers[0], numbers[1], numbers[0], numbers[1]};
  return numbers.size() == most ? numbers : std::vector<int64_t>{};
}

// As short as a row may say it.
std::string print_sizes(const std::vector<int64_t>& numbers) {
  size_t count = numbers.size();
  if (count == 4 && numbers[0] == numbers[2] && numbers[1] == numbers[3]) count = 2;
  if (count == 2 && numbers[0] == numbers[1]) count = 1;
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{}{}", i ? "x" : "", numbers[i]);
  return text;
}

Row parse_row(const std::string& line, const std::string& place) {
  std::vector<std::string> cells = cells_of(line);
  static const std::map<std::string, Kind> kKinds{{"gemm", Kind::Gemm},
                                                  {"dense", Kind::Dense},
                                                  {"conv", Kind::Conv},
                                                  {"nchw", Kind::Planes},
                                                  {"depthwise", Kind::Depthwise}};
  Row row;
  auto kind = kKinds.find(cells[0]);
  if (kind != kKinds.end()) row.kind = kind->second;
  bool conv = !row.is_product();
  size_t wanted = conv ? 9 : 5;
  if (kind == kKinds.end() || cells.size() != wanted || cells[1].empty()) {
    throw CompileError(
        "workload", {}, fmt::format("{}: `{}` is no row", place, line),
        "write gemm,GROUP,M,N,K or conv,GROUP,N,Cin,HW,Cout,K,stride,pad, or dense as "
        "gemm, nchw and depthwise as conv");
  }
  auto numbers = [&](size_t cell, size_t most, int64_t least) {
    std::vector<int64_t> result = numbers_of(cells[cell], most, least);
    if (!result.empty()) return result;
    throw CompileError(
        "workload", {}, fmt::format("{}: `{}` in `{}` is no size", place, cells[cell], line),
        "sizes are whole numbers from 1 to 2^20, a padding may be 0; HW, K, stride and "
        "pad may be two, rows x columns, as 1x7, and pad all four sides: top x left x bottom x "
        "right");
  };
  auto number = [&](size_t cell) { return numbers(cell, 1, 1)[0]; };
  row.group = cells[1];
  if (!conv) {
    row.gemm = {number(2), number(3), number(4)};
    row.name = fmt::format("{}x{}x{}", row.gemm.m, row.gemm.n, row.gemm.k);
    return row;
  }
  int64_t batch = number(2), cin = number(3), cout = number(5);
  std::vector<int64_t> image = numbers(4, 2, 1), window = numbers(6, 2, 1),
                       stride = numbers(7, 2, 1), pad = numbers(8, 4, 0);
  row.conv = {batch,     cin,       image[0], image[1], cout,   window[0], window[1],
              stride[0], stride[1], pad[0],   pad[1],   pad[2], pad[3]};
  if (row.conv.h + pad[0] + pad[2] < window[0] || row.conv.w + pad[1] + pad[3] < window[1]) {
    throw CompileError("workload", {},
                       fmt::format("{}: the window of `{}` does not fit its image", place, line));
  }
  if (row.kind == Kind::Depthwise && cin != cout) {
    throw CompileError("workload", {},
                       fmt::format("{}: `{}` has other channels behind than before", place, line));
  }
  row.name = fmt::format("{}{}x{}-{}k{}s{}", batch > 1 ? fmt::format("{}x", batch) : "", cin,
                         print_sizes(image), cout, print_sizes(window), print_sizes(stride));
  const int64_t h = window[0] / 2, w = window[1] / 2;
  if (pad != std::vector<int64_t>{h, w, h, w}) row.name += "p" + print_sizes(pad);
  return row;
}

}  // namespace

double Row::flops() const {
  auto product = [](std::initializer_list<int64_t> factors) {
    double result = 2;
    for (int64_t factor : factors) result *= static_cast<double>(factor);
    return result;
  };
  return is_product() ? product({gemm.m, gemm.n, gemm.k})
                      : product({conv.pixels(), conv.cout, terms()});
}

int64_t Row::terms() const {
  if (is_product()) return gemm.k;
  return kind == Kind::Depthwise ? conv.window() : conv.taps();
}

std::vector<Row> load_rows(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw CompileError("workload", {}, "can't read " + path, "name a CSV file of shapes");
  }
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos || line[0] == '#') continue;
    rows.push_back(parse_row(line, fmt::format("{}:{}", path, number)));
  }
  if (rows.empty()) throw CompileError("workload", {}, path + " has no row");
  return rows;
}

void Floats::Free::operator()(float* data) const {
  std::free(data);
}

Floats::Floats(int64_t size) : size_(size) {
  // A line more than asked: no contestant may be blamed for what lies behind.
  size_t bytes = (static_cast<size_t>(size) * sizeof(float) + 127) / 64 * 64;
  data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!data_) throw std::bad_alloc();
  std::fill_n(data_.get(), bytes / sizeof(float), 0.0f);
}

void Floats::fill(float value) {
  std::fill_n(data(), size_, value);
}

void Floats::randomize(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int64_t i = 0; i < size_; ++i) {
    data()[i] = static_cast<float>(static_cast<int64_t>(random() >> 40)) * 0x1p-23f - 1.0f;
  }
}

Problem::Problem(const Row& r) : row(r) {
  const ConvShape& conv = row.conv;
  bool gemm = row.is_product(), depthwise = row.kind == Kind::Depthwise;
  int64_t width = gemm ? row.gemm.n : conv.cout;
  int64_t height = gemm ? row.gemm.m : conv.pixels();
  a = Floats(gemm ? row.gemm.m * row.gemm.k : conv.batch * conv.h * conv.w * conv.cin);
  b = Floats(row.terms() * width);
  c = Floats(height * width);
  a.randomize(1);
  b.randomize(2);
  int64_t step = row.flops() > 0x1p32 ? 17 : 1;
  for (int64_t i = 0; i < height; i += step) rows_.push_back(i);
  if (rows_.back() != height - 1) rows_.push_back(height - 1);
  expected_.assign(rows_.size() * static_cast<size_t>(width), 0);
  auto add = [&](double* sums, double factor, const float* weights) {
    for (int64_t j = 0; j < width; ++j) sums[j] += factor * static_cast<double>(weights[j]);
  };
  for (size_t r = 0; r < rows_.size(); ++r) {
    double* sums = expected_.data() + r * static_cast<size_t>(width);
    int64_t i = rows_[r];
    if (gemm) {
      for (int64_t k = 0; k < row.gemm.k; ++k)
        add(sums, a.data()[i * row.gemm.k + k], b.data() + k * width);
      if (row.kind == Kind::Dense) {
        for (int64_t j = 0; j < width; ++j) sums[j] = std::max(sums[j], 0.0);
      }
      continue;
    }
    int64_t image = i / (conv.out_h() * conv.out_w());
    int64_t top = i / conv.out_w() % conv.out_h() * conv.stride_h - conv.top;
    int64_t left = i % conv.out_w() * conv.stride_w - conv.left;
    for (int64_t y = 0; y < conv.kernel_h; ++y) {
      for (int64_t x = 0; x < conv.kernel_w; ++x) {
        if (top + y < 0 || top + y >= conv.h || left + x < 0 || left + x >= conv.w) continue;
        const float* pixel = a.data() + ((image * conv.h + top + y) * conv.w + left + x) * conv.cin;
        if (depthwise) {
          const float* filter = b.data() + (y * conv.kernel_w + x) * width;
          for (int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(pixel[j]) * filter[j];
          continue;
        }
        const float* weights = b.data() + (y * conv.kernel_w + x) * conv.cin * width;
        for (int64_t q = 0; q < conv.cin; ++q) add(sums, pixel[q], weights + q * width);
      }
    }
  }
}

double Problem::error_of_bound() const {
  int64_t width = row.is_product() ? row.gemm.n : row.conv.cout;
  double largest = 0;
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (int64_t j = 0; j < width; ++j) {
      double got = c.data()[rows_[r] * width + j];
      double error = std::fabs(got - expected_[r * static_cast<size_t>(width) + j]);
      if (!(error <= largest)) largest = error;  // a NaN stays
    }
  }
  return largest / sum_error_bound(row.terms(), 1.0, kEpsilonF32);
}

}  // namespace inlay::bench
