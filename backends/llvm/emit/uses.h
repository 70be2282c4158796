// What a statement uses of what is defined outside of it: the arguments of a function that is made
// of it, the body of a parallel loop or a kernel.
#pragma once

#include <set>
#include <vector>

#include "backends/llvm/emit/gpu/plan.h"
#include "core/ir/visitor.h"

namespace inlay::emit {

/// Variables and buffers, in order of first use; those that the statement defines are among them.
struct Uses : Visitor {
  std::vector<const VarNode*> vars;
  std::vector<Buffer> buffers;

  using Visitor::visit;

 protected:
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override {
    if (seen_.insert(&node).second) vars.push_back(&node);
  }
  void visit_buffer(const Buffer& buffer) override {
    if (seen_.insert(buffer.get()).second) buffers.push_back(buffer);
  }
  void visit_node(const Allocate& node) override {
    for (const Expr& extent : node.buffer->shape) visit(extent);
    for (const Expr& stride : node.buffer->strides) visit(stride);
  }
  // The extent of a grid loop is computed by who launches it.
  void visit_node(const For& node) override {
    visit(node.min);
    if (grid_dimension(node.for_kind) < 0) visit(node.extent);
    visit(node.body);
  }

 private:
  std::set<const void*> seen_;
};

}  // namespace inlay::emit
