// The inlay command as a user meets it: output, errors, exit codes, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>

#include "tests/tools/cli_fixture.h"

namespace inlay::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kVadd = R"(
intrin add8(a: f32[8], b: f32[8], c: f32[8]) {
  for i in 0..8 { c[i] = a[i] + b[i] }
}
implement add8 for any {
  import c inline """
    void uk_add8(const float* a, const float* b, float* c) {
      for (int i = 0; i < 8; ++i) c[i] = a[i] + b[i];
    }
  """
  call uk_add8(a, b, c)
}
implement add8 for x86_64(avx512vnni_of_the_future) { call uk_future(a, b, c) }
func vadd(A: f32[N], B: f32[N], C: f32[N]) {
  for i in 0..N / 8 {
    add8(A[8 * i..8 * i + 8], B[8 * i..8 * i + 8], C[8 * i..8 * i + 8])
  }
  for i in N / 8 * 8..N { C[i] = A[i] + B[i] }
}
)";

TEST_F(Cli, HelpNamesEveryCommandAndExitCode) {
  Result help = inlay("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"build", "run", "check", "explain", "bench", "targets", "completion",
                           "Exit codes", "INLAY_BACKEND_PATH"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
  Result build = inlay("build --help");
  EXPECT_EQ(build.code, 0);
  for (const char* word :
       {"--target", "--emit", "--report", "--dump-stages", "--no-cache", "--set"}) {
    EXPECT_THAT(build.out, HasSubstr(word));
  }
  EXPECT_THAT(inlay("--version").out, ContainsRegex("^inlay [0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(Cli, AWrongCommandLineExitsWithTwo) {
  EXPECT_EQ(inlay("").code, 2);
  Result unknown = inlay("biuld x.inlay");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean `build`?"));
  EXPECT_EQ(inlay("build").code, 2);
  EXPECT_EQ(inlay("build x.inlay --emit=exe").code, 2);
  EXPECT_EQ(inlay("build x.inlay -O 7").code, 2);
  EXPECT_EQ(inlay("completion tcsh").code, 2);
}

TEST_F(Cli, BuildWritesACodeObjectNamedAfterTheFile) {
  write(folder_ / "vadd.inlay", kVadd);
  Result built = inlay("build vadd.inlay");
  EXPECT_EQ(built.code, 0) << built.err;
  EXPECT_EQ(built.out + built.err, "");
  EXPECT_THAT(files(), ::testing::ElementsAre("vadd.inlay", "vadd.so"));
}

TEST_F(Cli, EmitsEachKind) {
  write(folder_ / "vadd.inlay", kVadd);
  Result built = inlay("build vadd.inlay --emit=ir,ll,bc,asm,obj,so,header");
  ASSERT_EQ(built.code, 0) << built.err;
  EXPECT_THAT(files(), ::testing::ElementsAre("vadd.bc", "vadd.h", "vadd.inlay", "vadd.ll",
                                              "vadd.lowered.inlay", "vadd.o", "vadd.s", "vadd.so"));
  EXPECT_EQ(read(folder_ / "vadd.bc").substr(0, 2), "BC");
  EXPECT_EQ(read(folder_ / "vadd.o").substr(1, 3), "ELF");
  EXPECT_THAT(read(folder_ / "vadd.ll"), HasSubstr("target triple"));
  EXPECT_THAT(read(folder_ / "vadd.h"), HasSubstr("int32_t inlay_vadd(const DLTensor* A"));
  // What was lowered parses again, and means the same.
  Result lowered = inlay("check --syntax-only vadd.lowered.inlay");
  EXPECT_EQ(lowered.code, 0) << lowered.err;
  EXPECT_EQ(inlay("build vadd.inlay --emit=ll,asm -o x").code, 1);
  Result to_stdout = inlay("build vadd.inlay --emit=header -o -");
  EXPECT_THAT(to_stdout.out, HasSubstr("inlay_vadd"));
}

TEST_F(Cli, ReportsWhatWasInlined) {
  write(folder_ / "vadd.inlay", kVadd);
  Result text = inlay("build vadd.inlay --report");
  ASSERT_EQ(text.code, 0) << text.err;
  for (const char* word : {"uk_add8", "inlined", "before optimization", "vadd.inlay"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
  Result json = inlay("build vadd.inlay --report=json");
  ASSERT_EQ(json.code, 0) << json.err;
  EXPECT_FALSE(nlohmann::json::parse(json.out, nullptr, false).is_discarded()) << json.out;
  EXPECT_EQ(inlay("build vadd.inlay --report=xml").code, 2);
}

TEST_F(Cli, DumpsStagesWithTheCommandThatMakesTheNext) {
  write(folder_ / "vadd.inlay", kVadd);
  Result built = inlay("build vadd.inlay --dump-stages stages");
  ASSERT_EQ(built.code, 0) << built.err;
  for (const char* name :
       {"0.lowered.inlay", "1.emitted.ll", "2.linked.ll", "3.optimized.ll", "4.s"}) {
    bool found = false;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "stages")) {
      found |= entry.path().filename() == name;
    }
    EXPECT_TRUE(found) << name;
  }
}

TEST_F(Cli, RunFillsAtRandomAndChecks) {
  write(folder_ / "vadd.inlay", kVadd);
  Result run = inlay("run vadd.inlay N=37 --check");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, ContainsRegex("random A, B, C: --seed [0-9]+"));
  EXPECT_THAT(run.out, HasSubstr("check C: ok"));
  // The printed seed gives the same arrays again.
  std::smatch match;
  ASSERT_TRUE(std::regex_search(run.out, match, std::regex("--seed ([0-9]+)")));
  std::string seed = match[1];
  inlay("run vadd.inlay N=37 --seed " + seed + " --out C=1.npy");
  inlay("run vadd.inlay N=37 --interpret --seed " + seed + " --out C=2.npy");
  EXPECT_TRUE(read(folder_ / "1.npy") == read(folder_ / "2.npy"));
  EXPECT_FALSE(read(folder_ / "1.npy").empty());
}

TEST_F(Cli, AFlagTakesOneValueWhereverItStands) {
  write(folder_ / "vadd.inlay", kVadd);
  Result run = inlay("run --target native --out C=c.npy vadd.inlay --seed 1 N=5 --check");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "c.npy"));
  EXPECT_EQ(inlay("run vadd.inlay --target native N=5 A=ones B=ones").code, 0);
  Result two = inlay("build --target x86-64-v2 --target x86-64-v3 vadd.inlay -o two.so");
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(inlay("run vadd.inlay --target native --target native N=5").code, 2);
}

