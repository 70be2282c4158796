// Dynamic instances of accesses, and whether two of them may touch one element: what the questions
// of dependence.h and barriers.h have in common.
#pragma once

#include "core/analysis/access.h"
#include "core/analysis/context.h"

namespace inlay {

/// One dynamic instance of an access: its scopes entered with variables of their own.
struct Instance {
  struct Loop {
    Poly value, min, extent;
  };
  std::vector<Poly> indices, extents;
  std::unordered_map<const StmtNode*, Loop> loops;
};

/// What is known of the iterations that an instance runs in.
struct Iterations {
  std::unordered_map<const StmtNode*, Poly> fixed;  ///< loops whose variable has this value
  std::set<const StmtNode*> first, last;            ///< loops that are in this iteration
};

/// Enters the scopes of `access` into `context`. Variables of loops of which nothing is known are
/// called after theirs and `suffix`.
Instance instantiate(Context& context, const Access& access, const Iterations& known,
                     const char* suffix);

/// True unless it is proven that the instances `first` of `a` and `second` of `b` touch no element
/// in common. `order`: what else is known of both, each >= 0. `context` has entered both, and is
/// spent by the question.
bool may_meet(Context& context, const Access& a, const Access& b, const Instance& first,
              const Instance& second, const std::vector<Poly>& order);

}  // namespace inlay
