// Visitor and Mutator over the IR, generated from ir_nodes.def.
//
// Override the cases you need; the default goes on into the children. A Mutator shares what did
// not change: a rebuilt node appears only where a child changed. The variable that a For or Let
// defines is no child; buffers go through the hooks visit_buffer and mutate_buffer.
#pragma once

#include "core/ir/program.h"

namespace inlay {

class Visitor {
 public:
  virtual ~Visitor() = default;
  void visit(const Expr& expr);  ///< null is allowed and visits nothing
  void visit(const Stmt& stmt);

 protected:
#define INLAY_EXPR_NODE(Kind, Node) virtual void visit_node(const Node& node);
#define INLAY_STMT_NODE(Kind, Node) virtual void visit_node(const Node& node);
#include "core/ir/ir_nodes.def"
  /// Each use of a buffer in a Load, Store or View. Default: nothing.
  virtual void visit_buffer(const Buffer& buffer);
};

class Mutator {
 public:
  virtual ~Mutator() = default;
  Expr mutate(const Expr& expr);  ///< null stays null
  Stmt mutate(const Stmt& stmt);
  std::vector<Expr> mutate(const std::vector<Expr>& exprs);

 protected:
  // `self` is the Expr or Stmt that holds `node`: return it to keep the node.
#define INLAY_EXPR_NODE(Kind, Node) virtual Expr mutate_node(const Node& node, const Expr& self);
#define INLAY_STMT_NODE(Kind, Node) virtual Stmt mutate_node(const Node& node, const Stmt& self);
#include "core/ir/ir_nodes.def"
  /// Each buffer of a Load, Store, View or Allocate. Default: the same buffer.
  virtual Buffer mutate_buffer(const Buffer& buffer);
  /// The variable that a For or Let defines. Default: the same one.
  virtual Var mutate_definition(const Var& var);
};

}  // namespace inlay
