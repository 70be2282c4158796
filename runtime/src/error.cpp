// See error.h. The message is per thread and of fixed size, so that a failure never needs memory.
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace inlay {
namespace {

thread_local char last_error[1024];

}  // namespace

Text& Text::add(const char* format, ...) {
  va_list args;
  va_start(args, format);
  int written = vsnprintf(buffer_ + size_, sizeof buffer_ - size_, format, args);
  va_end(args);
  if (written > 0) {
    size_ += static_cast<size_t>(written);
    if (size_ >= sizeof buffer_) size_ = sizeof buffer_ - 1;
  }
  return *this;
}

int32_t fail(int32_t status, const char* message) {
  if (message == nullptr) message = "";
  // The message may be the buffer itself, handed on from inlay_last_error().
  size_t size = strnlen(message, sizeof last_error - 1);
  memmove(last_error, message, size);
  last_error[size] = '\0';
  return status;
}

int32_t fail_format(int32_t status, const char* format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(last_error, sizeof last_error, format, args);
  va_end(args);
  return status;
}

}  // namespace inlay

extern "C" const char* inlay_last_error(void) {
  return inlay::last_error;
}
