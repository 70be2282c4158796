// Barriers: which accesses of work-items they keep apart, and what the verifier says where they
// don't; random programs against the interpreter, which runs them.
#include "core/analysis/barriers/barriers.h"

#include <random>

#include "core/interp/interp.h"
#include "core/verify/verify.h"
#include "tests/core/support/analysis_util.h"

namespace inlay::testing {
namespace {

std::vector<LaneConflict> conflicts_of(const std::string& body,
                                       const std::string& params = "A: f32[M], n: index") {
  Program program = parse("func f(" + params + ") {" + body + "}");
  const Function& function = *program.functions()[0];
  return find_lane_conflicts(Context(function), function.body, program);
}

// In one workgroup of 64, with a shared tile.
std::string group(const std::string& statements, const std::string& tile = "f32[64]") {
  return "grid(x) for g in 0..M / 64 { alloc S: " + tile + " in shared  lane(x) for t in 0..64 {" +
         statements + "} }";
}

std::string verdict(const std::string& statements, const std::string& tile = "f32[64]") {
  std::string text;
  for (const LaneConflict& each : conflicts_of(group(statements, tile))) {
    text += (text.empty() ? "" : "; ") + describe(each.first) + (each.exists() ? " ! " : " ? ") +
            describe(each.second) + (each.carrier ? " by " + each.carrier->var.name() : "");
  }
  return text;
}

TEST(Barriers, KeepAccessesApart) {
  EXPECT_EQ(verdict("S[t] = A[g * 64 + t]  barrier  A[g * 64 + t] = S[63 - t]"), "");
  EXPECT_EQ(verdict("S[t] = A[g * 64 + t]  A[g * 64 + t] = S[63 - t]"), "S[t] ! S[63 - t]");
  // A work-item's own element needs no barrier.
  EXPECT_EQ(verdict("S[t] = A[g * 64 + t]  A[g * 64 + t] = S[t]"), "");
}

TEST(Barriers, BackEdges) {
  const std::string write = "S[t] = A[g * 64 + t] ", read = " A[g * 64 + t] = S[63 - t]";
  EXPECT_EQ(verdict("for k in 0..n { " + write + "barrier" + read + " barrier }"), "");
  EXPECT_EQ(verdict("for k in 0..n { " + write + "barrier" + read + " }"), "S[63 - t] ! S[t] by k");
  EXPECT_EQ(verdict("for k in 0..n { barrier " + write + "barrier" + read + " }"), "");
  // The inner loop may be left, and entered again.
  EXPECT_EQ(verdict("for i in 0..4 { for k in 0..n { " + write + "barrier" + read + " barrier } }"),
            "");
  EXPECT_EQ(verdict("for i in 0..4 { for k in 0..3 { barrier " + write + "barrier" + read + " } }"),
            "");
  EXPECT_EQ(verdict("for i in 0..4 { for k in 0..3 { barrier }" + write + "barrier" + read + " }"),
            "");
  // It may be that no iteration runs, so its barrier keeps nothing apart.
  EXPECT_EQ(verdict(write + "for k in 0..n { barrier }" + read), "S[t] ? S[63 - t]");
  EXPECT_EQ(verdict(write + "for k in 0..2 { barrier }" + read), "");
}

TEST(Barriers, HalvesOfADoubleBuffer) {
  const std::string tile = "f32[2, 64]";
  auto loop = [](const std::string& body) {
    return "S[0, t] = A[g * 64 + t]  barrier  for k in 0..n { " + body + " }";
  };
  const std::string next = "S[(k + 1) % 2, t] = A[g * 64 + t]  ",
                    use = "A[g * 64 + t] += S[k % 2, 63 - t]  ";
  EXPECT_EQ(verdict(loop(next + use + "barrier"), tile), "");
  EXPECT_EQ(verdict(loop(use + next + "barrier"), tile), "");
  EXPECT_EQ(verdict(loop(next + use), tile), "S[(k + 1) % 2, t] ! S[k % 2, 63 - t]");
  // One barrier an iteration does for a tile that is written before it and read behind.
  const std::string one = "for k in 0..n { S[k % 2, t] = A[g * 64 + t]  barrier " + use + "}";
  EXPECT_EQ(verdict(one, tile), "");
  // With a single half it does not, and neither when all of it starts again.
  EXPECT_EQ(verdict("for k in 0..n { S[0, t] = A[g * 64 + t]  barrier  A[g * 64 + t] += S[0, 63 - "
                    "t] }",
                    tile),
            "S[0, 63 - t] ! S[0, t] by k");
  EXPECT_EQ(verdict("for i in 0..4 { " + one + "}", tile), "S[k % 2, 63 - t] ! S[k % 2, t] by i");
  EXPECT_EQ(
      verdict("for i in 0..4 { for k in 0..6 { S[k % 2, t] = A[g * 64 + t]  barrier " + use + "} }",
              tile),
      "");
}

TEST(Barriers, ConditionsAndLanesOfSeveralDimensions) {
  EXPECT_EQ(verdict("if t < 32 { S[t] = 1.0 }  if t >= 32 { A[g * 64 + t] = S[t - 32] }"),
            "S[t] ! S[t - 32]");
  EXPECT_EQ(verdict("if t < 32 { S[t] = 1.0 }  barrier  if t >= 32 { A[g * 64 + t] = S[t - 32] }"),
            "");
  EXPECT_EQ(verdict("if t == 0 { S[0] = 1.0 }  if t == 0 { A[g * 64] = S[0] }"), "");
  EXPECT_EQ(verdict("if n > 3 { S[t] = 1.0 barrier } else { barrier S[63 - t] = 2.0 }"), "");
  const std::string params = "A: f32[M, 8, 8], n: index";
  const std::string nest =
      "grid(x) for g in 0..M { alloc S: f32[8, 8] in shared  lane(y) for i in 0..8 { let row = i * "
      "2  lane(x) for j in 0..8 { ";
  EXPECT_TRUE(conflicts_of(nest + "S[i, j] = A[g, i, j] barrier A[g, i, j] = S[j, i] } } }", params)
                  .empty());
  std::vector<LaneConflict> open =
      conflicts_of(nest + "S[i, j] = A[g, i, j] A[g, i, j] = S[j, i] } } }", params);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_TRUE(open[0].exists());
  EXPECT_EQ(open[0].loops.size(), 2u);
}

TEST(Barriers, WorkgroupsHaveNone) {
  EXPECT_EQ(verdict("A[t] = f32(g)"), "A[t] ! A[t]");
  EXPECT_EQ(verdict("A[g * 32 + t] = 0.0"), "A[g * 32 + t] ! A[g * 32 + t]");
  EXPECT_EQ(verdict("if g == 0 { A[t] = 0.0 }"), "");
}

TEST(Barriers, WhatNobodyKnowsIsUndecided) {
  std::vector<LaneConflict> open =
      conflicts_of(group("S[P[t]] = A[g * 64 + t]  barrier A[g * 64 + t] = S[t]"),
                   "A: f32[M], P: index[64], n: index");
  ASSERT_EQ(open.size(), 1u);
  EXPECT_FALSE(open[0].exists());
  Diagnostic told = describe(open[0]);
  EXPECT_EQ(told.severity, Severity::Warning);
  EXPECT_EQ(told.rule, "race-undecided");
  EXPECT_EQ(
      told.message,
      "one of the work-items of `lane(x) for t` writes `S[P[t]]`, another writes it too; that "
      "it is never the same element could not be proven");
}

Diagnostics verified(const std::string& text) {
  return verify(parse_program(text, "test.inlay").program);
}

TEST(VerifyLanes, ARaceIsAnErrorWithBothPlaces) {
  Diagnostics found = verified(R"(func f(A: f32[M]) {
  grid(x) for g in 0..M / 64 {
    alloc S: f32[64] in shared
    lane(x) for t in 0..64 {
      S[t] = A[g * 64 + t]
      A[g * 64 + t] = S[63 - t]
    }
  }
})");
  ASSERT_EQ(found.all().size(), 1u);
  const Diagnostic& told = found.all()[0];
  EXPECT_EQ(told.rule, "race");
  EXPECT_EQ(told.message,
            "one of the work-items of `lane(x) for t` writes `S[t]`, another reads `S[63 - t]`, "
            "with no barrier between, and it is the same element for t = 0 and t = 63 (at M = "
            "1024)");
  EXPECT_EQ(
      told.help,
      "put a barrier between the two accesses; or, if such sizes never come, assert that at the "
      "start of the function");
  EXPECT_EQ(told.loc.line, 6u);
  ASSERT_EQ(told.notes.size(), 1u);
  EXPECT_EQ(told.notes[0].message, "the one writes here");
  EXPECT_EQ(told.notes[0].loc.line, 5u);
}

std::string barrier_fault(const std::string& body) {
  Diagnostics found = verified("func f(A: f32[M], P: index[64], n: index) {" + body + "}");
  for (const Diagnostic& each : found.all()) {
    EXPECT_EQ(each.rule, "barrier") << each.message;
  }
  return found.all().empty() ? "" : found.all()[0].message;
}

TEST(VerifyLanes, BarriersThatAllLanesReach) {
  EXPECT_EQ(barrier_fault(group("for k in 0..n { if M > 3 { barrier } }")), "");
  EXPECT_EQ(barrier_fault(group("for k in 0..g { barrier }")), "");
  // One element that nobody writes meanwhile is the same for all.
  EXPECT_EQ(barrier_fault(group("for k in 0..P[0] { barrier }")), "");
  EXPECT_EQ(barrier_fault(group("let c = P[g % 64]  if c > 0 { barrier }")), "");
  EXPECT_EQ(barrier_fault(group("if t == 0 { S[0] = A[g] } barrier "
                                "if S[0] > 0.0 { barrier }")),
            "");
  EXPECT_NE(barrier_fault(group("if t == 0 { S[0] = A[g] } barrier "
                                "if S[0] > 0.0 { barrier } S[t] = 1.0"))
                .find("reads `S[0]`, which may change meanwhile"),
            std::string::npos);
  EXPECT_NE(barrier_fault(group("S[P[t]] = 1.0  if S[0] > 0.0 { barrier }"))
                .find("reads `S[0]`, which may change meanwhile"),
            std::string::npos);
}

TEST(VerifyLanes, BarriersThatSomeLanesMayMiss) {
  EXPECT_NE(barrier_fault(group("if P[t] > 0 { barrier }")).find("depends on the lane"),
            std::string::npos);
  EXPECT_NE(barrier_fault(group("let c = P[t]  for k in 0..c { barrier }")).find("on the lane"),
            std::string::npos);
  EXPECT_NE(barrier_fault(group("alloc own: f32[1] in private  own[0] = 1.0  if own[0] > 0.0 { "
                                "barrier }"))
                .find("`own`, which each lane has for itself"),
            std::string::npos);
  EXPECT_NE(barrier_fault(group("if call i32 uk() > 0i32 { barrier }")).find("a call or assembly"),
            std::string::npos);
  EXPECT_NE(barrier_fault("lane(y) for i in 0..2 { for k in 0..3 { lane(x) for j in 0..4 { barrier "
                          "} } }")
                .find("have a statement between them"),
            std::string::npos);
}

// ---- random programs ----

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string program() {
    two_ = pick(3) == 0;
    std::string nest = two_ ? "lane(y) for y in 0..2 { " + (pick(3) ? "" : own_let()) +
                                  "lane(x) for x in 0..3 { let t = y * 3 + x  "
                            : "lane(x) for t in 0..6 { ";
    return "func f(G: i64[n], n_: index) {\n  grid(x) for g in 0..2 {\n    alloc S: i64[2, 12] in "
           "shared\n    " +
           nest + list(3) + (two_ ? "} }" : "}") + "\n  }\n}\n";
  }

