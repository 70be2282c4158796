// What the C API's functions on devices, tensors, streams and events share.
#pragma once

#include "hip/device.h"

struct InlayStream {
  DLDevice device;
  inlay::hip::Device* gpu;    // NULL: the CPU
  inlay::hip::Stream handle;  // NULL is HIP's null stream
  bool owned;
};

namespace inlay {

// A caller may put any number there, which a C++ enumeration must not be read as.
int32_t type_of(const DLDevice& device);

int32_t fail_null(const char* function, const char* what);

// The GPU of a kDLROCM or kDLROCMHost device; NULL for kDLCPU. Other types fail with `function`'s
// name. Errors: INVALID_ARGUMENT, and those of hip::device.
int32_t find_gpu(const char* function, const DLDevice& device, hip::Device** out);

}  // namespace inlay
