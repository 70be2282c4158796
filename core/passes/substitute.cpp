// substitute: puts expressions for variables and views for buffers. Definitions are kept, or made
// afresh; an allocation whose shape changes is a new buffer, and its uses follow.
#include "core/ir/visitor.h"
#include "core/passes/passes.h"

namespace inlay {

namespace {

bool any_changed(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].same_as(b[i])) return true;
  }
  return false;
}

// Index `at` counted from `base`.
Expr offset(const Expr& base, const Expr& at) {
  if (is_const(base, 0)) return at;
  if (at.type().is_scalar()) return is_const(at, 0) ? base : base + at;
  int lanes = at.type().lanes;
  if (auto* ramp = at.as<Ramp>()) {
    return Ramp::make(offset(base, ramp->base), ramp->stride, lanes, at.loc());
  }
  return Broadcast::make(base, lanes, at.loc()) + at;
}

class Substituter : public Mutator {
 public:
  Substituter(const Substitution& substitution, bool fresh)
      : substitution_(substitution), fresh_(fresh) {}

 protected:
  using Mutator::mutate_node;

  Expr mutate_node(const VarNode& node, const Expr& self) override {
    if (auto own = own_vars_.find(&node); own != own_vars_.end()) return own->second;
    auto found = substitution_.vars.find(&node);
    return found == substitution_.vars.end() ? self : found->second;
  }

  Expr mutate_node(const Load& node, const Expr& self) override {
    const View* view = find_view(node.buffer);
    if (!view) return Mutator::mutate_node(node, self);
    return Load::make(view->buffer, compose(node.buffer, *view, mutate(node.indices), node.loc),
                      node.loc);
  }

  Stmt mutate_node(const Store& node, const Stmt& self) override {
    const View* view = find_view(node.buffer);
    if (!view) return Mutator::mutate_node(node, self);
    std::vector<Expr> indices = compose(node.buffer, *view, mutate(node.indices), node.loc);
    return Store::make(view->buffer, std::move(indices), mutate(node.value), node.loc);
  }

  Stmt mutate_node(const Prefetch& node, const Stmt& self) override {
    const View* view = find_view(node.buffer);
    if (!view) return Mutator::mutate_node(node, self);
    std::vector<Expr> indices = compose(node.buffer, *view, mutate(node.indices), node.loc);
    return Prefetch::make(view->buffer, std::move(indices), node.write, node.level, node.loc);
  }

  Expr mutate_node(const View& node, const Expr& self) override {
    const View* view = find_view(node.buffer);
    if (!view) {
      Buffer buffer = mutate_buffer(node.buffer);
      if (!buffer.same_as(node.buffer) && node.is_whole()) return View::whole(buffer, node.loc);
      return Mutator::mutate_node(node, self);
    }
    if (node.is_whole()) return View::make(view->buffer, view->dims, node.loc);
    std::vector<ViewDim> dims;
    size_t inner = 0;
    for (const ViewDim& outer : view->dims) {
      if (!outer.extent) {
        dims.push_back(outer);
        continue;
      }
      const ViewDim& dim = node.dims[inner++];
      dims.push_back({offset(outer.min, mutate(dim.min)), mutate(dim.extent)});
    }
    return View::make(view->buffer, std::move(dims), node.loc);
  }

  Stmt mutate_node(const Allocate& node, const Stmt& self) override {
    const BufferNode& old = *node.buffer;
    std::vector<Expr> shape = mutate(old.shape), strides = mutate(old.strides);
    if (!fresh_ && !any_changed(shape, old.shape) && !any_changed(strides, old.strides)) {
      return self;
    }
    Buffer buffer = Buffer::make(old.name, old.type, std::move(shape), std::move(strides),
                                 old.space, old.alignment, old.loc);
    own_buffers_[&old] = buffer;
    return Allocate::make(buffer, node.loc);
  }

  Buffer mutate_buffer(const Buffer& buffer) override {
    auto own = own_buffers_.find(buffer.get());
    return own == own_buffers_.end() ? buffer : own->second;
  }

  Var mutate_definition(const Var& var) override {
    if (!fresh_) return var;
    Var own(var.name(), var.type(), var.loc());
    own_vars_[var.get()] = own;
    return own;
  }

 private:
  const View* find_view(const Buffer& buffer) const {
    auto found = substitution_.buffers.find(buffer.get());
    if (found == substitution_.buffers.end()) return nullptr;
    const View* view = found->second.as<View>();
    INLAY_CHECK(view, "a buffer is replaced by something that is no view");
    return view;
  }

  // Indices into the view's buffer for `indices` into the view.
  static std::vector<Expr> compose(const Buffer& formal, const View& view,
                                   const std::vector<Expr>& indices, const Loc& loc) {
    std::vector<Expr> composed;
    size_t inner = 0;
    for (size_t d = 0; d < view.dims.size(); ++d) {
      const ViewDim& dim = view.dims[d];
      if (!dim.extent) {
        composed.push_back(dim.min);
        continue;
      }
      INLAY_CHECK(inner < indices.size(), "a view has another rank than the buffer it replaces");
      const Expr& at = indices[inner++];
      if (at.type().is_vector() && d + 1 != view.dims.size()) {
        throw CompileError("vector-index", loc,
                           "vector index into `" + formal.name() + "` falls on dimension " +
                               std::to_string(d) + " of `" + view.buffer.name() +
                               "`, which is not its last",
                           "pass a view that keeps the last dimension of `" + view.buffer.name() +
                               "`, or index `" + formal.name() + "` with scalars");
      }
      composed.push_back(offset(dim.min, at));
    }
    INLAY_CHECK(inner == indices.size(), "a view has another rank than the buffer it replaces");
    return composed;
  }

  const Substitution& substitution_;
  bool fresh_;
  std::unordered_map<const ExprNode*, Expr> own_vars_;
  std::unordered_map<const BufferNode*, Buffer> own_buffers_;
};

}  // namespace

Expr substitute(const Expr& expr, const Substitution& substitution) {
  return Substituter(substitution, false).mutate(expr);
}

Stmt substitute(const Stmt& stmt, const Substitution& substitution, bool fresh) {
  return Substituter(substitution, fresh).mutate(stmt);
}

}  // namespace inlay
