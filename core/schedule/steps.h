// Steps as text, or as a `schedule` item holds them: the calls of Schedule that they stand for.
//
//   split k by even(kc) into kb, p tail bound
//   reorder jb, kb, ib
//   pack B at kb as b_packed[jp, p, jj] pad jj
//   tensorize p as sgemm_tile<mr, nr> edge pad
//
// The grammar is in docs/LANGUAGE.md, "Schedules".
#pragma once

#include <map>
#include <string>

#include "core/schedule/schedule.h"

namespace inlay {

/// Numbers that names stand for.
using StepValues = std::map<std::string, int64_t>;

/// One step. `values` are the numbers that names stand for; `set` gives a name that is not among
/// them its value. Throws CompileError at the place of the step: its own refusal, the place that it
/// speaks of as a note; or a number that has no value, or none that the step takes.
void apply_step(Schedule& schedule, const ScheduleStep& step, StepValues& values);

/// Steps in text, called `path` in diagnostics, one after the other. Throws CompileError: rule
/// "parse" with the place in `text` before any step is done, or as apply_step; the steps before it
/// stay applied.
void apply_steps(Schedule& schedule, const std::string& text, const std::string& path,
                 StepValues values = {});

}  // namespace inlay
