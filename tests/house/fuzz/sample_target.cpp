// A fuzz target to try the driver on: with FIND_IT it aborts on an input that only mutation
// reaches.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
#ifdef FIND_IT
  if (size >= 6 && data[2] == 0xff) std::abort();
#else
  (void)data;
  (void)size;
#endif
  return 0;
}
