// Wrong steps for GPUs: the whole text of what is said.
#include "core/schedule/steps.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

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

const char* const kGpuProgram =
    R"(func g(A: f32[M, K], B: f32[K, N], C: f32[M, N], V: f32[N], P: i64[M]) {
  for ib in 0..(M + 7) / 8 {
    lane(y) for it in 0..8 {
      lane(x) for jt in 0..8 {
        if ib * 8 + it < M {
          for q in 0..4 { if it * 8 + q < K && jt < N { C[ib * 8 + it, jt] = A[ib * 8 + it, q] } }
        }
        for kb in 0..(K + 3) / 4 {
          for p in 0..min(4, K - kb * 4) {
            if jt < N && ib * 8 + it < M { C[ib * 8 + it, jt] += A[ib * 8 + it, kb * 4 + p] * B[kb * 4 + p, jt] }
          }
        }
        for r in 0..jt { for s in 0..4 { if jt < N && s < N { C[0, jt] += V[s] } } }
        vectorized for v in 0..4 { if N >= 4 { C[jt, v] = V[v] } }
      }
    }
  }
  lane(y) for u in 0..4 {
    C[u, 0] = 0.0
    lane(x) for w in 0..4 { for x in 0..2 { C[u, w + 1] = V[x] } }
  }
  for z in 0..M { for y in 0..min(4, N - z * 4) { C[z, y] = V[y] * f32(P[z] / P[y]) } }
  for a in 0..M { for b in 0..min(4, N - a * 4) { C[a, b] = V[b] } for c in 0..P[a] { C[a, 0] = 1.0 } }
}
)";

class WrongStaging : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongStaging, IsRefusedWithTheReason) {
  Schedule s(parse(kGpuProgram), "g");
  try {
    apply_steps(s, GetParam().steps, "steps");
    FAIL() << "was accepted: " << print(s.function());
  } catch (const CompileError& error) {
    EXPECT_EQ(std::string("\n") + error.what(), GetParam().said);
  }
}

