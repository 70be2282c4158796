// HIP, found at run time: the runtime needs no GPU, and no driver, to be built or to run on a CPU.
#pragma once

#include "error.h"
#include "hip/types.h"

namespace inlay::hip {

struct Library {
  // First, and in the order of the table: they are filled in as an array.
#define INLAY_HIP_SYMBOL(kind, result, name, parameters) result(*name) parameters;
#include "hip/symbols.def"
#undef INLAY_HIP_SYMBOL
  char path[1024];  // as it was opened
  int n_devices;
};

// The library, initialized, with one device at least. It is opened once for the process; a failure
// is tried again by the next call, as the environment may be corrected in between. Errors:
// NO_DEVICE, with all that was tried.
int32_t library(const Library** out);

// Fails with what HIP says: "<what>: hipErrorOutOfMemory (2): out of memory". The status is
// OUT_OF_MEMORY or DEVICE.
int32_t fail_hip(const Library* library, int error, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

}  // namespace inlay::hip
