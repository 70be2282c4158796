#include "runtime/emulator/machine/checks/observe.h"

#include <algorithm>
#include <cstdarg>

namespace inlay::emulator {
namespace {

using namespace opcode_flags;

class Trace : public Observer {
 public:
  explicit Trace(FILE* out) : out_(out) {}
  void before(Wave&, const Slot&) override {}
  // The instruction and what it wrote: of a vector register, the first active lane.
  void after(Wave& w, const Slot& s) override {
    const Instruction& i = s.inst;
    std::string line = "(" + std::to_string(w.group->id[0]) + "," + std::to_string(w.group->id[1]) +
                       "," + std::to_string(w.group->id[2]) + ") w" + std::to_string(w.id);
    char text[160];
    snprintf(text, sizeof(text), " %llx exec=%016llx scc=%d  ",
             static_cast<unsigned long long>(w.program->base + uint64_t{4} * w.pc),
             static_cast<unsigned long long>(w.exec()), w.scc);
    line += text + disassemble(w.program->chip, i);
    const OperandType t = i.opcode->dst;
    const uint64_t exec = w.exec();
    const int lane = exec ? __builtin_ctzll(exec) : 0;
    if (t == OperandType::kMASK)
      snprintf(text, sizeof(text), "  -> %016llx", static_cast<unsigned long long>(w.pair(i.sdst)));
    else if (t == OperandType::kNONE)
      text[0] = 0;
    else if (i.opcode->encoding <= Encoding::kSMEM)
      snprintf(text, sizeof(text), "  -> %08x", i.dst < 128 ? w.sgpr[i.dst] : 0);
    else
      snprintf(text, sizeof(text), "  -> lane %d %08x", lane,
               i.dst < w.vgpr_count ? w.vgpr[i.dst][lane] : 0);
    line += text;
    line += '\n';
    fwrite(line.data(), 1, line.size(), out_);
  }

 private:
  FILE* out_;
};

class Several : public Observer {
 public:
  void before(Wave& w, const Slot& s) override {
    for (const auto& o : observers) {
      o->before(w, s);
      if (w.state == WaveState::kFault) return;
    }
  }
  void after(Wave& w, const Slot& s) override {
    for (const auto& o : observers) {
      o->after(w, s);
      if (w.state == WaveState::kFault) return;
    }
  }
  std::vector<std::unique_ptr<Observer>> observers;
};

}  // namespace

struct Check {
  const char* name;
  bool ObserverOptions::* chosen;
};
static constexpr Check kChecks[] = {{"waits", &ObserverOptions::check_waits},
                                    {"uninitialized", &ObserverOptions::check_uninitialized},
                                    {"races", &ObserverOptions::check_races},
                                    {"global-races", &ObserverOptions::check_global_races},
                                    {"hazards", &ObserverOptions::check_hazards},
                                    {"barriers", &ObserverOptions::check_barriers},
                                    {"alignment", &ObserverOptions::check_alignment},
                                    {"strict-alignment", &ObserverOptions::check_strict_alignment}};

bool choose_checks(const std::string& list, ObserverOptions* options, std::string* unknown) {
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    const std::string name = list.substr(at, end - at);
    at = end + 1;
    bool found = name.empty();
    for (const Check& c : kChecks) {
      // What ROCm's mode allows is no mistake, unless somebody says so.
      const bool strict = c.chosen == &ObserverOptions::check_strict_alignment;
      if (!(name == "all" && !strict) && name != c.name) continue;
      options->*c.chosen = true;
      found = true;
    }
    if (!found) {
      *unknown = name;
      return false;
    }
  }
  return true;
}

std::string known_checks() {
  std::string names;
  for (const Check& c : kChecks) names += (names.empty() ? "" : ", ") + std::string(c.name);
  return names;
}

std::unique_ptr<Observer> make_observer(const ObserverOptions& options, uint32_t waves,
                                        uint32_t vgprs) {
  auto all = std::make_unique<Several>();
  if (options.check_races) all->observers.push_back(make_race_check(waves));
  if (options.check_global_races)
    all->observers.push_back(make_global_race_check(
        options.global_accesses ? options.global_accesses : make_global_accesses(), waves));
  if (options.check_waits) all->observers.push_back(make_wait_check(waves));
  if (options.check_hazards) all->observers.push_back(make_hazard_check(waves));
  if (options.check_barriers) all->observers.push_back(make_barrier_check(waves));
  if (options.check_alignment || options.check_strict_alignment)
    all->observers.push_back(make_alignment_check(options.check_strict_alignment));
  if (options.check_uninitialized) all->observers.push_back(make_uninitialized_check(waves, vgprs));
  if (options.statistics) all->observers.push_back(make_counter(options.statistics, waves));
  if (options.trace) all->observers.push_back(std::make_unique<Trace>(options.trace));
  if (all->observers.size() == 1) return std::move(all->observers.front());
  return all;
}

}  // namespace inlay::emulator
