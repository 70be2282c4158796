// What a launch counts: instructions by class, lines of memory, passes over LDS.
#include <algorithm>

#include "runtime/emulator/exec/accesses.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {
namespace {

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
    total_->memory_lines_at_best += own_.memory_lines_at_best;
    total_->memory_bytes += own_.memory_bytes;
    total_->lds_passes += own_.lds_passes;
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
        memory_accesses(w, s, &accesses_);
        lds();
        break;
      case Encoding::kFLAT:
      case Encoding::kMUBUF:
      case Encoding::kMTBUF:
        own_.vector_memory++;
        memory_accesses(w, s, &accesses_);
        memory();
        lds();
        break;
      default:
        own_.vector++;
        own_.lane_operations += static_cast<uint64_t>(__builtin_popcountll(w.exec()));
        break;
    }
  }
  void after(Wave&, const Slot&) override {}

 private:
  // Lines of 64 bytes that the lanes together touch, and how few would hold what they ask for.
  void memory() {
    lines_.clear();
    uint64_t bytes = 0;
    for (const Access& a : accesses_) {
      if (a.place != Access::kMemory) continue;
      bytes += a.size;
      for (uint64_t line = a.address / 64; line <= (a.address + a.size - 1) / 64; line++)
        lines_.push_back(line);
    }
    std::sort(lines_.begin(), lines_.end());
    own_.memory_transactions +=
        static_cast<uint64_t>(std::unique(lines_.begin(), lines_.end()) - lines_.begin());
    own_.memory_bytes += bytes;
    own_.memory_lines_at_best += (bytes + 63) / 64;
  }
  // LDS has 32 banks of a dword and serves as many lanes at a time as ask for 32 dwords: 32 lanes
  // of one dword, 16 of two, 8 of three or four. Among these, each further dword of a bank is a
  // pass of its own; lanes that want the same dword share it.
  void lds() {
    for (size_t first = 0; first < accesses_.size();) {
      const Access& a = accesses_[first];
      if (a.place != Access::kLds) {
        first++;
        continue;
      }
      const uint32_t dwords = std::max(1u, (a.size + 3) / 4);
      // Both parts of an access with two offsets count.
      uint32_t wanted = 0;
      for (size_t n = first; n < accesses_.size() && accesses_[n].lane == a.lane; n++)
        wanted += accesses_[n].place == Access::kLds ? dwords : 0;
      const uint32_t lanes = wanted > 2 ? 8 : 32 / wanted;
      std::vector<uint64_t> banks[32];
      size_t passes = 1, next = first;
      for (; next < accesses_.size(); next++) {
        const Access& b = accesses_[next];
        if (b.place != Access::kLds || b.size != a.size || b.lane / lanes != a.lane / lanes) break;
        for (uint32_t n = 0; n < dwords; n++) {
          const uint64_t dword = b.address / 4 + n;
          std::vector<uint64_t>& bank = banks[dword % 32];
          if (std::find(bank.begin(), bank.end(), dword) == bank.end()) bank.push_back(dword);
          passes = std::max(passes, bank.size());
        }
      }
      own_.lds_passes += passes;
      own_.lds_conflicts += passes - 1;
      first = next;
    }
  }

  Statistics* total_;
  uint32_t waves_;
  Statistics own_;
  std::map<const Opcode*, uint64_t> opcodes_;
  std::vector<Access> accesses_;
  std::vector<uint64_t> lines_;
};

}  // namespace

std::unique_ptr<Observer> make_counter(Statistics* total, uint32_t waves) {
  return std::make_unique<Counter>(total, waves);
}

std::string Statistics::report(const std::string& kernel) const {
  char text[1024];
  const auto n = [](uint64_t v) { return static_cast<unsigned long long>(v); };
  const auto part = [](uint64_t a, uint64_t b) {
    return b ? static_cast<double>(a) / static_cast<double>(b) : 0.0;
  };
  snprintf(text, sizeof(text), "kernel %s: %llu workgroups, %llu wavefronts, %llu instructions\n",
           kernel.c_str(), n(workgroups), n(wavefronts), n(instructions));
  std::string out = text;
  if (resident > 0) {
    snprintf(text, sizeof(text), "  occupancy: %u wavefronts of a compute unit's 40, %.1f a SIMD\n",
             resident, resident / 4.0);
    out += text;
  }
  snprintf(
      text, sizeof(text),
      "  vector %llu (%.1f lanes), scalar %llu, LDS %llu, vector memory %llu, scalar memory "
      "%llu, control %llu\n"
      "  memory: %llu lines of 64 bytes for %llu bytes asked, %.0f %% coalesced (%.1f lines an "
      "instruction)\n"
      "  LDS: %llu passes, %llu of them for conflicts of banks\n",
      n(vector), part(lane_operations, vector), n(scalar), n(lds), n(vector_memory),
      n(scalar_memory), n(control), n(memory_transactions), n(memory_bytes),
      100 * part(memory_lines_at_best, memory_transactions),
      part(memory_transactions, vector_memory), n(lds_passes), n(lds_conflicts));
  out += text;
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
