// The one device of a process, and what the HIP functions share. Work is done when it is asked for:
// a call that HIP calls asynchronous has finished when it returns, which every program must allow
// for.
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
struct Stream {
  unsigned flags = 0;
  int priority = 0;
};
struct Event {
  bool recorded = false;
  unsigned flags = 0;
  std::chrono::steady_clock::time_point time;
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
  Chip chip = Chip::kGfx900;
  int compute_units = 64;
  LaunchOptions options;
  bool verbose = false, statistics = false;
  uint64_t total_memory = uint64_t{8} << 30;
  std::recursive_mutex mutex;  // guards everything below
  std::vector<std::unique_ptr<FatBinary>> binaries;
  struct HostFunction {
    FatBinary* binary;
    std::string name;
  };
  std::unordered_map<const void*, HostFunction> host_functions;
  std::unordered_map<const void*, FatBinary*> host_variables;
  std::map<uint64_t, std::pair<size_t, unsigned>>
      host_memory;  // hipHostMalloc and hipHostRegister: size, flags
  std::unordered_map<void*, std::unique_ptr<Stream>> streams;
  std::unordered_map<void*, std::unique_ptr<Event>> events;
  std::unordered_map<void*, std::unique_ptr<Module>> modules;

  // The kernel behind a host stub; null, with *error set, if there is none.
  const Function* function(const void* host, Error* error);
  bool is_function(const void* handle);
  // Address and size of a __device__ variable by its host shadow.
  Error variable(const void* host, void** address, size_t* size);
  Error load(const void* image, uint64_t size, std::unique_ptr<Module>* module);
  bool load_binary(FatBinary* binary);
  const Function* module_function(Module* module, const std::string& name);
  Error launch(const Function& f, const uint32_t grid[3], const uint32_t block[3], size_t shared,
               std::vector<uint8_t> arguments, bool cooperative);
  // Wavefronts that fit on a SIMD at once, by registers (manual, and LLVM's "AMDGPU occupancy").
  int waves_per_simd(const Kernel& kernel) const;
  int blocks_per_unit(const Kernel& kernel, int block, size_t dynamic_shared) const;
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));

 private:
  Device();
};

// Sets the thread's last error and returns it.
int done(Error error);
extern thread_local Error last_error;

}  // namespace inlay::emulator::hip

// A function of HIP's C ABI; its version comes from symbols.def.
#define INLAY_HIP extern "C" __attribute__((visibility("default")))
