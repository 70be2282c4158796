#include "core/import.h"

#include <filesystem>

namespace inlay {

namespace {

struct KindRow {
  ImportKind kind;
  const char* name;
  bool is_text;
};
constexpr KindRow kKinds[] = {
    {ImportKind::Llvm, "llvm", true},
    {ImportKind::Bitcode, "bitcode", false},
    {ImportKind::C, "c", true},
    {ImportKind::Cxx, "cxx", true},
    {ImportKind::Asm, "asm", true},
    {ImportKind::Object, "object", false},
    {ImportKind::Archive, "archive", false},
    {ImportKind::Hsaco, "hsaco", false},
};

constexpr std::pair<std::string_view, ImportKind> kExtensions[] = {
    {".ll", ImportKind::Llvm},   {".bc", ImportKind::Bitcode},  {".c", ImportKind::C},
    {".cpp", ImportKind::Cxx},   {".cc", ImportKind::Cxx},      {".cxx", ImportKind::Cxx},
    {".s", ImportKind::Asm},     {".S", ImportKind::Asm},       {".o", ImportKind::Object},
    {".a", ImportKind::Archive}, {".hsaco", ImportKind::Hsaco}, {".co", ImportKind::Hsaco},
};

Import finish(ImportNode* node, std::vector<std::string> flags, bool may_call, Loc loc) {
  Import import(node);
  node->flags = std::move(flags);
  node->may_call = may_call;
  node->loc = std::move(loc);
  return import;
}

}  // namespace

const char* to_string(ImportKind kind) {
  return kKinds[static_cast<int>(kind)].name;
}
bool is_text_kind(ImportKind kind) {
  return kKinds[static_cast<int>(kind)].is_text;
}

std::optional<ImportKind> parse_import_kind(std::string_view name) {
  for (const KindRow& row : kKinds) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

std::optional<ImportKind> import_kind_of_path(std::string_view path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (auto& [known, kind] : kExtensions) {
    if (known == extension) return kind;
  }
  return std::nullopt;
}

Import Import::path(ImportKind kind, std::string path, std::string base_directory,
                    std::vector<std::string> flags, bool may_call, Loc loc) {
  auto* node = new ImportNode;
  node->kind = kind;
  node->payload = std::move(path);
  node->base_directory = std::move(base_directory);
  return finish(node, std::move(flags), may_call, std::move(loc));
}

Import Import::inline_text(ImportKind kind, std::string code, std::vector<std::string> flags,
                           bool may_call, Loc loc, Loc payload_loc) {
  auto* node = new ImportNode;
  node->kind = kind;
  node->is_inline = true;
  node->payload = std::move(code);
  node->payload_loc = std::move(payload_loc);
  return finish(node, std::move(flags), may_call, std::move(loc));
}

bool equal(const Import& a, const Import& b) {
  return a->kind == b->kind && a->is_inline == b->is_inline && a->payload == b->payload &&
         a->flags == b->flags && a->may_call == b->may_call;
}

std::string resolved_path(const Import& import) {
  std::filesystem::path path(import->payload);
  if (path.is_relative() && !import->base_directory.empty()) {
    path = std::filesystem::path(import->base_directory) / path;
  }
  return path.lexically_normal().string();
}

}  // namespace inlay
