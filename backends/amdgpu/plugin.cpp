// The plugin's one exported function.
#include "backends/amdgpu/backend.h"
#include "core/support/build_id.h"
#include "inlay/abi_hash.h"

namespace {

inlay::Backend* create() {
  return inlay::amdgpu::make_backend().release();
}

const InlayPluginTable kTable{
    .api_version = inlay::kPluginApiVersion,
    .size = sizeof(InlayPluginTable),
    .core_abi_hash = INLAY_CORE_ABI_HASH,
    .name = "amdgpu",
    .version = inlay::build_id().data(),
    .create = create,
};

}  // namespace

INLAY_PLUGIN_EXPORT const InlayPluginTable* inlay_plugin_entry() {
  return &kTable;
}
