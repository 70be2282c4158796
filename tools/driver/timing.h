// Timing that holds up on a shared machine: one pinned core, contestants interleaved chunk by
// chunk, medians.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace inlay {

/// Pins the calling thread, and threads that it makes later, to the last CPU that it may run on.
/// Returns that CPU, or -1 if the system refuses.
int pin_to_one_core();

struct Contestant {
  std::string name;
  std::function<void()> run;
};

struct Timing {
  double median = 0;  ///< seconds of one call
  double fastest = 0;
  int calls = 0;
  /// Median over rounds of (first contestant's time / this one's) in the same round: the only fair
  /// comparison where the clock and the neighbours swing.
  double speed_of_first = 0;
};

/// Calls each contestant in turn, round by round, for about `seconds` in all and at least
/// `least_rounds` rounds, after one unmeasured round. A contestant that takes less than 2 ms is
/// called several times a round. Results in the order of `contestants`.
std::vector<Timing> race(const std::vector<Contestant>& contestants, double seconds,
                         int least_rounds = 5);

double median(std::vector<double> values);

}  // namespace inlay
