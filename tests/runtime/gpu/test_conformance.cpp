// One suite for every kind of device, named by INLAY_TEST_DEVICE: cpu, emulator, hip. The same
// program, the same arguments, the same results. A device that is not there says why.
#include <cstdlib>

#include "tests/runtime/gpu/gpu_support.h"

namespace inlay::test {
namespace {

class Conformance : public testing::Test {
 protected:
  void SetUp() override {
    const char* name = getenv("INLAY_TEST_DEVICE");
    ASSERT_NE(name, nullptr) << "set INLAY_TEST_DEVICE to cpu, emulator or hip";
    bool hip = std::string(name) == "hip";
    if (std::string(name) == "cpu") {
      device = {kDLCPU, 0};
      return;
    }
    device = kGpu;
    InlayDeviceInfo info;
    if (inlay_device_info(device, &info) != INLAY_OK) {
      if (!hip) FAIL() << inlay_last_error();
      GTEST_SKIP() << inlay_last_error();
    }
    const InlayGpuEntry* entry = nullptr;
    int32_t status = inlay_module_gpu_entry(module.get(), device, &entry);
    if (hip && status == INLAY_ERROR_UNSUPPORTED_GPU) GTEST_SKIP() << inlay_last_error();
    ASSERT_EQ(status, INLAY_OK) << inlay_last_error();
  }

  void call(const char* function, const std::vector<InlayValue>& values) {
    ASSERT_EQ(module.call(function, values), INLAY_OK) << inlay_last_error();
  }

  Module module{gpu_file("gpu")};
  DLDevice device{};
};

TEST_F(Conformance, axpy) {
  for (int64_t n : {0, 1, 63, 64, 65, 1000, 4097}) {
    DeviceTensor<float> x(device, ramp(n)), y(device, ramp(n, 7));
    call("axpy", {inlay_float(0.5), x.value(), y.value()});
    std::vector<float> got = y.read();
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i], 7 + 1.5f * static_cast<float>(i)) << "n " << n << ", element " << i;
    }
  }
}

TEST_F(Conformance, launches_in_order_by_scratch_memory) {
  for (int64_t n : {0, 1, 100, 256, 257, 5000}) {
    DeviceTensor<float> x(device, ramp(n)), y(device, ramp(n, -1));
    call("reverse", {x.value(), y.value()});
    call("reverse", {y.value(), x.value()});
    call("reverse", {x.value(), y.value()});
    std::vector<float> got = y.read();
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i], static_cast<float>(n - 1) - static_cast<float>(i)) << "n " << n;
    }
  }
}

TEST_F(Conformance, sizes_of_a_launch) {
  DeviceTensor<int32_t> out(device, std::vector<int32_t>(6, 0));
  call("geometry", {out.value()});
  EXPECT_EQ(out.read(), (std::vector<int32_t>{8, 4, 2, 24, 8, 2}));
}

TEST_F(Conformance, streams_and_events) {
  InlayStream* stream = nullptr;
  InlayEvent *start = nullptr, *stop = nullptr;
  ASSERT_EQ(inlay_stream_new(device, &stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_new(device, &start), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_new(device, &stop), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_stream_use(device, stream), INLAY_OK) << inlay_last_error();
  DeviceTensor<float> x(device, ramp(300)), y(device, ramp(300)), z(device, ramp(300, 1));
  ASSERT_EQ(inlay_event_record(start, stream), INLAY_OK) << inlay_last_error();
  call("axpy", {inlay_float(1), x.value(), y.value()});
  ASSERT_EQ(inlay_tensor_copy_async(&y.dl(), &z.dl(), stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_record(stop, stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_synchronize(stop), INLAY_OK) << inlay_last_error();
  double seconds = -1;
  ASSERT_EQ(inlay_event_elapsed(start, stop, &seconds), INLAY_OK) << inlay_last_error();
  EXPECT_GE(seconds, 0);
  EXPECT_EQ(z.read()[299], 598);
  inlay_stream_free(stream);
  ASSERT_EQ(inlay_stream_use(device, nullptr), INLAY_OK) << inlay_last_error();
  inlay_event_free(start);
  inlay_event_free(stop);
  EXPECT_EQ(inlay_device_synchronize(device), INLAY_OK) << inlay_last_error();
}

}  // namespace
}  // namespace inlay::test
