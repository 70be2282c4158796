// See threads.h. One pool for the process, one loop in it at a time; the calling thread takes part,
// so a worker that wakes late costs nothing: whoever is there takes the next piece.
//
// Pieces get smaller as the loop comes to its end: a round of one piece for each thread takes half
// of what is left ("factoring", Hummel, Schonberg and Flynn, Communications of the ACM, 1992). So
// threads finish within a small piece of each other, also where one has only a part of its core,
// and the number of a piece says where it lies: taking one is one atomic addition.
//
// The protocol is one 32-bit word, `round_word`: an odd value means that a loop is open to the
// first `loop.workers` workers. One that sees a new odd value registers in `active`, looks again,
// and takes pieces. The caller closes the round when no piece is left, and waits until `active` is
// 0. Each worker sleeps on a futex of its own, so that none wakes up for a loop that has no part
// for it.
#include "threads.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "error.h"

namespace inlay {
namespace {

constexpr int kMaxThreads = 1024;
constexpr uint64_t kPiecesPerThread = 64;  // if all were as small as the last ones
constexpr int kSpins = 2000;  // some 20 to 50 microseconds: the serial part between two loops
constexpr int kYields = 100;  // instead of spins, where there are more threads than CPUs
constexpr int64_t kSettle = 1000000;  // nanoseconds between two placements of workers
constexpr size_t kLine = 64;          // a cache line: what several threads write has one of its own

struct Loop {
  uint64_t n;
  uint64_t threads;
  uint64_t rounds;  // of pieces that get smaller,
  uint64_t rest;    // where they end,
  uint64_t grain;   // and what a piece has from there on,
  uint64_t pieces;  // of all
  InlayParallelBody body;
  void* closure;
  std::atomic<bool> stop;
  std::atomic<bool> failed;
  int32_t status;
  char message[1024];
  alignas(kLine) std::atomic<uint64_t> next;  // piece; it runs past the last by one a thread
  alignas(kLine) std::atomic<int> workers;
};

struct alignas(kLine) Worker {
  std::atomic<uint32_t> asleep;  // 0 or 1
  pthread_t thread;
  cpu_set_t home;   // where it may run by the program's will
  cpu_set_t given;  // where it may run by keep_off
};

// The only loop that the pool may run, and its state.
Loop loop;
alignas(kLine) std::atomic<uint32_t> round_word{0};
alignas(kLine) std::atomic<uint32_t> active{0};
std::atomic<bool> caller_sleeps{false};        // on `active`
alignas(kLine) std::atomic<bool> busy{false};  // a caller owns `loop`, and all to `kept_time`
int started = 0;
Worker workers[kMaxThreads];
int kept_cpu = -1;  // by the last keep_off, and for
int kept_threads = 0;
int64_t kept_time = 0;
std::atomic<int> thread_count{0};  // 0: not configured yet
std::atomic<bool> crowded{false};  // more threads than CPUs
pthread_once_t fork_once = PTHREAD_ONCE_INIT;

thread_local bool inside_loop;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

// A moment of waiting; false after so many that it is time to sleep. Where there are more threads
// than CPUs, who spins keeps one from running who is waited for.
bool wait_a_moment(int* moments) {
  bool yield = crowded.load(std::memory_order_relaxed);
  if (++*moments > (yield ? kYields : kSpins)) return false;
  if (yield) {
    sched_yield();
  } else {
    pause_cpu();
  }
  return true;
}

void futex_wait(std::atomic<uint32_t>* word, uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// Lays out the pieces of a loop of `n` iterations.
void plan_pieces(uint64_t n, uint64_t grain, uint64_t threads) {
  uint64_t smallest = n / (threads * kPiecesPerThread);
  loop.n = n;
  loop.threads = threads;
  loop.grain = smallest > grain ? smallest : grain;
  uint64_t left = n, round = 0;
  for (; (left - left / 2) / threads >= loop.grain; left /= 2) ++round;
  loop.rounds = round;
  loop.rest = n - left;
  loop.pieces = round * threads + left / loop.grain + (left % loop.grain != 0);
}

// Where piece number `piece` begins; so the one before it ends.
uint64_t begin_of(uint64_t piece) {
  if (piece >= loop.pieces) return loop.n;
  uint64_t round = piece / loop.threads, share = piece % loop.threads;
  if (round >= loop.rounds) {
    return loop.rest + (piece - loop.rounds * loop.threads) * loop.grain;
  }
  uint64_t left = loop.n >> round, half = left - left / 2;
  uint64_t part = half / loop.threads, larger = half % loop.threads;
  return loop.n - left + share * part + (share < larger ? share : larger);
}

void take_pieces() {
  while (!loop.stop.load(std::memory_order_relaxed)) {
    uint64_t piece = loop.next.fetch_add(1, std::memory_order_relaxed);
    if (piece >= loop.pieces) return;
    auto begin = static_cast<int64_t>(begin_of(piece));
    auto end = static_cast<int64_t>(begin_of(piece + 1));
    int32_t status = loop.body(loop.closure, begin, end);
    if (status != INLAY_OK) {
      loop.stop.store(true, std::memory_order_relaxed);
      if (!loop.failed.exchange(true)) {
        // Read by the caller after `active` is 0 again.
        loop.status = status;
        strncpy(loop.message, inlay_last_error(), sizeof loop.message - 1);
      }
      return;
    }
  }
}

// Whether the loop of this round, another than `seen`, is open to worker `id`.
bool has_work(uint32_t round, uint32_t seen, int id) {
  return round != seen && (round & 1) != 0 && id < loop.workers.load(std::memory_order_relaxed);
}

void* worker_main(void* argument) {
  int id = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  inside_loop = true;
  uint32_t seen = 0;
  for (int moments = 0;;) {
    uint32_t now = round_word.load();
    if (!has_work(now, seen, id)) {
      if (wait_a_moment(&moments)) continue;
      std::atomic<uint32_t>& asleep = workers[id].asleep;
      asleep.store(1);
      if (!has_work(round_word.load(), seen, id)) futex_wait(&asleep, 1);
      asleep.store(0);
      moments = 0;
      continue;
    }
    seen = now;
    active.fetch_add(1);
    if (round_word.load() == now) take_pieces();
    if (active.fetch_sub(1) == 1 && caller_sleeps.load()) futex_wake(&active);
    moments = 0;
  }
}

// In a forked child only the forking thread lives: forget the workers, and the loop of another
// thread.
void after_fork_in_child() {
  started = 0;
  kept_threads = 0;
  round_word.store(0);
  active.store(0);
  caller_sleeps.store(false);
  busy.store(false);
}

void register_fork() {
  pthread_atfork(nullptr, nullptr, after_fork_in_child);
}

// Starts workers up to `wanted`; fewer are fine, the caller takes part anyway.
void start_workers(int wanted) {
  if (started >= wanted) return;
  pthread_once(&fork_once, register_fork);
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (; started < wanted; ++started) {
      Worker& worker = workers[started];
      worker.asleep.store(0);
      void* id = reinterpret_cast<void*>(static_cast<intptr_t>(started));
      if (pthread_create(&worker.thread, &attributes, worker_main, id) != 0) break;
      CPU_ZERO(&worker.given);  // not placed yet
      kept_threads = 0;
    }
    pthread_attr_destroy(&attributes);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

// Keeps workers off the CPU of the calling thread, as long as `threads` have one each: a thread
// that wakes up is often put on the CPU of the one that woke it, and would wait there for most of
// the loop. Done anew when the caller has moved, or there are other threads; not at each loop of
// callers that take turns, whose time would go into the system calls.
void keep_off(int cpu, int threads) {
  if (cpu == kept_cpu && threads == kept_threads) return;
  int64_t now = now_ns();
  if (threads == kept_threads && now - kept_time < kSettle) return;
  kept_cpu = cpu;
  kept_threads = threads;
  kept_time = now;
  // Too small with more CPUs than they hold: the system places all threads then.
  cpu_set_t all, set;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (int i = 0; i < started; ++i) {
    Worker& worker = workers[i];
    if (pthread_getaffinity_np(worker.thread, sizeof set, &set) != 0) return;
    // Where somebody else has put it is where it may run.
    if (!CPU_EQUAL(&set, &worker.given)) worker.home = set;
    CPU_OR(&all, &all, &worker.home);
    worker.given = worker.home;
    if (cpu >= 0 && CPU_COUNT(&worker.home) >= threads) CPU_CLR(cpu, &worker.given);
    if (CPU_EQUAL(&set, &worker.given)) continue;
    if (pthread_setaffinity_np(worker.thread, sizeof set, &worker.given) != 0) worker.given = set;
  }
  crowded.store(CPU_COUNT(&all) < threads, std::memory_order_relaxed);
}

int count_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count >= 1) return count;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);  // more CPUs than a cpu_set_t holds
  if (online < 1) return 1;
  return online > kMaxThreads ? kMaxThreads : static_cast<int>(online);
}

int32_t run_serially(int64_t n, InlayParallelBody body, void* closure) {
  return body(closure, 0, n);
}

}  // namespace

