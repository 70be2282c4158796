// Which of several rows for a target is chosen: the one loop behind `param` rows and `implement`
// rows.
#pragma once

#include <optional>

#include "core/target.h"

namespace inlay {

/// Index of the most specific of `rows` that match `target`, the first of equals.
template <typename Rows, typename GetPredicate>
std::optional<size_t> best_row(const Rows& rows, const Target& target, GetPredicate predicate) {
  std::optional<size_t> best;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!matches(predicate(rows[i]), target)) continue;
    if (!best || more_specific(predicate(rows[i]), predicate(rows[*best]), target)) best = i;
  }
  return best;
}

}  // namespace inlay
