// What must work: every kind of import, linked once, inlined, and right when it runs.
#include <cmath>
#include <thread>

#include "tests/backends/imports/imports_fixture.h"

namespace inlay::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Call add16() {
  return {.symbol = "uk_add16", .args = {kPointer, kPointer, kPointer}};
}

void expect_adds(const Outcome& out) {
  ASSERT_TRUE(out.ok()) << out.text;
  ASSERT_NE(out.address, nullptr);
  float a[16], b[16], c[16] = {};
  for (int i = 0; i < 16; ++i) a[i] = float(i), b[i] = float(100 * i);
  out.as<void(const float*, const float*, float*)>()(a, b, c);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(c[i], 101.0f * float(i)) << i;
}

void expect_inlined(const Outcome& out) {
  ASSERT_TRUE(out.ok()) << out.text;
  for (const CallReport& call : out.report.calls) {
    EXPECT_EQ(call.verdict, InlineVerdict::Inlined) << call.symbol << ": " << call.reason;
  }
  EXPECT_THAT(out.optimized, Not(HasSubstr("inlay.call !")));
  EXPECT_THAT(out.linked, Not(HasSubstr("@inlay.import.0.uk")));
}

class Kinds : public testing::TestWithParam<std::pair<ImportKind, const char*>> {};

TEST_P(Kinds, InlinedAndRight) {
  auto [kind, path] = GetParam();
  Outcome out = Bench().file(kind, path).call(add16()).run();
  expect_inlined(out);
  expect_adds(out);
  ASSERT_EQ(out.report.imports.size(), 1u);
  EXPECT_EQ(out.report.imports[0].stage, "before optimization");
  EXPECT_EQ(out.report.imports[0].kind, kind);
  EXPECT_THAT(out.report.imports[0].symbols, testing::Contains("uk_add16"));
}

TEST_P(Kinds, TheSameInline) {
  auto [kind, path] = GetParam();
  std::string code = read_text(data_folder() + "/" + path);
  Outcome out = Bench().text(kind, code).include(data_folder()).call(add16()).run();
  ASSERT_TRUE(out.ok()) << out.text;
  expect_inlined(out);
  expect_adds(out);
  EXPECT_THAT(out.report.imports[0].source, HasSubstr("inline at program.inlay:"));
}

