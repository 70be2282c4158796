// A plugin that the registry must refuse; FAKE_* says in which way.
#include <inlay/abi_hash.h>

#include "backends/plugin/plugin.h"

#ifndef FAKE_API
#define FAKE_API inlay::kPluginApiVersion
#endif
#ifndef FAKE_HASH
#define FAKE_HASH INLAY_CORE_ABI_HASH
#endif

namespace {
const InlayPluginTable kTable{FAKE_API,  sizeof(InlayPluginTable),
                              FAKE_HASH, "fake",
                              "0",       []() -> inlay::Backend* { return nullptr; }};
}  // namespace

#ifdef FAKE_NO_ENTRY
extern "C" __attribute__((visibility("default"))) const void* something_else() {
  return &kTable;
}
#else
INLAY_PLUGIN_EXPORT const InlayPluginTable* inlay_plugin_entry() {
  return &kTable;
}
#endif
