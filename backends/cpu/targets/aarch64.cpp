// AArch64, little-endian, AAPCS64. Caches: Arm's and the makers' technical reference manuals,
// common configurations; SVE's registers are counted at the 128 bits that every implementation has.
#include "backends/cpu/targets/architecture.h"

namespace inlay::cpu {

const Architecture& aarch64() {
  static const Architecture facts{
      .name = "aarch64",
      .triple = "aarch64-unknown-linux-gnu",
      .elf_machine = 183,
      .emulation = "aarch64linux",
      .baseline_cpu = "generic",
      .prefixes = {"aarch64", "arm64", "armv8", "armv9"},
      .levels = {{"aarch64", "generic", "Armv8-A with NEON: every 64-bit Arm CPU"},
                 {"arm64", "generic", "the same as aarch64"}},
      .vectors = {{"sve", 128, 32}, {"neon", 128, 32}},
      .caches = {{"cortex-a53", {32 << 10, 4}, {512 << 10, 16}, {}},
                 {"cortex-a72", {32 << 10, 2}, {1 << 20, 16}, {}},
                 {"cortex-a76", {64 << 10, 4}, {512 << 10, 8}, {512 << 10, 16}},
                 {"neoverse-n1", {64 << 10, 4}, {1 << 20, 8}, {1 << 20, 16}},
                 {"neoverse-v1", {64 << 10, 4}, {1 << 20, 8}, {1 << 20, 16}},
                 {"neoverse-n2", {64 << 10, 4}, {1 << 20, 8}, {1 << 20, 16}},
                 {"neoverse-v2", {64 << 10, 4}, {2 << 20, 8}, {1 << 20, 16}},
                 {"apple-m1", {128 << 10, 8}, {3 << 20, 12}, {}, 128},
                 {"a64fx", {64 << 10, 4}, {680 << 10, 16}, {}, 256}},
      .assumed = {"", {32 << 10, 4}, {256 << 10, 8}, {}},
      .not_required = {"ete",       "fpac",      "lor",   "pan",      "pan-rwv", "perfmon",
                       "ras",       "spe",       "trbe",  "uaops",    "vh",      "v8a",
                       "v8.1a",     "v8.2a",     "v8.3a", "v8.4a",    "v8.5a",   "v8.6a",
                       "v8.7a",     "v8.8a",     "v8.9a", "v9a",      "v9.1a",   "v9.2a",
                       "v9.3a",     "v9.4a",     "v9.5a", "am",       "amvs",    "brbe",
                       "ccidx",     "consthint", "hcx",   "mec",      "mpam",    "nv",
                       "predres",   "rme",       "sel2",  "specres2", "spe-eef", "tlb-rmi",
                       "tracev8.4", "xs"},
  };
  return facts;
}

}  // namespace inlay::cpu
