// The backend plugins: found, checked, loaded on first need, and asked what a target means.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "backends/plugin/plugin.h"

namespace inlay {

/// One plugin file that could not be used, and why.
struct PluginRefusal {
  std::string path;
  std::string reason;
};

/// Loads every plugin (*.so) of the folders of INLAY_BACKEND_PATH (colon-separated, first wins),
/// then of ../lib/inlay/backends beside the running program. Of two plugins of one name the first
/// found is used. Thread-safe; plugins stay loaded until the process ends (LLVM can't be unloaded).
class PluginRegistry {
 public:
  /// `folders` instead of the default ones, for tests.
  explicit PluginRegistry(std::vector<std::filesystem::path> folders = default_folders());

  static std::vector<std::filesystem::path> default_folders();

  /// Every usable backend, in order of discovery. Loads them.
  const std::vector<std::unique_ptr<Backend>>& backends();
  /// Plugin files that were passed over. Loads the rest.
  const std::vector<PluginRefusal>& refusals();

  /// The meaning of a target specification, by the first backend that knows it. Throws CompileError
  /// (rule "unknown-target") with the nearest names and every refusal.
  Target resolve(const std::string& spec);
  /// The backend that resolved `target`.
  const Backend& backend_of(const Target& target);

  /// Names, sizes and modification times of the plugin files: part of a cache key that must be made
  /// without loading them.
  std::string fingerprint() const;

 private:
  void load();
  void load_file(const std::filesystem::path& path);
  std::vector<std::filesystem::path> plugin_files() const;

  std::vector<std::filesystem::path> folders_;
  std::once_flag loaded_;
  std::vector<std::unique_ptr<Backend>> backends_;
  std::vector<std::string> names_;
  std::vector<PluginRefusal> refusals_;
};

}  // namespace inlay
