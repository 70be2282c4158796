// The host's side of hostcall: what device code asks of the host while a kernel runs. Printing is
// served; the layout is that of ROCm's device library (ockl, hostcall).
#pragma once

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
  // Serves what is waiting. Thread-safe.
  void serve();

 private:
  struct Buffer;
  struct Header;
  void print(uint64_t* slots);
  void finish(const std::vector<uint64_t>& message, uint64_t* result);

  std::mutex mutex_;
  Buffer* buffer_ = nullptr;
  std::map<uint64_t, std::vector<uint64_t>> messages_;  // that have begun and not ended, by id
  uint64_t next_message_ = 1;
};

// Formats as C's printf would. ARGUMENTS are 8-byte values; strings lie among them, padded to 8
// bytes.
std::string format_printf(const char* format, const uint64_t* arguments, const uint64_t* end);

}  // namespace inlay::emulator::hip
