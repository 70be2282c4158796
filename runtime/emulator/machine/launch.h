// Runs a kernel over a grid: initial registers, kernel arguments, LDS, scratch, and the schedule of
// wavefronts and workgroups over host threads.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "runtime/emulator/machine/checks/observe.h"
#include "runtime/emulator/machine/code_object.h"
#include "runtime/emulator/machine/schedule/workers.h"

namespace inlay::emulator {

struct LaunchOptions {
  int threads = 1;              // host threads; 1 runs workgroups in order, the same each time
  Workers* workers = nullptr;   // all but the calling thread; null: that one alone
  double watchdog_seconds = 0;  // a launch that takes longer is stopped; 0: never
  uint32_t lds_limit = 65536;
  const std::atomic<bool>* cancel = nullptr;  // once true, the launch stops soon
  ObserverOptions observe;
};

struct Launch {
  const CodeObject* object = nullptr;
  const Kernel* kernel = nullptr;
  uint32_t grid[3] = {1, 1, 1};   // workgroups
  uint32_t block[3] = {1, 1, 1};  // work-items of a workgroup
  // Work-items at the far end of each direction that the last workgroup lacks; less than block.
  uint32_t missing[3] = {0, 0, 0};
  uint32_t dynamic_lds = 0;
  // The kernarg segment as far as the caller knows it; hidden arguments are filled in.
  std::vector<uint8_t> arguments;
  // Called between turns, from any of the threads: the host's side of what device code waits for.
  std::function<void()> service;
  // Called where a workgroup goes on for long or waits, and no other is left to begin: it may be
  // another launch that it waits for.
  std::function<void()> give_way;
  uint64_t printf_buffer = 0, hostcall_buffer = 0, grid_sync = 0, heap = 0;
};

// What of a launch can be told to be wrong before it runs. False, and *error a sentence, if so.
bool check_launch(const Launch& launch, const LaunchOptions& options, std::string* error);

// Runs to the end. False, and *error a sentence, if the launch cannot be done or a wavefront
// faulted.
bool run_launch(DeviceMemory* memory, const Launch& launch, const LaunchOptions& options,
                std::string* error);

// A kernarg segment from one pointer per explicit argument.
std::vector<uint8_t> pack_arguments(const Kernel& kernel, void** pointers);

}  // namespace inlay::emulator
