// lower_intrinsics: choice of rows, and what is put in the place of a call.
#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "tests/core/support/ir_builders.h"

namespace inlay {
namespace {

using namespace inlay::testing;
using ::testing::Test;

Target target_of(std::string spec, std::string arch, std::set<std::string> features) {
  Target target;
  target.spec = std::move(spec);
  target.arch = std::move(arch);
  target.features = std::move(features);
  return target;
}

// intrin tile<mr, nr>(k: index, a: f32[k, mr], c: f32[mr, nr] strided)
//   { for p in 0..k { for i in 0..mr { c[i, 0] = a[p, i] } } }
struct TileProgram {
  Var mr = Var::constant("mr"), nr = Var::constant("nr"), k{"k"}, p{"p"}, i{"i"};
  Buffer a = Buffer::make("a", kF32, {k, mr});
  Buffer c = Buffer::make_strided("c", kF32, {mr, nr});
  Program program;

  TileProgram() {
    program.name = "t";
    Stmt meaning =
        block({serial(p, 0, k, {serial(i, 0, mr, {store(c, {i, 0}, load(a, {p, i}))})})});
    program.items.push_back(Intrinsic{"tile", {mr, nr}, {k, a, c}, meaning, {}});
  }
  void row(uint32_t line, std::vector<int64_t> constants, std::string arch,
           std::vector<std::string> features, const std::string& symbol,
           std::vector<Import> imports = {}) {
    Expr call =
        CallExtern::make(kVoid, symbol, {k, View::whole(a), View::whole(c), stride_of(c, 0)});
    program.items.push_back(Implement{"tile",
                                      std::move(constants),
                                      {std::move(arch), std::move(features), at_line(line)},
                                      std::move(imports),
                                      block({Evaluate::make(call)}),
                                      at_line(line)});
  }
  void function(std::vector<Param> params, std::vector<Stmt> body, std::string name = "f") {
    program.items.push_back(
        Function{std::move(name), std::move(params), {}, block(std::move(body)), {}});
  }
};

Expr tile_view(const Buffer& buffer, Expr row, Expr rows, Expr column, Expr columns) {
  return View::make(buffer, {{row, rows}, {column, columns}});
}

TEST(LowerIntrinsics, MeaningTakesTheCallsPlace) {
  TileProgram t;
  Var m("M"), n("N"), depth("K");
  Buffer panel = Buffer::make("panel", kF32, {depth, 6});
  Buffer out = Buffer::make("out", kF32, {m, n});
  t.function({panel, out},
             {call("tile", {6, 16}, {depth, View::whole(panel), tile_view(out, 12, 6, 32, 16)})});
  LoweredProgram lowered = lower_intrinsics(t.program, nullptr);
  ASSERT_EQ(lowered.program.items.size(), 1u);
  Var p("p"), i("i");
  // Buffers of the function are its parameters; the same ones are used.
  Stmt expected = block({block({serial(
      p, 0, depth, {serial(i, 0, 6, {store(out, {Expr(12) + i, 32}, load(panel, {p, i}))})})})});
  EXPECT_TRUE(equal(lowered.program.find_function("f")->body, expected));
  ASSERT_EQ(lowered.selections.size(), 1u);
  EXPECT_EQ(lowered.selections[0].row, nullptr);
  EXPECT_EQ(lowered.selections[0].constants, (std::vector<int64_t>{6, 16}));
}

TEST(LowerIntrinsics, RowGetsViewsAndStrides) {
  TileProgram t;
  Import import = Import::path(ImportKind::C, "uk.c", "dir");
  t.row(3, {6, 16}, "x86_64", {"avx2"}, "uk", {import});
  Var m("M"), n("N"), depth("K"), j("j");
  Buffer panel = Buffer::make("panel", kF32, {depth, 6});
  Buffer out = Buffer::make("out", kF32, {m, n});
  t.function({panel, out},
             {serial(j, 0, n / 16,
                     {call("tile", {Expr(2) * 3, 16},
                           {depth, View::whole(panel), tile_view(out, 0, 6, j * 16, 16)})}),
              call("tile", {6, 16}, {depth, View::whole(panel), tile_view(out, 0, 6, 0, 16)})});
  Target target = target_of("x86-64-v3", "x86_64", {"avx2"});
  LoweredProgram lowered = lower_intrinsics(t.program, &target);
  const Function& f = *lowered.program.find_function("f");
  Expr first = CallExtern::make(kVoid, "uk",
                                {depth, View::whole(panel), tile_view(out, 0, 6, j * 16, 16), n});
  Expr second =
      CallExtern::make(kVoid, "uk", {depth, View::whole(panel), tile_view(out, 0, 6, 0, 16), n});
  EXPECT_TRUE(equal(f.body, block({serial(j, 0, n / 16, {block({Evaluate::make(first)})}),
                                   block({Evaluate::make(second)})})));
  ASSERT_EQ(f.imports.size(), 1u) << "once, though two calls need it";
  EXPECT_TRUE(equal(f.imports[0], import));
  ASSERT_EQ(lowered.selections.size(), 1u);
  EXPECT_EQ(lowered.selections[0].call_sites.size(), 2u);
  EXPECT_EQ(lowered.selections[0].row, t.program.implements("tile")[0]);
}

TEST(LowerIntrinsics, EachRowsDecisionSaysWhy) {
  TileProgram t;
  t.row(1, {4, 24}, "x86_64", {"avx2", "fma"}, "a");
  t.row(2, {6, 16}, "x86_64", {"avx512f"}, "b");
  t.row(3, {6, 16}, "aarch64", {"neon"}, "c");
  t.row(4, {6, 16}, "any", {"avx2", "fma", "avx"}, "d");
  t.row(5, {6, 16}, "x86_64", {"avx2", "fma"}, "e");
  t.row(6, {6, 16}, "x86_64", {"avx", "fma"}, "f");
  t.row(7, {6, 16}, "x86_64", {"avx2", "avx512f", "avx512vl"}, "g");
  t.row(8, {6, 16}, "x86_64", {}, "h");
  Var depth("K");
  Buffer panel = Buffer::make("panel", kF32, {depth, 6}), out = Buffer::make("out", kF32, {6, 16});
  t.function({panel, out}, {call("tile", {6, 16}, {depth, View::whole(panel), View::whole(out)})});
  Target target = target_of("x86-64-v3", "x86_64", {"avx", "avx2", "fma"});
  LoweredProgram lowered = lower_intrinsics(t.program, &target);
  const Selection& selection = lowered.selections.at(0);
  EXPECT_EQ(selection.row->loc.line, 5u);
  std::vector<std::string> reasons;
  for (const RowDecision& decision : selection.decisions) {
    reasons.push_back(decision.reason);
    EXPECT_EQ(decision.chosen, decision.loc.line == 5);
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{
                         "for <4, 24>, called with <6, 16>",
                         "needs avx512f, which x86-64-v3 lacks",
                         "for aarch64, and x86-64-v3 is x86_64",
                         "matches, but the row at line 5 is more specific",
                         "chosen: the most specific match",
                         "matches, but the row at line 5 is as specific and comes first",
                         "needs avx512f, avx512vl, which x86-64-v3 lacks",
                         "matches, but the row at line 5 is more specific",
                     }));
  LoweredProgram untargeted = lower_intrinsics(t.program, nullptr);
  for (const RowDecision& decision : untargeted.selections[0].decisions) {
    EXPECT_FALSE(decision.chosen);
  }
}

// What a feature implies counts, where the target knows it; the number of words does not.
TEST(LowerIntrinsics, WhatImpliesTheOthersIsMoreSpecific) {
  TileProgram t;
  t.row(1, {6, 16}, "x86_64", {"avx2", "fma"}, "a");
  t.row(2, {6, 16}, "x86_64", {"avx512f"}, "b");
  t.row(3, {6, 16}, "x86_64", {"avx512f", "avx2", "fma"}, "c");
  Var depth("K");
  Buffer panel = Buffer::make("panel", kF32, {depth, 6}), out = Buffer::make("out", kF32, {6, 16});
  t.function({panel, out}, {call("tile", {6, 16}, {depth, View::whole(panel), View::whole(out)})});
  Target target = target_of("x86-64-v4", "x86_64", {"avx", "avx2", "fma", "avx512f"});
  auto reasons = [&] {
    std::vector<std::string> all;
    auto selections = lower_intrinsics(t.program, &target).selections;
    for (const RowDecision& row : selections.at(0).decisions) {
      all.push_back(row.reason);
    }
    return all;
  };
  EXPECT_EQ(reasons(), (std::vector<std::string>{"matches, but the row at line 3 is more specific",
                                                 "matches, but the row at line 3 is more specific",
                                                 "chosen: the most specific match"}));
  target.implied = std::make_shared<const ImpliedFeatures>(
      ImpliedFeatures{{"avx2", {"avx"}}, {"fma", {"avx"}}, {"avx512f", {"avx", "avx2", "fma"}}});
  EXPECT_EQ(reasons(), (std::vector<std::string>{
                           "matches, but the row at line 2 is more specific",
                           "chosen: the most specific match",
                           "matches, but the row at line 2 is as specific and comes first"}));
}

TEST(LowerIntrinsics, OnlyMatchSaysSo) {
  TileProgram t;
  t.row(1, {6, 16}, "any", {}, "a");
  Buffer panel = Buffer::make("panel", kF32, {3, 6}), out = Buffer::make("out", kF32, {6, 16});
  t.function({panel, out}, {call("tile", {6, 16}, {3, View::whole(panel), View::whole(out)})});
  Target target = target_of("", "riscv64", {});
  EXPECT_EQ(lower_intrinsics(t.program, &target).selections[0].decisions[0].reason,
            "chosen: the only match");
}

TEST(LowerIntrinsics, ArgumentsAreEvaluatedOnce) {
  // intrin inc(n: index, x: f32[4]) { for i in 0..n { x[i] = x[i] + 1 } }, n read from memory that
  // the body changes, and x's place too.
  Var n("n"), i("i");
  Buffer x = Buffer::make("x", kI64, {4});
  Program program;
  Stmt meaning = block({serial(i, 0, n, {store(x, {i}, load(x, {i}) + 1)})});
  program.items.push_back(Intrinsic{"inc", {}, {n, x}, meaning, {}});
  Buffer data = Buffer::make("data", kI64, {8});
  Expr at = load(data, {0}), count = load(data, {1});
  program.items.push_back(Function{
      "f", {data}, {}, block({call("inc", {}, {count, View::make(data, {{at, Expr(4)}})})}), {}});
  LoweredProgram lowered = lower_intrinsics(program, nullptr);
  Var bound_n("n"), bound_at("x.at0"), j("i");
  Expr element = load(data, {bound_at + j});
  Stmt expected =
      block({block({Let::make(bound_n, count), Let::make(bound_at, at),
                    serial(j, 0, bound_n, {store(data, {bound_at + j}, element + 1)})})});
  Stmt body = lowered.program.find_function("f")->body;
  // Names of the copied loop are those of the meaning.
  EXPECT_TRUE(equal(body, expected));
}

TEST(LowerIntrinsics, SymbolsAreTheActualsExtentsAndStrides) {
  // intrin rows(x: f32[m, n] strides [s, 2]) { x[0, 0] = f32(m * 100 + n * 10 + s) }
  Var m("m"), n("n"), s("s");
  Buffer x = Buffer::make("x", kF32, {m, n}, {s, 2});
  Program program;
  Stmt meaning = block({store(x, {0, 0}, Cast::make(kF32, m * 100 + n * 10 + s))});
  program.items.push_back(Intrinsic{"rows", {}, {x}, meaning, {}});
  Var rows("R");
  Buffer data = Buffer::make("data", kF32, {rows, 7, 2});
  Expr view = View::make(data, {{Expr(1), rows - 1}, {Expr(0), Expr(7)}, {Expr(1), {}}});
  program.items.push_back(Function{"f", {data}, {}, block({call("rows", {}, {view})}), {}});
  Stmt body = lower_intrinsics(program, nullptr).program.find_function("f")->body;
  Var bound_m("m");
  Expr value = bound_m * 100 + Expr(7) * 10 + 14;
  Stmt expected = block(
      {block({Let::make(bound_m, rows - 1), store(data, {1, 0, 1}, Cast::make(kF32, value))})});
  EXPECT_TRUE(equal(body, expected));
}

TEST(LowerIntrinsics, MismatchedCompactViewNamesBothStrides) {
  TileProgram t;
  Buffer panel = Buffer::make("panel", kF32, {10, 64}), out = Buffer::make("out", kF32, {6, 16});
  t.function({panel, out},
             {call("tile", {6, 16}, {10, tile_view(panel, 0, 10, 0, 6), View::whole(out)})});
  Diagnostic error = error_of([&] { lower_intrinsics(t.program, nullptr); });
  EXPECT_EQ(error.rule, "view-mismatch");
  EXPECT_EQ(error.message, "stride of dimension 0 of `a` of `tile<6, 16>` is 64, expected 6");
}

TEST(LowerIntrinsics, MismatchedExtentIsRefused) {
  TileProgram t;
  Var depth("K");
  Buffer panel = Buffer::make("panel", kF32, {depth, 6}), out = Buffer::make("out", kF32, {8, 16});
  t.function({panel, out}, {call("tile", {6, 16}, {depth, View::whole(panel), View::whole(out)})});
  Diagnostic error = error_of([&] { lower_intrinsics(t.program, nullptr); });
  EXPECT_EQ(error.message, "extent of dimension 0 of `c` of `tile<6, 16>` is 8, expected 6");
  EXPECT_EQ(error.help, "pass a range of `out` with that extent");

  TileProgram u;
  Buffer longer = Buffer::make("longer", kF32, {depth + 2, 6});
  Buffer good = Buffer::make("good", kF32, {6, 16});
  u.function({longer, good, depth},
             {call("tile", {6, 16}, {depth, View::whole(longer), View::whole(good)})});
  error = error_of([&] { lower_intrinsics(u.program, nullptr); });
  EXPECT_EQ(error.message,
            "extent of dimension 0 of `a` of `tile<6, 16>` is 2 more than that, expected what its "
            "declaration says");
}

TEST(LowerIntrinsics, NestedCallsAreLoweredAndTheirImportsHoisted) {
  TileProgram t;
  Import import = Import::inline_text(ImportKind::C, "void uk(void) {}");
  t.row(1, {6, 16}, "any", {}, "uk", {import});
  // intrin two<n>(x: f32[3, 6], y: f32[6, n]) { import ...; tile<6, n>(3, x, y) twice }
  Var n = Var::constant("n");
  Buffer x = Buffer::make("x", kF32, {3, 6}), y = Buffer::make("y", kF32, {6, n});
  Stmt inner = call("tile", {6, n}, {3, View::whole(x), View::whole(y)});
  t.program.items.push_back(
      Intrinsic{"two", {n}, {x, y}, block({ImportPragma::make(import), inner, inner}), {}});
  Buffer p = Buffer::make("p", kF32, {3, 6}), q = Buffer::make("q", kF32, {6, 16});
  t.function({p, q}, {call("two", {16}, {View::whole(p), View::whole(q)})});
  Target target = target_of("t", "x86_64", {});
  LoweredProgram lowered = lower_intrinsics(t.program, &target);
  const Function& f = *lowered.program.find_function("f");
  Stmt uk = block(
      {Evaluate::make(CallExtern::make(kVoid, "uk", {3, View::whole(p), View::whole(q), 16}))});
  EXPECT_TRUE(equal(f.body, block({block({uk, uk})})));
  EXPECT_EQ(f.imports.size(), 1u);
  EXPECT_EQ(lowered.selections.size(), 2u);
}

TEST(LowerIntrinsics, RecursionIsAnError) {
  Var n = Var::constant("n");
  Buffer x = Buffer::make("x", kF32, {});
  Buffer out = Buffer::make("out", kF32, {});
  auto with_body = [&](Stmt body) {
    Program program;
    program.items.push_back(Intrinsic{"f", {n}, {x}, block({body}), {}});
    program.items.push_back(
        Function{"main", {out}, {}, block({call("f", {1}, {View::whole(out)})}), {}});
    return program;
  };
  Program loop = with_body(call("f", {n}, {View::whole(x)}));
  Diagnostic error = error_of([&] { lower_intrinsics(loop, nullptr); });
  EXPECT_EQ(error.rule, "recursion");
  EXPECT_EQ(error.message, "intrinsic `f<1>` calls itself");
  Program endless = with_body(call("f", {n + 1}, {View::whole(x)}));
  error = error_of([&] { lower_intrinsics(endless, nullptr); });
  EXPECT_EQ(error.message, "intrinsics call each other more than 64 levels deep");
}

TEST(LowerIntrinsics, TemplateArgumentMustFold) {
  TileProgram t;
  Var n("n");
  Buffer panel = Buffer::make("panel", kF32, {3, 6}), out = Buffer::make("out", kF32, {6, 16});
  t.function({n, panel, out}, {call("tile", {n, 16}, {3, View::whole(panel), View::whole(out)})});
  Diagnostic error = error_of([&] { lower_intrinsics(t.program, nullptr); });
  EXPECT_EQ(error.rule, "constant");
  EXPECT_EQ(error.message, "template argument 0 of `tile` is not known when compiling");
}

TEST(LowerIntrinsics, CopiesShareNoDefinition) {
  TileProgram t;
  Buffer panel = Buffer::make("panel", kF32, {3, 6}), out = Buffer::make("out", kF32, {6, 16});
  Stmt one = call("tile", {6, 16}, {3, View::whole(panel), View::whole(out)});
  t.function({panel, out}, {one, one});
  Stmt body = lower_intrinsics(t.program, nullptr).program.find_function("f")->body;
  auto outer = [&](size_t at) {
    return body.as<Block>()->stmts[at].as<Block>()->stmts[0].as<For>()->var;
  };
  EXPECT_FALSE(outer(0).same_as(outer(1)));
}

}  // namespace
}  // namespace inlay
