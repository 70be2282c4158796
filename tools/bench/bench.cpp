// inlay-bench: every row of a file of shapes, Inlay's operators against the libraries that are
// here, in one interleaved run; a table, CSV and a plot. See README.md for what is measured and
// how.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>

#include "tools/bench/measure.h"
#include "tools/bench/ours.h"
#include "tools/driver/timing.h"

namespace inlay::bench {

namespace {

struct BenchFlags {
  std::string isa = "native", rows = INLAY_SOURCE_DIR "/tools/bench/workloads.csv";
  std::string kernels = INLAY_SOURCE_DIR "/kernels", csv, svg;
  std::vector<std::string> filters, peers, from;
  std::vector<int> threads;
  int rounds = 7;
  bool quick = false, list = false, all_variants = false;
};

// CPUs that this process may use.
cpu_set_t allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

// The last `count` CPUs of `allowed`, for this thread and those that it makes.
std::string pin_to(const cpu_set_t& allowed, int count) {
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  std::vector<int> cpus;
  for (int cpu = CPU_SETSIZE; cpu-- > 0 && static_cast<int>(cpus.size()) < count;) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_SET(cpu, &chosen);
    cpus.insert(cpus.begin(), cpu);
  }
  if (sched_setaffinity(0, sizeof chosen, &chosen) != 0) return "not pinned";
  return fmt::format("pinned to CPU {}", fmt::join(cpus, ", "));
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  std::string line, name, family;
  while (std::getline(info, line)) {
    size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (name.empty() && line.rfind("model name", 0) == 0) name = line.substr(colon + 2);
    if (family.empty() && line.rfind("cpu family", 0) == 0) family = line.substr(colon + 2);
  }
  if (name.empty()) return "unknown CPU";
  // Virtual machines often hide the model.
  return family.empty() ? name : fmt::format("{} (family {})", name, family);
}

bool chosen(const Row& row, const std::vector<std::string>& filters) {
  std::string name = row.group + "/" + row.name;
  return filters.empty() || std::any_of(filters.begin(), filters.end(), [&](const auto& filter) {
           return name.find(filter) != std::string::npos;
         });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool asked_for(const std::string& peer, const std::vector<std::string>& names) {
  return names.empty() || std::any_of(names.begin(), names.end(),
                                      [&](const auto& name) { return lower(name) == lower(peer); });
}

// Those who are measured with one number of threads.
struct Team {
  int threads;
  std::vector<std::unique_ptr<Peer>> peers;
};

struct Session {
  const BenchFlags& flags;
  std::vector<Row> rows;
  cpu_set_t allowed = allowed_cpus();
  cli::Session compiler{/*no_cache=*/false};
  Operators operators{flags.kernels, flags.isa, compiler};
  std::vector<std::string> libraries{};
  std::vector<Result> results{};
  Machine machine{};

  int rounds() const { return flags.quick ? std::min(flags.rounds, 3) : flags.rounds; }
  // All rows, with each of these numbers of threads.
  void run(const std::vector<int>& threads);
  std::vector<std::unique_ptr<Peer>> make_peers(int threads, bool avx2_only, bool tell);
  std::vector<RowContestant> implement(Problem& problem, const Team& team);
  void run_row(const Row& row, const std::vector<Team>& teams, const PeakProbe* probe);
};

std::vector<std::unique_ptr<Peer>> Session::make_peers(int threads, bool avx2_only, bool tell) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const PeerEntry& entry : peer_table()) {
    if (!asked_for(entry.name, flags.peers)) continue;
    std::string why_not;
    PeerOptions options;
    options.threads = threads;
    options.avx2_only = avx2_only;
    std::unique_ptr<Peer> peer = entry.make(options, &why_not);
    if (tell)
      fmt::print("  {:<12} {}\n", entry.name, peer ? peer->description() : "left out: " + why_not);
    if (!peer) continue;
    if (tell) {
      machine.libraries += (machine.libraries.empty() ? "" : "; ") + peer->description();
      libraries.push_back(peer->name());
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

std::vector<RowContestant> Session::implement(Problem& problem, const Team& team) {
  std::vector<RowContestant> contestants;
  std::string why_not;
  auto use_ours = [threads = team.threads] {
    if (inlay_set_num_threads(threads) != INLAY_OK)
      throw CompileError("option", {}, inlay_last_error());
  };
  use_ours();
  for (Implementation& ours : operators.implement(problem, &why_not))
    contestants.push_back({"Inlay", team.threads, use_ours, std::move(ours)});
  const Row& row = problem.row;
  if (contestants.empty())
    fmt::print(stderr, "{}/{}: without Inlay: {}\n", row.group, row.name, why_not);
  for (const std::unique_ptr<Peer>& peer : team.peers) {
    try {
      auto use_theirs = [&peer] { peer->use_threads(); };
      use_theirs();
      for (Implementation& theirs : peer->implement(problem))
        contestants.push_back({peer->name(), team.threads, use_theirs, std::move(theirs)});
    } catch (const CompileError&) {
      throw;
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}/{}: without {}: {}\n", row.group, row.name, peer->name(),
                 error.what());
    }
  }
  return contestants;
}

void Session::run_row(const Row& row, const std::vector<Team>& teams, const PeakProbe* probe) {
  Problem problem(row);
  // The same work with one thread and with several, one after the other: their ratio is asked for.
  std::vector<std::vector<RowContestant>> of_teams;
  size_t most = 0;
  for (const Team& team : teams) {
    of_teams.push_back(implement(problem, team));
    most = std::max(most, of_teams.back().size());
  }
  std::vector<RowContestant> contestants;
  for (size_t i = 0; i < most; ++i) {
    for (std::vector<RowContestant>& of_team : of_teams) {
      if (i < of_team.size()) contestants.push_back(std::move(of_team[i]));
    }
  }
  MeasureOptions options;
  options.rounds = rounds();
  if (flags.quick) options.chunk = 2e-4;
  std::vector<Result> measured;
  std::vector<Result> in_turn = measure(problem, contestants, probe, options);
  for (const Team& team : teams) {
    for (Result& result : in_turn) {
      if (result.threads != team.threads) continue;
      result.isa = flags.isa;
      measured.push_back(result);
    }
  }
  for (const Summary& summary : summarize(measured)) {
    fmt::print("{}", table_line(summary, libraries));
  }
  if (flags.all_variants) {
    for (const Result& result : measured) {
      fmt::print("  {:>28} {:>7} {:>10.2f} us  {:.3f} of peak, error {:.2g} of what is allowed\n",
                 result.implementation, result.threads, result.microseconds, result.fraction,
                 result.error);
    }
  }
  std::fflush(stdout);
  results.insert(results.end(), measured.begin(), measured.end());
}

void Session::run(const std::vector<int>& threads) {
  int most = *std::max_element(threads.begin(), threads.end());
  std::string pinned = pin_to(allowed, most);
  Target target = compiler.plugins().resolve(flags.isa);
  bool avx2_only = target.arch == "x86_64" && !target.features.count("avx512f");
  fmt::print("{}, {} thread{}, {}; f32; medians of {} interleaved rounds, caches warm\n",
             machine.cpu, fmt::join(threads, " and "), most > 1 ? "s" : "", pinned, rounds());
  const PeakProbe* probe = nullptr;
  for (const PeakProbe& candidate : peak_probes()) {
    bool used = !probe && target.features.count(candidate.feature);
    if (used) probe = &candidate;
    std::vector<std::string> peaks;
    for (int count : threads) {
      double peak = peak_gflops(candidate, count, flags.quick ? 0.002 : 0.1);
      peaks.push_back(fmt::format("{:.1f}", peak));
    }
    fmt::print("  {:<12} peak {} GFLOP/s{}\n", candidate.name, fmt::join(peaks, " and "),
               used ? "; fractions are of this" : "");
  }
  if (!probe) fmt::print("  no probe of the FMA peak for {}: no fractions\n", flags.isa);
  std::vector<Team> teams;
  for (int count : threads)
    teams.push_back({count, make_peers(count, avx2_only, /*tell=*/teams.empty())});
  fmt::print("\n{}", table_head(libraries));
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print(stderr, "[{}/{}] {}/{}\n", i + 1, rows.size(), rows[i].group, rows[i].name);
    run_row(rows[i], teams, probe);
  }
  fmt::print("\n");
}

