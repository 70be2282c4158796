// Each fault between calls and imports, or among imports: rule, import, call, place, way out.
#include "tests/backends/imports/imports_fixture.h"

namespace inlay::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

uint32_t call_line(const Outcome& out, size_t error = 0) {
  return out.errors.at(error).loc.line;
}

// ---- symbols ----

TEST(LinkFaults, TypoNamesTheNearest) {
  Outcome out = Bench()
                    .file(ImportKind::C, "add16.c")
                    .call({.symbol = "uk_ad16", .args = {kPointer, kPointer, kPointer}})
                    .run();
  expect_error(out, "import-unknown-symbol", 3,
               {"no import defines `uk_ad16`, called in f", "did you mean `uk_add16` of import c"});
}

TEST(LinkFaults, CxxMangledNameIsRecognized) {
  Outcome out = Bench()
                    .text(ImportKind::Cxx, "int uk(int x) { return x; }\n")
                    .call({.symbol = "uk", .args = {kI32}, .result = kI32})
                    .run();
  expect_error(out, "import-unknown-symbol", 0,
               {"defines `uk(int)` (_Z2uki): declare it extern \"C\""});
  out = Bench()
            .text(ImportKind::Cxx, "namespace fast { int uk(int x) { return x; } }\n")
            .call({.symbol = "uk", .args = {kI32}, .result = kI32})
            .run();
  expect_error(out, "import-unknown-symbol", 0, {"`fast::uk(int)`", "extern \"C\""});
}

TEST(LinkFaults, StaticIsRecognized) {
  Outcome out =
      Bench()
          .text(ImportKind::C, "static int uk(int x) { return x; }\nint (*p)(int) = uk;\n")
          .call({.symbol = "uk", .args = {kI32}, .result = kI32})
          .run();
  expect_error(out, "import-unknown-symbol", 0, {"it is static in import c", "remove `static`"});
}

TEST(LinkFaults, NoImportAtAll) {
  Outcome out = Bench().call({.symbol = "uk", .args = {}}).run();
  expect_error(out, "import-unknown-symbol", 2, {"the program has no import"});
}

TEST(LinkFaults, DataIsNoFunction) {
  Outcome out = Bench()
                    .text(ImportKind::C, "int uk = 3;\n")
                    .call({.symbol = "uk", .args = {}, .result = kI32})
                    .run();
  expect_error(out, "import-signature", 0, {"`uk` of import c", "is data, not a function"});
}

// ---- signatures ----

struct SignatureRow {
  const char* name;
  const char* code;
  std::vector<DType> args;
  DType result;
  std::vector<std::string> parts;
};

class Signatures : public testing::TestWithParam<SignatureRow> {};

TEST_P(Signatures, Mismatch) {
  const SignatureRow& row = GetParam();
  Bench bench;
  Outcome out = bench.text(ImportKind::C, row.code)
                    .call({.symbol = "uk", .args = row.args, .result = row.result})
                    .run();
  ASSERT_FALSE(out.ok());
  uint32_t line = call_line(out);
  expect_error(out, "import-signature", line, row.parts);
  EXPECT_THAT(out.text, HasSubstr("call of `uk` in f"));
  EXPECT_THAT(out.text, HasSubstr("`uk` comes from import c inline at program.inlay:3"));
  EXPECT_GT(line, bench.payload_line(0));
}

