// Dependence: what may be turned round, run side by side or taken apart. Refusals and permissions.
#include "tests/core/support/analysis_util.h"

namespace inlay::testing {
namespace {

struct Nest {
  Program program;
  const Function* function;
  Stmt root;
  std::vector<const For*> loops;
  Accesses accesses;
  Context context;

  Nest(const std::string& body, const std::vector<std::string>& names,
       const std::string& params = "A: f32[M, N], B: f32[M, N], X: f32[L]")
      : program(parse("func f(" + params + ") {" + body + "}")),
        function(program.functions()[0]),
        root(function->body),
        loops(loops_of(root, names)),
        accesses(collect_accesses(root, program)),
        context(*function) {}

  bool may_swap(bool* reassociates = nullptr) {
    bool own = false;
    return !find_reversal(context, accesses, loops, {1, 0}, reassociates ? reassociates : &own);
  }
  bool may_parallelize() { return !find_carried(context, accesses, loops); }
};

TEST(Accesses, UpdatesAreOneAccess) {
  Nest nest("for i in 0..M { for j in 0..N { A[i, 0] += B[i, j] } }", {"i", "j"});
  ASSERT_EQ(nest.accesses.list.size(), 2u);
  EXPECT_EQ(describe(nest.accesses.list[0]), "B[i, j]");
  EXPECT_EQ(nest.accesses.list[1].kind, AccessKind::Update);
  EXPECT_EQ(nest.accesses.list[1].scopes.size(), 2u);
}

TEST(Accesses, IntrinsicsTouchWhatTheirMeaningTouches) {
  Program program = parse(R"(
    intrin tile<n>(k: index, a: f32[n], c: f32[n]) { for i in 0..n { c[i] = a[i] } }
    func f(A: f32[M, 8], C: f32[M, 8]) { for i in 0..M { tile<8>(3, A[i, 0..8], C[i, 0..8]) } })");
  const Function& function = *program.functions()[0];
  Accesses accesses = collect_accesses(function.body, program);
  ASSERT_EQ(accesses.list.size(), 2u);
  EXPECT_EQ(accesses.list[0].kind, AccessKind::Read);
  EXPECT_EQ(accesses.list[1].kind, AccessKind::Write);
  auto loops = loops_of(function.body, {"i"});
  EXPECT_FALSE(find_carried(Context(function), accesses, loops));
}

TEST(Dependence, InterchangeOfIndependentAndDependentNests) {
  EXPECT_TRUE(Nest("for i in 0..M { for j in 0..N { A[i, j] = B[i, j] } }", {"i", "j"}).may_swap());
  EXPECT_TRUE(
      Nest("for i in 1..M { for j in 1..N { A[i, j] = A[i - 1, j - 1] } }", {"i", "j"}).may_swap());
  // The classic: distance (1, -1).
  EXPECT_FALSE(Nest("for i in 1..M { for j in 0..N - 1 { A[i, j] = A[i - 1, j + 1] } }", {"i", "j"})
                   .may_swap());
  EXPECT_FALSE(
      Nest("for i in 0..M { for j in 0..N { X[i + j] = B[i, j] } }", {"i", "j"}).may_swap());
  EXPECT_TRUE(
      Nest("for i in 0..M { for j in 0..16 { X[i * 16 + j] = X[i * 16 + j] * 2.0 } }", {"i", "j"})
          .may_swap());
  EXPECT_TRUE(
      Nest("for i in 0..M { for j in 0..N { X[i * N + j] = B[i, j] } }", {"i", "j"}).may_swap());
}

TEST(Dependence, OrderOfAReduction) {
  bool reassociates = false;
  EXPECT_TRUE(Nest("for i in 0..M { for j in 0..N { X[0] += B[i, j] } }", {"i", "j"})
                  .may_swap(&reassociates));
  EXPECT_TRUE(reassociates);
  reassociates = false;
  EXPECT_TRUE(Nest("for i in 0..M { for j in 0..N { X[i] += B[i, j] } }", {"i", "j"})
                  .may_swap(&reassociates));
  EXPECT_FALSE(reassociates);
  // Not commuting: every other update is a product.
  EXPECT_FALSE(Nest("for i in 0..M { for j in 0..N { X[0] += B[i, j] X[0] *= 2.0 } }", {"i", "j"})
                   .may_swap());
}

TEST(Dependence, ParallelLoops) {
  EXPECT_TRUE(Nest("for i in 0..M { A[i, 0] = A[i, 1] }", {"i"}).may_parallelize());
  EXPECT_FALSE(Nest("for i in 0..M { X[0] += A[i, 1] }", {"i"}).may_parallelize());
  EXPECT_FALSE(Nest("for i in 1..M { A[i, 0] = A[i - 1, 0] }", {"i"}).may_parallelize());
  EXPECT_TRUE(Nest("for i in 1..M { A[i, 0] = A[i - 1, 1] }", {"i"}).may_parallelize());
  // Greatest common divisor: even and odd elements.
  EXPECT_TRUE(Nest("for i in 0..M { X[2 * i] = X[2 * i + 1] }", {"i"}).may_parallelize());
  EXPECT_FALSE(Nest("for i in 0..M { X[2 * i] = X[4 * i + 2] }", {"i"}).may_parallelize());
  // Bounds: the two halves do not meet.
  EXPECT_TRUE(Nest("for i in 0..8 { X[i] = X[i + 8] }", {"i"}).may_parallelize());
  EXPECT_FALSE(Nest("for i in 0..9 { X[i] = X[i + 8] }", {"i"}).may_parallelize());
  // Guards.
  EXPECT_TRUE(Nest("for i in 0..M { if i < 8 { X[i] = X[i + 8] } }", {"i"}).may_parallelize());
  // Coupled dimensions.
  EXPECT_TRUE(
      Nest("for i in 0..M { for j in 0..N { A[i + j, j] = B[i, j] } }", {"i"}).may_parallelize());
  // Through an index that is read.
  EXPECT_FALSE(
      Nest("for i in 0..M { X[I[i]] = 0.0 }", {"i"}, "X: f32[L], I: i64[M]").may_parallelize());
  EXPECT_FALSE(Nest("for i in 0..M { let k = I[i] X[k] = 0.0 }", {"i"}, "X: f32[L], I: i64[M]")
                   .may_parallelize());
}

// Blocks of the channels of a group, around a loop over groups: apart only case by case.
TEST(Dependence, BlocksAroundALoopOverWhatTheyArePartsOf) {
  auto blocks = [](const std::string& size, const std::string& at) {
    return Nest("for o in 0..(C + 31) / 32 { for g in 0..G { for i in 0..min(" + size +
                    ", C - o * 32) { X[" + at + "] = 1.0 } } }",
                {"o"}, "X: f32[L], Y: f32[G, C]")
        .may_parallelize();
  };
  EXPECT_TRUE(blocks("32", "g * C + o * 32 + i"));
  EXPECT_FALSE(blocks("33", "g * C + o * 32 + i"));
  EXPECT_FALSE(blocks("32", "g * (C - 1) + o * 32 + i"));
  EXPECT_FALSE(blocks("32", "g * 32 + o * 32 + i"));
}

TEST(Dependence, SplitLoops) {
  const char* blocks = R"(
    let b = max(1, (K + 3) / 4)
    for o in 0..(K + b - 1) / b { for i in 0..min(b, K - o * b) { X[o * b + i] = 1.0 } })";
  EXPECT_TRUE(Nest(blocks, {"o"}, "X: f32[K]").may_parallelize());
  EXPECT_TRUE(Nest(blocks, {"o", "i"}, "X: f32[K]").may_parallelize());
  const char* overlapping = R"(
    for o in 0..K { for i in 0..7 { X[o * 6 + i] = 1.0 } })";
  EXPECT_FALSE(Nest(overlapping, {"o"}, "X: f32[L], Y: f32[K]").may_parallelize());
}

