// INLAY_CHECK: a fault of ours, unreachable from any input. Throws InternalError, so that a process
// which uses the compiler as a library lives on and can report it.
#pragma once

#include <stdexcept>
#include <string>

namespace inlay {

/// A broken promise inside Inlay itself: a bug, never the user's fault.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);

}  // namespace inlay

#define INLAY_CHECK(condition, why) \
  ((condition) ? void(0) : ::inlay::check_failed(#condition, why, __FILE__, __LINE__))
