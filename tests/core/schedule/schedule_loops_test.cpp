// Steps on plain nests: what they make, and what they refuse, with the reasons that a person gets.
#include "core/schedule/steps.h"
#include "core/verify/verify.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kCopy = R"(
func f(A: f32[M, N], B: f32[M, N]) { for i in 0..M { for j in 0..N { B[i, j] = A[i, j] + 1.0 } } })";
const char* kSum = R"(
func f(A: f32[M, N], X: f32[M]) {
  for i in 0..M { X[i] = 0.0 for j in 0..N { X[i] += A[i, j] } }
})";
const std::vector<Sizes> kSizes = {{{"M", 0}, {"N", 5}},
                                   {{"M", 1}, {"N", 1}},
                                   {{"M", 7}, {"N", 13}},
                                   {{"M", 8}, {"N", 12}},
                                   {{"M", 6}, {"N", 0}}};

void expect_same_everywhere(const Program& program, const Schedule& schedule,
                            const std::set<std::string>& outputs = {"B"}) {
  for (const Sizes& sizes : kSizes) expect_same(program, schedule, sizes, outputs);
}

TEST(ScheduleSplit, AllTails) {
  Program program = parse(kCopy);
  for (Tail tail : {Tail::Guard, Tail::Bound, Tail::Peel}) {
    Schedule s(program, "f");
    s.split("j", 4, "jo", "ji", tail).split("i", 3, "io", "ii", tail);
    expect_same_everywhere(program, s);
  }
  Schedule guard(program, "f");
  guard.split("j", 4, "jo", "ji", Tail::Guard);
  EXPECT_TRUE(has(print(guard.function()), {"for ji in 0..4 {", "if jo * 4 + ji < N"}));
  Schedule bound(program, "f");
  bound.split("j", 4, "jo", "ji", Tail::Bound);
  EXPECT_TRUE(has(print(bound.function()), {"for ji in 0..min(4, N - jo * 4) {"}));
  Schedule peel(program, "f");
  peel.split("j", 4, "jo", "ji", Tail::Peel);
  EXPECT_TRUE(has(print(peel.function()), {"for jo in 0..N / 4 {", "for ji in 0..4 {",
                                           "for jo_tail in N / 4..(N + 3) / 4 {"}));
}

TEST(ScheduleSplit, BySymbolsAndEvenBlocks) {
  Program program = parse(R"(
    func f(A: f32[M, N], B: f32[M, N], S: index) {
      let b = max(1, S)
      for i in 0..M { for j in 0..N { B[i, j] = A[i, j] + 1.0 } }
    })");
  Schedule s(program, "f");
  s.split("j", Factor::symbol("b"), "jo", "ji").split("i", Factor::even(3), "io", "ii");
  s.reorder({"jo", "io", "ji", "ii"});
  for (Sizes sizes : kSizes) {
    for (int64_t size : {0, 1, 4, 100}) {
      sizes["S"] = size;
      expect_same(program, s, sizes, {"B"});
    }
  }
  Diagnostic refused = refusal([&] { s.split("ji", Factor::symbol("S"), "a", "c"); });
  EXPECT_EQ(refused.rule, "bad-factor");
  EXPECT_TRUE(has(refused.message, {"not known to be positive"}));
  EXPECT_TRUE(
      has(refusal([&] { s.split("ji", Factor::symbol("MM"), "a", "c"); }).help, {"S, M, N"}));
}

TEST(ScheduleSplit, PerfectIsProven) {
  Program program = parse("func f(X: f32[64]) { for i in 0..64 { X[i] += 1.0 } }");
  Schedule s(program, "f");
  s.split("i", 16, "o", "v", Tail::Perfect);
  EXPECT_TRUE(has(print(s.function()), {"for o in 0..4", "for v in 0..16"}));
  expect_same(program, s, {});
  Diagnostic refused = refusal([&] { s.split("v", 5, "a", "b", Tail::Perfect); });
  EXPECT_EQ(refused.rule, "illegal-split");
  EXPECT_TRUE(has(refused.message, {"`5`", "`16`", "`v`"}));
  EXPECT_TRUE(has(refused.help, {"guard"}));
}

