// Imports through the whole CPU pipeline: parsed, lowered, emitted, linked, optimized, run.
#include <gmock/gmock.h>

#include <cmath>

#include "backends/plugin/report.h"
#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr DLDataType kDlF32{kDLFloat, 32, 1};
constexpr const char* kData = INLAY_SOURCE_DIR "/tests/backends/data/imports";

struct Built {
  std::string code;
  BuildReport report;
};

Built build(const std::string& text, const std::string& spec = "x86-64-v3",
            Artifact artifact = Artifact::SharedObject) {
  CompileOptions options;
  options.artifacts = {artifact};
  CompileResult result = cpu::make_backend()->compile("test", {lower(text, spec)}, options);
  return {result.artifacts.at(artifact), result.reports.at(0)};
}

std::string error_of(const std::string& text, const std::string& spec = "x86-64-v3") {
  try {
    build(text, spec);
  } catch (const CompileError& error) {
    return error.what();
  }
  return "";
}

std::string add_program(const std::string& loop) {
  return std::string("import c \"") + kData + "/add16.c\"\n" +
         "func add(A: f32[N, 16], B: f32[N, 16], C: f32[N, 16]) {\n  import c \"" + kData +
         "/./add16.c\"\n" + loop + "\n}\n";
}

void expect_adds(const Built& built, int64_t n) {
  for (const CallReport& call : built.report.calls) {
    EXPECT_EQ(call.verdict, InlineVerdict::Inlined) << call.reason;
  }
  LoadedObject object(built.code);
  Tensor<float> a{kDlF32, {n, 16}, std::vector<float>(n * 16)}, b = a, c = a;
  for (int64_t i = 0; i < n * 16; ++i) a.data[i] = float(i), b.data[i] = float(1000 - 3 * i);
  DLTensor av = a.view(), bv = b.view(), cv = c.view();
  ASSERT_EQ(object.call("add", {inlay_tensor(&av), inlay_tensor(&bv), inlay_tensor(&cv)}), INLAY_OK)
      << inlay_last_error();
  for (int64_t i = 0; i < n * 16; ++i) ASSERT_EQ(c.data[i], a.data[i] + b.data[i]) << i;
}

class Loops : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Loops, CompiledAndLinkedOnceInlinedInEachCopy) {
  auto [loop, note] = GetParam();
  std::string text = add_program(loop);
  Built built = build(text);
  ASSERT_EQ(built.report.imports.size(), 1u);
  EXPECT_EQ(built.report.imports[0].pragmas.size(), 2u);
  expect_adds(built, 12);
  std::string ir = build(text, "x86-64-v3", Artifact::LlvmIr).code;
  EXPECT_THAT(ir, Not(HasSubstr("uk_add16")));
  EXPECT_THAT(ir, HasSubstr("fadd <8 x float>"));
}

INSTANTIATE_TEST_SUITE_P(
    All, Loops,
    testing::Values(
        std::pair("for i in 0..N { call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0]) }", "Serial"),
        std::pair("unrolled for i in 0..12 { call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0]) }",
                  "Unrolled"),
        std::pair("vectorized for i in 0..12 { call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0]) }",
                  "Vectorized"),
        std::pair("parallel for i in 0..N { call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0]) }",
                  "Parallel"),
        std::pair("parallel for i in 0..3 { unrolled for j in 0..4 {\n"
                  "  call uk_add16(&A[i * 4 + j, 0], &B[i * 4 + j, 0], &C[i * 4 + j, 0]) } }",
                  "Nested")),
    [](const auto& info) { return info.param.second; });

TEST(Programs, StatementScopeAndMachineCode) {
  std::string text = std::string("func add(A: f32[N, 16], B: f32[N, 16], C: f32[N, 16]) {\n") +
                     "  for i in 0..N {\n    import asm \"" + kData +
                     "/add16.s\"\n    call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0])\n  }\n}\n";
  Built built = build(text);
  ASSERT_EQ(built.report.calls.size(), 1u);
  EXPECT_EQ(built.report.calls[0].verdict, InlineVerdict::Called);
  built.report.calls.clear();
  expect_adds(built, 5);
}

TEST(Programs, KernelNamedLikeTheFunctionCallsMath) {
  Built built = build(R"(
import c inline """
float expf(float);
float apply(float x) { return expf(x) * 2.0f; }
"""
func apply(X: f32[N]) { for i in 0..N { X[i] = call f32 apply(X[i]) } }
)");
  LoadedObject object(built.code);
  Tensor<float> x{kDlF32, {3}, {0, 1, 2}};
  DLTensor view = x.view();
  ASSERT_EQ(object.call("apply", {inlay_tensor(&view)}), INLAY_OK) << inlay_last_error();
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(x.data[i], std::exp(float(i)) * 2);
  EXPECT_THAT(dynamic_symbols(built.code).undefined, testing::IsEmpty());
}

