// `schedule` items: which one is chosen, what its numbers are, and what becomes of the function.
#include "core/schedule/apply.h"

#include "core/ir/equal.h"
#include "core/verify/verify.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

Target target_of(const std::string& arch, std::set<std::string> features) {
  Target target;
  target.spec = target.arch = arch;
  target.features = std::move(features);
  return target;
}
const Target kAvx2 = target_of("x86_64", {"avx", "avx2", "fma"});
const Target kAvx512 = target_of("x86_64", {"avx", "avx2", "fma", "avx512f"});
const Target kArm = target_of("aarch64", {"neon"});

const std::string kFill = R"(
param grain = 3
func f(A: f32[M], n: index) {
  for i in 0..M { A[i] = f32(i) }
}
)";

std::string scheduled(const std::string& schedules, const Target& target,
                      const ParamValues& overrides = {}) {
  Program program = parse(kFill + schedules);
  verify(program).throw_if_errors();
  ScheduledProgram result = apply_schedules(program, target, overrides);
  for (int64_t size : {0, 1, 7, 40}) {
    Sizes sizes{{"M", size}, {"n", 2}};
    Program before = bind_params(program, &target, overrides);
    EXPECT_EQ(run(result.program, "f", sizes, {"A"}), run(before, "f", sizes, {"A"}))
        << print(result.program);
  }
  return print(result.program);
}

std::vector<Diagnostic> faults(const std::string& text) {
  ParseResult parsed = parse_program(text, "test.inlay");
  if (parsed.diagnostics.has_errors()) return parsed.diagnostics.all();
  Diagnostics found = verify(parsed.program);
  if (found.has_errors()) return found.all();
  try {
    apply_schedules(parsed.program, kAvx2, {});
  } catch (const CompileError& error) {
    return error.diagnostics();
  }
  return {};
}

TEST(ScheduleItem, BranchesHaveTheirOwnRequirements) {
  std::string text = scheduled(R"(
    schedule f when M > 8 { require vgprs <= 32 for amdgpu  require lds == 0  split i by 2 into o, v }
    schedule f when 1 > 2 { require vgprs <= 33 }
    schedule f { require vgprs <= 64 })",
                               kAvx2);
  EXPECT_TRUE(has(text, {"if M > 8 {\n    require vgprs <= 32 for amdgpu\n    require lds == 0\n"
                         "    for o in",
                         "} else {\n    require vgprs <= 64\n    for i in"}))
      << text;
  EXPECT_FALSE(has(text, {"33"}));
  // What the function itself requires stays, in each branch.
  Program program = parse(R"(
func g(A: f32[M]) { require lds == 0 for i in 0..M { A[i] = 0.0 } }
schedule g when M > 4 { require vgprs <= 64  split i by 2 into o, v }
schedule g { require sgprs < 9; require spills == 0  split i by 4 into o, v })");
  EXPECT_TRUE(
      has(print(apply_schedules(program, kAvx2, {}).program),
          {"if M > 4 {\n    require vgprs <= 64\n    require lds == 0\n    for o in",
           "} else {\n    require sgprs < 9\n    require spills == 0\n    require lds == 0\n"
           "    for o in"}));
}

TEST(ScheduleItem, TheMostSpecificRowThatFits) {
  std::string rows = R"(
    schedule f { split i by 2 into any_o, any_v }
    schedule f for x86_64(avx2, fma) { split i by 8 into avx2_o, avx2_v }
    schedule f for x86_64(avx512f, avx2, fma) { split i by 16 into avx512_o, avx512_v }
    schedule f for x86_64 { split i by 4 into x86_o, x86_v })";
  EXPECT_TRUE(has(scheduled(rows, kAvx512), {"for avx512_o"}));
  EXPECT_TRUE(has(scheduled(rows, kAvx2), {"for avx2_o"}));
  EXPECT_TRUE(has(scheduled(rows, target_of("x86_64", {})), {"for x86_o"}));
  EXPECT_TRUE(has(scheduled(rows, kArm), {"for any_o"}));
  std::string text = scheduled("schedule f for aarch64 { split i by 4 into o, v }", kAvx2);
  EXPECT_TRUE(has(text, {"for i in"})) << "as it is written";
}

