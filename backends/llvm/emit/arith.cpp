// Bit for bit what the interpreter computes; see expr.h and operators.def for what that is.
#include "backends/llvm/emit/arith.h"

#include <llvm/IR/Intrinsics.h>

namespace inlay::emit {

namespace {

llvm::Type* with_lanes(llvm::Type* scalar, DType type) {
  return type.is_scalar() ? scalar : llvm::FixedVectorType::get(scalar, type.lanes);
}

llvm::Type* number_type(llvm::LLVMContext& context, DType type) {
  switch (type.code) {
    case TypeCode::Bool:
      return llvm::Type::getInt1Ty(context);
    case TypeCode::Int:
    case TypeCode::UInt:
      return llvm::Type::getIntNTy(context, type.bits);
    case TypeCode::Float:
      return type.bits == 64 ? llvm::Type::getDoubleTy(context) : llvm::Type::getFloatTy(context);
    case TypeCode::BFloat:
      return llvm::Type::getFloatTy(context);
    case TypeCode::Pointer:
      return llvm::PointerType::getUnqual(context);
    case TypeCode::Void:
      return llvm::Type::getVoidTy(context);
  }
  return nullptr;
}

// The divisor, if it is one integer constant in all lanes.
const llvm::APInt* constant_divisor(llvm::Value* value) {
  auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (!constant) return nullptr;
  if (constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  auto* integer = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant);
  return integer ? &integer->getValue() : nullptr;
}

}  // namespace

llvm::Type* value_type(llvm::LLVMContext& context, DType type) {
  llvm::Type* scalar = is_narrow_float(type) ? llvm::Type::getInt16Ty(context)
                                             : number_type(context, type.element());
  return with_lanes(scalar, type);
}

llvm::Type* memory_type(llvm::LLVMContext& context, DType type) {
  return type.is_bool() ? llvm::Type::getInt8Ty(context) : value_type(context, type.element());
}

llvm::Type* abi_type(llvm::LLVMContext& context, DType type) {
  if (!is_narrow_float(type)) return value_type(context, type);
  return with_lanes(type.code == TypeCode::BFloat ? llvm::Type::getBFloatTy(context)
                                                  : llvm::Type::getHalfTy(context),
                    type);
}

bool is_libm(MathOp op) {
  switch (op) {
#define INLAY_LIBM_OP(Name, spelling, arity) case MathOp::Name:
#include "core/ir/operators.def"
    return true;
    default:
      return false;
  }
}

llvm::Type* Arith::like(llvm::Type* scalar, llvm::Value* shape) {
  auto* vector = llvm::dyn_cast<llvm::VectorType>(shape->getType());
  return vector ? llvm::VectorType::get(scalar, vector->getElementCount()) : scalar;
}

llvm::Value* Arith::int_like(llvm::Value* shape, uint64_t value) {
  return llvm::ConstantInt::get(shape->getType(), value);
}

llvm::Value* Arith::constant(DType type, double value) {
  llvm::LLVMContext& context = b_.getContext();
  if (type.is_float()) {
    llvm::APFloat number(value);
    bool lost = false;
    const llvm::fltSemantics& semantics = type.code == TypeCode::BFloat ? llvm::APFloat::BFloat()
                                          : type.bits == 16             ? llvm::APFloat::IEEEhalf()
                                          : type.bits == 32 ? llvm::APFloat::IEEEsingle()
                                                            : llvm::APFloat::IEEEdouble();
    number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
    if (is_narrow_float(type)) return b_.getInt(number.bitcastToAPInt());
    return llvm::ConstantFP::get(context, number);
  }
  return llvm::ConstantInt::get(value_type(context, type), static_cast<uint64_t>(value));
}

llvm::Value* Arith::unary(UnaryOp op, DType type, llvm::Value* a) {
  switch (op) {
    case UnaryOp::Not:
    case UnaryOp::BitNot:
      return b_.CreateNot(a);
    case UnaryOp::Neg:
      if (!type.is_float()) return b_.CreateNeg(a);
      return is_narrow_float(type) ? b_.CreateXor(a, int_like(a, 0x8000)) : b_.CreateFNeg(a);
  }
  return nullptr;
}

llvm::Value* Arith::binary(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b) {
  switch (op) {
    case BinaryOp::Eq:
    case BinaryOp::Ne:
    case BinaryOp::Lt:
    case BinaryOp::Le:
    case BinaryOp::Gt:
    case BinaryOp::Ge:
      return compare(op, type, a, b);
    default:
      break;
  }
  if (!type.is_float()) return integer(op, type, a, b);
  llvm::Value* x = is_narrow_float(type) ? widen(type, a) : a;
  llvm::Value* y = is_narrow_float(type) ? widen(type, b) : b;
  if (op == BinaryOp::Min || op == BinaryOp::Max) {
    // The other operand if one is NaN; the first of two equal ones (so of zeros, too).
    llvm::Value* second = op == BinaryOp::Min ? b_.CreateFCmpOLT(y, x) : b_.CreateFCmpOGT(y, x);
    return b_.CreateSelect(b_.CreateOr(second, b_.CreateFCmpUNO(x, x)), b, a);
  }
  llvm::Value* result = nullptr;
  switch (op) {
    case BinaryOp::Add:
      result = b_.CreateFAdd(x, y);
      break;
    case BinaryOp::Sub:
      result = b_.CreateFSub(x, y);
      break;
    case BinaryOp::Mul:
      result = b_.CreateFMul(x, y);
      break;
    case BinaryOp::Div:
      result = b_.CreateFDiv(x, y);
      break;
    default:
      INLAY_CHECK(false, "operator on floats");
  }
  return is_narrow_float(type) ? narrow(type, result) : result;
}

llvm::Value* Arith::compare(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b) {
  if (type.is_float()) {
    if (is_narrow_float(type)) {
      a = widen(type, a);
      b = widen(type, b);
    }
    switch (op) {
      case BinaryOp::Eq:
        return b_.CreateFCmpOEQ(a, b);
      case BinaryOp::Ne:
        return b_.CreateFCmpUNE(a, b);
      case BinaryOp::Lt:
        return b_.CreateFCmpOLT(a, b);
      case BinaryOp::Le:
        return b_.CreateFCmpOLE(a, b);
      case BinaryOp::Gt:
        return b_.CreateFCmpOGT(a, b);
      default:
        return b_.CreateFCmpOGE(a, b);
    }
  }
  bool is_signed = type.is_int();
  switch (op) {
    case BinaryOp::Eq:
      return b_.CreateICmpEQ(a, b);
    case BinaryOp::Ne:
      return b_.CreateICmpNE(a, b);
    case BinaryOp::Lt:
      return is_signed ? b_.CreateICmpSLT(a, b) : b_.CreateICmpULT(a, b);
    case BinaryOp::Le:
      return is_signed ? b_.CreateICmpSLE(a, b) : b_.CreateICmpULE(a, b);
    case BinaryOp::Gt:
      return is_signed ? b_.CreateICmpSGT(a, b) : b_.CreateICmpUGT(a, b);
    default:
      return is_signed ? b_.CreateICmpSGE(a, b) : b_.CreateICmpUGE(a, b);
  }
}

llvm::Value* Arith::integer(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b) {
  using llvm::Intrinsic::smax;
  using llvm::Intrinsic::smin;
  using llvm::Intrinsic::umax;
  using llvm::Intrinsic::umin;
  bool is_signed = type.is_int();
  switch (op) {
    case BinaryOp::Or:
    case BinaryOp::BitOr:
      return b_.CreateOr(a, b);
    case BinaryOp::And:
    case BinaryOp::BitAnd:
      return b_.CreateAnd(a, b);
    case BinaryOp::BitXor:
      return b_.CreateXor(a, b);
    case BinaryOp::Shl:
      return b_.CreateShl(a, b);
    case BinaryOp::Shr:
      return is_signed ? b_.CreateAShr(a, b) : b_.CreateLShr(a, b);
    case BinaryOp::Add:
      return b_.CreateAdd(a, b);
    case BinaryOp::Sub:
      return b_.CreateSub(a, b);
    case BinaryOp::Mul:
      return b_.CreateMul(a, b);
    case BinaryOp::FloorDiv:
    case BinaryOp::FloorMod: {
      if (type.bits < facts_.division_bits) {
        DType wide = type;
        wide.bits = facts_.division_bits;
        return cast(type, wide, integer(op, wide, cast(wide, type, a), cast(wide, type, b)));
      }
      return op == BinaryOp::FloorDiv ? floor_div(type, a, b) : floor_mod(type, a, b);
    }
    case BinaryOp::Min:
      return b_.CreateBinaryIntrinsic(is_signed ? smin : umin, a, b);
    case BinaryOp::Max:
      return b_.CreateBinaryIntrinsic(is_signed ? smax : umax, a, b);
    default:
      INLAY_CHECK(false, "operator on integers");
  }
  return nullptr;
}

llvm::Value* Arith::floor_div(DType type, llvm::Value* a, llvm::Value* b) {
  if (!type.is_int()) return b_.CreateUDiv(a, b);
  const llvm::APInt* divisor = constant_divisor(b);
  if (divisor && divisor->isStrictlyPositive()) {
    if (divisor->isPowerOf2()) return b_.CreateAShr(a, int_like(a, divisor->logBase2()));
    // With s = 0 or -1 by the sign of a: floor(a / b) = s ^ ((s ^ a) / b), unsigned; where a is
    // known not to be negative, all but the division folds away.
    llvm::Value* sign = b_.CreateAShr(a, int_like(a, type.bits - 1));
    return b_.CreateXor(b_.CreateUDiv(b_.CreateXor(a, sign), b), sign);
  }
  // Division by -1 traps at the least integer, where the IR wraps: it is a negation.
  llvm::Value* minus_one = b_.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(b->getType()));
  llvm::Value* safe = b_.CreateSelect(minus_one, int_like(b, 1), b);
  llvm::Value* quotient = b_.CreateSDiv(a, safe);
  llvm::Value* rest = b_.CreateSub(a, b_.CreateMul(quotient, safe));
  llvm::Value* zero = int_like(a, 0);
  llvm::Value* below =
      b_.CreateAnd(b_.CreateICmpNE(rest, zero), b_.CreateICmpSLT(b_.CreateXor(rest, safe), zero));
  llvm::Value* floor = b_.CreateSub(quotient, b_.CreateZExt(below, a->getType()));
  return b_.CreateSelect(minus_one, b_.CreateNeg(a), floor);
}