 private:
  int pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  std::string own_let() { return "let early = S[0, y]  "; }

  std::string list(int budget) {
    std::string text;
    int count = 1 + pick(4);
    for (int i = 0; i < count; ++i) {
      int what = pick(12);
      if (what < 3 && budget > 0) {
        std::string var = "k" + std::to_string(loops_.size());
        const char* extents[] = {"2", "3", "n", "n / 2", "1", "4"};
        text += "\n      for " + var + " in 0.." + extents[pick(6)] + " { ";
        loops_.push_back(var);
        text += list(budget - 1);
        loops_.pop_back();
        text += "} ";
      } else if (what < 6) {
        text += "barrier ";
      } else if (what == 6 && budget > 0) {
        text += "if " + (loops_.empty() ? "n" : loops_[0]) + " > " + std::to_string(pick(2)) +
                " { " + list(budget - 1) + "} " +
                (pick(2) ? "else { " + list(budget - 1) + "} " : "");
      } else if (what == 7) {
        const char* guards[] = {"t == 0", "t < 3", "t % 2 == 0", "t >= 3"};
        text += std::string("if ") + guards[pick(4)] + " { " + access(true) + "} ";
      } else {
        text += access();
      }
    }
    return text;
  }

  // Column 0 comes last: a store to it by all lanes is refused at sight.
  std::string place(int choices) {
    const char* columns[] = {"t",     "t",     "5 - t",           "(t + 1) % 6", "t + 6",
                             "t / 2", "2 * t", "(t + 2) % 6 + 6", "t % 3",       "0"};
    std::string row = std::to_string(pick(2));
    if (!loops_.empty() && pick(3)) {
      row = pick(2) ? loops_.back() + " % 2" : "(" + loops_.back() + " + 1) % 2";
    }
    return "S[" + row + ", " + columns[pick(choices)] + "]";
  }
  std::string access(bool guarded = false) {
    if (pick(3)) return place(guarded ? 10 : 9) + " = t ";
    std::string own = "p" + std::to_string(++names_);
    return "alloc " + own + ": i64[1]  " + own + "[0] = " + place(10) + " ";
  }

