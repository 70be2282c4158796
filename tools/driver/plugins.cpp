#include "tools/driver/plugins.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>

#include "core/support/build_id.h"

namespace inlay {

namespace fs = std::filesystem;

std::vector<fs::path> PluginRegistry::default_folders() {
  std::vector<fs::path> folders;
  if (const char* listed = std::getenv("INLAY_BACKEND_PATH")) {
    std::string_view rest = listed;
    while (!rest.empty()) {
      size_t colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  }
  std::error_code failed;
  fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) folders.push_back(program.parent_path().parent_path() / "lib/inlay/backends");
  return folders;
}

PluginRegistry::PluginRegistry(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

std::vector<fs::path> PluginRegistry::plugin_files() const {
  std::vector<fs::path> files;
  for (const fs::path& folder : folders_) {
    std::vector<fs::path> found;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
      if (entry.path().extension() == ".so") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string PluginRegistry::fingerprint() const {
  std::string text;
  for (const fs::path& file : plugin_files()) {
    std::error_code failed;
    auto size = fs::file_size(file, failed);
    auto time = fs::last_write_time(file, failed).time_since_epoch().count();
    text += file.string() + "|" + std::to_string(size) + "|" + std::to_string(time) + "\n";
  }
  return text;
}

void PluginRegistry::load() {
  std::call_once(loaded_, [this] {
    // The last is the installation's own; the others were asked for.
    for (size_t i = 0; i + 1 < folders_.size(); ++i) {
      std::error_code failed;
      if (fs::is_directory(folders_[i], failed)) continue;
      refusals_.push_back({folders_[i].string(), "there is no such folder"});
    }
    for (const fs::path& file : plugin_files()) load_file(file);
  });
}

void PluginRegistry::load_file(const fs::path& path) {
  auto refuse = [&](std::string reason) {
    refusals_.push_back({path.string(), std::move(reason)});
  };
  dlerror();
  // RTLD_LOCAL: two plugins may each bring an LLVM of their own.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    return refuse(why ? why : "dlopen failed");
  }
  auto entry = reinterpret_cast<InlayPluginEntry>(dlsym(library, INLAY_PLUGIN_ENTRY_NAME));
  if (!entry) {
    return refuse("it exports no " INLAY_PLUGIN_ENTRY_NAME ", so it is no backend of Inlay");
  }
  const InlayPluginTable* table = entry();
  if (!table) return refuse(INLAY_PLUGIN_ENTRY_NAME " returned null");
  if (table->api_version != kPluginApiVersion || table->size < sizeof(InlayPluginTable)) {
    return refuse("it speaks plugin API " + std::to_string(table->api_version) +
                  ", this Inlay speaks " + std::to_string(kPluginApiVersion));
  }
  std::string hash = table->core_abi_hash ? table->core_abi_hash : "";
  if (hash != core_abi_hash()) {
    return refuse("it was built against headers " + hash + ", this Inlay has " +
                  std::string(core_abi_hash()) + "; rebuild it against the installed headers");
  }
  std::string name = table->name ? table->name : "";
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
    return refuse("a backend named `" + name + "` was found earlier");
  }
  std::unique_ptr<Backend> backend(table->create ? table->create() : nullptr);
  if (!backend) return refuse("it made no backend");
  names_.push_back(name);
  backends_.push_back(std::move(backend));
}

const std::vector<std::unique_ptr<Backend>>& PluginRegistry::backends() {
  load();
  return backends_;
}

const std::vector<PluginRefusal>& PluginRegistry::refusals() {
  load();
  return refusals_;
}

Target PluginRegistry::resolve(const std::string& spec) {
  std::vector<std::string> known;
  for (const auto& backend : backends()) {
    if (std::optional<Target> target = backend->resolve_target(spec)) {
      target->backend = backend->name();
      return *target;
    }
    for (const TargetInfo& info : backend->targets()) known.push_back(info.name);
  }
  std::string near;
  for (const std::string& name : nearest_names(spec, known)) {
    near += (near.empty() ? "did you mean " : ", ") + name;
  }
  Diagnostic diagnostic;
  diagnostic.rule = "unknown-target";
  diagnostic.message = "no backend knows the target `" + spec + "`";
  diagnostic.help =
      near.empty() ? "`inlay targets` lists them" : near + "? `inlay targets` lists all";
  if (backends_.empty()) {
    diagnostic.message = "no backend plugin was found";
    std::string looked;
    for (const fs::path& folder : folders_) looked += "\n  " + folder.string();
    diagnostic.detail = "looked in:" + looked;
    diagnostic.help = "name their folder in INLAY_BACKEND_PATH";
  }
  for (const PluginRefusal& refusal : refusals_) {
    Diagnostic note;
    note.severity = Severity::Note;
    note.message = "backend " + refusal.path + " was refused: " + refusal.reason;
    diagnostic.notes.push_back(std::move(note));
  }
  throw CompileError({std::move(diagnostic)});
}

const Backend& PluginRegistry::backend_of(const Target& target) {
  for (const auto& backend : backends()) {
    if (backend->name() == target.backend) return *backend;
  }
  INLAY_CHECK(false, "target of a backend that is not loaded");
  return *backends_.front();
}

}  // namespace inlay
