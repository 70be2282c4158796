// lower_intrinsics: for each call of an intrinsic, choose who does it and put that in its place.
//
// Formals never exist in the result: scalars are substituted or bound by `let`, buffers become
// views of the actual ones, and what the formals' shapes name (symbols, strides) becomes the
// actual's extents and strides.
#include <set>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/passes/row_match.h"

namespace inlay {

namespace {

constexpr size_t kMaxNesting = 64;

std::string instance_name(const std::string& name, const std::vector<int64_t>& constants) {
  std::string text = name;
  for (size_t i = 0; i < constants.size(); ++i) {
    text += (i ? ", " : "<") + std::to_string(constants[i]);
  }
  return constants.empty() ? text : text + ">";
}

std::string join(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// Variables that a body reads, and whether it uses a buffer at all.
struct Uses : Visitor {
  std::set<const ExprNode*> vars;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override { vars.insert(&node); }
};

// True if an expression may give another value, or do something, when evaluated again.
struct Impure : Visitor {
  bool found = false;
  using Visitor::visit_node;
  void visit_node(const Load&) override { found = true; }
  void visit_node(const CallExtern&) override { found = true; }
  void visit_node(const InlineAsm&) override { found = true; }
};

bool is_impure(const Expr& expr) {
  Impure impure;
  impure.visit(expr);
  return impure.found;
}

bool is_atom(const Expr& expr) {
  return expr.as<IntImm>() || expr.as<FloatImm>() || expr.as<VarNode>();
}

class Selector {
 public:
  Selector(const Program& program, const Target* target) : program_(program), target_(target) {}

  /// The selection for an instance; decided once, the call site noted each time.
  const Selection& select(const Intrinsic& intrinsic, const std::vector<int64_t>& constants,
                          const Loc& call_site) {
    for (Selection& known : selections) {
      if (known.intrinsic == intrinsic.name && known.constants == constants) {
        known.call_sites.push_back(call_site);
        return known;
      }
    }
    Selection selection{intrinsic.name, constants, nullptr, {}, {call_site}};
    decide(selection);
    selections.push_back(std::move(selection));
    return selections.back();
  }

  std::vector<Selection> selections;

 private:
  void decide(Selection& selection) const {
    std::vector<const Implement*> rows = program_.implements(selection.intrinsic), candidates;
    for (const Implement* row : rows) {
      if (row->constants == selection.constants) candidates.push_back(row);
    }
    if (target_) {
      auto best =
          best_row(candidates, *target_, [](const Implement* row) -> auto& { return row->target; });
      if (best) selection.row = candidates[*best];
    }
    size_t matching = 0;
    for (const Implement* row : candidates) matching += target_ && matches(row->target, *target_);
    for (const Implement* row : rows) {
      selection.decisions.push_back({row->loc, row->target, row->constants, row == selection.row,
                                     reason(*row, selection, matching)});
    }
  }

  std::string reason(const Implement& row, const Selection& selection, size_t matching) const {
    if (row.constants != selection.constants) {
      return "for " + instance_name("", row.constants) + ", called with " +
             instance_name("", selection.constants);
    }
    if (!target_) return "no target: the meaning is used";
    std::string target = target_->spec.empty() ? target_->cpu : target_->spec;
    if (row.target.arch != "any" && row.target.arch != target_->arch) {
      return "for " + row.target.arch + ", and " + target + " is " + target_->arch;
    }
    std::vector<std::string> missing = missing_features(row.target, *target_);
    if (!missing.empty()) return "needs " + join(missing, ", ") + ", which " + target + " lacks";
    if (&row == selection.row) {
      return matching == 1 ? "chosen: the only match" : "chosen: the most specific match";
    }
    const Implement& winner = *selection.row;
    std::string which = winner.loc.line ? "the row at line " + std::to_string(winner.loc.line)
                                        : "the row for " + to_string(winner.target);
    return more_specific(winner.target, row.target, *target_)
               ? "matches, but " + which + " is more specific"
               : "matches, but " + which + " is as specific and comes first";
  }

  const Program& program_;
  const Target* target_;
};

// What one call binds: the substitution for the body, and the lets that stand before it.
class Binding {
 public:
  Binding(const Intrinsic& intrinsic, const std::vector<int64_t>& constants, const CallIntrin& call,
          const Stmt& body)
      : call_(call), name_(instance_name(intrinsic.name, constants)) {
    used_.visit(body);
    for (size_t i = 0; i < constants.size(); ++i) {
      substitution.vars[intrinsic.constants[i].get()] = Expr(constants[i]);
    }
    for (size_t i = 0; i < call.args.size(); ++i) {
      if (auto* var = std::get_if<Var>(&intrinsic.params[i])) bind_scalar(*var, call.args[i]);
    }
    for (size_t i = 0; i < call.args.size(); ++i) {
      if (auto* formal = std::get_if<Buffer>(&intrinsic.params[i])) bind_view(*formal, i);
    }
    for (const Var& symbol : intrinsic.symbols()) unbound_.insert(symbol.get());
    for (auto& actual : actuals_) {
      for (size_t d = 0; d < actual.kept.size(); ++d) {
        bind_symbol(actual.formal->shape[d], actual.extent(d));
      }
    }
    for (auto& actual : actuals_) {
      for (size_t d = 0; d < actual.formal->strides.size(); ++d) {
        bind_symbol(actual.formal->strides[d], actual.stride(d));
      }
    }
    INLAY_CHECK(unbound_.empty(), "a symbol of an intrinsic has no plain appearance");
    for (auto& actual : actuals_) check_fit(actual);
  }

  Substitution substitution;
  std::vector<Stmt> lets;

 private:
  struct Actual {
    Buffer formal;
    const View* view;
    std::vector<size_t> kept;  // the view's kept dimensions

    Expr extent(size_t d) const { return view->dims[kept[d]].extent; }
    Expr stride(size_t d) const { return stride_of(view->buffer, kept[d]); }
  };

  void bind_scalar(const Var& formal, const Expr& actual) {
    INLAY_CHECK(formal.type() == actual.type(), "argument type was not verified");
    substitution.vars[formal.get()] = evaluated_once(actual, formal.name(), formal.get());
  }

  // `value` itself if it may be copied freely, else a variable that a let binds. A let that nobody
  // reads stays away unless its value does something.
  Expr evaluated_once(const Expr& value, const std::string& name, const ExprNode* formal) {
    if (is_atom(value)) return value;
    if (formal && !used_.vars.count(formal) && !is_impure(value)) return value;
    Var var(name, value.type(), value.loc());
    lets.push_back(Let::make(var, value, value.loc()));
    return var;
  }

  void bind_view(const Buffer& formal, size_t arg) {
    const View* view = call_.args[arg].as<View>();
    INLAY_CHECK(view, "a buffer parameter is given a scalar");
    // A view's place is fixed at the call, whatever the body writes.
    std::vector<ViewDim> dims = view->dims;
    bool moved = false;
    for (size_t d = 0; d < dims.size(); ++d) {
      for (Expr* part : {&dims[d].min, &dims[d].extent}) {
        if (!*part || !is_impure(*part)) continue;
        *part = evaluated_once(*part, formal.name() + ".at" + std::to_string(d), nullptr);
        moved = true;
      }
    }
    Expr fixed = moved ? View::make(view->buffer, dims, view->loc) : call_.args[arg];
    substitution.buffers[formal.get()] = fixed;
    Actual actual{formal, substitution.buffers[formal.get()].as<View>(), {}};
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d].extent) actual.kept.push_back(d);
    }
    INLAY_CHECK(formal->type == view->buffer->type, "element type was not verified");
    INLAY_CHECK(formal->rank() == actual.kept.size(), "rank was not verified");
    actuals_.push_back(std::move(actual));
  }

