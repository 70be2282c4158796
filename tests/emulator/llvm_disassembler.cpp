#include "tests/emulator/llvm_disassembler.h"

#include <llvm-c/Disassembler.h>
#include <llvm-c/Target.h>

extern "C" {
void LLVMInitializeAMDGPUTargetInfo(void);
void LLVMInitializeAMDGPUTargetMC(void);
void LLVMInitializeAMDGPUDisassembler(void);
}

LlvmDisassembler::LlvmDisassembler(const char* cpu) {
  LLVMInitializeAMDGPUTargetInfo();
  LLVMInitializeAMDGPUTargetMC();
  LLVMInitializeAMDGPUDisassembler();
  context_ =
      LLVMCreateDisasmCPUFeatures("amdgcn-amd-amdhsa", cpu, "", nullptr, 0, nullptr, nullptr);
}

LlvmDisassembler::~LlvmDisassembler() {
  LLVMDisasmDispose(context_);
}

size_t LlvmDisassembler::operator()(const uint32_t* words, size_t count, std::string* text) {
  char buffer[512];
  const size_t size =
      LLVMDisasmInstruction(context_, reinterpret_cast<uint8_t*>(const_cast<uint32_t*>(words)),
                            count * 4, 0, buffer, sizeof(buffer));
  *text = size ? buffer : "";
  const size_t start = text->find_first_not_of(" \t");
  const size_t end = text->find_last_not_of(" \t\n");
  *text = start == std::string::npos ? "" : text->substr(start, end - start + 1);
  return size;
}
