// What the tests of devices share: tensors on any device, and short ways to fill and read them.
#pragma once

#include "tests/runtime/support.h"

namespace inlay::test {

constexpr DLDevice kGpu{kDLROCM, 0};

// A tensor of inlay_tensor_new.
template <typename T>
class DeviceTensor {
 public:
  DeviceTensor(DLDevice device, const std::vector<int64_t>& shape) {
    EXPECT_EQ(inlay_tensor_new(device, Tensor<T>::type(), static_cast<int32_t>(shape.size()),
                               shape.data(), &managed_),
              INLAY_OK)
        << inlay_last_error();
  }
  DeviceTensor(DLDevice device, const std::vector<T>& values)
      : DeviceTensor(device, std::vector<int64_t>{static_cast<int64_t>(values.size())}) {
    Tensor<T> host({static_cast<int64_t>(values.size())});
    std::copy(values.begin(), values.end(), host.data);
    EXPECT_EQ(inlay_tensor_copy(&host.dl, &dl()), INLAY_OK) << inlay_last_error();
  }
  DeviceTensor(const DeviceTensor&) = delete;
  ~DeviceTensor() { inlay_tensor_free(managed_); }

  std::vector<T> read() const {
    std::vector<int64_t> shape(managed_->dl_tensor.shape,
                               managed_->dl_tensor.shape + managed_->dl_tensor.ndim);
    Tensor<T> host(shape);
    EXPECT_EQ(inlay_tensor_copy(&managed_->dl_tensor, &host.dl), INLAY_OK) << inlay_last_error();
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return std::vector<T>(host.data, host.data + count);
  }

  DLTensor& dl() { return managed_->dl_tensor; }
  InlayValue value() const { return inlay_tensor(&managed_->dl_tensor); }

 private:
  DLManagedTensor* managed_ = nullptr;
};

inline std::vector<float> ramp(int64_t n, float first = 0) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i);
  return values;
}

inline std::string gpu_file(const char* name) {
  return std::string(INLAY_GPU_DIR "/") + name + ".so";
}

}  // namespace inlay::test
