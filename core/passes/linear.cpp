#include "core/passes/linear.h"

#include <algorithm>

#include "core/interp/arith.h"
#include "core/ir/equal.h"
#include "core/ir/visitor.h"

namespace inlay {

namespace {

// Bounds that keep every pass near linear time on any input.
constexpr size_t kMaxTerms = 32;
constexpr int kMaxRangeDepth = 64;
constexpr int64_t kMaxExactFactor = int64_t{1} << 32;

struct EffectFinder : Visitor {
  bool found = false;
  using Visitor::visit_node;
  void visit_node(const CallExtern&) override { found = true; }
  void visit_node(const CallIntrin&) override { found = true; }
  void visit_node(const InlineAsm&) override { found = true; }
};

// The signed number that stands for `value` modulo 2^bits.
int64_t signed_residue(int64_t value, DType type) {
  return arith::wrap(value, {TypeCode::Int, type.bits, 1});
}

bool same_value(const Expr& a, const Expr& b) {
  return a.same_as(b) || equal(a, b);
}

Wide wide_of(const IntImm& constant) {
  bool is_u64 = constant.type.is_uint() && constant.type.bits == 64;
  return is_u64 ? Wide(static_cast<uint64_t>(constant.value)) : Wide(constant.value);
}

class Ranger {
 public:
  explicit Ranger(const KnownRanges& known) : known_(known) {}

  Range of(const Expr& expr, int depth) const {
    Range whole = range_of_type(expr.type());
    if (depth > kMaxRangeDepth) return whole;
    std::optional<Range> found = inner(expr, depth + 1);
    return found && found->within(whole) ? *found : whole;
  }

 private:
  std::optional<Range> inner(const Expr& expr, int depth) const {
    if (auto* constant = expr.as<IntImm>()) return Range{wide_of(*constant), wide_of(*constant)};
    if (auto found = known_.find(expr.get()); found != known_.end()) return found->second;
    if (auto* select = expr.as<Select>()) {
      return hull(of(select->a, depth), of(select->b, depth));
    }
    if (auto* cast = expr.as<Cast>()) {
      if (cast->value.type().is_float() || expr.type().is_bool()) return std::nullopt;
      return of(cast->value, depth);
    }
    if (auto* unary = expr.as<Unary>(); unary && unary->op == UnaryOp::Neg) {
      Range a = of(unary->a, depth);
      return Range{-a.hi, -a.lo};
    }
    auto* binary = expr.as<Binary>();
    if (!binary || !binary->type.is_integer()) return std::nullopt;
    return of_binary(binary->op, of(binary->a, depth), of(binary->b, depth));
  }

