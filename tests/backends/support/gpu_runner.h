// Runs the GPU entries of a code object on the emulator, through the runtime and its HIP device.
//
// INLAY_EMULATOR_ARCH says which GPU the emulator is (gfx900 if unset), for the whole process.
#pragma once

#include <string>
#include <vector>

#include "inlay/runtime.h"

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

  const InlayCodeObject& object() const;
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
  InlayModule* module_ = nullptr;
  std::vector<Launch> launches_;
};

}  // namespace inlay::test
