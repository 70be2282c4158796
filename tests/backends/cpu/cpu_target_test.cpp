// Targets of the cpu backend: what a specification resolves to, and what is said of a wrong one.
#include <gmock/gmock.h>

#include "backends/cpu/resolve.h"

namespace inlay::cpu {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string failure_of(const std::string& spec) {
  try {
    std::optional<Target> target = resolve_target(spec);
    return target ? "resolved" : "not ours";
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().at(0).rule, "unknown-target");
    return error.what();
  }
}

TEST(CpuTarget, LevelsHaveTheirFeaturesAndWhatThoseImply) {
  Target target = resolve_target("x86-64-v3").value();
  EXPECT_EQ(target.arch, "x86_64");
  EXPECT_EQ(target.backend, "cpu");
  EXPECT_EQ(target.vector_bits, 256);
  EXPECT_EQ(target.vector_registers, 16);
  for (const char* feature : {"avx2", "fma", "bmi2", "avx", "sse2", "f16c"}) {
    EXPECT_TRUE(target.features.count(feature)) << feature;
  }
  EXPECT_FALSE(target.features.count("avx512f"));
  EXPECT_FALSE(target.features.count("64bit-mode"));
  EXPECT_FALSE(target.features.count("slow-3ops-lea"));
  EXPECT_EQ(resolve_target("x86-64-v4")->vector_bits, 512);
  EXPECT_EQ(resolve_target("x86-64")->vector_bits, 128);
}

TEST(CpuTarget, ChangesImply) {
  Target target = resolve_target("x86-64+avx2").value();
  EXPECT_TRUE(target.features.count("avx"));
  EXPECT_TRUE(target.features.count("sse4.2"));
  Target less = resolve_target("znver3-avx2+fma4").value();
  EXPECT_FALSE(less.features.count("avx2"));
  EXPECT_TRUE(less.features.count("avx"));
  EXPECT_TRUE(less.features.count("fma4"));
  EXPECT_EQ(less.cpu, "znver3");
  EXPECT_EQ(less.caches[1].bytes, 512 << 10);
  EXPECT_EQ(less.caches[1].ways, 8);
  EXPECT_FALSE(less.caches_assumed);
  EXPECT_EQ(less.cores, 1);
  Target dashed = resolve_target("sapphirerapids-amx-int8-amx-bf16").value();
  EXPECT_FALSE(dashed.features.count("amx-int8"));
  EXPECT_TRUE(dashed.features.count("amx-tile"));
}

// The rule of rows on what LLVM says that features imply.
TEST(CpuTarget, ImpliedFeaturesDecideWhatIsMoreSpecific) {
  Target x86 = resolve_target("znver5").value();
  Target arm = resolve_target("aarch64+sve2+bf16").value();
  auto beats = [](const Target& target, std::vector<std::string> a, std::vector<std::string> b) {
    TargetPredicate first{target.arch, std::move(a), {}}, second{target.arch, std::move(b), {}};
    EXPECT_TRUE(matches(first, target) && matches(second, target));
    bool one = more_specific(first, second, target), other = more_specific(second, first, target);
    EXPECT_FALSE(one && other);
    return one;
  };
  EXPECT_TRUE(beats(x86, {"avx512f"}, {"avx2", "fma"}));
  EXPECT_TRUE(beats(x86, {"avx512bf16"}, {"avx512f", "avx2", "fma", "avx512bw"}));
  EXPECT_TRUE(beats(x86, {"avx2", "fma"}, {"avx2"}));
  EXPECT_TRUE(beats(x86, {"avx2"}, {"sse4.1", "sse4.2", "ssse3"}));
  EXPECT_TRUE(beats(arm, {"sve2"}, {"sve", "fullfp16"}));
  // What is implied need not be said.
  EXPECT_FALSE(beats(x86, {"avx512f", "avx2"}, {"avx512f"}));
  EXPECT_FALSE(beats(x86, {"avx512f"}, {"avx512f", "fma"}));
  // None implies the other, and each implies as much.
  EXPECT_FALSE(beats(x86, {"bmi"}, {"bmi2"}));
  EXPECT_FALSE(beats(x86, {"bmi2"}, {"bmi"}));
  EXPECT_TRUE(more_specific({"x86_64", {}, {}}, {"any", {"avx512f"}, {}}, x86));
}

TEST(CpuTarget, CachesAreAlwaysKnown) {
  for (const char* name : {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "znver5", "aarch64",
                           "neoverse-n1", "native"}) {
    Target target = resolve_target(name).value();
    for (int level = 0; level < 2; ++level) {
      EXPECT_GE(target.caches[level].bytes, 8 << 10) << name;
      EXPECT_GT(target.caches[level].ways, 0) << name;
    }
    EXPECT_EQ(target.caches[2].bytes == 0, target.caches[2].ways == 0) << name;
    EXPECT_GE(target.line_bytes, 32) << name;
    EXPECT_GE(target.cores, 1) << name;
  }
  EXPECT_TRUE(resolve_target("x86-64-v3")->caches_assumed);
}

TEST(CpuTarget, AArch64) {
  Target neon = resolve_target("aarch64+neon").value();
  EXPECT_EQ(neon.arch, "aarch64");
  EXPECT_TRUE(neon.features.count("neon"));
  EXPECT_EQ(neon.vector_bits, 128);
  EXPECT_EQ(neon.vector_registers, 32);
  EXPECT_TRUE(resolve_target("aarch64+sve")->features.count("sve"));
  EXPECT_TRUE(resolve_target("aarch64+fp16")->features.count("fullfp16"));
  EXPECT_TRUE(resolve_target("neoverse-n1")->features.count("dotprod"));
}

TEST(CpuTarget, NativeIsTheHost) {
  Target target = resolve_target("native").value();
#if defined(__x86_64__)
  EXPECT_EQ(target.arch, "x86_64");
  EXPECT_EQ(target.features.count("avx2") != 0, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(target.features.count("avx512f") != 0, __builtin_cpu_supports("avx512f") != 0);
  if (target.features.count("avx2")) {
    EXPECT_FALSE(resolve_target("native-avx2")->features.count("avx2"));
  }
#endif
}

TEST(CpuTarget, UnknownNamesGetTheNearest) {
  EXPECT_THAT(failure_of("x86-64-v9"), HasSubstr("x86-64-v"));
  EXPECT_THAT(failure_of("haswel"), HasSubstr("`haswell`"));
  EXPECT_THAT(failure_of("x86-64-v3+avx3"), HasSubstr("no feature `avx3`"));
  EXPECT_THAT(failure_of("x86-64-v3+avx3"), HasSubstr("`avx"));
  EXPECT_THAT(failure_of("aarch64+nen"), HasSubstr("`neon`"));
  EXPECT_THAT(failure_of("x86-64+"), HasSubstr("no feature ``"));
  EXPECT_EQ(failure_of("gfx906"), "not ours");
  EXPECT_EQ(failure_of(""), "not ours");
}

TEST(CpuTarget, OnlyWhatTheBaselineLacksIsRequired) {
  EXPECT_TRUE(required_features(resolve_target("x86-64").value()).empty());
  std::vector<std::string> v3 = required_features(resolve_target("x86-64-v3").value());
  EXPECT_THAT(v3, Contains("avx2"));
  EXPECT_THAT(v3, Not(Contains("sse2")));
  EXPECT_TRUE(required_features(resolve_target("aarch64").value()).empty());
  EXPECT_THAT(required_features(resolve_target("znver3").value()), Not(Contains("clzero")));
}

}  // namespace
}  // namespace inlay::cpu
