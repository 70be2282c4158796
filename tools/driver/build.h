// From a .inlay file to artifacts: parse, lower for each target, compile, through the cache.
#pragma once

#include "core/schedule/apply.h"
#include "tools/driver/cache.h"
#include "tools/driver/files/files.h"
#include "tools/driver/plugins.h"

namespace inlay {

/// What is to be built. Everything in here is part of the cache key.
struct BuildRequest {
  std::string input;                 ///< path of the .inlay file
  std::vector<std::string> targets;  ///< specifications; empty: "native"
  std::vector<Artifact> artifacts{Artifact::SharedObject};
  ParamValues params;           ///< --set
  bool schedule = true;         ///< false: functions are compiled as they are written
  std::vector<Import> imports;  ///< --import, at program scope
  std::vector<std::string> include_directories;
  int optimization_level = 3;
  bool debug_info = false;
  int code_object_version = 0;  ///< of code for AMD GPUs: 4, 5; 0: the backend's choice
  std::string dump_stages;      ///< folder; a build that dumps is not taken from the cache
  std::string reproduce_command;
};

struct BuildOutput {
  std::map<Artifact, std::string> artifacts;
  std::string header;       ///< c_header() of the program
  std::string report_text;  ///< for people
  std::string report_json;  ///< for scripts
  std::string warnings;     ///< rendered; empty if none
  bool from_cache = false;
};

/// The compiler as a library. Thread-safe; `cache` may be null.
class Driver {
 public:
  Driver(PluginRegistry& plugins, DiskCache* cache) : plugins_(plugins), cache_(cache) {}

  /// Throws CompileError at a fault of the input. Writes no file but dumps and cache entries.
  BuildOutput build(const BuildRequest& request);

  /// The verified program with the request's imports added, and one lowered unit for each target.
  struct Prepared {
    Program program;
    std::vector<CompileUnit> units;
    std::vector<std::vector<AppliedSchedule>> schedules;  ///< of each unit
  };
  Prepared prepare(const BuildRequest& request);

  PluginRegistry& plugins() { return plugins_; }

 private:
  BuildOutput compile(const BuildRequest& request, std::vector<std::string>* dependencies);
  std::string key_of(const BuildRequest& request, const std::string& text) const;

  PluginRegistry& plugins_;
  DiskCache* cache_;
};

}  // namespace inlay