int32_t configure_threads() {
  if (thread_count.load() != 0) return INLAY_OK;
  int count = 0;
  const char* text = getenv("INLAY_NUM_THREADS");
  if (text != nullptr && *text != '\0') {
    char* end = nullptr;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < 1 || value > kMaxThreads) {
      return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                         "INLAY_NUM_THREADS is '%.64s', expected a number from 1 to %d", text,
                         kMaxThreads);
    }
    count = static_cast<int>(value);
  } else {
    count = count_cpus();
  }
  int unset = 0;
  thread_count.compare_exchange_strong(unset, count);
  return INLAY_OK;
}

int32_t parallel_for(int64_t n, int64_t grain, InlayParallelBody body, void* closure) {
  if (n <= 0) return INLAY_OK;
  if (grain < 1) grain = 1;
  int threads = thread_count.load(std::memory_order_relaxed);
  if (threads == 1 || n <= grain || inside_loop) return run_serially(n, body, closure);
  if (threads == 0) {
    if (int32_t status = configure_threads()) return status;
    threads = thread_count.load();
    if (threads == 1) return run_serially(n, body, closure);
  }
  if (busy.exchange(true)) return run_serially(n, body, closure);

  int64_t pieces = n / grain;
  int taking_part = threads;
  if (pieces < threads) taking_part = static_cast<int>(pieces) + (n % grain != 0);
  start_workers(taking_part - 1);
  keep_off(sched_getcpu(), threads);
  plan_pieces(static_cast<uint64_t>(n), static_cast<uint64_t>(grain),
              static_cast<uint64_t>(taking_part));
  loop.body = body;
  loop.closure = closure;
  loop.next.store(0, std::memory_order_relaxed);
  loop.workers.store(taking_part - 1, std::memory_order_relaxed);
  loop.stop.store(false, std::memory_order_relaxed);
  loop.failed.store(false, std::memory_order_relaxed);
  loop.status = INLAY_OK;
  loop.message[0] = '\0';
  round_word.fetch_add(1);  // opens: odd
  for (int i = 0; i < taking_part - 1 && i < started; ++i) {
    std::atomic<uint32_t>& asleep = workers[i].asleep;
    if (asleep.load() != 0 && asleep.exchange(0) != 0) futex_wake(&asleep);
  }

  inside_loop = true;
  take_pieces();
  inside_loop = false;

  round_word.fetch_add(1);  // closes: even
  for (int moments = 0; active.load() != 0;) {
    if (wait_a_moment(&moments)) continue;
    caller_sleeps.store(true);
    if (uint32_t now = active.load()) futex_wait(&active, now);
  }
  caller_sleeps.store(false, std::memory_order_relaxed);
  int32_t status = loop.status;
  if (loop.failed.load()) fail(status, loop.message);
  busy.store(false);
  return status;
}

}  // namespace inlay

using namespace inlay;

int32_t inlay_num_threads(void) {
  // An unfit INLAY_NUM_THREADS is reported by what can report: here it counts as unset.
  if (thread_count.load() == 0 && configure_threads() != INLAY_OK) return count_cpus();
  return thread_count.load();
}

int32_t inlay_set_num_threads(int32_t n) {
  if (n < 1 || n > kMaxThreads) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                       "inlay_set_num_threads: %d threads asked for, expected 1 to %d", n,
                       kMaxThreads);
  }
  thread_count.store(n);
  return INLAY_OK;
}
