// From lowered programs to AMDGPU code objects and the host code that launches their kernels.
#pragma once

#include "backends/plugin/plugin.h"

namespace inlay::amdgpu {

/// Backend::compile().
CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                      const CompileOptions& options);

}  // namespace inlay::amdgpu
