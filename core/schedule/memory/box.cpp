#include "core/schedule/memory/box.h"

#include <cmath>

#include "core/ir/visitor.h"
#include "core/text/text.h"

namespace inlay {

Box box_of(const Site& site, const Context& context, const std::vector<Access>& accesses,
           const std::set<AtomId>& also_inner) {
  Box box;
  const Buffer& buffer = accesses[0].buffer;
  std::vector<Poly> high(buffer->rank());
  box.low.resize(buffer->rank());
  for (size_t a = 0; a < accesses.size(); ++a) {
    const Access& access = accesses[a];
    Context within = context;
    std::set<AtomId> inner = also_inner;
    for (const Scope& scope : access.scopes) {
      enter_scope(within, scope);
      const VarNode* var = nullptr;
      if (auto* loop = scope.stmt.as<For>()) var = loop->var.operator->();
      if (auto* let = scope.stmt.as<Let>()) var = let->var.operator->();
      if (var) inner.insert(within.atoms().var(var));
    }
    for (size_t d = 0; d < buffer->rank(); ++d) {
      Poly index = within.poly(access.indices[d]), last = index;
      if (d < access.extents.size() && access.extents[d]) {
        last = index + within.poly(access.extents[d]) - Poly(1);
      }
      auto low = within.tightest_without(index, inner, false);
      auto top = within.tightest_without(last, inner, true);
      if (!low || !top) {
        refuse("illegal-stage", site,
               "no bounds are known for `" + describe(access) + "` in loop `" + site.name() + "`",
               "stage further in, or split loops by numbers");
      }
      if (a == 0) {
        box.low[d] = *low;
        high[d] = *top;
        continue;
      }
      auto wider = [&](Poly& bound, const Poly& other, bool lower) {
        Poly difference = lower ? bound - other : other - bound;
        if (context.proves_nonnegative(-difference)) return;
        if (!context.proves_nonnegative(difference)) {
          refuse("illegal-stage", site,
                 "the parts of `" + buffer.name() + "` that loop `" + site.name() +
                     "` accesses can't be compared: `" + print(context.expr(bound)) + "` and `" +
                     print(context.expr(other)) + "`",
                 "stage further in");
        }
        bound = other;
      };
      wider(box.low[d], *low, true);
      wider(high[d], *top, false);
    }
  }
  for (size_t d = 0; d < buffer->rank(); ++d) {
    box.extent.push_back(high[d] - box.low[d] + Poly(1));
    bool inside = context.proves_nonnegative(box.low[d]) &&
                  context.proves_positive(context.poly(buffer->shape[d]) - high[d]);
    if (!inside) box.outside.insert(d);
  }
  return box;
}

void refuse_outside(const Site& site, const Context& context, const Buffer& buffer,
                    const Box& box) {
  size_t d = *box.outside.begin();
  refuse("illegal-stage", site,
         "the part `" + print(context.expr(box.low[d])) + ".." +
             print(context.expr(box.low[d] + box.extent[d])) + "` of dimension " +
             std::to_string(d) + " of `" + buffer.name() + "` is not known to be in bounds",
         "stage inside the guard that keeps it there, or guard each read with select and zero, as "
         "in select(0 <= i && i < n, x[i], 0.0)");
}

namespace {

bool is_zero(const Expr& expr) {
  if (auto* number = expr.as<FloatImm>()) return number->value == 0 && !std::signbit(number->value);
  auto* number = expr.as<IntImm>();
  return number && number->value == 0;
}

// What select(condition, x[...], 0) asks, as a condition on the place in the box: `position[d]` is
// the index of dimension d, counted from the box's corner. Null where that can't be said.
class GuardOverBox {
 public:
  GuardOverBox(const Context& within, const std::set<AtomId>& inner, const Load& load,
               const Box& box, const std::vector<Var>& position)
      : within_(within), inner_(inner) {
    for (size_t d = 0; d < position.size(); ++d) {
      indices_.push_back(within.poly(load.indices[d]));
      places_.push_back(box.low[d] + Poly::atom(within.atoms().var(position[d].operator->())));
    }
  }

