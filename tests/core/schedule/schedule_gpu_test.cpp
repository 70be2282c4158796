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

struct Wrong {
  const char* steps;
  const char* said;
};
void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.steps;
}

const char* kProgram = R"(func f(A: f32[M, N], B: f32[M, N], S: f32[M], n: index) {
  assert n > 0, "n"
  for i in 0..M {
    for j in 0..N { B[i, j] = A[i, j] * 2.0 }
    for k in 0..8 { S[i] += A[i, k] }
  }
  for r in 1..8 { B[r, 0] = B[r - 1, 0] }
  for x in 0..4 {
    alloc q: f32[4] in private
    for y in 0..4 { q[y] = 1.0 }
    for z in 0..4 { B[x, z] = q[z] }
  }
  for u in 0..4 {
    alloc s: f32[4] in shared
    lane(x) for v in 0..4 {
      s[v] = 1.0
      barrier
      B[v, u] = s[3 - v]
    }
  }
  for w in 0..4 { assert n > w, "w" B[w, w] = 0.0 }
}
)";

class WrongGpuSteps : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongGpuSteps, AreRefusedWithTheReason) {
  Schedule s(parse(kProgram), "f");
  try {
    apply_steps(s, GetParam().steps, "steps");
    FAIL() << "was accepted";
  } catch (const CompileError& error) {
    EXPECT_EQ(std::string("\n") + error.what(), GetParam().said);
  }
}

