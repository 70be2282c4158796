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
struct BufferResource {
  uint64_t base;
  uint32_t stride, records;
  bool swizzle, add_tid;
  uint32_t element_size, index_stride;  // of a swizzled buffer: bytes, elements
  uint32_t dst_sel[4], num_format, data_format;
};
BufferResource resource(const uint32_t* w) {
  BufferResource r;
  r.base = w[0] | static_cast<uint64_t>(w[1] & 0xffff) << 32;
  r.stride = w[1] >> 16 & 0x3fff;
  r.swizzle = w[1] >> 31;
  r.records = w[2];
  for (int n = 0; n < 4; n++) r.dst_sel[n] = w[3] >> (3 * n) & 7;
  r.num_format = w[3] >> 12 & 7;
  r.data_format = w[3] >> 15 & 15;
  r.element_size = 2u << (w[3] >> 19 & 3);
  r.index_stride = 8u << (w[3] >> 21 & 3);
  r.add_tid = w[3] >> 23 & 1;
  // With add_tid the data format is the upper part of the stride.
  if (r.add_tid) r.stride |= r.data_format << 14;
  return r;
}

// The address of a scalar access, dword-aligned as the hardware does; false if out of a buffer's
// range.
bool scalar_address(Wave& w, const Slot& s, uint32_t bytes, uint64_t* address,
                    uint32_t* available) {
  const Instruction& i = s.inst;
  int64_t offset = i.imm ? i.offset : 0;
  if (i.soffset_en || !i.imm)
    offset += i.soffset < code::kZero ? static_cast<int64_t>(w.sgpr[i.soffset]) : 0;
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
    *address = r.base + at;
    return true;
  }
  *address = (w.pair(i.src[0]) + static_cast<uint64_t>(offset)) & ~uint64_t{3};
  return true;
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
  uint64_t address;
  uint32_t available;
  if (!scalar_address(w, s, touched, &address, &available)) return;
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
  w.set_pair(s.inst.dst, ++w.group->clock);
}
INLAY_WAVE(s_memrealtime) {
  w.set_pair(s.inst.dst, ++w.group->clock);
}

