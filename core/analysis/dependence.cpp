#include "core/analysis/dependence.h"

#include <algorithm>

#include "core/analysis/instance.h"

namespace inlay {

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
  Iterations known;
  // A loop around both that is no part of the question runs one iteration in both only if the
  // question says so; those of a local allocation always do.
  for (size_t l = 0; l < loops.size(); ++l) {
    if (directions[l] == Direction::Equal) known.fixed[loops[l]] = first.loops[loops[l]].value;
  }
  if (a.is_local) {
    for (size_t i = 0; i < a.allocation_depth && i < a.scopes.size(); ++i) {
      if (a.scopes[i].stmt.as<For>()) {
        known.fixed[a.scopes[i].stmt.get()] = first.loops[a.scopes[i].stmt.get()].value;
      }
    }
  }
  Instance second = instantiate(context, b, known, "''");

  std::vector<Poly> order;
  for (size_t l = 0; l < loops.size(); ++l) {
    Poly step = second.loops[loops[l]].value - first.loops[loops[l]].value;
    if (directions[l] == Direction::Less) order.push_back(step - Poly(1));
    if (directions[l] == Direction::Greater) order.push_back(-step - Poly(1));
  }
  return may_meet(context, a, b, first, second, order);
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

// Is there a loop further inside, around both, such that no conflict is left in any of the three
// cases: earlier, the same and later iterations of it? Of g * C + block * 32 + lane, with less than
// C behind g * C, blocks are apart only so where the loop over g is inside of theirs.
bool excluded_by_cases(const Context& context, const Access& a, const Access& b,
                       std::vector<const For*> loops, std::vector<Direction> directions) {
  bool below = false;
  const For* innermost = loops.back();
  loops.push_back(nullptr);
  directions.push_back(Direction::Any);
  for (const Scope& scope : a.scopes) {
    const For* loop = scope.stmt.as<For>();
    if (below && loop) {
      loops.back() = loop;
      if (inside(b, loops)) {
        bool conflict = false;
        for (Direction direction : {Direction::Less, Direction::Equal, Direction::Greater}) {
          directions.back() = direction;
          conflict = conflict || may_conflict(context, a, b, loops, directions);
        }
        if (!conflict) return true;
      }
    }
    below = below || loop == innermost;
  }
  return false;
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
                      if (!may_conflict(context, a, b, loops, directions) ||
                          excluded_by_cases(context, a, b, loops, directions)) {
                        return std::nullopt;
                      }
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
