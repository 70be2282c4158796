// Verifier: items, names, parameters, rows. Bodies: verify_body.cpp; calls: verify_calls.cpp.
#include "core/verify/verify.h"

#include <algorithm>
#include <set>

#include "core/text/lexer.h"
#include "core/verify/verifier.h"

namespace inlay {

namespace {

// A code object exports `inlay_<function>`, and this beside it.
constexpr std::string_view kReservedExport = "code_object";

}  // namespace

Diagnostics verify(const Program& program) {
  return Verifier(program).run();
}

Diagnostics Verifier::run() {
  check_names();
  for (const Item& item : program_.items) {
    item_.clear();
    told_.clear();
    if (auto* import = std::get_if<Import>(&item)) check_import(*import);
    if (auto* param = std::get_if<ProgramParam>(&item)) check_param(*param);
    if (auto* intrinsic = std::get_if<Intrinsic>(&item)) check_intrinsic(*intrinsic);
    if (auto* row = std::get_if<Implement>(&item)) check_implement(*row);
    if (auto* function = std::get_if<Function>(&item)) check_function(*function);
    if (auto* schedule = std::get_if<ScheduleItem>(&item)) check_schedule(*schedule);
  }
  check_duplicate_rows();
  check_schedule_order();
  check_recursion();
  return std::move(out_);
}

Diagnostic& Verifier::error(const char* rule, const Loc& loc, std::string message,
                            std::string help) {
  Diagnostic& told = out_.error(rule, loc, std::move(message), std::move(help));
  told.ir_path = path();
  return told;
}

void Verifier::check_name(const std::string& name, const char* what, const Loc& loc) {
  if (text::is_plain_name(name)) return;
  error("bad-name", loc, std::string(what) + " is called `" + name + "`, which is no identifier",
        text::is_reserved_word(name) || parse_dtype(name) ? "this word is reserved" : "");
}

void Verifier::check_type(DType type, const std::string& of, const Loc& loc) {
  if (parse_dtype(to_string(type)) == type) return;
  std::string said = to_string(type);
  error("bad-type", loc, "type `" + said + "` of " + of + " does not exist",
        "lanes are 1 to " + std::to_string(DType::kMaxLanes));
}

void Verifier::check_names() {
  std::map<std::string, Loc> items, params;
  auto once = [&](std::map<std::string, Loc>& known, const std::string& name, const Loc& loc,
                  const char* what) {
    check_name(name, what, loc);
    auto [old, fresh] = known.emplace(name, loc);
    if (fresh) return;
    Diagnostic& told =
        error("redeclared", loc, std::string(what) + " `" + name + "` has the name of another one");
    if (old->second) {
      told.notes.push_back(
          {Severity::Note, "", "first declared here", old->second, "", "", "", {}});
    }
  };
  for (const Item& item : program_.items) {
    if (auto* param = std::get_if<ProgramParam>(&item)) {
      once(params, param->var.name(), param->loc, "parameter");
    }
    if (auto* intrinsic = std::get_if<Intrinsic>(&item)) {
      once(items, intrinsic->name, intrinsic->loc, "intrinsic");
    }
    auto* function = std::get_if<Function>(&item);
    if (!function) continue;
    once(items, function->name, function->loc, "function");
    std::string_view name = function->name;
    if (name.find('.') != std::string_view::npos) {
      error("bad-name", function->loc,
            "function `" + function->name + "` is exported to C, where a name has no dot");
    }
    bool reserved = name.substr(0, kReservedExport.size()) == kReservedExport &&
                    (name.size() == kReservedExport.size() || name[kReservedExport.size()] == '_');
    if (reserved) {
      error("reserved-name", function->loc,
            "function `" + function->name + "` would be exported as `inlay_" + function->name +
                "`, which the code object's own table may be called",
            "choose another name");
    }
  }
}

void Verifier::check_import(const Import& import) {
  const ImportNode& node = *import;
  if (!node.is_inline && node.payload.empty()) {
    error("bad-import", node.loc, "the path of the import is empty");
  }
  if (!node.is_inline && node.payload.find_first_of(std::string("\n\0", 2)) != std::string::npos) {
    error("bad-import", node.loc, "the path of the import holds a newline or a NUL byte",
          "code is given inline");
  }
  if (node.is_inline && !is_text_kind(node.kind)) {
    error("bad-import", node.loc,
          "an import of kind " + std::string(to_string(node.kind)) + " can't be given inline",
          "name its file");
  }
  bool takes_flags =
      node.kind == ImportKind::C || node.kind == ImportKind::Cxx || node.kind == ImportKind::Asm;
  if (!node.flags.empty() && !takes_flags) {
    error("bad-import", node.loc,
          "flags are for Clang; an import of kind " + std::string(to_string(node.kind)) +
              " takes none");
  }
}

void Verifier::check_predicate(const TargetPredicate& predicate) {
  bool arch = predicate.arch == "any" || text::is_plain_name(predicate.arch);
  if (!arch) {
    error("bad-name", predicate.loc, "`" + predicate.arch + "` is no name of an architecture");
  }
  for (const std::string& feature : predicate.features) {
    if (text::is_feature_name(feature)) continue;
    error("bad-name", predicate.loc, "`" + feature + "` is no name of a target feature");
  }
}

void Verifier::check_param(const ProgramParam& param) {
  item_ = "param " + param.var.name();
  if (!param.var->is_constant || param.var.type() != kIndex) {
    error("bad-node", param.loc, "parameter `" + param.var.name() + "` is no compile-time index",
          "make its variable with Var::constant()");
  }
  std::set<std::pair<std::string, std::set<std::string>>> seen;
  for (const auto& [predicate, value] : param.rows) {
    check_predicate(predicate);
    if (seen.insert(predicate_key(predicate)).second) continue;
    error("duplicate-row", predicate.loc ? predicate.loc : param.loc,
          "parameter `" + param.var.name() + "` has two values for " + to_string(predicate));
  }
  define(param.var.get(), param.var.name(), param.loc, "parameter");
}

void Verifier::check_buffer(const Buffer& buffer) {
  for (const Expr& extent : buffer->shape) {
    auto value = fold(extent);
    if (!value || *value >= 0) continue;
    error("negative-extent", place_of(extent, buffer->loc),
          "extent " + std::to_string(*value) + " of buffer `" + buffer.name() + "` is negative");
  }
}

void Verifier::check_params(const std::vector<Param>& params, const std::vector<Var>& symbols,
                            bool is_function) {
  std::map<std::string, Loc> names;
  auto once = [&](const std::string& name, const Loc& loc, const char* what) {
    check_name(name, what, loc);
    auto [old, fresh] = names.emplace(name, loc);
    if (fresh) return;
    Diagnostic& told =
        error("redeclared", loc,
              std::string(what) + " `" + name + "` has the name of another parameter or symbol");
    if (old->second) {
      told.notes.push_back(
          {Severity::Note, "", "first declared here", old->second, "", "", "", {}});
    }
  };
  for (const Param& param : params) {
    auto* var = std::get_if<Var>(&param);
    if (!var) continue;
    once(var->name(), var->loc(), "parameter");
    check_type(var->type(), "`" + var->name() + "`", var->loc());
    if (var->type().lanes > 1 || (*var)->is_constant) {
      error("bad-param", var->loc(),
            "parameter `" + var->name() + "` of type " + to_string(var->type()) +
                ((*var)->is_constant ? " is a compile-time constant" : " is a vector"),
            "a parameter is a scalar or a buffer");
    }
    define(var->get(), var->name(), var->loc(), "parameter");
  }
  for (const Var& symbol : symbols) {
    once(symbol.name(), symbol.loc(), "symbol");
    // A function's symbols are named in its errors and its header, so they can't be renamed.
    for (const ProgramParam* param : program_.params()) {
      if (!is_function || param->var.name() != symbol.name() || !visible_.count(param->var.get())) {
        continue;
      }
      error("redeclared", symbol.loc(),
            "symbol `" + symbol.name() + "` has the name of a program parameter");
    }
    if (symbol.type() != kIndex) {
      error("bad-node", symbol.loc(),
            "symbol `" + symbol.name() + "` has type " + to_string(symbol.type()) +
                ", expected index");
    }
    define(symbol.get(), symbol.name(), symbol.loc(), "symbol");
  }
  for (const Param& param : params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    once(buffer->name(), (*buffer)->loc, "parameter");
    for (const Expr& extent : (*buffer)->shape) visit(extent);
    for (const Expr& stride : (*buffer)->strides) visit(stride);
    check_type((*buffer)->type, "`" + buffer->name() + "`", (*buffer)->loc);
    check_buffer(*buffer);
    if (is_function && (*buffer)->space != MemorySpace::Global) {
      error("memory-space", (*buffer)->loc,
            "parameter `" + buffer->name() + "` is in " + to_string((*buffer)->space) +
                " memory, which no caller can reach",
            "allocate it in the body, and copy");
    }
    define(buffer->get(), buffer->name(), (*buffer)->loc, "parameter");
  }
  check_plain_appearance(params, symbols);
}

void Verifier::check_plain_appearance(const std::vector<Param>& params,
                                      const std::vector<Var>& symbols) {
  std::set<const ExprNode*> plain;
  for (const Param& param : params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    for (const Expr& extent : (*buffer)->shape) plain.insert(extent.get());
    for (const Expr& stride : (*buffer)->strides) plain.insert(stride.get());
  }
  for (const Var& symbol : symbols) {
    if (plain.count(symbol.get())) continue;
    error("unbound-symbol", symbol.loc(),
          "symbol `" + symbol.name() + "` appears only inside of expressions, so no call binds it",
          "let it stand alone as an extent or stride once, or make it a parameter: " +
              symbol.name() + ": index");
  }
}

void Verifier::check_body(const Stmt& body, const Loc& loc) {
  if (body.as<Block>()) {
    visit(body);
  } else {
    error("bad-node", loc, "the body is no block");
  }
}

void Verifier::check_function(const Function& function) {
  item_ = function.name;
  Scope scope(*this);
  for (const Import& import : function.imports) check_import(import);
  size_t errors = out_.error_count();
  lanes_ = false;
  agreements_.clear();
  check_params(function.params, function.symbols(), true);
  in_function_ = true;
  check_body(function.body, function.loc);
  in_function_ = false;
  if (lanes_ && out_.error_count() == errors) check_lanes(function);
}

void Verifier::check_intrinsic(const Intrinsic& intrinsic) {
  item_ = intrinsic.name;
  Scope scope(*this);
  std::set<std::string> names;
  for (const Var& constant : intrinsic.constants) {
    check_name(constant.name(), "template parameter", constant.loc());
    if (!constant->is_constant) {
      error("bad-node", constant.loc(),
            "template parameter `" + constant.name() + "` is no compile-time constant",
            "make its variable with Var::constant()");
    }
    if (!names.insert(constant.name()).second) {
      error("redeclared", constant.loc(),
            "template parameter `" + constant.name() + "` is declared already");
    }
    define(constant.get(), constant.name(), constant.loc(), "template parameter");
  }
  check_params(intrinsic.params, intrinsic.symbols(), false);
  for (const Param& param : intrinsic.params) {
    if (!names.count(param_name(param))) continue;
    auto* var = std::get_if<Var>(&param);
    error("redeclared", var ? var->loc() : std::get<Buffer>(param)->loc,
          "parameter `" + param_name(param) + "` has the name of a template parameter");
  }
  check_body(intrinsic.body, intrinsic.loc);
}

void Verifier::check_implement(const Implement& row) {
  item_ = "implement " + row.intrinsic + " for " + to_string(row.target);
  check_predicate(row.target);
  const Intrinsic* intrinsic = program_.find_intrinsic(row.intrinsic);
  if (!intrinsic) {
    std::vector<std::string> names;
    for (const Item& item : program_.items) {
      if (auto* known = std::get_if<Intrinsic>(&item)) names.push_back(known->name);
    }
    auto near = nearest_names(row.intrinsic, names, 1);
    error("unknown-intrinsic", row.loc, "there is no intrinsic `" + row.intrinsic + "`",
          did_you_mean(near));
    return;
  }
  for (const Item& item : program_.items) {
    if (std::get_if<Intrinsic>(&item) == intrinsic) break;
    if (std::get_if<Implement>(&item) == &row) {
      error("unknown-intrinsic", row.loc,
            "this row stands before its intrinsic `" + row.intrinsic + "`");
    }
  }
  if (row.constants.size() != intrinsic->constants.size()) {
    error("bad-row", row.loc,
          "intrinsic `" + row.intrinsic + "` has " + std::to_string(intrinsic->constants.size()) +
              " template parameters, this row gives " + std::to_string(row.constants.size()));
  }
  Scope scope(*this);
  for (const Import& import : row.imports) check_import(import);
  for (const Var& constant : intrinsic->constants) make_visible(constant.get());
  for (const Var& symbol : intrinsic->symbols()) make_visible(symbol.get());
  for (const Param& param : intrinsic->params) {
    auto* var = std::get_if<Var>(&param);
    make_visible(var ? static_cast<const void*>(var->get()) : std::get<Buffer>(param).get());
  }
  check_body(row.body, row.loc);
}

void Verifier::check_duplicate_rows() {
  using Key = std::tuple<std::string, std::vector<int64_t>, std::string, std::set<std::string>>;
  std::map<Key, Loc> seen;
  for (const Item& item : program_.items) {
    auto* row = std::get_if<Implement>(&item);
    if (!row) continue;
    item_ = "implement " + row->intrinsic + " for " + to_string(row->target);
    auto [arch, features] = predicate_key(row->target);
    auto [old, fresh] = seen.emplace(Key{row->intrinsic, row->constants, arch, features}, row->loc);
    if (fresh) continue;
    Diagnostic& told = error("duplicate-row", row->loc,
                             "a second row for the same constants and target is never chosen");
    if (old->second) {
      told.notes.push_back({Severity::Note, "", "the first is here", old->second, "", "", "", {}});
    }
  }
}

// A meaning is put in the place of its call, so it can't reach itself.
void Verifier::check_recursion() {
  struct Callees : Visitor {
    std::vector<const CallIntrin*> calls;
    using Visitor::visit_node;
    void visit_node(const CallIntrin& node) override { calls.push_back(&node); }
  };
  std::map<std::string, std::set<std::string>> calls;
  std::map<std::string, Loc> where;
  for (const Item& item : program_.items) {
    auto* intrinsic = std::get_if<Intrinsic>(&item);
    if (!intrinsic) continue;
    Callees callees;
    callees.visit(intrinsic->body);
    for (const CallIntrin* call : callees.calls) calls[intrinsic->name].insert(call->name);
    where[intrinsic->name] = intrinsic->loc;
  }
  for (const auto& [name, loc] : where) {
    std::set<std::string> reached;
    std::vector<std::string> open(calls[name].begin(), calls[name].end());
    while (!open.empty()) {
      std::string next = std::move(open.back());
      open.pop_back();
      if (!reached.insert(next).second) continue;
      auto found = calls.find(next);
      if (found != calls.end()) open.insert(open.end(), found->second.begin(), found->second.end());
    }
    if (!reached.count(name)) continue;
    item_ = name;
    error("recursive-intrinsic", loc, "the meaning of intrinsic `" + name + "` calls itself",
          "a meaning is plain loops, or calls of other intrinsics");
  }
}

}  // namespace inlay
