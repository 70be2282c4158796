// How handlers reach memory: device addresses checked against the allocations, LDS, and scratch
// through its swizzle.
#pragma once

#include "runtime/emulator/exec/address.h"
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

uint64_t scalar_value(Wave& w, const Slot& s, uint32_t c, OperandType type);

// Whether SIZE bytes at ADDRESS are device memory.
inline bool in_region(const Region& r, uint64_t address, uint64_t size, bool write) {
  const uint64_t offset = address - r.base;
  return offset < r.size && r.size - offset >= size && (!write || r.writable);
}
inline bool reachable(Wave& w, uint64_t address, uint64_t size, bool write) {
  RegionCache& cache = *w.group->cache;
  for (const Region& r : cache.regions)
    if (in_region(r, address, size, write)) return true;
  Region region;
  if (!w.group->memory->find(address, &region) || !in_region(region, address, size, write))
    return false;
  cache.regions[cache.next++ % RegionCache::kCount] = region;
  return true;
}
// The host pointer of SIZE bytes at ADDRESS, or null after a fault. WRITE: they will be written.
inline uint8_t* device_pointer(Wave& w, uint64_t address, uint32_t size, bool write) {
  if (__builtin_expect(reachable(w, address, size, write), 1))
    return reinterpret_cast<uint8_t*>(address);
  memory_fault(w, address, size, write);
  return nullptr;
}

// A dword anywhere.
typedef uint32_t __attribute__((aligned(1), may_alias)) Dword;

inline uint32_t load_bytes(const uint8_t* p, int size) {
  uint32_t v = 0;
  memcpy(&v, p, static_cast<size_t>(size));
  return v;
}

// What a memory type reads: bytes of one element, and how they extend to a register.
struct MemoryType {
  int bytes;  // of one access; whole dwords from 4 on
  bool sign;
};
inline MemoryType memory_type(OperandType t) {
  switch (t) {
    case OperandType::kU8:
      return {1, false};
    case OperandType::kI8:
      return {1, true};
    case OperandType::kU16:
      return {2, false};
    case OperandType::kI16:
      return {2, true};
    default:
      return {4 * operand_dwords(t), false};
  }
}
inline uint32_t extend(uint32_t v, MemoryType t) {
  if (!t.sign) return v;
  return t.bytes == 1 ? static_cast<uint32_t>(static_cast<int8_t>(v))
                      : static_cast<uint32_t>(static_cast<int16_t>(v));
}
// A narrow result into a register that may keep a half. Where registers have error correction they
// are written whole: the other half is lost, here to zero.
inline uint32_t merge(const Wave& w, uint32_t old, uint32_t v, uint32_t flags) {
  if (w.program->sramecc) old = 0;
  if (flags & opcode_flags::D16_HI) return (old & 0xffff) | v << 16;
  if (flags & opcode_flags::D16) return (old & 0xffff0000) | (v & 0xffff);
  return v;
}

template <typename F>
void each_lane(Wave& w, const F& f) {
  for (uint64_t left = w.exec(); left != 0 && w.state != WaveState::kFault; left &= left - 1)
    f(__builtin_ctzll(left));
}

// The host pointer of SIZE bytes at byte AT of a lane's access, which lie together. Null after a
// fault, and outside of LDS, where reads are zero and writes are dropped.
uint8_t* piece(Wave& w, const LaneAccess& a, uint32_t at, uint32_t size, int lane, bool write);
// One lane's atomic on memory, LDS or scratch.
void atomic_lane(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t vdata,
                 uint32_t vdst, bool returns);

// Whole dwords of all lanes, at addresses that have been checked. In a run, lane l's are at
// base + l times their size, for l from first to last.
struct Run {
  uint64_t base;
  int first, last;
};
void load_run(Wave& w, const Run& run, int dwords, uint32_t dst);
void store_run(Wave& w, const Run& run, int dwords, uint32_t src);
void load_dwords(Wave& w, const uint64_t* address, int dwords, uint32_t dst);
void store_dwords(Wave& w, const uint64_t* address, int dwords, uint32_t src);
// Whether one region holds SIZE bytes at each active lane's address; the others' are made like one
// of those.
bool one_region(Wave& w, uint64_t* address, uint32_t size, bool write);

// The new value of an atomic; OLD is in memory, DATA and COMPARE come from registers.
uint32_t atomic_result(MemoryAction action, uint32_t old, uint32_t data, uint32_t compare);
uint64_t atomic_result(MemoryAction action, uint64_t old, uint64_t data, uint64_t compare);
// Does it on memory that other host threads may use; returns what was there.
template <typename T>
T atomic_on_memory(MemoryAction action, uint8_t* p, T data, T compare);

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
