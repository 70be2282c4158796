// The search behind Context::proves_nonnegative: an atom of the polynomial is replaced by one of
// its bounds, such that what is left is no greater, until a number is left.
#include <algorithm>
#include <numeric>
#include <utility>

#include "core/analysis/context.h"

namespace inlay {

class Prover {
 public:
  explicit Prover(const Context& context) : context_(context), facts_(context.facts_) {
    for (const Poly& fact : facts_) {
      // x - c >= 0, c >= 0
      std::vector<AtomId> atoms = fact.atoms();
      keys_.push_back(key_of(fact));
      if (atoms.size() == 1 && fact - Poly(fact.constant()) == Poly::atom(atoms[0]) &&
          fact.constant() <= 0) {
        nonnegative_.insert(atoms[0]);
      }
    }
  }

  // Short proofs first: a wrong turn early on must not eat the budget of a right one.
  bool prove_deepening(const Poly& poly) {
    for (auto [depth, budget] : {std::pair{4, 100}, {8, 300}, {14, 600}}) {
      failed_.clear();
      budget_ = budget;
      exhausted_ = false;
      if (prove(poly, depth)) return true;
      if (!exhausted_) return false;  // all ways were gone to their end
    }
    return false;
  }

  bool prove(const Poly& whole, int depth) {
    if (!whole.exact()) return false;
    if (whole.is_constant()) return whole.constant() >= 0;
    if (depth == 0 || --budget_ < 0) {
      exhausted_ = true;
      return false;
    }
    Poly p = tightened(whole);
    if (is_negative(p)) return false;
    if (follows_from_fact(p)) return true;
    auto known = failed_.find(p);
    if (known != failed_.end() && known->second >= depth) return false;
    std::vector<AtomId> atoms = p.atoms();
    // Innermost first. The second one is for facts whose order is turned round by a guard.
    size_t tries = 0;
    for (AtomId id : atoms) {
      Poly coefficient, rest;
      if (!p.split(id, &coefficient, &rest)) continue;
      if (eliminate(id, coefficient, rest, depth)) return true;
      if (split_cases(p, id, depth)) return true;
      if (++tries == 2) break;
    }
    int& failed = failed_[p];
    failed = std::max(failed, depth);
    return false;
  }

  std::vector<Poly> bounds_of(AtomId id) {
    budget_ = 300;
    return implicit(id, 8);
  }

 private:
  // Bounds f >= 0 on an atom that follow from what it is.
  std::vector<Poly> implicit(AtomId id, int depth) {
    const Atoms::Atom& atom = context_.atoms()[id];
    Poly self = Poly::atom(id);
    switch (atom.kind) {
      case AtomKind::Min:
        return {atom.a - self, atom.b - self};
      case AtomKind::Max:
        return {self - atom.a, self - atom.b};
      case AtomKind::FloorDiv: {
        if (!prove(atom.b - Poly(1), depth - 1)) return {};
        std::vector<Poly> bounds{atom.a - atom.b * self, atom.b * self - atom.a + atom.b - Poly(1)};
        if (!atom.b.is_constant() && prove(atom.a, depth - 1)) {
          bounds.push_back(self);
          bounds.push_back(atom.a - self);
          if (prove(atom.a - atom.b, depth - 1)) bounds.push_back(self - Poly(1));
        }
        return bounds;
      }
      default:
        return {};
    }
  }

  // A hash of all terms but the number.
  static size_t key_of(const Poly& poly) {
    size_t key = 0;
    for (auto& [monomial, coefficient] : poly.terms()) {
      if (monomial.empty()) continue;
      key = key * 0x9e3779b1 + static_cast<size_t>(coefficient);
      for (AtomId id : monomial) key = key * 0x9e3779b1 + id;
    }
    return key;
  }

  // True if p is a fact plus a number that is not negative.
  bool follows_from_fact(const Poly& p) const {
    // Asked at every turn, so nothing is subtracted where the terms differ.
    size_t key = key_of(p);
    for (size_t i = 0; i < facts_.size(); ++i) {
      if (keys_[i] != key) continue;
      Poly slack = p - facts_[i];
      if (slack.is_constant() && slack.constant() >= 0) return true;
    }
    return false;
  }

