// inlay check: the faults of programs and of what they import; and, with --device, what they
// compute there against the interpreter, at shapes that are multiples of nothing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/analysis/barriers/barriers.h"
#include "core/analysis/fold.h"
#include "core/ir/visitor.h"
#include "core/text/text.h"
#include "tools/conform/conform.h"
#include "tools/inlay/execute.h"
#include "tools/inlay/micro_kernels.h"

namespace inlay::cli {

namespace {

struct CheckFlags : CompileFlags {
  std::vector<std::string> inputs;
  bool syntax_only = false, undecided = false;
  std::string device;
  int shapes = 16;
};

// Values of symbols; a case takes one for each, and others for the next symbol.
constexpr int64_t kSizes[] = {1, 2, 3, 5, 8, 13, 16, 31, 33, 64, 65, 100, 130, 7, 4, 17};
// The GPU that the emulator is if no target is named.
constexpr char kEmulated[] = "gfx900";
constexpr size_t kSizeCount = std::size(kSizes);
// Elements of one case at most, as far as its symbols tell: the interpreter runs it.
constexpr int64_t kMostWork = 1 << 18;

void require_one_target(const CheckFlags& flags) {
  if (flags.targets.size() > 1) {
    throw CompileError("option", {}, "--device runs the code of one target",
                       "name one with --target");
  }
}

// Words of a command line, as for `inlay run`.
struct Case {
  std::map<std::string, std::string> words;
  std::string text() const {
    std::string all;
    for (const auto& [name, value] : words) all += " " + name + "=" + value;
    return all;
  }
};

// Symbols that extents name; those of strides alone come of the shapes.
std::vector<std::string> sizes_of(const Function& function) {
  struct Finder : Visitor {
    std::vector<std::string> names;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override {
      if (node.is_constant) return;
      if (std::find(names.begin(), names.end(), node.name) == names.end()) {
        names.push_back(node.name);
      }
    }
  } finder;
  for (const Param& param : function.params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    for (const Expr& extent : (*buffer)->shape) finder.visit(extent);
  }
  return finder.names;
}

// Index variables of an expression.
struct IndexVars : Visitor {
  std::vector<const VarNode*> list;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override { list.push_back(&node); }
};

// `assert OH == (H - R) / s + 1, ...` at the start of a function says what its caller has to pass.
// Where that does not hold, one of the assert's numbers is changed such that it does, and those
// before still do.
void follow_asserts(const Function& function, Case& made) {
  constexpr int64_t kMost = 200;
  std::unordered_map<const ExprNode*, int64_t> values;
  std::set<const ExprNode*> free;
  auto take = [&](const Var& var) {
    auto word = made.words.find(var.name());
    if (word == made.words.end() || var.type() != kIndex) return;
    values[var.get()] = std::stoll(word->second);
    free.insert(var.get());
  };
  for (const Var& symbol : function.symbols()) take(symbol);
  for (const Param& param : function.params) {
    if (auto* var = std::get_if<Var>(&param)) take(*var);
  }
  std::vector<Expr> conditions;
  auto all_hold = [&] {
    return std::all_of(conditions.begin(), conditions.end(),
                       [&](const Expr& each) { return fold(each, values).value_or(1) != 0; });
  };
  auto repair = [&](const Expr& condition) {
    IndexVars vars;
    vars.visit(condition);
    for (const VarNode* var : vars.list) {
      if (!free.count(var)) continue;
      int64_t before = values[var];
      for (int64_t value = 0; value <= kMost; ++value) {
        values[var] = value;
        if (all_hold()) return;
      }
      values[var] = before;
    }
  };
  for (const Stmt& stmt : function.body.as<Block>()->stmts) {
    auto* assertion = stmt.as<Assert>();
    if (!assertion) continue;
    conditions.push_back(assertion->condition);
    if (!all_hold()) repair(assertion->condition);
  }
  for (const Var& symbol : function.symbols()) {
    if (free.count(symbol.get())) made.words[symbol.name()] = std::to_string(values[symbol.get()]);
  }
  for (const Param& param : function.params) {
    auto* var = std::get_if<Var>(&param);
    if (var && free.count(var->get())) made.words[var->name()] = std::to_string(values[var->get()]);
  }
}

Case make_case(const Function& function, size_t number) {
  Case made;
  std::vector<std::string> names = sizes_of(function);
  std::vector<int64_t> values;
  double work = 1;
  for (size_t i = 0; i < names.size(); ++i) {
    // All alike first, then each at a pace of its own.
    size_t at = number < 4 ? 3 * number + 2 : number * (2 * i + 1) + 5 * i;
    values.push_back(kSizes[at % kSizeCount]);
    work *= static_cast<double>(values.back());
  }
  while (work > kMostWork) {
    auto largest = std::max_element(values.begin(), values.end());
    work *= static_cast<double>(*largest / 2) / static_cast<double>(*largest);
    *largest /= 2;
  }
  for (size_t i = 0; i < names.size(); ++i) made.words[names[i]] = std::to_string(values[i]);
  size_t i = 0;
  for (const Param& param : function.params) {
    auto* var = std::get_if<Var>(&param);
    if (!var || made.words.count(var->name())) continue;
    constexpr const char* kNumbers[] = {"1", "2", "3", "0"};
    constexpr const char* kReals[] = {"1", "-0.5", "2", "0"};
    size_t at = (number + i++) % 4;
    made.words[var->name()] = var->type() == kBool     ? (at % 2 ? "0" : "1")
                              : var->type().is_float() ? kReals[at]
                                                       : kNumbers[at];
  }
  follow_asserts(function, made);
  return made;
}

// ---- one function on a device ----

class DeviceCheck {
 public:
  /// `title`: what to call the file in messages, if not by its path.
  DeviceCheck(const CheckFlags& flags, const std::string& input, Session& session,
              const std::string& title = "")
      : flags_(flags), input_(title.empty() ? input : title), request_(flags.request(input)) {
    is_file_ = title.empty();
    require_one_target(flags);
    if (request_.targets.empty() && flags.device == "emulator") request_.targets = {kEmulated};
    Driver::Prepared prepared = session.driver().prepare(request_);
    target_ = prepared.units.at(0).target;
    program_ = bind_params(prepared.program, &target_, request_.params);
    schedules_ = std::move(prepared.schedules.at(0));
    device_ =
        pick_device(flags.device, session.plugins().backend_of(target_).is_device(), target_.spec);
    BuildOutput output = session.driver().build(request_);
    std::fputs(output.warnings.c_str(), stderr);
    loaded_ = std::make_unique<LoadedProgram>(output.artifacts[Artifact::SharedObject]);
  }

