#include "core/schedule/unify.h"

#include <algorithm>
#include <bit>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/text/text.h"

namespace inlay {

Poly stride_poly(const Context& context, const Buffer& buffer, size_t d) {
  if (!buffer->strides.empty()) return context.poly(buffer->strides[d]);
  Poly stride(1);
  for (size_t inner = d + 1; inner < buffer->rank(); ++inner) {
    stride = stride * context.poly(buffer->shape[inner]);
  }
  return stride;
}

namespace {

// Unit loops go, guards on a loop's own variable become its bound, nested blocks are flattened.
class Normalizer : public Mutator {
 public:
  explicit Normalizer(const Context& context) : context_(context) {}

 protected:
  using Mutator::mutate_node;

  Stmt mutate_node(const Block& node, const Stmt& self) override {
    std::vector<Stmt> stmts;
    bool changed = false;
    for (const Stmt& stmt : node.stmts) {
      if (is_hint(stmt)) {
        changed = true;
        continue;
      }
      Stmt mutated = mutate(stmt);
      if (auto* block = mutated.as<Block>()) {
        stmts.insert(stmts.end(), block->stmts.begin(), block->stmts.end());
        changed = true;
        continue;
      }
      changed |= !mutated.same_as(stmt);
      stmts.push_back(std::move(mutated));
    }
    return changed ? Block::make(std::move(stmts), node.loc) : self;
  }

  Stmt mutate_node(const For& node, const Stmt& self) override {
    Context outer = context_;
    context_.enter(node);
    Stmt body = mutate(node.body);
    context_ = outer;
    if (context_.proves_zero(context_.poly(node.extent) - Poly(1))) {
      Substitution unit;
      unit.vars[node.var.get()] = node.min;
      return substitute(body, unit);
    }
    Expr extent = node.extent;
    auto& stmts = body.as<Block>()->stmts;
    auto* guard = stmts.size() == 1 ? stmts[0].as<If>() : nullptr;
    if (guard && !guard->else_body) {
      if (auto tighter = bounded(node, guard->condition)) {
        extent = *tighter;
        body = guard->then_body;
      }
    }
    if (extent.same_as(node.extent) && body.same_as(node.body)) return self;
    return For::make(node.for_kind, node.var, node.min, extent, body, node.loc);
  }

 private:
  // The extent under `condition`, if that says v < end or v <= end.
  std::optional<Expr> bounded(const For& loop, const Expr& condition) {
    auto* binary = condition.as<Binary>();
    if (!binary || binary->a.type() != kIndex) return std::nullopt;
    Poly slack;
    switch (binary->op) {
      case BinaryOp::Lt:
        slack = context_.poly(binary->b) - context_.poly(binary->a);
        break;
      case BinaryOp::Gt:
        slack = context_.poly(binary->a) - context_.poly(binary->b);
        break;
      case BinaryOp::Le:
        slack = context_.poly(binary->b) - context_.poly(binary->a) + Poly(1);
        break;
      case BinaryOp::Ge:
        slack = context_.poly(binary->a) - context_.poly(binary->b) + Poly(1);
        break;
      default:
        return std::nullopt;
    }
    // slack > 0 with slack = end - v.
    Poly factor, end;
    AtomId v = context_.atoms().var(loop.var.operator->());
    if (!slack.split(v, &factor, &end) || !(factor == Poly(-1))) return std::nullopt;
    if (context_.depends(end, {v})) return std::nullopt;
    Poly count = end - context_.poly(loop.min);
    return context_.expr(context_.atoms().minimum(context_.poly(loop.extent), count));
  }

  Context context_;
};

bool commutes(BinaryOp op) {
  switch (op) {
    case BinaryOp::Add:
    case BinaryOp::Mul:
    case BinaryOp::Min:
    case BinaryOp::Max:
    case BinaryOp::And:
    case BinaryOp::Or:
    case BinaryOp::Eq:
    case BinaryOp::Ne:
    case BinaryOp::BitAnd:
    case BinaryOp::BitOr:
    case BinaryOp::BitXor:
      return true;
    default:
      return false;
  }
}

class Unifier {
 public:
  Unifier(const Program& program, const Intrinsic& intrinsic, const UnifyOptions& options,
          const Stmt& nest, Mismatch* mismatch)
      : program_(program),
        intrinsic_(intrinsic),
        options_(options),
        nest_(nest),
        mismatch_(mismatch) {
    for (const Param& param : intrinsic.params) {
      if (auto* var = std::get_if<Var>(&param)) formal_scalars_.insert(var->get());
    }
    for (const Var& symbol : intrinsic.symbols()) formal_scalars_.insert(symbol.get());
    nest_vars_ = defined_vars(nest);
  }