llvm::Value* Arith::floor_mod(DType type, llvm::Value* a, llvm::Value* b) {
  if (!type.is_int()) return b_.CreateURem(a, b);
  const llvm::APInt* divisor = constant_divisor(b);
  if (divisor && divisor->isPowerOf2() && divisor->isStrictlyPositive()) {
    return b_.CreateAnd(a, b_.CreateSub(b, int_like(b, 1)));
  }
  return b_.CreateSub(a, b_.CreateMul(floor_div(type, a, b), b));
}

llvm::Value* Arith::cast(DType to, DType from, llvm::Value* value) {
  if (to == from) return value;
  llvm::Type* type = value_type(b_.getContext(), to);
  if (to.is_bool()) {
    llvm::Value* number = is_narrow_float(from) ? widen(from, value) : value;
    llvm::Value* zero = llvm::Constant::getNullValue(number->getType());
    return from.is_float() ? b_.CreateFCmpUNE(number, zero) : b_.CreateICmpNE(number, zero);
  }
  if (to.is_integer()) {
    if (from.is_float()) return float_to_int(to, from, value);
    return from.is_int() ? b_.CreateSExtOrTrunc(value, type) : b_.CreateZExtOrTrunc(value, type);
  }
  return from.is_float() ? float_to_float(to, from, value) : int_to_float(to, from, value);
}

