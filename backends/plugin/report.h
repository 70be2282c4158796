// The report of a build, for people and for scripts. Knows no LLVM.
#pragma once

#include <string>
#include <vector>

#include "backends/plugin/plugin.h"

namespace inlay {

/// An aligned table: per import its kind, source, stage, features, symbols; per call its function,
/// symbol, place, verdict and reason; which `implement` rows were chosen. Ends with a newline.
std::string render_text(const BuildReport& report);
std::string render_text(const std::vector<BuildReport>& reports);

/// The same as JSON, indented by 2: {"reports": [{"target", "imports", "calls", "selections",
/// "stage_seconds"}]}. Places are "FILE:LINE:COLUMN", null where there is none.
std::string render_json(const std::vector<BuildReport>& reports);

}  // namespace inlay
