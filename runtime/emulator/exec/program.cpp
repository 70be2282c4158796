// Code into slots, the choice of the host's instruction set, and what a fault says.
#include <sys/types.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "runtime/emulator/exec/accesses.h"
#include "runtime/emulator/exec/wave.h"
#include "runtime/emulator/isa/registers.h"

namespace inlay::emulator {

#define INLAY_VARIANT(name)          \
  namespace name {                   \
  extern const HandlerSet kHandlers; \
  }
INLAY_VARIANT(baseline)
#ifdef INLAY_EXEC_X86
INLAY_VARIANT(avx2)
INLAY_VARIANT(avx512)
#endif

std::vector<const HandlerSet*> handler_sets() {
  std::vector<const HandlerSet*> sets;
#ifdef INLAY_EXEC_X86
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd"))
    sets.push_back(&avx512::kHandlers);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2"))
    sets.push_back(&avx2::kHandlers);
#endif
  sets.push_back(&baseline::kHandlers);
  return sets;
}

const HandlerSet& handler_set() {
  static const HandlerSet* chosen = [] {
    const std::vector<const HandlerSet*> sets = handler_sets();
    const char* wanted = getenv("INLAY_EMULATOR_HOST_ISA");
    for (const HandlerSet* set : sets)
      if (wanted != nullptr && strcmp(wanted, set->host_isa) == 0) return set;
    return sets.front();
  }();
  return *chosen;
}

namespace {

using namespace opcode_flags;

bool is_plain(const Instruction& i) {
  if (i.extension == Extension::kSdwa || i.extension == Extension::kDpp) return false;
  if (i.opcode->encoding == Encoding::kVOP3P)
    return true;  // its handlers see to the modifiers themselves
  if (i.abs || i.neg || i.omod || i.clamp || i.op_sel) return false;
  // These keep the other half of the register, whichever they write.
  const OperandType t = i.opcode->dst;
  const bool half = t == OperandType::kF16 || t == OperandType::kU16 || t == OperandType::kI16 ||
                    t == OperandType::kB16;
  return !(half && i.opcode->has(OPSEL));
}

// What sources read that no modifier touches, as far as it is known before execution.
void find_origins(Slot* slot) {
  const Instruction& i = slot->inst;
  for (int n = 0; n < 3; n++) {
    const OperandType type = i.opcode->src[n];
    const uint32_t c = i.src[n];
    if (c >= code::kVgpr0) {
      slot->origin[n] = Slot::kVector;
    } else if (type == OperandType::kNONE) {
      continue;
    } else if (c < code::kZero) {
      slot->origin[n] = c == code::kNull ? Slot::kElsewhere : Slot::kScalar;
    } else {
      uint64_t v;
      if (c <= 208 || (c >= code::kHalf && c <= code::kInv2Pi))
        v = inline_constant(c, type);
      else if (c == code::kLiteral && type == OperandType::kI64)
        v = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(i.literal)));
      else if (c == code::kLiteral)
        v = type == OperandType::kF64 ? static_cast<uint64_t>(i.literal) << 32 : i.literal;
      else
        continue;
      slot->origin[n] = Slot::kConstant;
      slot->constant[n][0] = static_cast<uint32_t>(v);
      slot->constant[n][1] = static_cast<uint32_t>(v >> 32);
    }
  }
}

}  // namespace

bool fuse_by_default() {
  static const bool fuse = [] {
    const char* text = getenv("INLAY_EMULATOR_FUSE");
    return text == nullptr || strcmp(text, "0") != 0;
  }();
  return fuse;
}

void load_program(Chip chip, uint64_t base, const uint32_t* words, size_t count, Program* program,
                  const HandlerSet& handlers, bool fuse) {
  program->chip = chip;
  program->base = base;
  program->storage.assign(count + 1, Slot());
  for (size_t n = 0; n < count; n++) {
    Slot& slot = program->storage[n];
    const size_t size = decode(chip, words + n, count - n, &slot.inst);
    if (size == 0) continue;
    slot.dwords = static_cast<uint8_t>(size / 4);
    slot.handler = handlers.find(slot.inst);
    const Encoding e = slot.inst.opcode->encoding;
    const bool vector = e == Encoding::kVOP1 || e == Encoding::kVOP2 || e == Encoding::kVOP3 ||
                        e == Encoding::kVOPC || e == Encoding::kVOP3P;
    if (vector && slot.inst.opcode->has(DST_IN) && slot.inst.opcode->src[2] == OperandType::kNONE)
      slot.inst.src[2] = static_cast<uint16_t>(code::kVgpr0 + slot.inst.dst);
    slot.writes_exec = e == Encoding::kVOPC && slot.inst.opcode->mnemonic[5] == 'x';
    slot.plain = vector && is_plain(slot.inst);
    if (slot.plain || e <= Encoding::kSOPC) find_origins(&slot);
    slot.vgprs = static_cast<uint16_t>(vgprs_used(slot.inst));
    slot.needs = std::max<uint16_t>(slot.vgprs, e >= Encoding::kVOP2 ? 1 : 0);
    const OperandType moved = slot.inst.opcode->action() == MemoryAction::kStore
                                  ? slot.inst.opcode->src[1]
                                  : slot.inst.opcode->dst;
    const bool narrow = moved == OperandType::kU8 || moved == OperandType::kI8 ||
                        moved == OperandType::kU16 || moved == OperandType::kI16;
    slot.bytes = static_cast<uint8_t>(narrow ? 1 : 4 * operand_dwords(moved));
  }
  handlers.prepare(program->storage.data(), count, fuse);
  program->slots = program->storage.data();
  program->slot_count = static_cast<uint32_t>(count);
}

void Wave::fault(const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  state = WaveState::kFault;
  if (!group->fault.empty()) return;
  char place[256];
  snprintf(place, sizeof(place), "kernel %s, workgroup (%u, %u, %u), wavefront %u, PC 0x%llx",
           group->kernel.c_str(), group->id[0], group->id[1], group->id[2], id,
           static_cast<unsigned long long>(program->base + uint64_t{4} * pc));
  group->fault = std::string(place);
  if (pc < program->slot_count && program->slots[pc].dwords != 0)
    group->fault += ": " + disassemble(program->chip, program->slots[pc].inst);
  group->fault += ": " + std::string(text);
}

void memory_fault(Wave& w, uint64_t address, uint32_t size, bool write) {
  const std::string near = w.group->memory->describe(address);
  // Whose address it is.
  std::string who;
  if (w.pc < w.program->slot_count && w.program->slots[w.pc].dwords != 0) {
    std::vector<Access> accesses;
    memory_accesses(w, w.program->slots[w.pc], &accesses);
    for (const Access& a : accesses)
      if (!a.scalar && address - a.address < std::max(a.size, 1u)) {
        who = "lane " + std::to_string(a.lane) + ": ";
        break;
      }
  }
  w.fault("%s%s of %u bytes at 0x%llx: %s", who.c_str(), write ? "write" : "read", size,
          static_cast<unsigned long long>(address), near.c_str());
}

}  // namespace inlay::emulator
