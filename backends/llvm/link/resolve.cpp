#include "backends/llvm/link/resolve.h"

#include <llvm/Demangle/Demangle.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <deque>
#include <functional>

namespace inlay {

namespace {

bool is_weak(const llvm::GlobalValue& value) {
  return value.hasWeakLinkage() || value.hasLinkOnceLinkage() || value.hasCommonLinkage();
}

bool is_external_definition(const llvm::GlobalValue& value) {
  return !value.isDeclaration() && !value.hasLocalLinkage() &&
         !value.hasAvailableExternallyLinkage() && !value.getName().starts_with("llvm.");
}

// A definition with all it refers to inside its module, as text in which nothing but the meaning is
// left: to compare definitions of two modules.
std::string canonical_text(llvm::GlobalValue& value) {
  std::set<const llvm::GlobalValue*> closure{&value};
  std::deque<llvm::GlobalValue*> todo{&value};
  while (!todo.empty()) {
    llvm::GlobalValue* at = todo.front();
    todo.pop_front();
    for (llvm::GlobalValue* next : direct_references(*at)) {
      if (closure.insert(next).second && !next->isDeclaration()) todo.push_back(next);
    }
  }
  llvm::ValueToValueMapTy map;
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(
      *value.getParent(), map, [&](const llvm::GlobalValue* at) { return closure.count(at) != 0; });
  llvm::StripDebugInfo(*copy);
  copy->setModuleIdentifier("");
  copy->setSourceFileName("");
  copy->setModuleInlineAsm("");
  std::vector<llvm::NamedMDNode*> named;
  for (llvm::NamedMDNode& node : copy->named_metadata()) named.push_back(&node);
  for (llvm::NamedMDNode* node : named) copy->eraseNamedMetadata(node);
  std::vector<llvm::GlobalValue*> unused;
  for (llvm::GlobalValue& global : copy->global_values()) {
    if (global.isDeclaration() && global.use_empty()) unused.push_back(&global);
  }
  for (llvm::GlobalValue* global : unused) global->eraseFromParent();
  std::map<std::string, llvm::Function*> functions;
  for (llvm::Function& function : *copy) {
    functions[function.getName().str()] = &function;
    for (llvm::Argument& argument : function.args()) argument.setName("");
    for (llvm::BasicBlock& block : function) block.setName("");
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      if (!instruction.getType()->isVoidTy()) instruction.setName("");
      instruction.dropUnknownNonDebugMetadata();
    }
  }
  for (auto& [name, function] : functions) function->removeFromParent();
  for (auto& [name, function] : functions) copy->getFunctionList().push_back(function);
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, nullptr);
  return stream.str();
}

// Something that is linked: a global of a module, or a native member.
struct Node {
  size_t import = 0;
  llvm::GlobalValue* value = nullptr;
  size_t member = 0;
  bool operator<(const Node& other) const {
    return std::tie(import, value, member) < std::tie(other.import, other.value, other.member);
  }
};

class Resolver {
 public:
  Resolver(const std::vector<LoadedImport>& imports, const std::vector<ExternCall>& calls,
           const SymbolProvider& provider, Diagnostics& found)
      : imports_(imports), calls_(calls), provider_(provider), found_(found) {
    out_.needed.resize(imports.size());
  }

  Resolution run() {
    collect_definitions();
    for (const ExternCall& call : calls_) start(call);
    while (!todo_.empty()) {
      Node node = todo_.front();
      todo_.pop_front();
      node.value ? follow_value(node) : follow_member(node);
    }
    compare_natives();
    return std::move(out_);
  }

 private:
  // A linker takes reached members whole: what two of them define is a clash, called or not.
  void compare_natives() {
    for (auto& [name, list] : definitions_) {
      for (const Definition& definition : list) {
        auto it = out_.needed_natives.find(definition.import);
        bool reached = !definition.value && it != out_.needed_natives.end() &&
                       it->second.count(definition.member) != 0;
        const Definition& winner = out_.winners.at(name);
        auto first = out_.needed_natives.find(winner.import);
        bool winner_reached =
            winner.value ? out_.exported.count(name) != 0
                         : first != out_.needed_natives.end() && first->second.count(winner.member);
        if (reached && winner_reached) compare(name, definition);
      }
    }
  }

