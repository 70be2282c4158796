// Random programs for property tests: well-typed and scope-correct by construction, from a seed.
// One compiler makes the same program of a seed everywhere; another may order the draws otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/ir/program.h"

namespace inlay::testing {

struct RandomOptions {
  uint64_t seed = 0;
  /// Statements of the function, roughly.
  int size = 30;
  /// false: every node kind, clashing and odd names, nothing promised about running it.
  /// true: verify() finds nothing, and it runs: every access is inside its buffer, every element is
  /// written before it is read if the arguments are, no concurrent iterations touch what another
  /// writes, nothing divides by zero or shifts too far, asserts hold. No externs, no assembly, no
  /// GPU loops, and only mathematics whose result IEEE 754 defines. Signs of zero from min and max,
  /// and the bits of NaNs, are nobody's promise: compare accordingly.
  bool executable = false;
};

struct RandomProgram {
  Program program;  ///< its function is called "f"; its buffer parameters are compact
  /// Executable: what the symbols of f are to be when it is called. Scalar parameters may be
  /// anything.
  std::map<std::string, int64_t> symbols;
};

RandomProgram random_program(const RandomOptions& options);

/// splitmix64: small, and specified to the bit.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In [0, n); n > 0.
  int below(int n) { return static_cast<int>(bits() % static_cast<uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  template <typename List>
  const auto& pick(const List& list) {
    return list[static_cast<size_t>(below(static_cast<int>(std::size(list))))];
  }

 private:
  uint64_t state_;
};

}  // namespace inlay::testing
