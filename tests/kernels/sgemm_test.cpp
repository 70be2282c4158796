// The matrix multiplications of kernels/gemm against sums in double precision, at sizes that the
// interpreter would not manage: every path of the schedules, edges, strides, transposes, alpha and
// beta; and what their inner loops are made of.
#include <gtest/gtest.h>
#include <inlay/runtime.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

#include "core/text/text.h"
#include "tools/driver/accuracy.h"
#include "tools/inlay/execute.h"

namespace inlay {
namespace {

struct Size {
  int64_t m, n, k;
};

// A matrix within a larger one: `stride` floats from row to row, what lies between them NaN.
struct Matrix {
  int64_t rows, columns, stride;
  std::vector<float> values;
  int64_t shape[2], strides[2];
  DLTensor tensor{};

  Matrix(int64_t rows_in, int64_t columns_in, int64_t gap, uint32_t seed)
      : rows(rows_in), columns(columns_in), stride(std::max<int64_t>(columns_in + gap, 1)) {
    values.assign(static_cast<size_t>(rows * stride + 1), NAN);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        seed = seed * 1664525 + 1013904223;
        at(i, j) = static_cast<float>(seed >> 8) * 0x1p-23f - 1;
      }
    }
    shape[0] = rows;
    shape[1] = columns;
    strides[0] = stride;
    strides[1] = 1;
    tensor.data = values.data();
    tensor.device = {kDLCPU, 0};
    tensor.ndim = 2;
    tensor.dtype = {kDLFloat, 32, 1};
    tensor.shape = shape;
    tensor.strides = strides;
  }
  Matrix(const Matrix&) = delete;

  float& at(int64_t i, int64_t j) { return values[static_cast<size_t>(i * stride + j)]; }
};

struct Product {
  bool transpose_a = false, transpose_b = false;
  float alpha = 1, beta = 0;
};

// Runs `call` on fresh matrices and compares each element with its sum in double.
template <typename Call>
void expect_product(const std::string& label, const Size& size, const Product& product, int64_t gap,
                    Call call) {
  auto [m, n, k] = size;
  Matrix a(product.transpose_a ? k : m, product.transpose_a ? m : k, gap, 1);
  Matrix b(product.transpose_b ? n : k, product.transpose_b ? k : n, gap, 2);
  Matrix c(m, n, gap, 3);
  if (product.beta == 0) std::fill(c.values.begin(), c.values.end(), NAN);
  std::vector<float> before = c.values;
  ASSERT_EQ(call(&a.tensor, &b.tensor, &c.tensor), INLAY_OK) << label << inlay_last_error();
  std::vector<double> sum(static_cast<size_t>(n)), magnitude(static_cast<size_t>(n));
  for (int64_t i = 0; i < m; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0);
    std::fill(magnitude.begin(), magnitude.end(), 0.0);
    for (int64_t p = 0; p < k; ++p) {
      double x = double(product.alpha) * (product.transpose_a ? a.at(p, i) : a.at(i, p));
      for (int64_t j = 0; j < n; ++j) {
        double term = x * (product.transpose_b ? b.at(j, p) : b.at(p, j));
        sum[j] += term;
        magnitude[j] += std::fabs(term);
      }
    }
    for (int64_t j = 0; j < n; ++j) {
      if (product.beta != 0) {
        double term = double(product.beta) * before[static_cast<size_t>(i * c.stride + j)];
        sum[j] += term;
        magnitude[j] += std::fabs(term);
      }
      double error = std::fabs(c.at(i, j) - sum[j]);
      double allowed = sum_error_bound(double(k) + 1, magnitude[j], kEpsilonF32);
      if (!(error <= allowed)) {
        ADD_FAILURE() << label << " " << m << " x " << n << " x " << k << ": C[" << i << ", " << j
                      << "] is " << c.at(i, j) << ", expected " << sum[j] << ", error " << error
                      << ", allowed " << allowed;
        return;
      }
    }
    for (int64_t j = n; j < c.stride; ++j) {
      ASSERT_TRUE(std::isnan(c.at(i, j)))
          << label << ": written between rows, at " << i << ", " << j;
    }
  }
}

