#include "backends/llvm/imports/load.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <filesystem>
#include <map>

#include "backends/llvm/assembler/assembly.h"
#include "backends/llvm/guard.h"
#include "backends/llvm/imports/clang_compile.h"
#include "backends/llvm/imports/ir_module.h"
#include "core/support/build_id.h"

namespace inlay {

namespace {

bool honoured(ImportKind kind, const Target& target) {
  bool gpu = target.arch == "amdgpu";
  switch (kind) {
    case ImportKind::Llvm:
    case ImportKind::Bitcode:
    case ImportKind::C:
    case ImportKind::Cxx:
      return true;
    case ImportKind::Asm:
      return true;
    case ImportKind::Object:
    case ImportKind::Archive:
      return !gpu;
    case ImportKind::Hsaco:
      return gpu;
  }
  return false;
}

std::string hash_of(const ImportSource& source) {
  std::vector<std::string_view> parts{to_string(source.import->kind), source.bytes};
  for (const std::string& flag : source.import->flags) parts.push_back(flag);
  if (source.import->kind == ImportKind::Asm && is_preprocessed(source)) parts.push_back(".S");
  // The same text may include other files in another folder.
  bool includes = source.bytes.find("#include \"") != std::string::npos ||
                  source.bytes.find("# include \"") != std::string::npos ||
                  source.bytes.find(".incbin") != std::string::npos ||
                  source.bytes.find(".include") != std::string::npos;
  std::error_code error;
  std::string folder = std::filesystem::weakly_canonical(source.directory, error).string();
  if (includes) parts.push_back(folder);
  return content_hash(parts);
}

// ---- the cache ----

// An entry: the number of dependencies, their paths and hashes, the features its assembly needs,
// and the bytes; each framed by its length. It holds while the dependencies are what they were.
struct Entry {
  std::vector<std::pair<std::string, std::string>> dependencies;
  std::vector<std::string> features;
  std::string bytes;
};

void put_string(std::string& out, const std::string& text) {
  out += std::to_string(text.size()) + ":" + text;
}

std::string write_entry(const Entry& entry) {
  std::string out;
  put_string(out, std::to_string(entry.dependencies.size()));
  for (auto& [path, hash] : entry.dependencies) {
    put_string(out, path);
    put_string(out, hash);
  }
  put_string(out, std::to_string(entry.features.size()));
  for (const std::string& feature : entry.features) put_string(out, feature);
  put_string(out, entry.bytes);
  return out;
}

class EntryReader {
 public:
  explicit EntryReader(const std::string& text) : text_(text) {}
  bool string(std::string& out) {
    size_t colon = text_.find(':', at_);
    size_t size = 0;
    if (colon == std::string::npos || colon - at_ > 12 ||
        llvm::StringRef(text_).slice(at_, colon).getAsInteger(10, size) ||
        size > text_.size() - colon - 1) {
      return false;
    }
    out = text_.substr(colon + 1, size);
    at_ = colon + 1 + size;
    return true;
  }
  bool number(size_t& out) {
    std::string text;
    return string(text) && !llvm::StringRef(text).getAsInteger(10, out);
  }
  bool at_end() const { return at_ == text_.size(); }

 private:
  const std::string& text_;
  size_t at_ = 0;
};

bool read_entry(const std::string& text, Entry& entry) {
  EntryReader reader(text);
  size_t count = 0;
  if (!reader.number(count)) return false;
  while (count-- > 0) {
    std::pair<std::string, std::string> dependency;
    if (!reader.string(dependency.first) || !reader.string(dependency.second)) return false;
    entry.dependencies.push_back(std::move(dependency));
  }
  if (!reader.number(count)) return false;
  while (count-- > 0) {
    if (!reader.string(entry.features.emplace_back())) return false;
  }
  return reader.string(entry.bytes) && reader.at_end();
}

bool still_holds(const Entry& entry) {
  for (auto& [path, hash] : entry.dependencies) {
    std::optional<std::string> bytes = read_file(path);
    if (!bytes || content_hash({*bytes}) != hash) return false;
  }
  return true;
}

// ---- loading one ----

class Loader {
 public:
  Loader(llvm::LLVMContext& context, const Target& target, llvm::TargetMachine& machine,
         const CompileOptions& options, Diagnostics& found, Diagnostics& warnings)
      : context_(context),
        target_(target),
        machine_(machine),
        options_(options),
        found_(found),
        warnings_(warnings) {}

