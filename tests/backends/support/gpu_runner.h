// Runs the GPU entries of a code object on the emulator, through HIP's names alone: a runtime table
// of the test's own puts what compiled host code asks for into hipModuleLoadData,
// hipModuleLaunchKernel and their like.
//
// INLAY_EMULATOR_ARCH says which GPU the emulator is (gfx900 if unset), for the whole process.
#pragma once

#include <string>
#include <vector>

#include "runtime/abi/inlay_abi.h"

namespace inlay::test {

/// The GPU that the emulator of this process is: "gfx900", "gfx906".
std::string emulated_gpu();

class GpuObject {
 public:
  /// Loads the bytes of a shared object. Throws std::runtime_error.
  explicit GpuObject(const std::string& bytes);
  ~GpuObject();
  GpuObject(const GpuObject&) = delete;
  GpuObject& operator=(const GpuObject&) = delete;

  const InlayCodeObject& object() const { return *object_; }
  /// Calls the entry for emulated_gpu() on tensors in host memory, which are copied to the device
  /// and back. Returns what went wrong, empty if nothing.
  std::string call(const std::string& function, const std::vector<InlayValue>& args);
  /// Launches of the last call.
  struct Launch {
    std::string kernel;
    std::vector<int64_t> grid;
  };
  const std::vector<Launch>& launches() const { return launches_; }

 private:
  void* library_ = nullptr;
  const InlayCodeObject* object_ = nullptr;
  std::string path_;
  std::vector<Launch> launches_;
};

}  // namespace inlay::test