TEST_F(Cli, RunReadsAndWritesNpy) {
  write(folder_ / "vadd.inlay", kVadd);
  ASSERT_EQ(inlay("run vadd.inlay N=5 A=ones B=ones --out C=c.npy").code, 0);
  Result again = inlay("run vadd.inlay A=c.npy B=c.npy --out C=d.npy");
  ASSERT_EQ(again.code, 0) << again.err;
  Result python = shell(
      "python3 -c \"d=open('d.npy','rb').read(); import struct; "
      "print(struct.unpack('<5f', d[-20:]))\"");
  EXPECT_THAT(python.out, HasSubstr("(4.0, 4.0, 4.0, 4.0, 4.0)"));
  Result missing = inlay("run vadd.inlay A=nothere.npy");
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nothere.npy"));
  Result unknown = inlay("run vadd.inlay A=c.npy X=1");
  EXPECT_THAT(unknown.err, HasSubstr("no parameter or symbol `X`"));
  Result no_size = inlay("run vadd.inlay");
  EXPECT_EQ(no_size.code, 1);
  EXPECT_THAT(no_size.err, HasSubstr("N=64"));
}

TEST_F(Cli, TheExampleOfTheReadmeRuns) {
  std::string readme = read(INLAY_SOURCE_DIR "/README.md");
  size_t begin = readme.find("```\n") + 4;
  write(folder_ / "vadd.inlay", readme.substr(begin, readme.find("```", begin) - begin));
  Result run = inlay("run vadd.inlay N=1003 --check");
  EXPECT_EQ(run.code, 0) << run.out << run.err;
}

