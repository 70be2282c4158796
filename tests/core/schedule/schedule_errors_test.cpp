// Wrong schedules in a .inlay file: the whole text of what is said.
#include "core/schedule/apply.h"
#include "core/verify/verify.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const std::string kProgram = R"(intrin add4(a: f32[4], b: f32[4], c: f32[4]) {
  for i in 0..4 { c[i] = a[i] + b[i] }
}
func f(A: f32[M, N], B: f32[M, N], S: f32[M], n: index) {
  for i in 0..M {
    for j in 0..N { B[i, j] = A[i, j] * 2.0 }
    for k in 0..N { S[i] += A[i, k] }
  }
  for r in 1..M {
    for c in 1..N { B[r, c] = B[r - 1, c] + B[r, c - 1] }
  }
  for u in 1..M {
    for v in 0..N - 1 { B[u, v] = B[u - 1, v + 1] * 0.5 }
  }
  for x in 0..M {
    for y in 0..N { B[x, y] = A[x, y] }
  }
}
schedule f when n > 0 {
)";

struct Wrong {
  const char* steps;
  const char* said;
};
void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.steps;
}

class WrongSchedule : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongSchedule, IsRefusedWithTheReason) {
  Program program = parse(kProgram + GetParam().steps + "\n}\n");
  ASSERT_FALSE(verify(program).has_errors());
  try {
    apply_schedules(program, Target(), {});
    FAIL() << "was accepted";
  } catch (const CompileError& error) {
    EXPECT_EQ(std::string("\n") + error.what(), GetParam().said);
  }
}

INSTANTIATE_TEST_SUITE_P(Schedule, WrongSchedule,
                         ::testing::Values(Wrong{"  unroll q", R"(
test.inlay:20:3: error: function `f` has no loop `q` [unknown-loop]
 20 |   unroll q
    |   ^
  help: the loops are: i, j, k, r, c, u, v, x, y
test.inlay:4:1: note: this is what the step is about
 4 | func f(A: f32[M, N], B: f32[M, N], S: f32[M], n: index) {
   | ^
)"},
                                           Wrong{"  reorder v, u", R"(
test.inlay:20:3: error: this order turns a dependence round, which loop `u` carries [illegal-reorder]
 20 |   reorder v, u
    |   ^
  help: keep `u` outside, or take the statements apart with fission
test.inlay:12:3: note: this is what the step is about
 12 |   for u in 1..M {
    |   ^
test.inlay:13:25: note: `B[u, v]` is written first
 13 |     for v in 0..N - 1 { B[u, v] = B[u - 1, v + 1] * 0.5 }
    |                         ^
test.inlay:13:35: note: `B[u - 1, v + 1]` is read later
 13 |     for v in 0..N - 1 { B[u, v] = B[u - 1, v + 1] * 0.5 }
    |                                   ^
)"},
                                           Wrong{"  fuse x, y into xy\n  split xy by n into a, b",
                                                 R"(
test.inlay:21:3: error: loop `xy` is divided in the indices of its body, as a fused loop is; by the symbol `n` that can't be analysed [illegal-split]
 21 |   split xy by n into a, b
    |   ^
  help: split it by a number, or split the loops before `fuse`
test.inlay:15:3: note: this is what the step is about
 15 |   for x in 0..M {
    |   ^
)"},
                                           Wrong{"  tensorize y as add4", R"(
test.inlay:20:3: error: loop `y` is not `add4`: loop `y` does not run over `4` iterations [tensorize-mismatch]
 20 |   tensorize y as add4
    |   ^
  expected           | found
  loop i of extent 4 | loop y of extent N
  help: split it by 4
test.inlay:16:5: note: this is what the step is about
 16 |     for y in 0..N { B[x, y] = A[x, y] }
    |     ^
test.inlay:2:3: note: the meaning of `add4`
 2 |   for i in 0..4 { c[i] = a[i] + b[i] }
   |   ^
)"},
                                           Wrong{"  vectorize k", R"(
test.inlay:20:3: error: loop `k` is a reduction: its iterations add to one element [illegal-vectorize]
 20 |   vectorize k
    |   ^
  help: choose a loop over elements of `S`
test.inlay:7:5: note: this is what the step is about
 7 |     for k in 0..N { S[i] += A[i, k] }
   |     ^
test.inlay:7:21: note: `S[i]` is updated first
 7 |     for k in 0..N { S[i] += A[i, k] }
   |                     ^
test.inlay:7:21: note: `S[i]` is updated later
 7 |     for k in 0..N { S[i] += A[i, k] }
   |                     ^
)"},
                                           Wrong{"  parallel r", R"(
test.inlay:20:3: error: iterations of loop `r` depend on each other [illegal-parallel]
 20 |   parallel r
    |   ^
  help: choose another loop, or give each iteration a buffer of its own with stage
test.inlay:9:3: note: this is what the step is about
 9 |   for r in 1..M {
   |   ^
test.inlay:10:21: note: `B[r, c]` is written first
 10 |     for c in 1..N { B[r, c] = B[r - 1, c] + B[r, c - 1] }
    |                     ^
test.inlay:10:31: note: `B[r - 1, c]` is read later
 10 |     for c in 1..N { B[r, c] = B[r - 1, c] + B[r, c - 1] }
    |                               ^
)"}));

}  // namespace
}  // namespace inlay::testing
