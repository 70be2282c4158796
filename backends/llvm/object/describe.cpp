// From a function of the IR to what the runtime checks at each call of it.
#include <cstddef>
#include <unordered_map>

#include "backends/llvm/object/table.h"
#include "runtime/abi/inlay_abi.h"

namespace inlay {

namespace {

class Describer {
 public:
  explicit Describer(const Function& function) : function_(function) {
    for (const Var& symbol : function.symbols()) {
      int64_t index = static_cast<int64_t>(symbols_.size());
      symbols_[symbol.get()] = index;
      description_.symbols.push_back(symbol.name());
    }
    for (size_t i = 0; i < function.params.size(); ++i) {
      if (auto* var = std::get_if<Var>(&function.params[i])) {
        scalars_[var->get()] = static_cast<int64_t>(i);
      }
    }
  }

  FunctionDescription describe(const std::map<size_t, ParamAccess>& accesses) {
    description_.name = function_.name;
    limit(function_.params.size(), INLAY_MAX_PARAMS, "parameters");
    limit(description_.symbols.size(), INLAY_MAX_SYMBOLS, "symbols");
    for (size_t i = 0; i < function_.params.size(); ++i) {
      auto found = accesses.find(i);
      description_.params.push_back(
          describe(function_.params[i], found == accesses.end() ? ParamAccess() : found->second));
    }
    return std::move(description_);
  }

 private:
  ParamDescription describe(const Param& param, ParamAccess access) {
    ParamDescription result;
    result.name = param_name(param);
    if (auto* var = std::get_if<Var>(&param)) {
      result.dtype = var->type();
      if (!result.dtype.is_scalar()) {
        throw CompileError("abi-limit", var->loc() ? var->loc() : function_.loc,
                           "parameter `" + result.name + "` of " + function_.name +
                               " is a vector, which no caller can pass",
                           "pass a buffer");
      }
      return result;
    }
    const Buffer& buffer = std::get<Buffer>(param);
    result.is_tensor = true;
    result.dtype = buffer->type;
    result.alignment = static_cast<uint32_t>(buffer->alignment);
    if (access.written) result.flags |= INLAY_PARAM_WRITTEN;
    if (access.read || !access.written) result.flags |= INLAY_PARAM_READ;
    limit(buffer->rank(), INLAY_MAX_RANK, "dimensions in one parameter");
    for (const Expr& extent : buffer->shape) result.dims.push_back(dim(extent, buffer));
    for (const Expr& stride : buffer->strides) result.strides.push_back(dim(stride, buffer));
    return result;
  }

  DimDescription dim(const Expr& expr, const Buffer& buffer) {
    DimDescription result;
    if (const IntImm* constant = as_int(expr)) {
      result.kind = INLAY_DIM_CONST;
      result.value = constant->value;
      return result;
    }
    auto symbol = symbols_.find(expr.get());
    if (symbol != symbols_.end()) {
      result.kind = INLAY_DIM_SYMBOL;
      result.value = symbol->second;
      return result;
    }
    result.kind = INLAY_DIM_EXPR;
    encode(expr, buffer, 0, result.code);
    if (result.code.size() > INLAY_MAX_EXPR_WORDS) too_complex(buffer);
    return result;
  }

  void encode(const Expr& expr, const Buffer& buffer, size_t stack, std::vector<int64_t>& code) {
    if (stack >= INLAY_MAX_EXPR_STACK || code.size() > INLAY_MAX_EXPR_WORDS) too_complex(buffer);
    auto put = [&](InlayExprOp op, int64_t operand) {
      code.push_back(op);
      code.push_back(operand);
    };
    if (const IntImm* constant = as_int(expr)) return put(INLAY_EXPR_CONST, constant->value);
    auto symbol = symbols_.find(expr.get());
    if (symbol != symbols_.end()) return put(INLAY_EXPR_SYMBOL, symbol->second);
    auto scalar = scalars_.find(expr.get());
    if (scalar != scalars_.end()) return put(INLAY_EXPR_SCALAR, scalar->second);
    auto* node = expr.as<Binary>();
    InlayExprOp op = INLAY_EXPR_ADD;
    switch (node ? node->op : BinaryOp::Or) {
      case BinaryOp::Add:
        op = INLAY_EXPR_ADD;
        break;
      case BinaryOp::Sub:
        op = INLAY_EXPR_SUB;
        break;
      case BinaryOp::Mul:
        op = INLAY_EXPR_MUL;
        break;
      case BinaryOp::FloorDiv:
        op = INLAY_EXPR_FLOOR_DIV;
        break;
      case BinaryOp::FloorMod:
        op = INLAY_EXPR_FLOOR_MOD;
        break;
      case BinaryOp::Min:
        op = INLAY_EXPR_MIN;
        break;
      case BinaryOp::Max:
        op = INLAY_EXPR_MAX;
        break;
      default:
        throw CompileError("shape-expression", expr.loc() ? expr.loc() : buffer->loc,
                           "the shape of parameter `" + buffer.name() + "` of " + function_.name +
                               " holds an expression that can't be checked at a call",
                           "use + - * / % min max of symbols, integer parameters and constants");
    }
    encode(node->a, buffer, stack, code);
    encode(node->b, buffer, stack + 1, code);
    code.push_back(op);
  }

  [[noreturn]] void too_complex(const Buffer& buffer) {
    throw CompileError("abi-limit", buffer->loc ? buffer->loc : function_.loc,
                       "an expression in the shape of parameter `" + buffer.name() + "` of " +
                           function_.name + " is too large",
                       "make the extent a symbol of its own, and assert what it must be");
  }

  void limit(size_t count, size_t most, const char* what) {
    if (count <= most) return;
    throw CompileError("abi-limit", function_.loc,
                       function_.name + " has " + std::to_string(count) + " " + what +
                           ", at most " + std::to_string(most) + " can be passed");
  }

  const Function& function_;
  FunctionDescription description_;
  std::unordered_map<const ExprNode*, int64_t> symbols_, scalars_;
};

}  // namespace

FunctionDescription describe_function(const Function& function,
                                      const std::map<size_t, ParamAccess>& accesses) {
  return Describer(function).describe(accesses);
}

}  // namespace inlay
