// What can't be compiled for a GPU, and what is said then.
#include <gmock/gmock.h>

#include "backends/amdgpu/hsaco.h"
#include "backends/amdgpu/instructions.h"
#include "core/schedule/apply.h"
#include "core/text/text.h"
#include "core/verify/verify.h"
#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

using testing::HasSubstr;

// `spec` empty: on both of the GPUs that programs are run on here.
void expect_fault(const std::string& text, const std::string& rule,
                  const std::vector<std::string>& words, const std::string& spec = "",
                  CompileOptions options = {}) {
  if (spec.empty()) {
    for (const char* gpu : {"gfx900", "gfx906"}) expect_fault(text, rule, words, gpu, options);
    return;
  }
  options.artifacts = {Artifact::Hsaco};
  try {
    CompileUnit unit = lower(text, spec);
    verify(unit.lowered.program).throw_if_errors();
    compile_units({unit}, options);
    ADD_FAILURE() << "compiled: " << text;
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().at(0).rule, rule) << error.what();
    EXPECT_NE(error.diagnostics().at(0).help, "") << error.what();
    for (const std::string& part : words) EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

// A kernel of 64 work-items with `body` in it, which may call what `code` of `kind` defines.
std::string with_import(const std::string& kind, const std::string& code, const std::string& body) {
  return "import " + kind + " inline \"\"\"\n" + code + "\n\"\"\"\n" +
         "func f(A: i32[N], B: i32[N], C: i32[N]) {\n"
         "  grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 {\n    let i = g * 64 + t\n    " +
         body + "\n  } }\n}\n";
}

TEST(AmdgpuFaults, DotInstructionsOnGfx900) {
  const std::string body = "C[i] = call i32 uk_dot(A[i], B[i], C[i])";
  // In IR that was made for gfx906, in IR that says nothing, in C.
  const char* made = R"(
define i32 @uk_dot(i32 %a, i32 %b, i32 %c) "target-cpu"="gfx906" {
  %r = call i32 @llvm.amdgcn.sdot4(i32 %a, i32 %b, i32 %c, i1 false)
  ret i32 %r
}
declare i32 @llvm.amdgcn.sdot4(i32, i32, i32, i1 immarg))";
  expect_fault(with_import("llvm", made, body), "import-missing-feature",
               {"dot1-insts", "gfx900 lacks", "uk_dot"}, "gfx900");
  std::string silent = made;
  silent.erase(silent.find("\"target-cpu\""), std::string("\"target-cpu\"=\"gfx906\"").size());
  expect_fault(with_import("llvm", silent, body), "import-missing-feature",
               {"llvm.amdgcn.sdot4", "dot1-insts", "gfx900"}, "gfx900");
  expect_fault(with_import("c",
                           "int uk_dot(int a, int b, int c) { return __builtin_amdgcn_sdot4(a, b, "
                           "c, 0); }",
                           body),
               "import-does-not-compile", {"dot1-insts"}, "gfx900");
  expect_fault(with_import("c",
                           "int uk_dot(int a, int b, int c) { __asm__(\"v_dot4_i32_i8 %0, %1, %2, "
                           "%0\" : \"+v\"(c) : \"v\"(a), \"v\"(b)); return c; }",
                           body),
               "import-inline-asm", {"not supported on this GPU"}, "gfx900");
  for (const std::string& code : {std::string(made), silent}) {
    CompileOptions options;
    options.artifacts = {Artifact::Assembly};
    EXPECT_THAT(compile(with_import("llvm", code, body), "gfx906", Artifact::Assembly),
                HasSubstr("v_dot4_i32_i8"));
  }
}

