// A program compiled, loaded and ready to be called, for `run` and `bench`.
#pragma once

#include "tools/driver/arguments.h"
#include "tools/inlay/command.h"

namespace inlay::cli {

/// Code object in memory -> loaded module. Throws CompileError (rule "load") with the runtime's
/// sentence.
class LoadedProgram {
 public:
  explicit LoadedProgram(const std::string& code_object);
  ~LoadedProgram();
  LoadedProgram(const LoadedProgram&) = delete;
  LoadedProgram& operator=(const LoadedProgram&) = delete;

  const InlayCallable* function(const std::string& name) const;
  /// The typed entry, as the C header of the program declares it.
  void* entry(const std::string& name) const;
  InlayModule* module() const { return module_; }

 private:
  InlayModule* module_ = nullptr;
};

/// Throws CompileError (rule "run") with the runtime's sentence at a status other than INLAY_OK.
void call(const InlayCallable* function, const std::vector<InlayValue>& values);

/// A device of the runtime by its name: cpu, hip, hip:1 ..., emulator (which makes the runtime use
/// that in HIP's place). "": the CPU, or the first GPU if `gpu`. Throws CompileError (rule
/// "option"; rule "device" with the runtime's sentence if it is not there). The emulator is the GPU
/// that `target` names, unless the environment says which.
DLDevice pick_device(const std::string& name, bool gpu, const std::string& target = "");
inline constexpr char kDeviceHelp[] =
    "Where to run it: cpu, hip, hip:1 ..., or emulator (default: what the target is for)";

/// The arguments of a call where it runs: themselves on the CPU, copies on a GPU.
class DeviceArguments {
 public:
  /// Throws CompileError (rule "device") with the runtime's sentence.
  DeviceArguments(Arguments& arguments, DLDevice device);
  ~DeviceArguments();
  DeviceArguments(const DeviceArguments&) = delete;
  DeviceArguments& operator=(const DeviceArguments&) = delete;

  const std::vector<InlayValue>& values() const { return values_; }

  /// Calls the function, and waits until it has run; a status of the runtime.
  int32_t try_call(const InlayCallable* function) const;
  /// The same; throws CompileError (rule "run") with the runtime's sentence.
  void call(const InlayCallable* function) const;
  /// Copies the tensors back into the arguments; rule "device".
  void fetch();

 private:
  struct Copy;
  Arguments& arguments_;
  DLDevice device_;
  std::vector<InlayValue> values_;
  std::vector<std::unique_ptr<Copy>> copies_;  ///< of the tensors, in order; none on the CPU
};

/// The function named, or the only one; throws CompileError that lists what there is.
const Function& pick_function(const Program& program, const std::string& name);

/// Words "NAME=VALUE" as a map; throws CompileError at a word without "=" or a name given twice.
std::map<std::string, std::string> assignments(const std::vector<std::string>& words);

}  // namespace inlay::cli
