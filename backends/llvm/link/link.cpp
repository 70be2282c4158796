#include "backends/llvm/link/link.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Operator.h>
#include <llvm/Linker/IRMover.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/llvm/guard.h"
#include "backends/llvm/imports/clang_compile.h"
#include "backends/llvm/imports/load.h"
#include "backends/llvm/link/features.h"
#include "backends/llvm/link/inline.h"
#include "backends/llvm/link/resolve.h"
#include "backends/llvm/link/signature.h"

namespace inlay {

namespace {

// What an import's definition is called once it is linked: nothing else can be named so.
std::string linked_name(size_t import, const std::string& name) {
  return "inlay.import." + std::to_string(import) + "." + name;
}

class ImportLinker {
 public:
  ImportLinker(llvm::Module& module, const std::vector<ExternCall>& calls, const CompileUnit& unit,
               llvm::TargetMachine& machine, const CompileOptions& options, BuildReport& report,
               Diagnostics& warnings, const SymbolProvider& provider)
      : module_(module),
        calls_(calls),
        unit_(unit),
        machine_(machine),
        options_(options),
        report_(report),
        warnings_(warnings),
        provider_(provider) {}

  LinkResult run() {
    CompileOptions options = options_;
    options.debug_info &= module_.getNamedMetadata("llvm.dbg.cu") != nullptr;
    imports_ = load_imports(module_.getContext(), unit_, machine_, options, found_, warnings_);
    // What failed to load would be said to define nothing.
    found_.throw_if_errors();
    for (LoadedImport& import : imports_) {
      if (import.module) inline_always(*import.module, machine_);
    }
    resolution_ = resolve(imports_, calls_, provider_, found_);
    check_signatures(imports_, resolution_, calls_, found_);
    if (const llvm::Function* caller = emitted_function()) {
      check_features(imports_, resolution_, calls_, unit_.target, *caller, machine_, found_);
    }
    check_supported();
    check_module_flags();
    found_.throw_if_errors();

    report_imports();
    std::set<std::string> before = names_of_module();
    rename_declarations(module_);
    for (size_t i = 0; i < imports_.size(); ++i) {
      if (imports_[i].module && !resolution_.needed[i].empty()) move(i);
    }
    std::vector<llvm::Function*> imported = internalize();
    give_calls_places();
    fit_address_spaces();
    std::vector<InlineOutcome> outcomes =
        inline_imports(module_, imported, calls_.size(), machine_);
    report_calls(outcomes);
    found_.throw_if_errors();
    drop_unused(before);
    return result();
  }

 private:
  const llvm::Function* emitted_function() const {
    for (const llvm::Function& function : module_) {
      if (!function.isDeclaration()) return &function;
    }
    return nullptr;
  }

  // ---- checks ----

  void check_supported() {
    for (size_t i = 0; i < imports_.size(); ++i) {
      for (llvm::GlobalValue* value : resolution_.needed[i]) {
        if (!value->isThreadLocal()) continue;
        found_.error(
            "import-unsupported", imports_[i].source.import->loc,
            imports_[i].source.title() + " has thread-local data: `" + value->getName().str() + "`",
            "a code object has none; pass the memory as a parameter");
      }
    }
  }

  // Flags whose behaviour is "error" must agree in all modules that become one.
  void check_module_flags() {
    struct Seen {
      llvm::Module::ModuleFlagEntry entry;
      std::string title;
      Loc loc;
    };
    std::map<std::string, Seen> seen;
    auto check = [&](llvm::Module& module, const std::string& title, const Loc& loc) {
      llvm::SmallVector<llvm::Module::ModuleFlagEntry, 8> flags;
      module.getModuleFlagsMetadata(flags);
      for (const llvm::Module::ModuleFlagEntry& flag : flags) {
        std::string key = flag.Key->getString().str();
        auto [it, fresh] = seen.insert({key, {flag, title, loc}});
        if (fresh) continue;
        const Seen& other = it->second;
        bool strict =
            flag.Behavior == llvm::Module::Error || other.entry.Behavior == llvm::Module::Error;
        if (!strict || flag.Val == other.entry.Val) continue;
        Diagnostic& diagnostic =
            found_.error("import-module-flags", loc,
                         title + " and " + other.title + " have clashing module flags: `" + key +
                             "` is " + value_of(flag.Val) + " and " + value_of(other.entry.Val),
                         "compile both with the same options");
        if (other.loc) {
          diagnostic.notes.push_back(
              {Severity::Note, "", "the other import", other.loc, "", "", "", {}});
        }
      }
    };
    check(module_, "the emitted module", Loc());
    for (size_t i = 0; i < imports_.size(); ++i) {
      if (!imports_[i].module || resolution_.needed[i].empty()) continue;
      check(*imports_[i].module, imports_[i].source.title(), imports_[i].source.import->loc);
    }
  }

