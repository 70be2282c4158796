#include "runtime/emulator/machine/code_object.h"

#include <elf.h>

#include <cstdio>
#include <cstring>

#include "runtime/emulator/machine/msgpack.h"

namespace inlay::emulator {
namespace {

constexpr uint16_t kMachineAmdgpu = 224;
constexpr uint8_t kOsAbiHsa = 64;
constexpr uint32_t kNoteMetadata = 32;  // NT_AMDGPU_METADATA
constexpr uint64_t kImageLimit = uint64_t{1} << 32;

// e_flags, low byte (LLVM, "AMDGPU ELF Header"): which chip.
constexpr uint32_t kMachGfx900 = 0x2c, kMachGfx906 = 0x2f, kMachGfx9Generic = 0x51;

// Relocations that a linked code object may still have.
enum : uint32_t { kRelNone = 0, kRelAbs64 = 3, kRelRel64 = 5, kRelAbs32 = 6, kRelRelative64 = 13 };

// Bytes that are there only as far as SIZE says.
class Image {
 public:
  Image(const void* data, uint64_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}
  bool has(uint64_t offset, uint64_t size) const {
    return offset <= size_ && size_ - offset >= size;
  }
  template <typename T>
  bool read(uint64_t offset, T* out) const {
    if (!has(offset, sizeof(T))) return false;
    memcpy(out, data_ + offset, sizeof(T));
    return true;
  }
  const uint8_t* at(uint64_t offset) const { return data_ + offset; }
  uint64_t size() const { return size_; }

 private:
  const uint8_t* data_;
  uint64_t size_;
};

bool is_elf(const Image& image) {
  return image.has(0, SELFMAG) && memcmp(image.at(0), ELFMAG, SELFMAG) == 0;
}

// A feature of e_flags from version 4 on: not there, left open, off, on.
bool feature_fits(uint32_t flags, bool on) {
  return flags < 2 || (flags == 3) == on;
}

}  // namespace

// Loads one ELF file.
class Loader {
 public:
  Loader(const Target& target, DeviceMemory* memory, const Image& image, std::string* error)
      : target_(target), memory_(memory), image_(image), error_(error) {}

  std::unique_ptr<CodeObject> load() {
    auto object = std::make_unique<CodeObject>();
    object_ = object.get();
    object_->memory_ = memory_;
    if (!header() || !segments() || !dynamic() || !metadata() || !kernels()) return nullptr;
    return object;
  }

 private:
  bool damaged(const char* what) {
    return fail(error_, std::string("damaged code object: ") + what);
  }
  static bool fail(std::string* error, const std::string& why) {
    *error = why;
    return false;
  }

