// The per-thread-stream forms: other names of functions that do not tell streams apart.
#define HIP_HERE(name, version)
#define HIP_MISSING(name, version)
// A jump, since an alias must be defined where its target is.
#if defined(__x86_64__)
#define INLAY_JUMP(to) __asm__("jmp " to "@PLT")
#else
#define INLAY_JUMP(to) __asm__("b " to)
#endif
#define HIP_SAME(name, other, version)                                  \
  extern "C" __attribute__((visibility("default"), naked)) void name(); \
  extern "C" void name() {                                              \
    INLAY_JUMP(#other);                                                 \
  }
#include "runtime/emulator/hip/symbols.def"
#include "runtime/emulator/hip/symbols_later.def"
