// Stage dumps: files that a person can read, each headed by the command that makes the next one.
#pragma once

#include <string>

#include "backends/plugin/plugin.h"

namespace inlay {

class StageDump {
 public:
  /// Dumps nothing if options.dump_stages is empty. With several variants, files bear the target's
  /// name: "1.emitted.x86-64-v3.ll".
  StageDump(const CompileOptions& options, const CompileUnit& unit, bool several);

  bool enabled() const { return !folder_.empty(); }
  void lowered(const std::string& text) const;
  void emitted(const std::string& text) const;
  void linked(const std::string& text) const;
  void optimized(const std::string& text) const;
  void assembly(const std::string& text) const;

 private:
  std::string file(const char* stage, const char* suffix) const;
  void write(const std::string& name, const std::string& heading, const std::string& text) const;

  std::string folder_;
  std::string variant_;  ///< "" or ".x86-64-v3"
  std::string target_;   ///< as the user wrote it
  std::string triple_;
  std::string cpu_;
  std::string build_;  ///< the command that was typed
  int level_ = 3;
};

}  // namespace inlay
