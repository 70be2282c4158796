// Verifier: schedules, as far as that can be told without applying them.
#include <algorithm>

#include "core/target_facts.h"
#include "core/verify/verifier.h"

namespace inlay {

PredicateKey predicate_key(const TargetPredicate& predicate) {
  return {predicate.arch, {predicate.features.begin(), predicate.features.end()}};
}

namespace {

// The first thing in an expression that the choice of a schedule can't ask for.
struct ImpureFinder : Visitor {
  const ExprNode* found = nullptr;
  const char* what = "";
  using Visitor::visit_node;
  void tell(const ExprNode& node, const char* name) {
    if (found) return;
    found = &node;
    what = name;
  }
  void visit_node(const Load& node) override { tell(node, "an element of a buffer"); }
  void visit_node(const View& node) override { tell(node, "a part of a buffer"); }
  void visit_node(const CallExtern& node) override { tell(node, "a call"); }
  void visit_node(const CallIntrin& node) override { tell(node, "a call"); }
  void visit_node(const InlineAsm& node) override { tell(node, "assembly"); }
};

}  // namespace

void Verifier::check_schedule(const ScheduleItem& item) {
  item_ = "schedule " + item.function + " for " + to_string(item.target);
  check_predicate(item.target);
  for (const Requirement& requirement : item.requirements) {
    if (requirement.target) check_predicate(*requirement.target);
  }
  const Function* function = nullptr;
  std::vector<std::string> functions;
  for (const Item& other : program_.items) {
    if (std::get_if<ScheduleItem>(&other) == &item) break;
    auto* each = std::get_if<Function>(&other);
    if (!each) continue;
    functions.push_back(each->name);
    if (each->name == item.function) function = each;
  }
  if (!function) {
    auto near = nearest_names(item.function, functions, 1);
    error("unknown-function", item.loc,
          "there is no function `" + item.function + "` before this schedule",
          near.empty() ? "a function stands before its schedules" : did_you_mean(near));
    return;
  }
  Scope scope(*this);
  for (const std::string& fact : target_fact_names()) make_visible(target_fact(fact)->get());
  std::vector<std::string> numbers;
  for (const ProgramParam* param : program_.params()) numbers.push_back(param->var.name());
  for (const ScheduleParam& param : item.params) {
    const Var& var = param.var;
    check_name(var.name(), "parameter", var.loc());
    if (!var->is_constant || var.type() != kIndex) {
      error("bad-node", var.loc(), "parameter `" + var.name() + "` is no compile-time index",
            "make its variable with Var::constant()");
    }
    if (param.value.type() != kIndex) {
      error("type-mismatch", param.value.loc(),
            "parameter `" + var.name() + "` is an index, its value is " +
                to_string(param.value.type()));
    }
    if (is_compile_time(param.value)) {
      visit(param.value);
    } else {
      error("constant", place_of(param.value, var.loc()),
            "the value of parameter `" + var.name() + "` is not known when compiling",
            "use numbers, each `param`, and parameters before this one");
    }
    define(var.get(), var.name(), var.loc(), "parameter");
    if (std::find(numbers.begin(), numbers.end(), var.name()) != numbers.end()) {
      error("redeclared", var.loc(),
            "the schedule's parameter `" + var.name() + "` has the name of another parameter",
            "choose another name: `--set " + var.name() + "=...` would mean both");
    }
    numbers.push_back(var.name());
  }
  if (item.condition) {
    for (const Var& symbol : function->symbols()) make_visible(symbol.get());
    for (const Param& param : function->params) {
      if (auto* var = std::get_if<Var>(&param)) make_visible(var->get());
    }
    Loc loc = place_of(item.condition, item.loc);
    if (item.condition.type() != kBool) {
      error("type-mismatch", loc,
            "a condition is a bool, this one is " + to_string(item.condition.type()));
    }
    ImpureFinder impure;
    impure.visit(item.condition);
    if (impure.found) {
      error("bad-condition", place_of(Expr(impure.found), loc),
            std::string("the condition of a schedule asks for ") + impure.what,
            "it may ask for symbols, scalar parameters and numbers");
    } else {
      visit(item.condition);
    }
  }
  auto known = [&](const StepNumber& number) {
    if (number.name.empty()) return;
    if (std::find(numbers.begin(), numbers.end(), number.name) != numbers.end()) return;
    error("undeclared", number.loc, "`" + number.name + "` is no parameter of the schedule",
          did_you_mean(nearest_names(number.name, numbers, 1)));
  };
  for (const ScheduleStep& step : item.steps) {
    // The factor of a plain split may be a symbol.
    bool symbol = step.kind == StepKind::Split && !step.even;
    for (const StepNumber& number : step.numbers) {
      if (!symbol) known(number);
    }
    for (const auto& number : {step.alignment, step.width, step.pitch}) {
      if (number) known(*number);
    }
    if (step.import) check_import(step.import);
    if (step.kind != StepKind::Set) continue;
    if (std::find(numbers.begin(), numbers.end(), step.object) != numbers.end()) {
      error("redeclared", step.loc, "`" + step.object + "` has a value already",
            "a `set` gives a new name its value");
    }
    numbers.push_back(step.object);
  }
}

// Of schedules with one predicate the first one that is always right ends the list.
void Verifier::check_schedule_order() {
  std::map<std::pair<std::string, PredicateKey>, Loc> last;
  for (const Item& item : program_.items) {
    auto* schedule = std::get_if<ScheduleItem>(&item);
    if (!schedule) continue;
    item_ = "schedule " + schedule->function + " for " + to_string(schedule->target);
    std::pair key{schedule->function, predicate_key(schedule->target)};
    auto old = last.find(key);
    if (old != last.end()) {
      Diagnostic& told =
          error("duplicate-row", schedule->loc,
                "this schedule is never chosen: one without condition stands before it",
                "let the schedule without `when` be the last one of its target");
      if (old->second) {
        told.notes.push_back({Severity::Note, "", "it is here", old->second, "", "", "", {}});
      }
    }
    if (!schedule->condition) last.emplace(key, schedule->loc);
  }
}

}  // namespace inlay