TEST_F(Cli, RunAndBenchTakeADevice) {
  write(folder_ / "v.inlay", kVadd);
  for (const char* command : {"run", "bench"}) {
    std::string base = std::string(command) + " v.inlay N=16 ";
    EXPECT_EQ(inlay(base + "--device cpu --seconds 0.01").code, *command == 'b' ? 0 : 2);
    Result none = inlay(base + "--device cuda");
    EXPECT_EQ(none.code, 1);
    EXPECT_THAT(none.err, HasSubstr("`cuda` is no device"));
    Result code = inlay(base + "--device emulator");
    EXPECT_EQ(code.code, 1);
    EXPECT_THAT(code.err, HasSubstr("has no code for a GPU: build it with a --target such as"));
    Result driver =
        shell("INLAY_HIP_LIBRARY=/nonexistent/hip.so " INLAY_COMMAND " " + base + "--device hip:1");
    EXPECT_EQ(driver.code, 1);
    EXPECT_THAT(driver.err, HasSubstr("set INLAY_HIP_LIBRARY to emulator"));
    EXPECT_THAT(driver.err, HasSubstr("/nonexistent/hip.so: No such file or directory"));
  }
}

TEST_F(Cli, TheEmulatorIsTheGpuOfTheTarget) {
  write(folder_ / "g.inlay",
        "func f(A: f32[N]) {\n"
        "  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 { A[g * 64 + t] += 1.0 } }\n"
        "}\n");
  for (const char* target : {"gfx900", "gfx906", "gfx906:sramecc+:xnack-"}) {
    Result run = inlay(std::string("run g.inlay N=128 --check --device emulator -t ") + target);
    EXPECT_EQ(run.code, 0) << target << run.out << run.err;
    EXPECT_THAT(run.out, HasSubstr("check A: ok")) << target;
  }
}

TEST_F(Cli, CheckOnADevice) {
  write(folder_ / "g.inlay", R"(
func pad(A: f32[N], P: index, B: f32[P, 16]) {
  assert P == (N + 15) / 16, "a row for each 16"
  grid(x) for g in 0..P { lane(x) for t in 0..16 {
    let i = g * 16 + t
    if i < N { B[g, t] = A[i] + 1.0 } else { B[g, t] = 0.0 }
  } }
}
func small(A: f32[N]) {
  grid(x) for g in 0..(N + 63) / 64 { lane(x) for t in 0..64 {
    let i = g * 64 + t
    if i < N { assert A[i] < 0.9, "small numbers"  A[i] += 1.0 }
  } }
})");
  for (const char* device : {"emulator", "emulator -t gfx906", "cpu"}) {
    Result good = inlay(std::string("check g.inlay --device ") + device);
    EXPECT_EQ(good.code, 0) << good.out << good.err;
    EXPECT_THAT(good.out, ContainsRegex("pad on .*: ok, 16 shapes;")) << device;
    EXPECT_THAT(good.out, ContainsRegex("small on .*: ok, 16 shapes, [0-9]+ ended by an assert"));
  }
  // How often a schedule was chosen, and its loops interpreted: of those that hold, the first.
  write(folder_ / "s.inlay", R"(
func f(A: f32[N]) { for i in 0..N { A[i] += 1.0 } }
schedule f when N % 2 == 0 { split i by 2 into o, k }
schedule f when N % 3 == 0 { }
schedule f when N > 1000000 { parallel i }
func g(A: f32[N]) { for i in 0..N { A[i] += 1.0 } }
schedule g when N > 1000000 { parallel i }
func h(A: f32[N]) { for i in 0..N { A[i] += 1.0 } }
schedule h { parallel i })");
  Result scheduled = inlay("check s.inlay --device cpu");
  EXPECT_EQ(scheduled.code, 0) << scheduled.out << scheduled.err;
  EXPECT_THAT(scheduled.out, ContainsRegex(": f .*: ok, 16 shapes \\([1-9] of them scheduled\\);"));
  EXPECT_THAT(scheduled.out, ContainsRegex(": g .*: ok, 16 shapes \\(0 of them scheduled\\);"));
  EXPECT_THAT(scheduled.out, ContainsRegex(": h .*: ok, 16 shapes \\(16 of them scheduled\\);"));
  // What is wrong is told with the command that shows it.
  std::string wrong = kVadd;
  wrong.replace(wrong.find("c[i] = a[i] + b[i];"), 19, "c[i] = a[i] - b[i];");
  write(folder_ / "wrong.inlay", wrong);
  Result bad = inlay("check wrong.inlay --device cpu");
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, ContainsRegex("WRONG\n  C\\[[0-9]+\\]: "));
  EXPECT_THAT(bad.out, ContainsRegex("inlay run wrong.inlay .*N=.* --check --target"));
  EXPECT_EQ(inlay("check g.inlay --device cpu --syntax-only").code, 2);
}

