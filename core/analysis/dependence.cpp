#include "core/analysis/dependence.h"

#include <algorithm>

namespace inlay {

namespace {

// One dynamic instance of an access: its scopes entered with variables of their own.
struct Instance {
  std::vector<Poly> indices, extents;
  std::unordered_map<const StmtNode*, AtomId> loop_vars;
};

Instance instantiate(Context& context, const Access& access,
                     const std::unordered_map<const StmtNode*, Poly>& fixed, const char* suffix) {
  Instance instance;
  for (const Scope& scope : access.scopes) {
    if (auto* loop = scope.stmt.as<For>()) {
      auto same = fixed.find(loop);
      if (same != fixed.end()) {
        context.define(loop->var.operator->(), same->second);
        instance.loop_vars[loop] = same->second.atoms().front();
      } else {
        instance.loop_vars[loop] = context.enter_renamed(*loop, loop->var.name() + suffix);
      }
    } else if (auto* branch = scope.stmt.as<If>()) {
      context.assume(branch->condition, scope.truth);
    } else if (auto* let = scope.stmt.as<Let>()) {
      context.enter(*let);
    }
  }
  for (const Expr& index : access.indices) instance.indices.push_back(context.poly(index));
  for (size_t d = 0; d < access.indices.size(); ++d) {
    bool wide = d < access.extents.size() && access.extents[d];
    instance.extents.push_back(wide ? context.poly(access.extents[d]) : Poly(1));
  }
  return instance;
}

}  // namespace

bool may_conflict(const Context& root, const Access& a, const Access& b,
                  const std::vector<const For*>& loops, const std::vector<Direction>& directions) {
  if (!a.buffer.same_as(b.buffer)) return false;
  if (a.is_local) {
    // Below the root each iteration of a loop around the allocation has a buffer of its own.
    for (size_t i = 0; i < a.allocation_depth && i < a.scopes.size(); ++i) {
      for (size_t l = 0; l < loops.size(); ++l) {
        bool differs = directions[l] == Direction::Less || directions[l] == Direction::Greater;
        if (differs && a.scopes[i].stmt.get() == loops[l]) return false;
      }
    }
  }
  Context context = root;
  Instance first = instantiate(context, a, {}, "'");
  std::unordered_map<const StmtNode*, Poly> fixed;
  // A loop around both that is no part of the question runs one iteration in both only if the
  // question says so; those of a local allocation always do.
  for (size_t l = 0; l < loops.size(); ++l) {
    if (directions[l] == Direction::Equal) fixed[loops[l]] = Poly::atom(first.loop_vars[loops[l]]);
  }
  if (a.is_local) {
    for (size_t i = 0; i < a.allocation_depth && i < a.scopes.size(); ++i) {
      if (a.scopes[i].stmt.as<For>()) {
        fixed[a.scopes[i].stmt.get()] = Poly::atom(first.loop_vars[a.scopes[i].stmt.get()]);
      }
    }
  }
  Instance second = instantiate(context, b, fixed, "''");

  std::vector<Poly> order;
  for (size_t l = 0; l < loops.size(); ++l) {
    Poly step = Poly::atom(second.loop_vars[loops[l]]) - Poly::atom(first.loop_vars[loops[l]]);
    if (directions[l] == Direction::Less) order.push_back(step - Poly(1));
    if (directions[l] == Direction::Greater) order.push_back(-step - Poly(1));
  }
  for (const Poly& fact : order) {
    if (fact.is_constant() && fact.constant() < 0) return false;
    if (context.proves_nonnegative(-fact - Poly(1))) return false;
    context.assume_nonnegative(fact);
  }
  if (a.unknown || b.unknown) return true;

  std::vector<Poly> differences;
  for (size_t d = 0; d < first.indices.size(); ++d) {
    Poly difference = second.indices[d] - first.indices[d];
    // Ranges [x, x + m) and [y, y + n) meet if y - x < m and x - y < n.
    Poly above = first.extents[d] - Poly(1) - difference;
    Poly below = second.extents[d] - Poly(1) + difference;
    if (context.proves_nonnegative(-above - Poly(1))) return false;
    if (context.proves_nonnegative(-below - Poly(1))) return false;
    if (first.extents[d] == Poly(1) && second.extents[d] == Poly(1)) {
      int64_t divisor = difference.content();
      if (divisor > 1 && difference.constant() % divisor != 0) return false;
      if (difference.is_constant() && difference.constant() != 0) return false;
    }
    differences.push_back(above);
    differences.push_back(below);
  }
  // All dimensions together: what one says about the iterations may contradict another, or the
  // order.
  for (const Poly& fact : differences) context.assume_nonnegative(fact);
  for (const Poly& fact : differences) {
    if (context.proves_nonnegative(-fact - Poly(1))) return false;
  }
  for (const Poly& fact : order) {
    if (context.proves_nonnegative(-fact - Poly(1))) return false;
  }
  return true;
}

bool commute(const Access& a, const Access& b) {
  return a.kind == AccessKind::Update && b.kind == AccessKind::Update && a.op == b.op;
}

namespace {

bool inside(const Access& access, const std::vector<const For*>& loops) {
  return std::all_of(loops.begin(), loops.end(), [&](const For* loop) {
    return std::any_of(access.scopes.begin(), access.scopes.end(),
                       [&](const Scope& scope) { return scope.stmt.get() == loop; });
  });
}

// Calls `ask` for each ordered pair of accesses, one of which writes, to one buffer.
template <typename Ask>
std::optional<Conflict> over_pairs(const std::vector<Access>& first,
                                   const std::vector<Access>& second, Ask ask) {
  for (const Access& a : first) {
    for (const Access& b : second) {
      if (!a.buffer.same_as(b.buffer) || (!a.writes() && !b.writes())) continue;
      if (auto conflict = ask(a, b)) return conflict;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Conflict> find_reversal(const Context& context, const Accesses& accesses,
                                      const std::vector<const For*>& loops,
                                      const std::vector<size_t>& permutation, bool* reassociates) {
  size_t n = loops.size();
  return over_pairs(
      accesses.list, accesses.list,
      [&](const Access& a, const Access& b) -> std::optional<Conflict> {
        if (!inside(a, loops) || !inside(b, loops)) return std::nullopt;
        if (commute(a, b) && *reassociates) return std::nullopt;
        std::vector<Direction> directions(n, Direction::Any);
        // All direction vectors whose first difference is Less, refined loop by loop; a subtree is
        // left where nothing conflicts.
        auto search = [&](auto&& self, size_t at, bool started) -> bool {
          if (at == n) {
            if (!started) return false;
            for (size_t place = 0; place < n; ++place) {
              Direction direction = directions[permutation[place]];
              if (direction == Direction::Less) return false;
              if (direction == Direction::Greater) return true;
            }
            return false;
          }
          for (Direction direction : {Direction::Less, Direction::Equal, Direction::Greater}) {
            if (!started && direction == Direction::Greater) continue;
            directions[at] = direction;
            if (may_conflict(context, a, b, loops, directions) &&
                self(self, at + 1, started || direction == Direction::Less)) {
              return true;
            }
          }
          directions[at] = Direction::Any;
          return false;
        };
        if (!search(search, 0, false)) return std::nullopt;
        if (commute(a, b)) {
          *reassociates |= a.buffer->type.is_float();
          return std::nullopt;
        }
        return Conflict{a, b, directions};
      });
}

std::optional<Conflict> find_carried(const Context& context, const Accesses& accesses,
                                     const std::vector<const For*>& loops) {
  std::vector<Direction> directions(loops.size(), Direction::Equal);
  directions.back() = Direction::Less;
  return over_pairs(accesses.list, accesses.list,
                    [&](const Access& a, const Access& b) -> std::optional<Conflict> {
                      if (!inside(a, loops) || !inside(b, loops)) return std::nullopt;
                      if (!may_conflict(context, a, b, loops, directions)) return std::nullopt;
                      return Conflict{a, b, directions};
                    });
}

std::optional<Conflict> find_fission_conflict(const Context& context, const Accesses& before,
                                              const Accesses& after,
                                              const std::vector<const For*>& loops) {
  // An instance of `after` in an iteration that comes before one of `before` would run later.
  for (size_t carrier = 0; carrier < loops.size(); ++carrier) {
    std::vector<Direction> directions(loops.size(), Direction::Any);
    for (size_t l = 0; l < carrier; ++l) directions[l] = Direction::Equal;
    directions[carrier] = Direction::Less;
    auto conflict = over_pairs(after.list, before.list,
                               [&](const Access& a, const Access& b) -> std::optional<Conflict> {
                                 if (!may_conflict(context, a, b, loops, directions)) {
                                   return std::nullopt;
                                 }
                                 return Conflict{a, b, directions};
                               });
    if (conflict) return conflict;
  }
  return std::nullopt;
}

}  // namespace inlay
