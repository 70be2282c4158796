// What matches an intrinsic's meaning, and what is said where nothing does.
#include "core/schedule/steps.h"
#include "core/verify/verify.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kIntrinsics = R"(
intrin add8(a: f32[8], b: f32[8], c: f32[8]) { for i in 0..8 { c[i] = a[i] + b[i] } }
intrin axpy8(s: f32, x: f32[8], y: f32[8]) { for i in 0..8 { y[i] += s * x[i] } }
intrin tile<m, n>(k: index, a: f32[k, m], b: f32[k, n], c: f32[m, n] strided) {
  for p in 0..k { for i in 0..m { for j in 0..n { c[i, j] += a[p, i] * b[p, j] } } }
}
intrin dot8(x: f32[8], y: f32[8], s: f32[1]) { for i in 0..8 { s[0] += x[i] * y[i] } }
intrin fill(n: index, x: f32[n]) { for i in 0..n { x[i] = 0.0 } }
intrin aligned8(a: f32[8] align 32, c: f32[8]) { for i in 0..8 { c[i] = a[i] } }
)";

Program with(const std::string& body, const std::string& params) {
  return parse(kIntrinsics + ("func f(" + params + ") {" + body + "}"));
}

const char* kVectors = "A: f32[N], B: f32[N], C: f32[N]";

TEST(Tensorize, WholeTilesAfterPeel) {
  Program program = with("for i in 0..N { C[i] = A[i] + B[i] }", kVectors);
  Schedule s(program, "f");
  s.split("i", 8, "o", "v", Tail::Peel).tensorize("v", "add8", {});
  EXPECT_TRUE(has(print(s.function()), {"add8(A[o * 8..o * 8 + 8], B[o * 8..o * 8 + 8], C["}));
  for (int64_t n : {0, 1, 7, 8, 9, 16, 31}) expect_same(program, s, {{"N", n}}, {"C"});
}

// What is declared between nests that one call takes is there for what follows.
TEST(Tensorize, NestsWithALetBetween) {
  Program program = parse(
      "intrin fill(n: index, m: index, x: f32[n], y: f32[m]) {\n"
      "  for i in 0..n { x[i] = 0.0 } for j in 0..m { y[j] = 1.0 }\n}\n"
      "func f(X: f32[N], Y: f32[2]) {\n"
      "  for i in 0..N { X[i] = 0.0 } let q = min(N, 2) for j in 0..q { Y[j] = 1.0 }\n"
      "  for k in 0..q { X[k] = 2.0 }\n}\n");
  Schedule s(program, "f");
  s.tensorize_run("i", "j", "fill", {});
  EXPECT_TRUE(has(print(s.function()), {"fill(N, min(2, N), X, Y[0..", "for k in 0..q"}));
  for (int64_t n : {1, 2, 5}) expect_same(program, s, {{"N", n}});
}

TEST(Tensorize, PaddedTiles) {
  for (Tail tail : {Tail::Bound, Tail::Guard}) {
    Program program = with("for i in 0..N { C[i] = A[i] + B[i] }", kVectors);
    Schedule s(program, "f");
    s.split("i", 8, "o", "v", tail);
    Diagnostic refused = refusal([&] { s.tensorize("v", "add8", {}); });
    EXPECT_EQ(refused.rule, "tensorize-mismatch");
    EXPECT_TRUE(has(refused.help, {"padded edges"}));
    s.tensorize("v", "add8", {}, Edge::Pad);
    EXPECT_TRUE(has(print(s.function()), {"a_tile", "b_tile", "c_tile"}));
    for (int64_t n : {0, 1, 7, 8, 9, 16, 31}) expect_same(program, s, {{"N", n}}, {"C"});
  }
}

TEST(Tensorize, CommutedOperandsAndScalars) {
  Program program =
      with("for i in 0..8 { Y[i] = X[i] * z + Y[i] }", "X: f32[8], Y: f32[8], z: f32");
  Schedule s(program, "f");
  s.tensorize("i", "axpy8", {});
  EXPECT_TRUE(has(print(s.function()), {"axpy8(z, X"}));
  expect_same(program, s, {});
}

