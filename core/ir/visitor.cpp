// Default traversal: one generic walk over each node's fields() for the visitor, one rebuild a node
// for the mutator (make() differs from node to node).
#include "core/ir/visitor.h"

#include <type_traits>

namespace inlay {

void Visitor::visit(const Expr& expr) {
  if (!expr) return;
  switch (expr->kind) {
#define INLAY_EXPR_NODE(Kind, Node) \
  case ExprKind::Kind:              \
    return visit_node(static_cast<const Node&>(*expr));
#include "core/ir/ir_nodes.def"
  }
}

void Visitor::visit(const Stmt& stmt) {
  if (!stmt) return;
  switch (stmt->kind) {
#define INLAY_STMT_NODE(Kind, Node) \
  case StmtKind::Kind:              \
    return visit_node(static_cast<const Node&>(*stmt));
#include "core/ir/ir_nodes.def"
  }
}

void Visitor::visit_buffer(const Buffer&) {}

namespace {

// Names, operators and imports have no children.
template <typename Node, typename OnBuffer>
void walk_fields(Visitor& visitor, const Node& node, OnBuffer on_buffer) {
  auto walk = [&](const auto& field) {
    using Field = std::decay_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, Expr> || std::is_same_v<Field, Stmt>) {
      visitor.visit(field);
    } else if constexpr (std::is_same_v<Field, std::vector<Expr>> ||
                         std::is_same_v<Field, std::vector<Stmt>>) {
      for (const auto& child : field) visitor.visit(child);
    } else if constexpr (std::is_same_v<Field, std::vector<ViewDim>>) {
      for (const ViewDim& dim : field) {
        visitor.visit(dim.min);
        visitor.visit(dim.extent);
      }
    } else if constexpr (std::is_same_v<Field, Buffer>) {
      on_buffer(field);
    }
  };
  std::apply([&](const auto&... fields) { (walk(fields), ...); }, node.fields());
}

}  // namespace

#define INLAY_EXPR_NODE(Kind, Node)                                                   \
  void Visitor::visit_node(const Node& node) {                                        \
    walk_fields(*this, node, [this](const Buffer& buffer) { visit_buffer(buffer); }); \
  }
#include "core/ir/ir_nodes.def"

#define INLAY_STMT_NODE(Kind, Node)                               \
  void Visitor::visit_node(const Node& node) {                    \
    walk_fields(*this, node, [this](const Buffer& buffer) {       \
      /* An allocation's shape is evaluated there. */             \
      if constexpr (std::is_same_v<Node, Allocate>) {             \
        for (const Expr& extent : buffer->shape) visit(extent);   \
        for (const Expr& stride : buffer->strides) visit(stride); \
      } else {                                                    \
        visit_buffer(buffer);                                     \
      }                                                           \
    });                                                           \
  }
#include "core/ir/ir_nodes.def"

Expr Mutator::mutate(const Expr& expr) {
  if (!expr) return expr;
  switch (expr->kind) {
#define INLAY_EXPR_NODE(Kind, Node) \
  case ExprKind::Kind:              \
    return mutate_node(static_cast<const Node&>(*expr), expr);
#include "core/ir/ir_nodes.def"
  }
  INLAY_CHECK(false, "unknown expression kind");
  return expr;
}

Stmt Mutator::mutate(const Stmt& stmt) {
  if (!stmt) return stmt;
  switch (stmt->kind) {
#define INLAY_STMT_NODE(Kind, Node) \
  case StmtKind::Kind:              \
    return mutate_node(static_cast<const Node&>(*stmt), stmt);
#include "core/ir/ir_nodes.def"
  }
  INLAY_CHECK(false, "unknown statement kind");
  return stmt;
}

std::vector<Expr> Mutator::mutate(const std::vector<Expr>& exprs) {
  std::vector<Expr> result;
  result.reserve(exprs.size());
  for (const Expr& expr : exprs) result.push_back(mutate(expr));
  return result;
}

Buffer Mutator::mutate_buffer(const Buffer& buffer) {
  return buffer;
}
Var Mutator::mutate_definition(const Var& var) {
  return var;
}

namespace {

bool same(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].same_as(b[i])) return false;
  }
  return true;
}

}  // namespace

Expr Mutator::mutate_node(const IntImm&, const Expr& self) {
  return self;
}
Expr Mutator::mutate_node(const FloatImm&, const Expr& self) {
  return self;
}
Expr Mutator::mutate_node(const VarNode&, const Expr& self) {
  return self;
}

Expr Mutator::mutate_node(const Cast& node, const Expr& self) {
  Expr value = mutate(node.value);
  if (value.same_as(node.value)) return self;
  return Cast::make(node.type.with_lanes(value.type().lanes), value, node.loc);
}

Expr Mutator::mutate_node(const Unary& node, const Expr& self) {
  Expr a = mutate(node.a);
  return a.same_as(node.a) ? self : Unary::make(node.op, a, node.loc);
}

Expr Mutator::mutate_node(const Binary& node, const Expr& self) {
  Expr a = mutate(node.a), b = mutate(node.b);
  if (a.same_as(node.a) && b.same_as(node.b)) return self;
  return Binary::make(node.op, a, b, node.loc);
}

Expr Mutator::mutate_node(const Select& node, const Expr& self) {
  Expr condition = mutate(node.condition), a = mutate(node.a), b = mutate(node.b);
  if (condition.same_as(node.condition) && a.same_as(node.a) && b.same_as(node.b)) return self;
  return Select::make(condition, a, b, node.loc);
}

Expr Mutator::mutate_node(const Load& node, const Expr& self) {
  Buffer buffer = mutate_buffer(node.buffer);
  std::vector<Expr> indices = mutate(node.indices);
  if (buffer.same_as(node.buffer) && same(indices, node.indices)) return self;
  return Load::make(buffer, std::move(indices), node.loc);
}