TEST(ScheduleItem, Numbers) {
  std::string item = R"(
    schedule f (by = 2 * grain, twice = by * 2) {
      set four = 4
      split i by twice into o, r  split r by four into s, v
    })";
  EXPECT_TRUE(has(scheduled(item, kAvx2), {"min(12, ", "min(4, "}));
  EXPECT_TRUE(has(scheduled(item, kAvx2, {{"grain", 5}}), {"min(20, "}));
  EXPECT_TRUE(has(scheduled(item, kAvx2, {{"by", 8}}), {"min(16, "}));
  EXPECT_TRUE(has(scheduled(item, kAvx2, {{"four", 3}}), {"min(12, ", "min(3, "}));
  // One function's alone wins.
  EXPECT_TRUE(has(scheduled(item, kAvx2, {{"by", 8}, {"f.by", 9}}), {"min(18, "}));
  Program program = parse(kFill + item);
  ScheduledProgram result = apply_schedules(program, kAvx2, {{"twice", 5}});
  ASSERT_EQ(result.applied.size(), 1u);
  using Values = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(result.applied[0].values, (Values{{"by", 6}, {"twice", 5}, {"four", 4}}));
  EXPECT_EQ(result.applied[0].steps.size(), 2u);
  for (const char* name : {"b", "g.by", "f.grain"}) {
    Diagnostic refused = refusal([&] { apply_schedules(program, kAvx2, {{name, 1}}); });
    EXPECT_EQ(refused.rule, "unknown-param");
    EXPECT_TRUE(has(refused.message, {std::string("no parameter `") + name + "`"}));
  }
}

TEST(ScheduleItem, ConditionsAreTestedInOrder) {
  std::string text = scheduled(R"(
    schedule f for x86_64(avx2) (small = 8) when M <= small && n > 1 { unroll i }
    )",
                               kArm);
  EXPECT_FALSE(has(text, {"if"}));
  // The condition is known: the loop divides evenly where M is a multiple of 4.
  text = scheduled(R"(
    schedule f (by = 4) when M % by == 0 && M > 0 { split i by by into whole, v tail perfect }
    schedule f for x86_64(avx2) (small = 8) when M <= small { split i by 8 into tiny, tiny_v }
    schedule f when M > 20 { split i by 20 into large, large_v }
    schedule f { split i by 7 into general, general_v })",
                   kAvx2);
  EXPECT_TRUE(has(text, {"if M <= 8 {", "for tiny in", "} else if M % 4 == 0 && M > 0 {",
                         "for whole in", "else if", "for large in", "} else {", "for general in"}))
      << text;
  text = scheduled("schedule f when M > 20 { split i by 20 into large, large_v }", kAvx2);
  EXPECT_TRUE(has(text, {"if ", "for large in", "} else {", "for i in 0..M"})) << text;
  // Numbers may switch a branch off.
  text = scheduled(R"(
    schedule f (wide = 0) when wide == 1 && M > 20 { split i by 20 into large, large_v }
    schedule f { split i by 7 into general, general_v })",
                   kAvx2);
  EXPECT_FALSE(has(text, {"if"})) << text;
  EXPECT_TRUE(has(text, {"for general in"})) << text;
  // So may numbers that contradict each other; its steps are not asked whether they are legal.
  const char* between = R"(
    schedule f (least = 8, most = 20) when M > least && M <= most {
      split i by 8 into some, some_v
      parallel some
    }
    schedule f { split i by 7 into general, general_v })";
  EXPECT_TRUE(has(scheduled(between, kAvx2), {"if M > 8 && M <= 20 {", "parallel for some in"}));
  text = scheduled(between, kAvx2, {{"least", 20}});
  EXPECT_FALSE(has(text, {"if"})) << text;
  EXPECT_TRUE(has(text, {"for general in"})) << text;
}

TEST(ScheduleItem, WhatAConditionSaysIsProven) {
  std::string perfect = "{ split i by 4 into o, v tail perfect }";
  std::vector<Diagnostic> refused = faults(kFill + "schedule f " + perfect);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].rule, "illegal-split");
  EXPECT_TRUE(faults(kFill + "schedule f when M == 4 * n " + perfect).empty());
}

TEST(ScheduleItem, RefusalsPointAtTheStep) {
  std::vector<Diagnostic> refused = faults(kFill +
                                           "schedule f {\n  split i by 4 into o, v\n"
                                           "  reorder o, x\n}");
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].rule, "unknown-loop");
  EXPECT_EQ(refused[0].loc.file->path(), "test.inlay");
  EXPECT_EQ(refused[0].loc.line, 8u);
  EXPECT_EQ(refused[0].loc.column, 3u);
}

