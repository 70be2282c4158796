// An AMDGPU code object in memory: checked before HIP gets it, and asked about its kernels.
//
// HIP's own loader is given no length, and trusts every offset. So all that it follows is followed
// here first, within the bytes.
#pragma once

#include <inlay_abi.h>

#include "amdgpu/msgpack.h"
#include "hip/target.h"
#include "load/elf_file.h"

namespace inlay::hip {

// What the metadata of a kernel says.
struct KernelFacts {
  msgpack::Token name{}, symbol{};
  msgpack::Reader args{nullptr, 0};  // at the members of .args
  uint64_t n_args = 0;
  uint64_t kernarg_size = 0;  // of the whole segment
  uint64_t lds_bytes = 0;
  uint64_t private_bytes = 0;
  uint64_t max_workgroup = 0;                  // work-items
  uint64_t required_workgroup[3] = {0, 0, 0};  // 0: not stated
};

class CodeObject {
 public:
  // `where` opens the sentences; it and the bytes must live as long as this does.
  CodeObject(const void* bytes, size_t size, const char* where)
      : elf_(bytes, size), where_(where) {}

  // Reads within the bytes only, whatever they are. Before the others.
  int32_t check();

  const Target& target() const { return target_; }
  int version() const { return version_; }  // of the code object's ABI, 3 to 6

  // Finds the kernel that `kernel` describes, and compares: arguments, sizes, LDS.
  int32_t find(const InlayGpuKernel& kernel, KernelFacts* facts) const;

 private:
  struct Symbols {
    uint64_t table = 0, count = 0;  // place in the file; entries
    uint64_t strings = 0, strings_size = 0;
  };

  int32_t bad(const char* what) const;
  int32_t check_header();
  int32_t check_segments() const;
  int32_t check_sections() const;
  int32_t check_dynamic();
  int32_t check_symbols() const;
  int32_t check_relocations(uint64_t table, uint64_t size) const;
  int32_t check_metadata();
  int32_t check_kernel(const KernelFacts& facts) const;
  int32_t check_descriptor(const KernelFacts& facts, const Elf64_Sym& symbol) const;
  bool count_symbols(uint64_t hash, uint64_t gnu_hash);
  bool count_gnu_symbols(uint64_t at);
  // Whether the address lies in a segment, by its size in memory, that bears the flags.
  bool in_memory(uint64_t address, uint64_t count, uint32_t flags) const;
  Elf64_Sym symbol(uint64_t i) const;
  const char* symbol_name(const Elf64_Sym& symbol) const;  // NULL: outside of the strings

  ElfFile elf_;
  const char* where_;
  Target target_;
  int version_ = 0;
  Symbols symbols_;
  msgpack::Reader kernels_{nullptr, 0};  // at the members of amdhsa.kernels
  uint64_t n_kernels_ = 0;
};

}  // namespace inlay::hip
