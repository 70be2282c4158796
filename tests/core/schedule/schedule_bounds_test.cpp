// Bounds and indices that read memory or divide: a step may evaluate them once more, later, or
// where the program as it is does not get to; what it can't prove to be the same then is refused.
#include "core/schedule/steps.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

struct Refused {
  const char* body;  ///< of f(I: i64[4], X: f32[N], Y: f32[M], D: index)
  const char* steps;
  const char* rule;
  const char* message;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.steps << " of " << refused.body;
}

Program program_of(const std::string& body) {
  return parse(
      "intrin fill(n: index, x: f32[n]) { for i in 0..n { x[i] = 0.0 } }\n"
      "func f(I: i64[4], X: f32[N], Y: f32[M], D: index) {\n" +
      body + "\n}\n");
}

class RefusedBounds : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedBounds, WithTheReason) {
  Schedule s(program_of(GetParam().body), "f");
  std::map<std::string, int64_t> values;
  Diagnostic said = refusal([&] { apply_steps(s, GetParam().steps, "steps", values); });
  EXPECT_EQ(said.rule, GetParam().rule);
  EXPECT_TRUE(has(said.message, {GetParam().message}));
  EXPECT_FALSE(said.help.empty());
}

INSTANTIATE_TEST_SUITE_P(
    ThatChange, RefusedBounds,
    ::testing::Values(
        Refused{"for i in 0..I[0] { I[0] = 1 X[i] = 2.0 }", "split i by 2 into o, u",
                "illegal-split", "the bound `I[0]` of loop `i` is read from memory that the loop"},
        Refused{"for i in I[1]..5 { X[i] = 2.0 }", "split i by 2 into o, u", "illegal-split",
                "the bound `I[1]` of loop `i` is read from memory"},
        Refused{"for j in 0..2 { for i in 0..I[0] { I[0] = 1 X[i] += 2.0 } }", "fuse j, i into q",
                "illegal-fuse", "of loop `i` is read from memory that the loop writes"},
        Refused{"for j in 0..4 { for i in 0..I[0] { I[j] = 3 } }", "reorder i, j",
                "illegal-reorder", "of loop `i` is read from memory that the loop writes"},
        Refused{"for j in 0..2 { for i in 0..4 { Y[i] = X[I[i] % N] I[i] = 0 } }",
                "pack X at j as x[i]", "illegal-pack", "reads what loop `j` writes"}));

INSTANTIATE_TEST_SUITE_P(
    OfWhatIsNotReached, RefusedBounds,
    ::testing::Values(
        Refused{"for j in 0..N { for i in 0..I[N - 1] { X[i] += 2.0 } }", "fuse j, i into q",
                "illegal-fuse", "it would be evaluated where the loops around it are empty, too"},
        Refused{"for j in 0..D { for i in 0..9 / D { X[j] += 2.0 } }", "fuse j, i into q",
                "illegal-fuse", "divides by what is not known to be above zero"},
        Refused{"for j in 0..D { for i in 0..9 / D { X[j] += 2.0 } }", "reorder i, j",
                "illegal-reorder", "divides by what is not known to be above zero"},
        Refused{"for j in 0..D { let q = 9 / D X[j] = f32(q) }", "hoist q out of j",
                "illegal-hoist", "`9 / D` divides by what is not known to be above zero"},
        Refused{"for j in 0..D { alloc t: f32[9 / D] t[0] = 1.0 X[j] = t[0] }", "hoist t out of j",
                "illegal-hoist", "`9 / D` divides"},
        Refused{"for j in 0..2 { for i in 0..4 { if i < N { Y[i] = X[I[2 * i] % N] } } }",
                "pack X at j as x[i]", "illegal-pack", "out of the bounds"},
        Refused{"for j in 0..2 { if D > 0 { for i in 0..min(4, 9 / D) { Y[i] = X[i] } } }",
                "pack X at j as x[i]", "illegal-pack", "divides by what is not known"},
        Refused{"for j in 0..2 { if D > 0 && 9 / D < N { X[9 / D] += 1.0 } }", "stage X at j as x",
                "illegal-stage", "is not known to be in bounds"},
        Refused{"for j in 0..2 { if D > 0 { for i in 0..min(4, N - 9 / D) { X[i] = 0.0 } } }",
                "specialize j for i", "illegal-specialize",
                "divides by what is not known to be above zero in loop `j`"},
        Refused{"for j in 0..1 { if D > 0 { for i in 0..min(N, 9 / D) { X[i] = 0.0 } } }",
                "tensorize j as fill", "tensorize-mismatch", ""}));

