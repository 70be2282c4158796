// inlay bench: times functions of a program against each other, results compared first.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdio>

#include "core/text/text.h"
#include "tools/driver/timing.h"
#include "tools/inlay/execute.h"
#include "tools/inlay/micro_kernels.h"

namespace inlay::cli {

namespace {

struct BenchFlags : CompileFlags {
  std::string input, flops, device;
  std::vector<std::string> words;
  double seconds = 2;
  int threads = 1;
  uint64_t seed = 1;
  bool check = false;
};

// The value of an index expression over the call's sizes, such as 2*M*N*K.
double evaluate_flops(const std::string& text, const std::map<std::string, int64_t>& symbols) {
  std::string source = "func flops(";
  for (const auto& [name, value] : symbols) {
    if (name.find('.') == std::string::npos)
      source += (source.back() == '(' ? "" : ", ") + name + ": index";
  }
  source += ") { let result: index = " + text + " }\n";
  ParseResult parsed = parse_program(source, "--flops " + text);
  parsed.diagnostics.throw_if_errors();
  const Function& function = *parsed.program.functions().front();
  Substitution known;
  for (const Param& param : function.params) {
    const Var& var = std::get<Var>(param);
    known.vars[var.get()] = Expr(symbols.at(var.name()));
  }
  const Let* let = function.body.as<Block>()->stmts.front().as<Let>();
  Expr folded = let ? simplify(substitute(let->value, known)) : Expr();
  const IntImm* value = let ? as_int(folded) : nullptr;
  if (!value) throw CompileError("option", {}, "--flops " + text + " has no value");
  return static_cast<double>(value->value);
}

int run_bench(const BenchFlags& flags) {
  std::vector<std::string> names, words;
  for (const std::string& word : flags.words) {
    (word.find('=') == std::string::npos ? names : words).push_back(word);
  }
  BuildRequest request = flags.request(flags.input);
  Session session(flags.no_cache);
  Target target = session.plugins().resolve(request.targets.empty() ? std::string("native")
                                                                    : request.targets.front());
  Program program = bind_params(load_program(flags.input), &target, request.params);
  if (names.empty()) names.push_back("");
  DLDevice device =
      pick_device(flags.device, session.plugins().backend_of(target).is_device(), target.spec);
  bool on_cpu = device.device_type == kDLCPU;
  int cpu = flags.threads == 1 && on_cpu ? pin_to_one_core() : -1;
  BuildOutput output = session.driver().build(request);
  std::fputs(output.warnings.c_str(), stderr);
  LoadedProgram loaded(output.artifacts[Artifact::SharedObject]);
  if (inlay_set_num_threads(flags.threads) != INLAY_OK) {
    throw CompileError("option", {}, inlay_last_error());
  }

  std::vector<Arguments> arguments;
  arguments.reserve(names.size());
  std::vector<std::unique_ptr<DeviceArguments>> there;
  std::vector<Contestant> contestants;
  for (std::string& name : names) {
    const Function& function = pick_function(program, name);
    name = function.name;
    arguments.emplace_back(function, assignments(words), flags.seed);
    std::vector<TensorArgument> expected = clone(arguments.back().tensors());
    const InlayCallable* callable = loaded.function(name);
    there.push_back(std::make_unique<DeviceArguments>(arguments.back(), device));
    there.back()->call(callable);
    there.back()->fetch();
    if (flags.check) {
      interpret(program, function, arguments.back().interpreter_values(expected));
    }
    // Without --check, functions of one signature answer for each other.
    const std::vector<TensorArgument>& wanted =
        flags.check ? expected : arguments.front().tensors();
    if (wanted.size() != arguments.back().tensors().size()) {
      throw CompileError("bench", {}, name + " and " + names[0] + " take different arguments",
                         "bench them one by one");
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      Difference difference = compare(arguments.back().tensors()[i], wanted[i]);
      if (difference.relative > default_tolerance(wanted[i].type)) {
        throw CompileError(
            "bench", {}, fmt::format("{} is wrong: {}{}", name, wanted[i].name, difference.first));
      }
    }
    contestants.push_back({name, [callable, on = there.back().get()] { on->try_call(callable); }});
  }
  double flops = flags.flops.empty() ? 0 : evaluate_flops(flags.flops, arguments[0].symbols());
  std::vector<Timing> timings = race(contestants, flags.seconds);
  std::string sizes;
  for (const auto& [name, value] : arguments[0].symbols())
    sizes += fmt::format(" {}={}", name, value);
  if (on_cpu) {
    fmt::print("{}{}, {} thread{}{}\n", target.spec, sizes, flags.threads,
               flags.threads > 1 ? "s" : "",
               cpu >= 0 ? fmt::format(", pinned to CPU {}", cpu) : "");
  } else {
    InlayDeviceInfo info{};
    inlay_device_info(device, &info);
    fmt::print("{}{}, on {} ({}), each call waited for\n", target.spec, sizes, info.name,
               info.target);
  }
  for (size_t i = 0; i < contestants.size(); ++i) {
    fmt::print("  {:<24} median {:>10.3f} us   fastest {:>10.3f} us", contestants[i].name,
               timings[i].median * 1e6, timings[i].fastest * 1e6);
    if (flops > 0) fmt::print("   {:>8.2f} GFLOP/s", flops / timings[i].median * 1e-9);
    if (contestants.size() > 1) fmt::print("   {:>6.2f}x", timings[i].speed_of_first);
    fmt::print("   ({} calls)\n", timings[i].calls);
  }
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Action& run) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* sub =
      app.add_subcommand("bench", "Time functions of a program, interleaved in one run");
  sub->add_option("file", flags->input, "The .inlay file")->required()->type_name("FILE");
  sub->add_option("arguments", flags->words,
                  "Functions, then NAME=VALUE as in `inlay run`; several functions get the same "
                  "arguments, and must agree")
      ->type_name("[FUNCTION...] NAME=VALUE...");
  flags->add_to(*sub, false);
  sub->add_option("--flops", flags->flops, "Operations of one call, such as '2*M*N*K', for GFLOP/s")
      ->type_name("EXPR");
  sub->add_option("--seconds", flags->seconds, "How long to measure")
      ->type_name("S")
      ->check(is_amount)
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  sub->add_option("--threads", flags->threads, "Threads; with 1 the run is pinned to a core")
      ->type_name("N")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  sub->add_option("--device", flags->device, kDeviceHelp)->type_name("DEVICE");
  sub->add_option("--seed", flags->seed, "Seed of random inputs")
      ->type_name("N")
      ->check(is_seed)
      ->capture_default_str();
  sub->add_flag("--check", flags->check, "Compare with the interpreter first");
  auto micro_kernels = std::make_shared<bool>(false);
  auto rows = std::make_shared<RowFlags>();
  CLI::Option* rows_option =
      sub->add_flag("--micro-kernels", *micro_kernels,
                    "Time every `implement` row alone instead, as a fraction of the FMA peak");
  sub->add_option("--rows", rows->filter, "For --micro-kernels: only rows with this in their name")
      ->type_name("TEXT")
      ->needs(rows_option);
  sub->callback([flags, micro_kernels, rows, &run] {
    run = [=] {
      return *micro_kernels ? bench_rows(flags->input, *rows, flags->seconds) : run_bench(*flags);
    };
  });
}

}  // namespace inlay::cli
