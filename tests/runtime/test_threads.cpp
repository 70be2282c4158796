// The thread pool, the workspace and the per-thread last error, as compiled code sees them.
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <thread>

#include "tests/runtime/support.h"

namespace inlay::test {
namespace {

class Threads : public testing::Test {
 protected:
  Threads() : before(inlay_num_threads()) {}
  ~Threads() override { inlay_set_num_threads(before); }

  int32_t parallel(Tensor<int64_t>& out, int64_t grain, int64_t nested = 0, int64_t fail_at = -1) {
    return module.call("parallel",
                       {inlay_int(grain), inlay_int(nested), inlay_int(fail_at), out.value()});
  }

  // A loop as compiled code starts it.
  int32_t loop(int64_t n, int64_t grain, std::function<void(int64_t, int64_t)> body) {
    auto call = [](void* closure, int64_t begin, int64_t end) -> int32_t {
      (*static_cast<std::function<void(int64_t, int64_t)>*>(closure))(begin, end);
      return INLAY_OK;
    };
    return inlay_module_object(module.get())->state->runtime->parallel_for(n, grain, call, &body);
  }

  int32_t before;
  Module module;
};

TEST_F(Threads, every_iteration_runs_once) {
  for (int threads : {1, 2, 3, 8}) {
    ASSERT_EQ(inlay_set_num_threads(threads), INLAY_OK);
    EXPECT_EQ(inlay_num_threads(), threads);
    for (int64_t n : {0, 1, 2, 3, 7, 64, 1000, 4097}) {
      for (int64_t grain : {0, 1, 5, 5000}) {
        Tensor<int64_t> out({n});
        ASSERT_EQ(parallel(out, grain), INLAY_OK) << inlay_last_error();
        for (int64_t i = 0; i < n; ++i) ASSERT_EQ(out[i], 1) << threads << " " << n << " " << grain;
      }
    }
  }
}

TEST_F(Threads, pieces_are_a_loop_of_falling_size) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (int threads : {2, 3, 7, 16}) {
    inlay_set_num_threads(threads);
    for (int64_t n : {int64_t{2}, int64_t{15}, int64_t{16}, int64_t{240}, int64_t{1001},
                      int64_t{99991}, kMost / 3, kMost}) {
      for (int64_t grain : {int64_t{0}, int64_t{3}, int64_t{100}, n / 2, n - 1}) {
        std::vector<std::pair<int64_t, int64_t>> pieces(4096);
        std::atomic<size_t> count{0};
        ASSERT_EQ(loop(n, grain,
                       [&](int64_t begin, int64_t end) {
                         pieces[count.fetch_add(1) % pieces.size()] = {begin, end};
                       }),
                  INLAY_OK);
        ASSERT_LE(count, 64u * 2 * static_cast<unsigned>(threads));
        pieces.resize(count);
        std::sort(pieces.begin(), pieces.end());
        int64_t at = 0, last = kMost;
        for (auto [begin, end] : pieces) {
          ASSERT_EQ(begin, at);
          ASSERT_LT(begin, end);
          ASSERT_TRUE(end - begin >= grain || end == n) << n << " " << grain;
          ASSERT_LE(end - begin - 1, last) << "shares of a round differ by one at most";
          at = end;
          last = end - begin;
        }
        ASSERT_EQ(at, n);
        // Who comes last waits for little.
        ASSERT_LE(last, std::max({grain, int64_t{1}, n / (64 * threads)}));
      }
    }
  }
}

TEST_F(Threads, loops_inside_loops) {
  inlay_set_num_threads(4);
  Tensor<int64_t> out({100});
  ASSERT_EQ(parallel(out, 1, 1), INLAY_OK);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(out[i], 1);
}

TEST_F(Threads, really_run_at_once) {
  inlay_set_num_threads(3);
  for (int round = 0; round < 20; ++round) {
    Tensor<int64_t> out({3});
    ASSERT_EQ(parallel(out, 1, 2), INLAY_OK) << inlay_last_error();
    // Long enough for the workers to fall asleep, at times.
    if (round % 4 == 0) usleep(2000);
  }
}

TEST_F(Threads, a_failure_stops_the_loop_and_its_sentence_arrives) {
  for (int threads : {1, 4}) {
    inlay_set_num_threads(threads);
    for (int64_t at : {0, 77, 9999}) {
      Tensor<int64_t> out({10000});
      EXPECT_EQ(parallel(out, 1, 0, at), INLAY_ERROR_ASSERT);
      char expected[64];
      snprintf(expected, sizeof expected, "parallel: iteration %06d failed", static_cast<int>(at));
      EXPECT_STREQ(inlay_last_error(), expected);
      EXPECT_EQ(out[static_cast<size_t>(at)], 0);
    }
  }
  Tensor<int64_t> out({100});
  EXPECT_EQ(parallel(out, 1), INLAY_OK) << "the pool works after a failure";
}

TEST_F(Threads, many_short_loops) {
  inlay_set_num_threads(3);
  Tensor<int64_t> out({3});
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(parallel(out, 1), INLAY_OK);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(out[i], 20000);
}

TEST_F(Threads, loops_from_several_threads_at_once) {
  inlay_set_num_threads(4);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        Tensor<int64_t> out({257});
        if (parallel(out, 1) != INLAY_OK) ++wrong;
        for (int i = 0; i < 257; ++i) wrong += out[i] != 1;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// More threads than CPUs, callers that take turns, and numbers that change between loops.
TEST_F(Threads, storm) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 3; ++t) {
    callers.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int round = 0; round < 300; ++round) {
        inlay_set_num_threads(static_cast<int>(1 + random() % 9));
        int64_t n = 1 + random() % 500, grain = random() % 20;
        std::atomic<int64_t> sum{0};
        wrong += loop(n, grain, [&](int64_t begin, int64_t end) {
                   std::atomic<int64_t> piece{
                       0};  // the loop inside may have the pool that this one has not
                   wrong += loop(end - begin, 1, [&](int64_t from, int64_t to) {
                              for (int64_t i = from; i < to; ++i) piece += begin + i;
                            }) != INLAY_OK;
                   sum += piece;
                 }) != INLAY_OK;
        wrong += sum != n * (n - 1) / 2;
        if (random() % 50 == 0) usleep(200);  // long enough for workers to fall asleep
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// Where threads may run, while one caller takes turns on all CPUs.
class Placement : public Threads {
 protected:
  Placement() { sched_getaffinity(0, sizeof all, &all); }
  ~Placement() override { sched_setaffinity(0, sizeof all, &all); }

  struct Place {
    cpu_set_t may;
    int cpu;
    bool worker;
  };
  // A loop of an iteration for each thread, which all wait for each other.
  std::vector<Place> places(int threads) {
    std::vector<Place> found(static_cast<size_t>(threads));
    std::atomic<int> here{0};
    std::thread::id caller = std::this_thread::get_id();
    EXPECT_EQ(loop(threads, 1,
                   [&](int64_t begin, int64_t) {
                     ++here;
                     while (here < threads) sched_yield();
                     Place& place = found[static_cast<size_t>(begin)];
                     sched_getaffinity(0, sizeof place.may, &place.may);
                     place.cpu = sched_getcpu();
                     place.worker = std::this_thread::get_id() != caller;
                   }),
              INLAY_OK);
    return found;
  }
  static cpu_set_t only(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return set;
  }

  cpu_set_t all;
};

TEST_F(Placement, workers_keep_off_the_callers_cpu_while_there_are_others) {
  int cpus = CPU_COUNT(&all);
  if (cpus < 2) GTEST_SKIP() << "one CPU";
  int threads = std::min(cpus, 4);
  inlay_set_num_threads(threads);
  ASSERT_EQ(places(threads).size(), static_cast<size_t>(threads));  // workers may run everywhere
  int tried = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && tried < 4; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    ++tried;
    cpu_set_t here = only(cpu);
    sched_setaffinity(0, sizeof here, &here);
    usleep(3000);
    for (const Place& place : places(threads)) {
      EXPECT_EQ(place.cpu == cpu, !place.worker);
      EXPECT_EQ(CPU_COUNT(&place.may), place.worker ? cpus - 1 : 1);
    }
  }
  sched_setaffinity(0, sizeof all, &all);
  // With more threads than CPUs, the system has the choice.
  inlay_set_num_threads(cpus + 1);
  for (const Place& place : places(cpus + 1)) EXPECT_TRUE(CPU_EQUAL(&place.may, &all));
}

TEST_F(Placement, a_program_may_place_workers_itself) {
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "one CPU";
  inlay_set_num_threads(2);
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &all)) --last;
  cpu_set_t chosen = only(last), seen;
  CPU_ZERO(&seen);
  std::thread::id caller = std::this_thread::get_id();
  auto in_worker = [&](const std::function<void()>& what) {
    std::atomic<int> here{0};
    EXPECT_EQ(loop(2, 1,
                   [&](int64_t, int64_t) {
                     ++here;
                     while (here < 2) sched_yield();
                     if (std::this_thread::get_id() != caller) what();
                   }),
              INLAY_OK);
  };
  // The caller is there, so the pool has the worker elsewhere.
  sched_setaffinity(0, sizeof chosen, &chosen);
  usleep(3000);
  in_worker([&] { sched_setaffinity(0, sizeof chosen, &chosen); });
  // The caller moves about, and comes to that CPU too.
  for (int cpu = 0; cpu <= last; ++cpu) {
    if (!CPU_ISSET(cpu, &all) || (cpu > 2 && cpu != last)) continue;
    cpu_set_t here = only(cpu);
    sched_setaffinity(0, sizeof here, &here);
    usleep(3000);
    in_worker([&] { sched_getaffinity(0, sizeof seen, &seen); });
    EXPECT_TRUE(CPU_EQUAL(&seen, &chosen));
  }
  in_worker([&] { sched_setaffinity(0, sizeof all, &all); });
}

