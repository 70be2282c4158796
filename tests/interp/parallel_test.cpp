// Races between iterations, and the work-items of a GPU workgroup.
#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;
using ::testing::HasSubstr;

TEST(InterpRaces, BothAccessesAreReported) {
  Array<float> c({8});
  Diagnostic error = fault_of(R"(func f(c: f32[8]) {
  parallel for i in 0..4 {
    c[i] = 0.0
    c[(i + 1) % 4] = 1.0
  }
})",
                              {c});
  EXPECT_EQ(error.rule, "race");
  EXPECT_EQ(error.message,
            "race: `c`[1] is written in iteration i = 1, and written in iteration i = 0 of "
            "`parallel for i`");
  EXPECT_EQ(error.ir_path, "f/parallel for i");
  EXPECT_EQ(error.loc.line, 3u);
  ASSERT_EQ(error.notes.size(), 1u);
  EXPECT_EQ(error.notes[0].message, "it is written here");
  EXPECT_EQ(error.notes[0].loc.line, 4u);
}

TEST(InterpRaces, ReadAgainstWriteInEitherOrder) {
  Array<float> c({8});
  EXPECT_EQ(
      fault_of("func f(c: f32[8]) { parallel for i in 0..7 { c[i] = c[i + 1] } }", {c}).message,
      "race: `c`[1] is written in iteration i = 1, and read in iteration i = 0 of "
      "`parallel for i`");
  EXPECT_EQ(
      fault_of("func f(c: f32[8]) { vectorized for i in 1..8 { c[i] = c[i - 1] } }", {c}).message,
      "race: `c`[1] is read in iteration i = 2, and written in iteration i = 1 of "
      "`vectorized for i`");
  // Only the first of many readers, and one that its own iteration read in between.
  EXPECT_EQ(fault_of(R"(func f(c: f32[8]) {
        parallel for i in 0..4 { c[i + 1] = c[0]  if i == 3 { c[0] = c[0] } }
      })",
                     {c})
                .message,
            "race: `c`[0] is written in iteration i = 3, and read in iteration i = 0 of "
            "`parallel for i`");
}

TEST(InterpRaces, WhatIsOrderedIsNoRace) {
  Array<float> c({8}), d({8, 8});
  run(R"(func f(c: f32[8], d: f32[8, 8]) {
        parallel for i in 0..8 { c[i] = 1.0  c[i] += 1.0 }
        parallel for i in 0..8 { c[7 - i] += 1.0 }
        for t in 0..3 { vectorized for i in 0..7 { c[i] = c[i] + c[7] } c[7] = c[0] }
        parallel for i in 0..8 {
          for t in 0..2 { vectorized for j in 0..8 { d[i, j] = c[j] } d[i, 0] = d[i, 7] }
          vectorized for j in 0..7 { d[i, j] = d[i, 7] }
          alloc t: f32[1]
          t[0] = d[i, 0]
          d[i, 1] = t[0]
        }
      })",
      {c, d});
  // A row is read by the iteration that wrote it, through an inner loop.
  EXPECT_EQ(d.data[9], d.data[15]);
}

TEST(InterpRaces, InnerLoopsShowTheOuterOne) {
  Array<float> d({8, 8});
  Diagnostic error = fault_of(R"(func f(d: f32[8, 8]) {
        parallel for i in 0..8 { vectorized for j in 0..8 { d[0, j] = f32(i) } }
      })",
                              {d});
  EXPECT_EQ(error.message,
            "race: `d`[0, 0] is written in iteration i = 1, and written in iteration i = 0 of "
            "`parallel for i`");
  // Read in the first iteration within a loop, by later ones outside of any, then written.
  error = fault_of(R"(func f(d: f32[8, 8]) {
        parallel for i in 0..8 {
          d[i, 1] = d[7, 7]
          vectorized for j in 2..7 { if i == 2 { d[i, j] = d[7, 7] } }
          if i == 7 { vectorized for j in 6..8 { d[i, j] = d[i, j] } }
        }
      })",
                   {d});
  EXPECT_EQ(error.message,
            "race: `d`[7, 7] is written in iteration i = 7, and read in iteration i = 0 of "
            "`parallel for i`");
}

