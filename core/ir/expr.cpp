// Factories of expressions: every type rule of the IR is checked here, and only here.
#include "core/ir/expr.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/ir/equal.h"

namespace inlay {

namespace {

enum class Operands { Number, Integer, Float, Truth, Any };
enum class Result { Same, Truth };

struct BinaryRow {
  const char* spelling;
  int precedence;
  Operands operands;
  Result result;
};
constexpr BinaryRow kBinaryRows[] = {
#define INLAY_BINARY_OP(Name, spelling, precedence, operands, result) \
  {spelling, precedence, Operands::operands, Result::result},
#include "core/ir/operators.def"
};

struct MathRow {
  const char* spelling;
  int arity;
};
constexpr MathRow kMathRows[] = {
#define INLAY_MATH_OP(Name, spelling, arity) {spelling, arity},
#include "core/ir/operators.def"
};

[[noreturn]] void type_error(const Loc& loc, std::string message, std::string help = "") {
  throw CompileError("type-mismatch", loc, std::move(message), std::move(help));
}

// Every factory ends here: sets the location and holds the tree to its greatest depth.
template <typename Node>
Expr finish(Node* raw, DType type, const Loc& loc, std::initializer_list<const Expr*> children,
            const std::vector<Expr>* more = nullptr) {
  Ref<const ExprNode> node(raw);
  raw->type = type;
  raw->loc = loc;
  auto take = [&](const Expr& child) {
    if (child) raw->depth = std::max(raw->depth, child->depth + 1);
  };
  for (const Expr* child : children) take(*child);
  if (more) {
    for (const Expr& child : *more) take(child);
  }
  if (raw->depth > ExprNode::kMaxDepth) {
    throw CompileError(
        "too-deep", loc,
        "expression nests more than " + std::to_string(ExprNode::kMaxDepth) + " levels",
        "name parts of it with `let`");
  }
  return Expr(std::move(node));
}

void require_value(const Expr& expr, const Loc& loc, const char* what) {
  INLAY_CHECK(bool(expr), "null expression");
  if (expr.type().is_void()) type_error(loc, std::string(what) + " has no value");
  if (expr.type().is_pointer()) {
    type_error(loc, std::string(what) + " is a view of a buffer; a value is needed",
               "index the buffer, or pass the view to a call");
  }
}

void require_index(const Expr& expr, const Loc& loc, const char* what, bool vector_allowed) {
  require_value(expr, loc, what);
  if (expr.type().element() != kIndex || (!vector_allowed && !expr.type().is_scalar())) {
    type_error(place_of(expr, loc),
               std::string(what) + " has type " + to_string(expr.type()) + ", expected index",
               "cast it: i64(...)");
  }
}

DType indexed_type(const Buffer& buffer, const std::vector<Expr>& indices, const Loc& loc) {
  INLAY_CHECK(bool(buffer), "null buffer");
  if (indices.size() != buffer->rank()) {
    type_error(loc, "buffer `" + buffer.name() + "` has " + std::to_string(buffer->rank()) +
                        " dimensions, found " + std::to_string(indices.size()) + " indices");
  }
  int lanes = 1;
  for (size_t d = 0; d < indices.size(); ++d) {
    bool last = d + 1 == indices.size();
    require_index(indices[d], loc, "index", last);
    if (last) lanes = indices[d].type().lanes;
  }
  return buffer->type.with_lanes(lanes);
}

float round_to_f16(double value) {
  // _Float16 conversion rounds once, from double, to nearest even.
  return static_cast<float>(static_cast<_Float16>(value));
}

double round_to_bf16(double value) {
  // Round the double to odd in float, then to nearest even at 16 bits: one correct rounding.
  float f = static_cast<float>(value);
  if (std::isnan(f) || std::isinf(f)) return f;
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (static_cast<double>(f) != value) {
    bool away = std::fabs(static_cast<double>(f)) > std::fabs(value);
    if (away) --bits;
    bits |= 1;
  }
  uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  return std::bit_cast<float>(rounded & 0xffff0000u);
}

}  // namespace

const char* spelling(BinaryOp op) {
  return kBinaryRows[static_cast<int>(op)].spelling;
}
int precedence(BinaryOp op) {
  return kBinaryRows[static_cast<int>(op)].precedence;
}
const char* spelling(MathOp op) {
  return kMathRows[static_cast<int>(op)].spelling;
}
int arity(MathOp op) {
  return kMathRows[static_cast<int>(op)].arity;
}

const char* to_string(MemorySpace space) {
  switch (space) {
    case MemorySpace::Global:
      return "global";
    case MemorySpace::Shared:
      return "shared";
    case MemorySpace::Private:
      return "private";
  }
  return "global";
}

Expr::Expr(int value) : Expr(static_cast<int64_t>(value)) {}
Expr::Expr(int64_t value) : Expr(IntImm::make(kIndex, value)) {}

Var::Var(std::string name, DType type, Loc loc) {
  auto* node = new VarNode;
  node->name = std::move(name);
  static_cast<Expr&>(*this) = finish(node, type, loc, {});
}

Var Var::constant(std::string name, Loc loc) {
  auto* node = new VarNode;
  node->name = std::move(name);
  node->is_constant = true;
  Expr hold = finish(node, kIndex, loc, {});
  return Var(node);
}

Buffer Buffer::make(std::string name, DType type, std::vector<Expr> shape,
                    std::vector<Expr> strides, MemorySpace space, int alignment, Loc loc) {
  if (type.is_void() || type.is_pointer() || !type.is_scalar()) {
    type_error(loc, "buffer `" + name + "` can't hold elements of type " + to_string(type));
  }
  if (!strides.empty() && strides.size() != shape.size()) {
    type_error(loc, "buffer `" + name + "` has " + std::to_string(shape.size()) +
                        " dimensions, but " + std::to_string(strides.size()) + " strides");
  }
  if (alignment < 0 || (alignment & (alignment - 1)) != 0 || alignment > 4096) {
    throw CompileError("bad-node", loc,
                       "alignment of buffer `" + name + "` is " + std::to_string(alignment) +
                           ", expected a power of two of at most 4096");
  }
  for (const Expr& extent : shape) require_index(extent, loc, "extent", false);
  for (const Expr& stride : strides) require_index(stride, loc, "stride", false);
  auto* node = new BufferNode;
  Buffer buffer(node);
  node->name = std::move(name);
  node->type = type;
  node->shape = std::move(shape);
  node->strides = std::move(strides);
  node->space = space;
  node->alignment = alignment;
  node->loc = std::move(loc);
  return buffer;
}

Buffer Buffer::make_strided(std::string name, DType type, std::vector<Expr> shape,
                            MemorySpace space, int alignment, Loc loc) {
  std::vector<Expr> strides;
  for (size_t d = 0; d + 1 < shape.size(); ++d) {
    strides.push_back(Var(name + ".stride" + std::to_string(d), kIndex, loc));
  }
  if (!shape.empty()) strides.push_back(Expr(1));
  return make(std::move(name), type, std::move(shape), std::move(strides), space, alignment,
              std::move(loc));
}

Expr stride_of(const Buffer& buffer, size_t d) {
  INLAY_CHECK(d < buffer->rank(), "stride of a dimension that is not there");
  if (!buffer->strides.empty()) return buffer->strides[d];
  Expr stride(1);
  for (size_t inner = buffer->rank(); inner-- > d + 1;) {
    stride = is_const(stride, 1) ? buffer->shape[inner] : buffer->shape[inner] * stride;
  }
  return stride;
}

bool is_strided_form(const Buffer& buffer) {
  if (buffer->rank() == 0 || buffer->strides.size() != buffer->rank()) return false;
  if (!is_const(buffer->strides.back(), 1)) return false;
  for (size_t d = 0; d + 1 < buffer->rank(); ++d) {
    auto* var = buffer->strides[d].as<VarNode>();
    if (!var || var->name != buffer.name() + ".stride" + std::to_string(d)) return false;
  }
  return true;
}

Expr IntImm::make(DType type, int64_t value, Loc loc) {
  if (!(type.is_integer() || type.is_bool()) || !type.is_scalar()) {
    type_error(loc, "integer constant of type " + to_string(type));
  }
  bool fits = true;
  if (type.is_bool()) {
    fits = value == 0 || value == 1;
  } else if (type.bits < 64) {
    int64_t low = type.is_int() ? -(int64_t{1} << (type.bits - 1)) : 0;
    int64_t high = (int64_t{1} << (type.is_int() ? type.bits - 1 : type.bits)) - 1;
    fits = value >= low && value <= high;
  }
  if (!fits) {
    type_error(loc, "constant " + std::to_string(value) + " does not fit into " + to_string(type));
  }
  auto* node = new IntImm;
  node->value = value;
  return finish(node, type, loc, {});
}

Expr FloatImm::make(DType type, double value, Loc loc) {
  if (!type.is_float() || !type.is_scalar()) {
    type_error(loc, "float constant of type " + to_string(type));
  }
  if (std::isnan(value)) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (type == kF32) {
    value = static_cast<float>(value);
  } else if (type == kF16) {
    value = round_to_f16(value);
  } else if (type == kBF16) {
    value = round_to_bf16(value);
  }
  auto* node = new FloatImm;
  node->value = value;
  return finish(node, type, loc, {});
}

Expr Cast::make(DType type, Expr value, Loc loc) {
  require_value(value, loc, "operand of a cast");
  if (type.is_void() || type.is_pointer()) type_error(loc, "can't cast to " + to_string(type));
  if (type.lanes != value.type().lanes) {
    type_error(loc,
               "cast from " + to_string(value.type()) + " to " + to_string(type) +
                   " changes the number of lanes",
               "use broadcast(x, lanes)");
  }
  auto* node = new Cast;
  node->value = std::move(value);
  return finish(node, type, loc, {&node->value});
}

Expr Unary::make(UnaryOp op, Expr a, Loc loc) {
  require_value(a, loc, "operand");
  DType type = a.type();
  bool ok = op == UnaryOp::Neg   ? !type.is_bool()
            : op == UnaryOp::Not ? type.is_bool()
                                 : type.is_integer();
  if (!ok) {
    const char* sign = op == UnaryOp::Neg ? "-" : op == UnaryOp::Not ? "!" : "~";
    type_error(loc, std::string("operator ") + sign + " does not take " + to_string(type));
  }
  auto* node = new Unary;
  node->op = op;
  node->a = std::move(a);
  return finish(node, type, loc, {&node->a});
}

Expr Binary::make(BinaryOp op, Expr a, Expr b, Loc loc) {
  require_value(a, loc, "left operand");
  require_value(b, loc, "right operand");
  const BinaryRow& row = kBinaryRows[static_cast<int>(op)];
  if (a.type() != b.type()) {
    std::string cast = to_string(a.type().is_float() ? a.type() : b.type());
    bool same_lanes = a.type().lanes == b.type().lanes;
    type_error(loc,
               std::string("operands of ") + row.spelling + " have types " + to_string(a.type()) +
                   " and " + to_string(b.type()),
               same_lanes ? "cast one of them: " + cast + "(...)" : "use broadcast(x, lanes)");
  }
  DType type = a.type();
  bool ok = true;
  switch (row.operands) {
    case Operands::Number:
      ok = type.is_integer() || type.is_float();
      break;
    case Operands::Integer:
      ok = type.is_integer();
      break;
    case Operands::Float:
      ok = type.is_float();
      break;
    case Operands::Truth:
      ok = type.is_bool();
      break;
    case Operands::Any:
      break;
  }
  if (!ok) {
    type_error(loc, std::string("operator ") + row.spelling + " does not take " + to_string(type));
  }
  auto* node = new Binary;
  node->op = op;
  node->a = std::move(a);
  node->b = std::move(b);
  return finish(node, row.result == Result::Truth ? kBool.with_lanes(type.lanes) : type, loc,
                {&node->a, &node->b});
}

Expr Select::make(Expr condition, Expr a, Expr b, Loc loc) {
  require_value(condition, loc, "condition");
  require_value(a, loc, "operand of select");
  require_value(b, loc, "operand of select");
  if (a.type() != b.type()) {
    type_error(loc, "the two values of select have types " + to_string(a.type()) + " and " +
                        to_string(b.type()));
  }
  if (!condition.type().is_bool() ||
      (condition.type().lanes != 1 && condition.type().lanes != a.type().lanes)) {
    type_error(loc,
               "condition of select has type " + to_string(condition.type()) + ", expected bool");
  }
  DType type = a.type();
  auto* node = new Select;
  node->condition = std::move(condition);
  node->a = std::move(a);
  node->b = std::move(b);
  return finish(node, type, loc, {&node->condition, &node->a, &node->b});
}

Expr Load::make(Buffer buffer, std::vector<Expr> indices, Loc loc) {
  DType type = indexed_type(buffer, indices, loc);
  auto* node = new Load;
  node->buffer = std::move(buffer);
  node->indices = std::move(indices);
  return finish(node, type, loc, {}, &node->indices);
}

Expr Ramp::make(Expr base, Expr stride, int lanes, Loc loc) {
  require_value(base, loc, "base of ramp");
  require_value(stride, loc, "stride of ramp");
  if (!base.type().is_integer() || !base.type().is_scalar() || base.type() != stride.type()) {
    type_error(loc, "ramp takes two scalar integers of one type, found " + to_string(base.type()) +
                        " and " + to_string(stride.type()));
  }
  if (lanes < 2 || lanes > DType::kMaxLanes) {
    type_error(loc, "ramp of " + std::to_string(lanes) + " lanes, expected 2 to " +
                        std::to_string(DType::kMaxLanes));
  }
  DType type = base.type().with_lanes(lanes);
  auto* node = new Ramp;
  node->base = std::move(base);
  node->stride = std::move(stride);
  return finish(node, type, loc, {&node->base, &node->stride});
}

Expr Broadcast::make(Expr value, int lanes, Loc loc) {
  require_value(value, loc, "operand of broadcast");
  if (!value.type().is_scalar() || lanes < 2 || lanes > DType::kMaxLanes) {
    type_error(loc, "broadcast of " + to_string(value.type()) + " to " + std::to_string(lanes) +
                        " lanes: expected a scalar and 2 to " + std::to_string(DType::kMaxLanes) +
                        " lanes");
  }
  DType type = value.type().with_lanes(lanes);
  auto* node = new Broadcast;
  node->value = std::move(value);
  return finish(node, type, loc, {&node->value});
}

Expr View::make(Buffer buffer, std::vector<ViewDim> dims, Loc loc) {
  INLAY_CHECK(bool(buffer), "null buffer");
  if (dims.size() != buffer->rank()) {
    type_error(loc, "buffer `" + buffer.name() + "` has " + std::to_string(buffer->rank()) +
                        " dimensions, found a view with " + std::to_string(dims.size()));
  }
  auto* node = new View;
  Ref<const ExprNode> hold(node);
  std::vector<Expr> children;
  for (const ViewDim& dim : dims) {
    require_index(dim.min, loc, "index", false);
    children.push_back(dim.min);
    if (dim.extent) {
      require_index(dim.extent, loc, "extent", false);
      children.push_back(dim.extent);
    }
  }
  node->buffer = std::move(buffer);
  node->dims = std::move(dims);
  return finish(node, kPointer, loc, {}, &children);
}

Expr View::whole(Buffer buffer, Loc loc) {
  std::vector<ViewDim> dims;
  for (const Expr& extent : buffer->shape) dims.push_back({Expr(0), extent});
  return make(std::move(buffer), std::move(dims), std::move(loc));
}

bool View::is_whole() const {
  for (size_t d = 0; d < dims.size(); ++d) {
    if (!is_const(dims[d].min, 0) || !equal(dims[d].extent, buffer->shape[d])) return false;
  }
  return true;
}

Expr CallMath::make(MathOp op, std::vector<Expr> args, Loc loc) {
  const MathRow& row = kMathRows[static_cast<int>(op)];
  if (static_cast<int>(args.size()) != row.arity) {
    type_error(loc, std::string(row.spelling) + " takes " + std::to_string(row.arity) +
                        " arguments, found " + std::to_string(args.size()));
  }
  for (const Expr& arg : args) {
    require_value(arg, loc, "argument");
    if (!arg.type().is_float()) {
      type_error(loc, std::string(row.spelling) + " does not take " + to_string(arg.type()),
                 "cast it: f32(...)");
    }
    if (arg.type() != args[0].type()) {
      type_error(loc, std::string("arguments of ") + row.spelling + " have types " +
                          to_string(args[0].type()) + " and " + to_string(arg.type()));
    }
  }
  DType type = args[0].type();
  auto* node = new CallMath;
  node->op = op;
  node->args = std::move(args);
  return finish(node, type, loc, {}, &node->args);
}

namespace {

void require_call_args(const std::vector<Expr>& args, const Loc& loc) {
  for (const Expr& arg : args) {
    INLAY_CHECK(bool(arg), "null argument");
    if (arg.type().is_void()) type_error(place_of(arg, loc), "argument has no value");
  }
}

}  // namespace

Expr CallExtern::make(DType result, std::string symbol, std::vector<Expr> args, Loc loc) {
  require_call_args(args, loc);
  if (result.is_pointer()) type_error(loc, "an extern call can't return a pointer");
  if (symbol.empty()) throw CompileError("bad-node", loc, "extern call without a symbol");
  auto* node = new CallExtern;
  node->symbol = std::move(symbol);
  node->args = std::move(args);
  return finish(node, result, loc, {}, &node->args);
}

Expr CallIntrin::make(std::string name, std::vector<Expr> constants, std::vector<Expr> args,
                      Loc loc) {
  require_call_args(args, loc);
  for (const Expr& constant : constants) require_index(constant, loc, "template argument", false);
  auto* node = new CallIntrin;
  node->name = std::move(name);
  node->constants = std::move(constants);
  node->args = std::move(args);
  std::vector<Expr> children = node->constants;
  children.insert(children.end(), node->args.begin(), node->args.end());
  return finish(node, kVoid, loc, {}, &children);
}

Expr InlineAsm::make(DType result, std::string text, std::string constraints, bool is_volatile,
                     std::vector<Expr> args, Loc loc) {
  require_call_args(args, loc);
  if (result.is_pointer()) type_error(loc, "inline assembly can't return a pointer");
  auto* node = new InlineAsm;
  node->text = std::move(text);
  node->constraints = std::move(constraints);
  node->is_volatile = is_volatile || result.is_void();
  node->args = std::move(args);
  return finish(node, result, loc, {}, &node->args);
}

const Loc& place_of(const Expr& expr, const Loc& otherwise) {
  return expr->kind == ExprKind::Var || !expr.loc() ? otherwise : expr.loc();
}

const IntImm* as_int(const Expr& expr) {
  return expr.as<IntImm>();
}
bool is_const(const Expr& expr, int64_t value) {
  const IntImm* constant = as_int(expr);
  return constant && constant->value == value;
}

Expr operator+(Expr a, Expr b) {
  return Binary::make(BinaryOp::Add, a, b, a.loc());
}
Expr operator-(Expr a, Expr b) {
  return Binary::make(BinaryOp::Sub, a, b, a.loc());
}
Expr operator*(Expr a, Expr b) {
  return Binary::make(BinaryOp::Mul, a, b, a.loc());
}
Expr operator/(Expr a, Expr b) {
  return Binary::make(a.type().is_float() ? BinaryOp::Div : BinaryOp::FloorDiv, a, b, a.loc());
}
Expr operator%(Expr a, Expr b) {
  return Binary::make(BinaryOp::FloorMod, a, b, a.loc());
}
Expr min(Expr a, Expr b) {
  return Binary::make(BinaryOp::Min, a, b, a.loc());
}
Expr max(Expr a, Expr b) {
  return Binary::make(BinaryOp::Max, a, b, a.loc());
}
Expr lt(Expr a, Expr b) {
  return Binary::make(BinaryOp::Lt, a, b, a.loc());
}
Expr le(Expr a, Expr b) {
  return Binary::make(BinaryOp::Le, a, b, a.loc());
}
Expr eq(Expr a, Expr b) {
  return Binary::make(BinaryOp::Eq, a, b, a.loc());
}
Expr logical_and(Expr a, Expr b) {
  return Binary::make(BinaryOp::And, a, b, a.loc());
}

}  // namespace inlay
