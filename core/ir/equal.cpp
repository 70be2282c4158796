// One comparer over the nodes' fields(); definitions pair variables and buffers up.
#include "core/ir/equal.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace inlay {

namespace {

class Comparer {
 public:
  bool compare(const Expr& a, const Expr& b) {
    if (!a || !b) return !a && !b;
    if (a->kind != b->kind || a->type != b->type) return false;
    switch (a->kind) {
#define INLAY_EXPR_NODE(Kind, Node) \
  case ExprKind::Kind:              \
    return compare_nodes(static_cast<const Node&>(*a), static_cast<const Node&>(*b));
#include "core/ir/ir_nodes.def"
    }
    return false;
  }

  bool compare(const Stmt& a, const Stmt& b) {
    if (!a || !b) return !a && !b;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
#define INLAY_STMT_NODE(Kind, Node) \
  case StmtKind::Kind:              \
    return compare_nodes(static_cast<const Node&>(*a), static_cast<const Node&>(*b));
#include "core/ir/ir_nodes.def"
    }
    return false;
  }

  // A definition: from here on `a` and `b` are the same variable. Where `named`, the name is part
  // of the program's interface.
  bool define(const Var& a, const Var& b, bool named = false) {
    if (!a || !b) return !a && !b;
    if (a.type() != b.type() || a->is_constant != b->is_constant) return false;
    if (named && a.name() != b.name()) return false;
    vars_[a.get()] = b.get();
    return true;
  }

  bool define(const Buffer& a, const Buffer& b, bool named = false) {
    if (named && a.name() != b.name()) return false;
    if (a->type != b->type || a->space != b->space || a->alignment != b->alignment ||
        !compare(a->shape, b->shape) || !compare(a->strides, b->strides)) {
      return false;
    }
    buffers_[a.get()] = b.get();
    return true;
  }

  // Symbols of a shape are defined by their first appearance in a parameter.
  bool define_params(const std::vector<Param>& a, const std::vector<Param>& b,
                     const std::vector<Var>& symbols_a, const std::vector<Var>& symbols_b,
                     bool named) {
    if (a.size() != b.size() || symbols_a.size() != symbols_b.size()) return false;
    for (size_t i = 0; i < symbols_a.size(); ++i) {
      if (!define(symbols_a[i], symbols_b[i], named)) return false;
    }
    for (size_t i = 0; i < a.size(); ++i) {
      if (a[i].index() != b[i].index()) return false;
      if (auto* var = std::get_if<Var>(&a[i])) {
        if (!define(*var, std::get<Var>(b[i]), named)) return false;
      }
    }
    for (size_t i = 0; i < a.size(); ++i) {
      if (auto* buffer = std::get_if<Buffer>(&a[i])) {
        if (!define(*buffer, std::get<Buffer>(b[i]), named)) return false;
      }
    }
    return true;
  }

  bool compare(const Buffer& a, const Buffer& b) {
    auto found = buffers_.find(a.get());
    return found == buffers_.end() ? a.same_as(b) : found->second == b.get();
  }
  bool compare(const Import& a, const Import& b) { return equal(a, b); }
  bool compare(const Requirement& a, const Requirement& b) { return equal(a, b); }
  template <typename T>
  bool compare(const std::vector<T>& a, const std::vector<T>& b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      if (!compare(a[i], b[i])) return false;
    }
    return true;
  }

 private:
  bool compare(const ViewDim& a, const ViewDim& b) {
    return compare(a.min, b.min) && compare(a.extent, b.extent);
  }
  bool compare(const std::string& a, const std::string& b) { return a == b; }
  bool compare(int64_t a, int64_t b) { return a == b; }
  bool compare(bool a, bool b) { return a == b; }
  bool compare(double a, double b) {
    return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
  }
  template <typename E>
    requires std::is_enum_v<E>
  bool compare(E a, E b) {
    return a == b;
  }

  bool compare_nodes(const VarNode& a, const VarNode& b) {
    auto found = vars_.find(&a);
    return found == vars_.end() ? &a == &b : found->second == &b;
  }
  bool compare_nodes(const For& a, const For& b) {
    return a.for_kind == b.for_kind && compare(a.min, b.min) && compare(a.extent, b.extent) &&
           define(a.var, b.var) && compare(a.body, b.body);
  }
  bool compare_nodes(const Let& a, const Let& b) {
    return compare(a.value, b.value) && define(a.var, b.var);
  }
  bool compare_nodes(const Allocate& a, const Allocate& b) { return define(a.buffer, b.buffer); }
  bool compare_nodes(const Barrier&, const Barrier&) { return true; }
  template <typename Node>
  bool compare_nodes(const Node& a, const Node& b) {
    return compare_fields(a.fields(), b.fields(),
                          std::make_index_sequence<
                              std::tuple_size_v<decltype(std::declval<const Node&>().fields())>>());
  }
  template <typename Tuple, size_t... I>
  bool compare_fields(const Tuple& a, const Tuple& b, std::index_sequence<I...>) {
    return (compare(std::get<I>(a), std::get<I>(b)) && ...);
  }

  std::unordered_map<const ExprNode*, const ExprNode*> vars_;
  std::unordered_map<const BufferNode*, const BufferNode*> buffers_;
};

