// The plugin's one exported function.
#include "backends/cpu/backend.h"
#include "inlay/abi_hash.h"
#include "inlay/build_id.h"

namespace {

inlay::Backend* create() {
  return inlay::cpu::make_backend().release();
}

const InlayPluginTable kTable{
    .api_version = inlay::kPluginApiVersion,
    .size = sizeof(InlayPluginTable),
    .core_abi_hash = INLAY_CORE_ABI_HASH,
    .name = "cpu",
    .version = INLAY_BUILD_ID,
    .create = create,
};

}  // namespace

INLAY_PLUGIN_EXPORT const InlayPluginTable* inlay_plugin_entry() {
  return &kTable;
}
