// The demo: SGEMM from kernels/gemm/sgemm.inlay, compiled for this machine, proven, checked, and
// measured against plain loops and OpenBLAS in one run on one core; and the same for a GPU, on the
// emulator.
#include <fmt/format.h>

#include <filesystem>

#include "core/text/text.h"
#include "tools/demo/gemm_race.h"

namespace inlay::cli {

namespace {

// Odd sizes against the interpreter, which decides what is right.
void check_edges(const Program& program, const GemmRow& row) {
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

// The same function for a GPU that is not here: the emulator runs its machine code, and checks each
// step.
void check_on_vega(Session& session, const std::string& input) {
  const char* const gpu = "gfx900";
  setenv("INLAY_EMULATOR_CHECK", "all", 0);
  try {
    BuildRequest request;
    request.input = input;
    request.targets = {gpu};
    Target target = session.plugins().resolve(gpu);
    DLDevice device = pick_device("emulator", true, gpu);
    LoadedProgram loaded(session.driver().build(request).artifacts[Artifact::SharedObject]);
    Program program = bind_params(load_program(input), &target, {});
    const Function& function = pick_function(program, "sgemm");
    Arguments arguments(function, {{"M", "61"}, {"N", "67"}, {"K", "71"}}, 1);
    std::vector<TensorArgument> expected = clone(arguments.tensors());
    interpret(program, function, arguments.interpreter_values(expected));
    DeviceArguments there(arguments, device);
    there.call(loaded.function("sgemm"));
    there.fetch();
    Difference difference = compare(arguments.tensors()[2], expected[2]);
    bool right = difference.relative <= default_tolerance(kF32);
    fmt::print("  {:<36} {}, error {:.1g}\n", "Vega (gfx900), emulated, all checks",
               right ? "ok" : "WRONG", difference.relative);
  } catch (const CompileError& error) {
    fmt::print("  Vega (gfx900): not run: {}\n", error.what());
  }
}

void measure(const Program& program, const std::vector<GemmRow>& rows, const OpenBlas& blas,
             const GemmShape& shape) {
  std::vector<Timing> timings = race_gemm(program, rows, blas, shape, 4.0);
  fmt::print("\n{} cubed, f32, one thread; each result within {:.0e} of a sum in double\n", shape.m,
             kGemmTolerance);
  for (size_t i = 0; i < timings.size(); ++i) {
    fmt::print("  {:<36} {:>7.1f} GFLOP/s   {:>6.2f} x plain loops",
               i < rows.size() ? rows[i].label : blas.name,
               shape.flops() / timings[i].median * 1e-9, timings[i].speed_of_first);
    if (blas.sgemm) {
      // Through ratios of one round each: the clock may swing between rounds.
      fmt::print("   {:>5.2f} x OpenBLAS",
                 timings[i].speed_of_first / timings.back().speed_of_first);
    }
    fmt::print("\n");
  }
}

int demo() {
  auto path = [](const char* file) {
    return std::filesystem::relative(std::string(INLAY_SOURCE_DIR "/kernels/gemm/") + file)
        .string();
  };
  std::string input = path("sgemm.inlay"), panels = path("sgemm_panels.inlay");
  int cpu = pin_to_one_core();
  bool has_avx512 = inlay_cpu_has_feature("avx512f") == 1;
  inlay_set_num_threads(1);
  fmt::print("Inlay demo: {} for this machine{}\n\n", input,
             cpu >= 0 ? fmt::format(", pinned to CPU {}", cpu) : "");

  Session session(/*no_cache=*/false);
  std::vector<std::unique_ptr<LoadedProgram>> loaded;
  auto build = [&](const std::string& file, std::vector<std::string> targets, ParamValues params,
                   std::string* report) {
    BuildRequest request;
    request.input = file;
    request.targets = std::move(targets);
    request.params = std::move(params);
    BuildOutput output = session.driver().build(request);
    if (report) *report = output.report_text;
    loaded.push_back(std::make_unique<LoadedProgram>(output.artifacts[Artifact::SharedObject]));
    return loaded.back().get();
  };
  std::string report;
  const LoadedProgram* native = build(input, {}, {}, &report);
  fmt::print("{}\n", report);

  std::vector<GemmRow> rows{
      {"plain loops, vectorized by LLVM", "sgemm_loops", build(panels, {}, {}, nullptr)}};
  if (inlay_cpu_has_feature("avx2") == 1 && inlay_cpu_has_feature("fma") == 1) {
    rows.push_back({"4x24 micro-kernel (inline assembly)", "sgemm_panels",
                    build(panels, {"x86-64-v3"}, {{"mr", 4}, {"nr", 24}}, nullptr)});
    rows.push_back({"6x16 micro-kernel (AVX2)", "sgemm", build(input, {"x86-64-v3"}, {}, nullptr)});
  }
  if (has_avx512) rows.push_back({"6x64 micro-kernel (AVX-512)", "sgemm", native});
  if (rows.size() == 1) rows.push_back({"Inlay's choice for this machine", "sgemm", native});
  // All functions have the parameters of the first.
  Program program = bind_params(load_program(panels), nullptr, {});
  program.items.push_back(*bind_params(load_program(input), nullptr, {}).find_function("sgemm"));
  fmt::print("Right first: 61 x 67 x 71 against the interpreter\n");
  for (const GemmRow& row : rows) check_edges(program, row);
  check_on_vega(session, input);

  OpenBlas blas;
  if (!blas.sgemm) fmt::print("libopenblas.so.0 can't be loaded: measured without it\n");
  for (int64_t n : {768, 1024}) measure(program, rows, blas, {n, n, n});
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