TEST(Programs, MachineCodeThatCallsMath) {
  Built built = build(R"(
import asm inline """
  .globl uk_exp
uk_exp:
  pushq %rbx
  call expf@PLT
  popq %rbx
  ret
"""
func apply(X: f32[N]) { for i in 0..N { X[i] = call f32 uk_exp(X[i]) } }
)");
  LoadedObject object(built.code);
  Tensor<float> x{kDlF32, {3}, {0, 1, 2}};
  DLTensor view = x.view();
  ASSERT_EQ(object.call("apply", {inlay_tensor(&view)}), INLAY_OK) << inlay_last_error();
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(x.data[i], std::exp(float(i)));
}

TEST(Programs, MutableGlobalKeepsItsValueBetweenCalls) {
  Built built = build(R"(
import c inline """static int count = 10; int uk_next(void) { return count++; }"""
func next(X: i32[N]) { for i in 0..N { X[i] = call i32 uk_next() } }
)");
  LoadedObject object(built.code);
  Tensor<int32_t> x{{kDLInt, 32, 1}, {2}, {0, 0}};
  DLTensor view = x.view();
  ASSERT_EQ(object.call("next", {inlay_tensor(&view)}), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(object.call("next", {inlay_tensor(&view)}), INLAY_OK) << inlay_last_error();
  EXPECT_THAT(x.data, testing::ElementsAre(12, 13));
}

TEST(Programs, ErrorsStandAtTheirPlaceInTheText) {
  std::string clang = error_of(
      "import c inline \"\"\"int uk(void) {\n  return oops;\n}\"\"\"\n"
      "func f(X: i32[1]) { X[0] = call i32 uk() }\n");
  EXPECT_THAT(clang, HasSubstr("test.inlay:2:10: error: import c inline at test.inlay:1 does not "
                               "compile: use of undeclared identifier 'oops'"));
  std::string first_line = error_of(
      "import c inline \"\"\"int uk(void) { return oops; }\"\"\"\n"
      "func f(X: i32[1]) { X[0] = call i32 uk() }\n");
  EXPECT_THAT(first_line, HasSubstr("test.inlay:1:42: error"));
  std::string signature = error_of(
      "import c inline \"\"\"float uk(float x) { return x; }\"\"\"\n"
      "func f(X: f64[1]) {\n  X[0] = f64(call f32 uk(X[0]))\n}\n");
  EXPECT_THAT(signature, HasSubstr("test.inlay:3:14: error: call of `uk` in f: parameter 1 (`x`): "
                                   "the call passes f64, the symbol takes float"));
}

TEST(Programs, LabelThatTheOptimizerCopied) {
  std::string text = R"(
import c inline """
void uk(float* p) { __asm__ volatile("jmp there\nthere:\n" : : "r"(p) : "memory"); }
"""
func f(X: f32[8]) { unrolled for i in 0..8 { call uk(&X[i]) } }
)";
  std::string error = error_of(text);
  EXPECT_THAT(error, HasSubstr("test.inlay:3:"));
  EXPECT_THAT(error, HasSubstr("there"));
  EXPECT_THAT(error, HasSubstr("%="));
}

TEST(Programs, ReportForPeopleAndScripts) {
  Built built = build(add_program("for i in 0..N { call uk_add16(&A[i, 0], &B[i, 0], &C[i, 0]) }"));
  std::string text = render_text(built.report);
  EXPECT_THAT(text, HasSubstr("target x86-64-v3"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +0 +c +[^ ]*add16\\.c +before optimization"));
  EXPECT_THAT(text,
              testing::ContainsRegex("\n +add +uk_add16 +#0 +test\\.inlay:[0-9]+:[0-9]+ +inlined"));
  // Columns: every verdict starts where its heading does.
  size_t heading = text.find("verdict"), verdict = text.find("inlined");
  EXPECT_EQ(heading - text.rfind('\n', heading), verdict - text.rfind('\n', verdict));
  std::string json = render_json({built.report});
  EXPECT_THAT(json, HasSubstr("\"verdict\": \"inlined\""));
  EXPECT_THAT(json, HasSubstr("\"stage\": \"before optimization\""));
  EXPECT_THAT(json, HasSubstr("\"kind\": \"c\""));
}

}  // namespace
}  // namespace inlay::test
