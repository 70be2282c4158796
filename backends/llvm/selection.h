// What the lowering chose, for the report.
#pragma once

#include <vector>

#include "backends/plugin/plugin.h"

namespace inlay {

/// The choices of `lowered`, one for each instance of an intrinsic.
std::vector<SelectionReport> report_selections(const LoweredProgram& lowered);

}  // namespace inlay
