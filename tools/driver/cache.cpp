#include "tools/driver/cache.h"

#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace inlay {

namespace fs = std::filesystem;

namespace {

// Ahead of the bytes of each entry.
struct EntryHeader {
  char magic[8];
  uint64_t key_size;
  uint64_t size;
  XXH64_hash_t hash;
};
constexpr char kMagic[8] = {'I', 'N', 'L', 'A', 'Y', 'C', '0', '1'};

}  // namespace

std::string content_hash(std::string_view bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

DiskCache::DiskCache(fs::path folder, uint64_t bound_bytes)
    : folder_(std::move(folder)), bound_bytes_(bound_bytes) {}

fs::path DiskCache::default_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && *xdg == '/') return fs::path(xdg) / "inlay";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return fs::path(home) / ".cache/inlay";
  return {};
}

uint64_t DiskCache::default_bound() {
  const char* text = std::getenv("INLAY_CACHE_BYTES");
  uint64_t bytes = 0;
  if (!text) return kDefaultBound;
  auto [end, error] = std::from_chars(text, text + std::strlen(text), bytes);
  if (error == std::errc() && *end == 0) return bytes;
  throw CompileError("environment", {},
                     "INLAY_CACHE_BYTES is `" + std::string(text) + "`, expected a number of bytes",
                     "write it as INLAY_CACHE_BYTES=" + std::to_string(kDefaultBound) +
                         ", which it is where it is unset");
}

fs::path DiskCache::path_of(const std::string& key) const {
  std::string name = content_hash(key);
  return folder_ / name.substr(0, 2) / name.substr(2);
}

std::optional<std::string> DiskCache::get(const std::string& key) {
  if (folder_.empty()) return std::nullopt;
  fs::path path = path_of(key);
  std::ifstream file(path, std::ios::binary);
  EntryHeader header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key_size != key.size()) {
    return std::nullopt;
  }
  std::error_code failed;
  if (fs::file_size(path, failed) != sizeof header + header.size || failed) return std::nullopt;
  std::string bytes(header.size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return std::nullopt;
  if (XXH3_64bits(bytes.data(), bytes.size()) != header.hash) return std::nullopt;
  fs::last_write_time(path, fs::file_time_type::clock::now(), failed);
  return bytes;
}

void DiskCache::put(const std::string& key, const std::string& bytes) {
  if (folder_.empty() || bytes.size() > bound_bytes_ / 4) return;
  fs::path path = path_of(key);
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) return;
  fs::path temporary = path.parent_path() / ("tmp." + std::to_string(getpid()) + "." +
                                             std::to_string(serial_.fetch_add(1)));
  EntryHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key_size = key.size();
  header.size = bytes.size();
  header.hash = XXH3_64bits(bytes.data(), bytes.size());
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
      fs::remove(temporary, failed);
      return;
    }
  }
  fs::rename(temporary, path, failed);
  if (failed) fs::remove(temporary, failed);
  // Counting the folder costs time: done at the first put of a process, then each eighth of the
  // bound.
  uint64_t before = put_bytes_.fetch_add(bytes.size());
  if (before == 0 ||
      (before + bytes.size()) / (bound_bytes_ / 8 + 1) != before / (bound_bytes_ / 8 + 1)) {
    trim();
  }
}

void DiskCache::trim() {
  struct Entry {
    fs::file_time_type time;
    uint64_t size;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code failed;
  auto now = fs::file_time_type::clock::now();
  fs::recursive_directory_iterator walk(folder_, fs::directory_options::skip_permission_denied,
                                        failed);
  for (; !failed && walk != fs::recursive_directory_iterator(); walk.increment(failed)) {
    std::error_code gone;  // another process may remove entries under us
    if (!walk->is_regular_file(gone) || gone) continue;
    Entry entry{walk->last_write_time(gone), walk->file_size(gone), walk->path()};
    if (gone) continue;
    if (entry.path.filename().string().rfind("tmp.", 0) == 0) {
      if (now - entry.time > std::chrono::hours(1)) fs::remove(entry.path, gone);
      continue;
    }
    total += entry.size;
    entries.push_back(std::move(entry));
  }
  if (total <= bound_bytes_) return;
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.time < b.time; });
  for (const Entry& entry : entries) {
    if (total <= bound_bytes_ / 4 * 3) break;
    if (fs::remove(entry.path, failed)) total -= entry.size;
  }
}

}  // namespace inlay