// What LLVM says that each GPU has.
TEST(AmdgpuFaults, InstructionsAndWhoHasThem) {
  struct Row {
    const char *intrinsic, *needed;
    std::vector<const char*> have, lack;
  };
  const Row rows[] = {
      {"llvm.amdgcn.sdot4", "dot1-insts", {"gfx906", "gfx908", "gfx90a"}, {"gfx900", "gfx904"}},
      {"llvm.amdgcn.udot8", "dot7-insts", {"gfx906"}, {"gfx900", "gfx90c", "gfx9-generic"}},
      {"llvm.amdgcn.fdot2", "dot10-insts", {"gfx906"}, {"gfx902", "gfx909"}},
      {"llvm.amdgcn.mfma.f32.32x32x1f32", "mai-insts", {"gfx908", "gfx90a"}, {"gfx900", "gfx906"}},
      {"llvm.amdgcn.mfma.f64.16x16x4f64", "gfx90a-insts", {"gfx90a"}, {"gfx906", "gfx908"}},
      {"llvm.amdgcn.permlane16", "gfx10-insts", {}, {"gfx900", "gfx906", "gfx90a"}},
      {"llvm.amdgcn.ds.swizzle", "", {"gfx900", "gfx906"}, {}},
      {"llvm.amdgcn.fmed3", "", {"gfx900"}, {}},
  };
  for (const Row& row : rows) {
    std::string needed = amdgpu::needed_features(row.intrinsic);
    EXPECT_EQ(needed, row.needed) << row.intrinsic;
    for (const char* gpu : row.have) EXPECT_TRUE(amdgpu::has_features(gpu, needed)) << gpu;
    for (const char* gpu : row.lack) EXPECT_FALSE(amdgpu::has_features(gpu, needed)) << gpu;
  }
}

TEST(AmdgpuFaults, InstructionsThatTheTargetLacks) {
  const char* code = R"(
define float @uk(float %a, float %b) {
  %c = call <4 x float> @llvm.amdgcn.mfma.f32.4x4x1f32(float %a, float %b, <4 x float> zeroinitializer, i32 0, i32 0, i32 0)
  %r = extractelement <4 x float> %c, i32 0
  ret float %r
}
declare <4 x float> @llvm.amdgcn.mfma.f32.4x4x1f32(float, float, <4 x float>, i32 immarg, i32 immarg, i32 immarg))";
  const std::string text =
      with_import("llvm", code, "C[i] = i32(call f32 uk(f32(A[i]), f32(B[i])))");
  for (const char* gpu : {"gfx900", "gfx906"}) {
    expect_fault(text, "import-missing-feature",
                 {"test.inlay:1:1: error: import llvm inline at test.inlay:2: function uk calls "
                  "llvm.amdgcn.mfma.f32.4x4x1f32, which needs mai-insts; the target " +
                      std::string(gpu) + " lacks it",
                  "build for one that has it (gfx908, gfx90a)"},
                 gpu);
  }
  EXPECT_THAT(compile(text, "gfx908", Artifact::Assembly), HasSubstr("v_mfma_f32_4x4x1"));
  // Assembly names the line.
  expect_fault(with_import("llvm", R"(
define i32 @uk(i32 %a) {
  %r = call i32 asm "v_dot4_i32_i8 $0, $1, $1, $1", "=v,v"(i32 %a)
  ret i32 %r
})",
                           "C[i] = call i32 uk(A[i])"),
               "import-inline-asm", {"import llvm inline", "not supported on this GPU"}, "gfx900");
}

TEST(AmdgpuFaults, UndefinedAfterTheDeviceLibraries) {
  expect_fault(with_import("c",
                           "int __ocml_no_such_f32(int);\n"
                           "static int helper(int a) { return __ocml_no_such_f32(a); }\n"
                           "int uk(int a) { return helper(a); }",
                           "C[i] = call i32 uk(A[i])"),
               "import-undefined-symbol",
               {"__ocml_no_such_f32", "call `uk` in f", "`helper`", "device libraries"});
  expect_fault(with_import("c", "int puts(const char*);\nint uk(int a) { return puts(\"\") + a; }",
                           "C[i] = call i32 uk(A[i])"),
               "import-undefined-symbol", {"`puts`", "no libc"});
}

TEST(AmdgpuFaults, CodeObjectVersionsClash) {
  std::string code = R"(
define i32 @uk(i32 %a) { ret i32 %a }
!llvm.module.flags = !{!0}
!0 = !{i32 1, !"amdhsa_code_object_version", i32 400})";
  std::string text = with_import("llvm", code, "C[i] = call i32 uk(A[i])");
  expect_fault(text, "import-module-flags", {"amdhsa_code_object_version", "400", "500"});
  CompileOptions options;
  options.code_object_version = 4;
  options.artifacts = {Artifact::Hsaco};
  EXPECT_NO_THROW(compile_units({lower(text, "gfx900")}, options));
}

