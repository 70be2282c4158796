// Registers, LDS and device memory that nobody wrote. Copying and computing with such a value
// spreads it, which compilers and hand-written code do harmlessly; it is reported where it matters:
// as an address, as data that is stored, or as the mask or value that a branch depends on. Lanes
// that EXEC has off are of no interest. What is spilled to scratch comes back as it was.
#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/emulator/exec/accesses.h"
#include "runtime/emulator/isa/registers.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

class UninitializedCheck : public Observer {
 public:
  UninitializedCheck(uint32_t waves, uint32_t vgprs) : waves_(waves) {
    for (State& s : waves_) s.vgprs.assign(vgprs, ~uint64_t{0});
  }

  void before(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    if (!state.begun) begin(w, &state);
    const Instruction& i = s.inst;
    const Encoding e = i.opcode->encoding;
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    const bool memory = e == Encoding::kFLAT || e == Encoding::kMUBUF || e == Encoding::kMTBUF ||
                        e == Encoding::kDS || e == Encoding::kSMEM;
    // Functions save registers to scratch before they use them, sound or not.
    const bool scratch = (e == Encoding::kMUBUF && (w.sgpr[i.srsrc + 3u] >> 23 & 1)) ||
                         (e == Encoding::kFLAT && i.segment == Segment::kScratch);
    uint64_t tainted = 0;  // lanes that read such a value
    // The low half of the result depends on the low half of the addend alone, and compilers leave
    // the high one open where they need only that.
    const bool wide_multiply = strcmp(i.opcode->mnemonic, "v_mad_u64_u32") == 0 ||
                               strcmp(i.opcode->mnemonic, "v_mad_i64_i32") == 0;
    uint64_t tainted_high = 0;
    // The low half alone is written, and often the high one is never read. Of the registers read
    // the destination is the last.
    int kept = -1;
    if (strcmp(i.opcode->mnemonic, "v_mad_mixlo_f16") == 0 ||
        strcmp(i.opcode->mnemonic, "v_fma_mixlo_f16") == 0) {
      for (int n = 0; n < count; n++) kept = uses[n].write ? kept : n;
    }
    for (int n = 0; n < count; n++) {
      if (uses[n].write || n == kept) continue;
      for (int k = 0; k < uses[n].count; k++) {
        const uint64_t lanes =
            uninitialized(state, uses[n].vector, uses[n].first + k) &
            (uses[n].vector ? lanes_read(w, i) & lanes_chosen(w, i, uses[n].first) : ~uint64_t{0});
        if (wide_multiply && uses[n].count == 2 && k == 1) {
          tainted_high |= lanes;
          continue;
        }
        tainted |= lanes;
        if (lanes == 0 || !memory || (scratch && uses[n].vector && uses[n].first == i.vdata))
          continue;
        if (uses[n].vector)
          w.fault("v%d, which was never written in lane %d, is an address or is stored",
                  uses[n].first + k, __builtin_ctzll(lanes));
        else
          w.fault("s%d, which was never written, is an address or is stored", uses[n].first + k);
        return;
      }
    }
    if (e == Encoding::kSOPP && state.scc && (i.opcode->number == 4 || i.opcode->number == 5))
      return w.fault("a branch on SCC, which comes from a register that was never written");
    if (e == Encoding::kSOPP && (i.opcode->number == 6 || i.opcode->number == 7) &&
        uninitialized(state, false, code::kVccLo))
      return w.fault("a branch on VCC, which comes from a register that was never written");
    state.tainted = tainted;
    state.tainted_high = tainted | tainted_high;
    state.splits = wide_multiply;
    if (memory) look_at_memory(w, s);
  }

