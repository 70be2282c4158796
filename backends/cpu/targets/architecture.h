// Facts of a CPU architecture. A new one is a file here that defines an Architecture, and a row in
// targets.def; LLVM knows the rest.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/target.h"

namespace inlay::cpu {

/// A name that stands for a CPU of LLVM's: "x86-64-v3".
struct Level {
  const char* name;
  const char* cpu;
  const char* description;
};

/// Vector registers that a feature brings; the first row whose feature is enabled counts.
struct VectorRule {
  const char* feature;
  int bits;
  int registers;
};

/// L1d, L2 and the share of L3 that one core has; source: the makers' optimization guides.
struct CacheFacts {
  const char* cpu;  ///< LLVM's name
  Cache l1, l2, l3;
  int line = 64;  ///< bytes
};

struct Architecture {
  const char* name;  ///< what predicates name: "x86_64"
  const char* triple;
  uint32_t elf_machine;
  const char* emulation;     ///< the linker's name of it
  const char* baseline_cpu;  ///< the oldest that a code object may meet
  /// First words by which a specification is known to mean this architecture, right or wrong.
  std::vector<const char*> prefixes;
  std::vector<Level> levels;
  std::vector<VectorRule> vectors;
  std::vector<CacheFacts> caches;
  /// Caches of CPUs that are not among them: the smallest that one of their age has.
  CacheFacts assumed;
  /// Features that no compiled code depends on, so that a code object does not ask for them:
  /// privileged, or never used unasked.
  std::vector<const char*> not_required;
};

/// Those of targets.def.
const std::vector<const Architecture*>& architectures();

}  // namespace inlay::cpu
