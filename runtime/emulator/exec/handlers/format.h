// Formats of typed buffers: a data format says how the bits of an element lie, a number format what
// they mean (manual, 8.1.3 and table "Buffer resource descriptor").
#pragma once

#include <cstdint>

#include "runtime/emulator/exec/number.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

enum class NumberFormat : uint8_t {
  kUnorm,
  kSnorm,
  kUscaled,
  kSscaled,
  kUint,
  kSint,
  kReserved,
  kFloat
};

// An element's layout: component X in the lowest bits. Names of the packed formats count from the
// highest.
struct DataFormat {
  uint8_t components;
  uint8_t bits[4];
  bool fractions;  // exists with the normalized and scaled number formats
  bool floats;     // exists with floats
};
inline const DataFormat& data_format(uint32_t n) {
  static constexpr DataFormat kFormats[16] = {
      {0, {}, false, false},
      {1, {8}, true, false},
      {1, {16}, true, true},
      {2, {8, 8}, true, false},
      {1, {32}, false, true},
      {2, {16, 16}, true, true},
      {3, {11, 11, 10}, true, true},      // 10_11_11
      {3, {10, 11, 11}, true, true},      // 11_11_10
      {4, {2, 10, 10, 10}, true, false},  // 10_10_10_2
      {4, {10, 10, 10, 2}, true, false},  // 2_10_10_10
      {4, {8, 8, 8, 8}, true, false},
      {2, {32, 32}, false, true},
      {4, {16, 16, 16, 16}, true, true},
      {3, {32, 32, 32}, false, true},
      {4, {32, 32, 32, 32}, false, true},
      {0, {}, false, false},
  };
  return kFormats[n & 15];
}
inline bool format_exists(const DataFormat& d, NumberFormat n) {
  if (d.components == 0 || n == NumberFormat::kReserved) return false;
  if (n == NumberFormat::kFloat) return d.floats;
  return d.fractions || n == NumberFormat::kUint || n == NumberFormat::kSint;
}
inline bool is_integer(NumberFormat n) {
  return n == NumberFormat::kUint || n == NumberFormat::kSint;
}
inline uint32_t element_bytes(const DataFormat& d) {
  uint32_t bits = 0;
  for (int n = 0; n < d.components; n++) bits += d.bits[n];
  return bits / 8;
}

// Bits of component C of an element, and their place.
inline uint32_t component_bits(const DataFormat& d, const uint32_t* element, int c) {
  uint32_t at = 0;
  for (int n = 0; n < c; n++) at += d.bits[n];
  const uint32_t v = element[at / 32] >> (at % 32);
  return d.bits[c] == 32 ? v : v & ((1u << d.bits[c]) - 1);
}
inline void put_component(const DataFormat& d, uint32_t* element, int c, uint32_t v) {
  uint32_t at = 0;
  for (int n = 0; n < c; n++) at += d.bits[n];
  element[at / 32] |= v << (at % 32);
}

// Unsigned floats with five bits of exponent and MANTISSA bits of fraction.
inline float from_small_float(uint32_t v, int mantissa) {
  return half_to_float(static_cast<uint16_t>(v << (10 - mantissa)));
}
// Towards zero; what is negative is zero, NaN stays one.
inline uint32_t to_small_float(float v, int mantissa) {
  if (is_nan(v)) return (31u << mantissa) | 1u << (mantissa - 1);
  if (v <= 0) return 0;
  const uint16_t h = half_toward_zero(v);
  return static_cast<uint32_t>(h >> (10 - mantissa));
}

// What a register gets: the bits of a float, or an integer.
inline uint32_t decode_component(uint32_t raw, uint32_t bits, NumberFormat n) {
  const int32_t sign = static_cast<int32_t>(raw << (32 - bits)) >> (32 - bits);
  const float top = static_cast<float>((uint64_t{1} << bits) - 1),
              half_top = static_cast<float>((uint64_t{1} << (bits - 1)) - 1);
  switch (n) {
    case NumberFormat::kUnorm:
      return as_bits(static_cast<float>(raw) / top);
    case NumberFormat::kSnorm:
      return as_bits(max_(-1.0f, static_cast<float>(sign) / half_top));
    case NumberFormat::kUscaled:
      return as_bits(static_cast<float>(raw));
    case NumberFormat::kSscaled:
      return as_bits(static_cast<float>(sign));
    case NumberFormat::kSint:
      return static_cast<uint32_t>(sign);
    case NumberFormat::kFloat:
      if (bits == 32) return raw;
      if (bits == 16) return as_bits(half_to_float(static_cast<uint16_t>(raw)));
      return as_bits(from_small_float(raw, static_cast<int>(bits) - 5));
    default:
      return raw;
  }
}

// The other way; what does not fit is clamped.
inline uint32_t encode_component(uint32_t v, uint32_t bits, NumberFormat n) {
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  const float f = as_float(v);
  const double top = static_cast<double>(mask), half_top = static_cast<double>(mask >> 1);
  const auto scaled = [&](double value, double low, double high) {
    if (is_nan(value)) return uint32_t{0};
    value = value < low ? low : value > high ? high : value;
    return static_cast<uint32_t>(static_cast<int64_t>(value)) & mask;
  };
  switch (n) {
    case NumberFormat::kUnorm:
      return scaled(__builtin_roundeven(static_cast<double>(f) * top), 0, top);
    case NumberFormat::kSnorm:
      return scaled(__builtin_roundeven(static_cast<double>(f) * half_top), -half_top, half_top);
    case NumberFormat::kUscaled:
      return scaled(static_cast<double>(f), 0, top);
    case NumberFormat::kSscaled:
      return scaled(static_cast<double>(f), -half_top - 1, half_top);
    case NumberFormat::kSint:
      return scaled(static_cast<double>(static_cast<int32_t>(v)), -half_top - 1, half_top);
    case NumberFormat::kFloat:
      if (bits == 32) return v;
      if (bits == 16) return float_to_half(f);
      return to_small_float(f, static_cast<int>(bits) - 5);
    default:
      return v > mask ? mask : v;
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
