// The thread's last error, and a bounded text builder that cannot fail: what does not fit is cut
// off.
#pragma once

#include <inlay/runtime.h>
#include <stddef.h>

namespace inlay {

// Builds a sentence in a fixed buffer.
class Text {
 public:
  Text() { buffer_[0] = '\0'; }

  // printf-style; returns itself.
  Text& add(const char* format, ...) __attribute__((format(printf, 2, 3)));

  const char* c_str() const { return buffer_; }

 private:
  char buffer_[1024];
  size_t size_ = 0;
};

// Sets the last error of the thread and returns `status`.
int32_t fail(int32_t status, const char* message);
int32_t fail_format(int32_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace inlay
