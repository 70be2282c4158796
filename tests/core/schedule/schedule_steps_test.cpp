// The text form of steps: the sgemm schedule in it, its own spelling read back, and errors.
#include "core/schedule/steps.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kGemm = R"(
intrin sgemm_tile<mr, nr>(k: index, a: f32[k, mr], b: f32[k, nr], c: f32[mr, nr] strided) {
  for p in 0..k { for i in 0..mr { for j in 0..nr { c[i, j] += a[p, i] * b[p, j] } } }
}
func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";

const char* kSteps = R"(
// Register block and cache blocks.
set mr = 6   set nr = 16
set mc = 144 set kc = 256 set nc = 3072
split k by even(kc) into kb, p
split j by even(nc, nr) into jb, jr
split jr by nr into jp, jj
split i by even(mc, mr) into ib, ir
split ir by mr into ip, ii
sink into kb
reorder jb, kb, ib, jp, ip, ii, jj
fission ii, jj before p
reorder p, ii, jj
pack B at kb as b_packed[jp, p, jj] pad jj
pack A at ib as a_packed[ip, p, ii] pad ii
specialize ip for ii, jj
tensorize p as sgemm_tile<mr, nr>
tensorize p_edge as sgemm_tile<mr, nr> edge pad
hoist b_packed out of kb   hoist b_packed out of jb
hoist a_packed out of ib   hoist a_packed out of kb   hoist a_packed out of jb
peel b_packed.jp for b_packed.jj
peel a_packed.ip for a_packed.ii
split b_packed.p by 8 into strip, b_packed.p8
reorder strip, b_packed.jp, b_packed.p8
)";

TEST(ScheduleSteps, SgemmAndItsOwnSpelling) {
  Program program = parse(kGemm);
  Schedule s(program, "sgemm");
  apply_steps(s, kSteps, "steps", {{"mc", 12}, {"kc", 8}, {"nc", 32}});
  for (const Sizes& sizes :
       {Sizes{{"M", 25}, {"N", 67}, {"K", 19}}, Sizes{{"M", 1}, {"N", 1}, {"K", 0}}}) {
    expect_same(program, s, sizes, {"C"});
  }
  std::string spelled;
  for (const Schedule::Step& step : s.steps()) spelled += step.text + "\n";
  Schedule again(program, "sgemm");
  apply_steps(again, spelled, "again");
  EXPECT_EQ(print(again.function()), print(s.function()));
}

TEST(ScheduleSteps, EveryOtherStep) {
  Program program = parse(R"(
    func f(A: f32[M, N], B: f32[M, N]) { for i in 0..M { for j in 0..N { B[i, j] = A[i, j] } } })");
  for (const char* text :
       {"fuse i, j into f split f by 4 into o, v tail guard unroll v parallel o",
        "split j by 4 into o, v tail peel vectorize v", "split i by N into o, v",
        "stage A at i as t in global align 16", "pragma j unroll 4 pragma i prefetch A ahead 2",
        "split j by 4 into o, v stage A at o as t"}) {
    Schedule s(program, "f");
    try {
      apply_steps(s, text, "steps");
    } catch (const CompileError& error) {
      EXPECT_TRUE(has(error.what(), {"is not known to be positive"})) << error.what();
      continue;
    }
    expect_same(program, s, {{"M", 3}, {"N", 7}}, {"B"});
    std::string spelled;
    for (const Schedule::Step& step : s.steps()) spelled += step.text + "\n";
    Schedule again(program, "f");
    apply_steps(again, spelled, "again");
    EXPECT_EQ(print(again.function()), print(s.function()));
  }
}