  /// True if all is well; tells either way.
  bool run() {
    bool good = true;
    for (const Function* function : program_.functions()) good &= check(*function);
    return good;
  }

 private:
  bool check(const Function& function) {
    ran_ = refused_ = asserted_ = scheduled_ = 0;
    has_schedule_ = false;
    worst_ = 0;
    why_.clear();
    // Shapes that a function does not take are no shapes of it: so some more are tried.
    for (int number = 0; ran_ < flags_.shapes && number < 20 * flags_.shapes; ++number) {
      Case one = make_case(function, static_cast<size_t>(number));
      std::string wrong = compare_at(function, one, static_cast<uint64_t>(number));
      if (wrong.empty()) continue;
      fmt::print("{}: {} on {} ({}): WRONG\n  {}\n", input_, function.name, device_name(),
                 target_.spec, wrong);
      if (!is_file_) return false;
      std::string run =
          fmt::format("inlay run {} {}{} --seed {} --check --target {}", input_, function.name,
                      one.text(), static_cast<uint64_t>(number), target_.spec);
      fmt::print("  {}{}\n", run, flags_.device.empty() ? "" : " --device " + flags_.device);
      return false;
    }
    std::string others;
    if (has_schedule_) others += fmt::format(" ({} of them scheduled)", scheduled_);
    if (asserted_) others += fmt::format(", {} ended by an assert, as they should", asserted_);
    if (refused_) others += fmt::format(", {} that it does not take ({})", refused_, why_);
    if (ran_ == 0) {
      fmt::print("{}: {} on {} ({}): NOT CHECKED: no shape that was tried is right for it ({})\n",
                 input_, function.name, device_name(), target_.spec,
                 why_.empty() ? "all end by an assert" : why_);
      return false;
    }
    fmt::print(
        "{}: {} on {} ({}): ok, {} shapes{}; largest error {:.2g} of the largest magnitude\n",
        input_, function.name, device_name(), target_.spec, ran_, others, worst_);
    return true;
  }

  std::string device_name() const {
    if (!flags_.device.empty()) return flags_.device;
    return device_.device_type == kDLCPU ? "cpu" : "hip";
  }

