// Timing of all contestants of a row in interleaved rounds, so that a swing of the machine hits
// all.
#pragma once

#include "tools/bench/peers/peer.h"
#include "tools/bench/results.h"
#include "tools/driver/peak.h"

namespace inlay::bench {

struct MeasureOptions {
  int rounds = 7;
  double chunk = 2e-3;  ///< seconds that one contestant gets in a round, one call at least
};

struct RowContestant {
  std::string library;
  int threads = 1;
  std::function<void()> use_threads;  ///< to be called before its calls; null: nothing to do
  Implementation implementation;
};

/// Verifies, then times. In each round each contestant is called once without a clock, which warms
/// caches, page tables and branch predictors, and then as often as fits its chunk; the peak is
/// probed in each round as well, for each number of threads. Where some have several threads, a
/// pause precedes each contestant, in which the threads of the one before stop spinning, its
/// warm-up lasts 10 ms, and its chunk is three times as long. Throws CompileError (rule
/// "wrong-result") naming implementation and row where a result is off.
std::vector<Result> measure(Problem& problem, const std::vector<RowContestant>& contestants,
                            const PeakProbe* probe, const MeasureOptions& options);

}  // namespace inlay::bench
