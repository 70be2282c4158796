// The smallest backend there is: it "compiles" a program by printing it, for the made-up target
// `printer`. Built by a project of its own against the installed headers, as a user's plugin would
// be.
#include <inlay/abi_hash.h>

#include "backends/plugin/plugin.h"
#include "core/text/text.h"

namespace {

class PrinterBackend final : public inlay::Backend {
 public:
  std::string name() const override { return "printer"; }
  std::vector<inlay::TargetInfo> targets() const override {
    return {{"printer", "prints the lowered program"}};
  }
  std::optional<inlay::Target> resolve_target(const std::string& spec) const override {
    if (spec != "printer") return std::nullopt;
    inlay::Target target;
    target.spec = target.arch = target.cpu = spec;
    return target;
  }
  std::vector<inlay::ImportKind> import_kinds(const inlay::Target&) const override { return {}; }
  inlay::CompileResult compile(const std::string&, const std::vector<inlay::CompileUnit>& units,
                               const inlay::CompileOptions& options) const override {
    inlay::CompileResult result;
    for (const inlay::CompileUnit& unit : units) {
      for (const inlay::Import& import : inlay::all_imports(unit.lowered.program)) {
        throw inlay::CompileError(
            "import-kind", import->loc,
            std::string("the printer backend honours no `") + to_string(import->kind) + "` import");
      }
      for (inlay::Artifact artifact : options.artifacts) {
        result.artifacts[artifact] = "// printed\n" + print(unit.lowered.program);
      }
      result.reports.push_back({unit.target, {}, {}, {}, {}});
    }
    return result;
  }
};

const InlayPluginTable kTable{inlay::kPluginApiVersion,
                              sizeof(InlayPluginTable),
                              INLAY_CORE_ABI_HASH,
                              "printer",
                              "1.0",
                              []() -> inlay::Backend* { return new PrinterBackend; }};

}  // namespace

INLAY_PLUGIN_EXPORT const InlayPluginTable* inlay_plugin_entry() {
  return &kTable;
}
