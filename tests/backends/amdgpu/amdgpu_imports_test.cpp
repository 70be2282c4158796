// Imports on a GPU: every form, linked before optimization, inlined, run on the emulator; whole
// kernels as assembly and hsaco.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backends/plugin/report.h"
#include "tests/backends/support/code_object_runner.h"
#include "tests/backends/support/gpu_runner.h"

namespace inlay::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Built {
  CompileResult result;
  const BuildReport& report() const { return result.reports.at(0); }
  const std::string& operator[](Artifact artifact) const { return result.artifacts.at(artifact); }
};

Built build(const std::string& text, const std::string& spec = emulated_gpu()) {
  CompileOptions options;
  options.artifacts = {Artifact::SharedObject, Artifact::LlvmIr, Artifact::Assembly,
                       Artifact::Hsaco};
  return {compile_units({lower(text, spec)}, options)};
}

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "inlay-gpu-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("can't make " + name);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  void run(const std::string& command) const {
    ASSERT_EQ(std::system(("cd '" + path_.string() + "' && " + command).c_str()), 0) << command;
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// acc[4] += a[0..4] * b, through whatever the import is.
std::string program(const std::string& import) {
  return import + R"(
func f(A: f32[N, 4], B: f32[N], C: f32[M, 4]) {
  grid(x) for g in 0..M / 64 { lane(x) for t in 0..64 {
    let i = g * 64 + t
    alloc acc: f32[4] in private
    unrolled for j in 0..4 { acc[j] = 1.0 }
    for k in 0..N { call uk_fma4(acc, &A[k, 0], B[k]) }
    unrolled for j in 0..4 { C[i, j] = acc[j] }
  } }
})";
}

constexpr const char* kC =
    "void uk_fma4(float* acc, const float* a, float b) {\n"
    "  for (int j = 0; j < 4; ++j) acc[j] = __builtin_fmaf(a[j], b, acc[j]);\n}\n";

constexpr const char* kLlvm = R"(
define void @uk_fma4(ptr addrspace(5) %acc, ptr addrspace(1) %a, float %b) {
  %old = load <4 x float>, ptr addrspace(5) %acc, align 4
  %row = load <4 x float>, ptr addrspace(1) %a, align 4
  %one = insertelement <4 x float> poison, float %b, i32 0
  %all = shufflevector <4 x float> %one, <4 x float> poison, <4 x i32> zeroinitializer
  %new = call <4 x float> @llvm.fma.v4f32(<4 x float> %row, <4 x float> %all, <4 x float> %old)
  store <4 x float> %new, ptr addrspace(5) %acc, align 4
  ret void
}
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
)";

constexpr const char* kAsm =
    "void uk_fma4(float* acc, const float* a, float b) {\n"
    "  for (int j = 0; j < 4; ++j) {\n"
    "    float r = acc[j];\n"
    "    __asm__(\"v_fma_f32 %0, %1, %2, %0\" : \"+v\"(r) : \"v\"(a[j]), \"v\"(b));\n"
    "    acc[j] = r;\n  }\n}\n";

std::string inline_import(const std::string& kind, const std::string& code) {
  return "import " + kind + " inline \"\"\"\n" + code + "\"\"\"\n";
}

void expect_right(const Built& built) {
  constexpr int64_t kM = 128, kN = 5;
  Tensor<float> a{{kDLFloat, 32, 1}, {kN, 4}, {}, {4, 1}}, b{{kDLFloat, 32, 1}, {kN}, {}, {1}};
  Tensor<float> c{{kDLFloat, 32, 1}, {kM, 4}, std::vector<float>(kM * 4), {4, 1}};
  for (int64_t i = 0; i < kN * 4; ++i) a.data.push_back(float(i) / 2);
  for (int64_t i = 0; i < kN; ++i) b.data.push_back(float(3 - i));
  DLTensor av = a.view(), bv = b.view(), cv = c.view();
  GpuObject object(built[Artifact::SharedObject]);
  ASSERT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&bv), inlay_tensor(&cv)}), "");
  for (int64_t i = 0; i < kM; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      float expected = 1;
      for (int64_t k = 0; k < kN; ++k) expected += a.data[size_t(k * 4 + j)] * b.data[size_t(k)];
      ASSERT_EQ(c.data[size_t(i * 4 + j)], expected) << i << ", " << j;
    }
  }
}

