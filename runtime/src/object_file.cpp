// See object_file.h. Every number in the file is taken as hostile: ranges are checked without
// overflow, and structures are copied out, as nothing need be aligned.
//
// Order of the checks: what kind of file it is (so that a text file, a truncated download or an
// object of another system gets its own sentence), then the note with the ABI version (a newer one
// may have another layout), then the checksum, then what the dynamic loader will rely on.
#include "object_file.h"

#include <elf.h>
#include <inlay_abi.h>
#include <string.h>

#include "error.h"

namespace inlay {
namespace {

constexpr int32_t kStatus = INLAY_ERROR_BAD_CODE_OBJECT;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxImage = uint64_t{1} << 40;  // bytes of address space

class File {
 public:
  File(const void* bytes, size_t size, const char* where)
      : bytes_(static_cast<const unsigned char*>(bytes)), size_(size), where_(where) {}

  int32_t check(ObjectFile* out) {
    int32_t status = check_header();
    if (status == INLAY_OK) status = check_segments();
    if (status == INLAY_OK) status = check_note(out);
    if (status == INLAY_OK) status = check_dynamic();
    if (status == INLAY_OK) out->machine = header_.e_machine;
    return status;
  }

 private:
  int32_t bad(const char* what) const { return fail_format(kStatus, "%s: %s", where_, what); }

  bool inside(uint64_t offset, uint64_t count) const {
    return offset <= size_ && count <= size_ - offset;
  }

  // Copies a structure out; the range was checked.
  template <typename T>
  T read(uint64_t offset) const {
    T value;
    memcpy(&value, bytes_ + offset, sizeof value);
    return value;
  }

  Elf64_Phdr segment(uint32_t i) const {
    return read<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
  }

  int32_t check_header() {
    if (size_ == 0) return bad("the file is empty");
    if (size_ < SELFMAG || memcmp(bytes_, ELFMAG, SELFMAG) != 0) {
      return bad("is no ELF file, so no Inlay code object");
    }
    if (size_ < sizeof header_) return bad("is truncated: the ELF header is incomplete");
    header_ = read<Elf64_Ehdr>(0);
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB) {
      return bad("is no 64-bit little-endian ELF file");
    }
    if (header_.e_ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT) {
      return bad("has an unknown ELF version");
    }
    if (header_.e_type != ET_DYN) {
      return bad(header_.e_type == ET_REL
                     ? "is a relocatable object; link it into the program, or build a .so"
                     : "is an ELF file, but no shared object");
    }
    if (header_.e_machine != EM_X86_64 && header_.e_machine != EM_AARCH64) {
      return fail_format(kStatus, "%s: is for ELF machine %u, expected x86-64 (%u) or AArch64 (%u)",
                         where_, header_.e_machine, EM_X86_64, EM_AARCH64);
    }
    if (header_.e_phentsize != sizeof(Elf64_Phdr) || header_.e_phnum == 0 ||
        header_.e_phnum == PN_XNUM) {
      return bad("has no fit table of program headers");
    }
    if (!inside(header_.e_phoff, uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr))) {
      return bad("is truncated: the program headers lie outside of the file");
    }
    return INLAY_OK;
  }

  int32_t check_segments() {
    uint64_t reached = 0;
    for (uint32_t i = 0; i < header_.e_phnum; ++i) {
      Elf64_Phdr header = segment(i);
      if (header.p_type == PT_INTERP) return bad("is a program, not a code object");
      if (header.p_type == PT_GNU_STACK && (header.p_flags & PF_X) != 0) {
        return bad("asks for an executable stack");
      }
      if (header.p_type != PT_LOAD && header.p_type != PT_DYNAMIC && header.p_type != PT_NOTE) {
        continue;
      }
      if (!inside(header.p_offset, header.p_filesz)) {
        return bad("is truncated: a segment lies outside of the file");
      }
      if (header.p_type != PT_LOAD) continue;
      if (header.p_memsz < header.p_filesz || header.p_vaddr > kMaxImage ||
          header.p_memsz > kMaxImage || header.p_vaddr < reached) {
        return bad("has a segment of unfit size or place");
      }
      if (header.p_align < kPage || (header.p_align & (header.p_align - 1)) != 0 ||
          header.p_align > kMaxImage ||
          (header.p_vaddr & (header.p_align - 1)) != (header.p_offset & (header.p_align - 1))) {
        return bad("has a segment of unfit alignment");
      }
      reached = header.p_vaddr + header.p_memsz;
    }
    if (reached == 0) return bad("has nothing to load");
    return INLAY_OK;
  }

