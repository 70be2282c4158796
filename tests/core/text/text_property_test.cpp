// Random programs: what is printed parses back to the same, whatever the program holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/text/text.h"
#include "core/verify/verify.h"
#include "tests/core/support/random_program.h"

namespace inlay {
namespace {

using inlay::testing::random_program;
using inlay::testing::RandomProgram;

void expect_round_trip(const Program& program, uint64_t seed) {
  std::string text = print(program);
  ParseResult again = parse_program(text, "random.inlay");
  ASSERT_FALSE(again.diagnostics.has_errors()) << "seed " << seed << "\n"
                                               << render(again.diagnostics.all()) << text;
  ASSERT_TRUE(equal(program, again.program)) << "seed " << seed << "\n" << text;
  ASSERT_EQ(text, print(again.program)) << "seed " << seed;
}

struct Kinds : Visitor {
  std::set<std::string> seen;
  using Visitor::visit_node;
#define INLAY_EXPR_NODE(Kind, Node)            \
  void visit_node(const Node& node) override { \
    seen.insert(#Kind);                        \
    Visitor::visit_node(node);                 \
  }
#define INLAY_STMT_NODE(Kind, Node)            \
  void visit_node(const Node& node) override { \
    seen.insert(#Kind);                        \
    Visitor::visit_node(node);                 \
  }
#include "core/ir/ir_nodes.def"
};

TEST(TextProperty, AnyProgram) {
  Kinds kinds;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    RandomProgram random = random_program({.seed = seed, .size = 30, .executable = false});
    kinds.visit(random.program.find_function("f")->body);
    expect_round_trip(random.program, seed);
    if (HasFatalFailure()) return;
  }
  std::set<std::string> all;
#define INLAY_EXPR_NODE(Kind, Node) all.insert(#Kind);
#define INLAY_STMT_NODE(Kind, Node) all.insert(#Kind);
#include "core/ir/ir_nodes.def"
  EXPECT_EQ(kinds.seen, all);
}

TEST(TextProperty, ExecutablePrograms) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    RandomProgram random = random_program({.seed = seed, .size = 30, .executable = true});
    Diagnostics found = verify(random.program);
    ASSERT_TRUE(found.all().empty()) << "seed " << seed << "\n"
                                     << render(found.all()) << print(random.program);
    expect_round_trip(random.program, seed);
    if (HasFatalFailure()) return;
  }
}

// What the passes make is a program like any other: it verifies, prints and parses.
TEST(TextProperty, LoweredPrograms) {
  size_t inlined = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    RandomProgram random = random_program({.seed = seed, .size = 30, .executable = true});
    LoweredProgram lowered = lower_intrinsics(bind_params(random.program, nullptr, {}), nullptr);
    inlined += lowered.selections.size();
    Diagnostics found = verify(lowered.program);
    ASSERT_TRUE(found.all().empty()) << "seed " << seed << "\n"
                                     << render(found.all()) << print(lowered.program);
    expect_round_trip(lowered.program, seed);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(inlined, 200u);
}

TEST(TextProperty, OneSeedIsOneProgram) {
  for (bool executable : {false, true}) {
    auto text = [&](uint64_t seed) {
      return print(random_program({.seed = seed, .size = 20, .executable = executable}).program);
    };
    EXPECT_EQ(text(7), text(7));
    EXPECT_NE(text(7), text(8));
  }
}

}  // namespace
}  // namespace inlay
