// One suite for every kind of device, named by INLAY_TEST_DEVICE: cpu, emulator, hip. Each function
// of programs.inlay is called on a grid of sizes there, and must compute what the interpreter does.
// A device that is not there says why.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/text/text.h"
#include "tools/inlay/execute.h"

namespace inlay::cli {
namespace {

using Assignments = std::map<std::string, std::string>;

class Device : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(inlay_module_load(DEVICE_PROGRAMS_CODE_OBJECT, &module), INLAY_OK)
        << inlay_last_error();
    program = new Program(load_program(INLAY_SOURCE_DIR "/tests/device/programs.inlay"));
  }
  static void TearDownTestSuite() {
    inlay_module_unload(module);
    delete program;
  }

  void SetUp() override {
    const char* name = std::getenv("INLAY_TEST_DEVICE");
    ASSERT_NE(name, nullptr) << "set INLAY_TEST_DEVICE to cpu, emulator or hip";
    bool hip = std::string(name) == "hip";
    try {
      device = pick_device(name, false);
    } catch (const CompileError& error) {
      if (!hip) FAIL() << error.what();
      GTEST_SKIP() << error.what();
    }
    if (device.device_type == kDLCPU) return;
    const InlayGpuEntry* entry = nullptr;
    int32_t status = inlay_module_gpu_entry(module, device, &entry);
    if (hip && status == INLAY_ERROR_UNSUPPORTED_GPU) GTEST_SKIP() << inlay_last_error();
    ASSERT_EQ(status, INLAY_OK) << inlay_last_error();
  }

  // Calls the function with random tensors of these sizes.
  void conform(const std::string& name, const Assignments& assignments) {
    std::string what = name;
    for (const auto& [symbol, value] : assignments) what += " " + symbol + "=" + value;
    const Function& function = pick_function(*program, name);
    const InlayCallable* callable = nullptr;
    ASSERT_EQ(inlay_module_function(module, name.c_str(), &callable), INLAY_OK)
        << inlay_last_error();
    Arguments arguments(function, assignments, 7);
    std::vector<TensorArgument> expected = clone(arguments.tensors());
    interpret(*program, function, arguments.interpreter_values(expected));
    DeviceArguments there(arguments, device);
    ASSERT_EQ(there.try_call(callable), INLAY_OK) << what << ": " << inlay_last_error();
    there.fetch();
    for (size_t i = 0; i < expected.size(); ++i) {
      const TensorArgument& got = arguments.tensors()[i];
      Difference difference = compare(got, expected[i]);
      double allowed = got.type.is_float() ? default_tolerance(got.type) : 0;
      EXPECT_LE(difference.relative, allowed) << what << ", " << got.name << difference.first;
      if (!got.type.is_float()) {
        EXPECT_EQ(difference.different, 0) << what << ", " << got.name << difference.first;
      }
    }
  }

  static inline InlayModule* module = nullptr;
  static inline Program* program = nullptr;
  DLDevice device{};
};

TEST_F(Device, Elements) {
  for (const char* n : {"0", "1", "63", "64", "65", "1000"}) {
    conform("axpy", {{"alpha", "-1.5"}, {"N", n}});
  }
}

TEST_F(Device, TilesInSharedMemory) {
  const char* const sizes[][2] = {{"0", "5"}, {"1", "1"}, {"16", "16"}, {"17", "31"}, {"50", "3"}};
  for (const auto& [m, n] : sizes) conform("transpose", {{"M", m}, {"N", n}});
}

TEST_F(Device, KernelsWithScratchMemoryBetweenThem) {
  for (const char* n : {"1", "255", "256", "257", "1000"}) conform("largest", {{"N", n}});
}

TEST_F(Device, ScalarsOfAllWidths) {
  for (const char* n : {"1", "31", "77"}) {
    conform("mix", {{"a", "-128"}, {"b", "65535"}, {"c", "-4000000000"}, {"N", n}});
  }
}

// Calls that follow each other see each other, without a wait between them.
TEST_F(Device, CallsInOrder) {
  const Function& function = pick_function(*program, "axpy");
  const InlayCallable* callable = nullptr;
  ASSERT_EQ(inlay_module_function(module, "axpy", &callable), INLAY_OK) << inlay_last_error();
  Arguments arguments(function, {{"alpha", "1"}, {"N", "500"}, {"X", "ones"}, {"Y", "zeros"}}, 1);
  DeviceArguments there(arguments, device);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(
        inlay_call(callable, there.values().data(), static_cast<uint32_t>(there.values().size())),
        INLAY_OK)
        << inlay_last_error();
  }
  there.fetch();
  const auto* y = reinterpret_cast<const float*>(arguments.tensors()[1].data());
  for (int i = 0; i < 500; ++i) ASSERT_EQ(y[i], 20) << i;
}

}  // namespace
}  // namespace inlay::cli
