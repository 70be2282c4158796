#include "backends/llvm/emit/gpu/plan.h"

#include <algorithm>
#include <optional>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"

namespace inlay {

int grid_dimension(ForKind kind) {
  return kind >= ForKind::GridX && kind <= ForKind::GridZ ? int(kind) - int(ForKind::GridX) : -1;
}

int lane_dimension(ForKind kind) {
  return kind >= ForKind::LaneX && kind <= ForKind::LaneZ ? int(kind) - int(ForKind::LaneX) : -1;
}

namespace {

// Of a buffer in global memory that a serial kernel keeps in private memory instead.
constexpr int64_t kWorkItemBytes = 4096;

// The first thing in an expression that only a kernel can do.
struct MemoryUse : Visitor {
  std::string what;
  Loc loc;

  void found(const std::string& words, const Loc& place) {
    if (what.empty()) {
      what = words;
      loc = place;
    }
  }
  using Visitor::visit_node;
  void visit_node(const Load& node) override {
    found("reads `" + node.buffer.name() + "`", node.loc);
  }
  void visit_node(const CallExtern& node) override {
    found("calls `" + node.symbol + "`", node.loc);
  }
  void visit_node(const InlineAsm& node) override { found("holds inline assembly", node.loc); }
};

std::optional<int64_t> constant(const Expr& expr) {
  Expr folded = simplify(expr);
  const IntImm* number = as_int(folded);
  return number ? std::optional(number->value) : std::nullopt;
}

// Bytes of a buffer of constant shape, nullopt otherwise.
std::optional<int64_t> bytes_of(const Buffer& buffer) {
  int64_t count = 1;
  for (size_t d = 0; d < buffer->rank(); ++d) {
    std::optional<int64_t> extent = constant(buffer->shape[d]);
    if (!extent || *extent < 0) return std::nullopt;
    if (buffer->strides.empty()) {
      if (__builtin_mul_overflow(count, *extent, &count)) return std::nullopt;
      continue;
    }
    std::optional<int64_t> stride = constant(buffer->strides[d]);
    int64_t reach = 0;
    if (!stride || __builtin_mul_overflow(*extent - 1, *stride, &reach) ||
        __builtin_add_overflow(count, reach, &count)) {
      return std::nullopt;
    }
  }
  return __builtin_mul_overflow(count, buffer->type.bytes(), &count) ? std::nullopt
                                                                     : std::optional(count);
}

// A small buffer that only one work-item uses may as well be its own.
bool fits_work_item(const Buffer& buffer) {
  std::optional<int64_t> bytes = bytes_of(buffer);
  return bytes && *bytes <= kWorkItemBytes;
}

// What of a statement the host has to do itself.
struct HostNeeds : Visitor {
  bool grid = false, lane = false, allocation = false, assertion = false;
  bool small_allocation = false;  // which one work-item would keep to itself
  bool any() const { return grid || allocation || assertion || (lane && small_allocation); }

  using Visitor::visit_node;
  void visit_node(const For& node) override {
    grid |= grid_dimension(node.for_kind) >= 0;
    lane |= lane_dimension(node.for_kind) >= 0;
    bool outside = in_kernel_, above = nested_;
    in_kernel_ |= grid || lane_dimension(node.for_kind) >= 0;
    nested_ = true;
    Visitor::visit_node(node);
    in_kernel_ = outside;
    nested_ = above;
  }
  void visit_node(const If& node) override {
    bool above = nested_;
    nested_ = true;
    Visitor::visit_node(node);
    nested_ = above;
  }
  void visit_node(const Allocate& node) override {
    if (in_kernel_ || node.buffer->space != MemorySpace::Global) return;
    (nested_ && fits_work_item(node.buffer) ? small_allocation : allocation) = true;
  }
  void visit_node(const Assert& node) override {
    MemoryUse use;
    use.visit(node.condition);
    assertion |= !in_kernel_ && use.what.empty();
  }

