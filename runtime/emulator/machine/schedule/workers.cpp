#include "runtime/emulator/machine/schedule/workers.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace inlay::emulator {
namespace {

// How long a thread looks out for what it waits for before it sleeps: launches often follow one
// another, and to be woken takes some ten microseconds.
constexpr auto kPatience = std::chrono::microseconds(50);

template <typename Condition>
void spin_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int n = 0; n < 32; n++) {
      if (condition()) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
  } while (std::chrono::steady_clock::now() < end);
}

}  // namespace

bool Workers::in_child() const {
  return process_ != 0 && process_ != getpid();
}

void Workers::run(uint64_t helpers, const std::function<void()>& work) {
  if (helpers == 0 || in_child()) return work();
  Job job{&work, helpers};
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      process_ = getpid();
      while (threads_.size() < helpers) threads_.emplace_back([this] { serve(); });
      jobs_.push_back(&job);
      posts_++;
    }
  }
  if (helpers == 1)
    posted_.notify_one();
  else
    posted_.notify_all();
  work();
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::find(jobs_.begin(), jobs_.end(), &job);
    if (at != jobs_.end()) jobs_.erase(at);
  }
  spin_until([&] { return job.active == 0; });
  if (job.active == 0) return;
  std::unique_lock lock(mutex_);
  left_.wait(lock, [&] { return job.active == 0; });
}

void Workers::join(std::unique_lock<std::mutex>* lock, Job* job) {
  job->active++;
  if (--job->wanted == 0) jobs_.erase(std::find(jobs_.begin(), jobs_.end(), job));
  lock->unlock();
  (*job->work)();
  lock->lock();
  // After this the job may be gone.
  if (--job->active == 0) left_.notify_all();
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!jobs_.empty()) {
      join(&lock, jobs_.front());
      continue;
    }
    const uint64_t seen = posts_;
    lock.unlock();
    spin_until([&] { return posts_ != seen; });
    lock.lock();
    posted_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
  }
}

void Workers::stop() {
  if (in_child()) return;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    posts_++;
    threads.swap(threads_);
  }
  posted_.notify_all();
  for (std::thread& t : threads) t.join();
}

}  // namespace inlay::emulator
