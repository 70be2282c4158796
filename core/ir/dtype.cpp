#include "core/ir/dtype.h"

#include <charconv>

namespace inlay {

namespace {

struct Name {
  std::string_view text;
  DType type;
};
constexpr Name kNames[] = {{"bool", kBool}, {"i8", kI8},   {"i16", kI16}, {"i32", kI32},
                           {"i64", kI64},   {"u8", kU8},   {"u16", kU16}, {"u32", kU32},
                           {"u64", kU64},   {"f16", kF16}, {"f32", kF32}, {"f64", kF64},
                           {"bf16", kBF16}};

}  // namespace

std::string to_string(DType type) {
  if (type.is_void()) return "void";
  if (type.is_pointer()) return "ptr";
  for (const Name& name : kNames) {
    if (name.type == type.element()) {
      std::string text(name.text);
      return type.is_scalar() ? text : text + "x" + std::to_string(type.lanes);
    }
  }
  return "<invalid type>";
}

std::optional<DType> parse_dtype(std::string_view text) {
  if (text == "index") return kIndex;
  for (const Name& name : kNames) {
    if (text.substr(0, name.text.size()) != name.text) continue;
    std::string_view rest = text.substr(name.text.size());
    if (rest.empty()) return name.type;
    if (rest.size() < 2 || rest[0] != 'x' || rest[1] == '0') continue;
    int lanes = 0;
    auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), lanes);
    if (error != std::errc() || end != rest.data() + rest.size()) continue;
    if (lanes < 2 || lanes > DType::kMaxLanes) return std::nullopt;
    return name.type.with_lanes(lanes);
  }
  return std::nullopt;
}

}  // namespace inlay
