// The driver without a compiler: plugins that must be refused, the cache, arguments, the header.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/support/build_id.h"
#include "core/text/text.h"
#include "tools/driver/arguments.h"
#include "tools/driver/build.h"
#include "tools/driver/files/files.h"
#include "tools/driver/header.h"
#include "tools/driver/timing.h"

namespace inlay {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct TempFolder {
  fs::path path;
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "inlay-test-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~TempFolder() { fs::remove_all(path); }
};

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const CompileError& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(Plugins, RefusesWhatDoesNotFit) {
  PluginRegistry registry({FAKE_PLUGIN_DIR});
  EXPECT_TRUE(registry.backends().empty());
  std::map<std::string, std::string> reasons;
  for (const PluginRefusal& refusal : registry.refusals()) {
    reasons[fs::path(refusal.path).stem().string()] = refusal.reason;
  }
  ASSERT_EQ(reasons.size(), 5u);
  EXPECT_THAT(reasons["fake_api"],
              HasSubstr("plugin API 77, this Inlay speaks " + std::to_string(kPluginApiVersion)));
  EXPECT_THAT(reasons["fake_hash"],
              HasSubstr("headers cafe, this Inlay has " + std::string(core_abi_hash())));
  EXPECT_THAT(reasons["fake_entry"], HasSubstr("exports no inlay_plugin_entry"));
  EXPECT_THAT(reasons["fake_null"], HasSubstr("made no backend"));
  EXPECT_FALSE(reasons["not_elf"].empty());
  std::string error = error_of([&] { registry.resolve("native"); });
  EXPECT_THAT(error, HasSubstr("no backend plugin was found"));
  EXPECT_THAT(error, HasSubstr("plugin API 77"));
}

TEST(Plugins, AnUnknownTargetNamesTheNearest) {
  PluginRegistry registry;
  std::string error = error_of([&] { registry.resolve("x86-64-v33"); });
  EXPECT_THAT(error, HasSubstr("x86-64-v3"));
  EXPECT_THAT(error, HasSubstr("unknown-target"));
}

TEST(Cache, GivesBackWhatWasPut) {
  TempFolder folder;
  DiskCache cache(folder.path / "deep" / "cache");
  EXPECT_EQ(cache.get("a"), std::nullopt);
  cache.put("a", std::string("x\0y", 3));
  cache.put("b", "");
  EXPECT_EQ(cache.get("a"), std::string("x\0y", 3));
  EXPECT_EQ(cache.get("b"), "");
  EXPECT_EQ(cache.get("c"), std::nullopt);
}

TEST(Cache, ADamagedEntryIsAMiss) {
  TempFolder folder;
  DiskCache cache(folder.path);
  cache.put("key", std::string(1000, 'v'));
  for (auto& entry : fs::recursive_directory_iterator(folder.path)) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(500);
    file.put('w');
  }
  EXPECT_EQ(cache.get("key"), std::nullopt);
  cache.put("key", "again");
  EXPECT_EQ(cache.get("key"), "again");
  for (auto& entry : fs::recursive_directory_iterator(folder.path)) {
    if (entry.is_regular_file()) fs::resize_file(entry.path(), 20);
  }
  EXPECT_EQ(cache.get("key"), std::nullopt);
}