 private:
  bool in_kernel_ = false;
  bool nested_ = false;  // below a loop or condition
};

HostNeeds needs_of(const Stmt& stmt) {
  HostNeeds needs;
  needs.visit(stmt);
  return needs;
}

bool has_effect(const Stmt& stmt) {
  switch (stmt->kind) {
    case StmtKind::Let:
    case StmtKind::Allocate:
    case StmtKind::ImportPragma:
    case StmtKind::UnrollPragma:
    case StmtKind::Prefetch:
    case StmtKind::Require:
      return false;
    case StmtKind::Block: {
      const std::vector<Stmt>& list = stmt.as<Block>()->stmts;
      return std::any_of(list.begin(), list.end(), has_effect);
    }
    default:
      return true;
  }
}

// Variables that an expression uses.
struct VarsUsed : Visitor {
  std::set<const ExprNode*> vars;
  using Visitor::visit_node;
  void visit_node(const VarNode& node) override { vars.insert(&node); }
};

// ---- one kernel ----

class KernelChecker : Visitor {
 public:
  KernelChecker(KernelPlan& plan, const std::set<std::string>& ready, const GpuLimits& limits,
                Diagnostics& found)
      : plan_(plan), ready_(ready), limits_(limits), found_(found) {}

  void run() {
    Stmt inner = follow_grid(plan_.body);
    check_ready(inner);
    visit(inner);
    check_size();
  }

 private:
  using Visitor::visit_node;

  // Down the grid loops, which stand one in another with nothing but declarations between them.
  Stmt follow_grid(const Stmt& stmt) {
    auto* loop = stmt.as<For>();
    int dimension = loop ? grid_dimension(loop->for_kind) : -1;
    if (dimension < 0) return stmt;
    take_extent(*loop, dimension);
    inside_.insert(loop->var.get());
    const std::vector<Stmt>& body = loop->body.as<Block>()->stmts;
    const Stmt* next = nullptr;
    const Stmt* other = nullptr;
    for (const Stmt& child : body) {
      if (needs_of(child).grid && !next) {
        next = &child;
      } else if (has_effect(child) || needs_of(child).grid) {
        other = &child;
      }
      declared(child);
    }
    if (!next) return loop->body;
    auto* inner = next->as<For>();
    if (!inner || grid_dimension(inner->for_kind) < 0) {
      found_.error("grid-nest", next->loc(),
                   "a grid loop stands below another statement inside the grid loop `" +
                       loop->var.name() + "`",
                   "grid loops of one kernel stand directly one in another");
    } else if (other) {
      found_.error("grid-nest", other->loc(),
                   "this stands beside the grid loop `" + inner->var.name() +
                       "`: all workgroups of that loop would do it",
                   "put it into the inner grid loop, or into a kernel of its own before");
    } else {
      return follow_grid(*next);
    }
    return loop->body;
  }

  void declared(const Stmt& stmt) {
    if (auto* let = stmt.as<Let>()) inside_.insert(let->var.get());
  }

  void take_extent(const For& loop, int dimension) {
    const Loc& place = place_of(loop.extent, loop.loc);
    MemoryUse use;
    use.visit(loop.extent);
    if (!use.what.empty()) {
      found_.error("host-access", place,
                   "the extent of the grid loop `" + loop.var.name() + "` " + use.what +
                       ", which the host can't do: the buffer is in the GPU's memory",
                   "pass the number as a parameter");
      return;
    }
    VarsUsed used;
    used.visit(loop.extent);
    for (const ExprNode* var : used.vars) {
      if (!inside_.count(var)) continue;
      found_.error("grid-extent", place,
                   "the extent of the grid loop `" + loop.var.name() + "` depends on `" +
                       static_cast<const VarNode*>(var)->name +
                       "`, which is only known inside of the kernel",
                   "launch the greatest extent, and guard the body with `if`");
      return;
    }
    plan_.grid[dimension] = loop.extent;
  }

  // ---- ready kernels ----

  static const Stmt* only_child(const Stmt& block) {
    const Stmt* only = nullptr;
    for (const Stmt& child : block.as<Block>()->stmts) {
      if (child.as<ImportPragma>() || child.as<Require>()) continue;
      if (only) return nullptr;
      only = &child;
    }
    return only;
  }

