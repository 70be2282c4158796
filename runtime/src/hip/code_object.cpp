// See code_object.h. Source: LLVM, "User Guide for AMDGPU Backend": ELF Code Object, Code Object
// Metadata V3 to V5, Kernel Descriptor.
#include "hip/code_object.h"

#include <inttypes.h>
#include <string.h>

#include "error.h"

namespace inlay::hip {
namespace {

constexpr int32_t kStatus = INLAY_ERROR_BAD_CODE_OBJECT;
constexpr uint8_t kOsAbiHsa = 64;
constexpr uint32_t kNoteMetadata = 32;  // NT_AMDGPU_METADATA
constexpr uint64_t kMaxImage = uint64_t{1} << 32;
constexpr uint64_t kDescriptorSize = 64;
constexpr uint64_t kMaxKernarg = 64 << 10;

// The relocations that a linked code object may have left.
enum : uint32_t { kRelNone = 0, kRelAbs64 = 3, kRelRelative64 = 13 };

bool is(const msgpack::Token& token, const char* text) {
  size_t size = strlen(text);
  return token.kind == msgpack::Kind::kString && token.number == size &&
         memcmp(token.text, text, size) == 0;
}

// Names come from the file: printed as far as a sentence can take.
int shown(const msgpack::Token& token) {
  return token.number < 200 ? static_cast<int>(token.number) : 200;
}

// Reads an integer into *out; any other value is passed over, and leaves *out as it was.
bool read_integer(msgpack::Reader* reader, uint64_t* out) {
  msgpack::Reader before = *reader;
  msgpack::Token token;
  if (reader->next(&token) && token.kind == msgpack::Kind::kInteger) {
    *out = token.number;
    return true;
  }
  *reader = before;
  return reader->skip();
}

bool read_string(msgpack::Reader* reader, msgpack::Token* out) {
  msgpack::Reader before = *reader;
  if (reader->next(out) && out->kind == msgpack::Kind::kString) return true;
  *out = msgpack::Token();
  *reader = before;
  return reader->skip();
}

bool read_array(msgpack::Reader* reader, msgpack::Reader* members, uint64_t* count) {
  msgpack::Reader before = *reader;
  msgpack::Token token;
  if (reader->next(&token) && token.kind == msgpack::Kind::kArray) {
    *members = *reader;
    *count = token.number;
  }
  *reader = before;
  return reader->skip();
}

struct Argument {
  uint64_t offset = UINT64_MAX;
  uint64_t size = UINT64_MAX;
  msgpack::Token kind;

