#include "backends/amdgpu/kernel_imports.h"

#include <llvm/Target/TargetMachine.h>

#include "backends/amdgpu/targets/targets.h"
#include "backends/llvm/assembler/assembly.h"
#include "backends/llvm/imports/clang_compile.h"
#include "backends/llvm/object/lld.h"

namespace inlay::amdgpu {

namespace {

constexpr const char* kRule = "ready-kernel";

// A code object of target ID `have` runs where one of `want` does: the processor is the same, and
// what it insists on, the target says too.
bool fits(const std::string& have, const std::string& want) {
  auto processor = [](const std::string& id) { return id.substr(0, id.find(':')); };
  if (processor(have) != processor(want)) return false;
  for (size_t at = have.find(':'); at != std::string::npos; at = have.find(':', at + 1)) {
    std::string feature = have.substr(at, have.find(':', at + 1) - at);
    if ((want + ":").find(feature + ":") == std::string::npos) return false;
  }
  return true;
}

bool assemble_kernels(KernelImport& import, const CompileUnit& unit,
                      const llvm::TargetMachine& machine, const CompileOptions& options,
                      Diagnostics& found) {
  ClangOutput preprocessed;
  preprocessed.bytes = import.source.bytes;
  if (is_preprocessed(import.source)) {
    ClangRequest request;
    request.source = &import.source;
    request.triple = unit.target.triple;
    request.cpu = unit.target.cpu;
    request.include_directories = options.include_directories;
    request.code_object_version = options.code_object_version;
    preprocessed.bytes.clear();
    Diagnostics warnings;
    if (!clang_compile(request, preprocessed, found, warnings)) return false;
  }
  std::string object;
  std::vector<std::string> needed;
  if (!assemble(import.source, preprocessed.bytes, unit.target, machine, object, needed, found)) {
    return false;
  }
  LinkOptions link;
  link.emulation = "elf64_amdgpu";
  link.device = true;
  import.bytes = link_objects({{import.source.name, object}}, link);
  return true;
}

}  // namespace

std::vector<KernelImport> load_kernel_imports(const CompileUnit& unit,
                                              const llvm::TargetMachine& machine,
                                              const CompileOptions& options, Diagnostics& found) {
  std::vector<KernelImport> imports;
  for (const Import& pragma : all_imports(unit.lowered.program)) {
    bool assembly = pragma->kind == ImportKind::Asm;
    if (!assembly && pragma->kind != ImportKind::Hsaco) continue;
    std::optional<ImportSource> source = read_import_source(pragma, found);
    if (!source) continue;
    std::vector<std::string_view> parts{to_string(pragma->kind), source->bytes};
    for (const std::string& flag : pragma->flags) parts.push_back(flag);
    std::string hash = content_hash(parts);
    bool known = false;
    for (KernelImport& other : imports) {
      if (other.content_hash != hash) continue;
      other.pragmas.push_back(pragma);
      known = true;
    }
    if (known) continue;
    KernelImport import{std::move(*source), hash, {pragma}, "", {}};
    const Loc& loc = pragma->loc;
    if (assembly) {
      if (!assemble_kernels(import, unit, machine, options, found)) continue;
    } else {
      import.bytes = import.source.bytes;
    }
    try {
      import.hsaco = read_hsaco(import.bytes, import.source.title(), loc);
    } catch (const CompileError& error) {
      for (const Diagnostic& diagnostic : error.diagnostics()) found.add(diagnostic);
      continue;
    }
    std::string wanted = target_id(unit.target);
    if (!fits(import.hsaco.target_id, wanted)) {
      found.error(
          "import-layout", loc,
          import.source.title() + " is for " + import.hsaco.target_id + ", not for " + wanted,
          "compile it for " + wanted +
              ", or import it only where it fits: an `implement ... for` row with "
              "amdgpu(" +
              import.hsaco.target_id.substr(0, 6) + ")");
      continue;
    }
    if (import.hsaco.kernels.empty()) {
      found.error("hsaco", loc, import.source.title() + " holds no kernel",
                  "assembly for a GPU is a whole kernel, with .amdhsa_kernel and .amdgpu_metadata; "
                  "device functions come as LLVM IR, C or inline assembly");
      continue;
    }
    for (const HsacoKernel& kernel : import.hsaco.kernels) {
      for (const KernelImport& other : imports) {
        if (!other.hsaco.find(kernel.name)) continue;
        found.error("import-clash", loc,
                    "two imports define the kernel `" + kernel.name + "`: " + other.source.title() +
                        " and " + import.source.title(),
                    "rename one of them");
      }
    }
    imports.push_back(std::move(import));
  }
  return imports;
}

std::set<std::string> kernel_names(const std::vector<KernelImport>& imports) {
  std::set<std::string> names;
  for (const KernelImport& import : imports) {
    for (const HsacoKernel& kernel : import.hsaco.kernels) names.insert(kernel.name);
  }
  return names;
}

void check_launch(const EmittedKernel& launch, const HsacoKernel& kernel, const std::string& title,
                  const Loc& import, Diagnostics& found) {
  auto fault = [&](const std::string& what, const std::string& help) {
    Diagnostic& diagnostic =
        found.error(kRule, launch.loc,
                    "launch of `" + kernel.name + "` in " + launch.function + ": " + what, help);
    std::string taken;
    for (const HsacoArgument& arg : kernel.args) {
      if (arg.hidden()) continue;
      taken += (taken.empty() ? "" : ", ") + arg.kind + " of " + std::to_string(arg.size) +
               " bytes at " + std::to_string(arg.offset);
    }
    diagnostic.detail = "the kernel takes: " + (taken.empty() ? "nothing" : taken);
    diagnostic.notes.push_back(
        {Severity::Note, "", "`" + kernel.name + "` comes from " + title, import, "", "", "", {}});
  };
  std::vector<HsacoArgument> taken;
  for (const HsacoArgument& arg : kernel.args) {
    if (!arg.hidden()) taken.push_back(arg);
  }
  if (taken.size() != launch.args.size()) {
    fault("it passes " + std::to_string(launch.args.size()) + " arguments, the kernel takes " +
              std::to_string(taken.size()),
          "pass what the kernel's metadata (.args) lists");
    return;
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    const KernelArgument& passed = launch.args[i];
    std::string which = "argument " + std::to_string(i + 1) +
                        (taken[i].name.empty() ? "" : " (`" + taken[i].name + "`)");
    if (taken[i].kind != "by_value" && taken[i].kind != "global_buffer") {
      fault(which + " is of kind " + taken[i].kind + ", which can't be passed",
            "give the kernel numbers and addresses of global memory");
    } else if (passed.pointer != (taken[i].kind == "global_buffer")) {
      fault(which + " is " +
                (passed.pointer ? "a buffer, the kernel takes a number"
                                : "a number, the kernel takes a buffer"),
            passed.pointer ? "pass the number" : "pass a buffer");
    } else if (passed.size != taken[i].size || passed.offset != taken[i].offset) {
      fault(which + " has " + std::to_string(passed.size) + " bytes at offset " +
                std::to_string(passed.offset) + ", the kernel takes " +
                std::to_string(taken[i].size) + " at " + std::to_string(taken[i].offset),
            "cast it to the type that the kernel takes: i32(...), i64(...)");
    }
  }
  int64_t items = 1;
  bool differs = false;
  for (size_t d = 0; d < 3; ++d) {
    items *= launch.workgroup[d];
    differs |=
        kernel.required_workgroup[d] != 0 && kernel.required_workgroup[d] != launch.workgroup[d];
  }
  auto shape = [](const auto& extents) {
    return std::to_string(extents[0]) + " x " + std::to_string(extents[1]) + " x " +
           std::to_string(extents[2]);
  };
  if (differs) {
    fault("its workgroup is " + shape(launch.workgroup) + ", the kernel was compiled for " +
              shape(kernel.required_workgroup),
          "give the lane loops those extents");
  } else if (kernel.max_workgroup != 0 && items > kernel.max_workgroup) {
    fault("a workgroup of it has " + std::to_string(items) + " work-items, the kernel was " +
              "compiled for " + std::to_string(kernel.max_workgroup) + " at most",
          "make the lane loops smaller");
  }
}

}  // namespace inlay::amdgpu
