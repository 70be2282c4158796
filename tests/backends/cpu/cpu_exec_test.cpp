// Programs compiled for a CPU, loaded by the runtime and run.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <thread>

#include "tests/backends/support/code_object_runner.h"

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

TEST(CpuExec, AnAssertFailsWithItsMessageAndReleasesWhatIsLive) {
  LoadedObject object(compile(R"(
func f(n: index, R: f32[1]) {
  alloc a: f32[n]
  parallel for i in 0..4 {
    alloc b: f32[100]
    b[0] = f32(i)
    assert n < 10, "n is too large"
  }
  R[0] = 1.0
})",
                              "native"));
  Tensor<float> r{kDlF32, {1}, {0}};
  DLTensor view = r.view();
  ASSERT_EQ(object.call("f", {inlay_int(3), inlay_tensor(&view)}), INLAY_OK);
  EXPECT_EQ(r.data[0], 1.0f);
  r.data[0] = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    ASSERT_EQ(object.call("f", {inlay_int(10), inlay_tensor(&view)}), INLAY_ERROR_ASSERT);
    ASSERT_STREQ(inlay_last_error(), "f: n is too large");
  }
  EXPECT_EQ(r.data[0], 0.0f);
}

TEST(CpuExec, AllocationsThatCannotBeAreErrors) {
  LoadedObject object(compile(R"(
func f(n: index, R: f32[1]) {
  alloc a: f32[n, n]
  a[0, 0] = 1.0
  R[0] = a[0, 0]
})",
                              "native"));
  Tensor<float> r{kDlF32, {1}, {0}};
  DLTensor view = r.view();
  EXPECT_EQ(object.call("f", {inlay_int(int64_t{1} << 40), inlay_tensor(&view)}),
            INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(inlay_last_error(), "f: the size of buffer `a` is negative or overflows");
  EXPECT_EQ(object.call("f", {inlay_int(-1), inlay_tensor(&view)}), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(object.call("f", {inlay_int(int64_t{1} << 30), inlay_tensor(&view)}),
            INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(object.call("f", {inlay_int(4), inlay_tensor(&view)}), INLAY_OK);
}

TEST(CpuExec, MathFunctionsGoThroughTheRuntimesLibm) {
  std::string elf = compile(R"(
func f(A: f32[4], R: f32[5, 4], D: f64[4], H: f16[4]) {
  for i in 0..4 {
    R[0, i] = exp(A[i])
    R[1, i] = log(A[i])
    R[2, i] = pow(A[i], 1.5)
    D[i] = sin(f64(A[i]))
    H[i] = f16(cos(f16(A[i])))
  }
  R[3, ramp(0, 1, 4)] = sin(A[ramp(0, 1, 4)])
})",
                            "native");
  EXPECT_THAT(dynamic_symbols(elf).undefined, IsEmpty());
  LoadedObject object(elf);
  Tensor<float> a{kDlF32, {4}, {0.25f, 1.0f, 2.5f, 7.0f}},
      r{kDlF32, {5, 4}, std::vector<float>(20)};
  Tensor<double> d{{kDLFloat, 64, 1}, {4}, std::vector<double>(4)};
  Tensor<_Float16> h{{kDLFloat, 16, 1}, {4}, std::vector<_Float16>(4)};
  DLTensor av = a.view(), rv = r.view(), dv = d.view(), hv = h.view();
  ASSERT_EQ(object.call(
                "f", {inlay_tensor(&av), inlay_tensor(&rv), inlay_tensor(&dv), inlay_tensor(&hv)}),
            INLAY_OK)
      << inlay_last_error();
  for (int i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(r.data[i], std::exp(a.data[i]));
    EXPECT_FLOAT_EQ(r.data[4 + i], std::log(a.data[i]));
    EXPECT_FLOAT_EQ(r.data[8 + i], std::pow(a.data[i], 1.5f));
    EXPECT_FLOAT_EQ(r.data[12 + i], std::sin(a.data[i]));
    EXPECT_DOUBLE_EQ(d.data[i], std::sin(double{a.data[i]}));
    EXPECT_EQ(h.data[i], static_cast<_Float16>(std::cos(a.data[i])));
  }
}

TEST(CpuExec, OnlyWhatIsWrittenMayNotOverlap) {
  LoadedObject object(compile(R"(
func f(A: f32[N], B: f32[N], C: f32[N]) {
  parallel for i in 0..N { C[i] = A[i] + B[i] }
})",
                              "native"));
  const InlayFunction& f = inlay_module_object(object.module())->functions[0];
  EXPECT_EQ(f.params[0].flags, static_cast<uint32_t>(INLAY_PARAM_READ));
  EXPECT_EQ(f.params[1].flags, static_cast<uint32_t>(INLAY_PARAM_READ));
  EXPECT_EQ(f.params[2].flags, static_cast<uint32_t>(INLAY_PARAM_WRITTEN));
  Tensor<float> a{kDlF32, {3}, {1, 2, 3}}, c{kDlF32, {3}, {0, 0, 0}};
  DLTensor av = a.view(), cv = c.view();
  EXPECT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&av), inlay_tensor(&cv)}), INLAY_OK);
  EXPECT_THAT(c.data, testing::ElementsAre(2, 4, 6));
  EXPECT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&cv), inlay_tensor(&cv)}),
            INLAY_ERROR_INVALID_ARGUMENT);
}