  Expr of(const Expr& condition) const {
    auto* binary = condition.as<Binary>();
    if (!binary) return {};
    switch (binary->op) {
      case BinaryOp::And: {
        Expr a = of(binary->a), b = of(binary->b);
        return a && b ? logical_and(a, b) : Expr();
      }
      case BinaryOp::Lt:
      case BinaryOp::Le:
      case BinaryOp::Gt:
      case BinaryOp::Ge:
        break;
      default:
        return {};
    }
    if (binary->a.type() != kIndex) return {};
    // a op b is 0 op b - a.
    Poly difference = within_.poly(binary->b) - within_.poly(binary->a);
    if (!within_.depends(difference, inner_)) return compare(binary->op, difference);
    for (size_t d = 0; d < indices_.size(); ++d) {
      for (int sign : {1, -1}) {
        Poly rest = difference - Poly(sign) * indices_[d];
        if (within_.depends(rest, inner_)) continue;
        return compare(binary->op, rest + Poly(sign) * places_[d]);
      }
    }
    return {};
  }

 private:
  Expr compare(BinaryOp op, const Poly& value) const {
    return Binary::make(op, Expr(0), within_.expr(value));
  }

  const Context& within_;
  const std::set<AtomId>& inner_;
  std::vector<Poly> indices_, places_;
};

// The reads of a buffer, each with the select around it, if there is one.
struct GuardedReads : Visitor {
  struct Read {
    const Select* guard = nullptr;
    const Load* load = nullptr;
    std::vector<Scope> scopes;
  };
  const BufferNode* buffer = nullptr;
  std::vector<Read> reads;
  std::vector<Scope> scopes;
  Stmt current;

  using Visitor::visit_node;
  void visit_node(const Block& node) override {
    size_t depth = scopes.size();
    for (const Stmt& stmt : node.stmts) {
      current = stmt;
      visit(stmt);
      if (stmt.as<Let>()) scopes.push_back({stmt, true});
    }
    scopes.resize(depth);
  }
  void visit_node(const For& node) override { within({current, true}, node.body); }
  void visit_node(const If& node) override {
    Stmt self = current;
    visit(node.condition);
    within({self, true}, node.then_body);
    if (node.else_body) within({self, false}, node.else_body);
  }
  void visit_node(const Select& node) override {
    auto* load = node.a.as<Load>();
    if (load && load->buffer.get() == buffer && is_zero(node.b)) {
      reads.push_back({&node, load, scopes});
    } else {
      Visitor::visit_node(node);
    }
  }
  void visit_node(const Load& node) override {
    if (node.buffer.get() == buffer) reads.push_back({nullptr, &node, scopes});
    Visitor::visit_node(node);
  }

