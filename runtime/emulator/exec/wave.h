// What executes: the state of a wavefront and its workgroup, and a program decoded once into slots
// with handlers.
//
// Scalar registers, VCC, M0 and EXEC included, lie in one array under their operand codes, so that
// reading a scalar operand is one load. VGPRs lie as [register][lane], so that a vector instruction
// is a loop over 64 neighbours.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "runtime/emulator/isa/isa.h"

namespace inlay::emulator {

constexpr int kLanes = 64;

struct Wave;
struct Slot;
using Handler = void (*)(Wave& wave, const Slot& slot);

// A decoded instruction at one dword of a program.
struct alignas(64) Slot {
  // What a wavefront that nothing looks at executes: the handler, a form of it for what the slot's
  // operands are, or several instructions at once, as many dwords and instructions as follow.
  Handler step = nullptr;
  uint8_t step_dwords = 0, step_count = 0;
  uint8_t dwords = 0;  // 0: no instruction
  bool plain = false;  // vector ALU without modifiers of any kind: sources and result are registers
                       // as they are
  bool writes_exec = false;  // v_cmpx
  // Of a plain or a scalar one: where its sources come from, and the values of those that are
  // constants.
  enum Origin : uint8_t { kElsewhere, kVector, kScalar, kConstant };
  Origin origin[3] = {};
  uint32_t constant[3][2] = {};
  uint16_t vgprs = 0;  // one more than the highest VGPR that it names
  // The VGPRs without which the step cannot run; at least one for vector instructions.
  uint16_t needs = 0;
  uint8_t bytes = 0;  // memory: what one lane moves, 1 for less than a dword
  Instruction inst;
  Handler handler = nullptr;
};

struct Program {
  Chip chip = Chip::kGfx900;
  bool sramecc = false;  // registers are written whole: narrow loads do not keep the other half
  uint64_t base = 0;     // device address of slots[0]
  // Plain pointers: the handlers' translation units must instantiate nothing of the standard
  // library (number.h).
  const Slot* slots = nullptr;
  uint32_t slot_count = 0;  // one more lies behind, whose step stops the wavefront
  std::vector<Slot> storage;
};

// Memory that device code may touch, found by address. The device address is the host address.
struct Region {
  uint64_t base = 0;
  uint64_t size = 0;
  bool writable = true;
};
class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // The region that holds ADDRESS, in *region; false if there is none. Thread-safe.
  virtual bool find(uint64_t address, Region* region) = 0;
  // A sentence about what lies at or near ADDRESS, for reports.
  virtual std::string describe(uint64_t address) = 0;
  // Whether all SIZE bytes have been written since they were allocated, as far as that is watched;
  // and that they have.
  virtual bool known(uint64_t, uint64_t) { return true; }
  virtual void written(uint64_t, uint64_t) {}
  // The device's global data share, of kDataShareSize bytes; null if it has none.
  static constexpr uint32_t kDataShareSize = 65536;
  virtual uint8_t* data_share() { return nullptr; }
};

// The regions that were used last, so that most accesses ask no lock. One per host thread.
struct RegionCache {
  static constexpr int kCount = 8;
  Region regions[kCount];
  int next = 0;
};

// kYield: it waits for something outside (s_sleep), and gives the others their turn.
// kGlobalBarrier: it waits for global wave sync.
enum class WaveState : uint8_t { kRunning, kYield, kBarrier, kGlobalBarrier, kEnded, kFault };

// Global wave sync: barriers and semaphores among all wavefronts of a dispatch, by number (manual,
// 12.12, DS_GWS_*). What a wavefront waits for is a ticket. Thread-safe.
class GlobalSync {
 public:
  static constexpr uint32_t kResources = 64;
  struct Ticket {
    uint32_t resource;
    bool barrier;
    uint64_t number;
  };
  virtual ~GlobalSync() = default;
  virtual void initialize(uint32_t resource, uint32_t counter) = 0;
  // One wavefront has come to a barrier of MORE + 1.
  virtual Ticket arrive(uint32_t resource, uint32_t more) = 0;
  // Semaphores: take one, give COUNT, give as many as are waited for.
  virtual Ticket acquire(uint32_t resource) = 0;
  virtual void release(uint32_t resource, uint32_t count) = 0;
  virtual void release_all(uint32_t resource) = 0;
  virtual bool passed(const Ticket& ticket) = 0;
};

// Looks on while wavefronts run: traces, statistics and checks. It may stop a wavefront by
// Wave::fault. A dispatch that has none pays nothing.
class Observer {
 public:
  virtual ~Observer() = default;
  // SLOT is about to be executed by WAVE.
  virtual void before(Wave& wave, const Slot& slot) = 0;
  // It has been, without a fault.
  virtual void after(Wave& wave, const Slot& slot) = 0;
};

