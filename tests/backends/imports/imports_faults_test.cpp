// Each fault of an import's own: one clear error with rule, import, place and way out, and a
// process that lives on.
#include <filesystem>

#include "tests/backends/imports/imports_fixture.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;

Call add16() {
  return {.symbol = "uk_add16", .args = {kPointer, kPointer, kPointer}};
}

// ---- files ----

TEST(ImportFaults, MissingFile) {
  Bench bench;
  Outcome out = bench.file(ImportKind::C, "ad16.c").call(add16()).run();
  expect_error(out, "import-missing-file", bench.pragma_line(0),
               {"no file `ad16.c`", "tried: " + data_folder() + "/ad16.c", "`add16.c`"});
}

TEST(ImportFaults, MissingFolder) {
  Bench bench;
  Outcome out = bench.file(ImportKind::C, "nowhere/add16.c").call(add16()).run();
  expect_error(out, "import-missing-file", bench.pragma_line(0), {"there is no folder"});
}

TEST(ImportFaults, DirectoryAndEmptyFile) {
  std::string folder = scratch_folder();
  write_text(folder + "/empty.c", "");
  std::filesystem::create_directories(folder + "/dir.c");
  Bench bench;
  expect_error(bench.file(ImportKind::C, "dir.c", {}, false, folder).call(add16()).run(),
               "import-unreadable", bench.pragma_line(0), {"dir.c` is a directory"});
  expect_error(Bench().file(ImportKind::C, "empty.c", {}, false, folder).call(add16()).run(),
               "import-unreadable", 2, {"empty.c` is empty"});
}

TEST(ImportFaults, AllMissingFilesAreTold) {
  Outcome out =
      Bench().file(ImportKind::C, "x.c").file(ImportKind::Llvm, "y.ll").call(add16()).run();
  EXPECT_EQ(out.errors.size(), 2u) << out.text;
}

TEST(ImportFaults, KindThatTheTargetCanNotHonour) {
  Bench bench;
  Outcome out = bench.file(ImportKind::Hsaco, "kernel.hsaco").call(add16()).run();
  expect_error(out, "import-kind", bench.pragma_line(0),
               {"import hsaco", "x86-64-v3", "does not honour", "help: "});
}

TEST(ImportFaults, FlagsOfAKindThatHasNone) {
  Bench bench;
  Outcome out = bench.file(ImportKind::Llvm, "add16.ll", {"-O3"}).call(add16()).run();
  expect_error(out, "import-kind", bench.pragma_line(0), {"flags are for c, cxx and asm"});
}

// ---- LLVM IR ----

TEST(ImportFaults, IrThatDoesNotParse) {
  Bench bench;
  Outcome out = bench
                    .text(ImportKind::Llvm,
                          "define void @uk_add16(ptr %a, ptr %b, ptr %c) {\n"
                          "  %x = lod <16 x float>, ptr %a\n"
                          "  ret void\n}\n")
                    .call(add16())
                    .run();
  expect_error(out, "import-does-not-parse", bench.payload_line(0) + 1,
               {"import llvm inline at program.inlay:3 does not parse",
                "expected instruction opcode", "%x = lod <16 x float>"});
  EXPECT_EQ(out.errors[0].loc.column, 8u);
}

TEST(ImportFaults, IrFileThatDoesNotParse) {
  std::string folder = scratch_folder();
  write_text(folder + "/bad.ll", "; fine\n\ndefine void @uk(] {\n}\n");
  Outcome out = Bench().file(ImportKind::Llvm, "bad.ll", {}, false, folder).call(add16()).run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].rule, "import-does-not-parse");
  EXPECT_EQ(out.errors[0].loc.file->path(), folder + "/bad.ll");
  EXPECT_EQ(out.errors[0].loc.line, 3u);
  EXPECT_THAT(out.text, HasSubstr("imported here"));
}

TEST(ImportFaults, IrThatIsNotValid) {
  Bench bench;
  Outcome out = bench
                    .text(ImportKind::Llvm,
                          "define i32 @uk(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n"
                          "  %x = add i32 1, 2\n  br label %b\nb:\n  ret i32 %x\n}\n")
                    .call({.symbol = "uk", .args = {kBool}, .result = kI32})
                    .run();
  expect_error(out, "import-does-not-parse", bench.pragma_line(0),
               {"is not valid LLVM IR", "does not dominate all uses"});
}

