// The text form of schedule steps: one step a line, as Schedule::steps() spells them.
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

/// Applies the steps in `text`, called `path` in diagnostics, one after the other. `values` are the
/// numbers that names stand for; a `set` in the text gives a name that is not among them its value.
/// Throws CompileError: rule "parse" with the place in `text`, or a step's own refusal with a note
/// that says which step it was; the steps before it stay applied.
void apply_steps(Schedule& schedule, const std::string& text, const std::string& path,
                 std::map<std::string, int64_t> values = {});

}  // namespace inlay