  bool hidden() const { return kind.number >= 7 && memcmp(kind.text, "hidden_", 7) == 0; }
};

// Reads a map by handing each of its keys to `member`, which reads the value.
template <typename Member>
bool read_map(msgpack::Reader* reader, Member member) {
  msgpack::Token head;
  if (!reader->next(&head) || head.kind != msgpack::Kind::kMap) return false;
  for (uint64_t i = 0; i < head.number; ++i) {
    msgpack::Token key;
    if (!reader->next(&key) || !member(key)) return false;
  }
  return true;
}

bool read_argument(msgpack::Reader* reader, Argument* out) {
  *out = Argument();
  bool complete = read_map(reader, [&](const msgpack::Token& key) {
    if (is(key, ".offset")) return read_integer(reader, &out->offset);
    if (is(key, ".size")) return read_integer(reader, &out->size);
    if (is(key, ".value_kind")) return read_string(reader, &out->kind);
    return reader->skip();
  });
  return complete && out->kind.text != nullptr && out->offset <= kMaxKernarg &&
         out->size <= kMaxKernarg;
}

bool read_kernel(msgpack::Reader* reader, KernelFacts* out) {
  *out = KernelFacts();
  uint64_t missing = UINT64_MAX;
  out->kernarg_size = out->lds_bytes = out->private_bytes = out->max_workgroup = missing;
  bool complete = read_map(reader, [&](const msgpack::Token& key) {
    if (is(key, ".name")) return read_string(reader, &out->name);
    if (is(key, ".symbol")) return read_string(reader, &out->symbol);
    if (is(key, ".kernarg_segment_size")) return read_integer(reader, &out->kernarg_size);
    if (is(key, ".group_segment_fixed_size")) return read_integer(reader, &out->lds_bytes);
    if (is(key, ".private_segment_fixed_size")) return read_integer(reader, &out->private_bytes);
    if (is(key, ".max_flat_workgroup_size")) return read_integer(reader, &out->max_workgroup);
    if (is(key, ".args")) return read_array(reader, &out->args, &out->n_args);
    if (is(key, ".reqd_workgroup_size")) {
      msgpack::Reader sizes{nullptr, 0};
      uint64_t count = 0;
      if (!read_array(reader, &sizes, &count)) return false;
      for (uint64_t i = 0; count == 3 && i < 3; ++i) {
        read_integer(&sizes, &out->required_workgroup[i]);
      }
      return true;
    }
    return reader->skip();
  });
  return complete && out->name.text != nullptr && out->symbol.text != nullptr &&
         out->kernarg_size != missing && out->lds_bytes != missing &&
         out->private_bytes != missing && out->max_workgroup != missing;
}

}  // namespace

int32_t CodeObject::bad(const char* what) const {
  return fail_format(kStatus, "%s: %s", where_, what);
}

int32_t CodeObject::check() {
  int32_t status = check_header();
  if (status == INLAY_OK) status = check_segments();
  if (status == INLAY_OK) status = check_sections();
  if (status == INLAY_OK) status = check_dynamic();
  if (status == INLAY_OK) status = check_metadata();
  return status;
}

int32_t CodeObject::check_header() {
  constexpr char kBundle[] = "__CLANG_OFFLOAD_BUNDLE__";
  if (elf_.inside(0, sizeof kBundle - 1) && memcmp(elf_.at(0), kBundle, sizeof kBundle - 1) == 0) {
    return bad(
        "is an offload bundle, expected one code object: take it out with "
        "clang-offload-bundler --unbundle");
  }
  if (const char* what = elf_.check_header()) return bad(what);
  const Elf64_Ehdr& header = elf_.header();
  if (header.e_machine != EM_AMDGPU) {
    return fail_format(kStatus, "%s: is for ELF machine %u, expected AMDGPU (%u)", where_,
                       header.e_machine, EM_AMDGPU);
  }
  if (header.e_ident[EI_OSABI] != kOsAbiHsa) {
    return bad("is for another driver than ROCm: its target is not amdgcn-amd-amdhsa");
  }
  if (header.e_type != ET_DYN) {
    return bad(header.e_type == ET_REL ? "is a relocatable object; link it with ld.lld -shared"
                                       : "is an ELF file, but no shared object");
  }
  int abi = header.e_ident[EI_ABIVERSION];
  version_ = abi + 2;
  if (abi < 1 || abi > 4) {
    return fail_format(INLAY_ERROR_VERSION,
                       "%s: has code object version %d, expected 3 to 6; build it with "
                       "-mcode-object-version=5",
                       where_, version_);
  }
  if (!target_of_flags(header.e_flags, version_, &target_)) {
    return fail_format(kStatus, "%s: is for a processor that this runtime does not know (0x%02x)",
                       where_, header.e_flags & 0xff);
  }
  if (const char* what = elf_.check_program_headers()) return bad(what);
  return INLAY_OK;
}

int32_t CodeObject::check_segments() const {
  uint64_t reached = 0;
  for (uint32_t i = 0; i < elf_.header().e_phnum; ++i) {
    Elf64_Phdr one = elf_.segment(i);
    if (one.p_type != PT_LOAD) continue;
    if (one.p_memsz < one.p_filesz || one.p_vaddr > kMaxImage || one.p_memsz > kMaxImage ||
        one.p_vaddr < reached) {
      return bad("has a segment of unfit size or place");
    }
    reached = one.p_vaddr + one.p_memsz;
  }
  return reached == 0 ? bad("has nothing to load") : INLAY_OK;
}

// The table of sections is not needed to run, but the driver reads it.
int32_t CodeObject::check_sections() const {
  const Elf64_Ehdr& header = elf_.header();
  if (header.e_shoff == 0) return INLAY_OK;
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return bad("has no fit table of sections");
  if (!elf_.inside(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))) {
    return bad("is truncated: the table of sections lies outside of the file");
  }
  if (header.e_shnum != 0 && header.e_shstrndx >= header.e_shnum) {
    return bad("has no section with the names of its sections");
  }
  for (uint32_t i = 0; i < header.e_shnum; ++i) {
    auto section = elf_.read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL) continue;
    if (!elf_.inside(section.sh_offset, section.sh_size)) {
      return bad("is truncated: a section lies outside of the file");
    }
  }
  return INLAY_OK;
}