TEST(ImportFaults, WrongKindsAreRecognized) {
  std::string folder = scratch_folder();
  shell(INLAY_LLVM_TOOLS "/llvm-as " + data_folder() + "/add16.ll -o " + folder + "/k.bc");
  shell(std::string(INLAY_CLANG) + " -c " + data_folder() + "/add16.s -o " + folder + "/k.o");
  auto run = [&](ImportKind kind, const std::string& path, const std::string& where) {
    return Bench().file(kind, path, {}, false, where).call(add16()).run();
  };
  expect_error(run(ImportKind::Llvm, "k.bc", folder), "import-does-not-parse", 2,
               {"is bitcode, not text", "say `import bitcode`"});
  expect_error(run(ImportKind::Bitcode, "add16.ll", data_folder()), "import-bitcode", 2,
               {"is not LLVM bitcode", "`import llvm`"});
  expect_error(run(ImportKind::Bitcode, "k.o", folder), "import-bitcode", 2,
               {"is not LLVM bitcode: it starts with 7f 45 4c 46", "`import object`"});
  expect_error(run(ImportKind::Object, "k.bc", folder), "import-object", 2,
               {"is no ELF object", "say `import bitcode`"});
  expect_error(run(ImportKind::Archive, "k.o", folder), "import-object", 2,
               {"is no archive", "say `import object`"});
}

TEST(ImportFaults, TruncatedBitcode) {
  std::string folder = scratch_folder();
  shell(INLAY_LLVM_TOOLS "/llvm-as " + data_folder() + "/add16.ll -o " + folder + "/whole.bc");
  std::string whole = read_text(folder + "/whole.bc");
  for (size_t size : {size_t(8), whole.size() / 4, whole.size() / 2, whole.size() - 4}) {
    write_text(folder + "/cut.bc", whole.substr(0, size));
    Outcome out =
        Bench().file(ImportKind::Bitcode, "cut.bc", {}, false, folder).call(add16()).run();
    expect_error(out, "import-bitcode", 2,
                 {"cut.bc\" can't be read as bitcode", "help: make it again"});
  }
}

// Flips bits and cuts, reproducibly; whatever comes out is linked or refused, and we are still
// here.
void damage_and_run(ImportKind kind, const std::string& whole, size_t keep, int rounds) {
  std::string folder = scratch_folder();
  uint32_t random = 12345;
  auto next = [&] { return (random = random * 1664525 + 1013904223) >> 8; };
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 4; ++i) {
      damaged[keep + next() % (damaged.size() - keep)] ^= char(1 << (next() & 7));
    }
    if (round % 5 == 0) damaged.resize(keep + next() % (damaged.size() - keep));
    write_text(folder + "/damaged", damaged);
    Outcome out = Bench().file(kind, "damaged", {}, false, folder).call(add16()).link_only().run();
    refused += !out.ok();
    for (const Diagnostic& error : out.errors) {
      EXPECT_FALSE(error.rule.empty());
      EXPECT_FALSE(error.message.empty());
    }
  }
  EXPECT_GT(refused, rounds / 10);
}

TEST(ImportFaults, DamagedBitcodeNeverEndsTheProcess) {
  std::string folder = scratch_folder();
  shell(INLAY_LLVM_TOOLS "/llvm-as " + data_folder() + "/add16.ll -o " + folder + "/whole.bc");
  damage_and_run(ImportKind::Bitcode, read_text(folder + "/whole.bc"), 8, 100);
}

TEST(ImportFaults, DamagedIrNeverEndsTheProcess) {
  damage_and_run(ImportKind::Llvm, read_text(data_folder() + "/add16.ll"), 0, 200);
}

TEST(ImportFaults, DamagedObjectNeverEndsTheProcess) {
  std::string folder = scratch_folder();
  shell(std::string(INLAY_CLANG) + " -c " + data_folder() + "/add16.s -o " + folder + "/whole.o");
  shell(INLAY_LLVM_TOOLS "/llvm-ar rc " + folder + "/whole.a " + folder + "/whole.o");
  std::string object = read_text(folder + "/whole.o"), archive = read_text(folder + "/whole.a");
  damage_and_run(ImportKind::Object, object, 0, 150);
  damage_and_run(ImportKind::Archive, archive, 0, 100);
}

