// See object_file.h. Every number in the file is taken as hostile: ranges are checked without
// overflow, and structures are copied out, as nothing need be aligned.
//
// Order of the checks: what kind of file it is (so that a text file, a truncated download or an
// object of another system gets its own sentence), then the note with the ABI version (a newer one
// may have another layout), then the checksum, then what the dynamic loader will rely on.
#include "load/object_file.h"

#include <inlay_abi.h>

#include "error.h"
#include "load/elf_file.h"

namespace inlay {
namespace {

constexpr int32_t kStatus = INLAY_ERROR_BAD_CODE_OBJECT;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxImage = uint64_t{1} << 40;  // bytes of address space

class File {
 public:
  File(const void* bytes, size_t size, const char* where) : elf_(bytes, size), where_(where) {}

  int32_t check(ObjectFile* out) {
    int32_t status = check_header();
    if (status == INLAY_OK) status = check_segments();
    if (status == INLAY_OK) status = check_note(out);
    if (status == INLAY_OK) status = check_dynamic();
    if (status == INLAY_OK) out->machine = elf_.header().e_machine;
    return status;
  }

 private:
  int32_t bad(const char* what) const { return fail_format(kStatus, "%s: %s", where_, what); }

  int32_t check_header() {
    if (const char* what = elf_.check_header()) return bad(what);
    const Elf64_Ehdr& header = elf_.header();
    if (header.e_type != ET_DYN) {
      return bad(header.e_type == ET_REL
                     ? "is a relocatable object; link it into the program, or build a .so"
                     : "is an ELF file, but no shared object");
    }
    if (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64) {
      return fail_format(kStatus, "%s: is for ELF machine %u, expected x86-64 (%u) or AArch64 (%u)",
                         where_, header.e_machine, EM_X86_64, EM_AARCH64);
    }
    if (const char* what = elf_.check_program_headers()) return bad(what);
    return INLAY_OK;
  }

  int32_t check_segments() {
    uint64_t reached = 0;
    for (uint32_t i = 0; i < elf_.header().e_phnum; ++i) {
      Elf64_Phdr header = elf_.segment(i);
      if (header.p_type == PT_INTERP) return bad("is a program, not a code object");
      if (header.p_type == PT_GNU_STACK && (header.p_flags & PF_X) != 0) {
        return bad("asks for an executable stack");
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

  int32_t check_note(ObjectFile* out) {
    ElfFile::Note place;
    if (!elf_.find_note(INLAY_NOTE_NAME, sizeof INLAY_NOTE_NAME, INLAY_NOTE_TYPE, &place) ||
        place.description_size != sizeof(InlayNote) - offsetof(InlayNote, abi_version)) {
      return bad("is no Inlay code object (it has no Inlay note)");
    }
    InlayNote note = elf_.read<InlayNote>(place.offset);
    if (note.abi_version != INLAY_ABI_VERSION) {
      return fail_format(INLAY_ERROR_VERSION,
                         "%s: has ABI version %u, this runtime (%s) reads %u; %s", where_,
                         note.abi_version, inlay_version(), INLAY_ABI_VERSION,
                         note.abi_version > INLAY_ABI_VERSION
                             ? "use a newer runtime"
                             : "build it again with the compiler of this runtime");
    }
    uint64_t loaded = 0;
    if (!elf_.find_loaded(place.address, sizeof note, &loaded) || loaded != place.offset) {
      return bad("has an Inlay note that is not loaded");
    }
    uint64_t stated = inlay_abi_load_word(note.checksum, sizeof note.checksum);
    uint64_t found =
        inlay_file_checksum(elf_.at(0), elf_.size(), place.offset + offsetof(InlayNote, checksum));
    if (stated != found) {
      return fail_format(kStatus,
                         "%s: is damaged: its checksum is %016llx, the note says %016llx; build or "
                         "copy it again",
                         where_, static_cast<unsigned long long>(found),
                         static_cast<unsigned long long>(stated));
    }
    out->note = place.address;
    out->checksum = stated;
    return INLAY_OK;
  }

  // The file must be self-contained: no other library, no symbols from outside, tables inside of
  // it.
  int32_t check_dynamic() const {
    for (uint32_t i = 0; i < elf_.header().e_phnum; ++i) {
      Elf64_Phdr header = elf_.segment(i);
      if (header.p_type != PT_DYNAMIC) continue;
      uint64_t offset = 0;
      if (!elf_.find_loaded(header.p_vaddr, header.p_filesz, &offset) ||
          offset != header.p_offset) {
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
      Elf64_Dyn entry = elf_.read<Elf64_Dyn>(dynamic.p_offset + i * sizeof(Elf64_Dyn));
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
    if (strings_size == 0 || !elf_.find_loaded(strings, strings_size, &at) ||
        *elf_.at(at + strings_size - 1) != '\0' || symbol_size != sizeof(Elf64_Sym) ||
        !elf_.find_loaded(symbols, sizeof(Elf64_Sym), &at)) {
      return bad("has dynamic tables outside of the file");
    }
    return INLAY_OK;
  }

  ElfFile elf_;
  const char* where_;
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