  bool header() {
    if (!image_.read(0, &h_) || !is_elf(image_) || h_.e_ident[EI_CLASS] != ELFCLASS64 ||
        h_.e_ident[EI_DATA] != ELFDATA2LSB)
      return fail(error_, "not a 64-bit little-endian ELF file");
    if (h_.e_machine != kMachineAmdgpu || h_.e_ident[EI_OSABI] != kOsAbiHsa)
      return fail(error_, "an ELF file, but not an amdgcn-amd-amdhsa code object");
    if (h_.e_type != ET_DYN)
      return fail(error_, "a relocatable object: link it with ld.lld -shared first");
    const uint8_t version = h_.e_ident[EI_ABIVERSION];
    if (version < 1 || version > 4)
      return fail(error_, "code object ABI version " + std::to_string(version) +
                              (version == 0 ? " (code object version 2)" : "") +
                              ": known are 1 to 4 (code object versions 3 to 6); build it with "
                              "-mcode-object-version=5");
    object_->version_ = version + 2;
    const uint32_t mach = h_.e_flags & 0xff;
    const uint32_t wanted = target_.chip == Chip::kGfx900 ? kMachGfx900 : kMachGfx906;
    if (mach != wanted && !(mach == kMachGfx9Generic && version == 4)) {
      char text[160];
      snprintf(text, sizeof(text),
               "the code object is for another chip (e_flags machine 0x%x%s); this device is %s",
               mach,
               mach == kMachGfx900   ? ", gfx900"
               : mach == kMachGfx906 ? ", gfx906"
                                     : "",
               chip_name(target_.chip));
      return fail(error_, text);
    }
    // Version 3 has one bit a feature, and code without it may not run where the feature is on.
    const uint32_t xnack = version == 1 ? 2 + (h_.e_flags >> 8 & 1) : h_.e_flags >> 8 & 3;
    const uint32_t sramecc = version == 1 ? 2 + (h_.e_flags >> 9 & 1) : h_.e_flags >> 10 & 3;
    const bool has_sramecc = target_.chip == Chip::kGfx906;
    if (!feature_fits(xnack, target_.xnack) ||
        (has_sramecc && !feature_fits(sramecc, target_.sramecc)))
      return fail(error_, std::string("the code object is for another chip: it demands xnack") +
                              "?+-"[xnack < 2    ? 0
                                    : xnack == 3 ? 1
                                                 : 2] +
                              (has_sramecc ? std::string(" and sramecc") + "?+-"[sramecc < 2    ? 0
                                                                                 : sramecc == 3 ? 1
                                                                                                : 2]
                                           : "") +
                              " (? is either), and this device is " + target_.id() +
                              "; INLAY_EMULATOR_ARCH makes it another");
    if (h_.e_phentsize != sizeof(Elf64_Phdr) ||
        !image_.has(h_.e_phoff, uint64_t{h_.e_phnum} * sizeof(Elf64_Phdr)))
      return damaged("program headers");
    for (int n = 0; n < h_.e_phnum; n++) {
      Elf64_Phdr p;
      image_.read(h_.e_phoff + static_cast<uint64_t>(n) * sizeof(p), &p);
      program_headers_.push_back(p);
    }
    return true;
  }

  bool segments() {
    uint64_t end = 0;
    for (const Elf64_Phdr& p : program_headers_) {
      if (p.p_type != PT_LOAD) continue;
      if (p.p_vaddr > kImageLimit || p.p_memsz > kImageLimit || p.p_filesz > p.p_memsz ||
          !image_.has(p.p_offset, p.p_filesz))
        return damaged("a segment lies outside the file");
      if (p.p_vaddr + p.p_memsz > end) end = p.p_vaddr + p.p_memsz;
    }
    if (end == 0) return damaged("it has no loadable segment");
    object_->image_ = memory_->allocate_zeroed(end, "code object");
    if (object_->image_ == nullptr) return fail(error_, "no memory for the code object");
    image_size_ = end;
    const Elf64_Phdr* code = nullptr;
    for (const Elf64_Phdr& p : program_headers_) {
      if (p.p_type != PT_LOAD) continue;
      memcpy(base() + p.p_vaddr, image_.at(p.p_offset), p.p_filesz);
      if (!(p.p_flags & PF_X)) continue;
      if (code != nullptr) return fail(error_, "more than one executable segment");
      code = &p;
    }
    if (code == nullptr) return true;  // data only
    if (code->p_vaddr % 4 != 0) return damaged("code is not aligned to dwords");
    load_program(target_.chip, reinterpret_cast<uint64_t>(base() + code->p_vaddr),
                 reinterpret_cast<const uint32_t*>(base() + code->p_vaddr), code->p_filesz / 4,
                 &object_->program_);
    // Registers with error correction are written whole.
    object_->program_.sramecc = target_.chip == Chip::kGfx906 && target_.sramecc;
    object_->sources_ =
        read_source_lines(image_.at(0), image_.size(), reinterpret_cast<uint64_t>(base()));
    return true;
  }

  uint8_t* base() const { return static_cast<uint8_t*>(object_->image_); }
  bool loaded(uint64_t vaddr, uint64_t size) const {
    return vaddr <= image_size_ && image_size_ - vaddr >= size;
  }
  template <typename T>
  bool get(uint64_t vaddr, T* out) const {
    if (!loaded(vaddr, sizeof(T))) return false;
    memcpy(out, base() + vaddr, sizeof(T));
    return true;
  }

