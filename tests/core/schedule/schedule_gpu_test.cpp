// Steps for GPUs: what becomes of the loops, on the interpreter, and what is refused.
#include "core/schedule/steps.h"
#include "core/verify/verify.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kGemm = R"(
func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";

// The nest of a product in which a workgroup computes a block and a work-item a part of it.
const char* kBlocks = R"(
split i by bm into ib, ir   split ir by mr into it, ii
split j by bn into jb, jr   split jr by nr into jt, jj
split k by bk into kb, p
reorder ib, jb, it, jt, ii, jj
fission ii, jj before kb
reorder kb, p, ii, jj
bind ib to grid(y)   bind jb to grid(x)
bind it to lane(y)   bind jt to lane(x)
)";

const StepValues kNumbers{{"bm", 8}, {"bn", 12}, {"bk", 4}, {"mr", 2}, {"nr", 3}};

void expect_sizes(const Program& program, const Schedule& s) {
  for (const Sizes& sizes :
       {Sizes{{"M", 17}, {"N", 25}, {"K", 9}}, Sizes{{"M", 8}, {"N", 12}, {"K", 8}},
        Sizes{{"M", 1}, {"N", 1}, {"K", 1}}, Sizes{{"M", 5}, {"N", 3}, {"K", 0}},
        Sizes{{"M", 0}, {"N", 3}, {"K", 2}}}) {
    expect_same(program, s, sizes, {"C"});
  }
}

TEST(ScheduleGpu, BoundProduct) {
  Program program = parse(kGemm);
  Schedule s(program, "sgemm");
  apply_steps(s, kBlocks, "steps", kNumbers);
  EXPECT_FALSE(s.reassociates());
  EXPECT_FALSE(verify(s.program()).has_errors());
  // Work-items beyond the edge find the loops inside empty: no guard is made.
  std::string text = print(s.function());
  EXPECT_TRUE(has(text, {"grid(y) for ib in 0..(M + 7) / 8", "grid(x) for jb in 0..(N + 11) / 12",
                         "lane(y) for it in 0..4", "lane(x) for jt in 0..4"}));
  EXPECT_EQ(text.find("if "), std::string::npos) << text;
  expect_sizes(program, s);
}

TEST(ScheduleGpu, BindGuardsWhatIsBeyondTheEnd) {
  Program program = parse(R"(
    func f(X: f32[N], Y: f32[N]) { for i in 0..N { Y[i] = X[i] * 2.0 } })");
  Schedule s(program, "f");
  s.split("i", 8, "g", "t").bind("g", ForKind::GridX).bind("t", ForKind::LaneX);
  EXPECT_EQ(s.steps().back().text, "bind t to lane(x)");
  EXPECT_TRUE(has(print(s.function()), {"lane(x) for t in 0..8 {\n      if t < min(8, N - g * 8)"}))
      << print(s.function());
  for (int64_t n : {0, 1, 8, 13}) expect_same(program, s, {{"N", n}}, {"Y"});
}

TEST(ScheduleGpu, BindAroundOtherLoopsAndByThemselves) {
  // Inner first; a lane loop without a grid; a start that is not 0.
  Program program = parse(R"(
    func f(X: f32[12, 5], Y: f32[12, 5]) {
      for i in 2..12 { for j in 0..5 { Y[i, j] = X[i - 1, j] } }
      for i in 0..2 { for j in 0..5 { Y[i, j] = 0.0 } }
    })");
  Schedule s(program, "f");
  apply_steps(s, "bind j#1 to lane(x) bind i#1 to lane(z) bind i#2 to lane(y) vectorize j#2",
              "steps");
  expect_same(program, s, {}, {"Y"});
}

// What was proven of loops one by one is not asked again of what they were fused into.
TEST(ScheduleGpu, BindsParallelLoops) {
  Program program = parse(R"(
    func f(X: f32[L, M, N], Y: f32[L, M, N]) {
      for l in 0..L { for m in 0..M { for n in 0..N { Y[l, m, n] = X[l, m, n] + 1.0 } } }
    })");
  Schedule s(program, "f");
  apply_steps(s, R"(split n by 4 into nb, t
                    parallel l  parallel m  parallel nb
                    fuse l, m into lm  fuse lm, nb into all
                    bind all to grid(x)  bind t to lane(x))",
              "steps");
  expect_same(program, s, {{"L", 3}, {"M", 2}, {"N", 9}}, {"Y"});
}

