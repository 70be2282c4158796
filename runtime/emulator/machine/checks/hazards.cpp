// Wait states that the hardware does not see to: where the manual asks for instructions or s_nop
// between two others (section 4.5, and LLVM's hazard recognizer where the two differ). Each rule is
// a row; each instruction is one wait state, s_nop as many as it says.
#include <cstring>

#include "runtime/emulator/isa/registers.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

enum Rule : uint8_t {
  kSgprToMemory,
  kSgprToLaneSelect,
  kVccToDivFmas,
  kVgprToDpp,
  kExecToDpp,
  kMaskToZeroFlag,
  kSetregToGetreg,
  kSetregToSetreg,
  kSetvskip,
  kM0,
  kWideStore,
  kRuleCount
};
struct Row {
  int states;
  const char *first, *second;
};
constexpr Row kRows[kRuleCount] = {
    {5, "a vector instruction writes a scalar register", "vector memory reads it"},
    {4, "a vector instruction writes a scalar register",
     "it selects the lane of v_readlane or v_writelane"},
    {4, "a vector instruction writes VCC", "v_div_fmas reads it"},
    {2, "a vector instruction writes a VGPR", "DPP reads it"},
    {5, "a vector instruction writes EXEC", "a DPP instruction"},
    {5, "a vector instruction writes VCC or EXEC", "a vector instruction reads vccz or execz"},
    {2, "s_setreg", "s_getreg of the same register"},
    {2, "s_setreg", "s_setreg of the same register"},
    {2, "s_setvskip", "a vector instruction"},
    {1, "a scalar instruction writes M0", "an instruction that takes it as index, base or message"},
    {1, "a store of more than 64 bits", "a vector instruction overwrites its data"},
};

class HazardCheck : public Observer {
 public:
  explicit HazardCheck(uint32_t waves) : waves_(waves) {}

  void before(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Instruction& i = s.inst;
    const Opcode& op = *i.opcode;
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    const bool vector = op.encoding >= Encoding::kVOP2, alu = is_alu(op),
               dpp = i.extension == Extension::kDpp;
    const bool memory = op.encoding == Encoding::kFLAT || op.encoding == Encoding::kMUBUF ||
                        op.encoding == Encoding::kMTBUF;
    for (int n = 0; n < count; n++)
      for (int k = 0; k < uses[n].count; k++) {
        const uint32_t r = static_cast<uint32_t>(uses[n].first + k);
        if (!uses[n].vector && !uses[n].write && r < 128) {
          if (memory) ask(w, state, kSgprToMemory, state.sgpr[r]);
          if (is_lane_select(op) && r == i.src[1]) ask(w, state, kSgprToLaneSelect, state.sgpr[r]);
        }
        if (uses[n].vector && !uses[n].write && dpp &&
            r == i.src[0] - code::kVgpr0 + static_cast<uint32_t>(k))
          ask(w, state, kVgprToDpp, state.vgpr[r & 255]);
        if (uses[n].vector && uses[n].write && alu && r >= state.store_first &&
            r < state.store_first + state.store_count)
          ask(w, state, kWideStore, state.store);
      }
    if (alu && op.has(VCC_IN)) ask(w, state, kVccToDivFmas, state.sgpr[code::kVccLo]);
    if (dpp) ask(w, state, kExecToDpp, state.exec);
    if (alu)
      for (int n = 0; n < 3; n++)
        if (op.src[n] != OperandType::kNONE &&
            (i.src[n] == code::kVccz || i.src[n] == code::kExecz))
          ask(w, state, kMaskToZeroFlag,
              i.src[n] == code::kVccz ? state.sgpr[code::kVccLo] : state.exec);
    if (vector) ask(w, state, kSetvskip, state.setvskip);
    const int hwreg = hardware_register(op, i);
    if (hwreg >= 0 && op.dst != OperandType::kNONE)
      ask(w, state, kSetregToGetreg, state.setreg[hwreg]);
    if (hwreg >= 0 && op.dst == OperandType::kNONE)
      ask(w, state, kSetregToSetreg, state.setreg[hwreg]);
    if (takes_m0(w, op, i)) ask(w, state, kM0, state.m0);
  }

