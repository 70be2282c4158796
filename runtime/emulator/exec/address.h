// Where a lane's access goes: FLAT segments, scratch's swizzle, buffer resources (manual, chapters
// 8 and 9). Handlers and checks both go by this, so that what is checked is what is done. Compiled
// once per host instruction set, as number.h explains, and once for the checks.
#pragma once

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

enum class Space : uint8_t { kMemory, kLds, kScratch, kDataShare };

// One lane's access: a device address, an offset in LDS or the global data share, or an offset in
// the lane's scratch, whose dwords lie apart.
struct LaneAccess {
  Space space;
  uint64_t address;
};

// The address of one dword of scratch: dwords of the 64 lanes are neighbours.
inline uint64_t scratch_address(uint64_t base, uint64_t offset, int lane) {
  return base + (offset & ~uint64_t{3}) * kLanes + static_cast<uint64_t>(lane) * 4 + (offset & 3);
}

inline LaneAccess flat_lane(const Wave& w, const Instruction& i, int lane) {
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

// --- buffers ---
struct BufferResource {
  uint64_t base;
  uint32_t stride, records;
  bool swizzle, add_tid;
  uint32_t element_size, index_stride;  // of a swizzled buffer: bytes, elements
  uint32_t dst_sel[4], num_format, data_format;
};
inline BufferResource resource(const uint32_t* w) {
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

struct BufferLane {
  uint64_t address;
  uint64_t room;  // bytes from there to the end of the range, or of the swizzled element; 0: out of
                  // range
};

// Byte AT of a lane's access. The range counts records if the instruction gives an index and the
// resource has a stride, else bytes, from which the scalar offset is taken; a sum of the other
// offsets that wraps is taken as it is.
inline BufferLane buffer_lane(const Wave& w, const Instruction& i, const BufferResource& r,
                              uint32_t soffset, int lane, uint32_t at) {
  uint32_t index = i.idxen ? w.vgpr[i.vaddr][lane] : 0;
  const uint32_t voffset = i.offen ? w.vgpr[i.vaddr + (i.idxen ? 1 : 0)][lane] : 0;
  const uint32_t offset = voffset + static_cast<uint32_t>(i.offset) + at;
  uint64_t room;
  if (i.idxen && r.stride != 0) {
    room = index < r.records && offset < r.stride ? r.stride - offset : 0;
  } else {
    const uint32_t limit = r.records > soffset ? r.records - soffset : 0;
    room = offset < limit ? limit - offset : 0;
  }
  if (r.add_tid) index += static_cast<uint32_t>(lane);
  if (!r.swizzle)
    return {r.base + soffset + static_cast<uint64_t>(r.stride) * index + offset, room};
  // Elements of neighbouring indices lie together.
  const uint64_t index_msb = index / r.index_stride, index_lsb = index % r.index_stride;
  const uint64_t offset_msb = offset / r.element_size, offset_lsb = offset % r.element_size;
  const uint64_t address = r.base + soffset +
                           (index_msb * r.stride + offset_msb * r.element_size) * r.index_stride +
                           index_lsb * r.element_size + offset_lsb;
  const uint64_t element_room = r.element_size - offset_lsb;
  return {address, room < element_room ? room : element_room};
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
