// inlay explain and inlay targets: why the compiler does what it does.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/interp/interp.h"
#include "core/text/text.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {

namespace {

std::string place(const Loc& loc) {
  return loc ? fmt::format("{}:{}", loc.file->path(), loc.line) : std::string("(builder)");
}

std::string instance(const std::string& name, const std::vector<int64_t>& constants) {
  return constants.empty() ? name : fmt::format("{}<{}>", name, fmt::join(constants, ", "));
}

std::string features(const Target& target) {
  std::string text;
  size_t column = 0;
  for (const std::string& feature : target.features) {
    if (column + feature.size() > 76) {
      text += "\n            ";
      column = 0;
    }
    text += " " + feature;
    column += feature.size() + 1;
  }
  return text;
}

void print_params(const Program& program, const Target& target, const ParamValues& overrides) {
  for (const ProgramParam* param : program.params()) {
    int64_t value = param_value(*param, &target, overrides);
    int64_t own = param_value(*param, &target, {});
    bool set = overrides.count(param->var.name()) != 0;
    std::string why = set ? fmt::format("--set; {} for this target", own)
                      : own != param->value
                          ? fmt::format("for this target; {} elsewhere", param->value)
                          : "";
    fmt::print("param {} = {}{}\n", param->var.name(), value, why.empty() ? "" : "  (" + why + ")");
  }
}

void print_schedule(const AppliedSchedule& schedule) {
  fmt::print("schedule {} for {}  ({})\n", schedule.function, to_string(schedule.target),
             place(schedule.loc));
  if (schedule.condition) fmt::print("  when {}\n", print(schedule.condition));
  for (const auto& [name, value] : schedule.facts) fmt::print("  {} is {}\n", name, value);
  for (const auto& [name, value] : schedule.values) fmt::print("  {} = {}\n", name, value);
  fmt::print("  {} steps{}\n", schedule.steps.size(),
             schedule.reassociates ? ", sums are added up in another order" : "");
}

void print_schedules(const Program& program, const std::vector<AppliedSchedule>& applied) {
  for (const AppliedSchedule& schedule : applied) print_schedule(schedule);
  for (const Function* function : program.functions()) {
    bool always = false;
    for (const AppliedSchedule& schedule : applied) {
      always |= schedule.function == function->name && !schedule.condition;
    }
    if (!always) {
      bool some = std::any_of(applied.begin(), applied.end(), [&](const AppliedSchedule& schedule) {
        return schedule.function == function->name;
      });
      fmt::print("{}: as it is written{}\n", function->name, some ? " else" : "");
    }
  }
}

struct ExplainFlags : CompileFlags {
  std::string input, function;
  std::vector<std::string> arguments;
  bool steps = false, interpret = false;
};

// The program with one function as it is after a step, run on the arguments' values.
std::vector<TensorArgument> interpreted(Program program, const Function& function,
                                        const Arguments& arguments) {
  std::vector<TensorArgument> tensors = clone(arguments.tensors());
  for (Item& item : program.items) {
    auto* own = std::get_if<Function>(&item);
    if (own && own->name == function.name) *own = function;
  }
  interpret(program, *program.find_function(function.name), arguments.interpreter_values(tensors));
  return tensors;
}

// How what a step made of the results differs from what they were; empty: they are good.
std::string difference(const std::vector<TensorArgument>& got,
                       const std::vector<TensorArgument>& expected, bool exact) {
  for (size_t i = 0; i < got.size(); ++i) {
    bool same = !std::memcmp(got[i].data(), expected[i].data(), got[i].bytes);
    if (same) continue;
    Difference found = compare(got[i], expected[i]);
    bool close = got[i].type.is_float() && found.relative <= default_tolerance(got[i].type);
    if (!exact && close) continue;
    return fmt::format(
        "{}{}", got[i].name,
        found.first.empty() ? " differs in the sign of a zero or the bits of a NaN" : found.first);
  }
  return "";
}

// Each step with the function as it leaves it. False if a result was wrong.
bool print_steps(const ExplainFlags& flags, const Program& bound, const AppliedSchedule& schedule) {
  std::optional<Arguments> arguments;
  std::vector<TensorArgument> expected;
  if (flags.interpret) {
    arguments.emplace(schedule.before, assignments(flags.arguments), 1);
    if (schedule.condition && !arguments->holds(schedule.condition)) {
      fmt::print("  not interpreted: its condition does not hold for these arguments\n");
      arguments.reset();
    } else {
      expected = interpreted(bound, schedule.before, *arguments);
    }
  }
  bool good = true;
  fmt::print("\nbefore:\n\n{}", print(schedule.before));
  for (size_t i = 0; i < schedule.steps.size(); ++i) {
    const Schedule::Step& step = schedule.steps[i];
    fmt::print("\n{}  ({})\n\n{}", step.text, place(schedule.places[i]), print(step.after));
    if (!arguments) continue;
    std::string wrong =
        difference(interpreted(bound, step.after, *arguments), expected, !schedule.reassociates);
    fmt::print("\ninterpreted: {}\n", !wrong.empty()          ? "WRONG, " + wrong
                                      : schedule.reassociates ? "the same but for the order of sums"
                                                              : "the same, bit for bit");
    good &= wrong.empty();
  }
  return good;
}

int explain_steps(const ExplainFlags& flags, Session& session) {
  BuildRequest request = flags.request(flags.input);
  Driver::Prepared prepared = session.driver().prepare(request);
  bool good = true;
  for (size_t i = 0; i < prepared.units.size(); ++i) {
    const CompileUnit& unit = prepared.units[i];
    Program bound = bind_params(prepared.program, &unit.target, request.params);
    if (!flags.function.empty()) pick_function(bound, flags.function);
    std::vector<AppliedSchedule> wanted;
    for (AppliedSchedule& schedule : prepared.schedules[i]) {
      bool asked = flags.function.empty() || schedule.function == flags.function;
      if (asked) wanted.push_back(std::move(schedule));
    }
    fmt::print("{} for {} ({}, cpu {})\n\n", flags.input, unit.target.spec, unit.target.triple,
               unit.target.cpu);
    print_params(prepared.program, unit.target, request.params);
    for (const AppliedSchedule& schedule : wanted) {
      print_schedule(schedule);
      good &= print_steps(flags, bound, schedule);
    }
    if (wanted.empty()) fmt::print("no schedule fits\n");
  }
  return good ? kOk : kFailed;
}

int run_explain(const ExplainFlags& flags) {
  const std::string& input = flags.input;
  Session session(flags.no_cache);
  if (flags.steps) return explain_steps(flags, session);
  if (flags.interpret) {
    throw CompileError("option", {}, "--interpret goes with --schedule",
                       "inlay explain FILE --schedule --interpret NAME=VALUE...");
  }
  BuildRequest request = flags.request(input);
  Driver::Prepared prepared = session.driver().prepare(request);
  for (size_t i = 0; i < prepared.units.size(); ++i) {
    const CompileUnit& unit = prepared.units[i];
    fmt::print("{} for {} ({}, cpu {})\n\n", input, unit.target.spec, unit.target.triple,
               unit.target.cpu);
    print_params(prepared.program, unit.target, request.params);
    print_schedules(prepared.program, prepared.schedules[i]);
    for (const Selection& selection : unit.lowered.selections) {
      fmt::print("\n{}: called at", instance(selection.intrinsic, selection.constants));
      for (const Loc& site : selection.call_sites) fmt::print(" {}", place(site));
      fmt::print("\n");
      for (const RowDecision& row : selection.decisions) {
        fmt::print("  {} {} for {}  ({})\n      {}\n", row.chosen ? "->" : "  ",
                   instance(selection.intrinsic, row.constants), to_string(row.target),
                   place(row.loc), row.reason);
      }
      if (!selection.row) {
        fmt::print("  -> its meaning, compiled as it stands{}\n",
                   selection.decisions.empty() ? ": no `implement` row names it" : "");
      }
    }
    if (unit.lowered.selections.empty()) fmt::print("no intrinsic is called\n");
    fmt::print("\n");
  }
  return kOk;
}

int run_targets(const std::vector<std::string>& specs) {
  PluginRegistry plugins;
  for (const std::string& spec : specs) {
    Target target = plugins.resolve(spec);
    fmt::print(
        "{}\n  backend   {}\n  triple    {}\n  arch      {}   (as in `implement ... for {}`)\n"
        "  cpu       {}\n  vectors   {} bits, {} registers\n",
        spec, target.backend, target.triple, target.arch, target.arch, target.cpu,
        target.vector_bits, target.vector_registers);
    fmt::print(
        "  caches    L1d {}, L2 {}, L3 {} bytes of one core, {}, {} and {} ways{}; lines of {}\n"
        "  features {}\n",
        target.caches[0].bytes, target.caches[1].bytes, target.caches[2].bytes,
        target.caches[0].ways, target.caches[1].ways, target.caches[2].ways,
        target.caches_assumed ? " (assumed)" : "", target.line_bytes, features(target));
    std::string kinds;
    for (ImportKind kind : plugins.backend_of(target).import_kinds(target)) {
      kinds += std::string(" ") + to_string(kind);
    }
    fmt::print("  imports  {}\n", kinds);
  }
  if (!specs.empty()) return kOk;
  for (const auto& backend : plugins.backends()) {
    fmt::print("{}:\n", backend->name());
    for (const TargetInfo& info : backend->targets()) {
      fmt::print("  {:<18} {}\n", info.name, info.description);
    }
  }
  for (const PluginRefusal& refusal : plugins.refusals()) {
    fmt::print(stderr, "warning: backend {} was refused: {}\n", refusal.path, refusal.reason);
  }
  if (plugins.backends().empty()) plugins.resolve("native");  // throws: says where it looked
  return kOk;
}

}  // namespace