bool equal(const TargetPredicate& a, const TargetPredicate& b) {
  return a.arch == b.arch && a.features == b.features;
}

bool equal(const StepNumber& a, const StepNumber& b) {
  return a.name == b.name && (!a.name.empty() || a.value == b.value);
}

bool equal(const std::optional<StepNumber>& a, const std::optional<StepNumber>& b) {
  return a && b ? equal(*a, *b) : !a && !b;
}

bool equal(const ScheduleStep& a, const ScheduleStep& b) {
  auto plain = [](const ScheduleStep& step) {
    return std::tie(step.kind, step.loops, step.names, step.object, step.even, step.tail, step.edge,
                    step.padded, step.pad, step.transposed, step.after, step.space, step.write,
                    step.level, step.bound);
  };
  if (a.import ? !b.import || !equal(a.import, b.import) : bool(b.import)) return false;
  return plain(a) == plain(b) &&
         std::equal(a.numbers.begin(), a.numbers.end(), b.numbers.begin(), b.numbers.end(),
                    [](const StepNumber& x, const StepNumber& y) { return equal(x, y); }) &&
         equal(a.width, b.width) && equal(a.pitch, b.pitch) && equal(a.alignment, b.alignment);
}

bool equal_item(Comparer& comparer, const Program& in_a, const Program& in_b, const Item& a,
                const Item& b) {
  if (a.index() != b.index()) return false;
  if (auto* import = std::get_if<Import>(&a)) return equal(*import, std::get<Import>(b));
  if (auto* param = std::get_if<ProgramParam>(&a)) {
    auto& other = std::get<ProgramParam>(b);
    if (param->value != other.value || param->rows.size() != other.rows.size()) return false;
    for (size_t i = 0; i < param->rows.size(); ++i) {
      if (!equal(param->rows[i].first, other.rows[i].first)) return false;
      if (param->rows[i].second != other.rows[i].second) return false;
    }
    return comparer.define(param->var, other.var, true);
  }
  if (auto* intrinsic = std::get_if<Intrinsic>(&a)) {
    auto& other = std::get<Intrinsic>(b);
    if (intrinsic->name != other.name || intrinsic->constants.size() != other.constants.size()) {
      return false;
    }
    for (size_t i = 0; i < intrinsic->constants.size(); ++i) {
      if (!comparer.define(intrinsic->constants[i], other.constants[i])) return false;
    }
    return comparer.define_params(intrinsic->params, other.params, intrinsic->symbols(),
                                  other.symbols(), false) &&
           comparer.compare(intrinsic->body, other.body);
  }
  if (auto* row = std::get_if<Implement>(&a)) {
    auto& other = std::get<Implement>(b);
    // The row speaks in its intrinsic's parameters, which were paired up when that was compared.
    return in_a.find_intrinsic(row->intrinsic) && in_b.find_intrinsic(other.intrinsic) &&
           row->intrinsic == other.intrinsic && row->constants == other.constants &&
           equal(row->target, other.target) && comparer.compare(row->imports, other.imports) &&
           comparer.compare(row->body, other.body);
  }
  if (auto* schedule = std::get_if<ScheduleItem>(&a)) {
    auto& other = std::get<ScheduleItem>(b);
    if (schedule->function != other.function || !equal(schedule->target, other.target) ||
        schedule->params.size() != other.params.size() ||
        !comparer.compare(schedule->requirements, other.requirements) ||
        schedule->steps.size() != other.steps.size()) {
      return false;
    }
    for (size_t i = 0; i < schedule->params.size(); ++i) {
      if (!comparer.compare(schedule->params[i].value, other.params[i].value) ||
          !comparer.define(schedule->params[i].var, other.params[i].var, true)) {
        return false;
      }
    }
    for (size_t i = 0; i < schedule->steps.size(); ++i) {
      if (!equal(schedule->steps[i], other.steps[i])) return false;
    }
    if (!schedule->condition || !other.condition) return !schedule->condition && !other.condition;
    return comparer.compare(schedule->condition, other.condition);
  }
  auto& function = std::get<Function>(a);
  auto& other = std::get<Function>(b);
  return function.name == other.name &&
         comparer.define_params(function.params, other.params, function.symbols(), other.symbols(),
                                true) &&
         comparer.compare(function.imports, other.imports) &&
         comparer.compare(function.body, other.body);
}

}  // namespace

bool equal(const Expr& a, const Expr& b) {
  return Comparer().compare(a, b);
}
bool equal(const Stmt& a, const Stmt& b) {
  return Comparer().compare(a, b);
}

bool equal(const Program& a, const Program& b) {
  if (a.items.size() != b.items.size()) return false;
  Comparer comparer;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!equal_item(comparer, a, b, a.items[i], b.items[i])) return false;
  }
  return true;
}

}  // namespace inlay