INSTANTIATE_TEST_SUITE_P(Bind, WrongGpuSteps,
                         ::testing::Values(Wrong{"bind i to lane(x)", R"(
steps:1:1: error: the extent `M` of loop `i` is no number, but a workgroup has a fixed size [illegal-bind]
 1 | bind i to lane(x)
   | ^
  help: split it by a number, bind the outer loop to the grid and the inner one to lane(x)
test.inlay:3:3: note: this is what the step is about
 3 |   for i in 0..M {
   |   ^
)"},
                                           Wrong{"bind i to grid(x) bind j to grid(x)", R"(
steps:1:19: error: the grid(x) loop `j` would stand inside the grid(x) loop `i` [illegal-bind]
 1 | bind i to grid(x) bind j to grid(x)
   |                   ^
  help: each dimension is used once in a nest: choose another one
test.inlay:4:5: note: this is what the step is about
 4 |     for j in 0..N { B[i, j] = A[i, j] * 2.0 }
   |     ^
)"},
                                           Wrong{"bind k to lane(x) bind i to grid(y)", R"(
steps:1:1: error: loop `k` is a reduction: its iterations add to one element [illegal-bind]
 1 | bind k to lane(x) bind i to grid(y)
   | ^
  help: choose a loop over elements of `S`
test.inlay:5:5: note: this is what the step is about
 5 |     for k in 0..8 { S[i] += A[i, k] }
   |     ^
test.inlay:5:21: note: `S[i]` is updated first
 5 |     for k in 0..8 { S[i] += A[i, k] }
   |                     ^
test.inlay:5:21: note: `S[i]` is updated later
 5 |     for k in 0..8 { S[i] += A[i, k] }
   |                     ^
)"},
                                           Wrong{"bind r to grid(x)", R"(
steps:1:1: error: iterations of loop `r` depend on each other [illegal-bind]
 1 | bind r to grid(x)
   | ^
  help: choose another loop, or give each iteration a buffer of its own with stage
test.inlay:7:3: note: this is what the step is about
 7 |   for r in 1..8 { B[r, 0] = B[r - 1, 0] }
   |   ^
test.inlay:7:19: note: `B[r, 0]` is written first
 7 |   for r in 1..8 { B[r, 0] = B[r - 1, 0] }
   |                   ^
test.inlay:7:29: note: `B[r - 1, 0]` is read later
 7 |   for r in 1..8 { B[r, 0] = B[r - 1, 0] }
   |                             ^
)"},
                                           Wrong{"bind x to lane(y) bind y to grid(x)", R"(
steps:1:19: error: the grid(x) loop `y` would stand inside the lane(y) loop `x` [illegal-bind]
 1 | bind x to lane(y) bind y to grid(x)
   |                   ^
  help: grid loops stand around all others that run at once
test.inlay:10:5: note: this is what the step is about
 10 |     for y in 0..4 { q[y] = 1.0 }
    |     ^
)"},
                                           Wrong{"bind y to lane(x)", R"(
steps:1:1: error: `q` in private memory is allocated outside of loop `y`, but each work-item has its own [illegal-bind]
 1 | bind y to lane(x)
   | ^
  help: stage it at a loop inside `y`, or in another memory space
test.inlay:10:5: note: this is what the step is about
 10 |     for y in 0..4 { q[y] = 1.0 }
    |     ^
)"},
                                           Wrong{"bind u to lane(y)", R"(
steps:1:1: error: a barrier stands in loop `u` (line 17), which makes the work-items of the lane loops that are there wait for each other [illegal-bind]
 1 | bind u to lane(y)
   | ^
  help: bind all lane loops before stage ... in shared
test.inlay:13:3: note: this is what the step is about
 13 |   for u in 0..4 {
    |   ^
)"},
                                           Wrong{"bind w to grid(x)", R"(
steps:1:1: error: an assert or volatile assembly in loop `w` (line 21) fixes the order [illegal-bind]
 1 | bind w to grid(x)
   | ^
  help: move it out of the loop
test.inlay:21:3: note: this is what the step is about
 21 |   for w in 0..4 { assert n > w, "w" B[w, w] = 0.0 }
    |   ^
)"},
                                           Wrong{"vectorize j bind j to grid(x)", R"(
steps:1:13: error: loop `j` is vectorized already [illegal-bind]
 1 | vectorize j bind j to grid(x)
   |             ^
test.inlay:4:5: note: this is what the step is about
 4 |     for j in 0..N { B[i, j] = A[i, j] * 2.0 }
   |     ^
)"},
                                           Wrong{"parallel i bind j to grid(x)", R"(
steps:1:12: error: the grid(x) loop `j` would stand inside the parallel loop `i` [illegal-bind]
 1 | parallel i bind j to grid(x)
   |            ^
  help: grid loops stand around all others that run at once
test.inlay:4:5: note: this is what the step is about
 4 |     for j in 0..N { B[i, j] = A[i, j] * 2.0 }
   |     ^
)"},
                                           Wrong{"parallel x bind y to lane(x)", R"(
steps:1:12: error: the lane(x) loop `y` would stand inside the parallel loop `x` [illegal-bind]
 1 | parallel x bind y to lane(x)
   |            ^
  help: lane loops stand directly inside of grid or serial loops
test.inlay:10:5: note: this is what the step is about
 10 |     for y in 0..4 { q[y] = 1.0 }
    |     ^
)"},
                                           Wrong{"parallel j bind i to grid(x)", R"(
steps:1:12: error: the parallel loop `j` would stand inside the grid(x) loop `i` [illegal-bind]
 1 | parallel j bind i to grid(x)
   |            ^
  help: a GPU has no threads inside of work-items: bind that loop too
test.inlay:3:3: note: this is what the step is about
 3 |   for i in 0..M {
   |   ^
)"},
                                           Wrong{"bind i to grid(x) parallel j", R"(
steps:1:19: error: the parallel loop `j` would stand inside the grid(x) loop `i` [illegal-parallel]
 1 | bind i to grid(x) parallel j
   |                   ^
  help: a GPU has no threads inside of work-items: bind that loop too
test.inlay:4:5: note: this is what the step is about
 4 |     for j in 0..N { B[i, j] = A[i, j] * 2.0 }
   |     ^
)"},
                                           Wrong{"bind i to lane", R"(
steps:1:15: error: expected `(`, found the end of the file [parse]
 1 | bind i to lane
   |               ^
)"},
                                           Wrong{"bind i to block(x)", R"(
steps:1:11: error: expected grid(x|y|z) or lane(x|y|z), found `block` [parse]
 1 | bind i to block(x)
   |           ^
)"}));

}  // namespace
}  // namespace inlay::testing
