// Streams: commands in order, run by threads of the device while the host goes on. A stream's next
// command starts when the one before is done, and with it whatever else it waits for: events, and
// the null stream's order with the streams that did not opt out of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "runtime/emulator/hip/types.h"

namespace inlay::emulator::hip {

// Where a command stands, for those who wait for it. Read under the queues' lock, or once done.
struct Fence {
  bool done = false;
  Error error = kSuccess;
  std::chrono::steady_clock::time_point start, end;
};
using FencePointer = std::shared_ptr<Fence>;

struct Command {
  std::function<Error()> work;      // null: it only marks a place
  std::function<bool()> ready;      // asked again and again before it starts; null: always
  std::vector<FencePointer> waits;  // what it waits for beside its stream
  FencePointer fence;
  uint64_t sequence = 0;
  bool host = false;     // a host function: it may take its time, and holds up no other stream
  bool claimed = false;  // the thread that asked for it will run it
  bool running = false;
};

struct Stream {
  unsigned flags = 0;  // 1: no order with the null stream
  int priority = 0;
  std::deque<Command> commands;
  FencePointer last;  // of the newest command; null before the first
  bool blocking() const { return flags == 0; }
};
using StreamPointer = std::shared_ptr<Stream>;

// While it lives, the null stream is the calling thread's own stream.
class OwnDefaultStream {
 public:
  OwnDefaultStream() { asked_ = true; }
  ~OwnDefaultStream() { asked_ = false; }
  OwnDefaultStream(const OwnDefaultStream&) = delete;
  OwnDefaultStream& operator=(const OwnDefaultStream&) = delete;
  static bool asked() { return asked_; }

 private:
  static inline thread_local bool asked_ = false;
};

// All streams of the device. Thread-safe.
class Queues {
 public:
  // IN_ORDER: one command of the device at a time, in the order they came in as far as streams
  // allow, the same each time.
  explicit Queues(bool in_order);
  bool in_order() const { return in_order_; }
  // Of queues in order, from within a command of the device that may wait for one of another
  // stream: those that can start do, and those that gave way before go on in turn, until each has
  // ended or given way again.
  void give_way();

  void* create(unsigned flags, int priority);
  // Waits for what is in it. False if HANDLE is no stream that was created.
  bool destroy(void* handle);
  // 0 and 1 are the null stream, 2 the thread's own, and so is 0 while an OwnDefaultStream lives.
  // Null if HANDLE is no stream.
  StreamPointer find(void* handle);

  FencePointer enqueue(const StreamPointer& stream, Command command);
  // Runs WORK in the stream's order and returns when it is done, with its error.
  Error run(const StreamPointer& stream, std::function<Error()> work);
  void wait(const FencePointer& fence);
  // The newest command's fence; null if there was none.
  FencePointer last(const StreamPointer& stream);
  bool is_done(const FencePointer& fence);
  void wait_all();
  // False if SECONDS were not enough.
  bool wait_all_for(double seconds);
  // The first error of a command since the last call.
  Error take_error();
  // No command starts from now on; returns when none runs, host functions aside.
  void stop();

 private:
  void add(Stream* stream, Command command);
  void work(bool host);
  Command* runnable(bool host, StreamPointer* stream, bool* polling);
  bool is_ready(const Command& command) const;
  void execute(std::unique_lock<std::mutex>* lock, const StreamPointer& stream);
  void hire(bool host);
  uint64_t next_to_go_on() const;
  std::vector<FencePointer> newest() const;

  const bool in_order_;
  std::mutex mutex_;
  std::condition_variable changed_;  // a command came or ended
  std::map<void*, StreamPointer> streams_;
  StreamPointer null_ = std::make_shared<Stream>();
  std::vector<StreamPointer> own_;  // of threads
  uint64_t sequence_ = 0;
  // In order: the command whose turn it is, by number; those that gave way, the last of them.
  static constexpr uint64_t kNobody = ~uint64_t{0};
  uint64_t turn_ = kNobody, gave_way_last_ = 0;
  std::set<uint64_t> gave_way_;
  std::vector<std::thread> workers_[2];  // for the device's commands, for host functions
  Error error_ = kSuccess;
  bool stopping_ = false;
};

}  // namespace inlay::emulator::hip
