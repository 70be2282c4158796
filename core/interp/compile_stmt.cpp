// Statements to steps, and the meaning of intrinsics into the places of their calls.
#include "core/interp/compiler.h"
#include "core/interp/ops.h"
#include "core/interp/steps.h"
#include "core/ir/visitor.h"

namespace inlay::interp {

namespace {

constexpr uint32_t kMaxDepth = 2 * StmtNode::kMaxDepth;
constexpr size_t kMaxCalls = 64;

bool is_parallel(ForKind kind) {
  return kind != ForKind::Serial && kind != ForKind::Unrolled;
}

}  // namespace

Compiler::Compiler(const Program& program, const Function& function, CompiledFunction& out)
    : program_(program), function_(function), out_(out), code_(out.code) {}

void Compiler::compile() {
  code_.function = function_.name;
  code_.paths.push_back({0, function_.name, "", 0});
  Env env;
  env_ = &env;
  out_.written.assign(function_.params.size(), false);
  for (const Var& symbol : function_.symbols()) define(symbol);
  for (size_t p = 0; p < function_.params.size(); ++p) {
    if (auto* var = std::get_if<Var>(&function_.params[p])) {
      out_.scalar_regs.push_back(define(*var));
    } else {
      const Buffer& buffer = std::get<Buffer>(function_.params[p]);
      define(buffer);
      env.buffers[buffer.get()].param = static_cast<int>(p);
    }
  }
  out_.formals = formals(function_.name, function_.params, function_.symbols(), function_.loc);
  stmt(function_.body);
  step<DoneStep>();
}

uint32_t Compiler::new_regs(int count) {
  uint32_t first = code_.regs;
  code_.regs += static_cast<uint32_t>(count);
  return first;
}

uint32_t Compiler::scratch(int lanes) {
  if (lanes <= 1) return 0;
  uint32_t first = code_.scratch;
  code_.scratch += static_cast<uint32_t>(lanes);
  return first;
}

uint32_t Compiler::define(const Var& var) {
  return env_->vars[var.get()] = new_regs(var.type().lanes);
}

BufferSlot Compiler::define(const Buffer& buffer) {
  BufferSlot made{code_.buffers++, new_regs(2 * static_cast<int>(buffer->rank())), -1};
  return env_->buffers[buffer.get()] = made;
}

const BufferSlot& Compiler::slot(const Buffer& buffer) const {
  auto found = env_->buffers.find(buffer.get());
  if (found == env_->buffers.end()) {
    throw CompileError("undefined", buffer->loc,
                       "buffer `" + buffer.name() + "` is not defined here",
                       "verify the program before it is run");
  }
  return found->second;
}

uint32_t Compiler::site(const Loc& loc, std::string buffer, bool write) {
  code_.sites.push_back({loc, path_, std::move(buffer), write});
  return static_cast<uint32_t>(code_.sites.size() - 1);
}

uint32_t Compiler::enter(std::string label, const Var* variable, uint32_t reg) {
  code_.paths.push_back({path_, std::move(label), variable ? variable->name() : "", reg});
  return path_ = static_cast<uint32_t>(code_.paths.size() - 1);
}

Formals Compiler::formals(const std::string& callee, const std::vector<Param>& params,
                          const std::vector<Var>& symbols, const Loc& loc) {
  std::set<const ExprNode*> unbound;
  for (const Var& symbol : symbols) unbound.insert(symbol.get());
  auto number = [&](const Expr& declared) {
    Formals::Number made{shape_expr(declared, loc), "", -1};
    if (auto* var = declared.as<VarNode>()) {
      made.label = var->name + "=";
      if (unbound.erase(var)) made.bind_reg = env_->vars.at(var);
    }
    return made;
  };
  Formals made;
  made.callee = callee;
  for (const Param& param : params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    const BufferNode& node = **buffer;
    made.tensors.push_back(
        {node.name, slot(*buffer), node.type, node.alignment, node.strides.empty(), {}, {}});
    for (const Expr& extent : node.shape) made.tensors.back().shape.push_back(number(extent));
  }
  size_t tensor = 0;
  for (const Param& param : params) {
    auto* buffer = std::get_if<Buffer>(&param);
    if (!buffer) continue;
    for (size_t d = 0; d < (*buffer)->rank(); ++d) {
      made.tensors[tensor].strides.push_back(number(stride_of(*buffer, d)));
    }
    ++tensor;
  }
  if (!unbound.empty()) {
    throw CompileError("unbound-symbol", loc,
                       "a symbol in the shapes of `" + callee + "` appears nowhere alone",
                       "verify the program before it is run");
  }
  return made;
}

void Compiler::stmt(const Stmt& stmt) {
  if (depth_ >= kMaxDepth) {
    throw CompileError("too-deep", stmt.loc(),
                       "statements nest more than " + std::to_string(kMaxDepth) +
                           " levels through calls of intrinsics");
  }
  ++depth_;
  switch (stmt->kind) {
    case StmtKind::Block:
      block(*stmt.as<Block>());
      break;
    case StmtKind::For:
      loop(*stmt.as<For>());
      break;
    case StmtKind::If:
      branch(*stmt.as<If>());
      break;
    case StmtKind::Store:
      store(*stmt.as<Store>());
      break;
    case StmtKind::Allocate:
      allocate(*stmt.as<Allocate>());
      break;
    case StmtKind::Let: {
      auto* let = stmt.as<Let>();
      const Op* value = expr(let->value);
      step<LetStep>(define(let->var), value, let->var.type().lanes);
      break;
    }
    case StmtKind::Assert: {
      auto* assertion = stmt.as<Assert>();
      const Op* condition = expr(assertion->condition);
      step<AssertStep>(condition, assertion->message, site(stmt.loc()));
      break;
    }
    case StmtKind::Evaluate: {
      const Expr& value = stmt.as<Evaluate>()->value;
      if (auto* intrinsic = value.as<CallIntrin>()) {
        call(*intrinsic);
      } else {
        const Op* op = expr(value);
        step<EvaluateStep>(op);
      }
      break;
    }
    case StmtKind::Barrier:
      step<BarrierStep>(site(stmt.loc()));
      break;
    case StmtKind::ImportPragma:
    case StmtKind::UnrollPragma:
    case StmtKind::Prefetch:
    case StmtKind::Require:
      break;
  }
  --depth_;
}

void Compiler::block(const Block& node) {
  for (const Stmt& each : node.stmts) {
    auto* allocation = each.as<Allocate>();
    if (!allocation) stmt(each);
    if (!allocation) continue;
    // Only a parallel loop in the allocation's own scope can race on it.
    size_t at = here();
    uint32_t before = parallel_loops_;
    allocate(*allocation);
    auto* made = static_cast<AllocateStep*>(code_.steps[at].get());
    pending_.push_back({made, before});
  }
  size_t own = 0;
  for (const Stmt& each : node.stmts) own += each.as<Allocate>() != nullptr;
  for (; own > 0; --own) {
    auto& [made, before] = pending_.back();
    made->watched = parallel_loops_ > before;
    pending_.pop_back();
  }
}

void Compiler::allocate(const Allocate& node) {
  const Buffer& buffer = node.buffer;
  std::vector<const Op*> shape, strides;
  for (const Expr& extent : buffer->shape) shape.push_back(shape_expr(extent, node.loc));
  for (const Expr& stride : buffer->strides) strides.push_back(shape_expr(stride, node.loc));
  BufferSlot made = define(buffer);
  step<AllocateStep>(made, *buffer, std::move(shape), std::move(strides),
                     site(node.loc, buffer.name()));
}

void Compiler::store(const Store& node) {
  Access to = access(node.buffer, node.indices, true, node.loc);
  bool copies = is_copy(node.value);
  const Op* value = copied(node.value);
  DType type = node.buffer->type;
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    if (copies) {
      step<StoreStep<Element, true>>(std::move(to), value, type.bytes());
    } else {
      step<StoreStep<Element, false>>(std::move(to), value, type.bytes());
    }
  });
}