  // What was read decides what was written: DPP, permutes and lane reads move values between lanes,
  // and are taken to deliver sound ones.
  void after(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Instruction& i = s.inst;
    const Encoding e = i.opcode->encoding;
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    const bool scalar = e == Encoding::kSOP1 || e == Encoding::kSOP2 || e == Encoding::kSOPC ||
                        e == Encoding::kSOPK;
    const bool alu = e == Encoding::kVOP1 || e == Encoding::kVOP2 || e == Encoding::kVOP3 ||
                     e == Encoding::kVOPC || e == Encoding::kVOP3P;
    const bool spreads = (scalar || alu) && i.extension != Extension::kDpp;
    const bool memory = e >= Encoding::kDS || e == Encoding::kSMEM;
    if (scalar) state.scc = state.tainted != 0;
    for (int n = 0; n < count; n++) {
      if (!uses[n].write) continue;
      for (int k = 0; k < uses[n].count; k++) {
        const int r = uses[n].first + k;
        if (uses[n].vector) {
          if (static_cast<size_t>(r) >= state.vgprs.size()) continue;
          const uint64_t tainted = state.splits && k == 1 ? state.tainted_high : state.tainted;
          state.vgprs[static_cast<size_t>(r)] = (state.vgprs[static_cast<size_t>(r)] & ~w.exec()) |
                                                (spreads ? tainted & w.exec() : 0);
        } else if (r < 128) {
          // A lane mask is sound where its lanes are; one unsound lane makes it so.
          state.sgprs[static_cast<size_t>(r)] = spreads && state.tainted != 0;
        }
      }
    }
    if (memory) remember(w, &state);
  }

 private:
  struct State;
  // What of memory the instruction reads that nobody wrote, for after().
  void look_at_memory(Wave& w, const Slot& s) {
    memory_accesses(w, s, &accesses_);
    unknown_.clear();
    if (lds_.empty()) lds_.assign(w.group->lds_size, false);
    for (const Access& a : accesses_) {
      if (!a.reads || a.place == Access::kDataShare) continue;
      if (a.scratch) {
        if (!sound_in_scratch(w, a)) unknown_.push_back({false, a.lane, a.reg});
        continue;
      }
      for (uint32_t n = 0; n < a.size; n += 4) {
        const uint32_t size = std::min(a.size - n, 4u);
        if (known(*w.group, a, n, size)) continue;
        if (a.atomic)
          return w.fault("lane %d does an atomic on %s 0x%llx, which was never written", a.lane,
                         a.place == Access::kLds ? "LDS offset" : "memory at",
                         static_cast<unsigned long long>(a.address));
        unknown_.push_back({a.scalar, a.lane, static_cast<uint16_t>(a.reg + n / 4)});
      }
    }
    if (s.inst.lds) unknown_.clear();  // it goes to memory as it is
  }
  bool known(const Workgroup& group, const Access& a, uint32_t at, uint32_t size) const {
    if (a.place == Access::kMemory) return group.memory->known(a.address + at, size);
    for (uint64_t n = a.address + at; n < a.address + at + size; n++)
      if (n < lds_.size() && !lds_[n]) return false;
    return true;  // zeros, where it is beyond the allocation
  }
  void remember(Wave& w, State* state) {
    for (const Access& a : accesses_) {
      if (!a.writes || a.place == Access::kDataShare) continue;
      if (a.scratch)
        store_in_scratch(w, state, a);
      else if (a.place == Access::kMemory)
        w.group->memory->written(a.address, a.size);
      else
        for (uint64_t n = a.address; n < a.address + a.size && n < lds_.size(); n++) lds_[n] = true;
    }
    for (const Unknown& u : unknown_) {
      if (u.scalar && u.reg < 128)
        state->sgprs[u.reg] = true;
      else if (!u.scalar && u.reg < state->vgprs.size())
        state->vgprs[u.reg] |= uint64_t{1} << u.lane;
    }
    accesses_.clear();
    unknown_.clear();
  }

