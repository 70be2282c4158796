// What the generated code looks like, stage by stage; negatives too.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backends/amdgpu/hsaco.h"
#include "backends/plugin/report.h"
#include "tests/backends/support/code_object_runner.h"
#include "tests/backends/support/scheduled_product.h"

namespace inlay::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr const char* kTile = R"(
func f(A: f32[N], B: f32[N]) {
  grid(x) for g in 0..N / 256 {
    alloc S: f32[256] in shared
    lane(y) for j in 0..4 { lane(x) for i in 0..64 {
      alloc p: f32[2] in private
      S[j * 64 + i] = A[g * 256 + j * 64 + i]
      barrier
      unrolled for k in 0..2 { p[k] = S[(j * 64 + i + k) % 256] }
      B[g * 256 + j * 64 + i] = p[0] + p[1]
    } }
  }
})";

std::string assembly(const std::string& text, const std::string& spec = "gfx900") {
  return compile(text, spec, Artifact::Assembly);
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(AmdgpuCode, EachMemoryHasItsAddressSpace) {
  std::string code = assembly(kTile);
  EXPECT_THAT(code, HasSubstr("global_load_dword"));
  EXPECT_THAT(code, HasSubstr("global_store_dword"));
  EXPECT_THAT(code, HasSubstr("ds_write"));
  EXPECT_THAT(code, HasSubstr("ds_read"));
  EXPECT_THAT(code, Not(HasSubstr("\tflat_")));
  EXPECT_THAT(code, Not(HasSubstr("\tscratch_")));
  EXPECT_THAT(code, Not(HasSubstr("\tbuffer_")));
  EXPECT_EQ(count(code, "\ts_barrier"), 1u);
  std::string ir = compile(kTile, "gfx900", Artifact::LlvmIr);
  EXPECT_THAT(ir, HasSubstr("define protected amdgpu_kernel void @inlay.f.0(ptr addrspace(1)"));
  EXPECT_THAT(ir, HasSubstr("addrspace(3) global [256 x float]"));
  EXPECT_THAT(ir, Not(HasSubstr("alloca")));
}

TEST(AmdgpuCode, WorkgroupAndKernargsAreInTheMetadata) {
  amdgpu::Hsaco hsaco =
      amdgpu::read_hsaco(compile(kTile, "gfx906:xnack-", Artifact::Hsaco), "f", Loc());
  EXPECT_EQ(hsaco.target_id, "gfx906:xnack-");
  EXPECT_EQ(hsaco.code_object_version, 5);
  ASSERT_EQ(hsaco.kernels.size(), 1u);
  const amdgpu::HsacoKernel& kernel = hsaco.kernels[0];
  EXPECT_EQ(kernel.max_workgroup, 256);
  EXPECT_THAT(kernel.required_workgroup, ElementsAre(64, 4, 1));
  EXPECT_EQ(kernel.lds_bytes, 1024);
  EXPECT_EQ(kernel.scratch_bytes, 0);
  // Two addresses; N is not needed, and neither are the 256 bytes of hidden arguments.
  EXPECT_EQ(kernel.kernarg_size, 16u);
}

TEST(AmdgpuCode, VersionsOfCodeObjects) {
  CompileOptions options;
  options.code_object_version = 4;
  for (const char* spec :
       {"gfx900", "gfx902", "gfx904", "gfx906", "gfx909", "gfx90c", "gfx908", "gfx90a"}) {
    amdgpu::Hsaco hsaco =
        amdgpu::read_hsaco(compile(kTile, spec, Artifact::Hsaco, options), spec, Loc());
    EXPECT_EQ(hsaco.code_object_version, 4);
    EXPECT_EQ(hsaco.target_id, spec);
  }
  EXPECT_EQ(amdgpu::read_hsaco(compile(kTile, "gfx9-generic", Artifact::Hsaco), "f", Loc())
                .code_object_version,
            6);
  EXPECT_THROW(compile(kTile, "gfx9-generic", Artifact::Hsaco, options), CompileError);
  options.code_object_version = 3;
  EXPECT_THROW(compile(kTile, "gfx900", Artifact::Hsaco, options), CompileError);
}

TEST(AmdgpuCode, LoadsOfOneWorkItemAreJoined) {
  EXPECT_THAT(assembly(R"(
func f(A: f32[N] align 16, B: f32[N] align 16) {
  grid(x) for g in 0..N / 256 { lane(x) for t in 0..64 {
    vectorized for k in 0..4 { B[g * 256 + t * 4 + k] = A[g * 256 + t * 4 + k] * 2.0 }
  } }
})"),
              testing::AllOf(HasSubstr("global_load_dwordx4"), HasSubstr("global_store_dwordx4")));
}

TEST(AmdgpuCode, SingleWavefrontsNeedNoBarrier) {
  // LLVM drops a barrier of a workgroup that is one wavefront; ours for one work-item do not exist.
  EXPECT_THAT(assembly(R"(
func f(A: f32[N]) { grid(x) for g in 0..N { lane(x) for t in 0..1 { A[g] = 1.0  barrier } } })"),
              Not(HasSubstr("s_barrier")));
}

TEST(AmdgpuCode, FloatingPointIsStrict) {
  const char* text = R"(
func f(A: f32[N], B: f32[N]) {
  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {
    B[g * 64 + t] = A[g * 64 + t] * A[g * 64 + t] + B[g * 64 + t]
  } }
})";
  EXPECT_THAT(assembly(text), Not(HasSubstr("v_fma_f32")));
  EXPECT_THAT(assembly(text), Not(HasSubstr("v_mac_f32")));
  EXPECT_THAT(assembly(text), HasSubstr(".amdhsa_float_denorm_mode_32 3"));
}