TEST_F(Cli, CheckImplementsOnADevice) {
  const std::string rows = R"(
intrin block<n>(k: index, a: f32[k, n] strided align 16 in shared, c: f32[n] in private) {
  for p in 0..k { for i in 0..n { c[i] += a[p, i] } }
}
implement block<4> for amdgpu(gfx9) {
  import c inline "void uk(long k, const float *a, long s, float *c) { for (long p = 0; p < k; p++) for (int i = 0; i < 4; i++) c[i] += a[p * s + i]; }"
  call uk(k, a, stride(a, 0), c)
}
intrin twice(m: index, x: f32[m]) { for i in 0..m { x[i] = x[i] * 2.0 } }
implement twice for amdgpu(gfx906) {
  import c inline "void uk_twice(long m, float *x) { for (long i = 0; i < m; i++) x[i] += x[i]; }"
  call uk_twice(m, x)
}
implement twice for x86_64 { call nothing(m, x) })";
  write(folder_ / "rows.inlay", rows);
  Result first = inlay("check --implements rows.inlay --device emulator");
  EXPECT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_THAT(first.out, HasSubstr("block<4> for amdgpu(gfx9): conform on emulator (gfx900): ok"));
  EXPECT_THAT(first.out, HasSubstr("1 rows for gfx900 were run; 2 are for other targets"));
  Result second = inlay("check --implements rows.inlay --device emulator -t gfx906");
  EXPECT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_THAT(second.out, HasSubstr("twice for amdgpu(gfx906): conform on emulator (gfx906): ok"));
  Result both = inlay("check --implements rows.inlay --device emulator -t gfx900 -t gfx906");
  EXPECT_EQ(both.code, 1);
  EXPECT_THAT(both.out, Not(HasSubstr("WRONG")));
  EXPECT_THAT(both.err, HasSubstr("--device runs the code of one target"));
  // A stride that is taken for the width, and a row beyond the last.
  for (auto [from, to] : {std::pair{"p * s + i", "p * 4 + i"}, {"p < k", "p <= k"}}) {
    std::string wrong = rows;
    wrong.replace(wrong.find(from), std::string(from).size(), to);
    write(folder_ / "wrong.inlay", wrong);
    Result result = inlay("check --implements wrong.inlay --device emulator");
    EXPECT_EQ(result.code, 1) << to << result.out;
    EXPECT_THAT(result.out, HasSubstr("WRONG")) << to;
  }
}

TEST_F(Cli, CheckFindsRacesThatNobodyCouldProve) {
  write(folder_ / "r.inlay", R"(
func f(n: index, A: f32[M]) {
  grid(x) for g in 0..M / 64 {
    alloc S: f32[64] in shared
    lane(x) for t in 0..64 { S[(t << n) % 64] = 1.0  A[g * 64 + t] = 2.0 }
  }
})");
  Result listed = inlay("check r.inlay --undecided -t gfx900");
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("1 pairs of accesses are undecided"));
  EXPECT_THAT(listed.err, HasSubstr("could not be proven [race-undecided]"));
  Result run = inlay("check r.inlay --device emulator");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("the interpreter finds a fault: race: `S`"));
}

TEST_F(Cli, AWrongKernelIsCaught) {
  std::string wrong = kVadd;
  wrong.replace(wrong.find("c[i] = a[i] + b[i];"), 19, "c[i] = a[i] - b[i];");
  write(folder_ / "wrong.inlay", wrong);
  Result run = inlay("run wrong.inlay N=16 --check");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("check C: WRONG"));
}

TEST_F(Cli, ExplainSaysWhyRowsWereNotChosen) {
  write(folder_ / "vadd.inlay", kVadd);
  Result result = inlay("explain vadd.inlay --target x86-64-v3");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("add8"));
  EXPECT_THAT(result.out, ContainsRegex("-> .*any"));
  EXPECT_THAT(result.out, HasSubstr("needs avx512vnni_of_the_future"));
}

