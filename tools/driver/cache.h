// The content cache: byte strings by key, in files, shared by processes.
//
// A folder of files named by the 128-bit XXH3 hash of their key. Each is written to a temporary
// name and renamed, so that a reader sees a whole entry or none; an entry carries its key's length
// and a hash of its bytes, so that a torn or foreign file is a miss, not a wrong answer. Past its
// size bound the entries that were unused for longest go (their modification time is touched at
// each hit).
#pragma once

#include <atomic>
#include <filesystem>

#include "backends/plugin/plugin.h"

namespace inlay {

class DiskCache final : public ByteCache {
 public:
  static constexpr uint64_t kDefaultBound = uint64_t{512} << 20;

  /// The folder is made at the first put. A cache that can't be read or written is a cache that
  /// misses: never an error.
  explicit DiskCache(std::filesystem::path folder, uint64_t bound_bytes = kDefaultBound);

  /// $XDG_CACHE_HOME/inlay, else $HOME/.cache/inlay; empty if neither is set. The bound may be
  /// given in INLAY_CACHE_BYTES.
  static std::filesystem::path default_folder();
  static uint64_t default_bound();

  std::optional<std::string> get(const std::string& key) override;
  void put(const std::string& key, const std::string& bytes) override;

  const std::filesystem::path& folder() const { return folder_; }
  /// Removes least recently used entries until the folder is within 3/4 of its bound, and temporary
  /// files that a killed process left an hour ago. put() calls it when the bound is passed.
  void trim();

 private:
  std::filesystem::path path_of(const std::string& key) const;

  std::filesystem::path folder_;
  uint64_t bound_bytes_;
  std::atomic<uint64_t> put_bytes_{0};
  std::atomic<uint64_t> serial_{0};
};

/// 32 hexadecimal digits of XXH3-128.
std::string content_hash(std::string_view bytes);

}  // namespace inlay
