// Calls on a GPU: where they run, which entry is taken, what a launch is refused for.
#include <cstdlib>

#include "tests/runtime/gpu/gpu_support.h"

namespace inlay::test {
namespace {

bool on_gfx900() {
  return std::string(getenv("INLAY_EMULATOR_ARCH")) == "gfx900";
}

std::string last_error() {
  return inlay_last_error();
}

// Loading it, or the first call on the GPU, is refused.
std::string entry_refused(const char* file, int32_t status) {
  Module module(gpu_file(file));
  const InlayGpuEntry* entry = nullptr;
  EXPECT_EQ(inlay_module_gpu_entry(module.get(), kGpu, &entry), status) << file;
  std::string sentence = last_error();
  DeviceTensor<float> x(kGpu, ramp(8)), y(kGpu, ramp(8));
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), status) << file;
  EXPECT_EQ(last_error(), sentence);
  EXPECT_EQ(y.read(), ramp(8));
  return sentence;
}

TEST(Entry, that_fits_is_taken) {
  Module module(gpu_file("gpu"));
  const InlayGpuEntry* entry = nullptr;
  ASSERT_EQ(inlay_module_gpu_entry(module.get(), kGpu, &entry), INLAY_OK) << last_error();
  EXPECT_STREQ(entry->target, on_gfx900() ? "gfx900" : "gfx906");
}

TEST(Entry, none_fits) {
  InlayDeviceInfo info;
  ASSERT_EQ(inlay_device_info(kGpu, &info), INLAY_OK);
  EXPECT_EQ(entry_refused("other_gpus", INLAY_ERROR_UNSUPPORTED_GPU),
            std::string("gpu_fixture: rocm:0 is a ") + info.target + " (" + info.name +
                "), but the file holds GPU code for gfx1030, gfx906:sramecc+:xnack-; build it with "
                "--target " +
                std::string(info.target).substr(0, 6));
}

TEST(Entry, refusals) {
  std::string chip = on_gfx900() ? "gfx900" : "gfx906";
  std::string where = "gpu_fixture, GPU code 0 for " + chip + ": ";
  InlayDeviceInfo info;
  ASSERT_EQ(inlay_device_info(kGpu, &info), INLAY_OK);
  EXPECT_EQ(entry_refused("mislabelled", INLAY_ERROR_BAD_CODE_OBJECT),
            where + "is for gfx1030, which a " + info.target + " can't run");
  EXPECT_EQ(entry_refused("wrong_args", INLAY_ERROR_BAD_CODE_OBJECT),
            where +
                "kernel copy: argument 1 is an address of 8 bytes at 8, the entry's table says "
                "a value of 8 at 8");
  EXPECT_EQ(entry_refused("no_such_kernel", INLAY_ERROR_BAD_CODE_OBJECT),
            where + "has no kernel copies; it has axpy, copy, reverse, geometry, exact, stray");
  if (on_gfx900()) {  // the first code is cut short
    EXPECT_NE(entry_refused("truncated", INLAY_ERROR_BAD_CODE_OBJECT).find(where + "is truncated"),
              std::string::npos)
        << last_error();
  }
}

// What the table itself says is read when the file is loaded.
TEST(Entry, wrong_tables) {
  InlayModule* module = nullptr;
  EXPECT_EQ(inlay_module_load(gpu_file("empty_arg").c_str(), &module), INLAY_ERROR_BAD_CODE_OBJECT);
  EXPECT_NE(last_error().find("kernel copy has an argument of unfit size"), std::string::npos)
      << last_error();
}

TEST(Entry, of_a_program_without_one) {
  Module module;
  const InlayGpuEntry* entry = nullptr;
  EXPECT_EQ(inlay_module_gpu_entry(module.get(), kGpu, &entry), INLAY_ERROR_NOT_FOUND);
  EXPECT_EQ(last_error(),
            "fixture: has no code for a GPU; build it with a --target such as gfx900");
  EXPECT_EQ(inlay_module_gpu_entry(module.get(), {kDLCPU, 0}, &entry),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(inlay_module_gpu_entry(nullptr, kGpu, &entry), INLAY_ERROR_INVALID_ARGUMENT);
}

// A launch takes each kernel from the code that it lies in.
TEST(Entry, of_two_codes) {
  if (!on_gfx900()) GTEST_SKIP() << "its codes are for gfx900";
  Module module(gpu_file("two_codes"));
  const InlayGpuEntry* entry = nullptr;
  ASSERT_EQ(inlay_module_gpu_entry(module.get(), kGpu, &entry), INLAY_OK) << last_error();
  EXPECT_EQ(entry->n_codes, 2u);
  DeviceTensor<float> x(kGpu, ramp(300)), y(kGpu, ramp(300));
  ASSERT_EQ(module.call("reverse", {x.value(), y.value()}), INLAY_OK) << last_error();
  EXPECT_EQ(y.read()[0], 299);
}

// An older code object version, and a second handle to code that was unloaded in between.
TEST(Entry, version_4_and_loaded_anew) {
  for (int round = 0; round < 2; ++round) {
    Module module(gpu_file("gpu_v4"));
    DeviceTensor<float> x(kGpu, ramp(500)), y(kGpu, ramp(500));
    ASSERT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), INLAY_OK)
        << last_error();
    EXPECT_EQ(y.read()[499], 998);
  }
}

