// The stages in the order of a GPU: everything that is imported, device libraries too, is linked
// before optimization, since a call that stays costs registers, scratch and the address space of
// pointers. Each unit gets a context of its own, with two modules in it: the device's and the
// host's, which launches.
#include "backends/amdgpu/compile.h"

#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/Scalar/InferAddressSpaces.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <map>

#include "backends/amdgpu/device_libraries.h"
#include "backends/amdgpu/instructions.h"
#include "backends/amdgpu/kernel_imports.h"
#include "backends/amdgpu/targets/targets.h"
#include "backends/llvm/assembler/assembly.h"
#include "backends/llvm/guard.h"
#include "backends/llvm/link/link.h"
#include "backends/llvm/machine.h"
#include "backends/llvm/object/codegen.h"
#include "backends/llvm/object/lld.h"
#include "backends/llvm/optimize/optimize.h"
#include "backends/llvm/prove/prove.h"
#include "backends/llvm/selection.h"
#include "backends/llvm/stages/dump.h"
#include "backends/llvm/stages/stages.h"
#include "core/text/text.h"

namespace inlay::amdgpu {

namespace {

constexpr int kDefaultCodeObjectVersion = 5;

// ---- one program ----

class Compilation {
 public:
  Compilation(const std::string& program, const std::vector<CompileUnit>& units,
              const CompileOptions& options)
      : program_(program), units_(units), options_(options) {}

  CompileResult run() {
    INLAY_CHECK(!units_.empty(), "nothing to compile");
    check_units(program_, units_, options_, target_id);
    try {
      guard_llvm("compiling " + program_ + " for a GPU", Loc(), [this] {
        for (size_t i = 0; i < units_.size(); ++i) compile_unit(units_[i], i);
      });
    } catch (const CompileError& error) {
      // What LLVM left behind can't be taken down in order.
      if (is_llvm_fatal(error)) {
        for (auto& context : contexts_) static_cast<void>(context.release());
      }
      throw;
    }
    std::set<std::string> said;  // each target has the same to say of the program
    for (const Diagnostic& warning : warnings_.all()) {
      if (said.insert(render(warning)).second) result_.warnings.add(warning);
    }
    // The runtime takes the first entry that fits: see InlayGpuEntry.
    std::map<int, std::vector<DevicePart>, std::greater<>> by_rank;
    for (DevicePart& part : result_.device_parts) by_rank[rank(part)].push_back(std::move(part));
    result_.device_parts.clear();
    for (auto& [rank, parts] : by_rank) {
      std::move(parts.begin(), parts.end(), std::back_inserter(result_.device_parts));
    }
    return std::move(result_);
  }

 private:
  // How closely a target ID names a device.
  static int rank(const DevicePart& part) {
    const std::string& id = part.target_id;
    bool generic = id.find("-generic") != std::string::npos;
    return (generic ? 0 : 10) + int(std::count(id.begin(), id.end(), ':'));
  }
  void compile_unit(const CompileUnit& unit, size_t index);
  int code_object_version(const Target& target) const;
  bool wants_host() const {
    return wants(options_, Artifact::SharedObject) || wants(options_, Artifact::Object);
  }

  const std::string& program_;
  const std::vector<CompileUnit>& units_;
  CompileOptions options_;
  CompileResult result_;
  Diagnostics warnings_;
  std::vector<std::unique_ptr<llvm::LLVMContext>> contexts_;
};

int Compilation::code_object_version(const Target& target) const {
  int least = facts_of(target).least_code_object_version;
  int version = options_.code_object_version;
  if (version == 0) return std::max(kDefaultCodeObjectVersion, least);
  if (version < 4 || version > 6) {
    throw CompileError(
        "code-object-version", Loc(),
        "there is no code object version " + std::to_string(version) + " that can be made",
        "4 is for ROCm 5.2 and its time, 5 (the default) for later ones");
  }
  if (version < least) {
    throw CompileError("code-object-version", Loc(),
                       "target `" + target.spec + "` needs code object version " +
                           std::to_string(least) + ", but " + std::to_string(version) +
                           " is asked for",
                       "leave the version away, or name the GPU itself");
  }
  return version;
}

// One target: from the lowered program to its code object.
class UnitCompiler {
 public:
  UnitCompiler(const CompileUnit& unit, const CompileOptions& options, llvm::LLVMContext& context,
               BuildReport& report, CompileResult& result, Diagnostics& warnings)
      : unit_(unit),
        options_(options),
        context_(context),
        messages_(context),
        report_(report),
        result_(result),
        warnings_(warnings),
        facts_(facts_of(unit.target)),
        clock_(report) {}

