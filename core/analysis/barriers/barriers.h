// Barriers: are accesses of different work-items to one element kept apart?
//
// Work-items of a workgroup run in any order between two barriers that they all reach, so an access
// of one and an access of another are ordered only if each way through the code from the one to the
// other crosses a barrier. The ways are those of the statements as they stand: straight on, and by
// the back edges of the serial loops that hold barriers. For each way that no barrier closes it is
// asked whether the two may touch one element (see dependence.h), with what the way says of the
// iterations: that a loop is in its next one, that another is at its end, or at its start. So the
// halves of a double buffer, `buf[kb % 2, t]` and `buf[(kb + 1) % 2, t]`, need one barrier, not
// two. Workgroups, the iterations of grid loops, have no barriers.
//
// Promised that all work-items of a workgroup reach each barrier (the verifier sees to that), no
// conflict found means that there is none, whatever the sizes; the interpreter finds a race in no
// run. A conflict with an example is one: at the sizes that it names a run has the race. The others
// are undecided.
#pragma once

#include <string>

#include "core/analysis/access.h"
#include "core/analysis/context.h"

namespace inlay {

/// Two accesses that different iterations of a lane or grid loop may make to one element, one of
/// them writing, with no barrier on a way from the first to the second.
struct LaneConflict {
  Access first, second;
  /// The loop whose iterations differ, and the lane loops directly inside of it.
  std::vector<const For*> loops;
  /// The serial loop whose back edge lies on the way; null if the way leads straight on.
  const For* carrier = nullptr;
  /// Not empty: the conflict exists. Which work-items and sizes show it: "t = 3 and t = 4, at
  /// N = 64".
  std::string example;

  bool exists() const { return !example.empty(); }
};

/// All such pairs under `root` (a function's body, a kernel, a lane loop). `context` holds at the
/// root. With `examples`, which are looked for by trying sizes, the root is the whole body;
/// without, it is faster, and enough for a caller that only wants to know whether all is proven.
std::vector<LaneConflict> find_lane_conflicts(const Context& context, const Stmt& root,
                                              const Program& program, bool examples = true);

/// True if a barrier stands in `stmt` (not counting what calls of intrinsics mean).
bool holds_barrier(const Stmt& stmt);

/// The conflict as an error ("race") or, without an example, as a warning ("race-undecided"), with
/// both places and the way out.
Diagnostic describe(const LaneConflict& conflict);

}  // namespace inlay
