// inlay run: calls a function of a program on arrays, and checks the result on request.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <random>

#include "core/text/text.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {

namespace {

struct RunFlags : CompileFlags {
  std::string input, device;
  std::vector<std::string> words;  ///< [FUNCTION] NAME=VALUE...
  std::vector<std::string> outputs;
  uint64_t seed = 0;
  bool seed_given = false;
  bool check = false;
  bool interpret = false;
  double tolerance = -1;
  int threads = 0;
};

bool check_results(const Program& program, const Function& function, const Arguments& arguments,
                   std::vector<TensorArgument> expected, double tolerance) {
  interpret(program, function, arguments.interpreter_values(expected));
  bool all_good = true;
  for (size_t i = 0; i < expected.size(); ++i) {
    const TensorArgument& got = arguments.tensors()[i];
    Difference difference = compare(got, expected[i]);
    double allowed = tolerance >= 0 ? tolerance : default_tolerance(got.type);
    bool good = got.type.is_float() ? difference.relative <= allowed : difference.different == 0;
    all_good &= good;
    if (got.type.is_float()) {
      fmt::print("check {}: {}, largest error {:.2g} of the largest magnitude (allowed {:.2g})\n",
                 got.name, good ? "ok" : "WRONG", difference.relative, allowed);
    } else {
      fmt::print("check {}: {}, {} elements differ\n", got.name, good ? "ok" : "WRONG",
                 difference.different);
    }
    if (!good) fmt::print("  worst at {}{}\n", got.name, difference.first);
  }
  return all_good;
}

int run_run(const RunFlags& flags) {
  std::vector<std::string> words = flags.words;
  std::string name;
  if (!words.empty() && words[0].find('=') == std::string::npos) {
    name = words[0];
    words.erase(words.begin());
  }
  BuildRequest request = flags.request(flags.input);
  Session session(flags.no_cache);
  // Parsed here too: for the parameters, and for the interpreter.
  Program program = load_program(flags.input);
  Target target = session.plugins().resolve(request.targets.empty() ? std::string("native")
                                                                    : request.targets.front());
  DLDevice device =
      pick_device(flags.device, session.plugins().backend_of(target).is_device(), target.spec);
  program = bind_params(program, &target, request.params);
  const Function& function = pick_function(program, name);
  uint64_t seed = flags.seed_given ? flags.seed : std::random_device()();
  Arguments arguments(function, assignments(words), seed);

  std::vector<std::pair<const TensorArgument*, std::string>> outputs;
  for (const std::string& text : flags.outputs) {
    auto [tensor_name, path] = split_assignment(text, "--out");
    std::string all;
    for (const TensorArgument& tensor : arguments.tensors()) {
      all += (all.empty() ? "" : ", ") + tensor.name;
      if (tensor.name == tensor_name) outputs.emplace_back(&tensor, path);
    }
    if (outputs.empty() || outputs.back().first->name != tensor_name) {
      throw CompileError(
          "option", {},
          "--out " + text + ": " + function.name + " has no tensor `" + tensor_name + "`",
          all.empty() ? "" : "it has " + all);
    }
  }

  std::vector<std::string> random;
  for (const TensorArgument& tensor : arguments.tensors()) {
    if (tensor.origin == "random") random.push_back(tensor.name);
  }
  if (!random.empty()) fmt::print("random {}: --seed {}\n", fmt::join(random, ", "), seed);
  std::vector<TensorArgument> before = clone(arguments.tensors());

  if (flags.interpret) {
    interpret(program, function, arguments.interpreter_values(arguments.tensors()));
  } else {
    BuildOutput output = session.driver().build(request);
    std::fputs(output.warnings.c_str(), stderr);
    LoadedProgram loaded(output.artifacts[Artifact::SharedObject]);
    if (flags.threads > 0 && inlay_set_num_threads(flags.threads) != INLAY_OK) {
      throw CompileError("option", {}, inlay_last_error());
    }
    DeviceArguments there(arguments, device);
    there.call(loaded.function(function.name));
    there.fetch();
  }
  for (const auto& [tensor, path] : outputs) {
    write_npy(path, *tensor);
    fmt::print("{}: {}[{}] written to {}\n", tensor->name, to_string(tensor->type),
               fmt::join(tensor->shape, ", "), path);
  }
  if (flags.outputs.empty() && !flags.check) {
    for (size_t i = 0; i < before.size(); ++i) {
      const TensorArgument& tensor = arguments.tensors()[i];
      int64_t changed = compare(tensor, before[i]).different;
      fmt::print("{}: {}[{}], {}\n", tensor.name, to_string(tensor.type),
                 fmt::join(tensor.shape, ", "),
                 changed ? fmt::format("{} elements changed", changed) : "unchanged");
    }
  }
  if (flags.check &&
      !check_results(program, function, arguments, std::move(before), flags.tolerance)) {
    return kFailed;
  }
  return kOk;
}

}  // namespace

void add_run(CLI::App& app, Action& run) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* sub = app.add_subcommand("run", "Compile a program and call one of its functions");
  sub->add_option("file", flags->input, "The .inlay file")->required()->type_name("FILE");
  sub->add_option("arguments", flags->words,
                  "The function (if there are several), then NAME=VALUE: for a tensor a .npy file, "
                  "random (default), zeros or ones; for a scalar or a size a number")
      ->type_name("[FUNCTION] NAME=VALUE...");
  flags->add_to(*sub, false);
  sub->add_option("--out", flags->outputs, "Write a tensor after the call")
      ->type_name("NAME=FILE.npy")
      ->take_all()
      ->allow_extra_args(false);
  CLI::Option* seed =
      sub->add_option("--seed", flags->seed, "Seed of random inputs (default: a new one, printed)")
          ->type_name("N")
          ->check(is_seed);
  sub->add_flag("--check", flags->check, "Compare with the interpreter; exit code 1 if it differs");
  sub->add_option("--tolerance", flags->tolerance,
                  "For --check: largest error of a float tensor, relative to its largest magnitude "
                  "(default 1e-12 for f64, 1e-5 for f32, 2e-2 for 16 bits; integers are exact)")
      ->type_name("X")
      ->check(is_amount);
  sub->add_flag("--interpret", flags->interpret,
                "Run on the interpreter instead, with all its checks");
  sub->add_option("--device", flags->device, kDeviceHelp)->type_name("DEVICE");
  sub->add_option("--threads", flags->threads, "Threads of parallel loops")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  sub->callback([flags, seed, &run] {
    flags->seed_given = seed->count() > 0;
    run = [flags] { return run_run(*flags); };
  });
}

}  // namespace inlay::cli