TEST(ScheduleSteps, ErrorsNameThePlace) {
  Program program = parse("func f(A: f32[M]) { for i in 0..M { A[i] = 0.0 } }");
  struct Bad {
    const char* text;
    const char* rule;
    const char* message;
    uint32_t line, column;
  };
  for (const Bad& bad :
       {Bad{"splt i by 4 into a, b", "parse", "expected a step, found `splt`", 1, 1},
        Bad{"split i by 4 into a b", "parse", "expected `,`, found `b`", 1, 21},
        Bad{"split i by even(0) into a, b", "bad-factor", "at least one", 1, 17},
        Bad{"split i by even(x) into a, b", "undeclared", "`x` is no parameter", 1, 17},
        Bad{"split i by", "parse", "expected a factor, found the end", 1, 11},
        Bad{"\n  split i by 4 into a, b tail none", "parse", "expected perfect", 2, 31},
        Bad{"split i by 99999999999999999999 into a, b", "parse", "does not fit", 1, 12},
        Bad{"split i by 0 into a, b", "bad-factor", "blocks of 0 iterations", 1, 1},
        Bad{"split i by 9223372036854775807 into a, b", "bad-factor", "can't be split", 1, 1},
        Bad{"split i by even(9223372036854775807) into a, b", "bad-factor", "can't be", 1, 1},
        Bad{"split i by 5000 into a, b tail guard unroll b", "illegal-unroll",
            "at most 4096 are unrolled", 1, 38},
        Bad{"parallel !", "parse", "expected a loop, found `!`", 1, 10},
        Bad{"parallel 4", "parse", "expected a loop, found `4`", 1, 10},
        Bad{"parallel i#0", "parse", "counted from 1", 1, 12},
        Bad{"parallel i }", "parse", "expected a step, found `}`", 1, 12},
        Bad{"stage A at i as t align 3", "bad-alignment", "power of two", 1, 25},
        Bad{"stage A at i as t in cache", "parse", "expected a memory space", 1, 22},
        Bad{"pragma i import c 4", "parse", "expected a path", 1, 19},
        Bad{"pragma i export", "parse", "expected import, unroll or", 1, 10},
        Bad{"pragma i prefetch A ahead 1 into l4", "parse", "expected a cache", 1, 34},
        Bad{"pragma i unroll 0", "bad-pragma", "1 to 1024 times, not 0", 1, 1},
        Bad{"pragma i prefetch B ahead 1", "unknown-buffer", "no buffer `B`", 1, 1},
        Bad{"tensorize i as t edge none", "parse", "expected whole or pad", 1, 23}}) {
    Schedule s(program, "f");
    Diagnostic refused = refusal([&] { apply_steps(s, bad.text, "steps"); });
    EXPECT_EQ(refused.rule, bad.rule);
    EXPECT_TRUE(has(refused.message, {bad.message}));
    EXPECT_EQ(refused.loc.line, bad.line) << bad.text;
    EXPECT_EQ(refused.loc.column, bad.column) << bad.text;
  }
  // A step's own refusal points at the step, and at the loop that it is about.
  Schedule s(program, "f");
  Diagnostic refused =
      refusal([&] { apply_steps(s, "split i by 4 into a, b\n  unroll a", "steps"); });
  EXPECT_EQ(refused.loc.file->path(), "steps");
  EXPECT_EQ(refused.loc.line, 2u);
  EXPECT_EQ(refused.loc.column, 3u);
  ASSERT_FALSE(refused.notes.empty());
  EXPECT_EQ(refused.notes.front().loc.file->path(), "test.inlay");
  EXPECT_EQ(s.steps().size(), 1u);
}

TEST(ScheduleSteps, EveryFaultOfTheTextIsTold) {
  try {
    parse_steps("splt i by 4 into a, b\nreorder a, b\nfuse a\nunroll 4\n", "steps");
    FAIL();
  } catch (const CompileError& error) {
    std::vector<uint32_t> lines;
    for (const Diagnostic& diagnostic : error.diagnostics()) lines.push_back(diagnostic.loc.line);
    EXPECT_EQ(lines, (std::vector<uint32_t>{1, 4, 4})) << error.what();
  }
}

TEST(ScheduleSteps, PrintedAsTheyAreWritten) {
  for (const char* text : {"set mr = 6",
                           "split i#2 by mr into a, b tail peel",
                           "split i by 4 into a, b tail bound",
                           "split i by even(mc, mr) into a.x, b tail guard",
                           "reorder a, b#3, c",
                           "fuse a, b into c",
                           "unroll a",
                           "vectorize a",
                           "parallel a",
                           "bind a#2 to grid(z)",
                           "bind a to lane(x)",
                           "fission a, b before c",
                           "fission a before c suffix _first",
                           "sink into a",
                           "peel a for b",
                           "specialize a for b, c",
                           "hoist a_packed out of b",
                           "inline_call a",
                           "pack A at i as p[a, b.c]",
                           "pack A at i as p[a] pad a align 128 in private",
                           "stage A at i as t align mr in shared",
                           "stage A at i as t pad in private",
                           "stage A at i as t transposed by 4 pitch mr align 16 in shared",
                           "whole a, b#2",
                           "pipeline a",
                           "barrier before a",
                           "barrier after a#2",
                           "tensorize i as t",
                           "tensorize i as t<mr, 16> edge pad",
                           "pragma i unroll mr",
                           "pragma i prefetch A ahead 2",
                           "pragma i prefetch A ahead mr write into l3",
                           "pragma i import c \"k.c\" flags \"-O1\" may_call"}) {
    std::vector<ScheduleStep> steps = parse_steps(text, "steps");
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(print(steps[0]), text);
  }
}

}  // namespace
}  // namespace inlay::testing
