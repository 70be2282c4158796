#include "tools/inlay/execute.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdlib>

namespace inlay::cli {

LoadedProgram::LoadedProgram(const std::string& code_object) {
  int32_t status = INLAY_OK;
  {
    // A loaded library needs its file no more.
    TemporaryFile object(".so");
    write_file(object.path(), code_object, true, "TMPDIR");
    status = inlay_module_load(object.path().c_str(), &module_);
  }
  if (status != INLAY_OK) {
    throw CompileError("load", {}, inlay_last_error());
  }
}

LoadedProgram::~LoadedProgram() {
  inlay_module_unload(module_);
}

const InlayCallable* LoadedProgram::function(const std::string& name) const {
  const InlayCallable* found = nullptr;
  if (inlay_module_function(module_, name.c_str(), &found) != INLAY_OK) {
    throw CompileError("load", {}, inlay_last_error());
  }
  return found;
}

void* LoadedProgram::entry(const std::string& name) const {
  void* found = nullptr;
  if (inlay_module_entry(module_, name.c_str(), &found) != INLAY_OK) {
    throw CompileError("load", {}, inlay_last_error());
  }
  return found;
}

namespace {

[[noreturn]] void throw_runtime(const char* rule, int32_t status) {
  throw CompileError(rule, {},
                     fmt::format("{} ({})", inlay_last_error(), inlay_status_name(status)));
}

void check_device(int32_t status) {
  if (status != INLAY_OK) throw_runtime("device", status);
}

}  // namespace

void call(const InlayCallable* function, const std::vector<InlayValue>& values) {
  int32_t status = inlay_call(function, values.data(), static_cast<uint32_t>(values.size()));
  if (status != INLAY_OK) throw_runtime("run", status);
}

DLDevice pick_device(const std::string& name, bool gpu, const std::string& target) {
  DLDevice device{kDLROCM, 0};
  if (name == "cpu" || (name.empty() && !gpu)) {
    device.device_type = kDLCPU;
    return device;
  }
  if (name == "emulator") {
    setenv("INLAY_HIP_LIBRARY", "emulator", 1);
    // The device that the program is for, unless the user chose one.
    bool known = target.rfind("gfx900", 0) == 0 || target.rfind("gfx906", 0) == 0;
    if (gpu && known) setenv("INLAY_EMULATOR_ARCH", target.c_str(), 0);
  } else if (name.rfind("hip:", 0) == 0) {
    auto [end, error] =
        std::from_chars(name.data() + 4, name.data() + name.size(), device.device_id);
    if (error != std::errc() || end != name.data() + name.size() || device.device_id < 0) {
      throw CompileError("option", {}, "`" + name + "` is no device", "write it as hip:1");
    }
  } else if (!name.empty() && name != "hip") {
    throw CompileError("option", {}, "`" + name + "` is no device",
                       "it is one of cpu, hip, hip:1 ..., emulator");
  }
  InlayDeviceInfo info;
  check_device(inlay_device_info(device, &info));
  return device;
}

// The bytes of a tensor, gaps included, on a GPU, and the tensor that says so.
struct DeviceArguments::Copy {
  ~Copy() { inlay_tensor_free(memory); }

  int64_t bytes = 0;
  DLTensor host{};  // the argument's bytes
  DLManagedTensor* memory = nullptr;
  DLTensor tensor{};  // the argument there
};

DeviceArguments::DeviceArguments(Arguments& arguments, DLDevice device)
    : arguments_(arguments), device_(device), values_(arguments.values()) {
  if (device.device_type == kDLCPU) return;
  size_t next = 0;
  for (InlayValue& value : values_) {
    if (value.kind != INLAY_VALUE_TENSOR) continue;
    TensorArgument& argument = arguments.tensors()[next++];
    auto copy = std::make_unique<Copy>();
    copy->bytes = static_cast<int64_t>(argument.bytes);
    copy->host.data = argument.data();
    copy->host.device = {kDLCPU, 0};
    copy->host.ndim = 1;
    copy->host.dtype = {kDLUInt, 8, 1};
    copy->host.shape = &copy->bytes;
    check_device(inlay_tensor_new(device, copy->host.dtype, 1, &copy->bytes, &copy->memory));
    check_device(inlay_tensor_copy(&copy->host, &copy->memory->dl_tensor));
    copy->tensor = *value.as.tensor;
    copy->tensor.device = device;
    copy->tensor.data = copy->memory->dl_tensor.data;
    copy->tensor.byte_offset = 0;
    value = inlay_tensor(&copy->tensor);
    copies_.push_back(std::move(copy));
  }
}

DeviceArguments::~DeviceArguments() = default;

int32_t DeviceArguments::try_call(const InlayCallable* function) const {
  int32_t status = inlay_call(function, values_.data(), static_cast<uint32_t>(values_.size()));
  return status != INLAY_OK ? status : inlay_device_synchronize(device_);
}

void DeviceArguments::call(const InlayCallable* function) const {
  int32_t status = try_call(function);
  if (status != INLAY_OK) throw_runtime("run", status);
}

void DeviceArguments::fetch() {
  for (const auto& copy : copies_) {
    check_device(inlay_tensor_copy(&copy->memory->dl_tensor, &copy->host));
  }
}

const Function& pick_function(const Program& program, const std::string& name) {
  std::vector<std::string> names;
  for (const Function* function : program.functions()) names.push_back(function->name);
  if (name.empty() && names.size() == 1) return *program.functions().front();
  if (const Function* found = program.find_function(name)) return *found;
  std::string list = fmt::format("{}", fmt::join(names, ", "));
  if (names.empty()) throw CompileError("argument", {}, "the program has no function");
  if (name.empty()) {
    throw CompileError("argument", {}, "the program has several functions",
                       "name one after the file: " + list);
  }
  throw CompileError("argument", {}, "the program has no function `" + name + "`",
                     "it has " + list);
}

std::map<std::string, std::string> assignments(const std::vector<std::string>& words) {
  std::map<std::string, std::string> result;
  for (const std::string& word : words) {
    auto [name, value] = split_assignment(word, "arguments");
    if (!result.emplace(name, value).second) {
      throw CompileError("option", {}, "`" + name + "` is given twice");
    }
  }
  return result;
}

}  // namespace inlay::cli