  Bindings state;

  bool match_stmts(const std::vector<Stmt>& formal, const std::vector<Stmt>& actual,
                   const Loc& loc) {
    if (formal.size() != actual.size()) {
      return fail(std::to_string(actual.size()) + " statements stand where the meaning has " +
                      std::to_string(formal.size()),
                  formal.empty() ? "" : print(formal[0]), actual.empty() ? "" : print(actual[0]),
                  "take the nest apart with fission", loc, actual.empty() ? loc : actual[0].loc());
    }
    for (size_t i = 0; i < formal.size(); ++i) {
      if (!match_stmt(formal[i], actual[i])) return false;
    }
    return true;
  }

  /// The asserts that the meaning begins with.
  bool prove_conditions(const std::vector<Stmt>& conditions) {
    for (const Stmt& stmt : conditions) {
      const Expr& condition = stmt.as<Assert>()->condition;
      if (state.context.proves(condition)) continue;
      ++progress_;  // everything else fits: nothing comes nearer
      auto* binary = condition.as<Binary>();
      auto value = [&](const Expr& side) {
        return print(state.context.expr(state.context.poly(side)));
      };
      bool shown = binary && binary->a.type() == kIndex;
      return fail("`" + intrinsic_.name + "` asserts `" + print(condition) +
                      "`, which is not provably so here",
                  print(stmt),
                  shown ? "`" + value(binary->a) + "` and `" + value(binary->b) + "`" : "",
                  "split the loop by a number that keeps to it", condition.loc(), nest_.loc());
    }
    return true;
  }

  bool bind_all_params() {
    for (const Param& param : intrinsic_.params) {
      auto* var = std::get_if<Var>(&param);
      auto* buffer = std::get_if<Buffer>(&param);
      bool bound = var ? state.indices.count(var->get()) || state.scalars.count(var->get())
                       : state.buffers.count(buffer->get()) != 0;
      if (!bound) {
        return fail("nothing in the nest tells parameter `" + param_name(param) + "` of `" +
                        intrinsic_.name + "`",
                    param_name(param), "nothing", "", intrinsic_.loc, nest_.loc());
      }
    }
    return true;
  }

 private:
  bool fail(const std::string& what, const std::string& expected, const std::string& found,
            const std::string& help, const Loc& expected_loc, const Loc& found_loc) {
    if (progress_ > mismatch_->progress) {
      *mismatch_ = {progress_, what, expected, found, help, expected_loc, found_loc};
    }
    return false;
  }

  // --- statements ---

  static const Stmt* only_loop(const For& loop) {
    auto& stmts = body_of(loop);
    return stmts.size() == 1 && stmts[0].as<For>() ? &stmts[0] : nullptr;
  }

  static std::vector<const For*> chain_of(const Stmt& stmt) {
    std::vector<const For*> chain;
    for (const Stmt* at = &stmt; at; at = only_loop(*at->as<For>())) {
      chain.push_back(at->as<For>());
    }
    return chain;
  }

  static std::string names(const std::vector<const For*>& chain) {
    std::string text;
    for (const For* loop : chain) {
      text += (text.empty() ? "" : ", ") + loop->var.name() + " in " + print(loop->min) + ".." +
              print(tidy(Context(), loop->min + loop->extent));
    }
    return "loops " + text;
  }

  // `if flag { ... }` of the meaning, `flag` being a parameter: a nest without the guard gives
  // true.
  static const If* flag_guard(const Stmt& formal) {
    auto* branch = formal.as<If>();
    return branch && branch->condition.as<VarNode>() && !branch->else_body ? branch : nullptr;
  }

