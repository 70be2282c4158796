// Races in global memory: two wavefronts touch the same bytes in one launch, one of them writes,
// not both by atomics, and nothing orders them: they are of different workgroups, or of one
// workgroup with no barrier between. An atomic after the first access and an
// atomic before the second pass for order, whichever they are; loads and stores with glc, which
// compilers make of volatile and atomic ones, count as atomics, and so does global wave sync. A
// store of what is there already is let pass. Code that hands data over by plain stores and polling
// alone is reported, and must have this check off. Remembered are the last write and the last read
// of each dword.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "runtime/emulator/exec/accesses.h"
#include "runtime/emulator/machine/checks/observe.h"

namespace inlay::emulator {

// By pages, so that memory which no kernel touches costs nothing.
class GlobalAccesses {
 public:
  struct Toucher {
    uint32_t group = 0;    // number of the workgroup, plus one; 0: nobody
    uint32_t epoch = 0;    // barriers it had passed
    uint32_t atomics = 0;  // that its workgroup had done
    uint8_t wave = 0;
    uint8_t bytes = 0;                    // of the dword, a bit each
    bool atomic = false, others = false;  // others: more than one have read
  };
  struct Dword {
    Toucher write, read;
  };
  static constexpr uint64_t kPage = 4096;
  struct Page {
    std::mutex mutex;
    Dword dwords[kPage / 4];
  };
  Page& page(uint64_t address) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Page>& p = pages_[address / kPage];
    if (p == nullptr) p = std::make_unique<Page>();
    return *p;
  }
  // Numbers a workgroup.
  uint32_t next_group() {
    const std::lock_guard lock(mutex_);
    atomics_.push_back(0);
    return static_cast<uint32_t>(atomics_.size());
  }
  uint32_t count_atomic(uint32_t group) {
    const std::lock_guard lock(mutex_);
    return ++atomics_[group - 1];
  }
  uint32_t atomics(uint32_t group) {
    const std::lock_guard lock(mutex_);
    return atomics_[group - 1];
  }

 private:
  std::mutex mutex_;
  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
  std::vector<uint32_t> atomics_;  // done by each workgroup
};

std::shared_ptr<GlobalAccesses> make_global_accesses() {
  return std::make_shared<GlobalAccesses>();
}

namespace {

class GlobalRaceCheck : public Observer {
 public:
  GlobalRaceCheck(std::shared_ptr<GlobalAccesses> all, uint32_t waves)
      : all_(std::move(all)), group_(all_->next_group()), epoch_(waves, 1) {}

  void before(Wave& w, const Slot& s) override {
    const Opcode& op = *s.inst.opcode;
    if (op.encoding == Encoding::kSOPP && op.number == 0x0a) {
      epoch_[w.id]++;
      return;
    }
    // Global wave sync orders whoever takes part in it.
    if (op.encoding == Encoding::kDS && op.has(opcode_flags::GWS))
      own_atomics_ = all_->count_atomic(group_);
    memory_accesses(w, s, &accesses_);
    bool counted = false;
    const bool plain_store = op.encoding != Encoding::kDS && !op.has(opcode_flags::FORMAT) &&
                             op.action() == MemoryAction::kStore;
    for (Access& a : accesses_) {
      a.atomic = a.atomic || s.inst.glc;
      if (a.place != Access::kMemory || a.scratch) continue;
      if (plain_store && changes_nothing(w, a)) continue;
      if (a.atomic && !counted) {
        counted = true;
        own_atomics_ = all_->count_atomic(group_);
      }
      for (uint64_t at = a.address; at < a.address + a.size && w.state != WaveState::kFault;) {
        const uint64_t dword = at & ~uint64_t{3}, end = std::min(a.address + a.size, dword + 4);
        const uint8_t bytes = static_cast<uint8_t>(((1u << (end - at)) - 1) << (at - dword));
        touch(w, a, dword, bytes);
        at = end;
      }
    }
  }
  void after(Wave&, const Slot&) override {}