  // True if p is below zero whatever its atoms are, so that no search is needed.
  bool is_negative(const Poly& p) const {
    return p.constant() < 0 &&
           std::all_of(
               p.terms().begin(), p.terms().end(),
               [&](auto& term) {
                 return term.second < 0 &&
                        std::all_of(
                            term.first.begin(), term.first.end(),
                            [&](AtomId id) { return nonnegative_.count(id) != 0; });
               });
  }

  // p = a * id + rest. A bound c * id + e >= 0 times t = a / c gives a * id >= -t * e. Of several
  // bounds the one that leaves least is tried first, and of equal ones that which was learnt last.
  bool eliminate(AtomId id, const Poly& a, const Poly& rest, int depth) {
    std::vector<Poly> left;
    int64_t number = a.is_constant() && a.constant() != INT64_MIN ? a.constant() : 0;
    auto with_bound = [&](const Poly& bound) {
      if (!bound.uses(id)) return;
      // Most often both are numbers, and nothing need be taken apart.
      int64_t by = number ? bound.linear_in(id) : 0;
      if (by && number % by == 0) {
        if (number / by > 0) left.push_back(rest.plus_rest(bound, id, -(number / by)));
        return;
      }
      Poly c, e;
      if (!bound.split(id, &c, &e)) return;
      if (auto t = a.divided_by(c)) {
        bool positive = t->is_constant() ? t->constant() >= 0 : prove(*t, depth - 1);
        if (positive) left.push_back(rest - *t * e);
        return;
      }
      if (!a.is_constant() || !c.is_constant()) return;
      if ((a.constant() > 0) != (c.constant() > 0)) return;
      int64_t common = std::gcd(a.constant(), c.constant());
      int64_t scale = std::abs(c.constant() / common), t = std::abs(a.constant() / common);
      // scale * p >= scale * rest - t * e =: q, and p >= 0 if q > -scale, all being integers.
      left.push_back(Poly(scale) * rest - Poly(t) * e + Poly(scale - 1));
    };
    for (size_t i = 0; i < facts_.size(); ++i) with_bound(facts_[i]);
    for (const Poly& bound : implicit(id, depth)) with_bound(bound);
    std::vector<std::pair<size_t, size_t>> order;
    for (size_t i = 0; i < left.size(); ++i)
      order.push_back({left[i].terms().size(), left.size() - i});
    std::sort(order.begin(), order.end());
    return std::any_of(order.begin(), order.end(), [&](const auto& at) {
      return prove(left[left.size() - at.second], depth - 1);
    });
  }

  // A minimum or maximum is one of its operands.
  bool split_cases(const Poly& p, AtomId id, int depth) {
    const Atoms::Atom& atom = context_.atoms()[id];
    if (atom.kind != AtomKind::Min && atom.kind != AtomKind::Max) return false;
    Poly difference = atom.kind == AtomKind::Min ? atom.b - atom.a : atom.a - atom.b;
    auto with_fact = [&](const Poly& fact, const Poly& value) {
      auto failed = std::exchange(failed_, {});
      facts_.push_back(fact);
      keys_.push_back(key_of(fact));
      bool proven = prove(p.with(id, value), depth - 1);
      facts_.pop_back();
      keys_.pop_back();
      failed_ = std::move(failed);
      return proven;
    };
    return with_fact(difference, atom.a) && with_fact(-difference, atom.b);
  }

