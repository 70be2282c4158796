// What HIP's library exports and this one does not do: it says so.
#include <cstdio>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator::hip;

namespace {
int missing(const char* name, std::atomic<bool>* told) {
  if (Device::get().verbose && !told->exchange(true))
    Device::get().say("%s is not supported", name);
  return done(kNotSupported);
}
}  // namespace

#define HIP_HERE(name, version)
#define HIP_SAME(name, other, version)
#define HIP_MISSING(name, version)        \
  INLAY_HIP int name() {                  \
    static std::atomic<bool> told{false}; \
    return missing(#name, &told);         \
  }
#include "runtime/emulator/hip/symbols.def"
#include "runtime/emulator/hip/symbols_later.def"
