// See threads.h. One pool for the process, one loop in it at a time; the calling thread takes part,
// so a worker that wakes late costs nothing: whoever is there takes the next piece.
//
// The protocol is one 32-bit word, `round`: an odd value means that a loop is open to workers. A
// worker that sees a new odd value registers in `active`, looks again, and takes pieces. The caller
// closes the round when no piece is left, and waits until `active` is 0. Sleeping is a futex on
// `round`.
#include "threads.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "error.h"

namespace inlay {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int64_t kPiecesPerThread = 8;
constexpr int kSpins = 2000;  // some 20 to 50 microseconds: the serial part between two loops

struct Loop {
  int64_t n;
  int64_t piece;
  int workers;
  InlayParallelBody body;
  void* closure;
  std::atomic<uint64_t> next;  // unsigned: it runs past n by a piece for each thread
  std::atomic<bool> stop;
  std::atomic<bool> failed;
  int32_t status;
  char message[1024];
};

// The only loop that the pool may run, and its state.
Loop loop;
std::atomic<uint32_t> round_word{0};
std::atomic<uint32_t> active{0};
std::atomic<int> sleepers{0};
std::atomic<bool> busy{false};     // a caller owns `loop`
int started = 0;                   // workers; owned by the holder of `busy`
std::atomic<int> thread_count{0};  // 0: not configured yet
pthread_once_t fork_once = PTHREAD_ONCE_INIT;

thread_local bool inside_loop;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

void futex_wait(std::atomic<uint32_t>* word, uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void take_pieces() {
  while (!loop.stop.load(std::memory_order_relaxed)) {
    uint64_t next = loop.next.fetch_add(loop.piece, std::memory_order_relaxed);
    if (next >= static_cast<uint64_t>(loop.n)) return;
    int64_t begin = static_cast<int64_t>(next);
    int64_t end = loop.n - begin > loop.piece ? begin + loop.piece : loop.n;
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

void* worker_main(void* argument) {
  int id = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  inside_loop = true;
  uint32_t seen = 0;
  for (;;) {
    uint32_t now = round_word.load();
    for (int i = 0; now == seen && i < kSpins; ++i) {
      pause_cpu();
      now = round_word.load();
    }
    if (now == seen) {
      sleepers.fetch_add(1);
      futex_wait(&round_word, seen);
      sleepers.fetch_sub(1);
      continue;
    }
    seen = now;
    if ((now & 1) == 0) continue;
    active.fetch_add(1);
    if (round_word.load() == now && id < loop.workers) take_pieces();
    if (active.fetch_sub(1) == 1) futex_wake_all(&active);
  }
}

// In a forked child only the forking thread lives: forget the workers, and the loop of another
// thread.
void after_fork_in_child() {
  started = 0;
  round_word.store(0);
  active.store(0);
  sleepers.store(0);
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
    while (started < wanted) {
      pthread_t thread;
      void* id = reinterpret_cast<void*>(static_cast<intptr_t>(started));
      if (pthread_create(&thread, &attributes, worker_main, id) != 0) break;
      ++started;
    }
    pthread_attr_destroy(&attributes);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
  if (pieces < threads) threads = static_cast<int>(pieces) + (n % grain != 0);
  start_workers(threads - 1);
  int64_t fair = n / (threads * kPiecesPerThread);
  loop.n = n;
  loop.piece = fair > grain ? fair : grain;
  loop.workers = threads - 1;
  loop.body = body;
  loop.closure = closure;
  loop.next.store(0, std::memory_order_relaxed);
  loop.stop.store(false, std::memory_order_relaxed);
  loop.failed.store(false, std::memory_order_relaxed);
  loop.status = INLAY_OK;
  loop.message[0] = '\0';
  round_word.fetch_add(1);  // opens: odd
  if (sleepers.load() > 0) futex_wake_all(&round_word);

  inside_loop = true;
  take_pieces();
  inside_loop = false;

  round_word.fetch_add(1);  // closes: even
  for (int i = 0; active.load() != 0; ++i) {
    if (i < kSpins) {
      pause_cpu();
    } else if (uint32_t now = active.load()) {
      futex_wait(&active, now);
    }
  }
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
