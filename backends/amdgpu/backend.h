// The amdgpu backend as an object; the plugin hands it out, tests use it directly.
#pragma once

#include <memory>

#include "backends/plugin/plugin.h"

namespace inlay::amdgpu {

std::unique_ptr<Backend> make_backend();

}  // namespace inlay::amdgpu