const char* kStaged = R"(
stage C at jt as c_block pad in private
stage A at kb as a_block transposed pitch 9 in shared
stage B at kb as b_block in shared
whole ii_0, jj_0, ii, jj
)";

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void expect_sound(const Program& program, const Schedule& s) {
  EXPECT_FALSE(s.reassociates());
  Diagnostics faults = verify(s.program());
  EXPECT_FALSE(faults.has_errors()) << render(faults.all());
  std::string spelled;
  for (const Schedule::Step& step : s.steps()) spelled += step.text + "\n";
  Schedule again(program, s.function().name);
  apply_steps(again, spelled, "again");
  EXPECT_EQ(print(again.function()), print(s.function()));
}

TEST(ScheduleGpu, StagedProduct) {
  Program program = parse(kGemm);
  Schedule s(program, "sgemm");
  apply_steps(s, kBlocks, "steps", kNumbers);
  apply_steps(s, kStaged, "steps", kNumbers);
  expect_sound(program, s);
  std::string text = print(s.function());
  // Zeros fill the copies up, so the sum is the same for all work-items.
  EXPECT_TRUE(has(text, {"alloc a_block: f32[4, 8] strides [9, 1] align 64 in shared\n"
                         "      alloc b_block: f32[4, 12] align 64 in shared\n"
                         "      lane(y) for it in 0..4",
                         "for ii in 0..2 {\n                for jj in 0..3"}));
  // One barrier before both copies, and one after.
  EXPECT_EQ(count(text, "barrier"), 2) << text;
  expect_sizes(program, s);
  Diagnostic refused = refusal([&] { s.whole({"p"}); });
  EXPECT_EQ(refused.rule, "illegal-whole");
  EXPECT_TRUE(has(refused.message,
                  {"`c_block[ii, jj]` would be written", "other iterations use that element"}));
  // Two halves: one in the prologue, one in the loop.
  s.pipeline("kb");
  expect_sound(program, s);
  text = print(s.function());
  EXPECT_TRUE(has(text, {"alloc a_block: f32[2, 4, 8] strides [36, 9, 1]",
                         "alloc b_block: f32[2, 4, 12] align"}));
  EXPECT_EQ(count(text, "barrier"), 2) << text;
  expect_sizes(program, s);
}

TEST(ScheduleGpu, WholeAfterPipelineAndLoopsOfTwoLengths) {
  Program program = parse(kGemm);
  Schedule s(program, "sgemm");
  apply_steps(s, kBlocks, "steps", kNumbers);
  apply_steps(s,
              "stage C at jt as c pad in private  stage A at kb as a in shared "
              "stage B at kb as b by 1 pitch 13 in shared  pipeline kb  whole ii_0, jj_0, ii, jj "
              "specialize p for p  unroll ii#1  unroll jj_edge",
              "steps");
  expect_sound(program, s);
  EXPECT_TRUE(has(print(s.function()),
                  {"if 4 <= K - kb * 4 {", "for p in 0..4 {", "for p_edge in 0..K - kb * 4 {"}));
  expect_sizes(program, s);
}

