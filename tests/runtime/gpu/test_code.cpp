// inlay_gpu_code_verify: the checks of an AMDGPU code object before HIP's loader, which trusts it,
// gets it. Nothing here needs a GPU.
#include <elf.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <stdexcept>

#include "tests/runtime/support.h"

#ifdef INLAY_HIP_HEADERS
bool inlay_hip_launch_tags_agree();
#endif

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes code(const std::string& name) {
  Bytes bytes = read_bytes(INLAY_GPU_DIR "/" + name + ".co");
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

int32_t verify(const Bytes& bytes, const char* target = nullptr) {
  return inlay_gpu_code_verify(bytes.data(), bytes.size(), target);
}

// The sentence of a refusal, without its beginning.
std::string refused(const Bytes& bytes, int32_t status = INLAY_ERROR_BAD_CODE_OBJECT,
                    const char* target = nullptr) {
  EXPECT_EQ(verify(bytes, target), status);
  std::string sentence = inlay_last_error(), start = "the GPU code: ";
  EXPECT_EQ(sentence.substr(0, start.size()), start);
  return sentence.substr(start.size());
}

Elf64_Ehdr* header(Bytes& bytes) {
  return reinterpret_cast<Elf64_Ehdr*>(bytes.data());
}

Elf64_Phdr* segment(Bytes& bytes, uint32_t type) {
  auto* at = reinterpret_cast<Elf64_Phdr*>(bytes.data() + header(bytes)->e_phoff);
  while (at->p_type != type) ++at;
  return at;
}

Elf64_Shdr* section(Bytes& bytes, uint32_t type) {
  auto* at = reinterpret_cast<Elf64_Shdr*>(bytes.data() + header(bytes)->e_shoff);
  while (at->sh_type != type) ++at;
  return at;
}

Elf64_Dyn* dynamic(Bytes& bytes, int64_t tag) {
  auto* at = reinterpret_cast<Elf64_Dyn*>(bytes.data() + segment(bytes, PT_DYNAMIC)->p_offset);
  while (at->d_tag != tag) ++at;
  return at;
}

Elf64_Sym* symbol(Bytes& bytes, const std::string& name) {
  Elf64_Shdr* table = section(bytes, SHT_DYNSYM);
  const char* strings = reinterpret_cast<const char*>(bytes.data()) +
                        segment(bytes, PT_LOAD)->p_offset + dynamic(bytes, DT_STRTAB)->d_un.d_ptr;
  auto* at = reinterpret_cast<Elf64_Sym*>(bytes.data() + table->sh_offset);
  while (name != strings + at->st_name) ++at;
  return at;
}

// The first place of a text, which the test is about to change.
unsigned char* text(Bytes& bytes, const std::string& what) {
  const Bytes wanted(what.begin(), what.end());
  auto at = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  if (at == bytes.end()) throw std::runtime_error("not in the code: " + what);
  return &*at;
}

// Writes another value over the one that follows a key of the metadata, of the same width.
void set_after(Bytes& bytes, const std::string& key, unsigned char value) {
  *(text(bytes, key) + key.size()) = value;
}

TEST(GpuCode, sound_ones_are_taken) {
  for (const char* name : {"gfx900", "gfx900_v4", "gfx906", "gfx906_sramecc", "gfx1030"}) {
    EXPECT_EQ(verify(code(name)), INLAY_OK) << name << ": " << inlay_last_error();
  }
}

TEST(GpuCode, targets) {
  struct Case {
    const char* name;
    const char* device;
    bool fits;
  };
  const Case cases[] = {
      {"gfx900", "gfx900:xnack-", true},
      {"gfx900", "gfx900:xnack+", true},
      {"gfx900", "gfx900", true},
      {"gfx900", "gfx902:xnack-", false},
      {"gfx906", "gfx906:sramecc+:xnack-", true},
      {"gfx906", "gfx900:xnack-", false},
      {"gfx906_sramecc", "gfx906:sramecc+:xnack-", true},
      {"gfx906_sramecc", "gfx906:sramecc-:xnack-", false},
      {"gfx906_sramecc", "gfx906:sramecc+:xnack+", false},
      {"gfx906_sramecc", "gfx906", false},
      {"gfx906_xnack", "gfx906:sramecc-:xnack+", true},
      {"gfx906_xnack", "gfx906:sramecc-:xnack-", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(verify(code(c.name), c.device), c.fits ? INLAY_OK : INLAY_ERROR_UNSUPPORTED_GPU)
        << c.name << " on " << c.device << ": " << inlay_last_error();
  }
  EXPECT_EQ(refused(code("gfx906_sramecc"), INLAY_ERROR_UNSUPPORTED_GPU, "gfx900:xnack-"),
            "is for gfx906:sramecc+:xnack-, which a gfx900:xnack- can't run");
  for (const char* none : {"", "gfx900:", "gfx900:xnack", "gfx900:fast+", ":xnack+"}) {
    EXPECT_EQ(verify(code("gfx900"), none), INLAY_ERROR_INVALID_ARGUMENT) << none;
  }
}

// A code object of version 6 for gfx9-generic runs on all of its processors. Made from one for
// gfx900, as only the header tells.
TEST(GpuCode, generic_processor) {
  Bytes generic = code("gfx900");
  header(generic)->e_ident[EI_ABIVERSION] = 4;
  header(generic)->e_flags = 0x01000151;
  for (const char* device : {"gfx900:xnack-", "gfx902:xnack+", "gfx904", "gfx906:sramecc+:xnack-",
                             "gfx909:xnack-", "gfx90c:xnack-"}) {
    EXPECT_EQ(verify(generic, device), INLAY_OK) << device << ": " << inlay_last_error();
  }
  EXPECT_EQ(refused(generic, INLAY_ERROR_UNSUPPORTED_GPU, "gfx908:sramecc+:xnack-"),
            "is for gfx9-generic, which a gfx908:sramecc+:xnack- can't run");
}

// Version 3 says on or off, and has no bits for "any".
TEST(GpuCode, version_3) {
  Bytes old = code("gfx900");
  header(old)->e_ident[EI_ABIVERSION] = 1;
  header(old)->e_flags = 0x2c;
  EXPECT_EQ(verify(old, "gfx900:xnack-"), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(verify(old, "gfx900:xnack+"), INLAY_ERROR_UNSUPPORTED_GPU);
  header(old)->e_flags = 0x12c;
  EXPECT_EQ(verify(old, "gfx900:xnack+"), INLAY_OK) << inlay_last_error();
}

TEST(GpuCode, foreign_files) {
  EXPECT_EQ(inlay_gpu_code_verify("", 0, nullptr), INLAY_ERROR_BAD_CODE_OBJECT);
  EXPECT_STREQ(inlay_last_error(), "the GPU code: the file is empty");
  EXPECT_EQ(refused(Bytes(100, 'x')), "is no ELF file");
  EXPECT_EQ(refused(read_bytes(INLAY_GPU_DIR "/gpu.so")),
            "is for ELF machine " + std::to_string(read_bytes(INLAY_GPU_DIR "/gpu.so")[18]) +
                ", expected AMDGPU (224)");
  Bytes bundle(100, 0);
  memcpy(bundle.data(), "__CLANG_OFFLOAD_BUNDLE__", 24);
  EXPECT_EQ(refused(bundle),
            "is an offload bundle, expected one code object: take it out with "
            "clang-offload-bundler --unbundle");
  EXPECT_EQ(inlay_gpu_code_verify(nullptr, 0, nullptr), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_gpu_code_verify: bytes is NULL");
}

TEST(GpuCode, versions) {
  Bytes bytes = code("gfx900");
  for (int abi : {0, 5, 200}) {
    header(bytes)->e_ident[EI_ABIVERSION] = static_cast<unsigned char>(abi);
    EXPECT_EQ(refused(bytes, INLAY_ERROR_VERSION),
              "has code object version " + std::to_string(abi + 2) +
                  ", expected 3 to 6; build it with -mcode-object-version=5");
  }
}

TEST(GpuCode, faults) {
  struct Case {
    const char* sentence;
    std::function<void(Bytes&)> put;
  };
  const Case cases[] = {
      {"is no 64-bit little-endian ELF file", [](Bytes& b) { b[EI_CLASS] = ELFCLASS32; }},
      {"is for another driver than ROCm: its target is not amdgcn-amd-amdhsa",
       [](Bytes& b) { b[EI_OSABI] = 65; }},
      {"is a relocatable object; link it with ld.lld -shared",
       [](Bytes& b) { header(b)->e_type = ET_REL; }},
      {"is for a processor that this runtime does not know (0xee)",
       [](Bytes& b) { header(b)->e_flags = 0x1ee; }},
      {"is truncated: the program headers lie outside of the file",
       [](Bytes& b) { header(b)->e_phoff = UINT64_MAX - 8; }},
      {"is truncated: a segment lies outside of the file",
       [](Bytes& b) { segment(b, PT_LOAD)->p_filesz = UINT64_MAX; }},
      {"is truncated: a segment lies outside of the file",
       [](Bytes& b) { segment(b, PT_NOTE)->p_offset = b.size(); }},
      {"has a segment of unfit size or place", [](Bytes& b) { segment(b, PT_LOAD)->p_memsz = 1; }},
      {"has no fit table of sections", [](Bytes& b) { header(b)->e_shentsize = 40; }},
      {"is truncated: the table of sections lies outside of the file",
       [](Bytes& b) { header(b)->e_shoff = b.size() - 10; }},
      {"is truncated: a section lies outside of the file",
       [](Bytes& b) { section(b, SHT_DYNSYM)->sh_size = b.size(); }},
      {"has no section with the names of its sections",
       [](Bytes& b) { header(b)->e_shstrndx = 99; }},
      {"has no dynamic section", [](Bytes& b) { segment(b, PT_DYNAMIC)->p_type = PT_NULL; }},
      {"has a dynamic section without an end",
       [](Bytes& b) { segment(b, PT_DYNAMIC)->p_filesz = 2 * sizeof(Elf64_Dyn); }},
      {"needs another library", [](Bytes& b) { dynamic(b, DT_GNU_HASH)->d_tag = DT_NEEDED; }},
      {"has dynamic tables outside of the file",
       [](Bytes& b) { dynamic(b, DT_SYMTAB)->d_un.d_ptr = UINT64_MAX - 4; }},
      {"has dynamic tables outside of the file",
       [](Bytes& b) { dynamic(b, DT_STRSZ)->d_un.d_val = 1 << 30; }},
      {"has dynamic tables outside of the file",
       [](Bytes& b) { dynamic(b, DT_HASH)->d_un.d_ptr = 1 << 30; }},
      {"has the undefined symbol axpy; link what defines it",
       [](Bytes& b) { symbol(b, "axpy")->st_shndx = SHN_UNDEF; }},
      {"the symbol axpy lies outside of its segments",
       [](Bytes& b) { symbol(b, "axpy")->st_size = 1 << 30; }},
      {"has a symbol whose name lies outside of the file",
       [](Bytes& b) { symbol(b, "axpy")->st_name = 1 << 30; }},
      {"has no metadata note: it holds no kernel that can be launched",
       [](Bytes& b) { b[segment(b, PT_NOTE)->p_offset + 8] = 33; }},
      {"has damaged metadata", [](Bytes& b) { *text(b, "amdhsa.kernels") = 'b'; }},
      {"has no metadata note: it holds no kernel that can be launched",
       [](Bytes& b) { segment(b, PT_NOTE)->p_filesz = 0x40; }},
      {"has damaged metadata of a kernel", [](Bytes& b) { *text(b, ".name") = ','; }},
      {"has damaged metadata of a kernel",
       [](Bytes& b) { *text(b, ".max_flat_workgroup_size") = ','; }},
      {"kernel axpy: no symbol axpy.kx",
       [](Bytes& b) {
         *(text(b,
                "\xa7"
                "axpy.kd") +
           7) = 'x';
       }},
      {"kernel axpy: its descriptor is not loaded",
       [](Bytes& b) { symbol(b, "axpy.kd")->st_size = 60; }},
      {"kernel axpy: damaged metadata of argument 0",
       [](Bytes& b) { *text(b, ".value_kind") = ','; }},
      {"kernel axpy: its descriptor and its metadata differ in LDS or scratch",
       [](Bytes& b) { set_after(b, ".group_segment_fixed_size", 64); }},
      {"kernel axpy: argument 0 lies outside of the kernarg segment",
       [](Bytes& b) {
         // The segment's size, 16 bits wide, becomes 2.
         unsigned char* at = text(b, ".kernarg_segment_size") + 21;
         ASSERT_EQ(*at, 0xcd);
         at[1] = 0;
         at[2] = 2;
       }},
      {"kernel axpy: its entry point lies in no code",
       [](Bytes& b) {
         uint64_t at = symbol(b, "axpy.kd")->st_value - segment(b, PT_LOAD)->p_vaddr;
         b[at + 16 + 4] = 0x7f;
       }},
  };
  for (const Case& c : cases) {
    Bytes bytes = code("gfx900");
    c.put(bytes);
    EXPECT_EQ(refused(bytes), c.sentence);
  }
}

TEST(GpuCode, relocations) {
  Bytes good = code("gfx900");
  // A table in the place of the GNU hash, which is not needed beside the other one.
  auto with = [&](uint32_t type, uint32_t index, uint64_t offset) {
    Bytes bytes = good;
    Elf64_Rela one{offset, ELF64_R_INFO(uint64_t{index}, type), 0};
    uint64_t place = section(bytes, SHT_GNU_HASH)->sh_addr;
    memcpy(bytes.data() + section(bytes, SHT_GNU_HASH)->sh_offset, &one, sizeof one);
    *dynamic(bytes, DT_GNU_HASH) = {DT_RELA, {place}};
    // Its size takes the slot of the entry's size of symbols, which nobody asks.
    *dynamic(bytes, DT_SYMENT) = {DT_RELASZ, {sizeof one}};
    return bytes;
  };
  EXPECT_EQ(verify(with(13, 0, 64)), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(refused(with(1, 0, 64)), "has a relocation of type 1, which no loader resolves");
  EXPECT_EQ(refused(with(3, 1000, 64)), "has a relocation outside of its segments or symbols");
  EXPECT_EQ(refused(with(13, 0, 1 << 30)), "has a relocation outside of its segments or symbols");
}

TEST(GpuCode, truncated_anywhere) {
  Bytes good = code("gfx900");
  for (size_t size = 0; size < good.size(); size += size < 4096 ? 1 : 61) {
    EXPECT_NE(verify(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size))), INLAY_OK)
        << size;
  }
}

// Whatever is in it, there is an answer: seeded changes, most of them where the structure is.
TEST(GpuCode, seeded_mutations) {
  const Bytes good = code("gfx900");
  const uint64_t interesting[] = {0,      1,          0x7f,       0x80,         0xff,
                                  0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0}, uint64_t{1} << 63};
  std::mt19937_64 random(20250203);
  std::set<std::string> sentences;
  int taken = 0;
  for (int round = 0; round < 30000; ++round) {
    Bytes bytes = good;
    size_t changes = 1 + random() % 4;
    for (size_t c = 0; c < changes; ++c) {
      size_t at = random() % bytes.size();
      uint64_t value = random() % 2 ? random() : interesting[random() % std::size(interesting)];
      size_t width = size_t{1} << random() % 4;
      for (size_t i = 0; i < width && at + i < bytes.size(); ++i) {
        bytes[at + i] = static_cast<unsigned char>(value >> (8 * i));
      }
    }
    if (random() % 16 == 0) bytes.resize(random() % bytes.size());
    bytes.shrink_to_fit();
    if (verify(bytes, "gfx900:xnack-") == INLAY_OK) {
      ++taken;
    } else {
      std::string sentence = inlay_last_error();
      ASSERT_FALSE(sentence.empty());
      sentences.insert(sentence.substr(0, 40));
    }
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(sentences.size(), 15u) << "the mutations reach few of the checks";
}

#ifdef INLAY_HIP_HEADERS
TEST(HipTypes, launch_tags) {
  EXPECT_TRUE(inlay_hip_launch_tags_agree());
}
#endif

}  // namespace
}  // namespace inlay::test