INSTANTIATE_TEST_SUITE_P(Stage, WrongStaging,
                         ::testing::Values(Wrong{"stage C at kb as c in shared", R"(
steps:1:1: error: `C` is written by the workgroup, so that a copy would go stale [illegal-stage]
 1 | stage C at kb as c in shared
   | ^
  help: stage it in private memory, which copies back, or name what is only read
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
test.inlay:6:57: note: `C[ib * 8 + it, jt]` is written first
 6 |           for q in 0..4 { if it * 8 + q < K && jt < N { C[ib * 8 + it, jt] = A[ib * 8 + it, q] } }
   |                                                         ^
test.inlay:10:44: note: `C[ib * 8 + it, jt]` is updated later
 10 |             if jt < N && ib * 8 + it < M { C[ib * 8 + it, jt] += A[ib * 8 + it, kb * 4 + p] * B[kb * 4 + p, jt] }
    |                                            ^
)"},
                                           Wrong{"stage A at q as a in shared", R"(
steps:1:1: error: work-items would not all come to a barrier at loop `q`: the condition `ib * 8 + it < M` (line 5) may differ between them [illegal-stage]
 1 | stage A at q as a in shared
   | ^
  help: do it outside of that, at a loop that all work-items run through alike
test.inlay:6:11: note: this is what the step is about
 6 |           for q in 0..4 { if it * 8 + q < K && jt < N { C[ib * 8 + it, jt] = A[ib * 8 + it, q] } }
   |           ^
)"},
                                           Wrong{"stage V at r as v in shared", R"(
steps:1:1: error: work-items would not all come to a barrier at loop `r`: the bounds of loop `r` (line 13) may differ between them [illegal-stage]
 1 | stage V at r as v in shared
   | ^
  help: do it outside of that, at a loop that all work-items run through alike
test.inlay:13:9: note: this is what the step is about
 13 |         for r in 0..jt { for s in 0..4 { if jt < N && s < N { C[0, jt] += V[s] } } }
    |         ^
)"},
                                           Wrong{"stage V at s as v in shared", R"(
steps:1:1: error: work-items would not all come to a barrier at loop `s`: the bounds of loop `r` (line 13) may differ between them [illegal-stage]
 1 | stage V at s as v in shared
   | ^
  help: do it outside of that, at a loop that all work-items run through alike
test.inlay:13:26: note: this is what the step is about
 13 |         for r in 0..jt { for s in 0..4 { if jt < N && s < N { C[0, jt] += V[s] } } }
    |                          ^
)"},
                                           Wrong{"stage V at v as c in shared", R"(
steps:1:1: error: loop `v` is vectorized, and no place for a barrier [illegal-stage]
 1 | stage V at v as c in shared
   | ^
  help: do it outside of that loop
test.inlay:14:9: note: this is what the step is about
 14 |         vectorized for v in 0..4 { if N >= 4 { C[jt, v] = V[v] } }
    |         ^
)"},
                                           Wrong{"stage V at x as v in shared", R"(
steps:1:1: error: between the lane loops `u` and `w` stands a statement (line 19), which would not be done between two barriers [illegal-stage]
 1 | stage V at x as v in shared
   | ^
  help: bring them together with reorder or fission, before bind
test.inlay:20:29: note: this is what the step is about
 20 |     lane(x) for w in 0..4 { for x in 0..2 { C[u, w + 1] = V[x] } }
    |                             ^
)"},
                                           Wrong{"stage A at it as a in shared", R"(
steps:1:1: error: the lane loop `jt` is inside of loop `it` [illegal-stage]
 1 | stage A at it as a in shared
   | ^
  help: do it at a loop inside of all lane loops
test.inlay:3:5: note: this is what the step is about
 3 |     lane(y) for it in 0..8 {
   |     ^
)"},
                                           Wrong{"stage B at jt as b in shared", R"(
steps:1:1: error: the extent `K` of dimension 0 of `b` is no number, as shared memory needs [illegal-stage]
 1 | stage B at jt as b in shared
   | ^
  help: split the loops inside by numbers
test.inlay:4:7: note: this is what the step is about
 4 |       lane(x) for jt in 0..8 {
   |       ^
)"},
                                           Wrong{"stage A at kb as a by 3 in shared", R"(
steps:1:1: error: a work-item can't copy 3 elements of `A` at once: rows have 4, 16 bytes is most, and neighbours must lie side by side [illegal-stage]
 1 | stage A at kb as a by 3 in shared
   | ^
  help: say by 1, or leave it out
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
)"},
                                           Wrong{"stage A at kb as a by 0 in shared", R"(
steps:1:23: error: this is a number of elements, 1 or more, not 0 [bad-factor]
 1 | stage A at kb as a by 0 in shared
   |                       ^
)"},
                                           Wrong{"stage A at kb as a pitch 3 in shared", R"(
steps:1:1: error: rows of `a` are 4 elements long, a pitch of 3 is too small [illegal-stage]
 1 | stage A at kb as a pitch 3 in shared
   | ^
  help: the pitch is how many elements a row is after the one before
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
)"},
                                           Wrong{"stage V at a as v transposed in shared", R"(
steps:1:1: error: `transposed`, `pitch` and `by` are about what a workgroup copies: into shared memory, at a loop inside of lane loops [illegal-stage]
 1 | stage V at a as v transposed in shared
   | ^
  help: bind first, or use pack, which takes any order
test.inlay:23:3: note: this is what the step is about
 23 |   for a in 0..M { for b in 0..min(4, N - a * 4) { C[a, b] = V[b] } for c in 0..P[a] { C[a, 0] = 1.0 } }
    |   ^
)"},
                                           Wrong{"stage V at b as v pad in global", R"(
steps:1:1: error: `pad` is for a copy in private memory, this one is in global [illegal-stage]
 1 | stage V at b as v pad in global
   | ^
  help: leave it out, or use pack, which fills panels up
test.inlay:23:19: note: this is what the step is about
 23 |   for a in 0..M { for b in 0..min(4, N - a * 4) { C[a, b] = V[b] } for c in 0..P[a] { C[a, 0] = 1.0 } }
    |                   ^
)"},
                                           Wrong{"stage B at kb as b in shared align 3", R"(
steps:1:36: error: an alignment is a power of two of at most 4096, not 3 [bad-alignment]
 1 | stage B at kb as b in shared align 3
   |                                    ^
)"},
                                           Wrong{"pack B at kb as b[p] in shared", R"(
steps:1:1: error: `b` in shared memory would be packed by each work-item of the lane(y) loop `it` [illegal-pack]
 1 | pack B at kb as b[p] in shared
   | ^
  help: stage copies with all work-items; or pack at a loop outside of the lane loops, and bind the loops of the panel
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
)"},
                                           Wrong{"stage B at kb as b by 4 by 4", R"(
steps:1:25: error: the width is given twice [parse]
 1 | stage B at kb as b by 4 by 4
   |                         ^
)"}));

INSTANTIATE_TEST_SUITE_P(Whole, WrongStaging,
                         ::testing::Values(Wrong{"whole z", R"(
steps:1:1: error: the extent `M` of loop `z` is not known to be at most some number [illegal-whole]
 1 | whole z
   | ^
  help: split the loop by a number
test.inlay:22:3: note: this is what the step is about
 22 |   for z in 0..M { for y in 0..min(4, N - z * 4) { C[z, y] = V[y] * f32(P[z] / P[y]) } }
    |   ^
)"},
                                           Wrong{"whole y", R"(
steps:1:1: error: the body of loop `y` divides or shifts by what it reads (line 22), which must not happen beyond its end [illegal-whole]
 1 | whole y
   | ^
  help: make loops whole before tensorize and stage ... in shared
test.inlay:22:19: note: this is what the step is about
 22 |   for z in 0..M { for y in 0..min(4, N - z * 4) { C[z, y] = V[y] * f32(P[z] / P[y]) } }
    |                   ^
)"},
                                           Wrong{"whole b", R"(
steps:1:1: error: beyond the end of loop `b`, `V[b]` would be read (line 23): `V` is no whole copy [illegal-whole]
 1 | whole b
   | ^
  help: stage it in shared memory, or with pad in private memory
test.inlay:23:19: note: this is what the step is about
 23 |   for a in 0..M { for b in 0..min(4, N - a * 4) { C[a, b] = V[b] } for c in 0..P[a] { C[a, 0] = 1.0 } }
    |                   ^
)"},
                                           Wrong{"whole a", R"(
steps:1:1: error: the extent `M` of loop `a` is not known to be at most some number [illegal-whole]
 1 | whole a
   | ^
  help: split the loop by a number
test.inlay:23:3: note: this is what the step is about
 23 |   for a in 0..M { for b in 0..min(4, N - a * 4) { C[a, b] = V[b] } for c in 0..P[a] { C[a, 0] = 1.0 } }
    |   ^
)"},
                                           Wrong{"whole p", R"(
steps:1:1: error: beyond the end of loop `p`, `A[ib * 8 + it, kb * 4 + p]` would be read (line 10): `A` is no whole copy [illegal-whole]
 1 | whole p
   | ^
  help: stage it in shared memory, or with pad in private memory
test.inlay:9:11: note: this is what the step is about
 9 |           for p in 0..min(4, K - kb * 4) {
   |           ^
)"},
                                           Wrong{"whole it", R"(
steps:1:1: error: loop `it` is lane(y) already [illegal-whole]
 1 | whole it
   | ^
  help: make it whole before that step
test.inlay:3:5: note: this is what the step is about
 3 |     lane(y) for it in 0..8 {
   |     ^
)"}));

INSTANTIATE_TEST_SUITE_P(Pipeline, WrongStaging,
                         ::testing::Values(Wrong{"pipeline kb", R"(
steps:1:1: error: no copy for a workgroup is made at the start of loop `kb` [illegal-pipeline]
 1 | pipeline kb
   | ^
  help: stage what it reads in shared memory, at this loop, inside of lane loops
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
)"},
                                           Wrong{"pipeline jt", R"(
steps:1:1: error: loop `jt` is lane(x) [illegal-pipeline]
 1 | pipeline jt
   | ^
  help: pipeline a serial loop, at which buffers were staged in shared memory
test.inlay:4:7: note: this is what the step is about
 4 |       lane(x) for jt in 0..8 {
   |       ^
)"}));

INSTANTIATE_TEST_SUITE_P(Barrier, WrongStaging,
                         ::testing::Values(Wrong{"barrier before ib", R"(
steps:1:1: error: loop `ib` is in no lane loop, where a barrier makes work-items wait [illegal-barrier]
 1 | barrier before ib
   | ^
  help: bind the loops around it to lanes first
test.inlay:2:3: note: this is what the step is about
 2 |   for ib in 0..(M + 7) / 8 {
   |   ^
)"},
                                           Wrong{"barrier after q", R"(
steps:1:1: error: work-items would not all come to a barrier at loop `q`: the condition `ib * 8 + it < M` (line 5) may differ between them [illegal-barrier]
 1 | barrier after q
   | ^
  help: do it outside of that, at a loop that all work-items run through alike
test.inlay:6:11: note: this is what the step is about
 6 |           for q in 0..4 { if it * 8 + q < K && jt < N { C[ib * 8 + it, jt] = A[ib * 8 + it, q] } }
   |           ^
)"},
                                           Wrong{"barrier before kb barrier before kb", R"(
steps:1:19: error: a barrier stands before loop `kb` already [illegal-barrier]
 1 | barrier before kb barrier before kb
   |                   ^
test.inlay:8:9: note: this is what the step is about
 8 |         for kb in 0..(K + 3) / 4 {
   |         ^
)"},
                                           Wrong{"barrier before s", R"(
steps:1:1: error: work-items would not all come to a barrier at loop `s`: the bounds of loop `r` (line 13) may differ between them [illegal-barrier]
 1 | barrier before s
   | ^
  help: do it outside of that, at a loop that all work-items run through alike
test.inlay:13:26: note: this is what the step is about
 13 |         for r in 0..jt { for s in 0..4 { if jt < N && s < N { C[0, jt] += V[s] } } }
    |                          ^
)"},
                                           Wrong{"barrier kb", R"(
steps:1:9: error: expected before or after, found `kb` [parse]
 1 | barrier kb
   |         ^
)"}));

}  // namespace
}  // namespace inlay::testing