// The identification block holds "LLVM19.1.7" in 6-bit characters at any bit position.
std::string with_producer(std::string bitcode, const std::string& from, const std::string& to) {
  auto code = [](char c) -> unsigned {
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= 'A' && c <= 'Z') return c - 'A' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '.' ? 62 : 63;
  };
  auto bit = [&](size_t at) { return bitcode[at / 8] >> (at % 8) & 1; };
  for (size_t start = 0; start + 6 * from.size() < 8 * bitcode.size(); ++start) {
    bool equal = true;
    for (size_t i = 0; equal && i < 6 * from.size(); ++i) {
      equal = unsigned(bit(start + i)) == (code(from[i / 6]) >> (i % 6) & 1);
    }
    if (!equal) continue;
    for (size_t i = 0; i < 6 * to.size(); ++i) {
      size_t at = start + i;
      bitcode[at / 8] &= char(~(1 << (at % 8)));
      bitcode[at / 8] |= char((code(to[i / 6]) >> (i % 6) & 1) << (at % 8));
    }
    return bitcode;
  }
  ADD_FAILURE() << "no `" << from << "` in the bitcode";
  return bitcode;
}

TEST(ImportFaults, BitcodeOfANewerLlvm) {
  std::string folder = scratch_folder();
  shell(INLAY_LLVM_TOOLS "/llvm-as " + data_folder() + "/add16.ll -o " + folder + "/k.bc");
  write_text(folder + "/new.bc", with_producer(read_text(folder + "/k.bc"), "LLVM19", "LLVM87"));
  Outcome out = Bench().file(ImportKind::Bitcode, "new.bc", {}, false, folder).call(add16()).run();
  expect_error(out, "import-bitcode", 2,
               {"new.bc\" was produced by LLVM87.", "newer than this compiler's LLVM 19.",
                "compile it with LLVM 19 or older"});
}

// ---- C, C++, assembly ----

TEST(ImportFaults, CThatDoesNotCompileAtItsLineInTheInlineText) {
  Bench bench;
  Outcome out = bench
                    .text(ImportKind::C,
                          "void uk_add16(const float* a, const float* b, float* c) {\n"
                          "  for (int i = 0; i < 16; ++i) c[i] = a[i] + bb[i];\n"
                          "}\n")
                    .call(add16())
                    .run();
  expect_error(out, "import-does-not-compile", bench.payload_line(0) + 1,
               {"use of undeclared identifier 'bb'",
                "program.inlay:4:46: error: use of undeclared identifier 'bb'"});
  EXPECT_EQ(out.errors[0].loc.column, 46u);
}

TEST(ImportFaults, EachErrorOfClangIsTold) {
  Outcome out = Bench()
                    .text(ImportKind::Cxx, "int a() { return x; }\nint b() { return y; }\n")
                    .call({.symbol = "a", .args = {}, .result = kI32})
                    .run();
  ASSERT_EQ(out.errors.size(), 2u) << out.text;
  EXPECT_EQ(out.errors[1].loc.line, out.errors[0].loc.line + 1);
}

TEST(ImportFaults, ErrorInAnIncludedFile) {
  std::string folder = scratch_folder();
  write_text(folder + "/k.c", "#include \"k.h\"\nvoid uk(void) {}\n");
  write_text(folder + "/k.h", "int fine;\nint broken\n");
  Outcome out = Bench()
                    .file(ImportKind::C, "k.c", {}, false, folder)
                    .call({.symbol = "uk", .args = {}})
                    .run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].loc.file->path(), folder + "/k.h");
  EXPECT_EQ(out.errors[0].loc.line, 2u);
  EXPECT_THAT(out.text, HasSubstr("imported here"));
}