  static std::string value_of(const llvm::Metadata* metadata) {
    if (auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(metadata)) {
      return std::to_string(number->getSExtValue());
    }
    if (auto* text = llvm::dyn_cast<llvm::MDString>(metadata)) {
      return "\"" + text->getString().str() + "\"";
    }
    return "a node";
  }

  // ---- linking ----

  std::set<std::string> names_of_module() const {
    std::set<std::string> names;
    for (const llvm::GlobalValue& value : module_.global_values()) {
      names.insert(value.getName().str());
    }
    return names;
  }

  bool is_exported(const std::string& name) const { return resolution_.exported.count(name) != 0; }

  // Declarations of `module` take the names that the definitions they mean will have.
  void rename_declarations(llvm::Module& module) {
    std::vector<std::pair<llvm::GlobalValue*, std::string>> renamed;
    for (llvm::GlobalValue& value : module.global_values()) {
      std::string name = value.getName().str();
      auto winner = resolution_.winners.find(name);
      if (!value.isDeclaration() || winner == resolution_.winners.end()) continue;
      if (winner->second.value && !is_exported(name)) {
        renamed.push_back({&value, linked_name(winner->second.import, name)});
      }
    }
    for (auto& [value, name] : renamed) value->setName(name);
  }

  // A definition that lost against another module's of the same name refers to that one.
  static void turn_into_declaration(llvm::GlobalValue& value) {
    if (auto* function = llvm::dyn_cast<llvm::Function>(&value)) {
      function->deleteBody();
    } else if (auto* variable = llvm::dyn_cast<llvm::GlobalVariable>(&value)) {
      variable->setInitializer(nullptr);
      variable->setLinkage(llvm::GlobalValue::ExternalLinkage);
    } else {
      llvm::Module& module = *value.getParent();
      llvm::GlobalValue* declaration;
      if (auto* type = llvm::dyn_cast<llvm::FunctionType>(value.getValueType())) {
        declaration = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, "", module);
      } else {
        declaration = new llvm::GlobalVariable(module, value.getValueType(), false,
                                               llvm::GlobalValue::ExternalLinkage, nullptr);
      }
      declaration->takeName(&value);
      value.replaceAllUsesWith(declaration);
      value.eraseFromParent();
    }
  }

  void move(size_t index) {
    llvm::Module& source = *imports_[index].module;
    const std::set<llvm::GlobalValue*>& needed = resolution_.needed[index];
    std::vector<llvm::GlobalValue*> losers;
    for (llvm::GlobalValue& value : source.global_values()) {
      auto winner = resolution_.winners.find(value.getName().str());
      if (value.isDeclaration() || value.hasLocalLinkage() ||
          value.hasAvailableExternallyLinkage() || winner == resolution_.winners.end()) {
        continue;
      }
      if (winner->second.value != &value) losers.push_back(&value);
    }
    for (llvm::GlobalValue* value : losers) turn_into_declaration(*value);
    rename_declarations(source);
    std::vector<llvm::GlobalValue*> list;
    for (llvm::GlobalValue* value : needed) {
      if (value->isDeclaration()) continue;
      std::string name = value->getName().str();
      if (auto* function = llvm::dyn_cast<llvm::Function>(value)) {
        mark_origins(*function, name, index);
      }
      if (is_exported(name) && !value->hasLocalLinkage()) {
        exported_.insert(name);
      } else {
        if (name.empty()) name = "anonymous" + std::to_string(list.size());
        value->setName(linked_name(index, name));
        linked_.insert(value->getName().str());
      }
      value->setVisibility(llvm::GlobalValue::DefaultVisibility);
      if (value->hasAvailableExternallyLinkage()) {
        value->setLinkage(llvm::GlobalValue::InternalLinkage);
      } else if (!value->hasLocalLinkage()) {
        value->setLinkage(llvm::GlobalValue::ExternalLinkage);
      }
      list.push_back(value);
    }
    std::vector<llvm::NamedMDNode*> dropped;
    for (llvm::NamedMDNode& node : source.named_metadata()) {
      if (node.getName() != "llvm.module.flags" && node.getName() != "llvm.dbg.cu") {
        dropped.push_back(&node);
      }
    }
    for (llvm::NamedMDNode* node : dropped) source.eraseNamedMetadata(node);

    const ImportSource& from = imports_[index].source;
    LlvmMessages messages(module_.getContext());
    llvm::IRMover mover(module_);
    llvm::Error error = mover.move(
        std::move(imports_[index].module), list,
        [](llvm::GlobalValue& value, llvm::IRMover::ValueAdder add) { add(value); },
        /*IsPerformingImport=*/false);
    std::string words = error ? llvm::toString(std::move(error)) : "";
    for (const LlvmMessage& message : messages.all()) {
      if (message.severity == Severity::Error) words += (words.empty() ? "" : "; ") + message.text;
    }
    if (words.empty()) return;
    bool flags = words.find("module flag") != std::string::npos;
    throw CompileError(flags ? "import-module-flags" : "import-unsupported", from.import->loc,
                       from.title() + " can't be linked: " + words);
  }

