// The threads that launches share.
#include "runtime/emulator/machine/schedule/workers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace inlay::emulator {
namespace {

// Calls of one run(), of which at least HELPERS must come: each waits for the others.
uint64_t meet(Workers* workers, uint64_t helpers) {
  std::atomic<uint64_t> calls{0};
  workers->run(helpers, [&] {
    calls++;
    while (calls <= helpers) std::this_thread::yield();
  });
  return calls;
}

TEST(Workers, HelpersComeOnceEach) {
  Workers workers;
  EXPECT_EQ(meet(&workers, 0), 1u);
  for (uint64_t helpers : {1, 3, 2, 3, 1}) EXPECT_EQ(meet(&workers, helpers), helpers + 1);
}

TEST(Workers, EveryCallHasReturnedWhenRunReturns) {
  Workers workers;
  for (int trial = 0; trial < 2000; trial++) {
    // A call that came after run() had returned would find these gone.
    std::atomic<int> active{0}, left{64};
    workers.run(2, [&] {
      active++;
      while (left-- > 0) continue;
      active--;
    });
    ASSERT_EQ(active, 0);
    ASSERT_LT(left, 0);
  }
}

TEST(Workers, ServeSeveralCallersAndAreWokenFromSleep) {
  Workers workers;
  std::atomic<int> done{0};
  std::vector<std::thread> callers;
  for (int n = 0; n < 3; n++)
    callers.emplace_back([&] {
      for (int k = 0; k < 100; k++) {
        std::atomic<int> left{50};
        workers.run(1, [&] {
          while (left-- > 0) continue;
        });
        done++;
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(done, 300);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(meet(&workers, 2), 3u);
}

TEST(Workers, AfterStopCallersWorkAlone) {
  Workers workers;
  EXPECT_EQ(meet(&workers, 2), 3u);
  workers.stop();
  int calls = 0;
  workers.run(2, [&] { calls++; });
  EXPECT_EQ(calls, 1);
}

TEST(Workers, InTheChildOfAForkCallersWorkAlone) {
  Workers workers;
  EXPECT_EQ(meet(&workers, 1), 2u);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int calls = 0;
    workers.run(1, [&] { calls++; });
    workers.stop();
    _exit(calls == 1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(meet(&workers, 1), 2u);
}

}  // namespace
}  // namespace inlay::emulator
