// One host variant's handlers by mnemonic, and the loop that runs a wavefront.
#include "runtime/emulator/exec/lanes.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

void scalar_memory(Wave& w, const Slot& s);
void flat_memory(Wave& w, const Slot& s);
void buffer_memory(Wave& w, const Slot& s);
void lds_memory(Wave& w, const Slot& s);

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

// VGPR indexing moves the registers of vector instructions; VSKIP drops them.
void run_unusual(Wave& w, const Slot& s) {
  const bool vector = s.inst.opcode->encoding >= Encoding::kVOP2;
  if (w.vskip && vector) return;
  if (w.gpr_idx && s.vgprs > 0) return run_moved(w, s);
  s.handler(w, s);
}

template <bool kObserved>
void run_loop(Wave& w, uint64_t budget) {
  const Slot* slots = w.program->slots;
  const uint32_t count = w.program->slot_count;
  while (w.state == WaveState::kRunning && budget-- > 0) {
    if (w.pc >= count) return w.fault("execution ran past the end of the code object");
    const Slot& s = slots[w.pc];
    if (__builtin_expect(s.handler == nullptr, 0)) {
      if (s.dwords == 0) return w.fault("no instruction of this chip");
      return w.fault(s.inst.opcode->has(opcode_flags::NO_COMPUTE)
                         ? "an instruction for graphics, not for compute"
                         : "an instruction whose row has no handler");
    }
    if (__builtin_expect(s.vgprs > w.vgpr_count, 0))
      return w.fault("v%u is beyond the %u VGPRs of this kernel", s.vgprs - 1u, w.vgpr_count);
    w.next_pc = w.pc + s.dwords;
    w.group->clock++;
    if (kObserved) {
      w.group->observer->before(w, s);
      if (w.state == WaveState::kFault) return;
    }
    if (__builtin_expect(w.gpr_idx | w.vskip, 0))
      run_unusual(w, s);
    else
      s.handler(w, s);
    if (__builtin_expect(w.state == WaveState::kFault, 0)) return;
    if (kObserved) {
      w.group->observer->after(w, s);
      if (w.state == WaveState::kFault) return;
    }
    w.pc = w.next_pc;
  }
}

void run(Wave& w, uint64_t budget) {
  if (w.group->observer != nullptr)
    run_loop<true>(w, budget);
  else
    run_loop<false>(w, budget);
}

}  // namespace

Registration::Registration(const char* mnemonic, Handler handler) {
  if (registry.count < kCapacity) registry.entries[registry.count++] = {mnemonic, handler};
}

#define INLAY_STRING_(x) #x
#define INLAY_STRING(x) INLAY_STRING_(x)
extern const HandlerSet kHandlers;
const HandlerSet kHandlers = {INLAY_STRING(INLAY_EXEC_VARIANT), find, run};

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