INSTANTIATE_TEST_SUITE_P(All, Kinds,
                         testing::Values(std::pair(ImportKind::C, "add16.c"),
                                         std::pair(ImportKind::Cxx, "add16.cpp"),
                                         std::pair(ImportKind::Llvm, "add16.ll"),
                                         std::pair(ImportKind::C, "add16_inline_asm.c")),
                         [](const auto& info) {
                           std::string name = info.param.second;
                           for (char& c : name)
                             c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

TEST(LinkWorks, Bitcode) {
  std::string folder = scratch_folder();
  shell(INLAY_LLVM_TOOLS "/llvm-as " + data_folder() + "/add16.ll -o " + folder + "/add16.bc");
  Outcome out =
      Bench().file(ImportKind::Bitcode, "add16.bc", {}, false, folder).call(add16()).run();
  expect_inlined(out);
  expect_adds(out);
}

TEST(LinkWorks, AssemblyObjectAndArchiveAreLinkedAndCalled) {
  std::string folder = scratch_folder();
  shell(std::string(INLAY_CLANG) + " -c " + data_folder() + "/add16.s -o " + folder + "/add16.o");
  shell(INLAY_LLVM_TOOLS "/llvm-ar rc " + folder + "/libadd16.a " + folder + "/add16.o");
  struct Row {
    ImportKind kind;
    std::string path, folder;
  };
  for (const Row& row :
       {Row{ImportKind::Asm, "add16.s", data_folder()}, Row{ImportKind::Object, "add16.o", folder},
        Row{ImportKind::Archive, "libadd16.a", folder}}) {
    Outcome out = Bench().file(row.kind, row.path, {}, false, row.folder).call(add16()).run();
    ASSERT_TRUE(out.ok()) << out.text;
    ASSERT_EQ(out.link.native.size(), 1u);
    EXPECT_EQ(out.report.imports[0].stage, "final link");
    EXPECT_THAT(out.report.imports[0].symbols, ElementsAre("uk_add16"));
    EXPECT_EQ(out.report.calls[0].verdict, InlineVerdict::Called);
    EXPECT_THAT(out.report.calls[0].reason, HasSubstr(to_string(row.kind)));
    EXPECT_THAT(out.linked, HasSubstr("call void @uk_add16("));
    if (row.kind != ImportKind::Archive) expect_adds(out);
  }
}

TEST(LinkWorks, PreprocessedAssembly) {
  std::string folder = scratch_folder();
  write_text(
      folder + "/k.S",
      "#define NAME uk_seven\n#include \"seven.h\"\n.globl NAME\nNAME:\n  movl $SEVEN, %eax\n"
      "  ret\n");
  write_text(folder + "/seven.h", "#define SEVEN 7\n");
  Outcome out = Bench()
                    .file(ImportKind::Asm, "k.S", {}, false, folder)
                    .call({.symbol = "uk_seven", .args = {}, .result = kI32})
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_EQ(out.as<int()>()(), 7);
}

TEST(LinkWorks, AArch64WithoutASysroot) {
  Outcome out = Bench("aarch64").file(ImportKind::C, "add16_neon.c").call(add16()).run();
  expect_inlined(out);
  EXPECT_THAT(out.optimized, HasSubstr("fadd <4 x float>"));
}

TEST(LinkWorks, FeaturesOfIntrinsicsAreReported) {
  Outcome out =
      Bench()
          .text(ImportKind::C,
                "#include <immintrin.h>\n"
                "void uk(float* a) {\n"
                "  __m256 x = _mm256_loadu_ps(a);\n"
                "  x = _mm256_fmadd_ps(x, x, _mm256_shuffle_ps(x, x, 1));\n"
                "  _mm256_storeu_ps(a, _mm256_permutevar8x32_ps(x, _mm256_setzero_si256()));\n}\n")
          .call({.symbol = "uk", .args = {kPointer}})
          .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_THAT(out.report.imports[0].features_needed, ElementsAre("avx", "avx2", "fma"));
  EXPECT_THAT(out.report.imports[0].features_had, ElementsAre("avx", "avx2", "fma"));
  out = Bench()
            .text(ImportKind::C, "int uk(int x) { return x; }\n")
            .call({.symbol = "uk", .args = {kI32}, .result = kI32})
            .run();
  EXPECT_THAT(out.report.imports[0].features_needed, testing::IsEmpty());
}

TEST(LinkWorks, FlagsOfAssembly) {
  Outcome out =
      Bench()
          .text(ImportKind::Asm, ".globl uk\nuk:\n  movl $SEVEN, %eax\n  ret\n", {"-DSEVEN=7"})
          .call({.symbol = "uk", .args = {}, .result = kI32})
          .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_EQ(out.as<int()>()(), 7);
}

TEST(LinkWorks, AArch64BitcodeAsClangWritesIt) {
  std::string folder = scratch_folder();
  shell(std::string(INLAY_CLANG) + " --target=aarch64-linux-gnu -O1 -ffreestanding -emit-llvm -c " +
        data_folder() + "/add16_neon.c -o " + folder + "/k.bc");
  Outcome out =
      Bench("aarch64").file(ImportKind::Bitcode, "k.bc", {}, false, folder).call(add16()).run();
  expect_inlined(out);
}

struct KernelRow {
  const char* path;
  const char* symbol;
  int mr, nr;
  std::vector<std::string> features;
};

// The tree's own micro-kernels, one in intrinsics, one in inline assembly.
TEST(LinkWorks, SgemmMicroKernels) {
  for (const KernelRow& row :
       {KernelRow{"sgemm_6x16_avx2.c", "uk_sgemm_f32_6x16_avx2", 6, 16, {"avx", "fma"}},
        KernelRow{"sgemm_4x24_avx2.c", "uk_sgemm_f32_4x24_avx2", 4, 24, {"avx", "fma"}}}) {
    Call call{.symbol = row.symbol, .args = {kIndex, kPointer, kPointer, kPointer, kIndex}};
    call.copies = 2;
    auto bench = [&](const char* target) {
      return Bench(target)
          .file(ImportKind::C, row.path, {}, false, INLAY_SOURCE_DIR "/kernels/gemm/x86_64")
          .call(call)
          .run();
    };
    Outcome out = bench("x86-64-v3");
    expect_inlined(out);
    for (const std::string& feature : row.features) {
      EXPECT_THAT(out.report.imports[0].features_needed, testing::Contains(feature));
    }
    int64_t k = 37, ldc = row.nr + 3;
    std::vector<float> a(k * row.mr), b(k * row.nr), c(row.mr * ldc, 1.0f), expected = c;
    for (size_t i = 0; i < a.size(); ++i) a[i] = float(i % 7) - 3;
    for (size_t i = 0; i < b.size(); ++i) b[i] = float(i % 5) - 2;
    for (int64_t p = 0; p < k; ++p) {
      for (int i = 0; i < row.mr; ++i) {
        for (int j = 0; j < row.nr; ++j) {
          expected[i * ldc + j] += 2 * a[p * row.mr + i] * b[p * row.nr + j];
        }
      }
    }
    out.as<void(int64_t, const float*, const float*, float*, int64_t)>()(k, a.data(), b.data(),
                                                                         c.data(), ldc);
    EXPECT_EQ(c, expected);
    Outcome old = bench("x86-64-v2");
    ASSERT_FALSE(old.ok());
    EXPECT_THAT(old.text, HasSubstr("fma"));
  }
}

// ---- written by others ----

class OtherWriters : public testing::TestWithParam<const char*> {};

TEST_P(OtherWriters, IrAndBitcodeOfClang14) {
  if (std::string(INLAY_CLANG_14).find("NOTFOUND") != std::string::npos) {
    GTEST_SKIP() << "needs clang-14, which was not there when the build was configured";
  }
  std::string folder = scratch_folder();
  std::string base = std::string(INLAY_CLANG_14) + " -mavx2 -ffreestanding -emit-llvm " +
                     GetParam() + " " + data_folder() + "/add16.c -o " + folder;
  shell(base + "/k.ll -S");
  shell(base + "/k.bc -c");
  for (bool text : {true, false}) {
    Outcome out = Bench()
                      .file(text ? ImportKind::Llvm : ImportKind::Bitcode, text ? "k.ll" : "k.bc",
                            {}, false, folder)
                      .call(add16())
                      .run();
    ASSERT_TRUE(out.ok()) << out.text;
    expect_inlined(out);
    expect_adds(out);
    EXPECT_THAT(out.report.imports[0].features_needed, testing::Contains("avx2"));
    EXPECT_THAT(out.report.imports[0].features_had, testing::Contains("avx2"));
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, OtherWriters,
                         testing::Values("-O2", "-O0", "-O0 -g", "-O2 -g -fPIC"));

TEST(LinkWorks, OwnFlagsMayAskForO0AndDebugInfo) {
  for (const char* flags : {"-O0", "-g", "-O0 -g"}) {
    Outcome out = Bench().file(ImportKind::C, "add16.c", {flags}).call(add16()).run();
    expect_inlined(out);
    expect_adds(out);
    EXPECT_THAT(out.linked, Not(HasSubstr("optnone")));
    EXPECT_THAT(out.linked, Not(HasSubstr("DISubprogram")));
  }
}

TEST(LinkWorks, DebugInfoIsKeptWhenAskedFor) {
  for (ImportKind kind : {ImportKind::C, ImportKind::Llvm}) {  // with and without its own
    bool c = kind == ImportKind::C;
    Outcome out = Bench().file(kind, c ? "add16.c" : "add16.ll").call(add16()).debug_info().run();
    expect_inlined(out);
    expect_adds(out);
    EXPECT_EQ(out.linked.find("DISubprogram(name: \"uk_add16\"") != std::string::npos, c);
  }
}

// ---- names and data ----

TEST(LinkWorks, StaticHelpersOfOneName) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "static int helper(int x) { return x + 1; }\n"
                          "int uk_a(int x) { return helper(x); }\n")
                    .text(ImportKind::C,
                          "static int helper(int x) { return x * 100; }\n"
                          "int uk_b(int x) { return helper(x); }\n")
                    .call({.symbol = "uk_a", .args = {kI32}, .result = kI32, .function = "g"})
                    .call({.symbol = "uk_b", .args = {kI32}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int(int)>()(5), 500);
}

TEST(LinkWorks, PrivateConstantTable) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "static const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};\n"
                          "int uk_pi(long i) { return table[i & 7]; }\n")
                    .text(ImportKind::C,
                          "static const int table[2] = {2, 7};\n"
                          "int uk_e(long i) { return table[i & 1]; }\n")
                    .call({.symbol = "uk_e", .args = {kIndex}, .result = kI32, .function = "g"})
                    .call({.symbol = "uk_pi", .args = {kIndex}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int(int64_t)>()(5), 9);
}

TEST(LinkWorks, MutableGlobalHasOneInstance) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "int counter = 40;\n"
                          "int uk_next(void) { return ++counter; }\n")
                    .text(ImportKind::C,
                          "extern int counter;\n"
                          "int uk_more(void) { return counter += 10; }\n")
                    .call({.symbol = "uk_next", .args = {}, .result = kI32})
                    .call({.symbol = "uk_more", .args = {}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int()>()(), 51);
  EXPECT_EQ(out.as<int()>()(), 62);
}