INSTANTIATE_TEST_SUITE_P(
    All, Signatures,
    testing::Values(
        SignatureRow{"DoubleForFloat",
                     "float uk(float alpha) { return alpha; }\n",
                     {kF64},
                     kF32,
                     {"parameter 1 (`alpha`)", "passes f64", "takes float", "cast it: f32(...)"}},
        SignatureRow{"FloatForDouble",
                     "void uk(double* p, double x) { *p = x; }\n",
                     {kPointer, kF32},
                     kVoid,
                     {"parameter 2 (`x`)", "passes f32", "takes double", "f64(...)"}},
        SignatureRow{"IntForFloat",
                     "void uk(float* p, float x) { *p = x; }\n",
                     {kPointer, kI32},
                     kVoid,
                     {"passes i32", "takes float", "f32(...)"}},
        SignatureRow{"IndexForInt",
                     "int uk(int n) { return n; }\n",
                     {kIndex},
                     kI32,
                     {"passes i64", "takes int (i32)", "i32(...)"}},
        SignatureRow{"IntForIndex",
                     "long uk(long n) { return n; }\n",
                     {kI32},
                     kIndex,
                     {"passes i32", "takes int64_t (i64)", "i64(...)"}},
        SignatureRow{"PointerForInt",
                     "int uk(int n) { return n; }\n",
                     {kPointer},
                     kI32,
                     {"passes ptr", "takes int (i32)", "pass the element"}},
        SignatureRow{"IntForPointer",
                     "void uk(float* p) { *p = 0; }\n",
                     {kIndex},
                     kVoid,
                     {"passes i64", "takes pointer", "`&A[i, j]`"}},
        SignatureRow{"OneTooMany",
                     "void uk(float* p) { *p = 0; }\n",
                     {kPointer, kIndex},
                     kVoid,
                     {"it passes 2 arguments, the symbol takes 1", "remove 1 of them"}},
        SignatureRow{"OneTooFew",
                     "void uk(float* p, long n) { p[n] = 0; }\n",
                     {kPointer},
                     kVoid,
                     {"it passes 1 argument, the symbol takes 2"}},
        SignatureRow{"ResultUnused",
                     "float uk(float x) { return x; }\n",
                     {kF32},
                     kVoid,
                     {"expects no result, the symbol returns float", "`call f32 uk(...)`"}},
        SignatureRow{"ResultMissing",
                     "void uk(float x) {}\n",
                     {kF32},
                     kF32,
                     {"expects f32, the symbol returns void", "as a statement"}},
        SignatureRow{"ResultType",
                     "double uk(float x) { return x; }\n",
                     {kF32},
                     kF32,
                     {"expects f32, the symbol returns double"}},
        SignatureRow{"StructByValue",
                     "struct S { double x[8]; };\ndouble uk(struct S s) { return s.x[0]; }\n",
                     {kPointer},
                     kF64,
                     {"a structure passed by value (byval)", "pass a pointer"}},
        SignatureRow{"StructResult",
                     "struct S { double x[8]; };\nstruct S uk(double x) { struct S s = {{x}}; "
                     "return s; }\n",
                     {kF64},
                     kVoid,
                     {"returns a structure (sret)"}},
        SignatureRow{"Lanes",
                     "typedef float v8 __attribute__((vector_size(32)));\n"
                     "void uk(float* p, v8 x) { *(v8*)p = x; }\n",
                     {kPointer, kF32.with_lanes(4)},
                     kVoid,
                     {"passes f32x4", "takes <8 x float>", "pass f32x8"}}),
    [](const auto& info) { return info.param.name; });

TEST(LinkFaults, VectorsAndSmallIntegersFit) {
  Outcome out =
      Bench()
          .text(ImportKind::C,
                "typedef float v8 __attribute__((vector_size(32)));\n"
                "#include <stdint.h>\n#include <stdbool.h>\n"
                "void uk(float* p, v8 x, uint8_t a, int16_t b, bool c, _Float16 d) { *(v8*)p = x; "
                "}\n")
          .call({.symbol = "uk", .args = {kPointer, kF32.with_lanes(8), kU8, kI16, kBool, kF16}})
          .run();
  EXPECT_TRUE(out.ok()) << out.text;
}

TEST(LinkFaults, CallSitesThatDisagree) {
  Outcome out = Bench()
                    .text(ImportKind::C, "float uk(float x) { return x; }\n")
                    .call({.symbol = "uk", .args = {kF32}, .result = kF32, .function = "g"})
                    .call({.symbol = "uk", .args = {kF64}, .result = kF32})
                    .run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].rule, "import-signature");
  EXPECT_THAT(out.text, HasSubstr("passes f64, the symbol takes float"));
  EXPECT_THAT(out.text, HasSubstr("another call passes (f32) -> f32"));
}

TEST(LinkFaults, CallSitesOfMachineCodeThatDisagree) {
  Outcome out = Bench()
                    .text(ImportKind::Asm, ".globl uk\nuk: ret\n")
                    .call({.symbol = "uk", .args = {kF32}, .function = "g"})
                    .call({.symbol = "uk", .args = {kF64}})
                    .run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].rule, "import-signature");
  EXPECT_THAT(out.text, HasSubstr("two calls of `uk` disagree"));
  EXPECT_THAT(out.text, HasSubstr("the other call, in g"));
}

