#include "core/ir/program.h"

#include <set>

#include "core/ir/visitor.h"
#include "core/support/check.h"

namespace inlay {

namespace {

// Index variables in the shapes and strides of `params`, less the params and compile-time
// constants.
std::vector<Var> symbols_of(const std::vector<Param>& params) {
  struct Collector : Visitor {
    std::set<const ExprNode*> known;
    std::vector<Var> found;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override {
      if (!node.is_constant && known.insert(&node).second) found.push_back(Var(&node));
    }
  } collector;
  for (const Param& param : params) {
    if (auto* var = std::get_if<Var>(&param)) collector.known.insert(var->get());
  }
  for (const Param& param : params) {
    if (auto* buffer = std::get_if<Buffer>(&param)) {
      for (const Expr& extent : (*buffer)->shape) collector.visit(extent);
      for (const Expr& stride : (*buffer)->strides) collector.visit(stride);
    }
  }
  return collector.found;
}

template <typename T>
const T* find_named(const std::vector<Item>& items, std::string_view name) {
  for (const Item& item : items) {
    auto* found = std::get_if<T>(&item);
    if (found && found->name == name) return found;
  }
  return nullptr;
}

}  // namespace

std::string to_string(const TargetPredicate& predicate) {
  std::string text = predicate.arch;
  for (size_t i = 0; i < predicate.features.size(); ++i) {
    text += (i ? ", " : "(") + predicate.features[i];
  }
  return predicate.features.empty() ? text : text + ")";
}

const char* to_string(Tail tail) {
  switch (tail) {
    case Tail::Perfect:
      return "perfect";
    case Tail::Guard:
      return "guard";
    case Tail::Bound:
      return "bound";
    case Tail::Peel:
      return "peel";
  }
  return "";
}

const std::vector<std::string>& step_words() {
  static const std::vector<std::string> words = {
      "set",         "split",   "reorder", "fuse",     "unroll",     "vectorize", "parallel",
      "bind",        "fission", "sink",    "peel",     "specialize", "whole",     "hoist",
      "inline_call", "pack",    "stage",   "pipeline", "barrier",    "tensorize", "pragma"};
  return words;
}

const char* to_string(StepKind kind) {
  return step_words()[static_cast<size_t>(kind)].c_str();
}

const std::string& param_name(const Param& param) {
  if (auto* var = std::get_if<Var>(&param)) return var->name();
  return std::get<Buffer>(param).name();
}

std::vector<Var> Function::symbols() const {
  return symbols_of(params);
}
std::vector<Var> Intrinsic::symbols() const {
  return symbols_of(params);
}

const Function* Program::find_function(std::string_view name) const {
  return find_named<Function>(items, name);
}
const Intrinsic* Program::find_intrinsic(std::string_view name) const {
  return find_named<Intrinsic>(items, name);
}

std::vector<const Function*> Program::functions() const {
  std::vector<const Function*> found;
  for (const Item& item : items) {
    if (auto* function = std::get_if<Function>(&item)) found.push_back(function);
  }
  return found;
}

std::vector<const Implement*> Program::implements(std::string_view intrinsic) const {
  std::vector<const Implement*> found;
  for (const Item& item : items) {
    auto* row = std::get_if<Implement>(&item);
    if (row && row->intrinsic == intrinsic) found.push_back(row);
  }
  return found;
}

std::vector<const ProgramParam*> Program::params() const {
  std::vector<const ProgramParam*> found;
  for (const Item& item : items) {
    if (auto* param = std::get_if<ProgramParam>(&item)) found.push_back(param);
  }
  return found;
}

std::vector<const ScheduleItem*> Program::schedules() const {
  std::vector<const ScheduleItem*> found;
  for (const Item& item : items) {
    if (auto* schedule = std::get_if<ScheduleItem>(&item)) found.push_back(schedule);
  }
  return found;
}

std::vector<Import> all_imports(const Program& program) {
  struct Collector : Visitor {
    std::vector<Import> found;
    using Visitor::visit_node;
    void visit_node(const ImportPragma& node) override { found.push_back(node.import); }
    void take(const std::vector<Import>& imports) {
      found.insert(found.end(), imports.begin(), imports.end());
    }
  } collector;
  for (const Item& item : program.items) {
    if (auto* import = std::get_if<Import>(&item)) collector.found.push_back(*import);
    if (auto* intrinsic = std::get_if<Intrinsic>(&item)) collector.visit(intrinsic->body);
    if (auto* row = std::get_if<Implement>(&item)) {
      collector.take(row->imports);
      collector.visit(row->body);
    }
    if (auto* function = std::get_if<Function>(&item)) {
      collector.take(function->imports);
      collector.visit(function->body);
    }
    if (auto* schedule = std::get_if<ScheduleItem>(&item)) {
      for (const ScheduleStep& step : schedule->steps) {
        if (step.import) collector.found.push_back(step.import);
      }
    }
  }
  return collector.found;
}

namespace {

constexpr const char* kSpellings[] = {
#define INLAY_RESOURCE(Name, spelling) spelling,
    INLAY_RESOURCES(INLAY_RESOURCE)
#undef INLAY_RESOURCE
};

}  // namespace

const char* to_string(Resource resource) {
  return kSpellings[static_cast<int>(resource)];
}

std::optional<Resource> resource_of(std::string_view spelling) {
  for (size_t i = 0; i < std::size(kSpellings); ++i) {
    if (spelling == kSpellings[i]) return static_cast<Resource>(i);
  }
  return std::nullopt;
}

bool Budget::holds(int64_t value) const {
  switch (op) {
    case BinaryOp::Eq:
      return value == limit;
    case BinaryOp::Lt:
      return value < limit;
    case BinaryOp::Le:
      return value <= limit;
    case BinaryOp::Gt:
      return value > limit;
    case BinaryOp::Ge:
      return value >= limit;
    default:
      break;
  }
  INLAY_CHECK(false, "a budget compares");
  return false;
}

bool equal(const Requirement& a, const Requirement& b) {
  auto alike = [](const Budget& x, const Budget& y) {
    return x.resource == y.resource && x.op == y.op && x.limit == y.limit;
  };
  return std::equal(a.budgets.begin(), a.budgets.end(), b.budgets.begin(), b.budgets.end(),
                    alike) &&
         a.target.has_value() == b.target.has_value() &&
         (!a.target ||
          (a.target->arch == b.target->arch && a.target->features == b.target->features));
}

std::string to_string(const Budget& budget) {
  return std::string(to_string(budget.resource)) + " " + spelling(budget.op) + " " +
         std::to_string(budget.limit);
}

std::string to_string(const Requirement& requirement) {
  std::string text = "require ";
  for (const Budget& budget : requirement.budgets) {
    text += (&budget == &requirement.budgets[0] ? "" : ", ") + to_string(budget);
  }
  return requirement.target ? text + " for " + to_string(*requirement.target) : text;
}

}  // namespace inlay