TEST(InterpRaces, AllocationsOfTheirOwnAreSeen) {
  Diagnostic error = fault_of(R"(func f(n: index) {
        alloc t: f32[4]
        parallel for i in 0..n { t[0] = f32(i) }
      })",
                              {scalar(int64_t{2})});
  EXPECT_EQ(error.rule, "race");
  error = fault_of(R"(func f(n: index) {
        parallel for o in 0..n { alloc t: f32[4]  vectorized for i in 0..2 { t[0] = f32(i) } }
      })",
                   {scalar(int64_t{2})});
  EXPECT_EQ(error.ir_path, "f/parallel for o/vectorized for i");
  run("func f(n: index) { parallel for o in 0..n { alloc t: f32[4]  t[0] = 1.0 } }",
      {scalar(int64_t{4})});
}

TEST(InterpRaces, ThroughIntrinsicsAndViews) {
  Array<float> c({8, 8});
  Diagnostic error = fault_of(R"(
      intrin fill(x: f32[n, m] strided) { for i in 0..n { for j in 0..m { x[i, j] = 0.0 } } }
      func f(c: f32[8, 8]) { parallel for i in 0..4 { fill(c[i..i + 2, 0..8]) } })",
                              {c});
  EXPECT_EQ(error.rule, "race");
  EXPECT_THAT(error.message, HasSubstr("`x`[0, 0] is written in iteration i = 1"));
  EXPECT_EQ(error.ir_path, "f/parallel for i/fill/for i/for j");
}

TEST(InterpRaces, VectorsAreWatchedByLane) {
  Array<float> c({16});
  run("func f(c: f32[16]) { parallel for i in 0..4 { c[ramp(i, 4, 4)] = broadcast(1.0, 4) } }",
      {c});
  EXPECT_EQ(fault_of("func f(c: f32[16]) { parallel for i in 0..3 { c[ramp(i * 3, 1, 4)] = "
                     "broadcast(1.0, 4) } }",
                     {c})
                .message,
            "race: `c`[3] is written in iteration i = 1, and written in iteration i = 0 of "
            "`parallel for i`");
}

TEST(InterpRaces, MayBeLeftUnchecked) {
  Array<float> c({8});
  InterpOptions options;
  options.check_races = false;
  run("func f(c: f32[8]) { parallel for i in 0..8 { c[0] = f32(i) } }", {c}, options);
  EXPECT_EQ(c.data[0], 7.0f);
}

// ---- work-items ----

const char* const kReverse = R"(func f(a: f32[N], out: f32[N]) {
  grid(x) for g in 0..N / 8 {
    alloc tile: f32[8] in shared
    lane(x) for x in 0..8 {
      tile[x] = a[g * 8 + x]
      BARRIER
      out[g * 8 + x] = tile[7 - x]
    }
  }
})";

std::string with_barrier(std::string text, const std::string& barrier) {
  size_t at = text.find("BARRIER");
  return text.replace(at, 7, barrier);
}

TEST(InterpWorkItems, BarrierOrdersSharedMemory) {
  Array<float> a({16}), out({16});
  for (int i = 0; i < 16; ++i) a.data[i] = static_cast<float>(i);
  run(with_barrier(kReverse, "barrier"), {a, out.fresh()});
  for (int i = 0; i < 16; ++i) EXPECT_EQ(out.data[i], a.data[i / 8 * 8 + 7 - i % 8]);
}

TEST(InterpWorkItems, AMissingBarrierIsARace) {
  Array<float> a({16}), out({16});
  InterpOptions options;
  options.check_uninitialised = false;
  Diagnostic error = fault_of(with_barrier(kReverse, ""), {a, out}, options);
  EXPECT_EQ(error.rule, "race");
  EXPECT_EQ(error.message,
            "race: `tile`[4] is written in iteration x = 4, and read in iteration x = 3 of "
            "`lane(x) for x`");
}

TEST(InterpWorkItems, RacesBetweenBarriersNameTheWorkItems) {
  Array<float> out({4, 2});
  const std::string text = R"(func f(out: f32[4, 2]) {
  alloc tile: f32[4, 2] in shared
  lane(y) for y in 0..2 {
    lane(x) for x in 0..4 {
      tile[x, y] = f32(x)
      barrier
      out[x, y] = tile[3 - x, 1 - y]
      BARRIER
      tile[x, y] = 9.0
      barrier
      out[x, y] += tile[0, 0]
    }
  }
})";
  run(with_barrier(text, "barrier"), {out});
  EXPECT_EQ(out.data[0], 12.0f);
  Diagnostic error = fault_of(with_barrier(text, ""), {out});
  EXPECT_EQ(error.rule, "race");
  EXPECT_EQ(error.message,
            "race: `tile`[3, 0] is read in work-item y = 1, x = 0, and written in work-item y = 0, "
            "x = 3 of `lane(y) for y/lane(x) for x`");
  EXPECT_EQ(error.help, "put a barrier between the two accesses");
}

