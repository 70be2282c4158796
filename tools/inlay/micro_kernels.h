// What `inlay check --implements` and `inlay bench --micro-kernels` do: the `implement` rows of
// programs, one by one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace inlay::cli {

struct RowFlags {
  std::vector<std::string> exec;  ///< ARCH=COMMAND
  std::string filter;             ///< only rows that have this in "NAME<...> for TARGET"
  uint64_t seed = 1;
  size_t most_sizes = 100;
};

/// The options of check_rows(), which need `switch_option`.
void add_row_flags(CLI::App& app, RowFlags& flags, CLI::Option* switch_option);

/// Compares every row with its intrinsic's meaning; kFailed if one differs.
int check_rows(const std::vector<std::string>& inputs, const RowFlags& flags);

/// Times every row that runs here, as a fraction of the FMA peak probed in the same rounds.
int bench_rows(const std::string& input, const RowFlags& flags, double seconds);

}  // namespace inlay::cli
