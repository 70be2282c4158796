// simplify: folds what is known, drops what is not run. Every rule holds bit for bit with wrapping
// integers; rules that need the true number ask linear.h for a proof that nothing wraps. Floats
// are folded where IEEE 754 fixes the result, so not through exp and its like.
#include "core/interp/arith.h"
#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/passes/linear.h"
#include "core/passes/passes.h"

#include <numeric>

namespace inlay {

namespace {

bool is_atom(const Expr& expr) {
  return expr.as<IntImm>() || expr.as<FloatImm>() || expr.as<VarNode>();
}

// Number of nodes, counted up to a bound: enough to tell which of two forms is shorter.
struct Cost : Visitor {
  static constexpr int kBound = 200;
  int nodes = 0;
  static int of(const Expr& expr) {
    Cost cost;
    cost.count(expr);
    return cost.nodes;
  }
  using Visitor::visit_node;
  void visit_node(const Unary& node) override { count(node.a); }
  void visit_node(const Binary& node) override {
    count(node.a);
    count(node.b);
  }

 private:
  void count(const Expr& expr) {
    if (++nodes < kBound) visit(expr);
  }
};

bool is_comparison(BinaryOp op) {
  return op == BinaryOp::Eq || op == BinaryOp::Ne || op == BinaryOp::Lt || op == BinaryOp::Le ||
         op == BinaryOp::Gt || op == BinaryOp::Ge;
}

BinaryOp negated(BinaryOp op) {
  switch (op) {
    case BinaryOp::Eq:
      return BinaryOp::Ne;
    case BinaryOp::Ne:
      return BinaryOp::Eq;
    case BinaryOp::Lt:
      return BinaryOp::Ge;
    case BinaryOp::Ge:
      return BinaryOp::Lt;
    case BinaryOp::Le:
      return BinaryOp::Gt;
    default:
      return BinaryOp::Le;
  }
}

Expr int_constant(DType type, int64_t value, const Loc& loc) {
  return IntImm::make(type, arith::wrap(value, type), loc);
}
Expr truth(bool value, const Loc& loc) {
  return IntImm::make(kBool, value, loc);
}

// The import pragmas in a statement that is dropped: they hold wherever they stand.
struct PragmaCollector : Visitor {
  std::vector<Stmt> found;
  using Visitor::visit_node;
  void visit_node(const ImportPragma& node) override {
    found.push_back(Stmt(Ref<const StmtNode>(&node)));
  }
};

class Simplifier : public Mutator {
 protected:
  using Mutator::mutate_node;

  // ---- expressions ----

  Expr mutate_node(const VarNode& node, const Expr& self) override {
    if (auto known = values_.find(&node); known != values_.end()) return known->second;
    if (!node.type.is_scalar() || !node.type.is_integer()) return self;
    auto range = ranges_.find(&node);
    if (range == ranges_.end() || range->second.lo != range->second.hi) return self;
    return IntImm::make(node.type, static_cast<int64_t>(range->second.lo), node.loc);
  }

  Expr mutate_node(const Cast& node, const Expr& self) override {
    Expr value = mutate(node.value);
    Expr cast = simplify_cast(node.type, value, node.loc);
    if (cast) return cast;
    return value.same_as(node.value) ? self : Cast::make(node.type, value, node.loc);
  }

  Expr mutate_node(const Unary& node, const Expr& self) override {
    Expr a = mutate(node.a);
    if (auto* lifted = a.as<Broadcast>()) {
      return broadcast(unary(node.op, lifted->value, node.loc), node.type.lanes);
    }
    if (Expr found = simplify_unary(node.op, a, node.loc)) return found;
    return a.same_as(node.a) ? self : Unary::make(node.op, a, node.loc);
  }

  Expr mutate_node(const Binary& node, const Expr& self) override {
    Expr a = mutate(node.a), b = mutate(node.b);
    if (Expr found = simplify_binary(node.op, a, b, node.loc)) return found;
    if (a.same_as(node.a) && b.same_as(node.b)) return self;
    return Binary::make(node.op, a, b, node.loc);
  }

