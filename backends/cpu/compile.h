// The pipeline: emit, link imports, optimize, prove, generate code, link the code object.
#pragma once

#include "backends/plugin/plugin.h"

namespace inlay::cpu {

/// As Backend::compile.
CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                      const CompileOptions& options);

}  // namespace inlay::cpu
