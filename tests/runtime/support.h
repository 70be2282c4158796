// What the runtime's tests share: tensors, the fixture, and files with a fault put in.
#pragma once

#include <gtest/gtest.h>
#include <inlay/runtime.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "tests/runtime/seal.h"

namespace inlay::test {

inline const std::string kFixture = INLAY_FIXTURE_DIR "/fixture.so";

// A compact tensor that owns its data; its DLTensor may be bent by the test.
template <typename T>
struct Tensor {
  explicit Tensor(std::vector<int64_t> extents) : shape(std::move(extents)) {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    storage.resize(static_cast<size_t>(count) + 64 / sizeof(T));
    uintptr_t begin = reinterpret_cast<uintptr_t>(storage.data());
    data = reinterpret_cast<T*>((begin + 63) / 64 * 64);
    dl.data = data;
    dl.device = {kDLCPU, 0};
    dl.ndim = static_cast<int>(shape.size());
    dl.dtype = type();
    dl.shape = shape.data();
    dl.strides = nullptr;
    dl.byte_offset = 0;
  }
  Tensor(const Tensor&) = delete;

  static DLDataType type() {
    uint8_t code = std::is_same_v<T, bool>       ? INLAY_DTYPE_BOOL
                   : std::is_floating_point_v<T> ? kDLFloat
                   : std::is_signed_v<T>         ? kDLInt
                                                 : kDLUInt;
    return {code, sizeof(T) * 8, 1};
  }

  void set_strides(std::vector<int64_t> elements) {
    strides = std::move(elements);
    dl.strides = strides.data();
  }

  T& operator[](size_t i) { return data[i]; }
  InlayValue value() const { return inlay_tensor(&dl); }

  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  std::vector<std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>> storage;
  T* data;
  DLTensor dl;
};

inline std::vector<unsigned char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A file of its own that is removed with the object.
class TempFile {
 public:
  explicit TempFile(const std::vector<unsigned char>& bytes) {
    static int counter = 0;
    path_ = testing::TempDir() + "inlay_runtime_" + std::to_string(getpid()) + "_" +
            std::to_string(counter++) + ".so";
    write(bytes);
  }
  TempFile(const TempFile&) = delete;
  ~TempFile() { std::remove(path_.c_str()); }

  // Replaces the file by rename, as a careful writer does.
  void write(const std::vector<unsigned char>& bytes) {
    std::string fresh = path_ + ".new";
    std::ofstream(fresh, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    std::rename(fresh.c_str(), path_.c_str());
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A loaded fixture.
class Module {
 public:
  explicit Module(const std::string& path = kFixture) {
    EXPECT_EQ(inlay_module_load(path.c_str(), &handle_), INLAY_OK) << inlay_last_error();
  }
  explicit Module(InlayModule* handle) : handle_(handle) {}
  Module(const Module&) = delete;
  ~Module() { inlay_module_unload(handle_); }

  int32_t call(const char* name, const std::vector<InlayValue>& args) const {
    const InlayCallable* function = nullptr;
    EXPECT_EQ(inlay_module_function(handle_, name, &function), INLAY_OK) << inlay_last_error();
    return inlay_call(function, args.data(), static_cast<uint32_t>(args.size()));
  }

  InlayModule* get() const { return handle_; }

 private:
  InlayModule* handle_ = nullptr;
};

}  // namespace inlay::test