  Expr mutate_node(const Select& node, const Expr& self) override {
    Expr condition = mutate(node.condition);
    if (auto* all = condition.as<Broadcast>(); all && !has_effect(node.a) && !has_effect(node.b)) {
      condition = all->value;
    }
    if (auto* known = as_int(condition)) return mutate(known->value ? node.a : node.b);
    Expr a = mutate(node.a), b = mutate(node.b);
    if ((a.same_as(b) || equal(a, b)) && !has_effect(condition) && !has_effect(a)) return a;
    if (condition.same_as(node.condition) && a.same_as(node.a) && b.same_as(node.b)) return self;
    return Select::make(condition, a, b, node.loc);
  }

  Expr mutate_node(const Ramp& node, const Expr& self) override {
    Expr ramp = Mutator::mutate_node(node, self);
    auto* made = ramp.as<Ramp>();
    return is_const(made->stride, 0) ? broadcast(made->base, node.type.lanes) : ramp;
  }

  Expr mutate_node(const View& node, const Expr& self) override {
    // A whole view's extents are the shape itself, and stay so.
    if (node.is_whole()) {
      Buffer buffer = mutate_buffer(node.buffer);
      return buffer.same_as(node.buffer) ? self : View::whole(buffer, node.loc);
    }
    return Mutator::mutate_node(node, self);
  }

  Expr mutate_node(const CallMath& node, const Expr& self) override {
    Expr call = Mutator::mutate_node(node, self);
    auto* made = call.as<CallMath>();
    auto* value = made->args[0].as<FloatImm>();
    bool exact = node.op == MathOp::Abs || node.op == MathOp::Floor || node.op == MathOp::Ceil ||
                 node.op == MathOp::Trunc || node.op == MathOp::Round;
    if (!exact || !value) return call;
    return FloatImm::make(node.type, arith::float_math(node.op, node.type, &value->value),
                          node.loc);
  }

  // ---- statements; null: nothing is left ----

  Stmt mutate_node(const Block& node, const Stmt& self) override {
    std::vector<Stmt> stmts;
    bool changed = false;
    for (const Stmt& stmt : node.stmts) {
      if (auto* let = stmt.as<Let>()) {
        Expr value = mutate(let->value);
        if (is_atom(value)) {
          values_[let->var.get()] = value;
          changed = true;
          continue;
        }
        note_range(let->var, value);
        bool same = value.same_as(let->value);
        changed |= !same;
        stmts.push_back(same ? stmt : Let::make(let->var, value, let->loc));
        continue;
      }
      Stmt done = mutate(stmt);
      changed |= !done.same_as(stmt);
      if (!done) continue;
      auto* inner = done.as<Block>();
      if (inner && !declares(*inner)) {
        changed = true;
        stmts.insert(stmts.end(), inner->stmts.begin(), inner->stmts.end());
      } else {
        stmts.push_back(std::move(done));
      }
    }
    if (stmts.empty()) return {};
    return changed ? Block::make(std::move(stmts), node.loc) : self;
  }

  Stmt mutate_node(const For& node, const Stmt& self) override {
    Expr min = mutate(node.min), extent = mutate(node.extent);
    bool effects = has_effect(min) || has_effect(extent);
    Range from = range_of(min, ranges_), count = range_of(extent, ranges_);
    if (count.hi <= 0 && !effects) return dropped(node.body);
    Range var{from.lo, from.hi + count.hi - 1};
    if (var.within(range_of_type(kIndex))) ranges_[node.var.get()] = var;
    bool serial = node.for_kind == ForKind::Serial || node.for_kind == ForKind::Unrolled;
    if (serial && is_const(extent, 1)) {
      // What the body says of the loop goes with it.
      struct Dropper : Mutator {
        using Mutator::mutate_node;
        Stmt mutate_node(const For&, const Stmt& self) override { return self; }
        Stmt mutate_node(const UnrollPragma& pragma, const Stmt&) override {
          return Block::make({}, pragma.loc);
        }
      } dropper;
      Stmt body = dropper.mutate(node.body);
      return mutate(Block::make({Let::make(node.var, min, node.loc), body}, node.loc));
    }
    Stmt body = mutate(node.body);
    if (!body && !effects) return {};
    if (!body) body = Block::make({}, node.loc);
    if (min.same_as(node.min) && extent.same_as(node.extent) && body.same_as(node.body)) {
      return self;
    }
    return For::make(node.for_kind, node.var, min, extent, body, node.loc);
  }

