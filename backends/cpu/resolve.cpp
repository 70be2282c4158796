// A specification is a name and changes: NAME ('+' FEATURE | '-' FEATURE)*. Names and features hold
// '-' themselves, so the longest known one is taken at each step.
#include "backends/cpu/resolve.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

#include "backends/llvm/machine.h"

namespace inlay::cpu {

namespace {

constexpr const char* kNative = "native";

// The longest of `names` that `text` begins with, ending at a sign or at the end.
std::string longest_prefix(std::string_view text, const std::vector<std::string>& names) {
  std::string best;
  for (const std::string& name : names) {
    bool fits =
        text.substr(0, name.size()) == name &&
        (text.size() == name.size() || text[name.size()] == '+' || text[name.size()] == '-');
    if (fits && name.size() > best.size()) best = name;
  }
  return best;
}

// Up to the next sign.
std::string_view word(std::string_view text) {
  return text.substr(0, text.find_first_of("+-"));
}

std::string nearest(std::string_view wanted, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : nearest_names(wanted, names)) {
    text += (text.empty() ? "did you mean `" : "`, `") + name;
  }
  return text.empty() ? text : text + "`?";
}

const Architecture* host_architecture() {
  llvm::Triple host(llvm::sys::getProcessTriple());
  for (const Architecture* architecture : architectures()) {
    if (llvm::Triple(architecture->triple).getArch() == host.getArch()) return architecture;
  }
  return nullptr;
}

std::vector<std::string> feature_names(const Architecture& architecture) {
  std::vector<std::string> names;
  for (const FeatureInfo& feature : processor_table(architecture.triple).features) {
    names.push_back(feature.name);
  }
  return names;
}

std::vector<std::string> parse_changes(const Architecture& architecture, std::string_view text,
                                       const std::string& spec) {
  std::vector<std::string> changes;
  std::vector<std::string> names =
      text.empty() ? std::vector<std::string>() : feature_names(architecture);
  while (!text.empty()) {
    char sign = text[0];
    text.remove_prefix(1);
    std::string feature = longest_prefix(text, names);
    size_t length = feature.size();
    if (feature.empty()) {
      // The name that -march takes, where LLVM's own differs: fp16 for fullfp16.
      length = word(text).size();
      feature = feature_of_extension(architecture.triple, std::string(word(text)));
    }
    if (feature.empty()) {
      std::string wanted(text.substr(0, text.find('+')));
      throw CompileError(
          "unknown-target", Loc(),
          "target `" + spec + "`: " + architecture.name + " has no feature `" + wanted + "`",
          nearest(wanted, names));
    }
    changes.push_back(sign + feature);
    text.remove_prefix(length);
  }
  return changes;
}

// A number that the system tells of the host, 0 if it does not.
int64_t host_number(int name) {
  long number = sysconf(name);
  return number > 0 ? number : 0;
}

// How many logical CPUs share the last level with the first one.
int64_t sharers_of_l3() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list");
  int64_t count = 0;
  for (std::string range; std::getline(file, range, ',');) {
    int64_t first = 0, last = 0;
    int read = sscanf(range.c_str(), "%ld-%ld", &first, &last);
    count += read == 2 ? last - first + 1 : read == 1 ? 1 : 0;
  }
  return std::max<int64_t>(count, 1);
}

void set_caches(const Architecture& architecture, bool is_host, Target& target) {
  auto known = std::find_if(architecture.caches.begin(), architecture.caches.end(),
                            [&](const CacheFacts& row) { return target.cpu == row.cpu; });
  target.caches_assumed = known == architecture.caches.end();
  const CacheFacts& row = target.caches_assumed ? architecture.assumed : *known;
  target.caches[0] = row.l1;
  target.caches[1] = row.l2;
  target.caches[2] = row.l3;
  target.line_bytes = row.line;
  if (!is_host) return;
  target.cores = static_cast<int>(std::max<int64_t>(host_number(_SC_NPROCESSORS_ONLN), 1));
  if (int64_t line = host_number(_SC_LEVEL1_DCACHE_LINESIZE)) {
    target.line_bytes = static_cast<int>(line);
  }
  const int names[3][2] = {{_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_ASSOC},
                           {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_ASSOC},
                           {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL3_CACHE_ASSOC}};
  if (!host_number(names[0][0])) return;
  // The machine itself knows better than a table.
  target.caches_assumed = false;
  for (int level = 0; level < 3; ++level) {
    Cache& cache = target.caches[level];
    cache.bytes = host_number(names[level][0]) / (level == 2 ? sharers_of_l3() : 1);
    if (int64_t ways = host_number(names[level][1])) cache.ways = static_cast<int>(ways);
    if (!cache.bytes) cache.ways = 0;
    if (cache.bytes && !cache.ways) cache.ways = 8;
  }
}

