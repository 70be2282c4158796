// Factories of statements: scopes are the verifier's, types and shapes are checked here.
#include "core/ir/stmt.h"

namespace inlay {

namespace {

template <typename Node>
Stmt finish(Node* raw, const Loc& loc, std::initializer_list<const Stmt*> children = {}) {
  Ref<const StmtNode> node(raw);
  raw->loc = loc;
  for (const Stmt* child : children) {
    if (*child) raw->depth = std::max(raw->depth, (*child)->depth + 1);
  }
  if (raw->depth > StmtNode::kMaxDepth) {
    throw CompileError(
        "too-deep", loc,
        "statements nest more than " + std::to_string(StmtNode::kMaxDepth) + " levels");
  }
  return Stmt(std::move(node));
}

Stmt as_block(Stmt stmt) {
  if (!stmt || stmt.as<Block>()) return stmt;
  Loc loc = stmt.loc();
  return Block::make({std::move(stmt)}, loc);
}

void require_condition(const Expr& condition, const Loc& loc) {
  INLAY_CHECK(bool(condition), "null condition");
  if (condition.type() != kBool) {
    throw CompileError("type-mismatch", place_of(condition, loc),
                       "condition has type " + to_string(condition.type()) + ", expected bool",
                       "compare it: x != 0");
  }
}

}  // namespace

const char* to_string(ForKind kind) {
  switch (kind) {
    case ForKind::Serial:
      return "";
    case ForKind::Parallel:
      return "parallel";
    case ForKind::Unrolled:
      return "unrolled";
    case ForKind::Vectorized:
      return "vectorized";
    case ForKind::GridX:
      return "grid(x)";
    case ForKind::GridY:
      return "grid(y)";
    case ForKind::GridZ:
      return "grid(z)";
    case ForKind::LaneX:
      return "lane(x)";
    case ForKind::LaneY:
      return "lane(y)";
    case ForKind::LaneZ:
      return "lane(z)";
  }
  return "";
}

Stmt Block::make(std::vector<Stmt> stmts, Loc loc) {
  auto* node = new Block;
  Stmt hold = finish(node, loc);
  for (const Stmt& stmt : stmts) {
    INLAY_CHECK(bool(stmt), "null statement");
    node->depth = std::max(node->depth, stmt->depth + 1);
  }
  if (node->depth > StmtNode::kMaxDepth) {
    throw CompileError(
        "too-deep", loc,
        "statements nest more than " + std::to_string(StmtNode::kMaxDepth) + " levels");
  }
  node->stmts = std::move(stmts);
  return hold;
}

Stmt For::make(ForKind kind, Var var, Expr min, Expr extent, Stmt body, Loc loc) {
  INLAY_CHECK(bool(var) && bool(min) && bool(extent) && bool(body), "null part of a loop");
  for (const Expr& bound : {Expr(var), min, extent}) {
    if (bound.type() != kIndex) {
      throw CompileError("type-mismatch", place_of(bound, loc),
                         "bound of loop `" + var.name() + "` has type " + to_string(bound.type()) +
                             ", expected index",
                         "cast it: i64(...)");
    }
  }
  auto* node = new For;
  Stmt block = as_block(std::move(body));
  node->for_kind = kind;
  node->var = std::move(var);
  node->min = std::move(min);
  node->extent = std::move(extent);
  node->body = block;
  return finish(node, loc, {&block});
}

Stmt If::make(Expr condition, Stmt then_body, Stmt else_body, Loc loc) {
  require_condition(condition, loc);
  INLAY_CHECK(bool(then_body), "null body");
  auto* node = new If;
  node->condition = std::move(condition);
  node->then_body = as_block(std::move(then_body));
  node->else_body = as_block(std::move(else_body));
  return finish(node, loc, {&node->then_body, &node->else_body});
}

Stmt Store::make(Buffer buffer, std::vector<Expr> indices, Expr value, Loc loc) {
  INLAY_CHECK(bool(value), "null value");
  // A load of the same place has the type that the value must have.
  DType type = Load::make(buffer, indices, loc).type();
  if (value.type() != type) {
    throw CompileError("type-mismatch", place_of(value, loc),
                       "value of type " + to_string(value.type()) + " stored to buffer `" +
                           buffer.name() + "` of type " + to_string(type),
                       value.type().lanes == type.lanes ? "cast it: " + to_string(type) + "(...)"
                                                        : "use broadcast(x, lanes)");
  }
  auto* node = new Store;
  node->buffer = std::move(buffer);
  node->indices = std::move(indices);
  node->value = std::move(value);
  return finish(node, loc);
}

Stmt Allocate::make(Buffer buffer, Loc loc) {
  INLAY_CHECK(bool(buffer), "null buffer");
  auto* node = new Allocate;
  node->buffer = std::move(buffer);
  return finish(node, loc);
}

Stmt Let::make(Var var, Expr value, Loc loc) {
  INLAY_CHECK(bool(var) && bool(value), "null part of a let");
  if (var.type() != value.type() || value.type().is_void() || value.type().is_pointer()) {
    throw CompileError("type-mismatch", loc,
                       "`" + var.name() + "` of type " + to_string(var.type()) +
                           " is given a value of type " + to_string(value.type()));
  }
  auto* node = new Let;
  node->var = std::move(var);
  node->value = std::move(value);
  return finish(node, loc);
}

Stmt Assert::make(Expr condition, std::string message, Loc loc) {
  require_condition(condition, loc);
  auto* node = new Assert;
  node->condition = std::move(condition);
  node->message = std::move(message);
  return finish(node, loc);
}

Stmt Evaluate::make(Expr value, Loc loc) {
  INLAY_CHECK(bool(value), "null value");
  if (!value.as<CallExtern>() && !value.as<CallIntrin>() && !value.as<InlineAsm>()) {
    throw CompileError("bad-node", loc, "only a call can stand as a statement");
  }
  auto* node = new Evaluate;
  node->value = std::move(value);
  return finish(node, loc);
}

Stmt Barrier::make(Loc loc) {
  return finish(new Barrier, loc);
}

Stmt ImportPragma::make(Import import, Loc loc) {
  INLAY_CHECK(bool(import), "null import");
  auto* node = new ImportPragma;
  node->import = std::move(import);
  return finish(node, loc);
}

Stmt UnrollPragma::make(int64_t count, Loc loc) {
  if (count < 1 || count > kMost) {
    throw CompileError("bad-pragma", loc,
                       "a loop is unrolled 1 to " + std::to_string(kMost) + " times, not " +
                           std::to_string(count));
  }
  auto* node = new UnrollPragma;
  node->count = count;
  return finish(node, loc);
}

Stmt Prefetch::make(Buffer buffer, std::vector<Expr> indices, bool write, int64_t level, Loc loc) {
  Expr element = Load::make(buffer, indices, loc);  // checks rank and types
  if (!element.type().is_scalar()) {
    throw CompileError("type-mismatch", loc, "a prefetch is of one element", "name the first one");
  }
  if (level < 1 || level > 3) {
    throw CompileError("bad-pragma", loc,
                       "a prefetch goes into cache 1, 2 or 3, not " + std::to_string(level));
  }
  auto* node = new Prefetch;
  node->buffer = std::move(buffer);
  node->indices = std::move(indices);
  node->write = write;
  node->level = level;
  return finish(node, loc);
}

Stmt Require::make(Requirement requirement) {
  INLAY_CHECK(!requirement.budgets.empty(), "nothing is required");
  auto* node = new Require;
  Loc loc = requirement.loc;
  node->requirement = std::move(requirement);
  return finish(node, loc);
}

}  // namespace inlay
