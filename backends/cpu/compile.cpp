// Each unit gets an LLVMContext of its own; their objects meet at the final link. All of LLVM runs
// under guard_llvm(), so that nothing it does ends the process.
#include "backends/cpu/compile.h"

#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "backends/cpu/resolve.h"
#include "backends/llvm/assembler/assembly.h"
#include "backends/llvm/emit/emit.h"
#include "backends/llvm/guard.h"
#include "backends/llvm/link/link.h"
#include "backends/llvm/machine.h"
#include "backends/llvm/object/codegen.h"
#include "backends/llvm/object/elf.h"
#include "backends/llvm/object/libc.h"
#include "backends/llvm/object/lld.h"
#include "backends/llvm/object/table.h"
#include "backends/llvm/optimize/optimize.h"
#include "backends/llvm/prove/prove.h"
#include "backends/llvm/selection.h"
#include "backends/llvm/stages/dump.h"
#include "backends/llvm/stages/stages.h"
#include "core/text/text.h"

namespace inlay::cpu {

namespace {

// What one unit leaves for the final link.
struct CompiledUnit {
  std::string object;
  std::vector<NativeInput> native;
  std::vector<std::string> native_libc;
  std::vector<std::string> invoke;
  std::map<std::string, std::map<size_t, ParamAccess>> accesses;
};

class Compilation {
 public:
  Compilation(const std::string& program, const std::vector<CompileUnit>& units,
              const CompileOptions& options)
      : program_(program), units_(units), options_(options) {}

  CompileResult run() {
    check_variants();
    try {
      guard_llvm("compiling " + program_, Loc(), [this] { compile(); });
    } catch (const CompileError& error) {
      // What LLVM left behind can't be taken down in order.
      if (is_llvm_fatal(error)) {
        for (auto& context : contexts_) static_cast<void>(context.release());
      }
      throw;
    }
    for (const Diagnostic& warning : warnings_.all()) result_.warnings.add(warning);
    return std::move(result_);
  }

 private:
  void check_variants();
  /// Of the first unit, or what the object is for if it holds device parts alone.
  const Target& target() const;
  void compile();
  CompiledUnit compile_unit(const CompileUnit& unit, size_t index);
  void check_assembly(const EmittedModule& emitted, const Target& target,
                      llvm::TargetMachine& machine) const;
  void throw_llvm_errors(const LlvmMessages& messages, const EmittedModule& emitted,
                         const LinkResult& linked, const std::string& stage) const;
  std::vector<FunctionDescription> describe_functions() const;
  std::string link(bool relocatable);
  std::string table_object(const ObjectDescription& object, std::set<std::string> libc);

