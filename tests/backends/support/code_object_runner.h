// Compiles a program for a CPU and runs it through the runtime, for tests.
#pragma once

#include <string>
#include <vector>

#include "backends/amdgpu/backend.h"
#include "backends/cpu/backend.h"
#include "core/interp/interp.h"
#include "runtime/include/inlay/runtime.h"

namespace inlay::test {

/// The backend whose target `spec` is: amdgpu for gfx..., else cpu.
std::unique_ptr<Backend> backend_for(const std::string& spec);

/// Parses, verifies syntax, binds and lowers `text` for `spec`. Throws CompileError.
CompileUnit lower(const std::string& text, const std::string& spec);

/// Compiles units of one backend, for this machine as the host; device parts are linked into an
/// object of their own.
CompileResult compile_units(const std::vector<CompileUnit>& units, CompileOptions options);

/// Compiles to one artifact.
std::string compile(const std::string& text, const std::string& spec,
                    Artifact artifact = Artifact::SharedObject, CompileOptions options = {});

/// A tensor with its own memory.
template <typename T>
struct Tensor {
  DLDataType dtype;
  std::vector<int64_t> shape;
  std::vector<T> data;
  std::vector<int64_t> strides{};

  DLTensor view() {
    DLTensor tensor{};
    tensor.data = data.data();
    tensor.device = {kDLCPU, 0};
    tensor.ndim = static_cast<int32_t>(shape.size());
    tensor.dtype = dtype;
    tensor.shape = shape.data();
    tensor.strides = strides.empty() ? nullptr : strides.data();
    return tensor;
  }
};

/// A code object, loaded from a temporary file that is gone when the object is.
class LoadedObject {
 public:
  explicit LoadedObject(const std::string& bytes);
  ~LoadedObject();
  LoadedObject(const LoadedObject&) = delete;
  LoadedObject& operator=(const LoadedObject&) = delete;

  /// Calls; returns the status, message in last_error().
  int32_t call(const std::string& function, std::vector<InlayValue> args);
  void* entry(const std::string& function);
  InlayModule* module() { return module_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  InlayModule* module_ = nullptr;
};

/// Names that an ELF shared object leaves undefined, and those that it exports.
struct DynamicSymbols {
  std::vector<std::string> undefined, exported;
  bool needs_libraries = false;
};
DynamicSymbols dynamic_symbols(const std::string& elf);

}  // namespace inlay::test