  // Scratch, by bytes of the wavefront's part. A dword is sound where one of its bytes is: gaps
  // between the members of what is copied are no one's.
  bool sound_in_scratch(const Wave& w, const Access& a) {
    const std::vector<bool>& sound = waves_[w.id].scratch;
    const uint64_t at = a.address - w.scratch_base;
    if (at >= w.scratch_size) return true;  // not this wavefront's: it is not watched
    for (uint64_t n = at; n < at + a.size && n < sound.size(); n++)
      if (sound[n]) return true;
    return false;
  }
  static void store_in_scratch(const Wave& w, State* state, const Access& a) {
    const uint64_t at = a.address - w.scratch_base;
    if (at >= w.scratch_size) return;
    if (state->scratch.empty()) state->scratch.assign(w.scratch_size, false);
    const bool sound = a.reg >= state->vgprs.size() || !(state->vgprs[a.reg] >> a.lane & 1);
    for (uint64_t n = at; n < at + a.size && n < state->scratch.size(); n++)
      state->scratch[n] = sound;
  }

  struct Unknown {
    bool scalar;
    uint8_t lane;
    uint16_t reg;
  };
  std::vector<Access> accesses_;
  std::vector<Unknown> unknown_;
  std::vector<bool> lds_;  // bytes that were written
  struct State {
    State() : sgprs(128, true) {}
    std::vector<uint64_t> vgprs;  // lanes never written
    std::vector<bool> sgprs;
    std::vector<bool> scratch;  // bytes that hold what was written; empty before the first
    uint64_t tainted = 0, tainted_high = 0;
    bool splits = false;  // into a low and a high half of the result
    bool scc = false, begun = false;
  };
  // Lanes of a vector source that count: the active ones, or the one that goes to a scalar
  // register.
  static uint64_t lanes_read(const Wave& w, const Instruction& i) {
    const uint64_t exec = w.exec();
    if (strcmp(i.opcode->mnemonic, "v_readfirstlane_b32") == 0) return exec ? exec & (0 - exec) : 1;
    if (strcmp(i.opcode->mnemonic, "v_readlane_b32") == 0) return 0;
    return exec;
  }
  // A selection depends on the source that it takes: lanes in which that is REGISTER. An element of
  // an array in registers is chosen so, of elements of which some were never written.
  static uint64_t lanes_chosen(const Wave& w, const Instruction& i, uint32_t reg) {
    if (i.extension == Extension::kSdwa || i.extension == Extension::kDpp ||
        i.src[2] >= code::kZero || strcmp(i.opcode->mnemonic, "v_cndmask_b32") != 0)
      return ~uint64_t{0};
    const uint64_t mask = w.pair(i.src[2]);
    return (i.src[0] == code::kVgpr0 + reg ? ~mask : 0) |
           (i.src[1] == code::kVgpr0 + reg ? mask : 0);
  }
  // What the launch has set: work-item ids, the scalar registers up to the last one it counts, and
  // the special ones.
  static void begin(const Wave& w, State* state) {
    state->begun = true;
    for (size_t n = 0; n < w.initial_vgprs && n < state->vgprs.size(); n++) state->vgprs[n] = 0;
    for (size_t n = 0; n < w.initial_sgprs; n++) state->sgprs[n] = false;
    for (size_t n = 102; n < 128; n++) state->sgprs[n] = n >= code::kVccLo && n < code::kTtmp0;
  }
  static uint64_t uninitialized(const State& s, bool vector, int n) {
    if (vector)
      return static_cast<size_t>(n) < s.vgprs.size() ? s.vgprs[static_cast<size_t>(n)] : 0;
    return n < 128 && s.sgprs[static_cast<size_t>(n)] ? ~uint64_t{0} : 0;
  }

  std::vector<State> waves_;
};

}  // namespace

std::unique_ptr<Observer> make_uninitialized_check(uint32_t waves, uint32_t vgprs) {
  return std::make_unique<UninitializedCheck>(waves, vgprs);
}

}  // namespace inlay::emulator
