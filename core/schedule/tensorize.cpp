// tensorize: a nest that is one computation with an intrinsic's meaning becomes a call of it; tiles
// that are not whole are computed in whole private ones.
#include <algorithm>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "core/schedule/unify.h"
#include "core/text/text.h"

namespace inlay {

namespace {

// Two columns of text, line by line.
std::string side_by_side(const std::string& left_head, const std::string& left,
                         const std::string& right_head, const std::string& right) {
  auto lines = [](const std::string& text) {
    std::vector<std::string> found;
    size_t at = 0;
    while (at < text.size()) {
      size_t end = std::min(text.find('\n', at), text.size());
      found.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return found;
  };
  std::vector<std::string> l = lines(left), r = lines(right);
  l.insert(l.begin(), left_head);
  r.insert(r.begin(), right_head);
  size_t width = 0;
  for (const std::string& line : l) width = std::max(width, line.size());
  width = std::min<size_t>(width, 60);
  std::string text;
  for (size_t i = 0; i < std::max(l.size(), r.size()); ++i) {
    std::string line = i < l.size() ? l[i] : "";
    if (line.size() < width) line.resize(width, ' ');
    line += " | " + (i < r.size() ? r[i] : "");
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text += line + "\n";
  }
  return text;
}

[[noreturn]] void refuse_mismatch(const Intrinsic& intrinsic, const Site& site,
                                  const Mismatch& mismatch) {
  Diagnostic diagnostic{
      Severity::Error,
      "tensorize-mismatch",
      "loop `" + site.name() + "` is not `" + intrinsic.name + "`: " + mismatch.what,
      mismatch.found_loc ? mismatch.found_loc : site.self.loc(),
      "",
      mismatch.help,
      side_by_side("expected", mismatch.expected, "found", mismatch.found),
      {}};
  if (mismatch.expected_loc) {
    diagnostic.notes.push_back({Severity::Note,
                                "",
                                "the meaning of `" + intrinsic.name + "`",
                                mismatch.expected_loc,
                                "",
                                "",
                                "",
                                {}});
  }
  throw CompileError(std::vector<Diagnostic>{std::move(diagnostic)});
}

// The statements of one block from the first loop to the last.
std::vector<Stmt> run_of(const Function& function, const Site& first, const Site& last) {
  if (first.self.same_as(last.self)) return {first.self};
  const std::vector<Stmt>& block = parent_block(function, first.self).stmts;
  auto place = [&](const Stmt& stmt) {
    return std::find_if(block.begin(), block.end(),
                        [&](const Stmt& other) { return other.same_as(stmt); });
  };
  auto from = place(first.self), to = place(last.self);
  if (to == block.end() || to < from) {
    refuse("tensorize-mismatch", first,
           "loop `" + last.name() + "` does not follow loop `" + first.name() + "` in one block",
           "name the loops in the order in which they run, side by side");
  }
  return {from, to + 1};
}

class CallBuilder {
 public:
  CallBuilder(const Program& program, const Intrinsic& intrinsic,
              const std::vector<int64_t>& constants, const Site& site, Bindings bindings)
      : intrinsic_(intrinsic),
        constants_(constants),
        site_(site),
        bindings_(std::move(bindings)),
        effects_(effects_of(intrinsic.body, program)) {}

  /// Two parameters must not overlap where one is written.
  void require_no_alias() const {
    for (auto& [formal, bound] : bindings_.buffers) {
      for (auto& [other, other_bound] : bindings_.buffers) {
        if (formal == other || !bound.actual.same_as(other_bound.actual)) continue;
        if (!effects_.written.count(formal)) continue;
        refuse("tensorize-mismatch", site_,
               "`" + formal->name + "` and `" + other->name + "` of `" + intrinsic_.name +
                   "` would both be `" + bound.actual.name() + "`, and one is written",
               "stage one of them into a buffer of its own");
      }
    }
  }

  /// Arguments are evaluated even if the nest runs no iteration.
  void require_safe_arguments(const Context& context) const {
    auto require = [&](const Expr& argument) {
      if (!may_fail(context, argument)) return;
      refuse("tensorize-mismatch", site_,
             "an argument of `" + intrinsic_.name + "` would be `" + print(argument) +
                 "`, which divides by what is not known to be above zero, even where loop `" +
                 site_.name() + "` does nothing",
             "tensorize a loop further in, or name the value with a `let` before the nest");
    };
    for (auto& [parameter, index] : bindings_.indices) require(value(index));
    for (auto& [parameter, scalar] : bindings_.scalars) require(scalar);
    for (auto& [formal, bound] : bindings_.buffers) {
      for (const Poly& min : bound.min) require(value(min));
    }
  }

  Stmt direct() const { return call({}); }

  // Every buffer that an edge loop moves past its end is computed on in a private tile, but for
  // packed ones that were filled up with zeros.
  std::vector<Stmt> padded(const std::map<const BufferNode*, std::set<size_t>>& padded_buffers) {
    std::map<const BufferNode*, Buffer> tiles;
    std::vector<Stmt> before, after;
    for (const Param& param : intrinsic_.params) {
      auto* formal = std::get_if<Buffer>(&param);
      if (!formal) continue;
      const BoundBuffer& bound = bindings_.buffers.at(formal->get());
      std::vector<const EdgeLoop*> edges((*formal)->rank());
      bool sticks_out = false;
      for (size_t d = 0; d < (*formal)->rank(); ++d) {
        edges[d] = edge_of(*formal, d);
        sticks_out |= edges[d] != nullptr;
      }
      if (!sticks_out || is_filled_up(bound, edges, padded_buffers)) continue;
      tiles[formal->get()] = make_tile(*formal, bound, edges, before, after);
    }
    before.push_back(call(tiles));
    before.insert(before.end(), after.begin(), after.end());
    return before;
  }

  /// Writes of the padding must go to elements of their own: an edge loop moves one dimension of
  /// what is written.
  void require_independent_edges(const Stmt& nest) const {
    struct Check : Visitor {
      const Bindings* bindings = nullptr;
      const EdgeLoop* summed = nullptr;
      using Visitor::visit_node;
      void visit_node(const Store& node) override {
        for (const EdgeLoop& edge : bindings->edges) {
          size_t dims = 0;
          for (const Expr& index : node.indices) {
            dims += bindings->context.poly(index).uses(edge.var);
          }
          if (dims != 1) summed = &edge;
        }
      }
    } check;
    check.bindings = &bindings_;
    check.visit(nest);
    if (!check.summed) return;
    std::string name = print(bindings_.context.expr(Poly::atom(check.summed->var)));
    refuse("tensorize-mismatch", site_,
           "loop `" + name + "` is a reduction and runs over fewer than `" +
               print(bindings_.context.expr(check.summed->full)) +
               "` iterations; zeros would be added, which changes results",
           "peel the rest of loop `" + name + "`, or use an intrinsic whose extent is a parameter");
  }

  const Bindings& bindings() const { return bindings_; }

 private:
  Expr value(const Poly& poly) const { return bindings_.context.expr(poly); }

  // The edge loop that moves dimension `d` of a formal buffer, if one does.
  const EdgeLoop* edge_of(const Buffer& formal, size_t d) const {
    struct Finder : Visitor {
      const Bindings* bindings = nullptr;
      const BufferNode* formal = nullptr;
      size_t d = 0;
      const EdgeLoop* found = nullptr;
      bool plain = true;
      using Visitor::visit_node;
      void take(const Buffer& buffer, const std::vector<Expr>& indices) {
        if (buffer.get() != formal) return;
        Poly index = bindings->context.poly(indices[d]);
        for (const EdgeLoop& edge : bindings->edges) {
          if (!index.uses(edge.var)) continue;
          found = &edge;
          plain &= index == Poly::atom(edge.var) - edge.min;
        }
      }
      void visit_node(const Load& node) override {
        take(node.buffer, node.indices);
        Visitor::visit_node(node);
      }
      void visit_node(const Store& node) override {
        take(node.buffer, node.indices);
        Visitor::visit_node(node);
      }
    } finder;
    finder.bindings = &bindings_;
    finder.formal = formal.get();
    finder.d = d;
    finder.visit(intrinsic_.body);
    if (finder.found && !finder.plain) {
      refuse("tensorize-mismatch", site_,
             "dimension " + std::to_string(d) + " of `" + formal.name() +
                 "` follows an edge loop in a way that can't be padded",
             "take the whole tiles apart with specialize or peel");
    }
    return finder.found;
  }

  bool is_filled_up(const BoundBuffer& bound, const std::vector<const EdgeLoop*>& edges,
                    const std::map<const BufferNode*, std::set<size_t>>& padded_buffers) const {
    auto known = padded_buffers.find(bound.actual.get());
    if (known == padded_buffers.end()) return false;
    for (size_t d = 0; d < bound.formal_dim.size(); ++d) {
      int dim = bound.formal_dim[d];
      if (dim < 0 || !edges[dim]) continue;
      bool whole = known->second.count(d) && bound.min[d] == Poly(0) &&
                   bindings_.context.poly(bound.actual->shape[d]) == edges[dim]->full;
      if (!whole) return false;
    }
    return true;
  }

  Buffer make_tile(const Buffer& formal, const BoundBuffer& bound,
                   const std::vector<const EdgeLoop*>& edges, std::vector<Stmt>& before,
                   std::vector<Stmt>& after) {
    std::vector<Expr> shape, counts;
    for (size_t d = 0; d < formal->rank(); ++d) {
      Poly extent = bindings_.context.poly(formal->shape[d]);
      if (!extent.is_constant()) {
        refuse("tensorize-mismatch", site_,
               "a tile for `" + bound.actual.name() + "` would have the extent `" +
                   print(value(extent)) + "`, which is no constant",
               "pack `" + bound.actual.name() + "` with its edges padded");
      }
      shape.push_back(value(extent));
      counts.push_back(edges[d] ? value(edges[d]->count) : shape.back());
    }
    const Loc& loc = site_.self.loc();
    Buffer tile = Buffer::make(formal.name() + "_tile", formal->type, shape, {},
                               MemorySpace::Private, 64, loc);
    before.push_back(Allocate::make(tile, loc));
    bool read = effects_.read.count(formal.get()), written = effects_.written.count(formal.get());
    DType type = formal->type;
    Expr zero = type.is_float() ? FloatImm::make(type, 0) : IntImm::make(type, 0);
    auto nest = [&](const std::vector<Expr>& extents, auto body) {
      std::vector<Expr> at;
      std::vector<Var> vars;
      for (size_t d = 0; d < extents.size(); ++d) {
        vars.push_back(Var(tile.name() + ".d" + std::to_string(d), kIndex, loc));
        at.push_back(vars.back());
      }
      Stmt stmt = body(at);
      for (size_t d = extents.size(); d-- > 0;) {
        stmt = For::make(ForKind::Serial, vars[d], Expr(0), extents[d], stmt, loc);
      }
      return stmt;
    };
    auto outside = [&](const std::vector<Expr>& at) {
      std::vector<Expr> indices;
      for (size_t d = 0; d < bound.formal_dim.size(); ++d) {
        Expr min = value(bound.min[d]);
        int dim = bound.formal_dim[d];
        indices.push_back(dim < 0 ? min : is_const(min, 0) ? at[dim] : min + at[dim]);
      }
      return indices;
    };
    before.push_back(
        nest(shape, [&](const std::vector<Expr>& at) { return Store::make(tile, at, zero, loc); }));
    if (read) {
      before.push_back(nest(counts, [&](const std::vector<Expr>& at) {
        return Store::make(tile, at, Load::make(bound.actual, outside(at)), loc);
      }));
    }
    if (written) {
      after.push_back(nest(counts, [&](const std::vector<Expr>& at) {
        return Store::make(bound.actual, outside(at), Load::make(tile, at), loc);
      }));
    }
    return tile;
  }

  Stmt call(const std::map<const BufferNode*, Buffer>& tiles) const {
    const Loc& loc = site_.self.loc();
    std::vector<Expr> constants, args;
    for (int64_t constant : constants_) constants.push_back(Expr(constant));
    for (const Param& param : intrinsic_.params) {
      if (auto* var = std::get_if<Var>(&param)) {
        auto index = bindings_.indices.find(var->get());
        args.push_back(index != bindings_.indices.end() ? value(index->second)
                                                        : bindings_.scalars.at(var->get()));
        continue;
      }
      const Buffer& formal = std::get<Buffer>(param);
      if (auto tile = tiles.find(formal.get()); tile != tiles.end()) {
        args.push_back(View::whole(tile->second, loc));
        continue;
      }
      const BoundBuffer& bound = bindings_.buffers.at(formal.get());
      std::vector<ViewDim> dims;
      for (size_t d = 0; d < bound.formal_dim.size(); ++d) {
        int dim = bound.formal_dim[d];
        Expr extent;
        if (dim >= 0) extent = value(bindings_.context.poly(formal->shape[dim]));
        dims.push_back({value(bound.min[d]), extent});
      }
      args.push_back(View::make(bound.actual, std::move(dims), loc));
    }
    return Evaluate::make(CallIntrin::make(intrinsic_.name, constants, args, loc), loc);
  }

  const Intrinsic& intrinsic_;
  const std::vector<int64_t>& constants_;
  const Site& site_;
  Bindings bindings_;
  Effects effects_;
};

}  // namespace

Schedule& Schedule::tensorize(const std::string& loop, const std::string& intrinsic,
                              const std::vector<int64_t>& constants, Edge edge) {
  return tensorize_run(loop, loop, intrinsic, constants, edge);
}

Schedule& Schedule::tensorize_run(const std::string& first, const std::string& last,
                                  const std::string& intrinsic_name,
                                  const std::vector<int64_t>& constants, Edge edge) {
  Site site = find_loop(function_, first);
  std::vector<Stmt> run = run_of(function_, site, find_loop(function_, last));
  if (run.size() > 1 && edge == Edge::Pad) {
    refuse("tensorize-mismatch", site, "statements that follow each other have no padded edges",
           "tensorize one loop, or use an intrinsic whose extents are parameters");
  }
  const Intrinsic* intrinsic = program_.find_intrinsic(intrinsic_name);
  if (!intrinsic) {
    std::vector<std::string> names;
    for (const Item& item : program_.items) {
      if (auto* other = std::get_if<Intrinsic>(&item)) names.push_back(other->name);
    }
    auto nearest = nearest_names(intrinsic_name, names);
    refuse("unknown-intrinsic", site, "there is no intrinsic `" + intrinsic_name + "`",
           nearest.empty() ? "" : "did you mean `" + nearest[0] + "`?");
  }
  if (constants.size() != intrinsic->constants.size()) {
    refuse("tensorize-mismatch", site,
           "`" + intrinsic_name + "` has " + std::to_string(intrinsic->constants.size()) +
               " template constants, found " + std::to_string(constants.size()),
           "give them all, as in " + intrinsic_name + "<6, 16>");
  }
  Context context = context_at(function_, site);
  Stmt nest = normalize_nest(context, run.size() > 1 ? Block::make(run) : site.self);
  // One call stands for all of them, but for `let`s, which what follows may use.
  std::unordered_map<const StmtNode*, std::vector<Stmt>> changes;
  for (const Stmt& stmt : run) {
    if (!stmt.as<Let>()) changes[stmt.get()] = {};
  }
  auto put = [&](std::vector<Stmt> stmts) {
    changes[site.self.get()] = std::move(stmts);
    return replace(function_.body, changes);
  };
  std::string text =
      "tensorize " + first + (run.size() > 1 ? " to " + last : "") + " as " + intrinsic_name;
  for (size_t i = 0; i < constants.size(); ++i) {
    text += (i ? ", " : "<") + std::to_string(constants[i]);
  }
  if (!constants.empty()) text += ">";
  if (edge == Edge::Pad) text += " edge pad";
  // Under a condition that numbers made false for all but empty operands, nothing is left to do.
  const Block* rest = nest.as<Block>();
  if (rest && rest->stmts.empty()) {
    return commit(std::move(text), put({nest}));
  }
  Mismatch mismatch;
  UnifyOptions options;
  options.allow_edges = edge == Edge::Pad;
  auto bindings = unify(program_, *intrinsic, constants, context, nest, options, &mismatch);
  if (!bindings) refuse_mismatch(*intrinsic, site, mismatch);
  reassociates_ |= bindings->reassociates;
  CallBuilder builder(program_, *intrinsic, constants, site, std::move(*bindings));
  builder.require_no_alias();
  builder.require_safe_arguments(context);
  std::vector<Stmt> result;
  if (builder.bindings().edges.empty()) {
    result = {builder.direct()};
  } else {
    builder.require_independent_edges(nest);
    result = builder.padded(padded_);
    Expr whole;
    for (const EdgeLoop& loop : builder.bindings().edges) {
      // Of min(full, rest) the rest counts, as specialize says it.
      Poly count = loop.count;
      auto partial = partial_extent(context, context.expr(count));
      if (partial && partial->full == loop.full) count = partial->rest;
      Expr part = le(context.expr(loop.full), context.expr(count));
      whole = whole ? logical_and(whole, part) : part;
    }
    // specialize may have asked already.
    if (!context.proves(whole, false)) {
      Context yes = context;
      yes.assume(whole, true);
      Mismatch whole_mismatch;
      Stmt whole_nest = normalize_nest(yes, nest);
      auto direct = unify(program_, *intrinsic, constants, yes, whole_nest, {}, &whole_mismatch);
      if (!direct) refuse_mismatch(*intrinsic, site, whole_mismatch);
      Stmt call = CallBuilder(program_, *intrinsic, constants, site, std::move(*direct)).direct();
      result = {If::make(whole, Block::make({call}), Block::make(result), site.self.loc())};
    } else {
      // Declarations of the tile reach to the end of their block.
      result = {Block::make(result)};
    }
  }
  return commit(std::move(text), put(std::move(result)));
}

}  // namespace inlay
