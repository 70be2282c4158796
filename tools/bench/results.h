// What was measured, one line per row and implementation: made by measure(), kept as CSV, and the
// only thing that table and plot are drawn from.
#pragma once

#include <string>
#include <vector>

namespace inlay::bench {

struct Result {
  std::string isa;  ///< target of our side: "native", "x86-64-v3"
  int threads = 1;
  std::string group, row;      ///< "resnet18", "64x56-128k3s2"
  std::string library;         ///< "Inlay", "oneDNN"
  std::string implementation;  ///< "Inlay", "oneDNN nhwc"
  double microseconds = 0;     ///< median of one call
  double gflops = 0;
  double peak_gflops = 0;    ///< of all threads, median over the same rounds
  double fraction = 0;       ///< of the peak: median over rounds
  double speed_of_ours = 0;  ///< median over rounds of its time / ours; 0 where we have none
  double one_thread = 0;     ///< median over rounds of one thread's time / its; 0 if not measured
  double error = 0;          ///< largest, over the bound: 1 is the limit
};

struct Machine {
  std::string cpu, libraries;  ///< for the plot's caption and the CSV's head
};

/// CSV with a line of names, behind lines of `# key: value`.
std::string to_csv(const std::vector<Result>& results, const Machine& machine);
/// The inverse; throws CompileError (rule "csv") naming file and line.
std::vector<Result> read_csv(const std::string& path, Machine* machine);

/// One row of shapes, its contestants summed up.
struct Summary {
  std::string isa, group, row;
  int threads = 1;
  const Result* ours = nullptr;
  const Result* best_peer = nullptr;  ///< the fastest of all their implementations
  std::vector<const Result*> peers;   ///< the fastest of each library, in order of appearance
  double peak_gflops = 0;             ///< of all threads
  double one_thread_peak = 0;  ///< of the same row's summary for one thread; 0: there is none
};
std::vector<Summary> summarize(const std::vector<Result>& results);

/// Geometric mean; 0 of nothing.
double geometric_mean(const std::vector<double>& values);

/// Names of the libraries but ours, in order of appearance.
std::vector<std::string> libraries_of(const std::vector<Result>& results);

/// For a terminal: a line per row and number of threads, below it how many times as fast as one
/// thread each was, where that was measured; then a line per group with geometric means.
std::string table_head(const std::vector<std::string>& libraries);
std::string table_line(const Summary& summary, const std::vector<std::string>& libraries);
std::string table_groups(const std::vector<Result>& results);

/// The plot, for light and dark pages: fraction of peak per row, ours, the best peer and each.
std::string to_svg(const std::vector<Result>& results, const Machine& machine);

}  // namespace inlay::bench
