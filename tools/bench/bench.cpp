// inlay-bench: sgemm over shapes, ours against OpenBLAS in one interleaved run on one pinned core;
// a table, and CSV on request. Speed is judged within one run only: as a ratio.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cmath>

#include "core/text/text.h"
#include "tools/demo/gemm_race.h"

namespace inlay::cli {

namespace {

// Cubes, and the thin and flat shapes that networks bring.
const GemmShape kShapes[] = {
    {16, 16, 16},       {32, 32, 32},       {64, 64, 64},       {96, 96, 96},    {128, 128, 128},
    {256, 256, 256},    {384, 384, 384},    {512, 512, 512},    {768, 768, 768}, {1000, 1000, 1000},
    {1024, 1024, 1024}, {1536, 1536, 1536}, {2048, 2048, 2048}, {49, 512, 512},  {3136, 64, 64},
    {64, 64, 4096},     {12544, 64, 147},   {8, 1024, 1024},
};

struct BenchFlags {
  std::string target = "native", csv;
  double seconds = 1;
};

int bench(const BenchFlags& flags) {
  std::string input = INLAY_SOURCE_DIR "/kernels/gemm/sgemm.inlay";
  int cpu = pin_to_one_core();
  inlay_set_num_threads(1);
  Session session(/*no_cache=*/false);
  BuildRequest request;
  request.input = input;
  request.targets = {flags.target};
  BuildOutput output = session.driver().build(request);
  LoadedProgram loaded(output.artifacts[Artifact::SharedObject]);
  Program program = bind_params(load_program(input), nullptr, {});
  OpenBlas blas;
  fmt::print("sgemm for {}, one thread{}; medians; each result within {:.0e} of a sum in double\n",
             flags.target, cpu >= 0 ? fmt::format(", pinned to CPU {}", cpu) : "", kGemmTolerance);
  if (!blas.sgemm) fmt::print("libopenblas.so.0 can't be loaded: measured without it\n");
  fmt::print("  {:>6} {:>6} {:>6}   {:>8}   {}\n", "M", "N", "K", "GFLOP/s",
             blas.sgemm ? fmt::format("{:>8}   ratio", blas.name) : "");
  std::string csv = "m,n,k,inlay_gflops,openblas_gflops,ratio\n";
  double log_sum = 0;
  for (const GemmShape& shape : kShapes) {
    std::vector<Timing> timings =
        race_gemm(program, {{"sgemm", "sgemm", &loaded}}, blas, shape, flags.seconds);
    double ours = shape.flops() / timings[0].median * 1e-9;
    double theirs = blas.sgemm ? shape.flops() / timings[1].median * 1e-9 : NAN;
    // Round by round, so that a swing of the clock hits both.
    double ratio = blas.sgemm ? 1 / timings[1].speed_of_first : NAN;
    log_sum += std::log(ratio);
    fmt::print("  {:>6} {:>6} {:>6}   {:>8.1f}", shape.m, shape.n, shape.k, ours);
    if (blas.sgemm) fmt::print("   {:>{}.1f}   {:>5.2f}", theirs, blas.name.size(), ratio);
    fmt::print("\n");
    std::fflush(stdout);
    csv += fmt::format("{},{},{},{:.2f},{:.2f},{:.4f}\n", shape.m, shape.n, shape.k, ours, theirs,
                       ratio);
  }
  if (blas.sgemm) {
    fmt::print("  geometric mean of the ratios: {:.3f}\n", std::exp(log_sum / std::size(kShapes)));
  }
  if (!flags.csv.empty()) write_file(flags.csv, csv);
  return kOk;
}

}  // namespace

}  // namespace inlay::cli

int main(int argc, char** argv) {
  using namespace inlay::cli;
  CLI::App app{"Measures Inlay's sgemm against OpenBLAS.", "inlay-bench"};
  BenchFlags flags;
  app.add_option("-t,--target", flags.target, "Target of our side")->capture_default_str();
  app.add_option("--seconds", flags.seconds, "Time for each shape")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  app.add_option("--csv", flags.csv, "Write the figures here as well")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  try {
    return bench(flags);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kFailed;
  }
}