  void after(Wave& w, const Slot& s) override {
    State& state = waves_[w.id];
    const Instruction& i = s.inst;
    const Opcode& op = *i.opcode;
    state.now += 1;
    const int64_t now = state.now;
    if (op.encoding == Encoding::kSOPP) {
      if (op.number == 0) state.now += i.offset & 15;
      return;
    }
    RegisterUse uses[kMaxRegisterUses];
    const int count = register_uses(i, uses);
    const bool alu = is_alu(op), scalar = op.encoding <= Encoding::kSOPC;
    for (int n = 0; n < count; n++)
      for (int k = 0; uses[n].write && k < uses[n].count; k++) {
        const uint32_t r = static_cast<uint32_t>(uses[n].first + k);
        if (uses[n].vector) {
          state.vgpr[r & 255] = alu ? now : kLongAgo;
        } else if (r < 128) {
          state.sgpr[r] = alu ? now : kLongAgo;
          if (scalar && r == code::kM0) state.m0 = now;
        }
      }
    if (s.writes_exec) state.exec = now;
    if (strcmp(op.mnemonic, "s_setvskip") == 0) state.setvskip = now;
    const int hwreg = hardware_register(op, i);
    if (hwreg >= 0 && op.dst == OperandType::kNONE) state.setreg[hwreg] = now;
    const bool memory = op.encoding == Encoding::kFLAT || op.encoding == Encoding::kMUBUF ||
                        op.encoding == Encoding::kMTBUF;
    // With a scalar offset in a register the hardware takes its time anyway.
    const bool slow = op.encoding != Encoding::kFLAT && i.soffset < code::kZero;
    if (memory && !slow && operand_dwords(op.src[1]) > 2 && op.action() != MemoryAction::kLoad) {
      state.store = now;
      state.store_first = i.vdata;
      state.store_count = static_cast<uint32_t>(operand_dwords(op.src[1]));
    }
  }

 private:
  static constexpr int64_t kLongAgo = -1000;
  struct State {
    State() {
      for (int64_t& t : sgpr) t = kLongAgo;
      for (int64_t& t : vgpr) t = kLongAgo;
      for (int64_t& t : setreg) t = kLongAgo;
    }
    int64_t now = 0;  // wait states so far
    int64_t sgpr[128], vgpr[256], setreg[64];
    int64_t exec = kLongAgo, setvskip = kLongAgo, m0 = kLongAgo, store = kLongAgo;
    uint32_t store_first = 0, store_count = 0;
  };

  static bool is_alu(const Opcode& op) {
    return op.encoding >= Encoding::kVOP2 && op.encoding <= Encoding::kVOP3P;
  }
  static bool is_lane_select(const Opcode& op) {
    return op.encoding == Encoding::kVOP3 && (op.number == 0x289 || op.number == 0x28a);
  }
  // The register that s_getreg and s_setreg name, else -1.
  static int hardware_register(const Opcode& op, const Instruction& i) {
    if (op.encoding != Encoding::kSOPK || op.number < 0x11 || op.number > 0x14) return -1;
    return i.offset & 63;
  }
  static bool takes_m0(const Wave& w, const Opcode& op, const Instruction& i) {
    if (op.encoding == Encoding::kSOP1) return op.number >= 0x2a && op.number <= 0x2d;  // s_movrel
    if (op.encoding == Encoding::kSOPP)
      return op.number == 0x10 || op.number == 0x11 || op.number == 0x16;
    if (op.encoding == Encoding::kDS) return i.gds || op.has(ADDTID);
    if (i.lds && (op.encoding == Encoding::kMUBUF || op.encoding == Encoding::kFLAT)) return true;
    if (!is_alu(op)) return false;
    return w.gpr_idx || (op.src[0] != OperandType::kNONE && i.src[0] == code::kLdsDirect);
  }
  static void ask(Wave& w, const State& state, Rule rule, int64_t when) {
    const int64_t between = state.now - when;
    if (between >= kRows[rule].states || w.state == WaveState::kFault) return;
    w.fault("a wait state is missing: after \"%s\" before \"%s\" there must be %d, and %s %d",
            kRows[rule].first, kRows[rule].second, kRows[rule].states, between == 1 ? "is" : "are",
            static_cast<int>(between));
  }

  std::vector<State> waves_;
};

}  // namespace

std::unique_ptr<Observer> make_hazard_check(uint32_t waves) {
  return std::make_unique<HazardCheck>(waves);
}

}  // namespace inlay::emulator