void Compiler::branch(const If& node) {
  auto* test = step<BranchStep>(expr(node.condition));
  stmt(node.then_body);
  if (node.else_body) {
    auto* skip = step<JumpStep>();
    test->otherwise = here();
    stmt(node.else_body);
    skip->to = here();
  } else {
    test->otherwise = here();
  }
}

void Compiler::loop(const For& node) {
  std::set<std::string> seen;
  if (is_lane(node.for_kind) && has_barrier(node.body, seen)) return work_items(node);
  const Op* min = expr(node.min);
  const Op* extent = expr(node.extent);
  LoopRegs regs{define(node.var), new_regs(1)};
  bool parallel = is_parallel(node.for_kind);
  std::string kind = to_string(node.for_kind);
  uint32_t path =
      enter((kind.empty() ? "" : kind + " ") + "for " + node.var.name(), &node.var, regs.variable);
  auto compile_as = [&]<bool is_level>() {
    auto* start = step<LoopStep<is_level>>(regs, min, extent, path);
    Pc body = here();
    stmt(node.body);
    step<NextStep<is_level>>(regs, body);
    start->end = here();
  };
  if (parallel) {
    ++parallel_loops_;
    code_.max_levels = std::max(code_.max_levels, ++levels_);
    compile_as.operator()<true>();
    --levels_;
  } else {
    compile_as.operator()<false>();
  }
  leave();
}

