// What a statement reads and writes, where, and in which scopes: the raw material of dependence
// analysis.
#pragma once

#include <set>
#include <variant>

#include "core/ir/program.h"

namespace inlay {

enum class AccessKind : uint8_t {
  Read,
  Write,
  Update,  ///< x = x op e, op being + * min or max: two of one op may change places
};

/// A loop, a guard, a `let` or an assert between the root of an analysis and an access.
struct Scope {
  Stmt stmt;          ///< For, If, Let or Assert
  bool truth = true;  ///< of an If: which branch
};

struct Access {
  AccessKind kind{};
  BinaryOp op{};  ///< of an Update
  Buffer buffer;
  std::vector<Expr> indices;  ///< first element, per dimension; scalar indices
  std::vector<Expr> extents;  ///< per dimension, null: one element. Empty: one in each
  bool unknown = false;       ///< anywhere in the buffer
  Stmt stmt;                  ///< the Store or Evaluate (or what holds the read)
  Loc loc;
  std::vector<Scope> scopes;  ///< outermost first, below the root
  bool is_view = false;       ///< an operand of an intrinsic, `extents` of which it may touch
  bool is_local = false;      ///< the buffer is allocated below the root
  /// Of a local buffer: how many scopes enclose its allocation.
  size_t allocation_depth = 0;
  /// Touched whenever its scopes are run: not by one side of a `select` or of `&&`, nor by a view,
  /// which may reach farther than what is done with it.
  bool sure = true;
  /// The way from the root to `stmt`: in a Block the statement's number; in a For 0 for its bounds
  /// and 1 for its body; in an If 0 for the condition, 1 and 2 for the branches.
  std::vector<uint32_t> way;

  bool writes() const { return kind != AccessKind::Read; }
};

/// `C[i, j]`, for people.
std::string describe(const Access& access);

struct Accesses {
  std::vector<Access> list;  ///< in textual order
  /// A statement whose order against everything counts (assert, barrier, volatile assembly), or
  /// null.
  Stmt fence;
};

/// All accesses under `root`. Calls of intrinsics of `program` access what their meaning does;
/// other calls may read and write all of the buffers that they see.
Accesses collect_accesses(const Stmt& root, const Program& program);

/// Which buffers are read and which are written under `root`, as collect_accesses() tells; an
/// update does both.
struct Effects {
  std::set<const BufferNode*> read, written;
};
Effects effects_of(const Stmt& root, const Program& program);

/// If `store` is an update x = x op e (or x = e op x), op; the load of x itself and e.
struct Update {
  BinaryOp op{};
  const Load* self = nullptr;
  Expr operand;
};
std::optional<Update> match_update(const Store& store);

}  // namespace inlay
