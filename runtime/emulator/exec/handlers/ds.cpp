// LDS and the global data share (manual, chapter 11 and 12.12). A workgroup runs on one host
// thread, so that LDS needs no atomics; the data share belongs to the device, and does.
#include "runtime/emulator/exec/memory.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

using namespace opcode_flags;

namespace {

// Null outside the allocation: reads are zero then, writes are dropped.
uint8_t* lds(Wave& w, uint32_t address, uint32_t size) {
  if (address > w.group->lds_size || w.group->lds_size - address < size) return nullptr;
  return w.group->lds + address;
}

// The src2 forms name no data register: their width is in the mnemonic only.
bool is_64_bit(const Opcode& op) {
  const char* end = op.mnemonic;
  while (*end) end++;
  return end[-2] == '6' && end[-1] == '4';
}

uint32_t read32(Wave& w, uint32_t address) {
  const uint8_t* p = lds(w, address, 4);
  return p ? load_bytes(p, 4) : 0;
}

void load_at(Wave& w, uint32_t address, int dwords, uint32_t dst, int lane) {
  const uint8_t* p = lds(w, address, 4 * static_cast<uint32_t>(dwords));
  for (int n = 0; n < dwords; n++)
    w.vgpr[dst + static_cast<uint32_t>(n)][lane] = p ? load_bytes(p + 4 * n, 4) : 0;
}
void store_at(Wave& w, uint32_t address, int dwords, uint32_t src, int lane) {
  uint8_t* p = lds(w, address, 4 * static_cast<uint32_t>(dwords));
  if (p == nullptr) return;
  for (int n = 0; n < dwords; n++)
    memcpy(p + 4 * n, &w.vgpr[src + static_cast<uint32_t>(n)][lane], 4);
}

uint32_t offset_of(const Instruction& i, int n, uint32_t element) {
  return (n ? i.offset1 : i.offset0) * element * (i.opcode->has(ST64) ? 64 : 1);
}

// The LDS addresses of all lanes if SIZE bytes at each, plus OFFSET, are inside; lanes that EXEC
// has off get zero.
bool lds_addresses(Wave& w, uint32_t vaddr, uint32_t offset, uint32_t size, uint32_t* address) {
  const uint32_t* rows = w.vgpr[vaddr];
  const uint32_t* lanes = exec_rows(w);
  uint32_t high = 0;
  for (int l = 0; l < kLanes; l++) {
    address[l] = (rows[l] + offset) & lanes[l];
    high = max_(high, address[l]);
  }
  return high <= w.group->lds_size && w.group->lds_size - high >= size;
}
void load_rows(Wave& w, const uint32_t* address, int dwords, uint32_t dst) {
  const uint8_t* base = w.group->lds;
  const uint32_t* lanes = exec_rows(w);
  for (int n = 0; n < dwords; n++) {
    uint32_t* row = w.vgpr[dst + static_cast<uint32_t>(n)];
    for (int l = 0; l < kLanes; l++) {
      const uint32_t v = reinterpret_cast<const Dword*>(base + address[l])[n];
      row[l] = lanes[l] ? v : row[l];
    }
  }
}

void ds_load(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const MemoryType t = memory_type(op.dst);
  if (t.bytes >= 4 && !op.has(ADDTID)) {
    alignas(64) uint32_t first[kLanes], second[kLanes];
    const int dwords = t.bytes / 4;
    if (!op.has(OFF2)) {
      if (lds_addresses(w, i.vaddr, static_cast<uint32_t>(i.offset), s.bytes, first))
        return load_rows(w, first, dwords, i.dst);
    } else {
      const uint32_t element = s.bytes / 2u;
      if (lds_addresses(w, i.vaddr, offset_of(i, 0, element), element, first) &&
          lds_addresses(w, i.vaddr, offset_of(i, 1, element), element, second)) {
        load_rows(w, first, dwords / 2, i.dst);
        return load_rows(w, second, dwords / 2, i.dst + static_cast<uint32_t>(dwords / 2));
      }
    }
  }
  if (op.has(OFF2)) {
    const int dwords = operand_dwords(op.dst) / 2;
    // Both reads see the address before either result is written.
    return each_lane(w, [&](int l) {
      const uint32_t base = w.vgpr[i.vaddr][l];
      for (int n = 0; n < 2; n++)
        load_at(w, base + offset_of(i, n, 4 * static_cast<uint32_t>(dwords)), dwords,
                i.dst + static_cast<uint32_t>(n * dwords), l);
    });
  }
  each_lane(w, [&](int l) {
    const uint32_t base = op.has(ADDTID)
                              ? (w.sgpr[code::kM0] & 0xffff) + 4u * static_cast<uint32_t>(l)
                              : w.vgpr[i.vaddr][l];
    const uint32_t address = base + static_cast<uint32_t>(i.offset);
    if (t.bytes >= 4) return load_at(w, address, t.bytes / 4, i.dst, l);
    const uint8_t* p = lds(w, address, static_cast<uint32_t>(t.bytes));
    uint32_t& d = w.vgpr[i.dst][l];
    d = merge(w, d, extend(p ? load_bytes(p, t.bytes) : 0, t), op.flags);
  });
}

// The LDS operand of the src2 forms lies at a dword distance from the first (manual,
// DS_ADD_SRC2_U32).
uint32_t src2_address(const Instruction& i, uint32_t a) {
  const int32_t distance =
      i.offset1 & 0x80 ? static_cast<int32_t>(a) >> 17
                       : static_cast<int32_t>(static_cast<uint32_t>(i.offset & 0x7fff) << 17) >> 17;
  return a + 4u * static_cast<uint32_t>(distance);
}

void ds_store(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const MemoryType t = memory_type(op.src[1]);
  each_lane(w, [&](int l) {
    if (op.has(SRC2)) {
      const uint32_t a = w.vgpr[i.vaddr][l], b = src2_address(i, a);
      const uint32_t size = is_64_bit(op) ? 8 : 4;
      const uint8_t* from = lds(w, b, size);
      uint8_t* to = lds(w, a, size);
      uint8_t data[8] = {};
      if (from) memcpy(data, from, size);
      if (to) memcpy(to, data, size);
      return;
    }
    if (op.has(OFF2)) {
      const uint32_t element = 4 * static_cast<uint32_t>(operand_dwords(op.src[1]));
      for (int n = 0; n < 2; n++)
        store_at(w, w.vgpr[i.vaddr][l] + offset_of(i, n, element), static_cast<int>(element / 4),
                 n ? i.vdata1 : i.vdata, l);
      return;
    }
    const uint32_t base = op.has(ADDTID)
                              ? (w.sgpr[code::kM0] & 0xffff) + 4u * static_cast<uint32_t>(l)
                              : w.vgpr[i.vaddr][l];
    const uint32_t address = base + static_cast<uint32_t>(i.offset);
    if (t.bytes >= 4) return store_at(w, address, t.bytes / 4, i.vdata, l);
    uint8_t* p = lds(w, address, static_cast<uint32_t>(t.bytes));
    const uint32_t v = w.vgpr[i.vdata][l] >> (op.has(D16_HI) ? 16 : 0);
    if (p) memcpy(p, &v, static_cast<size_t>(t.bytes));
  });
}

template <typename T>
T register_value(const Wave& w, uint32_t r, int lane) {
  if constexpr (sizeof(T) == 4)
    return w.vgpr[r][lane];
  else
    return w.vgpr[r][lane] | static_cast<T>(w.vgpr[r + 1][lane]) << 32;
}
template <typename T>
T update(Wave& w, MemoryAction action, uint32_t address, T data, T compare) {
  uint8_t* p = lds(w, address, sizeof(T));
  if (p == nullptr) return 0;
  T old;
  memcpy(&old, p, sizeof(T));
  const T v = atomic_result(action, old, data, compare);
  memcpy(p, &v, sizeof(T));
  return old;
}
template <typename T>
void set_register(Wave& w, uint32_t r, int lane, T v) {
  w.vgpr[r][lane] = static_cast<uint32_t>(v);
  if constexpr (sizeof(T) == 8) w.vgpr[r + 1][lane] = static_cast<uint32_t>(v >> 32);
}

template <typename T>
void ds_atomic(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const MemoryAction action = op.action();
  const bool returns = op.dst != OperandType::kNONE;
  const bool compare_swap = action == MemoryAction::kCmpswap || action == MemoryAction::kFcmpswap;
  each_lane(w, [&](int l) {
    const uint32_t base = w.vgpr[i.vaddr][l];
    if (op.has(SRC2)) {
      const uint32_t from = src2_address(i, base);
      T data = 0;
      if (const uint8_t* p = lds(w, from, sizeof(T))) memcpy(&data, p, sizeof(T));
      update<T>(w, action, base, data, 0);
      return;
    }
    const T first = register_value<T>(w, i.vdata, l);
    const T second = op.src[2] != OperandType::kNONE ? register_value<T>(w, i.vdata1, l) : 0;
    if (op.has(OFF2)) {
      const T old0 = update<T>(w, action, base + offset_of(i, 0, sizeof(T)), first, 0);
      const T old1 = update<T>(w, action, base + offset_of(i, 1, sizeof(T)), second, 0);
      set_register(w, i.dst, l, old0);
      set_register(w, i.dst + static_cast<uint32_t>(sizeof(T) / 4), l, old1);
      return;
    }
    // Compare and swap has the comparand first.
    const T old = compare_swap
                      ? update<T>(w, action, base + static_cast<uint32_t>(i.offset), second, first)
                      : update<T>(w, action, base + static_cast<uint32_t>(i.offset), first, second);
    if (returns) set_register(w, i.dst, l, old);
  });
}

// The lane that lane L reads under ds_swizzle_b32: for FFTs, rotated, within four, within 32.
int swizzle_source(uint32_t offset, int l) {
  const uint32_t mask = offset & 31;
  if (offset >= 0xe000) {
    if (mask == 31) return l;
    const uint32_t reversed = __builtin_bitreverse32(static_cast<uint32_t>(l) & 31) >> 27;
    return static_cast<int>(reversed >> __builtin_popcount(mask)) | (l & static_cast<int>(mask)) |
           (l & 32);
  }
  if (offset >= 0xc000) {
    const uint32_t by = offset >> 5 & 31, from = static_cast<uint32_t>(l);
    const uint32_t moved = offset & 0x400 ? from - by : from + by;
    return static_cast<int>((from & mask) | (moved & ~mask & 31)) | (l & 32);
  }
  if (offset & 0x8000) return (l & ~3) + static_cast<int>(offset >> (2 * (l & 3)) & 3);
  const uint32_t in_group = static_cast<uint32_t>(l) & 31;
  return (l & 32) +
         static_cast<int>(((in_group & (offset & 31)) | (offset >> 5 & 31)) ^ (offset >> 10 & 31));
}

// Values that cross lanes: zero from a lane that EXEC has switched off.
template <typename F>
void cross_lanes(Wave& w, uint32_t dst, uint32_t data, const F& source) {
  uint32_t out[kLanes];
  const uint64_t exec = w.exec();
  for (int l = 0; l < kLanes; l++) {
    const int from = source(l);
    out[l] = exec >> from & 1 ? w.vgpr[data][from] : 0;
  }
  each_lane(w, [&](int l) { w.vgpr[dst][l] = out[l]; });
}

// --- the global data share: M0[31:16] is the base of what this wavefront may use, M0[15:0] its
// size ---

// SIZE bytes at ADDRESS of the wavefront's part. Null outside of it, as for LDS, and after a fault.
uint8_t* share(Wave& w, uint64_t address, uint32_t size) {
  uint8_t* data = w.group->memory->data_share();
  if (data == nullptr) {
    w.fault("the global data share outside of a dispatch");
    return nullptr;
  }
  const uint32_t m0 = w.sgpr[code::kM0], base = m0 >> 16, limit = m0 & 0xffff;
  if (address + size > limit || base + address + size > AddressSpace::kDataShareSize)
    return nullptr;
  if ((base + address) % size != 0) {
    w.fault("an access of %u bytes at 0x%llx of the global data share, which is not aligned", size,
            static_cast<unsigned long long>(base + address));
    return nullptr;
  }
  return data + base + address;
}
template <typename T>
T share_update(Wave& w, MemoryAction action, uint64_t address, T data, T compare) {
  uint8_t* p = share(w, address, sizeof(T));
  return p ? atomic_on_memory<T>(action, p, data, compare) : 0;
}
template <typename T>
void share_atomic(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const bool compare_swap =
      op.action() == MemoryAction::kCmpswap || op.action() == MemoryAction::kFcmpswap;
  each_lane(w, [&](int l) {
    const uint32_t base = w.vgpr[i.vaddr][l];
    if (op.has(SRC2)) {
      const uint8_t* p = share(w, src2_address(i, base), sizeof(T));
      share_update<T>(w, op.action(), base,
                      p ? __atomic_load_n(reinterpret_cast<const T*>(p), __ATOMIC_RELAXED) : 0, 0);
      return;
    }
    T first = register_value<T>(w, i.vdata, l);
    T second = op.src[2] != OperandType::kNONE ? register_value<T>(w, i.vdata1, l) : 0;
    if (op.has(OFF2)) {
      const T old0 = share_update<T>(w, op.action(), base + offset_of(i, 0, sizeof(T)), first, 0);
      const T old1 = share_update<T>(w, op.action(), base + offset_of(i, 1, sizeof(T)), second, 0);
      set_register(w, i.dst, l, old0);
      set_register(w, i.dst + static_cast<uint32_t>(sizeof(T) / 4), l, old1);
      return;
    }
    if (compare_swap) {
      const T comparand = first;
      first = second;
      second = comparand;
    }
    const T old =
        share_update<T>(w, op.action(), base + static_cast<uint32_t>(i.offset), first, second);
    if (op.dst != OperandType::kNONE) set_register(w, i.dst, l, old);
  });
}
// Loads and stores: pieces of a dword, each done at once.
void share_move(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const bool store = op.action() == MemoryAction::kStore;
  const MemoryType t = memory_type(store ? op.src[1] : op.dst);
  const uint32_t step = t.bytes < 4 ? static_cast<uint32_t>(t.bytes) : 4;
  // Both halves of a load with two offsets are in its result, a store has one type for each.
  const uint32_t parts = op.has(OFF2) ? 2 : 1,
                 bytes = static_cast<uint32_t>(t.bytes) / (op.has(OFF2) && !store ? 2 : 1);
  each_lane(w, [&](int l) {
    const uint64_t base = op.has(ADDTID) ? 4 * static_cast<uint64_t>(l) : w.vgpr[i.vaddr][l];
    if (op.has(SRC2)) {
      const uint32_t size = is_64_bit(op) ? 8 : 4, from = src2_address(i, w.vgpr[i.vaddr][l]);
      uint8_t data[8] = {};
      if (const uint8_t* p = share(w, from, size)) memcpy(data, p, size);
      if (uint8_t* p = share(w, base, size)) memcpy(p, data, size);
      return;
    }
    for (uint32_t part = 0; part < parts; part++) {
      const uint64_t at = base + (op.has(OFF2) ? offset_of(i, static_cast<int>(part), bytes)
                                               : static_cast<uint32_t>(i.offset));
      for (uint32_t n = 0; n < bytes; n += step) {
        uint8_t* p = share(w, at + n, step);
        if (w.state == WaveState::kFault) return;
        if (store) {
          const uint32_t v =
              w.vgpr[(part ? i.vdata1 : i.vdata) + n / 4][l] >> (op.has(D16_HI) ? 16 : 0);
          if (p && step == 4) __atomic_store_n(reinterpret_cast<uint32_t*>(p), v, __ATOMIC_RELAXED);
          if (p && step < 4) memcpy(p, &v, step);
        } else {
          uint32_t v = 0;
          if (p && step == 4)
            v = __atomic_load_n(reinterpret_cast<const uint32_t*>(p), __ATOMIC_RELAXED);
          else if (p)
            v = extend(load_bytes(p, static_cast<int>(step)), t);
          uint32_t& d = w.vgpr[i.dst + (part * bytes + n) / 4][l];
          d = merge(w, d, v, op.flags);
        }
      }
    }
  });
}
void data_share(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  switch (op.action()) {
    case MemoryAction::kNop:
    case MemoryAction::kSwizzle:
    case MemoryAction::kPermute:
    case MemoryAction::kBpermute:
      return w.fault("gds on an instruction that touches no memory");
    case MemoryAction::kLoad:
    case MemoryAction::kStore:
      return share_move(w, s);
    case MemoryAction::kAppend:
    case MemoryAction::kConsume: {
      const MemoryAction action =
          op.action() == MemoryAction::kAppend ? MemoryAction::kAdd : MemoryAction::kSub;
      const uint32_t old =
          share_update<uint32_t>(w, action, static_cast<uint32_t>(i.offset),
                                 static_cast<uint32_t>(__builtin_popcountll(w.exec())), 0);
      return each_lane(w, [&](int l) { w.vgpr[i.dst][l] = old; });
    }
    case MemoryAction::kCondxchg:
      return each_lane(w, [&](int l) {
        const uint64_t address = uint64_t{w.vgpr[i.vaddr][l]} + static_cast<uint32_t>(i.offset);
        for (uint32_t n = 0; n < 2; n++) {
          const uint32_t data = w.vgpr[i.vdata + n][l];
          const bool exchange = data >> 31;
          w.vgpr[i.dst + n][l] =
              share_update<uint32_t>(w, exchange ? MemoryAction::kSwap : MemoryAction::kOr,
                                     address + 4 * n, exchange ? data & 0x7fffffff : 0, 0);
        }
      });
    default: {
      const bool wide = operand_dwords(op.src[1]) == 2 || (op.has(SRC2) && is_64_bit(op));
      return wide ? share_atomic<uint64_t>(w, s) : share_atomic<uint32_t>(w, s);
    }
  }
}

// --- global wave sync: M0[21:16] and the offset name one of 64 resources, the first active lane
// has the value ---
GlobalSync* global_sync(Wave& w, const Slot& s, uint32_t* resource) {
  *resource =
      ((w.sgpr[code::kM0] >> 16) + static_cast<uint32_t>(s.inst.offset)) % GlobalSync::kResources;
  if (w.group->global_sync == nullptr) w.fault("global wave sync outside of a dispatch");
  return w.group->global_sync;
}
uint32_t first_value(const Wave& w, const Slot& s) {
  const uint64_t exec = w.exec();
  return w.vgpr[s.inst.vaddr][exec ? __builtin_ctzll(exec) : 0];
}
void wait_for(Wave& w, const GlobalSync::Ticket& ticket) {
  if (w.group->global_sync->passed(ticket)) return;
  w.global_ticket = ticket;
  w.state = WaveState::kGlobalBarrier;
}

}  // namespace