TEST_F(Cli, TargetsListsAndShows) {
  Result list = inlay("targets");
  EXPECT_EQ(list.code, 0) << list.err;
  for (const char* name : {"x86-64-v3", "native", "aarch64"})
    EXPECT_THAT(list.out, HasSubstr(name));
  Result one = inlay("targets x86-64-v3");
  EXPECT_THAT(one.out, HasSubstr("avx2"));
  EXPECT_THAT(one.out, Not(HasSubstr("avx512f")));
  Result wrong = inlay("targets x86-64-v33");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("x86-64-v3"));
  EXPECT_EQ(inlay("targets znver3+avx512f").code, 0);
  EXPECT_THAT(inlay("targets x86-64-v3+avx999").err, HasSubstr("avx999"));
}

TEST_F(Cli, AFailedBuildLeavesNothingAndKeepsWhatWasThere) {
  write(folder_ / "bad.inlay", "func f(A: f32[N]) { A[0] = missing }\n");
  Result built = inlay("build bad.inlay -o out.so --report");
  EXPECT_EQ(built.code, 1);
  EXPECT_THAT(built.err, HasSubstr("bad.inlay:1:28: error:"));
  EXPECT_EQ(built.out, "");
  EXPECT_THAT(files(), ::testing::ElementsAre("bad.inlay"));
  write(folder_ / "out.so", "old");
  inlay("build bad.inlay -o out.so");
  EXPECT_EQ(read(folder_ / "out.so"), "old");
}

TEST_F(Cli, AnUnwritableOutputIsOneError) {
  write(folder_ / "vadd.inlay", kVadd);
  Result built = inlay("build vadd.inlay -o /proc/nowhere/x.so");
  EXPECT_EQ(built.code, 1);
  EXPECT_THAT(built.err, HasSubstr("/proc/nowhere/x.so"));
  EXPECT_THAT(inlay("build vadd.inlay --dump-stages /proc/nowhere/stages").err,
              HasSubstr("/proc/nowhere/stages"));
  EXPECT_THAT(files(), ::testing::ElementsAre("vadd.inlay"));
}

TEST_F(Cli, AMissingOrForeignInputIsOneError) {
  EXPECT_THAT(inlay("build nothere.inlay").err, HasSubstr("nothere.inlay"));
  fs::create_directory(folder_ / "d.inlay");
  EXPECT_EQ(inlay("build d.inlay").code, 1);
  write(folder_ / "elf.inlay", read(INLAY_COMMAND).substr(0, 4096));
  Result elf = inlay("build elf.inlay");
  EXPECT_EQ(elf.code, 1);
  EXPECT_LT(elf.err.size(), 20000u);
}

TEST_F(Cli, TheCacheAnswersUntilSomethingChanges) {
  write(folder_ / "k.c", "#include \"k.h\"\nvoid k(float* a) { a[0] = VALUE; }\n");
  write(folder_ / "k.h", "#define VALUE 1.0f\n");
  write(folder_ / "p.inlay",
        "import c \"k.c\"\nfunc f(A: f32[N]) { for i in "
        "0..N { call k(&A[i]) } }\n");
  auto build = [&] {
    Result result = inlay("build p.inlay");
    EXPECT_EQ(result.code, 0) << result.err;
    return read(folder_ / "p.so");
  };
  std::string first = build(), second = build();
  EXPECT_TRUE(first == second);
  write(folder_ / "k.h", "#define VALUE 2.0f\n");
  EXPECT_NE(build(), first);  // an included file changed
  write(folder_ / "k.h", "#define VALUE 1.0f\n");
  EXPECT_TRUE(build() == first);
  // Builds are deterministic, with and without the cache.
  EXPECT_EQ(inlay("build p.inlay --no-cache -o n.so").code, 0);
  EXPECT_TRUE(read(folder_ / "n.so") == first);
}

TEST_F(Cli, TwoProcessesMayBuildAtOnce) {
  write(folder_ / "vadd.inlay", kVadd);
  Result both = shell("sh -c '" INLAY_COMMAND " build vadd.inlay -o a.so & " INLAY_COMMAND
                      " build vadd.inlay -o b.so & wait %1 && wait %2'");
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_TRUE(read(folder_ / "a.so") == read(folder_ / "b.so"));
}

TEST_F(Cli, ImportsFromTheCommandLine) {
  write(folder_ / "k.c", "void k(float* a) { *a = 3; }\n");
  write(folder_ / "p.inlay", "func f(A: f32[1]) { call k(A) }\n");
  EXPECT_EQ(inlay("build p.inlay").code, 1);
  Result run = inlay("run p.inlay --import k.c --out A=a.npy");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(inlay("build p.inlay --import c:k.c").code, 0);
  EXPECT_THAT(inlay("build p.inlay --import k.xyz").err, HasSubstr("KIND:PATH"));
}

