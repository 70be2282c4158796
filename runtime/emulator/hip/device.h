// The one device of a process, and what the HIP functions share.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/emulator/hip/hostcall.h"
#include "runtime/emulator/hip/queue.h"
#include "runtime/emulator/hip/types.h"
#include "runtime/emulator/machine/launch.h"

namespace inlay::emulator::hip {

// What a hipFunction_t points to.
struct Function {
  const CodeObject* object;
  const Kernel* kernel;
};
// What a hipModule_t points to.
struct Module {
  std::unique_ptr<CodeObject> object;
  std::map<std::string, std::unique_ptr<Function>> functions;
};
struct Event {
  unsigned flags = 0;
  FencePointer fence;  // of what it was recorded behind; null before
  bool start = false;  // its time is when that started, not when it ended
};
// What kind of memory an allocation is.
struct Placement {
  size_t size = 0;
  unsigned flags = 0;
  enum Kind { kDevice, kHost, kRegistered, kManaged } kind = kDevice;
};
// A fat binary that the compiler's constructors registered; loaded at its first use.
struct FatBinary {
  const void* image = nullptr;
  std::unique_ptr<Module> module;
  bool failed = false;
  struct Variable {
    const void* host;
    std::string name;
    size_t size;
  };
  std::vector<Variable> variables;
  struct Managed {
    void** pointer;
    const void* initial;
    std::string name;
    size_t size;
  };
  std::vector<Managed> managed;
};

class Device {
 public:
  static Device& get();

  DeviceMemory memory;
  Hostcall hostcall;
  Target target = Chip::kGfx900;
  int compute_units = 64;
  LaunchOptions options;
  bool verbose = false, statistics = false;
  bool blocking = false;  // launches return when the kernel has ended (HIP_LAUNCH_BLOCKING)
  uint64_t total_memory = uint64_t{8} << 30;
  std::recursive_mutex mutex;  // guards everything below
  std::vector<std::unique_ptr<FatBinary>> binaries;
  struct HostFunction {
    FatBinary* binary;
    std::string name;
  };
  std::unordered_map<const void*, HostFunction> host_functions;
  std::unordered_map<const void*, FatBinary*> host_variables;
  std::map<uint64_t, Placement> placements;  // of what is not plain device memory, by address
  std::unordered_map<void*, std::shared_ptr<Event>> events;
  std::unordered_map<void*, std::unique_ptr<Module>> modules;

  // The kernel behind a host stub; null, with *error set, if there is none.
  const Function* function(const void* host, Error* error);
  bool is_function(const void* handle);
  // Address and size of a __device__ variable by its host shadow.
  Error variable(const void* host, void** address, size_t* size);
  Error load(const void* image, uint64_t size, std::unique_ptr<Module>* module);
  bool load_binary(FatBinary* binary);
  // Gives a managed variable of a loaded binary its memory, for host and device.
  void place(const FatBinary& binary, const FatBinary::Managed& variable);
  const Function* module_function(Module* module, const std::string& name);
  // A launch in STREAM's order. Faults of the kernel come back from a later call that waits.
  struct LaunchRequest {
    uint32_t grid[3], block[3];       // workgroups, work-items
    uint32_t missing[3] = {0, 0, 0};  // work-items that the last workgroup lacks
    size_t shared = 0;
    std::vector<uint8_t> arguments;
    void* stream = nullptr;
    bool cooperative = false;
    Event *start = nullptr, *stop = nullptr;  // recorded with the kernel's own times
  };
  Error launch(const Function& f, LaunchRequest request);
  // Frees POINTER as soon as no kernel runs that could still reach it.
  void retire(void* pointer);
  // Wavefronts that fit on a SIMD at once, by registers (manual, and LLVM's "AMDGPU occupancy").
  int waves_per_simd(const Kernel& kernel) const;
  int blocks_per_unit(const Kernel& kernel, int block, size_t dynamic_shared) const;
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));

  Queues& queues() { return *queues_; }
  // Both do nothing in the child of a fork, which has no threads that could be waited for.
  // A program's code is about to go: waits for its kernels, and stops them if that takes long.
  void finish();
  // The process ends: kernels are stopped, and none starts any more.
  void shut_down();

 private:
  Device();
  Error run(const Kernel& kernel, const Launch& launch);
  void* grid_information(const Launch& launch);
  bool give_printf_buffer(const Kernel& kernel, Launch* launch);
  void look_at_printf(const Kernel& kernel);

  Workers workers_;
  std::unique_ptr<Queues> queues_;
  std::atomic<bool> cancel_{false};
  const int process_;
  std::mutex running_mutex_;
  uint32_t* printf_buffer_ = nullptr;
  int running_ = 0;             // launches
  std::vector<void*> retired_;  // freed when none runs
};

// Waits in the queues' sense: what a call returns that has waited, the error of a kernel before
// it included.
int waited();

// Sets the thread's last error and returns it.
int done(Error error);
extern thread_local Error last_error;

}  // namespace inlay::emulator::hip

// A function of HIP's C ABI; its version comes from symbols.def.
#define INLAY_HIP extern "C" __attribute__((visibility("default")))