TEST(InterpWorkItems, EachHasItsOwnPrivateMemoryAndVariables) {
  Array<int64_t> out({4});
  run(R"(func f(out: i64[4]) {
        alloc total: i64[4] in shared
        lane(x) for x in 0..4 {
          alloc mine: i64[2] in private
          let square = x * x
          mine[0] = square
          for t in 0..3 {
            total[x] = mine[0] + t
            barrier
            mine[1] = total[(x + 1) % 4]
            barrier
            mine[0] = mine[1]
          }
          out[x] = mine[0] * 100 + square
        }
      })",
      {out});
  // Three rotations: x gets ((x + 3) % 4)^2, and 0 + 1 + 2 on the way.
  EXPECT_EQ(out.data, (std::vector<int64_t>{1200, 301, 404, 709}));
}

TEST(InterpWorkItems, DivergentBarriersAreReported) {
  Array<float> out({4});
  Diagnostic error = fault_of(R"(func f(out: f32[4]) {
  lane(x) for x in 0..4 {
    if x < 2 { barrier }
    out[x] = 1.0
  }
})",
                              {out});
  EXPECT_EQ(error.rule, "barrier");
  EXPECT_EQ(
      error.message,
      "divergent barrier: work-item x = 0 waits at it, and work-item x = 3 has ended without");
  EXPECT_EQ(error.loc.line, 3u);
  error = fault_of(R"(func f(out: f32[4]) {
  lane(x) for x in 0..4 {
    if x < 2 { barrier } else { barrier }
  }
})",
                   {out});
  EXPECT_EQ(error.message,
            "divergent barrier: work-item x = 0 waits at it, and work-item x = 2 at another one");
}

TEST(InterpWorkItems, BarriersStandInLaneLoopsOnly) {
  EXPECT_EQ(fault_of("func f() { barrier }", {}).message, "barrier outside of a lane loop");
  EXPECT_EQ(
      fault_of("func f() { lane(x) for x in 0..2 { parallel for i in 0..2 { barrier } } }", {})
          .message,
      "barrier in a parallel loop inside of a work-item");
  EXPECT_EQ(fault_of(R"(func f() {
        lane(y) for y in 0..2 { alloc t: f32[1] lane(x) for x in 0..2 { barrier } } })",
                     {})
                .message,
            "lane loops `y` and `x` around a barrier have a statement between them");
}

TEST(InterpWorkItems, BarrierInAnIntrinsicsMeaning) {
  Array<int64_t> out({4});
  run(R"(intrin sync() { barrier }
         func f(out: i64[4]) {
           alloc t: i64[4] in shared
           lane(x) for x in 0..4 { t[x] = x  sync()  out[x] = t[3 - x] }
         })",
      {out});
  EXPECT_EQ(out.data, (std::vector<int64_t>{3, 2, 1, 0}));
}

TEST(InterpWorkItems, TiledMatmulOnAGrid) {
  constexpr int n = 16;
  Array<float> a({n, n}), b({n, n}), c({n, n});
  for (int i = 0; i < n * n; ++i) {
    a.data[i] = static_cast<float>(i % 7);
    b.data[i] = static_cast<float>(i % 5);
  }
  run(R"(func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
        grid(y) for gy in 0..M / 4 {
          grid(x) for gx in 0..N / 4 {
            alloc At: f32[4, 4] in shared
            alloc Bt: f32[4, 4] in shared
            lane(y) for y in 0..4 {
              let row = gy * 4 + y
              lane(x) for x in 0..4 {
                alloc acc: f32[1] in private
                acc[0] = 0.0
                for k0 in 0..K / 4 {
                  At[y, x] = A[row, k0 * 4 + x]
                  Bt[y, x] = B[k0 * 4 + y, gx * 4 + x]
                  barrier
                  for k in 0..4 { acc[0] += At[y, k] * Bt[k, x] }
                  barrier
                }
                C[row, gx * 4 + x] = acc[0]
              }
            }
          }
        }
      })",
      {a, b, c.fresh()});
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int k = 0; k < n; ++k) sum += a.data[i * n + k] * b.data[k * n + j];
      EXPECT_EQ(c.data[i * n + j], sum);
    }
  }
}

}  // namespace
}  // namespace inlay
