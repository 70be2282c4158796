// What is peculiar: the cache is asked before any plugin is loaded, since loading LLVM alone would
// take longer than all the rest. So the key is made of what the driver can see by itself (text,
// options, plugin files, host CPU for `native`), and an entry lists the files that its build read,
// with their hashes.
#include "tools/driver/build.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "backends/plugin/report.h"
#include "core/support/build_id.h"
#include "core/text/text.h"
#include "tools/driver/header.h"

namespace inlay {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return std::nullopt;
  return bytes;
}

// What `native` means may differ between two machines that share a cache folder, in what a schedule
// may ask of them too.
std::string host_identity() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, text;
  while (std::getline(file, line) && !line.empty()) {
    for (const char* field :
         {"vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "Features"}) {
      if (line.rfind(field, 0) == 0) text += line + "\n";
    }
  }
  for (int name : {_SC_NPROCESSORS_ONLN, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_ASSOC,
                   _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_ASSOC, _SC_LEVEL3_CACHE_SIZE,
                   _SC_LEVEL3_CACHE_ASSOC, _SC_LEVEL1_DCACHE_LINESIZE}) {
    text += std::to_string(sysconf(name)) + " ";
  }
  std::ifstream sharers("/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list");
  if (std::getline(sharers, line)) text += line;
  return text;
}

json pack(const BuildOutput& output, const std::vector<std::string>& dependencies,
          fs::file_time_type started, bool* cacheable) {
  json files = json::array();
  for (const std::string& path : dependencies) {
    std::error_code failed;
    std::optional<std::string> bytes = read_file(path);
    // A file that changed while it was being compiled has an unknown content in the result.
    if (!bytes || fs::last_write_time(path, failed) >= started || failed) *cacheable = false;
    files.push_back({path, content_hash(bytes.value_or(""))});
  }
  json artifacts = json::array();
  for (const auto& [artifact, bytes] : output.artifacts) {
    artifacts.push_back({static_cast<int>(artifact),
                         json::binary(std::vector<uint8_t>(bytes.begin(), bytes.end()))});
  }
  return {{"dependencies", files},
          {"artifacts", artifacts},
          {"header", output.header},
          {"report_text", output.report_text},
          {"report_json", output.report_json},
          {"warnings", output.warnings}};
}

std::optional<BuildOutput> unpack(const std::string& bytes) {
  json entry = json::from_msgpack(bytes, true, false);
  if (entry.is_discarded()) return std::nullopt;
  for (const json& file : entry["dependencies"]) {
    std::optional<std::string> now = read_file(file[0].get<std::string>());
    if (!now || content_hash(*now) != file[1].get<std::string>()) return std::nullopt;
  }
  BuildOutput output;
  for (const json& artifact : entry["artifacts"]) {
    const json::binary_t& data = artifact[1].get_binary();
    output.artifacts[static_cast<Artifact>(artifact[0].get<int>())] =
        std::string(data.begin(), data.end());
  }
  output.header = entry["header"];
  output.report_text = entry["report_text"];
  output.report_json = entry["report_json"];
  output.warnings = entry["warnings"];
  output.from_cache = true;
  return output;
}

}  // namespace

std::string Driver::key_of(const BuildRequest& request, const std::string& text) const {
  json key = {"build 2",
              build_id(),
              plugins_.fingerprint(),
              request.input,
              text,
              request.optimization_level,
              request.code_object_version,
              request.debug_info,
              request.params,
              request.schedule,
              request.include_directories,
              fs::current_path().string()};
  json targets = json::array();
  for (const std::string& target : request.targets) targets.push_back(target);
  bool native = request.targets.empty();
  for (const std::string& target : request.targets) native |= target.rfind("native", 0) == 0;
  if (native) targets.push_back(host_identity());
  key.push_back(targets);
  json artifacts = json::array();
  for (Artifact artifact : request.artifacts) artifacts.push_back(static_cast<int>(artifact));
  key.push_back(artifacts);
  for (const Import& import : request.imports) {
    key.push_back({to_string(import->kind), import->is_inline, import->payload, import->flags,
                   import->may_call, import->base_directory});
  }
  // Bytes that are no UTF-8 are replaced alike in equal texts, and told apart by the hash.
  return key.dump(-1, ' ', false, json::error_handler_t::replace) + content_hash(text);
}

Driver::Prepared Driver::prepare(const BuildRequest& request) {
  Prepared prepared;
  prepared.program = load_program(request.input);
  prepared.program.items.insert(prepared.program.items.begin(), request.imports.begin(),
                                request.imports.end());
  std::vector<std::string> specs = request.targets;
  if (specs.empty()) specs.push_back("native");
  std::vector<std::pair<Target, ScheduledProgram>> before;
  for (const std::string& spec : specs) {
    CompileUnit unit;
    unit.target = plugins_.resolve(spec);
    ScheduledProgram scheduled;
    if (request.schedule) {
      // Proofs take their time: GPUs that differ in nothing the schedules ask for share them.
      auto alike = std::find_if(before.begin(), before.end(), [&](const auto& other) {
        return are_scheduled_alike(prepared.program, other.first, unit.target, request.params);
      });
      scheduled = alike != before.end()
                      ? alike->second
                      : apply_schedules(prepared.program, unit.target, request.params);
      if (alike == before.end()) before.emplace_back(unit.target, scheduled);
    } else {
      scheduled.program = bind_params(prepared.program, &unit.target, request.params);
    }
    unit.lowered = lower_intrinsics(scheduled.program, &unit.target);
    prepared.units.push_back(std::move(unit));
    prepared.schedules.push_back(std::move(scheduled.applied));
  }
  return prepared;
}