  void collect_definitions() {
    for (size_t i = 0; i < imports_.size(); ++i) {
      if (imports_[i].module) {
        for (llvm::GlobalValue& value : imports_[i].module->global_values()) {
          if (is_external_definition(value)) {
            definitions_[value.getName().str()].push_back({i, &value, 0, is_weak(value)});
          } else if (!value.isDeclaration() && value.hasLocalLinkage()) {
            statics_[value.getName().str()] = i;
          }
        }
      }
      const std::vector<NativeMember>& members = imports_[i].native.members;
      for (size_t m = 0; m < members.size(); ++m) {
        for (const std::string& name : members[m].defined) {
          bool weak = std::count(members[m].weak.begin(), members[m].weak.end(), name) != 0;
          definitions_[name].push_back({i, nullptr, m, weak});
        }
      }
    }
    for (auto& [name, list] : definitions_) {
      const Definition* winner = &list.front();
      for (const Definition& definition : list) {
        if (!definition.weak) {
          winner = &definition;
          break;
        }
      }
      out_.winners[name] = *winner;
    }
  }

  void start(const ExternCall& call) {
    auto it = out_.winners.find(call.symbol);
    if (it == out_.winners.end()) {
      unknown(call);
      return;
    }
    for (const Definition& other : definitions_.at(call.symbol)) compare(call.symbol, other);
    reach(node_of(it->second), "call `" + call.symbol + "` in " + call.function, call.loc, {});
  }

  static Node node_of(const Definition& definition) {
    return {definition.import, definition.value, definition.member};
  }

  void unknown(const ExternCall& call) {
    if (!unknown_.insert(call.symbol).second) return;
    std::vector<std::string> names;
    std::string mangled;
    for (auto& [name, winner] : out_.winners) {
      names.push_back(name);
      std::string plain = llvm::demangle(name);
      std::string base = plain.substr(0, plain.find('('));
      size_t scope = base.rfind("::");
      if (scope != std::string::npos) base = base.substr(scope + 2);
      if (plain != name && base == call.symbol) mangled = name;
    }
    std::string help;
    if (!mangled.empty()) {
      help = title(out_.winners.at(mangled).import) + " defines `" + llvm::demangle(mangled) +
             "` (" + mangled + "): declare it extern \"C\"";
    } else if (auto it = statics_.find(call.symbol); it != statics_.end()) {
      help = "it is static in " + title(it->second) +
             "; remove `static` (in LLVM IR, `internal` "
             "or `private`)";
    } else if (imports_.empty()) {
      help = "the program has no import; add one, such as `import c \"" + call.symbol + ".c\"`";
    } else {
      for (const std::string& name : nearest_names(call.symbol, names)) {
        help += (help.empty() ? "did you mean `" : ", `") + name + "` of " +
                title(out_.winners.at(name).import);
      }
      if (help.empty()) help = "what the imports define: " + some_names(names);
    }
    found_.error("import-unknown-symbol", call.loc,
                 "no import defines `" + call.symbol + "`, called in " + call.function, help);
  }

  static std::string some_names(const std::vector<std::string>& names) {
    std::string text;
    for (size_t i = 0; i < names.size() && i < 8; ++i) text += (i ? ", `" : "`") + names[i] + "`";
    if (names.size() > 8) text += " and " + std::to_string(names.size() - 8) + " more";
    return names.empty() ? "nothing" : text;
  }

  std::string title(size_t import) const { return imports_[import].source.title(); }