std::vector<std::string> targets_here() {
  std::vector<std::string> targets{"x86-64"};
  if (inlay_cpu_has_feature("avx2") == 1 && inlay_cpu_has_feature("fma") == 1) {
    targets.push_back("x86-64-v3");
  }
  if (inlay_cpu_has_feature("avx512f") == 1 && inlay_cpu_has_feature("avx512vl") == 1) {
    targets.push_back("x86-64-v4");
  } else {
    std::printf("not run: x86-64-v4, whose AVX-512 this CPU lacks\n");
  }
  return targets;
}

std::map<Artifact, std::string> build(const std::string& file, const std::string& target,
                                      const ParamValues& params) {
  PluginRegistry plugins;
  Driver driver(plugins, nullptr);
  BuildRequest request;
  request.input = std::string(INLAY_SOURCE_DIR "/kernels/gemm/") + file;
  request.targets = {target};
  request.params = params;
  request.artifacts = {Artifact::SharedObject, Artifact::Assembly};
  return driver.build(request).artifacts;
}

// A function (A, B, C) of a program.
struct Compiled {
  cli::LoadedProgram loaded;
  const InlayCallable* function;
  std::string label;

  Compiled(const std::string& file, const std::string& name, const std::string& target,
           const ParamValues& params)
      : loaded(build(file, target, params)[Artifact::SharedObject]),
        function(loaded.function(name)),
        label(name + " for " + target) {}

  int32_t operator()(const DLTensor* a, const DLTensor* b, const DLTensor* c) const {
    InlayValue args[] = {inlay_tensor(a), inlay_tensor(b), inlay_tensor(c)};
    return inlay_call(function, args, 3);
  }
  void check(const Size& size) const { expect_product(label, size, {}, 0, std::cref(*this)); }
};

// What is computed does not depend on who computes it: the bits are the same for any number of
// threads.
template <typename Call>
void expect_same_bits(const std::string& label, const Size& size, const Product& product,
                      Call call) {
  std::vector<float> alone;
  auto [m, n, k] = size;
  const int32_t before = inlay_num_threads();
  for (int threads : {1, 2, 5}) {
    ASSERT_EQ(inlay_set_num_threads(threads), INLAY_OK);
    Matrix a(product.transpose_a ? k : m, product.transpose_a ? m : k, 0, 1);
    Matrix b(product.transpose_b ? n : k, product.transpose_b ? k : n, 0, 2);
    Matrix c(m, n, 0, 3);
    ASSERT_EQ(call(&a.tensor, &b.tensor, &c.tensor), INLAY_OK) << label << inlay_last_error();
    c.values.pop_back();  // beyond the last row
    if (alone.empty()) alone = c.values;
    EXPECT_EQ(std::memcmp(c.values.data(), alone.data(), alone.size() * sizeof(float)), 0)
        << label << " " << m << " x " << n << " x " << k << ", " << threads << " threads";
  }
  ASSERT_EQ(inlay_set_num_threads(before), INLAY_OK);
}

// Blocks of which a test has several, and conditions that send a part of the grid down each path.
const ParamValues kSmallBlocks{{"low", 40},   {"small", 700},  {"near", 2500}, {"near_paged", 2000},
                               {"least", 40}, {"large", 1500}, {"kc", 24},     {"mc", 24},
                               {"nc", 192},   {"rows", 60}};

std::vector<Size> grid() {
  std::vector<Size> sizes;
  for (int64_t m : {0, 1, 2, 3, 5, 6, 7, 13, 31}) {
    for (int64_t n : {0, 1, 7, 16, 17, 47, 64, 101}) {
      for (int64_t k : {0, 1, 2, 23, 50}) sizes.push_back({m, n, k});
    }
  }
  for (int64_t s : {61, 64, 127, 200}) sizes.push_back({s, s, s});
  return sizes;
}

TEST(Sgemm, EverySizeOnEveryPath) {
  for (const std::string& target : targets_here()) {
    ParamValues params = kSmallBlocks;
    params.insert(
        {{"tiny", 200}, {"near_depth", 24}, {"much", 6000}, {"fewest", 3}, {"shared_columns", 32}});
    Compiled sgemm("sgemm.inlay", "sgemm", target, params);
    for (const Size& size : grid()) sgemm.check(size);
  }
}