namespace {

// --- vector memory ---
enum class Space : uint8_t { kMemory, kLds, kScratch };

// The address of one dword of scratch: dwords of the 64 lanes are neighbours.
uint64_t scratch_address(uint64_t base, uint64_t offset, int lane) {
  return base + (offset & ~uint64_t{3}) * kLanes + static_cast<uint64_t>(lane) * 4 + (offset & 3);
}

// One lane's access of SIZE bytes, as pieces that lie together: LDS and memory in one, scratch
// dword by dword.
struct LaneAccess {
  Space space;
  uint64_t address;  // memory: device address; LDS and scratch: offset
};

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

void load_lane(Wave& w, const Slot& s, const LaneAccess& a, int lane, uint32_t vdst) {
  const MemoryType t = memory_type(s.inst.opcode->dst);
  if (t.bytes < 4) {
    const uint8_t* p = piece(w, a, 0, static_cast<uint32_t>(t.bytes), lane, false);
    if (w.state == WaveState::kFault) return;
    uint32_t& d = w.vgpr[vdst][lane];
    d = merge(d, extend(p ? load_bytes(p, t.bytes) : 0, t), s.inst.opcode->flags);
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

template <typename F>
void each_lane(Wave& w, const F& f) {
  for (uint64_t left = w.exec(); left != 0 && w.state != WaveState::kFault; left &= left - 1)
    f(__builtin_ctzll(left));
}

LaneAccess flat_lane(Wave& w, const Instruction& i, int lane) {
  const uint64_t offset = static_cast<uint64_t>(static_cast<int64_t>(i.offset));
  const uint32_t v = w.vgpr[i.vaddr][lane];
  switch (i.segment) {
    case Segment::kScratch:
      return {Space::kScratch, (i.has_saddr ? w.sgpr[i.soffset] : v) + offset};
    case Segment::kGlobal:
      if (i.has_saddr) return {Space::kMemory, w.pair(i.soffset) + v + offset};
      return {Space::kMemory,
              (v | static_cast<uint64_t>(w.vgpr[i.vaddr + 1][lane]) << 32) + offset};
    case Segment::kFlat:
      break;
  }
  const uint64_t address = (v | static_cast<uint64_t>(w.vgpr[i.vaddr + 1][lane]) << 32) + offset;
  const uint64_t high = address >> 32;
  if (high == w.group->shared_aperture >> 32) return {Space::kLds, address & 0xffffffff};
  if (high == w.group->private_aperture >> 32) return {Space::kScratch, address & 0xffffffff};
  return {Space::kMemory, address};
}

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
bool neighbours(const uint64_t* address, uint32_t size) {
  uint64_t apart = 0;
  for (int l = 0; l < kLanes; l++)
    apart |= address[l] ^ (address[0] + size * static_cast<uint64_t>(l));
  return apart == 0;
}

// Whole dwords at checked addresses.
void load_dwords(Wave& w, const uint64_t* address, int dwords, uint32_t dst) {
  const bool full = w.exec() == ~uint64_t{0};
  if (full && dwords == 1 && neighbours(address, 4)) {
    memcpy(w.vgpr[dst], reinterpret_cast<const void*>(address[0]), 4 * kLanes);
    return;
  }
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
  if (w.exec() == ~uint64_t{0}) {
    if (dwords == 1 && neighbours(address, 4)) {
      memcpy(reinterpret_cast<void*>(address[0]), w.vgpr[src], 4 * kLanes);
      return;
    }
    for (int l = 0; l < kLanes; l++)
      for (int n = 0; n < dwords; n++)
        reinterpret_cast<Dword*>(address[l])[n] = w.vgpr[src + static_cast<uint32_t>(n)][l];
    return;
  }
  each_lane(w, [&](int l) {
    for (int n = 0; n < dwords; n++)
      reinterpret_cast<Dword*>(address[l])[n] = w.vgpr[src + static_cast<uint32_t>(n)][l];
  });
}

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
  switch (op.action()) {
    case MemoryAction::kLoad: {
      if (i.lds)
        return each_lane(w, [&](int l) {
          load_to_lds(w, s, flat_lane(w, i, l), l, static_cast<uint32_t>(i.offset));
        });
      alignas(64) uint64_t address[kLanes];
      if (s.bytes >= 4 && lane_addresses(w, i, s.bytes, false, address))
        return load_dwords(w, address, s.bytes / 4, i.dst);
      // The destination may hold the addresses: every lane reads its own before it writes.
      return each_lane(w, [&](int l) { load_lane(w, s, flat_lane(w, i, l), l, i.dst); });
    }
    case MemoryAction::kStore: {
      alignas(64) uint64_t address[kLanes];
      if (s.bytes >= 4 && lane_addresses(w, i, s.bytes, true, address))
        return store_dwords(w, address, s.bytes / 4, i.vdata);
      return each_lane(w, [&](int l) { store_lane(w, s, flat_lane(w, i, l), l, i.vdata); });
    }
    default:
      return each_lane(
          w, [&](int l) { atomic_lane(w, s, flat_lane(w, i, l), l, i.vdata, i.dst, i.glc); });
  }
}

namespace {

// --- buffers (manual, 8.1.5) ---
struct BufferLane {
  uint64_t address;
  uint64_t room;  // bytes from there to the end of the range; 0: out of range
};
struct BufferAccess {
  BufferResource r;
  uint32_t soffset;
};

BufferLane buffer_lane(const Wave& w, const Instruction& i, const BufferAccess& b, int lane) {
  const BufferResource& r = b.r;
  uint32_t index = i.idxen ? w.vgpr[i.vaddr][lane] : 0;
  const uint32_t voffset = i.offen ? w.vgpr[i.vaddr + (i.idxen ? 1 : 0)][lane] : 0;
  const uint32_t offset = voffset + static_cast<uint32_t>(i.offset);
  const uint32_t given_index = index;
  if (r.add_tid) index += static_cast<uint32_t>(lane);
  uint64_t address, room;
  if (r.stride == 0 && !r.swizzle) {
    // Raw: the scalar offset counts against the range, the sum of the others wraps.
    const uint32_t limit = r.records > b.soffset ? r.records - b.soffset : 0;
    room = offset < limit ? limit - offset : 0;
    return {r.base + b.soffset + offset, room};
  }
  if (r.swizzle) {
    // Elements of neighbouring indices lie together.
    const uint64_t index_msb = index / r.index_stride, index_lsb = index % r.index_stride;
    const uint64_t offset_msb = offset / r.element_size, offset_lsb = offset % r.element_size;
    address = r.base + b.soffset +
              (index_msb * r.stride + offset_msb * r.element_size) * r.index_stride +
              index_lsb * r.element_size + offset_lsb;
    room = r.element_size - offset_lsb;
    // Scratch counts its range in bytes of all lanes.
    if (r.stride == 0 || r.add_tid) {
      if (offset >= r.records) room = 0;
    } else if (given_index >= r.records || offset >= r.stride) {
      room = 0;
    }
    return {address, room};
  }
  address = r.base + b.soffset + static_cast<uint64_t>(r.stride) * index + offset;
  const bool inside = given_index < r.records && (!(i.idxen || r.add_tid) || offset < r.stride);
  return {address, inside ? (offset < r.stride ? r.stride - offset : 0) : 0};
}

BufferAccess buffer_access(Wave& w, const Slot& s) {
  BufferAccess b{resource(&w.sgpr[s.inst.srsrc]),
                 static_cast<uint32_t>(scalar_value(w, s, s.inst.soffset, OperandType::kB32))};
  return b;
}

// The dword N of a lane's access; null if it is out of range or faults.
uint8_t* buffer_piece(Wave& w, const Instruction& i, const BufferAccess& b, int lane, uint32_t at,
                      uint32_t size, bool write) {
  Instruction moved = i;
  moved.offset += static_cast<int32_t>(at);
  const BufferLane l = buffer_lane(w, moved, b, lane);
  if (l.room < size) return nullptr;
  return device_pointer(w, l.address, size, write);
}

}  // namespace

void buffer_memory(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  if (op.has(CACHE)) return;
  if (op.has(FORMAT) || op.encoding == Encoding::kMTBUF)
    return w.fault("formatted buffer access is not implemented");
  if (i.tfe)
    return w.fault("a buffer access with tfe (texture fail enable) is not for compute code");
  const BufferAccess b = buffer_access(w, s);
  const MemoryAction action = op.action();
  each_lane(w, [&](int l) {
    if (action == MemoryAction::kLoad) {
      const MemoryType t = memory_type(op.dst);
      const uint32_t step = t.bytes < 4 ? static_cast<uint32_t>(t.bytes) : 4;
      for (uint32_t n = 0; n < static_cast<uint32_t>(t.bytes); n += step) {
        const uint8_t* p = buffer_piece(w, i, b, l, n, step, false);
        if (w.state == WaveState::kFault) return;
        const uint32_t v = p ? extend(load_bytes(p, static_cast<int>(step)), t) : 0;
        if (i.lds) {
          const uint64_t at = (w.sgpr[code::kM0] & 0xffff) + static_cast<uint32_t>(i.offset) +
                              4u * static_cast<uint32_t>(l);
          if (at + 4 <= w.group->lds_size) memcpy(w.group->lds + at, &v, 4);
        } else {
          uint32_t& d = w.vgpr[i.vdata + n / 4][l];
          d = merge(d, v, op.flags);
        }
      }
      return;
    }
    if (action == MemoryAction::kStore) {
      if (i.lds) return w.fault("buffer_store_lds_dword is not implemented");
      const MemoryType t = memory_type(op.src[1]);
      const uint32_t step = t.bytes < 4 ? static_cast<uint32_t>(t.bytes) : 4;
      for (uint32_t n = 0; n < static_cast<uint32_t>(t.bytes); n += step) {
        uint8_t* p = buffer_piece(w, i, b, l, n, step, true);
        if (w.state == WaveState::kFault) return;
        const uint32_t v = w.vgpr[i.vdata + n / 4][l] >> (op.has(D16_HI) ? 16 : 0);
        if (p) memcpy(p, &v, step);
      }
      return;
    }
    const BufferLane at = buffer_lane(w, i, b, l);
    if (at.room < 4u * static_cast<uint32_t>(operand_dwords(op.dst))) return;
    atomic_lane(w, s, {Space::kMemory, at.address}, l, i.vdata, i.vdata, i.glc);
  });
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
