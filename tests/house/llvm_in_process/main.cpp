// One program with LLVM, Clang and LLD in process. It holds cmake/InlayLLVM.cmake to its word: all
// three link and load, are of version 19.1, Clang's own headers are where the macro says, and the
// linker comes back from an error.
#include <clang/Basic/Version.h>
#include <clang/Driver/Driver.h>
#include <clang/Frontend/CompilerInstance.h>
#include <lld/Common/Driver.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>
#include <filesystem>
#include <string>

LLD_HAS_DRIVER(elf)

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  llvm::LLVMContext context;
  llvm::Module module("house", context);

  clang::CompilerInstance instance;
  const std::string resources = INLAY_CLANG_RESOURCE_DIR;
  if (!std::filesystem::exists(resources + "/include/immintrin.h")) {
    std::fprintf(stderr, "no immintrin.h under %s\n", resources.c_str());
    return 1;
  }

  const std::string output = argv[1];
  std::error_code ignored;
  std::filesystem::remove(output, ignored);
  const char* arguments[] = {"ld.lld",     "-shared", "--threads=1", "-m",
                             "elf_x86_64", "-o",      output.c_str()};
  const lld::Result linked =
      lld::lldMain(arguments, llvm::outs(), llvm::errs(), {{lld::Gnu, &lld::elf::link}});
  // Without an input file the linker must refuse, and return.
  if (linked.retCode == 0 || !linked.canRunAgain) return 1;
  std::printf("LLVM %s, %s\n", INLAY_LLVM_VERSION, clang::getClangFullVersion().c_str());
  return std::string(INLAY_LLVM_VERSION).rfind("19.1", 0) == 0 ? 0 : 1;
}
