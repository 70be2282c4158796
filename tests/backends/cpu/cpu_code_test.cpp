// What the generated code looks like: vectorized where it must be, strict where it must be, and
// every artifact what its name says.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kSaxpy = R"(
func saxpy(alpha: f32, X: f32[N], Y: f32[N]) {
  for i in 0..N { Y[i] += alpha * X[i] }
}
)";

std::string optimized(const std::string& text, const std::string& spec = "x86-64-v3") {
  return compile(text, spec, Artifact::LlvmIr);
}

TEST(CpuCode, PlainLoopsVectorize) {
  EXPECT_THAT(optimized(kSaxpy), HasSubstr("fmul <8 x float>"));
  EXPECT_THAT(optimized(kSaxpy, "x86-64"), HasSubstr("fmul <4 x float>"));
  EXPECT_THAT(optimized(kSaxpy, "aarch64"), HasSubstr("fmul <4 x float>"));
  EXPECT_THAT(optimized(kSaxpy, "aarch64+sve"), HasSubstr("fmul <vscale x 4 x float>"));
  // No check at run time for overlap: the parameters are known apart.
  EXPECT_THAT(optimized(kSaxpy), Not(HasSubstr("vector.memcheck")));
  EXPECT_THAT(optimized(R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for k in 0..K { for j in 0..N { C[i, j] += A[i, k] * B[k, j] } } }
})"),
              HasSubstr("fmul <8 x float>"));
}

TEST(CpuCode, LoopsOverPartsOfBuffersVectorize) {
  // Packing, a strided matrix, index arithmetic with division, a parallel loop.
  EXPECT_THAT(optimized(R"(
func f(A: f32[M, N] strided, P: f32[M / 6, N, 6]) {
  parallel for p in 0..M / 6 {
    for j in 0..N { for i in 0..6 { P[p, j, i] = A[p * 6 + i, j] } }
  }
  for i in 0..M { for j in 0..N { A[i, j] = A[i, j] * 2.0 } }
})"),
              HasSubstr("fmul <8 x float>"));
  EXPECT_THAT(optimized(R"(
func f(A: f32[N], B: f32[N]) {
  for i in 0..N / 32 { for j in 0..32 { B[i * 32 + j] = A[i * 32 + j] * 2.0 } }
})"),
              HasSubstr("fmul <8 x float>"));
  EXPECT_THAT(optimized(R"(
func f(A: i32[N], B: i32[N]) { for i in 0..N { B[i] = A[i] / 8i32 + A[i] % 4i32 } })"),
              HasSubstr("ashr <8 x i32>"));
}

TEST(CpuCode, VectorizedLoopsAre) {
  // The indices may collide for all that LLVM knows; the loop's kind says that they do not.
  const char* text = R"(
func f(I: i64[N], A: f32[N], B: f32[N]) {
  vectorized for i in 0..N { B[i] = A[i] * 2.0 + B[i + I[0]] }
})";
  EXPECT_THAT(optimized(text), HasSubstr("fmul <8 x float>"));
  EXPECT_THAT(optimized(text), Not(HasSubstr("vector.memcheck")));
  EXPECT_THAT(optimized(R"(
func f(A: f32[8], B: f32[8]) { vectorized for i in 0..8 { B[i] = A[i] * 2.0 } })"),
              HasSubstr("fmul <8 x float>"));
}

TEST(CpuCode, UnrolledLoopsLeaveNoPrivateArray) {
  std::string code = optimized(R"(
func f(A: f32[K, 4], B: f32[K, 4], C: f32[4, 4]) {
  alloc acc: f32[4, 4] in private
  unrolled for i in 0..4 { unrolled for j in 0..4 { acc[i, j] = 0.0 } }
  for k in 0..K {
    unrolled for i in 0..4 { unrolled for j in 0..4 { acc[i, j] += A[k, i] * B[k, j] } }
  }
  unrolled for i in 0..4 { unrolled for j in 0..4 { C[i, j] = acc[i, j] } }
})");
  EXPECT_THAT(code, Not(HasSubstr("alloca")));
}

TEST(CpuCode, ARegisterBlockStaysInRegisters) {
  std::string code = compile(R"(
func f(A: f32[K, 6], B: f32[K, 16], C: f32[6, 16]) {
  alloc acc: f32[6, 16] align 64 in private
  unrolled for i in 0..6 { vectorized for j in 0..16 { acc[i, j] = 0.0 } }
  for k in 0..K {
    unrolled for i in 0..6 {
      vectorized for j in 0..16 { acc[i, j] = fma(A[k, i], B[k, j], acc[i, j]) }
    }
  }
  unrolled for i in 0..6 { vectorized for j in 0..16 { C[i, j] = acc[i, j] } }
})",
                             "x86-64-v3", Artifact::Assembly);
  code = code.substr(0, code.find(".Lfunc_end0"));
  size_t count = 0;
  for (size_t at = 0; (at = code.find("vfmadd231ps", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 12u) << code;
  EXPECT_THAT(code, Not(HasSubstr("%rsp"))) << code;
}

TEST(CpuCode, FloatingPointIsStrict) {
  std::string code = optimized(R"(
func f(A: f32[N], R: f32[1]) { R[0] = 0.0  for i in 0..N { R[0] += A[i] * A[i] } })");
  EXPECT_THAT(code, Not(HasSubstr("reassoc ")));
  EXPECT_THAT(code, Not(HasSubstr(" fast ")));
  EXPECT_THAT(code, Not(HasSubstr("contract ")));
  EXPECT_THAT(compile(R"(
func f(A: f32[N], B: f32[N]) { for i in 0..N { B[i] = A[i] * A[i] + B[i] } })",
                      "x86-64-v3", Artifact::Assembly),
              Not(HasSubstr("vfmadd")));
  EXPECT_THAT(compile(R"(
func f(A: f32[N], B: f32[N]) { for i in 0..N { B[i] = fma(A[i], A[i], B[i]) } })",
                      "x86-64-v3", Artifact::Assembly),
              HasSubstr("vfmadd"));
}

