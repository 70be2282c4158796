// Fuzz target: the checks of an AMDGPU code object, on any bytes.
#include <inlay/runtime.h>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A target changes the answer after all checks only.
  int32_t any = inlay_gpu_code_verify(data, size, nullptr);
  int32_t one = inlay_gpu_code_verify(data, size, "gfx900:xnack-");
  if (any != INLAY_OK && (any != one || inlay_last_error()[0] == '\0')) abort();
  return 0;
}