Expr Mutator::mutate_node(const Ramp& node, const Expr& self) {
  Expr base = mutate(node.base), stride = mutate(node.stride);
  if (base.same_as(node.base) && stride.same_as(node.stride)) return self;
  return Ramp::make(base, stride, node.type.lanes, node.loc);
}

Expr Mutator::mutate_node(const Broadcast& node, const Expr& self) {
  Expr value = mutate(node.value);
  return value.same_as(node.value) ? self : Broadcast::make(value, node.type.lanes, node.loc);
}

Expr Mutator::mutate_node(const View& node, const Expr& self) {
  Buffer buffer = mutate_buffer(node.buffer);
  bool changed = !buffer.same_as(node.buffer);
  std::vector<ViewDim> dims;
  for (const ViewDim& dim : node.dims) {
    dims.push_back({mutate(dim.min), mutate(dim.extent)});
    changed |= !dims.back().min.same_as(dim.min) || !dims.back().extent.same_as(dim.extent);
  }
  return changed ? View::make(buffer, std::move(dims), node.loc) : self;
}

Expr Mutator::mutate_node(const CallMath& node, const Expr& self) {
  std::vector<Expr> args = mutate(node.args);
  return same(args, node.args) ? self : CallMath::make(node.op, std::move(args), node.loc);
}

Expr Mutator::mutate_node(const CallExtern& node, const Expr& self) {
  std::vector<Expr> args = mutate(node.args);
  if (same(args, node.args)) return self;
  return CallExtern::make(node.type, node.symbol, std::move(args), node.loc);
}

Expr Mutator::mutate_node(const CallIntrin& node, const Expr& self) {
  std::vector<Expr> constants = mutate(node.constants), args = mutate(node.args);
  if (same(constants, node.constants) && same(args, node.args)) return self;
  return CallIntrin::make(node.name, std::move(constants), std::move(args), node.loc);
}

Expr Mutator::mutate_node(const InlineAsm& node, const Expr& self) {
  std::vector<Expr> args = mutate(node.args);
  if (same(args, node.args)) return self;
  return InlineAsm::make(node.type, node.text, node.constraints, node.is_volatile, std::move(args),
                         node.loc);
}

Stmt Mutator::mutate_node(const Block& node, const Stmt& self) {
  std::vector<Stmt> stmts;
  bool changed = false;
  for (const Stmt& stmt : node.stmts) {
    stmts.push_back(mutate(stmt));
    changed |= !stmts.back().same_as(stmt);
  }
  return changed ? Block::make(std::move(stmts), node.loc) : self;
}

Stmt Mutator::mutate_node(const For& node, const Stmt& self) {
  Expr min = mutate(node.min), extent = mutate(node.extent);
  Var var = mutate_definition(node.var);
  Stmt body = mutate(node.body);
  if (min.same_as(node.min) && extent.same_as(node.extent) && var.same_as(node.var) &&
      body.same_as(node.body)) {
    return self;
  }
  return For::make(node.for_kind, var, min, extent, body, node.loc);
}

Stmt Mutator::mutate_node(const If& node, const Stmt& self) {
  Expr condition = mutate(node.condition);
  Stmt then_body = mutate(node.then_body), else_body = mutate(node.else_body);
  if (condition.same_as(node.condition) && then_body.same_as(node.then_body) &&
      else_body.same_as(node.else_body)) {
    return self;
  }
  return If::make(condition, then_body, else_body, node.loc);
}

Stmt Mutator::mutate_node(const Store& node, const Stmt& self) {
  Buffer buffer = mutate_buffer(node.buffer);
  std::vector<Expr> indices = mutate(node.indices);
  Expr value = mutate(node.value);
  if (buffer.same_as(node.buffer) && same(indices, node.indices) && value.same_as(node.value)) {
    return self;
  }
  return Store::make(buffer, std::move(indices), value, node.loc);
}

Stmt Mutator::mutate_node(const Allocate& node, const Stmt& self) {
  Buffer buffer = mutate_buffer(node.buffer);
  return buffer.same_as(node.buffer) ? self : Allocate::make(buffer, node.loc);
}

Stmt Mutator::mutate_node(const Let& node, const Stmt& self) {
  Expr value = mutate(node.value);
  Var var = mutate_definition(node.var);
  if (value.same_as(node.value) && var.same_as(node.var)) return self;
  return Let::make(var, value, node.loc);
}

Stmt Mutator::mutate_node(const Assert& node, const Stmt& self) {
  Expr condition = mutate(node.condition);
  if (condition.same_as(node.condition)) return self;
  return Assert::make(condition, node.message, node.loc);
}

Stmt Mutator::mutate_node(const Evaluate& node, const Stmt& self) {
  Expr value = mutate(node.value);
  return value.same_as(node.value) ? self : Evaluate::make(value, node.loc);
}

Stmt Mutator::mutate_node(const Barrier&, const Stmt& self) {
  return self;
}
Stmt Mutator::mutate_node(const ImportPragma&, const Stmt& self) {
  return self;
}
Stmt Mutator::mutate_node(const UnrollPragma&, const Stmt& self) {
  return self;
}
Stmt Mutator::mutate_node(const Require&, const Stmt& self) {
  return self;
}

Stmt Mutator::mutate_node(const Prefetch& node, const Stmt& self) {
  Buffer buffer = mutate_buffer(node.buffer);
  std::vector<Expr> indices = mutate(node.indices);
  if (buffer.same_as(node.buffer) && same(indices, node.indices)) return self;
  return Prefetch::make(buffer, std::move(indices), node.write, node.level, node.loc);
}

}  // namespace inlay