 private:
  using Toucher = GlobalAccesses::Toucher;
  // Whether WHO's touch is one that W's comes after.
  bool ordered(const Wave& w, const Toucher& who) const {
    if (who.group == 0) return true;
    if (who.group == group_ && (who.wave == w.id || who.epoch != epoch_[w.id])) return true;
    return own_atomics_ > 0 && all_->atomics(who.group) > who.atomics;
  }
  // The host's mailboxes and the device library's heap are shared by rules of their own.
  static bool is_library(const Wave& w, uint64_t address) {
    const std::string what = w.group->memory->describe(address);
    return what.find("hostcall") != std::string::npos ||
           what.find("of the device's") != std::string::npos;
  }
  // A store of what is there already changes nothing, whoever else reads it.
  static bool changes_nothing(const Wave& w, const Access& a) {
    Region region;
    if (!a.writes || a.reads || a.scalar || a.size % 4 != 0 ||
        !w.group->memory->find(a.address, &region) ||
        a.address + a.size > region.base + region.size)
      return false;
    for (uint32_t n = 0; n < a.size / 4; n++) {
      const uint32_t r = a.reg + n;
      if (r >= w.vgpr_count ||
          memcmp(reinterpret_cast<const void*>(a.address + 4 * n), &w.vgpr[r][a.lane], 4) != 0)
        return false;
    }
    return true;
  }
  void touch(Wave& w, const Access& a, uint64_t address, uint8_t bytes) {
    if (page_ == nullptr || page_at_ != address / GlobalAccesses::kPage) {
      page_at_ = address / GlobalAccesses::kPage;
      page_ = &all_->page(address);
    }
    GlobalAccesses::Page& page = *page_;
    const std::lock_guard lock(page.mutex);
    GlobalAccesses::Dword& d = page.dwords[address % GlobalAccesses::kPage / 4];
    // A plain read beside atomics is how loops of compare and swap begin.
    const bool wrote = !ordered(w, d.write) && (d.write.bytes & bytes) &&
                       !(d.write.atomic && (a.atomic || !a.writes));
    // Of readers that were several only the last is known: another cannot be ruled out.
    const bool read =
        a.writes && !a.atomic && (d.read.bytes & bytes) &&
        (!ordered(w, d.read) || (d.read.others && d.read.group == group_ &&
                                 d.read.epoch == epoch_[w.id] && d.read.atomics == own_atomics_));
    if ((wrote || read) && !is_library(w, address)) {
      const Toucher& who = wrote ? d.write : d.read;
      w.fault("lane %d %s 0x%llx (%s), which wavefront %u of %s %s, with no order between them",
              a.lane, a.writes ? "writes" : "reads", static_cast<unsigned long long>(address),
              w.group->memory->describe(address).c_str(), who.wave,
              who.group == group_ ? "this workgroup" : "another workgroup",
              wrote ? "has written" : "has read");
      return;
    }
    Toucher& mine = a.writes ? d.write : d.read;
    const bool fresh = mine.group != group_ || mine.epoch != epoch_[w.id];
    mine.others = !a.writes && !fresh && (mine.others || mine.wave != w.id);
    mine.bytes = fresh && (a.writes || mine.group == group_)
                     ? bytes
                     : static_cast<uint8_t>(mine.bytes | bytes);
    mine.group = group_;
    mine.epoch = epoch_[w.id];
    mine.atomics = own_atomics_;
    mine.wave = w.id;
    mine.atomic = a.atomic;
  }

  std::shared_ptr<GlobalAccesses> all_;
  uint32_t group_;
  std::vector<uint32_t> epoch_;
  std::vector<Access> accesses_;
  uint32_t own_atomics_ = 0;
  GlobalAccesses::Page* page_ = nullptr;  // the last one
  uint64_t page_at_ = 0;
};

}  // namespace

std::unique_ptr<Observer> make_global_race_check(std::shared_ptr<GlobalAccesses> all,
                                                 uint32_t waves) {
  return std::make_unique<GlobalRaceCheck>(std::move(all), waves);
}

}  // namespace inlay::emulator