TEST(LinkWorks, CallsMathFunctions) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "float expf(float);\n"
                          "float uk_exp(float x) { return expf(x) + 1.0f; }\n")
                    .call({.symbol = "uk_exp", .args = {kF32}, .result = kF32})
                    .run();
  expect_inlined(out);
  EXPECT_THAT(out.linked, HasSubstr("declare float @expf(float"));
  EXPECT_FLOAT_EQ(out.as<float(float)>()(1.5f), std::exp(1.5f) + 1.0f);
}

TEST(LinkWorks, NamedLikeTheFunctionAndLikeLibc) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "int f(int x) { return x + 1; }\n"
                          "double expf(double x) { return -x; }\n")
                    .call({.symbol = "expf", .args = {kF64}, .result = kF64, .function = "g"})
                    .call({.symbol = "f", .args = {kI32}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int(int)>()(41), 42);
}

TEST(LinkWorks, TextThatLooksLikeAPath) {
  std::string code = read_text(data_folder() + "/add16.ll") + "; kernels/add16.ll";
  Outcome out = Bench().text(ImportKind::Llvm, code).call(add16()).run();
  expect_inlined(out);
  expect_adds(out);
}

TEST(LinkWorks, HelpersAreInlinedToo) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "static int twice(int x);\n"
                          "int uk_f(int x) { return twice(x) + twice(x + 1); }\n"
                          "int shared(int x) { return x * 2; }\n"
                          "static int twice(int x) { return shared(x); }\n",
                          {"-O0"})
                    .call({.symbol = "uk_f", .args = {kI32}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_THAT(out.linked, Not(HasSubstr("@inlay.import.")));
  EXPECT_EQ(out.as<int(int)>()(10), 42);
}

TEST(LinkWorks, OnlyWhatIsNeeded) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "int missing(void);\n"
                          "int unused_data[100000] = {1};\n"
                          "int uk_unused(void) { return missing() + *unused_data; }\n"
                          "int uk_used(int x) { return x; }\n")
                    .call({.symbol = "uk_used", .args = {kI32}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_THAT(out.linked, Not(HasSubstr("unused")));
  EXPECT_THAT(out.linked, Not(HasSubstr("missing")));
  EXPECT_THAT(out.report.imports[0].symbols, ElementsAre("uk_used"));
}

TEST(LinkWorks, IdenticalDefinitionsAreOne) {
  const char* helper = "int helper(int x) { return x + 1; }\n";
  Outcome out =
      Bench()
          .text(ImportKind::C, helper + std::string("int uk_a(int x) { return helper(x); }\n"))
          .text(ImportKind::C, helper + std::string("int uk_b(int x) { return helper(x) * 2; }\n"))
          .call({.symbol = "uk_a", .args = {kI32}, .result = kI32, .function = "g"})
          .call({.symbol = "uk_b", .args = {kI32}, .result = kI32})
          .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int(int)>()(20), 42);
}

