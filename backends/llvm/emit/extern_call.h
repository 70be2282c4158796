// ExternCall: one call of an imported symbol, as the emitter saw it. What links imports and what
// proves their inlining find the call in LLVM IR by its number: each call instruction carries
// `!inlay.call !{i32 number}`, which inlining and cloning keep or copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ir/expr.h"

namespace inlay {

/// Kind of the metadata that a call of an import carries: one i32, ExternCall::number.
inline constexpr const char* kExternCallMetadata = "inlay.call";

struct ExternCall {
  uint32_t number = 0;      ///< position in EmittedModule::calls
  std::string function;     ///< the Inlay function that it stands in
  std::string symbol;       ///< the declaration called bears exactly this name
  DType result;             ///< kVoid: none
  std::vector<DType> args;  ///< kPointer for a view
  Loc loc;
  std::vector<MemorySpace> spaces{};  ///< of each view; Global for what is none
};

}  // namespace inlay
