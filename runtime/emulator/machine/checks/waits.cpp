// A load's result used before its s_waitcnt. The machine here finishes each load at once; the real
// one does not, and code that relies on it is wrong there. Results are pending until a wait covers
// them (manual, 4.4): vector memory returns in order, LDS in order among LDS, scalar memory in any
// order, so that only a count of zero covers it.
#include <vector>

#include "runtime/emulator/isa/registers.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

struct Pending {
  bool vector_memory;  // counted by vmcnt; else by lgkmcnt
  bool unordered;      // scalar memory and FLAT do not keep lgkmcnt's order
  uint64_t number;     // which of its counter
  uint32_t pc;
};

class WaitCheck : public Observer {
 public:
  explicit WaitCheck(uint32_t waves) : waves_(waves) {}

  void before(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Instruction& i = s.inst;
    if (i.opcode->encoding == Encoding::kSOPP && i.opcode->number == 0x0c)
      return wait(&state, static_cast<uint16_t>(i.offset));
    if (i.opcode->encoding == Encoding::kFLAT && i.segment == Segment::kFlat)
      find_target(w, i, &state);
    if (state.pending == 0) return;
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    for (int n = 0; n < count; n++)
      for (int k = 0; k < uses[n].count; k++) {
        const Entry& e = state.entry(uses[n].vector, uses[n].first + k);
        if (!e.pending || (uses[n].write && arrives_after(i, e.what))) continue;
        w.fault("%s%d is %s before the load at PC 0x%llx has been waited for (s_waitcnt %s)",
                uses[n].vector ? "v" : "s", uses[n].first + k,
                uses[n].write ? "overwritten" : "read",
                static_cast<unsigned long long>(w.program->base + uint64_t{4} * e.what.pc),
                e.what.vector_memory ? "vmcnt" : "lgkmcnt");
        return;
      }
  }

  void after(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Instruction& i = s.inst;
    const Encoding e = i.opcode->encoding;
    const bool vector = e == Encoding::kFLAT || e == Encoding::kMUBUF || e == Encoding::kMTBUF;
    const bool local = e == Encoding::kDS || e == Encoding::kSMEM;
    const bool flat = e == Encoding::kFLAT && i.segment == Segment::kFlat;
    if (!vector && !local) return;
    if (vector) state.issued_vm++;
    if (local || flat) state.issued_lgkm++;
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    for (int n = 0; n < count; n++)
      for (int k = 0; uses[n].write && k < uses[n].count; k++) {
        Entry& entry = state.entry(uses[n].vector, uses[n].first + k);
        state.pending += !entry.pending;
        entry = {true,
                 {vector, e == Encoding::kSMEM || flat,
                  vector ? state.issued_vm : state.issued_lgkm, w.pc}};
        state.unordered += entry.what.unordered;
      }
  }

 private:
  // Loads of one kind come back in order: a later one may aim at the same register.
  static bool arrives_after(const Instruction& i, const Pending& earlier) {
    const Encoding e = i.opcode->encoding;
    if (earlier.unordered) return false;
    if (!earlier.vector_memory) return e == Encoding::kDS;
    return e == Encoding::kMUBUF || e == Encoding::kMTBUF ||
           (e == Encoding::kFLAT && i.segment != Segment::kFlat);
  }
  struct Entry {
    bool pending = false;
    Pending what = {};
  };
  struct State {
    State() : vgprs(256), sgprs(128) {}
    Entry& entry(bool vector, int n) {
      return vector ? vgprs[static_cast<size_t>(n) & 255] : sgprs[static_cast<size_t>(n) & 127];
    }
    std::vector<Entry> vgprs, sgprs;
    uint64_t issued_vm = 0, issued_lgkm = 0;
    int pending = 0, unordered = 0;
    bool flat_local = false;
  };

  // Whether every lane's address is in LDS.
  static void find_target(const Wave& w, const Instruction& i, State* state) {
    state->flat_local = w.exec() != 0;
    for (uint64_t left = w.exec(); left != 0; left &= left - 1)
      if (w.vgpr[i.vaddr + 1][__builtin_ctzll(left)] != w.group->shared_aperture >> 32)
        state->flat_local = false;
  }

  static void wait(State* state, uint32_t simm) {
    const uint64_t vm = (simm & 15) | (simm >> 14 & 3) << 4, lgkm = simm >> 8 & 15;
    for (std::vector<Entry>* file : {&state->vgprs, &state->sgprs})
      for (Entry& e : *file) {
        if (!e.pending) continue;
        const Pending& p = e.what;
        bool done;
        if (p.vector_memory)
          done = vm < 63 && p.number + vm <= state->issued_vm;
        else
          done = lgkm == 0 || (lgkm < 15 && !p.unordered && state->unordered == 0 &&
                               p.number + lgkm <= state->issued_lgkm);
        if (!done) continue;
        e.pending = false;
        state->pending--;
        state->unordered -= p.unordered;
      }
  }

  std::vector<State> waves_;
};

}  // namespace

std::unique_ptr<Observer> make_wait_check(uint32_t waves) {
  return std::make_unique<WaitCheck>(waves);
}

}  // namespace inlay::emulator
