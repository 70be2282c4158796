// Expressions to ops: picks the function object for operator and type.
#include <functional>

#include "core/interp/compiler.h"
#include "core/interp/ops.h"

namespace inlay::interp {

const Op* Compiler::expr(const Expr& expr) {
  switch (expr->kind) {
    case ExprKind::IntImm:
      return op<ConstOp>(from_int(expr.as<IntImm>()->value));
    case ExprKind::FloatImm:
      return op<ConstOp>(from_float(expr.as<FloatImm>()->value));
    case ExprKind::Var:
      return variable(*expr.as<VarNode>());
    case ExprKind::Cast: {
      const Expr& value = expr.as<Cast>()->value;
      Convert convert{value.type().element(), expr.type().element()};
      return op<UnaryOf<Convert>>(convert, this->expr(value), expr.type().lanes);
    }
    case ExprKind::Unary:
      return unary(*expr.as<Unary>());
    case ExprKind::Binary:
      return binary(*expr.as<Binary>());
    case ExprKind::Select:
      return select(*expr.as<Select>());
    case ExprKind::Load:
      return load(*expr.as<Load>(), false);
    case ExprKind::Ramp: {
      auto* ramp = expr.as<Ramp>();
      const Op* base = this->expr(ramp->base);
      return op<RampOp>(base, this->expr(ramp->stride), expr.type());
    }
    case ExprKind::Broadcast:
      return op<BroadcastOp>(this->expr(expr.as<Broadcast>()->value), expr.type().lanes);
    case ExprKind::CallMath:
      return math(*expr.as<CallMath>());
    case ExprKind::CallExtern:
    case ExprKind::InlineAsm:
      return external(expr);
    case ExprKind::View:
    case ExprKind::CallIntrin:
      break;
  }
  throw CompileError("type-mismatch", expr.loc(),
                     "a view or a call of an intrinsic can't be used as a value");
}

const Op* Compiler::variable(const VarNode& node) {
  if (auto known = env_->constants.vars.find(&node); known != env_->constants.vars.end()) {
    return op<ConstOp>(from_int(as_int(known->second)->value));
  }
  auto found = env_->vars.find(&node);
  if (found == env_->vars.end()) {
    throw CompileError("undefined", node.loc, "variable `" + node.name + "` is not defined here",
                       "verify the program before it is run");
  }
  return op<VarOp>(found->second, node.type.lanes);
}

const Op* Compiler::unary(const Unary& node) {
  const Op* a = expr(node.a);
  DType type = node.type.element();
  int lanes = node.type.lanes;
  if (node.op != UnaryOp::Neg) return op<UnaryOf<Invert>>(Invert{type}, a, lanes);
  if (type.is_float()) return op<UnaryOf<NegFloat>>(NegFloat{}, a, lanes);
  return op<UnaryOf<NegInt>>(NegInt{type}, a, lanes);
}

template <typename F>
const Op* Compiler::binary_op(F f, const Binary& node) {
  const Op* a = expr(node.a);
  const Op* b = expr(node.b);
  int lanes = node.a.type().lanes;
  return op<BinaryOf<F>>(f, a, b, lanes, scratch(lanes));
}

const Op* Compiler::binary(const Binary& node) {
  return node.a.type().is_float() ? float_binary(node) : integer_binary(node);
}

const Op* Compiler::integer_binary(const Binary& node) {
  DType type = node.a.type().element();
  bool is_u64 = type.is_uint() && type.bits == 64;
  auto wrapped = [&]<auto F>() {
    if (type.bits == 64) return binary_op(IntArith<F, KeepIndex>{{}}, node);
    return binary_op(IntArith<F, WrapTo>{{type}}, node);
  };
  auto plain = [&]<auto F>() { return binary_op(IntArith<F, KeepIndex>{{}}, node); };
  switch (node.op) {
    case BinaryOp::Add:
    case BinaryOp::Sub:
    case BinaryOp::Mul:
      if (checked_ && node.type == kIndex) {
        return binary_op(CheckedArith{node.op, checked_site_}, node);
      }
      if (node.op == BinaryOp::Add) return wrapped.operator()<arith::add>();
      if (node.op == BinaryOp::Sub) return wrapped.operator()<arith::sub>();
      return wrapped.operator()<arith::mul>();
    case BinaryOp::FloorDiv:
      if (is_u64) return binary_op(IntDivide<arith::udiv>{type, site(node.loc)}, node);
      return binary_op(IntDivide<arith::floor_div>{type, site(node.loc)}, node);
    case BinaryOp::FloorMod:
      if (is_u64) return binary_op(IntDivide<arith::umod>{type, site(node.loc)}, node);
      return binary_op(IntDivide<arith::floor_mod>{type, site(node.loc)}, node);
    case BinaryOp::Shl:
    case BinaryOp::Shr:
      return binary_op(Shift{node.op, type, site(node.loc)}, node);
    case BinaryOp::Or:
    case BinaryOp::BitOr:
      return plain.operator()<bit_or>();
    case BinaryOp::And:
    case BinaryOp::BitAnd:
      return plain.operator()<bit_and>();
    case BinaryOp::BitXor:
      return plain.operator()<bit_xor>();
    case BinaryOp::Eq:
      return binary_op(CompareInt<std::equal_to<>>{}, node);
    case BinaryOp::Ne:
      return binary_op(CompareInt<std::not_equal_to<>>{}, node);
    default:
      break;
  }
  if (is_u64) return binary_op(U64Op{node.op}, node);
  switch (node.op) {
    case BinaryOp::Lt:
      return binary_op(CompareInt<std::less<>>{}, node);
    case BinaryOp::Le:
      return binary_op(CompareInt<std::less_equal<>>{}, node);
    case BinaryOp::Gt:
      return binary_op(CompareInt<std::greater<>>{}, node);
    case BinaryOp::Ge:
      return binary_op(CompareInt<std::greater_equal<>>{}, node);
    case BinaryOp::Min:
      return plain.operator()<min_int>();
    default:
      return plain.operator()<max_int>();
  }
}

const Op* Compiler::float_binary(const Binary& node) {
  switch (node.op) {
    case BinaryOp::Eq:
      return binary_op(CompareFloat<std::equal_to<>>{}, node);
    case BinaryOp::Ne:
      return binary_op(CompareFloat<std::not_equal_to<>>{}, node);
    case BinaryOp::Lt:
      return binary_op(CompareFloat<std::less<>>{}, node);
    case BinaryOp::Le:
      return binary_op(CompareFloat<std::less_equal<>>{}, node);
    case BinaryOp::Gt:
      return binary_op(CompareFloat<std::greater<>>{}, node);
    case BinaryOp::Ge:
      return binary_op(CompareFloat<std::greater_equal<>>{}, node);
    case BinaryOp::Min:
      return binary_op(FloatPick<arith::min_num>{}, node);
    case BinaryOp::Max:
      return binary_op(FloatPick<arith::max_num>{}, node);
    default:
      break;
  }
  return arith::with_float(node.type, [&](auto kind) {
    using K = decltype(kind);
    switch (node.op) {
      case BinaryOp::Add:
        return binary_op(FloatArith<K, std::plus<>>{}, node);
      case BinaryOp::Sub:
        return binary_op(FloatArith<K, std::minus<>>{}, node);
      case BinaryOp::Mul:
        return binary_op(FloatArith<K, std::multiplies<>>{}, node);
      default:
        return binary_op(FloatArith<K, std::divides<>>{}, node);
    }
  });
}

const Op* Compiler::select(const Select& node) {
  const Op* condition = expr(node.condition);
  const Op* a = expr(node.a);
  const Op* b = expr(node.b);
  int lanes = node.type.lanes;
  if (node.condition.type().is_scalar()) return op<ChooseOp>(condition, a, b);
  return op<BlendOp>(condition, a, b, lanes, scratch(2 * lanes));
}

Access Compiler::access(const Buffer& buffer, const std::vector<Expr>& indices, bool write,
                        const Loc& loc) {
  const BufferSlot& at = slot(buffer);
  if (write && at.param >= 0) out_.written[at.param] = true;
  Access access{at.buffer, at.dims, site(loc, buffer.name(), write), {}, 1};
  for (const Expr& index : indices) {
    auto* var = index.as<VarNode>();
    auto plain = var && index.type().is_scalar() ? env_->vars.find(var) : env_->vars.end();
    access.indices.push_back(
        {expr(index), plain == env_->vars.end() ? -1 : int64_t{plain->second}});
    access.lanes = index.type().lanes;
  }
  code_.max_lanes = std::max(code_.max_lanes, access.lanes);
  return access;
}

const Op* Compiler::load(const Load& node, bool copied) {
  Access from = access(node.buffer, node.indices, false, node.loc);
  return with_element(node.type, [&](auto element) -> const Op* {
    using Element = decltype(element);
    int bytes = node.type.bytes();
    if (copied) return op<LoadOp<Element, true>>(std::move(from), bytes);
    return op<LoadOp<Element, false>>(std::move(from), bytes);
  });
}

bool Compiler::is_copy(const Expr& value) {
  auto* choice = value.as<Select>();
  if (!choice) return value.as<Load>() != nullptr;
  return choice->condition.type().is_scalar() && (is_copy(choice->a) || is_copy(choice->b));
}

const Op* Compiler::copied(const Expr& value) {
  if (!is_copy(value)) return expr(value);
  if (auto* node = value.as<Load>()) return load(*node, true);
  auto* choice = value.as<Select>();
  const Op* condition = expr(choice->condition);
  const Op* a = copied(choice->a);
  return op<ChooseOp>(condition, a, copied(choice->b));
}

const Op* Compiler::math(const CallMath& node) {
  std::vector<const Op*> args;
  for (const Expr& arg : node.args) args.push_back(expr(arg));
  int lanes = node.type.lanes;
  return op<MathOpOf>(node.op, node.type, std::move(args),
                      scratch(lanes * static_cast<int>(node.args.size())));
}

const Op* Compiler::shape_expr(const Expr& expr, const Loc& loc) {
  bool outer = std::exchange(checked_, true);
  uint32_t outer_site = std::exchange(checked_site_, site(loc));
  const Op* result = this->expr(expr);
  checked_ = outer;
  checked_site_ = outer_site;
  return result;
}

ViewSpec Compiler::view(const View& node, bool may_write) {
  ViewSpec spec;
  spec.from = slot(node.buffer);
  if (may_write && spec.from.param >= 0) out_.written[spec.from.param] = true;
  spec.site = site(node.loc, node.buffer.name(), may_write);
  spec.whole = node.is_whole();
  for (const ViewDim& dim : node.dims) {
    // The extents of a whole view are those that the buffer was bound with.
    spec.dims.push_back({spec.whole ? nullptr : expr(dim.min),
                         spec.whole || !dim.extent ? nullptr : expr(dim.extent)});
  }
  return spec;
}

namespace {

// A call that only the ExternHandler can run.
class ExternOp : public Op {
 public:
  struct Arg {
    const Op* scalar = nullptr;  // null: a view
    DType type;
    ViewSpec view;
  };
  ExternOp(std::string symbol, bool is_asm, DType type, std::vector<Arg> args, uint32_t site)
      : symbol_(std::move(symbol)),
        is_asm_(is_asm),
        type_(type),
        args_(std::move(args)),
        site_(site) {}

