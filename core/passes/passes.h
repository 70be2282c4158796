// The passes between a parsed program and a backend. Each takes IR and gives IR; all are pure.
#pragma once

#include <map>
#include <unordered_map>

#include "core/ir/program.h"
#include "core/target.h"

namespace inlay {

/// Values that override `param` items: the command line's --set.
using ParamValues = std::map<std::string, int64_t>;

/// The value of `param` for `target` (null: none): override, else the most specific matching row,
/// else the default.
int64_t param_value(const ProgramParam& param, const Target* target, const ParamValues& overrides);

/// Replaces every program parameter by its param_value. The items disappear, and so do schedules,
/// which name them (apply_schedules takes the unbound program). Throws CompileError (rule
/// "unknown-param") at an override that neither a `param` nor a schedule declares, naming the
/// nearest.
Program bind_params(const Program& program, const Target* target, const ParamValues& overrides);

/// Why an `implement` row was or was not chosen for one intrinsic instance.
struct RowDecision {
  Loc loc;  ///< of the row
  TargetPredicate target;
  std::vector<int64_t> constants;
  bool chosen = false;
  std::string reason;  ///< "chosen: most specific match", "needs avx512f", ...
};

/// One instance `sgemm_tile<6, 16>` that the program calls, and what it was lowered to.
struct Selection {
  std::string intrinsic;
  std::vector<int64_t> constants;
  const Implement* row = nullptr;  ///< null: the meaning itself; points into the input program
  std::vector<RowDecision> decisions;
  std::vector<Loc> call_sites;
};

struct LoweredProgram {
  Program program;  ///< no intrinsics, implements, params or CallIntrin left
  std::vector<Selection> selections;
};

/// Chooses the best row for every intrinsic call (arch and features match, constants equal; most
/// features wins, then the first; exact arch beats "any"), and puts its body, or the meaning, in
/// the place of the call, parameters bound to the arguments. Imports of chosen rows become imports
/// of the function. `program` must have its params bound and be verified. With a null `target`, or
/// for a call that no row fits, the meaning is used.
LoweredProgram lower_intrinsics(const Program& program, const Target* target);

/// Replaces variables and buffers; with `fresh`, every definition inside gets a new identity, so
/// that one statement may be put in several places. Accesses to a replaced buffer go through `view`
/// (kPointer): formal (i, j) -> the view's kept dimensions, dropped ones added.
struct Substitution {
  std::unordered_map<const ExprNode*, Expr> vars;
  std::unordered_map<const BufferNode*, Expr> buffers;  ///< formal buffer -> View
};
Expr substitute(const Expr& expr, const Substitution& substitution);
Stmt substitute(const Stmt& stmt, const Substitution& substitution, bool fresh = false);

/// Constant folding and algebraic identities that hold bit for bit; dead branches and empty loops
/// go. Floats are folded only where the result is exact in the IR's semantics.
Expr simplify(const Expr& expr);
Stmt simplify(const Stmt& stmt);

}  // namespace inlay
