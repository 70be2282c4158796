// Arithmetic of the IR as LLVM instructions: the operations whose meaning differs from LLVM's own.
//
// Values are held as: bool i1, integers iN, f32 float, f64 double, and f16 and bf16 as their bits
// in i16, since targets without them would need libcalls that nobody provides: they are widened to
// float, computed there, and rounded once. In memory a bool is an i8.
#pragma once

#include <llvm/Analysis/TargetFolder.h>
#include <llvm/IR/IRBuilder.h>

#include "core/ir/expr.h"

namespace inlay::emit {

/// Folds constants alone: private shapes must come out as numbers. (InstSimplify would fold a
/// loop's phi while it has one operand.)
using Builder = llvm::IRBuilder<llvm::TargetFolder>;

/// Type of a value in registers.
llvm::Type* value_type(llvm::LLVMContext& context, DType type);
/// Type of an element in memory; `type` scalar.
llvm::Type* memory_type(llvm::LLVMContext& context, DType type);
/// Type by the C ABI: half and bfloat are themselves.
llvm::Type* abi_type(llvm::LLVMContext& context, DType type);

inline bool is_narrow_float(DType type) {
  return type.is_float() && type.bits == 16;
}

/// What the target computes by itself, beyond the baseline.
struct ArithFacts {
  bool converts_f16 = false;  ///< f16 <-> f32 is an instruction
  uint8_t division_bits = 0;  ///< narrower integers are divided in so many bits
};

class Arith {
 public:
  Arith(Builder& builder, ArithFacts facts) : b_(builder), facts_(facts) {}

  llvm::Value* constant(DType type, double value);
  llvm::Value* unary(UnaryOp op, DType type, llvm::Value* a);
  llvm::Value* binary(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b);
  llvm::Value* cast(DType to, DType from, llvm::Value* value);
  /// Math functions other than those of libm; see is_libm().
  llvm::Value* math(MathOp op, DType type, llvm::ArrayRef<llvm::Value*> args);

  /// f16 or bf16 bits to float, and back with one rounding to nearest even.
  llvm::Value* widen(DType type, llvm::Value* value);
  llvm::Value* narrow(DType type, llvm::Value* value);

 private:
  llvm::Value* compare(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b);
  llvm::Value* integer(BinaryOp op, DType type, llvm::Value* a, llvm::Value* b);
  llvm::Value* floor_div(DType type, llvm::Value* a, llvm::Value* b);
  llvm::Value* floor_mod(DType type, llvm::Value* a, llvm::Value* b);
  llvm::Value* float_to_float(DType to, DType from, llvm::Value* value);
  llvm::Value* int_to_float(DType to, DType from, llvm::Value* value);
  llvm::Value* float_to_int(DType to, DType from, llvm::Value* value);
  llvm::Value* half_to_float_bits(llvm::Value* bits);
  llvm::Value* float_to_half_bits(llvm::Value* bits);
  llvm::Value* round_to_odd(llvm::Value* value);
  llvm::Type* like(llvm::Type* scalar, llvm::Value* shape);
  llvm::Value* int_like(llvm::Value* shape, uint64_t value);

  Builder& b_;
  ArithFacts facts_;
};

/// True for the functions that are calls of libm: INLAY_LIBM_OP in core/ir/operators.def.
bool is_libm(MathOp op);

}  // namespace inlay::emit
