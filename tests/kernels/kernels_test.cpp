// Programs of kernels/, compiled, loaded and compared with the interpreter: on
// this CPU for every target that it can execute, and for AArch64 under qemu.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <inlay/runtime.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/text/text.h"
#include "tools/inlay/execute.h"

namespace inlay {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::string file, function;
  std::vector<std::string> targets;  ///< that it is built for, if this CPU can run them
  ParamValues params;
  std::vector<std::map<std::string, std::string>> calls;
  std::string reference = function;  ///< what the interpreter runs: inline assembly it can't
};

std::map<std::string, std::string> gemm(int m, int n, int k) {
  return {{"M", std::to_string(m)}, {"N", std::to_string(n)}, {"K", std::to_string(k)}};
}

std::vector<Case> cases() {
  // Edges in every dimension, nothing at all, one element, whole tiles, thin
  // and flat ones.
  std::vector<std::map<std::string, std::string>> shapes = {
      gemm(1, 1, 1),    gemm(0, 5, 3),    gemm(5, 0, 3),    gemm(5, 3, 0),    gemm(6, 16, 4),
      gemm(8, 32, 9),   gemm(12, 48, 16), gemm(7, 17, 5),   gemm(61, 67, 71), gemm(1, 100, 20),
      gemm(100, 1, 20), gemm(23, 45, 1),  gemm(33, 129, 40)};
  std::vector<std::string> targets = {"native", "x86-64-v3", "x86-64"};
  // Small blocks: many of them at sizes that the interpreter still manages.
  ParamValues small{{"mc", 24}, {"kc", 8}, {"nc", 96}};
  ParamValues packed{{"stream_rows", 0}, {"stream_paged_rows", 0},
                     {"low", 0},         {"small", -1},
                     {"kc", 8},          {"mc", 24},
                     {"nc", 96}};
  // Blocks that no micro-kernel is for: the meaning itself is compiled.
  ParamValues no_rows{{"tile_rows", 3}, {"tile_columns", 5}};
  ParamValues other_tile{{"mr", 4}, {"nr", 24}, {"mc", 24}, {"kc", 16}, {"nc", 96}};
  ParamValues no_row{{"mr", 3}, {"nr", 5}, {"mc", 9}, {"kc", 7}, {"nc", 15}};
  std::vector<std::map<std::string, std::string>> lengths;
  for (int n : {0, 1, 15, 16, 17, 100}) lengths.push_back({{"N", std::to_string(n)}});
  std::vector<std::map<std::string, std::string>> rows;
  for (int n : {0, 1, 31, 32, 33, 100}) rows.push_back({{"M", "3"}, {"N", std::to_string(n)}});
  std::vector<Case> all = {
      {"gemm/sgemm.inlay", "sgemm", targets, {}, shapes},
      {"gemm/sgemm.inlay", "sgemm", {"native"}, packed, shapes},
      {"gemm/sgemm.inlay", "sgemm", {"native"}, no_rows, shapes},
      {"gemm/sgemm_panels.inlay", "sgemm_panels", targets, small, shapes},
      {"gemm/sgemm_panels.inlay", "sgemm_panels", {"x86-64-v3"}, other_tile, shapes},
      {"gemm/sgemm_panels.inlay", "sgemm_panels", {"x86-64-v3"}, no_row, shapes},
      {"gemm/sgemm_panels.inlay", "sgemm_loops", {"native"}, {}, shapes},
      {"examples/vadd16/vadd16.inlay", "vadd", targets, {}, lengths},
      {"elementwise/elementwise.inlay", "gelu", {"native"}, {{"chunk", 32}}, lengths},
      {"softmax/softmax.inlay", "softmax", {"native"}, {}, rows},
  };
  for (const char* form : {"c", "cxx", "llvm", "inline", "assembly", "expression"}) {
    std::string name = std::string("vadd_") + form;
    all.push_back({"examples/vadd16/import_forms.inlay",
                   name,
                   {"x86-64-v3"},
                   {},
                   lengths,
                   name == "vadd_expression" ? "vadd_c" : name});
  }
  return all;
}

