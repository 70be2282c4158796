#include "runtime/emulator/exec/accesses.h"

#define INLAY_EXEC_VARIANT observed
#include "runtime/emulator/exec/address.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;
using namespace observed;

// Bytes that one element of TYPE has in memory.
uint32_t memory_bytes(OperandType type) {
  switch (type) {
    case OperandType::kU8:
    case OperandType::kI8:
      return 1;
    case OperandType::kU16:
    case OperandType::kI16:
      return 2;
    default:
      return 4u * static_cast<uint32_t>(operand_dwords(type));
  }
}

class Collector {
 public:
  Collector(const Wave& w, const Slot& s, std::vector<Access>* out)
      : w_(w), i_(s.inst), op_(*s.inst.opcode), out_(*out) {
    const MemoryAction a = op_.action();
    access_ = {};
    access_.reads = a != MemoryAction::kStore;
    access_.writes = a != MemoryAction::kLoad;
    access_.atomic = access_.reads && access_.writes;
  }

  void flat() {
    access_.reg =
        i_.opcode->action() == MemoryAction::kStore ? i_.vdata : static_cast<uint8_t>(i_.dst);
    const uint32_t size = element();
    each_lane([&](int l) { put(flat_lane(w_, i_, l), l, size); });
    if (i_.lds) beside_lds();
  }

  void buffer() {
    if (op_.has(CACHE)) return;
    const BufferResource r = resource(&w_.sgpr[i_.srsrc]);
    const uint32_t soffset =
        i_.soffset < code::kZero
            ? (i_.soffset == code::kNull ? 0 : w_.sgpr[i_.soffset])
            : static_cast<uint32_t>(inline_constant(i_.soffset, OperandType::kB32));
    access_.reg = i_.vdata;
    access_.scratch = r.swizzle && r.add_tid;
    uint32_t size = element(), step = size < 4 ? size : 4;
    if (op_.has(FORMAT)) {
      static const uint8_t kBytes[16] = {0, 1, 2, 2, 4, 4, 4, 4, 4, 4, 4, 8, 8, 12, 16, 0};
      size = step = kBytes[op_.encoding == Encoding::kMTBUF ? i_.dfmt : r.data_format];
    } else if (access_.atomic) {
      step = size;
    }
    if (size == 0) return;
    each_lane([&](int l) {
      // Dwords that lie together are one access.
      for (uint32_t n = 0; n < size; n += step) {
        const BufferLane b = buffer_lane(w_, i_, r, soffset, l, n);
        if (b.room < step) continue;
        if (n > 0 && !access_.scratch && !out_.empty() && out_.back().lane == l &&
            out_.back().address + out_.back().size == b.address) {
          out_.back().size += step;
          continue;
        }
        add(Access::kMemory, b.address, l, step, static_cast<uint8_t>(access_.reg + n / 4));
      }
    });
    if (i_.lds) beside_lds();
  }

  void local() {
    const MemoryAction a = op_.action();
    if (op_.has(GWS) || a == MemoryAction::kNop ||
        (a >= MemoryAction::kSwizzle && a <= MemoryAction::kBpermute))
      return;
    const Access::Place place = i_.gds ? Access::kDataShare : Access::kLds;
    const uint32_t base = i_.gds ? w_.sgpr[code::kM0] >> 16 : 0;
    access_.reg = a == MemoryAction::kStore ? i_.vdata : static_cast<uint8_t>(i_.dst);
    if (a == MemoryAction::kAppend || a == MemoryAction::kConsume) {
      const uint32_t m0 = i_.gds ? 0 : w_.sgpr[code::kM0] & 0xffff;
      if (w_.exec() != 0)
        add(place, base + m0 + static_cast<uint32_t>(i_.offset), __builtin_ctzll(w_.exec()), 4,
            access_.reg);
      return;
    }
    const bool two = op_.has(OFF2), load = a == MemoryAction::kLoad;
    uint32_t size = element();
    if (two && load) size /= 2;
    if (two && a == MemoryAction::kSwap) size = memory_bytes(op_.src[1]);
    if (op_.has(SRC2)) return source2(place, base);
    const uint32_t unit = size * (op_.has(ST64) ? 64 : 1);
    each_lane([&](int l) {
      const uint64_t at = op_.has(ADDTID) ? (i_.gds ? 0 : w_.sgpr[code::kM0] & 0xffff) +
                                                4u * static_cast<uint32_t>(l)
                                          : w_.vgpr[i_.vaddr][l];
      if (!two)
        return add(place, base + at + static_cast<uint32_t>(i_.offset), l, size, access_.reg);
      add(place, base + at + i_.offset0 * unit, l, size, access_.reg);
      add(place, base + at + i_.offset1 * unit, l, size,
          load ? static_cast<uint8_t>(access_.reg + size / 4) : i_.vdata1);
    });
  }