TEST(ScheduleGpu, IntrinsicsTakeSharedAndPrivateOperands) {
  Program program = parse(std::string(R"(
intrin tile<m, n>(k: index, a: f32[k, m] strided, b: f32[k, n] strided, c: f32[m, n]) {
  for p in 0..k { for x in 0..m { for y in 0..n { c[x, y] += a[p, x] * b[p, y] } } }
})") + kGemm);
  Schedule s(program, "sgemm");
  apply_steps(s, kBlocks, "steps", kNumbers);
  apply_steps(s, kStaged, "steps", kNumbers);
  apply_steps(s, "tensorize p as tile<mr, nr>  pipeline kb", "steps", kNumbers);
  expect_sound(program, s);
  EXPECT_TRUE(has(print(s.function()),
                  {"tile<2, 3>(min(4, K - kb * 4), a_block[kb % 2, 0..min(4, K - kb * 4), "
                   "it * 2..it * 2 + 2]"}))
      << print(s.function());
  expect_sizes(program, s);
}

TEST(ScheduleGpu, AccumulatorsThatBeginWithWhatIsThere) {
  Program program = parse(R"(
func f(A: f32[M, K], B: f32[K], C: f32[M]) {
  for i in 0..M { for k in 0..K { C[i] += A[i, k] * B[k] } }
})");
  Schedule s(program, "f");
  apply_steps(s,
              "split i by 6 into ib, ir  split ir by 2 into it, ii  split k by 4 into kb, p "
              "reorder ib, it, kb, p, ii  bind ib to grid(x)  bind it to lane(x) "
              "stage C at it as c pad in private  stage A at kb as a in shared "
              "stage B at kb as b in shared  whole ii  pipeline kb",
              "steps");
  expect_sound(program, s);
  for (int64_t m : {1, 6, 11}) {
    for (int64_t k : {0, 3, 4, 9}) expect_same(program, s, {{"M", m}, {"K", k}});
  }
}

TEST(ScheduleGpu, NoBarrierWhereEachReadsItsOwn) {
  Program program = parse(R"(
func f(X: f32[16, 8], Y: f32[16, 8]) {
  for i in 0..16 { for j in 0..8 { Y[i, j] = X[i, j] * X[i, j] } }
})");
  Schedule s(program, "f");
  apply_steps(s, "bind i to grid(x)  bind j to lane(x)  stage X at j as x in shared", "steps");
  expect_sound(program, s);
  EXPECT_EQ(count(print(s.function()), "barrier"), 0) << print(s.function());
  expect_same(program, s, {}, {"Y"});
  // Of what others have copied each iteration is waited for; the first need not wait for readers.
  program = parse(R"(
func f(X: f32[16, 8], Y: f32[16, 8]) {
  for i in 0..16 { for j in 0..8 { Y[i, j] = X[i, 7 - j] } }
})");
  Schedule reversed(program, "f");
  apply_steps(reversed, "bind i to grid(x)  bind j to lane(x)  stage X at j as x in shared",
              "steps");
  expect_sound(program, reversed);
  EXPECT_EQ(count(print(reversed.function()), "barrier"), 1) << print(reversed.function());
  expect_same(program, reversed, {}, {"Y"});
}

TEST(ScheduleGpu, ReadsThatReachOutOfTheBuffer) {
  // A convolution with its padding: the copy holds zeros outside, whatever block it is.
  Program program = parse(R"(
func f(X: f32[H, W], K: f32[3, 3], Y: f32[H, W]) {
  for h in 0..H { for w in 0..W {
    Y[h, w] = 0.0
    for r in 0..3 { for q in 0..3 {
      Y[h, w] += select(0 <= h + r - 1 && h + r - 1 < H && 0 <= w + q - 1 && w + q - 1 < W,
                        X[h + r - 1, w + q - 1], 0.0) * K[r, q]
    } }
  } }
})");
  Schedule s(program, "f");
  apply_steps(s,
              "split h by 8 into hb, hr  split hr by 2 into ht, hh "
              "split w by 8 into wb, wr  split wr by 2 into wt, ww "
              "reorder hb, wb, ht, wt, hh, ww  fission hh, ww before r  reorder r, q, hh, ww "
              "bind hb to grid(y)  bind wb to grid(x)  bind ht to lane(y)  bind wt to lane(x) "
              "stage Y at wt as y pad in private  stage X at wt as x in shared "
              "stage K at wt as k in shared  whole hh_0, ww_0, hh, ww",
              "steps");
  expect_sound(program, s);
  // 100 elements of x for 16 work-items; the loop at which they are copied runs once.
  EXPECT_EQ(count(print(s.function()), "barrier"), 1) << print(s.function());
  EXPECT_TRUE(has(print(s.function()), {"alloc x: f32[10, 10]"}));
  for (int64_t h : {1, 8, 13}) {
    for (int64_t w : {2, 16, 9}) expect_same(program, s, {{"H", h}, {"W", w}}, {"Y"});
  }
}

TEST(ScheduleGpu, CopiesOfOtherTypesAndRanks) {
  Program program = parse(R"(
func f(X: i16[N, 3, 4], Y: i16[N, 3]) {
  for n in 0..N { for c in 0..3 { Y[n, c] = 0 for k in 0..4 { Y[n, c] += X[n, c, k] } } }
})");
  for (const char* layout : {"", "transposed", "transposed pitch 5", "by 2 align 8", "by 1"}) {
    Schedule s(program, "f");
    apply_steps(
        s,
        std::string("split n by 4 into g, t  split t by 2 into l, two  reorder g, l, c, two "
                    "bind g to grid(x)  bind l to lane(x)  stage X at c as x ") +
            layout + " in shared",
        "steps");
    SCOPED_TRACE(layout);
    expect_sound(program, s);
    for (int64_t n : {1, 4, 7}) expect_same(program, s, {{"N", n}}, {"Y"});
  }
}

TEST(ScheduleGpu, BarrierWhereOneIsWanted) {
  Program program = parse(R"(
func f(X: f32[4, 8], Y: f32[4, 8]) {
  for j in 0..8 { for i in 0..4 { Y[i, j] = X[i, j] } for k in 0..4 { Y[k, j] *= 2.0 } }
})");
  Schedule s(program, "f");
  s.bind("j", ForKind::LaneX).barrier("k").barrier("i");
  EXPECT_EQ(s.steps()[1].text, "barrier before k");
  s.barrier("k", true);
  EXPECT_EQ(s.steps().back().text, "barrier after k");
  expect_sound(program, s);
  expect_same(program, s, {}, {"Y"});
}

}  // namespace
}  // namespace inlay::testing
