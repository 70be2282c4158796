#include "runtime/emulator/hip/queue.h"

#include <algorithm>
#include <utility>

namespace inlay::emulator::hip {
namespace {

constexpr auto kPoll = std::chrono::microseconds(50);

}  // namespace

Queues::Queues(bool in_order) : in_order_(in_order) {}

void* Queues::create(unsigned flags, int priority) {
  const std::lock_guard lock(mutex_);
  auto s = std::make_shared<Stream>();
  s->flags = flags;
  s->priority = priority;
  void* handle = s.get();
  streams_[handle] = std::move(s);
  return handle;
}

bool Queues::destroy(void* handle) {
  StreamPointer stream;
  {
    const std::lock_guard lock(mutex_);
    const auto at = streams_.find(handle);
    if (at == streams_.end()) return false;
    stream = at->second;
  }
  if (FencePointer f = last(stream)) wait(f);
  const std::lock_guard lock(mutex_);
  streams_.erase(handle);
  return true;
}

StreamPointer Queues::find(void* handle) {
  auto number = reinterpret_cast<uintptr_t>(handle);
  if (number == 0 && OwnDefaultStream::asked()) number = 2;
  if (number <= 1) return null_;
  if (number == 2) {
    static thread_local StreamPointer own;
    if (own == nullptr) {
      own = std::make_shared<Stream>();
      const std::lock_guard lock(mutex_);
      // Those of threads that have ended go when they are empty.
      own_.erase(std::remove_if(own_.begin(), own_.end(),
                                [](const StreamPointer& s) {
                                  return s.use_count() == 1 && s->commands.empty();
                                }),
                 own_.end());
      own_.push_back(own);
    }
    return own;
  }
  const std::lock_guard lock(mutex_);
  const auto at = streams_.find(handle);
  return at == streams_.end() ? nullptr : at->second;
}

// The fences that are not done of the streams' newest commands, the null stream's first.
std::vector<FencePointer> Queues::newest() const {
  std::vector<FencePointer> fences;
  const auto add = [&](const StreamPointer& s) {
    if (s->last != nullptr && !s->last->done) fences.push_back(s->last);
  };
  add(null_);
  for (const auto& [handle, s] : streams_) add(s);
  for (const auto& s : own_) add(s);
  return fences;
}

void Queues::add(Stream* stream, Command command) {
  const auto after = [&](const StreamPointer& s) {
    if (s.get() != stream && s->blocking() && s->last != nullptr && !s->last->done)
      command.waits.push_back(s->last);
  };
  if (stream == null_.get()) {
    for (const auto& [handle, s] : streams_) after(s);
    for (const auto& s : own_) after(s);
  } else if (stream->blocking()) {
    after(null_);
  }
  command.sequence = sequence_++;
  stream->last = command.fence;
  stream->commands.push_back(std::move(command));
}

FencePointer Queues::enqueue(const StreamPointer& stream, Command command) {
  const FencePointer fence = command.fence = std::make_shared<Fence>();
  const bool host = command.host;
  {
    const std::lock_guard lock(mutex_);
    const bool mark = command.work == nullptr && command.ready == nullptr;
    add(stream.get(), std::move(command));
    Command& added = stream->commands.back();
    if (mark && stream->commands.size() == 1 && is_ready(added)) {
      fence->start = fence->end = std::chrono::steady_clock::now();
      fence->done = true;
      stream->commands.pop_back();
      return fence;
    }
    hire(host);
  }
  changed_.notify_all();
  return fence;
}

Error Queues::run(const StreamPointer& stream, std::function<Error()> work) {
  Command command;
  command.work = std::move(work);
  command.claimed = true;
  const FencePointer fence = command.fence = std::make_shared<Fence>();
  std::unique_lock lock(mutex_);
  add(stream.get(), std::move(command));
  changed_.wait(lock, [&] {
    const Command& first = stream->commands.front();
    return first.fence == fence && is_ready(first);
  });
  execute(&lock, stream);
  return fence->error;
}

void Queues::wait(const FencePointer& fence) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return fence->done; });
}

FencePointer Queues::last(const StreamPointer& stream) {
  const std::lock_guard lock(mutex_);
  return stream->last;
}

bool Queues::is_done(const FencePointer& fence) {
  const std::lock_guard lock(mutex_);
  return fence == nullptr || fence->done;
}

namespace {
bool all_done(const std::vector<FencePointer>& fences) {
  return std::all_of(fences.begin(), fences.end(), [](const auto& f) { return f->done; });
}
}  // namespace