TEST(CpuExec, ShapeExpressionsAreCheckedAtTheCall) {
  LoadedObject object(compile(R"(
func f(A: f32[N, 2 * N + 1], B: f32[(N + 3) / 4, k], k: index) { B[0, 0] = A[0, 0] })",
                              "native"));
  Tensor<float> a{kDlF32, {2, 5}, std::vector<float>(10, 7.0f)};
  Tensor<float> b{kDlF32, {1, 3}, std::vector<float>(3)};
  DLTensor av = a.view(), bv = b.view();
  EXPECT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&bv), inlay_int(3)}), INLAY_OK)
      << inlay_last_error();
  EXPECT_EQ(b.data[0], 7.0f);
  EXPECT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&bv), inlay_int(4)}),
            INLAY_ERROR_INVALID_ARGUMENT);
}

TEST(CpuExec, InlineAssembly) {
#if defined(__x86_64__)
  LoadedObject object(compile(R"(
func f(R: i64[3], x: i64) {
  R[0] = asm i64("lea 5($1), $0", "=r,r", x)
  R[1] = asm volatile i64("mov $1, $0", "=r,*m", &R[0])
  asm("movq $$77, $0", "=*m,~{memory}", &R[2])
})",
                              "native"));
  Tensor<int64_t> r{{kDLInt, 64, 1}, {3}, {0, 0, 0}};
  DLTensor view = r.view();
  ASSERT_EQ(object.call("f", {inlay_tensor(&view), inlay_int(37)}), INLAY_OK) << inlay_last_error();
  EXPECT_THAT(r.data, testing::ElementsAre(42, 42, 77));
#else
  GTEST_SKIP() << "the assembly is x86-64's";
#endif
}

TEST(CpuExec, VariantsShareOneObjectAndTheBestIsChosen) {
  std::unique_ptr<Backend> backend = cpu::make_backend();
  std::vector<CompileUnit> units{lower(kSaxpy, "x86-64-v4"), lower(kSaxpy, "x86-64-v3"),
                                 lower(kSaxpy, "x86-64")};
  CompileResult result = backend->compile("saxpy", units, {});
  EXPECT_EQ(result.reports.size(), 3u);
  EXPECT_TRUE(result.warnings.all().empty());
#if defined(__x86_64__)
  LoadedObject object(result.artifacts.at(Artifact::SharedObject));
  const char* expected = inlay_cpu_has_feature("avx512vl") ? "x86-64-v4"
                         : inlay_cpu_has_feature("avx2")   ? "x86-64-v3"
                                                           : "x86-64";
  EXPECT_STREQ(inlay_module_variant(object.module())->name, expected);
  Tensor<float> x{kDlF32, {3}, {1, 2, 3}}, y{kDlF32, {3}, {0, 0, 1}};
  DLTensor xv = x.view(), yv = y.view();
  ASSERT_EQ(object.call("saxpy", {inlay_float(2), inlay_tensor(&xv), inlay_tensor(&yv)}), INLAY_OK);
  EXPECT_THAT(y.data, testing::ElementsAre(2, 4, 7));
#endif
  std::swap(units[0], units[2]);
  result = backend->compile("saxpy", units, {});
  ASSERT_EQ(result.warnings.all().size(), 2u);
  EXPECT_EQ(result.warnings.all()[0].rule, "unreachable-variant");
}

