// Buffers, untyped and typed (manual, chapter 8, and 12.13 to 12.15).
#include "runtime/emulator/exec/handlers/format.h"
#include "runtime/emulator/exec/memory.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

using namespace opcode_flags;

namespace {

struct BufferAccess {
  BufferResource r;
  uint32_t soffset;
};
BufferAccess buffer_access(Wave& w, const Slot& s) {
  return {resource(&w.sgpr[s.inst.srsrc]),
          static_cast<uint32_t>(scalar_value(w, s, s.inst.soffset, OperandType::kB32))};
}

// SIZE bytes from byte AT of a lane's access; null if it is out of range or faults.
uint8_t* buffer_piece(Wave& w, const Instruction& i, const BufferAccess& b, int lane, uint32_t at,
                      uint32_t size, bool write) {
  const BufferLane l = buffer_lane(w, i, b.r, b.soffset, lane, at);
  if (l.room < size) return nullptr;
  return device_pointer(w, l.address, size, write);
}

// Where a load into LDS goes: M0's base, the instruction's offset, one dword per lane (manual,
// 9.1.8).
void put_in_lds(Wave& w, const Instruction& i, int lane, uint32_t v) {
  const uint64_t at = (w.sgpr[code::kM0] & 0xffff) + static_cast<uint32_t>(i.offset) +
                      4u * static_cast<uint32_t>(lane);
  if (at + 4 <= w.group->lds_size) memcpy(w.group->lds + at, &v, 4);
}

// --- dwords of all lanes at once ---

// Scratch as compilers set it up, at one offset for all lanes: its dwords are neighbours.
bool scratch_run(Wave& w, const Slot& s, const BufferAccess& b, bool write, Run* run) {
  const Instruction& i = s.inst;
  const BufferResource& r = b.r;
  if (!r.swizzle || !r.add_tid || r.element_size != 4 || r.index_stride != kLanes || i.offen ||
      i.idxen || s.bytes != 4 || i.offset % 4 != 0 || w.exec() == 0)
    return false;
  if (static_cast<uint64_t>(i.offset) + 4 > r.records || r.records < b.soffset ||
      static_cast<uint64_t>(i.offset) + 4 > r.records - b.soffset)
    return false;
  *run = {r.base + b.soffset + static_cast<uint64_t>(i.offset) * kLanes, __builtin_ctzll(w.exec()),
          63 - __builtin_clzll(w.exec())};
  return reachable(w, run->base, 4 * kLanes, write);
}

// The addresses of all lanes in a buffer without swizzle, if every active lane is in range.
bool buffer_addresses(Wave& w, const Slot& s, const BufferAccess& b, bool write,
                      uint64_t* address) {
  const Instruction& i = s.inst;
  const BufferResource& r = b.r;
  if (r.swizzle || r.add_tid || (i.idxen && r.stride != 0) || w.exec() == 0) return false;
  const uint32_t limit = r.records > b.soffset ? r.records - b.soffset : 0;
  if (limit < s.bytes) return false;
  const uint32_t* voffset = i.offen ? w.vgpr[i.vaddr + (i.idxen ? 1u : 0u)] : nullptr;
  const uint32_t* lanes = exec_rows(w);
  const uint32_t last = limit - s.bytes;
  const uint64_t base = r.base + b.soffset;
  uint32_t outside = 0;
  for (int l = 0; l < kLanes; l++) {
    const uint32_t offset = (voffset ? voffset[l] : 0) + static_cast<uint32_t>(i.offset);
    outside |= (offset > last ? ~0u : 0u) & lanes[l];
    address[l] = base + offset;
  }
  return outside == 0 && one_region(w, address, s.bytes, write);
}
bool is_run(const uint64_t* address, uint32_t size) {
  uint64_t apart = 0;
  for (int l = 0; l < kLanes; l++)
    apart |= address[l] ^ (address[0] + size * static_cast<uint64_t>(l));
  return apart == 0;
}

bool load_all(Wave& w, const Slot& s, const BufferAccess& b) {
  Run run;
  const int dwords = s.bytes / 4;
  if (scratch_run(w, s, b, false, &run)) {
    load_run(w, run, 1, s.inst.vdata);
    return true;
  }
  alignas(64) uint64_t address[kLanes];
  if (!buffer_addresses(w, s, b, false, address)) return false;
  if (w.exec() == ~uint64_t{0} && is_run(address, s.bytes))
    load_run(w, {address[0], 0, kLanes - 1}, dwords, s.inst.vdata);
  else
    load_dwords(w, address, dwords, s.inst.vdata);
  return true;
}
bool store_all(Wave& w, const Slot& s, const BufferAccess& b) {
  Run run;
  const int dwords = s.bytes / 4;
  if (scratch_run(w, s, b, true, &run)) {
    store_run(w, run, 1, s.inst.vdata);
    return true;
  }
  alignas(64) uint64_t address[kLanes];
  if (!buffer_addresses(w, s, b, true, address)) return false;
  if (w.exec() == ~uint64_t{0} && is_run(address, s.bytes))
    store_run(w, {address[0], 0, kLanes - 1}, dwords, s.inst.vdata);
  else
    store_dwords(w, address, dwords, s.inst.vdata);
  return true;
}

void buffer_load(Wave& w, const Slot& s, const BufferAccess& b) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const MemoryType t = memory_type(op.dst);
  const uint32_t step = t.bytes < 4 ? static_cast<uint32_t>(t.bytes) : 4;
  // The status of a partly resident access: every page is there.
  const auto status = [&] {
    if (i.tfe && !i.lds)
      each_lane(w, [&](int l) {
        w.vgpr[i.vdata + static_cast<uint32_t>(operand_dwords(op.dst))][l] = 0;
      });
  };
  if (t.bytes >= 4 && !i.lds && load_all(w, s, b)) return status();
  alignas(64) uint32_t out[4][kLanes];
  each_lane(w, [&](int l) {
    // Each dword is in range by itself.
    for (uint32_t n = 0; n < static_cast<uint32_t>(t.bytes); n += step) {
      const uint8_t* p = buffer_piece(w, i, b, l, n, step, false);
      if (w.state == WaveState::kFault) return;
      out[n / 4][l] = p ? extend(load_bytes(p, static_cast<int>(step)), t) : 0;
    }
  });
  if (w.state == WaveState::kFault) return;
  // The address may lie where the result goes: it has been read by now.
  each_lane(w, [&](int l) {
    if (i.lds) return put_in_lds(w, i, l, out[0][l]);
    for (uint32_t n = 0; n < static_cast<uint32_t>(operand_dwords(op.dst)); n++) {
      uint32_t& d = w.vgpr[i.vdata + n][l];
      d = merge(w, d, out[n][l], op.flags);
    }
  });
  status();
}

