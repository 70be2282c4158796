// The fused multiply-add peak of this machine, measured: independent chains of FMAs in registers,
// nothing else. What a micro-kernel or an operator reaches is told as a fraction of it, measured in
// the same run, since the clock is not ours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace inlay {

/// One kind of vector instruction that this CPU has.
struct PeakProbe {
  std::string name;      ///< "AVX2 FMA", "AVX-512 FMA", "NEON FMLA"
  std::string feature;   ///< LLVM's name of what it needs: "avx2", "avx512f", "neon"
  void (*run)(int64_t);  ///< so many steps: one FMA on every chain each
};

/// Widest first; empty on a CPU of which nothing is known here.
const std::vector<PeakProbe>& peak_probes();

/// Single-precision GFLOP/s of `probe`, on `threads` threads at once, over about `seconds`.
double peak_gflops(const PeakProbe& probe, int threads, double seconds);

}  // namespace inlay
