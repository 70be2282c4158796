// Deep, long and large texts: a clear error or an answer, in bounded time, and never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/text/text.h"
#include "core/verify/verify.h"

namespace inlay {
namespace {

std::string repeat(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::vector<std::string> rules_of(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  std::vector<std::string> rules;
  for (const Diagnostic& d : result.diagnostics.all()) rules.push_back(d.rule);
  return rules;
}

std::string let(const std::string& value) {
  return "func f(n: index) {\nlet a = " + value + "\n}";
}

void expect_round_trip(const std::string& text) {
  ParseResult first = parse_program(text, "test.inlay");
  ASSERT_FALSE(first.diagnostics.has_errors()) << render(first.diagnostics.all()[0]);
  std::string printed = print(first.program);
  ParseResult second = parse_program(printed, "test.inlay");
  ASSERT_FALSE(second.diagnostics.has_errors()) << render(second.diagnostics.all()[0]);
  EXPECT_TRUE(equal(first.program, second.program));
}

using testing::ElementsAre;

constexpr size_t kDeep = ExprNode::kMaxDepth;

TEST(TextLimits, ChainsOfOperators) {
  expect_round_trip(let("n" + repeat(" + n", kDeep - 1)));
  EXPECT_THAT(rules_of(let("n" + repeat(" + n", kDeep))), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let("1" + repeat("+1", kDeep))), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let("n" + repeat(" + n", 500'000))), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let("n" + repeat(" || n == n", 100'000))), ElementsAre("type-mismatch"));
}

TEST(TextLimits, ChainsOfSigns) {
  expect_round_trip(let(repeat("-", kDeep - 1) + "n"));
  EXPECT_THAT(rules_of(let(repeat("-", kDeep) + "n")), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let(repeat("-~", 500'000) + "n")), ElementsAre("too-deep"));
}

TEST(TextLimits, Parentheses) {
  // The IR's own depth is the limit: whatever can be built can be printed and read.
  expect_round_trip(let(repeat("n + (", kDeep - 1) + "n" + repeat(")", kDeep - 1)));
  expect_round_trip(let(repeat("min(n, ", kDeep - 1) + "n" + repeat(")", kDeep - 1)));
  EXPECT_THAT(rules_of(let(repeat("(", kDeep + 1) + "n" + repeat(")", kDeep + 1))),
              ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let(repeat("(", 1'000'000))), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let(repeat("f32(", 100'000))), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(let(repeat("a || n == (", 100'000))), ElementsAre("undeclared", "too-deep"));
  EXPECT_THAT(rules_of("func f(A: f32[4]) { call g(" + repeat("call i64 g(", 100'000)),
              ElementsAre("too-deep", "parse"));
  EXPECT_THAT(rules_of("func f(A: f32[4]) { A" + repeat("[A", 100'000)),
              ElementsAre("too-deep", "parse"));
}

TEST(TextLimits, Blocks) {
  constexpr size_t kLevels = StmtNode::kMaxDepth;
  expect_round_trip("func f() " + repeat("{", kLevels) + repeat("}", kLevels));
  EXPECT_THAT(rules_of("func f() " + repeat("{", kLevels + 1) + repeat("}", kLevels + 1)),
              ElementsAre("too-deep"));
  EXPECT_THAT(rules_of("func f() " + repeat("{", 1'000'000)), ElementsAre("too-deep", "parse"));
  std::string loops;
  for (size_t i = 0; i < kLevels; ++i) loops += "for v" + std::to_string(i) + " in 0..4 {";
  EXPECT_THAT(rules_of("func f() {" + loops + repeat("}", kLevels) + "}"), ElementsAre("too-deep"));
}

TEST(TextLimits, ChainsOfElseIf) {
  // Each is an `if` in the block of the `else` before it: two levels.
  auto chain = [](size_t count) {
    return "func f(n: index) { if n == 0 {}" + repeat(" else if n == 1 {}", count) + "}";
  };
  expect_round_trip(chain(240));
  EXPECT_THAT(rules_of(chain(300)), ElementsAre("too-deep"));
  EXPECT_THAT(rules_of(chain(100'000)), ElementsAre("too-deep"));
}

TEST(TextLimits, CopiesOfADeclarationDoNotExplode) {
  // Each extent is twice the one before: 100 lines would be 2^100 nodes.
  std::string text = "func f(n: index) {\nalloc T0: f32[n + n]\n";
  for (int i = 1; i < 100; ++i) {
    std::string last = "extent(T" + std::to_string(i - 1) + ", 0)";
    text += "alloc T" + std::to_string(i) + ": f32[" + last + " + " + last + "]\n";
  }
  EXPECT_THAT(rules_of(text + "}"), ElementsAre("too-deep", "too-deep"));
  // The start of a range is written twice in the IR.
  std::string view = "n";
  for (int i = 0; i < 60; ++i) view = "call i64 g(A[" + view + "..n])";
  EXPECT_THAT(rules_of("func f(n: index, A: f32[n]) { let a = " + view + "}"),
              ElementsAre("too-deep"));
}

TEST(TextLimits, LongTokens) {
  expect_round_trip("func f(n: index) { let " + std::string(1 << 20, 'a') + " = 1 }");
  EXPECT_THAT(rules_of(let(std::string(1 << 20, '7'))), ElementsAre("parse"));
  expect_round_trip(let("0." + std::string(1 << 16, '7')));
  expect_round_trip(let("0." + std::string(1 << 10, '0') + "1"));
  EXPECT_THAT(rules_of(let("1" + std::string(1 << 10, '0') + ".0")), ElementsAre("parse"));
  expect_round_trip(let("1" + std::string(1 << 10, '0') + ".0e-1030"));
  EXPECT_THAT(rules_of(let("1e99999999999999999999")), ElementsAre("parse"));
  expect_round_trip(let("1e-99999999999999999999"));
  expect_round_trip("func f(n: index) { assert n > 0, \"" + std::string(1 << 20, 'a') + "\" }");
  EXPECT_THAT(rules_of(std::string(1 << 20, '#')), ElementsAre("parse"));
}

TEST(TextLimits, ManyDeclarationsOfOneName) {
  Program program;
  std::vector<Stmt> stmts;
  for (int i = 0; i < 50'000; ++i) stmts.push_back(Let::make(Var("a"), Expr(i)));
  program.items.push_back(Function{"f", {}, {}, Block::make(std::move(stmts)), {}});
  ParseResult again = parse_program(print(program), "test.inlay");
  EXPECT_FALSE(again.diagnostics.has_errors());
  EXPECT_TRUE(equal(program, again.program));
}

double seconds_of(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A million nodes are parsed, verified, printed and compared in seconds. The limit is generous: a
// sanitizer and a busy machine may take their share, but nothing quadratic fits under it.
TEST(TextLimits, AMillionNodes) {
  std::string text = "func f(A: f32[M, N], B: f32[N]) {\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "  for i in 0..M {\n    for j in 1..N {\n";
    for (int k = 0; k < 4; ++k) {
      text += "      A[i, j] += select(B[j - 1] > 0.5, B[j] * 2.0, min(B[0], A[i, 0] + 1.5))\n";
    }
    text += "    }\n  }\n";
  }
  text += "}\n";
  struct Counter : Visitor {
    size_t count = 0;
    using Visitor::visit_node;
#define INLAY_EXPR_NODE(Kind, Node)            \
  void visit_node(const Node& node) override { \
    ++count;                                   \
    Visitor::visit_node(node);                 \
  }
#define INLAY_STMT_NODE(Kind, Node)            \
  void visit_node(const Node& node) override { \
    ++count;                                   \
    Visitor::visit_node(node);                 \
  }
#include "core/ir/ir_nodes.def"
  } counter;
  ParseResult parsed;
  double parse = seconds_of([&] { parsed = parse_program(text, "big.inlay"); });
  ASSERT_FALSE(parsed.diagnostics.has_errors());
  counter.visit(parsed.program.find_function("f")->body);
  EXPECT_GE(counter.count, 1'000'000u);
  double check = seconds_of([&] { EXPECT_FALSE(verify(parsed.program).has_errors()); });
  std::string printed;
  double write = seconds_of([&] { printed = print(parsed.program); });
  EXPECT_EQ(printed, text);
  EXPECT_LT(parse + check + write, 20.0);
  printf("%zu nodes, %zu bytes: parse %.2f s, verify %.2f s, print %.2f s\n", counter.count,
         text.size(), parse, check, write);
}

}  // namespace
}  // namespace inlay
