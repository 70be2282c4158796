#include "core/schedule/rewrite.h"

#include <algorithm>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/text/text.h"

namespace inlay {

const std::vector<Stmt>& body_of(const For& loop) {
  return loop.body.as<Block>()->stmts;
}

Stmt with_body(const For& loop, std::vector<Stmt> body) {
  return For::make(loop.for_kind, loop.var, loop.min, loop.extent, Block::make(std::move(body)),
                   loop.loc);
}

// --- finding ---

std::vector<Site> all_loops(const Stmt& root) {
  struct Walker : Visitor {
    std::vector<Site> found;
    std::vector<Scope> scopes;
    Stmt current;
    using Visitor::visit_node;
    void visit_node(const Block& node) override {
      size_t depth = scopes.size();
      for (const Stmt& stmt : node.stmts) {
        current = stmt;
        visit(stmt);
        if (stmt.as<Let>() || stmt.as<Allocate>() || stmt.as<Assert>()) {
          scopes.push_back({stmt, true});
        }
      }
      scopes.resize(depth);
    }
    void visit_node(const For& node) override {
      Stmt self = current;
      found.push_back({self, scopes});
      within({self, true}, node.body);
    }
    void visit_node(const If& node) override {
      Stmt self = current;
      within({self, true}, node.then_body);
      within({self, false}, node.else_body);
    }
    void within(Scope scope, const Stmt& body) {
      scopes.push_back(std::move(scope));
      visit(body);
      scopes.pop_back();
    }
  } walker;
  walker.current = root;
  walker.visit(root);
  return std::move(walker.found);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + names[i];
  return text;
}

std::string place_of(const Loc& loc) {
  return loc && loc.line ? " (line " + std::to_string(loc.line) + ")" : "";
}

std::string path_of(const Function& function, const Site& site) {
  std::string path = function.name;
  for (const Scope& scope : site.scopes) {
    if (auto* loop = scope.stmt.as<For>()) path += "/for " + loop->var.name();
    if (scope.stmt.as<If>()) path += scope.truth ? "/if" : "/else";
  }
  if (auto* loop = site.self.as<For>()) path += "/for " + loop->var.name();
  return path;
}

Site find_loop(const Function& function, const std::string& wanted) {
  std::string name = wanted;
  size_t number = 0;
  if (size_t mark = wanted.find('#'); mark != std::string::npos) {
    name = wanted.substr(0, mark);
    for (size_t i = mark + 1; i < wanted.size() && number < 1000000; ++i) {
      if (wanted[i] < '0' || wanted[i] > '9') {
        number = 0;
        break;
      }
      number = number * 10 + static_cast<size_t>(wanted[i] - '0');
    }
  }
  std::vector<Site> loops = all_loops(function.body), named;
  std::vector<std::string> names;
  for (Site& site : loops) {
    if (std::find(names.begin(), names.end(), site.name()) == names.end()) {
      names.push_back(site.name());
    }
    if (site.name() == name) named.push_back(std::move(site));
  }
  if (number > 0 && number <= named.size()) return named[number - 1];
  if (named.size() == 1 && name == wanted) return named[0];
  if (named.empty() || number > named.size() || name != wanted) {
    std::string help;
    auto nearest = nearest_names(name, names);
    if (named.empty() && !nearest.empty()) {
      help = "did you mean `" + nearest[0] + "`?";
    } else {
      help = "the loops are: ";
      for (size_t i = 0; i < names.size() && i < 20; ++i) help += (i ? ", " : "") + names[i];
      if (names.empty()) help = "the function has no loops";
    }
    throw CompileError("unknown-loop", function.loc,
                       "function `" + function.name + "` has no loop `" + wanted + "`", help);
  }
  Diagnostic diagnostic{Severity::Error,
                        "ambiguous-loop",
                        "function `" + function.name + "` has " + std::to_string(named.size()) +
                            " loops called `" + name + "`",
                        function.loc,
                        "",
                        "say which: `" + name + "#1` is the first in the text",
                        "",
                        {}};
  for (size_t i = 0; i < named.size(); ++i) {
    diagnostic.notes.push_back({Severity::Note,
                                "",
                                "`" + name + "#" + std::to_string(i + 1) + "`",
                                named[i].self.loc(),
                                path_of(function, named[i]),
                                "",
                                "",
                                {}});
  }
  throw CompileError(std::vector<Diagnostic>{std::move(diagnostic)});
}

void enter_scope(Context& context, const Scope& scope) {
  if (auto* loop = scope.stmt.as<For>()) {
    context.enter(*loop);
  } else if (auto* branch = scope.stmt.as<If>()) {
    context.assume(branch->condition, scope.truth);
  } else if (auto* let = scope.stmt.as<Let>()) {
    context.enter_named(*let);
  } else if (auto* allocate = scope.stmt.as<Allocate>()) {
    context.enter(*allocate);
  } else if (auto* assertion = scope.stmt.as<Assert>()) {
    context.assume(assertion->condition);
  }
}

Context context_at(const Function& function, const Site& site) {
  Context context(function);
  for (const Scope& scope : site.scopes) enter_scope(context, scope);
  return context;
}

// --- replacing ---

Stmt replace(const Stmt& root,
             const std::unordered_map<const StmtNode*, std::vector<Stmt>>& changes) {
  struct Replacer : Mutator {
    const std::unordered_map<const StmtNode*, std::vector<Stmt>>* changes = nullptr;
    using Mutator::mutate_node;
    Stmt mutate_node(const Block& node, const Stmt& self) override {
      std::vector<Stmt> stmts;
      bool changed = false;
      for (const Stmt& stmt : node.stmts) {
        auto found = changes->find(stmt.get());
        if (found != changes->end()) {
          stmts.insert(stmts.end(), found->second.begin(), found->second.end());
          changed = true;
        } else {
          stmts.push_back(mutate(stmt));
          changed |= !stmts.back().same_as(stmt);
        }
      }
      return changed ? Block::make(std::move(stmts), node.loc) : self;
    }
  } replacer;
  replacer.changes = &changes;
  return replacer.mutate(root);
}

Stmt unshare(const Stmt& stmt) {
  struct Cloner : Mutator {
    using Mutator::mutate_node;
    Stmt mutate_node(const Block& node, const Stmt&) override {
      std::vector<Stmt> stmts;
      for (const Stmt& each : node.stmts) stmts.push_back(mutate(each));
      return Block::make(std::move(stmts), node.loc);
    }
    Stmt mutate_node(const For& node, const Stmt&) override {
      return For::make(node.for_kind, node.var, node.min, node.extent, mutate(node.body), node.loc);
    }
    Stmt mutate_node(const If& node, const Stmt&) override {
      Stmt then_body = mutate(node.then_body), else_body = mutate(node.else_body);
      return If::make(node.condition, then_body, else_body, node.loc);
    }
    Stmt mutate_node(const Store& node, const Stmt&) override {
      return Store::make(node.buffer, node.indices, node.value, node.loc);
    }
    Stmt mutate_node(const Allocate& node, const Stmt&) override {
      return Allocate::make(node.buffer, node.loc);
    }
    Stmt mutate_node(const Let& node, const Stmt&) override {
      return Let::make(node.var, node.value, node.loc);
    }
    Stmt mutate_node(const Assert& node, const Stmt&) override {
      return Assert::make(node.condition, node.message, node.loc);
    }
    Stmt mutate_node(const Evaluate& node, const Stmt&) override {
      return Evaluate::make(node.value, node.loc);
    }
    Stmt mutate_node(const Barrier& node, const Stmt&) override { return Barrier::make(node.loc); }
    Stmt mutate_node(const ImportPragma& node, const Stmt&) override {
      return ImportPragma::make(node.import, node.loc);
    }
    Stmt mutate_node(const UnrollPragma& node, const Stmt&) override {
      return UnrollPragma::make(node.count, node.loc);
    }
    Stmt mutate_node(const Require& node, const Stmt&) override {
      return Require::make(node.requirement);
    }
    Stmt mutate_node(const Prefetch& node, const Stmt&) override {
      return Prefetch::make(node.buffer, node.indices, node.write, node.level, node.loc);
    }
  } cloner;
  return cloner.mutate(stmt);
}

Stmt copy_with_suffix(const Stmt& stmt, const std::string& suffix) {
  // substitute() makes definitions afresh under their names; then loops get theirs, and their uses.
  struct Renamer : Mutator {
    std::string suffix;
    Substitution renamed;
    using Mutator::mutate_node;
    Stmt mutate_node(const For& node, const Stmt&) override {
      Var var(node.var.name() + suffix, kIndex, node.var.loc());
      renamed.vars[node.var.get()] = var;
      return For::make(node.for_kind, var, node.min, node.extent, mutate(node.body), node.loc);
    }
  } renamer;
  renamer.suffix = suffix;
  Stmt copy = renamer.mutate(unshare(substitute(stmt, Substitution{}, true)));
  return substitute(copy, renamer.renamed);
}

bool uses_any(const Expr& expr, const std::set<const ExprNode*>& vars) {
  struct Finder : Visitor {
    const std::set<const ExprNode*>* vars = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override { found |= vars->count(&node) != 0; }
  } finder;
  finder.vars = &vars;
  finder.visit(expr);
  return finder.found;
}

std::set<const ExprNode*> defined_vars(const Stmt& stmt) {
  struct Finder : Visitor {
    std::set<const ExprNode*> found;
    using Visitor::visit_node;
    void visit_node(const For& node) override {
      found.insert(node.var.get());
      Visitor::visit_node(node);
    }
    void visit_node(const Let& node) override { found.insert(node.var.get()); }
  } finder;
  finder.visit(stmt);
  return std::move(finder.found);
}

// --- simplifying ---

namespace {

class ContextSimplifier : public Mutator {
 public:
  explicit ContextSimplifier(Context context) : context_(std::move(context)) {}

