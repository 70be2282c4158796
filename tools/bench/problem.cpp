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
  std::vector<int64_t> numbers;
  for (size_t i = 2; i < wanted; ++i) {
    int64_t value = -1;
    const char* end = cells[i].data() + cells[i].size();
    auto [stop, error] = std::from_chars(cells[i].data(), end, value);
    bool may_be_zero = conv && i == wanted - 1;
    if (error != std::errc() || stop != end || value < (may_be_zero ? 0 : 1) || value > 1 << 20) {
      throw CompileError("workload", {},
                         fmt::format("{}: `{}` in `{}` is no size", place, cells[i], line),
                         "sizes are whole numbers from 1 to 2^20, a padding may be 0");
    }
    numbers.push_back(value);
  }
  row.group = cells[1];
  if (!conv) {
    row.gemm = {numbers[0], numbers[1], numbers[2]};
    row.name = fmt::format("{}x{}x{}", numbers[0], numbers[1], numbers[2]);
    return row;
  }
  row.conv = {numbers[0], numbers[1], numbers[2], numbers[2],
              numbers[3], numbers[4], numbers[5], numbers[6]};
  if (row.conv.h + 2 * row.conv.pad < row.conv.kernel) {
    throw CompileError("workload", {},
                       fmt::format("{}: the window of `{}` does not fit its image", place, line));
  }
  if (row.kind == Kind::Depthwise && row.conv.cin != row.conv.cout) {
    throw CompileError("workload", {},
                       fmt::format("{}: `{}` has other channels behind than before", place, line));
  }
  row.name = fmt::format("{}{}x{}-{}k{}s{}", numbers[0] > 1 ? fmt::format("{}x", numbers[0]) : "",
                         numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
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
  return kind == Kind::Depthwise ? conv.kernel * conv.kernel : conv.taps();
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
    int64_t top = i / conv.out_w() % conv.out_h() * conv.stride - conv.pad;
    int64_t left = i % conv.out_w() * conv.stride - conv.pad;
    for (int64_t y = 0; y < conv.kernel; ++y) {
      for (int64_t x = 0; x < conv.kernel; ++x) {
        if (top + y < 0 || top + y >= conv.h || left + x < 0 || left + x >= conv.w) continue;
        const float* pixel = a.data() + ((image * conv.h + top + y) * conv.w + left + x) * conv.cin;
        if (depthwise) {
          const float* filter = b.data() + (y * conv.kernel + x) * width;
          for (int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(pixel[j]) * filter[j];
          continue;
        }
        const float* weights = b.data() + (y * conv.kernel + x) * conv.cin * width;
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
