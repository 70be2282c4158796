// Verifier: statements and expressions: scopes, indices, loops that run at once, barriers.
#include "core/verify/verifier.h"

namespace inlay {

namespace {

bool is_concurrent(ForKind kind) {
  return kind != ForKind::Serial && kind != ForKind::Unrolled;
}

}  // namespace

std::string Verifier::path() const {
  std::string text = item_;
  for (size_t i = 0; i < stmts_.size(); ++i) {
    const StmtNode* stmt = stmts_[i];
    if (stmt->kind == StmtKind::For) {
      text += "/for " + static_cast<const For*>(stmt)->var.name();
    } else if (stmt->kind == StmtKind::If) {
      auto* branch = static_cast<const If*>(stmt);
      bool in_else = i + 1 < stmts_.size() && branch->else_body.get() == stmts_[i + 1];
      text += in_else ? "/else" : "/if";
    }
  }
  return text;
}

void Verifier::define(const void* node, const std::string& name, const Loc& loc, const char* what) {
  if (!ever_.insert(node).second && told_.insert(node).second) {
    error("redefined", loc, std::string(what) + " `" + name + "` is one node that is defined twice",
          "each definition needs a node of its own");
  }
  make_visible(node);
}

void Verifier::make_visible(const void* node) {
  visible_[node] = defined_.size();
  defined_.push_back(node);
}

void Verifier::leave(size_t size) {
  while (defined_.size() > size) {
    visible_.erase(defined_.back());
    defined_.pop_back();
  }
}

void Verifier::use(const void* node, const std::string& name, const Loc& loc, const char* what) {
  if (visible_.count(node) || !told_.insert(node).second) return;
  bool elsewhere = ever_.count(node) != 0;
  error("scope", loc,
        std::string(what) + " `" + name + "` is used " +
            (elsewhere ? "outside of the block that declares it" : "but never declared before"));
}

Verifier::Taint Verifier::taint_of(const Expr& expr, const StmtNode* stmt) const {
  struct Finder : Visitor {
    const std::unordered_map<const void*, Taint>& taints;
    const StmtNode* stmt;
    Taint found;
    Finder(const std::unordered_map<const void*, Taint>& known, const StmtNode* reader)
        : taints(known), stmt(reader) {}
    void read(const ExprNode& node) {
      found.unknown = true;
      if (stmt) found.read.push_back({&node, stmt});
    }
    using Visitor::visit_node;
    void visit_node(const VarNode& node) override {
      auto taint = taints.find(&node);
      if (taint != taints.end()) found = found | taint->second;
    }
    void visit_node(const Load& node) override {
      read(node);
      Visitor::visit_node(node);
    }
    void visit_node(const CallExtern& node) override { read(node); }
    void visit_node(const InlineAsm& node) override { read(node); }
  } finder(taints_, stmt);
  if (!loops_.empty()) finder.visit(expr);
  return finder.found;
}

void Verifier::visit_node(const VarNode& node) {
  use(&node, node.name, node.loc, "variable");
}

void Verifier::check_index(const Buffer& buffer, const Expr& index, size_t d, const Loc& loc) {
  if (dead_) return;
  auto extent = fold(buffer->shape[d]);
  Expr first = index;
  auto* ramp = index.as<Ramp>();
  auto* broadcast = index.as<Broadcast>();
  if (ramp) first = ramp->base;
  if (broadcast) first = broadcast->value;
  auto low = fold(first);
  if (!low) return;
  int64_t high = *low;
  if (ramp) {
    auto step = fold(ramp->stride);
    int64_t span = 0, last = 0;
    if (step && !__builtin_mul_overflow(*step, int64_t{ramp->type.lanes} - 1, &span) &&
        !__builtin_add_overflow(*low, span, &last)) {
      high = std::max(*low, last);
      low = std::min(*low, last);
    }
  }
  if (*low >= 0 && (!extent || high < *extent)) return;
  int64_t bad = *low < 0 ? *low : high;
  error("out-of-bounds", place_of(index, loc),
        "index " + std::to_string(bad) + " of dimension " + std::to_string(d) + " of buffer `" +
            buffer.name() + "` is " +
            (bad < 0 ? "negative" : "not below its extent " + std::to_string(*extent)));
}

void Verifier::visit_node(const Load& node) {
  use(node.buffer.get(), node.buffer.name(), node.loc, "buffer");
  for (size_t d = 0; d < node.indices.size(); ++d) {
    visit(node.indices[d]);
    check_index(node.buffer, node.indices[d], d, node.loc);
  }
}

void Verifier::visit_node(const View& node) {
  use(node.buffer.get(), node.buffer.name(), node.loc, "buffer");
  for (size_t d = 0; d < node.dims.size(); ++d) {
    const ViewDim& dim = node.dims[d];
    visit(dim.min);
    if (!dim.extent) {
      check_index(node.buffer, dim.min, d, node.loc);
      continue;
    }
    visit(dim.extent);
    auto extent = fold(dim.extent), min = fold(dim.min), bound = fold(node.buffer->shape[d]);
    if (dead_) continue;
    Loc loc = place_of(dim.extent, node.loc);
    std::string which =
        "range in dimension " + std::to_string(d) + " of buffer `" + node.buffer.name() + "`";
    if (extent && *extent < 0) {
      error("negative-extent", loc, which + " ends before it starts");
    } else if (min && *min < 0) {
      error("out-of-bounds", place_of(dim.min, node.loc),
            which + " starts at " + std::to_string(*min));
    } else if (min && extent && bound && (*min > *bound || *extent > *bound - *min)) {
      error("out-of-bounds", loc,
            which + " ends at " + std::to_string(*min + *extent) + ", beyond its extent " +
                std::to_string(*bound));
    }
  }
}

void Verifier::visit_node(const Cast& node) {
  check_type(node.type, "a cast", node.loc);
  visit(node.value);
}

void Verifier::visit_node(const CallExtern& node) {
  if (!node.type.is_void()) check_type(node.type, "the result of `" + node.symbol + "`", node.loc);
  Visitor::visit_node(node);
}

void Verifier::visit_node(const InlineAsm& node) {
  if (!node.type.is_void()) check_type(node.type, "the result of inline assembly", node.loc);
  Visitor::visit_node(node);
}

void Verifier::visit_node(const Block& node) {
  Scope scope(*this);
  stmts_.push_back(&node);
  for (const Stmt& stmt : node.stmts) visit(stmt);
  stmts_.pop_back();
}

void Verifier::visit_node(const For& node) {
  visit(node.min);
  visit(node.extent);
  check_nesting(node);
  lanes_ |= is_lane(node.for_kind) || is_grid(node.for_kind);
  if (is_lane(node.for_kind) && !in_lanes()) check_barrier_nest(node);
  Scope scope(*this);
  define(node.var.get(), node.var.name(), node.var.loc() ? node.var.loc() : node.loc,
         "loop variable");
  auto extent = fold(node.extent);
  int64_t copies_outside = copies_;
  if (node.for_kind == ForKind::Unrolled && extent && *extent > 1) {
    copies_ = std::min(copies_, kMostUnrolled) * std::min(*extent, kMostUnrolled + 1);
    if (copies_ > kMostUnrolled && copies_outside <= kMostUnrolled) {
      error("unroll-limit", node.loc,
            "unrolled loops would make more than " + std::to_string(kMostUnrolled) +
                " copies of what is in loop `" + node.var.name() + "`",
            "split the loop, and unroll the inner one");
    }
  }
  bool concurrent = is_concurrent(node.for_kind);
  const StmtNode* reader = in_lanes() ? &node : nullptr;
  Taint bounds = taint_of(node.min, reader) | taint_of(node.extent, reader), own = bounds;
  if (concurrent && loops_.size() < kTaintBits) own.loops |= uint64_t{1} << loops_.size();
  taints_[node.var.get()] = own;
  loops_.push_back({&node, concurrent, !extent || *extent > 1, defined_.size()});
  Taint outside = guard_;
  bool dead_outside = dead_;
  guard_ = guard_ | bounds;
  dead_ = dead_ || (extent && *extent <= 0);
  stmts_.push_back(&node);
  visit(node.body);
  stmts_.pop_back();
  dead_ = dead_outside;
  guard_ = outside;
  copies_ = copies_outside;
  loops_.pop_back();
  taints_.erase(node.var.get());
}

void Verifier::check_nesting(const For& node) {
  for (const Loop& loop : loops_) {
    ForKind outer = loop.node->for_kind, inner = node.for_kind;
    std::string what = to_string(inner), where = to_string(outer);
    if ((is_grid(inner) || is_lane(inner)) && outer == inner) {
      error("loop-nesting", node.loc,
            "a " + what + " loop stands inside another " + where + " loop",
            "each dimension is used once");
    } else if (is_grid(inner) &&
               (is_lane(outer) || outer == ForKind::Parallel || outer == ForKind::Vectorized)) {
      error("loop-nesting", node.loc, "a " + what + " loop stands inside a " + where + " loop",
            "grid loops stand around all others that run at once");
    } else if (is_lane(inner) && (outer == ForKind::Parallel || outer == ForKind::Vectorized)) {
      error("loop-nesting", node.loc, "a " + what + " loop stands inside a " + where + " loop",
            "lane loops stand directly inside of grid or serial loops");
    } else if (inner == ForKind::Parallel && (is_grid(outer) || is_lane(outer))) {
      error("loop-nesting", node.loc, "a parallel loop stands inside a " + where + " loop",
            "a GPU has no threads inside of work-items; use lane loops");
    }
  }
}

void Verifier::visit_node(const If& node) {
  visit(node.condition);
  Taint outside = guard_;
  bool dead_outside = dead_;
  guard_ = guard_ | taint_of(node.condition, in_lanes() ? &node : nullptr);
  auto known = fold(node.condition);
  stmts_.push_back(&node);
  dead_ = dead_outside || (known && !*known);
  visit(node.then_body);
  dead_ = dead_outside || (known && *known);
  visit(node.else_body);
  stmts_.pop_back();
  dead_ = dead_outside;
  guard_ = outside;
}

void Verifier::visit_node(const Store& node) {
  use(node.buffer.get(), node.buffer.name(), node.loc, "buffer");
  for (size_t d = 0; d < node.indices.size(); ++d) {
    visit(node.indices[d]);
    check_index(node.buffer, node.indices[d], d, node.loc);
  }
  visit(node.value);
  check_vector_store(node);
  check_store_races(node);
}

// Lanes that write one element have no order.
void Verifier::check_vector_store(const Store& node) {
  if (node.indices.empty() || node.indices.back().type().is_scalar()) return;
  auto* ramp = node.indices.back().as<Ramp>();
  bool same = node.indices.back().as<Broadcast>() || (ramp && is_const(ramp->stride, 0));
  if (!same) return;
  error("vector-index", node.loc,
        "all lanes of this store write one element of buffer `" + node.buffer.name() + "`",
        "index with ramp(base, 1, lanes)");
}

// Finds the stores of which each iteration of a concurrent loop does the very same: the place is
// not computed from the loop's variable, and nothing singles out an iteration.
void Verifier::check_store_races(const Store& node) {
  if (loops_.empty() || dead_) return;
  Taint place = guard_;
  for (const Expr& index : node.indices) place = place | taint_of(index);
  if (place.unknown) return;
  auto declared = visible_.find(node.buffer.get());
  for (size_t i = 0; i < loops_.size() && i < kTaintBits; ++i) {
    const Loop& loop = loops_[i];
    if (!loop.concurrent || !loop.many || (place.loops >> i & 1)) continue;
    if (declared == visible_.end() || declared->second >= loop.defined) continue;
    error("race", node.loc,
          "every iteration of the " + std::string(to_string(loop.node->for_kind)) + " loop `" +
              loop.node->var.name() + "` writes the same element of buffer `" + node.buffer.name() +
              "`",
          "index it by `" + loop.node->var.name() + "`, or make the loop serial");
    return;
  }
}

void Verifier::visit_node(const Allocate& node) {
  const Buffer& buffer = node.buffer;
  for (const Expr& extent : buffer->shape) visit(extent);
  for (const Expr& stride : buffer->strides) visit(stride);
  check_type(buffer->type, "`" + buffer.name() + "`", node.loc);
  if (!dead_) check_buffer(buffer);
  if (buffer->space != MemorySpace::Global) {
    for (const Expr& extent : buffer->shape) {
      if (is_compile_time(extent)) continue;
      error("private-shape", place_of(extent, node.loc),
            "buffer `" + buffer.name() + "` in " + to_string(buffer->space) +
                " memory has an extent that is not known when compiling",
            "use literals and parameters of the program, or global memory");
    }
  }
  if (buffer->space == MemorySpace::Shared) {
    for (const Loop& loop : loops_) {
      if (!is_lane(loop.node->for_kind)) continue;
      error("loop-nesting", node.loc,
            "buffer `" + buffer.name() + "` is shared by a workgroup, but allocated by each lane",
            "allocate it outside of the lane loops");
      break;
    }
  }
  define(buffer.get(), buffer.name(), node.loc, "buffer");
}

void Verifier::visit_node(const Let& node) {
  visit(node.value);
  check_type(node.var.type(), "`" + node.var.name() + "`", node.loc);
  if (node.var->is_constant) {
    error("bad-node", node.loc,
          "`" + node.var.name() + "` is a compile-time constant, which `let` can't define");
  }
  if (!loops_.empty()) {
    taints_[node.var.get()] = taint_of(node.value, in_lanes() ? &node : nullptr);
  }
  define(node.var.get(), node.var.name(), node.var.loc() ? node.var.loc() : node.loc, "variable");
}

void Verifier::visit_node(const Evaluate& node) {
  visit(node.value);
}

void Verifier::visit_node(const Barrier& node) {
  check_divergence(node);
}

void Verifier::visit_node(const ImportPragma& node) {
  check_import(node.import);
}

void Verifier::visit_node(const UnrollPragma& node) {
  if (!loops_.empty()) return;
  error("bad-pragma", node.loc, "`pragma unroll` stands outside of loops",
        "put it into the body of the loop that it is about");
}

void Verifier::visit_node(const Require& node) {
  if (node.requirement.target) check_predicate(*node.requirement.target);
  if (in_function_ && loops_.empty()) return;
  error("bad-require", node.loc,
        in_function_ ? "`require` stands in a loop" : "`require` stands in no function",
        in_function_ ? "put it before the outermost loop, into the same block: it holds for all "
                       "kernels that the block becomes"
                     : "put it at the start of a function, or of a schedule");
}

void Verifier::visit_node(const Prefetch& node) {
  use(node.buffer.get(), node.buffer.name(), node.loc, "buffer");
  // It is no access: evaluating where it points may touch nothing either.
  struct Finder : Visitor {
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Load&) override { found = true; }
    void visit_node(const CallExtern&) override { found = true; }
    void visit_node(const InlineAsm&) override { found = true; }
  } finder;
  for (const Expr& index : node.indices) {
    finder.visit(index);
    visit(index);
  }
  if (!finder.found) return;
  error("bad-pragma", node.loc, "an index of a prefetch reads memory or calls something",
        "prefetch by variables, or name the value with `let` first");
}

}  // namespace inlay