llvm::Value* Arith::float_to_int(DType to, DType from, llvm::Value* value) {
  if (is_narrow_float(from)) value = widen(from, value);
  llvm::Type* type = value_type(b_.getContext(), to);
  auto id = to.is_int() ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
  return b_.CreateIntrinsic(id, {type, value->getType()}, {value});
}

llvm::Value* Arith::float_to_float(DType to, DType from, llvm::Value* value) {
  if (is_narrow_float(from)) {
    value = widen(from, value);
    from = kF32.with_lanes(from.lanes);
  }
  if (is_narrow_float(to)) return narrow(to, from.bits == 64 ? round_to_odd(value) : value);
  return b_.CreateFPCast(value, value_type(b_.getContext(), to));
}

llvm::Value* Arith::int_to_float(DType to, DType from, llvm::Value* value) {
  bool is_signed = from.is_int();
  auto convert = [&](llvm::Type* type) {
    return is_signed ? b_.CreateSIToFP(value, type) : b_.CreateUIToFP(value, type);
  };
  if (!is_narrow_float(to)) return convert(value_type(b_.getContext(), to));
  // One rounding: the integer is made exact in float, its lost part kept as a sticky last bit.
  if (from.bits <= 16) return narrow(to, convert(like(b_.getFloatTy(), value)));
  if (from.bits == 64) {
    // Integers below 2^53 are exact in double; above, bits 0 to 10 collapse into bit 11. The value
    // stays in its range: the sum does not carry past bit 11.
    llvm::Value* magnitude =
        is_signed ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, value, b_.getFalse()) : value;
    llvm::Value* low = int_like(value, 0x7ff);
    llvm::Value* sticky = b_.CreateAdd(b_.CreateAnd(magnitude, low), low);
    llvm::Value* rounded = b_.CreateAnd(b_.CreateOr(magnitude, sticky), b_.CreateNot(low));
    llvm::Value* large = b_.CreateICmpUGT(magnitude, int_like(value, uint64_t{1} << 53));
    magnitude = b_.CreateSelect(large, rounded, magnitude);
    llvm::Value* number = b_.CreateUIToFP(magnitude, like(b_.getDoubleTy(), value));
    if (is_signed) {
      llvm::Value* negative = b_.CreateICmpSLT(value, int_like(value, 0));
      number = b_.CreateSelect(negative, b_.CreateFNeg(number), number);
    }
    return narrow(to, round_to_odd(number));
  }
  return narrow(to, round_to_odd(convert(like(b_.getDoubleTy(), value))));
}

