// Device memory: host memory with names. A device address is a host address; only what was
// allocated here can be reached by device code.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {

class DeviceMemory : public AddressSpace {
 public:
  ~DeviceMemory() override;

  // SIZE bytes aligned to 256 or more; null if the host has none left. NAME appears in reports.
  void* allocate(uint64_t size, const std::string& name);
  // The same, filled with zeros; pages that are never touched cost nothing.
  // ALIGNMENT: a power of two.
  void* allocate_zeroed(uint64_t size, const std::string& name, uint64_t alignment = 4096);
  // False if POINTER is not the start of an allocation.
  bool free(void* pointer);
  // Memory of somebody else's that device code may use.
  bool map(void* pointer, uint64_t size, const std::string& name);
  bool unmap(void* pointer);

  bool find(uint64_t address, Region* region) override;
  std::string describe(uint64_t address) override;
  // From now on, whether the bytes of the allocation at POINTER have been written is watched; none
  // of them has. Host code that writes there must say so.
  void watch(void* pointer);
  bool known(uint64_t address, uint64_t size) override;
  void written(uint64_t address, uint64_t size) override;

  uint8_t* data_share() override;
  uint64_t allocated() const { return allocated_; }
  // Changes with every free: what was remembered of regions is then stale.
  uint64_t generation() const { return generation_; }

 private:
  struct Allocation {
    uint64_t size;
    std::string name;
    enum Kind { kHeap, kMapped, kForeign } kind;
    std::shared_ptr<uint8_t[]> written;  // a byte each, if it is watched
  };
  static void release(uint64_t base, const Allocation& allocation);
  std::map<uint64_t, Allocation>::const_iterator holder(uint64_t address) const;

  mutable std::shared_mutex mutex_;
  std::map<uint64_t, Allocation> allocations_;          // by base
  std::vector<std::pair<uint64_t, Allocation>> freed_;  // the last ones, for reports
  std::once_flag data_share_once_;
  std::unique_ptr<uint64_t[]> data_share_;  // made when it is first used, with zeros
  std::atomic<uint64_t> allocated_{0};
  std::atomic<uint64_t> generation_{0};
};

}  // namespace inlay::emulator