  // Symbols and relocations, as the dynamic section names them.
  bool dynamic() {
    uint64_t symtab = 0, strtab = 0, strsz = 0, hash = 0, gnu_hash = 0, rela = 0, relasz = 0;
    for (const Elf64_Phdr& p : program_headers_) {
      if (p.p_type != PT_DYNAMIC) continue;
      for (uint64_t n = 0; n < p.p_memsz / sizeof(Elf64_Dyn); n++) {
        Elf64_Dyn d;
        if (!get(p.p_vaddr + n * sizeof(d), &d)) return damaged("the dynamic section");
        if (d.d_tag == DT_NULL) break;
        if (d.d_tag == DT_SYMTAB) symtab = d.d_un.d_ptr;
        if (d.d_tag == DT_STRTAB) strtab = d.d_un.d_ptr;
        if (d.d_tag == DT_STRSZ) strsz = d.d_un.d_val;
        if (d.d_tag == DT_HASH) hash = d.d_un.d_ptr;
        if (d.d_tag == DT_GNU_HASH) gnu_hash = d.d_un.d_ptr;
        if (d.d_tag == DT_RELA) rela = d.d_un.d_ptr;
        if (d.d_tag == DT_RELASZ) relasz = d.d_un.d_val;
      }
    }
    if (symtab == 0 || strtab == 0) return damaged("it has no dynamic symbols");
    if (!loaded(strtab, strsz)) return damaged("the string table");
    uint64_t count = 0;
    if (hash != 0) {
      uint32_t header[2];
      if (!get(hash, &header)) return damaged("the hash table");
      count = header[1];
    } else if (!gnu_hash || !gnu_hash_count(gnu_hash, &count)) {
      return damaged("it has no hash table");
    }
    for (uint64_t n = 0; n < count; n++) {
      Elf64_Sym s;
      if (!get(symtab + n * sizeof(s), &s)) return damaged("the symbol table");
      Symbol symbol{name_at(strtab, strsz, s.st_name), s.st_value, s.st_size, s.st_info & 15,
                    s.st_shndx != SHN_UNDEF};
      symbols_.push_back(symbol);
      if (symbol.defined && symbol.type == STT_OBJECT && loaded(s.st_value, s.st_size))
        object_->variables_.push_back(
            {symbol.name, reinterpret_cast<uint64_t>(base()) + s.st_value, s.st_size});
      if (symbol.defined && symbol.type == STT_FUNC && loaded(s.st_value, s.st_size))
        object_->functions_.push_back(
            {symbol.name, reinterpret_cast<uint64_t>(base()) + s.st_value, s.st_size});
    }
    for (uint64_t n = 0; n < relasz / sizeof(Elf64_Rela); n++) {
      Elf64_Rela r;
      if (!get(rela + n * sizeof(r), &r)) return damaged("the relocations");
      if (!relocate(r)) return false;
    }
    return true;
  }

  struct Symbol {
    std::string name;
    uint64_t value, size;
    int type;
    bool defined;
  };
  std::string name_at(uint64_t strtab, uint64_t strsz, uint64_t offset) const {
    if (offset >= strsz) return "";
    const char* s = reinterpret_cast<const char*>(base() + strtab + offset);
    return std::string(s, strnlen(s, strsz - offset));
  }
  // The highest symbol of any chain, plus one.
  bool gnu_hash_count(uint64_t at, uint64_t* count) const {
    uint32_t header[4];
    if (!get(at, &header)) return false;
    const uint64_t buckets = at + 16 + uint64_t{header[2]} * 8,
                   chains = buckets + uint64_t{header[0]} * 4;
    uint32_t last = 0;
    for (uint32_t n = 0; n < header[0]; n++) {
      uint32_t b;
      if (!get(buckets + uint64_t{n} * 4, &b)) return false;
      if (b > last) last = b;
    }
    if (last < header[1]) {
      *count = header[1];
      return true;
    }
    for (;; last++) {
      uint32_t chain;
      if (!get(chains + uint64_t{last - header[1]} * 4, &chain)) return false;
      if (chain & 1) break;
    }
    *count = uint64_t{last} + 1;
    return true;
  }