  void check_ready(const Stmt& inner) {
    Stmt at = inner;
    for (;;) {
      if (auto* loop = at.as<For>(); loop && lane_dimension(loop->for_kind) >= 0) {
        inside_.insert(loop->var.get());
        at = loop->body;
      } else if (at.as<Block>() && only_child(at)) {
        at = Stmt(*only_child(at));
      } else {
        break;
      }
    }
    auto* evaluate = at.as<Evaluate>();
    auto* call = evaluate ? evaluate->value.as<CallExtern>() : nullptr;
    if (!call || !ready_.count(call->symbol)) return;
    plan_.ready = call;
    for (const Expr& arg : call->args) check_ready_argument(*call, arg);
  }

  void check_ready_argument(const CallExtern& call, const Expr& arg) {
    MemoryUse use;
    VarsUsed used;
    used.visit(arg);
    use.visit(arg);
    std::string what;
    if (!use.what.empty()) what = use.what;
    if (auto* view = arg.as<View>(); view && view->buffer->space != MemorySpace::Global) {
      what = std::string("is in ") + to_string(view->buffer->space) + " memory";
    }
    for (const ExprNode* var : used.vars) {
      if (inside_.count(var)) {
        what = "depends on the loop `" + static_cast<const VarNode*>(var)->name + "`";
      }
    }
    if (what.empty()) return;
    found_.error("ready-kernel", place_of(arg, call.loc),
                 "an argument of the kernel `" + call.symbol + "` " + what +
                     ", but arguments are computed on the host, once for the launch",
                 "pass buffers in global memory, and numbers from outside of the loops");
  }

  // ---- what stands in a kernel ----

  void visit_node(const For& node) override {
    int dimension = lane_dimension(node.for_kind);
    if (grid_dimension(node.for_kind) >= 0) return;  // said already
    if (dimension >= 0) {
      std::optional<int64_t> extent = constant(node.extent);
      if (!extent) {
        found_.error("lane-extent", place_of(node.extent, node.loc),
                     "the extent of the lane loop `" + node.var.name() +
                         "` is not known when compiling, but a workgroup has a fixed size",
                     "make it a number or a `param`, and guard the body with `if`");
      } else {
        plan_.workgroup[dimension] = std::max(plan_.workgroup[dimension], *extent);
      }
    }
    Visitor::visit_node(node);
  }
  void visit_node(const CallExtern& node) override {
    if (&node != plan_.ready && ready_.count(node.symbol)) {
      found_.error("ready-kernel", node.loc,
                   "`" + node.symbol + "` is a kernel, which code on the GPU can't call",
                   "let the call be all that grid and lane loops hold: they say how many "
                   "workgroups and work-items are launched");
    }
    Visitor::visit_node(node);
  }
  void visit_node(const Allocate& node) override {
    const Buffer& buffer = node.buffer;
    if (buffer->space == MemorySpace::Global) {
      if (plan_.serial && fits_work_item(buffer)) return;
      found_.error("kernel-alloc", buffer->loc ? buffer->loc : node.loc,
                   "buffer `" + buffer.name() + "` in global memory is allocated inside a kernel",
                   "allocate it outside of the grid and lane loops, or `in shared` or "
                   "`in private`");
    } else if (buffer->space == MemorySpace::Shared) {
      std::optional<int64_t> bytes = bytes_of(buffer);
      if (bytes) {
        shared_.push_back({buffer, *bytes});
      } else {
        found_.error("private-shape", buffer->loc ? buffer->loc : node.loc,
                     "shared buffer `" + buffer.name() + "` has a shape that is no constant",
                     "make its extents numbers or `param`s");
      }
    }
  }
  void visit_node(const Assert& node) override { plan_.asserts.push_back(&node); }

  void check_size() {
    for (int64_t& extent : plan_.workgroup) extent = std::max<int64_t>(extent, 1);
    int64_t items = 1;
    bool overflow = false;
    for (int64_t extent : plan_.workgroup) {
      overflow |= __builtin_mul_overflow(items, extent, &items);
    }
    if (overflow || items > limits_.workgroup) {
      found_.error("workgroup-size", plan_.loc,
                   "a workgroup of this kernel has " + std::to_string(plan_.workgroup[0]) + " x " +
                       std::to_string(plan_.workgroup[1]) + " x " +
                       std::to_string(plan_.workgroup[2]) + " work-items, at most " +
                       std::to_string(limits_.workgroup) + " are possible",
                   "split the lane loops, and bind the outer parts to the grid");
    }
    int64_t total = 0;
    std::string list;
    for (const auto& [buffer, bytes] : shared_) {
      total = (total + 15) / 16 * 16 + bytes;
      list += (list.empty() ? "" : ", ") + buffer.name() + " " + std::to_string(bytes);
    }
    if (total > limits_.lds_bytes) {
      found_.error("lds-limit", plan_.loc,
                   "this kernel needs " + std::to_string(total) +
                       " bytes of shared memory, a workgroup has at most " +
                       std::to_string(limits_.lds_bytes) + " (" + list + ")",
                   "make the shared tiles smaller");
    }
  }