  void bind_symbol(const Expr& plain, const Expr& value) {
    auto* var = plain.as<VarNode>();
    if (!var || !unbound_.erase(var)) return;
    substitution.vars[var] = evaluated_once(simplify(value), var->name, var);
  }

  // nullopt: not known when compiling.
  std::optional<int64_t> difference(const Expr& expected, const Expr& found) const {
    if (is_impure(expected) || is_impure(found)) return std::nullopt;
    Expr known = simplify(expected - found);
    return as_int(known) ? std::optional(as_int(known)->value) : std::nullopt;
  }

  void check_fit(const Actual& actual) const {
    const Buffer& formal = actual.formal;
    for (size_t d = 0; d < formal->rank(); ++d) {
      Expr expected = simplify(substitute(formal->shape[d], substitution));
      check_equal(actual, d, "extent", expected, actual.extent(d));
    }
    for (size_t d = 0; d < formal->rank(); ++d) {
      // The stride of a dimension with one element is never used.
      Expr extent = simplify(substitute(formal->shape[d], substitution));
      if (as_int(extent) && as_int(extent)->value <= 1) continue;
      Expr expected = simplify(substitute(stride_of(formal, d), substitution));
      check_equal(actual, d, "stride", expected, actual.stride(d));
    }
  }

  void check_equal(const Actual& actual, size_t d, const char* what, const Expr& expected,
                   const Expr& found) const {
    std::optional<int64_t> apart = difference(expected, found);
    if (!apart || *apart == 0) return;
    Expr value = simplify(found);
    std::string has = as_int(value) ? std::to_string(as_int(value)->value)
                                    : std::to_string(-*apart) + " more than that";
    std::string wants =
        as_int(expected) ? std::to_string(as_int(expected)->value) : "what its declaration says";
    bool stride = std::string_view(what) == "stride";
    throw CompileError(
        "view-mismatch", call_.loc,
        std::string(what) + " of dimension " + std::to_string(d) + " of `" + actual.formal.name() +
            "` of `" + name_ + "` is " + has + ", expected " + wants,
        stride ? "declare `" + actual.formal.name() +
                     "` strided, or copy the block to a compact buffer first"
               : "pass a range of `" + actual.view->buffer.name() + "` with that extent");
  }