  bool relocate(const Elf64_Rela& r) {
    const uint32_t type = ELF64_R_TYPE(r.r_info), index = ELF64_R_SYM(r.r_info);
    const uint64_t load = reinterpret_cast<uint64_t>(base());
    uint64_t value = 0;
    if (index != 0) {
      if (index >= symbols_.size()) return damaged("a relocation names no symbol");
      if (!symbols_[index].defined)
        return fail(error_, "undefined symbol " + symbols_[index].name +
                                ": link what defines it into the code object");
      value = load + symbols_[index].value;
    }
    const uint64_t addend = static_cast<uint64_t>(r.r_addend);
    uint64_t out;
    int size = 8;
    switch (type) {
      case kRelNone:
        return true;
      case kRelAbs64:
        out = value + addend;
        break;
      case kRelRel64:
        out = value + addend - (load + r.r_offset);
        break;
      case kRelAbs32:
        out = value + addend, size = 4;
        break;
      case kRelRelative64:
        out = load + addend;
        break;
      default:
        return fail(error_, "unknown relocation type " + std::to_string(type));
    }
    if (!loaded(r.r_offset, static_cast<uint64_t>(size)))
      return damaged("a relocation lies outside the image");
    memcpy(base() + r.r_offset, &out, static_cast<size_t>(size));
    return true;
  }

  bool metadata() {
    for (const Elf64_Phdr& p : program_headers_) {
      if (p.p_type != PT_NOTE || !image_.has(p.p_offset, p.p_filesz)) continue;
      uint64_t at = p.p_offset;
      const uint64_t end = p.p_offset + p.p_filesz;
      while (end - at >= 12) {
        uint32_t note[3];
        image_.read(at, &note);
        const uint64_t name = at + 12,
                       description = name + ((uint64_t{note[0]} + 3) & ~uint64_t{3});
        const uint64_t next = description + ((uint64_t{note[1]} + 3) & ~uint64_t{3});
        if (description > end || note[1] > end - description) return damaged("a note");
        if (note[2] == kNoteMetadata && note[0] == 7 && memcmp(image_.at(name), "AMDGPU", 7) == 0) {
          if (!parse_message(image_.at(description), note[1], &metadata_))
            return damaged("the metadata note");
          return true;
        }
        if (next > end) break;
        at = next;
      }
    }
    return fail(error_,
                "the code object has no metadata note (code object version 2 is not supported)");
  }

  bool kernels() {
    for (const MessageValue& m : metadata_["amdhsa.kernels"].array) {
      Kernel k;
      k.name = m[".name"].string;
      const std::string symbol = m[".symbol"].string;
      for (const Symbol& s : symbols_) {
        if (s.name != symbol || !s.defined) continue;
        k.descriptor_address = reinterpret_cast<uint64_t>(base()) + s.value;
        if (!read_descriptor(s.value, &k.descriptor)) return damaged("a kernel descriptor");
      }
      if (k.descriptor_address == 0)
        return fail(error_, "kernel " + k.name + ": no descriptor " + symbol);
      k.entry = k.descriptor_address + static_cast<uint64_t>(k.descriptor.entry_offset);
      k.kernarg_size = static_cast<uint32_t>(m[".kernarg_segment_size"].integer);
      k.max_workgroup_size = static_cast<uint32_t>(m[".max_flat_workgroup_size"].integer);
      if (k.max_workgroup_size == 0 || k.max_workgroup_size > 1024) k.max_workgroup_size = 1024;
      k.vgprs = static_cast<uint32_t>(m[".vgpr_count"].integer);
      k.sgprs = static_cast<uint32_t>(m[".sgpr_count"].integer);
      k.vgpr_spills = static_cast<uint32_t>(m[".vgpr_spill_count"].integer);
      k.sgpr_spills = static_cast<uint32_t>(m[".sgpr_spill_count"].integer);
      if (k.kernarg_size > 65536) return damaged("a kernarg segment of more than 64 KB");
      for (const MessageValue& a : m[".args"].array) {
        KernelArgument argument;
        argument.offset = static_cast<uint32_t>(a[".offset"].integer);
        argument.size = static_cast<uint32_t>(a[".size"].integer);
        argument.kind = a[".value_kind"].string;
        argument.name = a[".name"].string;
        if (uint64_t{argument.offset} + argument.size > k.kernarg_size)
          return fail(error_,
                      "kernel " + k.name + ": an argument lies outside its kernarg segment");
        k.arguments.push_back(argument);
      }
      object_->kernels_.push_back(std::move(k));
    }
    return true;
  }

