#include "tools/conform/rows.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/text/text.h"

namespace inlay::conform {

namespace {

namespace fs = std::filesystem;

Import absolute(const Import& import) {
  if (import->is_inline) return import;
  return Import::path(import->kind, fs::absolute(resolved_path(import)).lexically_normal().string(),
                      "", import->flags, import->may_call, import->loc);
}

// Pragmas among the statements of a row.
class AbsoluteImports : public Mutator {
 protected:
  using Mutator::mutate_node;
  Stmt mutate_node(const ImportPragma& node, const Stmt&) override {
    return ImportPragma::make(absolute(node.import), node.loc);
  }
};

std::string instance(const std::string& name, const std::vector<int64_t>& constants) {
  return constants.empty() ? name : fmt::format("{}<{}>", name, fmt::join(constants, ", "));
}

}  // namespace

std::string buffer_type(const Buffer& buffer, const Substitution& constants) {
  auto list = [&](const std::vector<Expr>& exprs) {
    std::string text;
    for (const Expr& expr : exprs)
      text += (text.empty() ? "" : ", ") + print(simplify(substitute(expr, constants)));
    return text;
  };
  std::string text = to_string(buffer->type) + "[" + list(buffer->shape) + "]";
  if (is_strided_form(buffer)) {
    text += " strided";
  } else if (!buffer->strides.empty()) {
    text += " strides [" + list(buffer->strides) + "]";
  }
  if (buffer->alignment) text += fmt::format(" align {}", buffer->alignment);
  return text;
}

std::vector<Row> rows_of(const Program& program) {
  std::vector<Row> rows;
  for (const Item& item : program.items) {
    const Implement* implement = std::get_if<Implement>(&item);
    if (!implement) continue;
    rows.push_back({program.find_intrinsic(implement->intrinsic), implement,
                    instance(implement->intrinsic, implement->constants) + " for " +
                        to_string(implement->target)});
  }
  return rows;
}

std::string items_around(const Program& program, const Row& row) {
  Program small;
  small.name = "conform";
  std::vector<Item> behind;
  for (const Item& item : program.items) {
    if (const Import* import = std::get_if<Import>(&item)) {
      small.items.emplace_back(absolute(*import));
    } else if (const Implement* implement = std::get_if<Implement>(&item)) {
      bool rival = implement != row.implement && implement->intrinsic == row.intrinsic->name &&
                   implement->constants == row.implement->constants;
      if (rival) continue;
      Implement copy = *implement;
      for (Import& import : copy.imports) import = absolute(import);
      copy.body = AbsoluteImports().mutate(copy.body);
      behind.emplace_back(std::move(copy));
    } else if (const Function* function = std::get_if<Function>(&item)) {
      // What a function imports is there for the calls of the whole program.
      Program alone;
      alone.items.emplace_back(*function);
      for (const Import& import : all_imports(alone)) small.items.emplace_back(absolute(import));
    } else if (!std::holds_alternative<ScheduleItem>(item)) {
      behind.push_back(item);
    }
  }
  small.items.insert(small.items.end(), behind.begin(), behind.end());
  return print(small);
}

Substitution constants_of(const Row& row) {
  Substitution constants;
  for (size_t i = 0; i < row.intrinsic->constants.size(); ++i)
    constants.vars[row.intrinsic->constants[i].get()] = Expr(row.implement->constants[i]);
  return constants;
}

std::string row_program(const Program& program, const Row& row, bool often) {
  Substitution constants = constants_of(row);
  std::string params, arguments;
  for (const Param& param : row.intrinsic->params) {
    const Buffer* buffer = std::get_if<Buffer>(&param);
    std::string type =
        buffer ? buffer_type(*buffer, constants) : to_string(std::get<Var>(param).type());
    params += fmt::format("{}{}: {}", params.empty() ? "" : ", ", param_name(param), type);
    arguments += (arguments.empty() ? "" : ", ") + param_name(param);
  }
  std::string call =
      instance(row.intrinsic->name, row.implement->constants) + "(" + arguments + ")";
  std::string text =
      items_around(program, row) + fmt::format("func {}({}) {{ {} }}\n", kCallOnce, params, call);
  if (often) {
    // The empty assembly keeps repetitions from being merged into one.
    text += fmt::format(
        "func {}(conform.times: index{}{}) {{\n"
        "  for conform.time in 0..conform.times {{ asm volatile (\"\", \"~{{memory}}\") {} "
        "}}\n}}\n",
        kCallOften, params.empty() ? "" : ", ", params, call);
  }
  return text;
}

std::optional<Target> target_of(const Row& row, PluginRegistry& plugins) {
  const TargetPredicate& predicate = row.implement->target;
  if (predicate.arch == "any" && predicate.features.empty()) return plugins.resolve("native");
  std::optional<Target> best, base;
  for (const auto& backend : plugins.backends()) {
    for (const TargetInfo& info : backend->targets()) {
      std::optional<Target> target = backend->resolve_target(info.name);
      if (!target || info.name == "native") continue;
      if (predicate.arch != "any" && target->arch != predicate.arch) continue;
      target->backend = backend->name();
      auto fewer = [&](const std::optional<Target>& other) {
        return !other || target->features.size() < other->features.size();
      };
      if (fewer(base)) base = target;
      if (matches(predicate, *target) && fewer(best)) best = target;
    }
  }
  if (best || !base) return best;
  std::string spec = base->spec;
  for (const std::string& feature : predicate.features) spec += "+" + feature;
  return plugins.resolve(spec);
}

BuildOutput build_row(const std::string& text, const Target& target, PluginRegistry& plugins) {
  TemporaryFile file(".inlay");
  write_file(file.path(), text);
  Driver driver(plugins, /*cache=*/nullptr);
  BuildRequest request;
  request.input = file.path();
  request.targets = {target.spec};
  request.artifacts = {Artifact::SharedObject, Artifact::Assembly};
  return driver.build(request);
}

}  // namespace inlay::conform
