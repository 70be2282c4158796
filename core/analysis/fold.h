// Values of index and bool expressions, as far as they are known when compiling.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/ir/expr.h"

namespace inlay {

/// The value of an integer or bool expression whose variables all have one in `values`; nullopt if
/// it has none, or overflows.
std::optional<int64_t> fold(const Expr& expr,
                            const std::unordered_map<const ExprNode*, int64_t>& values = {});

/// True if only literals and compile-time constants occur in `expr`.
bool is_compile_time(const Expr& expr);

}  // namespace inlay