  bool read_descriptor(uint64_t vaddr, KernelDescriptor* d) const {
    if (!loaded(vaddr, 64)) return false;
    return get(vaddr, &d->group_segment_size) && get(vaddr + 4, &d->private_segment_size) &&
           get(vaddr + 8, &d->kernarg_size) && get(vaddr + 16, &d->entry_offset) &&
           get(vaddr + 44, &d->rsrc3) && get(vaddr + 48, &d->rsrc1) && get(vaddr + 52, &d->rsrc2) &&
           get(vaddr + 56, &d->properties);
  }

  Target target_;
  DeviceMemory* memory_;
  Image image_;
  std::string* error_;
  CodeObject* object_ = nullptr;
  Elf64_Ehdr h_ = {};
  std::vector<Elf64_Phdr> program_headers_;
  std::vector<Symbol> symbols_;
  MessageValue metadata_;
  uint64_t image_size_ = 0;
};

std::unique_ptr<CodeObject> CodeObject::load(const Target& target, DeviceMemory* memory,
                                             const void* data, uint64_t size, std::string* error) {
  CodeImage image;
  if (!find_code_object(target, data, size, &image, error)) return nullptr;
  return Loader(target, memory, Image(image.data, image.size), error).load();
}

bool code_object_target(const void* data, uint64_t size, Target* target, std::string* error) {
  const Image image(data, size);
  Elf64_Ehdr h;
  if (!image.read(0, &h) || !is_elf(image) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
      h.e_machine != kMachineAmdgpu) {
    *error = "no AMDGPU code object";
    return false;
  }
  const uint32_t mach = h.e_flags & 0xff;
  if (mach != kMachGfx900 && mach != kMachGfx906 && mach != kMachGfx9Generic) {
    char text[96];
    snprintf(text, sizeof(text),
             "code for another chip (e_flags machine 0x%x); known are gfx900 and gfx906", mach);
    *error = text;
    return false;
  }
  *target = Target(mach == kMachGfx906 ? Chip::kGfx906 : Chip::kGfx900);
  const bool v3 = h.e_ident[EI_ABIVERSION] == 1;
  target->xnack = v3 ? (h.e_flags & 0x100) != 0 : (h.e_flags & 0x300) == 0x300;
  target->sramecc = v3 ? (h.e_flags & 0x200) != 0 : (h.e_flags & 0xc00) == 0xc00;
  return true;
}

CodeObject::~CodeObject() {
  if (image_ != nullptr) memory_->free(image_);
}

const Kernel* CodeObject::kernel(const std::string& name) const {
  for (const Kernel& k : kernels_)
    if (k.name == name || k.name + ".kd" == name) return &k;
  return nullptr;
}

const DeviceVariable* CodeObject::variable(const std::string& name) const {
  for (const DeviceVariable& v : variables_)
    if (v.name == name) return &v;
  return nullptr;
}

}  // namespace inlay::emulator
