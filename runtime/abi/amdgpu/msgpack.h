// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A reader of MessagePack for the metadata note of AMD code objects, token by token, where it lies.
//
// The bytes may be anything: nothing outside of them is read, nothing is allocated, nesting is
// never followed by recursion. Source: https://github.com/msgpack/msgpack/blob/master/spec.md.
#pragma once

#include <stdint.h>

namespace inlay::msgpack {

enum class Kind : uint8_t { kNil, kInteger, kString, kArray, kMap };

struct Token {
  Kind kind = Kind::kNil;
  // The integer, sign-extended, or 0 or 1 of a boolean; the bytes of a string; the elements of an
  // array; the pairs of a map.
  uint64_t number = 0;
  const char* text = nullptr;  // of a string; no NUL ends it
};

class Reader {
 public:
  Reader(const void* bytes, uint64_t size)
      : at_(static_cast<const unsigned char*>(bytes)), end_(at_ + size) {}

  uint64_t left() const { return static_cast<uint64_t>(end_ - at_); }

  // Reads a token: a whole value, or the head of an array or a map, whose members follow. False if
  // the bytes end before it does (an array or map that can't have all its members counts as cut
  // short), or if it is of a type that metadata does not use: floating-point, binary, extension.
  bool next(Token* token) {
    *token = Token();
    uint64_t tag = 0;
    if (!number(1, &tag)) return false;
    if (tag < 0x80) return value(Kind::kInteger, tag, token);
    if (tag < 0x90) return value(Kind::kMap, tag & 0xf, token);
    if (tag < 0xa0) return value(Kind::kArray, tag & 0xf, token);
    if (tag < 0xc0) return value(Kind::kString, tag & 0x1f, token);
    if (tag >= 0xe0) return value(Kind::kInteger, extend(tag, 1), token);
    uint64_t n = 0;
    switch (tag) {
      case 0xc0:
        return true;
      case 0xc2:
      case 0xc3:
        return value(Kind::kInteger, tag & 1, token);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return number(1u << (tag - 0xcc), &n) && value(Kind::kInteger, n, token);
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        unsigned width = 1u << (tag - 0xd0);
        return number(width, &n) && value(Kind::kInteger, extend(n, width), token);
      }
      case 0xd9:
      case 0xda:
      case 0xdb:
        return number(1u << (tag - 0xd9), &n) && value(Kind::kString, n, token);
      case 0xdc:
      case 0xdd:
        return number(2u << (tag - 0xdc), &n) && value(Kind::kArray, n, token);
      case 0xde:
      case 0xdf:
        return number(2u << (tag - 0xde), &n) && value(Kind::kMap, n, token);
      default:
        return false;
    }
  }

  // Passes over one whole value, of any depth.
  bool skip() {
    for (uint64_t pending = 1; pending > 0; --pending) {
      Token token;
      if (!next(&token)) return false;
      if (token.kind == Kind::kArray) pending += token.number;
      if (token.kind == Kind::kMap) pending += 2 * token.number;
      if (pending - 1 > left()) return false;
    }
    return true;
  }

 private:
  bool number(unsigned width, uint64_t* out) {
    if (left() < width) return false;
    *out = 0;
    for (unsigned i = 0; i < width; ++i) *out = *out << 8 | *at_++;
    return true;
  }

  static uint64_t extend(uint64_t number, unsigned width) {
    unsigned unused = 64 - 8 * width;
    return static_cast<uint64_t>(static_cast<int64_t>(number << unused) >> unused);
  }

  bool value(Kind kind, uint64_t number, Token* token) {
    token->kind = kind;
    token->number = number;
    if (kind == Kind::kInteger) return true;
    // A member takes a byte at least.
    if (number > left() || (kind == Kind::kMap && number > left() / 2)) return false;
    if (kind == Kind::kString) {
      token->text = reinterpret_cast<const char*>(at_);
      at_ += number;
    }
    return true;
  }

  const unsigned char* at_;
  const unsigned char* end_;
};

}  // namespace inlay::msgpack