TEST_F(Cli, SetOverridesAParam) {
  write(folder_ / "p.inlay", "param n = 3\nfunc f(A: i64[1]) { A[0] = n }\n");
  inlay("run p.inlay --set n=42 --out A=a.npy");
  std::string bytes = read(folder_ / "a.npy");
  ASSERT_GE(bytes.size(), 8u);
  EXPECT_EQ(bytes[bytes.size() - 8], 42);
  EXPECT_THAT(inlay("build p.inlay --set m=1").err, HasSubstr("unknown-param"));
  EXPECT_THAT(inlay("build p.inlay --set n=x").err, HasSubstr("no integer"));
}

TEST_F(Cli, SeveralTargetsMakeVariants) {
  write(folder_ / "vadd.inlay", kVadd);
  Result built = inlay("build vadd.inlay --target x86-64-v3 --target x86-64 -o v.so --report");
  ASSERT_EQ(built.code, 0) << built.err;
  EXPECT_THAT(built.out, HasSubstr("x86-64-v3"));
  Result mixed = inlay("build vadd.inlay --target x86-64-v3 --target aarch64 -o w.so");
  EXPECT_EQ(mixed.code, 1);
  EXPECT_THAT(mixed.err, HasSubstr("different architectures"));
}

TEST_F(Cli, CompletionScriptsParse) {
  Result bash = inlay("completion bash");
  EXPECT_EQ(bash.code, 0);
  write(folder_ / "c.bash", bash.out);
  Result used = shell(
      "bash -c '. ./c.bash; COMP_WORDS=(inlay bu); COMP_CWORD=1; _inlay; "
      "echo ${COMPREPLY[@]}; COMP_WORDS=(inlay build --dum); "
      "COMP_CWORD=2; _inlay; "
      "echo ${COMPREPLY[@]}'");
  EXPECT_EQ(used.out, "build\n--dump-stages\n") << used.err;
  EXPECT_THAT(inlay("completion zsh").out, HasSubstr("#compdef inlay"));
  EXPECT_THAT(inlay("completion fish").out, HasSubstr("complete -c inlay"));
}

TEST_F(Cli, BenchComparesAndTimes) {
  write(folder_ / "p.inlay",
        "func a(A: f32[N]) { for i in 0..N { A[i] = 1.0 } }\n"
        "func b(A: f32[N]) { for i in 0..N { A[N - 1 - i] = 1.0 } }\n"
        "func wrong(A: f32[N]) { for i in 0..N { A[i] = 2.0 } }\n");
  Result bench = inlay("bench p.inlay a b N=1000 --seconds 0.05 --flops '2 * N'");
  EXPECT_EQ(bench.code, 0) << bench.err;
  EXPECT_THAT(bench.out, HasSubstr("GFLOP/s"));
  Result wrong = inlay("bench p.inlay a wrong N=1000 --seconds 0.05");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("wrong is wrong"));
}

const char* const kScheduled = R"(include "tile.inlay"
func scale(A: f32[M, N], x: f32) {
  for i in 0..M { for j in 0..N { A[i, j] = A[i, j] * x } }
}
schedule scale for any (rows = 2 * tile) when M > rows {
  split i by rows into ib, ir
  parallel ib
}
)";