int finish(const std::vector<Result>& results, const Machine& machine, const BenchFlags& flags) {
  fmt::print("{}", table_groups(results));
  if (!flags.csv.empty()) write_file(flags.csv, to_csv(results, machine));
  if (!flags.svg.empty()) write_file(flags.svg, to_svg(results, machine));
  return cli::kOk;
}

int redraw(const BenchFlags& flags) {
  Machine machine;
  std::vector<Result> results;
  for (const std::string& path : flags.from) {
    Machine of_file;
    std::vector<Result> read = read_csv(path, &of_file);
    if (machine.cpu.empty()) machine = of_file;
    if (machine.cpu != of_file.cpu) {
      throw CompileError("csv", {},
                         fmt::format("{} was measured on {}, the files before on {}", path,
                                     of_file.cpu, machine.cpu),
                         "compare figures of one machine only");
    }
    results.insert(results.end(), read.begin(), read.end());
  }
  std::vector<std::string> libraries = libraries_of(results);
  fmt::print("{}; {}\n\n{}", machine.cpu, machine.libraries, table_head(libraries));
  for (const Summary& summary : summarize(results))
    fmt::print("{}", table_line(summary, libraries));
  fmt::print("\n");
  return finish(results, machine, flags);
}

int bench(const BenchFlags& flags) {
  if (!flags.from.empty()) return redraw(flags);
  std::vector<Row> rows;
  for (const Row& row : load_rows(flags.rows)) {
    if (chosen(row, flags.filters)) rows.push_back(row);
  }
  if (rows.empty()) {
    throw CompileError("option", {},
                       fmt::format("no row of {} has {} in its name", flags.rows,
                                   fmt::join(flags.filters, " or ")),
                       "--list shows them");
  }
  for (const std::string& name : flags.peers) {
    const auto& table = peer_table();
    if (lower(name) == "none") continue;
    if (std::none_of(table.begin(), table.end(),
                     [&](const PeerEntry& entry) { return asked_for(entry.name, {name}); })) {
      throw CompileError("option", {}, "no peer is called `" + name + "`",
                         "there are OpenBLAS, BLIS, oneDNN, XNNPACK, libxsmm, or none");
    }
  }
  if (flags.list) {
    for (const Row& row : rows)
      fmt::print("{}/{}  {:.3g} Mflop\n", row.group, row.name, row.flops() * 1e-6);
    return cli::kOk;
  }
  Session session{flags, rows};
  session.machine.cpu = cpu_name();
  int cpus = CPU_COUNT(&session.allowed);
  std::vector<int> threads = flags.threads;
  if (threads.empty()) threads = cpus > 1 && !flags.quick ? std::vector<int>{1, 2} : std::vector{1};
  std::sort(threads.begin(), threads.end());
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  if (threads.back() > cpus) {
    throw CompileError(
        "option", {},
        fmt::format("--threads {}: this process may use {} CPUs", threads.back(), cpus));
  }
  session.run(threads);
  return finish(session.results, session.machine, flags);
}

}  // namespace

}  // namespace inlay::bench

