// libFuzzer target: build with INLAY_SANITIZE="address;undefined;fuzzer", run with the fixture as
// corpus.
#include "tests/runtime/fuzz_object.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  inlay::test::fuzz_object(data, size);
  return 0;
}