  bool load(LoadedImport& loaded) {
    switch (loaded.source.import->kind) {
      case ImportKind::Llvm:
        loaded.module = parse_ir_text(loaded.source, context_, found_);
        return fit(loaded, /*from_clang=*/false);
      case ImportKind::Bitcode:
        loaded.module = parse_bitcode(loaded.source, loaded.source.bytes, context_, found_);
        return fit(loaded, /*from_clang=*/false);
      case ImportKind::C:
      case ImportKind::Cxx:
        return load_clang(loaded);
      case ImportKind::Asm:
        return load_asm(loaded);
      case ImportKind::Object:
      case ImportKind::Archive:
        loaded.native.bytes = loaded.source.bytes;
        return inspect_native(loaded.source, target_.triple, loaded.native, found_);
      case ImportKind::Hsaco:
        return false;
    }
    return false;
  }

 private:
  bool fit(LoadedImport& loaded, bool checked) {
    return loaded.module &&
           fit_module(*loaded.module, loaded.source, machine_, options_.debug_info, found_) &&
           (checked || check_inline_assembly(*loaded.module, loaded.source, target_, machine_,
                                             loaded.features_needed, found_));
  }

  std::string cache_key(const LoadedImport& loaded) const {
    std::vector<std::string_view> parts{"import 1", loaded.content_hash, build_id(),
                                        LLVM_VERSION_STRING, target_.triple};
    std::string cpu = machine_.getTargetCPU().str();
    std::string features = machine_.getTargetFeatureString().str();
    std::string version = std::to_string(options_.code_object_version);
    parts.insert(parts.end(), {cpu, features, options_.debug_info ? "g" : "", version});
    // Dependencies are named by absolute path, and paths stand in debug info.
    parts.push_back(loaded.source.directory);
    for (const std::string& folder : options_.include_directories) parts.push_back(folder);
    return content_hash(parts);
  }

  bool from_cache(const std::string& key, LoadedImport& loaded, Entry& entry) {
    if (!options_.cache) return false;
    std::optional<std::string> text = options_.cache->get(key);
    if (!text || !read_entry(*text, entry) || !still_holds(entry)) return false;
    loaded.features_needed = entry.features;
    loaded.from_cache = true;
    for (auto& [path, hash] : entry.dependencies) loaded.dependencies.push_back(path);
    return true;
  }

  void to_cache(const std::string& key, const LoadedImport& loaded, Entry entry) {
    if (!options_.cache) return;
    entry.features = loaded.features_needed;
    options_.cache->put(key, write_entry(entry));
  }

  static void depend(LoadedImport& loaded, const ClangOutput& output) {
    for (auto& [path, hash] : output.dependencies) loaded.dependencies.push_back(path);
  }

  ClangRequest request_for(const LoadedImport& loaded) const {
    ClangRequest request;
    request.source = &loaded.source;
    request.triple = target_.triple;
    request.cpu = machine_.getTargetCPU().str();
    llvm::SmallVector<llvm::StringRef, 64> features;
    machine_.getTargetFeatureString().split(features, ',', -1, false);
    for (llvm::StringRef feature : features) request.features.push_back(feature.str());
    request.include_directories = options_.include_directories;
    request.debug_info = options_.debug_info;
    if (target_.arch == "amdgpu") request.code_object_version = options_.code_object_version;
    return request;
  }

