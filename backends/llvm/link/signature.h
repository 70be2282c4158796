// The signature of a symbol against the calls of it.
#pragma once

#include <vector>

#include "backends/llvm/link/resolve.h"

namespace inlay {

/// Checks each call whose symbol is resolved: number of parameters, the type of each, the result.
/// Symbols of machine code have no signature: their calls must agree with one another. Errors: rule
/// "import-signature", naming the parameter, what the call passes and what the symbol takes, and
/// the way out.
void check_signatures(const std::vector<LoadedImport>& imports, const Resolution& resolution,
                      const std::vector<ExternCall>& calls, Diagnostics& found);

}  // namespace inlay
