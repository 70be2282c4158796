#include "tests/backends/support/gpu_runner.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace inlay::test {

namespace {

constexpr DLDevice kGpu{kDLROCM, 0};

// The call that runs: its launches are noted on their way to the runtime.
struct Recording {
  const InlayRuntimeTable* runtime;
  const InlayGpuEntry* entry;
  std::vector<GpuObject::Launch>* launches;
};
thread_local Recording recording;

int32_t record_launch(InlayGpuContext* context, uint32_t kernel, const int64_t grid[3],
                      const void* arguments, uint64_t size) {
  if (kernel < recording.entry->n_kernels) {
    recording.launches->push_back(
        {recording.entry->kernels[kernel].name, {grid[0], grid[1], grid[2]}});
  }
  return recording.runtime->kernel_launch(context, kernel, grid, arguments, size);
}

void check(int32_t status) {
  if (status != INLAY_OK) {
    throw std::runtime_error("status " + std::to_string(status) + ": " + inlay_last_error());
  }
}

// All bytes that a tensor with strides reaches.
int64_t bytes_of(const DLTensor& tensor) {
  int64_t elements = 1;
  for (int d = 0; d < tensor.ndim; ++d) {
    if (tensor.shape[d] == 0) return 0;
    elements += (tensor.shape[d] - 1) * tensor.strides[d];
  }
  return elements * tensor.dtype.bits / 8;
}

// A tensor of the host as bytes, and what stands for it on the GPU.
struct Copy {
  explicit Copy(const DLTensor& tensor) : bytes(bytes_of(tensor)), host(tensor), there(tensor) {
    host.shape = &bytes;
    host.strides = nullptr;
    host.ndim = 1;
    host.dtype = {kDLUInt, 8, 1};
    check(inlay_tensor_new(kGpu, host.dtype, 1, &bytes, &memory));
    there.data = memory->dl_tensor.data;
    there.device = kGpu;
    there.byte_offset = 0;
    check(inlay_tensor_copy(&host, &memory->dl_tensor));
  }
  Copy(const Copy&) = delete;
  ~Copy() { inlay_tensor_free(memory); }
  void fetch() const { check(inlay_tensor_copy(&memory->dl_tensor, &host)); }

  int64_t bytes;
  DLTensor host, there;
  DLManagedTensor* memory = nullptr;
};

}  // namespace

std::string emulated_gpu() {
  const char* arch = std::getenv("INLAY_EMULATOR_ARCH");
  return arch && *arch ? arch : "gfx900";
}

GpuObject::GpuObject(const std::string& bytes) {
  setenv("INLAY_HIP_LIBRARY", INLAY_EMULATOR_LIBRARY, 1);
  std::string path = (std::filesystem::temp_directory_path() / "inlay-gpu-XXXXXX").string();
  int file = mkstemp(path.data());
  if (file < 0) throw std::runtime_error("can't make " + path);
  close(file);
  std::ofstream(path, std::ios::binary) << bytes;
  int32_t status = inlay_module_load(path.c_str(), &module_);
  unlink(path.c_str());
  check(status);
}

GpuObject::~GpuObject() {
  inlay_module_unload(module_);
}

const InlayCodeObject& GpuObject::object() const {
  return *inlay_module_object(module_);
}

std::string GpuObject::call(const std::string& name, const std::vector<InlayValue>& args) {
  launches_.clear();
  InlayObjectState* state = object().state;
  const InlayRuntimeTable* runtime = state->runtime;
  InlayRuntimeTable recorder = *runtime;
  recorder.kernel_launch = record_launch;
  std::string problem;
  try {
    const InlayCallable* function = nullptr;
    check(inlay_module_function(module_, name.c_str(), &function));
    recording = {runtime, nullptr, &launches_};
    check(inlay_module_gpu_entry(module_, kGpu, &recording.entry));
    std::vector<InlayValue> values = args;
    std::vector<std::unique_ptr<Copy>> copies;
    for (InlayValue& value : values) {
      if (value.kind != INLAY_VALUE_TENSOR) continue;
      copies.push_back(std::make_unique<Copy>(*value.as.tensor));
      value = inlay_tensor(&copies.back()->there);
    }
    state->runtime = &recorder;
    check(inlay_call(function, values.data(), static_cast<uint32_t>(values.size())));
    check(inlay_device_synchronize(kGpu));
    for (const auto& copy : copies) copy->fetch();
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  state->runtime = runtime;
  return problem;
}

}  // namespace inlay::test