// Registers that are passed by address stay registers: nothing is in scratch, no access is generic.
void expect_inlined(const Built& built) {
  for (const CallReport& call : built.report().calls) {
    EXPECT_EQ(call.verdict, InlineVerdict::Inlined) << call.reason;
  }
  ASSERT_EQ(built.report().kernels.size(), 1u);
  EXPECT_EQ(built.report().kernels[0].scratch_bytes, 0);
  EXPECT_EQ(built.report().kernels[0].vgpr_spills, 0);
  EXPECT_THAT(built[Artifact::LlvmIr], Not(HasSubstr("@uk_fma4")));
  EXPECT_THAT(built[Artifact::LlvmIr], Not(HasSubstr("= alloca")));
  EXPECT_THAT(built[Artifact::Assembly], Not(HasSubstr("\tflat_")));
  EXPECT_THAT(built[Artifact::Assembly], Not(HasSubstr("\tscratch_")));
  EXPECT_THAT(built[Artifact::Assembly], HasSubstr("v_f"));
}

TEST(AmdgpuImports, EveryFormIsInlinedIntoRegisters) {
  Scratch scratch;
  std::string ll =
      scratch.write("uk.ll", std::string("target triple = \"amdgcn-amd-amdhsa\"\n") + kLlvm);
  scratch.write("uk.c", kC);
  scratch.run(std::string(INLAY_CLANG) + " --target=amdgcn-amd-amdhsa -nogpulib -mcpu=" +
              emulated_gpu() + " -O2 -emit-llvm -c uk.c -o uk.bc");
  const std::pair<const char*, std::string> forms[] = {
      {"C", inline_import("c", kC)},
      {"C++", inline_import("cxx", std::string("extern \"C\" ") + kC)},
      {"LLVM IR", inline_import("llvm", kLlvm)},
      {"LLVM IR, a file", "import llvm \"" + ll + "\"\n"},
      {"bitcode", "import bitcode \"" + scratch.path("uk.bc") + "\"\n"},
      {"inline assembly", inline_import("c", kAsm)},
  };
  for (const auto& [name, import] : forms) {
    SCOPED_TRACE(name);
    Built built = build(program(import));
    EXPECT_EQ(built.report().imports.at(0).stage, "before optimization");
    expect_inlined(built);
    expect_right(built);
  }
}

TEST(AmdgpuImports, AssemblyInTheProgram) {
  Built built = build(R"(
func f(A: f32[N], B: f32[N]) {
  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {
    let i = g * 64 + t
    B[i] = asm f32("v_mul_f32 $0, $1, $1", "=v,v", A[i])
  } }
})");
  EXPECT_THAT(built[Artifact::Assembly], HasSubstr("v_mul_f32"));
  Tensor<float> a{{kDLFloat, 32, 1}, {64}, std::vector<float>(64, 3.0f), {1}}, b = a;
  DLTensor av = a.view(), bv = b.view();
  EXPECT_EQ(
      GpuObject(built[Artifact::SharedObject]).call("f", {inlay_tensor(&av), inlay_tensor(&bv)}),
      "");
  EXPECT_EQ(b.data[63], 9.0f);
}

