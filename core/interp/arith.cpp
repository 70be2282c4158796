// The operators, picked by a switch: for constant folding, and the rare ones of the interpreter.
#include "core/interp/arith.h"

namespace inlay::arith {

namespace {

std::optional<int64_t> shift(bool left, DType type, int64_t a, int64_t b) {
  if (b < 0 || b >= type.bits) return std::nullopt;
  if (left) return wrap(static_cast<int64_t>(static_cast<uint64_t>(a) << b), type);
  return type.is_int() ? a >> b : static_cast<int64_t>(static_cast<uint64_t>(a) >> b);
}

}  // namespace

std::optional<int64_t> int_binary(BinaryOp op, DType type, int64_t a, int64_t b) {
  // u64 is the one type whose canonical form does not compare as a signed number.
  bool is_u64 = type.is_uint() && type.bits == 64;
  bool less = is_u64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
  switch (op) {
    case BinaryOp::Or:
      return a | b;
    case BinaryOp::And:
      return a & b;
    case BinaryOp::Eq:
      return a == b;
    case BinaryOp::Ne:
      return a != b;
    case BinaryOp::Lt:
      return less;
    case BinaryOp::Le:
      return less || a == b;
    case BinaryOp::Gt:
      return !less && a != b;
    case BinaryOp::Ge:
      return !less;
    case BinaryOp::BitOr:
      return a | b;
    case BinaryOp::BitXor:
      return a ^ b;
    case BinaryOp::BitAnd:
      return a & b;
    case BinaryOp::Shl:
      return shift(true, type, a, b);
    case BinaryOp::Shr:
      return shift(false, type, a, b);
    case BinaryOp::Add:
      return wrap(add(a, b), type);
    case BinaryOp::Sub:
      return wrap(sub(a, b), type);
    case BinaryOp::Mul:
      return wrap(mul(a, b), type);
    case BinaryOp::FloorDiv:
      if (b == 0) return std::nullopt;
      return wrap(is_u64 ? udiv(a, b) : floor_div(a, b), type);
    case BinaryOp::FloorMod:
      if (b == 0) return std::nullopt;
      return is_u64 ? umod(a, b) : floor_mod(a, b);
    case BinaryOp::Min:
      return less ? a : b;
    case BinaryOp::Max:
      return less ? b : a;
    case BinaryOp::Div:
      break;
  }
  INLAY_CHECK(false, "operator does not take integers");
  return std::nullopt;
}

double float_binary(BinaryOp op, DType type, double a, double b) {
  return with_float(type, [&](auto kind) -> double {
    using K = decltype(kind);
    auto x = static_cast<typename K::T>(a), y = static_cast<typename K::T>(b);
    switch (op) {
      case BinaryOp::Add:
        return K::round(x + y);
      case BinaryOp::Sub:
        return K::round(x - y);
      case BinaryOp::Mul:
        return K::round(x * y);
      case BinaryOp::Div:
        return K::round(x / y);
      case BinaryOp::Min:
        return min_num(a, b);
      case BinaryOp::Max:
        return max_num(a, b);
      default:
        break;
    }
    INLAY_CHECK(false, "operator does not take floats");
    return 0;
  });
}

bool float_compare(BinaryOp op, double a, double b) {
  switch (op) {
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
    default:
      break;
  }
  INLAY_CHECK(false, "operator is no comparison");
  return false;
}

double float_math(MathOp op, DType type, const double* args) {
  // Functions of libm go through double: at most one unit of the last place of a narrower type from
  // any libm, and the nearest number nearly always.
  const double a = args[0];
  const double b = arity(op) > 1 ? args[1] : 0;
  switch (op) {
    case MathOp::Abs:
      return std::fabs(a);
    case MathOp::Floor:
      return std::floor(a);
    case MathOp::Ceil:
      return std::ceil(a);
    case MathOp::Trunc:
      return std::trunc(a);
    case MathOp::Round:
      return round_to(type, std::round(a));
    case MathOp::Pow:
      return round_to(type, std::pow(a, b));
    case MathOp::Atan2:
      return round_to(type, std::atan2(a, b));
    case MathOp::Hypot:
      return round_to(type, std::hypot(a, b));
#define UNARY(Name, function) \
  case MathOp::Name:          \
    return round_to(type, std::function(a));
      UNARY(Exp, exp)
      UNARY(Exp2, exp2)
      UNARY(Expm1, expm1)
      UNARY(Log, log)
      UNARY(Log2, log2)
      UNARY(Log10, log10)
      UNARY(Log1p, log1p)
      UNARY(Sin, sin)
      UNARY(Cos, cos)
      UNARY(Tan, tan)
      UNARY(Asin, asin)
      UNARY(Acos, acos)
      UNARY(Atan, atan)
      UNARY(Sinh, sinh)
      UNARY(Cosh, cosh)
      UNARY(Tanh, tanh)
      UNARY(Erf, erf)
      UNARY(Erfc, erfc)
      UNARY(Cbrt, cbrt)
#undef UNARY
    case MathOp::Sqrt:
    case MathOp::Rsqrt:
    case MathOp::Sigmoid:
    case MathOp::Fma:
      break;
  }
  return with_float(type, [&](auto kind) -> double {
    using T = typename decltype(kind)::T;
    const T x = static_cast<T>(a);
    if (op == MathOp::Sqrt) return kind.round(std::sqrt(x));
    if (op == MathOp::Rsqrt) return kind.round(T(1) / std::sqrt(x));
    if (op == MathOp::Sigmoid) return kind.round(T(1) / (T(1) + static_cast<T>(std::exp(-a))));
    return kind.round(std::fma(x, static_cast<T>(b), static_cast<T>(args[2])));
  });
}

int64_t int_to_int(DType to, int64_t value) {
  return to.is_bool() ? value != 0 : wrap(value, to);
}

double int_to_float(DType from, DType to, int64_t value) {
  bool negative = !from.is_uint() && value < 0;
  uint64_t magnitude = negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (to.bits == 64) {
    return negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude);
  }
  // Past 53 bits the lowest kept bit stands for all that is lost, so that only one rounding counts.
  double exact =
      magnitude >> 53
          ? std::ldexp(static_cast<double>((magnitude >> 11) | ((magnitude & 0x7ff) != 0)), 11)
          : static_cast<double>(magnitude);
  return round_to(to, negative ? -exact : exact);
}

int64_t float_to_int(DType to, double value) {
  if (to.is_bool()) return value != 0;
  if (std::isnan(value)) return 0;
  double limit = std::ldexp(1.0, to.is_int() ? to.bits - 1 : to.bits);
  double whole = std::trunc(value);
  if (to.is_int()) {
    if (whole >= limit) return static_cast<int64_t>((uint64_t{1} << (to.bits - 1)) - 1);
    if (whole < -limit) return wrap(static_cast<int64_t>(uint64_t{1} << (to.bits - 1)), to);
    return static_cast<int64_t>(whole);
  }
  if (whole <= 0) return 0;
  if (whole >= limit) return wrap(-1, to);
  return static_cast<int64_t>(static_cast<uint64_t>(whole));
}

}  // namespace inlay::arith