  using Mutator::mutate;

 protected:
  using Mutator::mutate_node;

  Expr mutate_node(const Binary& node, const Expr& self) override {
    Expr expr = Mutator::mutate_node(node, self);
    auto* binary = expr.as<Binary>();
    if (binary->op == BinaryOp::And || binary->op == BinaryOp::Or) {
      int64_t neutral = binary->op == BinaryOp::And;
      for (const auto& [side, other] : {std::pair{binary->a, binary->b}, {binary->b, binary->a}}) {
        if (auto* known = as_int(side)) return known->value == neutral ? other : side;
      }
      return expr;
    }
    if (binary->a.type() != kIndex) return expr;
    switch (binary->op) {
      case BinaryOp::Min:
      case BinaryOp::Max: {
        Poly difference = context_.poly(binary->b) - context_.poly(binary->a);
        bool is_min = binary->op == BinaryOp::Min;
        if (context_.proves_nonnegative(difference)) return is_min ? binary->a : binary->b;
        if (context_.proves_nonnegative(-difference)) return is_min ? binary->b : binary->a;
        return expr;
      }
      case BinaryOp::Eq:
      case BinaryOp::Ne:
      case BinaryOp::Lt:
      case BinaryOp::Le:
      case BinaryOp::Gt:
      case BinaryOp::Ge:
        if (context_.proves(expr, true)) return IntImm::make(kBool, 1);
        if (context_.proves(expr, false)) return IntImm::make(kBool, 0);
        return expr;
      case BinaryOp::FloorDiv:
      case BinaryOp::FloorMod: {
        // (b * q + r) / b is q, if r is known to be less than b.
        Poly a = context_.poly(binary->a), b = context_.poly(binary->b);
        Poly quotient = context_.atoms().floor_div(a, b);
        bool decided = quotient.is_constant();
        for (AtomId id : quotient.atoms()) {
          const Atoms::Atom& atom = context_.atoms()[id];
          if (atom.kind != AtomKind::FloorDiv || !context_.proves_nonnegative(atom.a)) continue;
          if (!context_.proves_positive(atom.b - atom.a)) continue;
          quotient = quotient.with(id, Poly(0));
          decided = true;
        }
        if (!decided) return expr;
        bool is_quotient = binary->op == BinaryOp::FloorDiv;
        return context_.expr(is_quotient ? quotient : a - b * quotient);
      }
      default:
        return expr;
    }
  }

