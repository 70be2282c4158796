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
      .caches = {{"haswell", 32 << 10, 256 << 10, 2 << 20},
                 {"broadwell", 32 << 10, 256 << 10, 2 << 20},
                 {"skylake", 32 << 10, 256 << 10, 2 << 20},
                 {"skylake-avx512", 32 << 10, 1 << 20, 1408 << 10},
                 {"cascadelake", 32 << 10, 1 << 20, 1408 << 10},
                 {"icelake-server", 48 << 10, 1280 << 10, 1536 << 10},
                 {"sapphirerapids", 48 << 10, 2 << 20, 1920 << 10},
                 {"znver1", 32 << 10, 512 << 10, 2 << 20},
                 {"znver2", 32 << 10, 512 << 10, 4 << 20},
                 {"znver3", 32 << 10, 512 << 10, 4 << 20},
                 {"znver4", 32 << 10, 1 << 20, 4 << 20},
                 {"znver5", 48 << 10, 1 << 20, 4 << 20}},
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