TEST(CpuExec, DebugInformationTellsLines) {
  CompileOptions options;
  options.debug_info = true;
  const char* text = R"(
func f(A: f32[N], R: f32[N]) {
  parallel for i in 0..N {
    alloc t: f32[1]
    t[0] = exp(A[i])
    R[i] = t[0]
  }
  assert N > 0, "nothing to do"
})";
  LoadedObject object(compile(text, "native", Artifact::SharedObject, options));
  Tensor<float> a{kDlF32, {2}, {0, 0}}, r{kDlF32, {2}, {0, 0}};
  DLTensor av = a.view(), rv = r.view();
  ASSERT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&rv)}), INLAY_OK);
  EXPECT_THAT(r.data, testing::ElementsAre(1, 1));
  std::string code = compile(text, "native", Artifact::Assembly, options);
  EXPECT_THAT(code, HasSubstr("test.inlay:6:5"));
  EXPECT_THAT(code, HasSubstr(".debug_info"));
  EXPECT_THAT(compile(text, "native", Artifact::Assembly), testing::Not(HasSubstr(".loc")));
}

TEST(CpuExec, SeveralThreadsMayCompile) {
  std::unique_ptr<Backend> backend = cpu::make_backend();
  std::vector<std::string> objects(6);
  std::vector<std::thread> threads;
  for (std::string& object : objects) {
    threads.emplace_back([&] {
      CompileResult result = backend->compile("saxpy", {lower(kSaxpy, "x86-64-v3")}, {});
      object = result.artifacts.at(Artifact::SharedObject);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& object : objects) EXPECT_EQ(object, objects[0]);
}

// ---- what is refused ----

std::string rule_of(const std::string& text, const std::string& spec = "x86-64-v3") {
  try {
    compile(text, spec);
  } catch (const CompileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("test.inlay:")) << text;
    return error.diagnostics().at(0).rule;
  }
  return "compiled";
}

TEST(CpuErrors, EachNamesItsPlace) {
  EXPECT_EQ(rule_of("func f(A: f32[N]) { lane(x) for i in 0..8 { A[i] = 0.0 barrier } }"),
            "unsupported");
  EXPECT_EQ(rule_of("func f(n: index, A: f32[N]) { alloc t: f32[n] in private t[0] = 1.0 }"),
            "private-shape");
  EXPECT_EQ(rule_of("func f(A: f32[N]) { alloc t: f32[100, 1000] in private t[0, 0] = 1.0 }"),
            "stack-limit");
  EXPECT_EQ(rule_of("func f(A: i64[N]) { A[0] = asm i64(\"nop\", \"=r,r\") }"), "inline-asm");
  EXPECT_EQ(rule_of("func f(A: i64[N]) {\n  A[0] = asm i64(\"frobnicate $0\", \"=r\")\n}"),
            "inline-asm");
  EXPECT_EQ(rule_of("func f(A: i64[N]) {\n  asm(\"vaddps %zmm0, %zmm1, %zmm2\", \"\")\n}"),
            "import-missing-feature");
  EXPECT_EQ(rule_of("func f(A: f32[N, N & 3]) { A[0, 0] = 1.0 }"), "shape-expression");
  EXPECT_EQ(rule_of("func code_object(A: f32[N]) { A[0] = 1.0 }"), "name-clash");
  EXPECT_EQ(rule_of("func f(A: f32[N]) { call \"llvm.trap\"() }"), "extern-symbol");
  EXPECT_EQ(rule_of("func f(A: f32[N]) { call \"inlay.state\"() }"), "extern-symbol");
}

}  // namespace
}  // namespace inlay::test