  // Empty: it came out right, or is none of the function's cases.
  std::string compare_at(const Function& function, const Case& one, uint64_t seed) {
    std::optional<Arguments> arguments;
    try {
      arguments.emplace(function, one.words, seed);
    } catch (const CompileError& error) {
      return refuse(error);
    }
    std::vector<TensorArgument> expected = clone(arguments->tensors());
    std::string assertion;
    try {
      interpret(program_, function, arguments->interpreter_values(expected));
    } catch (const CompileError& error) {
      const Diagnostic& first = error.diagnostics().at(0);
      if (first.rule == "race" || first.rule == "barrier" || first.rule == "uninitialised-read") {
        return "the interpreter finds a fault: " + first.message;
      }
      if (first.rule != "assert") return refuse(error);
      assertion = first.message;
    }
    if (assertion.empty()) {
      std::string wrong = check_schedules(function, *arguments, expected);
      if (!wrong.empty()) return wrong;
    }
    DeviceArguments there(*arguments, device_);
    int32_t status = there.try_call(loaded_->function(function.name));
    std::string said = status == INLAY_OK ? "" : inlay_last_error();
    if (!assertion.empty()) {
      if (status == INLAY_ERROR_ASSERT && said.find(assertion) != std::string::npos) {
        ++asserted_;
        return "";
      }
      return fmt::format("should end with the assert \"{}\", but {}", assertion,
                         status == INLAY_OK ? "ends well" : "says: " + said);
    }
    if (status != INLAY_OK) return fmt::format("{} ({})", said, inlay_status_name(status));
    there.fetch();
    ++ran_;
    return differences(arguments->tensors(), expected);
  }

  // The scheduled function before it is lowered, on the interpreter: it has the loops of the
  // device, so races that nobody could prove or refute show here.
  std::string check_schedules(const Function& function, const Arguments& arguments,
                              const std::vector<TensorArgument>& expected) {
    // The first that holds is chosen; those behind it are not asked.
    for (const AppliedSchedule& schedule : schedules_) {
      if (schedule.function != function.name) continue;
      has_schedule_ = true;
      if (schedule.condition && !arguments.holds(schedule.condition)) continue;
      if (schedule.steps.empty()) break;
      Program program = program_;
      for (Item& item : program.items) {
        auto* own = std::get_if<Function>(&item);
        if (own && own->name == function.name) *own = schedule.steps.back().after;
      }
      std::vector<TensorArgument> tensors = clone(arguments.tensors());
      try {
        interpret(program, *program.find_function(function.name),
                  arguments.interpreter_values(tensors));
      } catch (const CompileError& error) {
        return "the interpreter finds a fault in the scheduled function: " +
               error.diagnostics().at(0).message;
      }
      std::string wrong = differences(tensors, expected);
      if (!wrong.empty()) return "the scheduled function, interpreted: " + wrong;
      ++scheduled_;
      break;
    }
    return "";
  }

  std::string differences(const std::vector<TensorArgument>& got,
                          const std::vector<TensorArgument>& expected) {
    for (size_t i = 0; i < got.size(); ++i) {
      Difference found = inlay::compare(got[i], expected[i]);
      double allowed = default_tolerance(got[i].type);
      worst_ = std::max(worst_, found.relative);
      bool good = got[i].type.is_float() ? found.relative <= allowed : found.different == 0;
      if (!good) return got[i].name + found.first;
    }
    return "";
  }

  std::string refuse(const CompileError& error) {
    ++refused_;
    why_ = error.diagnostics().at(0).message;
    return "";
  }