TEST_F(Cli, SchedulesAreApplied) {
  write(folder_ / "scale.inlay", kScheduled);
  write(folder_ / "tile.inlay", "param tile = 4\n");
  auto lowered = [&](const std::string& options) {
    Result result = inlay("build scale.inlay --emit ir -o - " + options);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  };
  EXPECT_THAT(lowered(""), HasSubstr("if M > 8 {\n    parallel for ib in"));
  EXPECT_THAT(lowered("--set rows=3"), HasSubstr("min(3, "));
  EXPECT_THAT(lowered("--set scale.rows=5"), HasSubstr("min(5, "));
  EXPECT_THAT(lowered("--set tile=1"), HasSubstr("min(2, "));
  EXPECT_THAT(lowered("--no-schedule"), Not(HasSubstr("ib")));
  EXPECT_THAT(lowered(""), HasSubstr("parallel for ib in")) << "the cache keeps them apart";
  // An included file is looked at again.
  write(folder_ / "tile.inlay", "param tile = 5\n");
  EXPECT_THAT(lowered(""), HasSubstr("if M > 10 {"));

  Result run = inlay("run scale.inlay M=33 N=7 x=1.5 --check --threads 2");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("check A: ok"));
  EXPECT_EQ(inlay("run scale.inlay M=33 N=7 x=1.5 --interpret").code, 0);
  EXPECT_EQ(inlay("bench scale.inlay M=33 N=7 x=1.5 --check --seconds 0.01").code, 0);

  Result explained = inlay("explain scale.inlay");
  EXPECT_THAT(explained.out, HasSubstr("schedule scale for any  (scale.inlay:5)\n  when M > 10\n"
                                       "  rows = 10\n  2 steps\nscale: as it is written else"));
  EXPECT_THAT(inlay("explain scale.inlay --no-schedule").out,
              HasSubstr("scale: as it is written\n"));

  Result steps = inlay("explain scale.inlay --schedule scale --interpret M=33 N=7 x=1.5");
  EXPECT_EQ(steps.code, 0) << steps.err;
  EXPECT_THAT(steps.out,
              HasSubstr("split i by 10 into ib, ir tail bound  (scale.inlay:6)\n\nfunc"));
  EXPECT_THAT(steps.out, HasSubstr("parallel for ib in"));
  EXPECT_THAT(steps.out, HasSubstr("interpreted: the same, bit for bit"));
  EXPECT_THAT(inlay("explain scale.inlay --schedule --interpret M=3 N=7 x=1.5").out,
              HasSubstr("its condition does not hold"));
  EXPECT_THAT(inlay("explain scale.inlay --no-schedule --schedule").out,
              HasSubstr("no schedule fits"));
  EXPECT_THAT(inlay("explain scale.inlay --interpret M=1").err, HasSubstr("--schedule"));
  EXPECT_THAT(inlay("explain scale.inlay --schedule scael").err, HasSubstr("scale"));

  Result unknown = inlay("check scale.inlay --set row=4");
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean `rows`"));
  write(folder_ / "wrong.inlay", std::string(kScheduled) + "schedule scale {\n  unroll i\n}\n");
  Result wrong = inlay("check wrong.inlay");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.inlay:10:3: error: "));
}

TEST_F(Cli, CheckImplementsComparesRowsWithTheirMeaning) {
  write(folder_ / "vadd.inlay", kVadd);
  Result right = inlay("check --implements vadd.inlay --rows any");
  EXPECT_EQ(right.code, 0) << right.out << right.err;
  EXPECT_THAT(right.out, ContainsRegex("add8 for any: ok\n  vadd.inlay:5, built for native\n  "
                                       "[0-9]+ cases; 0 failed"));
  EXPECT_THAT(right.out, HasSubstr("1 rows agree with their meaning, 0 do not, 0 were not run"));
  // A feature that nobody knows: no target would ever choose the row.
  Result unknown = inlay("check --implements vadd.inlay");
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("avx512vnni_of_the_future"));
  std::string text = kVadd;
  write(folder_ / "wrong.inlay", text.replace(text.find("a[i] + b[i];"), 12, "a[i] - b[i];"));
  Result wrong = inlay("check --implements wrong.inlay --rows any");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.out, ContainsRegex("WRONG .*guard page: c\\[[0-7]\\] is .*, expected"));
  write(folder_ / "none.inlay", "func f(A: f32[N]) { for i in 0..N { A[i] = 0.0 } }\n");
  Result none = inlay("check --implements none.inlay");
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out, "no `implement` row\n");
  Result exec = inlay("check --implements vadd.inlay --exec qemu");
  EXPECT_EQ(exec.code, 1);
  EXPECT_THAT(exec.err, HasSubstr("write it as NAME=VALUE"));
  EXPECT_EQ(inlay("check vadd.inlay --rows any").code, 2);
  EXPECT_EQ(inlay("check vadd.inlay --implements --syntax-only").code, 2);
  EXPECT_THAT(files(), ::testing::ElementsAre("none.inlay", "vadd.inlay", "wrong.inlay"));
}