TEST(Cache, StaysWithinItsBoundAndForgetsTheOldest) {
  TempFolder folder;
  constexpr uint64_t kBound = 100'000;
  DiskCache cache(folder.path, kBound);
  for (int i = 0; i < 60; ++i) cache.put(std::to_string(i), std::string(10'000, 'x'));
  uint64_t total = 0;
  for (auto& entry : fs::recursive_directory_iterator(folder.path)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  EXPECT_LE(total, kBound + kBound / 8 + 10'100);
  EXPECT_EQ(cache.get("0"), std::nullopt);
  EXPECT_NE(cache.get("59"), std::nullopt);
  cache.put("huge", std::string(kBound, 'x'));  // would push everything else out
  EXPECT_EQ(cache.get("huge"), std::nullopt);
}

TEST(Cache, ManyWritersOfOneKeyLeaveOneWholeEntry) {
  TempFolder folder;
  std::vector<std::thread> writers;
  std::atomic<int> torn{0};
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      DiskCache cache(folder.path);  // as another process would have its own
      for (int i = 0; i < 50; ++i) {
        cache.put("key", std::string(20'000, static_cast<char>('a' + t)));
        std::optional<std::string> got = cache.get("key");
        if (got && *got != std::string(20'000, (*got)[0])) ++torn;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(torn, 0);
  EXPECT_TRUE(DiskCache(folder.path).get("key"));
}

TEST(Cache, AnUnwritableFolderOnlyMisses) {
  DiskCache cache("/proc/inlay-cache");
  cache.put("a", "b");
  EXPECT_EQ(cache.get("a"), std::nullopt);
}

TEST(WriteFile, IsWholeOrNotThere) {
  TempFolder folder;
  std::string path = (folder.path / "out").string();
  write_file(path, "first");
  write_file(path, "second");
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), {}), 1);
  EXPECT_THAT(error_of([] { write_file("/proc/nowhere/out", "x"); }),
              HasSubstr("can't write /proc/nowhere/out"));
}

Program parse(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  result.diagnostics.throw_if_errors();
  return std::move(result.program);
}

TEST(Header, HasOnePrototypeAFunction) {
  Program program = parse(
      "func scale(x: f32[N], n: i32, f: f64, b: bool, h: f16, u: u8) { x[0] = 1.0 }\n"
      "func nothing() { }\n");
  program.name = "my-prog";
  std::string header = c_header(program);
  EXPECT_THAT(header,
              HasSubstr("int32_t inlay_scale(const DLTensor* x, int32_t n, double f, uint8_t b, "
                        "uint16_t h, uint8_t u);"));
  EXPECT_THAT(header, HasSubstr("int32_t inlay_nothing(void);"));
  EXPECT_THAT(header, HasSubstr("inlay_code_object_my_prog"));
  EXPECT_THAT(header, HasSubstr("// func scale(x: f32[N]"));
}

TEST(Arguments, SizesComeFromArraysAndNumbers) {
  Program program = parse("func f(A: f32[M, N], B: f32[N, 2 * M] strided, s: i32) { }\n");
  const Function& f = *program.functions().front();
  Arguments arguments(f, {{"M", "3"}, {"N", "5"}, {"s", "-7"}, {"B", "ones"}}, 1);
  ASSERT_EQ(arguments.tensors().size(), 2u);
  EXPECT_THAT(arguments.tensors()[0].shape, testing::ElementsAre(3, 5));
  EXPECT_THAT(arguments.tensors()[1].shape, testing::ElementsAre(5, 6));
  EXPECT_THAT(arguments.tensors()[1].strides, testing::ElementsAre(6, 1));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(arguments.tensors()[0].data()) % 64, 0u);
  EXPECT_EQ(arguments.values().size(), 3u);
  auto expect_error = [&](std::map<std::string, std::string> words, const char* text) {
    EXPECT_THAT(error_of([&] { Arguments(f, words, 1); }), HasSubstr(text));
  };
  expect_error({{"M", "3"}, {"s", "1"}}, "is not known");
  expect_error({{"M", "3"}, {"N", "5"}}, "needs a value for `s: i32`");
  expect_error({{"M", "3"}, {"N", "5"}, {"s", "x"}}, "s=x is no value of type i32");
  expect_error({{"M", "3"}, {"N", "5"}, {"s", "1"}, {"C", "zeros"}}, "no parameter or symbol `C`");
  expect_error({{"M", "-3"}, {"N", "5"}, {"s", "1"}}, "M=-3 is no size");
  expect_error({{"M", "3"}, {"N", "5"}, {"s", "1"}, {"A", "/nowhere.npy"}},
               "can't read /nowhere.npy");
  expect_error({{"M", "1000000000"}, {"N", "1000000000"}, {"s", "1"}}, "too large");
}

TEST(Arguments, NpyRoundTripAndComparison) {
  TempFolder folder;
  Program program = parse("func f(A: f64[M, N]) { }\n");
  const Function& f = *program.functions().front();
  Arguments made(f, {{"M", "4"}, {"N", "3"}}, 5);
  std::string path = (folder.path / "a.npy").string();
  write_npy(path, made.tensors()[0]);
  Arguments read(f, {{"A", path}}, 1);
  EXPECT_EQ(read.symbols().at("M"), 4);
  EXPECT_EQ(compare(read.tensors()[0], made.tensors()[0]).different, 0);
  reinterpret_cast<double*>(read.tensors()[0].data())[7] += 1;
  Difference difference = compare(read.tensors()[0], made.tensors()[0]);
  EXPECT_EQ(difference.different, 1);
  EXPECT_GT(difference.relative, 0.9);
  EXPECT_THAT(difference.first, HasSubstr("[2, 1]"));
}

// A signal ends the process as ever, and takes along what is not whole.
TEST(Files, SignalsLeaveNothingBehind) {
  std::string folder = (fs::temp_directory_path() / "inlay-files-XXXXXX").string();
  ASSERT_TRUE(mkdtemp(folder.data()));
  std::ofstream(fs::path(folder) / "out") << "old";
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    pid_t child = fork();
    if (child == 0) {
      setenv("TMPDIR", folder.c_str(), 1);
      signal(number, SIG_DFL);
      remove_files_on_signals();
      TemporaryFile temporary(".so");
      OutputFile output((fs::path(folder) / "out").string(), "-o");
      std::ofstream(output.path()) << "half";
      auto all = fs::directory_iterator(folder);
      if (std::distance(fs::begin(all), fs::end(all)) == 3) raise(number);
      _exit(1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << status;
    for (const auto& entry : fs::directory_iterator(folder)) {
      EXPECT_EQ(entry.path().filename(), "out");
    }
  }
  std::ifstream kept(fs::path(folder) / "out");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "old");
  // Where a parent had signals ignored, as nohup does, they stay so.
  pid_t child = fork();
  if (child == 0) {
    signal(SIGHUP, SIG_IGN);
    remove_files_on_signals();
    raise(SIGHUP);
    _exit(7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  fs::remove_all(folder);
}

TEST(Timing, MedianOfOddAndEven) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({}), 0);
}

}  // namespace
}  // namespace inlay
