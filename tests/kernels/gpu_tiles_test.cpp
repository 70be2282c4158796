// Micro-kernels of kernels/ for gfx9: each is inlined into a kernel that keeps its block in
// registers, and computes what its meaning says, on the GPU that the emulator is. A block that has
// no row is its meaning, compiled, and the report says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/text/text.h"
#include "tools/inlay/execute.h"

namespace inlay {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Tile {
  const char* name;
  int rows, columns;
  const char* chosen;
  int64_t most_vgprs;  ///< the block, its operands, addresses; twice that would be a fault
};
const Tile kTiles[] = {{"sgemm_block", 8, 8, "amdgpu(gfx9)", 128},
                       {"sgemm_block", 8, 4, "amdgpu(gfx9)", 84},
                       {"sgemm_block", 4, 4, "amdgpu(gfx9)", 64},
                       {"sgemm_block", 5, 3, "meaning", 64},
                       {"sgemm_block_scaled", 8, 8, "amdgpu(gfx9)", 128},
                       {"sgemm_block_scaled", 8, 4, "amdgpu(gfx9)", 84},
                       {"sgemm_block_scaled", 4, 4, "amdgpu(gfx9)", 64}};

struct GpuTiles : testing::TestWithParam<Tile> {};

std::string program(const Tile& tile) {
  std::string text = "include \"" INLAY_SOURCE_DIR R"(/kernels/gemm/tiles_gfx9.inlay"
func f(k: index, alpha: f32, A: f32[9, 64, MR], B: f32[9, 64, NR], C: f32[64, MR, NR]) {
  require scratch == 0, spills == 0
  assert 0 <= k && k <= 9, "k is 0 to 9"
  grid(x) for g in 0..1 {
    alloc At: f32[9, 64, MP] in shared align 16
    alloc Bt: f32[9, 64, NP] in shared align 16
    lane(x) for t in 0..64 {
      alloc c: f32[MR, NR] in private
      for i in 0..MR { for j in 0..NR { c[i, j] = C[t, i, j] } }
      for p in 0..k {
        for i in 0..MR { At[p, t, i] = A[p, t, i] }
        for j in 0..NR { Bt[p, t, j] = B[p, t, j] }
      }
      CALL<MR, NR>(k, SCALE At[0..k, t, 0..MR], Bt[0..k, t, 0..NR], c)
      for i in 0..MR { for j in 0..NR { C[t, i, j] = c[i, j] } }
    }
  }
}
)";
  auto replace = [&](const std::string& word, const std::string& by) {
    for (size_t at; (at = text.find(word)) != std::string::npos;) {
      text.replace(at, word.size(), by);
    }
  };
  replace("CALL", tile.name);
  replace("SCALE", std::string(tile.name) == "sgemm_block_scaled" ? "alpha," : "");
  replace("MR", std::to_string(tile.rows));
  replace("NR", std::to_string(tile.columns));
  // Rows that start at 16 bytes.
  replace("MP", std::to_string((tile.rows + 3) / 4 * 4));
  replace("NP", std::to_string((tile.columns + 3) / 4 * 4));
  return text;
}

TEST_P(GpuTiles, BecomeRegisters) {
  const Tile& tile = GetParam();
  const char* gpu = std::getenv("INLAY_EMULATOR_ARCH");
  ASSERT_NE(gpu, nullptr) << "set INLAY_EMULATOR_ARCH to gfx900 or gfx906";
  PluginRegistry plugins;
  Driver driver(plugins, nullptr);
  std::string path = testing::TempDir() + "/inlay-tile-" + gpu + "-" + std::to_string(getpid()) +
                     "-" + std::to_string(tile.rows) + std::to_string(tile.columns) + tile.name +
                     ".inlay";
  write_file(path, program(tile));
  BuildRequest request;
  request.input = path;
  request.targets = {gpu};
  request.artifacts = {Artifact::SharedObject, Artifact::Assembly, Artifact::LlvmIr};
  BuildOutput output = driver.build(request);
  Program parsed = bind_params(load_program(path), nullptr, {});
  std::remove(path.c_str());

  nlohmann::json report = nlohmann::json::parse(output.report_json)["reports"][0];
  EXPECT_EQ(report["selections"][0]["chosen"], tile.chosen);
  bool imported = std::string(tile.chosen) != "meaning";
  ASSERT_EQ(report["calls"].size(), imported ? 1u : 0u);
  if (imported) {
    EXPECT_EQ(report["calls"][0]["verdict"], "inlined");
  }
  EXPECT_LE(report["kernels"][0]["vgprs"], tile.most_vgprs);
  EXPECT_THAT(output.artifacts[Artifact::LlvmIr], Not(HasSubstr("= alloca")));
  const std::string& assembly = output.artifacts[Artifact::Assembly];
  EXPECT_THAT(assembly, Not(HasSubstr("\tflat_")));
  EXPECT_THAT(assembly, HasSubstr(imported ? "\tds_read_b128" : "\tds_read_"));
  EXPECT_THAT(assembly, HasSubstr(imported ? "\tv_fma" : "\tv_mul_f32"));

  cli::LoadedProgram code(output.artifacts[Artifact::SharedObject]);
  for (const char* k : {"0", "1", "2", "9"}) {
    const Function& function = cli::pick_function(parsed, "f");
    Arguments arguments(function, {{"k", k}, {"alpha", "-1.5"}}, 3);
    std::vector<TensorArgument> expected = clone(arguments.tensors());
    interpret(parsed, function, arguments.interpreter_values(expected));
    cli::DeviceArguments there(arguments, cli::pick_device("emulator", true, gpu));
    there.call(code.function("f"));
    there.fetch();
    for (size_t i = 0; i < expected.size(); ++i) {
      Difference difference = compare(arguments.tensors()[i], expected[i]);
      EXPECT_LE(difference.relative, 1e-6) << "k=" << k << " " << difference.first;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, GpuTiles, testing::ValuesIn(kTiles), [](const auto& info) {
  return info.param.name + std::to_string(info.param.rows) + "x" +
         std::to_string(info.param.columns);
});

}  // namespace
}  // namespace inlay
