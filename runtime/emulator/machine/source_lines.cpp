#include "runtime/emulator/machine/source_lines.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace inlay::emulator {
namespace {

constexpr size_t kMostRows = 1u << 22;

// Bytes that end somewhere; what is read beyond is zero, and `ok` false.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const uint8_t* data, uint64_t size) : at_(data), end_(data + size) {}
  bool ok = true;
  uint64_t left() const { return static_cast<uint64_t>(end_ - at_); }
  bool done() const { return !ok || at_ == end_; }
  const uint8_t* at() const { return at_; }
  void skip(uint64_t n) {
    if (n > left()) fail();
    at_ += ok ? n : 0;
  }
  uint64_t fixed(int size) {
    if (static_cast<uint64_t>(size) > left()) {
      fail();
      return 0;
    }
    uint64_t v = 0;
    memcpy(&v, at_, static_cast<size_t>(size));
    at_ += size;
    return v;
  }
  uint8_t u8() { return static_cast<uint8_t>(fixed(1)); }
  uint64_t uleb() {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t b = u8();
      if (shift < 64) v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80)) return v;
    }
  }
  int64_t sleb() {
    uint64_t v = 0;
    for (int shift = 0;;) {
      const uint8_t b = u8();
      if (shift < 64) v |= static_cast<uint64_t>(b & 0x7f) << shift;
      shift += 7;
      if (b & 0x80) continue;
      if ((b & 0x40) && shift < 64) v |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(v);
    }
  }
  std::string string() {
    const void* end = at_ == end_ ? nullptr : memchr(at_, 0, left());
    if (end == nullptr) {
      fail();
      return "";
    }
    std::string s(reinterpret_cast<const char*>(at_));
    at_ = static_cast<const uint8_t*>(end) + 1;
    return s;
  }
  // The next N bytes, taken out.
  Bytes part(uint64_t n) {
    if (n > left()) fail();
    const Bytes p(at_, ok ? n : 0);
    skip(ok ? n : 0);
    return p;
  }

 private:
  void fail() {
    ok = false;
    at_ = end_;
  }
  const uint8_t *at_ = nullptr, *end_ = nullptr;
};

class Lines : public SourceMap {
 public:
  std::string at(uint64_t address) const override {
    auto row = std::upper_bound(rows_.begin(), rows_.end(), address,
                                [](uint64_t a, const Row& r) { return a < r.address; });
    if (row == rows_.begin()) return "";
    --row;
    if (row->end || row->line == 0) return "";
    return files_[row->file] + ":" + std::to_string(row->line);
  }