bool Compiler::has_barrier(const Stmt& stmt, std::set<std::string>& seen) const {
  struct Finder : Visitor {
    const Program* program = nullptr;
    std::set<std::string>* seen = nullptr;
    bool found = false;
    using Visitor::visit_node;
    void visit_node(const Barrier&) override { found = true; }
    void visit_node(const CallIntrin& node) override {
      const Intrinsic* intrinsic = program->find_intrinsic(node.name);
      if (intrinsic && seen->insert(node.name).second) visit(intrinsic->body);
    }
  } finder;
  finder.program = &program_;
  finder.seen = &seen;
  finder.visit(stmt);
  return finder.found;
}

// A nest of lane loops around barriers: loops, with lets between them, then the work-item's code.
void Compiler::work_items(const For& node) {
  ++parallel_loops_;
  code_.max_levels = std::max(code_.max_levels, ++levels_);
  uint32_t outer = path_;
  WorkItemsStep* items = nullptr;
  std::string label;
  // In messages about the work-items the nest goes by all its loops' names.
  uint32_t nest_path = enter("");
  path_ = outer;
  items = step<WorkItemsStep>(nest_path);
  const For* at = &node;
  while (at) {
    WorkItemsStep::Loop made{at->var.name(), 0, expr(at->min), expr(at->extent), 0};
    made.variable = define(at->var);
    std::string text = std::string(to_string(at->for_kind)) + " for " + at->var.name();
    label += (label.empty() ? "" : "/") + text;
    enter(text, &at->var, made.variable);
    made.lets = here();
    const For* inner = nullptr;
    const auto& stmts = at->body.as<Block>()->stmts;
    for (const Stmt& each : stmts) {
      std::set<std::string> seen;
      auto* loop = each.as<For>();
      if (loop && is_lane(loop->for_kind) && has_barrier(loop->body, seen)) inner = loop;
    }
    for (const Stmt& each : stmts) {
      if (!inner || each.get() == inner) continue;
      if (!each.as<Let>()) {
        throw CompileError("barrier", each.loc() ? each.loc() : at->loc,
                           "lane loops `" + at->var.name() + "` and `" + inner->var.name() +
                               "` around a barrier have a statement between them",
                           "move it into the inner loop; only `let` may stand there");
      }
      stmt(each);
    }
    step<DoneStep>();
    items->loops.push_back(made);
    if (!inner) {
      items->body = here();
      stmt(at->body);
      step<DoneStep>();
    }
    at = inner;
  }
  items->end = here();
  code_.paths[nest_path].label = label;
  path_ = outer;
  --levels_;
}

