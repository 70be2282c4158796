// bind_params: program parameters become numbers. Buffers of parameter lists whose shapes mention
// one are made anew, so an intrinsic and its rows must be given the same new ones.
#include <set>

#include "core/passes/passes.h"
#include "core/passes/row_match.h"

namespace inlay {

namespace {

void check_overrides(const Program& program, const ParamValues& overrides) {
  std::vector<std::string> known;
  for (const ProgramParam* param : program.params()) known.push_back(param->var.name());
  // A number of one schedule is also called `function.name`.
  std::vector<std::string> numbers;
  for (const ScheduleItem* schedule : program.schedules()) {
    for (const ScheduleParam& param : schedule->params) numbers.push_back(param.var.name());
    for (const ScheduleStep& step : schedule->steps) {
      if (step.kind == StepKind::Set) numbers.push_back(step.object);
    }
    for (const std::string& name : numbers) {
      known.push_back(name);
      known.push_back(schedule->function + "." + name);
    }
    numbers.clear();
  }
  Diagnostics diagnostics;
  for (auto& [name, value] : overrides) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string help;
    for (const std::string& near : nearest_names(name, known)) {
      help += (help.empty() ? "did you mean `" : ", `") + near + "`";
    }
    if (!help.empty()) help += "?";
    if (help.empty()) {
      std::set<std::string> once(known.begin(), known.end());
      for (const std::string& each : once) help += (help.empty() ? "it has: " : ", ") + each;
      if (known.empty()) help = "it declares no `param`, and no number of a schedule";
    }
    diagnostics.error("unknown-param", {},
                      "program `" + program.name + "` has no parameter `" + name + "`", help);
  }
  diagnostics.throw_if_errors();
}

// New buffers for those of `params` that the substitution reaches; it learns them.
std::vector<Param> rebuild(const std::vector<Param>& params, Substitution& substitution) {
  std::vector<Param> result;
  for (const Param& param : params) {
    auto* old = std::get_if<Buffer>(&param);
    if (!old) {
      result.push_back(param);
      continue;
    }
    const BufferNode& node = **old;
    std::vector<Expr> shape, strides;
    bool changed = false;
    for (const Expr& extent : node.shape) {
      shape.push_back(substitute(extent, substitution));
      changed |= !shape.back().same_as(extent);
    }
    for (const Expr& stride : node.strides) {
      strides.push_back(substitute(stride, substitution));
      changed |= !strides.back().same_as(stride);
    }
    if (!changed) {
      result.push_back(param);
      continue;
    }
    Buffer buffer = Buffer::make(node.name, node.type, std::move(shape), std::move(strides),
                                 node.space, node.alignment, node.loc);
    substitution.buffers[&node] = View::whole(buffer);
    result.push_back(buffer);
  }
  return result;
}

}  // namespace

int64_t param_value(const ProgramParam& param, const Target* target, const ParamValues& overrides) {
  if (auto found = overrides.find(param.var.name()); found != overrides.end()) {
    return found->second;
  }
  if (target) {
    auto best = best_row(param.rows, *target, [](auto& row) -> auto& { return row.first; });
    if (best) return param.rows[*best].second;
  }
  return param.value;
}

Program bind_params(const Program& program, const Target* target, const ParamValues& overrides) {
  check_overrides(program, overrides);
  Substitution values;
  for (const ProgramParam* param : program.params()) {
    values.vars[param->var.get()] = Expr(param_value(*param, target, overrides));
  }
  Program bound;
  bound.name = program.name;
  std::map<std::string, Substitution> of_intrinsic;
  for (const Item& item : program.items) {
    if (std::get_if<ProgramParam>(&item) || std::get_if<ScheduleItem>(&item)) continue;
    if (auto* old = std::get_if<Intrinsic>(&item)) {
      Intrinsic intrinsic = *old;
      Substitution& substitution = of_intrinsic[old->name] = values;
      intrinsic.params = rebuild(old->params, substitution);
      intrinsic.body = substitute(old->body, substitution);
      bound.items.push_back(std::move(intrinsic));
    } else if (auto* old_row = std::get_if<Implement>(&item)) {
      Implement row = *old_row;
      auto found = of_intrinsic.find(row.intrinsic);
      row.body = substitute(row.body, found == of_intrinsic.end() ? values : found->second);
      bound.items.push_back(std::move(row));
    } else if (auto* old_function = std::get_if<Function>(&item)) {
      Function function = *old_function;
      Substitution substitution = values;
      function.params = rebuild(old_function->params, substitution);
      function.body = substitute(old_function->body, substitution);
      bound.items.push_back(std::move(function));
    } else {
      bound.items.push_back(item);
    }
  }
  return bound;
}

}  // namespace inlay
