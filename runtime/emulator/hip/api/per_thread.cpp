// The per-thread-stream forms, which programs call that are built with
// -fgpu-default-stream=per-thread: the null stream, where they name it, is the calling thread's
// own.
#include "runtime/emulator/hip/device.h"

namespace inlay::emulator::hip {

#define INLAY_OWN(name, parameters, arguments) \
  INLAY_HIP int name parameters;               \
  INLAY_HIP int name##_spt parameters {        \
    const OwnDefaultStream own;                \
    return name arguments;                     \
  }

INLAY_OWN(hipLaunchKernel, (const void* f, Dim3 g, Dim3 b, void** a, size_t l, void* stream),
          (f, g, b, a, l, stream))
INLAY_OWN(hipLaunchCooperativeKernel,
          (const void* f, Dim3 g, Dim3 b, void** a, unsigned l, void* stream),
          (f, g, b, a, l, stream))
INLAY_OWN(hipLaunchHostFunc, (void* stream, void (*f)(void*), void* data), (stream, f, data))

INLAY_OWN(hipMemcpy, (void* to, const void* from, size_t n, int kind), (to, from, n, kind))
INLAY_OWN(hipMemcpyAsync, (void* to, const void* from, size_t n, int kind, void* stream),
          (to, from, n, kind, stream))
INLAY_OWN(hipMemcpy2D,
          (void* to, size_t tp, const void* from, size_t fp, size_t w, size_t h, int kind),
          (to, tp, from, fp, w, h, kind))
INLAY_OWN(hipMemcpy2DAsync,
          (void* to, size_t tp, const void* from, size_t fp, size_t w, size_t h, int kind,
           void* stream),
          (to, tp, from, fp, w, h, kind, stream))
INLAY_OWN(hipMemcpy3D, (const Copy3D* p), (p))
INLAY_OWN(hipMemcpy3DAsync, (const Copy3D* p, void* stream), (p, stream))
INLAY_OWN(hipMemcpyToSymbol, (const void* v, const void* from, size_t n, size_t at, int kind),
          (v, from, n, at, kind))
INLAY_OWN(hipMemcpyToSymbolAsync,
          (const void* v, const void* from, size_t n, size_t at, int kind, void* stream),
          (v, from, n, at, kind, stream))
INLAY_OWN(hipMemcpyFromSymbol, (void* to, const void* v, size_t n, size_t at, int kind),
          (to, v, n, at, kind))
INLAY_OWN(hipMemcpyFromSymbolAsync,
          (void* to, const void* v, size_t n, size_t at, int kind, void* stream),
          (to, v, n, at, kind, stream))
INLAY_OWN(hipMemset, (void* to, int value, size_t n), (to, value, n))
INLAY_OWN(hipMemsetAsync, (void* to, int value, size_t n, void* stream), (to, value, n, stream))
INLAY_OWN(hipMemset2D, (void* to, size_t pitch, int value, size_t w, size_t h),
          (to, pitch, value, w, h))
INLAY_OWN(hipMemset2DAsync, (void* to, size_t pitch, int value, size_t w, size_t h, void* stream),
          (to, pitch, value, w, h, stream))
INLAY_OWN(hipMemset3D, (PitchedPointer to, int value, Extent e), (to, value, e))
INLAY_OWN(hipMemset3DAsync, (PitchedPointer to, int value, Extent e, void* stream),
          (to, value, e, stream))

INLAY_OWN(hipStreamGetFlags, (void* stream, unsigned* flags), (stream, flags))
INLAY_OWN(hipStreamGetPriority, (void* stream, int* priority), (stream, priority))
INLAY_OWN(hipStreamQuery, (void* stream), (stream))
INLAY_OWN(hipStreamSynchronize, (void* stream), (stream))
INLAY_OWN(hipStreamWaitEvent, (void* stream, void* event, unsigned flags), (stream, event, flags))
INLAY_OWN(hipStreamAddCallback,
          (void* stream, void (*f)(void*, int, void*), void* data, unsigned flags),
          (stream, f, data, flags))
INLAY_OWN(hipEventRecord, (void* event, void* stream), (event, stream))

}  // namespace inlay::emulator::hip
