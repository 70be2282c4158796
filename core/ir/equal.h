// Structural equality: same nodes in the same order, variables and buffers matched by their
// definitions. Names count where they are an interface (functions, their parameters and symbols,
// intrinsics, program parameters), elsewhere not; identity and source locations never.
#pragma once

#include "core/ir/program.h"

namespace inlay {

/// True if the expressions are equal; free variables must be the same nodes.
bool equal(const Expr& a, const Expr& b);
bool equal(const Stmt& a, const Stmt& b);
/// As parse(print(p)) == p means it.
bool equal(const Program& a, const Program& b);

}  // namespace inlay
