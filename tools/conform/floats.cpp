#include "tools/conform/floats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tools/driver/accuracy.h"

namespace inlay::conform {

namespace {

template <typename T>
T at(const uint8_t* bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void put(uint8_t* bytes, int64_t index, T value) {
  std::memcpy(bytes + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

// A 16-bit float with `exponent_bits`, both as in IEEE 754.
double decode16(uint16_t bits, int exponent_bits) {
  int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  double fraction = bits & ((1 << fraction_bits) - 1);
  double sign = bits >> 15 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp(1 + std::ldexp(fraction, -fraction_bits), exponent - bias);
}

uint16_t encode16(double value, int exponent_bits) {
  int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  auto infinity = static_cast<uint16_t>(((1 << exponent_bits) - 1) << fraction_bits);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | 1 << (fraction_bits - 1));
  double size = std::fabs(value);
  if (std::isinf(size)) return sign | infinity;
  if (size == 0) return sign;
  // In units of the last place; a carry into the next exponent is what the encoding wants.
  int exponent = std::max(std::ilogb(size), 1 - bias);
  double units = std::nearbyint(std::ldexp(size, fraction_bits - exponent));
  double whole = std::ldexp(1, fraction_bits);
  double bits = (exponent + bias) * whole + (units - whole);
  if (exponent == 1 - bias && units < whole) bits = units;
  return static_cast<uint16_t>(sign | (bits >= infinity ? infinity : static_cast<uint16_t>(bits)));
}

constexpr int kHalfExponent = 5, kBrainExponent = 8;

}  // namespace

double load_float(DType type, const uint8_t* bytes, int64_t index) {
  if (type.code == TypeCode::BFloat) return decode16(at<uint16_t>(bytes, index), kBrainExponent);
  if (type.bits == 16) return decode16(at<uint16_t>(bytes, index), kHalfExponent);
  return type.bits == 32 ? static_cast<double>(at<float>(bytes, index)) : at<double>(bytes, index);
}

void store_float(DType type, uint8_t* bytes, int64_t index, double value) {
  if (type.code == TypeCode::BFloat) {
    put(bytes, index, encode16(value, kBrainExponent));
  } else if (type.bits == 16) {
    put(bytes, index, encode16(value, kHalfExponent));
  } else if (type.bits == 32) {
    put(bytes, index, static_cast<float>(value));
  } else {
    put(bytes, index, value);
  }
}

int64_t load_integer(DType type, const uint8_t* bytes, int64_t index) {
  bool is_signed = type.is_int();
  switch (type.bytes()) {
    case 1:
      return is_signed ? at<int8_t>(bytes, index) : int64_t{at<uint8_t>(bytes, index)};
    case 2:
      return is_signed ? at<int16_t>(bytes, index) : int64_t{at<uint16_t>(bytes, index)};
    case 4:
      return is_signed ? at<int32_t>(bytes, index) : int64_t{at<uint32_t>(bytes, index)};
    default:
      return at<int64_t>(bytes, index);
  }
}

void store_integer(DType type, uint8_t* bytes, int64_t index, int64_t value) {
  switch (type.bytes()) {
    case 1:
      put(bytes, index, static_cast<uint8_t>(value));
      break;
    case 2:
      put(bytes, index, static_cast<uint16_t>(value));
      break;
    case 4:
      put(bytes, index, static_cast<uint32_t>(value));
      break;
    default:
      put(bytes, index, value);
      break;
  }
}

double least_positive(DType type) {
  if (type.code == TypeCode::BFloat) return 0x1p-133;
  if (type.bits == 16) return 0x1p-24;
  return type.bits == 32 ? 0x1p-149 : 0x1p-1074;
}

double greatest(DType type) {
  if (type.code == TypeCode::BFloat) return 0x1.FEp127;
  if (type.bits == 16) return 65504;
  return type.bits == 32 ? 0x1.FFFFFEp127 : std::numeric_limits<double>::max();
}

double epsilon(DType type) {
  if (type.code == TypeCode::BFloat) return kEpsilonBf16;
  if (type.bits == 16) return kEpsilonF16;
  return type.bits == 32 ? kEpsilonF32 : kEpsilonF64;
}

}  // namespace inlay::conform