CompileResult built(const std::string& text) {
  CompileOptions options;
  options.artifacts = {Artifact::Hsaco};
  return compile_units({lower(text, "gfx900")}, options);
}

TEST(AmdgpuCode, DeviceLibrariesOnlyIfNeeded) {
  CompileResult without = built(kTile);
  EXPECT_THAT(without.reports[0].device_libraries, IsEmpty());
  for (const std::string& path : without.dependencies) EXPECT_THAT(path, Not(HasSubstr("ocml")));

  CompileResult with = built(R"(
func f(A: f32[N], B: f64[N]) {
  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {
    A[g * 64 + t] = exp(A[g * 64 + t])
    B[g * 64 + t] = sin(B[g * 64 + t])
  } }
})");
  EXPECT_THAT(with.reports[0].device_libraries, ElementsAre(HasSubstr("ocml (")));
  // What was linked is inlined, and nothing else came along or stayed.
  amdgpu::Hsaco hsaco = amdgpu::read_hsaco(with.artifacts.at(Artifact::Hsaco), "f", Loc());
  EXPECT_THAT(hsaco.functions, UnorderedElementsAre("inlay.f.0"));
  EXPECT_THAT(render_text(with.reports), HasSubstr("occupancy"));
  EXPECT_THAT(render_json(with.reports), HasSubstr("\"vgprs\""));
}

TEST(AmdgpuCode, ScheduledBlocksStayInRegisters) {
  for (bool pipelined : {false, true}) {
    std::string program = scheduled_product(pipelined ? "pipeline kb" : "");
    CompileResult result = built(program);
    const KernelReport& kernel = result.reports[0].kernels.at(0);
    EXPECT_EQ(kernel.scratch_bytes, 0);
    EXPECT_EQ(kernel.vgpr_spills, 0);
    EXPECT_LE(kernel.vgprs, 84);
    // The last row of A's copy ends with its last element.
    EXPECT_EQ(kernel.lds_bytes, (8 * 36 + 8 * 64) * 4 * (pipelined ? 2 : 1) - 4 * 4);
    std::string code = assembly(program);
    // Whole blocks by vectors: A, whose rows are short, by 2, B by 4.
    EXPECT_EQ(count(code, "global_load_dwordx2"), pipelined ? 2u : 1u) << code;
    EXPECT_EQ(count(code, "global_load_dwordx4"), pipelined ? 2u : 1u);
    EXPECT_THAT(code, HasSubstr("ds_read_b128"));
    EXPECT_THAT(code, HasSubstr("ds_write_b128"));
    EXPECT_THAT(code, Not(HasSubstr("\tflat_")));
    EXPECT_EQ(count(code, "\ts_barrier"), 2u);
  }
}

