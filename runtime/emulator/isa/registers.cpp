#include "runtime/emulator/isa/registers.h"

#include <cstring>

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

class Uses {
 public:
  explicit Uses(RegisterUse* out) : out_(out) {}
  void add(bool vector, bool write, uint32_t first, int count) {
    if (count <= 0 || count_ == kMaxRegisterUses) return;
    out_[count_++] = {vector, write, static_cast<uint16_t>(first), static_cast<uint16_t>(count)};
  }
  void vgpr(bool write, uint32_t first, OperandType type) {
    add(true, write, first, operand_dwords(type));
  }
  // A source by its code: a register, or a constant.
  void source(uint32_t c, OperandType type) {
    if (c >= code::kVgpr0)
      vgpr(false, c - code::kVgpr0, type);
    else if (c < code::kZero && c != code::kNull)
      add(false, false, c, operand_dwords(type));
  }
  void scalar(bool write, uint32_t c, int count) {
    if (c < code::kZero && c != code::kNull) add(false, write, c, count);
  }
  int count() const { return count_; }

 private:
  RegisterUse* out_;
  int count_ = 0;
};

void vector_alu(const Instruction& i, Uses* uses) {
  const Opcode& op = *i.opcode;
  for (int n = 0; n < 3; n++)
    if (op.src[n] != OperandType::kNONE) uses->source(i.src[n], op.src[n]);
  if (op.has(CARRY_IN) && op.src[2] == OperandType::kNONE) uses->scalar(false, code::kVccLo, 2);
  if (op.has(VCC_IN)) uses->scalar(false, code::kVccLo, 2);
  if (op.has(DST_IN)) uses->vgpr(false, i.dst, op.dst);
  if (op.has(SDST) || op.dst == OperandType::kMASK) uses->scalar(true, i.sdst, 2);
  const bool to_scalar =
      strcmp(op.mnemonic, "v_readlane_b32") == 0 || strcmp(op.mnemonic, "v_readfirstlane_b32") == 0;
  if (to_scalar)
    uses->scalar(true, i.dst, 1);
  else if (op.dst != OperandType::kMASK)
    uses->vgpr(true, i.dst, op.dst);
  if (strcmp(op.mnemonic, "v_swap_b32") == 0) uses->vgpr(true, i.src[0] - code::kVgpr0, op.dst);
}

void scalar_memory(const Instruction& i, Uses* uses) {
  const Opcode& op = *i.opcode;
  if (op.src[0] != OperandType::kNONE) uses->scalar(false, i.src[0], operand_dwords(op.src[0]));
  if (i.soffset_en || (!i.imm && op.src[0] != OperandType::kNONE))
    uses->scalar(false, i.soffset, 1);
  if (op.action() != MemoryAction::kLoad) uses->scalar(false, i.dst, operand_dwords(op.src[1]));
  if (op.action() == MemoryAction::kLoad || i.glc || op.has(TIME))
    uses->scalar(true, i.dst, operand_dwords(op.dst));
}

void flat(const Instruction& i, Uses* uses) {
  const Opcode& op = *i.opcode;
  const bool wide = i.segment == Segment::kFlat || (i.segment == Segment::kGlobal && !i.has_saddr);
  if (!(i.segment == Segment::kScratch && i.has_saddr))
    uses->add(true, false, i.vaddr, wide ? 2 : 1);
  if (i.has_saddr) uses->scalar(false, i.soffset, i.segment == Segment::kGlobal ? 2 : 1);
  uses->vgpr(false, i.vdata, op.src[1]);
  const bool load = op.action() == MemoryAction::kLoad;
  if (load ? !i.lds : i.glc) uses->vgpr(true, i.dst, op.dst);
}

void buffer(const Instruction& i, Uses* uses) {
  const Opcode& op = *i.opcode;
  if (op.has(CACHE)) return;
  if (i.offen || i.idxen) uses->add(true, false, i.vaddr, i.offen && i.idxen ? 2 : 1);
  uses->scalar(false, i.srsrc, 4);
  uses->scalar(false, i.soffset, 1);
  uses->vgpr(false, i.vdata, op.src[1]);
  const bool load = op.action() == MemoryAction::kLoad;
  if (load ? !i.lds : op.dst != OperandType::kNONE && i.glc)
    uses->add(true, true, i.vdata, operand_dwords(op.dst) + (load && i.tfe ? 1 : 0));
}

}  // namespace

int register_uses(const Instruction& i, RegisterUse out[kMaxRegisterUses]) {
  const Opcode& op = *i.opcode;
  Uses uses(out);
  if (op.has(NO_COMPUTE)) return 0;
  switch (op.encoding) {
    case Encoding::kSOP1:
    case Encoding::kSOP2:
    case Encoding::kSOPC:
    case Encoding::kSOPK:
      for (int n = 0; n < 2; n++)
        if (op.src[n] != OperandType::kNONE) uses.source(i.src[n], op.src[n]);
      if (op.has(DST_IN)) uses.scalar(false, i.dst, operand_dwords(op.dst));
      if (op.dst != OperandType::kNONE) uses.scalar(true, i.dst, operand_dwords(op.dst));
      break;
    case Encoding::kVOP1:
    case Encoding::kVOP2:
    case Encoding::kVOPC:
    case Encoding::kVOP3:
    case Encoding::kVOP3P:
      vector_alu(i, &uses);
      break;
    case Encoding::kSMEM:
      scalar_memory(i, &uses);
      break;
    case Encoding::kDS:
      uses.vgpr(false, i.vaddr, op.src[0]);
      uses.vgpr(false, i.vdata, op.src[1]);
      uses.vgpr(false, i.vdata1, op.src[2]);
      uses.vgpr(true, i.dst, op.dst);
      break;
    case Encoding::kFLAT:
      flat(i, &uses);
      break;
    case Encoding::kMUBUF:
    case Encoding::kMTBUF:
      buffer(i, &uses);
      break;
    default:
      break;
  }
  return uses.count();
}

int vgprs_used(const Instruction& i) {
  RegisterUse uses[kMaxRegisterUses];
  const int count = register_uses(i, uses);
  int high = 0;
  for (int n = 0; n < count; n++)
    if (uses[n].vector && uses[n].first + uses[n].count > high)
      high = uses[n].first + uses[n].count;
  return high;
}

}  // namespace inlay::emulator