  Expr mutate_node(const Select& node, const Expr& self) override {
    Expr condition = mutate(node.condition);
    if (auto* known = as_int(condition)) return mutate(known->value ? node.a : node.b);
    Context outer = context_;
    context_.assume(condition, true);
    Expr a = mutate(node.a);
    context_ = outer;
    context_.assume(condition, false);
    Expr b = mutate(node.b);
    context_ = outer;
    if (condition.same_as(node.condition) && a.same_as(node.a) && b.same_as(node.b)) return self;
    return Select::make(condition, a, b, node.loc);
  }

  Stmt mutate_node(const Block& node, const Stmt& self) override {
    Context outer = context_;
    std::vector<Stmt> stmts;
    bool changed = false;
    for (const Stmt& stmt : node.stmts) {
      Stmt mutated = mutate(stmt);
      auto* block = mutated.as<Block>();
      bool plain =
          block && std::none_of(block->stmts.begin(), block->stmts.end(), [](const Stmt& inner) {
            return inner.as<Let>() || inner.as<Allocate>();
          });
      if (plain) {
        stmts.insert(stmts.end(), block->stmts.begin(), block->stmts.end());
        changed = true;
        continue;
      }
      changed |= !mutated.same_as(stmt);
      if (auto* let = mutated.as<Let>()) context_.enter_named(*let);
      if (auto* allocate = mutated.as<Allocate>()) context_.enter(*allocate);
      if (auto* assertion = mutated.as<Assert>()) context_.assume(assertion->condition);
      stmts.push_back(std::move(mutated));
    }
    context_ = outer;
    return changed ? Block::make(std::move(stmts), node.loc) : self;
  }