  const std::string& program_;
  const std::vector<CompileUnit>& units_;
  const CompileOptions& options_;
  CompileResult result_;
  Diagnostics warnings_;
  std::vector<std::unique_ptr<llvm::LLVMContext>> contexts_;
  std::vector<CompiledUnit> compiled_;
};

const Target& Compilation::target() const {
  return units_.empty() ? *options_.host : units_[0].target;
}

void Compilation::check_variants() {
  check_units(program_, units_, options_, [](const Target& each) { return each.spec; });
  const Target& first = target();
  std::vector<std::vector<std::string>> better;
  for (const CompileUnit& unit : units_) {
    if (unit.target.arch != first.arch) {
      throw CompileError("mixed-architectures", Loc(),
                         "targets `" + first.spec + "` and `" + unit.target.spec +
                             "` are of two architectures, which no one file can hold",
                         "build one code object for each");
    }
    std::vector<std::string> required = required_features(unit.target);
    for (size_t i = 0; i < better.size(); ++i) {
      if (!std::includes(required.begin(), required.end(), better[i].begin(), better[i].end())) {
        continue;
      }
      warnings_.warning("unreachable-variant", Loc(),
                        "variant `" + unit.target.spec +
                            "` is never chosen: every CPU that can "
                            "run it runs `" +
                            units_[i].target.spec + "`, which stands before it",
                        "name the more demanding target first");
      break;
    }
    better.push_back(std::move(required));
  }
  const Program& program =
      units_.empty() ? options_.device_parts[0].program : units_[0].lowered.program;
  for (const Function* function : program.functions()) {
    if (function->name == "code_object") {
      throw CompileError("name-clash", function->loc,
                         "a function can't be named code_object: its entry would be called "
                         "inlay_code_object, which names the code object's table",
                         "choose another name");
    }
  }
}

void Compilation::compile() {
  for (size_t i = 0; i < units_.size(); ++i) {
    result_.reports.emplace_back();
    compiled_.push_back(compile_unit(units_[i], i));
  }
  auto start = std::chrono::steady_clock::now();
  if (wants(options_, Artifact::SharedObject)) {
    result_.artifacts[Artifact::SharedObject] = link(false);
  }
  if (wants(options_, Artifact::Object)) result_.artifacts[Artifact::Object] = link(true);
  auto time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
  if (result_.reports.empty()) return;  // only device parts, which are reported elsewhere
  result_.reports[0].stage_seconds.push_back({"link code object", time.count()});
}

void Compilation::throw_llvm_errors(const LlvmMessages& messages, const EmittedModule& emitted,
                                    const LinkResult& linked, const std::string& stage) const {
  std::vector<Diagnostic> errors;
  for (const LlvmMessage& message : messages.all()) {
    if (message.severity != Severity::Error) continue;
    Diagnostic diagnostic;
    diagnostic.rule = "llvm";
    diagnostic.message = stage + ": " + message.text;
    if (message.asm_cookie >= kAsmCookie &&
        message.asm_cookie - kAsmCookie < emitted.asm_locs.size()) {
      diagnostic.rule = "inline-asm";
      diagnostic.loc = emitted.asm_locs[message.asm_cookie - kAsmCookie];
      diagnostic.message = "inline assembly: " + message.text;
    } else if (std::optional<Diagnostic> of_import = asm_diagnostic(message, linked)) {
      diagnostic = std::move(*of_import);
      // Each copy of an import's assembly is complained about.
      if (!errors.empty() && render(errors.back()) == render(diagnostic)) continue;
    }
    errors.push_back(std::move(diagnostic));
  }
  if (!errors.empty()) throw CompileError(std::move(errors));
}

// LLVM's x86 assembler takes any instruction, whatever the target has.
void Compilation::check_assembly(const EmittedModule& emitted, const Target& target,
                                 llvm::TargetMachine& machine) const {
  if (emitted.asm_locs.empty()) return;
  Diagnostics found;
  auto place = [&](uint64_t cookie) {
    uint64_t index = cookie - kAsmCookie;
    return index < emitted.asm_locs.size() ? emitted.asm_locs[index] : Loc();
  };
  check_program_assembly(*emitted.module, place, target, machine, found);
  found.throw_if_errors();
}

CompiledUnit Compilation::compile_unit(const CompileUnit& unit, size_t index) {
  BuildReport& report = result_.reports.back();
  report.target = unit.target;
  report.selections = report_selections(unit.lowered);
  StageDump dump(options_, unit, units_.size() > 1);
  if (dump.enabled() || wants(options_, Artifact::LoweredIr)) {
    std::string text = print(unit.lowered.program);
    if (dump.enabled()) dump.lowered(text);
    if (wants(options_, Artifact::LoweredIr)) result_.artifacts[Artifact::LoweredIr] = text;
  }

  StageClock clock(report);
  contexts_.push_back(std::make_unique<llvm::LLVMContext>());
  llvm::LLVMContext& context = *contexts_.back();
  std::unique_ptr<llvm::TargetMachine> machine =
      make_target_machine(unit.target, options_.optimization_level);
  EmitOptions emit_options;
  emit_options.symbol_prefix = units_.size() > 1 ? "inlay.v" + std::to_string(index) + "." : "";
  emit_options.debug_info = options_.debug_info;
  EmittedModule emitted = emit_module(context, unit.lowered, unit.target, *machine, emit_options);
  llvm::Module& module = *emitted.module;
  check_assembly(emitted, unit.target, *machine);
  LlvmMessages messages(context);
  clock.stage("emit");
  if (dump.enabled()) dump.emitted(module_text(module));

  CompiledUnit compiled;
  LinkResult linked =
      link_imports(module, emitted.calls, unit, *machine, options_, report, warnings_);
  compiled.native = std::move(linked.native);
  compiled.native_libc = std::move(linked.native_libc);
  result_.dependencies.insert(result_.dependencies.end(), linked.dependencies.begin(),
                              linked.dependencies.end());
  throw_llvm_errors(messages, emitted, linked, "linking imports");
  clock.stage("link imports");
  if (dump.enabled()) dump.linked(module_text(module));

  optimize(module, *machine, options_.optimization_level);
  throw_llvm_errors(messages, emitted, linked, "optimizing");
  prove_inlined(module, report);
  compiled.accesses = param_accesses(module);
  clock.stage("optimize");
  if (dump.enabled()) dump.optimized(module_text(module));
  if (wants(options_, Artifact::LlvmIr)) {
    result_.artifacts[Artifact::LlvmIr] = module_text(module);
  }
  if (wants(options_, Artifact::Bitcode)) {
    llvm::raw_string_ostream stream(result_.artifacts[Artifact::Bitcode]);
    llvm::WriteBitcodeToFile(module, stream);
  }

  if (dump.enabled() || wants(options_, Artifact::Assembly)) {
    std::string text = generate_code(*llvm::CloneModule(module), *machine, CodeKind::Assembly);
    throw_llvm_errors(messages, emitted, linked, "generating code");
    if (dump.enabled()) dump.assembly(text);
    if (wants(options_, Artifact::Assembly)) {
      result_.artifacts[Artifact::Assembly] = std::move(text);
    }
  }
  if (wants(options_, Artifact::SharedObject) || wants(options_, Artifact::Object)) {
    compiled.object = generate_code(module, *machine, CodeKind::Object);
    throw_llvm_errors(messages, emitted, linked, "generating code");
  }
  clock.stage("generate code");
  for (const EmittedFunction& function : emitted.functions) {
    compiled.invoke.push_back(function.invoke_name);
  }
  return compiled;
}

// The functions as the first unit has them, or the first device part; all others must have the
// same.
std::vector<FunctionDescription> Compilation::describe_functions() const {
  struct Form {
    const Target& target;
    const Program& program;
    const std::map<std::string, std::map<size_t, ParamAccess>>& accesses;
  };
  std::vector<Form> forms;
  for (size_t u = 0; u < units_.size(); ++u) {
    forms.push_back({units_[u].target, units_[u].lowered.program, compiled_[u].accesses});
  }
  for (const DevicePart& part : options_.device_parts) {
    forms.push_back({part.target, part.program, part.accesses});
  }
  std::vector<FunctionDescription> descriptions;
  for (size_t u = 0; u < forms.size(); ++u) {
    std::vector<const Function*> functions = forms[u].program.functions();
    for (size_t i = 0; i < functions.size(); ++i) {
      auto accesses = forms[u].accesses.find(functions[i]->name);
      FunctionDescription description = describe_function(
          *functions[i],
          accesses == forms[u].accesses.end() ? std::map<size_t, ParamAccess>() : accesses->second);
      if (u == 0) {
        descriptions.push_back(std::move(description));
        continue;
      }
      if (i >= descriptions.size() || !(descriptions[i] == description)) {
        throw CompileError("variant-signature", functions[i]->loc,
                           "function " + functions[i]->name + " has another signature for `" +
                               forms[u].target.spec + "` than for `" + forms[0].target.spec +
                               "`, but variants share one entry",
                           "keep what differs between targets out of the shapes of parameters");
      }
      for (size_t p = 0; p < description.params.size(); ++p) {
        descriptions[i].params[p].flags |= description.params[p].flags;
      }
    }
  }
  return descriptions;
}

// Shims may need shims: a call of memcpy that was made for a table's own code.
std::string Compilation::table_object(const ObjectDescription& object, std::set<std::string> libc) {
  Target target = baseline_target(architecture_of(this->target()));
  std::unique_ptr<llvm::TargetMachine> machine =
      make_target_machine(target, options_.optimization_level);
  for (;;) {
    contexts_.push_back(std::make_unique<llvm::LLVMContext>());
    LlvmMessages messages(*contexts_.back());
    std::unique_ptr<llvm::Module> table =
        make_table_module(*contexts_.back(), object, libc, target, *machine);
    std::string bytes = generate_code(*table, *machine, CodeKind::Object);
    messages.throw_if_errors("llvm", Loc(), "making the code object's tables");
    size_t known = libc.size();
    for (const std::string& symbol : undefined_symbols(bytes, "the tables")) {
      if (is_libc_symbol(symbol)) libc.insert(symbol);
    }
    if (libc.size() == known) return bytes;
  }
}

std::string Compilation::link(bool relocatable) {
  ObjectDescription object;
  object.program = program_;
  object.machine = architecture_of(target()).elf_machine;
  object.relocatable = relocatable;
  object.functions = describe_functions();
  std::vector<NativeInput> inputs;
  std::set<std::string> libc;
  std::set<std::string> natives;
  for (size_t i = 0; i < units_.size(); ++i) {
    const CompiledUnit& unit = compiled_[i];
    object.variants.push_back(
        {units_[i].target.spec, required_features(units_[i].target), unit.invoke});
    std::string name = program_ + " for " + units_[i].target.spec;
    for (const std::string& symbol : undefined_symbols(unit.object, name)) {
      if (is_libc_symbol(symbol)) libc.insert(symbol);
    }
    libc.insert(unit.native_libc.begin(), unit.native_libc.end());
    inputs.push_back({name, unit.object});
    for (const NativeInput& native : unit.native) {
      if (natives.insert(native.name + '\0' + native.bytes).second) inputs.push_back(native);
    }
  }
  for (const DevicePart& part : options_.device_parts) {
    std::string name = program_ + " on " + part.target_id;
    object.gpus.push_back({part.target_id, part.codes, part.kernels, part.invoke});
    for (const std::string& symbol : undefined_symbols(part.host_object, name)) {
      if (is_libc_symbol(symbol)) libc.insert(symbol);
    }
    inputs.push_back({name, part.host_object});
  }
  inputs.insert(inputs.begin(), {"the tables", table_object(object, std::move(libc))});
  LinkOptions link_options;
  link_options.emulation = architecture_of(target()).emulation;
  link_options.exports = exported_symbols(object);
  link_options.relocatable = relocatable;
  link_options.keep_symbols = options_.debug_info;
  return link_objects(inputs, link_options);
}

}  // namespace

CompileResult compile(const std::string& program_name, const std::vector<CompileUnit>& units,
                      const CompileOptions& options) {
  return Compilation(program_name, units, options).run();
}

}  // namespace inlay::cpu
