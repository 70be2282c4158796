// Which of several rows for a target is the most specific: the one rule behind `param` rows and
// `implement` rows.
#pragma once

#include <algorithm>
#include <optional>

#include "core/target.h"

namespace inlay {

/// True if `a` beats `b` where both match: a named architecture beats "any", then more features.
inline bool more_specific(const TargetPredicate& a, const TargetPredicate& b) {
  bool a_names = a.arch != "any", b_names = b.arch != "any";
  return a_names != b_names ? a_names : a.features.size() > b.features.size();
}

/// Index of the most specific of `rows` that match `target`, the first of equals.
template <typename Rows, typename GetPredicate>
std::optional<size_t> best_row(const Rows& rows, const Target& target, GetPredicate predicate) {
  std::optional<size_t> best;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!matches(predicate(rows[i]), target)) continue;
    if (!best || more_specific(predicate(rows[i]), predicate(rows[*best]))) best = i;
  }
  return best;
}

}  // namespace inlay
