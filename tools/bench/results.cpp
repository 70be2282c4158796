#include "tools/bench/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <tuple>

#include "core/support/diagnostic.h"

namespace inlay::bench {

namespace {

constexpr const char* kHead =
    "isa,threads,group,row,library,implementation,microseconds,gflops,peak_gflops,fraction_of_peak,"
    "time_over_ours,one_thread_over_this,error_over_bound";
constexpr size_t kCells = 13;

double number(const std::string& cell, const std::string& place) {
  char* end = nullptr;
  double value = std::strtod(cell.c_str(), &end);
  if (cell.empty() || *end || !std::isfinite(value)) {
    throw CompileError("csv", {}, fmt::format("{}: `{}` is no number", place, cell),
                       "give a file that inlay-bench --csv wrote");
  }
  return value;
}

// Rows that were measured together.
auto key_of(const Result& result) {
  return std::tie(result.isa, result.threads, result.group, result.row);
}

}  // namespace

std::string to_csv(const std::vector<Result>& results, const Machine& machine) {
  std::string text =
      fmt::format("# cpu: {}\n# libraries: {}\n{}\n", machine.cpu, machine.libraries, kHead);
  for (const Result& r : results) {
    text +=
        fmt::format("{},{},{},{},{},{},{:.3f},{:.2f},{:.2f},{:.4f},{:.4f},{:.4f},{:.3g}\n", r.isa,
                    r.threads, r.group, r.row, r.library, r.implementation, r.microseconds,
                    r.gflops, r.peak_gflops, r.fraction, r.speed_of_ours, r.one_thread, r.error);
  }
  return text;
}

std::vector<Result> read_csv(const std::string& path, Machine* machine) {
  std::ifstream file(path);
  if (!file) throw CompileError("csv", {}, "can't read " + path);
  std::vector<Result> results;
  std::string line;
  bool has_head = false;
  for (int count = 1; std::getline(file, line); ++count) {
    std::string place = fmt::format("{}:{}", path, count);
    if (line.rfind("# cpu: ", 0) == 0) machine->cpu = line.substr(7);
    if (line.rfind("# libraries: ", 0) == 0) machine->libraries = line.substr(13);
    if (line.empty() || line[0] == '#') continue;
    if (!has_head) {
      if (line != kHead) {
        throw CompileError("csv", {}, place + ": these are not the columns of inlay-bench",
                           std::string("they are ") + kHead);
      }
      has_head = true;
      continue;
    }
    std::vector<std::string> cells(1);
    for (char c : line) {
      if (c == ',') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    if (cells.size() != kCells) {
      throw CompileError("csv", {},
                         fmt::format("{}: {} cells, expected {}", place, cells.size(), kCells));
    }
    auto at = [&](size_t i) { return number(cells[i], place); };
    Result r;
    r.isa = cells[0];
    r.threads = static_cast<int>(at(1));
    r.group = cells[2];
    r.row = cells[3];
    r.library = cells[4];
    r.implementation = cells[5];
    r.microseconds = at(6);
    r.gflops = at(7);
    r.peak_gflops = at(8);
    r.fraction = at(9);
    r.speed_of_ours = at(10);
    r.one_thread = at(11);
    r.error = at(12);
    results.push_back(std::move(r));
  }
  return results;
}

std::vector<Summary> summarize(const std::vector<Result>& results) {
  std::vector<Summary> summaries;
  const Result* last = nullptr;
  for (const Result& result : results) {
    if (!last || key_of(*last) != key_of(result)) {
      double one = result.threads == 1 ? result.peak_gflops : 0;
      if (last && result.threads > 1 && last->isa == result.isa && last->group == result.group &&
          last->row == result.row)
        one = summaries.back().one_thread_peak;
      summaries.push_back({result.isa,
                           result.group,
                           result.row,
                           result.threads,
                           nullptr,
                           nullptr,
                           {},
                           result.peak_gflops,
                           one});
    }
    last = &result;
    Summary& summary = summaries.back();
    if (result.library == "Inlay") {
      if (!summary.ours || result.microseconds < summary.ours->microseconds) summary.ours = &result;
      continue;
    }
    if (!summary.best_peer || result.microseconds < summary.best_peer->microseconds)
      summary.best_peer = &result;
    auto same = std::find_if(summary.peers.begin(), summary.peers.end(),
                             [&](const Result* peer) { return peer->library == result.library; });
    if (same == summary.peers.end()) {
      summary.peers.push_back(&result);
    } else if (result.microseconds < (*same)->microseconds) {
      *same = &result;
    }
  }
  return summaries;
}

double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += std::log(value);
  return values.empty() ? 0 : std::exp(sum / static_cast<double>(values.size()));
}

std::vector<std::string> libraries_of(const std::vector<Result>& results) {
  std::vector<std::string> names;
  for (const Result& result : results) {
    if (result.library != "Inlay" &&
        std::find(names.begin(), names.end(), result.library) == names.end())
      names.push_back(result.library);
  }
  return names;
}

// A figure of a result, if there is one.
static std::string cell(const Result* result, double Result::* figure, int width) {
  return result && result->*figure > 0 ? fmt::format("{:>{}.3f}", result->*figure, width)
                                       : fmt::format("{:>{}}", "-", width);
}

std::string table_head(const std::vector<std::string>& libraries) {
  std::string text =
      fmt::format("  {:<9} {:<18} {:>7} {:>10} {:>8} {:>6}   {:<18} {:>6} {:>7} ", "group", "row",
                  "threads", "us", "GFLOP/s", "Inlay", "best peer", "", "ratio");
  for (const std::string& library : libraries) text += fmt::format(" {:>8}", library);
  return text + "\n";
}

std::string table_line(const Summary& s, const std::vector<std::string>& libraries) {
  std::string text = fmt::format("  {:<9} {:<18} {:>7} ", s.group, s.row, s.threads);
  text += s.ours ? fmt::format("{:>10.2f} {:>8.1f} {:>6.3f}   ", s.ours->microseconds,
                               s.ours->gflops, s.ours->fraction)
                 : fmt::format("{:>10} {:>8} {:>6}   ", "-", "-", "-");
  text += s.best_peer
              ? fmt::format("{:<18} {:>6.3f} ", s.best_peer->implementation, s.best_peer->fraction)
              : fmt::format("{:<18} {:>6} ", "-", "-");
  text += s.ours && s.best_peer ? fmt::format("{:>7.3f} ", s.best_peer->speed_of_ours)
                                : fmt::format("{:>7} ", "-");
  auto peers = [&](double Result::* figure) {
    for (const std::string& library : libraries) {
      auto peer = std::find_if(s.peers.begin(), s.peers.end(),
                               [&](const Result* result) { return result->library == library; });
      text += " " + cell(peer == s.peers.end() ? nullptr : *peer, figure, 8);
    }
    text += "\n";
  };
  peers(&Result::fraction);
  bool scaled = (s.ours && s.ours->one_thread > 0) || (s.best_peer && s.best_peer->one_thread > 0);
  if (s.threads == 1 || !scaled) return text;
  std::string label = "times one thread";
  if (s.one_thread_peak > 0)
    label += fmt::format("; FMA peak {:.2f}", s.peak_gflops / s.one_thread_peak);
  text += fmt::format("  {:>9} {:<45} {}   {:<18} {} {:>7} ", "", label,
                      cell(s.ours, &Result::one_thread, 6), "",
                      cell(s.best_peer, &Result::one_thread, 6), "");
  peers(&Result::one_thread);
  return text;
}

std::string table_groups(const std::vector<Result>& results) {
  struct Group {
    std::string title;
    std::vector<double> ours, best, ratios;
    double worst = 0;
    std::string worst_row;
  };
  std::vector<Group> groups;
  struct Scaling {
    std::string title;
    std::vector<double> ours, best;
  };
  std::vector<Scaling> scalings;
  for (const Summary& s : summarize(results)) {
    std::string title =
        fmt::format("{}, {} thread{}", s.group, s.threads, s.threads > 1 ? "s" : "");
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.title == title; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{title, {}, {}, {}, 0, ""});
    if (s.best_peer) group->best.push_back(s.best_peer->fraction);
    if (!s.ours) continue;
    group->ours.push_back(s.ours->fraction);
    if (s.threads > 1 && s.ours->one_thread > 0) {
      auto scaling = std::find_if(scalings.begin(), scalings.end(),
                                  [&](const Scaling& known) { return known.title == title; });
      if (scaling == scalings.end())
        scaling = scalings.insert(scalings.end(), Scaling{title, {}, {}});
      scaling->ours.push_back(s.ours->one_thread);
      if (s.best_peer && s.best_peer->one_thread > 0)
        scaling->best.push_back(s.best_peer->one_thread);
    }
    if (!s.best_peer) continue;
    double ratio = s.best_peer->speed_of_ours;
    group->ratios.push_back(ratio);
    if (group->worst_row.empty() || ratio < group->worst) {
      group->worst = ratio;
      group->worst_row = s.row;
    }
  }
  std::string text = fmt::format("  {:<22} {:>5} {:>7} {:>10} {:>7}   {}\n", "geometric means",
                                 "rows", "Inlay", "best peers", "ratio", "lowest ratio");
  for (const Group& group : groups) {
    auto cell = [](const std::vector<double>& values) {
      return values.empty() ? std::string("-") : fmt::format("{:.3f}", geometric_mean(values));
    };
    text += fmt::format(
        "  {:<22} {:>5} {:>7} {:>10} {:>7}   {}\n", group.title,
        std::max(group.ours.size(), group.best.size()), cell(group.ours), cell(group.best),
        cell(group.ratios),
        group.ratios.empty() ? "-" : fmt::format("{:.3f} {}", group.worst, group.worst_row));
  }
  for (const Scaling& scaling : scalings) {
    auto factors = [](const std::vector<double>& values) {
      return fmt::format("{:.2f} ({:.2f} to {:.2f})", geometric_mean(values),
                         *std::min_element(values.begin(), values.end()),
                         *std::max_element(values.begin(), values.end()));
    };
    text += fmt::format("  {:<22} {:>5} times one thread: Inlay {}{}\n", scaling.title,
                        scaling.ours.size(), factors(scaling.ours),
                        scaling.best.empty() ? "" : ", best peers " + factors(scaling.best));
  }
  return text;
}

}  // namespace inlay::bench
