#include "tools/inlay/micro_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text/text.h"
#include "tools/conform/cases.h"
#include "tools/conform/conform.h"
#include "tools/driver/peak.h"
#include "tools/driver/timing.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {

namespace {

bool asked_for(const conform::Row& row, const RowFlags& flags) {
  return row.name.find(flags.filter) != std::string::npos;
}

// The widest probe of what the target has.
const PeakProbe* probe_of(const Target& target) {
  for (const PeakProbe& probe : peak_probes()) {
    if (target.features.count(probe.feature)) return &probe;
  }
  return nullptr;
}

int64_t bytes_of(const conform::Case& made) {
  int64_t bytes = 0;
  for (const conform::CaseTensor& tensor : made.tensors)
    bytes += static_cast<int64_t>(tensor.bytes.size());
  return bytes;
}

// Sizes at which a row is timed: those that compute most, of them those that touch most, with
// operands that stay in L1. A reduction of 256 and a whole tile, where the constants bound
// everything else; 48 x 48 x 48 or the like, where nothing bounds anything.
std::map<std::string, int64_t> timed_sizes(const conform::Meaning& meaning,
                                           const std::vector<int64_t>& constants) {
  constexpr int64_t kMostBytes = 32 * 1024;
  conform::CaseMaker maker(meaning, constants, 1);
  std::string why_none;
  std::vector<std::map<std::string, int64_t>> all = maker.even_sizes();
  for (auto& sizes : maker.sizes(400, &why_none)) {
    for (auto& [name, value] : sizes) value = value == 257 ? 256 : value;
    all.push_back(std::move(sizes));
  }
  std::map<std::string, int64_t> best;
  std::pair<double, int64_t> most{-1, -1};
  for (const auto& sizes : all) {
    double flops = conform::float_operations(meaning, sizes);
    if (flops < most.first) continue;
    int64_t bytes = bytes_of(maker.make(sizes, conform::Data::Random, 0));
    if (bytes > kMostBytes || std::pair(flops, bytes) <= most) continue;
    most = {flops, bytes};
    best = sizes;
  }
  return best;
}

struct Timed {
  double gflops = 0, fraction = 0, nanoseconds = 0;
  double gbytes = 0;  ///< of operands, where nothing is computed
  std::map<std::string, int64_t> sizes;
};

// Memory of a case, aligned as its first byte should be.
struct Argument {
  std::vector<uint8_t> storage;
  DLTensor tensor{};
};

Timed time_row(const LoadedProgram& loaded, const conform::Meaning& meaning,
               const conform::Row& row, const PeakProbe* probe, double seconds) {
  Timed timed;
  timed.sizes = timed_sizes(meaning, row.implement->constants);
  conform::CaseMaker maker(meaning, row.implement->constants, 1);
  conform::Case made = maker.make(timed.sizes, conform::Data::Random, 0);
  std::vector<Argument> memory(made.tensors.size());
  std::vector<InlayValue> values{inlay_int(1)};
  for (const conform::CaseArgument& argument : made.arguments) {
    if (!argument.is_tensor) {
      const double* number = std::get_if<double>(&argument.scalar);
      const bool* truth = std::get_if<bool>(&argument.scalar);
      values.push_back(number  ? inlay_float(*number)
                       : truth ? inlay_int(*truth)
                               : inlay_int(std::get<int64_t>(argument.scalar)));
      continue;
    }
    conform::CaseTensor& tensor = made.tensors[argument.tensor];
    Argument& place = memory[argument.tensor];
    place.storage.resize(tensor.bytes.size() + 128);
    auto address = reinterpret_cast<uintptr_t>(place.storage.data());
    uint8_t* data = place.storage.data() + (64 - address % 64) % 64;
    // Results that grow without end would end as infinities; zeros stay.
    if (!tensor.written) std::copy(tensor.bytes.begin(), tensor.bytes.end(), data);
    place.tensor.data = data;
    place.tensor.device = {kDLCPU, 0};
    place.tensor.ndim = static_cast<int32_t>(tensor.shape.size());
    place.tensor.dtype = conform::dlpack_type(tensor.type);
    place.tensor.shape = tensor.shape.data();
    place.tensor.strides = tensor.strides.data();
    values.push_back(inlay_tensor(&place.tensor));
  }
  const InlayCallable* function = loaded.function(conform::kCallOften);
  call(function, values);
  // So often that a call of the runtime is lost in it.
  double flops = conform::float_operations(meaning, timed.sizes);
  auto times = static_cast<int64_t>(
      std::clamp(2e7 / std::max({flops, static_cast<double>(bytes_of(made)), 1.0}), 100.0, 1e6));
  values[0] = inlay_int(times);
  auto run = [&] { inlay_call(function, values.data(), static_cast<uint32_t>(values.size())); };
  std::vector<double> fractions, each;
  std::vector<Contestant> contestants{{"", run}};
  int rounds = std::max(3, static_cast<int>(seconds / 0.02));
  for (int round = 0; round < rounds; ++round) {
    double peak = probe ? peak_gflops(*probe, 1, 0.002) : 0;
    double once = race(contestants, 0.005, 1)[0].median / static_cast<double>(times);
    each.push_back(once);
    if (probe) fractions.push_back(flops / once * 1e-9 / peak);
  }
  timed.nanoseconds = median(each) * 1e9;
  timed.gflops = flops / median(each) * 1e-9;
  if (flops == 0) timed.gbytes = static_cast<double>(bytes_of(made)) / median(each) * 1e-9;
  timed.fraction = median(fractions);
  return timed;
}

}  // namespace

