#include "core/analysis/fold.h"

#include "core/ir/visitor.h"

namespace inlay {

namespace {

std::optional<int64_t> fold_binary(BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case BinaryOp::Add:
      return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case BinaryOp::Sub:
      return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case BinaryOp::Mul:
      return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case BinaryOp::FloorDiv:
    case BinaryOp::FloorMod: {
      if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
      int64_t quotient = a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
      return op == BinaryOp::FloorDiv ? quotient : a - quotient * b;
    }
    case BinaryOp::Min:
      return std::min(a, b);
    case BinaryOp::Max:
      return std::max(a, b);
    case BinaryOp::Eq:
      return a == b;
    case BinaryOp::Ne:
      return a != b;
    case BinaryOp::Lt:
      return a < b;
    case BinaryOp::Le:
      return a <= b;
    case BinaryOp::Gt:
      return a > b;
    case BinaryOp::Ge:
      return a >= b;
    case BinaryOp::And:
      return a && b;
    case BinaryOp::Or:
      return a || b;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<int64_t> fold(const Expr& expr,
                            const std::unordered_map<const ExprNode*, int64_t>& values) {
  // Narrower types wrap where int64_t does not; nobody computes an extent in them.
  if (expr.type() != kIndex && expr.type() != kBool) return std::nullopt;
  if (auto* imm = as_int(expr)) return imm->value;
  if (expr.as<VarNode>()) {
    auto known = values.find(expr.get());
    return known == values.end() ? std::nullopt : std::optional(known->second);
  }
  if (auto* unary = expr.as<Unary>()) {
    auto a = fold(unary->a, values);
    if (!a || (unary->op == UnaryOp::Neg && *a == INT64_MIN)) return std::nullopt;
    return unary->op == UnaryOp::Neg ? -*a : unary->op == UnaryOp::Not ? int64_t{!*a} : ~*a;
  }
  if (auto* binary = expr.as<Binary>()) {
    if (binary->a.type() != kIndex && binary->a.type() != kBool) return std::nullopt;
    auto a = fold(binary->a, values);
    auto b = a ? fold(binary->b, values) : std::nullopt;
    return b ? fold_binary(binary->op, *a, *b) : std::nullopt;
  }
  if (auto* select = expr.as<Select>()) {
    auto condition = fold(select->condition, values);
    if (!condition) return std::nullopt;
    return fold(*condition ? select->a : select->b, values);
  }
  return std::nullopt;
}

bool is_compile_time(const Expr& expr) {
  struct Finder : Visitor {
    bool constant = true;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override { constant &= node.is_constant; }
    void visit_node(const Load&) override { constant = false; }
    void visit_node(const CallExtern&) override { constant = false; }
    void visit_node(const InlineAsm&) override { constant = false; }
  } finder;
  finder.visit(expr);
  return finder.constant;
}

}  // namespace inlay
