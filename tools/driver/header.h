// The C header of a code object: one typed prototype a function.
#pragma once

#include <string>

#include "core/ir/program.h"

namespace inlay {

/// Text of a C99/C++ header for the functions of `program`: `int32_t inlay_<func>(const DLTensor*
/// A,
/// ..., int64_t k)` as runtime/abi/inlay_abi.h defines typed entries, and the constant
/// `inlay_code_object_<program>` of the relocatable form.
std::string c_header(const Program& program);

/// `name` with every character that a C identifier can't have replaced by `_`.
std::string c_identifier(std::string_view name);

}  // namespace inlay
