// Verifier: calls of intrinsics against what the intrinsic declares.
#include "core/verify/verifier.h"

namespace inlay {

void Verifier::visit_node(const CallIntrin& node) {
  Visitor::visit_node(node);
  const Intrinsic* intrinsic = program_.find_intrinsic(node.name);
  if (!intrinsic) {
    std::vector<std::string> names;
    for (const Item& item : program_.items) {
      if (auto* known = std::get_if<Intrinsic>(&item)) names.push_back(known->name);
    }
    auto near = nearest_names(node.name, names, 1);
    std::string help = did_you_mean(near);
    if (program_.find_function(node.name)) help = "functions can't be called; make it an intrinsic";
    error("unknown-intrinsic", node.loc, "there is no intrinsic `" + node.name + "`", help);
    return;
  }
  if (node.constants.size() != intrinsic->constants.size()) {
    error("bad-call", node.loc,
          "intrinsic `" + node.name + "` takes " + std::to_string(intrinsic->constants.size()) +
              " template arguments, found " + std::to_string(node.constants.size()));
    return;
  }
  std::unordered_map<const ExprNode*, int64_t> known;
  for (size_t i = 0; i < node.constants.size(); ++i) {
    const Expr& constant = node.constants[i];
    if (!is_compile_time(constant)) {
      error("bad-call", place_of(constant, node.loc),
            "template argument `" + intrinsic->constants[i].name() + "` of `" + node.name +
                "` is not known when compiling",
            "use literals and parameters of the program");
    }
    if (auto value = fold(constant)) known[intrinsic->constants[i].get()] = *value;
  }
  if (node.args.size() != intrinsic->params.size()) {
    error("bad-call", node.loc,
          "intrinsic `" + node.name + "` takes " + std::to_string(intrinsic->params.size()) +
              " arguments, found " + std::to_string(node.args.size()));
    return;
  }
  // Scalars first: shapes may name them.
  for (size_t i = 0; i < node.args.size(); ++i) {
    auto* var = std::get_if<Var>(&intrinsic->params[i]);
    auto value = var ? fold(node.args[i]) : std::nullopt;
    if (value) known[var->get()] = *value;
  }
  for (size_t i = 0; i < node.args.size(); ++i) check_argument(node, *intrinsic, i, known);
}

void Verifier::check_argument(const CallIntrin& call, const Intrinsic& intrinsic, size_t i,
                              std::unordered_map<const ExprNode*, int64_t>& known) {
  const Param& param = intrinsic.params[i];
  const Expr& arg = call.args[i];
  Loc loc = place_of(arg, call.loc);
  std::string which = "argument `" + param_name(param) + "` of `" + call.name + "`";
  auto* view = arg.as<View>();
  if (auto* var = std::get_if<Var>(&param)) {
    if (view) {
      error("bad-call", loc,
            which + " is a " + to_string(var->type()) + ", found a view of `" +
                view->buffer.name() + "`",
            "index one element");
    } else if (arg.type() != var->type()) {
      error("bad-call", loc,
            which + " has type " + to_string(arg.type()) + ", expected " + to_string(var->type()),
            "cast it: " + to_string(var->type()) + "(...)");
    }
    return;
  }
  const Buffer& formal = std::get<Buffer>(param);
  if (!view) {
    error("bad-call", loc, which + " is a buffer, found a value of type " + to_string(arg.type()),
          "pass a view: a buffer's name, or A[i0..i1, j]");
    return;
  }
  check_view_argument(call, intrinsic, formal, *view, known);
}

void Verifier::check_view_argument(const CallIntrin& call, const Intrinsic& intrinsic,
                                   const Buffer& formal, const View& view,
                                   std::unordered_map<const ExprNode*, int64_t>& known) {
  Loc loc = view.loc ? view.loc : call.loc;
  std::string which = "argument `" + formal.name() + "` of `" + intrinsic.name + "`";
  if (view.buffer->type != formal->type) {
    error("bad-call", loc,
          which + " has elements of type " + to_string(view.buffer->type) + ", expected " +
              to_string(formal->type));
    return;
  }
  std::vector<size_t> kept;
  for (size_t d = 0; d < view.dims.size(); ++d) {
    if (view.dims[d].extent) kept.push_back(d);
  }
  if (kept.size() != formal->rank()) {
    error("bad-call", loc,
          which + " has " + std::to_string(kept.size()) + " dimensions, expected " +
              std::to_string(formal->rank()),
          "a range keeps a dimension, a single index drops it");
    return;
  }
  // What can be computed now must agree; the rest is seen when the call runs.
  std::optional<int64_t> compact = 1;
  for (size_t d = formal->rank(); d-- > 0;) {
    auto actual = fold(view.dims[kept[d]].extent);
    auto wanted = fold(formal->shape[d], known);
    if (actual && wanted && *actual != *wanted && !dead_) {
      error("bad-call", loc,
            "extent of dimension " + std::to_string(d) + " of " + which + " is " +
                std::to_string(*actual) + ", expected " + std::to_string(*wanted));
    } else if (actual && !wanted && formal->shape[d].as<VarNode>()) {
      known.emplace(formal->shape[d].get(), *actual);
    }
    auto stride = fold(stride_of(view.buffer, kept[d]));
    auto expected = formal->strides.empty() ? compact : fold(formal->strides[d], known);
    // Where there is one element at most, its stride is never used.
    bool matters = !actual || *actual > 1;
    if (matters && stride && expected && *stride != *expected && !dead_) {
      error("bad-call", loc,
            "stride of dimension " + std::to_string(d) + " of " + which + " is " +
                std::to_string(*stride) + ", expected " + std::to_string(*expected),
            formal->strides.empty() ? "declare it `strided`, or pass a compact buffer"
                                    : "the innermost kept dimension must be contiguous");
    }
    if (compact) {
      auto extent = wanted ? wanted : actual;
      int64_t product = 0;
      bool fits = extent && !__builtin_mul_overflow(*compact, *extent, &product);
      compact = fits ? std::optional(product) : std::nullopt;
    }
  }
}

}  // namespace inlay