// ---- features ----

TEST(LinkFaults, MissingFeaturesAreNamed) {
  struct Row {
    const char* target;
    const char* attributes;
    std::vector<std::string> missing;
  };
  for (const Row& row :
       {Row{"x86-64-v3", "\"target-features\"=\"+avx512f\"", {"avx512f"}},
        Row{"x86-64", "\"target-features\"=\"+avx2,+fma\"", {"avx2", "fma"}},
        Row{"x86-64-v3", "\"target-cpu\"=\"skylake-avx512\"", {"avx512f", "avx512vl", "more"}},
        Row{"x86-64-v3", "\"target-features\"=\"+wonder\"", {"wonder"}}}) {
    Bench bench(row.target);
    Outcome out = bench
                      .text(ImportKind::Llvm,
                            "define void @uk(ptr %p) #0 {\n  ret void\n}\nattributes #0 = { " +
                                std::string(row.attributes) + " }\n")
                      .call({.symbol = "uk", .args = {kPointer}})
                      .run();
    std::vector<std::string> parts = row.missing;
    parts.push_back(std::string("which the target ") + row.target + " lacks");
    parts.push_back("`uk` needs");
    parts.push_back("`uk` is called in f");
    parts.push_back("help: build for a target that has them");
    expect_error(out, "import-missing-feature", bench.pragma_line(0), parts);
  }
}

TEST(LinkFaults, TargetAttributeOfAHelper) {
  Outcome out = Bench()
                    .text(ImportKind::C,
                          "__attribute__((target(\"avx512f\"), noinline)) static int h(int x) { "
                          "return x + 1; }\nint uk(int x) { return h(x); }\n")
                    .call({.symbol = "uk", .args = {kI32}, .result = kI32})
                    .run();
  expect_error(out, "import-missing-feature", 2, {"`h` needs", "avx512f"});
}

TEST(LinkFaults, UnknownCpu) {
  Outcome out = Bench()
                    .text(ImportKind::Llvm,
                          "define void @uk(ptr %p) \"target-cpu\"=\"zen9\" {\n  ret void\n}\n")
                    .call({.symbol = "uk", .args = {kPointer}})
                    .run();
  expect_error(out, "import-missing-feature", 2, {"for the CPU zen9"});
}

TEST(LinkFaults, AttributesOfImportsStay) {
  Outcome out = Bench()
                    .text(ImportKind::Llvm,
                          "define internal i32 @h(i32 %x) noinline \"target-features\"=\"+avx\" {\n"
                          "  %y = add i32 %x, 1\n  ret i32 %y\n}\n"
                          "define i32 @uk(i32 %x) {\n  %y = call i32 @h(i32 %x)\n  ret i32 %y\n}\n")
                    .call({.symbol = "uk", .args = {kI32}, .result = kI32})
                    .run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_THAT(out.linked, HasSubstr("\"target-features\"=\"+avx\""));
  EXPECT_EQ(out.as<int(int)>()(41), 42);
}

// ---- clashes ----

TEST(LinkFaults, TwoImportsDefineOneFunctionDifferently) {
  Bench bench;
  Outcome out = bench.text(ImportKind::C, "int uk(int x) { return x; }\n")
                    .text(ImportKind::C, "int uk(int x) { return x + 1; }\n")
                    .call({.symbol = "uk", .args = {kI32}, .result = kI32})
                    .run();
  expect_error(out, "import-clash", bench.pragma_line(1),
               {"the function `uk` differently", "import c inline at program.inlay:3",
                "import c inline at program.inlay:6", "the other import", "called in f",
                "rename one of them"});
}