int32_t CodeObject::check_dynamic() {
  uint64_t symbols = 0, strings = 0, hash = 0, gnu_hash = 0, relocations = 0, relocations_size = 0;
  bool found = false, ended = false;
  for (uint32_t i = 0; i < elf_.header().e_phnum; ++i) {
    Elf64_Phdr one = elf_.segment(i);
    if (one.p_type != PT_DYNAMIC) continue;
    found = true;
    for (uint64_t at = 0; one.p_filesz - at >= sizeof(Elf64_Dyn) && !ended;
         at += sizeof(Elf64_Dyn)) {
      auto entry = elf_.read<Elf64_Dyn>(one.p_offset + at);
      uint64_t value = entry.d_un.d_val;
      switch (entry.d_tag) {
        case DT_NULL:
          ended = true;
          break;
        case DT_NEEDED:
          return bad("needs another library");
        case DT_SYMTAB:
          symbols = value;
          break;
        case DT_STRTAB:
          strings = value;
          break;
        case DT_STRSZ:
          symbols_.strings_size = value;
          break;
        case DT_HASH:
          hash = value;
          break;
        case DT_GNU_HASH:
          gnu_hash = value;
          break;
        case DT_RELA:
          relocations = value;
          break;
        case DT_RELASZ:
          relocations_size = value;
          break;
        default:
          break;
      }
    }
    break;
  }
  if (!found) return bad("has no dynamic section");
  if (!ended) return bad("has a dynamic section without an end");
  if (symbols_.strings_size == 0 ||
      !elf_.find_loaded(strings, symbols_.strings_size, &symbols_.strings) ||
      *elf_.at(symbols_.strings + symbols_.strings_size - 1) != '\0' ||
      !elf_.find_loaded(symbols, sizeof(Elf64_Sym), &symbols_.table) ||
      !count_symbols(hash, gnu_hash) || symbols_.count > elf_.size() / sizeof(Elf64_Sym) ||
      !elf_.find_loaded(symbols, symbols_.count * sizeof(Elf64_Sym), &symbols_.table)) {
    return bad("has dynamic tables outside of the file");
  }
  if (int32_t status = check_symbols()) return status;
  return check_relocations(relocations, relocations_size);
}

bool CodeObject::count_symbols(uint64_t hash, uint64_t gnu_hash) {
  uint64_t at = 0;
  if (hash != 0) {
    if (!elf_.find_loaded(hash, 8, &at)) return false;
    symbols_.count = elf_.read<uint32_t>(at + 4);
    return true;
  }
  return gnu_hash != 0 && count_gnu_symbols(gnu_hash);
}

// The highest symbol of any chain, plus one. Source: the GNU hash section of System V ABIs' ELF
// extensions, as the dynamic linker reads it.
bool CodeObject::count_gnu_symbols(uint64_t address) {
  uint64_t at = 0;
  if (!elf_.find_loaded(address, 16, &at)) return false;
  uint32_t n_buckets = elf_.read<uint32_t>(at);
  uint32_t first = elf_.read<uint32_t>(at + 4);
  uint64_t buckets = address + 16 + uint64_t{elf_.read<uint32_t>(at + 8)} * 8;
  uint64_t chains = buckets + uint64_t{n_buckets} * 4;
  if (!elf_.find_loaded(buckets, uint64_t{n_buckets} * 4, &at)) return false;
  uint32_t last = 0;
  for (uint32_t i = 0; i < n_buckets; ++i) {
    uint32_t head = elf_.read<uint32_t>(at + uint64_t{i} * 4);
    if (head > last) last = head;
  }
  symbols_.count = first;
  if (last < first) return true;
  for (uint64_t i = last;; ++i) {
    if (!elf_.find_loaded(chains + (i - first) * 4, 4, &at)) return false;
    symbols_.count = i + 1;
    if ((elf_.read<uint32_t>(at) & 1) != 0) return true;
  }
}

Elf64_Sym CodeObject::symbol(uint64_t i) const {
  return elf_.read<Elf64_Sym>(symbols_.table + i * sizeof(Elf64_Sym));
}

const char* CodeObject::symbol_name(const Elf64_Sym& symbol) const {
  if (symbol.st_name >= symbols_.strings_size) return nullptr;
  return reinterpret_cast<const char*>(elf_.at(symbols_.strings + symbol.st_name));
}

