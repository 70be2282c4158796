// Steps: forms of instructions for the operands that a slot has, and of several instructions that
// compilers write one behind the other. Each does what the handlers would have done; where it sees
// that it cannot, it calls them.
#include "runtime/emulator/exec/memory.h"

namespace inlay::emulator {
namespace INLAY_EXEC_VARIANT {

void scalar_memory(Wave& w, const Slot& s);
void flat_memory(Wave& w, const Slot& s);

namespace {

using namespace opcode_flags;

constexpr uint64_t kAll = ~uint64_t{0};

bool named(const Slot& s, const char* name) {
  const char* m = s.inst.opcode->mnemonic;
  while (*m && *m == *name) m++, name++;
  return *m == *name;
}

// --- loads into scalar registers ---
template <int kDwords>
void scalar_load(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  uint64_t address = w.pair(i.src[0]);
  if (i.imm) address += static_cast<uint64_t>(int64_t{i.offset});
  if (i.soffset_en || !i.imm) address += i.soffset < code::kZero ? w.sgpr[i.soffset] : 0;
  const uint8_t* p = device_pointer(w, address & ~uint64_t{3}, 4 * kDwords, false);
  if (p != nullptr) memcpy(&w.sgpr[i.dst], p, 4 * kDwords);
}
Handler scalar_load_of(int dwords) {
  switch (dwords) {
    case 1:
      return scalar_load<1>;
    case 2:
      return scalar_load<2>;
    case 4:
      return scalar_load<4>;
    case 8:
      return scalar_load<8>;
    case 16:
      return scalar_load<16>;
    default:
      return nullptr;
  }
}

// --- whole dwords of neighbours, all lanes on ---
template <int kDwords, bool kStore, bool kScalarBase>
void global_run(Wave& w, const Slot& s) {
  const Instruction& i = s.inst;
  constexpr uint32_t kSize = 4 * kDwords, kSpan = kSize * (kLanes - 1);
  if (w.exec() != kAll) return flat_memory(w, s);
  const uint32_t* lo = w.vgpr[i.vaddr];
  const uint32_t* hi = kScalarBase ? nullptr : w.vgpr[i.vaddr + 1];
  const uint32_t origin = lo[0], high = kScalarBase ? 0 : hi[0];
  uint32_t apart = 0;
  for (uint32_t l = 0; l < kLanes; l++) {
    apart |= lo[l] ^ (origin + kSize * l);
    if (!kScalarBase) apart |= hi[l] ^ high;
  }
  uint64_t base = static_cast<uint64_t>(int64_t{i.offset});
  base += kScalarBase ? w.pair(i.soffset) + origin : origin | static_cast<uint64_t>(high) << 32;
  if (apart != 0 || origin > ~kSpan || !reachable(w, base, kSpan + kSize, kStore))
    return flat_memory(w, s);
  if (kStore)
    store_run(w, {base, 0, kLanes - 1}, kDwords, i.vdata);
  else
    load_run(w, {base, 0, kLanes - 1}, kDwords, i.dst);
}
template <bool kStore, bool kScalarBase>
Handler global_run_of(int dwords) {
  switch (dwords) {
    case 1:
      return global_run<1, kStore, kScalarBase>;
    case 2:
      return global_run<2, kStore, kScalarBase>;
    case 3:
      return global_run<3, kStore, kScalarBase>;
    case 4:
      return global_run<4, kStore, kScalarBase>;
    default:
      return nullptr;
  }
}
Handler memory_step(const Slot& s) {
  const Instruction& i = s.inst;
  const Opcode& op = *i.opcode;
  if (s.handler == scalar_memory && op.action() == MemoryAction::kLoad && !op.has(SCRATCH_TOO) &&
      op.src[0] != OperandType::kB128 && i.dst != code::kNull)
    return scalar_load_of(operand_dwords(op.dst));
  const bool store = op.action() == MemoryAction::kStore;
  if (s.handler != flat_memory || i.segment != Segment::kGlobal || i.lds || s.bytes < 4 ||
      (!store && op.action() != MemoryAction::kLoad))
    return nullptr;
  const int dwords = s.bytes / 4;
  if (i.has_saddr)
    return store ? global_run_of<true, true>(dwords) : global_run_of<false, true>(dwords);
  return store ? global_run_of<true, false>(dwords) : global_run_of<false, false>(dwords);
}

// --- v_lshlrev_b64 by a constant from 1 to 31, as indices become offsets ---
void shift_64(Wave& w, const Slot& s) {
  if (w.exec() != kAll) return s.handler(w, s);
  const uint32_t by = s.constant[0][0] & 63;
  const uint32_t *lo = plain_row(w, s, 1, 0, nullptr), *hi = plain_row(w, s, 1, 1, nullptr);
  for (int n = 0; n < kParts; n++) {
    const Part low = *part_of(lo, n), high = *part_of(hi, n);
    *part_of(w.vgpr[s.inst.dst], n) = low << by;
    *part_of(w.vgpr[s.inst.dst + 1], n) = high << by | low >> (32 - by);
  }
}
bool is_shift_64(const Slot& s) {
  const uint32_t by = s.constant[0][0] & 63;
  return named(s, "v_lshlrev_b64") && s.plain && s.origin[0] == Slot::kConstant &&
         s.origin[1] == Slot::kVector && by > 0 && by < 32;
}

// --- additions of 64 bits: v_add_co_u32, and v_addc_co_u32 right behind ---
void second(Wave& w, const Slot& s) {
  w.pc += s.dwords;
  const Slot& next = w.program->slots[w.pc];
  next.handler(w, next);
}
void add_64(Wave& w, const Slot& s) {
  const Slot& t = w.program->slots[w.pc + s.dwords];
  if (w.exec() != kAll) {
    s.handler(w, s);
    return second(w, s);
  }
  alignas(64) uint32_t temp[4][kLanes], carry[kLanes];
  const uint32_t *a = plain_row(w, s, 0, 0, temp[0]), *b = plain_row(w, s, 1, 0, temp[1]);
  const uint32_t *c = plain_row(w, t, 0, 0, temp[2]), *d = plain_row(w, t, 1, 0, temp[3]);
  uint32_t *lo = w.vgpr[s.inst.dst], *hi = w.vgpr[t.inst.dst];
  // A lane reads its own column before it writes it. Comparisons are zero or minus one.
  for (int n = 0; n < kParts; n++) {
    const Part x = *part_of(a, n), y = *part_of(c, n);
    const Part sum = x + *part_of(b, n), upper = y + *part_of(d, n);
    const Part one = reinterpret_cast<Part>(sum < x), with = upper - one;
    *part_of(carry, n) = reinterpret_cast<Part>(upper < y) | reinterpret_cast<Part>(with < upper);
    *part_of(lo, n) = sum;
    *part_of(hi, n) = with;
  }
  w.set_pair(t.inst.sdst, gather_bits(carry));
}
bool overlap(uint32_t scalar, uint32_t pair) {
  return scalar == pair || scalar == pair + 1;
}
bool are_add_64(const Slot& s, const Slot& t) {
  if (!named(s, "v_add_co_u32") || !named(t, "v_addc_co_u32") || !s.plain || !t.plain) return false;
  if (t.inst.src[2] != s.inst.sdst || t.inst.sdst != s.inst.sdst || s.inst.dst == t.inst.dst)
    return false;
  for (int n = 0; n < 2; n++) {
    if (s.origin[n] == Slot::kElsewhere || t.origin[n] == Slot::kElsewhere) return false;
    if (t.origin[n] == Slot::kVector && t.inst.src[n] == code::kVgpr0 + s.inst.dst) return false;
    if (t.origin[n] == Slot::kScalar && overlap(t.inst.src[n], s.inst.sdst)) return false;
  }
  return true;
}

}  // namespace

// SLOTS hold COUNT instructions; the one at AT has its handler as its step.
void make_step(Slot* slots, size_t at, size_t count) {
  Slot& s = slots[at];
  if (const Handler step = memory_step(s)) {
    s.step = step;
    return;
  }
  if (is_shift_64(s)) {
    s.step = shift_64;
    return;
  }
  if (at + s.dwords >= count) return;
  const Slot& t = slots[at + s.dwords];
  if (t.handler == nullptr) return;
  if (are_add_64(s, t)) {
    s.step = add_64;
    s.step_dwords = static_cast<uint8_t>(s.dwords + t.dwords);
    s.step_count = 2;
    s.needs = s.needs > t.needs ? s.needs : t.needs;
  }
}

}  // namespace INLAY_EXEC_VARIANT
}  // namespace inlay::emulator