TEST_F(Threads, count_is_checked) {
  EXPECT_EQ(inlay_set_num_threads(0), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "inlay_set_num_threads: 0 threads asked for, expected 1 to 1024");
  EXPECT_EQ(inlay_set_num_threads(1025), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(inlay_num_threads(), before);
}

TEST_F(Threads, a_forked_child_has_a_pool_of_its_own) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer cannot start threads in a forked child";
#endif
#endif
  inlay_set_num_threads(4);
  Tensor<int64_t> out({1000});
  ASSERT_EQ(parallel(out, 1), INLAY_OK);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // a child that waits for its parent's workers must not hang the test
    bool good = parallel(out, 1) == INLAY_OK && parallel(out, 1) == INLAY_OK;
    for (int i = 0; i < 1000; ++i) good = good && out[i] == 3;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Threads, last_error_is_each_threads_own) {
  EXPECT_EQ(inlay_set_num_threads(-5), INLAY_ERROR_INVALID_ARGUMENT);
  std::string mine = inlay_last_error();
  std::thread([&] {
    EXPECT_STREQ(inlay_last_error(), "");
    EXPECT_EQ(inlay_set_num_threads(-6), INLAY_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(inlay_last_error(), mine);
  }).join();
  EXPECT_EQ(inlay_last_error(), mine);
}

TEST_F(Threads, two_threads_load_call_and_unload_at_once) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        InlayModule* handle = nullptr;
        if (inlay_module_load(kFixture.c_str(), &handle) != INLAY_OK) {
          ++wrong;
          continue;
        }
        Module own(handle);
        Tensor<float> a({4, 4}), b({4, 4}), c({4, 4});
        a[0] = 2;
        b[0] = static_cast<float>(t + 1);
        wrong += own.call("sgemm", {a.value(), b.value(), c.value()}) != INLAY_OK;
        wrong += c[0] != static_cast<float>(2 * (t + 1));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

class Workspace : public Threads {
 protected:
  int32_t workspace(uint64_t bytes, uint64_t align) {
    return module.call("workspace", {inlay_int(static_cast<int64_t>(bytes)),
                                     inlay_int(static_cast<int64_t>(align)), out.value()});
  }
  Tensor<int64_t> out{{2}};
};

TEST_F(Workspace, is_aligned_and_not_shared) {
  for (uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{100}, uint64_t{4096}, uint64_t{1} << 20,
                         (uint64_t{2} << 20) + 1, uint64_t{9} << 20}) {
    for (uint64_t align : {0, 1, 64, 4096, 8192, 2 << 20}) {
      ASSERT_EQ(workspace(bytes, align), INLAY_OK) << inlay_last_error();
      uint64_t effective = align < 64 ? 64 : align;
      for (int i = 0; i < 2; ++i) EXPECT_EQ(static_cast<uint64_t>(out[i]) % effective, 0u) << bytes;
      uint64_t first = static_cast<uint64_t>(std::min(out[0], out[1]));
      uint64_t second = static_cast<uint64_t>(std::max(out[0], out[1]));
      EXPECT_GE(second - first, std::max<uint64_t>(bytes, 1));
    }
  }
}

