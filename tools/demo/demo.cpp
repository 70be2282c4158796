// The demo: SGEMM from kernels/gemm/sgemm.inlay, compiled for this machine, proven, checked, and
// measured against plain loops and OpenBLAS in one run on one core.
//
// OpenBLAS is loaded with dlopen, so that nothing of Inlay links it. It chooses its kernels by CPU, or
// as OPENBLAS_CORETYPE says; the table names them.
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/text/text.h"
#include "tools/driver/timing.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {

namespace {

// C = A * B, row-major, by OpenBLAS; empty name if it is not installed.
struct OpenBlas {
  using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float* a, int lda, const float* b, int ldb, float beta, float* c,
                         int ldc);
  Sgemm sgemm = nullptr;
  std::string name;

  OpenBlas() {
    void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
    auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
    auto core = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_corename"));
    if (!sgemm || !set_threads) {
      sgemm = nullptr;
      return;
    }
    set_threads(1);
    name = fmt::format("OpenBLAS ({} kernels)", core ? core() : "unknown");
  }

  void operator()(int64_t n, const float* a, const float* b, float* c) const {
    constexpr int kRowMajor = 101, kNoTranspose = 111;
    int i = static_cast<int>(n);
    sgemm(kRowMajor, kNoTranspose, kNoTranspose, i, i, i, 1.0f, a, i, b, i, 0.0f, c, i);
  }
};

// Largest |c - reference| over max |reference|, the reference summed in double.
double error_against_double(const Arguments& arguments, int64_t n) {
  auto values = [&](size_t i) {
    return reinterpret_cast<const float*>(arguments.tensors()[i].data());
  };
  const float *a = values(0), *b = values(1), *c = values(2);
  std::vector<double> row(static_cast<size_t>(n));
  double error = 0, largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    std::fill(row.begin(), row.end(), 0);
    for (int64_t k = 0; k < n; ++k) {
      double factor = a[i * n + k];
      for (int64_t j = 0; j < n; ++j) row[static_cast<size_t>(j)] += factor * b[k * n + j];
    }
    for (int64_t j = 0; j < n; ++j) {
      double want = row[static_cast<size_t>(j)];
      error = std::max(error, std::fabs(c[i * n + j] - want));
      largest = std::max(largest, std::fabs(want));
    }
  }
  return error / largest;
}

struct Row {
  std::string label, function;
  const LoadedProgram* loaded;
};

// Odd sizes against the interpreter, which decides what is right.
void check_edges(const Program& program, const Row& row) {
  const Function& function = pick_function(program, row.function);
  Arguments arguments(function, {{"M", "61"}, {"N", "67"}, {"K", "71"}}, 1);
  std::vector<TensorArgument> expected = clone(arguments.tensors());
  call(row.loaded->function(row.function), arguments.values());
  interpret(program, function, arguments.interpreter_values(expected));
  Difference difference = compare(arguments.tensors()[2], expected[2]);
  if (difference.relative > default_tolerance(kF32)) {
    throw CompileError("demo", {},
                       row.label + " differs from the interpreter: C" + difference.first);
  }
  fmt::print("  {:<36} ok, error {:.1g}\n", row.label, difference.relative);
}