TEST(AmdgpuImports, SharedMemoryByItsAddressSpace) {
  // The micro-kernel asks for LDS; a generic pointer would do too.
  for (const char* pointer : {"__attribute__((address_space(3))) const float*", "const float*"}) {
    Built built = build(inline_import("c", std::string("float uk_sum(") + pointer +
                                               " s) { return s[0] + s[1]; }\n") +
                        R"(
func f(A: f32[N], B: f32[N]) {
  grid(x) for g in 0..N / 64 {
    alloc S: f32[65] in shared
    lane(x) for t in 0..64 {
      S[t] = A[g * 64 + t]
      if t == 0 { S[64] = 0.0 }
      barrier
      B[g * 64 + t] = call f32 uk_sum(&S[t])
    }
  }
})");
    EXPECT_THAT(built[Artifact::Assembly], HasSubstr("ds_read"));
    EXPECT_THAT(built[Artifact::Assembly], Not(HasSubstr("\tflat_")));
  }
}

TEST(AmdgpuImports, WithoutARowTheMeaningIsCompiled) {
  Built built = build(R"(
intrin twice(a: f32[4], b: f32[4]) { for i in 0..4 { b[i] = a[i] * 2.0 } }
implement twice for x86_64(avx2) { import c inline "void uk(const float* a, float* b) {}"
  call uk(a, b) }
func f(A: f32[N, 4], B: f32[N, 4]) {
  grid(x) for g in 0..N { twice(A[g, 0..4], B[g, 0..4]) }
})");
  ASSERT_EQ(built.report().selections.size(), 1u);
  EXPECT_EQ(built.report().selections[0].chosen, "meaning");
  EXPECT_THAT(render_text(built.report()), HasSubstr("meaning"));
  EXPECT_THAT(built.report().imports, IsEmpty());
}

// ---- whole kernels ----

std::string vector_add_kernel(const std::string& gpu) {
  return R"(
	.amdgcn_target "amdgcn-amd-amdhsa--)" +
         gpu + R"("
	.text
	.globl	vadd
	.p2align	8
	.type	vadd,@function
vadd:
	s_load_dwordx4 s[0:3], s[4:5], 0x0
	s_load_dwordx2 s[8:9], s[4:5], 0x10
	s_load_dword s10, s[4:5], 0x18
	v_lshl_add_u32 v0, s6, 6, v0
	s_waitcnt lgkmcnt(0)
	v_cmp_gt_i32_e32 vcc, s10, v0
	s_and_saveexec_b64 s[12:13], vcc
	s_cbranch_execz .Lend
	v_lshlrev_b32_e32 v0, 2, v0
	global_load_dword v1, v0, s[0:1]
	global_load_dword v2, v0, s[2:3]
	s_waitcnt vmcnt(0)
	v_add_f32_e32 v1, v1, v2
	global_store_dword v0, v1, s[8:9]
.Lend:
	s_endpgm
	.rodata
	.p2align	6
	.amdhsa_kernel vadd
		.amdhsa_kernarg_size 28
		.amdhsa_user_sgpr_private_segment_buffer 1
		.amdhsa_user_sgpr_kernarg_segment_ptr 1
		.amdhsa_next_free_vgpr 3
		.amdhsa_next_free_sgpr 14
	.end_amdhsa_kernel
	.amdgpu_metadata
---
amdhsa.version:
  - 1
  - 2
amdhsa.target: amdgcn-amd-amdhsa--)" +
         gpu + R"(
amdhsa.kernels:
  - .args:
      - .address_space: global
        .name: a
        .offset: 0
        .size: 8
        .value_kind: global_buffer
      - .address_space: global
        .name: b
        .offset: 8
        .size: 8
        .value_kind: global_buffer
      - .address_space: global
        .name: c
        .offset: 16
        .size: 8
        .value_kind: global_buffer
      - .name: count
        .offset: 24
        .size: 4
        .value_kind: by_value
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 28
    .max_flat_workgroup_size: 64
    .name: vadd
    .private_segment_fixed_size: 0
    .sgpr_count: 14
    .symbol: vadd.kd
    .vgpr_count: 3
    .wavefront_size: 64
...
	.end_amdgpu_metadata
)";
}