  bool match_stmt(const Stmt& formal, const Stmt& actual) {
    const If* guard = actual.as<If>() ? nullptr : flag_guard(formal);
    if (guard && formal_scalars_.count(guard->condition.as<VarNode>()) &&
        guard->then_body.as<Block>()->stmts.size() == 1) {
      return match_stmt(guard->then_body.as<Block>()->stmts[0], actual) &&
             match_value(guard->condition, IntImm::make(kBool, 1, actual.loc()));
    }
    if (formal->kind != actual->kind) {
      bool missing = formal.as<For>() != nullptr;
      return fail(missing ? "a statement stands where the meaning has a loop"
                          : "the nest has another statement than the meaning",
                  print(formal), print(actual),
                  actual.as<If>()
                      ? "a guard that is not provably true: split with tail bound, specialize, or "
                        "tensorize with padded edges"
                  : missing ? "split a loop outside, so that the tile is inside"
                            : "",
                  formal.loc(), actual.loc());
    }
    ++progress_;
    if (formal.as<For>()) return match_nest(formal, actual);
    if (auto* store = formal.as<Store>()) {
      auto* other = actual.as<Store>();
      return match_access(store->buffer, store->indices, other->buffer, other->indices,
                          formal.loc(), actual.loc()) &&
             match_value(store->value, other->value);
    }
    if (auto* branch = formal.as<If>()) {
      auto* other = actual.as<If>();
      if (!match_value(branch->condition, other->condition)) return false;
      if (!branch->else_body != !other->else_body) {
        return fail("only one of the two has an else branch", print(formal), print(actual), "",
                    formal.loc(), actual.loc());
      }
      return match_stmts(branch->then_body.as<Block>()->stmts, other->then_body.as<Block>()->stmts,
                         actual.loc()) &&
             (!branch->else_body || match_stmts(branch->else_body.as<Block>()->stmts,
                                                other->else_body.as<Block>()->stmts, actual.loc()));
    }
    return fail("this statement can't be matched", print(formal), print(actual), "", formal.loc(),
                actual.loc());
  }