TEST(Place, mixtures_are_refused) {
  Module module(gpu_file("gpu"));
  DeviceTensor<float> x(kGpu, ramp(8)), y(kGpu, ramp(8));
  Tensor<float> host({8});
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), host.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(),
            "axpy: y is on device cpu, but x is on rocm:0; a call runs all on the CPU or all on "
            "one GPU: copy y (inlay_tensor_copy)");
  EXPECT_EQ(module.call("axpy", {inlay_float(1), host.value(), y.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(),
            "axpy: x is on device cpu, but y is on rocm:0; a call runs all on the CPU or all on "
            "one GPU: copy x (inlay_tensor_copy)");
  y.dl().device.device_id = 1;
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(),
            "axpy: y is on device rocm:1, but x is on rocm:0; a call runs all on the CPU or all on "
            "one GPU: copy y (inlay_tensor_copy)");
  x.dl().device.device_id = 1;
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), INLAY_ERROR_NO_DEVICE);
  x.dl().device.device_id = y.dl().device.device_id = 0;
  x.dl().device.device_type = kDLCUDA;
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(), "axpy: x is on device cuda (2), expected cpu (1) or rocm (10)");
  x.dl().device.device_type = kDLROCM;
}

TEST(Place, host_tensors_of_a_program_for_gpus_only) {
  Module module(gpu_file("gpu_only"));
  EXPECT_EQ(inlay_module_variant(module.get()), nullptr);
  Tensor<float> a({8}), b({8});
  EXPECT_EQ(module.call("axpy", {inlay_float(1), a.value(), b.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(),
            "axpy: its tensors are on the host, but gpu_fixture has GPU code only (gfx900, "
            "gfx906): copy them to a GPU (inlay_tensor_new, inlay_tensor_copy), or build it for a "
            "CPU too");
  DeviceTensor<float> x(kGpu, ramp(8)), y(kGpu, ramp(8));
  ASSERT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), INLAY_OK) << last_error();
  EXPECT_EQ(y.read()[7], 14);
}

