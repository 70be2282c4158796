// What all steps share: the function being rewritten, names, the record of steps.
#include "core/schedule/schedule.h"

#include <algorithm>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/rewrite.h"
#include "core/text/text.h"

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

namespace {

constexpr int64_t kLineBytes = 64;
constexpr size_t kMostLines = 64;

ScheduleStep pragma_step(const std::string& loop) {
  ScheduleStep step;
  step.kind = StepKind::Pragma;
  step.loops = {loop};
  return step;
}

// `hints` at the start of the loop's body.
Stmt with_hints(const Function& function, const Site& site, std::vector<Stmt> hints) {
  const std::vector<Stmt>& body = body_of(site.loop());
  hints.insert(hints.end(), body.begin(), body.end());
  return replace(function.body, {{site.self.get(), {with_body(site.loop(), std::move(hints))}}});
}

// The first element of each line of a box of constant extents; of others the first element alone.
std::vector<std::vector<Expr>> lines_of(const Buffer& buffer, const std::vector<Expr>& first,
                                        const std::vector<Expr>& extents) {
  std::vector<std::vector<Expr>> lines{first};
  for (size_t d = 0; d < extents.size(); ++d) {
    if (!extents[d]) continue;
    Expr folded = simplify(extents[d]);
    const IntImm* extent = as_int(folded);
    if (!extent) return {first};
    bool last = d + 1 == extents.size();
    int64_t step = last ? std::max<int64_t>(kLineBytes / buffer->type.bytes(), 1) : 1;
    std::vector<std::vector<Expr>> more;
    for (const std::vector<Expr>& line : lines) {
      for (int64_t at = 0; at < extent->value; at += step) {
        if (more.size() >= kMostLines) return {first};
        more.push_back(line);
        if (at) more.back()[d] = simplify(line[d] + Expr(at));
      }
    }
    lines = std::move(more);
  }
  return lines;
}

}  // namespace

Schedule& Schedule::pragma_import(const std::string& name, Import import) {
  Site site = find_loop(function_, name);
  ScheduleStep step = pragma_step(name);
  step.import = import;
  return commit(print(step),
                with_hints(function_, site, {ImportPragma::make(import, import->loc)}));
}

Schedule& Schedule::pragma_unroll(const std::string& name, int64_t count) {
  Site site = find_loop(function_, name);
  struct Finder : Visitor {
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const For&) override {}
    void visit_node(const UnrollPragma&) override { found = true; }
  } finder;
  finder.visit(site.loop().body);
  if (finder.found) {
    refuse("bad-pragma", site, "loop `" + name + "` has a `pragma unroll` already");
  }
  ScheduleStep step = pragma_step(name);
  step.numbers = {{count, "", {}}};
  return commit(print(step),
                with_hints(function_, site, {UnrollPragma::make(count, site.self.loc())}));
}

Schedule& Schedule::pragma_prefetch(const PrefetchHint& hint) {
  Site site = find_loop(function_, hint.loop);
  const For& loop = site.loop();
  std::vector<Stmt> hints;
  std::vector<std::string> names;
  for (const Access& access : collect_accesses(loop.body, program_).list) {
    if (access.is_local) continue;
    names.push_back(access.buffer.name());
    if (access.buffer.name() != hint.buffer) continue;
    if (access.unknown) {
      refuse("bad-pragma", site,
             "it is not known where `" + hint.buffer + "` is accessed in loop `" + hint.loop + "`",
             "prefetch at a loop whose accesses have indices");
    }
    Substitution first, ahead;
    for (const Scope& scope : access.scopes) {
      if (auto* inner = scope.stmt.as<For>()) {
        first.vars[inner->var.get()] = substitute(inner->min, first);
      } else if (auto* let = scope.stmt.as<Let>()) {
        first.vars[let->var.get()] = substitute(let->value, first);
      }
    }
    ahead.vars[loop.var.get()] = loop.var + Expr(hint.ahead);
    std::vector<Expr> indices;
    for (const Expr& index : access.indices) {
      indices.push_back(simplify(substitute(substitute(index, first), ahead)));
      if (is_pure(indices.back())) continue;
      refuse("bad-pragma", site, "an index of `" + describe(access) + "` is read from memory",
             "name it with a `let` before the loop");
    }
    for (std::vector<Expr>& line : lines_of(access.buffer, indices, access.extents)) {
      Stmt made = Prefetch::make(access.buffer, std::move(line), hint.write, hint.level, loop.loc);
      bool known = std::any_of(hints.begin(), hints.end(),
                               [&](const Stmt& other) { return equal(made, other); });
      if (!known) hints.push_back(std::move(made));
    }
  }
  if (hints.empty()) {
    refuse("unknown-buffer", site,
           "the body of loop `" + hint.loop + "` accesses no buffer `" + hint.buffer +
               "` from outside",
           did_you_mean(nearest_names(hint.buffer, names, 1)));
  }
  ScheduleStep step = pragma_step(hint.loop);
  step.object = hint.buffer;
  step.numbers = {{hint.ahead, "", {}}};
  step.write = hint.write;
  step.level = hint.level;
  return commit(print(step), with_hints(function_, site, std::move(hints)));
}

}  // namespace inlay