  // Two strong definitions of one name must be one.
  void compare(const std::string& name, const Definition& other) {
    const Definition& winner = out_.winners.at(name);
    bool same_place = winner.import == other.import && winner.member == other.member;
    if (same_place || other.weak || !compared_.insert({name, other.import}).second) return;
    bool equal = winner.value && other.value &&
                 winner.value->getValueID() == other.value->getValueID() &&
                 !llvm::isa<llvm::GlobalAlias>(other.value) &&
                 canonical_text(*winner.value) == canonical_text(*other.value);
    if (equal) return;
    bool data = winner.value && llvm::isa<llvm::GlobalVariable>(winner.value);
    const Import& first = imports_[winner.import].source.import;
    const Import& second = imports_[other.import].source.import;
    Diagnostic& diagnostic = found_.error(
        "import-clash", second->loc,
        std::string("two imports define the ") + (data ? "global" : "function") + " `" + name +
            "` differently: " + title(winner.import) + " and " + title(other.import),
        "rename one of them, or make it static where only its own import uses it");
    diagnostic.notes.push_back(
        {Severity::Note, "", "the other import", first->loc, "", "", "", {}});
    for (const ExternCall& call : calls_) {
      if (call.symbol != name) continue;
      diagnostic.notes.push_back(
          {Severity::Note, "", "called in " + call.function, call.loc, "", "", "", {}});
      break;
    }
  }

  struct Origin {
    std::string words;  // how it reads in a chain
    Loc loc;            // of the call that started the chain
    bool has_parent = false;
    Node parent;
  };

  void reach(const Node& node, const std::string& words, const Loc& loc,
             const std::optional<Node>& parent) {
    if (origins_.count(node)) return;
    Origin origin{words, loc, parent.has_value(), parent.value_or(Node{})};
    origins_[node] = origin;
    if (node.value) {
      out_.needed[node.import].insert(node.value);
    } else {
      out_.needed_natives[node.import].insert(node.member);
    }
    todo_.push_back(node);
  }

  std::string name_of(const Node& node) const {
    std::string where = " (" + imports_[node.import].source.name + ")";
    if (node.value) return "`" + node.value->getName().str() + "`" + where;
    const std::string& member = imports_[node.import].native.members[node.member].name;
    return (member.empty() ? "an object" : "`" + member + "`") + where;
  }

  std::string chain_to(const Node& node) const {
    std::vector<std::string> links;
    Node at = node;
    for (;;) {
      const Origin& origin = origins_.at(at);
      links.push_back(name_of(at));
      if (!origin.has_parent) {
        links.push_back(origin.words);
        break;
      }
      at = origin.parent;
    }
    std::string text;
    for (auto it = links.rbegin(); it != links.rend(); ++it)
      text += (text.empty() ? "" : " -> ") + *it;
    return text;
  }

  Loc start_of(const Node& node) const {
    Node at = node;
    while (origins_.at(at).has_parent) at = origins_.at(at).parent;
    return origins_.at(at).loc;
  }

  void undefined(const Node& from, const std::string& name) {
    if (!undefined_.insert(name).second) return;
    std::vector<std::string> names;
    for (auto& [known, winner] : out_.winners) names.push_back(known);
    std::vector<std::string> near = nearest_names(name, names);
    std::string help = near.empty() ? "" : "did you mean `" + near.front() + "`? Else ";
    help += "define it in an import; " + provider_.help;
    Diagnostic& diagnostic =
        found_.error("import-undefined-symbol", imports_[from.import].source.import->loc,
                     title(from.import) + " needs `" + name + "`, which nothing defines", help);
    diagnostic.detail = chain_to(from) + " -> `" + name + "`";
    diagnostic.notes.push_back(
        {Severity::Note, "", "needed by this call", start_of(from), "", "", "", {}});
  }

  // A kernel starts a launch of its own: it takes no call and returns to nobody.
  void check_kernel(const Node& node) {
    auto* function = llvm::dyn_cast<llvm::Function>(node.value);
    if (!function || function->getCallingConv() != llvm::CallingConv::AMDGPU_KERNEL) return;
    Diagnostic& diagnostic =
        found_.error("import-calls-kernel", imports_[node.import].source.import->loc,
                     "`" + function->getName().str() + "` of " + title(node.import) +
                         " is a kernel (amdgpu_kernel), which code on the GPU can't call",
                     "make it a plain function; a whole kernel is launched when it comes as "
                     "assembly or hsaco");
    diagnostic.detail = chain_to(node);
    diagnostic.notes.push_back(
        {Severity::Note, "", "needed by this call", start_of(node), "", "", "", {}});
  }

