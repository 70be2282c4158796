#include "core/analysis/instance.h"

namespace inlay {

Instance instantiate(Context& context, const Access& access, const Iterations& known,
                     const char* suffix) {
  Instance instance;
  for (const Scope& scope : access.scopes) {
    if (auto* loop = scope.stmt.as<For>()) {
      Instance::Loop& made = instance.loops[loop];
      made.min = context.poly(loop->min);
      made.extent = context.poly(loop->extent);
      bool first = known.first.count(loop) != 0;
      if (auto same = known.fixed.find(loop); same != known.fixed.end()) {
        made.value = same->second;
      } else if (first || known.last.count(loop)) {
        made.value = first ? made.min : made.min + made.extent - Poly(1);
        context.assume_nonnegative(made.extent - Poly(1));
      } else {
        made.value = Poly::atom(context.enter_renamed(*loop, loop->var.name() + suffix));
        continue;
      }
      context.define(loop->var.operator->(), made.value);
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

bool may_meet(Context& context, const Access& a, const Access& b, const Instance& first,
              const Instance& second, const std::vector<Poly>& order) {
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

}  // namespace inlay