  static Range hull(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

  static std::optional<Range> of_binary(BinaryOp op, Range a, Range b) {
    switch (op) {
      case BinaryOp::Add:
        return Range{a.lo + b.lo, a.hi + b.hi};
      case BinaryOp::Sub:
        return Range{a.lo - b.hi, a.hi - b.lo};
      case BinaryOp::Mul: {
        constexpr Wide kLimit = Wide(1) << 62;
        if (a.lo < -kLimit || a.hi > kLimit || b.lo < -kLimit || b.hi > kLimit) return {};
        const Wide products[] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
        return Range{*std::min_element(products, products + 4),
                     *std::max_element(products, products + 4)};
      }
      case BinaryOp::FloorDiv:
        if (b.lo <= 0) return {};
        return Range{wide_floor_div(a.lo, a.lo < 0 ? b.lo : b.hi),
                     wide_floor_div(a.hi, a.hi < 0 ? b.hi : b.lo)};
      case BinaryOp::FloorMod:
        if (b.lo <= 0) return {};
        if (a.lo >= 0 && a.hi < b.lo) return a;
        return Range{0, a.lo >= 0 ? std::min(a.hi, b.hi - 1) : b.hi - 1};
      case BinaryOp::Min:
        return Range{std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
      case BinaryOp::Max:
        return Range{std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
      case BinaryOp::BitAnd:
        if (a.lo < 0 && b.lo < 0) return {};
        return Range{0, a.lo < 0 ? b.hi : b.lo < 0 ? a.hi : std::min(a.hi, b.hi)};
      case BinaryOp::Shr:
        if (b.lo != b.hi || b.lo < 0 || b.lo > 63) return {};
        return Range{a.lo >> int(b.lo), a.hi >> int(b.lo)};
      default:
        return {};
    }
  }

  const KnownRanges& known_;
};

// `value` is in the sum `factor` times; false: too many terms.
bool collect(const Expr& value, int64_t factor, Linear& sum) {
  if (sum.terms.size() > kMaxTerms) return false;
  if (auto* constant = value.as<IntImm>()) {
    sum.add_constant(arith::mul(constant->value, factor));
    return true;
  }
  if (auto* unary = value.as<Unary>(); unary && unary->op == UnaryOp::Neg) {
    return collect(unary->a, arith::sub(0, factor), sum);
  }
  if (auto* binary = value.as<Binary>()) {
    if (binary->op == BinaryOp::Add) {
      return collect(binary->a, factor, sum) && collect(binary->b, factor, sum);
    }
    if (binary->op == BinaryOp::Sub) {
      return collect(binary->a, factor, sum) && collect(binary->b, arith::sub(0, factor), sum);
    }
    if (binary->op == BinaryOp::Mul) {
      const IntImm* left = as_int(binary->a);
      const IntImm* right = as_int(binary->b);
      if (left) return collect(binary->b, arith::mul(factor, left->value), sum);
      if (right) return collect(binary->a, arith::mul(factor, right->value), sum);
    }
  }
  sum.add(value, factor);
  return true;
}

// (x / p) * p + x % p is x.
void join_quotients(Linear& sum) {
  for (size_t i = 0; i < sum.terms.size(); ++i) {
    auto* mod = sum.terms[i].expr.as<Binary>();
    if (!mod || mod->op != BinaryOp::FloorMod || !as_int(mod->b) || as_int(mod->b)->value <= 0) {
      continue;
    }
    int64_t factor = sum.terms[i].factor;
    int64_t wanted = signed_residue(arith::mul(factor, as_int(mod->b)->value), sum.type);
    for (size_t j = 0; j < sum.terms.size(); ++j) {
      auto* div = sum.terms[j].expr.as<Binary>();
      if (!div || div->op != BinaryOp::FloorDiv || sum.terms[j].factor != wanted ||
          !same_value(div->b, mod->b) || !same_value(div->a, mod->a)) {
        continue;
      }
      Expr whole = mod->a;
      sum.terms.erase(sum.terms.begin() + std::max(i, j));
      sum.terms.erase(sum.terms.begin() + std::min(i, j));
      if (!collect(whole, factor, sum)) sum.add(whole, factor);
      return join_quotients(sum);
    }
  }
}

}  // namespace

Wide wide_floor_div(Wide a, Wide b) {
  Wide q = a / b;
  return a % b < 0 ? q - 1 : q;
}

bool has_effect(const Expr& expr) {
  EffectFinder finder;
  finder.visit(expr);
  return finder.found;
}

Range range_of_type(DType type) {
  if (type.is_bool()) return {0, 1};
  INLAY_CHECK(type.is_integer(), "range of a type without one");
  if (type.is_int()) return {-(Wide(1) << (type.bits - 1)), (Wide(1) << (type.bits - 1)) - 1};
  return {0, (Wide(1) << type.bits) - 1};
}

Range range_of(const Expr& expr, const KnownRanges& known) {
  return Ranger(known).of(expr, 0);
}

void Linear::add(const Expr& term, int64_t factor) {
  for (size_t i = 0; i < terms.size(); ++i) {
    if (!same_value(terms[i].expr, term)) continue;
    terms[i].factor = signed_residue(arith::add(terms[i].factor, factor), type);
    if (terms[i].factor == 0) terms.erase(terms.begin() + i);
    return;
  }
  factor = signed_residue(factor, type);
  if (factor != 0) terms.push_back({term, factor});
}

void Linear::add(const Linear& other, int64_t factor) {
  for (const Term& term : other.terms) add(term.expr, arith::mul(term.factor, factor));
  add_constant(arith::mul(other.constant, factor));
}

void Linear::add_constant(int64_t value) {
  constant = signed_residue(arith::add(constant, value), type);
}

std::optional<Linear> linearize(const Expr& expr) {
  if (!expr.type().is_integer() || !expr.type().is_scalar()) return std::nullopt;
  // A sum written anew nests deeper by its terms, and must stay within what a tree may.
  if (expr->depth + 2 * kMaxTerms > ExprNode::kMaxDepth) return std::nullopt;
  Linear sum;
  sum.type = expr.type();
  if (!collect(expr, 1, sum) || sum.terms.size() > kMaxTerms || has_effect(expr)) {
    return std::nullopt;
  }
  join_quotients(sum);
  return sum;
}

Expr to_expr(const Linear& sum) {
  int64_t least = -1;
  least = signed_residue(static_cast<int64_t>(static_cast<uint64_t>(least) << (sum.type.bits - 1)),
                         sum.type);
  Expr result;
  auto constant = [&](int64_t value) {
    return IntImm::make(sum.type, arith::wrap(value, sum.type));
  };
  auto append = [&](int64_t factor, auto make_part) {
    // A negative part is subtracted, but for the one number that has no negative.
    if (!result || factor >= 0 || factor == least) {
      Expr part = make_part(factor);
      result = result ? result + part : part;
    } else {
      result = result - make_part(-factor);
    }
  };
  auto part_of = [&](const Expr& term) {
    return [&](int64_t factor) {
      return factor == 1 ? term : Binary::make(BinaryOp::Mul, term, constant(factor), term.loc());
    };
  };
  // A sum that starts with a positive term needs no negation.
  for (const auto& term : sum.terms) {
    if (term.factor > 0) append(term.factor, part_of(term.expr));
  }
  if (!result && sum.constant > 0 && !sum.terms.empty()) {
    result = constant(sum.constant);
    for (const auto& term : sum.terms) append(term.factor, part_of(term.expr));
    return result;
  }
  for (const auto& term : sum.terms) {
    if (term.factor > 0) continue;
    if (!result && term.factor == -1) {
      result = Unary::make(UnaryOp::Neg, term.expr, term.expr.loc());
    } else {
      append(term.factor, part_of(term.expr));
    }
  }
  if (sum.constant != 0 || !result) append(sum.constant, constant);
  return result;
}

std::optional<Range> exact_range(const Linear& sum, const KnownRanges& known) {
  Range total{sum.constant, sum.constant};
  for (const auto& term : sum.terms) {
    if (term.factor > kMaxExactFactor || term.factor < -kMaxExactFactor) return std::nullopt;
    Range range = range_of(term.expr, known);
    Wide one = range.lo * term.factor, other = range.hi * term.factor;
    total.lo += std::min(one, other);
    total.hi += std::max(one, other);
  }
  if (!total.within(range_of_type(sum.type))) return std::nullopt;
  return total;
}

}  // namespace inlay
