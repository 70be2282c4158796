// The content cache of compiled imports: what is in the key, what makes an entry stale, and that a
// damaged entry does no harm.
#include <map>

#include "tests/backends/imports/imports_fixture.h"

namespace inlay::test {
namespace {

class MemoryCache : public ByteCache {
 public:
  std::optional<std::string> get(const std::string& key) override {
    auto it = entries.find(key);
    return it == entries.end() ? std::nullopt : std::optional(it->second);
  }
  void put(const std::string& key, const std::string& bytes) override { entries[key] = bytes; }
  std::map<std::string, std::string> entries;
};

Call seven() {
  return {.symbol = "uk_seven", .args = {}, .result = kI32};
}

struct CacheTest : testing::Test {
  void SetUp() override {
    folder = scratch_folder();
    write_text(folder + "/k.c", "#include \"k.h\"\nint uk_seven(void) { return SEVEN; }\n");
    write_text(folder + "/k.h", "#define SEVEN 7\n");
  }
  Outcome run(std::vector<std::string> flags = {}, const std::string& target = "x86-64-v3") {
    return Bench(target)
        .file(ImportKind::C, "k.c", flags, false, folder)
        .call(seven())
        .cache(&cache)
        .run();
  }
  std::string folder;
  MemoryCache cache;
};

TEST_F(CacheTest, SecondBuildComesFromTheCache) {
  Outcome first = run(), second = run();
  ASSERT_TRUE(first.ok() && second.ok()) << first.text << second.text;
  EXPECT_FALSE(first.report.imports[0].from_cache);
  EXPECT_TRUE(second.report.imports[0].from_cache);
  EXPECT_EQ(first.linked, second.linked);
  EXPECT_EQ(second.as<int()>()(), 7);
}

TEST_F(CacheTest, ChangedIncludeIsSeen) {
  run();
  write_text(folder + "/k.h", "#define SEVEN 8\n");
  Outcome out = run();
  ASSERT_TRUE(out.ok()) << out.text;
  EXPECT_FALSE(out.report.imports[0].from_cache);
  EXPECT_EQ(out.as<int()>()(), 8);
  EXPECT_TRUE(run().report.imports[0].from_cache);
}

TEST_F(CacheTest, FlagsTargetAndSourceAreInTheKey) {
  run();
  EXPECT_FALSE(run({"-DX=1"}).report.imports[0].from_cache);
  EXPECT_FALSE(run({}, "x86-64-v2").report.imports[0].from_cache);
  write_text(folder + "/k.c", "#include \"k.h\"\nint uk_seven(void) { return SEVEN + 1; }\n");
  EXPECT_FALSE(run().report.imports[0].from_cache);
}

TEST_F(CacheTest, DamagedEntriesAreMadeAgain) {
  run();
  ASSERT_EQ(cache.entries.size(), 1u);
  std::string good = cache.entries.begin()->second;
  for (const std::string& bad :
       {std::string(), std::string("junk"), good.substr(0, good.size() / 2),
        std::string("1:99999999999:x"), good + "x", std::string("1:01:03:abc")}) {
    cache.entries.begin()->second = bad;
    Outcome out = run();
    ASSERT_TRUE(out.ok()) << out.text;
    EXPECT_FALSE(out.report.imports[0].from_cache);
    EXPECT_EQ(cache.entries.begin()->second, good);
  }
}

TEST_F(CacheTest, AssemblyIsCachedWithTheFeaturesItNeeds) {
  auto assembly = [&](const std::string& target) {
    return Bench(target)
        .file(ImportKind::Asm, "add16.s")
        .call({.symbol = "uk_add16", .args = {kPointer, kPointer, kPointer}})
        .cache(&cache)
        .run();
  };
  Outcome first = assembly("x86-64-v3"), second = assembly("x86-64-v3");
  ASSERT_TRUE(first.ok() && second.ok()) << first.text << second.text;
  EXPECT_TRUE(second.report.imports[0].from_cache);
  EXPECT_THAT(first.report.imports[0].features_needed, testing::ElementsAre("avx"));
  EXPECT_EQ(first.report.imports[0].features_needed, second.report.imports[0].features_needed);
  EXPECT_FALSE(assembly("x86-64-v2").ok());
}

TEST_F(CacheTest, FaultsAreNotCached) {
  write_text(folder + "/k.h", "#error no\n");
  EXPECT_FALSE(run().ok());
  EXPECT_TRUE(cache.entries.empty());
}

}  // namespace
}  // namespace inlay::test