TEST(ScheduleNames, UnknownAndAmbiguousLoops) {
  Program program = parse(R"(
    func f(A: f32[M]) { for row in 0..M { A[row] = 0.0 } for row in 0..M { A[row] += 1.0 } })");
  Schedule s(program, "f");
  EXPECT_TRUE(has(refusal([&] { s.parallel("rwo"); }).help, {"`row`"}));
  Diagnostic ambiguous = refusal([&] { s.parallel("row"); });
  EXPECT_EQ(ambiguous.rule, "ambiguous-loop");
  EXPECT_EQ(ambiguous.notes.size(), 2u);
  s.parallel("row#2");
  EXPECT_TRUE(has(print(s.function()), {"parallel for row in 0..M {\n    A[row] += 1.0"}));
  for (const char* bad : {"row#3", "row#", "row#x", "", "#1", "row#99999999999999999999"}) {
    EXPECT_EQ(refusal([&] { s.parallel(bad); }).rule, "unknown-loop") << bad;
  }
  EXPECT_EQ(refusal([&] { s.split("row#1", 4, "o", "row"); }).rule, "name-taken");
  EXPECT_EQ(refusal([&] { Schedule(program, "g"); }).rule, "unknown-function");
}

TEST(ScheduleReorder, LegalAndIllegal) {
  Program copy = parse(kCopy);
  Schedule s(copy, "f");
  s.reorder({"j", "i"});
  expect_same_everywhere(copy, s);

  Program skewed = parse(R"(
    func f(A: f32[M, N]) { for i in 1..M { for j in 0..N - 1 { A[i, j] = A[i - 1, j + 1] } } })");
  Schedule wrong(skewed, "f");
  Diagnostic refused = refusal([&] { wrong.reorder({"j", "i"}); });
  EXPECT_EQ(refused.rule, "illegal-reorder");
  EXPECT_TRUE(has(refused.message, {"loop `i` carries"}));
  ASSERT_EQ(refused.notes.size(), 2u);
  EXPECT_TRUE(has(refused.notes[0].message + refused.notes[1].message,
                  {"`A[i, j]` is written", "`A[i - 1, j + 1]` is read"}));
  EXPECT_EQ(refused.notes[0].loc.line, 2u);
  EXPECT_TRUE(wrong.steps().empty()) << "a refused step leaves no trace";

  Program triangle =
      parse("func f(A: f32[M, M]) { for i in 0..M { for j in 0..i { A[i, j] = 0.0 } } }");
  Schedule bounds(triangle, "f");
  EXPECT_TRUE(has(refusal([&] { bounds.reorder({"j", "i"}); }).message, {"depend on `i`"}));

  Program sum = parse(kSum);
  Schedule imperfect(sum, "f");
  Diagnostic nest = refusal([&] { imperfect.reorder({"j", "i"}); });
  EXPECT_TRUE(has(nest.message, {"do not nest perfectly"}));
  EXPECT_TRUE(has(nest.help, {"sink", "fission"}));
  imperfect.sink("j");
  imperfect.reorder({"j", "i"});
  EXPECT_FALSE(imperfect.reassociates());
  expect_same_everywhere(sum, imperfect, {"X"});
}

// What follows a loop goes into a nest of its own; the part with the loop keeps its names.
TEST(ScheduleFission, AfterALoop) {
  Program program = parse(R"(
    func f(A: f32[M, N], X: f32[M]) {
      for i in 0..M { X[i] = 1.0 for j in 0..N { X[i] += A[i, j] } X[i] = max(X[i], 0.5) }
    })");
  Schedule s(program, "f");
  apply_steps(s, "fission i before j suffix _zero fission i after j suffix _top reorder j, i",
              "steps");
  EXPECT_EQ(s.steps()[1].text, "fission i after j suffix _top");
  EXPECT_TRUE(has(print(s.function()),
                  {"for i_zero in 0..M", "for j in 0..N {\n    for i in 0..M {", "for i_top in"}))
      << print(s.function());
  EXPECT_FALSE(s.reassociates());
  expect_same_everywhere(program, s, {"X"});
  Schedule wrong(program, "f");
  EXPECT_TRUE(has(refusal([&] { wrong.fission({"j"}, "i", "_x", true); }).message, {"is not in"}));
  wrong.fission({"i"}, "j", "_top", true);
  Diagnostic refused = refusal([&] { wrong.fission({"i"}, "j", "_x", true); });
  EXPECT_TRUE(has(refused.message, {"nothing stands after loop `j`"}));
}

