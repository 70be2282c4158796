#include "core/target.h"

namespace inlay {

bool matches(const TargetPredicate& predicate, const Target& target) {
  return (predicate.arch == "any" || predicate.arch == target.arch) &&
         missing_features(predicate, target).empty();
}

std::vector<std::string> missing_features(const TargetPredicate& predicate, const Target& target) {
  std::vector<std::string> missing;
  for (const std::string& feature : predicate.features) {
    if (!target.features.count(feature)) missing.push_back(feature);
  }
  return missing;
}

}  // namespace inlay