  void run(const std::string& symbol_prefix, bool several, bool with_host);

 private:
  void plan();
  void link();
  void optimize_device();
  void generate(StageDump& dump);
  void read_back();
  void check_budgets(const EmittedKernel& emitted, const KernelReport& kernel,
                     Diagnostics& found) const;
  void make_host();
  void clean_before_optimization();
  void drop_dead();
  void throw_llvm_errors(const std::string& stage) const;
  const KernelImport* import_of(const std::string& kernel) const {
    for (const KernelImport& import : kernel_imports_) {
      if (import.hsaco.find(kernel)) return &import;
    }
    return nullptr;
  }

  const CompileUnit& unit_;
  const CompileOptions& options_;
  llvm::LLVMContext& context_;
  LlvmMessages messages_;
  BuildReport& report_;
  CompileResult& result_;
  Diagnostics& warnings_;
  const GpuFacts& facts_;
  std::unique_ptr<llvm::TargetMachine> machine_, host_machine_;
  std::vector<KernelImport> kernel_imports_;
  std::vector<HostPlan> plans_;
  EmittedGpu emitted_;
  DeviceLibraries libraries_;
  LinkResult linked_;
  DevicePart part_;
  StageClock clock_;
};

void UnitCompiler::throw_llvm_errors(const std::string& stage) const {
  std::vector<Diagnostic> errors;
  const std::vector<Loc>& places = emitted_.device.asm_locs;
  for (const LlvmMessage& message : messages_.all()) {
    if (message.severity != Severity::Error) continue;
    Diagnostic diagnostic;
    diagnostic.rule = "llvm";
    diagnostic.message = stage + ": " + message.text;
    if (message.asm_cookie >= kAsmCookie && message.asm_cookie - kAsmCookie < places.size()) {
      diagnostic.rule = "inline-asm";
      diagnostic.loc = places[message.asm_cookie - kAsmCookie];
      diagnostic.message = "inline assembly: " + message.text;
    } else if (std::optional<Diagnostic> of_import = asm_diagnostic(message, linked_)) {
      diagnostic = std::move(*of_import);
      if (!errors.empty() && render(errors.back()) == render(diagnostic)) continue;
    } else if (message.text.find("local memory (") != std::string::npos) {
      diagnostic.rule = "lds-limit";
      diagnostic.message =
          "with what its imports add, a kernel needs more shared memory than a "
          "workgroup can have (" +
          std::to_string(facts_.lds_bytes) + " bytes)";
      diagnostic.detail = "LLVM: " + message.text;
      diagnostic.help = "make the shared tiles smaller";
    }
    if (diagnostic.help.empty() && message.asm_cookie != 0) {
      bool lacking = message.text.find("not supported on this GPU") != std::string::npos;
      diagnostic.help =
          lacking ? "build for a GPU that has it, or import this only there: an "
                    "`implement ... for` row with that GPU or feature"
                  : "it is read as LLVM's assembler for " + unit_.target.cpu + " reads it";
    }
    errors.push_back(std::move(diagnostic));
  }
  if (!errors.empty()) throw CompileError(std::move(errors));
}

void UnitCompiler::plan() {
  Diagnostics found;
  kernel_imports_ = load_kernel_imports(unit_, *machine_, options_, found);
  found.throw_if_errors();
  std::set<std::string> ready = kernel_names(kernel_imports_);
  GpuLimits limits;
  limits.lds_bytes = facts_.lds_bytes;
  for (const Function* function : unit_.lowered.program.functions()) {
    plans_.push_back(plan_kernels(*function, ready, limits, found, warnings_));
  }
  found.throw_if_errors();
}

void UnitCompiler::link() {
  llvm::Module& module = *emitted_.device.module;
  if (const std::vector<Loc>& places = emitted_.device.asm_locs; !places.empty()) {
    Diagnostics faults;
    auto place = [&](uint64_t cookie) {
      return cookie - kAsmCookie < places.size() ? places[cookie - kAsmCookie] : Loc();
    };
    check_program_assembly(module, place, unit_.target, *machine_, faults);
    faults.throw_if_errors();
  }
  linked_ = link_imports(module, emitted_.device.calls, unit_, *machine_, options_, report_,
                         warnings_, libraries_.provider());
  throw_llvm_errors("linking imports");
  report_.device_libraries =
      libraries_.link(module, unit_.target, *machine_, options_.code_object_version);
  throw_llvm_errors("linking device libraries");
  for (const std::string& file : libraries_.files()) linked_.dependencies.push_back(file);
  Diagnostics found;
  check_instructions(module, unit_.target, linked_, found);
  found.throw_if_errors();
}

// What was inlined took generic pointers: their spaces are known now, and arrays that were passed
// by address can become registers before any other pass looks at them.
void UnitCompiler::clean_before_optimization() {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine_.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(llvm::InferAddressSpacesPass()));
  passes.run(*emitted_.device.module, modules);
}

// Functions that were inlined everywhere are no part of the code object. (The pipeline of level 0
// drops nothing.)
void UnitCompiler::drop_dead() {
  llvm::ModuleAnalysisManager modules;
  llvm::FunctionAnalysisManager functions;
  llvm::LoopAnalysisManager loops;
  llvm::CGSCCAnalysisManager components;
  llvm::PassBuilder builder(machine_.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::GlobalDCEPass().run(*emitted_.device.module, modules);
}

void UnitCompiler::optimize_device() {
  llvm::Module& module = *emitted_.device.module;
  if (options_.optimization_level > 0) clean_before_optimization();
  optimize(module, *machine_, options_.optimization_level);
  drop_dead();
  throw_llvm_errors("optimizing");
  prove_inlined(module, report_);
  part_.accesses = param_accesses(module);
}

void UnitCompiler::generate(StageDump& dump) {
  llvm::Module& module = *emitted_.device.module;
  if (wants(options_, Artifact::LlvmIr)) {
    result_.artifacts[Artifact::LlvmIr] = module_text(module);
  }
  if (wants(options_, Artifact::Bitcode)) {
    llvm::raw_string_ostream stream(result_.artifacts[Artifact::Bitcode]);
    llvm::WriteBitcodeToFile(module, stream);
  }
  if (dump.enabled() || wants(options_, Artifact::Assembly)) {
    std::string text = generate_code(*llvm::CloneModule(module), *machine_, CodeKind::Assembly);
    throw_llvm_errors("generating code");
    if (dump.enabled()) dump.assembly(text);
    if (wants(options_, Artifact::Assembly)) {
      result_.artifacts[Artifact::Assembly] = std::move(text);
    }
  }
  std::string object = generate_code(module, *machine_, CodeKind::Object);
  throw_llvm_errors("generating code");
  LinkOptions link;
  link.emulation = "elf64_amdgpu";
  link.device = true;
  part_.codes.push_back(
      link_objects({{unit_.lowered.program.name + " for " + unit_.target.spec, object}}, link));
  if (wants(options_, Artifact::Hsaco)) result_.artifacts[Artifact::Hsaco] = part_.codes[0];
}

int64_t taken(const KernelReport& kernel, Resource resource) {
  switch (resource) {
    case Resource::Vgprs:
      return kernel.vgprs;
    case Resource::Sgprs:
      return kernel.sgprs;
    case Resource::Lds:
      return kernel.lds_bytes;
    case Resource::Scratch:
      return kernel.scratch_bytes;
    case Resource::Spills:
      return kernel.vgpr_spills + kernel.sgpr_spills;
    case Resource::Occupancy:
      return kernel.occupancy;
  }
  return 0;
}

void UnitCompiler::check_budgets(const EmittedKernel& emitted, const KernelReport& kernel,
                                 Diagnostics& found) const {
  for (const Stmt& stmt : emitted.required) {
    const Requirement& requirement = stmt.as<Require>()->requirement;
    if (requirement.target && !matches(*requirement.target, unit_.target)) continue;
    for (const Budget& budget : requirement.budgets) {
      int64_t value = taken(kernel, budget.resource);
      if (budget.holds(value)) continue;
      found.error("budget", budget.loc,
                  "kernel " + kernel.name + " of " + kernel.function + " has " +
                      to_string(budget.resource) + " " + std::to_string(value) + " on " +
                      unit_.target.spec + ", but " + to_string(budget) + " is required",
                  "make the blocks smaller, or the bound wider; `inlay build --report` of a "
                  "copy without it shows all that its kernels take");
    }
  }
}

// The code object is the witness of what its kernels take.
void UnitCompiler::read_back() {
  const std::string& program = unit_.lowered.program.name;
  Hsaco own = read_hsaco(part_.codes[0], program + " for " + unit_.target.spec, Loc());
  report_.code_object_version = own.code_object_version;
  Diagnostics found;
  std::map<const KernelImport*, uint32_t> codes;
  for (const EmittedKernel& emitted : emitted_.kernels) {
    const KernelImport* import = emitted.ready ? import_of(emitted.name) : nullptr;
    const HsacoKernel* kernel = import ? import->hsaco.find(emitted.name) : own.find(emitted.name);
    INLAY_CHECK(kernel != nullptr, "a kernel that was emitted is in the code object");
    if (import) {
      check_launch(emitted, *kernel, import->source.title(), import->source.import->loc, found);
      if (codes.insert({import, uint32_t(part_.codes.size())}).second) {
        part_.codes.push_back(import->bytes);
      }
    }
    KernelReport report;
    report.name = emitted.name;
    report.function = emitted.function;
    report.loc = emitted.loc;
    report.serial = emitted.serial;
    report.ready = emitted.ready;
    int64_t items = 1;
    DeviceKernel launched;
    for (size_t d = 0; d < 3; ++d) {
      report.workgroup[d] = emitted.workgroup[d];
      launched.workgroup[d] = uint32_t(emitted.workgroup[d]);
      items *= emitted.workgroup[d];
    }
    report.vgprs = kernel->vgprs;
    report.sgprs = kernel->sgprs;
    report.agprs = kernel->agprs;
    report.lds_bytes = kernel->lds_bytes;
    report.scratch_bytes = kernel->scratch_bytes;
    report.vgpr_spills = kernel->vgpr_spills;
    report.sgpr_spills = kernel->sgpr_spills;
    report.kernarg_bytes = kernel->kernarg_size;
    report.occupancy =
        occupancy(facts_, kernel->vgprs + kernel->agprs, kernel->sgprs, kernel->lds_bytes, items);
    check_budgets(emitted, report, found);
    report_.kernels.push_back(report);

    launched.name = emitted.name;
    launched.function = emitted.function;
    launched.kernarg_size = emitted.kernarg_size;
    for (const KernelArgument& arg : emitted.args) {
      launched.args.push_back({arg.offset, arg.size, arg.pointer});
    }
    launched.lds_bytes = uint32_t(kernel->lds_bytes);
    launched.private_bytes = uint32_t(kernel->scratch_bytes);
    launched.code = import ? codes[import] : 0;
    if (!import) {
      // LLVM lays the segment out by the same rule; if not, a launch would pass wrong numbers.
      std::vector<HsacoArgument> taken;
      for (const HsacoArgument& arg : kernel->args) {
        if (!arg.hidden()) taken.push_back(arg);
      }
      INLAY_CHECK(taken.size() == emitted.args.size(), "arguments of a kernel");
      for (size_t i = 0; i < taken.size(); ++i) {
        INLAY_CHECK(
            taken[i].offset == emitted.args[i].offset && taken[i].size == emitted.args[i].size,
            "the place of a kernel's argument");
      }
    }
    part_.kernels.push_back(std::move(launched));
  }
  for (const KernelImport& import : kernel_imports_) {
    ImportReport& out = report_.imports.emplace_back();
    out.kind = import.source.import->kind;
    out.source = import.source.name;
    out.content_hash = import.content_hash;
    out.stage = "launched as it is";
    for (const Import& pragma : import.pragmas) out.pragmas.push_back(pragma->loc);
    for (const HsacoKernel& kernel : import.hsaco.kernels) out.symbols.push_back(kernel.name);
    if (!codes.count(&import)) {
      warnings_.warning("import-unused", import.source.import->loc,
                        "the program launches no kernel of " + import.source.title(),
                        "remove the import, or launch one of its kernels");
    }
  }
  found.throw_if_errors();
}

void UnitCompiler::make_host() {
  llvm::Module& module = *emitted_.host.module;
  optimize(module, *host_machine_, options_.optimization_level);
  part_.host_object = generate_code(module, *host_machine_, CodeKind::Object);
  throw_llvm_errors("generating the host's code");
  for (const EmittedFunction& function : emitted_.host.functions) {
    part_.invoke.push_back(function.invoke_name);
  }
}

void UnitCompiler::run(const std::string& symbol_prefix, bool several, bool with_host) {
  report_.target = unit_.target;
  report_.selections = report_selections(unit_.lowered);
  StageDump dump(options_, unit_, several);
  if (dump.enabled() || wants(options_, Artifact::LoweredIr)) {
    std::string text = print(unit_.lowered.program);
    if (dump.enabled()) dump.lowered(text);
    if (wants(options_, Artifact::LoweredIr)) result_.artifacts[Artifact::LoweredIr] = text;
  }
  machine_ = make_target_machine(unit_.target, options_.optimization_level);
  INLAY_CHECK(options_.host.has_value(), "who compiles for a device says what the host is");
  host_machine_ = make_target_machine(*options_.host, options_.optimization_level);
  plan();
  GpuEmitOptions emit_options;
  emit_options.symbol_prefix = symbol_prefix;
  emit_options.code_object_version = options_.code_object_version;
  emit_options.debug_info = options_.debug_info;
  emitted_ = emit_gpu(context_, unit_.lowered, plans_, unit_.target, *machine_, *options_.host,
                      *host_machine_, emit_options);
  clock_.stage("emit");
  llvm::Module& module = *emitted_.device.module;
  if (dump.enabled()) dump.emitted(module_text(module));
  link();
  clock_.stage("link imports");
  if (dump.enabled()) dump.linked(module_text(module));
  optimize_device();
  clock_.stage("optimize");
  if (dump.enabled()) dump.optimized(module_text(module));
  generate(dump);
  clock_.stage("generate code");
  read_back();
  result_.dependencies.insert(result_.dependencies.end(), linked_.dependencies.begin(),
                              linked_.dependencies.end());
  for (const KernelImport& import : kernel_imports_) {
    if (!import.source.path.empty()) result_.dependencies.push_back(import.source.path);
  }
  if (!with_host) return;
  make_host();
  clock_.stage("generate the host's code");
  part_.target = unit_.target;
  part_.target_id = target_id(unit_.target);
  part_.program = unit_.lowered.program;
  result_.device_parts.push_back(std::move(part_));
}

void Compilation::compile_unit(const CompileUnit& unit, size_t index) {
  result_.reports.emplace_back();
  contexts_.push_back(std::make_unique<llvm::LLVMContext>());
  CompileOptions options = options_;
  options.code_object_version = code_object_version(unit.target);
  UnitCompiler(unit, options, *contexts_.back(), result_.reports.back(), result_, warnings_)
      .run("inlay.g" + std::to_string(index) + ".", units_.size() > 1, wants_host());
}

}  // namespace

CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                      const CompileOptions& options) {
  return Compilation(program_name, units, options).run();
}

}  // namespace inlay::amdgpu
