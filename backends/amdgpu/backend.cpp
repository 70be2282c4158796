#include "backends/amdgpu/backend.h"

#include "backends/amdgpu/compile.h"
#include "backends/amdgpu/targets/targets.h"

namespace inlay::amdgpu {

namespace {

class AmdgpuBackend final : public Backend {
 public:
  std::string name() const override { return "amdgpu"; }
  bool is_device() const override { return true; }

  std::vector<TargetInfo> targets() const override {
    std::vector<TargetInfo> all;
    for (const GpuFacts& row : gpu_table()) all.push_back({row.name, row.description});
    return all;
  }

  std::optional<Target> resolve_target(const std::string& spec) const override {
    return amdgpu::resolve_target(spec);
  }

  std::vector<ImportKind> import_kinds(const Target&) const override {
    return {ImportKind::Llvm, ImportKind::Bitcode, ImportKind::C,
            ImportKind::Cxx,  ImportKind::Asm,     ImportKind::Hsaco};
  }

  CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                        const CompileOptions& options) const override {
    return amdgpu::compile(program_name, units, options);
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<AmdgpuBackend>();
}

}  // namespace inlay::amdgpu