TEST(Tensorize, OtherLoopOrderUnitLoopsGuardsAndLets) {
  const char* params = "A: f32[K, 4], B: f32[K, 8], C: f32[9, 9, 4, 8]";
  for (const char* body :
       {"for i in 0..4 { for j in 0..8 { for p in 0..K { C[1, 2, i, j] += B[p, j] * A[p, i] } } }",
        "for u in 3..4 { for p in 0..K { for j in 0..8 { for i in 0..4 { "
        "C[u, 2, i, j] += A[p, i] * B[p, j] } } } }",
        "for p in 0..K { let q = p + 1 for i in 0..4 { for j in 0..8 { if q > 0 && i + j < 12 { "
        "C[1, 2, i, j] = A[q - 1, i] * B[p, j] + C[1, 2, i, j] } } } }",
        "for p in 5..K + 5 { for i in 1..5 { for j in 0..8 { "
        "C[0, 0, i - 1, j] += A[p - 5, i - 1] * B[p - 5, j] } } }"}) {
    Program program = with(body, params);
    Schedule s(program, "f");
    try {
      s.tensorize(all_names(s.function()).front(), "tile", {4, 8});
    } catch (const CompileError& error) {
      ADD_FAILURE() << body << "\n" << error.what();
      continue;
    }
    EXPECT_TRUE(has(print(s.function()), {"tile<4, 8>(K, A", "for"})
                    ? ::testing::AssertionFailure() << "loops are left: " << body
                    : ::testing::AssertionSuccess());
    for (int64_t k : {0, 1, 5}) expect_same(program, s, {{"K", k}});
  }
}

TEST(Tensorize, AssertsOfTheMeaningAreProven) {
  const char* block = R"(
intrin rows<mr, nr>(m: index, n: index, k: index, first: bool, a: f32[m, k] strided,
                    b: f32[k, n] strided, c: f32[m, n] strided) {
  assert m <= mr, "at most mr rows"
  assert n <= nr, "at most nr columns"
  for i in 0..m { for j in 0..n {
    if first { c[i, j] = 0.0 }
    for p in 0..k { c[i, j] += a[i, p] * b[p, j] }
  } }
}
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})";
  Program program = parse(block);
  auto blocked = [&](int64_t mr, int64_t nr) {
    Schedule s(program, "f");
    s.split("k", Factor::even(4), "kb", "p").split("j", nr, "jp", "jj").split("i", mr, "ip", "ii");
    s.sink("kb").reorder({"kb", "jp", "ip", "ii", "jj"});
    return s;
  };
  // Edges need neither padding nor peeling: their sizes are arguments.
  Schedule s = blocked(3, 5);
  s.tensorize("ii", "rows", {3, 5});
  EXPECT_TRUE(has(print(s.function()), {"rows<3, 5>(min(3, M - ip * 3), min(5, N - jp * 5)"}));
  EXPECT_EQ(print(s.function()).find("+="), std::string::npos);
  for (int64_t m : {0, 1, 3, 7}) {
    for (int64_t k : {0, 1, 9}) expect_same(program, s, {{"M", m}, {"N", 11}, {"K", k}}, {"C"});
  }
  // Without blocks of k there is no guard: the flag is true.
  Schedule whole(program, "f");
  whole.split("j", 5, "jp", "jj").split("i", 3, "ip", "ii").reorder({"jp", "ip", "ii", "jj"});
  whole.tensorize("ii", "rows", {3, 5});
  EXPECT_TRUE(has(print(whole.function()), {", K, true, A"}));
  for (int64_t k : {0, 1, 9}) expect_same(program, whole, {{"M", 7}, {"N", 11}, {"K", k}}, {"C"});
  blocked(2, 5).tensorize("ii", "rows", {3, 5});
  Schedule wide = blocked(3, 8);
  Diagnostic refused = refusal([&] { wide.tensorize("ii", "rows", {3, 5}); });
  EXPECT_EQ(refused.rule, "tensorize-mismatch");
  EXPECT_TRUE(has(refused.message, {"asserts `n <= nr`"}));
  EXPECT_TRUE(
      has(refused.detail, {"expected", "at most nr columns", "`min(8, N - jp * 8)` and `5`"}));
}