  const CallIntrin& call_;
  std::string name_;
  Uses used_;
  std::vector<Actual> actuals_;
  std::set<const ExprNode*> unbound_;
};

class Lowerer : public Mutator {
 public:
  Lowerer(const Program& program, Selector& selector) : program_(program), selector_(selector) {}

  Function lower(const Function& function) {
    Function lowered = function;
    imports_ = &lowered.imports;
    lowered.body = mutate(function.body);
    if (!lowered.body) lowered.body = Block::make({}, function.loc);
    return lowered;
  }

 protected:
  using Mutator::mutate_node;

  Stmt mutate_node(const Block& node, const Stmt& self) override {
    std::vector<Stmt> stmts;
    bool changed = false;
    for (const Stmt& stmt : node.stmts) {
      Stmt lowered = mutate(stmt);
      changed |= !lowered.same_as(stmt);
      if (lowered) stmts.push_back(std::move(lowered));
    }
    return changed ? Block::make(std::move(stmts), node.loc) : self;
  }

  // Within what is put in for a call an import would be repeated with each copy.
  Stmt mutate_node(const ImportPragma& node, const Stmt& self) override {
    if (active_.empty()) return self;
    add_import(node.import);
    return {};
  }

  Stmt mutate_node(const Evaluate& node, const Stmt& self) override {
    auto* call = node.value.as<CallIntrin>();
    return call ? lower_call(*call) : Mutator::mutate_node(node, self);
  }

 private:
  Stmt lower_call(const CallIntrin& call) {
    const Intrinsic* intrinsic = program_.find_intrinsic(call.name);
    INLAY_CHECK(intrinsic, "the program was not verified: no such intrinsic");
    INLAY_CHECK(call.constants.size() == intrinsic->constants.size() &&
                    call.args.size() == intrinsic->params.size(),
                "the program was not verified: count of arguments");
    std::vector<int64_t> constants;
    for (const Expr& constant : call.constants) {
      Expr folded = simplify(constant);
      if (!as_int(folded)) {
        throw CompileError("constant", constant.loc() ? constant.loc() : call.loc,
                           "template argument " + std::to_string(constants.size()) + " of `" +
                               call.name + "` is not known when compiling",
                           "use a number, a `param`, or arithmetic of those");
      }
      constants.push_back(as_int(folded)->value);
    }
    std::string instance = instance_name(call.name, constants);
    check_nesting(instance, call.loc);
    const Implement* row = selector_.select(*intrinsic, constants, call.loc).row;
    const Stmt& body = row ? row->body : intrinsic->body;
    if (row) {
      for (const Import& import : row->imports) add_import(import);
    }
    Binding binding(*intrinsic, constants, call, body);
    std::vector<Stmt> stmts = std::move(binding.lets);
    active_.push_back(instance);
    Stmt lowered = mutate(substitute(body, binding.substitution, true));
    active_.pop_back();
    if (auto* block = lowered.as<Block>()) {
      stmts.insert(stmts.end(), block->stmts.begin(), block->stmts.end());
    } else {
      stmts.push_back(std::move(lowered));
    }
    return Block::make(std::move(stmts), call.loc);
  }

  void check_nesting(const std::string& instance, const Loc& loc) const {
    bool repeats = std::find(active_.begin(), active_.end(), instance) != active_.end();
    if (!repeats && active_.size() < kMaxNesting) return;
    std::string chain;
    size_t first = active_.size() > 4 ? active_.size() - 4 : 0;
    for (size_t i = first; i < active_.size(); ++i) chain += "`" + active_[i] + "` -> ";
    throw CompileError("recursion", loc,
                       repeats ? "intrinsic `" + instance + "` calls itself"
                               : "intrinsics call each other more than " +
                                     std::to_string(kMaxNesting) + " levels deep",
                       "the chain of calls is " + std::string(first ? "... -> " : "") + chain +
                           "`" + instance + "`");
  }

  void add_import(const Import& import) {
    for (const Import& known : *imports_) {
      if (equal(known, import) && known->base_directory == import->base_directory) return;
    }
    imports_->push_back(import);
  }

  const Program& program_;
  Selector& selector_;
  std::vector<Import>* imports_ = nullptr;
  std::vector<std::string> active_;
};

}  // namespace

LoweredProgram lower_intrinsics(const Program& program, const Target* target) {
  LoweredProgram lowered;
  lowered.program.name = program.name;
  Selector selector(program, target);
  Lowerer lowerer(program, selector);
  for (const Item& item : program.items) {
    if (auto* function = std::get_if<Function>(&item)) {
      lowered.program.items.push_back(lowerer.lower(*function));
    } else if (std::get_if<Import>(&item)) {
      lowered.program.items.push_back(item);
    } else {
      INLAY_CHECK(!std::get_if<ProgramParam>(&item), "program parameters were not bound");
      INLAY_CHECK(!std::get_if<ScheduleItem>(&item), "schedules were neither applied nor dropped");
    }
  }
  lowered.selections = std::move(selector.selections);
  return lowered;
}

}  // namespace inlay
