#include "runtime/emulator/machine/msgpack.h"

#include "runtime/abi/amdgpu/msgpack.h"

namespace inlay::emulator {
namespace {

constexpr int kMaxDepth = 16;

bool read_value(msgpack::Reader* reader, MessageValue* out, int depth) {
  msgpack::Token token;
  if (depth > kMaxDepth || !reader->next(&token)) return false;
  switch (token.kind) {
    case msgpack::Kind::kNil:
      return true;
    case msgpack::Kind::kInteger:
      out->kind = MessageValue::kInteger;
      out->integer = token.number;
      return true;
    case msgpack::Kind::kString:
      out->kind = MessageValue::kString;
      out->string.assign(token.text, token.number);
      return true;
    case msgpack::Kind::kArray:
      out->kind = MessageValue::kArray;
      for (uint64_t n = 0; n < token.number; n++) {
        out->array.emplace_back();
        if (!read_value(reader, &out->array.back(), depth + 1)) return false;
      }
      return true;
    case msgpack::Kind::kMap:
      out->kind = MessageValue::kMap;
      for (uint64_t n = 0; n < token.number; n++) {
        msgpack::Token key;
        MessageValue item;
        if (!reader->next(&key) || key.kind != msgpack::Kind::kString ||
            !read_value(reader, &item, depth + 1)) {
          return false;
        }
        out->map[std::string(key.text, key.number)] = std::move(item);
      }
      return true;
  }
  return false;
}

}  // namespace

const MessageValue& MessageValue::operator[](const std::string& name) const {
  static const MessageValue nil;
  const auto at = map.find(name);
  return at == map.end() ? nil : at->second;
}

bool parse_message(const uint8_t* data, uint64_t size, MessageValue* out) {
  msgpack::Reader reader(data, size);
  return read_value(&reader, out, 0);
}

}  // namespace inlay::emulator
