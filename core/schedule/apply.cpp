#include "core/schedule/apply.h"

#include <algorithm>

#include "core/ir/visitor.h"
#include "core/schedule/rewrite.h"
#include "core/schedule/steps.h"
#include "core/target_facts.h"
#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {

namespace {

std::vector<const ScheduleItem*> chain_of(const Program& program, const std::string& function,
                                          const Target& target) {
  std::vector<const ScheduleItem*> chain;
  for (const ScheduleItem* item : program.schedules()) {
    if (item->function != function || !matches(item->target, target)) continue;
    auto place = std::find_if(chain.begin(), chain.end(), [&](const ScheduleItem* other) {
      return more_specific(item->target, other->target, target);
    });
    chain.insert(place, item);
  }
  auto last = std::find_if(chain.begin(), chain.end(),
                           [](const ScheduleItem* item) { return !item->condition; });
  if (last != chain.end()) chain.erase(last + 1, chain.end());
  return chain;
}

const int64_t* find_override(const ParamValues& overrides, const std::string& function,
                             const std::string& name) {
  auto found = overrides.find(function + "." + name);
  if (found == overrides.end()) found = overrides.find(name);
  return found == overrides.end() ? nullptr : &found->second;
}

class Applier {
 public:
  Applier(const Program& program, const Target& target, const ParamValues& overrides)
      : program_(program), overrides_(overrides), bound_(bind_params(program, &target, overrides)) {
    for (const ProgramParam* param : program.params()) {
      int64_t value = param_value(*param, &target, overrides);
      known_[param->var.name()] = value;
      substitution_.vars[param->var.get()] = Expr(value);
    }
    for (const std::string& name : target_fact_names()) {
      substitution_.vars[target_fact(name)->get()] = Expr(target_fact_value(name, target));
    }
  }

  ScheduledProgram run(const Target& target) {
    ScheduledProgram result;
    result.program = bound_;
    for (Item& item : result.program.items) {
      auto* function = std::get_if<Function>(&item);
      if (!function) continue;
      std::vector<const ScheduleItem*> chain = chain_of(program_, function->name, target);
      // From the last branch to the first.
      Stmt body = function->body;
      std::vector<AppliedSchedule> applied;
      for (size_t i = chain.size(); i-- > 0;) {
        applied.push_back(apply(*chain[i], *function, body));
      }
      function->body = body;
      result.applied.insert(result.applied.end(), std::make_move_iterator(applied.rbegin()),
                            std::make_move_iterator(applied.rend()));
    }
    verify(result.program).throw_if_errors();
    return result;
  }

 private:
  // `rest`, what is done where the condition does not hold, becomes the whole.
  AppliedSchedule apply(const ScheduleItem& item, const Function& function, Stmt& rest) {
    AppliedSchedule applied;
    applied.function = item.function;
    applied.target = item.target;
    applied.loc = item.loc;
    applied.before = function;
    collect_facts(item, applied);
    Substitution substitution = substitution_;
    StepValues values = known_;
    for (const ScheduleParam& param : item.params) {
      const std::string& name = param.var.name();
      const int64_t* set = find_override(overrides_, item.function, name);
      Expr value = set ? Expr(*set) : simplify(substitute(param.value, substitution));
      if (!as_int(value)) {
        throw CompileError("constant", param.value.loc() ? param.value.loc() : param.var.loc(),
                           "the value of `" + name + "` can't be computed: it is " + print(value));
      }
      values[name] = as_int(value)->value;
      substitution.vars[param.var.get()] = value;
      applied.values.emplace_back(name, values[name]);
    }
    for (const ScheduleStep& step : item.steps) {
      if (step.kind != StepKind::Set) continue;
      if (const int64_t* set = find_override(overrides_, item.function, step.object)) {
        values[step.object] = *set;
      }
    }
    Program program = bound_;
    Expr condition;
    if (item.condition) {
      condition = simplify(substitute(item.condition, substitution));
      applied.condition = condition;
      // Numbers of the target switched it off.
      if (const IntImm* never = as_int(condition); never && never->value == 0) return applied;
      if (may_fail(Context(function), condition)) {
        throw CompileError("bad-condition", item.condition.loc() ? item.condition.loc() : item.loc,
                           "the condition `" + print(item.condition) +
                               "` divides by what is not known to be above zero; it is asked "
                               "whenever `" +
                               item.function + "` is called",
                           "ask that first, as in n > 0 && m / n == 1");
      }
      Context known(function);
      if (contradicts(known, condition)) {
        // No call meets it, and from a contradiction anything would be proven.
        applied.condition = IntImm::make(kBool, 0, item.condition.loc());
        return applied;
      }
      for (Item& each : program.items) {
        auto* own = std::get_if<Function>(&each);
        if (!own || own->name != item.function) continue;
        // The branch is there while the steps are done, so that they know the condition.
        own->body = Block::make({If::make(condition, own->body, {}, item.loc)}, item.loc);
        applied.before.body = own->body;
      }
    }
    Schedule schedule(std::move(program), item.function);
    for (const ScheduleStep& step : item.steps) {
      apply_step(schedule, step, values);
      if (step.kind != StepKind::Set) applied.places.push_back(step.loc);
      if (step.kind == StepKind::Set) applied.values.emplace_back(step.object, values[step.object]);
    }
    applied.steps = schedule.steps();
    applied.reassociates = schedule.reassociates();
    rest = join(condition, schedule.function().body, item.requirements, rest, item.loc);
    return applied;
  }

