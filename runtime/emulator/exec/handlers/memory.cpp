// Scalar memory, FLAT, GLOBAL, SCRATCH and buffers (manual, chapters 7 to 9 and 12.6, 12.13
// to 12.15).
#include "runtime/emulator/exec/memory.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

using namespace opcode_flags;

namespace {

template <typename T>
T increment(T old, T data) {
  return old >= data ? 0 : old + 1;
}
template <typename T>
T decrement(T old, T data) {
  return old == 0 || old > data ? data : old - 1;
}

template <typename U, typename I, typename F>
U result(MemoryAction action, U old, U data, U compare) {
  const I so = static_cast<I>(old), sd = static_cast<I>(data);
  const F fo = __builtin_bit_cast(F, old), fd = __builtin_bit_cast(F, data);
  switch (action) {
    case MemoryAction::kSwap:
      return data;
    case MemoryAction::kCmpswap:
      return old == compare ? data : old;
    case MemoryAction::kFcmpswap:
      return fo == __builtin_bit_cast(F, compare) ? data : old;
    case MemoryAction::kAdd:
      return old + data;
    case MemoryAction::kSub:
      return old - data;
    case MemoryAction::kRsub:
      return data - old;
    case MemoryAction::kSmin:
      return so < sd ? old : data;
    case MemoryAction::kUmin:
      return old < data ? old : data;
    case MemoryAction::kSmax:
      return so > sd ? old : data;
    case MemoryAction::kUmax:
      return old > data ? old : data;
    case MemoryAction::kAnd:
      return old & data;
    case MemoryAction::kOr:
      return old | data;
    case MemoryAction::kXor:
      return old ^ data;
    case MemoryAction::kInc:
      return increment(old, data);
    case MemoryAction::kDec:
      return decrement(old, data);
    case MemoryAction::kFadd:
      return __builtin_bit_cast(U, static_cast<F>(fo + fd));
    case MemoryAction::kFmin:
      return is_nan(fd) || fo < fd ? old : data;
    case MemoryAction::kFmax:
      return is_nan(fd) || fo > fd ? old : data;
    // DATA is the mask of bits to clear, COMPARE the bits to set.
    case MemoryAction::kMskor:
      return (old & ~data) | compare;
    case MemoryAction::kWrap:
      return old >= data ? old - data : old + compare;
    default:
      return old;
  }
}

}  // namespace

