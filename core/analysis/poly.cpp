#include "core/analysis/poly.h"

#include <algorithm>
#include <numeric>

#include "core/ir/equal.h"

namespace inlay {

namespace {

int64_t floor_div(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a % b < 0) != (b < 0));
}

}  // namespace

bool Poly::finds(AtomId id) const {
  for (auto& [monomial, coefficient] : terms_) {
    if (std::binary_search(monomial.begin(), monomial.end(), id)) return true;
  }
  return false;
}

std::vector<AtomId> Poly::atoms() const {
  std::vector<AtomId> found;
  for (auto& [monomial, coefficient] : terms_) {
    found.insert(found.end(), monomial.begin(), monomial.end());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Poly::normalize() {
  std::sort(terms_.begin(), terms_.end(),
            [](const Term& a, const Term& b) { return a.first < b.first; });
  size_t kept = 0;
  for (size_t i = 0; i < terms_.size();) {
    Term sum = terms_[i];
    for (++i; i < terms_.size() && terms_[i].first == sum.first; ++i) {
      if (__builtin_add_overflow(sum.second, terms_[i].second, &sum.second)) exact_ = false;
    }
    if (sum.second) terms_[kept++] = sum;
  }
  terms_.resize(kept);
}

size_t Poly::Hash::operator()(const Poly& poly) const {
  // FNV-1a, a number at a time.
  uint64_t hash = 0xcbf29ce484222325u;
  auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; };
  for (auto& [monomial, coefficient] : poly.terms_) {
    mix(static_cast<uint64_t>(coefficient));
    for (AtomId id : monomial) mix(id);
  }
  return hash;
}

int64_t Poly::linear_in(AtomId id) const {
  int64_t number = 0;
  for (auto& [monomial, coefficient] : terms_) {
    if (!std::binary_search(monomial.begin(), monomial.end(), id)) continue;
    if (monomial.size() != 1) return 0;
    number = coefficient;
  }
  return number;
}

Poly Poly::combine(const Poly& a, const Poly& b, int64_t scale, std::optional<AtomId> left_out) {
  Poly sum;
  sum.exact_ = a.exact_ && b.exact_;
  sum.may_use_ = a.may_use_ | b.may_use_;
  sum.terms_.reserve(a.terms_.size() + b.terms_.size());
  auto x = a.terms_.begin();
  for (auto& [monomial, coefficient] : b.terms_) {
    if (left_out && std::binary_search(monomial.begin(), monomial.end(), *left_out)) continue;
    while (x != a.terms_.end() && x->first < monomial) sum.terms_.push_back(*x++);
    int64_t value = 0;
    if (__builtin_mul_overflow(coefficient, scale, &value)) sum.exact_ = false;
    if (x != a.terms_.end() && x->first == monomial) {
      if (__builtin_add_overflow(value, x->second, &value)) sum.exact_ = false;
      ++x;
    }
    if (value) sum.terms_.push_back({monomial, value});
  }
  sum.terms_.insert(sum.terms_.end(), x, a.terms_.end());
  return sum;
}

Poly operator*(const Poly& a, const Poly& b) {
  Poly product;
  product.exact_ = a.exact_ && b.exact_;
  product.may_use_ = a.may_use_ | b.may_use_;
  for (auto& [left, x] : a.terms_) {
    for (auto& [right, y] : b.terms_) {
      Monomial monomial;
      const AtomId *l = left.begin(), *r = right.begin();
      while (l != left.end() || r != right.end()) {
        bool from_left = r == right.end() || (l != left.end() && *l <= *r);
        if (!monomial.push_back(from_left ? *l++ : *r++)) product.exact_ = false;
      }
      int64_t coefficient = 0;
      if (__builtin_mul_overflow(x, y, &coefficient)) product.exact_ = false;
      product.terms_.push_back({monomial, coefficient});
    }
  }
  product.normalize();
  return product;
}

bool Poly::split(AtomId id, Poly* coefficient, Poly* rest) const {
  *coefficient = Poly();
  *rest = Poly();
  coefficient->exact_ = rest->exact_ = exact_;
  coefficient->may_use_ = rest->may_use_ = may_use_;
  for (auto& [monomial, factor] : terms_) {
    Monomial others;
    size_t power = 0;
    for (AtomId other : monomial) {
      if (other == id) {
        ++power;
      } else {
        others.push_back(other);
      }
    }
    if (power > 1) return false;
    (power ? coefficient : rest)->terms_.push_back({others, factor});
  }
  // Monomials that lose one atom keep their order only among themselves.
  if (coefficient->terms_.size() > 1) coefficient->normalize();
  return true;
}

Poly Poly::with(AtomId id, const Poly& value) const {
  Poly result;
  result.exact_ = exact_;
  for (auto& [monomial, factor] : terms_) {
    Poly term(factor);
    for (AtomId atom_id : monomial) term = term * (atom_id == id ? value : atom(atom_id));
    result = result + term;
  }
  return result;
}

std::optional<Poly> Poly::divided_by(const Poly& divisor) const {
  if (!exact_ || !divisor.exact_ || divisor.terms_.size() != 1) return std::nullopt;
  const auto& [atoms, number] = divisor.terms_[0];
  if (number == -1 && std::any_of(terms_.begin(), terms_.end(),
                                  [](const Term& term) { return term.second == INT64_MIN; })) {
    return std::nullopt;
  }
  Poly quotient;
  quotient.may_use_ = may_use_;
  for (auto& [monomial, factor] : terms_) {
    if (factor % number != 0) return std::nullopt;
    if (!std::includes(monomial.begin(), monomial.end(), atoms.begin(), atoms.end())) {
      return std::nullopt;
    }
    Monomial others;
    const AtomId* taken = atoms.begin();
    for (AtomId id : monomial) {
      if (taken != atoms.end() && *taken == id) {
        ++taken;
      } else {
        others.push_back(id);
      }
    }
    quotient.terms_.push_back({others, factor / number});
  }
  quotient.normalize();
  return quotient;
}

int64_t Poly::content() const {
  int64_t divisor = 0;
  for (auto& [monomial, factor] : terms_) {
    if (!monomial.empty()) divisor = std::gcd(divisor, factor);
  }
  return divisor;
}

AtomId Atoms::var(const VarNode* node) {
  auto [at, is_new] = vars_.try_emplace(node, static_cast<AtomId>(atoms_.size()));
  if (is_new) atoms_.push_back({AtomKind::Var, Var(node), {}, {}});
  return at->second;
}

AtomId Atoms::fresh(const std::string& name) {
  Var var(name);
  return this->var(var.operator->());
}

AtomId Atoms::unknown() {
  // The variable is for messages; IR is made of what is expressible alone.
  atoms_.push_back({AtomKind::Unknown, Var("unknown"), {}, {}});
  return static_cast<AtomId>(atoms_.size() - 1);
}

AtomId Atoms::opaque(const Expr& expr) {
  for (AtomId id : opaque_) {
    if (equal(atoms_[id].expr, expr)) return id;
  }
  opaque_.push_back(static_cast<AtomId>(atoms_.size()));
  atoms_.push_back({AtomKind::Opaque, expr, {}, {}});
  return opaque_.back();
}

Poly Atoms::structured(AtomKind kind, const Poly& a, const Poly& b) {
  auto [at, is_new] = structured_.try_emplace({kind, a, b}, static_cast<AtomId>(atoms_.size()));
  if (is_new) atoms_.push_back({kind, {}, a, b});
  return Poly::atom(at->second);
}

Poly Atoms::floor_div(const Poly& a, const Poly& b) {
  if (a.is_constant() && b.is_constant() && b.constant() != 0 &&
      !(a.constant() == INT64_MIN && b.constant() == -1)) {
    return inlay::floor_div(a.constant(), b.constant());
  }
  if (b == Poly(1)) return a;
  // (b * q + r) / b = q + r / b, term by term; for a number b, r's constant is brought into 0 .. b.
  Poly quotient, rest;
  for (auto& [monomial, factor] : a.terms()) {
    Poly term(factor);
    for (AtomId id : monomial) term = term * Poly::atom(id);
    if (auto whole = term.divided_by(b)) {
      quotient = quotient + *whole;
    } else {
      rest = rest + term;
    }
  }
  if (b.is_constant() && b.constant() > 1) {
    int64_t shift = inlay::floor_div(rest.constant(), b.constant());
    quotient = quotient + shift;
    rest = rest - Poly(shift) * b;
    // A factor that rest's terms and b share: (g*x + c) / (g*m) = (x + c/g) / m.
    int64_t common = std::gcd(rest.content(), b.constant());
    if (rest.is_constant()) return quotient;
    if (common > 1) {
      Poly reduced = *(rest - Poly(rest.constant())).divided_by(Poly(common)) +
                     inlay::floor_div(rest.constant(), common);
      return quotient + floor_div(reduced, b.constant() / common);
    }
  }
  if (rest == Poly(0) && !b.is_constant()) return quotient;
  return quotient + structured(AtomKind::FloorDiv, rest, b);
}

Poly Atoms::minimum(const Poly& a, const Poly& b) {
  Poly difference = b - a;
  if (difference.is_constant()) return difference.constant() >= 0 ? a : b;
  return a < b ? structured(AtomKind::Min, a, b) : structured(AtomKind::Min, b, a);
}

Poly Atoms::maximum(const Poly& a, const Poly& b) {
  Poly difference = b - a;
  if (difference.is_constant()) return difference.constant() >= 0 ? b : a;
  return a < b ? structured(AtomKind::Max, a, b) : structured(AtomKind::Max, b, a);
}

Expr Atoms::to_expr(AtomId id) const {
  const Atom& atom = atoms_[id];
  switch (atom.kind) {
    case AtomKind::Var:
    case AtomKind::Opaque:
    case AtomKind::Unknown:
      return atom.expr;
    case AtomKind::FloorDiv:
      return to_expr(atom.a) / to_expr(atom.b);
    case AtomKind::Min:
      return min(to_expr(atom.a), to_expr(atom.b));
    case AtomKind::Max:
      return max(to_expr(atom.a), to_expr(atom.b));
  }
  return {};
}

Expr Atoms::to_expr(const Poly& poly) const {
  Expr sum;
  // Positive terms first, so that the text reads N - i and not -i + N; the number comes last.
  for (bool positive : {true, false}) {
    for (auto& [monomial, factor] : poly.terms()) {
      if (monomial.empty() || (factor > 0) != positive) continue;
      Expr term;
      for (AtomId id : monomial) term = term ? term * to_expr(id) : to_expr(id);
      int64_t magnitude = sum && factor < 0 ? -factor : factor;
      if (magnitude != 1) term = term * Expr(magnitude);
      sum = !sum ? term : factor < 0 ? sum - term : sum + term;
    }
  }
  int64_t number = poly.constant();
  if (!sum) return Expr(number);
  if (number > 0) return sum + Expr(number);
  return number < 0 ? sum - Expr(-number) : sum;
}

}  // namespace inlay