  const Context& context_;
  std::vector<Poly> facts_;
  std::vector<size_t> keys_;  // of facts_
  std::set<AtomId> nonnegative_;
  std::unordered_map<Poly, int, Poly::Hash> failed_;  // with what depth was left
  int budget_ = 0;
  bool exhausted_ = false;
};

bool Context::proves_nonnegative(const Poly& poly) const {
  if (!poly.exact()) return false;
  if (poly.is_constant()) return poly.constant() >= 0;
  return Prover(*this).prove_deepening(poly);
}

bool Context::proves_zero(const Poly& poly) const {
  if (poly.is_constant()) return poly.constant() == 0;
  return proves_nonnegative(poly) && proves_nonnegative(-poly);
}

bool Context::proves(const Expr& condition, bool truth) const {
  if (auto* constant = condition.as<IntImm>()) return (constant->value != 0) == truth;
  if (auto* unary = condition.as<Unary>(); unary && unary->op == UnaryOp::Not) {
    return proves(unary->a, !truth);
  }
  auto* binary = condition.as<Binary>();
  if (!binary) return false;
  if (binary->op == BinaryOp::And || binary->op == BinaryOp::Or) {
    bool both = (binary->op == BinaryOp::And) == truth;
    if (both ? proves(binary->a, truth) && proves(binary->b, truth)
             : proves(binary->a, truth) || proves(binary->b, truth)) {
      return true;
    }
  } else if (binary->a.type() != kIndex) {
    return false;
  }
  if (auto parts = conjunction(condition, truth)) {
    return std::all_of(parts->begin(), parts->end(),
                       [&](const Poly& part) { return proves_nonnegative(part); });
  }
  // Not all parts hold: one of them is proven false, or just that was assumed.
  if (auto parts = conjunction(condition, !truth)) {
    for (const Poly& part : *parts) {
      if (proves_nonnegative(-part - Poly(1))) return true;
    }
    std::set<Poly> wanted(parts->begin(), parts->end());
    for (const std::vector<Poly>& known : not_all_) {
      if (std::all_of(known.begin(), known.end(),
                      [&](const Poly& part) { return wanted.count(part) != 0; })) {
        return true;
      }
    }
  }
  return false;
}

namespace {

constexpr int kBoundBudget = 200;

}  // namespace

std::vector<Poly> Context::bounds_without(const Poly& poly, const std::set<AtomId>& inner,
                                          bool upper, size_t most, int& budget) const {
  // Innermost atom first; an atom counts as inner if it is, or is made of, an inner one.
  std::vector<Poly> found;
  auto search = [&](auto&& self, const Poly& p) -> void {
    if (!p.exact() || --budget < 0 || found.size() >= most) return;
    for (AtomId id : p.atoms()) {
      if (!depends(Poly::atom(id), inner)) continue;
      Poly a, rest;
      if (!p.split(id, &a, &rest)) return;
      std::vector<Poly> bounds = Prover(*this).bounds_of(id);
      bounds.insert(bounds.end(), facts_.begin(), facts_.end());
      // Bounds that are free of inner atoms first, of min(F, K - o * F) the F; else in the order
      // learnt.
      std::vector<Poly> outer_first, others;
      for (const Poly& bound : bounds) {
        std::vector<AtomId> used = bound.atoms();
        bool outer = std::none_of(used.begin(), used.end(), [&](AtomId other) {
          return other != id && depends(Poly::atom(other), inner);
        });
        (outer ? outer_first : others).push_back(bound);
      }
      outer_first.insert(outer_first.end(), others.begin(), others.end());
      for (const Poly& bound : outer_first) {
        Poly c, e;
        if (!bound.uses(id) || !bound.split(id, &c, &e)) continue;
        auto t = a.divided_by(c);
        if (!t) continue;
        // c * id + e >= 0: with t = a / c, t <= 0 bounds a * id from above by -t * e, t >= 0 below.
        if (!proves_nonnegative(upper ? -*t : *t)) continue;
        self(self, rest - *t * e);
      }
      // A quotient grows with its numerator.
      const Atoms::Atom& atom = (*atoms_)[id];
      if (atom.kind == AtomKind::FloorDiv && proves_positive(atom.b) && proves_nonnegative(a)) {
        for (const Poly& numerator : bounds_without(atom.a, inner, upper, 1, budget)) {
          self(self, a * atoms_->floor_div(numerator, atom.b) + rest);
        }
      }
      return;
    }
    if (std::find(found.begin(), found.end(), p) == found.end()) found.push_back(p);
  };
  search(search, poly);
  return found;
}

std::optional<Poly> Context::bound_without(const Poly& poly, const std::set<AtomId>& inner,
                                           bool upper) const {
  int budget = kBoundBudget;
  auto found = bounds_without(poly, inner, upper, 1, budget);
  return found.empty() ? std::nullopt : std::optional<Poly>(found[0]);
}

std::optional<Poly> Context::tightest_without(const Poly& poly, const std::set<AtomId>& inner,
                                              bool upper) const {
  std::optional<Poly> best;
  int budget = kBoundBudget;
  for (const Poly& bound : bounds_without(poly, inner, upper, 8, budget)) {
    if (!best || proves_nonnegative(upper ? *best - bound : bound - *best)) best = bound;
  }
  return best;
}

}  // namespace inlay
