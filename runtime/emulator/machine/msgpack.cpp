#include "runtime/emulator/machine/msgpack.h"

namespace inlay::emulator {
namespace {

class Parser {
 public:
  Parser(const uint8_t* data, uint64_t size) : at_(data), end_(data + size) {}

  bool value(MessageValue* out, int depth) {
    uint64_t tag;
    if (depth > 16 || !number(1, &tag)) return false;
    if (tag < 0x80) return integer(tag, out);
    if (tag < 0x90) return map(tag & 15, out, depth);
    if (tag < 0xa0) return array(tag & 15, out, depth);
    if (tag < 0xc0) return string(tag & 31, out);
    if (tag >= 0xe0)
      return integer(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(tag))), out);
    uint64_t n;
    switch (tag) {
      case 0xc0:
        return true;
      case 0xc2:
        return integer(0, out);
      case 0xc3:
        return integer(1, out);
      case 0xcc:
        return number(1, &n) && integer(n, out);
      case 0xcd:
        return number(2, &n) && integer(n, out);
      case 0xce:
        return number(4, &n) && integer(n, out);
      case 0xcf:
        return number(8, &n) && integer(n, out);
      case 0xd0:
        return number(1, &n) &&
               integer(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(n))), out);
      case 0xd1:
        return number(2, &n) &&
               integer(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int16_t>(n))), out);
      case 0xd2:
        return number(4, &n) &&
               integer(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(n))), out);
      case 0xd3:
        return number(8, &n) && integer(n, out);
      case 0xd9:
        return number(1, &n) && string(n, out);
      case 0xda:
        return number(2, &n) && string(n, out);
      case 0xdb:
        return number(4, &n) && string(n, out);
      case 0xdc:
        return number(2, &n) && array(n, out, depth);
      case 0xdd:
        return number(4, &n) && array(n, out, depth);
      case 0xde:
        return number(2, &n) && map(n, out, depth);
      case 0xdf:
        return number(4, &n) && map(n, out, depth);
      default:
        return false;
    }
  }

 private:
  uint64_t left() const { return static_cast<uint64_t>(end_ - at_); }
  bool number(uint64_t bytes, uint64_t* out) {
    if (left() < bytes) return false;
    *out = 0;
    for (uint64_t n = 0; n < bytes; n++) *out = *out << 8 | *at_++;
    return true;
  }
  static bool integer(uint64_t v, MessageValue* out) {
    out->kind = MessageValue::kInteger;
    out->integer = v;
    return true;
  }
  bool string(uint64_t size, MessageValue* out) {
    if (left() < size) return false;
    out->kind = MessageValue::kString;
    out->string.assign(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return true;
  }
  bool array(uint64_t count, MessageValue* out, int depth) {
    out->kind = MessageValue::kArray;
    if (count > left()) return false;  // a value takes a byte at least
    for (uint64_t n = 0; n < count; n++) {
      out->array.emplace_back();
      if (!value(&out->array.back(), depth + 1)) return false;
    }
    return true;
  }
  bool map(uint64_t count, MessageValue* out, int depth) {
    out->kind = MessageValue::kMap;
    for (uint64_t n = 0; n < count; n++) {
      MessageValue key, item;
      if (!value(&key, depth + 1) || key.kind != MessageValue::kString || !value(&item, depth + 1))
        return false;
      out->map[key.string] = std::move(item);
    }
    return true;
  }

  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace

const MessageValue& MessageValue::operator[](const std::string& name) const {
  static const MessageValue nil;
  const auto at = map.find(name);
  return at == map.end() ? nil : at->second;
}

bool parse_message(const uint8_t* data, uint64_t size, MessageValue* out) {
  return Parser(data, size).value(out, 0);
}

}  // namespace inlay::emulator