void add_explain(CLI::App& app, Action& run) {
  auto flags = std::make_shared<ExplainFlags>();
  CLI::App* explain = app.add_subcommand(
      "explain", "Say which schedules and implement rows are chosen, and why the others not");
  explain->add_option("file", flags->input, "The .inlay file")->required()->type_name("FILE");
  flags->add_to(*explain, true);
  CLI::Option* steps =
      explain
          ->add_option("--schedule", flags->function,
                       "Print the program after each step of its schedules (of one function)")
          ->type_name("FUNCTION")
          ->expected(0, 1);
  CLI::Option* interpret =
      explain
          ->add_option("--interpret", flags->arguments,
                       "With --schedule: run each step's program on the interpreter, on arguments "
                       "as for `inlay run`, and compare with the function before")
          ->type_name("NAME=VALUE...")
          ->expected(0, -1);
  explain->callback([flags, steps, interpret, &run] {
    flags->steps = steps->count() > 0;
    flags->interpret = interpret->count() > 0;
    run = [flags] { return run_explain(*flags); };
  });
}

void add_targets(CLI::App& app, Action& run) {
  auto specs = std::make_shared<std::vector<std::string>>();
  CLI::App* targets = app.add_subcommand("targets", "List targets, or show what one means");
  targets->add_option("target", *specs, "Show these in full")->type_name("TARGET...");
  targets->callback([specs, &run] { run = [specs] { return run_targets(*specs); }; });
}

}  // namespace inlay::cli