TEST(AmdgpuFaults, KernelsAreNotCalled) {
  std::string kernel = R"(
define amdgpu_kernel void @k(ptr addrspace(1) %p) { ret void }
)";
  expect_fault(with_import("llvm", kernel, "call k(&A[i])"), "import-calls-kernel",
               {"`k`", "amdgpu_kernel"});
  // An address that is taken is as good as a call.
  expect_fault(with_import("llvm", kernel + R"(
define i32 @uk(i32 %a) {
  %x = ptrtoint ptr @k to i64
  %y = trunc i64 %x to i32
  ret i32 %y
})",
                           "C[i] = call i32 uk(A[i])"),
               "import-calls-kernel", {"`k`", "uk"});
}

TEST(AmdgpuFaults, PointersToOtherMemory) {
  expect_fault(with_import("c", "int uk(__attribute__((address_space(3))) int* p) { return *p; }",
                           "C[i] = call i32 uk(&A[i])"),
               "import-signature", {"address space 3", "global 1, shared 3"});
}

TEST(AmdgpuFaults, SharedMemoryOfMoreThan64K) {
  expect_fault(R"(
func f(A: f32[N]) {
  grid(x) for g in 0..N / 64 {
    alloc S: f32[128, 128] in shared
    alloc T: f32[64] in shared
    lane(x) for t in 0..64 { S[t, 0] = A[g * 64 + t]  T[t] = S[t, 0]  A[g * 64 + t] = T[t] }
  }
})",
               "lds-limit", {"65792 bytes", "65536", "S 65536, T 256"});
}

TEST(AmdgpuFaults, SharedMemoryThatAnImportAdds) {
  expect_fault(R"(
import c inline "__attribute__((address_space(3))) static int big[16384];  int uk(int i) { big[i] = i; return big[i ^ 1]; }"
func f(A: i32[N]) {
  grid(x) for g in 0..N / 64 {
    alloc S: i32[64] in shared
    lane(x) for t in 0..64 { S[t] = A[g * 64 + t]  barrier  A[g * 64 + t] = call i32 uk(S[63 - t]) }
  }
})",
               "lds-limit", {"imports add"});
}

TEST(AmdgpuFaults, WorkgroupsOfMoreThan1024) {
  expect_fault(
      "func f(A: f32[N, 33]) { grid(x) for g in 0..N { lane(y) for j in 0..33 { lane(x) "
      "for t in 0..32 { A[g, j] = 0.0 } } } }",
      "race", {"same element"});
  expect_fault(
      "func f(A: f32[N, 33, 32]) { grid(x) for g in 0..N { lane(y) for j in 0..33 { "
      "lane(x) for t in 0..32 { A[g, j, t] = 0.0 } } } }",
      "workgroup-size", {"32 x 33 x 1", "1024"});
  expect_fault(
      "func f(A: f32[N]) { grid(x) for g in 0..1 { lane(x) for t in 0..N { A[t] = 0.0 } } }",
      "lane-extent", {"`t`"});
}

TEST(AmdgpuFaults, BudgetsThatAreBroken) {
  auto program = [](const std::string& budget) {
    return "func f(A: f32[N]) {\n  require " + budget +
           "\n  grid(x) for g in 0..N / 64 {\n"
           "    alloc tile: f32[64] in shared\n"
           "    lane(x) for t in 0..64 { tile[t] = A[g * 64 + t] barrier A[g * 64 + t] = tile[63 - "
           "t] }\n"
           "  }\n}\n";
  };
  expect_fault(program("lds <= 255"), "budget",
               {"of f has lds 256 on gfx90", ", but lds <= 255 is required", "2:11"});
  expect_fault(program("scratch == 0, vgprs > 200"), "budget", {"vgprs > 200 is required", "2:25"});
  expect_fault(program("occupancy < 2 for amdgpu(gfx906)"), "budget", {"occupancy"}, "gfx906");
  expect_fault(program("registers <= 3"), "parse", {"a GPU has no resource `registers`"});
  expect_fault(program("vgprs != 3"), "parse", {"expected <=, <, ==, >= or >"});
  // What holds, and what is for another GPU.
  for (const char* budget : {"lds == 256, scratch == 0, spills < 1, vgprs <= 24, sgprs >= 1",
                             "occupancy < 2 for amdgpu(gfx906)"}) {
    EXPECT_FALSE(compile(program(budget), "gfx900", Artifact::Hsaco).empty()) << budget;
  }
}