TEST_F(Workspace, is_kept_for_the_next_call) {
  ASSERT_EQ(workspace(3 << 20, 64), INLAY_OK);
  int64_t sum = out[0] + out[1];
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(workspace(3 << 20, 64), INLAY_OK);
    EXPECT_EQ(out[0] + out[1], sum) << "the blocks changed";
  }
}

TEST_F(Workspace, refuses_what_it_cannot_give) {
  EXPECT_EQ(workspace(64, 3), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(inlay_last_error(), "workspace: alignment 3 is not a power of two of at most 2 MiB");
  EXPECT_EQ(workspace(64, 4 << 20), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(workspace(uint64_t{1} << 55, 64), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(inlay_last_error(), "workspace: no memory for 36028797018963968 bytes");
  EXPECT_EQ(workspace(uint64_t{1} << 62, 64), INLAY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(workspace(64, 64), INLAY_OK);
}

TEST_F(Workspace, belongs_to_the_thread) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Tensor<int64_t> mine({2});
      for (int i = 0; i < 100; ++i) {
        wrong +=
            module.call("workspace", {inlay_int(100000), inlay_int(64), mine.value()}) != INLAY_OK;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Workspace, libc_and_libm_come_through_the_table) {
  Tensor<double> x({6});
  x[0] = 1.25;
  ASSERT_EQ(module.call("libc", {x.value()}), INLAY_OK);
  EXPECT_EQ(x[1], std::exp(1.25));
  EXPECT_EQ(x[2], static_cast<double>(std::exp(1.25f)));
  EXPECT_EQ(x[3], std::pow(1.25, 3.0));
  EXPECT_EQ(x[4], 1.25);
  EXPECT_EQ(x[5], 2);
}

// Each row is there, and made of the letters that a compiler knows.
TEST(LibcTable, rows_are_complete) {
  Module module;
  const InlayRuntimeTable* table = inlay_module_object(module.get())->state->runtime;
  ASSERT_EQ(table->libc->size, sizeof(InlayLibcTable));
  int rows = 0;
#define INLAY_LIBC(name, result, parameters)                                                  \
  EXPECT_NE(table->libc->name, nullptr) << #name;                                             \
  EXPECT_NE(dlsym(RTLD_DEFAULT, #name), nullptr) << #name;                                    \
  EXPECT_EQ(std::string(#result #parameters).find_first_not_of("vilzpfd"), std::string::npos) \
      << #name;                                                                               \
  ++rows;
#include "libc.def"
#undef INLAY_LIBC
  EXPECT_EQ(sizeof(InlayLibcTable), 8u + 8u * static_cast<size_t>(rows));
}

}  // namespace
}  // namespace inlay::test