std::string launch_program(const std::string& import, const std::string& body) {
  return import + "func f(A: f32[N], B: f32[N], C: f32[N]) {\n" + body + "\n}\n";
}

constexpr const char* kLaunch =
    "  grid(x) for g in 0..(N + 63) / 64 { lane(x) for t in 0..64 {\n"
    "    call vadd(A, B, C, i32(N))\n  } }\n";

TEST(AmdgpuImports, ReadyKernelsAreLaunched) {
  Scratch scratch;
  std::string gpu = emulated_gpu();
  scratch.write("vadd.s", vector_add_kernel(gpu));
  scratch.run(std::string(INLAY_CLANG) + " --target=amdgcn-amd-amdhsa -mcpu=" + gpu +
              " -mcode-object-version=5 vadd.s -o vadd.hsaco");
  for (const char* import : {"asm \"vadd.s\"", "hsaco \"vadd.hsaco\""}) {
    SCOPED_TRACE(import);
    std::string kind = import;
    std::string file = kind.substr(kind.find('"') + 1);
    file.pop_back();
    std::string line =
        "import " + kind.substr(0, kind.find(' ')) + " \"" + scratch.path(file) + "\"\n";
    Built built = build(launch_program(line, kLaunch));
    ASSERT_EQ(built.report().kernels.size(), 1u);
    EXPECT_TRUE(built.report().kernels[0].ready);
    EXPECT_EQ(built.report().kernels[0].vgprs, 3);
    EXPECT_EQ(built.report().imports.at(0).stage, "launched as it is");
    GpuObject object(built[Artifact::SharedObject]);
    Tensor<float> a{{kDLFloat, 32, 1}, {100}, std::vector<float>(100), {1}};
    for (size_t i = 0; i < 100; ++i) a.data[i] = float(i);
    Tensor<float> b = a, c = a;
    DLTensor av = a.view(), bv = b.view(), cv = c.view();
    ASSERT_EQ(object.call("f", {inlay_tensor(&av), inlay_tensor(&bv), inlay_tensor(&cv)}), "");
    ASSERT_EQ(object.launches().size(), 1u);
    EXPECT_THAT(object.launches()[0].grid, ElementsAre(2, 1, 1));
    for (size_t i = 0; i < 100; ++i) ASSERT_EQ(c.data[i], 2 * float(i)) << i;
  }
}

TEST(AmdgpuImports, ReadyKernelsAreHeldAgainstTheirMetadata) {
  std::string import = inline_import("asm", vector_add_kernel("gfx900"));
  auto loops = [](const std::string& lanes, const std::string& call) {
    return "  grid(x) for g in 0..N { lane(x) for t in 0.." + lanes + " { " + call + " } }\n";
  };
  const std::pair<std::string, const char*> cases[] = {
      {loops("64", "call vadd(A, B, C)"), "passes 3 arguments, the kernel takes 4"},
      {loops("64", "call vadd(A, B, i32(N), C)"), "argument 3 (`c`) is a number"},
      {loops("64", "call vadd(A, B, C, N)"), "has 8 bytes at offset 24, the kernel takes 4 at 24"},
      {loops("128", "call vadd(A, B, C, i32(N))"),
       "128 work-items, the kernel was compiled for 64 at most"},
      {loops("64", "call vadd(A, B, C, i32(t))"), "depends on the loop `t`"},
      {loops("64", "A[t] = 0.0 call vadd(A, B, C, i32(N))"), "code on the GPU can't call"},
  };
  for (const auto& [body, words] : cases) {
    try {
      build(launch_program(import, body), "gfx900");
      ADD_FAILURE() << body;
    } catch (const CompileError& error) {
      EXPECT_EQ(error.diagnostics().at(0).rule, "ready-kernel");
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }
  try {
    build(launch_program(import, kLaunch), "gfx906");
    ADD_FAILURE() << "a kernel for gfx900 on gfx906";
  } catch (const CompileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("gfx90"));
  }
}

}  // namespace
}  // namespace inlay::test
