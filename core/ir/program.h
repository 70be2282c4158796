// Program: what one .inlay file (or C++ builder) says: imports, parameters, intrinsics with their
// implementations, functions and their schedules, in order.
#pragma once

#include <map>
#include <variant>

#include "core/ir/schedule_item.h"

namespace inlay {

/// A parameter of a function or intrinsic: a scalar or a buffer.
using Param = std::variant<Var, Buffer>;
const std::string& param_name(const Param& param);

/// `param mr = 6 { x86_64(avx512f): 14 ... }`: a program-wide index constant, by target; the
/// command line (--set mr=4) may override it. The most specific matching row wins, then the first.
struct ProgramParam {
  Var var;
  int64_t value = 0;
  std::vector<std::pair<TargetPredicate, int64_t>> rows;
  Loc loc;
};

/// A computation to be compiled. Exported under its name. Buffer parameters must not overlap where
/// one is written.
struct Function {
  std::string name;
  std::vector<Param> params;
  std::vector<Import> imports;  ///< function scope
  Stmt body;                    ///< a Block
  Loc loc;

  /// Index variables in shapes and strides of params that are no params themselves, in order of
  /// appearance: M, N, K of `A: f32[M, K]`. Each is bound at its first plain appearance.
  std::vector<Var> symbols() const;
};

/// What the hardware can do: a meaning in plain loops.
struct Intrinsic {
  std::string name;
  std::vector<Var> constants;  ///< template parameters, `<mr, nr>`
  std::vector<Param> params;
  Stmt body;
  Loc loc;

  /// Index variables in shapes and strides of params that are neither params nor constants: bound
  /// by what is passed.
  std::vector<Var> symbols() const;
};

/// Who does it: one row. The body refers to the intrinsic's own params and constants.
struct Implement {
  std::string intrinsic;
  std::vector<int64_t> constants;
  TargetPredicate target;
  std::vector<Import> imports;
  Stmt body;
  Loc loc;
};

using Item = std::variant<Import, ProgramParam, Intrinsic, Implement, Function, ScheduleItem>;

struct Program {
  std::string name;  ///< stem of the file; names the code object
  std::vector<Item> items;
  std::vector<std::string> included;  ///< paths of the files that `include` brought in, as opened

  const Function* find_function(std::string_view name) const;
  const Intrinsic* find_intrinsic(std::string_view name) const;
  std::vector<const Function*> functions() const;
  std::vector<const Implement*> implements(std::string_view intrinsic) const;
  std::vector<const ProgramParam*> params() const;
  std::vector<const ScheduleItem*> schedules() const;
};

/// Every import of `program` in all scopes, in order of appearance (rows of `implement` included).
std::vector<Import> all_imports(const Program& program);

}  // namespace inlay
