// Conversion of scalar arguments to the floating-point types of parameters: f16, bf16, f32, f64.
#pragma once

#include <inlay_abi.h>
#include <string.h>

namespace inlay {

// Significant bits, exponent bits of a type.
struct FloatFormat {
  int mantissa;  // stored bits
  int exponent;
};

inline FloatFormat float_format(DLDataType type) {
  if (type.code == kDLBfloat) return {7, 8};
  return type.bits == 16   ? FloatFormat{10, 5}
         : type.bits == 32 ? FloatFormat{23, 8}
                           : FloatFormat{52, 11};
}

// Rounds a double to 16 bits, nearest even, subnormals kept; straight from the double, so that
// there is one rounding only.
inline uint16_t round_to_16(double value, FloatFormat format) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = static_cast<uint16_t>(bits >> 63 << 15);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  int most = (1 << format.exponent) - 1;
  uint16_t infinity = static_cast<uint16_t>(most << format.mantissa);
  if (exponent == 0x7ff) {
    uint16_t quiet = static_cast<uint16_t>(1 << (format.mantissa - 1));
    return static_cast<uint16_t>(sign | infinity | (mantissa != 0 ? quiet : 0));
  }
  if (exponent == 0) return sign;  // zero, or far below the smallest subnormal
  int target = exponent - 1023 + (most >> 1);
  uint64_t full = mantissa | uint64_t{1} << 52;
  int drop = 52 - format.mantissa;
  if (target < 1) {
    drop += 1 - target;
    target = 0;
    if (drop > 63) return sign;
  } else {
    full &= ~(uint64_t{1} << 52);
  }
  uint64_t kept = full >> drop;
  uint64_t rest = full & ((uint64_t{1} << drop) - 1);
  uint64_t half = uint64_t{1} << (drop - 1);
  uint64_t result = (static_cast<uint64_t>(target) << format.mantissa) + kept;
  if (rest > half || (rest == half && (kept & 1) != 0)) ++result;  // may carry into the exponent
  return static_cast<uint16_t>(sign | (result >= infinity ? infinity : result));
}

// False if a finite value becomes infinite.
inline bool round_to_float(DLDataType type, double value, InlayScalar* scalar) {
  bool finite = value - value == 0;
  if (type.bits == 64) {
    scalar->f64 = value;
    return true;
  }
  if (type.bits == 32) {
    scalar->f32 = static_cast<float>(value);
    return !finite || scalar->f32 - scalar->f32 == 0;
  }
  FloatFormat format = float_format(type);
  scalar->bits16 = round_to_16(value, format);
  int most = (1 << format.exponent) - 1;
  return !finite || (scalar->bits16 >> format.mantissa & most) != most;
}

// False if the type cannot hold the integer (its magnitude and sign) exactly.
inline bool integer_to_float(DLDataType type, uint64_t magnitude, bool negative,
                             InlayScalar* scalar) {
  FloatFormat format = float_format(type);
  if (magnitude != 0) {
    int high = 63 - __builtin_clzll(magnitude);
    int low = __builtin_ctzll(magnitude);
    if (high - low > format.mantissa || high > (1 << (format.exponent - 1)) - 1) return false;
  }
  double value = static_cast<double>(magnitude);
  return round_to_float(type, negative ? -value : value, scalar);
}

}  // namespace inlay
