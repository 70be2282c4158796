// Our table of AMD's processors against LLVM's, whose header and <elf.h> exclude each other.
#include <gtest/gtest.h>
#include <llvm/BinaryFormat/ELF.h>

#include <string>

namespace {

TEST(GpuCode, processors) {
  struct Row {
    const char* name;
    unsigned mach;
    const char* generic;
  };
  const Row rows[] = {
#define INLAY_AMDGPU_PROCESSOR(name, mach, generic) {name, mach, generic},
#include "runtime/abi/amdgpu/processors.def"
#undef INLAY_AMDGPU_PROCESSOR
  };
  auto mach_of = [&](const std::string& name) {
    for (const Row& row : rows) {
      if (row.name == name) return row.mach;
    }
    return 0u;
  };
  using namespace llvm::ELF;
  EXPECT_EQ(mach_of("gfx600"), unsigned{EF_AMDGPU_MACH_AMDGCN_FIRST});
  EXPECT_EQ(mach_of("gfx900"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX900});
  EXPECT_EQ(mach_of("gfx902"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX902});
  EXPECT_EQ(mach_of("gfx904"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX904});
  EXPECT_EQ(mach_of("gfx906"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX906});
  EXPECT_EQ(mach_of("gfx908"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX908});
  EXPECT_EQ(mach_of("gfx909"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX909});
  EXPECT_EQ(mach_of("gfx90a"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX90A});
  EXPECT_EQ(mach_of("gfx90c"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX90C});
  EXPECT_EQ(mach_of("gfx942"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX942});
  EXPECT_EQ(mach_of("gfx1030"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX1030});
  EXPECT_EQ(mach_of("gfx9-generic"), unsigned{EF_AMDGPU_MACH_AMDGCN_GFX9_GENERIC});
  EXPECT_EQ(mach_of("gfx12-generic"), unsigned{EF_AMDGPU_MACH_AMDGCN_LAST});
  for (const Row& row : rows) {
    if (*row.generic != '\0') EXPECT_NE(mach_of(row.generic), 0u) << row.name;
    EXPECT_LE(row.mach, 0xffu);
  }
  // No number of LLVM's is without a row but its eight reserved ones.
  EXPECT_EQ(std::size(rows),
            size_t{EF_AMDGPU_MACH_AMDGCN_LAST - EF_AMDGPU_MACH_AMDGCN_FIRST + 1 - 8});
}

}  // namespace
