#include "backends/llvm/imports/source.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace inlay {

namespace fs = std::filesystem;

namespace {

// A payload is hand-written or a library of such; beyond this it is a mistake.
constexpr uintmax_t kMaxPayloadBytes = 512u << 20;

std::string parent_of(const fs::path& path) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error);
  return (error ? path : absolute).parent_path().lexically_normal().string();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
    if (names.size() == 10000) break;
  }
  return names;
}

void report_missing(const Import& import, const fs::path& path, Diagnostics& found) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error);
  fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string help;
  if (!fs::is_directory(folder, error)) {
    help = "there is no folder `" + folder.string() + "`";
  } else {
    std::vector<std::string> near = nearest_names(path.filename().string(), names_in(folder));
    for (const std::string& name : near) {
      help += (help.empty() ? "that folder has `" : ", `") + name + "`";
    }
  }
  if (fs::path(import->payload).is_relative()) {
    if (!help.empty()) help += "; ";
    help += "a relative path starts at the folder of the file that names it";
  }
  Diagnostic& diagnostic = found.error(
      "import-missing-file", import->loc,
      std::string("import ") + to_string(import->kind) + ": no file `" + import->payload + "`",
      help);
  diagnostic.detail = "tried: " + absolute.lexically_normal().string();
}

void report_unreadable(const Import& import, const fs::path& path, const std::string& why,
                       const std::string& help, Diagnostics& found) {
  found.error("import-unreadable", import->loc,
              std::string("import ") + to_string(import->kind) + ": `" + path.string() + "` " + why,
              help);
}

}  // namespace

std::string ImportSource::title() const {
  std::string kind = to_string(import->kind);
  return "import " + kind + (path.empty() ? " " + name : " \"" + path + "\"");
}

Loc ImportSource::locate(uint32_t line, uint32_t column) const {
  const Loc& start = import->payload_loc;
  if (path.empty() && start) {
    if (line == 0) return start;
    return {start.file, start.line + line - 1, line == 1 ? start.column + column - 1 : column};
  }
  if (!text) return import->loc;
  return {text, line, column};
}

std::optional<ImportSource> read_import_source(const Import& import, Diagnostics& found) {
  ImportSource source;
  source.import = import;
  if (import->is_inline) {
    const Loc& at = import->payload_loc ? import->payload_loc : import->loc;
    source.name = at ? "inline at " + at.file->path() + ":" + std::to_string(at.line) : "inline";
    source.bytes = import->payload;
    source.directory = import->base_directory.empty()
                           ? parent_of(at ? fs::path(at.file->path()) : fs::path("inline"))
                           : parent_of(fs::path(import->base_directory) / "inline");
    source.text = Ref<const SourceFile>(
        new SourceFile(std::string("<inline ") + to_string(import->kind) + ">", import->payload));
    return source;
  }

  fs::path path = resolved_path(import);
  source.path = source.name = path.string();
  source.directory = parent_of(path);
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    if (error && error != std::errc::no_such_file_or_directory) {
      report_unreadable(import, path, "can't be looked at: " + error.message(), "", found);
    } else {
      report_missing(import, path, found);
    }
    return std::nullopt;
  }
  if (fs::is_directory(status)) {
    report_unreadable(import, path, "is a directory", "name a file in it", found);
    return std::nullopt;
  }
  if (!fs::is_regular_file(status)) {
    report_unreadable(import, path, "is no regular file", "", found);
    return std::nullopt;
  }
  if (fs::file_size(path, error) > kMaxPayloadBytes) {
    report_unreadable(import, path, "is larger than 512 MiB", "is it the right file?", found);
    return std::nullopt;
  }
  errno = 0;
  std::optional<std::string> bytes = read_file(path.string());
  if (!bytes) {
    report_unreadable(import, path, std::string("can't be read: ") + std::strerror(errno), "",
                      found);
    return std::nullopt;
  }
  if (bytes->empty()) {
    report_unreadable(import, path, "is empty", "", found);
    return std::nullopt;
  }
  source.bytes = std::move(*bytes);
  if (is_text_kind(import->kind)) {
    source.text = Ref<const SourceFile>(new SourceFile(source.path, source.bytes));
  } else {
    source.text = Ref<const SourceFile>(new SourceFile(source.path, ""));
  }
  return source;
}

bool is_preprocessed(const ImportSource& source) {
  const std::string& path = source.path;
  return !source.import->flags.empty() ||
         (path.size() > 2 && path.compare(path.size() - 2, 2, ".S") == 0);
}

std::string content_hash(const std::vector<std::string_view>& parts) {
  llvm::SHA256 hasher;
  for (std::string_view part : parts) {
    uint64_t size = part.size();
    hasher.update(llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t*>(&size), sizeof size));
    hasher.update(llvm::StringRef(part.data(), part.size()));
  }
  std::array<uint8_t, 32> digest = hasher.final();
  return llvm::toHex(digest, /*LowerCase=*/true);
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return std::nullopt;
  return bytes;
}

}  // namespace inlay
