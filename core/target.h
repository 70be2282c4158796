// Target: what a program is compiled for, resolved: architecture, CPU, full feature set.
//
// core knows no architecture by name. A backend plugin resolves a specification that a user writes
// ("x86-64-v3", "native", "znver3-avx2", "aarch64+neon") into a Target; core only matches it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/ir/program.h"

namespace inlay {

/// A data cache, or the share of it that one core has.
struct Cache {
  int64_t bytes = 0;  ///< 0: there is none
  int ways = 0;
};

/// By feature: all others that a processor which has it has too.
using ImpliedFeatures = std::map<std::string, std::set<std::string>>;

struct Target {
  std::string spec;                ///< as the user wrote it
  std::string arch;                ///< "x86_64", "aarch64", "amdgpu": what predicates name
  std::string triple;              ///< "x86_64-pc-linux-gnu"
  std::string cpu;                 ///< LLVM's CPU name
  std::set<std::string> features;  ///< every enabled feature, LLVM's names
  /// What its features imply, as the backend's compiler has it; null: nothing is known to be.
  std::shared_ptr<const ImpliedFeatures> implied;
  std::string backend;  ///< name of the plugin that resolved it
  int vector_bits = 0;  ///< widest vector register
  int vector_registers = 0;
  Cache caches[3];              ///< L1d, L2, L3, of one core
  bool caches_assumed = false;  ///< they are a careful guess for CPUs of this level
  int line_bytes = 64;
  int fma_latency = 4;  ///< cycles
  int fma_units = 2;    ///< multiply-adds of vectors that may begin in one cycle
  int cores = 1;        ///< of the machine; 1 where the target is no certain machine
};

/// True if `predicate` holds on `target`: arch equal or "any", every feature enabled.
bool matches(const TargetPredicate& predicate, const Target& target);
/// Features of `predicate` that `target` lacks, in order.
std::vector<std::string> missing_features(const TargetPredicate& predicate, const Target& target);

/// True if `a` beats `b` where both match `target`: a named architecture beats "any", then the one
/// that asks for more, what its features imply counted: avx512f beats avx2 with fma, which it
/// implies. So what implies the other wins; a strict weak order. The rule of all rows.
bool more_specific(const TargetPredicate& a, const TargetPredicate& b, const Target& target);

}  // namespace inlay
