// Structural equality: same nodes in the same order, variables and buffers matched by their
// definitions (names count, identity and source locations do not).
#pragma once

#include "core/ir/program.h"

namespace inlay {

/// True if the expressions are equal; free variables must be the same nodes.
bool equal(const Expr& a, const Expr& b);
bool equal(const Stmt& a, const Stmt& b);
/// As parse(print(p)) == p means it.
bool equal(const Program& a, const Program& b);

}  // namespace inlay
