// inlay explain and inlay targets: why the compiler does what it does.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/text/text.h"
#include "tools/inlay/command.h"
#include "tools/inlay/micro_kernels.h"

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

void print_schedules(const Program& program, const std::vector<AppliedSchedule>& applied) {
  for (const AppliedSchedule& schedule : applied) {
    fmt::print("schedule {} for {}  ({})\n", schedule.function, to_string(schedule.target),
               place(schedule.loc));
    if (!schedule.condition.empty()) fmt::print("  when {}\n", schedule.condition);
    for (const auto& [name, value] : schedule.values) fmt::print("  {} = {}\n", name, value);
    fmt::print("  {} steps{}\n", schedule.steps.size(),
               schedule.reassociates ? ", sums are added up in another order" : "");
  }
  for (const Function* function : program.functions()) {
    bool always = false;
    for (const AppliedSchedule& schedule : applied) {
      always |= schedule.function == function->name && schedule.condition.empty();
    }
    if (!always) {
      bool some = std::any_of(applied.begin(), applied.end(), [&](const AppliedSchedule& schedule) {
        return schedule.function == function->name;
      });
      fmt::print("{}: as it is written{}\n", function->name, some ? " else" : "");
    }
  }
}

int run_explain(const CompileFlags& flags, const std::string& input) {
  Session session(flags.no_cache);
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

int run_check(const CompileFlags& flags, const std::vector<std::string>& inputs, bool syntax_only) {
  Session session(flags.no_cache);
  int code = kOk;
  for (const std::string& input : inputs) {
    try {
      Program program = load_program(input);
      if (!syntax_only) {
        BuildOutput output = session.driver().build(flags.request(input));
        std::fputs(output.warnings.c_str(), stderr);
      }
      fmt::print("{}: ok ({} functions, {} imports)\n", input, program.functions().size(),
                 all_imports(program).size());
    } catch (const CompileError& error) {
      std::fputs(render(error.diagnostics(), colour_on_stderr()).c_str(), stderr);
      code = kFailed;
    }
  }
  return code;
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
    fmt::print("  caches    L1d {}, L2 {}, L3 {} bytes (0: not known)\n  features {}\n",
               target.cache_bytes[0], target.cache_bytes[1], target.cache_bytes[2],
               features(target));
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
  auto flags = std::make_shared<CompileFlags>();
  auto input = std::make_shared<std::string>();
  CLI::App* explain =
      app.add_subcommand("explain", "Say which implement rows are chosen, and why the others not");
  explain->add_option("file", *input, "The .inlay file")->required()->type_name("FILE");
  flags->add_to(*explain, true);
  explain->callback([flags, input, &run] { run = [=] { return run_explain(*flags, *input); }; });
}

void add_check(CLI::App& app, Action& run) {
  auto flags = std::make_shared<CompileFlags>();
  auto inputs = std::make_shared<std::vector<std::string>>();
  auto syntax_only = std::make_shared<bool>(false);
  CLI::App* check = app.add_subcommand(
      "check", "Find the faults of programs and of what they import, without writing anything");
  check->add_option("files", *inputs, "The .inlay files")->required()->type_name("FILE...");
  CLI::Option* syntax =
      check->add_flag("--syntax-only", *syntax_only, "Parse and verify only; imports are not read");
  auto implements = std::make_shared<bool>(false);
  auto rows = std::make_shared<RowFlags>();
  CLI::Option* rows_option =
      check->add_flag("--implements", *implements,
                      "Compare every `implement` row with its intrinsic's meaning, on cases made "
                      "from that, between guard pages; exit code 1 if one differs");
  rows_option->excludes(syntax);
  add_row_flags(*check, *rows, rows_option);
  flags->add_to(*check, true);
  check->callback([flags, inputs, syntax_only, implements, rows, &run] {
    run = [=] {
      return *implements ? check_rows(*inputs, *rows) : run_check(*flags, *inputs, *syntax_only);
    };
  });
}

void add_targets(CLI::App& app, Action& run) {
  auto specs = std::make_shared<std::vector<std::string>>();
  CLI::App* targets = app.add_subcommand("targets", "List targets, or show what one means");
  targets->add_option("target", *specs, "Show these in full")->type_name("TARGET...");
  targets->callback([specs, &run] { run = [specs] { return run_targets(*specs); }; });
}

}  // namespace inlay::cli
