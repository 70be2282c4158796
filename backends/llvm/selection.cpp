#include "backends/llvm/selection.h"

namespace inlay {

std::vector<SelectionReport> report_selections(const LoweredProgram& lowered) {
  std::vector<SelectionReport> reports;
  for (const Selection& selection : lowered.selections) {
    SelectionReport report;
    report.intrinsic = selection.intrinsic;
    for (size_t i = 0; i < selection.constants.size(); ++i) {
      report.intrinsic += (i ? ", " : "<") + std::to_string(selection.constants[i]);
    }
    if (!selection.constants.empty()) report.intrinsic += ">";
    report.chosen = "meaning";
    for (const RowDecision& decision : selection.decisions) {
      if (decision.chosen) report.chosen = to_string(decision.target);
    }
    report.decisions = selection.decisions;
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace inlay