// double to float, inexact results rounded to an odd last bit: a second rounding to fewer bits is
// then as if there had been one (Boldo, Melquiond: "Emulation of a FMA and correctly rounded
// sums").
llvm::Value* Arith::round_to_odd(llvm::Value* value) {
  llvm::Value* near = b_.CreateFPTrunc(value, like(b_.getFloatTy(), value));
  llvm::Value* back = b_.CreateFPExt(near, value->getType());
  llvm::Value* bits = b_.CreateBitCast(near, like(b_.getInt32Ty(), value));
  llvm::Value* away = b_.CreateFCmpOGT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, back),
                                       b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, value));
  llvm::Value* odd =
      b_.CreateOr(b_.CreateSub(bits, b_.CreateZExt(away, bits->getType())), int_like(bits, 1));
  bits = b_.CreateSelect(b_.CreateFCmpONE(back, value), odd, bits);
  return b_.CreateBitCast(bits, near->getType());
}

llvm::Value* Arith::widen(DType type, llvm::Value* value) {
  llvm::Type* result = like(b_.getFloatTy(), value);
  if (type.code == TypeCode::BFloat) {
    llvm::Value* wide = b_.CreateZExt(value, like(b_.getInt32Ty(), value));
    return b_.CreateBitCast(b_.CreateShl(wide, int_like(wide, 16)), result);
  }
  if (facts_.converts_f16) {
    return b_.CreateFPExt(b_.CreateBitCast(value, like(b_.getHalfTy(), value)), result);
  }
  return b_.CreateBitCast(half_to_float_bits(value), result);
}

llvm::Value* Arith::narrow(DType type, llvm::Value* value) {
  llvm::Type* result = like(b_.getInt16Ty(), value);
  llvm::Value* bits = b_.CreateBitCast(value, like(b_.getInt32Ty(), value));
  if (type.code == TypeCode::BFloat) {
    llvm::Value* high = b_.CreateLShr(bits, int_like(bits, 16));
    llvm::Value* even = b_.CreateAnd(high, int_like(bits, 1));
    llvm::Value* rounded = b_.CreateLShr(
        b_.CreateAdd(bits, b_.CreateAdd(even, int_like(bits, 0x7fff))), int_like(bits, 16));
    llvm::Value* quiet = b_.CreateOr(high, int_like(bits, 0x40));
    return b_.CreateTrunc(b_.CreateSelect(b_.CreateFCmpUNO(value, value), quiet, rounded), result);
  }
  if (facts_.converts_f16) {
    return b_.CreateBitCast(b_.CreateFPTrunc(value, like(b_.getHalfTy(), value)), result);
  }
  return b_.CreateTrunc(float_to_half_bits(bits), result);
}

