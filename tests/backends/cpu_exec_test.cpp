// Programs compiled for a CPU, loaded by the runtime and run.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "tests/backends/code_object_runner.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr DLDataType kDlF32{kDLFloat, 32, 1};

constexpr const char* kSaxpy = R"(
func saxpy(alpha: f32, X: f32[N], Y: f32[N]) {
  for i in 0..N { Y[i] += alpha * X[i] }
}
)";

TEST(CpuExec, SaxpyRuns) {
  LoadedObject object(compile(kSaxpy, "native"));
  for (int64_t n : {0, 1, 7, 8, 1000}) {
    Tensor<float> x{kDlF32, {n}, std::vector<float>(n, 2.0f)};
    Tensor<float> y{kDlF32, {n}, std::vector<float>(n)};
    std::iota(y.data.begin(), y.data.end(), 0.0f);
    DLTensor xv = x.view(), yv = y.view();
    ASSERT_EQ(object.call("saxpy", {inlay_float(3.0), inlay_tensor(&xv), inlay_tensor(&yv)}),
              INLAY_OK)
        << inlay_last_error();
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(y.data[i], 6.0f + static_cast<float>(i));
  }
}

TEST(CpuExec, TheTypedEntryTakesPlainArguments) {
  LoadedObject object(compile(kSaxpy, "native"));
  auto* saxpy =
      reinterpret_cast<int32_t (*)(float, const DLTensor*, const DLTensor*)>(object.entry("saxpy"));
  Tensor<float> x{kDlF32, {3}, {1, 2, 3}}, y{kDlF32, {3}, {0, 0, 1}};
  DLTensor xv = x.view(), yv = y.view();
  ASSERT_EQ(saxpy(0.5f, &xv, &yv), INLAY_OK) << inlay_last_error();
  EXPECT_THAT(y.data, testing::ElementsAre(0.5f, 1.0f, 2.5f));
  y.shape = {2};
  yv = y.view();
  EXPECT_EQ(saxpy(0.5f, &xv, &yv), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(inlay_last_error(), HasSubstr("saxpy: Y has shape [2]"));
}

TEST(CpuExec, ACodeObjectStandsAlone) {
  DynamicSymbols symbols = dynamic_symbols(compile(kSaxpy, "native"));
  EXPECT_THAT(symbols.undefined, IsEmpty());
  EXPECT_THAT(symbols.exported, UnorderedElementsAre("inlay_code_object", "inlay_saxpy"));
  EXPECT_FALSE(symbols.needs_libraries);
}

}  // namespace
}  // namespace inlay::test