// What they can prove, they do: bounds that nobody writes, divisors that are above zero.
TEST(ScheduleBounds, WhatIsTheSameIsLegal) {
  struct Legal {
    const char *body, *steps;
  };
  for (const Legal& legal : {
           Legal{"for j in 0..3 { for i in 0..I[0] { Y[i] += 2.0 } }",
                 "split i by 2 into o, u tail guard reorder o, j, u"},
           Legal{"for j in 0..N { for i in 0..9 / N { X[j] += 2.0 } }",
                 "split i by even(3) into o, u tail bound"},
           Legal{"for j in 0..D { for i in 0..9 / max(1, D) { Y[i] += 2.0 } }",
                 "fuse j, i into q split q by 4 into o, u"},
           Legal{"for j in 0..2 { for i in 0..9 / max(1, D) { Y[i] += 2.0 } }",
                 "split i by even(3) into o, u hoist i_block out of j"},
           Legal{"Y[0] = 3.0 for j in 0..D { for i in 0..9 / D { for k in 0..D { Y[k] = 1.0 } } }",
                 "sink into j"},
           Legal{"for j in 0..4 { for i in 0..4 { Y[i] += X[I[i] % max(1, N)] } }", "reorder i, j"},
       }) {
    Program program = program_of(legal.body);
    Schedule s(program, "f");
    std::map<std::string, int64_t> values;
    try {
      apply_steps(s, legal.steps, "steps", values);
    } catch (const CompileError& error) {
      std::string said = error.what();
      // The `let` of the last but one stands outside already.
      if (said.find("declares no `i_block`") == std::string::npos) ADD_FAILURE() << said;
    }
    for (int64_t n : {4, 7}) {
      for (int64_t d : {0, 1, 4}) expect_same(program, s, {{"N", n}, {"M", 9}, {"D", d}});
    }
  }
  // Without an iteration around it nothing divides.
  Program program = program_of("for j in 0..N { for i in 0..9 / N { X[j] += 2.0 } }");
  Schedule s(program, "f");
  s.split("i", Factor::even(3), "o", "u");
  expect_same(program, s, {{"N", 0}, {"M", 0}, {"D", 0}});
}

// A panel without `pad` is not written where the original ends; a box of it that is staged may hold
// that part too, which is then copied and read by nobody.
TEST(ScheduleBounds, StagesOfWhatIsWrittenInPart) {
  Program program = parse(R"(func f(A: f32[M, K], B: f32[M, K]) {
    for o in 0..1 { for q in 0..1 { for i in 0..M { for k in 0..K { B[i, k] = A[i, k] * 2.0 } } } }
  })");
  for (const char* steps :
       {"split i by 4 into ib, ii pack A at o as a[ib, ii, k] stage a at q as t in global",
        "split i by 4 into ib, ii split k by 8 into kb, p reorder ib, kb, ii, p "
        "pack A at q as a[ib, kb, ii, p] stage a at ib as t in global",
        "split i by 4 into ib, ii split k by 8 into kb, p reorder ib, kb, ii, p "
        "pack A at q as a[ib, kb, ii, p] stage a at kb as t pad in private",
        "split i by 8 into ib, ir split ir by 2 into it, ii split k by 8 into kb, p "
        "reorder ib, it, kb, ii, p pack A at q as a[ib, kb, it, ii, p] bind ib to grid(x) "
        "bind it to lane(x) stage a at kb as t in shared pipeline kb"}) {
    SCOPED_TRACE(steps);
    Schedule s(program, "f");
    std::map<std::string, int64_t> values;
    apply_steps(s, steps, "steps", values);
    for (int64_t m : {1, 6, 8}) {
      for (int64_t k : {1, 8, 13}) expect_same(program, s, {{"M", m}, {"K", k}}, {"B"});
    }
  }
}

}  // namespace
}  // namespace inlay::testing
