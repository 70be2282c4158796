// Scratch memory of compiled code, cached per thread so that a packing buffer is not mapped, and
// its pages not faulted in, at each call.
#pragma once

#include <stdint.h>

namespace inlay {

void* workspace_acquire(uint64_t bytes, uint64_t align);
void workspace_release(void* memory);

}  // namespace inlay
