// x86-64, System V ABI. Levels: https://gitlab.com/x86-psABIs/x86-64-ABI, table "Micro-architecture
// levels". Caches: Intel 64 and IA-32 Optimization Reference Manual; AMD's Software Optimization
// Guides for families 17h, 19h and 1Ah; L3 is what one core of a common server or desktop part has.
#include "backends/cpu/targets/architecture.h"

namespace inlay::cpu {

const Architecture& x86_64() {
  static const Architecture facts{
      .name = "x86_64",
      .triple = "x86_64-pc-linux-gnu",
      .elf_machine = 62,
      .emulation = "elf_x86_64",
      .baseline_cpu = "x86-64",
      .prefixes = {"x86", "amd64"},
      .levels = {{"x86-64", "x86-64", "SSE2: every x86-64 CPU"},
                 {"x86-64-v2", "x86-64-v2",
                  "SSE4.2, POPCNT: Nehalem 2008, Bulldozer 2011 and later"},
                 {"x86-64-v3", "x86-64-v3", "AVX2, FMA, BMI: Haswell 2013, Zen 2017 and later"},
                 {"x86-64-v4", "x86-64-v4",
                  "AVX-512 F, BW, CD, DQ, VL: Skylake-X 2017, Zen 4 2022"},
                 {"x86_64", "x86-64", "the same as x86-64"}},
      .vectors = {{"avx512f", 512, 32}, {"avx", 256, 16}, {"sse2", 128, 16}},
      // In a level it is the smallest cache of the CPUs that have it.
      .caches = {{"haswell", {32 << 10, 8}, {256 << 10, 8}, {2 << 20, 16}},
                 {"broadwell", {32 << 10, 8}, {256 << 10, 8}, {2 << 20, 16}},
                 {"skylake", {32 << 10, 8}, {256 << 10, 4}, {2 << 20, 16}},
                 {"skylake-avx512", {32 << 10, 8}, {1 << 20, 16}, {1408 << 10, 11}},
                 {"cascadelake", {32 << 10, 8}, {1 << 20, 16}, {1408 << 10, 11}},
                 {"icelake-server", {48 << 10, 12}, {1280 << 10, 20}, {1536 << 10, 12}},
                 {"sapphirerapids", {48 << 10, 12}, {2 << 20, 16}, {1920 << 10, 15}},
                 {"znver1", {32 << 10, 8}, {512 << 10, 8}, {2 << 20, 16}},
                 {"znver2", {32 << 10, 8}, {512 << 10, 8}, {4 << 20, 16}},
                 {"znver3", {32 << 10, 8}, {512 << 10, 8}, {4 << 20, 16}},
                 {"znver4", {32 << 10, 8}, {1 << 20, 8}, {4 << 20, 16}},
                 {"znver5", {48 << 10, 12}, {1 << 20, 16}, {4 << 20, 16}},
                 {"x86-64-v4", {32 << 10, 8}, {1 << 20, 8}, {1408 << 10, 11}}},
      .assumed = {"", {32 << 10, 8}, {256 << 10, 4}, {1 << 20, 16}},
      .not_required = {"cldemote",  "clflushopt",  "clwb",    "clzero",    "enqcmd",
                       "fsgsbase",  "hreset",      "invpcid", "kl",        "lwp",
                       "movdir64b", "movdiri",     "mwaitx",  "pconfig",   "pku",
                       "prefetchi", "prefetchwt1", "ptwrite", "rdpid",     "rdpru",
                       "rdrnd",     "rdseed",      "rtm",     "serialize", "sgx",
                       "shstk",     "tsxldtrk",    "uintr",   "usermsr",   "waitpkg",
                       "wbnoinvd",  "widekl",      "xsavec",  "xsaveopt",  "xsaves"},
  };
  return facts;
}

}  // namespace inlay::cpu
