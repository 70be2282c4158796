// ScheduleItem: `schedule FUNC for TARGET (mc = 144) when M > 64 { steps }` as it was written: what
// is to be done to a function, for which target, with which numbers. core/schedule does it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ir/stmt.h"

namespace inlay {

/// What becomes of the last, incomplete block of a split loop.
enum class Tail : uint8_t {
  Perfect,  ///< there is none: the factor divides the extent, and that is proven, or the step
            ///< refused
  Guard,    ///< the inner loop is whole, and an `if` in it skips what is too much
  Bound,    ///< the inner loop ends earlier: its extent is min(factor, what is left)
  Peel,     ///< a loop over whole blocks, then a loop `OUTER_tail` over the rest
};
/// "perfect", "guard", "bound", "peel".
const char* to_string(Tail tail);

/// How tensorize treats tiles that are not whole.
enum class Edge : uint8_t {
  Whole,  ///< there are none, or the step is refused
  Pad,    ///< they are computed in a whole private tile, from which what exists is copied
};

enum class StepKind : uint8_t {
  Set,      ///< object = numbers[0]
  Split,    ///< loops[0] by numbers into names[0], names[1]
  Reorder,  ///< loops
  Fuse,     ///< loops[0], loops[1] into names[0]
  Unroll,   ///< loops[0], and so the next two
  Vectorize,
  Parallel,
  Bind,        ///< loops[0] to bound
  Fission,     ///< loops but the last, before (after) the last; names[0]: suffix
  Sink,        ///< into loops[0]
  Peel,        ///< loops[0] for loops[1]
  Specialize,  ///< loops[0] for the others
  Whole,       ///< loops
  Hoist,       ///< object out of loops[0]
  InlineCall,  ///< loops[0]
  Pack,        ///< object at loops[0] as names[0], indexed by the other loops
  Stage,       ///< object at loops[0] as names[0]
  Pipeline,    ///< loops[0]
  Barrier,     ///< before or after loops[0]
  Tensorize,   ///< loops[0], or all from it to loops[1], as object<numbers>
  Pragma,      ///< loops[0]: import, or object prefetched numbers[0] ahead, or unrolled numbers[0]
               ///< times
};
/// The word that begins the step: "set", "inline_call".
const char* to_string(StepKind kind);
/// All of them, in the order of StepKind.
const std::vector<std::string>& step_words();

/// A number of a step: a literal, or the name of one.
struct StepNumber {
  int64_t value = 0;
  std::string name;  ///< empty: the value
  Loc loc;
};

/// One step as it was written; docs/LANGUAGE.md has the grammar, StepKind says what is where.
struct ScheduleStep {
  StepKind kind{};
  std::vector<std::string> loops;
  std::vector<std::string> names;
  std::string object;
  std::vector<StepNumber> numbers;
  bool even = false;                ///< split: blocks of nearly one size
  Tail tail = Tail::Bound;          ///< split
  Edge edge = Edge::Whole;          ///< tensorize
  std::vector<std::string> padded;  ///< pack: loops
  bool pad = false;                 ///< stage: the copy is whole
  bool transposed = false;          ///< stage: the last two dimensions change places
  std::optional<StepNumber> width;  ///< stage: elements that a work-item copies at once
  std::optional<StepNumber> pitch;  ///< stage: elements from row to row
  bool after = false;               ///< barrier, fission
  std::optional<StepNumber> alignment;
  std::optional<MemorySpace> space;
  bool write = false;  ///< pragma prefetch
  int level = 1;       ///< pragma prefetch: into that cache
  ForKind bound{};     ///< bind: a dimension of the grid or of the workgroup
  Import import;
  Loc loc;
};

/// A parameter of a schedule: a number that is known when compiling, and may be set from outside.
struct ScheduleParam {
  Var var;     ///< a compile-time constant
  Expr value;  ///< of literals, program parameters and parameters before this one
};

struct ScheduleItem {
  std::string function;
  TargetPredicate target{"any", {}, {}};
  std::vector<ScheduleParam> params;
  /// Over the function's symbols and scalars, program parameters and `params`; null: always.
  Expr condition;
  /// Of the kernels that the function becomes where this schedule is chosen.
  std::vector<Requirement> requirements = {};
  std::vector<ScheduleStep> steps;
  Loc loc;
};

}  // namespace inlay