  void read(Bytes lines, Bytes strings, Bytes line_strings, uint64_t bias) {
    strings_ = strings;
    line_strings_ = line_strings;
    bias_ = bias;
    while (!lines.done()) {
      uint64_t length = lines.fixed(4);
      offset_size_ = 4;
      if (length == 0xffffffff) {
        length = lines.fixed(8);
        offset_size_ = 8;
      }
      unit(lines.part(length));
    }
    // Of rows at one address the last holds, and the end of a sequence is no row where another
    // begins.
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      if (a.address != b.address) return a.address < b.address;
      return a.end != b.end ? a.end : a.order < b.order;
    });
  }
  bool empty() const { return rows_.empty(); }

 private:
  struct Row {
    uint64_t address;
    uint32_t file, line;
    bool end;
    uint32_t order;  // in the table
  };
  struct Format {
    uint64_t content, form;
  };

  std::string named(Bytes section, uint64_t offset) {
    section.skip(offset);
    return section.string();
  }
  // One field of an entry of version 5; *TEXT if it is a string. False for a form that is not
  // known.
  bool field(Bytes* b, uint64_t form, std::string* text) {
    switch (form) {
      case 0x08:
        *text = b->string();
        return true;
      case 0x1f:
        *text = named(line_strings_, b->fixed(offset_size_));
        return true;
      case 0x0e:
        *text = named(strings_, b->fixed(offset_size_));
        return true;
      case 0x0b:
        b->skip(1);
        return true;
      case 0x05:
        b->skip(2);
        return true;
      case 0x06:
        b->skip(4);
        return true;
      case 0x07:
        b->skip(8);
        return true;
      case 0x1e:
        b->skip(16);
        return true;
      case 0x0f:
        b->uleb();
        return true;
      case 0x09:
        b->skip(b->uleb());
        return true;
      default:
        return false;
    }
  }
  // A table of directories or files of version 5. The names go to NAMES, if that is given.
  bool table(Bytes* b, std::vector<std::string>* names) {
    std::vector<Format> formats(b->u8());
    for (Format& f : formats) f = {b->uleb(), b->uleb()};
    const uint64_t count = b->uleb();
    for (uint64_t n = 0; n < count && b->ok; n++) {
      std::string name;
      for (const Format& f : formats) {
        std::string text;
        if (!field(b, f.form, &text)) return false;
        if (f.content == 1) name = text;
      }
      if (names != nullptr && b->ok) names->push_back(name);
      if (formats.empty()) break;
    }
    return b->ok;
  }

  void unit(Bytes b) {
    const uint64_t version = b.fixed(2);
    if (version < 2 || version > 5) return;
    if (version == 5) b.skip(2);  // sizes of addresses and of segment selectors
    const uint64_t header = b.fixed(offset_size_);
    Bytes program = b;
    program.skip(header);
    const uint64_t step = b.u8();
    if (version >= 4) b.skip(1);
    b.skip(1);  // whether rows are statements
    const int line_base = static_cast<int8_t>(b.u8());
    const int line_range = b.u8();
    const int opcode_base = b.u8();
    uint8_t arguments[256] = {};
    for (int n = 1; n < opcode_base; n++) arguments[n] = b.u8();
    std::vector<std::string> names;
    if (version == 5) {
      if (!table(&b, nullptr) || !table(&b, &names)) return;
    } else {
      while (b.ok && !b.string().empty()) {
      }
      names.push_back("");
      for (std::string name = b.string(); b.ok && !name.empty(); name = b.string()) {
        names.push_back(name);
        for (int n = 0; n < 3; n++) b.uleb();
      }
    }
    if (!b.ok || !program.ok || line_range == 0) return;
    const uint32_t first_file = static_cast<uint32_t>(files_.size());
    files_.insert(files_.end(), names.begin(), names.end());
    const uint64_t file_count = names.size();

    struct {
      uint64_t address = 0, file = 1;
      uint32_t line = 1;
    } now;
    const auto row = [&](bool end) {
      if (rows_.size() >= kMostRows || now.file >= file_count) return;
      rows_.push_back({now.address + bias_, first_file + static_cast<uint32_t>(now.file), now.line,
                       end, static_cast<uint32_t>(rows_.size())});
    };
    while (!program.done()) {
      const int op = program.u8();
      if (op >= opcode_base) {
        const int n = op - opcode_base;
        now.address += step * static_cast<uint64_t>(n / line_range);
        now.line += static_cast<uint32_t>(line_base + n % line_range);
        row(false);
        continue;
      }
      switch (op) {
        case 0: {
          Bytes extended = program.part(program.uleb());
          switch (extended.u8()) {
            case 1:
              row(true);
              now = {};
              break;
            case 2:
              now.address =
                  extended.fixed(static_cast<int>(std::min<uint64_t>(extended.left(), 8)));
              break;
            default:
              break;
          }
          break;
        }
        case 1:
          row(false);
          break;
        case 2:
          now.address += step * program.uleb();
          break;
        case 3:
          now.line += static_cast<uint32_t>(program.sleb());
          break;
        case 4:
          now.file = program.uleb();
          break;
        case 8:
          now.address += step * static_cast<uint64_t>((255 - opcode_base) / line_range);
          break;
        case 9:
          now.address += program.fixed(2);
          break;
        default:
          for (int n = 0; n < arguments[op]; n++) program.uleb();
          break;
      }
    }
  }

  Bytes strings_, line_strings_;
  uint64_t bias_ = 0;
  int offset_size_ = 4;
  std::vector<Row> rows_;
  std::vector<std::string> files_;
};

}  // namespace

std::shared_ptr<const SourceMap> read_source_lines(const void* elf, uint64_t size, uint64_t bias) {
  Elf64_Ehdr h;
  if (size < sizeof(h)) return nullptr;
  const uint8_t* data = static_cast<const uint8_t*>(elf);
  memcpy(&h, data, sizeof(h));
  const auto inside = [&](uint64_t offset, uint64_t length) {
    return offset <= size && length <= size - offset;
  };
  if (h.e_shentsize != sizeof(Elf64_Shdr) ||
      !inside(h.e_shoff, uint64_t{h.e_shnum} * sizeof(Elf64_Shdr)) || h.e_shstrndx >= h.e_shnum)
    return nullptr;
  const auto section = [&](unsigned n) {
    Elf64_Shdr s;
    memcpy(&s, data + h.e_shoff + n * sizeof(s), sizeof(s));
    return s;
  };
  const Elf64_Shdr names = section(h.e_shstrndx);
  if (!inside(names.sh_offset, names.sh_size)) return nullptr;
  Bytes lines, strings, line_strings;
  for (unsigned n = 0; n < h.e_shnum; n++) {
    const Elf64_Shdr s = section(n);
    Bytes name(data + names.sh_offset, names.sh_size);
    name.skip(s.sh_name);
    const std::string text = name.string();
    if (s.sh_type == SHT_NOBITS || (s.sh_flags & SHF_COMPRESSED) || !inside(s.sh_offset, s.sh_size))
      continue;
    const Bytes content(data + s.sh_offset, s.sh_size);
    if (text == ".debug_line") lines = content;
    if (text == ".debug_str") strings = content;
    if (text == ".debug_line_str") line_strings = content;
  }
  if (lines.done()) return nullptr;
  auto map = std::make_shared<Lines>();
  map->read(lines, strings, line_strings, bias);
  if (map->empty()) return nullptr;
  return map;
}

}  // namespace inlay::emulator