struct Workgroup {
  uint8_t* lds = nullptr;
  uint32_t lds_size = 0;
  AddressSpace* memory = nullptr;
  RegionCache* cache = nullptr;  // never null while it runs
  GlobalSync* global_sync = nullptr;
  Observer* observer = nullptr;
  uint64_t shared_aperture = 0;  // high half of LDS addresses seen through FLAT
  uint64_t private_aperture = 0;
  uint32_t id[3] = {};
  std::string kernel;
  std::string fault;   // the first fault, as a sentence; empty if none
  uint64_t clock = 0;  // instructions issued in turns that are over; s_memtime adds Wave::issued
};

// MODE (manual, 3.4).
struct Mode {
  uint32_t bits = 0;
  int round32() const { return static_cast<int>(bits & 3); }
  int round64() const { return static_cast<int>(bits >> 2 & 3); }  // f16 and f64
  int denorm32() const { return static_cast<int>(bits >> 4 & 3); }
  int denorm64() const { return static_cast<int>(bits >> 6 & 3); }
  bool dx10_clamp() const { return bits >> 8 & 1; }
  bool ieee() const { return bits >> 9 & 1; }
  bool fp16_overflow() const { return bits >> 23 & 1; }
};

struct alignas(64) Wave {
  uint32_t (*vgpr)[kLanes] = nullptr;
  uint32_t sgpr[128] = {};  // by operand code
  uint32_t pc = 0;          // slot index
  // Where a jump goes; kFollowing, to the instruction behind, else.
  static constexpr uint32_t kFollowing = ~0u;
  uint32_t next_pc = kFollowing;
  bool scc = false;
  WaveState state = WaveState::kRunning;
  Mode mode;
  uint16_t vgpr_count = 0;
  uint64_t issued = 0;   // instructions, in this turn
  bool gpr_idx = false;  // s_set_gpr_idx_on; what it moves is in M0[15:12], by how much in M0[7:0]
  bool vskip = false;    // s_setvskip: vector instructions are not executed
  uint8_t initial_sgprs = 0;              // that the launch sets
  uint8_t initial_vgprs = 0;              // work-item ids
  uint8_t id = 0;                         // within its workgroup
  GlobalSync::Ticket global_ticket = {};  // what it waits for in global wave sync
  uint32_t hw_id = 0, status = 0;
  uint64_t scratch_base = 0;  // FLAT_SCRATCH as launched; scratch of this wave
  uint64_t scratch_size = 0;  // bytes, all lanes
  const Program* program = nullptr;
  Workgroup* group = nullptr;
  Region cached;  // the region of the last memory access
  // EXEC, one word of all ones or zeros per lane; valid for exec_of.
  uint64_t exec_of = 0;
  alignas(64) uint32_t exec_lanes[kLanes] = {};

  uint64_t pair(uint32_t c) const {
    uint64_t v;
    memcpy(&v, &sgpr[c], 8);
    return v;
  }
  void set_pair(uint32_t c, uint64_t v) { memcpy(&sgpr[c], &v, 8); }
  uint64_t exec() const { return pair(code::kExecLo); }
  uint64_t vcc() const { return pair(code::kVccLo); }

  // Stops the wave. MESSAGE says what was wrong; wave, PC and instruction are added.
  void fault(const char* format, ...) __attribute__((format(printf, 2, 3)));
};

// Stops WAVE at an access to memory that is no allocation's, naming the nearest.
void memory_fault(Wave& wave, uint64_t address, uint32_t size, bool write);

// Handlers of one instruction-set variant of the host.
struct HandlerSet {
  const char* host_isa;
  // The handler of INST, or null if none is written yet.
  Handler (*find)(const Instruction& inst);
  // Runs WAVE until it ends, faults, reaches a barrier, or has issued BUDGET instructions (a few
  // more, where several are one step).
  void (*run)(Wave& wave, uint64_t budget);
  // Sets the steps of COUNT slots: forms made for their operands, and of several instructions, if
  // FUSE is set.
  void (*prepare)(Slot* slots, size_t count, bool fuse);
};
// The best that this host can run. INLAY_EMULATOR_HOST_ISA=baseline|avx2|avx512 forces one that it
// can.
const HandlerSet& handler_set();
// Every set this host can run, best first.
std::vector<const HandlerSet*> handler_sets();

// Decodes WORDS into PROGRAM: every dword gets a slot, since code is entered at symbols and jumped
// into anywhere.
// INLAY_EMULATOR_FUSE=0 has each instruction executed by itself, and so do observers.
bool fuse_by_default();
void load_program(Chip chip, uint64_t base, const uint32_t* words, size_t count, Program* program,
                  const HandlerSet& handlers = handler_set(), bool fuse = fuse_by_default());

}  // namespace inlay::emulator