TEST(Sgemm, LargeOnesByTheirOwnBlocksOnThreeThreads) {
  ASSERT_EQ(inlay_set_num_threads(3), INLAY_OK);
  for (const std::string& target : targets_here()) {
    Compiled sgemm("sgemm.inlay", "sgemm", target, {});
    // Few rows, B small, B used rarely, and packed in several blocks of each dimension; B streamed,
    // of few columns, in rows of whole pages, fetched ahead in strips.
    for (const Size& size :
         {Size{7, 1000, 900},   Size{1009, 127, 131}, Size{50, 800, 600}, Size{301, 523, 811},
          Size{151, 3079, 800}, Size{1, 1000, 301},   Size{2, 1031, 260}, Size{3, 2049, 40},
          Size{4, 1100, 67},    Size{150, 1, 70},     Size{70, 3, 300},   Size{9, 8, 4100},
          Size{20, 1024, 100},  Size{300, 1024, 70},  Size{6, 700, 150},  Size{8, 1024, 300},
          Size{5, 1283, 270},   Size{4, 515, 400},    Size{13, 601, 277}, Size{61, 2048, 39},
          Size{7, 3333, 257},   Size{250, 1024, 5},   Size{30, 56, 24},   Size{150, 1000, 300},
          Size{9, 1000, 700},   Size{61, 70, 1300},   Size{3, 2100, 90},  Size{61, 2048, 100}}) {
      sgemm.check(size);
    }
    // Shared out by columns, by rows, by both, and by strips that are packed; few rows, by columns.
    for (const Size& size : {Size{150, 1000, 300}, Size{1009, 127, 131}, Size{61, 70, 1300},
                             Size{400, 611, 700}, Size{9, 1000, 700}, Size{3, 2100, 90}})
      expect_same_bits(sgemm.label, size, {}, std::cref(sgemm));
    // A * A: what is only read may be twice the same memory.
    Matrix a(9, 9, 0, 1), c(9, 9, 0, 2);
    EXPECT_EQ(sgemm(&a.tensor, &a.tensor, &c.tensor), INLAY_OK)
        << sgemm.label << ": " << inlay_last_error();
  }
}

TEST(Sgemm, PanelsOfEveryMicroKernel) {
  for (const std::string& target : targets_here()) {
    std::vector<ParamValues> all{{{"mc", 24}, {"kc", 24}, {"nc", 96}}};
    if (target == "x86-64-v3") all.push_back({{"mr", 4}, {"nr", 24}, {"kc", 24}});
    for (const ParamValues& params : all) {
      Compiled panels("sgemm_panels.inlay", "sgemm_panels", target, params);
      for (const Size& size : grid()) panels.check(size);
    }
  }
}

