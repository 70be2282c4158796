// The bytes of an ELF file, none of them trusted: what host and GPU code objects have in common.
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace inlay {

class ElfFile {
 public:
  ElfFile(const void* bytes, size_t size)
      : bytes_(static_cast<const unsigned char*>(bytes)), size_(size) {}

  // Each returns what is wrong, for a sentence that begins with the file, or NULL. What follows
  // them below holds after both.
  const char* check_header();
  const char* check_program_headers();

  const Elf64_Ehdr& header() const { return header_; }
  const unsigned char* at(uint64_t offset) const { return bytes_ + offset; }
  size_t size() const { return size_; }

  bool inside(uint64_t offset, uint64_t count) const {
    return offset <= size_ && count <= size_ - offset;
  }

  // Copies a structure out, as nothing need be aligned; its range was checked.
  template <typename T>
  T read(uint64_t offset) const {
    T value;
    memcpy(&value, bytes_ + offset, sizeof value);
    return value;
  }

  Elf64_Phdr segment(uint32_t i) const {
    return read<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
  }

  // Whether all of [address, address + count) is loaded from the file; gives its place there.
  // Segments lie inside the file by then.
  bool find_loaded(uint64_t address, uint64_t count, uint64_t* offset) const;

  // The first note of this owner (its NUL included in `owner_size`) and type in a PT_NOTE segment.
  struct Note {
    uint64_t offset;   // of its head, in the file
    uint64_t address;  // of its head
    uint64_t description;
    uint64_t description_size;
  };
  bool find_note(const char* owner, uint32_t owner_size, uint32_t type, Note* note) const;

 private:
  const unsigned char* bytes_;
  size_t size_;
  Elf64_Ehdr header_{};
};

}  // namespace inlay
