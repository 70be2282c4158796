#include "tests/backends/support/code_object_runner.h"

#include <elf.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/text/text.h"

namespace inlay::test {

std::unique_ptr<Backend> backend_for(const std::string& spec) {
  return spec.rfind("gfx", 0) == 0 ? amdgpu::make_backend() : cpu::make_backend();
}

CompileResult compile_units(const std::vector<CompileUnit>& units, CompileOptions options) {
  std::unique_ptr<Backend> host = cpu::make_backend();
  options.host = host->baseline(host->resolve_target("native").value());
  CompileResult result = backend_for(units.at(0).target.spec)->compile("test", units, options);
  if (result.device_parts.empty()) return result;
  options.device_parts = result.device_parts;
  result.artifacts.merge(host->compile("test", {}, options).artifacts);
  return result;
}

CompileUnit lower(const std::string& text, const std::string& spec) {
  ParseResult parsed = parse_program(text, "test.inlay");
  parsed.diagnostics.throw_if_errors();
  std::optional<Target> target = backend_for(spec)->resolve_target(spec);
  if (!target) throw std::runtime_error("no such target: " + spec);
  Program bound = bind_params(parsed.program, &*target, {});
  return {*target, lower_intrinsics(bound, &*target)};
}

std::string compile(const std::string& text, const std::string& spec, Artifact artifact,
                    CompileOptions options) {
  options.artifacts = {artifact};
  return compile_units({lower(text, spec)}, options).artifacts.at(artifact);
}

LoadedObject::LoadedObject(const std::string& bytes) {
  std::string name = (std::filesystem::temp_directory_path() / "inlay-test-XXXXXX").string();
  int file = mkstemp(name.data());
  if (file < 0) throw std::runtime_error("can't make " + name);
  close(file);
  path_ = name;
  std::ofstream(path_, std::ios::binary) << bytes;
  if (inlay_module_load(path_.c_str(), &module_) != INLAY_OK) {
    std::string why = inlay_last_error();
    unlink(path_.c_str());
    throw std::runtime_error(why);
  }
}

LoadedObject::~LoadedObject() {
  inlay_module_unload(module_);
  unlink(path_.c_str());
}

int32_t LoadedObject::call(const std::string& function, std::vector<InlayValue> args) {
  const InlayCallable* callable = nullptr;
  int32_t status = inlay_module_function(module_, function.c_str(), &callable);
  if (status != INLAY_OK) return status;
  return inlay_call(callable, args.data(), static_cast<uint32_t>(args.size()));
}

void* LoadedObject::entry(const std::string& function) {
  void* address = nullptr;
  if (inlay_module_entry(module_, function.c_str(), &address) != INLAY_OK) {
    throw std::runtime_error(inlay_last_error());
  }
  return address;
}

DynamicSymbols dynamic_symbols(const std::string& elf) {
  auto at = [&]<typename T>(uint64_t offset, T) {
    T value;
    memcpy(&value, elf.data() + offset, sizeof value);
    return value;
  };
  auto header = at(0, Elf64_Ehdr());
  DynamicSymbols found;
  for (int i = 0; i < header.e_shnum; ++i) {
    auto section = at(header.e_shoff + i * header.e_shentsize, Elf64_Shdr());
    if (section.sh_type == SHT_DYNAMIC) {
      for (uint64_t o = 0; o < section.sh_size; o += sizeof(Elf64_Dyn)) {
        found.needs_libraries |= at(section.sh_offset + o, Elf64_Dyn()).d_tag == DT_NEEDED;
      }
    }
    if (section.sh_type != SHT_DYNSYM) continue;
    auto strings = at(header.e_shoff + section.sh_link * header.e_shentsize, Elf64_Shdr());
    for (uint64_t o = sizeof(Elf64_Sym); o < section.sh_size; o += sizeof(Elf64_Sym)) {
      auto symbol = at(section.sh_offset + o, Elf64_Sym());
      std::string name = elf.c_str() + strings.sh_offset + symbol.st_name;
      (symbol.st_shndx == SHN_UNDEF ? found.undefined : found.exported).push_back(name);
    }
  }
  return found;
}

}  // namespace inlay::test
