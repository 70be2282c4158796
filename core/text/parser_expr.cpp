// Parser: expressions, literals that take their type from what stands beside them, and views.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ir/equal.h"
#include "core/target_facts.h"
#include "core/text/parser.h"

namespace inlay::text {

namespace {

// A bound that is written twice in the IR (`lo` in `hi - lo`) or read from a declaration may be
// this large: without a limit, a few lines could stand for a tree that no computer holds.
constexpr size_t kMaxCopiedNodes = 4096;

struct OperatorRow {
  std::string_view spelling;
  BinaryToken token;
};
constexpr OperatorRow kOperators[] = {
#define INLAY_BINARY_OP(Name, spelling, precedence, operands, result) \
  {spelling, {BinaryOp::Name, precedence}},
#include "core/ir/operators.def"
};

int comparison_precedence() {
  return precedence(BinaryOp::Lt);
}

bool is_comparison(BinaryOp op) {
  return precedence(op) == comparison_precedence();
}

// Counts nodes as of a tree, no further than `limit`.
struct NodeCounter {
  size_t limit, count = 0;

  void take(const Expr& child) {
    if (!child || count > limit) return;
    ++count;
    switch (child->kind) {
#define INLAY_EXPR_NODE(Kind, Node)                               \
  case ExprKind::Kind:                                            \
    std::apply([&](const auto&... field) { (take(field), ...); }, \
               static_cast<const Node&>(*child).fields());        \
    break;
#include "core/ir/ir_nodes.def"
    }
  }
  void take(const std::vector<Expr>& children) {
    for (const Expr& child : children) take(child);
  }
  void take(const std::vector<ViewDim>& dims) {
    for (const ViewDim& dim : dims) {
      take(dim.min);
      take(dim.extent);
    }
  }
  template <typename Other>
  void take(const Other&) {}
};

bool is_too_large_to_copy(const Expr& expr) {
  NodeCounter counter{kMaxCopiedNodes};
  counter.take(expr);
  return counter.count > kMaxCopiedNodes;
}

}  // namespace

std::optional<BinaryToken> Parser::binary_token() const {
  if (cur_.kind != TokenKind::Punct) return std::nullopt;
  for (const OperatorRow& row : kOperators) {
    // Min and max are called like functions; `/` is the integers' until the types are known.
    if (row.token.precedence > 0 && row.spelling == cur_.text) return row.token;
  }
  return std::nullopt;
}

Value Parser::parse_expr(int min_precedence, Value* first) {
  DepthGuard guard(nesting_);
  if (nesting_ > ExprNode::kMaxDepth) {
    error("too-deep", here(),
          "expression nests more than " + std::to_string(ExprNode::kMaxDepth) + " levels",
          "name parts of it with `let`");
    throw SyntaxError{};
  }
  size_t base = operators_.size();
  values_.push_back(first ? std::move(*first) : parse_operand());
  while (auto token = binary_token()) {
    if (token->precedence < min_precedence) break;
    while (operators_.size() > base && operators_.back().token.precedence >= token->precedence) {
      if (is_comparison(token->op) && is_comparison(operators_.back().token.op)) {
        syntax("comparisons do not chain", "write a < b && b < c, or use parentheses");
      }
      reduce();
    }
    operators_.push_back({*token, here()});
    advance();
    values_.push_back(parse_operand());
  }
  while (operators_.size() > base) reduce();
  Value value = std::move(values_.back());
  values_.pop_back();
  return value;
}

void Parser::reduce() {
  Operator op = std::move(operators_.back());
  operators_.pop_back();
  Value b = std::move(values_.back());
  values_.pop_back();
  values_.back() = combine(op.token.op, std::move(values_.back()), std::move(b), op.loc);
}

// Makes one fit the other where at least one is a literal without suffix.
void Parser::unify(Value& a, Value& b) {
  if (a.flex && b.flex) {
    if (a.flex == b.flex) return;
    Value& integer = a.flex == Value::Integer ? a : b;
    integer = {guarded([&] { return retype(integer.expr, kF64); }), Value::Float};
  } else if (a.flex) {
    a = {adapt(std::move(a), b.expr.type()), Value::Fixed};
  } else if (b.flex) {
    b = {adapt(std::move(b), a.expr.type()), Value::Fixed};
  }
}

Value Parser::combine(BinaryOp op, Value a, Value b, const Loc& loc) {
  if (!a || !b) return {};
  unify(a, b);
  if (!a || !b) return {};
  // Only arithmetic of two literals is a literal still.
  bool arithmetic = precedence(op) == 0 || precedence(op) >= precedence(BinaryOp::Add);
  if (a.flex == Value::Integer) arithmetic |= precedence(op) > precedence(BinaryOp::Lt);
  if (a.flex && (!arithmetic || a.expr.type().lanes != b.expr.type().lanes)) {
    a = {settle(std::move(a)), Value::Fixed};
    b = {settle(std::move(b)), Value::Fixed};
    if (!a || !b) return {};
  }
  Value::Flex flex = a.flex;
  if (op == BinaryOp::FloorDiv && a.expr.type().is_float()) op = BinaryOp::Div;
  return {guarded([&] { return Binary::make(op, a.expr, b.expr, loc); }), flex};
}

// The type that a literal has when nothing says another.
Expr Parser::settle(Value value) {
  if (value.flex != Value::Float || !value) return value.expr;
  return guarded([&] { return retype(value.expr, kF32); });
}

// A flexible value in a place of `type`; another, or one that can't be of it, is left to whoever
// builds the node to complain about.
Expr Parser::adapt(Value value, DType type) {
  if (!value || !value.flex) return value.expr;
  bool fits = value.flex == Value::Integer ? type.is_integer() || type.is_float() : type.is_float();
  if (!fits) return settle(std::move(value));
  return guarded([&] { return retype(value.expr, type.element()); });
}

// Rebuilds a flexible tree with `element` for the type of its literals.
Expr Parser::retype(const Expr& expr, DType element) {
  if (auto* imm = expr.as<IntImm>()) {
    if (element == kIndex) return expr;
    if (element.is_float()) {
      // Above 2^53 not every integer is a double.
      int64_t limit = int64_t{1} << 53;
      if (imm->value > limit || imm->value < -limit) {
        throw CompileError("type-mismatch", imm->loc,
                           "integer " + std::to_string(imm->value) + " stands for a " +
                               to_string(element) + ", which may not hold it",
                           "write it as a float, such as 1e16");
      }
      return FloatImm::make(element, static_cast<double>(imm->value), imm->loc);
    }
    if (element == kU64 && imm->value < 0) {
      throw CompileError("type-mismatch", imm->loc,
                         "constant " + std::to_string(imm->value) + " does not fit into u64");
    }
    return IntImm::make(element, imm->value, imm->loc);
  }
  if (auto* imm = expr.as<FloatImm>()) {
    if (element == kF64) return expr;
    double value = imm->value;
    if (element == kF32) {
      auto exact = exact_f32_.find(expr.get());
      if (exact != exact_f32_.end()) value = exact->second.second;
    }
    Expr made = FloatImm::make(element, value, imm->loc);
    if (std::isinf(made.as<FloatImm>()->value)) {
      throw CompileError("type-mismatch", imm->loc,
                         "constant does not fit into " + to_string(element),
                         "write infinity(" + to_string(element) + ") for infinity");
    }
    return made;
  }
  if (auto* unary = expr.as<Unary>()) {
    return Unary::make(unary->op, retype(unary->a, element), unary->loc);
  }
  if (auto* binary = expr.as<Binary>()) {
    BinaryOp op = binary->op;
    if (op == BinaryOp::FloorDiv && element.is_float()) op = BinaryOp::Div;
    return Binary::make(op, retype(binary->a, element), retype(binary->b, element), binary->loc);
  }
  if (auto* select = expr.as<Select>()) {
    return Select::make(select->condition, retype(select->a, element), retype(select->b, element),
                        select->loc);
  }
  auto* broadcast = expr.as<Broadcast>();
  INLAY_CHECK(broadcast, "a flexible tree has literals, operators, select and broadcast");
  return Broadcast::make(retype(broadcast->value, element), broadcast->type.lanes, broadcast->loc);
}

Value Parser::parse_operand() {
  std::vector<Token> signs;
  while (cur_.is("-") || cur_.is("!") || cur_.is("~")) {
    signs.push_back(cur_);
    advance();
  }
  // A minus in front of a number belongs to it.
  bool number = cur_.kind == TokenKind::Number ||
                (cur_.kind == TokenKind::Name && cur_.text == "infinity" && peek().is("("));
  std::optional<Loc> minus;
  if (number && !signs.empty() && signs.back().text == "-") {
    minus = loc_of(signs.back());
    signs.pop_back();
  }
  Value value = parse_primary(minus);
  for (; !signs.empty() && value; signs.pop_back()) {
    const Token& sign = signs.back();
    UnaryOp op = sign.text == "-"   ? UnaryOp::Neg
                 : sign.text == "!" ? UnaryOp::Not
                                    : UnaryOp::BitNot;
    bool settled = op == UnaryOp::Not || (op == UnaryOp::BitNot && value.flex == Value::Float);
    if (settled) value = {settle(std::move(value)), Value::Fixed};
    if (!value) return {};
    value.expr = guarded([&] { return Unary::make(op, value.expr, loc_of(sign)); });
  }
  return value;
}

Value Parser::parse_primary(const std::optional<Loc>& minus) {
  switch (cur_.kind) {
    case TokenKind::Number:
      return parse_number(minus);
    case TokenKind::Keyword:
      return parse_keyword();
    case TokenKind::Type:
      return parse_cast();
    case TokenKind::Name:
      return cur_.text == "infinity" && peek().is("(") ? parse_special_float(minus) : parse_name();
    case TokenKind::Punct:
      if (cur_.is("(")) return parse_paren();
      if (cur_.is("&")) syntax("`&` makes a view, which only the argument of a call takes");
      break;
    default:
      break;
  }
  expected("an expression");
}

Value Parser::parse_number(const std::optional<Loc>& minus) {
  Token token = cur_;
  bool negative = minus.has_value();
  Loc loc = minus.value_or(here());
  advance();
  Number number = read_number(token.text);
  if (!number.fault.empty()) {
    error("parse", loc, number.fault);
    return {};
  }
  DType type = number.suffix;
  if (number.is_float) {
    double value = negative ? -number.value : number.value;
    float value_f32 = negative ? -number.value_f32 : number.value_f32;
    if (type.is_void()) {
      Expr made = guarded([&] { return FloatImm::make(kF64, value, loc); });
      if (static_cast<float>(value) != value_f32) exact_f32_[made.get()] = {made, value_f32};
      return {made, Value::Float};
    }
    return {guarded([&] {
              Expr made = FloatImm::make(type, type == kF32 ? value_f32 : value, loc);
              if (std::isinf(made.as<FloatImm>()->value)) {
                throw CompileError("type-mismatch", loc,
                                   "constant does not fit into " + to_string(type),
                                   "write infinity(" + to_string(type) + ") for infinity");
              }
              return made;
            }),
            Value::Fixed};
  }
  uint64_t limit = uint64_t{1} << 63;
  Value::Flex flex = type.is_void() ? Value::Integer : Value::Fixed;
  if (type.is_void()) {
    // What fits only into u64 is one.
    bool wide = !negative && number.magnitude >= limit;
    type = wide ? kU64 : kIndex;
    if (wide) flex = Value::Fixed;
  }
  bool is_u64 = type == kU64;
  if ((negative && number.magnitude > (is_u64 ? 0 : limit)) ||
      (!negative && !is_u64 && number.magnitude >= limit)) {
    error("type-mismatch", loc,
          "constant " + std::string(negative ? "-" : "") + std::to_string(number.magnitude) +
              " does not fit into " + to_string(type));
    return {};
  }
  auto value = static_cast<int64_t>(negative ? 0 - number.magnitude : number.magnitude);
  return {guarded([&] { return IntImm::make(type, value, loc); }), flex};
}

Value Parser::parse_special_float(const std::optional<Loc>& minus) {
  bool negative = minus.has_value();
  Loc loc = minus.value_or(here());
  bool infinity = cur_.text == "infinity";
  advance();
  expect("(");
  DType type = expect_type();
  expect(")");
  double value =
      infinity ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  return {guarded([&] { return FloatImm::make(type, negative ? -value : value, loc); }),
          Value::Fixed};
}

Value Parser::parse_keyword() {
  std::string_view word = cur_.text;
  if (word == "true" || word == "false") {
    Loc loc = here();
    advance();
    return {guarded([&] { return IntImm::make(kBool, word == "true", loc); }), Value::Fixed};
  }
  if (word == "min" || word == "max") return parse_min_max();
  if (word == "select") return parse_select();
  if (word == "ramp" || word == "broadcast") return parse_lanes();
  if (word == "stride" || word == "extent") return parse_declared();
  if (word == "call") return parse_call();
  if (word == "asm") return parse_asm();
  expected("an expression");
}

DType Parser::expect_type() {
  if (cur_.kind != TokenKind::Type) {
    expected("a type",
             "types: bool i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64 index, and "
             "vectors of 2 to 1024 lanes such as f32x8");
  }
  DType type = cur_.type;
  advance();
  return type;
}

Value Parser::parse_cast() {
  Loc loc = here();
  DType type = expect_type();
  expect("(");
  Value value = parse_expr();
  expect(")");
  if (!value) return {};
  if (value.flex && !type.is_bool()) {
    bool fits = type.is_float() || (type.is_integer() && value.flex == Value::Integer);
    // A literal needs no conversion: it is of that type.
    if (fits && value.expr.type().lanes == type.lanes) {
      return {adapt(std::move(value), type), Value::Fixed};
    }
  }
  Expr settled = settle(std::move(value));
  if (!settled) return {};
  return {guarded([&] { return Cast::make(type, settled, loc); }), Value::Fixed};
}

Value Parser::parse_paren() {
  Loc open = here();
  advance();
  Value value = parse_expr();
  if (!cur_.is(")") && cur_.is(",")) syntax("expected `)`, found `,`");
  expect(")");
  return value;
}

std::vector<Value> Parser::parse_list(std::string_view close) {
  std::vector<Value> values;
  if (take(close)) return values;
  do {
    values.push_back(parse_expr());
  } while (take(","));
  expect(close);
  return values;
}

std::optional<std::vector<Expr>> Parser::settle_all(std::vector<Value> values) {
  std::vector<Expr> exprs;
  for (Value& value : values) {
    exprs.push_back(settle(std::move(value)));
    if (!exprs.back()) return std::nullopt;
  }
  return exprs;
}

Value Parser::parse_min_max() {
  Loc loc = here();
  BinaryOp op = cur_.text == "min" ? BinaryOp::Min : BinaryOp::Max;
  advance();
  expect("(");
  Value a = parse_expr();
  expect(",");
  Value b = parse_expr();
  expect(")");
  return combine(op, std::move(a), std::move(b), loc);
}

Value Parser::parse_select() {
  Loc loc = here();
  advance();
  expect("(");
  Value condition = parse_expr();
  expect(",");
  Value a = parse_expr();
  expect(",");
  Value b = parse_expr();
  expect(")");
  Expr truth = settle(std::move(condition));
  if (!truth || !a || !b) return {};
  unify(a, b);
  if (!a || !b) return {};
  return {guarded([&] { return Select::make(truth, a.expr, b.expr, loc); }), a.flex};
}

Value Parser::parse_lanes() {
  Loc loc = here();
  bool is_ramp = cur_.text == "ramp";
  advance();
  expect("(");
  Value base = parse_expr(), step;
  expect(",");
  if (is_ramp) {
    step = parse_expr();
    expect(",");
  }
  int64_t count = expect_integer("a number of lanes");
  // Out of range either way; the factory says so.
  int lanes = static_cast<int>(std::min<int64_t>(std::max<int64_t>(count, -1), 1 << 20));
  expect(")");
  if (!base || (is_ramp && !step)) return {};
  if (!is_ramp) {
    return {guarded([&] { return Broadcast::make(base.expr, lanes, loc); }), base.flex};
  }
  unify(base, step);
  Expr from = settle(std::move(base)), by = settle(std::move(step));
  if (!from || !by) return {};
  return {guarded([&] { return Ramp::make(from, by, lanes, loc); }), Value::Fixed};
}

// stride(A, d), extent(A, d): what the declaration of A says.
Value Parser::parse_declared() {
  Token word = cur_;
  advance();
  expect("(");
  Token name = expect_name("a buffer");
  Buffer buffer = find_buffer(name, "buffer");
  expect(",");
  Loc where = here();
  int64_t d = expect_integer("a dimension");
  expect(")");
  if (!buffer) return {};
  if (d < 0 || static_cast<uint64_t>(d) >= buffer->rank()) {
    error("type-mismatch", where,
          "buffer `" + buffer.name() + "` has " + std::to_string(buffer->rank()) +
              " dimensions; there is no dimension " + std::to_string(d));
    return {};
  }
  auto dimension = static_cast<size_t>(d);
  Expr found = guarded([&] {
    return word.text == "stride" ? stride_of(buffer, dimension) : buffer->shape[dimension];
  });
  if (found && is_too_large_to_copy(found)) {
    error("too-deep", loc_of(word),
          "the declaration of `" + buffer.name() + "` is too large to be repeated here",
          "name the extents with `let` first");
    return {};
  }
  return {found, Value::Fixed};
}

Value Parser::parse_math() {
  Token name = cur_;
  Loc loc = here();
  static const std::unordered_map<std::string_view, MathOp> known = {
#define INLAY_MATH_OP(Name, spelling, arity) {spelling, MathOp::Name},
#include "core/ir/operators.def"
  };
  auto op = known.find(name.text);
  advance();
  expect("(");
  std::vector<Value> values = parse_list(")");
  if (op == known.end()) {
    std::vector<std::string> names = {"infinity", "nan", "min", "max", "select"};
    for (const auto& row : known) names.emplace_back(row.first);
    std::string text(name.text), help = did_you_mean(nearest_names(text, names));
    if (item_names_.count(text)) help = "a function or intrinsic is no value";
    if (help.empty()) help = "write `call f32 " + text + "(...)` for an imported symbol";
    error("undeclared", loc, "`" + text + "` is no function of the language", help);
    return {};
  }
  // One type for all: that of the first argument which has one.
  Value* typed = nullptr;
  for (Value& value : values) {
    if (!value) return {};
    if (!value.flex && !typed) typed = &value;
  }
  DType type = typed ? typed->expr.type() : kF32;
  std::vector<Expr> args;
  for (Value& value : values) {
    args.push_back(adapt(value, type));
    if (!args.back()) return {};
  }
  return {guarded([&] { return CallMath::make(op->second, std::move(args), loc); }), Value::Fixed};
}

Buffer Parser::find_buffer(const Token& name, const char* what) {
  const Binding* binding = find(name.text);
  if (!binding) {
    undeclared(name, what);
    return {};
  }
  if (auto* buffer = std::get_if<Buffer>(&binding->meaning)) return *buffer;
  if (std::holds_alternative<Var>(binding->meaning)) {
    Diagnostic& told = error("type-mismatch", loc_of(name),
                             "`" + std::string(name.text) + "` is a variable, no buffer");
    told.notes.push_back({Severity::Note, "", "declared here", binding->loc, "", "", "", {}});
  }
  return {};
}

Value Parser::parse_name() {
  if (in_schedule_ && peek().is("(") && blis_arity(cur_.text)) return parse_blis();
  if (peek().is("(")) return cur_.text == "nan" ? parse_special_float({}) : parse_math();
  if (peek().is("[")) return parse_indexed(false);
  Token name = cur_;
  advance();
  const Binding* binding = find(name.text);
  if (!binding) {
    if (auto fact = target_fact(name.text); fact && in_schedule_) return {*fact, Value::Fixed};
    if (in_shape_) return {symbol(std::string(name.text), loc_of(name)), Value::Fixed};
    undeclared(name, "name");
    return {};
  }
  if (auto* var = std::get_if<Var>(&binding->meaning)) return {*var, Value::Fixed};
  if (std::holds_alternative<Buffer>(binding->meaning)) {
    error("type-mismatch", loc_of(name),
          "`" + std::string(name.text) + "` is a buffer; a value is needed here",
          "index it: " + std::string(name.text) + "[...]");
  }
  return {};
}

Expr Parser::extent_of_range(const Expr& lo, const Expr& hi, const Loc& loc) {
  if (!lo || !hi) return {};
  for (const Expr& bound : {lo, hi}) {
    if (bound.type() == kIndex) continue;
    error("type-mismatch", place_of(bound, loc),
          "bound of a range has type " + to_string(bound.type()) + ", expected index",
          "cast it: i64(...)");
    return {};
  }
  auto* sum = hi.as<Binary>();
  if (sum && sum->op == BinaryOp::Add && equal(sum->a, lo)) return sum->b;
  const IntImm *from = as_int(lo), *to = as_int(hi);
  if (from && to) {
    int64_t extent = 0;
    if (!__builtin_sub_overflow(to->value, from->value, &extent)) {
      return guarded([&] { return IntImm::make(kIndex, extent, loc); });
    }
  }
  if (is_const(lo, 0)) return hi;
  if (is_too_large_to_copy(lo)) {
    error("too-deep", loc, "the start of this range is too large", "name it with `let` first");
    return {};
  }
  return guarded([&] { return Binary::make(BinaryOp::Sub, hi, lo, loc); });
}

// A[i, j], and as an argument A[i0..i1, j].
Value Parser::parse_indexed(bool view_allowed) {
  Token name = cur_;
  advance();
  Buffer buffer = find_buffer(name, "buffer");
  expect("[");
  std::vector<ViewDim> dims;
  bool whole = bool(buffer), ranged = false;
  if (!take("]")) {
    do {
      Expr min = parse_index_expr(), extent;
      if (cur_.is("..")) {
        Loc loc = here();
        if (!view_allowed) {
          error("parse", loc, "a range makes a view, which only the argument of a call takes",
                "index one element, or loop over the range");
          whole = false;
        }
        advance();
        extent = extent_of_range(min, parse_index_expr(), loc);
        if (!extent) whole = false;
        ranged = true;
      }
      if (!min) whole = false;
      dims.push_back({std::move(min), std::move(extent)});
    } while (take(","));
    expect("]");
  }
  if (!whole) return {};
  Loc loc = loc_of(name);
  if (ranged) return {guarded([&] { return View::make(buffer, dims, loc); }), Value::Fixed};
  std::vector<Expr> indices;
  for (ViewDim& dim : dims) indices.push_back(std::move(dim.min));
  return {guarded([&] { return Load::make(buffer, std::move(indices), loc); }), Value::Fixed};
}

// &A[i, j]: the address of one element.
Value Parser::parse_address() {
  Loc loc = here();
  advance();
  Token name = expect_name("a buffer");
  Buffer buffer = find_buffer(name, "buffer");
  expect("[");
  auto indices = settle_all(parse_list("]"));
  if (!buffer || !indices) return {};
  std::vector<ViewDim> dims;
  for (Expr& index : *indices) dims.push_back({std::move(index), {}});
  return {guarded([&] { return View::make(buffer, std::move(dims), loc); }), Value::Fixed};
}

Value Parser::parse_arg() {
  if (cur_.is("&")) return parse_address();
  if (cur_.kind == TokenKind::Name && !peek().is("(")) {
    const Binding* binding = find(cur_.text);
    if (binding && std::holds_alternative<Buffer>(binding->meaning)) {
      Buffer buffer = std::get<Buffer>(binding->meaning);
      Value first;
      if (peek().is("[")) {
        first = parse_indexed(true);
      } else {
        Loc loc = here();
        advance();
        first = {guarded([&] { return View::whole(buffer, loc); }), Value::Fixed};
      }
      return parse_expr(1, &first);
    }
  }
  return parse_expr();
}

std::optional<std::vector<Expr>> Parser::parse_args() {
  std::vector<Value> values;
  if (!take(")")) {
    do {
      values.push_back(parse_arg());
    } while (take(","));
    expect(")");
  }
  return settle_all(std::move(values));
}

Value Parser::parse_call() {
  Loc loc = here();
  advance();
  DType type = kVoid;
  if (cur_.kind == TokenKind::Type) type = expect_type();
  std::string symbol;
  if (is_string()) {
    symbol = expect_string("a symbol");
  } else {
    if (cur_.kind == TokenKind::Keyword) {
      syntax("the symbol's name `" + std::string(cur_.text) + "` is a reserved word",
             "quote it: call \"" + std::string(cur_.text) + "\"(...)");
    }
    symbol = expect_name("the symbol to call").text;
  }
  expect("(");
  auto args = parse_args();
  if (!args) return {};
  return {guarded([&] { return CallExtern::make(type, symbol, std::move(*args), loc); }),
          Value::Fixed};
}

Value Parser::parse_asm() {
  Loc loc = here();
  advance();
  bool is_volatile = cur_.kind == TokenKind::Name && cur_.text == "volatile";
  if (is_volatile) advance();
  DType type = kVoid;
  if (cur_.kind == TokenKind::Type) type = expect_type();
  expect("(");
  std::string code = expect_string("the assembly, a string");
  expect(",");
  std::string constraints = expect_string("its constraints, a string");
  std::optional<std::vector<Expr>> args;
  if (take(",")) {
    args = parse_args();
  } else {
    expect(")");
    args.emplace();
  }
  if (!args) return {};
  return {guarded([&] {
            return InlineAsm::make(type, code, constraints, is_volatile, std::move(*args), loc);
          }),
          Value::Fixed};
}

}  // namespace inlay::text