  KernelPlan& plan_;
  const std::set<std::string>& ready_;
  const GpuLimits& limits_;
  Diagnostics& found_;
  std::set<const ExprNode*> inside_;  // variables that the kernel defines above its lane loops
  std::vector<std::pair<Buffer, int64_t>> shared_;
};

// What blocks inside of `stmt` require, beside what is in `list`.
void find_required(const Stmt& stmt, std::vector<Stmt>& list) {
  struct Finder : Visitor {
    std::vector<Stmt>* list = nullptr;
    using Visitor::visit_node;
    void visit_node(const Require& node) override {
      auto same = [&](const Stmt& known) { return known.get() == &node; };
      if (std::none_of(list->begin(), list->end(), same)) {
        list->push_back(Stmt(Ref<const StmtNode>(&node)));
      }
    }
  } finder;
  finder.list = &list;
  finder.visit(stmt);
}

// ---- a function ----

class Splitter {
 public:
  Splitter(const Function& function, const std::set<std::string>& ready, const GpuLimits& limits,
           Diagnostics& found, Diagnostics& warnings)
      : function_(function), ready_(ready), limits_(limits), found_(found), warnings_(warnings) {}

  HostPlan run() {
    out_.body = split(function_.body);
    return std::move(out_);
  }

 private:
  Stmt split(const Stmt& stmt) {
    auto* block = stmt.as<Block>();
    if (!block) return split_one(stmt);
    size_t outside = required_.size();
    for (const Stmt& child : block->stmts) {
      if (child.as<Require>()) required_.push_back(child);
    }
    Stmt done = split_block(*block);
    required_.resize(outside);
    return done;
  }

  Stmt split_block(const Block& block) {
    std::vector<Stmt> done, serial;
    auto flush = [&] {
      if (serial.empty()) return;
      Loc loc = serial[0].loc();
      done.push_back(make_kernel(Block::make(std::move(serial), loc), true));
      serial.clear();
    };
    for (size_t i = 0; i < block.stmts.size(); ++i) {
      const Stmt& child = block.stmts[i];
      if (starts_kernel_scope(child)) {
        flush();
        done.push_back(rest_as_kernel(block, i));
        return Block::make(std::move(done), block.loc);
      }
      if (is_serial(child)) {
        serial.push_back(child);
        continue;
      }
      flush();
      done.push_back(split_one(child));
    }
    flush();
    return Block::make(std::move(done), block.loc);
  }

  // A declaration that only a kernel can hold: all of its scope is one.
  static bool starts_kernel_scope(const Stmt& stmt) {
    if (auto* let = stmt.as<Let>()) {
      MemoryUse use;
      use.visit(let->value);
      return !use.what.empty() || !let->var.type().is_scalar();
    }
    auto* allocate = stmt.as<Allocate>();
    return allocate && allocate->buffer->space != MemorySpace::Global;
  }

  Stmt rest_as_kernel(const Block& block, size_t first) {
    std::vector<Stmt> rest(block.stmts.begin() + int64_t(first), block.stmts.end());
    bool lanes = false;
    for (const Stmt& stmt : rest) {
      HostNeeds needs = needs_of(stmt);
      lanes |= needs.lane;
      auto* allocate = stmt.as<Allocate>();
      needs.assertion = false;  // the kernel can do that
      if (!needs.any() || (allocate && fits_work_item(allocate->buffer))) continue;
      bool is_let = rest[0].as<Let>() != nullptr;
      std::string name =
          is_let ? rest[0].as<Let>()->var.name() : rest[0].as<Allocate>()->buffer.name();
      found_.error("host-access", rest[0].loc(),
                   "`" + name + "` " +
                       (is_let ? "is computed by the GPU" : "is memory of a workgroup") +
                       ", but what the host does depends on its scope: " +
                       (needs.grid ? "a grid loop" : "an allocation"),
                   "declare it inside of the grid loop that uses it");
      return Block::make({}, block.loc);
    }
    Loc loc = rest[0].loc();
    return make_kernel(Block::make(std::move(rest), loc), !lanes);
  }