  Stmt mutate_node(const For& node, const Stmt& self) override {
    Expr min = mutate(node.min), extent = mutate(node.extent);
    Poly count = context_.poly(extent);
    if (context_.proves_nonnegative(-count)) return Block::make({});
    if (!extent.same_as(node.extent)) extent = tidy(context_, extent);
    Context outer = context_;
    context_.enter(node);
    Stmt body = mutate(node.body);
    context_ = outer;
    if (is_empty(body)) return Block::make({});
    if (min.same_as(node.min) && extent.same_as(node.extent) && body.same_as(node.body)) {
      return self;
    }
    return For::make(node.for_kind, node.var, min, extent, body, node.loc);
  }

  Stmt mutate_node(const If& node, const Stmt& self) override {
    Expr condition = mutate(node.condition);
    if (auto* known = as_int(condition)) {
      if (known->value) return mutate(node.then_body);
      return node.else_body ? mutate(node.else_body) : Block::make({});
    }
    Context outer = context_;
    context_.assume(condition, true);
    Stmt then_body = mutate(node.then_body);
    context_ = outer;
    context_.assume(condition, false);
    Stmt else_body = mutate(node.else_body);
    context_ = outer;
    if (else_body && is_empty(else_body)) else_body = {};
    if (is_empty(then_body) && !else_body) return Block::make({});
    if (condition.same_as(node.condition) && then_body.same_as(node.then_body) &&
        else_body.same_as(node.else_body)) {
      return self;
    }
    return If::make(condition, then_body, else_body, node.loc);
  }

 private:
  static bool is_empty(const Stmt& stmt) {
    auto* block = stmt.as<Block>();
    return block && block->stmts.empty();
  }