TEST(ScheduleItem, Faults) {
  struct Bad {
    const char* text;
    const char* rule;
    const char* message;
  };
  for (const Bad& bad :
       {Bad{"schedule g { unroll i }", "undeclared", "function `g` is not declared"},
        Bad{"schedule f for { }", "parse", "expected an architecture"},
        Bad{"schedule f (a = 1, a = 2) { }", "redeclared", "`a` is declared already"},
        Bad{"schedule f (grain = 1) { }", "redeclared", "`grain` is declared already"},
        Bad{"schedule f (a = M) { }", "constant", "is not known when compiling"},
        Bad{"schedule f (a = b, b = 1) { }", "undeclared", "`b` is not declared"},
        Bad{"schedule f (a = 1.5) { }", "type-mismatch", "is an index"},
        Bad{"schedule f (a = 1 / (grain - 3)) { }", "constant", "can't be computed"},
        Bad{"schedule f when M { }", "type-mismatch", "a condition is a bool"},
        Bad{"schedule f when A[0] > 1.0 { }", "bad-condition", "an element of a buffer"},
        Bad{"schedule f when 8 / M == 1 { }", "bad-condition", "divides by what is not known"},
        Bad{"schedule f when M % 2 == 0 && 8 % M == 0 { }", "bad-condition", "`f` is called"},
        Bad{"schedule f when q > 1 { }", "undeclared", "`q` is not declared"},
        Bad{"schedule f { set grain = 4 }", "redeclared", "has a value already"},
        Bad{"schedule f { set a = b }", "undeclared", "`b` is no parameter"},
        Bad{"schedule f { split i by even(q) into a, b }", "undeclared", "`q` is no parameter"},
        Bad{"schedule f { stage A at i as t align q }", "undeclared", "`q` is no parameter"},
        Bad{"schedule f { split i by q into a, b }", "bad-factor", "no variable `q`"},
        Bad{"schedule f { unroll i ", "parse", "expected a step or `}`"},
        Bad{"schedule f { } schedule f { }", "duplicate-row", "is never chosen"},
        Bad{"schedule f { } schedule f for any when M > 1 { }", "duplicate-row", "never chosen"}}) {
    std::vector<Diagnostic> found = faults(kFill + bad.text);
    ASSERT_EQ(found.size(), 1u) << bad.text << "\n" << render(found);
    EXPECT_EQ(found[0].rule, bad.rule) << bad.text;
    EXPECT_TRUE(has(found[0].message, {bad.message})) << bad.text << "\n" << found[0].message;
  }
  EXPECT_EQ(faults("schedule f { } func f(n: index) { }")[0].rule, "undeclared");
  // Two conditions, and two targets, are two schedules.
  EXPECT_TRUE(faults(kFill + "schedule f when M > 9 { } schedule f when M > 3 { } schedule f { }"
                             "schedule f for x86_64 { } schedule f for x86_64(avx2) { }")
                  .empty());
  // What is asked first holds for what is asked then.
  EXPECT_TRUE(faults(kFill + "schedule f when M > 0 && 8 / M == 1 { }"
                             "schedule f when M < 1 || 8 % M == 0 { }")
                  .empty());
}

TEST(ScheduleItem, IsPrintedAsItIsWritten) {
  std::string text = R"(param grain = 3

func f(A: f32[M], n: index) {
  for i in 0..M {
    A[i] = 0.0
  }
}

schedule f for x86_64(avx2, fma) (by = 4 * grain, more = by + 1) when M <= by && n > 0 {
  set four = 4
  split i by even(by, four) into o, v tail bound
  pragma o import c "k.c"
}

schedule f for aarch64 (by = 2) {
  split i by by into o, v tail guard
}

schedule f {
}
)";
  Program program = parse(text);
  EXPECT_EQ(print(program), text);
  EXPECT_TRUE(verify(program).all().empty()) << render(verify(program).all());
  EXPECT_TRUE(equal(program, parse(print(program))));
  size_t at = 0;
  // Every other number, name or word makes another program.
  for (const char* from :
       {"4 * grain", "M <= by", "= 4\n", "even(by", "k.c", "(by = 2)", "guard"}) {
    std::string other = text;
    at = other.find(from);
    ASSERT_NE(at, std::string::npos);
    static const std::map<std::string, std::string> swaps = {
        {"4 * grain", "5 * grain"}, {"M <= by", "M < by"}, {"= 4\n", "= 5\n"},
        {"even(by", "even(more"},   {"k.c", "l.c"},        {"(by = 2)", "(by = 3)"},
        {"guard", "peel"}};
    other.replace(at, std::string(from).size(), swaps.at(from));
    EXPECT_FALSE(equal(program, parse(other))) << other;
  }
}

