// The short way through a typed entry: the checks of `enter`, spelt out for one function.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "backends/llvm/object/table.h"

namespace inlay {

/// Whether calls of `function` can be checked by emit_direct_call. Not so: extents or strides that
/// are expressions, a stride's symbol that must hold elsewhere too, an alignment that is no power
/// of two, very many parameters.
bool has_direct_call(const FunctionDescription& function);

/// Emits into `entry`, from where `b` stands, a call of function `index` of the chosen variant with
/// the entry's own arguments, if they are right at first sight; if one is not, control goes to
/// `otherwise`, where `enter` looks again and says what is wrong. Never takes what `enter` would
/// refuse, and binds symbols as it does. `state` is the InlayObjectState. Leaves `b` in a block
/// that has ended.
void emit_direct_call(llvm::IRBuilder<>& b, llvm::Function* entry,
                      const FunctionDescription& function, size_t index, llvm::Value* state,
                      llvm::BasicBlock* otherwise);

}  // namespace inlay
