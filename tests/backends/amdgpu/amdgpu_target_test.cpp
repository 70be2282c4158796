// The table of GPUs against LLVM's, and how target IDs are read.
#include <gmock/gmock.h>

#include "backends/amdgpu/backend.h"
#include "backends/amdgpu/targets/targets.h"
#include "backends/llvm/machine.h"

namespace inlay::amdgpu {
namespace {

TEST(AmdgpuTarget, TableAgreesWithLlvm) {
  for (const GpuFacts& row : gpu_table()) {
    std::set<std::string> features;
    for (std::string& f : expand_features("amdgcn-amd-amdhsa", row.name, {})) features.insert(f);
    std::set<std::string> dots, wanted;
    for (const std::string& feature : features) {
      if (feature.rfind("dot", 0) == 0) dots.insert(feature);
    }
    std::string list = row.dots;
    for (size_t at = 0; at < list.size();) {
      size_t end = std::min(list.find(' ', at), list.size());
      wanted.insert(list.substr(at, end - at) + "-insts");
      at = end + 1;
    }
    EXPECT_EQ(dots, wanted) << row.name;
    EXPECT_EQ(features.count("mad-mix-insts") != 0, std::string(row.mix) == "mad") << row.name;
    EXPECT_EQ(features.count("fma-mix-insts") != 0, std::string(row.mix) == "fma") << row.name;
    EXPECT_EQ(features.count("xnack-support") != 0, row.xnack) << row.name;
    EXPECT_EQ(features.count("sramecc-support") != 0, row.sramecc) << row.name;
    EXPECT_EQ(features.count("gfx90a-insts") != 0, row.vgprs == 512) << row.name;
    EXPECT_TRUE(features.count("gfx9")) << row.name;
  }
}

TEST(AmdgpuTarget, TargetIds) {
  EXPECT_EQ(resolve_target("x86-64"), std::nullopt);
  Target any = resolve_target("gfx906").value();
  EXPECT_EQ(any.cpu, "gfx906");
  EXPECT_TRUE(any.features.count("gfx9") && any.features.count("gfx906"));
  EXPECT_FALSE(any.features.count("xnack") || any.features.count("no-xnack"));
  EXPECT_EQ(feature_string(any), "");
  EXPECT_TRUE(more_specific({"amdgpu", {"gfx906"}, {}}, {"amdgpu", {"gfx9"}, {}}, any));
  EXPECT_FALSE(more_specific({"amdgpu", {"gfx9"}, {}}, {"amdgpu", {"gfx906"}, {}}, any));
  Target both = resolve_target("gfx906:xnack-:sramecc+").value();
  EXPECT_EQ(target_id(both), "gfx906:sramecc+:xnack-");
  EXPECT_EQ(feature_string(both), "+sramecc,-xnack");
  for (const char* bad : {"gfx", "gfx907", "gfx900:sramecc+", "gfx906:xnack", "gfx906:",
                          "gfx906:xnack+:xnack-", "gfx906:foo+", "gfx9-generic:sramecc+"}) {
    EXPECT_THROW(resolve_target(bad), CompileError) << bad;
  }
}

// CLRX's and AMD's tables of waves by registers: see the Vega ISA manual, "VGPR allocation".
TEST(AmdgpuTarget, Occupancy) {
  const GpuFacts& vega = facts_of(resolve_target("gfx900").value());
  EXPECT_EQ(occupancy(vega, 24, 16, 0, 64), 10);
  EXPECT_EQ(occupancy(vega, 25, 16, 0, 64), 9);
  EXPECT_EQ(occupancy(vega, 64, 16, 0, 64), 4);
  EXPECT_EQ(occupancy(vega, 128, 16, 0, 256), 2);
  EXPECT_EQ(occupancy(vega, 129, 16, 0, 256), 1);
  EXPECT_EQ(occupancy(vega, 24, 102, 0, 64), 7);
  EXPECT_EQ(occupancy(vega, 24, 16, 32768, 256), 2);
  EXPECT_EQ(occupancy(vega, 24, 16, 65536, 64), 1);
}

TEST(AmdgpuTarget, BackendOffersThem) {
  std::unique_ptr<Backend> backend = make_backend();
  EXPECT_TRUE(backend->is_device());
  EXPECT_EQ(backend->targets().size(), gpu_table().size());
}

}  // namespace
}  // namespace inlay::amdgpu