// Each kind of number that needs help from libc or a compiler's library somewhere.
constexpr const char* kEveryConversion = R"(
func f(H: f16[N], B: bf16[N], F: f32[N], D: f64[N], I: i64[N], U: u64[N], T: f32[N]) {
  for i in 0..N {
    H[i] = f16(D[i])
    B[i] = bf16(I[i]) + bf16(U[i])
    F[i] = floor(F[i]) + round(F[i]) + fma(F[i], F[i], f32(H[i]))
    D[i] = f64(U[i]) + trunc(D[i]) + exp(D[i])
    U[i] = u64(D[i]) + u64(F[i])
    I[i] = i64(F[i]) * I[i] / (I[i] | 1)
    T[i] = 0.0
  }
})";

TEST(CpuCode, NothingIsEverUndefined) {
  for (const char* spec : {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64",
                           "aarch64+sve", "aarch64-neon", "neoverse-n1", "native"}) {
    for (int level : {0, 1, 3}) {
      CompileOptions options;
      options.optimization_level = level;
      DynamicSymbols symbols =
          dynamic_symbols(compile(kEveryConversion, spec, Artifact::SharedObject, options));
      EXPECT_THAT(symbols.undefined, IsEmpty()) << spec;
      EXPECT_FALSE(symbols.needs_libraries) << spec;
    }
  }
}

TEST(CpuCode, TheSameInputGivesTheSameBytes) {
  for (Artifact artifact : {Artifact::SharedObject, Artifact::Object, Artifact::Bitcode}) {
    EXPECT_EQ(compile(kEveryConversion, "x86-64-v3", artifact),
              compile(kEveryConversion, "x86-64-v3", artifact));
  }
}

TEST(CpuCode, ArtifactsAreWhatTheySay) {
  EXPECT_THAT(compile(kSaxpy, "x86-64", Artifact::LoweredIr), HasSubstr("func saxpy("));
  EXPECT_EQ(compile(kSaxpy, "x86-64", Artifact::Bitcode).substr(0, 2), "BC");
  EXPECT_THAT(compile(kSaxpy, "aarch64", Artifact::Assembly), HasSubstr("inlay.invoke.saxpy"));
  EXPECT_EQ(compile(kSaxpy, "x86-64", Artifact::Object).substr(0, 4), "\177ELF");
  try {
    CompileOptions options;
    options.artifacts = {Artifact::LlvmIr};
    cpu::make_backend()->compile("f", {lower(kSaxpy, "x86-64"), lower(kSaxpy, "x86-64-v3")},
                                 options);
    FAIL() << "two targets in one .ll";
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().at(0).rule, "several-targets");
  }
}

class DumpFolder {
 public:
  DumpFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "inlay-dump-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("can't make " + name);
    path_ = name;
  }
  ~DumpFolder() { std::filesystem::remove_all(path_); }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path_ / name).rdbuf();
    return text.str();
  }
  // Runs the command that heads a dump.
  int reproduce(const std::string& name) const {
    std::string text = read(name);
    std::string line = text.substr(0, text.find('\n'));
    std::string command = line.substr(line.find(": ") + 2);
    return std::system(("cd '" + path_.string() + "' && " + command).c_str());
  }
  std::filesystem::path path_;
};

TEST(CpuCode, EachDumpIsHeadedByTheCommandThatMakesTheNext) {
  DumpFolder folder;
  CompileOptions options;
  options.dump_stages = folder.path_.string();
  options.reproduce_command = "inlay build saxpy.inlay --target x86-64-v3";
  compile(kSaxpy, "x86-64-v3", Artifact::SharedObject, options);
  EXPECT_THAT(folder.read("0.lowered.inlay"), HasSubstr("func saxpy("));
  EXPECT_THAT(folder.read("1.emitted.ll"), HasSubstr("inlay build saxpy.inlay"));
  std::string optimized = folder.read("3.optimized.ll"), assembly = folder.read("4.s");
  std::filesystem::remove(folder.path_ / "3.optimized.ll");
  EXPECT_EQ(folder.reproduce("2.linked.ll"), 0);
  EXPECT_THAT(folder.read("3.optimized.ll"), HasSubstr("fmul <8 x float>"));
  std::ofstream(folder.path_ / "3.optimized.ll") << optimized;
  std::filesystem::remove(folder.path_ / "4.s");
  EXPECT_EQ(folder.reproduce("3.optimized.ll"), 0);
  // The same code, but for what heads and names the file.
  std::string again = folder.read("4.s");
  EXPECT_EQ(again.substr(again.find("inlay.fn.saxpy:")),
            assembly.substr(assembly.find("inlay.fn.saxpy:")));
  std::ofstream(folder.path_ / "4.s") << assembly;
  EXPECT_EQ(folder.reproduce("4.s"), 0);
  EXPECT_TRUE(std::filesystem::exists(folder.path_ / "5.o"));
}

TEST(CpuCode, DumpsIntoNowhereAreAnError) {
  CompileOptions options;
  options.dump_stages = "/proc/none/such";
  EXPECT_THROW(compile(kSaxpy, "x86-64-v3", Artifact::SharedObject, options), CompileError);
}

}  // namespace
}  // namespace inlay::test