  bool load_clang(LoadedImport& loaded) {
    std::string key = cache_key(loaded);
    Entry entry;
    if (from_cache(key, loaded, entry)) {
      Diagnostics ignored;
      loaded.module = parse_bitcode(loaded.source, entry.bytes, context_, ignored);
      if (fit(loaded, /*checked=*/true)) return true;
      loaded.from_cache = false;
      loaded.features_needed.clear();
    }
    ClangOutput output;
    if (!clang_compile(request_for(loaded), output, found_, warnings_)) return false;
    loaded.module = parse_bitcode(loaded.source, output.bytes, context_, found_);
    loaded.features_needed.assign(output.features.begin(), output.features.end());
    if (!fit(loaded, /*checked=*/false)) return false;
    depend(loaded, output);
    to_cache(key, loaded, {output.dependencies, {}, std::move(output.bytes)});
    return true;
  }

  bool load_asm(LoadedImport& loaded) {
    std::string key = cache_key(loaded);
    Entry entry;
    if (from_cache(key, loaded, entry)) {
      loaded.native.bytes = std::move(entry.bytes);
      return inspect_native(loaded.source, target_.triple, loaded.native, found_);
    }
    ClangOutput output;
    output.bytes = loaded.source.bytes;
    if (is_preprocessed(loaded.source) &&
        !clang_compile(request_for(loaded), (output.bytes.clear(), output), found_, warnings_)) {
      return false;
    }
    if (!assemble(loaded.source, output.bytes, target_, machine_, loaded.native.bytes,
                  loaded.features_needed, found_) ||
        !inspect_native(loaded.source, target_.triple, loaded.native, found_)) {
      return false;
    }
    depend(loaded, output);
    to_cache(key, loaded, {output.dependencies, {}, loaded.native.bytes});
    return true;
  }

  llvm::LLVMContext& context_;
  const Target& target_;
  llvm::TargetMachine& machine_;
  const CompileOptions& options_;
  Diagnostics& found_;
  Diagnostics& warnings_;
};

}  // namespace

std::vector<LoadedImport> load_imports(llvm::LLVMContext& context, const CompileUnit& unit,
                                       llvm::TargetMachine& machine, const CompileOptions& options,
                                       Diagnostics& found, Diagnostics& warnings) {
  std::vector<LoadedImport> imports;
  std::map<std::string, size_t> by_hash;
  for (const Import& import : all_imports(unit.lowered.program)) {
    if (!honoured(import->kind, unit.target)) {
      found.error("import-kind", import->loc,
                  std::string("import ") + to_string(import->kind) + ": the target " +
                      unit.target.spec + " (" + unit.target.arch + ") does not honour this kind",
                  unit.target.arch == "amdgpu"
                      ? "give LLVM IR, bitcode, C or C++, or whole kernels as assembly or hsaco"
                      : "an hsaco is AMD GPU code; give LLVM IR, bitcode, C, C++, assembly, an "
                        "object or an archive");
      continue;
    }
    // Whole kernels, which are launched and not linked: see kernel_imports.h.
    bool kernels = unit.target.arch == "amdgpu" &&
                   (import->kind == ImportKind::Asm || import->kind == ImportKind::Hsaco);
    if (kernels) continue;
    bool clang = import->kind == ImportKind::C || import->kind == ImportKind::Cxx ||
                 import->kind == ImportKind::Asm;
    if (!import->flags.empty() && !clang) {
      found.error("import-kind", import->loc,
                  std::string("import ") + to_string(import->kind) +
                      ": flags are for c, cxx and asm, which Clang reads",
                  "remove the flags");
      continue;
    }
    std::optional<ImportSource> source = read_import_source(import, found);
    if (!source) continue;
    std::string hash = hash_of(*source);
    auto [it, fresh] = by_hash.insert({hash, imports.size()});
    if (fresh) {
      LoadedImport& loaded = imports.emplace_back();
      loaded.source = std::move(*source);
      loaded.content_hash = hash;
    }
    imports[it->second].pragmas.push_back(import);
    imports[it->second].may_call |= import->may_call;
  }
  Loader loader(context, unit.target, machine, options, found, warnings);
  std::vector<LoadedImport> good;
  for (LoadedImport& loaded : imports) {
    for (const Import& pragma : loaded.pragmas) {
      if (!pragma->is_inline) loaded.dependencies.push_back(resolved_path(pragma));
    }
    if (loader.load(loaded)) good.push_back(std::move(loaded));
  }
  return good;
}

}  // namespace inlay