TEST(LinkWorks, WeakGivesWayToStrong) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "__attribute__((weak)) int helper(void) { return 1; }\n"
                          "int uk_a(void) { return helper(); }\n")
                    .text(ImportKind::C, "int helper(void) { return 2; }\n")
                    .call({.symbol = "uk_a", .args = {}, .result = kI32})
                    .run();
  expect_inlined(out);
  EXPECT_EQ(out.as<int()>()(), 2);
}

// ---- once ----

TEST(LinkWorks, AskedForAtThreePlacesIsLinkedOnce) {
  std::string path = data_folder() + "/add16.c";
  Outcome out = Bench()
                    .file(ImportKind::C, "add16.c")
                    .file(ImportKind::C, "../imports/./add16.c")
                    .file(ImportKind::C, path)
                    .call(add16())
                    .run();
  expect_inlined(out);
  ASSERT_EQ(out.report.imports.size(), 1u);
  EXPECT_EQ(out.report.imports[0].pragmas.size(), 3u);
}

TEST(LinkWorks, CopiesOfALoopBodyAndOutlinedBodies) {
  Call unrolled = add16();
  unrolled.copies = 8;
  Call parallel = add16();
  parallel.function = "f.parallel0";
  Outcome out = Bench().file(ImportKind::C, "add16.c").call(unrolled).call(parallel).run();
  expect_inlined(out);
  ASSERT_EQ(out.report.imports.size(), 1u);
  ASSERT_EQ(out.report.calls.size(), 2u);
  expect_adds(out);
}