void buffer_store(Wave& w, const Slot& s, const BufferAccess& b) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  const MemoryType t = memory_type(op.src[1]);
  const uint32_t step = t.bytes < 4 ? static_cast<uint32_t>(t.bytes) : 4;
  if (t.bytes >= 4 && store_all(w, s, b)) return;
  each_lane(w, [&](int l) {
    for (uint32_t n = 0; n < static_cast<uint32_t>(t.bytes); n += step) {
      uint8_t* p = buffer_piece(w, i, b, l, n, step, true);
      if (w.state == WaveState::kFault) return;
      const uint32_t v = w.vgpr[i.vdata + n / 4][l] >> (op.has(D16_HI) ? 16 : 0);
      if (p) memcpy(p, &v, step);
    }
  });
}

// --- typed ---
struct Typed {
  const DataFormat* data;
  NumberFormat number;
  uint32_t bytes;
  uint32_t select[4];  // what each register component takes: 0, 1, or 4 and up for X, Y, Z, W
};

// False after a fault. A data format of zero marks a resource with nothing bound: out of range.
bool typed_of(Wave& w, const Instruction& i, const BufferAccess& b, Typed* t) {
  const bool in_instruction = i.opcode->encoding == Encoding::kMTBUF;
  const uint32_t dfmt = in_instruction ? i.dfmt : b.r.data_format,
                 nfmt = in_instruction ? i.nfmt : b.r.num_format;
  t->data = &data_format(dfmt);
  t->number = static_cast<NumberFormat>(nfmt);
  t->bytes = element_bytes(*t->data);
  for (uint32_t n = 0; n < 4; n++) {
    t->select[n] = in_instruction ? 4 + n : b.r.dst_sel[n];
    if (t->select[n] == 2 || t->select[n] == 3) {
      w.fault("the buffer resource selects component %u by %u, which the manual reserves", n,
              t->select[n]);
      return false;
    }
  }
  if (dfmt == 0 || format_exists(*t->data, t->number)) return true;
  w.fault("data format %u does not exist with number format %u", dfmt, nfmt);
  return false;
}

