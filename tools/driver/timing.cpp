#include "tools/driver/timing.h"

#include <sched.h>

#include <algorithm>
#include <chrono>

namespace inlay {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int pin_to_one_core() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -1;
  for (int cpu = CPU_SETSIZE; cpu-- > 0;) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 ? cpu : -1;
  }
  return -1;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + middle, values.end());
  double upper = values[middle];
  if (values.size() % 2) return upper;
  return (upper + *std::max_element(values.begin(), values.begin() + middle)) / 2;
}

std::vector<Timing> race(const std::vector<Contestant>& contestants, double seconds,
                         int least_rounds) {
  constexpr double kChunk = 2e-3;
  std::vector<int> repeats;
  for (const Contestant& contestant : contestants) {
    contestant.run();
    double start = now();
    contestant.run();
    double once = std::max(now() - start, 1e-9);
    repeats.push_back(static_cast<int>(std::clamp(kChunk / once, 1.0, 1e6)));
  }
  std::vector<std::vector<double>> times(contestants.size());
  double deadline = now() + seconds;
  for (int round = 0; round < least_rounds || now() < deadline; ++round) {
    for (size_t i = 0; i < contestants.size(); ++i) {
      double start = now();
      for (int repeat = 0; repeat < repeats[i]; ++repeat) contestants[i].run();
      times[i].push_back((now() - start) / repeats[i]);
    }
  }
  std::vector<Timing> results;
  for (size_t i = 0; i < contestants.size(); ++i) {
    std::vector<double> ratios;
    for (size_t round = 0; round < times[i].size(); ++round) {
      ratios.push_back(times[0][round] / times[i][round]);
    }
    results.push_back({median(times[i]), *std::min_element(times[i].begin(), times[i].end()),
                       static_cast<int>(times[i].size()) * repeats[i], median(ratios)});
  }
  return results;
}

}  // namespace inlay