  // What is said later about an assembly statement, or an instruction that the target lacks, names
  // its import.
  static void mark_origins(llvm::Function& function, const std::string& symbol, size_t index) {
    llvm::LLVMContext& context = function.getContext();
    llvm::Type* i64 = llvm::Type::getInt64Ty(context);
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (call && llvm::isa<llvm::IntrinsicInst>(call)) {
        auto* number = llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(i64, index));
        auto* name = llvm::MDString::get(context, symbol);
        call->setMetadata(kOriginMetadata, llvm::MDNode::get(context, {number, name}));
      }
      if (!call || !call->isInlineAsm()) continue;
      llvm::SmallVector<llvm::Metadata*, 8> places;
      auto add = [&](AsmPlace place) {
        place.import = uint32_t(index + 1);
        places.push_back(
            llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(i64, encode_asm_place(place))));
      };
      if (llvm::MDNode* node = call->getMetadata("srcloc")) {
        for (const llvm::MDOperand& operand : node->operands()) {
          auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(operand);
          add(number ? decode_asm_place(number->getZExtValue()) : AsmPlace());
        }
      }
      if (places.empty()) add(AsmPlace());
      call->setMetadata("srcloc", llvm::MDNode::get(context, places));
    }
  }

  // Nothing of an import is seen from outside, or can be taken for something else.
  std::vector<llvm::Function*> internalize() {
    std::vector<llvm::Function*> functions;
    for (llvm::GlobalValue& value : module_.global_values()) {
      std::string name = value.getName().str();
      bool exported = exported_.count(name) != 0;
      if (value.isDeclaration() || !(exported || linked_.count(name))) continue;
      value.setDSOLocal(true);
      if (exported) {
        value.setVisibility(llvm::GlobalValue::HiddenVisibility);
      } else if (!value.hasPrivateLinkage()) {
        value.setLinkage(llvm::GlobalValue::InternalLinkage);
      }
      if (auto* function = llvm::dyn_cast<llvm::Function>(&value)) functions.push_back(function);
    }
    std::vector<llvm::GlobalValue*> weak;
    for (llvm::GlobalValue& value : module_.global_values()) {
      if (value.hasExternalWeakLinkage() && value.isDeclaration()) weak.push_back(&value);
    }
    // A code object has no undefined symbols: what is only asked for is not there.
    for (llvm::GlobalValue* value : weak) {
      value->replaceAllUsesWith(llvm::Constant::getNullValue(value->getType()));
      value->eraseFromParent();
    }
    return functions;
  }

  // LLVM can't keep the debug info of inlined code whose call has no place in its caller's.
  void give_calls_places() {
    for (llvm::Function& function : module_) {
      llvm::DISubprogram* program = function.getSubprogram();
      if (!program) continue;
      for (llvm::Instruction& instruction : llvm::instructions(function)) {
        if (!instruction.getDebugLoc() && instruction.getMetadata(kExternCallMetadata)) {
          instruction.setDebugLoc(
              llvm::DILocation::get(module_.getContext(), program->getLine(), 0, program));
        }
      }
    }
  }

  // A view is passed as a generic pointer; what asks for its address space gets the pointer as it
  // was. (The signature was checked: the space is the buffer's.)
  void fit_address_spaces() {
    for (llvm::Function& function : module_) {
      for (llvm::Instruction& instruction : llvm::instructions(function)) {
        auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
        if (!call || !call->getMetadata(kExternCallMetadata)) continue;
        auto* callee = llvm::dyn_cast<llvm::Function>(call->getCalledOperand());
        if (!callee) continue;
        llvm::SmallVector<llvm::Type*, 8> types(call->getFunctionType()->params());
        for (llvm::Argument& argument : callee->args()) {
          unsigned i = argument.getArgNo();
          auto* cast = i < call->arg_size()
                           ? llvm::dyn_cast<llvm::AddrSpaceCastOperator>(call->getArgOperand(i))
                           : nullptr;
          if (!cast || argument.getType() != cast->getPointerOperand()->getType()) continue;
          call->setArgOperand(i, cast->getPointerOperand());
          types[i] = argument.getType();
        }
        call->mutateFunctionType(llvm::FunctionType::get(
            call->getFunctionType()->getReturnType(), types, call->getFunctionType()->isVarArg()));
      }
    }
  }

  // What was linked and is inlined everywhere, and the declarations that came along.
  void drop_unused(const std::set<std::string>& before) {
    std::set<llvm::GlobalValue*> reached;
    std::vector<llvm::GlobalValue*> todo;
    for (llvm::GlobalValue& value : module_.global_values()) {
      bool came = linked_.count(value.getName().str()) != 0;
      if (!came && !value.isDeclaration() && reached.insert(&value).second) todo.push_back(&value);
    }
    while (!todo.empty()) {
      llvm::GlobalValue* at = todo.back();
      todo.pop_back();
      for (llvm::GlobalValue* next : direct_references(*at)) {
        if (reached.insert(next).second) todo.push_back(next);
      }
    }
    std::vector<llvm::GlobalValue*> dead;
    for (llvm::GlobalValue& value : module_.global_values()) {
      bool came = linked_.count(value.getName().str()) != 0 ||
                  (value.isDeclaration() && !before.count(value.getName().str()));
      if (came && !reached.count(&value)) dead.push_back(&value);
    }
    for (llvm::GlobalValue* value : dead) {
      if (auto* function = llvm::dyn_cast<llvm::Function>(value)) {
        function->dropAllReferences();
      } else if (auto* variable = llvm::dyn_cast<llvm::GlobalVariable>(value)) {
        variable->setInitializer(nullptr);
      }
    }
    for (llvm::GlobalValue* value : dead) {
      value->replaceAllUsesWith(llvm::PoisonValue::get(value->getType()));
      value->eraseFromParent();
    }
  }

  // ---- the report ----

  void report_imports() {
    first_report_ = report_.imports.size();
    for (size_t i = 0; i < imports_.size(); ++i) {
      const LoadedImport& loaded = imports_[i];
      ImportReport& out = report_.imports.emplace_back();
      out.kind = loaded.source.import->kind;
      out.source = loaded.source.name;
      out.content_hash = loaded.content_hash;
      out.stage = loaded.is_native() ? "final link" : "before optimization";
      for (const Import& pragma : loaded.pragmas) out.pragmas.push_back(pragma->loc);
      out.from_cache = loaded.from_cache;
      std::set<std::string> symbols;
      for (llvm::GlobalValue* value : resolution_.needed[i]) {
        if (!value->isDeclaration() && value->hasName() && !value->hasPrivateLinkage()) {
          symbols.insert(value->getName().str());
        }
      }
      if (auto it = resolution_.needed_natives.find(i); it != resolution_.needed_natives.end()) {
        for (size_t member : it->second) {
          const std::vector<std::string>& defined = loaded.native.members[member].defined;
          symbols.insert(defined.begin(), defined.end());
        }
      }
      out.symbols.assign(symbols.begin(), symbols.end());
      out.features_needed = features_needed(loaded, resolution_.needed[i], unit_.target);
      for (const std::string& feature : out.features_needed) {
        if (unit_.target.features.count(feature)) out.features_had.push_back(feature);
      }
      if (out.symbols.empty()) {
        warnings_.warning("import-unused", loaded.source.import->loc,
                          "the program calls nothing of " + loaded.source.title(),
                          "remove the import, or call one of its functions");
      }
    }
  }

  void report_calls(const std::vector<InlineOutcome>& outcomes) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      const ExternCall& call = calls_[i];
      const Definition& definition = resolution_.winners.at(call.symbol);
      const LoadedImport& import = imports_[definition.import];
      CallReport& out = report_.calls.emplace_back();
      out.function = call.function;
      out.symbol = call.symbol;
      out.import_index = first_report_ + definition.import;
      out.loc = call.loc;
      const InlineOutcome& outcome = outcomes[i];
      if (outcome.inlined == 0 && outcome.called == 0) {
        out.verdict = InlineVerdict::Removed;
        out.reason = "dead code: nothing reaches the call";
      } else if (!definition.value) {
        out.verdict = InlineVerdict::Called;
        out.reason = std::string("machine code (") + to_string(import.source.import->kind) +
                     "): linked, never inlined";
      } else if (outcome.called == 0) {
        out.verdict = InlineVerdict::Inlined;
      } else {
        out.verdict = InlineVerdict::Called;
        out.reason = outcome.reason;
        if (!import.may_call) not_inlined(call, import, outcome);
      }
    }
  }

  void not_inlined(const ExternCall& call, const LoadedImport& import,
                   const InlineOutcome& outcome) {
    Diagnostic& diagnostic =
        found_.error("import-not-inlined", call.loc,
                     "`" + call.symbol + "`, called in " + call.function +
                         ", can't be inlined: " + outcome.reason,
                     "change the micro-kernel, or say `may_call` on its import to have it called");
    if (!outcome.llvm_words.empty()) diagnostic.detail = "LLVM: " + outcome.llvm_words;
    diagnostic.notes.push_back({Severity::Note,
                                "",
                                "`" + call.symbol + "` comes from " + import.source.title(),
                                import.source.import->loc,
                                "",
                                "",
                                "",
                                {}});
  }

  LinkResult result() {
    LinkResult result;
    for (auto& [import, members] : resolution_.needed_natives) {
      result.native.push_back(
          {imports_[import].source.name, std::move(imports_[import].native.bytes)});
    }
    for (const LoadedImport& import : imports_) {
      result.dependencies.insert(result.dependencies.end(), import.dependencies.begin(),
                                 import.dependencies.end());
    }
    for (LoadedImport& import : imports_) result.sources.push_back(std::move(import.source));
    result.native_libc.assign(resolution_.native_libc.begin(), resolution_.native_libc.end());
    return result;
  }

  llvm::Module& module_;
  const std::vector<ExternCall>& calls_;
  const CompileUnit& unit_;
  llvm::TargetMachine& machine_;
  const CompileOptions& options_;
  BuildReport& report_;
  Diagnostics& warnings_;
  const SymbolProvider& provider_;
  Diagnostics found_;
  std::vector<LoadedImport> imports_;
  Resolution resolution_;
  std::set<std::string> linked_, exported_;
  size_t first_report_ = 0;
};

}  // namespace