  Value eval(Machine& machine) const override {
    std::vector<ArgValue> values;
    for (const Arg& arg : args_) {
      if (arg.scalar) {
        values.push_back(to_scalar(arg.scalar->eval(machine), arg.type));
        continue;
      }
      Region region = resolve(machine, arg.view);
      TensorRef tensor{arg.type,
                       region.shape,
                       region.strides,
                       region.storage->data + region.origin * arg.type.bytes(),
                       0,
                       false};
      // What it writes is unknown, and so are its accesses.
      std::fill(region.storage->written.begin(), region.storage->written.end(), 1);
      values.push_back(tensor);
    }
    ExternHandler* handler = machine.options.externs;
    ScalarValue result = int64_t{0};
    if (!handler || !handler->call(symbol_, values, &result)) refuse(machine, handler);
    if (type_.is_void()) return {};
    Value value;
    if (!to_value(result, type_, &value)) {
      machine.fault(site_, "extern", "handler of `" + symbol_ + "` gave no " + to_string(type_));
    }
    return value;
  }

 private:
  [[noreturn]] void refuse(Machine& machine, bool handled) const {
    std::string what = is_asm_ ? "inline assembly" : "call of `" + symbol_ + "`";
    machine.fault(site_, "extern",
                  handled ? what + " is not known to the handler of externs"
                          : what + " can't be interpreted: it is machine code",
                  "an intrinsic's meaning can be: interpret the program before its intrinsics are "
                  "lowered, or lower it without a target");
  }

  std::string symbol_;
  bool is_asm_;
  DType type_;
  std::vector<Arg> args_;
  uint32_t site_;
};

}  // namespace

const Op* Compiler::external(const Expr& call) {
  auto* plain = call.as<CallExtern>();
  auto* assembly = call.as<InlineAsm>();
  std::vector<ExternOp::Arg> args;
  bool vectors = call.type().is_vector();
  for (const Expr& arg : plain ? plain->args : assembly->args) {
    if (auto* viewed = arg.as<View>()) {
      args.push_back({nullptr, viewed->buffer->type, view(*viewed, true)});
    } else {
      vectors |= arg.type().is_vector();
      args.push_back({expr(arg), arg.type(), {}});
    }
  }
  if (vectors) {
    throw CompileError("extern", call.loc(),
                       "an extern call with vector arguments or result can't be interpreted");
  }
  return op<ExternOp>(plain ? plain->symbol : assembly->text, assembly != nullptr, call.type(),
                      std::move(args), site(call.loc()));
}

}  // namespace inlay::interp
