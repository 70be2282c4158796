// simplify: each rule, and what it must leave alone.
#include "core/ir/equal.h"
#include "tests/core/support/ir_builders.h"

namespace inlay {
namespace {

using namespace inlay::testing;

void expect_simplifies(const Expr& from, const Expr& to) {
  Expr got = simplify(from);
  EXPECT_TRUE(equal(got, to)) << "kind " << int(got->kind) << " depth " << got->depth
                              << (as_int(got) ? " " + std::to_string(as_int(got)->value) : "");
}
void expect_kept(const Expr& expr) {
  expect_simplifies(expr, expr);
}

Expr int_of(DType type, int64_t value) {
  return IntImm::make(type, value);
}
Expr binary(BinaryOp op, Expr a, Expr b) {
  return Binary::make(op, a, b);
}

TEST(Simplify, FoldsConstants) {
  expect_simplifies(Expr(-7) / 2, -4);
  expect_simplifies(Expr(-7) % 2, 1);
  expect_simplifies(Expr(7) % -2, -1);
  expect_simplifies(int_of(kI8, 127) + int_of(kI8, 1), int_of(kI8, -128));
  expect_simplifies(int_of(kU8, 3) - int_of(kU8, 5), int_of(kU8, 254));
  expect_simplifies(int_of(kI32, INT32_MIN) / int_of(kI32, -1), int_of(kI32, INT32_MIN));
  expect_simplifies(binary(BinaryOp::Lt, int_of(kU64, -1), int_of(kU64, 1)), int_of(kBool, 0));
  expect_simplifies(f32(1) / f32(3), FloatImm::make(kF32, 1.0f / 3.0f));
  expect_simplifies(Cast::make(kI8, f32(1000)), int_of(kI8, 127));
  expect_simplifies(Cast::make(kU8, int_of(kI32, -1)), int_of(kU8, 255));
  expect_simplifies(Unary::make(UnaryOp::BitNot, int_of(kU16, 1)), int_of(kU16, 65534));
  expect_simplifies(CallMath::make(MathOp::Floor, {f32(-1.5)}), f32(-2));
}

TEST(Simplify, LeavesFaultsAndInexactMathAlone) {
  expect_kept(Expr(1) / 0);
  expect_kept(binary(BinaryOp::Shl, 1, 64));
  expect_kept(CallMath::make(MathOp::Exp, {f32(1)}));
  Var x("x", kF32);
  expect_kept(x * f32(0));
  expect_kept(x + f32(0));
  expect_kept(x - x);
  expect_kept(min(f32(0), f32(-0.0)));
  expect_kept(Unary::make(UnaryOp::Not, lt(x, f32(1))));
}

TEST(Simplify, Identities) {
  Var i("i"), j("j"), x("x", kF32), b("b", kBool);
  expect_simplifies(i + 0, i);
  expect_simplifies(Expr(0) + i, i);
  expect_simplifies(i * 1, i);
  expect_simplifies(i * 0, 0);
  expect_simplifies(i / 1, i);
  expect_simplifies(i % 1, 0);
  expect_simplifies(i - i, 0);
  expect_simplifies(i + j - i, j);
  expect_simplifies((i + 3) - 5, i - 2);
  expect_simplifies((i / 7) * 7 + i % 7, i);
  expect_simplifies((i / 4) / 8, i / 32);
  expect_simplifies((i % 32) % 8, i % 8);
  expect_simplifies(x * f32(1), x);
  expect_simplifies(x - f32(0), x);
  expect_simplifies(x + f32(-0.0), x);
  expect_simplifies(logical_and(b, int_of(kBool, 0)), int_of(kBool, 0));
  expect_simplifies(logical_and(int_of(kBool, 1), b), b);
  expect_simplifies(Select::make(int_of(kBool, 0), i, j), j);
  expect_simplifies(Select::make(b, i, i), i);
  expect_simplifies(eq(i + 1, i + 2), int_of(kBool, 0));
  expect_simplifies(le(i * 2, i + i), int_of(kBool, 1));
  expect_simplifies(Unary::make(UnaryOp::Not, lt(i, j)), binary(BinaryOp::Ge, i, j));
  Var k("k", kI32);
  expect_simplifies(Cast::make(kI32, Cast::make(kI64, k)), k);
  expect_kept(Cast::make(kI64, Cast::make(kI32, i)));
}

TEST(Simplify, WrapForbidsWhatOnlyTrueNumbersAllow) {
  Var i("i"), j("j");
  expect_kept((i * 8) / 8);
  expect_kept(lt(i, i + 1));
  expect_kept(min(i, i + 1));
  expect_kept((i * 8 + 3) % 8);
  Var u("u", kU32);
  expect_kept(lt(u - int_of(kU32, 1), u));
}

// The statement's one store: its first index.
Expr index_within(std::vector<std::pair<Var, Expr>> loops, Expr index) {
  Buffer out = Buffer::make("out", kI64, {Var("n")});
  Stmt body = store(out, {index}, 0);
  for (size_t l = loops.size(); l-- > 0;) {
    body = loop(ForKind::Serial, loops[l].first, loops[l].second, {body});
  }
  Stmt result = simplify(block({body}));
  while (!result.as<Store>()) {
    result = result.as<For>() ? result.as<For>()->body : result.as<Block>()->stmts.at(0);
  }
  return result.as<Store>()->indices[0];
}

TEST(Simplify, LoopRangesMakeIndexArithmeticCheap) {
  Var i("i"), j("j"), n("n");
  auto expect_index = [&](Expr outer, Expr inner, Expr index, Expr expected) {
    EXPECT_TRUE(equal(index_within({{i, outer}, {j, inner}}, index), expected));
  };
  expect_index(100, 8, (i * 8 + j) / 8, i);
  expect_index(100, 8, (i * 8 + j) % 8, j);
  expect_index(n / 8, 8, (i * 8 + j) / 8, i);
  expect_index((n + 7) / 8, 8, (i * 8 + j) % 8, j);
  expect_index(100, 16, (i * 8 + j) / 8, i + j / 8);
  expect_index(100, 8, (i * 8) / 16, i / 2);
  expect_index(100, 8, (i * 8 + 3) / 16, i / 2);
  expect_index(100, 8, j / 8, 0);
  expect_index(100, 8, (j + 8) / 8, 1);
  expect_index(100, 8, j % 8, j);
  expect_index(100, 8, min(j, 7), j);
  expect_index(100, 8, max(i, -1), i);
  expect_index(100, 8, min(i * 8 + j, i * 8 + 7), i * 8 + j);
  expect_index(100, 8, Select::make(lt(j, 8), i, j), i);
  expect_index(100, 8, Select::make(lt(i * 8 + j, i * 8 + 8), i, j), i);
  // i may be so large that i * 8 wraps.
  expect_index(n, 8, (i * 8 + j) / 8, (i * 8 + j) / 8);
}

TEST(Simplify, Vectors) {
  Var i("i"), j("j");
  Expr all = Broadcast::make(i, 4), ramp = Ramp::make(i, 2, 4);
  expect_simplifies(all + Broadcast::make(j, 4), Broadcast::make(i + j, 4));
  expect_simplifies(ramp + Broadcast::make(j, 4), Ramp::make(i + j, 2, 4));
  expect_simplifies(Broadcast::make(3, 4) * ramp, Ramp::make(i * 3, 6, 4));
  expect_simplifies(Ramp::make(i, 0, 4), all);
  expect_simplifies(Cast::make(kF32.with_lanes(4), Broadcast::make(2, 4)),
                    Broadcast::make(f32(2), 4));
}

TEST(Simplify, EffectsStay) {
  Expr call = CallExtern::make(kI64, "f", {});
  Expr truth = CallExtern::make(kBool, "g", {});
  expect_kept(call * 0);
  expect_kept(call - call);
  expect_kept(call % 1);
  expect_kept(logical_and(truth, int_of(kBool, 0)));
  expect_kept(Select::make(truth, f32(1), f32(1)));
}

TEST(Simplify, Statements) {
  Var i("i"), x("x"), n("n");
  Buffer out = Buffer::make("out", kI64, {n});
  Stmt keep = store(out, {0}, 1), other = store(out, {1}, 2);
  auto expect_stmts = [](std::vector<Stmt> from, std::vector<Stmt> to) {
    EXPECT_TRUE(equal(simplify(block(from)), block(to)));
  };
  expect_stmts({loop(ForKind::Serial, i, 0, {keep})}, {});
  expect_stmts({loop(ForKind::Parallel, i, n - n, {keep})}, {});
  expect_stmts({loop(ForKind::Serial, i, n, {})}, {});
  expect_stmts({loop(ForKind::Serial, i, 1, {store(out, {i}, i)})}, {store(out, {0}, 0)});
  expect_stmts({If::make(lt(1, 2), keep, other)}, {keep});
  expect_stmts({If::make(lt(2, 1), keep, other)}, {other});
  expect_stmts({If::make(lt(2, 1), keep)}, {});
  expect_stmts({If::make(lt(n, 1), block({}), block({}))}, {});
  expect_stmts({If::make(lt(n, 1), block({}), keep)},
               {If::make(Binary::make(BinaryOp::Ge, n, 1), keep)});
  expect_stmts({Assert::make(lt(1, 2), "m"), Assert::make(lt(2, 1), "m")},
               {Assert::make(int_of(kBool, 0), "m")});
  expect_stmts({Let::make(x, Expr(1) + 2), store(out, {x}, x)}, {store(out, {3}, 3)});
  expect_stmts({block({keep, block({other})})}, {keep, other});
  // A range known from a let.
  expect_stmts({Let::make(x, n % 8), store(out, {x / 8}, 0)},
               {Let::make(x, n % 8), store(out, {0}, 0)});
}

TEST(Simplify, ScopesOfDeclarationsStay) {
  Var n("n");
  Buffer out = Buffer::make("out", kI64, {n}), tmp = Buffer::make("tmp", kI64, {Expr(2) + 2});
  Stmt inner = block({Allocate::make(tmp), store(tmp, {0}, 1), store(out, {0}, load(tmp, {0}))});
  Buffer made = Buffer::make("tmp", kI64, {4});
  Stmt expected =
      block({Allocate::make(made), store(made, {0}, 1), store(out, {0}, load(made, {0}))});
  EXPECT_TRUE(equal(simplify(block({inner})), block({expected})));
}

TEST(Simplify, ImportsInDroppedCodeStay) {
  Var i("i");
  Stmt pragma = ImportPragma::make(Import::inline_text(ImportKind::C, "int x;"));
  EXPECT_TRUE(equal(simplify(block({loop(ForKind::Serial, i, 0, {pragma})})), block({pragma})));
  EXPECT_TRUE(equal(simplify(block({If::make(lt(2, 1), pragma)})), block({pragma})));
}

TEST(Simplify, DeepAndWideExpressionsTakeNoLongTime) {
  std::vector<Var> vars;
  for (int v = 0; v < 100; ++v) vars.emplace_back("v" + std::to_string(v));
  Expr sum = vars[0];
  for (int d = 1; d < 1400; ++d) sum = d % 3 ? sum + vars[d % 100] : sum * 3 - vars[d % 100];
  EXPECT_GT(simplify(sum)->depth, 100u);
  Expr nested = vars[0];
  for (int d = 1; d < 1900; ++d) nested = d % 2 ? min(nested, vars[d % 100]) : nested / 3;
  EXPECT_GT(simplify(nested)->depth, 100u);
}

}  // namespace
}  // namespace inlay
