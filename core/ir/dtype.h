// DType: the type of a value or of a buffer's element: a scalar code, its bits, times lanes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace inlay {

/// What the bits mean. Values are stable: they go into cache keys.
enum class TypeCode : uint8_t {
  Void,  ///< no value: the type of a call that returns nothing
  Bool,  ///< one truth value; one byte in memory
  Int,   ///< two's complement
  UInt,
  Float,    ///< IEEE 754 binary16/32/64
  BFloat,   ///< bfloat16
  Pointer,  ///< address of a buffer element; only views have it, only calls take it
};

/// A type: code, bits of one lane, number of lanes (1 = scalar).
struct DType {
  TypeCode code = TypeCode::Void;
  uint8_t bits = 0;
  uint16_t lanes = 1;

  static constexpr uint16_t kMaxLanes = 1024;

  bool is_void() const { return code == TypeCode::Void; }
  bool is_bool() const { return code == TypeCode::Bool; }
  bool is_int() const { return code == TypeCode::Int; }
  bool is_uint() const { return code == TypeCode::UInt; }
  bool is_integer() const { return is_int() || is_uint(); }
  bool is_float() const { return code == TypeCode::Float || code == TypeCode::BFloat; }
  bool is_pointer() const { return code == TypeCode::Pointer; }
  bool is_scalar() const { return lanes == 1; }
  bool is_vector() const { return lanes > 1; }
  /// Bytes of one lane in memory (bool: 1).
  int bytes() const { return code == TypeCode::Bool ? 1 : bits / 8; }

  DType with_lanes(int n) const { return {code, bits, static_cast<uint16_t>(n)}; }
  DType element() const { return with_lanes(1); }
  friend bool operator==(const DType&, const DType&) = default;
};

inline constexpr DType kVoid{TypeCode::Void, 0, 1};
inline constexpr DType kBool{TypeCode::Bool, 1, 1};
inline constexpr DType kI8{TypeCode::Int, 8, 1}, kI16{TypeCode::Int, 16, 1},
    kI32{TypeCode::Int, 32, 1}, kI64{TypeCode::Int, 64, 1};
inline constexpr DType kU8{TypeCode::UInt, 8, 1}, kU16{TypeCode::UInt, 16, 1},
    kU32{TypeCode::UInt, 32, 1}, kU64{TypeCode::UInt, 64, 1};
inline constexpr DType kF16{TypeCode::Float, 16, 1}, kF32{TypeCode::Float, 32, 1},
    kF64{TypeCode::Float, 64, 1}, kBF16{TypeCode::BFloat, 16, 1};
inline constexpr DType kPointer{TypeCode::Pointer, 64, 1};
/// The type of loop variables, indices, shapes and strides; written `index` or `i64`.
inline constexpr DType kIndex = kI64;

/// "f32", "i64", "bool", "bf16", "f32x8", "void", "ptr".
std::string to_string(DType type);
/// The inverse of to_string for value types, plus "index"; nullopt for anything else.
std::optional<DType> parse_dtype(std::string_view text);

}  // namespace inlay
