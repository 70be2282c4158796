// Shims for what compiled code calls of libc: a code object has no undefined symbol, so a call that
// LLVM makes of memcpy or fmodf must end in a function of our own, which goes on through the
// runtime's table (runtime/abi/libc.def).
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace llvm {
class Module;
}

namespace inlay {

struct Target;

/// True if a shim of this name can be made: a row of libc.def, with or without kLibcPrefix.
bool is_libc_symbol(std::string_view symbol);

/// Defines a hidden shim for each of `symbols` in `module`, which defines kStateSymbol. Returns the
/// bytes of InlayLibcTable that the runtime must have for them.
uint32_t define_libc_shims(llvm::Module& module, const std::set<std::string>& symbols,
                           const Target& target);

}  // namespace inlay
