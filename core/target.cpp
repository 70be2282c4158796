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

bool more_specific(const TargetPredicate& a, const TargetPredicate& b, const Target& target) {
  bool a_names = a.arch != "any", b_names = b.arch != "any";
  if (a_names != b_names) return a_names;
  auto asked = [&](const TargetPredicate& predicate) {
    std::set<std::string> all(predicate.features.begin(), predicate.features.end());
    for (const std::string& feature : predicate.features) {
      if (!target.implied) break;
      auto row = target.implied->find(feature);
      if (row != target.implied->end()) all.insert(row->second.begin(), row->second.end());
    }
    return all.size();
  };
  return asked(a) > asked(b);
}

}  // namespace inlay