void measure(const Program& program, const std::vector<Row>& rows, const OpenBlas& blas,
             int64_t n) {
  std::string size = std::to_string(n);
  std::map<std::string, std::string> sizes{{"M", size}, {"N", size}, {"K", size}};
  std::vector<Arguments> arguments;
  arguments.reserve(rows.size() + 1);
  std::vector<Contestant> contestants;
  for (const Row& row : rows) {
    arguments.emplace_back(pick_function(program, row.function), sizes, 7);
    const InlayCallable* callable = row.loaded->function(row.function);
    std::vector<InlayValue> values = arguments.back().values();
    contestants.push_back({row.label, [callable, values] {
                             inlay_call(callable, values.data(),
                                        static_cast<uint32_t>(values.size()));
                           }});
  }
  if (blas.sgemm) {
    arguments.emplace_back(pick_function(program, rows[0].function), sizes, 7);
    std::vector<TensorArgument>& tensors = arguments.back().tensors();
    auto at = [&](size_t i) { return reinterpret_cast<float*>(tensors[i].data()); };
    contestants.push_back(
        {blas.name, [&blas, n, a = at(0), b = at(1), c = at(2)] { blas(n, a, b, c); }});
  }
  // Right first: each against a sum in double precision.
  constexpr double kAllowed = 1e-5;
  for (size_t i = 0; i < contestants.size(); ++i) {
    contestants[i].run();
    double error = error_against_double(arguments[i], n);
    if (!(error <= kAllowed)) {
      throw CompileError("demo", {},
                         fmt::format("{} is wrong at {} cubed: error {:.2g}, allowed {:.2g}",
                                     contestants[i].name, n, error, kAllowed));
    }
  }
  std::vector<Timing> timings = race(contestants, 4.0, 7);
  double flops = 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  fmt::print(
      "\n{} cubed, f32, one thread; results checked against a sum in double (error <= {:.0e})\n", n,
      kAllowed);
  for (size_t i = 0; i < timings.size(); ++i) {
    fmt::print("  {:<36} {:>7.1f} GFLOP/s   {:>6.2f} x plain loops", contestants[i].name,
               flops / timings[i].median * 1e-9, timings[i].speed_of_first);
    if (blas.sgemm) {
      fmt::print("   {:>5.2f} x OpenBLAS", timings.back().median / timings[i].median);
    }
    fmt::print("\n");
  }
}

int demo() {
  std::string input =
      std::filesystem::relative(INLAY_SOURCE_DIR "/kernels/gemm/sgemm.inlay").string();
  int cpu = pin_to_one_core();
  bool has_avx512 = inlay_cpu_has_feature("avx512f") == 1;
  inlay_set_num_threads(1);
  fmt::print("Inlay demo: {} for this machine{}\n\n", input,
             cpu >= 0 ? fmt::format(", pinned to CPU {}", cpu) : "");

  Session session(/*no_cache=*/false);
  std::vector<std::unique_ptr<LoadedProgram>> loaded;
  auto build = [&](std::vector<std::string> targets, ParamValues params, std::string* report) {
    BuildRequest request;
    request.input = input;
    request.targets = std::move(targets);
    request.params = std::move(params);
    BuildOutput output = session.driver().build(request);
    if (report) *report = output.report_text;
    loaded.push_back(std::make_unique<LoadedProgram>(output.artifacts[Artifact::SharedObject]));
    return loaded.back().get();
  };
  std::string report;
  const LoadedProgram* native = build({}, {}, &report);
  fmt::print("{}\n", report);

  std::vector<Row> rows{{"plain loops, vectorized by LLVM", "sgemm_loops", native}};
  if (inlay_cpu_has_feature("avx2") == 1 && inlay_cpu_has_feature("fma") == 1) {
    rows.push_back({"4x24 micro-kernel (inline assembly)", "sgemm",
                    build({"x86-64-v3"}, {{"mr", 4}, {"nr", 24}}, nullptr)});
    rows.push_back({"6x16 micro-kernel (intrinsics)", "sgemm",
                    build({"x86-64-v3"}, {{"mr", 6}, {"nr", 16}}, nullptr)});
  }
  if (has_avx512) rows.push_back({"8x32 micro-kernel (AVX-512)", "sgemm", native});
  if (rows.size() == 1) rows.push_back({"Inlay's choice for this machine", "sgemm", native});
  Program program = bind_params(load_program(input), nullptr, {});
  fmt::print("Right first: 61 x 67 x 71 against the interpreter\n");
  for (const Row& row : rows) check_edges(program, row);

  OpenBlas blas;
  if (!blas.sgemm) fmt::print("libopenblas.so.0 can't be loaded: measured without it\n");
  for (int64_t n : {768, 1024}) measure(program, rows, blas, n);
  return kOk;
}

}  // namespace

}  // namespace inlay::cli

int main() {
  try {
    return inlay::cli::demo();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