TEST(Tensorize, WhatNeverRunsIsNothing) {
  Program program = with("for i in 3..3 { C[i] = A[i] + B[i] }", kVectors);
  Schedule s(program, "f");
  s.tensorize("i", "add8", {});
  EXPECT_FALSE(has(print(s.function()), {"for"})) << print(s.function());
}

TEST(Tensorize, ReorderedSumsAreReported) {
  Program program =
      with("for i in 0..4 { for j in 0..8 { for p in 0..K { C[i, j] += B[p, j] * A[p, i] } } }",
           "A: f32[K, 4], B: f32[K, 8], C: f32[4, 8]");
  Schedule s(program, "f");
  s.tensorize("i", "tile", {4, 8});
  EXPECT_FALSE(s.reassociates()) << "each element is summed in the order of p in both";
}

struct Wrong {
  const char* name;
  const char* body;
  const char* params;
  const char* loop;
  const char* intrinsic;
  std::vector<std::string> message, detail, help;
};

TEST(Tensorize, MismatchesShowTheNearest) {
  const char* matrices = "A: f32[K, 4], B: f32[K, 8], C: f32[4, 8]";
  const std::vector<Wrong> cases = {
      {"extent",
       "for i in 0..9 { C[i] = A[i] + B[i] }",
       kVectors,
       "i",
       "add8",
       {"loop `i` does not run over `8` iterations"},
       {"loop i of extent 8", "loop i of extent 9"},
       {"split it by 8"}},
      {"type",
       "for i in 0..8 { C[i] = A[i] + B[i] }",
       "A: f64[8], B: f64[8], C: f64[8]",
       "i",
       "add8",
       {"`C` holds f64"},
       {"c[i]: f32", "C[i]: f64"},
       {"f64"}},
      {"operator",
       "for i in 0..8 { C[i] = A[i] - B[i] }",
       "A: f32[8], B: f32[8], C: f32[8]",
       "i",
       "add8",
       {"operators differ"},
       {"a[i] + b[i]", "A[i] - B[i]"},
       {}},
      {"stride",
       "for i in 0..8 { C[i] = A[i, 0] + B[i] }",
       "A: f32[8, 2], B: f32[8], C: f32[8]",
       "i",
       "add8",
       {"stride `2`", "needs `1`"},
       {"expected", "A[i, 0]"},
       {"pack"}},
      {"transposed",
       "for p in 0..K { for i in 0..4 { for j in 0..8 { C[i, j] += A[i, p] * B[p, j] } } }",
       "A: f32[4, K], B: f32[K, 8], C: f32[4, 8]",
       "p",
       "tile",
       {"`A`"},
       {"a[p, i]", "A[i, p]"},
       {"pack"}},
      {"loops",
       "for p in 0..K { for i in 0..4 { C[i, 0] += A[p, i] * B[p, 0] } }",
       matrices,
       "p",
       "tile",
       {"has 2 loops, the meaning 3"},
       {"loops p", "in 0..4"},
       {"split"}},
      {"statements",
       "for p in 0..K { for i in 0..4 { for j in 0..8 { C[i, j] += A[p, i] * B[p, j] C[i, j] *= "
       "2.0 } } }",
       matrices,
       "p",
       "tile",
       {"2 statements"},
       {},
       {"fission"}},
      {"guard",
       "for i in 0..8 { if A[i] > 0.0 { C[i] = A[i] + B[i] } }",
       "A: f32[8], B: f32[8], C: f32[8]",
       "i",
       "add8",
       {"another statement"},
       {"if A[i] > 0.0"},
       {"guard"}},
      {"varying scalar",
       "for i in 0..8 { Y[i] += X[i] * Z[i] }",
       "X: f32[8], Y: f32[8], Z: f32[8]",
       "i",
       "axpy8",
       {"one value for the whole tile"},
       {},
       {}},
      {"negative extent",
       "for i in 6..M { X[i] = 0.0 }",
       "X: f32[M]",
       "i",
       "fill",
       {"loop `i` may end before it starts"},
       {"loop i of extent n", "loop i of extent M - 6"},
       {"condition"}},
      {"scalar that is read",
       "for i in 0..8 { Y[i] = X[i] * S[0] + Y[i] }",
       "X: f32[8], Y: f32[8], S: f32[1]",
       "i",
       "axpy8",
       {"one value for the whole tile"},
       {"S[0]"},
       {"`let` outside of the nest"}},
      {"alignment",
       "for i in 0..8 { C[i] = A[i] }",
       "A: f32[8], C: f32[8]",
       "i",
       "aligned8",
       {"not known to be aligned to 32 bytes"},
       {"a[i]"},
       {"pack"}},
      {"aliasing",
       "for i in 0..8 { C[i] = C[i] + B[i] }",
       "B: f32[8], C: f32[8]",
       "i",
       "add8",
       {"would both be `C`"},
       {},
       {"stage"}},
      {"unknown",
       "for i in 0..8 { C[i] = A[i] + B[i] }",
       "A: f32[8], B: f32[8], C: f32[8]",
       "i",
       "ad8",
       {"no intrinsic `ad8`"},
       {},
       {"`add8`"}}};
  for (const Wrong& wrong : cases) {
    SCOPED_TRACE(wrong.name);
    Program program = with(wrong.body, wrong.params);
    Schedule s(program, "f");
    std::vector<int64_t> constants;
    if (std::string(wrong.intrinsic) == "tile") constants = {4, 8};
    Diagnostic refused = refusal([&] { s.tensorize(wrong.loop, wrong.intrinsic, constants); });
    EXPECT_TRUE(has(refused.message, wrong.message));
    EXPECT_TRUE(has(refused.detail, wrong.detail));
    EXPECT_TRUE(has(refused.help, wrong.help));
    EXPECT_TRUE(refused.loc);
    EXPECT_TRUE(s.steps().empty());
  }
}