TEST(LinkWorks, DeadCallIsReportedRemoved) {
  Call dead = add16();
  dead.dead = true;
  Outcome out = Bench().file(ImportKind::C, "add16.c").call(dead).run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_EQ(out.report.calls[0].verdict, InlineVerdict::Removed);
  EXPECT_THAT(out.report.calls[0].reason, HasSubstr("dead code"));
}

TEST(LinkWorks, MayCallCallsWhatCanNotBeInlined) {
  const char* factorial = "int uk_fac(int n) { return n < 2 ? 1 : n * uk_fac(n - 1); }\n";
  Outcome out = Bench()
                    .text(ImportKind::C, factorial, {}, /*may_call=*/true)
                    .call({.symbol = "uk_fac", .args = {kI32}, .result = kI32})
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_EQ(out.as<int(int)>()(5), 120);
}

TEST(LinkWorks, MayCallOfAVariadicFunction) {
  const char* sum =
      "#include <stdarg.h>\n"
      "double uk_sum(int n, ...) {\n"
      "  va_list list; va_start(list, n); double s = 0;\n"
      "  for (int i = 0; i < n; ++i) s += va_arg(list, double);\n"
      "  va_end(list); return s;\n}\n";
  Outcome out = Bench()
                    .text(ImportKind::C, sum, {}, /*may_call=*/true)
                    .call({.symbol = "uk_sum", .args = {kI32, kF64, kF64}, .result = kF64})
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_EQ(out.report.calls[0].verdict, InlineVerdict::Called);
  EXPECT_EQ(out.report.calls[0].reason, "it is variadic");
  EXPECT_EQ((out.as<double(int, double, double)>()(2, 1.5, 2.25)), 3.75);
}

TEST(LinkWorks, NativeCodeMayCallBackAndUseLibm) {
  std::string folder = scratch_folder();
  write_text(folder + "/k.c",
             "float expf(float); int from_c(int);\n"
             "float uk_native(float x) { return expf(x) + from_c(1); }\n");
  shell(std::string(INLAY_CLANG) + " -O1 -fPIC -ffreestanding -c " + folder + "/k.c -o " + folder +
        "/k.o");
  Outcome out = Bench()
                    .file(ImportKind::Object, "k.o", {}, false, folder)
                    .text(ImportKind::C, "int from_c(int x) { return x + 1; }\n")
                    .call({.symbol = "uk_native", .args = {kF32}, .result = kF32})
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_THAT(out.link.native_libc, ElementsAre("expf"));
  EXPECT_THAT(out.linked, HasSubstr("define hidden i32 @from_c("));
}

TEST(LinkWorks, SeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<Outcome> outcomes(4);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back([&outcomes, i] {
      Bench bench;
      i % 2 ? bench.file(ImportKind::C, "add16_inline_asm.c")
            : bench.text(ImportKind::C, "void uk_add16(int wrong) { nonsense; }\n");
      outcomes[i] = bench.call(add16()).run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].ok(), i % 2 == 1) << outcomes[i].text;
    if (i % 2) expect_adds(outcomes[i]);
  }
}

TEST(LinkWorks, UnusedImportIsAWarning) {
  Outcome out = Bench()
                    .file(ImportKind::C, "add16.c")
                    .text(ImportKind::C, "int other(void) { return 1; }\n")
                    .call(add16())
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  ASSERT_EQ(out.warnings.size(), 1u);
  EXPECT_EQ(out.warnings[0].rule, "import-unused");
}

}  // namespace
}  // namespace inlay::test
