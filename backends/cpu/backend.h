// The cpu backend: x86-64 and AArch64.
#pragma once

#include <memory>

#include "backends/plugin/plugin.h"

namespace inlay::cpu {

std::unique_ptr<Backend> make_backend();

}  // namespace inlay::cpu
