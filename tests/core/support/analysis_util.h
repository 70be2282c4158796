// Programs from text, and loops by name, for tests of analysis and schedules.
#pragma once

#include <gtest/gtest.h>

#include "core/analysis/dependence.h"
#include "core/ir/visitor.h"
#include "core/text/text.h"

namespace inlay::testing {

inline Program parse(const std::string& text) {
  ParseResult result = parse_program(text, "test.inlay");
  EXPECT_FALSE(result.diagnostics.has_errors()) << render(result.diagnostics.all());
  return std::move(result.program);
}

/// Loops named `names` in `stmt`, in the order asked for; each must be there once.
inline std::vector<const For*> loops_of(const Stmt& stmt, const std::vector<std::string>& names) {
  struct Finder : Visitor {
    std::map<std::string, const For*> found;
    using Visitor::visit_node;
    void visit_node(const For& node) override {
      EXPECT_EQ(found.count(node.var.name()), 0u) << node.var.name();
      found[node.var.name()] = &node;
      Visitor::visit_node(node);
    }
  } finder;
  finder.visit(stmt);
  std::vector<const For*> loops;
  for (const std::string& name : names) {
    EXPECT_EQ(finder.found.count(name), 1u) << name;
    loops.push_back(finder.found[name]);
  }
  return loops;
}

}  // namespace inlay::testing