  Stmt mutate_node(const If& node, const Stmt& self) override {
    Expr condition = mutate(node.condition);
    if (auto* known = as_int(condition)) {
      const Stmt& taken = known->value ? node.then_body : node.else_body;
      const Stmt& other = known->value ? node.else_body : node.then_body;
      std::vector<Stmt> stmts;
      if (Stmt pragmas = dropped(other)) stmts.push_back(pragmas);
      if (taken) {
        if (stmts.empty()) return mutate(taken);
        stmts.push_back(taken);
      }
      return stmts.empty() ? Stmt() : mutate(Block::make(std::move(stmts), node.loc));
    }
    Stmt then_body = mutate(node.then_body), else_body = mutate(node.else_body);
    if (!then_body && !else_body && !has_effect(condition)) return {};
    if (!then_body && else_body) {
      // Only integers and truth values have exact opposites.
      Expr opposite = simplify_unary(UnaryOp::Not, condition, node.loc);
      if (opposite) return If::make(opposite, else_body, {}, node.loc);
    }
    if (!then_body) then_body = Block::make({}, node.loc);
    if (condition.same_as(node.condition) && then_body.same_as(node.then_body) &&
        else_body.same_as(node.else_body)) {
      return self;
    }
    return If::make(condition, then_body, else_body, node.loc);
  }

  Stmt mutate_node(const Assert& node, const Stmt& self) override {
    Expr condition = mutate(node.condition);
    if (auto* known = as_int(condition); known && known->value) return {};
    return condition.same_as(node.condition) ? self
                                             : Assert::make(condition, node.message, node.loc);
  }

  Stmt mutate_node(const Allocate& node, const Stmt& self) override {
    const BufferNode& old = *node.buffer;
    std::vector<Expr> shape = mutate(old.shape), strides = mutate(old.strides);
    auto same = [](const std::vector<Expr>& a, const std::vector<Expr>& b) {
      return std::equal(a.begin(), a.end(), b.begin(),
                        [](const Expr& x, const Expr& y) { return x.same_as(y); });
    };
    if (same(shape, old.shape) && same(strides, old.strides)) return self;
    Buffer buffer = Buffer::make(old.name, old.type, std::move(shape), std::move(strides),
                                 old.space, old.alignment, old.loc);
    buffers_[&old] = buffer;
    return Allocate::make(buffer, node.loc);
  }

  Buffer mutate_buffer(const Buffer& buffer) override {
    auto found = buffers_.find(buffer.get());
    return found == buffers_.end() ? buffer : found->second;
  }

 private:
  static bool declares(const Block& block) {
    for (const Stmt& stmt : block.stmts) {
      if (stmt.as<Let>() || stmt.as<Allocate>() || stmt.as<Require>()) return true;
    }
    return false;
  }

  static Stmt dropped(const Stmt& stmt) {
    PragmaCollector pragmas;
    pragmas.visit(stmt);
    return pragmas.found.empty() ? Stmt() : Block::make(std::move(pragmas.found), stmt.loc());
  }

  void note_range(const Var& var, const Expr& value) {
    if (!value.type().is_scalar() || !value.type().is_integer()) return;
    Range range = range_of(value, ranges_);
    if (range != range_of_type(value.type())) ranges_[var.get()] = range;
  }

  static Expr broadcast(const Expr& value, int lanes) {
    return Broadcast::make(value, lanes, value.loc());
  }

  // ---- rules; null: none applies ----

  Expr unary(UnaryOp op, const Expr& a, const Loc& loc) {
    Expr found = simplify_unary(op, a, loc);
    return found ? found : Unary::make(op, a, loc);
  }
  Expr binary(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    Expr found = simplify_binary(op, a, b, loc);
    return found ? found : Binary::make(op, a, b, loc);
  }

  Expr simplify_cast(DType to, const Expr& value, const Loc& loc) {
    DType from = value.type();
    if (to == from) return value;
    if (auto* all = value.as<Broadcast>()) {
      Expr one = simplify_cast(to.element(), all->value, loc);
      return broadcast(one ? one : Cast::make(to.element(), all->value, loc), to.lanes);
    }
    if (auto* constant = as_int(value)) {
      if (to.is_float()) {
        return FloatImm::make(to, arith::int_to_float(from, to, constant->value), loc);
      }
      return IntImm::make(to, arith::int_to_int(to, constant->value), loc);
    }
    if (auto* constant = value.as<FloatImm>()) {
      if (to.is_float()) return FloatImm::make(to, constant->value, loc);
      return IntImm::make(to, arith::float_to_int(to, constant->value), loc);
    }
    // A detour through another integer type that loses nothing.
    auto* inner = value.as<Cast>();
    if (inner && to.is_integer() && to.is_scalar() && from.is_integer() &&
        inner->value.type().is_integer() &&
        range_of(inner->value, ranges_).within(range_of_type(from))) {
      Expr direct = simplify_cast(to, inner->value, loc);
      return direct ? direct : Cast::make(to, inner->value, loc);
    }
    return {};
  }