  Context context_;
};

size_t node_count(const Expr& expr) {
  struct Counter : Visitor {
    size_t count = 0;
    using Visitor::visit_node;
    void visit_node(const Binary& node) override {
      ++count;
      visit(node.a);
      visit(node.b);
    }
    void visit_node(const VarNode&) override { ++count; }
    void visit_node(const IntImm&) override { ++count; }
  } counter;
  counter.visit(expr);
  return counter.count;
}

}  // namespace

Stmt simplify_in(const Context& context, const Stmt& stmt) {
  return ContextSimplifier(context).mutate(stmt);
}

Expr simplify_in(const Context& context, const Expr& expr) {
  return tidy(context, ContextSimplifier(context).mutate(expr));
}

Expr tidy(const Context& context, const Expr& expr) {
  if (expr.type() != kIndex) return expr;
  if (!is_pure(expr)) return expr;
  Expr normal = context.expr(context.poly(expr));
  return node_count(normal) < node_count(expr) ? normal : expr;
}

Stmt inline_pure_lets(const Stmt& stmt) {
  struct Inliner : Mutator {
    std::unordered_map<const ExprNode*, Expr> values;
    using Mutator::mutate_node;
    Expr mutate_node(const VarNode& node, const Expr& self) override {
      auto found = values.find(&node);
      return found == values.end() ? self : found->second;
    }
    Stmt mutate_node(const Block& node, const Stmt& self) override {
      std::vector<Stmt> stmts;
      bool changed = false;
      for (const Stmt& stmt : node.stmts) {
        Stmt mutated = mutate(stmt);
        auto* let = mutated.as<Let>();
        if (let && is_pure(let->value)) {
          values[let->var.get()] = let->value;
          changed = true;
          continue;
        }
        changed |= !mutated.same_as(stmt);
        stmts.push_back(std::move(mutated));
      }
      return changed ? Block::make(std::move(stmts), node.loc) : self;
    }
  } inliner;
  return inliner.mutate(stmt);
}

Stmt hoist_guards(const Stmt& stmt, size_t depth) {
  struct Hoister : Mutator {
    size_t depth = 0;
    using Mutator::mutate_node;
    Stmt mutate_node(const For& node, const Stmt& self) override {
      if (depth == 0) return self;
      --depth;
      Stmt body = mutate(node.body);
      ++depth;
      auto& stmts = body.as<Block>()->stmts;
      auto* branch = stmts.size() == 1 ? stmts[0].as<If>() : nullptr;
      if (branch && !branch->else_body && is_pure(branch->condition) &&
          !uses_any(branch->condition, {node.var.get()}) && !divides(branch->condition)) {
        Stmt loop =
            For::make(node.for_kind, node.var, node.min, node.extent, branch->then_body, node.loc);
        return If::make(branch->condition, loop, {}, branch->loc);
      }
      if (body.same_as(node.body)) return self;
      return For::make(node.for_kind, node.var, node.min, node.extent, body, node.loc);
    }
    // The condition is then evaluated where the loop is empty too.
    static bool divides(const Expr& expr) {
      struct Finder : Visitor {
        bool found = false;
        using Visitor::visit_node;
        void visit_node(const Binary& node) override {
          bool division = node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod;
          found |= division && (!as_int(node.b) || is_const(node.b, 0));
          Visitor::visit_node(node);
        }
      } finder;
      finder.visit(expr);
      return finder.found;
    }
  } hoister;
  hoister.depth = depth;
  return hoister.mutate(stmt);
}

bool is_hint(const Stmt& stmt) {
  return stmt.as<ImportPragma>() || stmt.as<UnrollPragma>() || stmt.as<Prefetch>() ||
         stmt.as<Require>();
}

bool is_pure(const Expr& expr) {
  struct Finder : Visitor {
    bool pure = true;
    using Visitor::visit_node;
    void visit_node(const Load&) override { pure = false; }
    void visit_node(const CallExtern&) override { pure = false; }
    void visit_node(const InlineAsm&) override { pure = false; }
  } finder;
  finder.visit(expr);
  return finder.pure;
}

bool may_fail(const Context& context, const Expr& expr) {
  if (!is_pure(expr)) return true;
  struct Finder : Visitor {
    Context context;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Binary& node) override {
      if (node.op == BinaryOp::And || node.op == BinaryOp::Or) {
        // The second operand is evaluated only if the first leaves the answer open.
        visit(node.a);
        Context outer = context;
        context.assume(node.a, node.op == BinaryOp::And);
        visit(node.b);
        context = outer;
        return;
      }
      bool divides = node.op == BinaryOp::FloorDiv || node.op == BinaryOp::FloorMod;
      bool shifts = node.op == BinaryOp::Shl || node.op == BinaryOp::Shr;
      if (auto* number = as_int(node.b)) {
        found |= divides && number->value == 0;
      } else {
        found |= shifts || (divides && (node.b.type() != kIndex ||
                                        !context.proves_positive(context.poly(node.b))));
      }
      Visitor::visit_node(node);
    }
  } finder;
  finder.context = context;
  finder.visit(expr);
  return finder.found;
}

