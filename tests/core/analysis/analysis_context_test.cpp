// Normal forms and proofs: what must be proved, and what must not.
#include "core/passes/passes.h"
#include "tests/core/support/analysis_util.h"

namespace inlay::testing {
namespace {

// The conditions of all `assert`s, each with the context in which it stands.
struct Asserts : Visitor {
  Context context;
  std::vector<std::pair<std::string, bool>> outcomes;  // message, proven

  explicit Asserts(const Function& function) : context(function) { visit(function.body); }

  using Visitor::visit_node;
  void visit_node(const Block& node) override {
    Context outer = context;
    for (const Stmt& stmt : node.stmts) {
      if (auto* let = stmt.as<Let>()) context.enter(*let);
      visit(stmt);
    }
    context = outer;
  }
  void visit_node(const For& node) override {
    Context outer = context;
    context.enter(node);
    visit(node.body);
    context = outer;
  }
  void visit_node(const If& node) override {
    Context outer = context;
    context.assume(node.condition);
    visit(node.then_body);
    context = outer;
    context.assume(node.condition, false);
    visit(node.else_body);
    context = outer;
  }
  void visit_node(const Assert& node) override {
    outcomes.push_back(
        {node.message + ": " + print(node.condition), context.proves(node.condition)});
  }
};

void expect_outcomes(const std::string& text) {
  Program program = parse(text);
  Asserts asserts(*program.functions()[0]);
  ASSERT_FALSE(asserts.outcomes.empty());
  for (auto& [what, proven] : asserts.outcomes) {
    EXPECT_EQ(proven, what.rfind("yes", 0) == 0) << what;
  }
}

TEST(Context, LoopBoundsAndGuards) {
  expect_outcomes(R"(
    func f(A: f32[M, N]) {
      for i in 0..M {
        assert i >= 0, "yes"
        assert i < M, "yes"
        assert i <= M - 1 && 0 <= i, "yes"
        assert M > 0, "yes"
        assert i < N, "no"
        assert i > 0, "no"
        assert i != M, "yes"
        if i < N { assert i < min(M, N), "yes" } else { assert N <= i, "yes" }
        if i == 3 { assert i + M > 6, "yes" assert M > 4, "no" }
        if !(i < 3) { assert i >= 3, "yes" }
      }
      assert M >= 0, "yes"
      assert M > 0, "no"
    })");
}

TEST(Context, TilesWithConstantFactor) {
  expect_outcomes(R"(
    func f(A: f32[M, N]) {
      for o in 0..(M + 5) / 6 {
        assert o * 6 < M, "yes"
        assert o * 6 + 5 < M, "no"
        for i in 0..min(6, M - o * 6) {
          assert o * 6 + i < M, "yes"
          assert i < 6, "yes"
          assert (o * 6 + i) / 6 == o, "yes"
          assert (o * 6 + i) % 6 == i, "yes"
        }
      }
      for o in 0..M / 6 {
        assert o * 6 + 5 < M, "yes"
        assert min(6, M - o * 6) == 6, "yes"
        assert o * 6 + 6 < M, "no"
      }
      for f in 0..M * 8 {
        assert f / 8 < M, "yes"
        assert f % 8 < 8 && f % 8 >= 0, "yes"
        assert f / 8 < M - 1, "no"
      }
    })");
}

TEST(Context, SymbolicBlocks) {
  expect_outcomes(R"(
    func f(A: f32[M, K]) {
      let blocks = max(1, (K + 255) / 256)
      let block = max(1, (K + blocks - 1) / blocks)
      assert blocks >= 1, "yes"
      assert block >= 1, "yes"
      for b in 0..(K + block - 1) / block {
        assert b * block < K, "yes"
        assert b >= 0 && b * block >= 0, "yes"
        for p in 0..min(block, K - b * block) {
          assert b * block + p < K, "yes"
          assert p < block, "yes"
          assert p < 256, "no"
        }
      }
    })");
}

TEST(Context, NothingFollowsFromLoads) {
  expect_outcomes(R"(
    func f(I: i64[M]) {
      for i in 0..M {
        assert I[i] == I[i], "no"
        assert I[i] * 0 == 0, "yes"
        if I[i] > 0 { assert I[i] > 0, "no" }
        let x = I[i]
        assert x == x, "yes"
        if x > 0 { assert x > 0, "yes" }
      }
    })");
}

TEST(Context, KnownFalseConjunction) {
  expect_outcomes(R"(
    func f(A: f32[M, N]) {
      for i in 0..min(6, M) {
        for j in 0..min(16, N) {
          if min(6, M) == 6 && min(16, N) == 16 {
            assert M >= 6, "yes"
          } else {
            assert !(min(6, M) == 6 && min(16, N) == 16), "yes"
            assert M < 6, "no"
          }
        }
      }
    })");
}

TEST(Context, HugeNumbersProveNothing) {
  expect_outcomes(R"(
    func f(A: f32[M]) {
      for i in 0..M {
        assert i * 4611686018427387904 * 4 >= 0, "no"
        assert i * 4611686018427387904 * 4 == i * 4611686018427387904 * 4, "no"
      }
    })");
}

TEST(Poly, NormalFormOfDivision) {
  Var x("x"), y("y"), f("f");
  Context context;
  auto same = [&](Expr a, Expr b) { return context.poly(a) == context.poly(b); };
  EXPECT_TRUE(same((x * 6 + y + 13) / 6, x + (y + 1) / 6 + 2));
  EXPECT_TRUE(same((x * 6 - 1) / 6, x - 1));
  EXPECT_TRUE(same((x * 4 + 2) / 8, x / 2));
  EXPECT_TRUE(same((x * 4 + y) % 4, y % 4));
  EXPECT_TRUE(same((f * x + y) / f, x + y / f));
  EXPECT_TRUE(same((x + y) * (x - y), x * x - y * y));
  EXPECT_TRUE(same(min(x + 2, x + 5), x + 2));
  EXPECT_TRUE(same(max(y, x), max(x, y)));
  EXPECT_FALSE(same(x / 2 + x / 2, x));
  EXPECT_FALSE(same((x + y) / 2, x / 2 + y / 2));
}

TEST(Context, BoundsWithoutInnerVariables) {
  Program program = parse(R"(
    func f(A: f32[K]) {
      let block = max(1, K)
      for b in 0..(K + block - 1) / block { for p in 0..min(block, K - b * block) { A[b * block + p] = 0.0 } }
    })");
  const Function& function = *program.functions()[0];
  auto loops = loops_of(function.body, {"b", "p"});
  Context context(function);
  context.enter(*loops[0]);
  AtomId b = context.atoms().var(loops[0]->var.operator->());
  auto extent = context.bound_without(context.poly(loops[1]->extent), {b}, true);
  ASSERT_TRUE(extent);
  EXPECT_EQ(print(context.expr(*extent)), "block");
}

}  // namespace
}  // namespace inlay::testing
