// The host's side of hostcall: what device code asks of the host while a kernel runs. Served are
// printing, memory for the device's own heap, and calls of host functions; the layouts are those of
// ROCm's device library (ockl: hostcall, dm).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/emulator/machine/memory.h"

namespace inlay::emulator::hip {

class Hostcall {
 public:
  // Allocates the buffer on first use; its address, or 0 if there is no memory.
  uint64_t buffer(DeviceMemory* memory);
  // The state of the device's malloc, zero at first: it asks for its memory through this. 0 if
  // there is no memory.
  uint64_t heap(DeviceMemory* memory);
  // Serves what is waiting. Thread-safe.
  void serve();

 private:
  struct Buffer;
  struct Header;
  void print(uint64_t* slots);
  void device_memory(uint64_t* slots);
  void finish(const std::vector<uint64_t>& message, uint64_t* result);

  std::mutex mutex_;
  DeviceMemory* memory_ = nullptr;
  std::atomic<Buffer*> buffer_{nullptr};
  void* heap_ = nullptr;
  // What the device's malloc gave back, by size: kept, since a kernel may still run that reaches
  // it.
  std::map<uint64_t, std::vector<void*>> spare_;
  std::map<uint64_t, std::vector<uint64_t>> messages_;  // that have begun and not ended, by id
  uint64_t next_message_ = 1;
};

// Formats as C's printf would. ARGUMENTS are 8-byte values; strings lie among them, padded to 8
// bytes.
std::string format_printf(const char* format, const uint64_t* arguments, const uint64_t* end);

}  // namespace inlay::emulator::hip