TEST_F(Cli, BenchTimesMicroKernelsAlone) {
  write(folder_ / "vadd.inlay", kVadd);
  Result result = inlay("bench vadd.inlay --micro-kernels --rows any --seconds 0.01");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("add8 for any +[0-9.]+ ns +[0-9.]+ GFLOP/s"));
  // Sizes that nothing bounds are alike, as large as L1 allows; what only moves is told in bytes.
  write(folder_ / "any.inlay", R"(
intrin product(m: index, n: index, k: index, a: f32[m, k], b: f32[k, n], c: f32[m, n]) {
  for i in 0..m { for j in 0..n { for p in 0..k { c[i, j] += a[i, p] * b[p, j] } } }
}
implement product for any { for i in 0..m { for j in 0..n { for p in 0..k { c[i, j] += a[i, p] * b[p, j] } } } }
intrin turn(m: index, n: index, a: f32[m, n], b: f32[n, m]) {
  for i in 0..m { for j in 0..n { b[j, i] = a[i, j] } }
}
implement turn for any { for j in 0..n { for i in 0..m { b[j, i] = a[i, j] } } }
)");
  Result any = inlay("bench any.inlay --micro-kernels --seconds 0.01");
  EXPECT_EQ(any.code, 0) << any.err;
  EXPECT_THAT(any.out, ContainsRegex("product for any .* k=48 m=48 n=48"));
  EXPECT_THAT(any.out, ContainsRegex("turn for any .* GB/s of operands +m=64 n=64"));
}

TEST_F(Cli, HintsReachTheBackend) {
  write(folder_ / "sum.inlay", R"(
func sum(A: f32[M, N], S: f32[M]) {
  for i in 0..M { S[i] = 0.0 for j in 0..N { S[i] += A[i, j] } }
}
schedule sum { pragma j unroll 4  pragma i prefetch A ahead 2 write into l2 }
)");
  Result built = inlay("build sum.inlay --dump-stages stages");
  EXPECT_EQ(built.code, 0) << built.err;
  EXPECT_THAT(read(folder_ / "stages/0.lowered.inlay"),
              HasSubstr("prefetch write into l2 A[i + 2, 0]"));
  std::string emitted = read(folder_ / "stages/1.emitted.ll");
  EXPECT_THAT(emitted, ContainsRegex("call void @llvm.prefetch.p0\\(ptr %[0-9]+, i32 1, i32 2, "
                                     "i32 1\\)"));
  EXPECT_THAT(emitted, HasSubstr("!\"llvm.loop.unroll.count\", i32 4"));
  EXPECT_EQ(inlay("run sum.inlay M=9 N=13 --check").code, 0);
}

// Two threads, workspaces of their own and one that they share.
TEST_F(Cli, AScheduledProductRunsOnThreads) {
  write(folder_ / "gemm.inlay", R"(
intrin tile<mr, nr>(k: index, a: f32[k, mr], b: f32[k, nr], c: f32[mr, nr] strided) {
  for p in 0..k { for i in 0..mr { for j in 0..nr { c[i, j] += a[p, i] * b[p, j] } } }
}
func gemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
}
schedule gemm (mr = 4, nr = 8, mc = 8, kc = 16, nc = 32) {
  split k by even(kc) into kb, p
  split j by even(nc, nr) into jb, jr
  split jr by nr into jp, jj
  split i by even(mc, mr) into ib, ir
  split ir by mr into ip, ii
  sink into kb
  reorder jb, kb, ib, jp, ip, ii, jj
  fission ii, jj before p
  reorder p, ii, jj
  pack B at kb as b_packed[jp, p, jj] pad jj
  pack A at ib as a_packed[ip, p, ii] pad ii
  specialize ip for ii, jj
  tensorize p as tile<mr, nr>
  tensorize p_edge as tile<mr, nr> edge pad
  hoist b_packed out of kb
  hoist b_packed out of jb
  parallel b_packed.jp
  parallel ib
}
)");
  for (const char* sizes : {"M=70 N=90 K=40", "M=1 N=1 K=1", "M=64 N=64 K=0"}) {
    Result run = inlay(std::string("run gemm.inlay --threads 2 --check ") + sizes);
    EXPECT_EQ(run.code, 0) << run.out << run.err;
  }
  Result lowered = inlay("build gemm.inlay --emit ir -o -");
  EXPECT_THAT(lowered.out, ContainsRegex("\n +parallel for ib in [^\n]*\n +alloc a_packed"));
  EXPECT_THAT(lowered.out, HasSubstr("parallel for b_packed.jp in"));
}

}  // namespace
}  // namespace inlay::testing
