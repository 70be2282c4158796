// Printer: expressions and literals.
#include <charconv>
#include <cmath>
#include <utility>

#include "core/ir/equal.h"
#include "core/text/lexer.h"
#include "core/text/printer.h"

namespace inlay::text {

namespace {

constexpr int kTightest = 100;  // binds tighter than every operator

bool is_comparison(BinaryOp op) {
  return precedence(op) == precedence(BinaryOp::Lt);
}

// A tree that the parser would take for one literal without a type (Value::flex), so that it would
// take the type of a cast around it.
bool is_flexible(const Expr& expr) {
  switch (expr->kind) {
    case ExprKind::IntImm:
      return expr.type() == kIndex;
    case ExprKind::FloatImm:
      return expr.type() == kF32 && std::isfinite(expr.as<FloatImm>()->value);
    case ExprKind::Unary:
      return is_flexible(expr.as<Unary>()->a);
    case ExprKind::Binary:
      return is_flexible(expr.as<Binary>()->a) && is_flexible(expr.as<Binary>()->b);
    case ExprKind::Select:
      return is_flexible(expr.as<Select>()->a) && is_flexible(expr.as<Select>()->b);
    case ExprKind::Broadcast:
      return is_flexible(expr.as<Broadcast>()->value);
    default:
      return false;
  }
}

// Shortest text that reads back as this value, and as a float.
std::string float_text(double value, bool is_f64) {
  char text[64];
  auto end = is_f64 ? std::to_chars(text, text + sizeof text, value)
                    : std::to_chars(text, text + sizeof text, static_cast<float>(value));
  std::string shortest(text, end.ptr);
  if (shortest.find_first_of(".e") == std::string::npos) shortest += ".0";
  return shortest;
}

}  // namespace

void Printer::print(const Expr& expr, int outer) {
  switch (expr->kind) {
#define INLAY_EXPR_NODE(Kind, Node) \
  case ExprKind::Kind:              \
    return print_node(static_cast<const Node&>(*expr), outer);
#include "core/ir/ir_nodes.def"
  }
}

void Printer::print_list(const std::vector<Expr>& exprs, const char* open, const char* close,
                         int outer) {
  out_ += open;
  for (size_t i = 0; i < exprs.size(); ++i) {
    if (i) out_ += ", ";
    print(exprs[i], outer);
  }
  out_ += close;
}

void Printer::print_node(const IntImm& node, int) {
  if (node.type.is_bool()) {
    out_ += node.value ? "true" : "false";
    return;
  }
  bool wide = node.type == kU64;
  out_ += wide ? std::to_string(static_cast<uint64_t>(node.value)) : std::to_string(node.value);
  if (node.type != kIndex || suffixes_) out_ += to_string(node.type);
}

void Printer::print_node(const FloatImm& node, int) {
  if (std::isfinite(node.value)) {
    out_ += float_text(node.value, node.type == kF64);
    if (node.type != kF32 || suffixes_) out_ += to_string(node.type);
    return;
  }
  out_ += std::isnan(node.value) ? "nan(" : node.value < 0 ? "-infinity(" : "infinity(";
  out_ += to_string(node.type) + ")";
}

void Printer::print_node(const VarNode& node, int) {
  out_ += namer_.name_of(&node, node.name);
}

void Printer::print_node(const Cast& node, int) {
  out_ += to_string(node.type) + "(";
  bool outside = std::exchange(suffixes_, is_flexible(node.value));
  print(node.value);
  suffixes_ = outside;
  out_ += ")";
}

void Printer::print_node(const Unary& node, int) {
  out_ += node.op == UnaryOp::Neg ? "-" : node.op == UnaryOp::Not ? "!" : "~";
  // A minus before a number would become part of it.
  bool apart = node.op == UnaryOp::Neg && (node.a.as<IntImm>() || node.a.as<FloatImm>());
  auto* inner = node.a.as<Unary>();
  if (inner && inner->op == UnaryOp::Neg && node.op == UnaryOp::Neg) apart = true;
  if (apart) out_ += "(";
  print(node.a, apart ? 0 : kTightest);
  if (apart) out_ += ")";
}

void Printer::print_node(const Binary& node, int outer) {
  int own = precedence(node.op);
  if (own == 0) {
    out_ += std::string(spelling(node.op)) + "(";
    print(node.a);
    out_ += ", ";
    print(node.b);
    out_ += ")";
    return;
  }
  bool parentheses = own < outer;
  if (parentheses) out_ += "(";
  print(node.a, is_comparison(node.op) ? own + 1 : own);
  out_ += std::string(" ") + spelling(node.op) + " ";
  print(node.b, own + 1);
  if (parentheses) out_ += ")";
}

void Printer::print_node(const Select& node, int) {
  out_ += "select(";
  bool outside = std::exchange(suffixes_, false);
  print(node.condition);
  suffixes_ = outside;
  out_ += ", ";
  print(node.a);
  out_ += ", ";
  print(node.b);
  out_ += ")";
}

void Printer::print_node(const Load& node, int) {
  out_ += name(node.buffer);
  print_list(node.indices, "[", "]");
}

void Printer::print_node(const Ramp& node, int) {
  out_ += "ramp(";
  print(node.base);
  out_ += ", ";
  print(node.stride);
  out_ += ", " + std::to_string(node.type.lanes) + ")";
}

void Printer::print_node(const Broadcast& node, int) {
  out_ += "broadcast(";
  print(node.value);
  out_ += ", " + std::to_string(node.type.lanes) + ")";
}

// Text that Parser::extent_of_range() takes apart into this very min and extent.
void Printer::print_range(const Expr& min, const Expr& extent) {
  auto* sum = extent.as<Binary>();
  auto starts_at_min = [&](const Expr& end) {
    auto* add = end.as<Binary>();
    return add && add->op == BinaryOp::Add && equal(add->a, min);
  };
  const IntImm *from = as_int(min), *count = as_int(extent);
  int64_t to = 0;
  print(min);
  out_ += "..";
  if (from && count && !__builtin_add_overflow(from->value, count->value, &to)) {
    print(IntImm::make(kIndex, to));
  } else if (is_const(min, 0) && !starts_at_min(extent)) {
    print(extent);
  } else if (sum && sum->op == BinaryOp::Sub && equal(sum->b, min) && !is_const(min, 0) &&
             !starts_at_min(sum->a) && !(from && as_int(sum->a))) {
    print(sum->a);
  } else {
    int own = precedence(BinaryOp::Add);
    print(min, own);
    out_ += " + ";
    print(extent, own + 1);
  }
}

void Printer::print_node(const View& node, int) {
  if (node.is_whole()) {
    out_ += name(node.buffer);
    return;
  }
  bool ranged = false;
  for (const ViewDim& dim : node.dims) ranged |= bool(dim.extent);
  if (!ranged) out_ += "&";
  out_ += name(node.buffer) + "[";
  for (size_t d = 0; d < node.dims.size(); ++d) {
    if (d) out_ += ", ";
    if (node.dims[d].extent) {
      print_range(node.dims[d].min, node.dims[d].extent);
    } else {
      print(node.dims[d].min);
    }
  }
  out_ += "]";
}

void Printer::print_node(const CallMath& node, int) {
  out_ += spelling(node.op);
  print_list(node.args, "(", ")");
}

void Printer::print_node(const CallExtern& node, int) {
  out_ += "call ";
  if (!node.type.is_void()) out_ += to_string(node.type) + " ";
  if (is_plain_name(node.symbol)) {
    out_ += node.symbol;
  } else {
    print_string(node.symbol);
  }
  print_list(node.args, "(", ")");
}

void Printer::print_node(const CallIntrin& node, int) {
  out_ += node.name;
  // `>` closes the list, so comparisons would need parentheses.
  if (!node.constants.empty()) {
    print_list(node.constants, "<", ">", precedence(BinaryOp::Lt) + 1);
  }
  print_list(node.args, "(", ")");
}

void Printer::print_node(const InlineAsm& node, int) {
  out_ += "asm ";
  if (!node.type.is_void()) {
    if (node.is_volatile) out_ += "volatile ";
    out_ += to_string(node.type) + " ";
  }
  out_ += "(";
  print_string(node.text);
  out_ += ", ";
  print_string(node.constraints);
  for (const Expr& arg : node.args) {
    out_ += ", ";
    print(arg);
  }
  out_ += ")";
}

}  // namespace inlay::text
