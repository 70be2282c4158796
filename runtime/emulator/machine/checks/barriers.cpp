// Divergent barriers and misaligned accesses.
//
// A barrier is for a whole workgroup. The hardware lets wavefronts go on when those that are left
// have come, and asks no lane, so that code which only some reach does not hang, and is wrong: a
// wavefront that ends with fewer barriers behind it than another, and a lane that was off at a
// barrier and goes on after it.
#include "runtime/emulator/exec/accesses.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

class BarrierCheck : public Observer {
 public:
  explicit BarrierCheck(uint32_t waves) : waves_(waves) {}

  void before(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Opcode& op = *s.inst.opcode;
    if (!state.begun) {
      state.begun = true;
      state.lanes = w.exec();
    }
    const uint64_t skipped = state.off & w.exec();
    if (skipped != 0 && op.encoding >= Encoding::kVOP2)
      return w.fault("lane %d was off at the barrier at PC 0x%llx, which its wavefront has passed",
                     __builtin_ctzll(skipped), static_cast<unsigned long long>(state.pc));
    if (op.encoding != Encoding::kSOPP) return;
    if (op.number == 0x0a) {
      state.passed++;
      state.off = state.lanes & ~w.exec();
      state.pc = w.program->base + uint64_t{4} * w.pc;
      for (size_t n = 0; n < waves_.size(); n++)
        if (waves_[n].ended && waves_[n].passed < state.passed)
          return w.fault(
              "wavefront %zu has ended, after %llu of the barriers: it never comes to this one", n,
              static_cast<unsigned long long>(waves_[n].passed));
    } else if (op.number == 0x01 || op.number == 0x1b) {
      state.ended = true;
      for (size_t n = 0; n < waves_.size(); n++)
        if (waves_[n].passed > state.passed)
          return w.fault(
              "the end, while wavefront %zu waits at the barrier at PC 0x%llx, to which this one "
              "never came",
              n, static_cast<unsigned long long>(waves_[n].pc));
    }
  }
  void after(Wave&, const Slot&) override {}

 private:
  struct State {
    uint64_t passed = 0;  // barriers
    uint64_t lanes = 0;   // that the launch switched on
    uint64_t off = 0;     // of these, off at the last barrier
    uint64_t pc = 0;      // of that barrier
    bool begun = false, ended = false;
  };
  std::vector<State> waves_;
};

// Atomics must be aligned whatever the mode, and always are checked. In the mode for unaligned
// accesses, which ROCm sets, all else may lie anywhere, but scalar memory drops the lowest bits; in
// the strict mode elements of memory are aligned to themselves or to a dword, those of LDS to
// themselves, twelve bytes to sixteen.
class AlignmentCheck : public Observer {
 public:
  explicit AlignmentCheck(bool strict) : strict_(strict) {}

  void before(Wave& w, const Slot& s) override {
    if (s.inst.opcode->encoding != Encoding::kSMEM && !strict_) return;
    memory_accesses(w, s, &accesses_);
    for (const Access& a : accesses_) {
      uint32_t wanted = a.size < 4 ? a.size : 4;
      if (a.place == Access::kLds) wanted = a.size == 12 ? 16 : a.size;
      if (a.address % wanted == 0) continue;
      const char* where = a.place == Access::kLds ? "LDS offset" : "address";
      if (a.scalar)
        return w.fault(
            "a scalar access at %s 0x%llx: it is not a dword's, and the lowest bits are dropped",
            where, static_cast<unsigned long long>(a.address));
      return w.fault("lane %d accesses %u bytes at %s 0x%llx, which is not aligned to %u", a.lane,
                     a.size, where, static_cast<unsigned long long>(a.address), wanted);
    }
  }
  void after(Wave&, const Slot&) override {}

 private:
  bool strict_;
  std::vector<Access> accesses_;
};

}  // namespace

std::unique_ptr<Observer> make_barrier_check(uint32_t waves) {
  return std::make_unique<BarrierCheck>(waves);
}
std::unique_ptr<Observer> make_alignment_check(bool strict) {
  return std::make_unique<AlignmentCheck>(strict);
}

}  // namespace inlay::emulator
