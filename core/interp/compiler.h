// From IR to code: resolves variables and buffers to slots, and puts the meaning of an intrinsic in
// the place of each of its calls.
#pragma once

#include <set>
#include <unordered_map>

#include "core/interp/views.h"
#include "core/passes/passes.h"

namespace inlay::interp {

/// Code and the function's own entry.
struct CompiledFunction {
  Code code;
  Formals formals;
  std::vector<uint32_t> scalar_regs;  ///< of the scalar parameters, in order
  std::vector<bool> written;          ///< by parameter: whether it is stored to
};

class Compiler {
 public:
  Compiler(const Program& program, const Function& function, CompiledFunction& out);
  void compile();

 private:
  // What the names of one body mean: of the function, or of one inlined intrinsic.
  struct Env {
    std::unordered_map<const ExprNode*, uint32_t> vars;
    std::unordered_map<const BufferNode*, BufferSlot> buffers;
    Substitution constants;
  };

  // ---- expressions (compile_expr.cpp) ----
  const Op* expr(const Expr& expr);
  const Op* variable(const VarNode& node);
  const Op* unary(const Unary& node);
  const Op* binary(const Binary& node);
  const Op* integer_binary(const Binary& node);
  const Op* float_binary(const Binary& node);
  const Op* select(const Select& node);
  const Op* load(const Load& node, bool copied);
  /// A value that is an element as it was loaded, or a scalar condition's choice of one.
  static bool is_copy(const Expr& value);
  /// The value of a store; of a copy, what nobody wrote is no fault yet.
  const Op* copied(const Expr& value);
  const Op* math(const CallMath& node);
  const Op* external(const Expr& call);
  /// An extent or stride: overflow in it is a fault.
  const Op* shape_expr(const Expr& expr, const Loc& loc);
  Access access(const Buffer& buffer, const std::vector<Expr>& indices, bool write, const Loc& loc);
  ViewSpec view(const View& node, bool may_write);

  template <typename T, typename... Args>
  const Op* op(Args&&... args) {
    code_.ops.push_back(std::make_unique<T>(std::forward<Args>(args)...));
    return code_.ops.back().get();
  }
  template <typename F>
  const Op* binary_op(F f, const Binary& node);

  // ---- statements (compile_stmt.cpp) ----
  void stmt(const Stmt& stmt);
  void block(const Block& node);
  void loop(const For& node);
  void branch(const If& node);
  void store(const Store& node);
  void allocate(const Allocate& node);
  void call(const CallIntrin& node);
  void work_items(const For& node);

  template <typename T, typename... Args>
  T* step(Args&&... args) {
    auto made = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = made.get();
    code_.steps.push_back(std::move(made));
    return raw;
  }
  Pc here() const { return static_cast<Pc>(code_.steps.size()); }

  // ---- slots and places ----
  uint32_t new_regs(int count);
  uint32_t define(const Var& var);
  BufferSlot define(const Buffer& buffer);
  const BufferSlot& slot(const Buffer& buffer) const;
  uint32_t scratch(int lanes);
  uint32_t site(const Loc& loc, std::string buffer = "", bool write = false);
  uint32_t enter(std::string label, const Var* variable = nullptr, uint32_t reg = 0);
  void leave() { path_ = code_.paths[path_].parent; }
  Formals formals(const std::string& callee, const std::vector<Param>& params,
                  const std::vector<Var>& symbols, const Loc& loc);
  bool has_barrier(const Stmt& stmt, std::set<std::string>& seen) const;

  const Program& program_;
  const Function& function_;
  CompiledFunction& out_;
  Code& code_;
  Env* env_ = nullptr;
  uint32_t path_ = 0;
  uint32_t levels_ = 0;          // of parallel loops around here
  uint32_t parallel_loops_ = 0;  // compiled so far
  bool checked_ = false;         // in a shape
  uint32_t checked_site_ = 0;
  uint32_t depth_ = 0;               // of statements, through calls
  std::vector<std::string> active_;  // intrinsics being inlined
  // Allocations whose scope is open, and how many parallel loops came before each.
  std::vector<std::pair<class AllocateStep*, uint32_t>> pending_;
};

}  // namespace inlay::interp
