// The MessagePack of a code object's metadata note as values: maps, arrays,
// strings, numbers, booleans.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace inlay::emulator {

struct MessageValue {
  enum Kind { kNil, kInteger, kString, kArray, kMap } kind = kNil;
  uint64_t integer = 0;  // booleans too
  std::string string;
  std::vector<MessageValue> array;
  std::map<std::string, MessageValue> map;

  // The member NAME of a map, or a nil value.
  const MessageValue& operator[](const std::string& name) const;
};

// False if DATA is not one well-formed value, or nests deeper than metadata does.
bool parse_message(const uint8_t* data, uint64_t size, MessageValue* out);

}  // namespace inlay::emulator