// A file for a better CPU and for GPUs is good on the GPUs.
TEST(Place, no_variant_for_this_cpu) {
  Module module(gpu_file("gpu_or_future"));
  EXPECT_EQ(inlay_module_variant(module.get()), nullptr);
  DeviceTensor<float> x(kGpu, ramp(8)), y(kGpu, ramp(8));
  ASSERT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), INLAY_OK) << last_error();
  EXPECT_EQ(y.read()[7], 14);
  Tensor<float> a({8}), b({8});
  EXPECT_EQ(module.call("axpy", {inlay_float(1), a.value(), b.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(),
            "axpy: its tensors are on the host, but this CPU can run none of the variants of "
            "gpu_fixture (plain), which has GPU code too (gfx900, gfx906): copy them to a GPU "
            "(inlay_tensor_new, inlay_tensor_copy), or build it for this CPU");
}

// Arguments are checked as on the CPU.
TEST(Place, other_checks_hold) {
  Module module(gpu_file("gpu"));
  DeviceTensor<float> x(kGpu, ramp(8)), y(kGpu, ramp(9));
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(), "axpy: y has shape [9], expected [N=8] (N bound by x, dimension 0)");
  EXPECT_EQ(module.call("axpy", {inlay_float(1), x.value(), x.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(last_error(), "axpy: y, which is written, overlaps x in memory");
}

class Launch : public testing::Test {
 protected:
  enum Kernel {
    kAxpy,
    kCopy,
    kReverse,
    kGeometry,
    kExact,
    kStray,
    kWide,
    kHuge,
    kBigLds,
    kInexact
  };

  int32_t run(int64_t kernel, int64_t x, int64_t y, int64_t z, int64_t size) {
    return module.call("faulty", {inlay_int(kernel), inlay_int(x), inlay_int(y), inlay_int(z),
                                  inlay_int(size), out.value()});
  }
  void refused(int64_t kernel, int64_t x, int64_t y, int64_t z, int64_t size,
               const std::string& sentence) {
    EXPECT_EQ(run(kernel, x, y, z, size), INLAY_ERROR_INVALID_ARGUMENT) << sentence;
    EXPECT_EQ(last_error(), sentence);
  }

  Module module{gpu_file("gpu")};
  DeviceTensor<float> out{kGpu, ramp(64)};
};

TEST_F(Launch, right) {
  ASSERT_EQ(run(kExact, 1, 1, 1, 8), INLAY_OK) << last_error();
  EXPECT_EQ(out.read(), std::vector<float>(64, 1));
}

TEST_F(Launch, empty_grids_run_nothing) {
  EXPECT_EQ(run(kExact, 0, 1, 1, 8), INLAY_OK) << last_error();
  EXPECT_EQ(run(kExact, 1, -3, 1, 8), INLAY_OK) << last_error();
  EXPECT_EQ(run(kExact, 1, 1, INT64_MIN, 8), INLAY_OK) << last_error();
  EXPECT_EQ(out.read(), ramp(64));
}

TEST_F(Launch, number_and_size) {
  refused(10, 1, 1, 1, 8,
          std::string("GPU entry ") + (on_gfx900() ? "gfx900" : "gfx906") +
              ": there is no kernel 10; there are 10");
  refused(kExact, 1, 1, 1, 16, "faulty: kernel exact: got 16 bytes of arguments, it takes 8");
}

TEST_F(Launch, limits) {
  refused(kWide, 1, 1, 1, 32,
          "faulty: kernel axpy: a workgroup of 512 work-items, it was compiled for at most 256");
  refused(kHuge, 1, 1, 1, 32,
          "faulty: kernel axpy: a workgroup of 2000 work-items in y, rocm:0 takes at most 1024");
  refused(kBigLds, 1, 1, 1, 24,
          "faulty: kernel reverse: a workgroup needs 66560 bytes of LDS, rocm:0 has 65536");
  refused(kInexact, 1, 1, 1, 8,
          "faulty: kernel exact: a workgroup of 32 work-items in x, it was compiled for 64");
  refused(kExact, int64_t{1} << 26, 1, 1, 8,
          "faulty: kernel exact: a grid of 67108864 workgroups of 64 work-items in x, whose "
          "product must be below 2^32");
  refused(kExact, 1, INT64_MAX, 1, 8,
          "faulty: kernel exact: a grid of 9223372036854775807 workgroups of 1 work-items in y, "
          "whose product must be below 2^32");
}

// What a kernel does wrong is HIP's to report, by its name and words, when it finds out.
TEST_F(Launch, fault_of_a_kernel) {
  int32_t status = run(kStray, 1, 1, 1, 8);
  if (status == INLAY_OK) status = inlay_device_synchronize(kGpu);
  EXPECT_EQ(status, INLAY_ERROR_DEVICE);
  EXPECT_NE(last_error().find("rocm:0: hipErrorIllegalAddress (700): an illegal memory access was "
                              "encountered"),
            std::string::npos)
      << last_error();
}

TEST_F(Launch, scratch_memory) {
  auto scratch = [&](uint64_t bytes, uint64_t align) {
    return module.call("scratch", {inlay_int(static_cast<int64_t>(bytes)),
                                   inlay_int(static_cast<int64_t>(align)), out.value()});
  };
  for (uint64_t bytes : {0u, 1u, 4096u, 100000u, 5000000u}) {
    for (uint64_t align : {0u, 1u, 256u, 4096u}) {
      EXPECT_EQ(scratch(bytes, align), INLAY_OK) << last_error();
    }
  }
  EXPECT_EQ(scratch(64, 3), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(last_error(), "workspace of rocm:0: alignment 3 is not a power of two of at most 4096");
  EXPECT_EQ(scratch(64, 8192), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(scratch(INT64_MAX, 256), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(last_error().find("workspace of "), 0u);
  EXPECT_NE(last_error().find("hipErrorOutOfMemory (2)"), std::string::npos) << last_error();
}

}  // namespace
}  // namespace inlay::test
