// Devices, tensors, copies, streams and events of the C API on a GPU, and their refusals.
#include <cstdlib>
#include <thread>

#include "tests/runtime/gpu/gpu_support.h"

namespace inlay::test {
namespace {

const DLDataType kF32{kDLFloat, 32, 1};

int32_t new_tensor(DLDevice device, std::vector<int64_t> shape, DLDataType dtype = kF32) {
  DLManagedTensor* tensor = nullptr;
  int32_t status =
      inlay_tensor_new(device, dtype, static_cast<int32_t>(shape.size()), shape.data(), &tensor);
  if (status == INLAY_OK) inlay_tensor_free(tensor);
  return status;
}

TEST(Device, info) {
  InlayDeviceInfo info;
  ASSERT_EQ(inlay_device_info(kGpu, &info), INLAY_OK) << inlay_last_error();
  const char* chip = getenv("INLAY_EMULATOR_ARCH");
  ASSERT_NE(chip, nullptr);
  EXPECT_EQ(std::string(info.name), std::string("Inlay emulator (") + chip + ")");
  EXPECT_EQ(std::string(info.target).substr(0, 6), chip);
  EXPECT_EQ(info.lds_bytes, 64 << 10);
  EXPECT_EQ(info.max_workgroup, 1024);
  EXPECT_EQ(info.compute_units, std::string(chip) == "gfx900" ? 64 : 60);
  EXPECT_GT(info.memory, uint64_t{1} << 28);
  EXPECT_GT(info.clock_khz, 0);
  EXPECT_NE(std::string(info.library).find("inlay/emulator/libamdhip64.so"), std::string::npos);
  ASSERT_EQ(inlay_device_info({kDLCPU, 0}, &info), INLAY_OK) << inlay_last_error();
  EXPECT_GT(info.compute_units, 0);
  EXPECT_STREQ(info.library, "");
}

TEST(Device, numbers_and_types) {
  InlayDeviceInfo info;
  int32_t count = 0;
  EXPECT_EQ(inlay_device_info({kDLROCM, 1}, &info), INLAY_ERROR_NO_DEVICE);
  EXPECT_STREQ(inlay_last_error(), "rocm:1: there is no such GPU; there is 1");
  EXPECT_EQ(inlay_device_info({kDLROCM, -1}, &info), INLAY_ERROR_NO_DEVICE);
  EXPECT_EQ(inlay_device_info({kDLCUDA, 0}, &info), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "inlay_device_info: a device of type 2, expected cpu (1), rocm (10) or rocm_host "
               "(11)");
  EXPECT_EQ(inlay_device_info(kGpu, nullptr), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_device_info: out is NULL");
  EXPECT_EQ(inlay_device_count(kDLCUDA, &count), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(inlay_device_count(kDLCPU, &count), INLAY_OK);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(inlay_device_synchronize(kGpu), INLAY_OK);
}

TEST(DeviceTensor, shapes) {
  for (DLDevice device : {DLDevice{kDLCPU, 0}, kGpu, DLDevice{kDLROCMHost, 0}}) {
    EXPECT_EQ(new_tensor(device, {}), INLAY_OK) << inlay_last_error();
    EXPECT_EQ(new_tensor(device, {3, 0, 5}), INLAY_OK) << inlay_last_error();
    EXPECT_EQ(new_tensor(device, {INT64_MAX, INT64_MAX, 0}), INLAY_OK) << inlay_last_error();
    EXPECT_EQ(new_tensor(device, {3, -1}), INLAY_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(new_tensor(device, {INT64_MAX, INT64_MAX}), INLAY_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(inlay_last_error(),
                 "inlay_tensor_new: the tensor has a negative extent, or a size that overflows");
    EXPECT_EQ(new_tensor(device, {3}, {kDLInt, 4, 1}), INLAY_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(new_tensor(device, std::vector<int64_t>(17, 1)), INLAY_ERROR_INVALID_ARGUMENT);
    DeviceTensor<float> tensor(device, std::vector<int64_t>{5, 7});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.dl().data) % 256, 0u);
    EXPECT_EQ(tensor.dl().shape[1], 7);
    EXPECT_EQ(tensor.dl().strides, nullptr);
  }
  inlay_tensor_free(nullptr);
}

TEST(DeviceTensor, more_than_there_is) {
  EXPECT_EQ(new_tensor(kGpu, {int64_t{1} << 44}), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(inlay_last_error(),
               "inlay_tensor_new: 70368744177664 bytes on rocm:0: hipErrorOutOfMemory (2): out of "
               "memory");
}

TEST(Copy, between_all_kinds_of_memory) {
  const std::vector<float> values = ramp(1001);
  const DLDevice devices[] = {{kDLCPU, 0}, kGpu, {kDLROCMHost, 0}};
  for (DLDevice first : devices) {
    for (DLDevice second : devices) {
      DeviceTensor<float> a(first, values), b(second, ramp(1001, 5));
      ASSERT_EQ(inlay_tensor_copy(&a.dl(), &b.dl()), INLAY_OK) << inlay_last_error();
      EXPECT_EQ(b.read(), values);
    }
  }
}

TEST(Copy, refusals) {
  Tensor<float> host({4});
  DeviceTensor<float> gpu(kGpu, ramp(4));
  auto refused = [&](const DLTensor* a, const DLTensor* b) {
    EXPECT_EQ(inlay_tensor_copy(a, b), INLAY_ERROR_INVALID_ARGUMENT);
    return std::string(inlay_last_error());
  };
  EXPECT_EQ(refused(nullptr, &gpu.dl()), "inlay_tensor_copy: source is NULL");
  EXPECT_EQ(refused(&gpu.dl(), nullptr), "inlay_tensor_copy: target is NULL");
  Tensor<float> longer({5}), matrix({4, 1});
  EXPECT_EQ(refused(&longer.dl, &gpu.dl()),
            "inlay_tensor_copy: target differs from source in shape or dtype");
  EXPECT_EQ(refused(&matrix.dl, &gpu.dl()),
            "inlay_tensor_copy: target differs from source in shape or dtype");
  Tensor<int32_t> integers({4});
  EXPECT_EQ(refused(&integers.dl, &gpu.dl()),
            "inlay_tensor_copy: target differs from source in shape or dtype");
  host.set_strides({2});
  EXPECT_EQ(refused(&gpu.dl(), &host.dl), "inlay_tensor_copy: target is not compact");
  host.set_strides({1});
  EXPECT_EQ(inlay_tensor_copy(&gpu.dl(), &host.dl), INLAY_OK) << inlay_last_error();
  host.dl.data = nullptr;
  EXPECT_EQ(refused(&host.dl, &gpu.dl()), "inlay_tensor_copy: source has no data");
  host.dl.device.device_type = kDLCUDA;
  EXPECT_EQ(refused(&host.dl, &gpu.dl()),
            "inlay_tensor_copy: source is neither on the host nor on an AMD GPU");
}

// Part of a tensor, by its byte_offset.
TEST(Copy, from_the_middle) {
  DeviceTensor<float> gpu(kGpu, ramp(10));
  Tensor<float> host({3});
  int64_t extent = 3;
  DLTensor part = gpu.dl();
  part.shape = &extent;
  part.byte_offset = 16;
  ASSERT_EQ(inlay_tensor_copy(&part, &host.dl), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(host[0], 4);
  EXPECT_EQ(host[2], 6);
}

TEST(Stream, copies_calls_and_events) {
  Module module(gpu_file("gpu"));
  InlayStream *stream = nullptr, *other = nullptr;
  InlayEvent *start = nullptr, *stop = nullptr;
  ASSERT_EQ(inlay_stream_new(kGpu, &stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_stream_new(kGpu, &other), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_new(kGpu, &start), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_event_new(kGpu, &stop), INLAY_OK) << inlay_last_error();
  DeviceTensor<float> pinned({kDLROCMHost, 0}, ramp(1000)), x(kGpu, ramp(1000, -7)),
      y(kGpu, ramp(1000, 100)), back({kDLROCMHost, 0}, ramp(1000, 3));

  ASSERT_EQ(inlay_stream_use(kGpu, stream), INLAY_OK) << inlay_last_error();
  double seconds = -1;
  EXPECT_EQ(inlay_event_elapsed(start, stop, &seconds), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_event_elapsed: an event was put into no stream yet");
  ASSERT_EQ(inlay_event_record(start, nullptr), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_tensor_copy_async(&pinned.dl(), &x.dl(), stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(module.call("axpy", {inlay_float(2), x.value(), y.value()}), INLAY_OK)
      << inlay_last_error();
  ASSERT_EQ(inlay_event_record(stop, stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_stream_wait(other, stop), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_tensor_copy_async(&y.dl(), &back.dl(), other), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_stream_synchronize(other), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(static_cast<const float*>(back.dl().data)[10], 110 + 2 * 10);
  ASSERT_EQ(inlay_event_elapsed(start, stop, &seconds), INLAY_OK) << inlay_last_error();
  EXPECT_GT(seconds, 0);
  EXPECT_LT(seconds, 60);

  EXPECT_EQ(inlay_stream_use({kDLCPU, 0}, stream), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_stream_use: stream is of another device");
  Tensor<float> a({4}), b({4});
  EXPECT_EQ(inlay_tensor_copy_async(&a.dl, &b.dl, stream), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "inlay_tensor_copy_async: stream is of another device");
  EXPECT_EQ(inlay_tensor_copy_async(&a.dl, &b.dl, nullptr), INLAY_ERROR_INVALID_ARGUMENT);
  inlay_stream_free(other);
  inlay_stream_free(stream);  // this thread's: calls are in the null stream again
  ASSERT_EQ(module.call("axpy", {inlay_float(1), x.value(), y.value()}), INLAY_OK)
      << inlay_last_error();
  EXPECT_EQ(y.read()[10], 140);
  inlay_event_free(start);
  inlay_event_free(stop);
  inlay_stream_free(nullptr);
  inlay_event_free(nullptr);
}

TEST(Stream, of_somebody_else) {
  InlayStream* stream = nullptr;
  ASSERT_EQ(inlay_stream_wrap(kGpu, nullptr, &stream), INLAY_OK) << inlay_last_error();
  DeviceTensor<float> a(kGpu, ramp(3)), b(kGpu, ramp(3, 9));
  ASSERT_EQ(inlay_tensor_copy_async(&a.dl(), &b.dl(), stream), INLAY_OK) << inlay_last_error();
  ASSERT_EQ(inlay_stream_synchronize(stream), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(b.read(), ramp(3));
  inlay_stream_free(stream);
}

// Threads with streams of their own, one module between them.
TEST(Stream, threads) {
  Module module(gpu_file("gpu"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&module, t] {
      InlayStream* stream = nullptr;
      ASSERT_EQ(inlay_stream_new(kGpu, &stream), INLAY_OK) << inlay_last_error();
      ASSERT_EQ(inlay_stream_use(kGpu, stream), INLAY_OK);
      for (int round = 0; round < 5; ++round) {
        int64_t n = 300 + 77 * t + round;
        DeviceTensor<float> x(kGpu, ramp(n, 1)), y(kGpu, std::vector<int64_t>{n});
        ASSERT_EQ(module.call("reverse", {x.value(), y.value()}), INLAY_OK) << inlay_last_error();
        std::vector<float> got = y.read();
        for (int64_t i = 0; i < n; ++i) {
          ASSERT_EQ(got[static_cast<size_t>(i)], static_cast<float>(n - i)) << i;
        }
      }
      inlay_stream_free(stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace inlay::test