int32_t CodeObject::check_symbols() const {
  for (uint64_t i = 1; i < symbols_.count; ++i) {
    Elf64_Sym one = symbol(i);
    const char* name = symbol_name(one);
    if (name == nullptr) return bad("has a symbol whose name lies outside of the file");
    if (one.st_shndx == SHN_UNDEF) {
      return fail_format(kStatus, "%s: has the undefined symbol %.200s; link what defines it",
                         where_, name);
    }
    uint8_t type = ELF64_ST_TYPE(one.st_info);
    if ((type == STT_OBJECT || type == STT_FUNC) && one.st_shndx != SHN_ABS &&
        !in_memory(one.st_value, one.st_size, 0)) {
      return fail_format(kStatus, "%s: the symbol %.200s lies outside of its segments", where_,
                         name);
    }
  }
  return INLAY_OK;
}

int32_t CodeObject::check_relocations(uint64_t table, uint64_t size) const {
  uint64_t at = 0;
  if (size == 0) return INLAY_OK;
  if (size % sizeof(Elf64_Rela) != 0 || !elf_.find_loaded(table, size, &at)) {
    return bad("has relocations outside of the file");
  }
  for (uint64_t done = 0; done < size; done += sizeof(Elf64_Rela)) {
    auto one = elf_.read<Elf64_Rela>(at + done);
    uint32_t type = ELF64_R_TYPE(one.r_info);
    if (type != kRelNone && type != kRelAbs64 && type != kRelRelative64) {
      return fail_format(kStatus, "%s: has a relocation of type %u, which no loader resolves",
                         where_, type);
    }
    if (ELF64_R_SYM(one.r_info) >= symbols_.count || !in_memory(one.r_offset, 8, 0)) {
      return bad("has a relocation outside of its segments or symbols");
    }
  }
  return INLAY_OK;
}

bool CodeObject::in_memory(uint64_t address, uint64_t count, uint32_t flags) const {
  for (uint32_t i = 0; i < elf_.header().e_phnum; ++i) {
    Elf64_Phdr one = elf_.segment(i);
    if (one.p_type != PT_LOAD || (one.p_flags & flags) != flags || address < one.p_vaddr) continue;
    uint64_t into = address - one.p_vaddr;
    if (into <= one.p_memsz && count <= one.p_memsz - into) return true;
  }
  return false;
}

int32_t CodeObject::check_metadata() {
  ElfFile::Note note;
  if (!elf_.find_note("AMDGPU", sizeof "AMDGPU", kNoteMetadata, &note)) {
    return bad("has no metadata note: it holds no kernel that can be launched");
  }
  msgpack::Reader reader(elf_.at(note.description), note.description_size);
  bool listed = false;
  bool well_formed = read_map(&reader, [&](const msgpack::Token& key) {
    if (!is(key, "amdhsa.kernels")) return reader.skip();
    listed = true;
    return read_array(&reader, &kernels_, &n_kernels_);
  });
  if (!well_formed || !listed) return bad("has damaged metadata");
  msgpack::Reader kernels = kernels_;
  for (uint64_t i = 0; i < n_kernels_; ++i) {
    KernelFacts facts;
    if (!read_kernel(&kernels, &facts)) return bad("has damaged metadata of a kernel");
    if (int32_t status = check_kernel(facts)) return status;
  }
  return INLAY_OK;
}

int32_t CodeObject::check_kernel(const KernelFacts& facts) const {
  int size = shown(facts.name);
  const char* name = facts.name.text;
  if (facts.kernarg_size > kMaxKernarg) {
    return fail_format(kStatus, "%s: kernel %.*s: a kernarg segment of %" PRIu64 " bytes", where_,
                       size, name, facts.kernarg_size);
  }
  msgpack::Reader args = facts.args;
  for (uint64_t i = 0; i < facts.n_args; ++i) {
    Argument argument;
    if (!read_argument(&args, &argument)) {
      return fail_format(kStatus, "%s: kernel %.*s: damaged metadata of argument %" PRIu64, where_,
                         size, name, i);
    }
    // Hidden ones may be described beyond the segment that the kernel was found to need.
    if (!argument.hidden() && argument.offset + argument.size > facts.kernarg_size) {
      return fail_format(
          kStatus, "%s: kernel %.*s: argument %" PRIu64 " lies outside of the kernarg segment",
          where_, size, name, i);
    }
  }
  for (uint64_t i = 1; i < symbols_.count; ++i) {
    Elf64_Sym one = symbol(i);
    const char* found = symbol_name(one);
    if (found != nullptr && is(facts.symbol, found)) return check_descriptor(facts, one);
  }
  return fail_format(kStatus, "%s: kernel %.*s: no symbol %.*s", where_, size, name,
                     shown(facts.symbol), facts.symbol.text);
}

