// Random programs: those that may be run give what the interpreter gives; no program at all brings
// the backend down.
#include <gmock/gmock.h>

#include "core/text/text.h"
#include "core/verify/verify.h"
#include "tests/backends/support/differential.h"
#include "tests/core/support/random_program.h"

namespace inlay::test {
namespace {

CompileUnit lowered_for(const Program& program, const std::string& spec) {
  Target target = cpu::make_backend()->resolve_target(spec).value();
  return {target, lower_intrinsics(bind_params(program, &target, {}), &target)};
}

TEST(CpuRandom, RunnableProgramsGiveWhatTheInterpreterGives) {
  for (uint64_t seed = 1000; seed < 1150; ++seed) {
    inlay::testing::RandomProgram random = inlay::testing::random_program({seed, 30, true});
    DifferentialOptions options;
    options.seed = static_cast<uint32_t>(seed);
    options.spec = seed % 2 ? "native" : "x86-64";
    options.optimization_level = static_cast<int>(seed % 4);
    std::string difference;
    try {
      difference = compare_with_interpreter(lowered_for(random.program, options.spec), "f",
                                            random.symbols, options);
    } catch (const CompileError& error) {
      difference = error.what();
    }
    ASSERT_EQ(difference, "") << "seed " << seed << ", O" << options.optimization_level << ", "
                              << options.spec << "\n"
                              << print(random.program);
  }
}

TEST(CpuRandom, NoProgramBringsItDown) {
  int compiled = 0, refused = 0;
  std::unique_ptr<Backend> backend = cpu::make_backend();
  for (uint64_t seed = 0; seed < 600; ++seed) {
    inlay::testing::RandomProgram random = inlay::testing::random_program({seed, 20, false});
    CompileOptions options;
    options.optimization_level = static_cast<int>(seed % 4);
    try {
      if (verify(random.program).has_errors()) continue;
      CompileUnit unit = lowered_for(random.program, seed % 2 ? "x86-64-v3" : "aarch64");
      if (verify(unit.lowered.program).has_errors()) continue;
      backend->compile("random", {unit}, options);
      ++compiled;
    } catch (const CompileError& error) {
      ++refused;
      EXPECT_NE(error.diagnostics().at(0).rule, "llvm-fatal") << "seed " << seed << error.what();
    }
  }
  EXPECT_GT(compiled + refused, 0);
}

}  // namespace
}  // namespace inlay::test
