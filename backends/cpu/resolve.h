// From what a user writes ("x86-64-v3", "native", "znver3-avx2", "aarch64+sve") to a Target.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/cpu/targets/architecture.h"
#include "core/target.h"

namespace inlay::cpu {

/// As Backend::resolve_target.
std::optional<Target> resolve_target(const std::string& spec);

/// The facts of a target that resolve_target() made.
const Architecture& architecture_of(const Target& target);

/// The oldest CPU of an architecture, as a target.
Target baseline_target(const Architecture& architecture);

/// Features that a CPU must have to run code for `target`.
std::vector<std::string> required_features(const Target& target);

}  // namespace inlay::cpu