  Expr simplify_unary(UnaryOp op, const Expr& a, const Loc& loc) {
    DType type = a.type();
    if (auto* constant = as_int(a)) {
      switch (op) {
        case UnaryOp::Neg:
          return int_constant(type, arith::sub(0, constant->value), loc);
        case UnaryOp::Not:
          return truth(!constant->value, loc);
        case UnaryOp::BitNot:
          return int_constant(type, ~constant->value, loc);
      }
    }
    if (auto* constant = a.as<FloatImm>()) return FloatImm::make(type, -constant->value, loc);
    if (auto* inner = a.as<Unary>(); inner && inner->op == op) return inner->a;
    if (op == UnaryOp::Not) {
      auto* compared = a.as<Binary>();
      if (!compared || !is_comparison(compared->op)) return {};
      bool total = !compared->a.type().is_float() || compared->op == BinaryOp::Eq ||
                   compared->op == BinaryOp::Ne;
      return total ? Binary::make(negated(compared->op), compared->a, compared->b, loc) : Expr();
    }
    if (op == UnaryOp::Neg) return shorter_sum(Unary::make(op, a, loc));
    return {};
  }

  Expr simplify_binary(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    DType type = a.type();
    if (type.is_vector()) return simplify_vector(op, a, b, loc);
    if (type.is_float()) return simplify_float(op, a, b, loc);
    const IntImm* left = as_int(a);
    const IntImm* right = as_int(b);
    if (left && right) {
      // A fault of the program stays where it is.
      auto value = arith::int_binary(op, type, left->value, right->value);
      if (!value) return {};
      return IntImm::make(is_comparison(op) ? kBool : type, *value, loc);
    }
    if (type.is_bool()) return simplify_truth(op, a, b, loc);
    switch (op) {
      case BinaryOp::Add:
      case BinaryOp::Sub:
        if (is_const(b, 0)) return a;
        if (op == BinaryOp::Add && is_const(a, 0)) return b;
        return shorter_sum(Binary::make(op, a, b, loc));
      case BinaryOp::Mul:
        if (is_const(b, 1)) return a;
        if (is_const(a, 1)) return b;
        return shorter_sum(Binary::make(op, a, b, loc));
      case BinaryOp::FloorDiv:
      case BinaryOp::FloorMod:
        return right ? divide(op, a, right->value, loc) : Expr();
      case BinaryOp::BitOr:
      case BinaryOp::BitXor:
        if (is_const(b, 0)) return a;
        if (is_const(a, 0)) return b;
        return {};
      case BinaryOp::BitAnd:
        if ((is_const(a, 0) && !has_effect(b)) || (is_const(b, 0) && !has_effect(a))) {
          return int_constant(type, 0, loc);
        }
        return {};
      case BinaryOp::Shl:
      case BinaryOp::Shr:
        return is_const(b, 0) ? a : Expr();
      default:
        break;
    }
    return compare(op, a, b, loc);
  }

  Expr simplify_truth(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    if (op != BinaryOp::And && op != BinaryOp::Or) return {};
    // Absorbing value: false for &&, true for ||. Both sides are evaluated, so effects stay.
    int64_t absorbing = op == BinaryOp::Or;
    for (auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
      auto* known = as_int(one);
      if (!known) continue;
      if (known->value != absorbing) return other;
      if (!has_effect(other)) return truth(absorbing, loc);
    }
    return {};
  }