  // True if the parts of the condition are known not to hold together; `known` has them afterwards.
  static bool contradicts(Context& known, const Expr& condition) {
    auto* both = condition.as<Binary>();
    if (both && both->op == BinaryOp::And) {
      return contradicts(known, both->a) || contradicts(known, both->b);
    }
    if (known.proves(condition, false)) return true;
    known.assume(condition);
    return false;
  }

  void collect_facts(const ScheduleItem& item, AppliedSchedule& applied) const {
    struct Uses : Visitor {
      std::set<const ExprNode*> vars;
      using Visitor::visit_node;
      void visit_node(const VarNode& node) override { vars.insert(&node); }
    } uses;
    for (const ScheduleParam& param : item.params) uses.visit(param.value);
    if (item.condition) uses.visit(item.condition);
    for (const std::string& name : target_fact_names()) {
      const ExprNode* var = target_fact(name)->get();
      if (!uses.vars.count(var)) continue;
      applied.facts.emplace_back(name, as_int(substitution_.vars.at(var))->value);
    }
  }

  // The requirements of a schedule are those of its branch.
  static Stmt required(const std::vector<Requirement>& requirements, const Stmt& body) {
    if (requirements.empty()) return body;
    const Block* block = body.as<Block>();
    std::vector<Stmt> stmts;
    for (const Requirement& each : requirements) stmts.push_back(Require::make(each));
    stmts.insert(stmts.end(), block->stmts.begin(), block->stmts.end());
    return Block::make(std::move(stmts), block->loc);
  }

  static Stmt join(const Expr& condition, const Stmt& body,
                   const std::vector<Requirement>& requirements, const Stmt& rest, const Loc& loc) {
    if (!condition) return required(requirements, body);
    const std::vector<Stmt>& stmts = body.as<Block>()->stmts;
    auto* branch = stmts.size() == 1 ? stmts[0].as<If>() : nullptr;
    if (branch && !branch->else_body) {
      return Block::make(
          {If::make(branch->condition, required(requirements, branch->then_body), rest, loc)}, loc);
    }
    // A step decided the condition, and took the branch away.
    return Block::make({If::make(condition, required(requirements, body), rest, loc)}, loc);
  }

  const Program& program_;
  const ParamValues& overrides_;
  Program bound_;
  StepValues known_;
  Substitution substitution_;
};

}  // namespace

ScheduledProgram apply_schedules(const Program& program, const Target& target,
                                 const ParamValues& overrides) {
  return Applier(program, target, overrides).run(target);
}

bool are_scheduled_alike(const Program& program, const Target& a, const Target& b,
                         const ParamValues& overrides) {
  const std::vector<std::string>& facts = target_fact_names();
  const std::vector<const ProgramParam*> params = program.params();
  return std::all_of(facts.begin(), facts.end(),
                     [&](const std::string& name) {
                       return target_fact_value(name, a) == target_fact_value(name, b);
                     }) &&
         std::all_of(params.begin(), params.end(),
                     [&](const ProgramParam* param) {
                       return param_value(*param, &a, overrides) ==
                              param_value(*param, &b, overrides);
                     }) &&
         std::all_of(program.items.begin(), program.items.end(), [&](const Item& item) {
           auto* function = std::get_if<Function>(&item);
           return !function ||
                  chain_of(program, function->name, a) == chain_of(program, function->name, b);
         });
}

}  // namespace inlay
