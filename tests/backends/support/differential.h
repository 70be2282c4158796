// Runs one function by the interpreter and compiled, on the same random arguments, and compares
// every byte of every buffer; NaNs are equal to each other.
#pragma once

#include <map>
#include <string>

#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {

enum class Fill {
  Tame,  ///< small numbers; floats are multiples of 1/8
  Wild,  ///< any bits: NaNs, infinities, subnormals, extreme integers
};

struct DifferentialOptions {
  std::string spec = "native";  ///< gfx...: run on the emulator, see gpu_runner.h
  int optimization_level = 3;
  Fill fill = Fill::Tame;
  uint32_t seed = 1;
  /// Floats may differ by so many units in the last place: for functions of libm and ocml.
  double ulps = 0;
  bool strided = false;  ///< pass buffers declared `strided` with gaps between rows
  /// Command that runs inlay-exec for a machine that is not this one; buffers must then be compact,
  /// of types that .npy has, and scalars must be among the symbols.
  std::string emulator;
};

/// Empty if all agree; else what differs first. `symbols`: the value of each symbol and of each
/// index parameter by name.
std::string compare_with_interpreter(const std::string& text, const std::string& function,
                                     const std::map<std::string, int64_t>& symbols,
                                     const DifferentialOptions& options = {});

/// The same for a program that is lowered already.
std::string compare_with_interpreter(const CompileUnit& unit, const std::string& function,
                                     const std::map<std::string, int64_t>& symbols,
                                     const DifferentialOptions& options = {});

}  // namespace inlay::test
