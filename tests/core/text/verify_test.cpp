// Each rule of the verifier: what it lets pass, what it refuses, and where it says so.
#include "core/verify/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text/text.h"

namespace inlay {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> findings(const Diagnostics& diagnostics) {
  std::vector<std::string> list;
  for (const Diagnostic& d : diagnostics.all()) {
    std::string text = d.loc ? std::to_string(d.loc.line) + ":" + std::to_string(d.loc.column) : "";
    list.push_back(text + " " + d.rule + " | " + d.ir_path + " | " + d.message);
  }
  return list;
}

std::vector<std::string> verified(const std::string& text) {
  ParseResult parsed = parse_program(text, "test.inlay");
  EXPECT_FALSE(parsed.diagnostics.has_errors()) << render(parsed.diagnostics.all()) << text;
  return findings(verify(parsed.program));
}

// The tile that calls are checked against.
const char* const kTile =
    "intrin tile<m, n>(k: index, s: f32, a: f32[k, m], c: f32[m, n] strided) {}\n";

struct Case {
  const char* text;
  const char* finding;  ///< empty: nothing to say
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.text;
}

class Verify : public testing::TestWithParam<Case> {};

TEST_P(Verify, Says) {
  std::vector<std::string> found = verified(GetParam().text);
  if (*GetParam().finding) {
    ASSERT_EQ(found.size(), 1u) << testing::PrintToString(found);
    EXPECT_EQ(found[0], GetParam().finding);
  } else {
    EXPECT_THAT(found, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Hints, Verify,
    testing::Values(
        Case{"func f(A: f32[4]) { for i in 0..4 { if i > 1 { pragma unroll 2 } } }", ""},
        Case{"func f(A: f32[4]) { pragma unroll 2 }",
             "1:21 bad-pragma | f | `pragma unroll` stands outside of loops"},
        Case{"func f(A: f32[4], n: index) { prefetch write A[n - 9] prefetch A[99] }", ""},
        Case{"func f(A: f32[4], I: i64[4]) { prefetch A[I[0]] }",
             "1:32 bad-pragma | f | an index of a prefetch reads memory or calls something"}));

INSTANTIATE_TEST_SUITE_P(
    Requirements, Verify,
    testing::Values(
        Case{
            "func f(A: f32[4]) { require vgprs <= 8 if extent(A, 0) > 1 { require lds == 0 for any "
            "A[0] = 1.0 } }",
            ""},
        Case{"func f(A: f32[4]) { for i in 0..4 { require vgprs <= 8 } }",
             "1:37 bad-require | f/for i | `require` stands in a loop"},
        Case{"intrin t(a: f32[4]) { require vgprs <= 8 a[0] = 1.0 }",
             "1:23 bad-require | t | `require` stands in no function"},
        Case{"intrin t(a: f32[4]) { a[0] = 1.0 } "
             "implement t for x86_64 { require vgprs <= 8 a[0] = 1.0 }",
             "1:61 bad-require | implement t for x86_64 | `require` stands in no function"}));

INSTANTIATE_TEST_SUITE_P(
    Names, Verify,
    testing::Values(
        Case{"func f.g() {}",
             "1:1 bad-name |  | function `f.g` is exported to C, where a name has no dot"},
        Case{"func f_g() {}", ""},
        Case{"func code_object_f() {}",
             "1:1 reserved-name |  | function `code_object_f` would be exported as "
             "`inlay_code_object_f`, which the code object's own table may be called"},
        Case{"func code_objects() {}", ""},
        Case{"func f(v: f32x8) {}", "1:8 bad-param | f | parameter `v` of type f32x8 is a vector"},
        Case{"func f(A: f32[M + 1]) {}",
             "1:15 unbound-symbol | f | symbol `M` appears only inside of expressions, so no call "
             "binds it"},
        Case{"func f(A: f32[M + 1], B: f32[M]) {}", ""},
        Case{"func f(A: f32[M + 1], M: index) {}", ""},
        Case{"func f(A: f32[4, 4] strides [ld, 1], B: f32[ld * 2]) {}", ""},
        Case{"intrin t(a: f32[n * 2]) {}",
             "1:17 unbound-symbol | t | symbol `n` appears only inside of expressions, so no call "
             "binds it"},
        Case{"func f(A: f32[4, -1]) {}",
             "1:18 negative-extent | f | extent -1 of buffer `A` is negative"},
        Case{"func f(A: f32[4, 0]) {}", ""},
        Case{"func f(A: f32[4] in shared) {}",
             "1:8 memory-space | f | parameter `A` is in shared memory, which no caller can reach"},
        Case{"intrin t(A: f32[4] in shared) {}", ""}));

INSTANTIATE_TEST_SUITE_P(
    Rows, Verify,
    testing::Values(
        Case{
            "intrin t<m>() {}\nimplement t<1, 2> for any {}",
            "2:1 bad-row | implement t for any | intrinsic `t` has 1 template parameters, this row "
            "gives 2"},
        Case{"intrin t<m>() {}\nimplement t<1> for x86_64(avx2, fma) {}\n"
             "implement t<1> for x86_64(fma, avx2) {}",
             "3:1 duplicate-row | implement t for x86_64(fma, avx2) | a second row for the same "
             "constants and target is never chosen"},
        Case{"intrin t<m>() {}\nimplement t<1> for x86_64(avx2) {}\n"
             "implement t<2> for x86_64(avx2) {}\nimplement t<1> for aarch64 {}",
             ""},
        Case{"param m = 1 { x86_64: 2 x86_64: 3 }",
             "1:25 duplicate-row | param m | parameter `m` has two values for x86_64"},
        Case{"param m = 1 { x86_64: 2 x86_64(avx2): 3 any: 4 }", ""},
        Case{"intrin t() { t() }",
             "1:1 recursive-intrinsic | t | the meaning of intrinsic `t` calls itself"},
        Case{"intrin u() {}\nintrin t() { u() }", ""},
        Case{"intrin t<m>() {}\nimplement t<8> for any { t<4>() t<4>() }", ""}));

TEST(VerifyRows, MeaningsThatCallEachOtherInACircle) {
  std::vector<std::string> found = verified("intrin t() { u() } intrin u() { t() }");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0], HasSubstr("recursive-intrinsic | t"));
  EXPECT_THAT(found[1], HasSubstr("recursive-intrinsic | u"));
}

class VerifyBody : public testing::TestWithParam<Case> {};

TEST_P(VerifyBody, Says) {
  std::vector<std::string> found = verified(
      std::string(kTile) + "param mr = 6\nfunc f(n: index, x: f32, A: f32[8, 16], B: f32[n]) {\n" +
      GetParam().text + "\n}\n");
  if (*GetParam().finding) {
    ASSERT_EQ(found.size(), 1u) << testing::PrintToString(found);
    EXPECT_EQ(found[0], GetParam().finding);
  } else {
    EXPECT_THAT(found, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Indices, VerifyBody,
    testing::Values(
        Case{"A[7, 16] = x",
             "4:6 out-of-bounds | f | index 16 of dimension 1 of buffer `A` is not below its "
             "extent 16"},
        Case{"A[7, 15] = x", ""},
        Case{"for i in 0..n { if i > 2 { let y = A[i, 2 - 3] } }",
             "4:43 out-of-bounds | f/for i/if | index -1 of dimension 1 of buffer `A` is negative"},
        Case{"if 1 > 2 { A[9, 0] = x } else { A[7, 0] = x }", ""},
        Case{"if 1 < 2 { A[7, 0] = x } else { A[9, 0] = x }", ""},
        Case{"for i in 3..3 { A[9, 0] = x }", ""},
        Case{"A[0, ramp(9, 1, 8)] = broadcast(x, 8)",
             "4:6 out-of-bounds | f | index 16 of dimension 1 of buffer `A` is not below its "
             "extent 16"},
        Case{"A[0, ramp(8, 1, 8)] = broadcast(x, 8)", ""},
        Case{"A[0, ramp(7, -1, 8)] = broadcast(x, 8)", ""},
        Case{"A[0, ramp(1, 0, 8)] = broadcast(x, 8)",
             "4:1 vector-index | f | all lanes of this store write one element of buffer `A`"},
        Case{"A[0, broadcast(1, 8)] = broadcast(x, 8)",
             "4:1 vector-index | f | all lanes of this store write one element of buffer `A`"},
        Case{"let y = A[0, broadcast(1, 8)]", ""},
        Case{"call g(A[4..9, 0])",
             "4:11 out-of-bounds | f | range in dimension 0 of buffer `A` ends at 9, beyond its "
             "extent 8"},
        Case{"call g(A[4..8, 0])", ""},
        Case{"call g(A[4..3, 0])",
             "4:11 negative-extent | f | range in dimension 0 of buffer `A` ends before it starts"},
        Case{"call g(A[-1..3, 0])",
             "4:10 out-of-bounds | f | range in dimension 0 of buffer `A` starts at -1"},
        Case{"call g(&A[8, 0])",
             "4:11 out-of-bounds | f | index 8 of dimension 0 of buffer `A` is not below its "
             "extent 8"},
        Case{"call g(A[8..8, 0])", ""},
        Case{"alloc T: f32[3 - 5]",
             "4:16 negative-extent | f | extent -2 of buffer `T` is negative"},
        Case{"alloc T: f32[n] in private",
             "4:1 private-shape | f | buffer `T` in private memory has an extent that is not "
             "known when compiling"},
        Case{"let m = 4\nalloc T: f32[m] in private",
             "5:1 private-shape | f | buffer `T` in private memory has an extent that is not "
             "known when compiling"},
        Case{"alloc T: f32[mr * 2, 4] in private", ""}, Case{"alloc T: f32[n] in global", ""}));

INSTANTIATE_TEST_SUITE_P(
    Races, VerifyBody,
    testing::Values(
        Case{"parallel for i in 0..n { B[0] += A[i, 0] }",
             "4:26 race | f/for i | every iteration of the parallel loop `i` writes the same "
             "element of buffer `B`"},
        Case{"parallel for i in 0..n { B[i] = x }", ""}, Case{"for i in 0..n { B[0] = x }", ""},
        Case{"parallel for i in 0..1 { B[0] = x }", ""},
        Case{"parallel for i in 0..n { if i == 3 { B[0] = x } }", ""},
        Case{"parallel for i in 0..n { if n == 3 { B[0] = x } }",
             "4:38 race | f/for i/if | every iteration of the parallel loop `i` writes the same "
             "element of buffer `B`"},
        Case{"parallel for i in 0..n { let j = i * 2 B[j] = x }", ""},
        Case{"parallel for i in 0..n { for j in i..n { B[0] = x } }", ""},
        Case{"parallel for i in 0..n { for j in 0..n { B[j] = x } }",
             "4:42 race | f/for i/for j | every iteration of the parallel loop `i` writes the same "
             "element of buffer `B`"},
        Case{"parallel for i in 0..n { alloc T: f32[4] T[0] = x }", ""},
        Case{"parallel for i in 0..n { B[call i64 g(i)] = x }", ""},
        Case{"vectorized for i in 0..8 { A[0, 0] = x }",
             "4:28 race | f/for i | every iteration of the vectorized loop `i` writes the same "
             "element of buffer `A`"},
        Case{"grid(x) for i in 0..n { lane(x) for j in 0..8 { A[j, 0] = x } }",
             "4:49 race | f/for i/for j | every iteration of the grid(x) loop `i` writes the same "
             "element of buffer `A`"},
        Case{"grid(x) for i in 0..8 { lane(x) for j in 0..16 { A[i, j] = x } }", ""}));

INSTANTIATE_TEST_SUITE_P(
    Nesting, VerifyBody,
    testing::Values(
        Case{"barrier", "4:1 barrier | f | a barrier stands outside of lane loops"},
        Case{"lane(x) for i in 0..8 { barrier }", ""},
        Case{"lane(x) for i in 0..8 { if n > 3 { barrier } }", ""},
        Case{"lane(x) for i in 0..8 { if i > 3 { barrier } }",
             "4:36 barrier | f/for i/if | some lanes do not reach this barrier: a condition or "
             "bound around it depends on the lane"},
        Case{"lane(x) for i in 0..8 { let j = i + 1 for k in 0..j { barrier } }",
             "4:55 barrier | f/for i/for k | some lanes do not reach this barrier: a condition or "
             "bound around it depends on the lane"},
        Case{"lane(x) for i in 0..8 { vectorized for k in 0..4 { barrier } }",
             "4:52 barrier | f/for i/for k | a barrier stands inside a vectorized loop"},
        Case{"unrolled for i in 0..64 { unrolled for j in 0..64 { } }", ""},
        Case{"unrolled for i in 0..64 { for k in 0..9 { unrolled for j in 0..65 { } } }",
             "4:43 unroll-limit | f/for i/for k | unrolled loops would make more than 4096 copies "
             "of what is in loop `j`"},
        Case{"unrolled for i in 0..9223372036854775807 { unrolled for j in 0..9 { } }",
             "4:1 unroll-limit | f | unrolled loops would make more than 4096 copies of what is "
             "in loop `i`"},
        Case{"grid(x) for i in 0..8 { grid(x) for j in 0..8 { } }",
             "4:25 loop-nesting | f/for i | a grid(x) loop stands inside another grid(x) loop"},
        Case{"grid(x) for i in 0..8 { grid(y) for j in 0..8 { lane(x) for k in 0..2 {} } }", ""},
        Case{"lane(x) for i in 0..8 { grid(x) for j in 0..8 { } }",
             "4:25 loop-nesting | f/for i | a grid(x) loop stands inside a lane(x) loop"},
        Case{"parallel for i in 0..8 { lane(x) for j in 0..8 { } }",
             "4:26 loop-nesting | f/for i | a lane(x) loop stands inside a parallel loop"},
        Case{"grid(x) for i in 0..8 { parallel for j in 0..8 { } }",
             "4:25 loop-nesting | f/for i | a parallel loop stands inside a grid(x) loop"},
        Case{"lane(x) for i in 0..8 { alloc T: f32[4] in shared }",
             "4:25 loop-nesting | f/for i | buffer `T` is shared by a workgroup, but allocated by "
             "each lane"},
        Case{"grid(x) for i in 0..8 { alloc T: f32[4] in shared lane(x) for j in 0..4 { } }", ""}));

INSTANTIATE_TEST_SUITE_P(
    Calls, VerifyBody,
    testing::Values(
        Case{"tile<8, 4>(3, x, A[0..3, 0..8], A[0..8, 4..8])",
             "4:18 bad-call | f | stride of dimension 0 of argument `a` of `tile` is 16, expected "
             "8"},
        Case{"alloc T: f32[n, 8] tile<8, 4>(3, x, T[0..3, 0..8], A[0..8, 4..8])", ""},
        Case{"alloc T: f32[n, mr] tile<mr, 4>(n, x, T, A[0..mr, 4..8])", ""},
        Case{"tiles<8, 4>(n)", "4:1 unknown-intrinsic | f | there is no intrinsic `tiles`"},
        Case{"f(n)", "4:1 unknown-intrinsic | f | there is no intrinsic `f`"},
        Case{"tile<8>(3, x, A, A)",
             "4:1 bad-call | f | intrinsic `tile` takes 2 template arguments, found 1"},
        Case{"tile<8, 4>(3, x)", "4:1 bad-call | f | intrinsic `tile` takes 4 arguments, found 2"},
        Case{"alloc T: f32[n, 8] tile<n, 4>(3, x, T[0..3, 0..8], A[0..8, 4..8])",
             "4:20 bad-call | f | template argument `m` of `tile` is not known when compiling"},
        Case{"alloc T: f32[n, 8] tile<8, 4>(3, 1, T[0..3, 0..8], A[0..8, 4..8])",
             "4:34 bad-call | f | argument `s` of `tile` has type i64, expected f32"},
        Case{"alloc T: f32[n, 8] tile<8, 4>(3, T, T[0..3, 0..8], A[0..8, 4..8])",
             "4:34 bad-call | f | argument `s` of `tile` is a f32, found a view of `T`"},
        Case{"tile<8, 4>(3, x, x, A[0..8, 4..8])",
             "4:1 bad-call | f | argument `a` of `tile` is a buffer, found a value of type f32"},
        Case{"alloc T: f64[n, 8] tile<8, 4>(3, x, T[0..3, 0..8], A[0..8, 4..8])",
             "4:37 bad-call | f | argument `a` of `tile` has elements of type f64, expected f32"},
        Case{"tile<8, 4>(3, x, &A[0, 0], A[0..8, 4..8])",
             "4:18 bad-call | f | argument `a` of `tile` has 0 dimensions, expected 2"},
        Case{
            "alloc T: f32[n, 8] tile<8, 4>(3, x, T[0..2, 0..8], A[0..8, 4..8])",
            "4:37 bad-call | f | extent of dimension 0 of argument `a` of `tile` is 2, expected 3"},
        Case{
            "alloc T: f32[n, 8] tile<8, 4>(3, x, T[0..3, 0..8], A[0..8, 4..9])",
            "4:52 bad-call | f | extent of dimension 1 of argument `c` of `tile` is 5, expected 4"},
        Case{"alloc T: f32[n, 8] alloc U: f32[4, 4]\n"
             "tile<4, 4>(3, x, T[0..3, 0..4], U)",
             "5:18 bad-call | f | stride of dimension 0 of argument `a` of `tile` is 8, expected "
             "4"}));

TEST(VerifyCalls, InnermostDimensionOfAStridedParameterIsContiguous) {
  std::vector<std::string> found = verified(
      "intrin t(c: f32[4, 4] strided) {}\nfunc f(U: f32[4, 4, 2]) { t(U[0..4, 0..4, 1]) }");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("stride of dimension 1 of argument `c` of `t` is 2, expected 1"));
}

// What only the builder can get wrong.

Program program_of(std::vector<Param> params, std::vector<Stmt> body, std::string name = "f") {
  Program program;
  program.items.push_back(
      Function{std::move(name), std::move(params), {}, Block::make(std::move(body)), {}});
  return program;
}

std::vector<std::string> findings_of(const Program& program) {
  return findings(verify(program));
}

TEST(VerifyBuilder, ScopesOfVariables) {
  Buffer a = Buffer::make("A", kF32, {Expr(8)});
  Var i("i"), t("t");
  Stmt store = Store::make(a, {i}, FloatImm::make(kF32, 0));
  EXPECT_THAT(findings_of(program_of({a}, {For::make(ForKind::Serial, i, 0, 8, store)})),
              IsEmpty());
  EXPECT_THAT(findings_of(program_of({a}, {store})),
              testing::ElementsAre(" scope | f | variable `i` is used but never declared before"));
  EXPECT_THAT(findings_of(program_of({a}, {For::make(ForKind::Serial, i, 0, 8, store), store})),
              testing::ElementsAre(
                  " scope | f | variable `i` is used outside of the block that declares it"));
  EXPECT_THAT(findings_of(program_of({a}, {For::make(ForKind::Serial, i, 0, i, store)})),
              testing::ElementsAre(" scope | f | variable `i` is used but never declared before"));
  Stmt loop = For::make(ForKind::Serial, i, 0, 8, store);
  EXPECT_THAT(
      findings_of(program_of({a}, {loop, loop})),
      testing::ElementsAre(" redefined | f | loop variable `i` is one node that is defined twice"));
  EXPECT_THAT(findings_of(program_of({a}, {Let::make(t, t)})),
              testing::ElementsAre(" scope | f | variable `t` is used but never declared before"));
}

TEST(VerifyBuilder, ScopesOfBuffers) {
  Buffer a = Buffer::make("A", kF32, {Expr(8)}), b = Buffer::make("B", kF32, {Expr(8)});
  Stmt store = Store::make(b, {Expr(0)}, Load::make(a, {Expr(1)}));
  EXPECT_THAT(findings_of(program_of({a}, {Allocate::make(b), store})), IsEmpty());
  EXPECT_THAT(findings_of(program_of({a}, {store, Allocate::make(b)})),
              testing::ElementsAre(" scope | f | buffer `B` is used but never declared before"));
  EXPECT_THAT(findings_of(program_of({a}, {Block::make({Allocate::make(b)}), store})),
              testing::ElementsAre(
                  " scope | f | buffer `B` is used outside of the block that declares it"));
  EXPECT_THAT(
      findings_of(program_of({a}, {Allocate::make(b), Allocate::make(b)})),
      testing::ElementsAre(" redefined | f | buffer `B` is one node that is defined twice"));
  EXPECT_THAT(findings_of(program_of({a, a}, {})),
              testing::ElementsAre(
                  " redeclared | f | parameter `A` has the name of another parameter or symbol",
                  " redefined | f | parameter `A` is one node that is defined twice"));
}

TEST(VerifyBuilder, NamesThatTheTextCanNotSay) {
  EXPECT_THAT(
      findings_of(program_of({Var("for")}, {})),
      testing::ElementsAre(" bad-name | f | parameter is called `for`, which is no identifier"));
  EXPECT_THAT(
      findings_of(program_of({}, {}, "a b")),
      testing::ElementsAre(" bad-name |  | function is called `a b`, which is no identifier"));
  Program twice = program_of({}, {});
  twice.items.push_back(twice.items[0]);
  EXPECT_THAT(findings_of(twice),
              testing::ElementsAre(" redeclared |  | function `f` has the name of another one"));
  Var m("M");
  EXPECT_THAT(findings_of(program_of({Buffer::make("M", kF32, {m})}, {})),
              testing::ElementsAre(
                  " redeclared | f | parameter `M` has the name of another parameter or symbol"));
  Program hidden = program_of({Buffer::make("A", kF32, {m})}, {});
  hidden.items.insert(hidden.items.begin(), ProgramParam{Var::constant("M"), 1, {}, {}});
  EXPECT_THAT(
      findings_of(hidden),
      testing::ElementsAre(" redeclared | f | symbol `M` has the name of a program parameter"));
}

TEST(VerifyBuilder, ConstantsAreDeclaredBeforeTheirUse) {
  Var m = Var::constant("m");
  Stmt use = Let::make(Var("t"), m);
  Program program = program_of({}, {use});
  EXPECT_THAT(findings_of(program),
              testing::ElementsAre(" scope | f | variable `m` is used but never declared before"));
  program.items.push_back(ProgramParam{m, 1, {}, {}});
  EXPECT_THAT(findings_of(program),
              testing::ElementsAre(" scope | f | variable `m` is used but never declared before"));
  std::swap(program.items[0], program.items[1]);
  EXPECT_THAT(findings_of(program), IsEmpty());
  Program plain;
  plain.items.push_back(ProgramParam{Var("m"), 1, {}, {}});
  EXPECT_THAT(findings_of(plain),
              testing::ElementsAre(" bad-node | param m | parameter `m` is no compile-time index"));
}

TEST(VerifyBuilder, TypesAndImports) {
  EXPECT_THAT(
      findings_of(
          program_of({}, {Evaluate::make(CallExtern::make(kF32.with_lanes(2000), "g", {}))})),
      testing::ElementsAre(" bad-type | f | type `f32x2000` of the result of `g` does not exist"));
  auto import = [](Import pragma) {
    return findings_of(program_of({}, {ImportPragma::make(std::move(pragma))}));
  };
  EXPECT_THAT(import(Import::path(ImportKind::C, "a.c", "", {"-O2"})), IsEmpty());
  EXPECT_THAT(import(Import::path(ImportKind::C, "")),
              testing::ElementsAre(" bad-import | f | the path of the import is empty"));
  EXPECT_THAT(import(Import::path(ImportKind::C, "a\nb")),
              testing::ElementsAre(
                  " bad-import | f | the path of the import holds a newline or a NUL byte"));
  EXPECT_THAT(
      import(Import::inline_text(ImportKind::Object, "x")),
      testing::ElementsAre(" bad-import | f | an import of kind object can't be given inline"));
  EXPECT_THAT(import(Import::path(ImportKind::Llvm, "a.ll", "", {"-O2"})),
              testing::ElementsAre(" bad-import | f | flags are for Clang; an import of kind llvm "
                                   "takes none"));
}

TEST(VerifyBuilder, RowsHaveAnIntrinsicBeforeThem) {
  Program program;
  program.items.push_back(Implement{"t", {}, {"any", {}, {}}, {}, Block::make({}), {}});
  EXPECT_THAT(
      findings_of(program),
      testing::ElementsAre(" unknown-intrinsic | implement t for any | there is no intrinsic `t`"));
  program.items.push_back(Intrinsic{"t", {}, {}, Block::make({}), {}});
  EXPECT_THAT(findings_of(program),
              testing::ElementsAre(" unknown-intrinsic | implement t for any | this row stands "
                                   "before its intrinsic `t`"));
  std::swap(program.items[0], program.items[1]);
  EXPECT_THAT(findings_of(program), IsEmpty());
  program.items.push_back(Implement{"t", {}, {"a b", {"c d"}, {}}, {}, Block::make({}), {}});
  EXPECT_EQ(findings_of(program).size(), 2u);
  program.items.back() = Intrinsic{"u", {Var("m")}, {}, {}, {}};
  EXPECT_THAT(
      findings_of(program),
      testing::ElementsAre(" bad-node | u | template parameter `m` is no compile-time constant",
                           " bad-node | u | the body is no block"));
}

TEST(VerifyProgram, ReportsAllOfAFile) {
  std::vector<std::string> found = verified(R"(
    func f(A: f32[4]) { A[5] = 1.0 barrier }
    func g(A: f32[4]) { t() A[6] = 1.0 }
  )");
  EXPECT_EQ(found.size(), 4u) << testing::PrintToString(found);
}

}  // namespace
}  // namespace inlay
