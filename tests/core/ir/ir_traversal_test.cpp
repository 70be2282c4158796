// Structural equality, visitor, mutator.
#include <gtest/gtest.h>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/text/text.h"
#include "tests/core/support/random_program.h"

namespace inlay {
namespace {

Program parsed(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  EXPECT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all());
  return std::move(result.program);
}

bool equal_texts(const std::string& a, const std::string& b) {
  return equal(parsed(a), parsed(b));
}

TEST(Equal, NamesCountWhereTheyAreAnInterface) {
  auto f = [](const std::string& params, const std::string& body) {
    return "func f(" + params + ") {" + body + "}";
  };
  EXPECT_TRUE(equal_texts(f("", "let a = 1 let b = a"), f("", "let x = 1 let y = x")));
  EXPECT_FALSE(
      equal_texts(f("", "let a = 1 let b = 2 let c = a"), f("", "let a = 1 let b = 2 let c = b")));
  EXPECT_TRUE(equal_texts(f("", "for i in 0..4 {}"), f("", "for j in 0..4 {}")));
  EXPECT_TRUE(equal_texts(f("", "alloc A: f32[4]"), f("", "alloc B: f32[4]")));
  EXPECT_FALSE(equal_texts(f("n: index", ""), f("m: index", "")));
  EXPECT_FALSE(equal_texts(f("A: f32[M]", ""), f("A: f32[N]", "")));
  EXPECT_FALSE(equal_texts("func f() {}", "func g() {}"));
  EXPECT_FALSE(equal_texts("param m = 1", "param n = 1"));
  EXPECT_TRUE(equal_texts("intrin t<m>(a: f32[m, k]) {}", "intrin t<n>(b: f32[n, j]) {}"));
  EXPECT_FALSE(equal_texts("intrin t<m>(a: f32[m, k]) {}", "intrin t<m>(a: f32[k, m]) {}"));
}

TEST(Equal, EveryDetailCounts) {
  const char* texts[] = {"import c \"a\"",
                         "import c \"b\"",
                         "import cxx \"a\"",
                         "import c inline \"a\"",
                         "import c \"a\" may_call",
                         "import c \"a\" flags \"-O2\"",
                         "param m = 1",
                         "param m = 2",
                         "param m = 1 { any: 2 }",
                         "param m = 1 { any: 3 }",
                         "param m = 1 { any(avx2): 2 }",
                         "func f() {}",
                         "func f(a: f32) {}",
                         "func f(a: f64) {}",
                         "func f(a: f32[4]) {}",
                         "func f(a: f32[4] strided) {}",
                         "func f(a: f32[4] align 8) {}",
                         "func f(a: f32[4] in shared) {}",
                         "func f() { barrier }",
                         "func f() { let a = 1 }",
                         "func f() { let a = 1i32 }",
                         "func f() { let a = 0.0 }",
                         "func f() { let a = -0.0 }",
                         "func f() { let a = nan(f32) }",
                         "func f() { let a = 1 + 2 }",
                         "func f() { let a = 1 - 2 }",
                         "func f() { let a = true }",
                         "func f() { call g() }",
                         "func f() { call h() }",
                         "func f() { call f32 g() }",
                         "func f() { assert true, \"a\" }",
                         "func f() { assert true, \"b\" }",
                         "func f() { for i in 0..4 {} }",
                         "func f() { for i in 0..5 {} }",
                         "func f() { parallel for i in 0..4 {} }",
                         "func f() { if true {} }",
                         "func f() { if true {} else {} }",
                         "func f() { {} }",
                         "func f() { import c \"a\" }",
                         "func f() { ; import c \"a\" }",
                         "func f() { asm (\"a\", \"\") }",
                         "func f() { asm (\"b\", \"\") }"};
  for (const char* a : texts) {
    for (const char* b : texts) EXPECT_EQ(equal_texts(a, b), a == b) << a << "\n" << b;
  }
}

TEST(Equal, FreeVariablesAreTheSameNodes) {
  Var i("i"), j("i");
  EXPECT_TRUE(equal(i + 1, i + 1));
  EXPECT_FALSE(equal(i + 1, j + 1));
  EXPECT_FALSE(equal(i, Expr()));
  EXPECT_TRUE(equal(Expr(), Expr()));
}

TEST(Visitors, MeetEveryUse) {
  struct Uses : Visitor {
    std::vector<std::string> seen;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override { seen.push_back(node.name); }
    void visit_buffer(const Buffer& buffer) override { seen.push_back(buffer.name()); }
  } uses;
  Program program = parsed(R"(func f(A: f32[n], B: f32[m]) {
    for i in n..m { A[i] = B[i + m] alloc T: f32[n] call g(T, &A[i]) }
  })");
  uses.visit(program.find_function("f")->body);
  std::vector<std::string> expected = {"n", "m", "n", "A", "i", "B", "i",
                                       "m", "n", "T", "n", "A", "i"};
  EXPECT_EQ(uses.seen, expected);
}

TEST(Mutators, ShareWhatDoesNotChange) {
  struct Nothing : Mutator {
  } nothing;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Program program = testing::random_program({seed, 20, false}).program;
    const Stmt& body = program.find_function("f")->body;
    EXPECT_TRUE(nothing.mutate(body).same_as(body)) << seed;
  }
}

// Rebuilds every node: each constant becomes another node of the same value.
TEST(Mutators, RebuildEqualNodes) {
  struct Renew : Mutator {
    using Mutator::mutate_node;
    Expr mutate_node(const IntImm& node, const Expr&) override {
      return IntImm::make(node.type, node.value, node.loc);
    }
    Expr mutate_node(const FloatImm& node, const Expr&) override {
      return FloatImm::make(node.type, node.value, node.loc);
    }
  } renew;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Program program = testing::random_program({seed, 20, false}).program;
    Function& function = std::get<Function>(program.items.back());
    Program before = program;
    function.body = renew.mutate(function.body);
    EXPECT_TRUE(equal(before, program)) << seed;
    EXPECT_EQ(print(before), print(program)) << seed;
  }
}

TEST(Mutators, ReplaceVariablesAndBuffers) {
  struct Replace : Mutator {
    const VarNode* from = nullptr;
    Expr to;
    Buffer old_buffer, new_buffer;
    using Mutator::mutate_node;
    Expr mutate_node(const VarNode& node, const Expr& self) override {
      return &node == from ? to : self;
    }
    Buffer mutate_buffer(const Buffer& buffer) override {
      return buffer.same_as(old_buffer) ? new_buffer : buffer;
    }
  } replace;
  Var i("i"), j("j");
  Buffer a = Buffer::make("A", kF32, {8}), b = Buffer::make("B", kF32, {8});
  replace.from = i.operator->();
  replace.to = j + 1;
  replace.old_buffer = a;
  replace.new_buffer = b;
  auto store = [](const Buffer& buffer, const Expr& index) {
    return Store::make(buffer, {index}, Load::make(buffer, {index}));
  };
  EXPECT_TRUE(equal(replace.mutate(store(a, i)), store(b, j + 1)));
}

}  // namespace
}  // namespace inlay