int32_t CodeObject::check_descriptor(const KernelFacts& facts, const Elf64_Sym& symbol) const {
  uint64_t at = 0;
  const char* what = nullptr;
  if (symbol.st_size != kDescriptorSize || symbol.st_value % kDescriptorSize != 0 ||
      !elf_.find_loaded(symbol.st_value, kDescriptorSize, &at)) {
    what = "its descriptor is not loaded";
  } else {
    uint64_t entry = symbol.st_value + elf_.read<uint64_t>(at + 16);
    if (entry % 256 != 0 || !in_memory(entry, 4, PF_X)) what = "its entry point lies in no code";
    if (elf_.read<uint32_t>(at) != facts.lds_bytes ||
        elf_.read<uint32_t>(at + 4) != facts.private_bytes) {
      what = "its descriptor and its metadata differ in LDS or scratch";
    }
  }
  if (what == nullptr) return INLAY_OK;
  return fail_format(kStatus, "%s: kernel %.*s: %s", where_, shown(facts.name), facts.name.text,
                     what);
}

int32_t CodeObject::find(const InlayGpuKernel& kernel, KernelFacts* facts) const {
  msgpack::Reader kernels = kernels_;
  uint64_t i = 0;
  while (i < n_kernels_ && read_kernel(&kernels, facts) && !is(facts->name, kernel.name)) ++i;
  if (i == n_kernels_) {
    Text text;
    text.add("%s: has no kernel %s; it has", where_, kernel.name);
    kernels = kernels_;
    for (i = 0; i < n_kernels_ && read_kernel(&kernels, facts); ++i) {
      text.add("%s %.*s", i != 0 ? "," : "", shown(facts->name), facts->name.text);
    }
    if (n_kernels_ == 0) text.add(" none");
    return fail(kStatus, text.c_str());
  }
  uint32_t n = 0;
  uint64_t end = 0;              // of the explicit arguments
  uint64_t hidden = UINT64_MAX;  // where hidden ones begin
  msgpack::Reader args = facts->args;
  for (i = 0; i < facts->n_args; ++i) {
    Argument argument;
    if (!read_argument(&args, &argument)) break;
    if (argument.hidden()) {
      if (argument.offset < hidden) hidden = argument.offset;
      continue;
    }
    if (argument.offset + argument.size > end) end = argument.offset + argument.size;
    bool pointer = is(argument.kind, "global_buffer");
    if (!pointer && !is(argument.kind, "by_value")) {
      return fail_format(kStatus,
                         "%s: kernel %s: argument %u is of kind %.*s, which no entry fills", where_,
                         kernel.name, n, shown(argument.kind), argument.kind.text);
    }
    if (n < kernel.n_args) {
      const InlayKernelArg& stated = kernel.args[n];
      if (stated.offset != argument.offset || stated.size != argument.size ||
          pointer != (stated.kind == INLAY_KERNEL_ARG_POINTER)) {
        return fail_format(kStatus,
                           "%s: kernel %s: argument %u is %s of %" PRIu64 " bytes at %" PRIu64
                           ", the entry's table says %s of %u at %u",
                           where_, kernel.name, n, pointer ? "an address" : "a value",
                           argument.size, argument.offset,
                           stated.kind == INLAY_KERNEL_ARG_POINTER ? "an address" : "a value",
                           stated.size, stated.offset);
      }
    }
    ++n;
  }
  if (n != kernel.n_args) {
    return fail_format(kStatus, "%s: kernel %s takes %u arguments, the entry's table says %u",
                       where_, kernel.name, n, kernel.n_args);
  }
  if (kernel.kernarg_size < end || kernel.kernarg_size > hidden ||
      kernel.kernarg_size > facts->kernarg_size) {
    return fail_format(kStatus,
                       "%s: kernel %s: its arguments end at %" PRIu64 " of %" PRIu64
                       " bytes, the entry's table says %u",
                       where_, kernel.name, end, facts->kernarg_size, kernel.kernarg_size);
  }
  if (kernel.lds_bytes != facts->lds_bytes) {
    return fail_format(kStatus,
                       "%s: kernel %s has %" PRIu64 " bytes of LDS, the entry's table says %u",
                       where_, kernel.name, facts->lds_bytes, kernel.lds_bytes);
  }
  return INLAY_OK;
}

}  // namespace inlay::hip