Target make(const Architecture& architecture, const std::string& spec, const std::string& cpu,
            const std::vector<std::string>& changes) {
  Target target;
  target.spec = spec;
  target.arch = architecture.name;
  target.triple = architecture.triple;
  target.cpu = cpu;
  target.backend = "cpu";
  for (std::string& feature : expand_features(architecture.triple, cpu, changes)) {
    target.features.insert(std::move(feature));
  }
  target.implied = implied_features(architecture.triple);
  for (const VectorRule& rule : architecture.vectors) {
    if (!target.features.count(rule.feature)) continue;
    target.vector_bits = rule.bits;
    target.vector_registers = rule.registers;
    break;
  }
  return target;
}

Target resolve_native(const std::string& spec) {
  const Architecture* architecture = host_architecture();
  if (!architecture) {
    throw CompileError("unknown-target", Loc(),
                       "target `native`: the host, " + llvm::sys::getProcessTriple() +
                           ", is no target of the cpu backend",
                       "name a target; `inlay targets` lists them");
  }
  ProcessorTable table = processor_table(architecture->triple);
  std::string cpu = llvm::sys::getHostCPUName().str();
  if (std::find(table.cpus.begin(), table.cpus.end(), cpu) == table.cpus.end()) {
    cpu = architecture->baseline_cpu;
  }
  // A virtual machine may hide features that its CPU has. Those that no code depends on stay: they
  // would only make code of the same CPU differ.
  std::vector<std::string> changes;
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  for (const FeatureInfo& feature : table.features) {
    auto found = host.find(feature.name);
    if (found == host.end()) continue;
    if (found->second) {
      changes.push_back("+" + feature.name);
    } else if (!llvm::is_contained(architecture->not_required, feature.name)) {
      changes.push_back("-" + feature.name);
    }
  }
  for (std::string& change :
       parse_changes(*architecture, std::string_view(spec).substr(strlen(kNative)), spec)) {
    changes.push_back(std::move(change));
  }
  Target target = make(*architecture, spec, cpu, changes);
  set_caches(*architecture, true, target);
  return target;
}

std::optional<Target> resolve_named(const Architecture& architecture, const std::string& spec) {
  std::vector<std::string> levels;
  for (const Level& level : architecture.levels) levels.push_back(level.name);
  std::string name = longest_prefix(spec, levels);
  std::string cpu;
  for (const Level& level : architecture.levels) {
    if (name == level.name) cpu = level.cpu;
  }
  std::vector<std::string> cpus = processor_table(architecture.triple).cpus;
  std::string exact = longest_prefix(spec, cpus);
  if (exact.size() > name.size()) name = cpu = exact;
  if (name.empty()) return std::nullopt;
  Target target =
      make(architecture, spec, cpu,
           parse_changes(architecture, std::string_view(spec).substr(name.size()), spec));
  set_caches(architecture, false, target);
  return target;
}

}  // namespace

std::optional<Target> resolve_target(const std::string& spec) {
  if (longest_prefix(spec, {kNative}) == kNative) return resolve_native(spec);
  for (const Architecture* architecture : architectures()) {
    if (std::optional<Target> target = resolve_named(*architecture, spec)) return target;
  }
  std::vector<std::string> names{kNative};
  bool ours = false;
  for (const Architecture* architecture : architectures()) {
    for (const char* prefix : architecture->prefixes) ours |= spec.rfind(prefix, 0) == 0;
    for (const Level& level : architecture->levels) names.push_back(level.name);
    for (std::string& cpu : processor_table(architecture->triple).cpus) names.push_back(cpu);
  }
  std::string wanted = spec.substr(0, spec.find('+'));
  std::string help = nearest(wanted, names);
  if (!ours && help.empty()) return std::nullopt;
  throw CompileError("unknown-target", Loc(), "there is no CPU or level `" + wanted + "`", help);
}

const Architecture& architecture_of(const Target& target) {
  for (const Architecture* architecture : architectures()) {
    if (target.arch == architecture->name) return *architecture;
  }
  throw CompileError("unknown-target", Loc(),
                     "target `" + target.spec + "` of architecture " + target.arch +
                         " is none of the cpu backend's");
}

Target baseline_target(const Architecture& architecture) {
  return make(architecture, architecture.baseline_cpu, architecture.baseline_cpu, {});
}

std::vector<std::string> required_features(const Target& target) {
  const Architecture& architecture = architecture_of(target);
  std::set<std::string> required = target.features;
  for (const std::string& feature : baseline_target(architecture).features) {
    required.erase(feature);
  }
  for (const char* feature : architecture.not_required) required.erase(feature);
  return {required.begin(), required.end()};
}

}  // namespace inlay::cpu