TEST(AmdgpuCode, RegisterBlocksStayInRegisters) {
  CompileResult result = built(R"(
func f(A: f32[K, 8], B: f32[K, 8], C: f32[N, 8, 8]) {
  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {
    alloc acc: f32[8, 8] in private
    unrolled for i in 0..8 { unrolled for j in 0..8 { acc[i, j] = 0.0 } }
    for k in 0..K {
      unrolled for i in 0..8 { unrolled for j in 0..8 {
        acc[i, j] = fma(A[k, i], B[k, j], acc[i, j])
      } }
    }
    unrolled for i in 0..8 { unrolled for j in 0..8 { C[g * 64 + t, i, j] = acc[i, j] } }
  } }
})");
  const KernelReport& kernel = result.reports[0].kernels.at(0);
  EXPECT_EQ(kernel.scratch_bytes, 0);
  EXPECT_EQ(kernel.vgpr_spills, 0);
  EXPECT_GE(kernel.vgprs, 64);
  EXPECT_LE(kernel.vgprs, 128);
  EXPECT_GE(kernel.occupancy, 2);
}

TEST(AmdgpuCode, HostCodeAsksForNothing) {
  std::string object = compile(kTile, "gfx900");
  DynamicSymbols symbols = dynamic_symbols(object);
  EXPECT_THAT(symbols.undefined, IsEmpty());
  EXPECT_FALSE(symbols.needs_libraries);
  EXPECT_THAT(symbols.exported, UnorderedElementsAre("inlay_code_object", "inlay_f"));
}

TEST(AmdgpuCode, TheSameInputGivesTheSameBytes) {
  EXPECT_EQ(compile(kTile, "gfx900"), compile(kTile, "gfx900"));
}

TEST(AmdgpuCode, SerialKernelsAreWarnedOf) {
  CompileResult result = built("func f(A: f32[N]) { for i in 0..N { A[i] = 1.0 } }");
  ASSERT_EQ(result.warnings.all().size(), 1u);
  EXPECT_EQ(result.warnings.all()[0].rule, "serial-kernel");
  EXPECT_TRUE(result.reports[0].kernels.at(0).serial);
}

// Each dump is headed by the command that makes the next one.
TEST(AmdgpuCode, DumpsReproduceEachOther) {
  std::string name = (std::filesystem::temp_directory_path() / "inlay-dump-XXXXXX").string();
  ASSERT_TRUE(mkdtemp(name.data()));
  std::filesystem::path folder = name;
  auto read = [&](const char* file) {
    std::ostringstream text;
    text << std::ifstream(folder / file).rdbuf();
    return text.str();
  };
  auto reproduce = [&](const char* file) {
    std::string text = read(file);
    std::string line = text.substr(0, text.find('\n'));
    std::string command = line.substr(line.find(": ") + 2);
    return std::system(("cd '" + folder.string() + "' && " + command).c_str());
  };
  CompileOptions options;
  options.dump_stages = folder.string();
  compile(
      "import c inline \"float uk(float x) { return x * 2; }\"\n"
      "func f(A: f32[N]) { grid(x) for g in 0..N { A[g] = exp(call f32 uk(A[g])) } }",
      "gfx900", Artifact::Hsaco, options);
  EXPECT_THAT(read("0.lowered.inlay"), HasSubstr("func f("));
  EXPECT_THAT(read("1.emitted.ll"), HasSubstr("@uk("));
  EXPECT_THAT(read("1.emitted.ll"), HasSubstr("declare float @__ocml_exp_f32"));
  // Linked and inlined before optimization.
  EXPECT_THAT(read("2.linked.ll"), Not(HasSubstr("@uk(")));
  EXPECT_THAT(read("2.linked.ll"), HasSubstr("define internal float @__ocml_exp_f32"));
  EXPECT_THAT(read("3.optimized.ll"), Not(HasSubstr("__ocml_exp_f32")));
  EXPECT_EQ(reproduce("4.s"), 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "5.o"));
  std::filesystem::remove(folder / "4.s");
  EXPECT_EQ(reproduce("3.optimized.ll"), 0);
  EXPECT_THAT(read("4.s"), HasSubstr(".amdhsa_kernel inlay.f.0"));
  std::filesystem::remove(folder / "3.optimized.ll");
  EXPECT_EQ(reproduce("2.linked.ll"), 0);
  EXPECT_THAT(read("3.optimized.ll"), HasSubstr("amdgpu_kernel"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace inlay::test