TEST(Tensorize, SumsAreNotPadded) {
  Program program = with(
      "for o in 0..(N + 7) / 8 { for v in 0..min(8, N - o * 8) { S[0] += A[o * 8 + v] * B[o * 8 + "
      "v] } }",
      "A: f32[N], B: f32[N], S: f32[1]");
  Schedule s(program, "f");
  Diagnostic refused = refusal([&] { s.tensorize("v", "dot8", {}, Edge::Pad); });
  EXPECT_TRUE(has(refused.message, {"`v` is a reduction"}));
  EXPECT_TRUE(has(refused.help, {"peel"}));
}

TEST(Tensorize, AndInlineAgain) {
  Program program = with("for o in 0..4 { for i in 0..8 { C[o, i] = A[o, i] + B[o, i] } }",
                         "A: f32[4, 8], B: f32[4, 8], C: f32[4, 8]");
  Schedule s(program, "f");
  s.tensorize("i", "add8", {}).inline_call("o");
  EXPECT_EQ(print(s.function()).find("add8"), std::string::npos);
  expect_same(program, s, {}, {"C"});
}

// ---- stage after tensorize ----

// The calls are given the copy, in which what they do stays until it is copied back.
TEST(StageAfterTensorize, TheTileIsTheOperand) {
  Program program =
      with("for i in 0..4 { for j in 0..6 { for k in 0..K { C[i, j] += A[k, i] * B[k, j] } } }",
           "A: f32[K, 4], B: f32[K, 6], C: f32[4, 6]");
  for (const char* place : {"C at jp as c", "C at jp as c pad", "C at ip as c in global",
                            "C at jp as c in global", "ap at kb as a", "bp at kb as b in global"}) {
    SCOPED_TRACE(place);
    Schedule s(program, "f");
    apply_steps(s,
                "split i by 2 into ip, ii  split j by 3 into jp, jj  split k by 4 into kb, p "
                "reorder ip, jp, kb, p, ii, jj  pack A at jp as ap[kb, p, ii] "
                "pack B at ip as bp[jp, kb, p, jj]  tensorize p as tile<2, 3>",
                "steps");
    apply_steps(s, std::string("stage ") + place, "steps");
    EXPECT_TRUE(verify(s.program()).all().empty()) << render(verify(s.program()).all());
    EXPECT_TRUE(has(print(s.function()), {"tile<2, 3>("}));
    for (int64_t k : {0, 3, 4, 9}) expect_same(program, s, {{"K", k}});
  }
}

