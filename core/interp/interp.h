// Interpreter: runs any IR, slowly and surely. The oracle of every test.
//
// Runs programs before and after lowering; intrinsics run by their meaning. Reports, with the IR
// path, out-of-bounds accesses, reads of uninitialised elements, races between iterations of
// parallel, vectorized, grid and lane loops, overflowing or negative extents, division by zero,
// failed asserts, views that do not fit what an intrinsic expects. Semantics of every node are
// those of expr.h and stmt.h, bit for bit; float arithmetic rounds after each operation to nearest
// even, f16 and bf16 through f32.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/ir/program.h"

namespace inlay {

/// A tensor that the caller owns: element type, extents, strides in elements, first element.
struct TensorRef {
  DType type;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< empty: compact row-major
  void* data = nullptr;
  int64_t alignment = 0;       ///< what the data pointer is promised to have; 0: ask the pointer
  bool uninitialised = false;  ///< contents count as never written
};

/// A scalar argument; the alternative must suit the parameter's type.
using ScalarValue = std::variant<int64_t, uint64_t, double, bool>;
using ArgValue = std::variant<ScalarValue, TensorRef>;

struct InterpOptions {
  bool check_races = true;
  bool check_uninitialised = true;
  /// Stop with an error after this many executed statements; 0: no limit.
  uint64_t step_limit = 0;
  /// Called for an extern call or inline assembly; null: such a call is an error. What an extern
  /// does to memory is not watched: all that its views reach counts as written from then on.
  class ExternHandler* externs = nullptr;
};

/// Runs `function` of `program` on `args` in the order of its parameters; the program is expected
/// to verify. Program parameters take their defaults (bind_params() first for others).
///
/// Throws CompileError at the first fault, with the IR path and the values of the loop variables
/// there; arguments may then be half written. Rules: "argument", "out-of-bounds",
/// "uninitialised-read", "race", "barrier", "assert", "division-by-zero", "shift", "overflow",
/// "negative-extent", "out-of-memory", "view-mismatch", "extern", "recursion", "step-limit".
///
/// An element that nobody wrote may be copied from one allocation to another: a store whose value
/// is a load, or what select with a scalar condition chooses, hands on that it was never written.
/// So a copied box may hold more than what its user reads. Any other use of it is the fault, and so
/// is a store to an argument.
///
/// A race is two iterations of a parallel, vectorized, grid or lane loop that touch one element,
/// one of them writing, with no barrier between them. Which iteration runs first does not matter:
/// all accesses are remembered. An allocation is aligned as declared and no better.
///
/// Costs 20 to 40 ns for a multiply-add of three accesses, and, where loops run in parallel, 8
/// bytes an element times one more than those loops nest. Any number of threads may interpret at
/// once.
void interpret(const Program& program, const Function& function, const std::vector<ArgValue>& args,
               const InterpOptions& options = {});

/// How externs are run, if at all: a test may bind an imported symbol to a host function.
class ExternHandler {
 public:
  virtual ~ExternHandler() = default;
  /// Arguments as scalars, and views as tensors of their kept dimensions. For inline assembly the
  /// symbol is its template. Returns false if the symbol is not known.
  virtual bool call(const std::string& symbol, const std::vector<ArgValue>& args,
                    ScalarValue* result) = 0;
};

}  // namespace inlay
