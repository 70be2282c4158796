// The interface between the driver and a backend plugin.
//
// A backend is a shared library in <prefix>/lib/inlay/backends (or a folder of INLAY_BACKEND_PATH)
// that exports one C function, inlay_plugin_entry, which returns its InlayPluginTable. The driver
// refuses a plugin whose api_version or core_abi_hash differs from its own, naming both values: the
// classes below are C++ and must come from the same headers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/passes/passes.h"
#include "core/target.h"

namespace inlay {

/// What a build can leave behind.
enum class Artifact : uint8_t {
  LoweredIr,  ///< text of the lowered program
  LlvmIr,     ///< optimized LLVM IR text
  Bitcode,    ///< optimized LLVM bitcode
  Assembly,
  Object,        ///< relocatable ELF, exports the typed entries and inlay_code_object_<program>
  SharedObject,  ///< the code object
  Hsaco,         ///< of a GPU target: the AMDGPU code object alone
};
/// "ir", "ll", "bc", "asm", "obj", "so", "hsaco".
const char* to_string(Artifact artifact);
/// True if it is of one target; the others hold all that a build names.
bool holds_one_target(Artifact artifact);

// ---- the report: proof of what was inlined ----

/// One distinct import (by content) of a build.
struct ImportReport {
  ImportKind kind{};
  std::string source;                        ///< path, or "inline at FILE:LINE"
  std::string content_hash;                  ///< of payload, kind and flags
  std::string stage;                         ///< "before optimization" or "final link"
  std::vector<Loc> pragmas;                  ///< every pragma that named it
  std::vector<std::string> symbols;          ///< what was linked from it
  std::vector<std::string> features_needed;  ///< beyond the baseline of the architecture
  std::vector<std::string> features_had;     ///< of those, what the target has
  bool from_cache = false;
};

enum class InlineVerdict : uint8_t { Inlined, Called, Removed };
const char* to_string(InlineVerdict verdict);  ///< "inlined", "called", "removed"

/// One call of an imported symbol in the lowered program.
struct CallReport {
  std::string function;  ///< the Inlay function it stands in
  std::string symbol;
  size_t import_index = 0;  ///< into BuildReport::imports
  Loc loc;                  ///< of the call
  InlineVerdict verdict{};
  std::string reason;  ///< why not inlined, or why removed; empty if inlined
};

/// What the chosen implement rows were, as text for people and JSON for scripts.
struct SelectionReport {
  std::string intrinsic;  ///< "sgemm_tile<6, 16>"
  std::string chosen;     ///< "x86_64(avx2, fma)" or "meaning"
  std::vector<RowDecision> decisions;
};

/// What a kernel takes of a GPU, read from its code object.
struct KernelReport {
  std::string name;      ///< symbol
  std::string function;  ///< the Inlay function that launches it
  Loc loc;
  bool serial = false;  ///< one work-item does it all
  bool ready = false;   ///< of an import, as it is
  int64_t workgroup[3] = {1, 1, 1};
  int64_t vgprs = 0, sgprs = 0, agprs = 0;
  int64_t lds_bytes = 0;      ///< static, of a workgroup
  int64_t scratch_bytes = 0;  ///< of a work-item
  int64_t vgpr_spills = 0, sgpr_spills = 0;
  int64_t kernarg_bytes = 0;
  /// Wavefronts on a SIMD that registers, LDS and workgroup size allow; 0: not known.
  int64_t occupancy = 0;
};

/// The report of one target variant.
struct BuildReport {
  Target target;
  std::vector<KernelReport> kernels;          ///< of a GPU target
  std::vector<std::string> device_libraries;  ///< "ocml (3 functions)"
  int code_object_version = 0;                ///< of a GPU target
  std::vector<ImportReport> imports;
  std::vector<CallReport> calls;
  std::vector<SelectionReport> selections;
  std::vector<std::pair<std::string, double>> stage_seconds;  ///< name of stage, time
};

// ---- parts for a device ----

/// How a buffer parameter is used.
struct ParamAccess {
  bool read = false;
  bool written = false;
};

/// A kernel as the host launches it; see InlayGpuKernel.
struct DeviceKernel {
  struct Argument {
    uint32_t offset = 0, size = 0;
    bool pointer = false;
  };
  std::string name, function;
  std::vector<Argument> args;
  uint32_t kernarg_size = 0;
  uint32_t workgroup[3] = {1, 1, 1};
  uint32_t lds_bytes = 0, dynamic_lds = 0, private_bytes = 0;
  uint32_t code = 0;  ///< into DevicePart::codes
};

/// A program for one GPU target, ready to be put into a code object of the host: what becomes an
/// InlayGpuEntry.
struct DevicePart {
  Target target;
  std::string target_id;           ///< "gfx906:sramecc+:xnack-"
  Program program;                 ///< lowered: its functions' signatures
  std::vector<std::string> codes;  ///< AMDGPU code objects; the first is the program's own
  std::vector<DeviceKernel> kernels;
  std::string host_object;          ///< ELF object for the host: the functions that launch
  std::vector<std::string> invoke;  ///< its symbols, in the order of the functions
  /// By function and position of the parameter.
  std::map<std::string, std::map<size_t, ParamAccess>> accesses;
};

// ---- compiling ----

/// One target variant: the program lowered for it.
struct CompileUnit {
  Target target;
  LoweredProgram lowered;
};

/// Store of byte strings by key; the driver's content cache. Thread-safe. May drop anything at any
/// time.
class ByteCache {
 public:
  virtual ~ByteCache() = default;
  virtual std::optional<std::string> get(const std::string& key) = 0;
  virtual void put(const std::string& key, const std::string& bytes) = 0;
};

struct CompileOptions {
  std::vector<Artifact> artifacts{Artifact::SharedObject};
  int optimization_level = 3;  ///< 0 to 3
  bool debug_info = false;
  std::string dump_stages;        ///< folder for 0.lowered.inlay, 1.emitted.ll, ...; empty: none
  std::string reproduce_command;  ///< heads each dump
  ByteCache* cache = nullptr;     ///< null: nothing is cached
  std::vector<std::string> include_directories;  ///< for c, cxx, asm imports (-I)
  int code_object_version = 0;  ///< of AMDGPU code objects: 4 or 5; 0: the backend's own choice
  /// For a device backend: the oldest processor that the host's code must run on.
  std::optional<Target> host;
  /// For the host's backend: what goes into the code object beside its units. With at least one of
  /// these there may be no unit: then `host` says what the object is for.
  std::vector<DevicePart> device_parts;
};

struct CompileResult {
  std::map<Artifact, std::string> artifacts;  ///< bytes of what was asked for
  std::vector<BuildReport> reports;           ///< one a unit
  std::vector<std::string> dependencies;      ///< every file that was read: imports, their includes
  std::vector<DevicePart> device_parts;       ///< of a device backend, asked for an object
  Diagnostics warnings;
};

/// What every backend asks before it compiles `units`. Throws CompileError: rule "duplicate-target"
/// if two have one `identity`, "empty-program", "several-targets" if an artifact holds one target
/// and several are named.
void check_units(const std::string& program_name, const std::vector<CompileUnit>& units,
                 const CompileOptions& options,
                 const std::function<std::string(const Target&)>& identity);

/// A target that a backend offers, for `inlay targets` and help.
struct TargetInfo {
  std::string name;         ///< "x86-64-v3"
  std::string description;  ///< "AVX2, FMA, BMI: Haswell 2013, Zen 2017 and later"
};

/// A backend. Thread-safe: one object may compile several programs at once. Every fault of the
/// input is thrown as CompileError, also those that LLVM reports; nothing ends the process.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  virtual std::vector<TargetInfo> targets() const = 0;
  /// nullopt if the specification is none of this backend's; throws CompileError (rule
  /// "unknown-target", with the nearest names) if it is, but has an unknown CPU or feature.
  virtual std::optional<Target> resolve_target(const std::string& spec) const = 0;
  virtual std::vector<ImportKind> import_kinds(const Target& target) const = 0;
  /// True if the targets are devices that a host launches kernels on. compile() then gives
  /// CompileResult::device_parts where Object or SharedObject is asked for, and needs options.host.
  virtual bool is_device() const { return false; }
  /// The oldest processor of `target`'s architecture that a code object may meet.
  virtual Target baseline(const Target& target) const { return target; }
  /// Compiles units of one architecture into one code object, best variant first.
  virtual CompileResult compile(const std::string& program_name,
                                const std::vector<CompileUnit>& units,
                                const CompileOptions& options) const = 0;
};

inline constexpr uint32_t kPluginApiVersion = 2;

}  // namespace inlay

extern "C" {
/// What a plugin tells before any C++ of it runs.
struct InlayPluginTable {
  uint32_t api_version;         ///< inlay::kPluginApiVersion
  uint32_t size;                ///< sizeof(InlayPluginTable)
  const char* core_abi_hash;    ///< INLAY_CORE_ABI_HASH of the headers it was built with
  const char* name;             ///< "cpu"
  const char* version;          ///< of the plugin, for people
  inlay::Backend* (*create)();  ///< the driver deletes it
};
/// The one exported symbol of a plugin.
using InlayPluginEntry = const InlayPluginTable* (*)();
}

#define INLAY_PLUGIN_ENTRY_NAME "inlay_plugin_entry"
#define INLAY_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))