TEST(StageAfterTensorize, OperandsThatAreReadOnly) {
  Program program =
      with("for i in 0..N / 8 { for v in 0..8 { C[i * 8 + v] = A[i * 8 + v] + B[v] } }", kVectors);
  Schedule s(program, "f");
  s.tensorize("v", "add8", {});
  Stage spec{"A", "i", "a"};
  s.stage(spec);
  EXPECT_TRUE(has(print(s.function()), {"add8(a, B[0..8], C[i * 8..i * 8 + 8])"}))
      << print(s.function());
  for (int64_t n : {0, 8, 23}) expect_same(program, s, {{"N", n}});
}

TEST(StageAfterTensorize, WhatTheOperandAsksForMustStay) {
  Program program = parse(R"(
intrin square(a: f32[4, 8] align 32) { for i in 0..4 { for j in 0..8 { a[i, j] += 1.0 } } }
intrin half(a: f32[2, 4] strides [8, 1]) { for i in 0..2 { for j in 0..4 { a[i, j] += 1.0 } } }
func f(A: f32[T, 4, 8] align 32) {
  for t in 0..T { for i in 0..4 { for j in 0..8 { A[t, i, j] += 1.0 } } }
}
func g(A: f32[2, 8]) { for t in 0..2 { for i in 0..2 { for j in 0..4 { A[i, t * 4 + j] += 1.0 } } } })");
  Schedule s(program, "f");
  s.tensorize("i", "square", {});
  Stage spec{"A", "t", "a"};
  spec.alignment = 16;
  Diagnostic refused = refusal([&] { s.stage(spec); });
  EXPECT_EQ(refused.rule, "illegal-stage");
  EXPECT_TRUE(has(refused.message, {"`a` of `square` would not lie at 32 bytes"}));
  EXPECT_TRUE(has(refused.help, {"align 32"}));
  spec.alignment = 32;
  s.stage(spec);
  EXPECT_TRUE(has(print(s.function()), {"square(a["}));

  // Half a row of the copy is a whole one.
  Schedule rows(program, "g");
  rows.tensorize("i", "half", {});
  refused = refusal([&] { rows.stage(Stage{"A", "t", "a"}); });
  EXPECT_EQ(refused.rule, "illegal-stage");
  EXPECT_TRUE(has(refused.message, {"would not have the strides"})) << refused.message;
  EXPECT_TRUE(has(refused.help, {"`strided`"}));
}

TEST(StageAfterTensorize, WhatNobodyKnows) {
  Program program = parse(R"(
intrin add4(a: f32[4] strided) { for i in 0..4 { a[i] += 1.0 } }
func f(A: f32[8, 4], B: f32[8, 4], C: f32[8, 4]) {
  for i in 0..8 {
    call uk(&A[i, 0])
    B[i, ramp(0, 1, 4)] = broadcast(1.0, 4)
    for j in 0..4 { C[i, j] += 1.0 }
  }
})");
  Schedule s(program, "f");
  s.tensorize("j", "add4", {});
  struct {
    const char* buffer;
    const char* message;
    const char* help;
  } const cases[] = {{"A", "it is not known which elements of `A` are accessed", "extern calls"},
                     {"B", "`B` is accessed by vectors", "`vectorize` may come after stage"}};
  for (auto& each : cases) {
    Diagnostic refused = refusal([&] { s.stage(Stage{each.buffer, "i", "copy"}); });
    EXPECT_EQ(refused.rule, "illegal-stage");
    EXPECT_TRUE(has(refused.message, {each.message})) << refused.message;
    EXPECT_TRUE(has(refused.help, {each.help})) << refused.help;
  }
  s.stage(Stage{"C", "i", "c"});
  EXPECT_TRUE(has(print(s.function()), {"add4(c[0, 0..4])"})) << print(s.function());
}

}  // namespace
}  // namespace inlay::testing
