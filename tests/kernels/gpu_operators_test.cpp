// The operators and examples of kernels/ on the GPU that the emulator is, with all its checks on,
// through the runtime and its HIP device, against the interpreter: any size is right.
//
// GpuOperators: a few sizes of each, of code objects that the build made. GpuOperatorsGrid, slow:
// all sizes, and what the compiler says of the kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "core/text/text.h"
#include "tests/kernels/gpu_operators.h"
#include "tools/driver/accuracy.h"
#include "tools/inlay/execute.h"

namespace inlay {
namespace {

namespace fs = std::filesystem;

const fs::path kKernels = INLAY_SOURCE_DIR "/kernels";

std::string gpu() {
  const char* name = std::getenv("INLAY_EMULATOR_ARCH");
  return name ? name : "gfx900";
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file || bytes.empty()) throw std::runtime_error("can't read " + path.string());
  return bytes;
}

class Emulated {
 public:
  Emulated(PluginRegistry& plugins, const std::string& file, const std::string& code)
      : device_(cli::pick_device("emulator", true, gpu())), code_(code) {
    Target target = plugins.resolve(gpu());
    program_ = bind_params(load_program(kKernels / file), &target, {});
  }

  void conform(const Operator& test, const Sizes& sizes) {
    std::string what = test.function + " on " + gpu();
    std::map<std::string, std::string> words;
    for (const auto& [name, value] : sizes) {
      words[name] = std::to_string(value);
      what += " " + name + "=" + words[name];
    }
    const Function& function = cli::pick_function(program_, test.function);
    Arguments arguments(function, words, 7);
    std::vector<TensorArgument> expected = clone(arguments.tensors());
    interpret(program_, cli::pick_function(program_, test.reference),
              arguments.interpreter_values(expected));
    cli::DeviceArguments there(arguments, device_);
    ASSERT_EQ(there.try_call(code_.function(test.function)), INLAY_OK)
        << what << ": " << inlay_last_error();
    there.fetch();
    for (size_t i = 0; i < expected.size(); ++i) {
      compare(test, sizes, arguments.tensors()[i], expected[i], what);
    }
  }

 private:
  static void compare(const Operator& test, const Sizes& sizes, const TensorArgument& got,
                      const TensorArgument& expected, const std::string& what) {
    const auto* result = reinterpret_cast<const float*>(got.data());
    const auto* right = reinterpret_cast<const float*>(expected.data());
    size_t count = expected.bytes / sizeof(float);
    double magnitude = 1;
    if (test.normalized && count != 0) {
      magnitude = std::abs(*std::max_element(
          right, right + count, [](float a, float b) { return std::abs(a) < std::abs(b); }));
    }
    double terms = test.terms(sizes);
    double allowed = terms == 0 ? 0 : sum_error_bound(terms, magnitude, kEpsilonF32);
    for (size_t i = 0; i < count; ++i) {
      double error = std::abs(double(result[i]) - double(right[i]));
      ASSERT_TRUE(error <= allowed)
          << what << ": element " << i << " of " << got.name << " is " << result[i] << ", expected "
          << right[i] << " within " << allowed;
    }
  }

  DLDevice device_;
  cli::LoadedProgram code_;
  Program program_;
};

std::vector<std::string> files() {
  std::vector<std::string> all;
  for (const Operator& test : operators()) {
    if (std::find(all.begin(), all.end(), test.file) == all.end()) all.push_back(test.file);
  }
  return all;
}

std::string name_of(const std::string& file) {
  return std::regex_replace(fs::path(file).stem().string(), std::regex("[^A-Za-z0-9]"), "_");
}

struct GpuOperators : testing::TestWithParam<std::string> {};
struct GpuOperatorsGrid : testing::TestWithParam<std::string> {};

TEST_P(GpuOperators, AgreeWithTheInterpreter) {
  PluginRegistry plugins;
  Emulated code(plugins, GetParam(),
                read(fs::path(GPU_OPERATORS) / (name_of(GetParam()) + "_gfx9.so")));
  for (const Operator& test : operators()) {
    if (test.file != GetParam()) continue;
    for (const Sizes& sizes : test.few) code.conform(test, sizes);
  }
}

// What is compiled is a GPU's program: no kernel of one work-item, no memory behind registers, no
// access whose address space is not known; and it computes the right thing at every size.
TEST_P(GpuOperatorsGrid, AgreeWithTheInterpreter) {
  PluginRegistry plugins;
  Driver driver(plugins, nullptr);
  std::map<ParamValues, std::vector<const Operator*>> builds;
  for (const Operator& test : operators()) {
    if (test.file == GetParam()) builds[test.numbers].push_back(&test);
  }
  for (const auto& [numbers, tests] : builds) {
    BuildRequest request;
    request.input = kKernels / GetParam();
    request.targets = {gpu()};
    request.params = numbers;
    request.artifacts = {Artifact::SharedObject, Artifact::Assembly};
    BuildOutput output = driver.build(request);
    EXPECT_EQ(output.warnings, "");
    const std::string& assembly = output.artifacts[Artifact::Assembly];
    EXPECT_THAT(assembly, testing::HasSubstr(".amdhsa_kernel"));
    EXPECT_THAT(assembly, testing::Not(testing::HasSubstr("\tflat_")));
    EXPECT_THAT(assembly, testing::Not(testing::HasSubstr("\tscratch_")));
    // SGPRs that are too many go to lanes of VGPRs, not to memory.
    const std::regex reserve("(private_segment_fixed_size:?|vgpr_spill_count:)\\s+([0-9]+)");
    for (std::sregex_iterator at(assembly.begin(), assembly.end(), reserve), end; at != end; ++at) {
      EXPECT_EQ((*at)[2], "0") << (*at)[0];
    }
    Emulated code(plugins, GetParam(), output.artifacts[Artifact::SharedObject]);
    for (const Operator* test : tests) {
      for (const Sizes& sizes : test->grid) code.conform(*test, sizes);
    }
  }
}

std::string label(const testing::TestParamInfo<std::string>& info) {
  return name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(, GpuOperators, testing::ValuesIn(files()), label);
INSTANTIATE_TEST_SUITE_P(, GpuOperatorsGrid, testing::ValuesIn(files()), label);

// A function without sizes to try is no operator.
TEST(GpuOperatorsList, IsComplete) {
  std::vector<std::string> listed;
  for (const Operator& test : operators()) {
    EXPECT_FALSE(test.grid.empty()) << test.function;
    listed.push_back(test.file + " " + test.function);
  }
  for (const auto& entry : fs::recursive_directory_iterator(kKernels)) {
    if (entry.path().extension() != ".inlay") continue;
    std::string file = fs::relative(entry.path(), kKernels);
    if (not_for_gpus().count(file)) continue;
    Program program = load_program(entry.path());
    for (const Function* function : program.functions()) {
      EXPECT_THAT(listed, testing::Contains(file + " " + function->name));
    }
  }
}

}  // namespace
}  // namespace inlay