// A condition between the loops goes inside, and out again where it does not change.
TEST(ScheduleReorder, AroundConditions) {
  Program program = parse(R"(
    func f(A: f32[M, N], X: f32[N]) {
      for z in 0..N { X[z] = 0.0 }
      for j in 0..N { for i in 0..M { if i + j < N { for k in 0..3 { X[j] += A[i, i + j] } } } }
    })");
  Schedule s(program, "f");
  s.reorder({"i", "k", "j"});
  EXPECT_TRUE(has(print(s.function()), {"for i in 0..M", "for k in 0..3", "for j in 0..N",
                                        "if i + j < N {\n          X[j] +="}))
      << print(s.function());
  expect_same_everywhere(program, s, {"X"});
  s.reorder({"k", "j"}).reorder({"j", "k"});
  Schedule back(program, "f");
  back.reorder({"i", "j", "k"});
  EXPECT_TRUE(has(print(back.function()), {"if i + j < N {\n        for k in 0..3"}))
      << print(back.function());
  expect_same_everywhere(program, back, {"X"});

  Program guarded = parse(R"(
    func f(A: f32[M, N], X: f32[N]) {
      for j in 0..N { for i in 0..M { if M > 2 { for k in 0..N / (M - 2) { X[j] += A[i, j] } } } }
    })");
  Schedule wrong(guarded, "f");
  Diagnostic refused = refusal([&] { wrong.reorder({"k", "i"}); });
  EXPECT_EQ(refused.rule, "illegal-reorder");
  EXPECT_TRUE(has(refused.message, {"a condition", "read memory or divide"}));
}

TEST(ScheduleReorder, TellsWhenASumIsReassociated) {
  Program program = parse(R"(
    func f(A: f32[M, N], X: f32[1]) { for i in 0..M { for j in 0..N { X[0] += A[i, j] } } })");
  Schedule s(program, "f");
  s.reorder({"j", "i"});
  EXPECT_TRUE(s.reassociates());
}

TEST(ScheduleFuse, AndSplitAgain) {
  Program program = parse(kCopy);
  Schedule s(program, "f");
  s.fuse("i", "j", "f").split("f", 8, "fo", "fi", Tail::Guard);
  s.parallel("fo");
  expect_same_everywhere(program, s);
  Schedule symbolic(program, "f");
  symbolic.fuse("i", "j", "ij");
  Diagnostic refused = refusal([&] { symbolic.split("ij", Factor::even(8), "a", "b"); });
  EXPECT_EQ(refused.rule, "illegal-split");
  EXPECT_TRUE(has(refused.message, {"fused", "symbol"}));
}

TEST(ScheduleKinds, VectorizeParallelUnroll) {
  Program sum = parse(kSum);
  Schedule s(sum, "f");
  Diagnostic reduction = refusal([&] { s.vectorize("j"); });
  EXPECT_EQ(reduction.rule, "illegal-vectorize");
  EXPECT_TRUE(has(reduction.message, {"`j` is a reduction"}));
  EXPECT_TRUE(has(reduction.notes.at(0).message, {"`X[i]` is updated"}));
  s.parallel("i");
  expect_same_everywhere(sum, s, {"X"});
  EXPECT_EQ(refusal([&] { s.vectorize("i"); }).rule, "illegal-vectorize");

  Program chain = parse("func f(A: f32[M]) { for i in 1..M { A[i] = A[i - 1] + 1.0 } }");
  Schedule carried(chain, "f");
  Diagnostic refused = refusal([&] { carried.parallel("i"); });
  EXPECT_EQ(refused.rule, "illegal-parallel");
  EXPECT_TRUE(
      has(refused.notes.at(0).message + refused.notes.at(1).message, {"`A[i - 1]`", "`A[i]`"}));

  Program copy = parse(kCopy);
  Schedule unrolled(copy, "f");
  EXPECT_EQ(refusal([&] { unrolled.unroll("j"); }).rule, "illegal-unroll");
  unrolled.split("j", 4, "jo", "ji", Tail::Guard).unroll("ji").vectorize("i");
  expect_same_everywhere(copy, unrolled);
}

TEST(ScheduleFission, LegalAndIllegal) {
  Program sum = parse(kSum);
  Schedule s(sum, "f");
  s.fission({"i"}, "j");
  EXPECT_TRUE(has(print(s.function()), {"for i_0 in 0..M"}));
  expect_same_everywhere(sum, s, {"X"});
  Program back = parse(R"(
    func f(A: f32[M, N], X: f32[M]) {
      for i in 0..M - 1 { X[i] = X[i + 1] for j in 0..N { X[i + 1] += A[i, j] } }
    })");
  Schedule wrong(back, "f");
  Diagnostic refused = refusal([&] { wrong.fission({"i"}, "j"); });
  EXPECT_EQ(refused.rule, "illegal-fission");
  EXPECT_EQ(refused.notes.size(), 2u);
  // What stands before the loop stands further in.
  Program deep = parse(R"(
    func f(A: f32[M, N], X: f32[M]) {
      for z in 0..3 { for i in 0..M { X[i] = 1.0 for j in 0..N { X[i] = A[i, j] } } }
    })");
  Schedule outer(deep, "f");
  EXPECT_TRUE(has(refusal([&] { outer.fission({"z"}, "j"); }).help, {"fission z, i before j"}));
}

