// See elf_file.h. Ranges are checked without overflow.
#include "load/elf_file.h"

namespace inlay {
namespace {

uint64_t round_up(uint64_t value, uint64_t step) {
  return (value + step - 1) & ~(step - 1);
}

}  // namespace

const char* ElfFile::check_header() {
  if (size_ == 0) return "the file is empty";
  if (size_ < SELFMAG || memcmp(bytes_, ELFMAG, SELFMAG) != 0) return "is no ELF file";
  if (size_ < sizeof header_) return "is truncated: the ELF header is incomplete";
  header_ = read<Elf64_Ehdr>(0);
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB) {
    return "is no 64-bit little-endian ELF file";
  }
  if (header_.e_ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT) {
    return "has an unknown ELF version";
  }
  return nullptr;
}

const char* ElfFile::check_program_headers() {
  if (header_.e_phentsize != sizeof(Elf64_Phdr) || header_.e_phnum == 0 ||
      header_.e_phnum == PN_XNUM) {
    return "has no fit table of program headers";
  }
  if (!inside(header_.e_phoff, uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr))) {
    return "is truncated: the program headers lie outside of the file";
  }
  for (uint32_t i = 0; i < header_.e_phnum; ++i) {
    Elf64_Phdr one = segment(i);
    bool used = one.p_type == PT_LOAD || one.p_type == PT_DYNAMIC || one.p_type == PT_NOTE;
    if (used && !inside(one.p_offset, one.p_filesz)) {
      return "is truncated: a segment lies outside of the file";
    }
  }
  return nullptr;
}

bool ElfFile::find_loaded(uint64_t address, uint64_t count, uint64_t* offset) const {
  for (uint32_t i = 0; i < header_.e_phnum; ++i) {
    Elf64_Phdr load = segment(i);
    if (load.p_type != PT_LOAD || address < load.p_vaddr) continue;
    uint64_t into = address - load.p_vaddr;
    if (into > load.p_filesz || count > load.p_filesz - into) continue;
    *offset = load.p_offset + into;
    return true;
  }
  return false;
}

bool ElfFile::find_note(const char* owner, uint32_t owner_size, uint32_t type, Note* note) const {
  for (uint32_t i = 0; i < header_.e_phnum; ++i) {
    Elf64_Phdr notes = segment(i);
    if (notes.p_type != PT_NOTE) continue;
    uint64_t align = notes.p_align == 8 ? 8 : 4;
    uint64_t at = 0;
    while (at <= notes.p_filesz && notes.p_filesz - at >= sizeof(Elf64_Nhdr)) {
      Elf64_Nhdr head = read<Elf64_Nhdr>(notes.p_offset + at);
      uint64_t description = round_up(sizeof head + head.n_namesz, align);
      uint64_t left = notes.p_filesz - at;
      if (head.n_type == type && head.n_namesz == owner_size && description <= left &&
          head.n_descsz <= left - description &&
          memcmp(bytes_ + notes.p_offset + at + sizeof head, owner, owner_size) == 0) {
        *note = {notes.p_offset + at, notes.p_vaddr + at, notes.p_offset + at + description,
                 head.n_descsz};
        return true;
      }
      at += round_up(description + head.n_descsz, align);
    }
  }
  return false;
}

}  // namespace inlay
