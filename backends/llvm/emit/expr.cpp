// Expressions: values, select, math, extern calls and inline assembly.
#include <llvm/IR/InlineAsm.h>
#include <llvm/Support/Error.h>

#include "backends/llvm/emit/function_emitter.h"

namespace inlay::emit {

namespace {

// May `expr` be evaluated where the program does not ask for it? Such a select becomes one
// instruction, others a branch.
bool is_speculatable(const Expr& expr) {
  if (expr->depth > 16) return false;
  switch (expr->kind) {
    case ExprKind::IntImm:
    case ExprKind::FloatImm:
    case ExprKind::Var:
      return true;
    case ExprKind::Cast:
      return is_speculatable(expr.as<Cast>()->value);
    case ExprKind::Unary:
      return is_speculatable(expr.as<Unary>()->a);
    case ExprKind::Broadcast:
      return is_speculatable(expr.as<Broadcast>()->value);
    case ExprKind::Binary: {
      auto* node = expr.as<Binary>();
      bool divides = node->op == BinaryOp::FloorDiv || node->op == BinaryOp::FloorMod;
      return (!divides || (as_int(node->b) && !is_const(node->b, 0))) && is_speculatable(node->a) &&
             is_speculatable(node->b);
    }
    case ExprKind::Select: {
      auto* node = expr.as<Select>();
      return is_speculatable(node->condition) && is_speculatable(node->a) &&
             is_speculatable(node->b);
    }
    default:
      return false;
  }
}

// C passes integers narrower than int extended to 32 bits, on x86-64 by the caller.
llvm::Attribute::AttrKind extension(DType type) {
  if (!type.is_scalar() || type.bits >= 32) return llvm::Attribute::None;
  if (type.is_int()) return llvm::Attribute::SExt;
  return type.is_uint() || type.is_bool() ? llvm::Attribute::ZExt : llvm::Attribute::None;
}

}  // namespace

llvm::FunctionCallee ModuleEmitter::libm(MathOp op, DType type) {
  bool is_double = type.bits == 64;
  llvm::Type* number =
      is_double ? llvm::Type::getDoubleTy(context_) : llvm::Type::getFloatTy(context_);
  llvm::SmallVector<llvm::Type*, 2> params(arity(op), number);
  llvm::FunctionCallee callee =
      module().getOrInsertFunction(std::string(kLibcPrefix) + spelling(op) + (is_double ? "" : "f"),
                                   llvm::FunctionType::get(number, params, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->setDoesNotAccessMemory();
  function->setDoesNotThrow();
  function->setWillReturn();
  return callee;
}

llvm::Value* FunctionEmitter::emit(const Expr& expr) {
  switch (expr->kind) {
    case ExprKind::IntImm: {
      auto* type = value_type(parent_.context(), expr.type());
      return llvm::ConstantInt::get(type, static_cast<uint64_t>(expr.as<IntImm>()->value), true);
    }
    case ExprKind::FloatImm:
      return arith_.constant(expr.type(), expr.as<FloatImm>()->value);
    case ExprKind::Var: {
      auto found = names_.vars.find(expr.get());
      INLAY_CHECK(found != names_.vars.end(), "a variable without a value; was it verified?");
      return found->second;
    }
    case ExprKind::Cast: {
      auto* node = expr.as<Cast>();
      return arith_.cast(node->type, node->value.type(), emit(node->value));
    }
    case ExprKind::Unary: {
      auto* node = expr.as<Unary>();
      return arith_.unary(node->op, node->type, emit(node->a));
    }
    case ExprKind::Binary: {
      auto* node = expr.as<Binary>();
      llvm::Value* a = emit(node->a);
      return arith_.binary(node->op, node->a.type(), a, emit(node->b));
    }
    case ExprKind::Select:
      return emit_select(*expr.as<Select>());
    case ExprKind::Load:
      return emit_load(*expr.as<Load>());
    case ExprKind::Ramp:
      return emit_ramp(*expr.as<Ramp>());
    case ExprKind::Broadcast:
      return b_.CreateVectorSplat(expr.type().lanes, emit(expr.as<Broadcast>()->value));
    case ExprKind::View:
      return emit_view(*expr.as<View>());
    case ExprKind::CallMath:
      return emit_math(*expr.as<CallMath>());
    case ExprKind::CallExtern:
      return emit_extern(*expr.as<CallExtern>());
    case ExprKind::InlineAsm:
      return emit_asm(*expr.as<InlineAsm>());
    case ExprKind::CallIntrin:
      break;
  }
  INLAY_CHECK(false, "an intrinsic in a lowered program");
  return nullptr;
}

llvm::Value* FunctionEmitter::emit_select(const Select& node) {
  llvm::Value* condition = emit(node.condition);
  bool is_scalar = node.condition.type().is_scalar();
  if (!is_scalar || (is_speculatable(node.a) && is_speculatable(node.b))) {
    llvm::Value* a = emit(node.a);
    return b_.CreateSelect(condition, a, emit(node.b));
  }
  llvm::BasicBlock* then_block = new_block("select.then");
  llvm::BasicBlock* else_block = new_block("select.else");
  llvm::BasicBlock* join = new_block("select.end");
  b_.CreateCondBr(condition, then_block, else_block);
  b_.SetInsertPoint(then_block);
  llvm::Value* a = emit(node.a);
  llvm::BasicBlock* a_end = b_.GetInsertBlock();
  b_.CreateBr(join);
  b_.SetInsertPoint(else_block);
  llvm::Value* b = emit(node.b);
  llvm::BasicBlock* b_end = b_.GetInsertBlock();
  b_.CreateBr(join);
  b_.SetInsertPoint(join);
  llvm::PHINode* phi = b_.CreatePHI(a->getType(), 2);
  phi->addIncoming(a, a_end);
  phi->addIncoming(b, b_end);
  return phi;
}

llvm::Value* FunctionEmitter::emit_ramp(const Ramp& node) {
  llvm::Value* base = b_.CreateVectorSplat(node.type.lanes, emit(node.base));
  llvm::Value* steps = b_.CreateStepVector(base->getType());
  llvm::Value* stride = b_.CreateVectorSplat(node.type.lanes, emit(node.stride));
  return b_.CreateAdd(base, b_.CreateMul(steps, stride));
}

llvm::Value* FunctionEmitter::emit_math(const CallMath& node) {
  llvm::SmallVector<llvm::Value*, 3> args;
  for (const Expr& arg : node.args) args.push_back(emit(arg));
  if (!is_libm(node.op) && node.op != MathOp::Sigmoid) {
    return arith_.math(node.op, node.type, args);
  }
  bool is_narrow = is_narrow_float(node.type);
  DType wide = is_narrow ? kF32.with_lanes(node.type.lanes) : node.type;
  if (is_narrow) {
    for (llvm::Value*& arg : args) arg = arith_.widen(node.type, arg);
  }
  llvm::Value* result;
  if (node.op == MathOp::Sigmoid) {
    llvm::Value* one = llvm::ConstantFP::get(args[0]->getType(), 1.0);
    llvm::Value* power = emit_libm(MathOp::Exp, wide, {b_.CreateFNeg(args[0])});
    result = b_.CreateFDiv(one, b_.CreateFAdd(one, power));
  } else {
    result = emit_libm(node.op, wide, args);
  }
  return is_narrow ? arith_.narrow(node.type, result) : result;
}

llvm::Value* FunctionEmitter::to_abi(DType type, llvm::Value* value) {
  return is_narrow_float(type) ? b_.CreateBitCast(value, abi_type(parent_.context(), type)) : value;
}

llvm::Value* FunctionEmitter::from_abi(DType type, llvm::Value* value) {
  return is_narrow_float(type) ? b_.CreateBitCast(value, value_type(parent_.context(), type))
                               : value;
}

llvm::Value* FunctionEmitter::emit_argument(const Expr& arg) {
  return to_abi(arg.type(), emit(arg));
}

llvm::FunctionCallee ModuleEmitter::extern_function(const CallExtern& call,
                                                    llvm::FunctionType* type) {
  llvm::StringRef symbol = call.symbol;
  if (symbol.starts_with("inlay.") || symbol.starts_with("llvm.") || symbol.contains('\0')) {
    throw CompileError("extern-symbol", call.loc,
                       "`" + call.symbol + "` can't be called: no import can define it",
                       "names that begin with `inlay.` or `llvm.` are the compiler's own");
  }
  // Another call may have declared it with another type; each call carries its own.
  return {type, module().getOrInsertFunction(symbol, type).getCallee()};
}

llvm::Value* FunctionEmitter::emit_extern(const CallExtern& node) {
  ExternCall record;
  record.function = name_;
  record.symbol = node.symbol;
  record.result = node.type;
  record.loc = node.loc;
  llvm::SmallVector<llvm::Value*, 8> args;
  llvm::SmallVector<llvm::Type*, 8> types;
  for (const Expr& arg : node.args) {
    args.push_back(to_generic(emit_argument(arg)));
    types.push_back(args.back()->getType());
    record.args.push_back(arg.type());
    auto* view = arg.as<View>();
    record.spaces.push_back(view ? view->buffer->space : MemorySpace::Global);
  }
  auto* type =
      llvm::FunctionType::get(abi_type(parent_.context(), node.type), types, /*isVarArg=*/false);
  if (node.loc) b_.SetCurrentDebugLocation(parent_.debug_place(*function_, node.loc));
  llvm::CallInst* call = b_.CreateCall(parent_.extern_function(node, type), args);
  call->setDoesNotThrow();
  for (size_t i = 0; i < node.args.size(); ++i) {
    llvm::Attribute::AttrKind kind = extension(node.args[i].type());
    if (kind != llvm::Attribute::None) call->addParamAttr(i, kind);
  }
  if (extension(node.type) != llvm::Attribute::None) call->addRetAttr(extension(node.type));
  uint32_t number = parent_.add_call(std::move(record));
  llvm::Metadata* tag = llvm::ConstantAsMetadata::get(b_.getInt32(number));
  call->setMetadata(kExternCallMetadata, llvm::MDNode::get(parent_.context(), {tag}));
  return from_abi(node.type, call);
}

llvm::Value* FunctionEmitter::emit_asm(const InlineAsm& node) {
  llvm::SmallVector<llvm::Value*, 8> args;
  llvm::SmallVector<llvm::Type*, 8> types;
  bool sees_memory = false;
  for (const Expr& arg : node.args) {
    args.push_back(emit_argument(arg));
    types.push_back(args.back()->getType());
    sees_memory |= arg.type().is_pointer();
  }
  auto* type = llvm::FunctionType::get(abi_type(parent_.context(), node.type), types, false);
  if (llvm::Error error = llvm::InlineAsm::verify(type, node.constraints)) {
    throw CompileError(
        "inline-asm", node.loc,
        "constraints \"" + node.constraints + "\" do not fit: " + llvm::toString(std::move(error)),
        "outputs first (`=r`), then one constraint for each argument, then clobbers "
        "(`~{memory}`); see LLVM's manual, Inline Asm Constraint String");
  }
  llvm::CallInst* call = b_.CreateCall(
      llvm::InlineAsm::get(type, node.text, node.constraints, node.is_volatile), args);
  call->setDoesNotThrow();
  // Indirect operands are typed by an attribute.
  size_t arg = 0;
  for (const auto& constraint : llvm::InlineAsm::ParseConstraints(node.constraints)) {
    sees_memory |= constraint.Type == llvm::InlineAsm::isClobber &&
                   llvm::is_contained(constraint.Codes, "{memory}");
    if (!constraint.hasArg()) continue;
    INLAY_CHECK(arg < args.size(), "constraints were verified");
    if (constraint.isIndirect) {
      auto* view = node.args[arg].as<View>();
      if (!view) {
        throw CompileError("inline-asm", node.args[arg].loc() ? node.args[arg].loc() : node.loc,
                           "argument " + std::to_string(arg) +
                               " has an indirect constraint (`*`) "
                               "and is no view of a buffer",
                           "pass &buffer[...], or use a constraint without `*`");
      }
      llvm::Type* element = memory_type(parent_.context(), view->buffer->type);
      call->addParamAttr(
          arg, llvm::Attribute::get(parent_.context(), llvm::Attribute::ElementType, element));
    }
    ++arg;
  }
  if (!node.is_volatile && !sees_memory) call->setDoesNotAccessMemory();
  llvm::Metadata* cookie = llvm::ConstantAsMetadata::get(b_.getInt64(parent_.add_asm(node.loc)));
  call->setMetadata("srcloc", llvm::MDNode::get(parent_.context(), {cookie}));
  return from_abi(node.type, call);
}

}  // namespace inlay::emit