TEST(ImportFaults, NoLibcHeaders) {
  Bench bench;
  Outcome out =
      bench.text(ImportKind::C, "#include <math.h>\nfloat uk(float x) { return sinf(x); }\n")
          .call({.symbol = "uk", .args = {kF32}, .result = kF32})
          .run();
  expect_error(out, "import-does-not-compile", bench.payload_line(0),
               {"'math.h' file not found", "freestanding", "declare what you call"});
}

TEST(ImportFaults, EndlessInclude) {
  std::string folder = scratch_folder();
  write_text(folder + "/loop.c", "#include \"loop.c\"\nvoid uk(void) {}\n");
  Outcome out = Bench()
                    .file(ImportKind::C, "loop.c", {}, false, folder)
                    .call({.symbol = "uk", .args = {}})
                    .run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.errors[0].rule, "import-does-not-compile");
  EXPECT_THAT(out.text, HasSubstr("#include nested too deeply"));
  EXPECT_THAT(out.text, HasSubstr("`#pragma once`"));
}

TEST(ImportFaults, IntrinsicThatTheTargetLacks) {
  Bench bench("x86-64");
  Outcome out = bench
                    .text(ImportKind::C,
                          "#include <immintrin.h>\n"
                          "void uk(float* a) {\n"
                          "  _mm256_storeu_ps(a, _mm256_fmadd_ps(_mm256_loadu_ps(a), "
                          "_mm256_loadu_ps(a), _mm256_loadu_ps(a)));\n}\n")
                    .call({.symbol = "uk", .args = {kPointer}})
                    .run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.errors[0].rule, "import-does-not-compile");
  EXPECT_EQ(out.errors[0].loc.line, bench.payload_line(0) + 2);
  EXPECT_THAT(out.text, HasSubstr("requires target feature"));
  EXPECT_THAT(out.text, HasSubstr("'avx'"));
  EXPECT_THAT(out.text, HasSubstr("'fma'"));
  EXPECT_THAT(out.text, HasSubstr("build for a target that has the feature"));
}

TEST(ImportFaults, FlagsThatAreNotTheAuthorsToSet) {
  for (const char* flag :
       {"-march=skylake-avx512", "-o x.o", "other.c", "-fplugin=x.so", "-mllvm -x"}) {
    Bench bench;
    Outcome out = bench.file(ImportKind::C, "add16.c", {flag}).call(add16()).run();
    ASSERT_FALSE(out.ok()) << flag;
    EXPECT_EQ(out.errors[0].rule, "import-does-not-compile");
    EXPECT_EQ(out.errors[0].loc.line, bench.pragma_line(0));
    EXPECT_THAT(out.text, HasSubstr("the flag `"));
  }
  Outcome out = Bench().file(ImportKind::C, "add16.c", {"-fnonsense"}).call(add16()).run();
  expect_error(out, "import-does-not-compile", 2, {"unknown argument", "-fnonsense"});
}

TEST(ImportFaults, AssemblyThatDoesNotAssemble) {
  Bench bench;
  Outcome out = bench.text(ImportKind::Asm, ".globl uk\nuk:\n  vaddpq %ymm0, %ymm1\n  ret\n")
                    .call({.symbol = "uk", .args = {}})
                    .run();
  expect_error(out, "import-does-not-compile", bench.payload_line(0) + 2,
               {"does not assemble", "invalid instruction mnemonic 'vaddpq'"});
}

TEST(ImportFaults, InlineAssemblyThatDoesNotAssemble) {
  Bench bench;
  Outcome out = bench
                    .text(ImportKind::C,
                          "void uk(float* a) {\n"
                          "  __asm__ volatile(\n"
                          "      \"vmovups (%0), %%ymm0\\n\\t\"\n"
                          "      \"vbogus %%ymm0, %%ymm0\\n\\t\"\n"
                          "      : : \"r\"(a) : \"ymm0\");\n}\n")
                    .call({.symbol = "uk", .args = {kPointer}})
                    .run();
  expect_error(out, "import-does-not-compile", bench.payload_line(0) + 3,
               {"inline assembly", "invalid instruction mnemonic 'vbogus'"});
}

// ---- features of assembly ----