  // A kernel of its own, of one work-item.
  static bool is_serial(const Stmt& stmt) {
    switch (stmt->kind) {
      case StmtKind::Store:
      case StmtKind::Evaluate:
        return true;
      case StmtKind::Assert: {
        MemoryUse use;
        use.visit(stmt.as<Assert>()->condition);
        return !use.what.empty();
      }
      case StmtKind::For:
      case StmtKind::If:
      case StmtKind::Block: {
        HostNeeds needs = needs_of(stmt);
        return !needs.any() && !needs.lane && has_effect(stmt);
      }
      default:
        return false;
    }
  }

  Stmt split_one(const Stmt& stmt) {
    switch (stmt->kind) {
      case StmtKind::For: {
        auto* loop = stmt.as<For>();
        if (grid_dimension(loop->for_kind) >= 0) return make_kernel(stmt, false);
        if (!needs_of(stmt).any()) return make_kernel(stmt, !needs_of(stmt).lane);
        check_host(loop->min, "a bound of the loop `" + loop->var.name() + "`", loop->loc);
        check_host(loop->extent, "a bound of the loop `" + loop->var.name() + "`", loop->loc);
        // Iterations that launch kernels run in order: the queue has one.
        ForKind kind = loop->for_kind == ForKind::Parallel ? ForKind::Serial : loop->for_kind;
        return For::make(kind, loop->var, loop->min, loop->extent, split(loop->body), loop->loc);
      }
      case StmtKind::If: {
        auto* branch = stmt.as<If>();
        if (!needs_of(stmt).any()) return make_kernel(stmt, !needs_of(stmt).lane);
        check_host(branch->condition, "this condition", branch->loc);
        return If::make(branch->condition, split(branch->then_body),
                        branch->else_body ? split(branch->else_body) : Stmt(), branch->loc);
      }
      case StmtKind::Block:
        return split(stmt);
      default:
        return stmt;
    }
  }

  void check_host(const Expr& expr, const std::string& what, const Loc& loc) {
    MemoryUse use;
    use.visit(expr);
    if (use.what.empty()) return;
    found_.error("host-access", use.loc ? use.loc : place_of(expr, loc),
                 what + " " + use.what +
                     ", but stands outside of grid and lane loops, where the "
                     "host runs: the buffer is in the GPU's memory",
                 "move it into the grid or lane loops, or pass the number as a parameter");
  }

  Stmt make_kernel(const Stmt& stmt, bool serial) {
    KernelPlan plan;
    plan.function = function_.name;
    plan.name = "inlay." + function_.name + "." + std::to_string(out_.kernels.size());
    plan.body = stmt;
    plan.loc = stmt.loc() ? stmt.loc() : function_.loc;
    plan.serial = serial;
    plan.required = required_;
    find_required(stmt, plan.required);
    KernelChecker(plan, ready_, limits_, found_).run();
    if (serial) {
      warnings_.warning("serial-kernel", plan.loc,
                        "function " + function_.name +
                            ": this runs as one work-item of the GPU, since it stands outside of "
                            "grid and lane loops",
                        "write it with grid and lane loops, or bind loops in a schedule");
    }
    out_.kernel_of[stmt.get()] = out_.kernels.size();
    out_.kernels.push_back(std::move(plan));
    return stmt;
  }

  const Function& function_;
  const std::set<std::string>& ready_;
  const GpuLimits& limits_;
  Diagnostics& found_;
  Diagnostics& warnings_;
  std::vector<Stmt> required_;  // of the blocks around
  HostPlan out_;
};

}  // namespace

HostPlan plan_kernels(const Function& function, const std::set<std::string>& ready,
                      const GpuLimits& limits, Diagnostics& found, Diagnostics& warnings) {
  return Splitter(function, ready, limits, found, warnings).run();
}

}  // namespace inlay
