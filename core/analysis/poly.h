// Poly: the normal form of index expressions: a polynomial with integer coefficients over atoms.
//
// An atom is a variable, a floor division, a minimum or a maximum of polynomials, or something that
// is not understood. Sums and products are exact in the ring of integers; index arithmetic is taken
// not to wrap (no buffer is large enough for that). x % d is x - d * (x / d). Two index expressions
// of one value for all values of their variables mostly, not always, have one normal form.
// Thread safety: Poly is a value; an Atoms table belongs to one thread.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/ir/expr.h"

namespace inlay {

using AtomId = uint32_t;

/// A product of atoms, sorted; the empty one is the constant term.
class Monomial {
 public:
  static constexpr size_t kMaxDegree = 7;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const AtomId* begin() const { return ids_.data(); }
  const AtomId* end() const { return ids_.data() + size_; }
  /// False if there is no room.
  bool push_back(AtomId id) {
    if (size_ == kMaxDegree) return false;
    ids_[size_++] = id;
    return true;
  }
  friend auto operator<=>(const Monomial&, const Monomial&) = default;

 private:
  uint32_t size_ = 0;
  std::array<AtomId, kMaxDegree> ids_{};
};

/// A polynomial over atoms. A coefficient that does not fit into 64 bits, or a product of more than
/// Monomial::kMaxDegree atoms, makes it inexact: equal to nothing, and never proven anything about.
class Poly {
 public:
  using Term = std::pair<Monomial, int64_t>;

  Poly() = default;
  Poly(int64_t value) {  // NOLINT: a number reads as itself
    if (value) terms_.push_back({{}, value});
  }
  static Poly atom(AtomId id) {
    Poly poly;
    Monomial monomial;
    monomial.push_back(id);
    poly.terms_.push_back({monomial, 1});
    poly.may_use_ = bit(id);
    return poly;
  }

  const std::vector<Term>& terms() const { return terms_; }
  bool exact() const { return exact_; }
  bool is_constant() const {
    return exact_ && (terms_.empty() || (terms_.size() == 1 && terms_.begin()->first.empty()));
  }
  /// The constant term.
  int64_t constant() const {
    return !terms_.empty() && terms_[0].first.empty() ? terms_[0].second : 0;
  }
  bool uses(AtomId id) const { return (may_use_ & bit(id)) && finds(id); }
  /// Distinct atoms, highest first.
  std::vector<AtomId> atoms() const;
  /// This as coefficient * id + rest, rest and coefficient free of id; false if id has a power.
  bool split(AtomId id, Poly* coefficient, Poly* rest) const;
  /// The number in number * id, if that is the only term with id; else 0.
  int64_t linear_in(AtomId id) const;
  /// This + scale * (other without its terms with id).
  Poly plus_rest(const Poly& other, AtomId id, int64_t scale) const {
    return combine(*this, other, scale, id);
  }
  /// This with `value` in the place of id.
  Poly with(AtomId id, const Poly& value) const;
  /// This / divisor if that leaves no remainder and the divisor is one term; else nullopt.
  std::optional<Poly> divided_by(const Poly& divisor) const;
  /// Greatest common divisor of all coefficients but the constant term; 0 if there are none.
  int64_t content() const;

  friend Poly operator+(const Poly& a, const Poly& b) { return combine(a, b, 1); }
  friend Poly operator-(const Poly& a, const Poly& b) { return combine(a, b, -1); }
  friend Poly operator*(const Poly& a, const Poly& b);
  Poly operator-() const { return combine(Poly(), *this, -1); }
  friend bool operator==(const Poly& a, const Poly& b) {
    return a.exact_ && b.exact_ && a.terms_ == b.terms_;
  }
  friend bool operator<(const Poly& a, const Poly& b) { return a.terms_ < b.terms_; }
  /// Of equal terms, whether exact or not.
  struct Hash {
    size_t operator()(const Poly& poly) const;
  };

 private:
  /// a + scale * (b without its terms with `left_out`).
  static Poly combine(const Poly& a, const Poly& b, int64_t scale,
                      std::optional<AtomId> left_out = std::nullopt);
  /// Sorts the terms and adds up those of one monomial.
  void normalize();
  bool finds(AtomId id) const;
  static uint64_t bit(AtomId id) { return uint64_t{1} << id % 64; }

  std::vector<Term> terms_;  ///< sorted, no coefficient 0
  uint64_t may_use_ = 0;     ///< bit id % 64 is set if it uses id; most questions end here
  bool exact_ = true;
};

/// What an atom stands for.
enum class AtomKind : uint8_t {
  Var,
  FloorDiv,
  Min,
  Max,
  Opaque,   ///< an expression of variables that is not understood
  Unknown,  ///< what was read from memory, say: another value at each appearance
};

/// The atoms of one analysis. Ids grow as atoms appear, so what a variable's bounds need has, as a
/// rule, lower ids than the variable.
class Atoms {
 public:
  struct Atom {
    AtomKind kind{};
    Expr expr;  ///< of a Var or an Opaque
    Poly a, b;  ///< operands of the others
  };

  const Atom& operator[](AtomId id) const { return atoms_[id]; }
  AtomId var(const VarNode* node);
  /// A variable of our own, equal to no other.
  AtomId fresh(const std::string& name);
  /// A value that no expression stands for.
  AtomId unknown();
  /// Something not understood. Structurally equal ones are one atom.
  AtomId opaque(const Expr& expr);
  Poly floor_div(const Poly& a, const Poly& b);
  Poly minimum(const Poly& a, const Poly& b);
  Poly maximum(const Poly& a, const Poly& b);
  /// An expression of the polynomial's value. Deterministic.
  Expr to_expr(const Poly& poly) const;

 private:
  Poly structured(AtomKind kind, const Poly& a, const Poly& b);
  Expr to_expr(AtomId id) const;

  std::deque<Atom> atoms_;  ///< a reference to one stays good
  std::unordered_map<const ExprNode*, AtomId> vars_;
  std::map<std::tuple<AtomKind, Poly, Poly>, AtomId> structured_;
  std::vector<AtomId> opaque_;
};

}  // namespace inlay