TEST(LinkFaults, TwoImportsDefineOneHelperOrGlobalDifferently) {
  auto run = [](const std::string& first, const std::string& second) {
    return Bench()
        .text(ImportKind::C, first + "int uk_a(int x) { return helper(x); }\n")
        .text(ImportKind::C, second + "int uk_b(int x) { return helper(x); }\n")
        .call({.symbol = "uk_a", .args = {kI32}, .result = kI32, .function = "g"})
        .call({.symbol = "uk_b", .args = {kI32}, .result = kI32})
        .run();
  };
  expect_error(run("int helper(int x) { return x; }\n", "int helper(int x) { return -x; }\n"),
               "import-clash", 0, {"the function `helper` differently"});
  expect_error(run("int table = 1;\nstatic int helper(int x) { return table; }\n",
                   "int table = 2;\nstatic int helper(int x) { return table; }\n"),
               "import-clash", 0, {"the global `table` differently"});
  // Equal themselves, but what they call is not.
  expect_error(run("static int h(int x) { return 1; }\nint helper(int x) { return h(x); }\n",
                   "static int h(int x) { return 2; }\nint helper(int x) { return h(x); }\n"),
               "import-clash", 0, {"the function `helper` differently"});
  EXPECT_TRUE(run("static int h(int x) { return 1; }\nint helper(int x) { return h(x); }\n",
                  "static int h(int x) { return 1; }\nint helper(int x) { return h(x); }\n")
                  .ok());
}

TEST(LinkFaults, MachineCodeAndIrDefineOneFunction) {
  Outcome out = Bench()
                    .text(ImportKind::Asm, ".globl uk\nuk: ret\n")
                    .text(ImportKind::C, "void uk(void) {}\n")
                    .call({.symbol = "uk", .args = {}})
                    .run();
  expect_error(out, "import-clash", 0, {"the function `uk` differently"});
}

TEST(LinkFaults, HelpersOfMachineCodeClash) {
  auto run = [](const std::string& binding) {
    return Bench()
        .text(ImportKind::Asm, binding + " helper\n.globl uk_a\nuk_a: ret\nhelper: ret\n")
        .text(ImportKind::Asm, binding + " helper\n.globl uk_b\nuk_b: nop\nhelper: ret\n")
        .call({.symbol = "uk_a", .args = {}})
        .call({.symbol = "uk_b", .args = {}})
        .run();
  };
  expect_error(run(".globl"), "import-clash", 0, {"the function `helper` differently"});
  EXPECT_TRUE(run(".weak").ok());
  EXPECT_TRUE(run(".local").ok());
}

TEST(LinkFaults, ClashingModuleFlags) {
  auto module = [](const std::string& name, int value) {
    return "define void @" + name +
           "() {\n  ret void\n}\n!llvm.module.flags = !{!0}\n!0 = !{i32 1, " + "!\"abi\", i32 " +
           std::to_string(value) + "}\n";
  };
  Bench bench;
  Outcome out = bench.text(ImportKind::Llvm, module("uk_a", 1))
                    .text(ImportKind::Llvm, module("uk_b", 2))
                    .call({.symbol = "uk_a", .args = {}})
                    .call({.symbol = "uk_b", .args = {}})
                    .run();
  expect_error(out, "import-module-flags", bench.pragma_line(1),
               {"clashing module flags: `abi` is 2 and 1", "the other import"});
  out = Bench()
            .module_flag("abi", 7)
            .text(ImportKind::Llvm, module("uk_a", 1))
            .call({.symbol = "uk_a", .args = {}})
            .run();
  expect_error(out, "import-module-flags", 2,
               {"and the emitted module have clashing module flags"});
}

TEST(LinkFaults, ModuleFlagsOfOtherBehavioursNeverEndTheProcess) {
  auto module = [](const std::string& name, int behaviour, const std::string& value) {
    return "define void @" + name + "() {\n  ret void\n}\n!llvm.module.flags = !{!0}\n!0 = !{i32 " +
           std::to_string(behaviour) + ", !\"abi\", " + value + "}\n";
  };
  for (int first = 1; first <= 8; ++first) {
    for (int second = 1; second <= 8; ++second) {
      if (first == 3 || second == 3) continue;  // "require" has a pair as its value
      bool list = first == 5 || first == 6, list2 = second == 5 || second == 6;
      Outcome out =
          Bench()
              .text(ImportKind::Llvm, module("uk_a", first, list ? "!{i32 1}" : "i32 1"))
              .text(ImportKind::Llvm, module("uk_b", second, list2 ? "!{i32 2}" : "i32 2"))
              .call({.symbol = "uk_a", .args = {}})
              .call({.symbol = "uk_b", .args = {}})
              .run();
      for (const Diagnostic& error : out.errors) {
        EXPECT_EQ(error.rule, "import-module-flags") << first << " " << second << out.text;
      }
    }
  }
}

// ---- undefined symbols of an import ----