namespace {

void append(CompileResult& all, CompileResult more) {
  all.artifacts.merge(more.artifacts);
  for (BuildReport& report : more.reports) all.reports.push_back(std::move(report));
  for (std::string& path : more.dependencies) all.dependencies.push_back(std::move(path));
  for (const Diagnostic& warning : more.warnings.all()) all.warnings.add(warning);
}

// A code object is the host's: what it holds for devices is compiled before, and handed to the
// host's backend.
CompileResult compile_units(PluginRegistry& plugins, const std::string& program,
                            const std::vector<CompileUnit>& units, CompileOptions options) {
  std::vector<CompileUnit> host;
  std::map<const Backend*, std::vector<CompileUnit>> devices;
  for (const CompileUnit& unit : units) {
    const Backend& backend = plugins.backend_of(unit.target);
    (backend.is_device() ? devices[&backend] : host).push_back(unit);
  }
  for (const CompileUnit& unit : host) {
    const Target& first = host.front().target;
    if (unit.target.arch == first.arch && unit.target.backend == first.backend) continue;
    throw CompileError("targets", {},
                       "targets `" + first.spec + "` and `" + unit.target.spec +
                           "` are of different architectures (" + first.arch + ", " +
                           unit.target.arch + "); one code object holds variants of one",
                       "build them into two files");
  }
  bool wants_object = false;
  for (Artifact artifact : options.artifacts) {
    bool of_all = !holds_one_target(artifact);
    wants_object |= of_all;
    if (!of_all && !host.empty() && !devices.empty()) {
      throw CompileError("several-targets", {},
                         std::string("output `") + to_string(artifact) +
                             "` holds one target, but several are named",
                         "name one target, or ask for `so` or `obj`");
    }
    if (artifact == Artifact::Hsaco && devices.empty()) {
      throw CompileError("option", {}, "output `hsaco` is code for a GPU, but no target is one",
                         "name one: --target gfx900");
    }
  }
  CompileResult result;
  Target host_target =
      devices.empty() || !host.empty() ? host.front().target : plugins.resolve("native");
  const Backend& host_backend = plugins.backend_of(host_target);
  options.host = host_backend.baseline(host_target);
  for (const auto& [backend, device_units] : devices) {
    CompileResult made = backend->compile(program, device_units, options);
    for (DevicePart& part : made.device_parts) options.device_parts.push_back(std::move(part));
    append(result, std::move(made));
  }
  if (!devices.empty()) {
    std::erase_if(options.artifacts, [](Artifact artifact) {
      return artifact != Artifact::Object && artifact != Artifact::SharedObject;
    });
  }
  if (devices.empty() || wants_object) {
    CompileResult made = host_backend.compile(program, host, options);
    append(made, std::move(result));  // the host's reports stand first
    return made;
  }
  return result;
}

}  // namespace

BuildOutput Driver::compile(const BuildRequest& request, std::vector<std::string>* dependencies) {
  Prepared prepared = prepare(request);
  CompileOptions options;
  options.artifacts = request.artifacts;
  options.optimization_level = request.optimization_level;
  options.debug_info = request.debug_info;
  options.dump_stages = request.dump_stages;
  options.reproduce_command = request.reproduce_command;
  options.cache = cache_;
  options.include_directories = request.include_directories;
  options.code_object_version = request.code_object_version;
  CompileResult result =
      compile_units(plugins_, prepared.program.name, prepared.units, std::move(options));
  BuildOutput output;
  output.artifacts = std::move(result.artifacts);
  output.header = c_header(prepared.program);
  output.report_text = render_text(result.reports);
  output.report_json = render_json(result.reports);
  output.warnings = render(result.warnings.all());
  *dependencies = std::move(result.dependencies);
  const std::vector<std::string>& included = prepared.program.included;
  dependencies->insert(dependencies->end(), included.begin(), included.end());
  std::sort(dependencies->begin(), dependencies->end());
  dependencies->erase(std::unique(dependencies->begin(), dependencies->end()), dependencies->end());
  return output;
}

BuildOutput Driver::build(const BuildRequest& request) {
  std::vector<std::string> dependencies;
  std::optional<std::string> text = read_file(request.input);
  if (!cache_ || !text || !request.dump_stages.empty()) return compile(request, &dependencies);
  std::string key = key_of(request, *text);
  if (std::optional<std::string> found = cache_->get(key)) {
    if (std::optional<BuildOutput> output = unpack(*found)) return std::move(*output);
  }
  auto started = fs::file_time_type::clock::now();
  BuildOutput output = compile(request, &dependencies);
  dependencies.push_back(request.input);
  bool cacheable = true;
  json entry = pack(output, dependencies, started, &cacheable);
  if (cacheable) {
    std::vector<uint8_t> bytes = json::to_msgpack(entry);
    cache_->put(key, std::string(bytes.begin(), bytes.end()));
  }
  return output;
}

}  // namespace inlay
