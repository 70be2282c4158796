#include "core/schedule/steps.h"

#include "core/text/text.h"

namespace inlay {

namespace {

int64_t value_of(const StepNumber& number, const StepValues& values) {
  if (number.name.empty()) return number.value;
  auto known = values.find(number.name);
  if (known != values.end()) return known->second;
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  throw CompileError("undeclared", number.loc,
                     "`" + number.name + "` is no parameter of the schedule",
                     did_you_mean(nearest_names(number.name, names, 1)));
}

Factor factor_of(const ScheduleStep& step, const StepValues& values) {
  const StepNumber& first = step.numbers.at(0);
  if (!step.even) {
    bool is_number = first.name.empty() || values.count(first.name);
    return is_number ? Factor(value_of(first, values)) : Factor::symbol(first.name);
  }
  int64_t most = value_of(first, values);
  // Factor takes 0 for "no such limit".
  if (most < 1) {
    throw CompileError("bad-factor", first.loc,
                       "a block has at least one iteration, not " + std::to_string(most));
  }
  return Factor::even(most, step.numbers.size() > 1 ? value_of(step.numbers[1], values) : 1);
}

int64_t at_least_one(const StepNumber& number, const StepValues& values) {
  int64_t value = value_of(number, values);
  if (value >= 1) return value;
  throw CompileError("bad-factor", number.loc,
                     "this is a number of elements, 1 or more, not " + std::to_string(value));
}

template <typename Spec>
void place(Spec& spec, const ScheduleStep& step, const StepValues& values) {
  if (step.space) spec.space = *step.space;
  if (!step.alignment) return;
  int64_t bytes = value_of(*step.alignment, values);
  if (bytes < 0 || bytes > 4096 || (bytes & (bytes - 1))) {
    throw CompileError(
        "bad-alignment", step.alignment->loc,
        "an alignment is a power of two of at most 4096, not " + std::to_string(bytes));
  }
  spec.alignment = static_cast<int>(bytes);
}

// What a step of a kind is made of; a builder may have made another.
void require_whole(const ScheduleStep& step) {
  struct Shape {
    size_t loops, names, numbers;
  };
  auto least = [&]() -> Shape {
    switch (step.kind) {
      case StepKind::Set:
        return {0, 0, 1};
      case StepKind::Split:
        return {1, 2, 1};
      case StepKind::Fuse:
        return {2, 1, 0};
      case StepKind::Fission:
      case StepKind::Peel:
      case StepKind::Specialize:
        return {2, 0, 0};
      case StepKind::Pack:
      case StepKind::Stage:
        return {1, 1, 0};
      default:
        return {1, 0, 0};
    }
  }();
  bool whole = step.loops.size() >= least.loops && step.names.size() >= least.names &&
               step.numbers.size() >= least.numbers &&
               (step.kind != StepKind::Pragma || step.import || !step.numbers.empty());
  if (!whole) {
    throw CompileError("bad-node", step.loc,
                       std::string("step `") + to_string(step.kind) + "` lacks a loop or a name");
  }
}

// The rewriting itself; numbers have been evaluated before.
void perform(Schedule& schedule, const ScheduleStep& step, const StepValues& values) {
  const std::vector<std::string>& loops = step.loops;
  std::vector<std::string> others(loops.begin() + !loops.empty(), loops.end());
  switch (step.kind) {
    case StepKind::Set:
      return;
    case StepKind::Split:
      schedule.split(loops[0], factor_of(step, values), step.names[0], step.names[1], step.tail);
      return;
    case StepKind::Reorder:
      schedule.reorder(loops);
      return;
    case StepKind::Fuse:
      schedule.fuse(loops[0], loops[1], step.names[0]);
      return;
    case StepKind::Unroll:
      schedule.unroll(loops[0]);
      return;
    case StepKind::Vectorize:
      schedule.vectorize(loops[0]);
      return;
    case StepKind::Parallel:
      schedule.parallel(loops[0]);
      return;
    case StepKind::Bind:
      schedule.bind(loops[0], step.bound);
      return;
    case StepKind::Fission:
      schedule.fission({loops.begin(), loops.end() - 1}, loops.back(),
                       step.names.empty() ? "_0" : step.names[0], step.after);
      return;
    case StepKind::Sink:
      schedule.sink(loops[0]);
      return;
    case StepKind::Peel:
      schedule.peel(loops[0], loops[1]);
      return;
    case StepKind::Specialize:
      schedule.specialize(loops[0], others);
      return;
    case StepKind::Whole:
      schedule.whole(loops);
      return;
    case StepKind::Pipeline:
      schedule.pipeline(loops[0]);
      return;
    case StepKind::Barrier:
      schedule.barrier(loops[0], step.after);
      return;
    case StepKind::Hoist:
      schedule.hoist(step.object, loops[0]);
      return;
    case StepKind::InlineCall:
      schedule.inline_call(loops[0]);
      return;
    case StepKind::Pack: {
      Pack spec{step.object, loops[0], others, step.padded, step.names[0]};
      place(spec, step, values);
      schedule.pack(spec);
      return;
    }
    case StepKind::Stage: {
      Stage spec{step.object, loops[0], step.names[0]};
      place(spec, step, values);
      spec.pad = step.pad;
      spec.transposed = step.transposed;
      // 0 stands for none that was given.
      if (step.width) spec.width = at_least_one(*step.width, values);
      if (step.pitch) spec.pitch = at_least_one(*step.pitch, values);
      schedule.stage(spec);
      return;
    }
    case StepKind::Tensorize: {
      std::vector<int64_t> constants;
      for (const StepNumber& number : step.numbers) constants.push_back(value_of(number, values));
      schedule.tensorize_run(loops[0], loops.back(), step.object, constants, step.edge);
      return;
    }
    case StepKind::Pragma:
      if (step.import) {
        schedule.pragma_import(loops[0], step.import);
      } else if (step.object.empty()) {
        schedule.pragma_unroll(loops[0], value_of(step.numbers[0], values));
      } else {
        schedule.pragma_prefetch(
            {loops[0], step.object, value_of(step.numbers[0], values), step.write, step.level});
      }
      return;
  }
}

bool within(const Loc& loc, const ScheduleStep& step) {
  auto at = [&](const Loc& place) {
    return place && place.file.get() == loc.file.get() && place.line == loc.line &&
           place.column == loc.column;
  };
  bool found = at(step.loc);
  for (const auto& number : {step.alignment, step.width, step.pitch}) {
    found |= number && at(number->loc);
  }
  for (const StepNumber& number : step.numbers) found |= at(number.loc);
  return found;
}

}  // namespace

void apply_step(Schedule& schedule, const ScheduleStep& step, StepValues& values) {
  require_whole(step);
  try {
    if (step.kind == StepKind::Set) {
      values.try_emplace(step.object, value_of(step.numbers[0], values));
    }
    perform(schedule, step, values);
  } catch (const CompileError& error) {
    std::vector<Diagnostic> diagnostics = error.diagnostics();
    Diagnostic& first = diagnostics.front();
    if (!step.loc || within(first.loc, step)) throw;
    if (first.loc) {
      first.notes.insert(
          first.notes.begin(),
          {Severity::Note, "", "this is what the step is about", first.loc, "", "", "", {}});
    }
    first.loc = step.loc;
    throw CompileError(std::move(diagnostics));
  }
}

void apply_steps(Schedule& schedule, const std::string& text, const std::string& path,
                 StepValues values) {
  for (const ScheduleStep& step : parse_steps(text, path)) apply_step(schedule, step, values);
}

}  // namespace inlay
