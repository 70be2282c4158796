// See features.h. Asks the machine each time: modules are loaded rarely.
#include "cpu/features.h"

#include <inlay/runtime.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#else
#error "the runtime knows x86-64 and AArch64"
#endif

namespace inlay {
namespace {

#if defined(__x86_64__)

enum Register : uint8_t { EAX, EBX, ECX, EDX };

// Bits of XCR0: SSE, AVX, opmask, ZMM_Hi256, Hi16_ZMM, tile configuration, tile data.
enum State : uint32_t { NONE = 0, YMM = 0x6, ZMM = 0xe6, TMM = 0x60000 };

struct Row {
  const char* name;
  uint32_t leaf;
  uint32_t subleaf;
  uint32_t state;
  uint8_t reg;
  uint8_t bit;
};

const Row kRows[] = {
#define INLAY_X86_FEATURE(name, leaf, subleaf, reg, bit, state) \
  {name, leaf, subleaf, state, reg, bit},
#include "cpu/x86_features.def"
#undef INLAY_X86_FEATURE
};

uint64_t saved_state() {
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx >> 27 & 1) == 0) return 0;  // OSXSAVE
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool has(const Row& row) {
  uint32_t regs[4];
  if (!__get_cpuid_count(row.leaf, row.subleaf, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX])) {
    return false;
  }
  if (row.leaf == 7 && row.subleaf > 0) {
    uint32_t max, unused;
    __cpuid_count(7, 0, max, unused, unused, unused);
    if (row.subleaf > max) return false;
  }
  return (regs[row.reg] >> row.bit & 1) != 0 && (saved_state() & row.state) == row.state;
}

#else

struct Row {
  const char* name;
  uint8_t word;
  uint8_t bit;
};

const Row kRows[] = {
#define INLAY_AARCH64_FEATURE(name, word, bit) {name, word, bit},
#include "cpu/aarch64_features.def"
#undef INLAY_AARCH64_FEATURE
};

bool has(const Row& row) {
  return (getauxval(row.word == 1 ? AT_HWCAP : AT_HWCAP2) >> row.bit & 1) != 0;
}

#endif

}  // namespace

Feature cpu_feature(const char* name) {
  for (const Row& row : kRows) {
    if (strcmp(row.name, name) == 0) return has(row) ? Feature::kPresent : Feature::kMissing;
  }
  return Feature::kUnknown;
}

}  // namespace inlay

int32_t inlay_cpu_has_feature(const char* name) {
  return name != nullptr && inlay::cpu_feature(name) == inlay::Feature::kPresent;
}
