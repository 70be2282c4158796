// A program built against the installed headers finds in the installed core what they promise.
#include <cstdio>
#include <string>

#include "core/support/build_id.h"
#include "inlay/abi_hash.h"

int main() {
  std::printf("%s\n", std::string(inlay::build_id()).c_str());
  return inlay::core_abi_hash() == INLAY_CORE_ABI_HASH && !inlay::version().empty() ? 0 : 1;
}
