// Target IDs of AMD GPUs ("gfx906:sramecc+:xnack-"): of a device, of a GPU entry, of a code object.
#pragma once

#include <stdint.h>

#include "error.h"

namespace inlay::hip {

enum class Setting : uint8_t { kAny, kOff, kOn };

struct Target {
  char processor[32] = "";
  Setting sramecc = Setting::kAny;
  Setting xnack = Setting::kAny;
};

// False if `text` is no target ID; the processor need not be a known one.
bool parse_target(const char* text, Target* out);

// The target that the header of an AMDGPU ELF file names; false if its processor is unknown.
// `version` is that of the code object, 3 to 6.
bool target_of_flags(uint32_t flags, int version, Target* out);

// Whether code for `code` runs on `device`: the same processor, or the generic one of it; and each
// setting that `code` names is the device's.
bool fits(const Target& code, const Target& device);

void print_target(Text& text, const Target& target);

}  // namespace inlay::hip