  std::mt19937 random_;
  bool two_ = false;
  int names_ = 0;
  std::vector<std::string> loops_;
};

bool has_race(const Program& program, int64_t size) {
  std::vector<int64_t> data(static_cast<size_t>(size));
  TensorRef tensor{kI64, {size}, {}, data.data(), 0, false};
  InterpOptions options;
  options.check_uninitialised = false;
  try {
    interpret(program, *program.functions()[0], {tensor, ScalarValue(size)}, options);
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics()[0].rule, "race") << error.what();
    return true;
  }
  return false;
}

// Of programs from `first` to `last`: what is proven has no race at any size tried, what is refused
// has one, and most are one or the other.
void compare_verdicts(unsigned first, unsigned last) {
  int proven = 0, refused = 0, undecided = 0;
  for (unsigned seed = first; seed < last; ++seed) {
    Program program = parse(Generator(seed).program());
    const Function& function = *program.functions()[0];
    std::vector<LaneConflict> open = find_lane_conflicts(Context(function), function.body, program);
    bool exists = std::any_of(open.begin(), open.end(),
                              [](const LaneConflict& each) { return each.exists(); });
    bool race = false;
    for (int64_t size : {2, 3, 4, 5, 1, 0, 37, 64, 300, 1024}) {
      if (size > 5 && !exists) break;
      race = race || has_race(program, size);
    }
    if (open.empty()) {
      ASSERT_FALSE(race) << "seed " << seed << "\n" << print(program);
      ++proven;
    } else if (exists) {
      ASSERT_TRUE(race) << "seed " << seed << "\n" << print(program) << render({describe(open[0])});
      ++refused;
    } else {
      ++undecided;
    }
    // The verifier refuses just these.
    if (seed % 8 != 0) continue;
    bool told = verify(program).has_errors();
    ASSERT_EQ(told, exists) << "seed " << seed << "\n"
                            << print(program) << render(verify(program).all());
  }
  int count = int(last - first);
  EXPECT_GT(proven, count / 10);
  EXPECT_GT(refused, count / 3);
  EXPECT_LT(undecided, count / 7) << proven << " proven, " << refused << " refused";
}

TEST(BarriersProperty, VerdictsAgreeWithTheInterpreter) {
  compare_verdicts(0, 100);
}

TEST(BarriersSlow, VerdictsAgreeWithTheInterpreter) {
  compare_verdicts(100, 3000);
}

}  // namespace
}  // namespace inlay::testing