// A block's budget is that of its kernels, and of the kernel that it is a part of; no other's.
TEST(AmdgpuFaults, BudgetsOfBlocks) {
  auto program = [](const std::string& then, const std::string& other) {
    return "func f(A: f32[N]) {\n  if N > 640 {\n    " + then +
           "\n    grid(x) for g in 0..N / 64 {\n      alloc tile: f32[64] in shared\n"
           "      lane(x) for t in 0..64 { tile[t] = A[g * 64 + t] barrier A[g * 64 + t] = tile[63 "
           "- "
           "t] }\n    }\n  } else {\n    " +
           other +
           "\n    grid(x) for g in 0..N / 64 { lane(x) for t in 0..64 { A[g * 64 + t] = 0.0 } }\n"
           "  }\n}\n";
  };
  expect_fault(program("require lds == 0", ""), "budget",
               {"kernel inlay.f.0 of f has lds 256", "3:13"});
  expect_fault(program("", "require lds > 0"), "budget", {"kernel inlay.f.1 of f has lds 0"});
  EXPECT_FALSE(compile(program("require lds == 256", "require lds == 0"), "gfx900", Artifact::Hsaco)
                   .empty());
  expect_fault("func f(A: f32[N]) { { require vgprs < 1  A[0] = 1.0 } }", "budget",
               {"kernel inlay.f.0", "vgprs < 1 is required"});
}

// Those of a schedule hold where it is chosen.
TEST(AmdgpuFaults, BudgetsOfSchedules) {
  auto scheduled = [](const std::string& gpu, const std::string& spec) {
    std::string text =
        "func f(A: f32[N]) { for i in 0..N { A[i] = 2.0 } }\n"
        "schedule f for amdgpu when N > 999 { split i by 64 into g, t  bind g to grid(x)  bind t "
        "to "
        "lane(x) }\n"
        "schedule f for amdgpu { " +
        gpu +
        "  split i by 64 into g, t  bind g to grid(x)  bind t to lane(x) }\n"
        "schedule f for x86_64 { require vgprs < 1 }\n";
    ParseResult parsed = parse_program(text, "test.inlay");
    parsed.diagnostics.throw_if_errors();
    Target target = *backend_for(spec)->resolve_target(spec);
    return print(apply_schedules(parsed.program, target, {}).program);
  };
  expect_fault(scheduled("require vgprs < 1", "gfx900"), "budget",
               {"kernel inlay.f.1 of f has vgprs", "vgprs < 1 is required"});
  for (const char* holds : {"require lds == 0", "require vgprs < 1 for amdgpu(gfx906)"}) {
    EXPECT_FALSE(compile(scheduled(holds, "gfx900"), "gfx900", Artifact::Hsaco).empty()) << holds;
  }
  EXPECT_FALSE(compile(scheduled("require vgprs < 1", "x86-64-v3"), "x86-64-v3").empty());
}