  // Whether [address, address + count) is loaded from the file; gives its place in the file.
  bool find_loaded(uint64_t address, uint64_t count, uint64_t* offset) const {
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

  int32_t check_note(ObjectFile* out) {
    uint64_t offset = 0;
    uint64_t address = 0;
    if (!find_note(&offset, &address)) return bad("is no Inlay code object (it has no Inlay note)");
    InlayNote note = read<InlayNote>(offset);
    if (note.abi_version != INLAY_ABI_VERSION) {
      return fail_format(INLAY_ERROR_VERSION,
                         "%s: has ABI version %u, this runtime (%s) reads %u; %s", where_,
                         note.abi_version, inlay_version(), INLAY_ABI_VERSION,
                         note.abi_version > INLAY_ABI_VERSION
                             ? "use a newer runtime"
                             : "build it again with the compiler of this runtime");
    }
    uint64_t loaded = 0;
    if (!find_loaded(address, sizeof note, &loaded) || loaded != offset) {
      return bad("has an Inlay note that is not loaded");
    }
    uint64_t stated = inlay_abi_load_word(note.checksum, sizeof note.checksum);
    uint64_t found = inlay_file_checksum(bytes_, size_, offset + offsetof(InlayNote, checksum));
    if (stated != found) {
      return fail_format(kStatus,
                         "%s: is damaged: its checksum is %016llx, the note says %016llx; build or "
                         "copy it again",
                         where_, static_cast<unsigned long long>(found),
                         static_cast<unsigned long long>(stated));
    }
    out->note = address;
    out->checksum = stated;
    return INLAY_OK;
  }

  bool find_note(uint64_t* offset, uint64_t* address) const {
    for (uint32_t i = 0; i < header_.e_phnum; ++i) {
      Elf64_Phdr header = segment(i);
      if (header.p_type != PT_NOTE) continue;
      uint64_t align = header.p_align == 8 ? 8 : 4;
      uint64_t at = 0;
      while (at <= header.p_filesz && header.p_filesz - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head = read<Elf64_Nhdr>(header.p_offset + at);
        uint64_t left = header.p_filesz - at;
        if (left >= sizeof(InlayNote) && head.n_namesz == sizeof INLAY_NOTE_NAME &&
            head.n_descsz == sizeof(InlayNote) - offsetof(InlayNote, abi_version) &&
            head.n_type == INLAY_NOTE_TYPE) {
          InlayNote note = read<InlayNote>(header.p_offset + at);
          if (memcmp(note.name, INLAY_NOTE_NAME "\0\0", sizeof note.name) == 0) {
            *offset = header.p_offset + at;
            *address = header.p_vaddr + at;
            return true;
          }
        }
        uint64_t description = round_up(sizeof head + head.n_namesz, align);
        at += round_up(description + head.n_descsz, align);
      }
    }
    return false;
  }

  static uint64_t round_up(uint64_t value, uint64_t step) {
    return (value + step - 1) & ~(step - 1);
  }

  // The file must be self-contained: no other library, no symbols from outside, tables inside of
  // it.
  int32_t check_dynamic() const {
    for (uint32_t i = 0; i < header_.e_phnum; ++i) {
      Elf64_Phdr header = segment(i);
      if (header.p_type != PT_DYNAMIC) continue;
      uint64_t offset = 0;
      if (!find_loaded(header.p_vaddr, header.p_filesz, &offset) || offset != header.p_offset) {
        return bad("has a dynamic section that is not loaded");
      }
      return check_entries(header);
    }
    return bad("has no dynamic section");
  }

  int32_t check_entries(const Elf64_Phdr& dynamic) const {
    uint64_t strings = 0, strings_size = 0, symbols = 0, symbol_size = sizeof(Elf64_Sym);
    bool ended = false;
    uint64_t count = dynamic.p_filesz / sizeof(Elf64_Dyn);
    for (uint64_t i = 0; i < count && !ended; ++i) {
      Elf64_Dyn entry = read<Elf64_Dyn>(dynamic.p_offset + i * sizeof(Elf64_Dyn));
      switch (entry.d_tag) {
        case DT_NULL:
          ended = true;
          break;
        case DT_NEEDED:
          return bad("needs another library, so it is no Inlay code object");
        case DT_TEXTREL:
          return bad("has text relocations");
        case DT_STRTAB:
          strings = entry.d_un.d_ptr;
          break;
        case DT_STRSZ:
          strings_size = entry.d_un.d_val;
          break;
        case DT_SYMTAB:
          symbols = entry.d_un.d_ptr;
          break;
        case DT_SYMENT:
          symbol_size = entry.d_un.d_val;
          break;
        default:
          break;
      }
    }
    uint64_t at = 0;
    if (!ended) return bad("has a dynamic section without an end");
    if (strings_size == 0 || !find_loaded(strings, strings_size, &at) ||
        bytes_[at + strings_size - 1] != '\0' || symbol_size != sizeof(Elf64_Sym) ||
        !find_loaded(symbols, sizeof(Elf64_Sym), &at)) {
      return bad("has dynamic tables outside of the file");
    }
    return INLAY_OK;
  }

  const unsigned char* bytes_;
  size_t size_;
  const char* where_;
  Elf64_Ehdr header_{};
};

}  // namespace

int32_t check_object_file(const void* bytes, size_t size, const char* where, ObjectFile* out) {
  return File(bytes, size, where).check(out);
}

const char* machine_name(uint32_t machine) {
  return machine == EM_X86_64 ? "x86-64" : machine == EM_AARCH64 ? "AArch64" : "an unknown machine";
}

}  // namespace inlay

int32_t inlay_object_verify(const void* bytes, uint64_t size, uint64_t* checksum) {
  if (bytes == nullptr) {
    return inlay::fail(INLAY_ERROR_INVALID_ARGUMENT, "inlay_object_verify: bytes is NULL");
  }
  inlay::ObjectFile file{};
  int32_t status = inlay::check_object_file(bytes, size, "the code object", &file);
  if (status == INLAY_OK && checksum != nullptr) *checksum = file.checksum;
  return status;
}