  void scalar() {
    if (op_.has(CACHE | TIME | PROBE)) return;
    access_.scalar = true;
    access_.reg = static_cast<uint8_t>(i_.dst);
    uint32_t size = element();
    if (op_.action() == MemoryAction::kCmpswap) size /= 2;
    uint64_t base = w_.pair(i_.src[0]), limit = ~uint64_t{0};
    if (op_.src[0] == OperandType::kB128) {
      const BufferResource r = resource(&w_.sgpr[i_.src[0]]);
      base = r.base;
      limit = r.stride ? static_cast<uint64_t>(r.stride) * r.records : r.records;
    }
    int64_t offset = i_.imm ? i_.offset : 0;
    if ((i_.soffset_en || !i_.imm) && i_.soffset < code::kZero)
      offset += static_cast<int64_t>(w_.sgpr[i_.soffset]) * (op_.has(SCRATCH_TOO) ? kLanes : 1);
    if (limit != ~uint64_t{0}) {
      const uint64_t at = static_cast<uint64_t>(offset) & ~uint64_t{3};
      if (offset < 0 || at >= limit) return;
      if (limit - at < size) size = static_cast<uint32_t>(limit - at) & ~3u;
    }
    if (size != 0) add(Access::kMemory, base + static_cast<uint64_t>(offset), 0, size, access_.reg);
  }

 private:
  template <typename F>
  void each_lane(const F& f) {
    for (uint64_t left = w_.exec(); left != 0; left &= left - 1) f(__builtin_ctzll(left));
  }
  uint32_t element() const {
    const bool store = op_.action() == MemoryAction::kStore;
    if (access_.atomic && op_.dst != OperandType::kNONE) return memory_bytes(op_.dst);
    if (i_.lds && op_.dst == OperandType::kNONE) return 4;
    return memory_bytes(store || op_.dst == OperandType::kNONE ? op_.src[1] : op_.dst);
  }
  void add(Access::Place place, uint64_t address, int lane, uint32_t size, uint8_t reg) {
    Access a = access_;
    a.place = place;
    a.address = address;
    a.lane = static_cast<uint8_t>(lane);
    a.size = size;
    a.reg = reg;
    out_.push_back(a);
  }
  void put(const LaneAccess& at, int lane, uint32_t size) {
    if (at.space != Space::kScratch)
      return add(at.space == Space::kLds ? Access::kLds : Access::kMemory, at.address, lane, size,
                 access_.reg);
    access_.scratch = true;
    for (uint32_t n = 0; n < size; n += 4)
      add(Access::kMemory, scratch_address(w_.scratch_base, at.address + n, lane), lane,
          size < 4 ? size : 4, static_cast<uint8_t>(access_.reg + n / 4));
    access_.scratch = false;
  }
  // The other end of a load into LDS, and of a store from it: no register has the data.
  void beside_lds() {
    for (Access& a : out_) a.reg = 0;
    const bool load = op_.action() == MemoryAction::kLoad;
    each_lane([&](int l) {
      add(Access::kLds,
          (w_.sgpr[code::kM0] & 0xffff) + static_cast<uint32_t>(i_.offset) +
              4u * static_cast<uint32_t>(l),
          l, 4, 0);
      out_.back().reads = !load;
      out_.back().writes = load;
      out_.back().scratch = false;
    });
  }
  // One operand read from LDS, the other read and written there, or written.
  void source2(Access::Place place, uint32_t base) {
    const char* end = op_.mnemonic + strlen(op_.mnemonic);
    const uint32_t size = strcmp(end - 2, "64") == 0 ? 8 : 4;
    each_lane([&](int l) {
      const uint32_t a = w_.vgpr[i_.vaddr][l];
      const int32_t distance =
          i_.offset1 & 0x80
              ? static_cast<int32_t>(a) >> 17
              : static_cast<int32_t>(static_cast<uint32_t>(i_.offset & 0x7fff) << 17) >> 17;
      add(place, base + a, l, size, 0);
      add(place, base + (a + 4u * static_cast<uint32_t>(distance)), l, size, 0);
      out_.back().writes = out_.back().atomic = false;
      out_.back().reads = true;
    });
  }

  const Wave& w_;
  const Instruction& i_;
  const Opcode& op_;
  std::vector<Access>& out_;
  Access access_;
};

}  // namespace

void memory_accesses(const Wave& w, const Slot& s, std::vector<Access>* out) {
  out->clear();
  if (s.inst.opcode->has(NO_COMPUTE)) return;
  Collector collector(w, s, out);
  switch (s.inst.opcode->encoding) {
    case Encoding::kFLAT:
      return collector.flat();
    case Encoding::kMUBUF:
    case Encoding::kMTBUF:
      return collector.buffer();
    case Encoding::kDS:
      return collector.local();
    case Encoding::kSMEM:
      return collector.scalar();
    default:
      return;
  }
}

}  // namespace inlay::emulator