llvm::Value* Arith::half_to_float_bits(llvm::Value* half) {
  llvm::Value* bits = b_.CreateZExt(half, like(b_.getInt32Ty(), half));
  auto number = [&](uint64_t value) { return int_like(bits, value); };
  llvm::Value* sign = b_.CreateShl(b_.CreateAnd(bits, number(0x8000)), number(16));
  llvm::Value* rest = b_.CreateAnd(bits, number(0x7fff));
  llvm::Value* shifted = b_.CreateShl(rest, number(13));
  llvm::Value* normal = b_.CreateAdd(shifted, number(uint64_t{127 - 15} << 23));
  llvm::Value* special = b_.CreateOr(shifted, number(0x7f800000));
  // A subnormal is its integer times 2^-24, exactly.
  llvm::Type* float_type = like(b_.getFloatTy(), half);
  llvm::Value* tiny = b_.CreateBitCast(
      b_.CreateFMul(b_.CreateUIToFP(rest, float_type), llvm::ConstantFP::get(float_type, 0x1p-24)),
      bits->getType());
  llvm::Value* magnitude = b_.CreateSelect(b_.CreateICmpULT(rest, number(0x400)), tiny, normal);
  magnitude = b_.CreateSelect(b_.CreateICmpUGE(rest, number(0x7c00)), special, magnitude);
  return b_.CreateOr(magnitude, sign);
}

llvm::Value* Arith::float_to_half_bits(llvm::Value* bits) {
  auto number = [&](uint64_t value) { return int_like(bits, value); };
  llvm::Value* sign = b_.CreateAnd(b_.CreateLShr(bits, number(16)), number(0x8000));
  llvm::Value* rest = b_.CreateAnd(bits, number(0x7fffffff));
  // Normal: rebias the exponent and round at bit 13; a carry into the exponent is right, up to
  // infinity.
  llvm::Value* even = b_.CreateAnd(b_.CreateLShr(rest, number(13)), number(1));
  llvm::Value* rounded = b_.CreateAdd(rest, b_.CreateAdd(even, number(0xfff)));
  llvm::Value* normal =
      b_.CreateLShr(b_.CreateSub(rounded, number(uint64_t{127 - 15} << 23)), number(13));
  // Subnormal: adding 0.5, whose last bit is worth 2^-24, rounds at that bit.
  llvm::Type* float_type = like(b_.getFloatTy(), bits);
  llvm::Value* shifted =
      b_.CreateFAdd(b_.CreateBitCast(rest, float_type), llvm::ConstantFP::get(float_type, 0.5));
  llvm::Value* tiny = b_.CreateSub(b_.CreateBitCast(shifted, bits->getType()), number(0x3f000000));
  llvm::Value* result = b_.CreateSelect(b_.CreateICmpULT(rest, number(0x38800000)), tiny, normal);
  result = b_.CreateSelect(b_.CreateICmpUGE(rest, number(0x47800000)), number(0x7c00), result);
  result = b_.CreateSelect(b_.CreateICmpUGT(rest, number(0x7f800000)), number(0x7e00), result);
  return b_.CreateOr(result, sign);
}

llvm::Value* Arith::math(MathOp op, DType type, llvm::ArrayRef<llvm::Value*> args) {
  llvm::SmallVector<llvm::Value*, 3> wide(args);
  if (is_narrow_float(type)) {
    if (op == MathOp::Abs) return b_.CreateAnd(args[0], int_like(args[0], 0x7fff));
    for (llvm::Value*& arg : wide) arg = widen(type, arg);
  }
  llvm::Intrinsic::ID id = llvm::Intrinsic::not_intrinsic;
  switch (op) {
    case MathOp::Abs:
      id = llvm::Intrinsic::fabs;
      break;
    case MathOp::Sqrt:
    case MathOp::Rsqrt:
      id = llvm::Intrinsic::sqrt;
      break;
    case MathOp::Floor:
      id = llvm::Intrinsic::floor;
      break;
    case MathOp::Ceil:
      id = llvm::Intrinsic::ceil;
      break;
    case MathOp::Trunc:
      id = llvm::Intrinsic::trunc;
      break;
    case MathOp::Round:
      id = llvm::Intrinsic::round;
      break;
    case MathOp::Fma:
      id = llvm::Intrinsic::fma;
      break;
    default:
      INLAY_CHECK(false, "a function of libm is called, not computed");
  }
  llvm::Value* result = b_.CreateIntrinsic(id, {wide[0]->getType()}, wide);
  if (op == MathOp::Rsqrt) {
    result = b_.CreateFDiv(llvm::ConstantFP::get(result->getType(), 1.0), result);
  }
  return is_narrow_float(type) ? narrow(type, result) : result;
}

}  // namespace inlay::emit
