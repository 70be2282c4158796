// The one file that reads the generated build id: a changed source recompiles this and itself.
#include "core/support/build_id.h"

#include "inlay/abi_hash.h"
#include "inlay/build_id.h"

namespace inlay {

std::string_view build_id() {
  return INLAY_BUILD_ID;
}

std::string_view version() {
  const std::string_view id = build_id();
  return id.substr(0, id.find('-'));
}

std::string_view core_abi_hash() {
  return INLAY_CORE_ABI_HASH;
}

}  // namespace inlay
