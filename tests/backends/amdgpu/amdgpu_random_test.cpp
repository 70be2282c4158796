// Random programs on the emulator: what the host has to do and what becomes kernels is cut out of
// whatever statements come, and gives what the interpreter gives.
#include <gmock/gmock.h>

#include <cstdlib>

#include "core/text/text.h"
#include "core/verify/verify.h"
#include "tests/backends/support/differential.h"
#include "tests/backends/support/gpu_runner.h"
#include "tests/core/support/random_program.h"

namespace inlay::test {
namespace {

CompileUnit lowered_for(const Program& program, const std::string& spec) {
  Target target = backend_for(spec)->resolve_target(spec).value();
  return {target, lower_intrinsics(bind_params(program, &target, {}), &target)};
}

TEST(AmdgpuRandom, RunnableProgramsGiveWhatTheInterpreterGives) {
  int compared = 0;
  std::map<std::string, int> refused;
  for (uint64_t seed = 1000; seed < 1060; ++seed) {
    inlay::testing::RandomProgram random = inlay::testing::random_program({seed, 30, true});
    DifferentialOptions options;
    options.seed = static_cast<uint32_t>(seed);
    options.spec = emulated_gpu();
    // See levels() in amdgpu_exec_test.cpp.
    options.optimization_level =
        std::getenv("INLAY_EMULATOR_CHECK") ? 3 : static_cast<int>(seed % 4);
    std::string difference;
    try {
      difference = compare_with_interpreter(lowered_for(random.program, options.spec), "f",
                                            random.symbols, options);
      ++compared;
    } catch (const CompileError& error) {
      // What only a host can do: grids and allocations that depend on what lies in memory.
      const std::string& rule = error.diagnostics().at(0).rule;
      refused[rule]++;
      if (rule != "host-access" && rule != "kernel-alloc") {
        difference = error.what();
      }
    }
    ASSERT_EQ(difference, "") << "seed " << seed << ", O" << options.optimization_level << "\n"
                              << print(random.program);
  }
  std::string list;
  for (auto& [rule, count] : refused) list += " " + rule + " " + std::to_string(count);
  EXPECT_GT(compared, 25) << "refused:" << list;
}

TEST(AmdgpuRandom, NoProgramBringsItDown) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    inlay::testing::RandomProgram random = inlay::testing::random_program({seed, 20, false});
    CompileOptions options;
    options.optimization_level = static_cast<int>(seed % 4);
    try {
      if (verify(random.program).has_errors()) continue;
      CompileUnit unit = lowered_for(random.program, seed % 2 ? "gfx900" : "gfx906");
      if (verify(unit.lowered.program).has_errors()) continue;
      compile_units({unit}, options);
    } catch (const CompileError& error) {
      EXPECT_NE(error.diagnostics().at(0).rule, "llvm-fatal") << "seed " << seed << error.what();
    }
  }
}

}  // namespace
}  // namespace inlay::test
