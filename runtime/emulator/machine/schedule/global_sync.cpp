#include "runtime/emulator/machine/schedule/global_sync.h"

#include <algorithm>
#include <mutex>

namespace inlay::emulator {
namespace {

class Resources : public GlobalSync {
 public:
  void initialize(uint32_t resource, uint32_t counter) override {
    const std::lock_guard lock(mutex_);
    at(resource).counter = counter;
    at(resource).set = true;
  }
  // The counter tells how many are still to come. A barrier that nobody initialized begins with
  // what the first to come says: kernels leave that to their host's library.
  Ticket arrive(uint32_t resource, uint32_t more) override {
    const std::lock_guard lock(mutex_);
    Resource& r = at(resource);
    if (!r.set) r.counter = more;
    r.set = true;
    const Ticket ticket{resource, true, r.generation};
    if (r.counter == 0) {
      r.counter = more;
      r.generation++;
    } else {
      r.counter--;
    }
    return ticket;
  }
  Ticket acquire(uint32_t resource) override {
    const std::lock_guard lock(mutex_);
    Resource& r = at(resource);
    const Ticket ticket{resource, false, r.asked++};
    grant(&r);
    return ticket;
  }
  void release(uint32_t resource, uint32_t count) override {
    const std::lock_guard lock(mutex_);
    Resource& r = at(resource);
    r.set = true;
    r.counter += count;
    grant(&r);
  }
  void release_all(uint32_t resource) override {
    const std::lock_guard lock(mutex_);
    Resource& r = at(resource);
    r.set = true;
    r.counter = r.asked - r.granted;
    grant(&r);
  }
  bool passed(const Ticket& ticket) override {
    const std::lock_guard lock(mutex_);
    const Resource& r = at(ticket.resource);
    return ticket.barrier ? r.generation != ticket.number : ticket.number < r.granted;
  }

 private:
  struct Resource {
    bool set = false;
    uint64_t counter = 0;
    uint64_t generation = 0;          // barriers passed
    uint64_t asked = 0, granted = 0;  // wavefronts at the semaphore
  };
  Resource& at(uint32_t n) { return resources_[n % kResources]; }
  static void grant(Resource* r) {
    const uint64_t n = std::min(r->counter, r->asked - r->granted);
    r->granted += n;
    r->counter -= n;
  }

  std::mutex mutex_;
  Resource resources_[kResources];
};

}  // namespace

std::unique_ptr<GlobalSync> make_global_sync() {
  return std::make_unique<Resources>();
}

}  // namespace inlay::emulator