int main(int argc, char** argv) {
  using namespace inlay::bench;
  CLI::App app{
      "Measures Inlay's operators against the libraries that are installed, row by row of shapes.",
      "inlay-bench"};
  BenchFlags flags;
  app.add_option("filter", flags.filters,
                 "Only rows with one of these in GROUP/NAME, such as resnet18 or square/1024")
      ->type_name("TEXT...");
  app.add_option("-t,--isa", flags.isa,
                 "Target of our side. One without AVX-512, such as x86-64-v3, holds the peers to "
                 "AVX2 as well")
      ->capture_default_str();
  app.add_option("--threads", flags.threads,
                 "Number of threads; the flag several times: all in the same rounds [1,2]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1024));
  app.add_option("--peers", flags.peers, "Only these libraries, or none")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--rounds", flags.rounds, "Interleaved rounds of each row")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--quick", flags.quick, "Short rounds and one thread: figures are rough");
  app.add_flag("--all-variants", flags.all_variants, "Show each layout and its error as well");
  app.add_flag("--list", flags.list, "Only show the rows");
  app.add_option("--rows", flags.rows, "Shapes to measure")->type_name("FILE.csv");
  app.add_option("--kernels", flags.kernels, "Folder of the operators")->type_name("DIR");
  app.add_option("--csv", flags.csv, "Write the figures here as well")->type_name("FILE");
  app.add_option("--svg", flags.svg, "Draw the first of the thread counts here")->type_name("FILE");
  app.add_option("--from", flags.from, "Measure nothing: table and plot of files by --csv")
      ->type_name("FILE.csv")
      ->allow_extra_args(false);
  CLI11_PARSE(app, argc, argv);
  try {
    return bench(flags);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return inlay::cli::kFailed;
  }
}