  const CheckFlags& flags_;
  std::string input_;
  bool is_file_ = true;
  BuildRequest request_;
  Target target_;
  Program program_;
  std::vector<AppliedSchedule> schedules_;
  DLDevice device_{};
  std::unique_ptr<LoadedProgram> loaded_;
  int ran_ = 0, refused_ = 0, asserted_ = 0;
  int scheduled_ = 0;  // cases that a schedule with steps was chosen for, and interpreted
  bool has_schedule_ = false;
  double worst_ = 0;
  std::string why_;  // the last case was refused
};

// ---- faults ----

// Accesses of work-items and workgroups that are neither proven apart nor proven to meet.
void list_undecided(const Driver::Prepared& prepared, const std::string& input) {
  for (const CompileUnit& unit : prepared.units) {
    std::vector<Diagnostic> open;
    for (const Function* function : unit.lowered.program.functions()) {
      std::vector<LaneConflict> conflicts = find_lane_conflicts(
          Context(*function), function->body, unit.lowered.program, /*examples=*/false);
      for (const LaneConflict& conflict : conflicts) {
        open.push_back(describe(conflict));
        open.back().ir_path = function->name;
      }
    }
    std::fputs(render(open, colour_on_stderr()).c_str(), stderr);
    fmt::print("{} for {}: {} pairs of accesses are undecided\n", input, unit.target.spec,
               open.size());
  }
}

// Rows for GPUs, each in a kernel of its own.
int check_gpu_rows(const CheckFlags& flags, const RowFlags& row_flags) {
  require_one_target(flags);
  Session session(flags.no_cache);
  std::string spec = flags.targets.empty() ? std::string(kEmulated) : flags.targets.front();
  Target target = session.plugins().resolve(spec);
  int code = kOk, ran = 0, others = 0;
  for (const std::string& input : flags.inputs) {
    Program program = load_program(input);
    for (const conform::Row& row : conform::rows_of(program)) {
      if (row.name.find(row_flags.filter) == std::string::npos) continue;
      if (!matches(row.implement->target, target)) {
        ++others;
        continue;
      }
      ++ran;
      try {
        TemporaryFile file(".inlay");
        write_file(file.path(), conform::gpu_row_program(program, row));
        if (!DeviceCheck(flags, file.path(), session, row.name).run()) code = kFailed;
      } catch (const CompileError& error) {
        fmt::print("{}: WRONG\n", row.name);
        std::fputs(render(error.diagnostics(), colour_on_stderr()).c_str(), stderr);
        code = kFailed;
      }
    }
  }
  fmt::print("{} rows for {} were run; {} are for other targets\n", ran, spec, others);
  if (ran != 0) return code;
  throw CompileError("option", {}, "there is no `implement` row for " + spec + " to be checked");
}

int run_check(const CheckFlags& flags) {
  Session session(flags.no_cache);
  int code = kOk;
  for (const std::string& input : flags.inputs) {
    try {
      Program program = load_program(input);
      if (!flags.device.empty()) {
        if (!DeviceCheck(flags, input, session).run()) code = kFailed;
        continue;
      }
      if (flags.undecided) {
        list_undecided(session.driver().prepare(flags.request(input)), input);
        continue;
      }
      if (!flags.syntax_only) {
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

}  // namespace

void add_check(CLI::App& app, Action& run) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* check = app.add_subcommand(
      "check", "Find the faults of programs and of what they import, without writing anything");
  check->add_option("files", flags->inputs, "The .inlay files")->required()->type_name("FILE...");
  CLI::Option* syntax = check->add_flag("--syntax-only", flags->syntax_only,
                                        "Parse and verify only; imports are not read");
  CLI::Option* device =
      check
          ->add_option("--device", flags->device,
                       "Run every function there, at shapes of all kinds, and compare with the "
                       "interpreter: cpu, hip, hip:1 ..., emulator; exit code 1 if it differs")
          ->type_name("DEVICE");
  check->add_option("--shapes", flags->shapes, "With --device: how many shapes of each function")
      ->type_name("N")
      ->check(CLI::Range(1, 10000))
      ->needs(device);
  CLI::Option* undecided =
      check->add_flag("--undecided", flags->undecided,
                      "List the accesses of work-items that could be proven neither to be kept "
                      "apart nor to meet; the interpreter tells for given sizes");
  auto implements = std::make_shared<bool>(false);
  auto rows = std::make_shared<RowFlags>();
  CLI::Option* rows_option =
      check->add_flag("--implements", *implements,
                      "Compare every `implement` row with its intrinsic's meaning, on cases made "
                      "from that, between guard pages; with --device the rows for that GPU, in "
                      "kernels; exit code 1 if one differs");
  rows_option->excludes(syntax)->excludes(undecided);
  device->excludes(syntax)->excludes(undecided);
  undecided->excludes(syntax);
  add_row_flags(*check, *rows, rows_option);
  flags->add_to(*check, true);
  check->callback([flags, implements, rows, &run] {
    run = [=] {
      if (!*implements) return run_check(*flags);
      return flags->device.empty() ? check_rows(flags->inputs, *rows)
                                   : check_gpu_rows(*flags, *rows);
    };
  });
}

}  // namespace inlay::cli