bool runs_here(const Target& target) {
  for (const char* feature : {"avx2", "fma", "avx512f", "neon"}) {
    if (target.features.count(feature) && inlay_cpu_has_feature(feature) != 1) return false;
  }
  return true;
}

TEST(Kernels, AgreeWithTheInterpreterOnThisMachine) {
  PluginRegistry plugins;
  Driver driver(plugins, nullptr);
  int calls = 0;
  for (const Case& test : cases()) {
    std::string path = std::string(INLAY_SOURCE_DIR "/kernels/") + test.file;
    for (const std::string& spec : test.targets) {
      Target target = plugins.resolve(spec);
      if (!runs_here(target)) {
        std::printf("not run: %s for %s, whose features this CPU lacks\n", test.file.c_str(),
                    spec.c_str());
        continue;
      }
      BuildRequest request;
      request.input = path;
      request.targets = {spec};
      request.params = test.params;
      BuildOutput output = driver.build(request);
      cli::LoadedProgram loaded(output.artifacts[Artifact::SharedObject]);
      Program program = bind_params(load_program(path), &target, test.params);
      const Function& function = cli::pick_function(program, test.function);
      for (const auto& sizes : test.calls) {
        std::string label = test.file + " " + test.function + " " + spec;
        for (const auto& [name, value] : sizes) label += " " + name + "=" + value;
        Arguments arguments(function, sizes, 11);
        std::vector<TensorArgument> expected = clone(arguments.tensors());
        cli::call(loaded.function(test.function), arguments.values());
        const Function& reference = cli::pick_function(program, test.reference);
        interpret(program, reference, arguments.interpreter_values(expected));
        for (size_t i = 0; i < expected.size(); ++i) {
          Difference difference = compare(arguments.tensors()[i], expected[i]);
          EXPECT_LE(difference.relative, 2e-6) << label << ": " << difference.first;
        }
        ++calls;
      }
    }
  }
  EXPECT_GT(calls, 50);
}

TEST(Kernels, RunOnAArch64UnderQemu) {
  if (std::system("command -v qemu-aarch64-static >/dev/null") != 0 ||
      !fs::exists(INLAY_EXEC_AARCH64)) {
    GTEST_SKIP() << "needs qemu-aarch64-static and the runtime cross-built for AArch64 ("
                 << INLAY_EXEC_AARCH64 << ")";
  }
  std::string name = (fs::temp_directory_path() / "inlay-qemu-XXXXXX").string();
  fs::path folder = mkdtemp(name.data());
  PluginRegistry plugins;
  Driver driver(plugins, nullptr);
  for (const Case& test : cases()) {
    if (test.targets.front() != "native") continue;
    std::string path = std::string(INLAY_SOURCE_DIR "/kernels/") + test.file;
    BuildRequest request;
    request.input = path;
    request.targets = {"aarch64+neon"};
    request.params = test.params;
    BuildOutput output = driver.build(request);
    std::string object = (folder / "program.so").string();
    write_file(object, output.artifacts[Artifact::SharedObject], true);
    Target target = plugins.resolve("aarch64+neon");
    Program program = bind_params(load_program(path), &target, test.params);
    const Function& function = cli::pick_function(program, test.function);
    // The last call is the one with edges everywhere; empty arrays have tests
    // of their own.
    Arguments arguments(function, test.calls.back(), 3);
    std::string command = "qemu-aarch64-static -L /usr/aarch64-linux-gnu " INLAY_EXEC_AARCH64 " " +
                          object + " " + test.function;
    for (const TensorArgument& tensor : arguments.tensors()) {
      std::string file = (folder / (tensor.name + ".npy")).string();
      write_npy(file, tensor);
      command += " " + tensor.name + "=" + file;
    }
    const TensorArgument& result = arguments.tensors().back();
    std::string out = (folder / "out.npy").string();
    command += " --out " + result.name + "=" + out;
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    std::map<std::string, std::string> words = test.calls.back();
    words[result.name] = out;
    Arguments got(function, words, 3);
    interpret(program, function, arguments.interpreter_values(arguments.tensors()));
    Difference difference = compare(got.tensors().back(), arguments.tensors().back());
    EXPECT_LE(difference.relative, 2e-6) << test.file << " " << difference.first;
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace inlay
