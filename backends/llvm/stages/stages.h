// What the pipelines of all backends do around their stages.
#pragma once

#include <chrono>
#include <string>

#include "backends/plugin/plugin.h"

namespace llvm {
class Module;
}

namespace inlay {

/// Whether `artifact` is asked for.
bool wants(const CompileOptions& options, Artifact artifact);

/// `module` as LLVM prints it.
std::string module_text(const llvm::Module& module);

/// Adds the time since the last call, or since it was made, to a report.
class StageClock {
 public:
  explicit StageClock(BuildReport& report) : report_(report) {}
  void stage(const char* name) {
    auto now = std::chrono::steady_clock::now();
    report_.stage_seconds.push_back({name, std::chrono::duration<double>(now - last_).count()});
    last_ = now;
  }

 private:
  BuildReport& report_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace inlay
