// Math functions on vectors, for compiled code.
#pragma once

#include <stdint.h>

namespace inlay {

/// InlayRuntimeTable::vector_function. The libraries are looked for once: that of the environment
/// variable INLAY_VECTOR_MATH_LIBRARY alone if it is set (`none`: no library), else libmvec.so.1,
/// then libsleefgnuabi.so.3.
const void* vector_function(const char* name);

/// INLAY_ERROR_INVALID_ARGUMENT, with a sentence, if the environment names a library that can't be
/// opened; else INLAY_OK.
int32_t configure_vector_math();

}  // namespace inlay