  void follow_value(const Node& node) {
    check_kernel(node);
    for (llvm::GlobalValue* next : direct_references(*node.value)) {
      std::string name = next->getName().str();
      if (auto* function = llvm::dyn_cast<llvm::Function>(next);
          function && function->isIntrinsic()) {
        continue;
      }
      auto winner = out_.winners.find(name);
      bool local = next->hasLocalLinkage() || next->hasAvailableExternallyLinkage();
      if (local || (winner == out_.winners.end() && !next->isDeclaration())) {
        reach({node.import, next, 0}, name, {}, node);
      } else if (winner != out_.winners.end()) {
        if (is_external_definition(*next)) {
          compare(name, {node.import, next, 0, is_weak(*next)});
        }
        reach(node_of(winner->second), name, {}, node);
      } else if (next->hasExternalWeakLinkage()) {
        continue;  // null if nothing defines it: the import's own code asks
      } else if (!provider_.has(name)) {
        undefined(node, name);
      }
    }
  }

  void follow_member(const Node& node) {
    const NativeMember& member = imports_[node.import].native.members[node.member];
    for (const std::string& name : member.undefined) {
      auto winner = out_.winners.find(name);
      if (winner != out_.winners.end()) {
        if (winner->second.value) out_.exported.insert(name);
        reach(node_of(winner->second), name, {}, node);
      } else if (is_runtime_symbol(name)) {
        out_.native_libc.insert(name);
      } else if (name != "_GLOBAL_OFFSET_TABLE_") {
        undefined(node, name);
      }
    }
  }

  const std::vector<LoadedImport>& imports_;
  const std::vector<ExternCall>& calls_;
  const SymbolProvider& provider_;
  Diagnostics& found_;
  Resolution out_;
  std::map<std::string, std::vector<Definition>> definitions_;
  std::map<std::string, size_t> statics_;
  std::map<Node, Origin> origins_;
  std::deque<Node> todo_;
  std::set<std::string> unknown_, undefined_;
  std::set<std::pair<std::string, size_t>> compared_;
};

}  // namespace

std::vector<llvm::GlobalValue*> direct_references(llvm::GlobalValue& value) {
  std::vector<llvm::GlobalValue*> out;
  std::set<const llvm::Value*> seen;
  std::function<void(llvm::Value*)> visit = [&](llvm::Value* operand) {
    if (!llvm::isa<llvm::Constant>(operand) || !seen.insert(operand).second) return;
    if (auto* global = llvm::dyn_cast<llvm::GlobalValue>(operand)) {
      out.push_back(global);
      return;
    }
    for (llvm::Value* inner : llvm::cast<llvm::Constant>(operand)->operands()) visit(inner);
  };
  if (auto* function = llvm::dyn_cast<llvm::Function>(&value)) {
    for (llvm::Value* operand : function->operands()) visit(operand);
    for (llvm::Instruction& instruction : llvm::instructions(*function)) {
      for (llvm::Value* operand : instruction.operands()) visit(operand);
    }
  } else {
    for (llvm::Value* operand : value.operands()) visit(operand);
  }
  return out;
}

bool is_runtime_symbol(const std::string& name) {
  static const std::set<std::string> names = {
#define INLAY_LIBC(name, result, parameters) #name,
#include "runtime/abi/libc.def"
#undef INLAY_LIBC
  };
  return names.count(name) != 0;
}

SymbolProvider runtime_symbols() {
  return {is_runtime_symbol,
          "of libc and libm, an import may call the memory functions and the usual math functions "
          "(memcpy, expf, ...)"};
}

Resolution resolve(const std::vector<LoadedImport>& imports, const std::vector<ExternCall>& calls,
                   const SymbolProvider& provider, Diagnostics& found) {
  return Resolver(imports, calls, provider, found).run();
}

}  // namespace inlay