void add_row_flags(CLI::App& app, RowFlags& flags, CLI::Option* switch_option) {
  app.add_option("--rows", flags.filter, "For --implements: only rows with this in their name")
      ->type_name("TEXT")
      ->needs(switch_option);
  app.add_option("--exec", flags.exec,
                 "For --implements: how code of another architecture is run, such as "
                 "'aarch64=qemu-aarch64-static -L /usr/aarch64-linux-gnu PATH/inlay-exec'")
      ->type_name("ARCH=COMMAND")
      ->take_all()
      ->allow_extra_args(false)
      ->needs(switch_option);
  app.add_option("--sizes", flags.most_sizes, "For --implements: at most so many sizes of each row")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->needs(switch_option);
  app.add_option("--seed", flags.seed, "For --implements: seed of the cases")
      ->type_name("N")
      ->check(is_seed)
      ->capture_default_str()
      ->needs(switch_option);
}

int check_rows(const std::vector<std::string>& inputs, const RowFlags& flags) {
  conform::Options options;
  options.seed = flags.seed;
  options.most_sizes = flags.most_sizes;
  options.exec = conform::exec_beside_this_program();
  for (const std::string& text : flags.exec) {
    auto [arch, command] = split_assignment(text, "--exec");
    options.exec_of[arch] = command;
  }
  PluginRegistry plugins;
  int code = kOk;
  size_t ran = 0, wrong = 0, not_run = 0;
  for (const std::string& input : inputs) {
    Program program = load_program(input);
    for (const conform::Row& row : conform::rows_of(program)) {
      if (!asked_for(row, flags)) continue;
      conform::RowReport report;
      try {
        report = conform::check_row(program, row, plugins, options);
      } catch (const CompileError& error) {
        std::fputs(render(error.diagnostics(), colour_on_stderr()).c_str(), stderr);
        report.name = row.name;
        report.failures.push_back("it does not compile; the reason is on stderr");
      }
      fmt::print("{}", conform::render(report));
      std::fflush(stdout);
      (!report.ok() ? wrong : report.ran ? ran : not_run) += 1;
    }
  }
  if (ran + wrong + not_run == 0) {
    fmt::print("no `implement` row{}\n",
               flags.filter.empty() ? "" : " has `" + flags.filter + "` in its name");
    return kOk;
  }
  fmt::print("{} rows agree with their meaning, {} do not, {} were not run\n", ran, wrong, not_run);
  if (wrong) code = kFailed;
  return code;
}

int bench_rows(const std::string& input, const RowFlags& flags, double seconds) {
  int cpu = pin_to_one_core();
  PluginRegistry plugins;
  Program program = load_program(input);
  fmt::print("{}: one call over and over, operands in L1{}; medians\n", input,
             cpu >= 0 ? fmt::format(", pinned to CPU {}", cpu) : "");
  for (const conform::Row& row : conform::rows_of(program)) {
    if (!asked_for(row, flags)) continue;
    std::string why_not = conform::why_not_callable(row);
    std::optional<Target> target;
    if (why_not.empty()) target = conform::target_of(row, plugins);
    if (!target) {
      if (why_not.empty()) why_not = "no backend here compiles for it";
      fmt::print("  {:<44} not run: {}\n", row.name, why_not);
      continue;
    }
    std::string text = conform::row_program(program, row, true);
    ParseResult parsed = parse_program(text, row.intrinsic->name + " alone");
    parsed.diagnostics.throw_if_errors();
    conform::Meaning meaning = conform::meaning_of(parsed.program);
    std::string object =
        conform::build_row(text, *target, plugins).artifacts[Artifact::SharedObject];
    try {
      LoadedProgram loaded(object);
      const PeakProbe* probe = probe_of(*target);
      Timed timed = time_row(loaded, meaning, row, probe, seconds);
      std::string sizes;
      for (const auto& [name, value] : timed.sizes) sizes += fmt::format(" {}={}", name, value);
      std::string rate = timed.gbytes > 0 ? fmt::format("{:>8.1f} GB/s of operands ", timed.gbytes)
                                          : fmt::format("{:>8.1f} GFLOP/s ", timed.gflops);
      if (probe && timed.gbytes == 0)
        rate += fmt::format("{:>6.3f} of {} peak ", timed.fraction, probe->name);
      fmt::print("  {:<44} {:>9.1f} ns {}{}\n", row.name, timed.nanoseconds, rate, sizes);
    } catch (const CompileError& error) {
      if (error.diagnostics().front().rule != "load") throw;
      // Behind the name of a temporary file.
      const std::string& why = error.diagnostics().front().message;
      size_t colon = why.find(".so: ");
      fmt::print("  {:<44} not run: it {}\n", row.name,
                 colon == std::string::npos ? why : why.substr(colon + 5));
    }
    std::fflush(stdout);
  }
  return kOk;
}

}  // namespace inlay::cli
