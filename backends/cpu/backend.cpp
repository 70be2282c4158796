#include "backends/cpu/backend.h"

#include "backends/cpu/compile.h"
#include "backends/cpu/resolve.h"

namespace inlay::cpu {

namespace {

class CpuBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  std::vector<TargetInfo> targets() const override {
    std::vector<TargetInfo> all{{"native", "the CPU of this machine"}};
    for (const Architecture* architecture : architectures()) {
      for (const Level& level : architecture->levels) {
        all.push_back({level.name, level.description});
      }
    }
    return all;
  }

  std::optional<Target> resolve_target(const std::string& spec) const override {
    return cpu::resolve_target(spec);
  }

  std::vector<ImportKind> import_kinds(const Target&) const override {
    return {ImportKind::Llvm, ImportKind::Bitcode, ImportKind::C,      ImportKind::Cxx,
            ImportKind::Asm,  ImportKind::Object,  ImportKind::Archive};
  }

  Target baseline(const Target& target) const override {
    return baseline_target(architecture_of(target));
  }

  CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                        const CompileOptions& options) const override {
    return cpu::compile(program_name, units, options);
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CpuBackend>();
}

}  // namespace inlay::cpu