TEST(ScheduleItem, FactsOfTheTarget) {
  Target target = kAvx2;
  target.caches[0] = {32 << 10, 8};
  target.caches[1] = {512 << 10, 8};
  target.caches[2] = {4 << 20, 16};
  target.vector_bits = 256;
  target.vector_registers = 16;
  Program program = parse(kFill + R"(
    schedule f (l = target.l2 / 4 + target.line, v = target.vector_bytes / 4) when M > target.cores {
      split i by even(l, v) into o, r
    })");
  ScheduledProgram result = apply_schedules(program, target, {});
  using Values = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(result.applied[0].values, (Values{{"l", (128 << 10) + 64}, {"v", 8}}));
  EXPECT_EQ(result.applied[0].facts, (Values{{"target.l2", 512 << 10},
                                             {"target.line", 64},
                                             {"target.vector_bytes", 32},
                                             {"target.cores", 1}}));
  EXPECT_TRUE(verify(program).all().empty());
  EXPECT_TRUE(equal(program, parse(print(program)))) << print(program);
  EXPECT_EQ(faults(kFill + "schedule f (a = target.l4) { }")[0].help,
            "did you mean `target.l1`, `target.l2`, `target.l3`?");
  EXPECT_EQ(faults("param target.l2 = 4")[0].rule, "reserved-name");
  // Functions know nothing of the machine.
  EXPECT_EQ(faults("func g(A: f32[M]) { A[target.l1] = 0.0 }")[0].rule, "undeclared");
}

TEST(ScheduleItem, TargetsThatTheyCannotTellApart) {
  Target one = target_of("amdgpu", {"gfx9", "gfx900"}),
         other = target_of("amdgpu", {"gfx9", "gfx906"});
  auto alike = [&](const std::string& text) {
    Program program = parse(text);
    bool same = are_scheduled_alike(program, one, other, {});
    EXPECT_EQ(same, print(apply_schedules(program, one, {}).program) ==
                        print(apply_schedules(program, other, {}).program))
        << text;
    return same;
  };
  const std::string general = "schedule f for amdgpu(gfx9) { split i by grain into o, v }";
  EXPECT_TRUE(alike(kFill + general));
  EXPECT_FALSE(
      alike(kFill + general + "schedule f for amdgpu(gfx9, gfx906) { split i by 8 into o, v }"));
  std::string by_row = kFill + general;
  by_row.replace(by_row.find("grain = 3"), 9, "grain = 3 { amdgpu(gfx906): 5 }");
  EXPECT_FALSE(alike(by_row));
  one.caches[1] = {512 << 10, 8};
  other.caches[1] = {1 << 20, 16};
  EXPECT_FALSE(alike(kFill + "schedule f (s = target.l2 / 64) { split i by s into o, v }"));
}

TEST(ScheduleItem, TheModelOfCacheBlocks) {
  Program program = parse(kFill + R"(
    schedule f (nr = blis.nr(8), mr = blis.mr(nr, 8), kc = blis.kc(mr, nr, 8),
                mc = blis.mc(nr, kc, 8), nc = blis.nc(mc, kc, 8)) { })");
  EXPECT_TRUE(equal(program, parse(print(program)))) << print(program);
  auto blocks = [&](const Target& target) {
    std::vector<int64_t> values;
    auto applied = apply_schedules(program, target, {}).applied;
    for (auto& [name, value] : applied.at(0).values) {
      values.push_back(value);
    }
    return values;
  };
  // Worked by hand: four lanes and ten multiply-adds in flight ask for two vectors by five rows. Of
  // L1's eight ways one is for C, two for A: 2 * 4096 / (5 * 8). Of L2's eight one is for C, one
  // for 204 x 8 of B, six for A: 6 * 32768 / (204 * 8). Of L3's sixteen likewise fourteen for B.
  Target haswell = kAvx2;
  haswell.caches[0] = {32 << 10, 8};
  haswell.caches[1] = {256 << 10, 8};
  haswell.caches[2] = {4 << 20, 16};
  haswell.vector_bits = 256;
  haswell.fma_latency = 5;
  EXPECT_EQ(blocks(haswell), (std::vector<int64_t>{8, 5, 204, 120, 2248}));
  haswell.caches[2] = {};
  EXPECT_EQ(blocks(haswell).back(), 4096);
  // A target of which nothing is known still gets numbers.
  for (int64_t value : blocks(target_of("any", {}))) EXPECT_GE(value, 1);
  EXPECT_EQ(faults(kFill + "schedule f (a = blis.mc(1)) { }")[0].rule, "type-mismatch");
  EXPECT_EQ(faults(kFill + "schedule f (a = blis.nr(1 + 1)) { }")[0].rule, "type-mismatch");
  EXPECT_EQ(faults(kFill + "schedule f (a = blis.ld(1)) { }")[0].rule, "undeclared");
}

}  // namespace
}  // namespace inlay::testing