void Queues::wait_all() {
  std::unique_lock lock(mutex_);
  const std::vector<FencePointer> fences = newest();
  changed_.wait(lock, [&] { return all_done(fences); });
}

bool Queues::wait_all_for(double seconds) {
  std::unique_lock lock(mutex_);
  const std::vector<FencePointer> fences = newest();
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                           [&] { return all_done(fences); });
}

Error Queues::take_error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(error_, kSuccess);
}

bool Queues::is_ready(const Command& command) const {
  return std::all_of(command.waits.begin(), command.waits.end(),
                     [](const auto& f) { return f->done; }) &&
         (command.ready == nullptr || command.ready());
}

// The oldest command that can start. *polling: one would, but for what only asking again can tell.
Command* Queues::runnable(bool host, StreamPointer* stream, bool* polling) {
  if (!host && turn_ != kNobody) return nullptr;
  Command* oldest = nullptr;
  const auto look = [&](const StreamPointer& s) {
    if (s->commands.empty()) return;
    Command& c = s->commands.front();
    if (c.running || c.claimed || c.host != host) return;
    if (oldest != nullptr && oldest->sequence < c.sequence) return;
    if (!is_ready(c)) {
      *polling |= c.ready != nullptr;
      return;
    }
    oldest = &c;
    *stream = s;
  };
  look(null_);
  for (const auto& [handle, s] : streams_) look(s);
  for (const auto& s : own_) look(s);
  return oldest;
}

void Queues::execute(std::unique_lock<std::mutex>* lock, const StreamPointer& stream) {
  Command& command = stream->commands.front();
  command.running = true;
  const FencePointer fence = command.fence;
  const bool takes_turn = in_order_ && !command.host && !command.claimed;
  if (takes_turn) turn_ = command.sequence;
  const auto start = std::chrono::steady_clock::now();
  lock->unlock();
  const Error error = command.work ? command.work() : kSuccess;
  // What the work holds on to is let go before anybody hears that it is done.
  command.work = nullptr;
  lock->lock();
  if (takes_turn) turn_ = kNobody;
  fence->start = start;
  fence->end = std::chrono::steady_clock::now();
  fence->error = error;
  fence->done = true;
  // Whoever waits in run() is told there; the others by whatever call waits next.
  if (error != kSuccess && error_ == kSuccess && !command.claimed) error_ = error;
  stream->commands.pop_front();
  changed_.notify_all();
}

uint64_t Queues::next_to_go_on() const {
  const auto next = gave_way_.upper_bound(gave_way_last_);
  return next != gave_way_.end() ? *next : *gave_way_.begin();
}

void Queues::give_way() {
  std::unique_lock lock(mutex_);
  const uint64_t own = std::exchange(turn_, kNobody);
  StreamPointer stream;
  bool polling = false;
  const auto others = [&] { return runnable(false, &stream, &polling) != nullptr; };
  if (!gave_way_.empty() || others()) {
    gave_way_.insert(gave_way_last_ = own);
    changed_.notify_all();
    changed_.wait(lock, [&] {
      return stopping_ || (turn_ == kNobody && next_to_go_on() == own && !others());
    });
    gave_way_.erase(own);
  }
  turn_ = own;
}

// As many threads as there are streams with something to do: commands of different streams may wait
// for one another.
void Queues::hire(bool host) {
  size_t wanted = 0;
  const auto count = [&](const StreamPointer& s) { wanted += !s->commands.empty(); };
  count(null_);
  for (const auto& [handle, s] : streams_) count(s);
  for (const auto& s : own_) count(s);
  std::vector<std::thread>& workers = workers_[host];
  if (host && wanted > 1) wanted = 1;
  if (workers.size() < wanted && !stopping_) workers.emplace_back([this, host] { work(host); });
}

void Queues::work(bool host) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    bool polling = false;
    StreamPointer stream;
    if (runnable(host, &stream, &polling) != nullptr)
      execute(&lock, stream);
    else if (polling)
      changed_.wait_for(lock, kPoll);
    else
      changed_.wait(lock);
  }
}

void Queues::stop() {
  std::vector<std::thread> workers[2];
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (int host = 0; host < 2; host++) workers[host].swap(workers_[host]);
  }
  changed_.notify_all();
  for (int host = 0; host < 2; host++)
    for (std::thread& t : workers[host])
      // A host function may never return, and exit() may have been called by one.
      if (host || t.get_id() == std::this_thread::get_id())
        t.detach();
      else
        t.join();
}

}  // namespace inlay::emulator::hip