  bool match_nest(const Stmt& formal, const Stmt& actual) {
    auto expected = chain_of(formal), found = chain_of(actual);
    if (expected.size() != found.size()) {
      return fail("the nest has " + std::to_string(found.size()) + " loops, the meaning " +
                      std::to_string(expected.size()),
                  names(expected), names(found),
                  found.size() > expected.size()
                      ? "name a loop further in, or fuse loops"
                      : "split a loop: the meaning has " +
                            std::to_string(expected.size() - found.size()) + " more",
                  formal.loc(), actual.loc());
    }
    std::vector<size_t> order(found.size());  // formal place -> nest place
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    Bindings before = state;
    int progress = progress_;
    do {
      state = before;
      progress_ = progress;
      if (match_order(expected, found, order, actual)) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
  }

  bool match_order(const std::vector<const For*>& expected, const std::vector<const For*>& found,
                   const std::vector<size_t>& order, const Stmt& actual) {
    for (size_t i = 0; i < expected.size(); ++i) {
      if (!match_loop(*expected[i], *found[order[i]])) return false;
    }
    if (!match_stmts(body_of(*expected.back()), body_of(*found.back()), found.back()->loc)) {
      return false;
    }
    if (std::is_sorted(order.begin(), order.end())) return true;
    // The intrinsic runs its loops in its own order.
    auto conflict = find_reversal(state.context, collect_accesses(actual, program_), found, order,
                                  &state.reassociates);
    if (!conflict) return true;
    return fail("the meaning runs these loops in another order, which turns a dependence round",
                names(expected), names(found), "choose an intrinsic whose loops run in this order",
                expected[0]->loc, found[0]->loc);
  }

  bool match_loop(const For& formal, const For& actual) {
    auto text = [](const For& loop) {
      return "loop " + loop.var.name() + " of extent " + print(loop.extent);
    };
    if (actual.for_kind != ForKind::Serial && actual.for_kind != formal.for_kind) {
      return fail("loop `" + actual.var.name() + "` is " + to_string(actual.for_kind), text(formal),
                  text(actual), "tensorize before that step", formal.loc, actual.loc);
    }
    if (!is_pure(actual.extent) || !is_pure(actual.min)) {
      return fail("the bounds of loop `" + actual.var.name() + "` are read from memory",
                  text(formal), text(actual), "name them with a `let` outside of the nest",
                  formal.loc, actual.loc);
    }
    if (uses_any(actual.extent, nest_vars_) || uses_any(actual.min, nest_vars_)) {
      return fail("the bounds of loop `" + actual.var.name() + "` depend on a loop of the nest",
                  text(formal), text(actual), "reorder, or split with other tails", formal.loc,
                  actual.loc);
    }
    Context& context = state.context;
    Poly count = context.poly(actual.extent), min = context.poly(actual.min);
    AtomId v = context.atoms().var(actual.var.operator->());
    auto* symbol = formal.extent.as<VarNode>();
    if (symbol && formal_scalars_.count(symbol) && !state.indices.count(symbol)) {
      // Extents are not negative: a call must not be told so of a loop that ends before it starts.
      if (!context.proves_nonnegative(count)) {
        return fail("loop `" + actual.var.name() + "` may end before it starts", text(formal),
                    text(actual),
                    "start it at 0, or say in the schedule's condition that its extent is not "
                    "negative",
                    formal.loc, actual.loc);
      }
      bind_index(symbol, count);
    } else {
      Poly full = context.poly(formal.extent);
      if (!context.proves_zero(full - count)) {
        bool shorter = options_.allow_edges && context.proves_nonnegative(full - count);
        if (!shorter) {
          bool may_pad = context.proves_nonnegative(full - count);
          return fail("loop `" + actual.var.name() + "` does not run over `" +
                          print(context.expr(full)) + "` iterations",
                      text(formal) + (full.is_constant() && !as_int(formal.extent)
                                          ? " = " + print(context.expr(full))
                                          : ""),
                      text(actual),
                      may_pad ? "tensorize with padded edges, or take the whole tiles apart with "
                                "specialize or peel"
                              : "split it by " + print(context.expr(full)),
                      formal.loc, actual.loc);
        }
        state.edges.push_back({v, min, count, full});
      }
    }
    ++progress_;
    context.enter(actual);
    // The formal variable counts from the formal minimum.
    context.define(formal.var.operator->(), Poly::atom(v) - min + context.poly(formal.min));
    return true;
  }

  void bind_index(const VarNode* var, const Poly& value) {
    state.indices[var] = value;
    state.context.define(var, value);
  }

  // --- expressions ---

  bool free_of_nest(const Poly& poly) const {
    return state.context.expressible(poly) && !uses_any(state.context.expr(poly), nest_vars_);
  }

  bool match_access(const Buffer& formal, const std::vector<Expr>& formal_indices,
                    const Buffer& actual, const std::vector<Expr>& actual_indices,
                    const Loc& formal_loc, const Loc& actual_loc) {
    auto text = [](const Buffer& buffer, const std::vector<Expr>& indices) {
      return print(Load::make(buffer, indices)) + ": " + to_string(buffer->type);
    };
    auto mismatch = [&](const std::string& what, const std::string& help) {
      return fail(what, text(formal, formal_indices), text(actual, actual_indices), help,
                  formal_loc, actual_loc);
    };
    if (formal->type != actual->type) {
      return mismatch("`" + actual.name() + "` holds " + to_string(actual->type) + ", `" +
                          formal.name() + "` of the meaning " + to_string(formal->type),
                      "choose an intrinsic for " + to_string(actual->type));
    }
    std::vector<Poly> f, a;
    for (const Expr& index : formal_indices) f.push_back(state.context.poly(index));
    for (const Expr& index : actual_indices) {
      if (!index.type().is_scalar()) {
        return mismatch("the access is of vectors", "tensorize before vectorize");
      }
      a.push_back(state.context.poly(index));
    }
    auto bound = state.buffers.find(formal.get());
    if (bound != state.buffers.end()) {
      const BoundBuffer& known = bound->second;
      if (!known.actual.same_as(actual)) {
        return mismatch("`" + formal.name() + "` of the meaning stands for `" +
                            known.actual.name() + "` already",
                        "");
      }
      for (size_t d = 0; d < a.size(); ++d) {
        Poly wanted = known.min[d];
        if (known.formal_dim[d] >= 0) wanted = wanted + f[known.formal_dim[d]];
        if (!state.context.proves_zero(a[d] - wanted)) {
          return mismatch("dimension " + std::to_string(d) + " of `" + actual.name() +
                              "` is read at `" + print(state.context.expr(a[d])) + "`, where `" +
                              print(state.context.expr(wanted)) + "` is expected",
                          "");
        }
      }
      ++progress_;
      return true;
    }
    return bind_buffer(formal, formal_indices, actual, a, mismatch);
  }

  // Index parameters that multiply a loop in a formal index (`i * sw`), and that nothing has told
  // yet, are what multiplies that loop in the actual one.
  void bind_factors(const Poly& formal, const Poly& actual) {
    Context& context = state.context;
    for (AtomId id : formal.atoms()) {
      const Atoms::Atom& atom = context.atoms()[id];
      auto* parameter = atom.kind == AtomKind::Var ? atom.expr.as<VarNode>() : nullptr;
      if (!parameter || !formal_scalars_.count(parameter) || state.indices.count(parameter)) {
        continue;
      }
      Poly factor, rest;
      if (!formal.split(id, &factor, &rest)) continue;
      for (AtomId loop : factor.atoms()) {
        Poly one, found, other, unused;
        if (!factor.split(loop, &one, &unused) || !(one == Poly(1))) continue;
        if (!actual.split(loop, &found, &unused) || !rest.split(loop, &other, &unused)) continue;
        if (!free_of_nest(found - other)) continue;
        bind_index(parameter, found - other);
        break;
      }
    }
  }

  // An index parameter that is all that is left between the two (`i * sw - left`) is that.
  void bind_rest(const Poly& formal, const Poly& actual) {
    Context& context = state.context;
    for (AtomId id : formal.atoms()) {
      const Atoms::Atom& atom = context.atoms()[id];
      auto* parameter = atom.kind == AtomKind::Var ? atom.expr.as<VarNode>() : nullptr;
      Poly factor, rest;
      if (!parameter || !formal_scalars_.count(parameter) || state.indices.count(parameter) ||
          !formal.split(id, &factor, &rest)) {
        continue;
      }
      bool subtracted = factor == Poly(-1);
      if (!subtracted && !(factor == Poly(1))) continue;
      Poly value = subtracted ? rest - actual : actual - rest;
      if (free_of_nest(value)) bind_index(parameter, value);
      return;
    }
  }

  // Finds which dimensions of `actual` the formal ones are: in order, each differing from it by
  // something that the nest does not change.
  template <typename Fail>
  bool bind_buffer(const Buffer& formal, const std::vector<Expr>& formal_indices,
                   const Buffer& actual, const std::vector<Poly>& a, Fail mismatch) {
    size_t rank = formal_indices.size();
    if (rank > a.size()) {
      return mismatch("`" + actual.name() + "` has " + std::to_string(a.size()) + " dimensions, `" +
                          formal.name() + "` of the meaning " + std::to_string(rank),
                      "pack `" + actual.name() + "` into panels of this shape");
    }
    std::vector<int> choice(a.size(), -1);
    std::string problem, help;
    auto place = [&](auto&& self, size_t d, size_t next) -> bool {
      if (d == a.size()) {
        if (next < rank) return false;
        Bindings before = state;
        std::vector<Poly> f;
        for (const Expr& index : formal_indices) f.push_back(state.context.poly(index));
        if (accept_dims(formal, f, actual, a, choice, &problem, &help)) return true;
        state = before;
        return false;
      }
      if (a.size() - d < rank - next) return false;
      if (next < rank) {
        Bindings before = state;
        bind_factors(state.context.poly(formal_indices[next]), a[d]);
        if (free_of_nest(a[d] - state.context.poly(formal_indices[next]))) {
          choice[d] = static_cast<int>(next);
          if (self(self, d + 1, next + 1)) return true;
          choice[d] = -1;
        }
        state = before;
      }
      return free_of_nest(a[d]) && self(self, d + 1, next);
    };
    if (place(place, 0, 0)) {
      ++progress_;
      return true;
    }
    if (!problem.empty()) return mismatch(problem, help);
    return mismatch("the loops index `" + actual.name() +
                        "` in another way than the meaning indexes `" + formal.name() + "`",
                    "pack `" + actual.name() + "` into panels of this shape, or reorder the loops");
  }

  bool accept_dims(const Buffer& formal, const std::vector<Poly>& f, const Buffer& actual,
                   const std::vector<Poly>& a, const std::vector<int>& choice, std::string* problem,
                   std::string* help) {
    Context& context = state.context;
    BoundBuffer bound{actual, choice, {}};
    Poly offset;
    for (size_t d = 0; d < a.size(); ++d) {
      int dim = choice[d];
      bound.min.push_back(dim < 0 ? a[d] : a[d] - f[dim]);
      offset = offset + bound.min.back() * stride_poly(context, actual, d);
      if (dim < 0) continue;
      if (!context.proves_zero(context.poly(formal->shape[dim]) - Poly(1))) {
        Poly stride = stride_poly(context, actual, d);
        auto* symbol = formal->strides.empty() ? nullptr : formal->strides[dim].as<VarNode>();
        if (symbol && formal_scalars_.count(symbol) && !state.indices.count(symbol)) {
          bind_index(symbol, stride);
        } else if (Poly wanted = stride_poly(context, formal, dim);
                   !context.proves_zero(wanted - stride)) {
          *problem = "dimension " + std::to_string(d) + " of `" + actual.name() + "` has stride `" +
                     print(context.expr(stride)) + "`, `" + formal.name() +
                     "` of the meaning needs `" + print(context.expr(wanted)) + "`";
          *help = "pack `" + actual.name() + "` into panels of this shape";
          return false;
        }
      }
      if (!sticks_out(f[dim])) {
        Poly end = bound.min[d] + context.poly(formal->shape[dim]);
        bool inside = context.proves_nonnegative(bound.min[d]) &&
                      context.proves_nonnegative(context.poly(actual->shape[d]) - end);
        if (!inside) {
          *problem = "`" + formal.name() + "` of the meaning reaches over `" +
                     print(context.expr(bound.min[d])) + ".." + print(context.expr(end)) +
                     "` of dimension " + std::to_string(d) + " of `" + actual.name() +
                     "`, which is not known to be in bounds";
          *help = "split with tail bound, and tensorize with padded edges";
          return false;
        }
      }
    }
    int bytes = formal->type.bytes();
    if (formal->alignment > bytes) {
      auto aligned = offset.divided_by(Poly(formal->alignment / bytes));
      if (actual->alignment < formal->alignment || !aligned) {
        *problem = "`" + actual.name() + "` is not known to be aligned to " +
                   std::to_string(formal->alignment) + " bytes there, as `" + formal.name() +
                   "` of the meaning is";
        *help = "pack it with that alignment";
        return false;
      }
    }
    state.buffers[formal.get()] = std::move(bound);
    return true;
  }

  // True if an edge loop moves this index, so that the whole reaches further than the nest.
  bool sticks_out(const Poly& index) const {
    return std::any_of(state.edges.begin(), state.edges.end(),
                       [&](const EdgeLoop& edge) { return index.uses(edge.var); });
  }

  bool match_value(const Expr& formal, const Expr& actual) {
    auto mismatch = [&](const std::string& what, const std::string& help = "") {
      return fail(what, print(formal) + ": " + to_string(formal.type()),
                  print(actual) + ": " + to_string(actual.type()), help, formal.loc(),
                  actual.loc());
    };
    if (formal.type() != actual.type()) {
      return mismatch("the types differ: " + to_string(actual.type()) + ", expected " +
                      to_string(formal.type()));
    }
    if (auto* var = formal.as<VarNode>(); var && formal_scalars_.count(var)) {
      return match_scalar(formal, var, actual);
    }
    if (formal.type() == kIndex && is_pure(formal) && is_pure(actual)) {
      Bindings before = state;
      bind_factors(state.context.poly(formal), state.context.poly(actual));
      bind_rest(state.context.poly(formal), state.context.poly(actual));
      if (state.context.proves_equal(formal, actual)) return true;
      state = before;
      return mismatch("the indices differ");
    }
    if (formal->kind != actual->kind) return mismatch("the values differ");
    ++progress_;
    if (auto* load = formal.as<Load>()) {
      auto* other = actual.as<Load>();
      return match_access(load->buffer, load->indices, other->buffer, other->indices, formal.loc(),
                          actual.loc());
    }
    if (auto* binary = formal.as<Binary>()) {
      auto* other = actual.as<Binary>();
      if (binary->op != other->op) return mismatch("the operators differ");
      Bindings before = state;
      int progress = progress_;
      if (match_value(binary->a, other->a) && match_value(binary->b, other->b)) return true;
      if (!commutes(binary->op)) return false;
      state = before;
      progress_ = progress;
      return match_value(binary->a, other->b) && match_value(binary->b, other->a);
    }
    if (auto* unary = formal.as<Unary>()) {
      auto* other = actual.as<Unary>();
      if (unary->op != other->op) return mismatch("the operators differ");
      return match_value(unary->a, other->a);
    }
    if (auto* cast = formal.as<Cast>()) return match_value(cast->value, actual.as<Cast>()->value);
    if (auto* select = formal.as<Select>()) {
      auto* other = actual.as<Select>();
      return match_value(select->condition, other->condition) && match_value(select->a, other->a) &&
             match_value(select->b, other->b);
    }
    if (auto* math = formal.as<CallMath>()) {
      auto* other = actual.as<CallMath>();
      if (math->op != other->op) return mismatch("the functions differ");
      for (size_t i = 0; i < math->args.size(); ++i) {
        if (!match_value(math->args[i], other->args[i])) return false;
      }
      return true;
    }
    if (auto* number = formal.as<FloatImm>()) {
      double x = number->value, y = actual.as<FloatImm>()->value;
      if (std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y)) return true;
      return mismatch("the constants differ");
    }
    if (auto* number = formal.as<IntImm>()) {
      if (number->value == actual.as<IntImm>()->value) return true;
      return mismatch("the constants differ");
    }
    return mismatch("this expression can't be matched");
  }