TEST(LinkFaults, UndefinedSymbolNamesTheChain) {
  Bench bench;
  Outcome out =
      bench
          .text(ImportKind::C,
                "float fancy(float);\n"
                "__attribute__((noinline)) static float inner(float x) { return fancy(x); }\n"
                "float uk(float x) { return inner(x); }\n")
          .call({.symbol = "uk", .args = {kF32}, .result = kF32})
          .run();
  expect_error(out, "import-undefined-symbol", bench.pragma_line(0),
               {"needs `fancy`, which nothing defines",
                "call `uk` in f -> `uk` (inline at program.inlay:3) -> `inner` (inline at "
                "program.inlay:3) -> `fancy`",
                "needed by this call"});
}

TEST(LinkFaults, UndefinedSymbolOfMachineCodeAndData) {
  Outcome out = Bench()
                    .text(ImportKind::Asm, ".globl uk\nuk: jmp printf@PLT\n")
                    .call({.symbol = "uk", .args = {}})
                    .run();
  expect_error(out, "import-undefined-symbol", 2, {"needs `printf`", "an object (inline at"});
  out = Bench()
            .text(ImportKind::C, "extern int table[4]; int uk(void) { return table[2]; }\n")
            .call({.symbol = "uk", .args = {}, .result = kI32})
            .run();
  expect_error(out, "import-undefined-symbol", 2, {"needs `table`"});
}

// ---- not inlined ----

TEST(LinkFaults, WhatCanNotBeInlined) {
  struct Row {
    ImportKind kind;
    const char* code;
    std::vector<DType> args;
    const char* reason;
  };
  const Row rows[] = {
      {ImportKind::C,
       "int uk(int n) { return n < 2 ? 1 : n * uk(n - 1); }\n",
       {kI32},
       "it is recursive"},
      {ImportKind::C,
       "int uk(int); static int other(int n) { return uk(n - 1); }\n"
       "int uk(int n) { return n < 2 ? 1 : other(n); }\n",
       {kI32},
       "it is recursive"},
      {ImportKind::C,
       "#include <stdarg.h>\nint uk(int n, ...) { va_list l; va_start(l, n); int x = "
       "va_arg(l, int); va_end(l); return x; }\n",
       {kI32, kI32},
       "it is variadic"},
      {ImportKind::C,
       "int uk(int n) { static void* const where[] = {&&a, &&b}; goto *where[n & 1]; a: return 1; "
       "b: return 2; }\n",
       {kI32},
       "indirect branch"},
      {ImportKind::C,
       "__attribute__((naked)) int uk(int n) { __asm__(\"ret\"); }\n",
       {kI32},
       "it is naked"},
  };
  for (const Row& row : rows) {
    Bench bench;
    Outcome out = bench.text(row.kind, row.code)
                      .call({.symbol = "uk", .args = row.args, .result = kI32})
                      .run();
    ASSERT_EQ(out.errors.size(), 1u) << row.code << out.text;
    expect_error(out, "import-not-inlined", call_line(out),
                 {"`uk`, called in f, can't be inlined: ", row.reason, "say `may_call`",
                  "`uk` comes from import c"});
    Outcome allowed = Bench()
                          .text(row.kind, row.code, {}, /*may_call=*/true)
                          .call({.symbol = "uk", .args = row.args, .result = kI32})
                          .run();
    EXPECT_TRUE(allowed.ok()) << allowed.text;
  }
}

TEST(LinkFaults, AssemblyLabelInSeveralCopies) {
  const char* fixed = "int uk(int n) { __asm__ volatile(\"jmp done\\ndone:\\n\"); return n; }\n";
  const char* unique =
      "int uk(int n) { __asm__ volatile(\"jmp done%=\\ndone%=:\\n1: jmp 1f\\n1:\\n\" : :); return "
      "n; "
      "}\n";
  auto run = [](const char* code, int copies) {
    return Bench()
        .text(ImportKind::C, code)
        .call({.symbol = "uk", .args = {kI32}, .result = kI32, .copies = copies})
        .run();
  };
  EXPECT_TRUE(run(fixed, 1).ok());
  expect_error(run(fixed, 2), "import-not-inlined", 0, {"the label `done`", "%="});
  EXPECT_TRUE(run(unique, 3).ok()) << run(unique, 3).text;
}

}  // namespace
}  // namespace inlay::test