std::optional<Diagnostic> asm_diagnostic(const LlvmMessage& message, const LinkResult& linked) {
  AsmPlace place = decode_asm_place(message.asm_cookie);
  if (!place.valid || place.import == 0 || place.import > linked.sources.size()) {
    return std::nullopt;
  }
  const ImportSource& source = linked.sources[place.import - 1];
  Diagnostic diagnostic;
  diagnostic.severity = message.severity;
  diagnostic.rule = "import-inline-asm";
  diagnostic.loc = place.line ? source.locate(place.line, place.column) : source.import->loc;
  std::string words = message.text.substr(0, message.text.find('\n'));
  diagnostic.message = source.title() + ": inline assembly: " + words;
  if (words.size() < message.text.size()) diagnostic.detail = message.text;
  if (words.find("already defined") != std::string::npos) {
    diagnostic.help =
        "inlining and unrolling copy the assembly: name the label with %= (in LLVM IR ${:uid}), or "
        "use a numeric one (1:, jumped to by 1b)";
  }
  if (!(diagnostic.loc.file == source.import->loc.file)) {
    diagnostic.notes.push_back(
        {Severity::Note, "", "imported here", source.import->loc, "", "", "", {}});
  }
  return diagnostic;
}

LinkResult link_imports(llvm::Module& module, const std::vector<ExternCall>& calls,
                        const CompileUnit& unit, llvm::TargetMachine& machine,
                        const CompileOptions& options, BuildReport& report, Diagnostics& warnings,
                        const SymbolProvider& provider) {
  LinkResult result;
  guard_llvm("linking imports", Loc(), [&] {
    result = ImportLinker(module, calls, unit, machine, options, report, warnings, provider).run();
  });
  return result;
}

}  // namespace inlay