void Compiler::call(const CallIntrin& node) {
  const Intrinsic* intrinsic = program_.find_intrinsic(node.name);
  if (!intrinsic || intrinsic->constants.size() != node.constants.size() ||
      intrinsic->params.size() != node.args.size()) {
    throw CompileError("undefined", node.loc,
                       "there is no intrinsic `" + node.name + "` with these arguments",
                       "verify the program before it is run");
  }
  Env callee;
  std::string instance = node.name;
  for (size_t c = 0; c < node.constants.size(); ++c) {
    Expr folded = simplify(substitute(node.constants[c], env_->constants));
    if (!as_int(folded)) {
      throw CompileError("constant", node.loc,
                         "template argument " + std::to_string(c) + " of `" + node.name +
                             "` is not known when compiling");
    }
    callee.constants.vars[intrinsic->constants[c].get()] = folded;
    instance += (c ? ", " : "<") + std::to_string(as_int(folded)->value);
  }
  if (!node.constants.empty()) instance += ">";
  if (active_.size() >= kMaxCalls ||
      std::find(active_.begin(), active_.end(), instance) != active_.end()) {
    throw CompileError("recursion", node.loc, "intrinsic `" + instance + "` calls itself");
  }
  uint32_t place = site(node.loc);
  std::vector<const Op*> values;
  std::vector<ViewSpec> views;
  std::vector<size_t> view_args;
  for (size_t a = 0; a < node.args.size(); ++a) {
    auto* viewed = node.args[a].as<View>();
    bool wants_buffer = std::holds_alternative<Buffer>(intrinsic->params[a]);
    DType type = wants_buffer ? std::get<Buffer>(intrinsic->params[a])->type
                              : std::get<Var>(intrinsic->params[a]).type();
    bool suits = wants_buffer == (viewed != nullptr) &&
                 type == (viewed ? viewed->buffer->type : node.args[a].type());
    if (!suits) {
      throw CompileError("type-mismatch", node.args[a].loc() ? node.args[a].loc() : node.loc,
                         "argument " + std::to_string(a) + " of `" + node.name +
                             "` is not what its declaration says",
                         "verify the program before it is run");
    }
    if (viewed) {
      views.push_back(view(*viewed, false));
    } else {
      values.push_back(expr(node.args[a]));
    }
  }
  Env* caller = std::exchange(env_, &callee);
  active_.push_back(instance);
  enter(instance);
  for (const Var& symbol : intrinsic->symbols()) define(symbol);
  std::vector<BindStep::Scalar> scalars;
  size_t next_view = 0;
  for (const Param& param : intrinsic->params) {
    if (auto* var = std::get_if<Var>(&param)) {
      scalars.push_back({define(*var), values[scalars.size()], var->type().lanes});
    } else {
      const Buffer& buffer = std::get<Buffer>(param);
      define(buffer);
      const ViewSpec& viewed = views[next_view++];
      size_t kept = 0;
      for (size_t d = 0; d < viewed.dims.size(); ++d) {
        kept += viewed.whole || viewed.dims[d].extent;
      }
      if (kept != buffer->rank()) {
        throw CompileError("type-mismatch", node.loc,
                           "view for `" + buffer.name() + "` of `" + node.name + "` has " +
                               std::to_string(kept) + " dimensions, expected " +
                               std::to_string(buffer->rank()));
      }
      callee.buffers[buffer.get()].param = viewed.from.param;
    }
  }
  Formals bound = formals(instance, intrinsic->params, intrinsic->symbols(), node.loc);
  step<BindStep>(std::move(scalars), std::move(views), std::move(bound), place);
  stmt(intrinsic->body);
  leave();
  active_.pop_back();
  env_ = caller;
}

}  // namespace inlay::interp
