// Threads that help with launches, kept from one launch to the next: to start them takes as long as
// a small launch does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace inlay::emulator {

// Thread-safe; several run() at a time share the threads. In the child of a fork it has none: there
// callers work alone.
class Workers {
 public:
  Workers() = default;
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls WORK once on this thread and at most HELPERS times on others, at the same time, and
  // returns when all calls have. A call on another thread may come late, or never: WORK called
  // once must be enough. Threads are started as the largest HELPERS so far asks for.
  void run(uint64_t helpers, const std::function<void()>& work);
  // Joins the threads. From now on callers work alone.
  void stop();

 private:
  struct Job {
    const std::function<void()>* work;
    uint64_t wanted;                  // helpers that may still join; under the lock
    std::atomic<uint64_t> active{0};  // helpers that work
  };
  void serve();
  void join(std::unique_lock<std::mutex>* lock, Job* job);
  bool in_child() const;

  std::mutex mutex_;
  std::condition_variable posted_;  // a job came, or the end
  std::condition_variable left_;    // a job's last helper is through
  std::atomic<uint64_t> posts_{0};  // changes with posted_, for threads that spin
  std::deque<Job*> jobs_;           // that want helpers, the oldest first
  std::vector<std::thread> threads_;
  std::atomic<int> process_{0};  // the one that started the threads
  bool stopping_ = false;
};

}  // namespace inlay::emulator
