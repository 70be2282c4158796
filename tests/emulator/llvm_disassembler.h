// LLVM's AMDGPU disassembler behind two functions, so that tests can hold ours against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

class LlvmDisassembler {
 public:
  explicit LlvmDisassembler(const char* cpu);
  ~LlvmDisassembler();
  LlvmDisassembler(const LlvmDisassembler&) = delete;
  LlvmDisassembler& operator=(const LlvmDisassembler&) = delete;

  // Size in bytes of the first instruction, 0 if LLVM knows none; its text in *text.
  size_t operator()(const uint32_t* words, size_t count, std::string* text);

 private:
  void* context_;
};
