// The plugin as the driver meets it: a shared library with one entry.
#include <dlfcn.h>
#include <gmock/gmock.h>

#include "backends/plugin/plugin.h"
#include "core/support/build_id.h"

namespace inlay::test {
namespace {

TEST(CpuPlugin, OffersTheBackend) {
  void* library = dlopen(INLAY_CPU_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  auto entry = reinterpret_cast<InlayPluginEntry>(dlsym(library, INLAY_PLUGIN_ENTRY_NAME));
  ASSERT_NE(entry, nullptr) << dlerror();
  const InlayPluginTable* table = entry();
  EXPECT_EQ(table->api_version, kPluginApiVersion);
  EXPECT_EQ(table->size, sizeof(InlayPluginTable));
  EXPECT_EQ(table->core_abi_hash, core_abi_hash());
  EXPECT_STREQ(table->name, "cpu");
  std::unique_ptr<Backend> backend(table->create());
  EXPECT_EQ(backend->name(), "cpu");
  std::optional<Target> target = backend->resolve_target("x86-64-v3");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(backend->import_kinds(*target), testing::Not(testing::Contains(ImportKind::Hsaco)));
  for (const TargetInfo& info : backend->targets()) {
    EXPECT_TRUE(backend->resolve_target(info.name).has_value()) << info.name;
  }
  // An error thrown in the plugin is one here.
  EXPECT_THROW(backend->resolve_target("x86-64-v3+such"), CompileError);
}

}  // namespace
}  // namespace inlay::test