TEST(ScheduleSink, AnEmptyLoopStillRunsWhatSank) {
  Program program = parse(R"(
    func f(A: f32[M, N], X: f32[M]) {
      for i in 0..M { X[i] = 3.0 for j in 0..N { X[i] = A[i, j] } }
    })");
  Schedule s(program, "f");
  s.sink("j");
  EXPECT_TRUE(has(print(s.function()), {"max(1, N)", "if 0 < N"}));
  expect_same_everywhere(program, s, {"X"});
}

TEST(SchedulePack, GathersPatchesWithPadding) {
  // A convolution: the panel is the matrix of patches of one row of the output, and never a whole
  // one.
  Program program = parse(R"(
    func conv(X: f32[H, W, C], F: f32[3, 3, C, N], Y: f32[H, W, N]) {
      for oh in 0..H { for ow in 0..W { for n in 0..N {
        Y[oh, ow, n] = 0.0
        for kh in 0..3 { for kw in 0..3 { for c in 0..C {
          Y[oh, ow, n] += select(0 <= oh + kh - 1 && oh + kh - 1 < H && 0 <= ow + kw - 1 && ow + kw - 1 < W,
                                 X[oh + kh - 1, ow + kw - 1, c], 0.0) * F[kh, kw, c, n]
        } } }
      } } }
    })");
  Schedule s(program, "conv");
  s.split("ow", 4, "wo", "wi");
  Pack pack;
  pack.buffer = "X";
  pack.at = "oh";
  pack.dims = {"wo", "kh", "kw", "c", "wi"};
  pack.padded = {"wi"};
  pack.name = "patches";
  s.pack(pack);
  EXPECT_TRUE(has(print(s.function()), {"alloc patches: f32[(W + 3) / 4, 3, 3, C, 4]",
                                        "patches[wo, kh, kw, c, wi] * F["}));
  for (Sizes sizes : {Sizes{{"H", 5}, {"W", 7}, {"C", 3}, {"N", 2}},
                      Sizes{{"H", 1}, {"W", 1}, {"C", 1}, {"N", 1}},
                      Sizes{{"H", 4}, {"W", 8}, {"C", 2}, {"N", 3}}}) {
    expect_same(program, s, sizes, {"Y"});
  }
}

TEST(SchedulePack, Refusals) {
  Program program = parse(kSum);
  Schedule s(program, "f");
  Pack pack;
  pack.buffer = "X";
  pack.at = "i";
  pack.dims = {"j"};
  pack.name = "p";
  EXPECT_TRUE(has(refusal([&] { s.pack(pack); }).message, {"`X` is written"}));
  pack.buffer = "AA";
  EXPECT_TRUE(has(refusal([&] { s.pack(pack); }).help, {"A, X"}));
  pack.buffer = "A";
  pack.dims = {"k"};
  EXPECT_EQ(refusal([&] { s.pack(pack); }).rule, "unknown-loop");
  pack.dims = {};
  EXPECT_TRUE(has(refusal([&] { s.pack(pack); }).message, {"depends on `j`"}));
  pack.dims = {"j"};
  pack.padded = {"i"};
  EXPECT_EQ(refusal([&] { s.pack(pack); }).rule, "unknown-loop");
  pack.padded = {};
  s.pack(pack);
  expect_same_everywhere(program, s, {"X"});
}

TEST(ScheduleStage, TileOfTheResult) {
  Program program = parse(R"(
    func f(A: f32[M, N], B: f32[M, N]) {
      for i in 0..M { for j in 0..N { B[i, j] = 0.0 for k in 0..N { B[i, j] += A[i, k] } } }
    })");
  Schedule s(program, "f");
  s.split("i", 4, "io", "ii").split("j", 4, "jo", "ji");
  s.reorder({"io", "jo", "ii", "ji"}).fission({"ii", "ji"}, "k");
  Stage stage;
  stage.buffer = "B";
  stage.at = "jo";
  stage.name = "t";
  s.stage(stage);
  EXPECT_TRUE(has(print(s.function()), {"alloc t: f32[4, 4] align 64 in private", "t.out0"}));
  expect_same_everywhere(program, s);
  s.parallel("io");
  expect_same_everywhere(program, s);
}

