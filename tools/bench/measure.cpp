#include "tools/bench/measure.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <thread>

#include "core/support/diagnostic.h"
#include "tools/driver/timing.h"

namespace inlay::bench {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Longer than OpenMP's, OpenBLAS's and pthreadpool's idle threads spin.
constexpr auto kPause = std::chrono::milliseconds(40);

constexpr double kSpread = 10e-3;  // seconds

// Where threads run, while several are measured: the calling one on the last CPU that the process
// may use, those of all thread pools on the others. Left alone, a thread that wakes up often shares
// its waker's CPU for many milliseconds, whosever it is.
class Placement {
 public:
  explicit Placement(int threads) {
    CPU_ZERO(&all_);
    CPU_ZERO(&mine_);
    if (threads < 2 || sched_getaffinity(0, sizeof all_, &all_) != 0 || CPU_COUNT(&all_) < 2)
      return;
    others_ = all_;
    int last = CPU_SETSIZE;
    while (!CPU_ISSET(--last, &all_)) {
    }
    CPU_SET(last, &mine_);
    CPU_CLR(last, &others_);
    active_ = true;
  }
  ~Placement() { release(); }
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  void spread() {
    if (!active_) return;
    std::error_code failed;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", failed)) {
      int id = std::atoi(task.path().filename().c_str());
      sched_setaffinity(id, sizeof others_, id == getpid() ? &mine_ : &others_);
    }
  }
  /// For threads that the calling one makes: they inherit where it may run.
  void release() {
    if (active_) sched_setaffinity(0, sizeof all_, &all_);
  }

 private:
  cpu_set_t all_, mine_, others_;
  bool active_ = false;
};

double verify(Problem& problem, const Implementation& implementation) {
  problem.c.fill(std::nanf(""));
  implementation.run();
  if (implementation.publish) implementation.publish();
  double error = problem.error_of_bound();
  if (!(error <= 1)) {
    throw CompileError(
        "wrong-result", {},
        fmt::format("{} is wrong at {} {}: its largest error is {:.3g} times what is allowed",
                    implementation.name, problem.row.group, problem.row.name, error),
        "leave it out with --peers, and report it to its authors");
  }
  return error;
}

}  // namespace

std::vector<Result> measure(Problem& problem, const std::vector<RowContestant>& contestants,
                            const PeakProbe* probe, const MeasureOptions& options) {
  int most_threads = 1;
  for (const RowContestant& contestant : contestants)
    most_threads = std::max(most_threads, contestant.threads);
  bool several = most_threads > 1;
  std::vector<Result> results;
  std::vector<int> repeats;
  std::map<int, std::vector<double>> peaks;  // by number of threads, of each round
  for (const RowContestant& contestant : contestants) {
    if (contestant.use_threads) contestant.use_threads();
    Result result;
    result.threads = contestant.threads;
    result.group = problem.row.group;
    result.row = problem.row.name;
    result.library = contestant.library;
    result.implementation = contestant.implementation.name;
    result.error = verify(problem, contestant.implementation);
    results.push_back(result);
    contestant.implementation.run();
    double start = now();
    contestant.implementation.run();
    double once = std::max(now() - start, 1e-9);
    double chunk = several ? 3 * options.chunk : options.chunk;
    repeats.push_back(static_cast<int>(std::clamp(chunk / once, 1.0, 1e6)));
    peaks[contestant.threads];
  }
  std::vector<std::vector<double>> times(contestants.size());
  Placement placement(most_threads);
  for (int round = 0; round < options.rounds; ++round) {
    if (several) std::this_thread::sleep_for(kPause);
    for (auto& [threads, of_rounds] : peaks) {
      placement.release();
      if (threads == 1) placement.spread();
      of_rounds.push_back(probe ? peak_gflops(*probe, threads, options.chunk / 2) : 0);
    }
    placement.spread();
    for (size_t i = 0; i < contestants.size(); ++i) {
      const std::function<void()>& run = contestants[i].implementation.run;
      if (several) std::this_thread::sleep_for(kPause);
      if (contestants[i].use_threads) contestants[i].use_threads();
      // Threads that slept wake up where they like: the scheduler needs a while to spread them.
      double warm_until = now() + (several ? kSpread : 0);
      do {
        run();
      } while (now() < warm_until);
      double start = now();
      for (int repeat = 0; repeat < repeats[i]; ++repeat) run();
      times[i].push_back((now() - start) / repeats[i]);
    }
  }
  double flops = problem.row.flops();
  for (size_t i = 0; i < contestants.size(); ++i) {
    const Result& result = results[i];
    // Medians over rounds of another one's time, and of the peak, against this one's.
    auto ratio_to = [&](auto is_other) {
      auto other = std::find_if(results.begin(), results.end(), is_other);
      std::vector<double> ratios;
      if (other == results.end()) return 0.0;
      const auto& theirs = times[static_cast<size_t>(other - results.begin())];
      for (size_t round = 0; round < theirs.size(); ++round)
        ratios.push_back(theirs[round] / times[i][round]);
      return median(ratios);
    };
    double ours = ratio_to([&](const Result& other) {
      return other.library == "Inlay" && other.threads == result.threads;
    });
    double one_thread = ratio_to([&](const Result& other) {
      return other.implementation == result.implementation && other.threads == 1;
    });
    const std::vector<double>& of_rounds = peaks[result.threads];
    std::vector<double> fractions;
    for (size_t round = 0; probe && round < of_rounds.size(); ++round)
      fractions.push_back(flops / times[i][round] * 1e-9 / of_rounds[round]);
    double time = median(times[i]);
    results[i].microseconds = time * 1e6;
    results[i].gflops = flops / time * 1e-9;
    results[i].peak_gflops = median(of_rounds);
    results[i].fraction = median(fractions);
    results[i].speed_of_ours = ours > 0 ? 1 / ours : 0;
    results[i].one_thread = one_thread;
  }
  return results;
}

}  // namespace inlay::bench
