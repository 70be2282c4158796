// The checks of a call, driven by the descriptor of the function.
#pragma once

#include <inlay_abi.h>

namespace inlay {

// InlayRuntimeTable::enter.
int32_t enter(const InlayCodeObject* object, uint32_t index, const InlayValue* args,
              uint32_t n_args);

// Checks once, at load, that a code object's tables keep the promises and limits of inlay_abi.h, so
// that enter() need not. `where` opens the sentence.
int32_t check_tables(const InlayCodeObject* object, const char* where);

}  // namespace inlay
