// The `schedule` items of a program: which of them fit a target, and what they make of its
// functions.
//
// Of the schedules of one function that match the target the most specific come first, as among
// `implement` rows, and in the order of the text among equals. The first without a condition ends
// the list. A function with several becomes a chain of branches, one for each, which tests the
// conditions in this order; if none is unconditional, the last branch is the function as it is
// written. Within a branch its condition is known to every step. A condition that is false by its
// numbers alone makes no branch. What a schedule requires of kernels stands at the head of its
// branch.
#pragma once

#include "core/passes/passes.h"
#include "core/schedule/schedule.h"

namespace inlay {

/// One schedule that was applied.
struct AppliedSchedule {
  std::string function;
  TargetPredicate target;
  Expr condition;  ///< with its numbers put in; null: none
  Loc loc;
  /// Numbers that the steps could name, program parameters not among them, in order.
  std::vector<std::pair<std::string, int64_t>> values;
  /// Facts of the target that it asked for.
  std::vector<std::pair<std::string, int64_t>> facts;
  Function before;  ///< as it was, within a branch if there is a condition
  std::vector<Schedule::Step> steps;
  std::vector<Loc> places;    ///< of the steps
  bool reassociates = false;  ///< sums may be added up in another order
};

struct ScheduledProgram {
  Program program;  ///< parameters bound, no schedule left
  std::vector<AppliedSchedule> applied;
};

/// `program` is verified and not bound. `overrides` are values of `param` items, and of numbers of
/// schedules: `mc`, or `sgemm.mc` for the schedules of one function, which wins. Throws
/// CompileError: a step's refusal, with its place; rule "unknown-param" as bind_params; rule
/// "constant" at a value that can't be computed.
ScheduledProgram apply_schedules(const Program& program, const Target& target,
                                 const ParamValues& overrides);

/// True if apply_schedules() makes the same of `program` for both: they choose the same schedules
/// and program parameters, and agree in all facts. So one result may serve several GPUs.
bool are_scheduled_alike(const Program& program, const Target& a, const Target& b,
                         const ParamValues& overrides);

}  // namespace inlay