void typed_load(Wave& w, const Slot& s, const BufferAccess& b) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  Typed t;
  if (!typed_of(w, i, b, &t)) return;
  const bool d16 = op.has(D16 | D16_HI), integer = is_integer(t.number);
  const uint32_t one = integer ? 1 : d16 ? 0x3c00 : as_bits(1.0f);
  alignas(64) uint32_t out[4][kLanes] = {};
  each_lane(w, [&](int l) {
    uint32_t element[4] = {};
    const uint8_t* p = t.bytes ? buffer_piece(w, i, b, l, 0, t.bytes, false) : nullptr;
    if (w.state == WaveState::kFault) return;
    if (p) memcpy(element, p, t.bytes);
    for (int n = 0; n < op.components(); n++) {
      const int from = static_cast<int>(t.select[n]) - 4;
      uint32_t v = t.select[n] == 1 ? one : 0;
      if (from >= 0 && from < t.data->components && p) {
        v = decode_component(component_bits(*t.data, element, from), t.data->bits[from], t.number);
        if (d16 && !integer) v = float_to_half(as_float(v));
      }
      if (!d16)
        out[n][l] = v;
      else
        out[n / 2][l] |= (v & 0xffff) << (16 * (n % 2));
    }
  });
  if (w.state == WaveState::kFault) return;
  each_lane(w, [&](int l) {
    if (i.lds) return put_in_lds(w, i, l, out[0][l]);
    const int dwords = operand_dwords(op.dst);
    for (int n = 0; n < dwords; n++) {
      uint32_t& d = w.vgpr[i.vdata + static_cast<uint32_t>(n)][l];
      // A register of which one half has a component keeps the other.
      const bool half = d16 && 2 * n + 1 == op.components();
      d = half ? merge(w, d, out[n][l], op.flags) : out[n][l];
    }
    if (i.tfe) w.vgpr[i.vdata + static_cast<uint32_t>(dwords)][l] = 0;
  });
}

void typed_store(Wave& w, const Slot& s, const BufferAccess& b) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  Typed t;
  if (!typed_of(w, i, b, &t)) return;
  if (t.bytes == 0) return;
  const bool d16 = op.has(D16 | D16_HI), integer = is_integer(t.number);
  // Which register component each component of the element comes from.
  int source[4] = {-1, -1, -1, -1};
  for (int n = op.components() - 1; n >= 0; n--)
    if (t.select[n] >= 4) source[t.select[n] - 4] = n;
  for (int c = 0; c < t.data->components; c++)
    if (source[c] < 0)
      return w.fault("component %d of the format's %d is given no value by this store", c,
                     t.data->components);
  each_lane(w, [&](int l) {
    uint8_t* p = buffer_piece(w, i, b, l, 0, t.bytes, true);
    if (p == nullptr) return;
    uint32_t element[4] = {};
    for (int c = 0; c < t.data->components; c++) {
      const int n = source[c];
      uint32_t v;
      if (!d16) {
        v = w.vgpr[i.vdata + static_cast<uint32_t>(n)][l];
      } else {
        const bool high = op.has(D16_HI) || n % 2;
        const uint32_t r = w.vgpr[i.vdata + static_cast<uint32_t>(n / 2)][l];
        const uint16_t h = static_cast<uint16_t>(high ? r >> 16 : r);
        v = !integer ? as_bits(half_to_float(h))
            : t.number == NumberFormat::kSint
                ? static_cast<uint32_t>(static_cast<int32_t>(static_cast<int16_t>(h)))
                : h;
      }
      put_component(*t.data, element, c, encode_component(v, t.data->bits[c], t.number));
    }
    memcpy(p, element, t.bytes);
  });
}

}  // namespace

// One dword per lane from LDS, where a load into LDS would have put it.
INLAY_WAVE(buffer_store_lds_dword) {
  const Instruction& i = s.inst;
  const BufferAccess b = buffer_access(w, s);
  each_lane(w, [&](int l) {
    const uint64_t at = (w.sgpr[code::kM0] & 0xffff) + static_cast<uint32_t>(i.offset) +
                        4u * static_cast<uint32_t>(l);
    uint32_t v = 0;
    if (at + 4 <= w.group->lds_size) memcpy(&v, w.group->lds + at, 4);
    uint8_t* p = buffer_piece(w, i, b, l, 0, 4, true);
    if (p) memcpy(p, &v, 4);
  });
}

void buffer_memory(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  if (op.has(CACHE)) return;
  const BufferAccess b = buffer_access(w, s);
  switch (op.action()) {
    case MemoryAction::kLoad:
      return op.has(FORMAT) ? typed_load(w, s, b) : buffer_load(w, s, b);
    case MemoryAction::kStore:
      return op.has(FORMAT) ? typed_store(w, s, b) : buffer_store(w, s, b);
    default:
      return each_lane(w, [&](int l) {
        const BufferLane at = buffer_lane(w, i, b.r, b.soffset, l, 0);
        if (at.room < 4u * static_cast<uint32_t>(operand_dwords(op.dst))) return;
        atomic_lane(w, s, {Space::kMemory, at.address}, l, i.vdata, i.vdata, i.glc);
      });
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