INLAY_WAVE(ds_gws_init) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) g->initialize(r, first_value(w, s));
}
INLAY_WAVE(ds_gws_barrier) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) wait_for(w, g->arrive(r, first_value(w, s)));
}
INLAY_WAVE(ds_gws_sema_v) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) g->release(r, 1);
}
INLAY_WAVE(ds_gws_sema_br) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) g->release(r, first_value(w, s));
}
INLAY_WAVE(ds_gws_sema_p) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) wait_for(w, g->acquire(r));
}
INLAY_WAVE(ds_gws_sema_release_all) {
  uint32_t r;
  if (GlobalSync* g = global_sync(w, s, &r)) g->release_all(r);
}

void lds_memory(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  if (i.gds) return data_share(w, s);
  switch (op.action()) {
    case MemoryAction::kNop:
      return;
    case MemoryAction::kLoad:
      return ds_load(w, s);
    case MemoryAction::kStore:
      return ds_store(w, s);
    case MemoryAction::kSwizzle:
      return cross_lanes(w, i.dst, i.vaddr,
                         [&](int l) { return swizzle_source(static_cast<uint32_t>(i.offset), l); });
    case MemoryAction::kBpermute:
      return cross_lanes(w, i.dst, i.vdata, [&](int l) {
        return static_cast<int>((w.vgpr[i.vaddr][l] + static_cast<uint32_t>(i.offset)) / 4 %
                                kLanes);
      });
    case MemoryAction::kPermute: {
      uint32_t out[kLanes] = {};
      each_lane(w, [&](int l) {
        out[(w.vgpr[i.vaddr][l] + static_cast<uint32_t>(i.offset)) / 4 % kLanes] =
            w.vgpr[i.vdata][l];
      });
      return each_lane(w, [&](int l) { w.vgpr[i.dst][l] = out[l]; });
    }
    case MemoryAction::kAppend:
    case MemoryAction::kConsume: {
      // One addition for the whole wavefront: the number of its active lanes.
      const uint32_t address = (w.sgpr[code::kM0] & 0xffff) + static_cast<uint32_t>(i.offset);
      const uint32_t count = static_cast<uint32_t>(__builtin_popcountll(w.exec()));
      const uint32_t old = read32(w, address);
      const uint32_t v = op.action() == MemoryAction::kAppend ? old + count : old - count;
      if (uint8_t* p = lds(w, address, 4)) memcpy(p, &v, 4);
      return each_lane(w, [&](int l) { w.vgpr[i.dst][l] = old; });
    }
    case MemoryAction::kCondxchg:
      // Each half is exchanged if its top bit says so.
      return each_lane(w, [&](int l) {
        const uint32_t address = w.vgpr[i.vaddr][l] + static_cast<uint32_t>(i.offset);
        for (uint32_t n = 0; n < 2; n++) {
          const uint32_t data = w.vgpr[i.vdata + n][l], old = read32(w, address + 4 * n);
          const uint32_t v = data & 0x7fffffff;
          uint8_t* p = lds(w, address + 4 * n, 4);
          if ((data >> 31) && p) memcpy(p, &v, 4);
          w.vgpr[i.dst + n][l] = old;
        }
      });
    default: {
      const bool wide = operand_dwords(op.src[1]) == 2 || (op.has(SRC2) && is_64_bit(op));
      return wide ? ds_atomic<uint64_t>(w, s) : ds_atomic<uint32_t>(w, s);
    }
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