 private:
  void within(Scope scope, const Stmt& body) {
    scopes.push_back(std::move(scope));
    visit(body);
    scopes.pop_back();
  }
};

}  // namespace

Expr common_guard(const Site& site, const Context& context, const Stmt& body, const Buffer& buffer,
                  const Box& box, const std::vector<Var>& position,
                  const std::set<AtomId>& also_inner) {
  GuardedReads finder;
  finder.buffer = buffer.get();
  finder.visit(body);
  Expr guard;
  for (const GuardedReads::Read& read : finder.reads) {
    Context within = context;
    std::set<AtomId> inner = also_inner;
    for (const Scope& scope : read.scopes) {
      enter_scope(within, scope);
      if (auto* loop = scope.stmt.as<For>()) {
        inner.insert(within.atoms().var(loop->var.operator->()));
      }
      if (auto* let = scope.stmt.as<Let>()) {
        inner.insert(within.atoms().var(let->var.operator->()));
      }
    }
    if (!read.guard) refuse_outside(site, context, buffer, box);
    Expr own = GuardOverBox(within, inner, *read.load, box, position).of(read.guard->condition);
    if (!own || (guard && print(guard) != print(own))) {
      refuse("illegal-stage", site,
             "the guard `" + print(read.guard->condition) + "` of a read of `" + buffer.name() +
                 "` " + (own ? "is not that of the others" : "does not follow from where it reads"),
             "let the guard compare the indices of the read with their bounds, as in "
             "select(0 <= i && i < n, x[i], 0.0)");
    }
    guard = own;
  }
  return guard;
}

namespace {

struct Redirect : Mutator {
  const BufferNode* from = nullptr;
  Buffer to;
  const IndexMap* map = nullptr;
  bool drop_guards = false;
  using Mutator::mutate_node;
  Expr mutate_node(const Select& node, const Expr& self) override {
    auto* load = node.a.as<Load>();
    bool guarded = drop_guards && load && load->buffer.get() == from;
    return guarded ? mutate(node.a) : Mutator::mutate_node(node, self);
  }
  Expr mutate_node(const Load& node, const Expr& self) override {
    if (node.buffer.get() != from) return Mutator::mutate_node(node, self);
    return Load::make(to, (*map)(mutate(node.indices)), node.loc);
  }
  Stmt mutate_node(const Store& node, const Stmt& self) override {
    if (node.buffer.get() != from) return Mutator::mutate_node(node, self);
    return Store::make(to, (*map)(mutate(node.indices)), mutate(node.value), node.loc);
  }
  Expr mutate_node(const View& node, const Expr& self) override {
    if (node.buffer.get() != from) return Mutator::mutate_node(node, self);
    std::vector<Expr> corner;
    for (const ViewDim& dim : node.dims) corner.push_back(mutate(dim.min));
    corner = (*map)(corner);
    std::vector<ViewDim> dims;
    for (size_t d = 0; d < corner.size(); ++d) {
      dims.push_back({corner[d], mutate(node.dims[d].extent)});
    }
    return View::make(to, std::move(dims), node.loc);
  }
};

}  // namespace

Stmt redirect(const Stmt& stmt, const Buffer& from, const Buffer& to, const IndexMap& map,
              bool drop_guards) {
  Redirect redirect;
  redirect.from = from.get();
  redirect.to = to;
  redirect.map = &map;
  redirect.drop_guards = drop_guards;
  return redirect.mutate(stmt);
}

std::vector<Access> accesses_to_stage(const Site& site, const Accesses& all,
                                      const std::string& buffer, bool takes_views) {
  std::vector<Access> accesses;
  std::vector<std::string> names;
  for (const Access& access : all.list) {
    names.push_back(access.buffer.name());
    if (access.buffer.name() == buffer && !access.is_local) accesses.push_back(access);
  }
  if (accesses.empty()) {
    auto nearest = nearest_names(buffer, names);
    refuse(
        "unknown-buffer", site,
        "the body of loop `" + site.name() + "` accesses no buffer `" + buffer + "` from outside",
        nearest.empty() ? "" : "did you mean `" + nearest[0] + "`?");
  }
  for (const Access& access : accesses) {
    std::string where = place_of(access.loc) + " in loop `" + site.name() + "`";
    if (!access.buffer.same_as(accesses[0].buffer)) {
      refuse("illegal-stage", site, "another `" + buffer + "` is accessed" + where,
             "stage at a loop in which only one buffer has that name");
    }
    if (access.unknown) {
      refuse("illegal-stage", site,
             "it is not known which elements of `" + buffer + "` are accessed" + where,
             "stage at a loop without extern calls and vectors of indices, or call an intrinsic, "
             "whose meaning tells");
    }
    if (access.is_view && !takes_views) {
      refuse("illegal-stage", site, "`" + buffer + "` is given to an intrinsic" + where,
             "let the workgroup copy before that: first stage ... in shared, then tensorize, which "
             "gives the copy to the intrinsic");
    }
    if (!access.is_view && !access.extents.empty()) {
      refuse("illegal-stage", site, "`" + buffer + "` is accessed by vectors" + where,
             "stage at a loop without them; the step `vectorize` may come after stage");
    }
  }
  return accesses;
}

}  // namespace inlay