  bool match_scalar(const Expr& formal, const VarNode* var, const Expr& actual) {
    bool fixed = is_pure(actual) && !uses_any(actual, nest_vars_);
    if (formal.type() == kIndex) {
      Poly value = state.context.poly(actual);
      auto known = state.indices.find(var);
      if (known == state.indices.end() && fixed) {
        bind_index(var, value);
        return true;
      }
      if (known != state.indices.end() && state.context.proves_zero(known->second - value)) {
        return true;
      }
    } else {
      auto known = state.scalars.find(var);
      if (known == state.scalars.end() && fixed) {
        state.scalars[var] = actual;
        ++progress_;
        return true;
      }
      if (known != state.scalars.end() && print(known->second) == print(actual)) return true;
    }
    // What the nest does not change is nearer than what it does.
    bool invariant = !uses_any(actual, nest_vars_);
    if (invariant) ++progress_;
    return fail("parameter `" + var->name + "` of the meaning is one value for the whole tile",
                print(formal), print(actual),
                fixed       ? ""
                : invariant ? "name the value with a `let` outside of the nest"
                            : "tensorize a loop further in, where it is one value",
                formal.loc(), actual.loc());
  }

  const Program& program_;
  const Intrinsic& intrinsic_;
  UnifyOptions options_;
  Stmt nest_;
  Mismatch* mismatch_;
  std::set<const ExprNode*> formal_scalars_;
  std::set<const ExprNode*> nest_vars_;
  int progress_ = 0;
};

}  // namespace

Stmt normalize_nest(const Context& context, const Stmt& nest) {
  Stmt simple = simplify_in(context, inline_pure_lets(nest));
  return Normalizer(context).mutate(simple);
}

std::optional<Bindings> unify(const Program& program, const Intrinsic& intrinsic,
                              const std::vector<int64_t>& constants, const Context& context,
                              const Stmt& nest, const UnifyOptions& options, Mismatch* mismatch) {
  Unifier unifier(program, intrinsic, options, nest, mismatch);
  unifier.state.context = context;
  for (size_t i = 0; i < constants.size(); ++i) {
    const VarNode* constant = intrinsic.constants[i].operator->();
    unifier.state.indices[constant] = Poly(constants[i]);
    unifier.state.context.define(constant, Poly(constants[i]));
  }
  // Unit loops of the meaning go as those of the nest went.
  Stmt meaning = normalize_nest(unifier.state.context, intrinsic.body);
  std::vector<Stmt> formal{meaning}, actual{nest}, conditions;
  if (auto* block = meaning.as<Block>()) formal = block->stmts;
  if (auto* several = nest.as<Block>()) actual = several->stmts;
  // What the meaning asserts is no computation: it has to hold where the nest stands.
  while (!formal.empty() && formal[0].as<Assert>()) {
    conditions.push_back(formal[0]);
    formal.erase(formal.begin());
  }
  bool matched = unifier.match_stmts(formal, actual, nest.loc()) && unifier.bind_all_params() &&
                 unifier.prove_conditions(conditions);
  if (!matched) return std::nullopt;
  return std::move(unifier.state);
}

}  // namespace inlay
