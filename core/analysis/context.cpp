// Normal forms in a context, and what a scope adds to it. The search for proofs is in prover.cpp.
#include "core/analysis/context.h"

#include <algorithm>

#include "core/ir/visitor.h"

namespace inlay {

Context::Context(const Function& function) : Context() {
  for (const Param& param : function.params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    for (const Expr& extent : (*buffer)->shape) assume_nonnegative(poly(extent));
  }
}

bool Context::mentions_defined(const Expr& expr) const {
  struct Finder : Visitor {
    const Context* context = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override {
      found |= context->definitions_.count(&node) != 0;
    }
    void visit_node(const Load&) override { found = true; }
    void visit_node(const View&) override { found = true; }
    void visit_node(const CallExtern&) override { found = true; }
    void visit_node(const InlineAsm&) override { found = true; }
  } finder;
  finder.context = this;
  finder.visit(expr);
  return finder.found;
}

Poly Context::poly(const Expr& expr) const {
  if (auto* constant = expr.as<IntImm>()) return constant->value;
  if (auto* var = expr.as<VarNode>()) {
    auto found = definitions_.find(var);
    return found == definitions_.end() ? Poly::atom(atoms_->var(var)) : found->second;
  }
  if (auto* unary = expr.as<Unary>(); unary && unary->op == UnaryOp::Neg) return -poly(unary->a);
  if (auto* binary = expr.as<Binary>(); binary && expr.type() == kIndex) {
    // A long sum leans to one side; the other operand is as a rule shallow.
    Poly a = poly(binary->a), b = poly(binary->b);
    switch (binary->op) {
      case BinaryOp::Add:
        return a + b;
      case BinaryOp::Sub:
        return a - b;
      case BinaryOp::Mul:
        return a * b;
      case BinaryOp::FloorDiv:
        return atoms_->floor_div(a, b);
      case BinaryOp::FloorMod:
        return a - b * atoms_->floor_div(a, b);
      case BinaryOp::Min:
        return atoms_->minimum(a, b);
      case BinaryOp::Max:
        return atoms_->maximum(a, b);
      default:
        break;
    }
  }
  if (mentions_defined(expr)) return Poly::atom(atoms_->unknown());
  return Poly::atom(atoms_->opaque(expr));
}

bool Context::depends(const Poly& poly, const std::set<AtomId>& inner) const {
  struct Finder : Visitor {
    const Context* context = nullptr;
    const std::set<AtomId>* inner = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override {
      found |= inner->count(context->atoms_->var(&node)) != 0;
    }
  } finder;
  finder.context = this;
  finder.inner = &inner;
  for (AtomId id : poly.atoms()) {
    const Atoms::Atom& atom = (*atoms_)[id];
    if (inner.count(id) || atom.kind == AtomKind::Unknown) return true;
    if (atom.kind == AtomKind::Opaque) finder.visit(atom.expr);
    if (finder.found || depends(atom.a, inner) || depends(atom.b, inner)) return true;
  }
  return false;
}

void Context::assume_loop(const Poly& value, const Poly& min, const Poly& extent) {
  assume_nonnegative(value - min);
  assume_nonnegative(min + extent - Poly(1) - value);
  // The body runs, so there is at least one iteration.
  assume_nonnegative(extent - Poly(1));
}

void Context::enter(const For& loop) {
  Poly min = poly(loop.min), extent = poly(loop.extent);
  assume_loop(Poly::atom(atoms_->var(loop.var.operator->())), min, extent);
}

AtomId Context::enter_renamed(const For& loop, const std::string& name) {
  Poly min = poly(loop.min), extent = poly(loop.extent);
  AtomId id = atoms_->fresh(name);
  define(loop.var.operator->(), Poly::atom(id));
  assume_loop(Poly::atom(id), min, extent);
  return id;
}

void Context::enter(const Let& let) {
  if (let.value.type() == kIndex) define(let.var.operator->(), poly(let.value));
}

void Context::enter_named(const Let& let) {
  if (let.value.type() != kIndex) return;
  Poly value = poly(let.value);
  bool plain = true;
  for (AtomId id : value.atoms()) plain &= (*atoms_)[id].kind == AtomKind::Var;
  if (plain) return define(let.var.operator->(), value);
  Poly self = Poly::atom(atoms_->var(let.var.operator->()));
  assume_nonnegative(self - value);
  assume_nonnegative(value - self);
}

void Context::enter(const Allocate& allocate) {
  for (const Expr& extent : allocate.buffer->shape) assume_nonnegative(poly(extent));
}

Poly tightened(const Poly& fact) {
  int64_t common = fact.content();
  if (common < 2 || !fact.exact()) return fact;
  int64_t number = fact.constant(), quotient = number / common;
  if (number % common < 0) --quotient;
  return *(fact - Poly(number)).divided_by(Poly(common)) + Poly(quotient);
}

void Context::assume_nonnegative(const Poly& fact) {
  if (fact.is_constant() || !fact.exact()) return;
  Poly tight = tightened(fact);
  if (std::find(facts_.begin(), facts_.end(), tight) != facts_.end()) return;
  facts_.push_back(tight);
  // What is below a minimum, or above a maximum, is so for both of its operands.
  for (AtomId id : tight.atoms()) {
    const Atoms::Atom& atom = (*atoms_)[id];
    Poly factor, rest;
    bool structured =
        atom.kind == AtomKind::FloorDiv || atom.kind == AtomKind::Min || atom.kind == AtomKind::Max;
    if (!structured) continue;
    if (!tight.split(id, &factor, &rest) || !factor.is_constant()) continue;
    if (atom.kind == AtomKind::FloorDiv) {
      // c * (a / b) + r >= 0 bounds a itself, which has the same sign of slope: b * (a / b) <= a,
      // and a <= b * (a / b) + b - 1.
      if (!proves_positive(atom.b)) continue;
      Poly slack = factor.constant() > 0 ? Poly(0) : -factor * (atom.b - Poly(1));
      assume_nonnegative(factor * atom.a + atom.b * rest + slack);
      continue;
    }
    if ((atom.kind == AtomKind::Min) != (factor.constant() > 0)) continue;
    assume_nonnegative(tight.with(id, atom.a));
    assume_nonnegative(tight.with(id, atom.b));
  }
}

std::optional<std::vector<Poly>> Context::conjunction(const Expr& condition, bool truth) const {
  if (auto* unary = condition.as<Unary>(); unary && unary->op == UnaryOp::Not) {
    return conjunction(unary->a, !truth);
  }
  auto* binary = condition.as<Binary>();
  if (!binary) return std::nullopt;
  if (binary->op == (truth ? BinaryOp::And : BinaryOp::Or)) {
    auto left = conjunction(binary->a, truth), right = conjunction(binary->b, truth);
    if (!left || !right) return std::nullopt;
    left->insert(left->end(), right->begin(), right->end());
    return left;
  }
  if (binary->a.type() != kIndex) return std::nullopt;
  Poly difference = poly(binary->b) - poly(binary->a);
  std::vector<Poly> parts;
  BinaryOp op = binary->op;
  if (!truth) {
    switch (op) {
      case BinaryOp::Lt:
        op = BinaryOp::Ge;
        break;
      case BinaryOp::Le:
        op = BinaryOp::Gt;
        break;
      case BinaryOp::Gt:
        op = BinaryOp::Le;
        break;
      case BinaryOp::Ge:
        op = BinaryOp::Lt;
        break;
      case BinaryOp::Ne:
        op = BinaryOp::Eq;
        break;
      case BinaryOp::Eq:
        op = BinaryOp::Ne;
        break;
      default:
        return std::nullopt;
    }
  }
  switch (op) {
    case BinaryOp::Lt:
      return std::vector<Poly>{difference - Poly(1)};
    case BinaryOp::Le:
      return std::vector<Poly>{difference};
    case BinaryOp::Gt:
      return std::vector<Poly>{-difference - Poly(1)};
    case BinaryOp::Ge:
      return std::vector<Poly>{-difference};
    case BinaryOp::Eq:
      return std::vector<Poly>{difference, -difference};
    default:
      return std::nullopt;
  }
}

void Context::assume_value(const VarNode* var, int64_t value) {
  AtomId id = atoms_->var(var);
  std::vector<Poly> known = std::move(facts_);
  facts_.clear();
  define(var, Poly(value));
  for (const Poly& fact : known) assume_nonnegative(fact.with(id, Poly(value)));
  for (std::vector<Poly>& parts : not_all_) {
    for (Poly& part : parts) part = part.with(id, Poly(value));
  }
}

void Context::assume(const Expr& condition, bool truth) {
  auto* binary = condition.as<Binary>();
  if (binary && binary->op == (truth ? BinaryOp::And : BinaryOp::Or)) {
    // Each part on its own, so that one which can't be expressed does not hide the other.
    assume(binary->a, truth);
    assume(binary->b, truth);
    return;
  }
  if (binary && binary->op == (truth ? BinaryOp::Eq : BinaryOp::Ne)) {
    for (const auto& [side, other] : {std::pair{binary->a, binary->b}, {binary->b, binary->a}}) {
      auto* var = side.as<VarNode>();
      auto* number = other.as<IntImm>();
      if (var && number && side.type() == kIndex && !definitions_.count(var)) {
        return assume_value(var, number->value);
      }
    }
  }
  if (auto parts = conjunction(condition, truth)) {
    for (const Poly& part : *parts) assume_nonnegative(part);
    return;
  }
  if (auto parts = conjunction(condition, !truth)) {
    // x != y where x <= y is known is x < y, and so for each part whose others hold.
    std::vector<Poly> open;
    for (const Poly& part : *parts) {
      if (!proves_nonnegative(part)) open.push_back(part);
    }
    if (open.size() == 1) assume_nonnegative(-open[0] - Poly(1));
    not_all_.push_back(*parts);
  }
}

}  // namespace inlay
