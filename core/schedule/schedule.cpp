// What all steps share: the function being rewritten, names, the record of steps.
#include "core/schedule/schedule.h"

#include "core/passes/passes.h"
#include "core/schedule/rewrite.h"

namespace inlay {

Factor Factor::symbol(std::string name) {
  Factor factor(0);
  factor.symbol_name = std::move(name);
  return factor;
}

Factor Factor::even(int64_t at_most, int64_t multiple) {
  Factor factor(0);
  factor.at_most = at_most;
  factor.multiple = multiple;
  return factor;
}

Schedule::Schedule(Program program, const std::string& function) : program_(std::move(program)) {
  const Function* found = program_.find_function(function);
  if (!found) {
    std::vector<std::string> names;
    for (const Function* other : program_.functions()) names.push_back(other->name);
    auto nearest = nearest_names(function, names);
    throw CompileError("unknown-function", {}, "there is no function `" + function + "`",
                       nearest.empty() ? "" : "did you mean `" + nearest[0] + "`?");
  }
  function_ = *found;
  function_.body = unshare(substitute(function_.body, Substitution{}, true));
}

Program Schedule::program() const {
  Program program = program_;
  for (Item& item : program.items) {
    auto* function = std::get_if<Function>(&item);
    if (function && function->name == function_.name) *function = function_;
  }
  return program;
}

Schedule& Schedule::commit(std::string text, Stmt body) {
  function_.body = std::move(body);
  steps_.push_back({std::move(text), function_});
  return *this;
}

std::string Schedule::free_suffix(const Stmt& copied, const std::string& suffix) const {
  std::set<std::string> taken;
  for (const Site& site : all_loops(function_.body)) taken.insert(site.name());
  std::vector<Site> loops = all_loops(copied);
  for (int number = 1;; ++number) {
    std::string tried = number == 1 ? suffix : suffix + std::to_string(number);
    bool is_free = true;
    for (const Site& site : loops) is_free &= !taken.count(site.name() + tried);
    if (is_free) return tried;
  }
}

void Schedule::require_new_name(const std::string& name, const Loc& loc) const {
  for (const Site& site : all_loops(function_.body)) {
    if (site.name() == name) {
      throw CompileError("name-taken", loc,
                         "function `" + function_.name + "` has a loop `" + name + "` already",
                         "choose another name");
    }
  }
}

}  // namespace inlay
