// One fuzzing step on the code object loader's checks, shared by the libFuzzer target and the
// seeded test.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "inlay/runtime.h"
#include "tests/runtime/seal.h"

namespace inlay::test {

// Verifies the bytes as they are, then with the checksum made right, so that the checks behind it
// are reached too. Aborts at a contradiction; a crash is a finding by itself.
inline void fuzz_object(const uint8_t* bytes, size_t size) {
  std::vector<uint8_t> copy(bytes, bytes + size);
  copy.shrink_to_fit();
  uint64_t checksum = 0;
  int32_t plain = inlay_object_verify(copy.data(), size, &checksum);
  if (plain != INLAY_OK && inlay_last_error()[0] == '\0') abort();
  if (!seal(copy.data(), size)) return;
  int32_t sealed = inlay_object_verify(copy.data(), size, &checksum);
  if (plain == INLAY_OK && sealed != INLAY_OK) abort();
}

}  // namespace inlay::test