TEST(Sgemm, AsTheBlasHasIt) {
  for (const std::string& target : targets_here()) {
    ParamValues blocks = kSmallBlocks;
    blocks.insert({{"tiny", 1000},
                   {"one", 10000},
                   {"near_depth", 24},
                   {"much", 6000},
                   {"fewest", 8},
                   {"shared_columns", 32}});
    cli::LoadedProgram loaded(build("sgemm_blas.inlay", target, blocks)[Artifact::SharedObject]);
    for (int which = 0; which < 4; ++which) {
      bool ta = which / 2, tb = which % 2;
      std::string name = std::string("sgemm_") + (ta ? 't' : 'n') + (tb ? 't' : 'n');
      const InlayCallable* function = loaded.function(name);
      Matrix square(9, 9, 0, 1), of_it(9, 9, 0, 2);
      InlayValue twice[] = {inlay_float(1), inlay_tensor(&square.tensor),
                            inlay_tensor(&square.tensor), inlay_float(0),
                            inlay_tensor(&of_it.tensor)};
      EXPECT_EQ(inlay_call(function, twice, 5), INLAY_OK) << name << ": " << inlay_last_error();
      for (auto [alpha, beta] : {std::pair{1.0f, 0.0f}, std::pair{-0.5f, 1.0f},
                                 std::pair{0.0f, 2.0f}, std::pair{3.0f, -1.5f}}) {
        auto call = [&](const DLTensor* a, const DLTensor* b, const DLTensor* c) {
          InlayValue args[] = {inlay_float(alpha), inlay_tensor(a), inlay_tensor(b),
                               inlay_float(beta), inlay_tensor(c)};
          return inlay_call(function, args, 5);
        };
        for (const Size& size :
             {Size{0, 5, 3}, Size{5, 0, 3}, Size{5, 3, 0}, Size{1, 1, 1}, Size{6, 64, 16},
              Size{7, 17, 5}, Size{61, 67, 71}, Size{33, 129, 40}, Size{23, 100, 17},
              Size{3, 701, 101}, Size{31, 29, 50}, Size{7, 50, 40}}) {
          for (int64_t gap : {0, 3}) {
            expect_product(name + " for " + target, size, {ta, tb, alpha, beta}, gap, call);
          }
        }
        for (const Size& size : {Size{61, 67, 71}, Size{150, 300, 60}, Size{7, 500, 90}})
          expect_same_bits(name + " for " + target, size, {ta, tb, alpha, beta}, call);
      }
    }
  }
}

// The loops of `text` without a jump inside, as lists of instructions.
std::vector<std::vector<std::string>> innermost_loops(const std::string& text) {
  std::vector<std::string> lines;
  std::map<std::string, size_t> labels;
  std::vector<std::vector<std::string>> loops;
  std::istringstream in(text);
  size_t last_jump = 0;  // the place after it
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find('#'));
    size_t end = line.find(':');
    if (line.rfind(".L", 0) == 0 && end != std::string::npos) {
      labels[line.substr(0, end)] = lines.size();
    }
    if (line.size() < 2 || line[0] != '\t' || line[1] == '.') continue;  // no instruction
    lines.push_back(line);
    if (line[1] != 'j') continue;
    size_t target = line.find(".L");
    auto label = labels.find(target == std::string::npos
                                 ? ""
                                 : line.substr(target, line.find_last_not_of(" \t") + 1 - target));
    if (label != labels.end() && label->second >= last_jump) {
      loops.emplace_back(lines.begin() + static_cast<std::ptrdiff_t>(label->second), lines.end());
    }
    last_jump = lines.size();
  }
  return loops;
}

// Compiled for CPUs that need not be this one: two steps of k are 2 * mr * nv multiply-adds on
// registers as wide as the target has, with no spill and hardly anything beside them.
TEST(Sgemm, InnerLoopsAreMultiplyAdds) {
  struct Expected {
    const char *target, *wide;
    size_t adds, micro_kernels;
  };
  for (const Expected& expected : {Expected{"x86-64-v4", "%zmm", size_t{48}, size_t{4}},
                                   Expected{"x86-64-v3", "%ymm", size_t{24}, size_t{3}}}) {
    std::string text = build("sgemm.inlay", expected.target, {})[Artifact::Assembly];
    size_t whole_blocks = 0;
    for (const std::vector<std::string>& loop : innermost_loops(text)) {
      size_t adds = 0, spills = 0, stores = 0;
      for (const std::string& line : loop) {
        bool wide = line.find(expected.wide) != std::string::npos;
        adds += line.find("vfmadd") != std::string::npos && wide;
        spills += line.find("rsp") != std::string::npos && wide;
        stores += wide && line.back() == ')';
      }
      // Where rows are added to c in memory, blocks are other ones.
      if (adds != expected.adds || stores > spills) continue;
      ++whole_blocks;
      EXPECT_EQ(spills, 0u) << expected.target;
      // Loads of a and b, two pointers, a count; addresses of rows that no instruction can name.
      EXPECT_LE(loop.size(), adds + adds * 3 / 2) << expected.target;
    }
    EXPECT_EQ(whole_blocks, expected.micro_kernels)
        << expected.target << ": all schedules share them, and those that fetch ahead or pack";
  }
}

}  // namespace
}  // namespace inlay
