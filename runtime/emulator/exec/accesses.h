// The accesses to memory that an instruction is about to do, lane by lane, by the same rules as its
// handler: for checks, statistics and reports.
#pragma once

#include <vector>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {

struct Access {
  enum Place : uint8_t { kMemory, kLds, kDataShare };
  Place place;
  bool reads, writes, atomic;
  bool scratch;  // private to the lane
  bool scalar;   // not a lane's
  uint8_t lane;
  uint8_t reg;       // the first register whose data it moves: a VGPR, or an SGPR if scalar
  uint32_t size;     // bytes, all together
  uint64_t address;  // or the offset in LDS or in the data share
};

// Of instructions that touch no memory, and of lanes that a buffer's range keeps out: none. OUT is
// emptied first. Wide accesses to scratch come as dwords.
void memory_accesses(const Wave& wave, const Slot& slot, std::vector<Access>* out);

}  // namespace inlay::emulator