TEST(Dependence, AllocationsAreOnePerIteration) {
  EXPECT_TRUE(Nest("for i in 0..M { alloc t: f32[4] t[0] = A[i, 0] A[i, 1] = t[0] }", {"i"})
                  .may_parallelize());
  EXPECT_FALSE(Nest("alloc t: f32[4] for i in 0..M { t[0] = A[i, 0] A[i, 1] = t[0] }", {"i"})
                   .may_parallelize());
  EXPECT_FALSE(
      Nest("for o in 0..N { alloc t: f32[4] for i in 0..M { t[0] = A[i, 0] A[i, 1] = t[0] } }",
           {"o", "i"})
          .may_parallelize());
}

TEST(Dependence, ExternCallsMayTouchAllTheySee) {
  EXPECT_FALSE(Nest("for i in 0..M { call g(&X[i]) }", {"i"}).may_parallelize());
  EXPECT_TRUE(Nest("for i in 0..M { A[i, 0] = call f32 g(A[i, 1]) }", {"i"}).may_parallelize());
}

TEST(Dependence, Fission) {
  auto may_split = [](const std::string& body) {
    Nest nest("for i in 0..M {" + body + "}", {"i"});
    auto* loop = nest.loops[0];
    auto& stmts = loop->body.as<Block>()->stmts;
    // Accesses as the whole sees them, taken apart at the second statement.
    Accesses before, after;
    for (const Access& access : nest.accesses.list) {
      bool in_first = access.stmt.get() == stmts[0].get();
      (in_first ? before : after).list.push_back(access);
    }
    return !find_fission_conflict(nest.context, before, after, nest.loops);
  };
  EXPECT_TRUE(may_split("A[i, 0] = 0.0 A[i, 0] += B[i, 0]"));
  EXPECT_TRUE(may_split("A[i, 0] = 0.0 B[i, 0] = A[i - 1, 0]"));
  EXPECT_FALSE(may_split("A[i, 0] = 0.0 B[i, 0] = A[i + 1, 0]"));
  EXPECT_FALSE(may_split("X[0] = A[i, 0] B[i, 0] = X[0]"));
}

}  // namespace
}  // namespace inlay::testing
