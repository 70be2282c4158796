#include "tools/demo/gemm_race.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cmath>

namespace inlay::cli {

OpenBlas::OpenBlas() {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  auto core = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_corename"));
  if (!set_threads) return;
  sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
  set_threads(1);
  name = fmt::format("OpenBLAS ({} kernels)", core ? core() : "unknown");
}

void OpenBlas::operator()(const GemmShape& shape, const float* a, const float* b, float* c) const {
  constexpr int kRowMajor = 101, kNoTranspose = 111;
  int m = static_cast<int>(shape.m), n = static_cast<int>(shape.n), k = static_cast<int>(shape.k);
  sgemm(kRowMajor, kNoTranspose, kNoTranspose, m, n, k, 1.0f, a, k, b, n, 0.0f, c, n);
}

namespace {

// C in double precision, row-major.
std::vector<double> reference(const Arguments& arguments, const GemmShape& shape) {
  auto values = [&](size_t i) {
    return reinterpret_cast<const float*>(arguments.tensors()[i].data());
  };
  const float *a = values(0), *b = values(1);
  std::vector<double> c(static_cast<size_t>(shape.m * shape.n), 0);
  for (int64_t i = 0; i < shape.m; ++i) {
    double* row = c.data() + i * shape.n;
    for (int64_t k = 0; k < shape.k; ++k) {
      double factor = a[i * shape.k + k];
      for (int64_t j = 0; j < shape.n; ++j) row[j] += factor * b[k * shape.n + j];
    }
  }
  return c;
}

double relative_error(const Arguments& arguments, const std::vector<double>& want) {
  auto* c = reinterpret_cast<const float*>(arguments.tensors()[2].data());
  double error = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    double difference = std::fabs(c[i] - want[i]);
    if (!(difference <= error)) error = difference;  // a NaN stays
    largest = std::max(largest, std::fabs(want[i]));
  }
  return error / largest;
}

}  // namespace

std::vector<Timing> race_gemm(const Program& program, const std::vector<GemmRow>& rows,
                              const OpenBlas& blas, const GemmShape& shape, double seconds) {
  std::map<std::string, std::string> sizes{{"M", std::to_string(shape.m)},
                                           {"N", std::to_string(shape.n)},
                                           {"K", std::to_string(shape.k)}};
  constexpr uint64_t kSeed = 7;  // the same arrays for all
  std::vector<Arguments> arguments;
  arguments.reserve(rows.size() + 1);
  std::vector<Contestant> contestants;
  for (const GemmRow& row : rows) {
    arguments.emplace_back(pick_function(program, row.function), sizes, kSeed);
    const InlayCallable* callable = row.loaded->function(row.function);
    contestants.push_back({row.label, [callable, values = arguments.back().values()] {
                             inlay_call(callable, values.data(),
                                        static_cast<uint32_t>(values.size()));
                           }});
  }
  if (blas.sgemm) {
    arguments.emplace_back(pick_function(program, rows[0].function), sizes, kSeed);
    std::vector<TensorArgument>& tensors = arguments.back().tensors();
    auto at = [&](size_t i) { return reinterpret_cast<float*>(tensors[i].data()); };
    contestants.push_back(
        {blas.name, [&blas, shape, a = at(0), b = at(1), c = at(2)] { blas(shape, a, b, c); }});
  }
  std::vector<double> want = reference(arguments[0], shape);
  for (size_t i = 0; i < contestants.size(); ++i) {
    contestants[i].run();
    double error = relative_error(arguments[i], want);
    if (!(error <= kGemmTolerance)) {
      throw CompileError(
          "wrong-result", {},
          fmt::format("{} is wrong at {} x {} x {}: error {:.2g}, allowed {:.2g}",
                      contestants[i].name, shape.m, shape.n, shape.k, error, kGemmTolerance));
    }
  }
  return race(contestants, seconds, 7);
}

}  // namespace inlay::cli