TEST(ScheduleStage, WhatIsReadAndBounds) {
  Program program = parse(R"(
    func f(A: f32[M, N], B: f32[M, N]) {
      for i in 1..M - 1 { for j in 0..N { B[i, j] = A[i - 1, j] + A[i, j] + A[i + 1, j] } }
    })");
  Schedule s(program, "f");
  s.split("j", 4, "jo", "ji");
  Stage stage;
  stage.buffer = "A";
  stage.at = "jo";
  stage.name = "rows";
  s.stage(stage);
  EXPECT_TRUE(has(print(s.function()), {"alloc rows: f32[3, 4]", "rows[2, ji]"}));
  expect_same_everywhere(program, s, {});
  stage.buffer = "B";
  stage.name = "line";
  s.stage(stage);
  EXPECT_TRUE(has(print(s.function()), {"alloc line: f32[1, 4]"}));
  expect_same_everywhere(program, s, {});
  Schedule wide(program, "f");
  stage.buffer = "A";
  stage.at = "i";
  Diagnostic refused = refusal([&] { wide.stage(stage); });
  EXPECT_EQ(refused.rule, "illegal-stage");
  EXPECT_TRUE(has(refused.message, {"`N`", "no constant"}));
  stage.space = MemorySpace::Global;
  wide.stage(stage);
  expect_same_everywhere(program, wide, {});
  stage.buffer = "Z";
  EXPECT_EQ(refusal([&] { s.stage(stage); }).rule, "unknown-buffer");
}

TEST(ScheduleStage, RefusesWhatMayBeWrittenInPart) {
  // By a guard, and by a loop that may not run.
  for (const char* body : {"for i in 0..M { for j in 0..4 { if j < N { B[i, j] = A[i, j] } } }",
                           "for i in 0..M { for j in 0..i { B[i, 0] = A[i, j] } }"}) {
    Program program =
        parse(std::string("func f(A: f32[M, 4], B: f32[M, 4], N: index) {") + body + "}");
    Schedule s(program, "f");
    Stage stage;
    stage.buffer = "B";
    stage.at = "i";
    stage.name = "t";
    Diagnostic refused = refusal([&] { s.stage(stage); });
    EXPECT_EQ(refused.rule, "illegal-stage");
    EXPECT_TRUE(has(refused.message, {"is not known to write the whole part"}));
  }
}

TEST(SchedulePragma, PrefetchNamesWhatALaterIterationTouches) {
  Program program = parse(R"(
    intrin tile(a: f32[4, 32] strided, c: f32[4]) {
      for i in 0..4 { for j in 0..32 { c[i] += a[i, j] } }
    }
    func f(A: f32[M, 128], C: f32[M], I: i64[M]) {
      for ib in 0..M / 4 {
        for jb in 0..4 { tile(A[ib * 4..ib * 4 + 4, jb * 32..jb * 32 + 32], C[ib * 4..ib * 4 + 4]) }
      }
      for g in 0..M { C[g] += A[I[g], 0] }
    })");
  Schedule s(program, "f");
  s.pragma_prefetch({"jb", "A", 2, false, 2});
  std::string text = print(s.function());
  // Four rows of two lines of 64 bytes.
  size_t count = 0;
  for (size_t at = text.find("prefetch into l2 A["); at != std::string::npos;
       at = text.find("prefetch into l2 A[", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, 8u) << text;
  EXPECT_TRUE(has(text, {"prefetch into l2 A[ib * 4, (jb + 2) * 32]",
                         "prefetch into l2 A[ib * 4 + 3, jb * 32 + 80]"}));
  s.pragma_prefetch({"ib", "C", 1, true, 1});
  EXPECT_TRUE(has(print(s.function()), {"prefetch write C[(ib + 1) * 4]"}));
  s.pragma_unroll("jb", 2);
  EXPECT_TRUE(has(print(s.function()), {"pragma unroll 2"}));
  EXPECT_EQ(refusal([&] { s.pragma_unroll("jb", 4); }).rule, "bad-pragma");
  Diagnostic refused = refusal([&] { s.pragma_prefetch({"g", "A", 1}); });
  EXPECT_EQ(refused.rule, "bad-pragma");
  EXPECT_TRUE(has(refused.message, {"is read from memory"}));
  expect_same(program, s, {{"M", 12}}, {});
  EXPECT_FALSE(verify(s.program()).has_errors());
}

}  // namespace
}  // namespace inlay::testing