uint32_t atomic_result(MemoryAction action, uint32_t old, uint32_t data, uint32_t compare) {
  return result<uint32_t, int32_t, float>(action, old, data, compare);
}
uint64_t atomic_result(MemoryAction action, uint64_t old, uint64_t data, uint64_t compare) {
  return result<uint64_t, int64_t, double>(action, old, data, compare);
}
template <typename T>
T atomic_on_memory(MemoryAction action, uint8_t* p, T data, T compare) {
  T* at = reinterpret_cast<T*>(p);
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(at, &old, atomic_result(action, old, data, compare), true,
                                      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
  return old;
}
template uint32_t atomic_on_memory<uint32_t>(MemoryAction, uint8_t*, uint32_t, uint32_t);
template uint64_t atomic_on_memory<uint64_t>(MemoryAction, uint8_t*, uint64_t, uint64_t);

namespace {

// --- scalar memory ---
// The address of a scalar access, dword-aligned as the hardware does, and how many of its BYTES a
// buffer's range holds. An offset in a register counts bytes, for s_scratch_* units of 64 bytes.
uint64_t scalar_address(Wave& w, const Slot& s, uint32_t bytes, uint32_t* available) {
  const Instruction& i = s.inst;
  int64_t offset = i.imm ? i.offset : 0;
  if (i.soffset_en || !i.imm) {
    const int64_t v = i.soffset < code::kZero ? static_cast<int64_t>(w.sgpr[i.soffset]) : 0;
    offset += i.opcode->has(SCRATCH_TOO) ? v * kLanes : v;
  }
  *available = bytes;
  if (i.opcode->src[0] == OperandType::kB128) {
    const BufferResource r = resource(&w.sgpr[i.src[0]]);
    const uint64_t limit = r.stride ? static_cast<uint64_t>(r.stride) * r.records : r.records;
    const uint64_t at = static_cast<uint64_t>(offset) & ~uint64_t{3};
    if (offset < 0 || at >= limit) {
      *available = 0;
    } else if (limit - at < bytes) {
      *available = static_cast<uint32_t>(limit - at) & ~3u;
    }
    return r.base + at;
  }
  return (w.pair(i.src[0]) + static_cast<uint64_t>(offset)) & ~uint64_t{3};
}

}  // namespace

void scalar_memory(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const bool load = op.action() == MemoryAction::kLoad, store = op.action() == MemoryAction::kStore;
  const OperandType type = load ? op.dst : op.src[1];
  const uint32_t bytes = 4u * static_cast<uint32_t>(operand_dwords(type));
  const bool compare_swap = op.action() == MemoryAction::kCmpswap;
  const uint32_t touched = compare_swap ? bytes / 2 : bytes;
  uint32_t available;
  const uint64_t address = scalar_address(w, s, touched, &available);
  if (load) {
    uint32_t data[16] = {};  // what is out of range reads as zero
    if (available) {
      const uint8_t* p = device_pointer(w, address, available, false);
      if (p == nullptr) return;
      memcpy(data, p, available);
    }
    if (i.dst != code::kNull) memcpy(&w.sgpr[i.dst], data, bytes);
    return;
  }
  if (available < touched) return;
  uint8_t* p = device_pointer(w, address, touched, true);
  if (p == nullptr) return;
  if (store) {
    memcpy(p, &w.sgpr[i.dst], bytes);
    return;
  }
  if (touched == 4) {
    const uint32_t old = atomic_on_memory<uint32_t>(op.action(), p, w.sgpr[i.dst],
                                                    compare_swap ? w.sgpr[i.dst + 1] : 0);
    if (i.glc) w.sgpr[i.dst] = old;
  } else {
    const uint64_t old = atomic_on_memory<uint64_t>(op.action(), p, w.pair(i.dst),
                                                    compare_swap ? w.pair(i.dst + 2) : 0);
    if (i.glc) w.set_pair(i.dst, old);
  }
}
INLAY_WAVE(s_memtime) {
  w.set_pair(s.inst.dst, ++w.group->clock + w.issued);
}
INLAY_WAVE(s_memrealtime) {
  w.set_pair(s.inst.dst, ++w.group->clock + w.issued);
}

// A translation that is asked for ahead of time: nothing to see where none is done.
INLAY_WAVE(s_atc_probe) {}
INLAY_WAVE(s_atc_probe_buffer) {}

// --- vector memory ---
uint8_t* piece(Wave& w, const LaneAccess& a, uint32_t at, uint32_t size, int lane, bool write) {
  if (a.space == Space::kLds) {
    const uint64_t offset = a.address + at;
    return offset + size <= w.group->lds_size ? w.group->lds + offset : nullptr;
  }
  if (a.space == Space::kScratch) {
    if (a.address + at + size > w.scratch_size / kLanes) {
      w.fault("scratch offset 0x%llx is beyond the %llu bytes of a lane",
              static_cast<unsigned long long>(a.address + at),
              static_cast<unsigned long long>(w.scratch_size / kLanes));
      return nullptr;
    }
    return device_pointer(w, scratch_address(w.scratch_base, a.address + at, lane), size, write);
  }
  return device_pointer(w, a.address + at, size, write);
}

namespace {

void load_lane(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t vdst) {
  const MemoryType t = memory_type(s.inst.opcode->dst);
  if (t.bytes < 4) {
    const uint8_t* p = piece(w, a, 0, static_cast<uint32_t>(t.bytes), lane, false);
    if (w.state == WaveState::kFault) return;
    uint32_t& d = w.vgpr[vdst][lane];
    d = merge(w, d, extend(p ? load_bytes(p, t.bytes) : 0, t), s.inst.opcode->flags);
    return;
  }
  if (a.space != Space::kScratch) {
    const uint8_t* p = piece(w, a, 0, static_cast<uint32_t>(t.bytes), lane, false);
    if (w.state == WaveState::kFault) return;
    for (int n = 0; n < t.bytes / 4; n++)
      w.vgpr[vdst + static_cast<uint32_t>(n)][lane] = p ? load_bytes(p + 4 * n, 4) : 0;
    return;
  }
  for (int n = 0; n < t.bytes / 4; n++) {
    const uint8_t* p = piece(w, a, 4 * static_cast<uint32_t>(n), 4, lane, false);
    if (p == nullptr) return;
    w.vgpr[vdst + static_cast<uint32_t>(n)][lane] = load_bytes(p, 4);
  }
}
void store_lane(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t vdata) {
  const MemoryType t = memory_type(s.inst.opcode->src[1]);
  const int step = t.bytes < 4 ? t.bytes : 4;
  const int shift = s.inst.opcode->has(D16_HI) ? 16 : 0;
  for (int n = 0; n < t.bytes; n += step) {
    uint8_t* p = piece(w, a, static_cast<uint32_t>(n), static_cast<uint32_t>(step), lane, true);
    if (p == nullptr) return;
    const uint32_t v = w.vgpr[vdata + static_cast<uint32_t>(n) / 4][lane] >> shift;
    memcpy(p, &v, static_cast<size_t>(step));
  }
}
}  // namespace

void atomic_lane(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t vdata,
                 uint32_t vdst, bool returns) {
  const Opcode& op = *s.inst.opcode;
  const uint32_t dwords = static_cast<uint32_t>(operand_dwords(op.dst));
  const bool compare_swap = op.action() == MemoryAction::kCmpswap;
  if (a.space == Space::kScratch && dwords == 2)
    return w.fault("a 64-bit atomic on scratch memory, where its halves do not lie together");
  uint8_t* p = piece(w, a, 0, 4 * dwords, lane, true);
  if (p == nullptr) return;
  if (reinterpret_cast<uintptr_t>(p) % (4 * dwords) != 0)
    return w.fault("an atomic at 0x%llx, which is not aligned to its %u bytes",
                   static_cast<unsigned long long>(a.address), 4 * dwords);
  if (dwords == 1) {
    const uint32_t old = atomic_on_memory<uint32_t>(op.action(), p, w.vgpr[vdata][lane],
                                                    compare_swap ? w.vgpr[vdata + 1][lane] : 0);
    if (returns) w.vgpr[vdst][lane] = old;
    return;
  }
  const auto wide = [&](uint32_t r) {
    return w.vgpr[r][lane] | static_cast<uint64_t>(w.vgpr[r + 1][lane]) << 32;
  };
  const uint64_t old =
      atomic_on_memory<uint64_t>(op.action(), p, wide(vdata), compare_swap ? wide(vdata + 2) : 0);
  if (returns) {
    w.vgpr[vdst][lane] = static_cast<uint32_t>(old);
    w.vgpr[vdst + 1][lane] = static_cast<uint32_t>(old >> 32);
  }
}

namespace {

// The addresses of all lanes, where one region holds them all; lanes that EXEC has off repeat one
// that is on. False if it is not so: the lanes are then looked at one by one.
bool lane_addresses(Wave& w, const Instruction& i, uint32_t size, bool write, uint64_t* address) {
  const uint64_t exec = w.exec();
  if (i.segment == Segment::kScratch || exec == 0) return false;
  const uint64_t offset = static_cast<uint64_t>(static_cast<int64_t>(i.offset));
  const uint32_t* lo = w.vgpr[i.vaddr];
  if (i.segment == Segment::kGlobal && i.has_saddr) {
    const uint64_t base = w.pair(i.soffset) + offset;
    for (int l = 0; l < kLanes; l++) address[l] = base + lo[l];
  } else {
    const uint32_t* hi = w.vgpr[i.vaddr + 1];
    for (int l = 0; l < kLanes; l++)
      address[l] = (lo[l] | static_cast<uint64_t>(hi[l]) << 32) + offset;
  }
  return one_region(w, address, size, write);
}

// Lanes that want neighbouring elements of SIZE bytes, as most code does: *run is where those of
// the lanes from FIRST to LAST lie. One look at memory then does for all of them.
bool neighbours(Wave& w, const Instruction& i, uint32_t size, bool write, Run* run) {
  const uint64_t exec = w.exec();
  if (exec == 0) return false;
  run->first = __builtin_ctzll(exec);
  run->last = 63 - __builtin_clzll(exec);
  const uint64_t offset = static_cast<uint64_t>(static_cast<int64_t>(i.offset));
  const uint32_t span = size * static_cast<uint32_t>(run->last - run->first);
  if (i.segment == Segment::kScratch) {
    // Where scratch begins at one offset for all lanes, its dwords are neighbours; wider elements
    // are not.
    if (!i.has_saddr || size != 4) return false;
    const uint64_t at = w.sgpr[i.soffset] + offset;
    if (at % 4 != 0 || at + 4 > w.scratch_size / kLanes) return false;
    run->base = scratch_address(w.scratch_base, at, 0);
  } else {
    const uint32_t* lo = w.vgpr[i.vaddr];
    const bool narrow = i.segment == Segment::kGlobal && i.has_saddr;
    const uint32_t* hi = narrow ? nullptr : w.vgpr[i.vaddr + 1];
    const uint32_t origin = lo[run->first] - size * static_cast<uint32_t>(run->first);
    const uint32_t high = narrow ? 0 : hi[run->first];
    uint32_t apart = 0;
    const auto differ = [&](int l) {
      const uint32_t v = lo[l] ^ (origin + size * static_cast<uint32_t>(l));
      return hi == nullptr ? v : v | (hi[l] ^ high);
    };
    if (exec == ~uint64_t{0}) {
      for (int l = 0; l < kLanes; l++) apart |= differ(l);
    } else {
      const uint32_t* lanes = exec_rows(w);
      for (int l = 0; l < kLanes; l++) apart |= differ(l) & lanes[l];
    }
    run->base = narrow ? w.pair(i.soffset) + lo[run->first]
                       : lo[run->first] | static_cast<uint64_t>(high) << 32;
    if (apart != 0 || lo[run->first] > ~span) return false;
    run->base += offset - uint64_t{size} * static_cast<uint64_t>(run->first);
  }
  return reachable(w, run->base + uint64_t{size} * static_cast<uint64_t>(run->first), span + size,
                   write);
}

// Bytes and halves of neighbouring lanes.
template <typename T>
void load_narrow_run(Wave& w, const Run& run, uint32_t dst, uint32_t flags) {
  const uint32_t* lanes = exec_rows(w);
  uint32_t* row = w.vgpr[dst];
  for (int l = run.first; l <= run.last; l++) {
    T v;
    memcpy(&v, reinterpret_cast<const void*>(run.base + sizeof(T) * static_cast<uint64_t>(l)),
           sizeof(T));
    // Sign-extended if T is signed.
    const uint32_t d = merge(w, row[l], static_cast<uint32_t>(static_cast<int32_t>(v)), flags);
    row[l] = lanes[l] ? d : row[l];
  }
}
template <typename T>
void store_narrow_run(Wave& w, const Run& run, uint32_t src, uint32_t flags) {
  const uint32_t* lanes = exec_rows(w);
  const uint32_t* row = w.vgpr[src];
  const int shift = flags & D16_HI ? 16 : 0;
  for (int l = run.first; l <= run.last; l++) {
    const T v = static_cast<T>(row[l] >> shift);
    if (lanes[l])
      memcpy(reinterpret_cast<void*>(run.base + sizeof(T) * static_cast<uint64_t>(l)), &v,
             sizeof(T));
  }
}

}  // namespace

bool one_region(Wave& w, uint64_t* address, uint32_t size, bool write) {
  const uint64_t exec = w.exec();
  if (exec != ~uint64_t{0}) {
    const uint32_t* lanes = exec_rows(w);
    const uint64_t some = address[__builtin_ctzll(exec)];
    for (int l = 0; l < kLanes; l++) address[l] = lanes[l] ? address[l] : some;
  }
  uint64_t low = address[0], high = address[0];
  for (int l = 0; l < kLanes; l++) {
    low = min_(low, address[l]);
    high = max_(high, address[l]);
  }
  return high - low < (uint64_t{1} << 40) && reachable(w, low, high - low + size, write);
}

void load_dwords(Wave& w, const uint64_t* address, int dwords, uint32_t dst) {
  const bool full = w.exec() == ~uint64_t{0};
  const uint32_t* lanes = exec_rows(w);
  for (int n = 0; n < dwords; n++) {
    uint32_t* row = w.vgpr[dst + static_cast<uint32_t>(n)];
    if (full) {
      for (int l = 0; l < kLanes; l++) row[l] = reinterpret_cast<const Dword*>(address[l])[n];
    } else {
      for (int l = 0; l < kLanes; l++) {
        const uint32_t v = reinterpret_cast<const Dword*>(address[l])[n];
        row[l] = lanes[l] ? v : row[l];
      }
    }
  }
}
void store_dwords(Wave& w, const uint64_t* address, int dwords, uint32_t src) {
  each_lane(w, [&](int l) {
    for (int n = 0; n < dwords; n++)
      reinterpret_cast<Dword*>(address[l])[n] = w.vgpr[src + static_cast<uint32_t>(n)][l];
  });
}

namespace {

// LDS address of a load into LDS: the instruction's offset, M0's, and one dword per lane
// (manual, 9.1.8).
void load_to_lds(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t inst_offset) {
  const MemoryType t = memory_type(s.inst.opcode->dst);
  const uint8_t* p = piece(w, a, 0, static_cast<uint32_t>(t.bytes), lane, false);
  if (w.state == WaveState::kFault) return;
  const uint32_t v = extend(p ? load_bytes(p, t.bytes) : 0, t);
  const uint64_t at = (w.sgpr[code::kM0] & 0xffff) + inst_offset + 4u * static_cast<uint32_t>(lane);
  if (at + 4 <= w.group->lds_size) memcpy(w.group->lds + at, &v, 4);
}

}  // namespace

void flat_memory(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  Run run;
  switch (op.action()) {
    case MemoryAction::kLoad: {
      if (i.lds)
        return each_lane(w, [&](int l) {
          load_to_lds(w, s, flat_lane(w, i, l), l, static_cast<uint32_t>(i.offset));
        });
      if (s.bytes >= 4) {
        if (neighbours(w, i, s.bytes, false, &run)) return load_run(w, run, s.bytes / 4, i.dst);
        alignas(64) uint64_t address[kLanes];
        if (lane_addresses(w, i, s.bytes, false, address))
          return load_dwords(w, address, s.bytes / 4, i.dst);
      } else if (i.segment != Segment::kScratch) {
        const MemoryType t = memory_type(op.dst);
        if (neighbours(w, i, static_cast<uint32_t>(t.bytes), false, &run)) {
          if (t.bytes == 1)
            return t.sign ? load_narrow_run<int8_t>(w, run, i.dst, op.flags)
                          : load_narrow_run<uint8_t>(w, run, i.dst, op.flags);
          return t.sign ? load_narrow_run<int16_t>(w, run, i.dst, op.flags)
                        : load_narrow_run<uint16_t>(w, run, i.dst, op.flags);
        }
      }
      // The destination may hold the addresses: every lane reads its own before it writes.
      return each_lane(w, [&](int l) { load_lane(w, s, flat_lane(w, i, l), l, i.dst); });
    }
    case MemoryAction::kStore: {
      if (s.bytes >= 4) {
        if (neighbours(w, i, s.bytes, true, &run)) return store_run(w, run, s.bytes / 4, i.vdata);
        alignas(64) uint64_t address[kLanes];
        if (lane_addresses(w, i, s.bytes, true, address))
          return store_dwords(w, address, s.bytes / 4, i.vdata);
      } else if (i.segment != Segment::kScratch) {
        const int bytes = memory_type(op.src[1]).bytes;
        if (neighbours(w, i, static_cast<uint32_t>(bytes), true, &run))
          return bytes == 1 ? store_narrow_run<uint8_t>(w, run, i.vdata, op.flags)
                            : store_narrow_run<uint16_t>(w, run, i.vdata, op.flags);
      }
      return each_lane(w, [&](int l) { store_lane(w, s, flat_lane(w, i, l), l, i.vdata); });
    }
    default:
      return each_lane(
          w, [&](int l) { atomic_lane(w, s, flat_lane(w, i, l), l, i.vdata, i.dst, i.glc); });
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