TEST(ImportFaults, InlineAssemblyThatNeedsWhatTheTargetLacks) {
  const char* code =
      "void uk(float* a) {\n"
      "  __asm__ volatile(\n"
      "      \"vmovups (%0), %%zmm0\\n\\t\"\n"
      "      \"vfmadd231ps %%zmm0, %%zmm0, %%zmm0\\n\\t\"\n"
      "      : : \"r\"(a) : \"xmm0\");\n}\n";
  Bench bench;
  Outcome out = bench.text(ImportKind::C, code).call({.symbol = "uk", .args = {kPointer}}).run();
  expect_error(out, "import-missing-feature", bench.payload_line(0) + 2,
               {"`vmovups` requires avx512f", "the target x86-64-v3 lacks", "help: build for"});
  EXPECT_TRUE(Bench("x86-64-v4")
                  .text(ImportKind::C, code)
                  .call({.symbol = "uk", .args = {kPointer}})
                  .run()
                  .ok());
}

TEST(ImportFaults, InlineAssemblyOnABaselineTarget) {
  Outcome out = Bench("x86-64").file(ImportKind::C, "add16_inline_asm.c").call(add16()).run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].rule, "import-missing-feature");
  EXPECT_EQ(out.errors[0].loc.file->path(), data_folder() + "/add16_inline_asm.c");
  EXPECT_EQ(out.errors[0].loc.line, 4u);
  EXPECT_THAT(out.text, HasSubstr("requires avx"));
  EXPECT_THAT(out.text, HasSubstr("imported here"));
}

TEST(ImportFaults, InlineAssemblyInLlvmIr) {
  Bench bench;
  Outcome out =
      bench
          .text(ImportKind::Llvm,
                "define void @uk(ptr %a) {\n"
                "  call void asm sideeffect \"vpaddd ($0), %ymm0, %ymm0\", \"r,~{ymm0}\"(ptr %a)\n"
                "  ret void\n}\n")
          .call({.symbol = "uk", .args = {kPointer}})
          .run();
  EXPECT_TRUE(out.ok()) << out.text;
  Bench old("x86-64-v2");
  out = old.text(ImportKind::Llvm,
                 "define void @uk(ptr %a) {\n"
                 "  call void asm sideeffect \"vpaddd ($0), %ymm0, %ymm0\", \"r,~{xmm0}\"(ptr %a)\n"
                 "  ret void\n}\n")
            .call({.symbol = "uk", .args = {kPointer}})
            .run();
  ASSERT_EQ(out.errors.size(), 2u) << out.text;  // avx, and avx2
  EXPECT_THAT(out.text, HasSubstr("requires avx2"));
}

TEST(ImportFaults, AssemblyFileThatNeedsWhatTheTargetLacks) {
  Outcome out = Bench("x86-64-v2").file(ImportKind::Asm, "add16.s").call(add16()).run();
  ASSERT_EQ(out.errors.size(), 1u) << out.text;
  EXPECT_EQ(out.errors[0].rule, "import-missing-feature");
  EXPECT_EQ(out.errors[0].loc.file->path(), data_folder() + "/add16.s");
  EXPECT_EQ(out.errors[0].loc.line, 6u);
  EXPECT_THAT(out.text, HasSubstr("`vmovups` requires avx"));
}

TEST(ImportFaults, AArch64AssemblyThatNeedsWhatTheTargetLacks) {
  Bench bench("aarch64");
  Outcome out = bench
                    .text(ImportKind::C,
                          "void uk(float* a) {\n"
                          "  __asm__ volatile(\"ptrue p0.s\" : : \"r\"(a));\n}\n")
                    .call({.symbol = "uk", .args = {kPointer}})
                    .run();
  expect_error(out, "import-missing-feature", bench.payload_line(0) + 1,
               {"instruction requires: sve", "help: build for"});
}

// ---- the fit to the target ----

TEST(ImportFaults, AnotherArchitecture) {
  Bench bench("aarch64");
  std::string folder = scratch_folder();
  shell(std::string(INLAY_CLANG) + " -mavx2 -ffreestanding -emit-llvm -c " + data_folder() +
        "/add16.c -o " + folder + "/k.bc");
  shell(std::string(INLAY_CLANG) + " -c " + data_folder() + "/add16.s -o " + folder + "/k.o");
  Outcome out = bench.file(ImportKind::Bitcode, "k.bc", {}, false, folder).call(add16()).run();
  expect_error(out, "import-layout", bench.pragma_line(0),
               {"another architecture: x86_64, not aarch64", "help: compile it for aarch64"});
  out = Bench("aarch64").file(ImportKind::Object, "k.o", {}, false, folder).call(add16()).run();
  expect_error(out, "import-layout", 2, {"ELF machine 62", "machine 183"});
}