bool may_change(const Expr& expr, const Accesses& accesses) {
  struct Finder : Visitor {
    const Accesses* accesses = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Load& node) override {
      for (const Access& access : accesses->list) {
        found |= access.writes() && access.buffer.same_as(node.buffer);
      }
      Visitor::visit_node(node);
    }
    void visit_node(const CallExtern&) override { found = true; }
    void visit_node(const InlineAsm&) override { found = true; }
  } finder;
  finder.accesses = &accesses;
  finder.visit(expr);
  return finder.found;
}

std::optional<PartialExtent> partial_extent(const Context& context, const Expr& extent) {
  Poly poly = context.poly(extent);
  std::vector<AtomId> atoms = poly.atoms();
  if (atoms.size() != 1 || !(poly == Poly::atom(atoms[0]))) return std::nullopt;
  const Atoms::Atom& atom = context.atoms()[atoms[0]];
  if (atom.kind != AtomKind::Min || !context.expressible(poly)) return std::nullopt;
  if (atom.a.is_constant()) return PartialExtent{atom.a, atom.b};
  if (atom.b.is_constant()) return PartialExtent{atom.b, atom.a};
  // min(block, N - o * block): the rest has the more atoms.
  return atom.a.atoms().size() <= atom.b.atoms().size() ? PartialExtent{atom.a, atom.b}
                                                        : PartialExtent{atom.b, atom.a};
}

// --- refusing ---

namespace {

std::string verb(const Access& access) {
  switch (access.kind) {
    case AccessKind::Read:
      return "is read";
    case AccessKind::Write:
      return "is written";
    case AccessKind::Update:
      return "is updated";
  }
  return "";
}

}  // namespace

void refuse(const std::string& rule, const Site& site, const std::string& message,
            const Conflict& conflict, const std::string& help) {
  Diagnostic diagnostic{Severity::Error, rule, message, site.self.loc(), "", help, "", {}};
  for (const Access* access : {&conflict.first, &conflict.second}) {
    diagnostic.notes.push_back({Severity::Note,
                                "",
                                "`" + describe(*access) + "` " + verb(*access) +
                                    (access == &conflict.first ? " first" : " later"),
                                access->loc,
                                "",
                                "",
                                "",
                                {}});
  }
  throw CompileError(std::vector<Diagnostic>{std::move(diagnostic)});
}

void refuse(const std::string& rule, const Site& site, const std::string& message,
            const std::string& help) {
  throw CompileError(rule, site.self.loc(), message, help);
}

void refuse_carried(const std::string& rule, const Site& site, const Conflict& conflict) {
  std::string loop = "loop `" + site.name() + "`";
  if (commute(conflict.first, conflict.second)) {
    refuse(rule, site, loop + " is a reduction: its iterations add to one element", conflict,
           "choose a loop over elements of `" + conflict.first.buffer.name() + "`");
  }
  refuse(rule, site, "iterations of " + loop + " depend on each other", conflict,
         "choose another loop, or give each iteration a buffer of its own with stage");
}

}  // namespace inlay
