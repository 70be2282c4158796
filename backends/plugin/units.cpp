// What every backend asks of the units of a build.
#include <set>

#include "backends/plugin/plugin.h"
#include "core/support/check.h"

namespace inlay {

bool holds_one_target(Artifact artifact) {
  return artifact != Artifact::Object && artifact != Artifact::SharedObject;
}

void check_units(const std::string& program_name, const std::vector<CompileUnit>& units,
                 const CompileOptions& options,
                 const std::function<std::string(const Target&)>& identity) {
  INLAY_CHECK(!units.empty() || (!options.device_parts.empty() && options.host),
              "nothing to compile");
  std::set<std::string> known;
  for (const CompileUnit& unit : units) {
    if (!known.insert(identity(unit.target)).second) {
      throw CompileError("duplicate-target", Loc(),
                         "target `" + unit.target.spec + "` is named twice");
    }
  }
  const Program& program =
      units.empty() ? options.device_parts[0].program : units[0].lowered.program;
  if (program.functions().empty()) {
    throw CompileError("empty-program", Loc(), "program `" + program_name + "` has no function",
                       "add a `func`");
  }
  for (Artifact artifact : options.artifacts) {
    if (!holds_one_target(artifact) || units.size() < 2) continue;
    throw CompileError("several-targets", Loc(),
                       "output `" + std::string(to_string(artifact)) + "` holds one target, but " +
                           std::to_string(units.size()) + " are named",
                       "name one target, or ask for `so` or `obj`");
  }
}

}  // namespace inlay