TEST(ImportFaults, AnotherLayoutOrSystem) {
  std::string body = read_text(data_folder() + "/add16.ll");
  auto run = [&](const std::string& head) {
    SCOPED_TRACE(head);
    return Bench().text(ImportKind::Llvm, head + body).call(add16()).run();
  };
  expect_error(run("target datalayout = \"e-m:e-p:32:32-i64:64-n8:16:32-S128\"\n"), "import-layout",
               2, {"another data layout: size of a pointer is 32 there, 64 on the target"});
  expect_error(run("target datalayout = \"E-m:e-i64:64-n8:16:32:64-S128\"\n"), "import-layout", 2,
               {"big-endian is 1 there"});
  expect_error(run("target datalayout = \"e-m:e-i64:32-n8:16:32:64-S128\"\n"), "import-layout", 2,
               {"alignment of i64 is 32 there, 64 on the target"});
  expect_error(run("target triple = \"x86_64-pc-windows-msvc\"\n"), "import-layout", 2,
               {"another system: windows"});
  expect_error(run("target triple = \"x86_64-linux-gnux32\"\n"), "import-layout", 2, {"x32"});
  EXPECT_TRUE(run("target triple = \"x86_64-unknown-linux-musl\"\n").ok());
}

TEST(ImportFaults, CodeThatRunsWhenLoadedAndThreadLocalData) {
  Bench bench;
  Outcome out = bench
                    .text(ImportKind::Cxx,
                          "int make(); int table = make();\n"
                          "extern \"C\" int uk() { return table; }\n")
                    .call({.symbol = "uk", .args = {}, .result = kI32})
                    .run();
  expect_error(out, "import-unsupported", bench.pragma_line(0),
               {"runs code when it is loaded", "make the data constant"});
  out = Bench()
            .text(ImportKind::C, "_Thread_local int x; int uk(void) { return ++x; }\n")
            .call({.symbol = "uk", .args = {}, .result = kI32})
            .run();
  expect_error(out, "import-unsupported", 2, {"thread-local data: `x`"});
}

// ---- machine code ----

TEST(ImportFaults, ObjectsThatCanNotBeLinked) {
  std::string folder = scratch_folder();
  auto make = [&](const std::string& name, const std::string& code, const std::string& flags) {
    write_text(folder + "/" + name + ".s", code);
    shell(std::string(INLAY_CLANG) + " " + flags + " " + folder + "/" + name + ".s -o " + folder +
          "/" + name);
  };
  auto run = [&](const std::string& name) {
    return Bench().file(ImportKind::Object, name, {}, false, folder).call(add16()).run();
  };
  make("absolute.o",
       ".globl uk_add16\nuk_add16:\n movl $table, %eax\n ret\n.data\ntable: .long 1\n", "-c");
  expect_error(run("absolute.o"), "import-object", 2,
               {"not position-independent", "-fPIC", "rip-relative"});
  make("shared.so", ".globl uk_add16\nuk_add16: ret\n", "-shared -nostdlib -fuse-ld=lld");
  expect_error(run("shared.so"), "import-object", 2, {"shared library or a program"});
  make("old.o", ".globl uk_add16\nuk_add16: ret\n", "-c -m32");
  expect_error(run("old.o"), "import-layout", 2, {"32-bit, ELF machine 3"});
  make("good.o", ".globl uk_add16\nuk_add16: ret\n", "-c");
  std::string good = read_text(folder + "/good.o");
  for (size_t size : {size_t(20), size_t(64), good.size() / 2}) {
    write_text(folder + "/cut.o", good.substr(0, size));
    Outcome out = run("cut.o");
    ASSERT_EQ(out.errors.size(), 1u) << out.text;
    EXPECT_EQ(out.errors[0].rule, "import-object") << out.text;
  }
}

}  // namespace
}  // namespace inlay::test