TEST(AmdgpuFaults, BarriersInDivergentFlow) {
  // By the verifier, where the condition names the lane.
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { lane(x) for t in 0..64 { if t < 3 { "
      "barrier } A[t] = 0.0 } } }",
      "barrier", {"depends on the lane"});
  // So where it names what a lane has for itself, or what lanes may still be writing.
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { alloc S: f32[64] in shared lane(x) for t in "
      "0..64 { S[t] = A[t]  if S[0] > 1.0 { barrier } A[t] = 0.0 } } }",
      "race", {"with no barrier between"});
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { lane(x) for t in 0..64 { alloc p: f32[1] in "
      "private p[0] = A[t]  if p[0] > 1.0 { barrier } A[t] = 0.0 } } }",
      "barrier", {"`p`, which each lane has for itself"});
  // By the backend, where two lane loops differ.
  expect_fault(R"(
func f(A: f32[64]) {
  grid(x) for g in 0..1 {
    lane(x) for t in 0..64 { A[t] = 0.0 }
    lane(x) for t in 0..32 { A[t] = 1.0  barrier  A[t + 32] = 1.0 }
  }
})",
               "lane-nest", {"32 lanes", "another lane loop"});
  expect_fault(R"(
func f(A: f32[64], B: f32[64]) {
  grid(x) for g in 0..1 {
    lane(y) for j in 0..8 {
      if A[j] > 0.0 {
        lane(x) for t in 0..8 { A[j * 8 + t] = 0.0 }
        lane(x) for t in 0..8 { B[j * 8 + t] = 0.0 }
      }
    }
  }
})",
               "lane-nest", {"wait for each other"});
}

TEST(AmdgpuFaults, TheHostHasNoAccess) {
  expect_fault("func f(n: i64[1], A: f32[N]) { grid(x) for g in 0..n[0] { A[g] = 0.0 } }",
               "host-access", {"extent", "reads `n`"});
  expect_fault(
      "func f(n: i64[1], A: f32[N]) { if n[0] > 3 { grid(x) for g in 0..N { A[g] = 0.0 } } }",
      "host-access", {"condition", "`n`"});
  expect_fault("func f(A: f32[N]) { let x = A[0]  grid(x) for g in 0..N { A[g] = x } }",
               "host-access", {"`x` is computed by the GPU"});
  expect_fault(
      "func f(A: f32[N]) { grid(y) for j in 0..N { grid(x) for g in 0..j { A[j] = 0.0 } } }",
      "race", {"same element"});
  expect_fault(
      "func f(A: f32[N, N]) { grid(y) for j in 0..N { grid(x) for g in 0..j { A[j, g] = 0.0 "
      "} } }",
      "grid-extent", {"depends on `j`"});
  expect_fault(
      "func f(A: f32[N, N], B: f32[N]) { grid(y) for j in 0..N { B[j] = 0.0 grid(x) for g in "
      "0..N { A[j, g] = 0.0 } } }",
      "grid-nest", {"beside the grid loop"});
  expect_fault(
      "func f(A: f32[N]) { grid(x) for g in 0..N { alloc T: f32[N] T[g] = 1.0 A[g] = T[g] } }",
      "kernel-alloc", {"`T`"});
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { alloc p: f32[64] in private lane(x) for t "
      "in 0..64 { p[t] = 1.0  A[t] = p[t] } } }",
      "private-lanes", {"`p`", "each work-item"});
}

TEST(AmdgpuFaults, KindsOfImports) {
  expect_fault("import archive \"none.a\"\nfunc f(A: f32[N]) { for i in 0..N { A[i] = 0.0 } }",
               "import-kind", {"archive", "hsaco"});
}

TEST(AmdgpuFaults, InlineAssembly) {
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { lane(x) for t in 0..64 { A[t] = asm "
      "f32(\"v_no_such $0, $1\", \"=v,v\", A[t]) } } }",
      "inline-asm", {"invalid instruction"});
}

// LLVM's parser would not come past the second of them.
TEST(AmdgpuFaults, CharactersThatAreNoAssembly) {
  expect_fault(
      "func f(A: f32[64]) { grid(x) for g in 0..1 { lane(x) for t in 0..64 { A[t] = asm "
      "f32(\"v_mov_b32 $0, ``\", \"=v,v\", A[t]) } } }",
      "inline-asm", {"invalid character"});
  expect_fault(
      "import asm inline \"caf\xc3\xa9\"\nfunc f(A: f32[N]) { for i in 0..N { A[i] = 0.0 } }",
      "import-does-not-compile", {"invalid character"});
}

TEST(AmdgpuFaults, CodeObjectsThatAreNone) {
  auto fault = [](const std::string& bytes) {
    try {
      amdgpu::read_hsaco(bytes, "k.hsaco", Loc());
    } catch (const CompileError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(fault("hello"), HasSubstr("no 64-bit ELF"));
  EXPECT_THAT(fault(compile("func f(A: f32[N]) { for i in 0..N { A[i] = 0.0 } }", "native")),
              HasSubstr("another machine"));
  std::string good = compile("func f(A: f32[N]) { grid(x) for i in 0..N { A[i] = 0.0 } }", "gfx900",
                             Artifact::Hsaco);
  EXPECT_EQ(fault(good), "");
  // Cut anywhere, or with any byte changed: an error or a code object, never a crash.
  for (size_t size = 0; size < good.size(); size += 7) fault(good.substr(0, size));
  for (size_t at = 0; at < good.size(); at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0xff);
    fault(bad);
  }
}

}  // namespace
}  // namespace inlay::test
