// Global wave sync of one dispatch.
#pragma once

#include <memory>

#include "runtime/emulator/exec/wave.h"

namespace inlay::emulator {

std::unique_ptr<GlobalSync> make_global_sync();

}  // namespace inlay::emulator
