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
};
/// "ir", "ll", "bc", "asm", "obj", "so".
const char* to_string(Artifact artifact);

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

/// The report of one target variant.
struct BuildReport {
  Target target;
  std::vector<ImportReport> imports;
  std::vector<CallReport> calls;
  std::vector<SelectionReport> selections;
  std::vector<std::pair<std::string, double>> stage_seconds;  ///< name of stage, time
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
};

struct CompileResult {
  std::map<Artifact, std::string> artifacts;  ///< bytes of what was asked for
  std::vector<BuildReport> reports;           ///< one a unit
  std::vector<std::string> dependencies;      ///< every file that was read: imports, their includes
  Diagnostics warnings;
};

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
  /// Compiles units of one architecture into one code object, best variant first.
  virtual CompileResult compile(const std::string& program_name,
                                const std::vector<CompileUnit>& units,
                                const CompileOptions& options) const = 0;
};

inline constexpr uint32_t kPluginApiVersion = 1;

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