  Expr simplify_float(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    auto* left = a.as<FloatImm>();
    auto* right = b.as<FloatImm>();
    if (left && right) {
      if (is_comparison(op)) return truth(arith::float_compare(op, left->value, right->value), loc);
      // Which zero min and max give is open.
      bool zeros = left->value == 0 && right->value == 0 && op != BinaryOp::Add &&
                   op != BinaryOp::Sub && op != BinaryOp::Mul && op != BinaryOp::Div;
      if (zeros) return {};
      return FloatImm::make(a.type(), arith::float_binary(op, a.type(), left->value, right->value),
                            loc);
    }
    auto is = [](const FloatImm* x, double value) {
      return x && x->value == value && std::signbit(x->value) == std::signbit(value);
    };
    switch (op) {
      case BinaryOp::Mul:
        return is(right, 1) ? a : is(left, 1) ? b : Expr();
      case BinaryOp::Div:
        return is(right, 1) ? a : Expr();
      case BinaryOp::Add:
        return is(right, -0.0) ? a : is(left, -0.0) ? b : Expr();
      case BinaryOp::Sub:
        return is(right, 0.0) ? a : Expr();
      default:
        return {};
    }
  }

  Expr simplify_vector(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    auto *all_a = a.as<Broadcast>(), *all_b = b.as<Broadcast>();
    int lanes = a.type().lanes;
    if (all_a && all_b) return broadcast(binary(op, all_a->value, all_b->value, loc), lanes);
    auto *ramp_a = a.as<Ramp>(), *ramp_b = b.as<Ramp>();
    bool sum = op == BinaryOp::Add || op == BinaryOp::Sub;
    if (all_b && is_const(all_b->value, sum ? 0 : 1) && (sum || op == BinaryOp::Mul)) return a;
    if (sum && ramp_a && all_b) {
      return Ramp::make(binary(op, ramp_a->base, all_b->value, loc), ramp_a->stride, lanes, loc);
    }
    if (op == BinaryOp::Add && all_a && ramp_b) {
      return Ramp::make(binary(op, all_a->value, ramp_b->base, loc), ramp_b->stride, lanes, loc);
    }
    if (op != BinaryOp::Mul || (!ramp_a && !ramp_b) || (!all_a && !all_b)) return {};
    const Ramp& ramp = ramp_a ? *ramp_a : *ramp_b;
    Expr by = all_a ? all_a->value : all_b->value;
    if (has_effect(by)) return {};
    return Ramp::make(binary(op, ramp.base, by, loc), binary(op, ramp.stride, by, loc), lanes, loc);
  }

  // The sum in canonical form, if that is shorter.
  static Expr shorter_sum(const Expr& expr) {
    std::optional<Linear> sum = linearize(expr);
    if (!sum) return {};
    Expr rebuilt = to_expr(*sum);
    return Cost::of(rebuilt) < Cost::of(expr) ? rebuilt : Expr();
  }

  // Comparisons, min and max.
  Expr compare(BinaryOp op, const Expr& a, const Expr& b, const Loc& loc) {
    std::optional<Linear> left = linearize(a), right = linearize(b);
    if (!left || !right) return {};
    Linear apart = *left;
    apart.add(*right, -1);
    bool minmax = op == BinaryOp::Min || op == BinaryOp::Max;
    if (apart.terms.empty() && (apart.constant == 0 || op == BinaryOp::Eq || op == BinaryOp::Ne)) {
      bool same = apart.constant == 0;
      if (minmax) return a;
      bool reflexive = op == BinaryOp::Eq || op == BinaryOp::Le || op == BinaryOp::Ge;
      return truth(reflexive == same, loc);
    }
    std::optional<Range> difference = true_difference(*left, *right, apart);
    if (!difference) return {};
    bool below = difference->hi < 0, above = difference->lo > 0;
    bool not_above = difference->hi <= 0, not_below = difference->lo >= 0;
    switch (op) {
      case BinaryOp::Min:
        return not_above ? a : not_below ? b : Expr();
      case BinaryOp::Max:
        return not_below ? a : not_above ? b : Expr();
      case BinaryOp::Lt:
        return below ? truth(true, loc) : not_below ? truth(false, loc) : Expr();
      case BinaryOp::Ge:
        return below ? truth(false, loc) : not_below ? truth(true, loc) : Expr();
      case BinaryOp::Gt:
        return above ? truth(true, loc) : not_above ? truth(false, loc) : Expr();
      case BinaryOp::Le:
        return above ? truth(false, loc) : not_above ? truth(true, loc) : Expr();
      case BinaryOp::Eq:
        return below || above ? truth(false, loc) : Expr();
      case BinaryOp::Ne:
        return below || above ? truth(true, loc) : Expr();
      default:
        return {};
    }
  }

