// Examples of races: sizes, iterations and an element, found by trying them.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "core/analysis/access.h"

namespace inlay {

/// A way from `first` to `second` on which certainly no barrier stands.
struct OpenWay {
  const Access* first = nullptr;
  const Access* second = nullptr;
  const For* differs = nullptr;           ///< its iterations are different
  std::set<const For*> wide;              ///< it, and the lane loops directly inside
  std::set<const For*> equal;             ///< loops around both that run one iteration
  const For* next = nullptr;              ///< is one iteration farther in `second`; or null
  std::set<const For*> at_end, at_start;  ///< of `first`; of `second`
};

/// Work-items and sizes at which the two touch one element; nullopt if a few tries show none, with
/// `quick` very few. `root` is what both accesses were collected from.
std::optional<std::string> find_example(const OpenWay& way, const Stmt& root,
                                        const Program& program, bool quick);

}  // namespace inlay
