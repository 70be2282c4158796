// Numbers of every element type of the IR, in memory, from and to double and int64_t.
#pragma once

#include <cstdint>

#include "core/ir/dtype.h"

namespace inlay::conform {

/// Element `index` of a float type; stores round to nearest even.
double load_float(DType type, const uint8_t* bytes, int64_t index);
void store_float(DType type, uint8_t* bytes, int64_t index, double value);

/// Element `index` of an integer type or of bool; stores wrap.
int64_t load_integer(DType type, const uint8_t* bytes, int64_t index);
void store_integer(DType type, uint8_t* bytes, int64_t index, int64_t value);

/// The least positive (denormal) number of a float type, and the greatest finite one.
double least_positive(DType type);
double greatest(DType type);
/// The distance from 1 to the next number.
double epsilon(DType type);

}  // namespace inlay::conform