  // Range of left - right as a true number. Where both can't wrap, what they share cancels.
  std::optional<Range> true_difference(const Linear& left, const Linear& right,
                                       const Linear& apart) const {
    std::optional<Range> a = exact_range(left, ranges_), b = exact_range(right, ranges_);
    if (!a || !b) return std::nullopt;
    Range rough{a->lo - b->hi, a->hi - b->lo};
    Range fine{apart.constant, apart.constant};
    for (const auto& term : apart.terms) {
      Range range = range_of(term.expr, ranges_);
      Wide one = range.lo * term.factor, other = range.hi * term.factor;
      fine.lo += std::min(one, other);
      fine.hi += std::max(one, other);
    }
    // Cancelling is done modulo 2^bits: two numbers that agree so and both lie in one window of
    // that size are one.
    Range window = range_of_type({TypeCode::Int, left.type.bits, 1});
    if (!rough.within(window) || !fine.within(window)) return rough;
    return Range{std::max(rough.lo, fine.lo), std::min(rough.hi, fine.hi)};
  }

  // a / d and a % d for a constant d.
  Expr divide(BinaryOp op, const Expr& a, int64_t d, const Loc& loc) {
    bool div = op == BinaryOp::FloorDiv;
    DType type = a.type();
    if (d <= 0) return {};
    if (d == 1 && div) return a;
    if (d == 1 && !has_effect(a)) return int_constant(type, 0, loc);
    if (auto* inner = a.as<Binary>()) {
      auto* p = as_int(inner->b);
      bool positive = p && p->value > 0;
      if (positive && div && inner->op == BinaryOp::FloorDiv) {
        Wide product = Wide(p->value) * d;
        if (product <= range_of_type(type).hi && product <= range_of_type(kI64).hi) {
          return binary(op, inner->a, int_constant(type, p->value * d, loc), loc);
        }
      }
      if (positive && !div && inner->op == BinaryOp::FloorMod && p->value % d == 0) {
        return binary(op, inner->a, int_constant(type, d, loc), loc);
      }
    }
    std::optional<Linear> sum = linearize(a);
    if (!sum || !exact_range(*sum, ranges_)) return {};
    return divide_sum(op, *sum, d, loc);
  }

  // The sum is a true number: it is d * quotient + rest, with what d divides in the quotient.
  Expr divide_sum(BinaryOp op, const Linear& sum, int64_t d, const Loc& loc) {
    bool div = op == BinaryOp::FloorDiv;
    DType type = sum.type;
    Linear quotient{type, {}, arith::floor_div(sum.constant, d)};
    Linear rest{type, {}, arith::floor_mod(sum.constant, d)};
    int64_t common = d;
    for (const auto& term : sum.terms) {
      bool whole = term.factor % d == 0;
      (whole ? quotient : rest).terms.push_back({term.expr, whole ? term.factor / d : term.factor});
      if (!whole) common = std::gcd(common, term.factor);
    }
    std::optional<Range> range = exact_range(rest, ranges_);
    if (!range) return {};
    Wide low = wide_floor_div(range->lo, d), high = wide_floor_div(range->hi, d);
    if (low == high) {
      int64_t whole = static_cast<int64_t>(low);
      (div ? quotient : rest).add_constant(div ? whole : arith::mul(-whole, d));
      return to_expr(div ? quotient : rest);
    }
    bool progress = !quotient.terms.empty() || (quotient.constant != 0 && rest.constant == 0);
    if (!div) {
      if (!progress) return {};
      return Binary::make(op, to_expr(rest), int_constant(type, d, loc), loc);
    }
    if (!progress && common == 1) return {};
    for (auto& term : rest.terms) term.factor /= common;
    rest.constant = arith::floor_div(rest.constant, common);
    quotient.add(Binary::make(op, to_expr(rest), int_constant(type, d / common, loc), loc), 1);
    return to_expr(quotient);
  }

  std::unordered_map<const ExprNode*, Expr> values_;
  std::unordered_map<const BufferNode*, Buffer> buffers_;
  KnownRanges ranges_;
};

}  // namespace

Expr simplify(const Expr& expr) {
  return Simplifier().mutate(expr);
}

Stmt simplify(const Stmt& stmt) {
  Stmt simple = Simplifier().mutate(stmt);
  return simple ? simple : Block::make({}, stmt.loc());
}

}  // namespace inlay
