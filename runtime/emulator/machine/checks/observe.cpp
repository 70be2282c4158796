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

class Counter : public Observer {
 public:
  Counter(Statistics* total, uint32_t waves) : total_(total), waves_(waves) {}
  ~Counter() override {
    const std::lock_guard lock(total_->mutex);
    total_->workgroups++;
    total_->wavefronts += waves_;
    total_->instructions += own_.instructions;
    total_->scalar += own_.scalar;
    total_->vector += own_.vector;
    total_->scalar_memory += own_.scalar_memory;
    total_->vector_memory += own_.vector_memory;
    total_->lds += own_.lds;
    total_->control += own_.control;
    total_->lane_operations += own_.lane_operations;
    total_->memory_transactions += own_.memory_transactions;
    total_->memory_bytes += own_.memory_bytes;
    total_->lds_conflicts += own_.lds_conflicts;
    for (const auto& [opcode, count] : opcodes_) total_->mnemonics[opcode->mnemonic] += count;
  }
  void before(Wave& w, const Slot& s) override {
    own_.instructions++;
    opcodes_[s.inst.opcode]++;
    switch (s.inst.opcode->encoding) {
      case Encoding::kSOP1:
      case Encoding::kSOP2:
      case Encoding::kSOPC:
      case Encoding::kSOPK:
        own_.scalar++;
        break;
      case Encoding::kSOPP:
        own_.control++;
        break;
      case Encoding::kSMEM:
        own_.scalar_memory++;
        break;
      case Encoding::kDS:
        own_.lds++;
        lds(w, s);
        break;
      case Encoding::kFLAT:
      case Encoding::kMUBUF:
      case Encoding::kMTBUF:
        own_.vector_memory++;
        memory(w, s);
        break;
      default:
        own_.vector++;
        own_.lane_operations += static_cast<uint64_t>(__builtin_popcountll(w.exec()));
        break;
    }
  }
  void after(Wave&, const Slot&) override {}

 private:
  // Lanes that want different dwords of one of 32 banks wait for one another; half a wavefront goes
  // at a time.
  void lds(const Wave& w, const Slot& s) {
    const Instruction& i = s.inst;
    if (i.opcode->src[0] == OperandType::kNONE || i.opcode->action() >= MemoryAction::kSwizzle)
      return;
    for (int half = 0; half < 2; half++) {
      std::vector<uint32_t> banks[32];
      size_t passes = 1;
      for (int l = 32 * half; l < 32 * half + 32; l++) {
        if (!(w.exec() >> l & 1)) continue;
        const uint32_t dword =
            (w.vgpr[i.vaddr][l] + static_cast<uint32_t>(i.opcode->has(OFF2) ? 0 : i.offset)) / 4;
        std::vector<uint32_t>& bank = banks[dword % 32];
        if (std::find(bank.begin(), bank.end(), dword) == bank.end()) bank.push_back(dword);
        passes = std::max(passes, bank.size());
      }
      own_.lds_conflicts += passes - 1;
    }
  }
  void memory(const Wave& w, const Slot& s) {
    const Instruction& i = s.inst;
    if (i.opcode->encoding != Encoding::kFLAT || i.segment == Segment::kScratch) return;
    std::vector<uint64_t> lines;
    for (int l = 0; l < kLanes; l++) {
      if (!(w.exec() >> l & 1)) continue;
      const uint64_t address =
          (i.has_saddr ? w.pair(i.soffset) + w.vgpr[i.vaddr][l]
                       : w.vgpr[i.vaddr][l] | static_cast<uint64_t>(w.vgpr[i.vaddr + 1][l]) << 32) +
          static_cast<uint64_t>(int64_t{i.offset});
      for (uint64_t line = address / 64;
           line <= (address + std::max<uint64_t>(s.bytes, 1) - 1) / 64; line++)
        lines.push_back(line);
      own_.memory_bytes += s.bytes;
    }
    std::sort(lines.begin(), lines.end());
    own_.memory_transactions +=
        static_cast<uint64_t>(std::unique(lines.begin(), lines.end()) - lines.begin());
  }

  Statistics* total_;
  uint32_t waves_;
  Statistics own_;
  std::map<const Opcode*, uint64_t> opcodes_;
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
  if (options.statistics)
    all->observers.push_back(std::make_unique<Counter>(options.statistics, waves));
  if (options.trace) all->observers.push_back(std::make_unique<Trace>(options.trace));
  if (all->observers.size() == 1) return std::move(all->observers.front());
  return all;
}

std::string Statistics::report(const std::string& kernel) const {
  char text[1024];
  const auto n = [](uint64_t v) { return static_cast<unsigned long long>(v); };
  snprintf(text, sizeof(text),
           "kernel %s: %llu workgroups, %llu wavefronts, %llu instructions\n"
           "  vector %llu (%.1f lanes), scalar %llu, LDS %llu, vector memory %llu, scalar memory "
           "%llu, control %llu\n"
           "  memory: %llu lines of 64 bytes for %llu bytes asked (%.0f %% used); LDS: %llu extra "
           "passes\n",
           kernel.c_str(), n(workgroups), n(wavefronts), n(instructions), n(vector),
           vector ? static_cast<double>(lane_operations) / static_cast<double>(vector) : 0.0,
           n(scalar), n(lds), n(vector_memory), n(scalar_memory), n(control),
           n(memory_transactions), n(memory_bytes),
           memory_transactions ? 100.0 * static_cast<double>(memory_bytes) /
                                     (64.0 * static_cast<double>(memory_transactions))
                               : 0.0,
           n(lds_conflicts));
  std::string out = text;
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, count] : mnemonics) order.emplace_back(count, name);
  std::sort(order.rbegin(), order.rend());
  for (size_t k = 0; k < order.size() && k < 20; k++) {
    snprintf(text, sizeof(text), "  %12llu %s\n", n(order[k].first), order[k].second.c_str());
    out += text;
  }
  return out;
}

}  // namespace inlay::emulator
