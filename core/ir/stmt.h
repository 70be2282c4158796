// Statements of the core IR. Built by make() as expressions are; see expr.h.
//
// `let` and `alloc` are declarations: they stand in a Block and reach to its end. Every For, If and
// function body is a Block.
#pragma once

#include "core/import.h"
#include "core/ir/budget.h"

namespace inlay {

enum class StmtKind : uint8_t {
#define INLAY_STMT_NODE(Kind, Node) Kind,
#include "core/ir/ir_nodes.def"
};

struct StmtNode : RefCounted {
  static constexpr uint32_t kMaxDepth = 500;

  const StmtKind kind;
  uint32_t depth = 1;
  Loc loc;

  virtual ~StmtNode() = default;

 protected:
  explicit StmtNode(StmtKind node_kind) : kind(node_kind) {}
};

class Stmt : public Ref<const StmtNode> {
 public:
  using Ref::Ref;
  Stmt(Ref<const StmtNode> node) : Ref(std::move(node)) {}  // NOLINT

  template <typename T>
  const T* as() const {
    return get() && get()->kind == T::kKind ? static_cast<const T*>(get()) : nullptr;
  }
  const Loc& loc() const { return get()->loc; }
};

template <typename T, StmtKind Kind>
struct StmtOf : StmtNode {
  static constexpr StmtKind kKind = Kind;
  StmtOf() : StmtNode(Kind) {}
};

/// Statements in order; the scope of the declarations in it.
struct Block : StmtOf<Block, StmtKind::Block> {
  std::vector<Stmt> stmts;
  INLAY_FIELDS(stmts)
  static Stmt make(std::vector<Stmt> stmts, Loc loc = {});
};

/// How the iterations of a loop run. Parallel, Vectorized: in any order, none may touch what
/// another writes. Unrolled: serial, and the backend unrolls it fully when the extent is constant.
/// Grid: workgroups of a GPU launch; Lane: work-items of a workgroup; both in dimension x, y or z.
enum class ForKind : uint8_t {
  Serial,
  Parallel,
  Unrolled,
  Vectorized,
  GridX,
  GridY,
  GridZ,
  LaneX,
  LaneY,
  LaneZ
};
/// "", "parallel", "unrolled", "vectorized", "grid(x)", ..., "lane(z)".
const char* to_string(ForKind kind);
inline bool is_grid(ForKind kind) {
  return kind >= ForKind::GridX && kind <= ForKind::GridZ;
}
inline bool is_lane(ForKind kind) {
  return kind >= ForKind::LaneX;
}

/// for var in min .. min + extent. An extent <= 0 runs nothing. min and extent are evaluated once.
struct For : StmtOf<For, StmtKind::For> {
  ForKind for_kind{};
  Var var;
  Expr min, extent;
  Stmt body;  ///< a Block
  INLAY_FIELDS(for_kind, var, min, extent, body)
  static Stmt make(ForKind kind, Var var, Expr min, Expr extent, Stmt body, Loc loc = {});
};

struct If : StmtOf<If, StmtKind::If> {
  Expr condition;
  Stmt then_body;  ///< a Block
  Stmt else_body;  ///< a Block, or null
  INLAY_FIELDS(condition, then_body, else_body)
  static Stmt make(Expr condition, Stmt then_body, Stmt else_body = {}, Loc loc = {});
};

/// buffer[indices] = value; lanes as in Load.
struct Store : StmtOf<Store, StmtKind::Store> {
  Buffer buffer;
  std::vector<Expr> indices;
  Expr value;
  INLAY_FIELDS(buffer, indices, value)
  static Stmt make(Buffer buffer, std::vector<Expr> indices, Expr value, Loc loc = {});
};

/// Declares a buffer, uninitialised, until the end of the enclosing Block.
struct Allocate : StmtOf<Allocate, StmtKind::Allocate> {
  Buffer buffer;
  INLAY_FIELDS(buffer)
  static Stmt make(Buffer buffer, Loc loc = {});
};

/// Declares a value until the end of the enclosing Block.
struct Let : StmtOf<Let, StmtKind::Let> {
  Var var;
  Expr value;
  INLAY_FIELDS(var, value)
  static Stmt make(Var var, Expr value, Loc loc = {});
};

/// If the condition is false the function returns an error with the message.
struct Assert : StmtOf<Assert, StmtKind::Assert> {
  Expr condition;
  std::string message;
  INLAY_FIELDS(condition, message)
  static Stmt make(Expr condition, std::string message, Loc loc = {});
};

/// Evaluates a call for its effect.
struct Evaluate : StmtOf<Evaluate, StmtKind::Evaluate> {
  Expr value;
  INLAY_FIELDS(value)
  static Stmt make(Expr value, Loc loc = {});
};

/// All work-items of the workgroup reach it before one goes on. Only inside lane loops.
struct Barrier : StmtOf<Barrier, StmtKind::Barrier> {
  auto fields() const { return std::tuple<>(); }
  static Stmt make(Loc loc = {});
};

/// The import pragma at statement scope; covers the enclosing function like any other scope does.
struct ImportPragma : StmtOf<ImportPragma, StmtKind::ImportPragma> {
  Import import;
  INLAY_FIELDS(import)
  static Stmt make(Import import, Loc loc = {});
};

/// A hint for the innermost loop around it: make one iteration of so many; 1: leave it.
struct UnrollPragma : StmtOf<UnrollPragma, StmtKind::UnrollPragma> {
  int64_t count = 1;
  INLAY_FIELDS(count)
  static constexpr int64_t kMost = 1024;
  /// Throws CompileError at a count outside of 1 to kMost.
  static Stmt make(int64_t count, Loc loc = {});
};

/// A hint: the element will be needed soon. It is no access, and may lie outside of its buffer.
struct Prefetch : StmtOf<Prefetch, StmtKind::Prefetch> {
  Buffer buffer;
  std::vector<Expr> indices;  ///< scalars
  bool write = false;         ///< it will be written
  int64_t level = 1;          ///< the cache that it should reach, 1 to 3
  INLAY_FIELDS(buffer, indices, write, level)
  static Stmt make(Buffer buffer, std::vector<Expr> indices, bool write = false, int64_t level = 1,
                   Loc loc = {});
};

/// What the kernels must keep to that the block becomes which this stands in, or that it is a part
/// of. Outside of loops.
struct Require : StmtOf<Require, StmtKind::Require> {
  Requirement requirement;
  INLAY_FIELDS(requirement)
  static Stmt make(Requirement requirement);
};

}  // namespace inlay
