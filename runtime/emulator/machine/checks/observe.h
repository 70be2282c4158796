// Observers of running wavefronts: trace, statistics, and the checks. Each workgroup has its own
// set, so that they need no locks but where they report.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {

// What a launch counts; workgroups add to it when they end.
struct Statistics {
  std::mutex mutex;
  uint64_t workgroups = 0, wavefronts = 0, instructions = 0;
  // By class: scalar ALU, vector ALU, scalar memory, vector memory, LDS, branches and other
  // control.
  uint64_t scalar = 0, vector = 0, scalar_memory = 0, vector_memory = 0, lds = 0, control = 0;
  uint64_t lane_operations = 0;       // active lanes of vector instructions
  uint64_t memory_transactions = 0;   // 64-byte lines that vector memory instructions touch
  uint64_t memory_bytes = 0;          // what their lanes ask for
  uint64_t memory_lines_at_best = 0;  // of them, if what an instruction asks for lay together
  uint64_t lds_passes = 0;            // over the 32 banks
  uint64_t lds_conflicts = 0;         // of these, for lanes that want different dwords of a bank
  uint32_t resident = 0;              // wavefronts that fit a compute unit; 0: not known
  std::map<std::string, uint64_t> mnemonics;

  std::string report(const std::string& kernel) const;
};

// Who has touched global memory in one launch.
class GlobalAccesses;
std::shared_ptr<GlobalAccesses> make_global_accesses();

struct ObserverOptions {
  FILE* trace = nullptr;  // text, one line per instruction
  Statistics* statistics = nullptr;
  bool check_waits = false;  // a load's result used before s_waitcnt
  bool check_uninitialized =
      false;  // a register that was never written reaches memory, an address or a branch
  bool check_races = false;  // LDS shared among wavefronts with no barrier between
  bool check_global_races = false;
  bool check_hazards = false;   // wait states that the program must see to
  bool check_barriers = false;  // that only some reach
  bool check_alignment = false;
  bool check_strict_alignment = false;  // also what the mode for unaligned accesses allows
  // What the launch remembers of global memory, if races there are looked for.
  std::shared_ptr<GlobalAccesses> global_accesses;
  bool any() const {
    return trace || statistics || check_waits || check_uninitialized || check_races ||
           check_global_races || check_hazards || check_barriers || check_alignment ||
           check_strict_alignment;
  }
};

// Sets the checks that LIST names, with commas between, or all of them for "all". Their names are
// also in known_checks. False, and *unknown the name, if there is one that is no check's.
bool choose_checks(const std::string& list, ObserverOptions* options, std::string* unknown);
std::string known_checks();  // with commas between

// One observer that does all that OPTIONS ask, for one workgroup of WAVES wavefronts with VGPRS
// registers each.
std::unique_ptr<Observer> make_observer(const ObserverOptions& options, uint32_t waves,
                                        uint32_t vgprs);

std::unique_ptr<Observer> make_counter(Statistics* total, uint32_t waves);
std::unique_ptr<Observer> make_wait_check(uint32_t waves);
std::unique_ptr<Observer> make_race_check(uint32_t waves);
std::unique_ptr<Observer> make_global_race_check(std::shared_ptr<GlobalAccesses> all,
                                                 uint32_t waves);
std::unique_ptr<Observer> make_hazard_check(uint32_t waves);
std::unique_ptr<Observer> make_barrier_check(uint32_t waves);
std::unique_ptr<Observer> make_alignment_check(bool strict);
// What the launch sets is sound from the start: Wave::initial_sgprs and initial_vgprs, and VCC's
// neighbours.
std::unique_ptr<Observer> make_uninitialized_check(uint32_t waves, uint32_t vgprs);

}  // namespace inlay::emulator
