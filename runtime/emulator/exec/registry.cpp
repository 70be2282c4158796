// One host variant's handlers by mnemonic, and the loop that runs a wavefront.
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

void scalar_memory(Wave& w, const Slot& s);
void flat_memory(Wave& w, const Slot& s);
void buffer_memory(Wave& w, const Slot& s);
void lds_memory(Wave& w, const Slot& s);
void make_step(Slot* slots, size_t at, size_t count);

namespace {

struct Entry {
  const char* mnemonic;
  Handler handler;
};
constexpr int kCapacity = 1024;
struct Registry {
  Entry entries[kCapacity];
  int count;
};
// Zero-initialized, and so ready before any constructor runs.
Registry registry;

bool same(const char* a, const char* b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

void nothing(Wave&, const Slot&) {}

// Instructions that a machine with no delays passes over.
bool takes_no_part(const Slot& s) {
  if (s.handler == nullptr || s.step_count > 64) return false;
  const Opcode& op = *s.inst.opcode;
  return op.encoding == Encoding::kSOPP &&
         (same(op.mnemonic, "s_waitcnt") || same(op.mnemonic, "s_nop") ||
          same(op.mnemonic, "s_setprio"));
}

Handler find(const Instruction& i) {
  using namespace opcode_flags;
  const Opcode& op = *i.opcode;
  if (op.has(NO_COMPUTE)) return nullptr;
  for (int n = 0; n < registry.count; n++)
    if (same(registry.entries[n].mnemonic, op.mnemonic)) return registry.entries[n].handler;
  switch (op.encoding) {
    case Encoding::kSMEM:
      if (op.has(CACHE)) return nothing;
      return op.action() != MemoryAction::kNone ? scalar_memory : nullptr;
    case Encoding::kFLAT:
      return flat_memory;
    case Encoding::kMUBUF:
    case Encoding::kMTBUF:
      return buffer_memory;
    case Encoding::kDS:
      return op.has(GWS) ? nullptr : lds_memory;
    default:
      return nullptr;
  }
}

// VGPR numbers moved by M0[7:0], as s_set_gpr_idx_on asks: sources in M0[14:12], the result in
// M0[15].
void run_moved(Wave& w, const Slot& s) {
  const uint32_t m0 = w.sgpr[code::kM0], by = m0 & 0xff;
  Slot moved = s;
  uint32_t highest = 0;
  const auto move = [&](uint16_t* r, uint32_t base) {
    *r = static_cast<uint16_t>(*r + by);
    if (*r - base > highest) highest = *r - base;
  };
  for (int n = 0; n < 3; n++)
    if ((m0 >> (12 + n) & 1) && moved.inst.src[n] >= code::kVgpr0)
      move(&moved.inst.src[n], code::kVgpr0);
  if (m0 >> 15 & 1) move(&moved.inst.dst, 0);
  if (highest >= w.vgpr_count)
    return w.fault("v%u, as moved by M0, is beyond the %u VGPRs of this kernel", highest,
                   w.vgpr_count);
  moved.handler(w, moved);
}

// The step of what cannot be executed.
void stop(Wave& w, const Slot& s) {
  if (w.pc >= w.program->slot_count)
    return w.fault("execution ran past the end of the code object");
  if (s.dwords == 0) return w.fault("no instruction of this chip");
  w.fault(s.inst.opcode->has(opcode_flags::NO_COMPUTE)
              ? "an instruction for graphics, not for compute"
              : "an instruction whose row has no handler");
}

// One instruction by its handler: VGPR indexing moves the registers of vector instructions; VSKIP
// drops them.
void run_alone(Wave& w, const Slot& s) {
  if (s.handler == nullptr) return stop(w, s);
  if (s.vgprs > w.vgpr_count)
    return w.fault("v%u is beyond the %u VGPRs of this kernel", s.vgprs - 1u, w.vgpr_count);
  const bool vector = s.inst.opcode->encoding >= Encoding::kVOP2;
  if (w.vskip && vector) return;
  if (w.gpr_idx && s.vgprs > 0) return run_moved(w, s);
  s.handler(w, s);
}

// What an instruction does to the course of its wavefront: next_pc and state are looked at after
// each, since to keep PC in memory would make every step wait for the one before. False if the
// wavefront does not go on; *pc is then where it will, but after a fault where it stopped.
inline bool goes_on(Wave& w, uint32_t* pc) {
  if (w.state == WaveState::kFault) {
    *pc = w.pc;
    w.next_pc = Wave::kFollowing;
    return false;
  }
  if (w.next_pc != Wave::kFollowing) {
    *pc = w.next_pc;
    w.next_pc = Wave::kFollowing;
  }
  return w.state == WaveState::kRunning;
}

void run_observed(Wave& w, uint64_t budget) {
  const Slot* slots = w.program->slots;
  while (w.state == WaveState::kRunning && budget-- > 0) {
    const Slot& s = slots[w.pc];
    uint32_t pc = w.pc + s.dwords;
    w.group->clock++;
    if (s.handler != nullptr && s.vgprs <= w.vgpr_count) w.group->observer->before(w, s);
    if (w.state != WaveState::kFault) run_alone(w, s);
    if (w.state != WaveState::kFault) w.group->observer->after(w, s);
    goes_on(w, &pc);
    w.pc = pc;
  }
}

void run(Wave& w, uint64_t budget) {
  if (w.pc >= w.program->slot_count) return stop(w, Slot());
  if (w.group->observer != nullptr) return run_observed(w, budget);
  const Slot* slots = w.program->slots;
  uint32_t pc = w.pc;
  uint64_t issued = 0;
  while (issued < budget) {
    const Slot& s = slots[pc];
    w.pc = pc;
    const uint32_t limit = (w.gpr_idx | w.vskip) ? 0u : w.vgpr_count;
    if (__builtin_expect(s.needs > limit, 0)) {
      pc += s.dwords;
      w.issued = ++issued;
      run_alone(w, s);
    } else {
      pc += s.step_dwords;
      w.issued = issued += s.step_count;
      s.step(w, s);
    }
    if (__builtin_expect(w.next_pc != Wave::kFollowing || w.state != WaveState::kRunning, 0) &&
        !goes_on(w, &pc))
      break;
  }
  w.pc = pc;
  w.group->clock += issued;
  w.issued = 0;
}

void prepare(Slot* slots, size_t count, bool fuse) {
  slots[count].step = stop;
  for (size_t n = count; n-- > 0;) {
    Slot& s = slots[n];
    s.step = s.handler != nullptr ? s.handler : stop;
    s.step_dwords = s.dwords;
    s.step_count = 1;
    if (!fuse || s.handler == nullptr) continue;
    make_step(slots, n, count);
    // What takes no part in what is computed goes with the instruction before it, if that is none
    // that jumps or stops.
    const Slot& next = slots[n + s.step_dwords];
    if (s.step_count < 64 && s.inst.opcode->encoding >= Encoding::kSMEM && takes_no_part(next)) {
      s.step_dwords = static_cast<uint8_t>(s.step_dwords + next.step_dwords);
      s.step_count = static_cast<uint8_t>(s.step_count + next.step_count);
    }
  }
}

}  // namespace

Registration::Registration(const char* mnemonic, Handler handler) {
  if (registry.count < kCapacity) registry.entries[registry.count++] = {mnemonic, handler};
}

#define INLAY_STRING_(x) #x
#define INLAY_STRING(x) INLAY_STRING_(x)
extern const HandlerSet kHandlers;
const HandlerSet kHandlers = {INLAY_STRING(INLAY_EXEC_VARIANT), find, run, prepare};

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
