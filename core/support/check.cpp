#include "core/support/check.h"

namespace inlay {

void check_failed(const char* condition, const char* why, const char* file, int line) {
  throw InternalError("internal error: " + std::string(why) + " (" + condition + ") at " + file +
                      ":" + std::to_string(line) + "; please report this");
}

}  // namespace inlay
