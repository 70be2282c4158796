// Races in LDS: two wavefronts of a workgroup touch the same byte between the same two barriers,
// one of them writes, and not both by atomics. Within a wavefront the order is the program's.
#include <vector>

#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

class RaceCheck : public Observer {
 public:
  explicit RaceCheck(uint32_t waves) : epoch_(waves, 1) {}

  void before(Wave& w, const Slot& s) override {
    const Instruction& i = s.inst;
    const Opcode& op = *i.opcode;
    if (op.encoding == Encoding::kSOPP && op.number == 0x0a) {
      epoch_[w.id]++;
      return;
    }
    if (op.encoding == Encoding::kDS)
      local(w, s);
    else if (op.encoding == Encoding::kFLAT && i.segment == Segment::kFlat)
      flat(w, s);
  }
  void after(Wave&, const Slot&) override {}

 private:
  struct Byte {
    uint32_t written = 0, read = 0;  // the epochs of the last write and read
    uint8_t writer = 0, reader = 0;
    bool atomic = false;   // the write was one
    bool readers = false;  // more than one wavefront has read in that epoch
  };
  enum class Access { kRead, kWrite, kAtomic };

  static Access access_of(const Opcode& op) {
    return op.action() == MemoryAction::kLoad    ? Access::kRead
           : op.action() == MemoryAction::kStore ? Access::kWrite
                                                 : Access::kAtomic;
  }

  void local(Wave& w, const Slot& s) {
    const Instruction& i = s.inst;
    const Opcode& op = *i.opcode;
    // What crosses lanes touches no memory, and the forms without an address are atomic.
    if (op.src[0] == OperandType::kNONE || op.action() >= MemoryAction::kAppend ||
        op.has(SRC2 | GWS))
      return;
    const OperandType data = op.src[1] != OperandType::kNONE ? op.src[1] : op.dst;
    const bool narrow = data == OperandType::kU8 || data == OperandType::kI8 ||
                        data == OperandType::kU16 || data == OperandType::kI16;
    uint32_t size = narrow ? (data == OperandType::kU8 || data == OperandType::kI8 ? 1 : 2)
                           : 4u * static_cast<uint32_t>(operand_dwords(data));
    if (op.has(OFF2) && op.action() == MemoryAction::kLoad) size /= 2;
    const uint32_t scale = size * (op.has(ST64) ? 64 : 1);
    for (uint64_t left = w.exec(); left != 0 && w.state != WaveState::kFault; left &= left - 1) {
      const int lane = __builtin_ctzll(left);
      const uint32_t base = w.vgpr[i.vaddr][lane];
      if (!op.has(OFF2)) {
        touch(w, lane, base + static_cast<uint32_t>(i.offset), size, access_of(op));
        continue;
      }
      touch(w, lane, base + i.offset0 * scale, size, access_of(op));
      touch(w, lane, base + i.offset1 * scale, size, access_of(op));
    }
  }
  void flat(Wave& w, const Slot& s) {
    const Instruction& i = s.inst;
    for (uint64_t left = w.exec(); left != 0 && w.state != WaveState::kFault; left &= left - 1) {
      const int lane = __builtin_ctzll(left);
      if (w.vgpr[i.vaddr + 1][lane] != w.group->shared_aperture >> 32) continue;
      touch(w, lane, w.vgpr[i.vaddr][lane] + static_cast<uint32_t>(i.offset), s.bytes,
            access_of(*i.opcode));
    }
  }

  void touch(Wave& w, int lane, uint32_t address, uint32_t size, Access access) {
    if (bytes_.empty()) bytes_.resize(w.group->lds_size);
    const uint32_t epoch = epoch_[w.id];
    for (uint32_t n = 0; n < size && uint64_t{address} + n < bytes_.size(); n++) {
      Byte& b = bytes_[address + n];
      const bool other_wrote =
          b.written == epoch && b.writer != w.id && !(b.atomic && access == Access::kAtomic);
      const bool other_read =
          b.read == epoch && (b.reader != w.id || b.readers) && access != Access::kRead;
      if (other_wrote || other_read) {
        w.fault("lane %d %s LDS byte 0x%x, which wavefront %u %s with no barrier between", lane,
                access == Access::kRead ? "reads" : "writes", address + n,
                other_wrote ? b.writer : b.reader, other_wrote ? "has written" : "has read");
        return;
      }
      if (access == Access::kRead) {
        b.readers = b.read == epoch && (b.readers || b.reader != w.id);
        b.read = epoch;
        b.reader = w.id;
      } else {
        b.written = epoch;
        b.writer = w.id;
        b.atomic = access == Access::kAtomic;
      }
    }
  }

  std::vector<uint32_t> epoch_;  // barriers that each wavefront has passed, plus one
  std::vector<Byte> bytes_;
};

}  // namespace

std::unique_ptr<Observer> make_race_check(uint32_t waves) {
  return std::make_unique<RaceCheck>(waves);
}

}  // namespace inlay::emulator
