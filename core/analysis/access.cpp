#include "core/analysis/access.h"

#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "core/text/text.h"

namespace inlay {

std::string describe(const Access& access) {
  std::string text = access.buffer.name();
  if (access.unknown) return text;
  for (size_t d = 0; d < access.indices.size(); ++d) {
    text += (d ? ", " : "[") + print(access.indices[d]);
    if (d < access.extents.size() && access.extents[d]) {
      text += " .. + " + print(access.extents[d]);
    }
  }
  return access.indices.empty() ? text + "[]" : text + "]";
}

std::optional<Update> match_update(const Store& store) {
  auto* binary = store.value.as<Binary>();
  if (!binary) return std::nullopt;
  switch (binary->op) {
    case BinaryOp::Add:
    case BinaryOp::Mul:
    case BinaryOp::Min:
    case BinaryOp::Max:
      break;
    case BinaryOp::Sub:
      break;  // x = x - e is an update by addition of -e
    default:
      return std::nullopt;
  }
  auto is_self = [&](const Expr& side) {
    auto* load = side.as<Load>();
    if (!load || !load->buffer.same_as(store.buffer)) return false;
    for (size_t d = 0; d < store.indices.size(); ++d) {
      if (!equal(load->indices[d], store.indices[d])) return false;
    }
    return true;
  };
  BinaryOp op = binary->op == BinaryOp::Sub ? BinaryOp::Add : binary->op;
  if (is_self(binary->a)) return Update{op, binary->a.as<Load>(), binary->b};
  if (binary->op != BinaryOp::Sub && is_self(binary->b)) {
    return Update{op, binary->b.as<Load>(), binary->a};
  }
  return std::nullopt;
}

namespace {

Effects effects_at(const Stmt& root, const Program& program, int depth);

class Collector : public Visitor {
 public:
  Collector(const Program& program, int depth) : program_(program), depth_(depth) {}

  Accesses result;

 protected:
  using Visitor::visit_node;

  void visit_node(const Block& node) override {
    size_t scopes = scopes_.size();
    for (size_t i = 0; i < node.stmts.size(); ++i) {
      way_.push_back(uint32_t(i));
      visit_stmt(node.stmts[i]);
      way_.pop_back();
    }
    scopes_.resize(scopes);
  }

  void visit_node(const For& node) override {
    way_.push_back(0);
    visit(node.min);
    visit(node.extent);
    way_.pop_back();
    with_scope(true, 1, node.body);
  }

  void visit_node(const If& node) override {
    way_.push_back(0);
    visit(node.condition);
    way_.pop_back();
    with_scope(true, 1, node.then_body);
    with_scope(false, 2, node.else_body);
  }

  void visit_node(const Select& node) override {
    visit(node.condition);
    bool outside = std::exchange(sure_, false);
    visit(node.a);
    visit(node.b);
    sure_ = outside;
  }

  void visit_node(const Binary& node) override {
    visit(node.a);
    bool outside = sure_;
    sure_ &= node.op != BinaryOp::And && node.op != BinaryOp::Or;
    visit(node.b);
    sure_ = outside;
  }

  void visit_node(const Store& node) override {
    for (const Expr& index : node.indices) visit(index);
    auto update = match_update(node);
    if (update) {
      visit(update->operand);
    } else {
      visit(node.value);
    }
    Access access = make(update ? AccessKind::Update : AccessKind::Write, node.buffer, node.loc);
    if (update) access.op = update->op;
    set_indices(access, node.indices);
    result.list.push_back(std::move(access));
  }

  void visit_node(const Load& node) override {
    for (const Expr& index : node.indices) visit(index);
    Access access = make(AccessKind::Read, node.buffer, node.loc);
    set_indices(access, node.indices);
    result.list.push_back(std::move(access));
  }

  void visit_node(const Allocate& node) override {
    Visitor::visit_node(node);
    allocations_[node.buffer.get()] = scopes_.size();
  }

  void visit_node(const Assert& node) override {
    visit(node.condition);
    result.fence = current_;
  }
  void visit_node(const Barrier&) override { result.fence = current_; }

  // A view that no call takes; calls look at their own.
  void visit_node(const View& node) override { touch_all(node); }

  void visit_node(const InlineAsm& node) override {
    if (node.is_volatile) result.fence = current_;
    Visitor::visit_node(node);
  }

  void visit_node(const CallIntrin& node) override {
    const Intrinsic* intrinsic = program_.find_intrinsic(node.name);
    if (!intrinsic || intrinsic->params.size() != node.args.size() || depth_ > 8) {
      return Visitor::visit_node(node);
    }
    Effects effects = effects_at(intrinsic->body, program_, depth_ + 1);
    for (size_t i = 0; i < node.args.size(); ++i) {
      auto* view = node.args[i].as<View>();
      auto* formal = std::get_if<Buffer>(&intrinsic->params[i]);
      if (!view || !formal) {
        visit(node.args[i]);
        continue;
      }
      std::vector<Expr> indices, extents;
      for (const ViewDim& dim : view->dims) {
        visit(dim.min);
        visit(dim.extent);
        indices.push_back(dim.min);
        extents.push_back(dim.extent);
      }
      for (AccessKind kind : {AccessKind::Read, AccessKind::Write}) {
        auto& touched = kind == AccessKind::Read ? effects.read : effects.written;
        if (!touched.count(formal->get())) continue;
        Access access = make(kind, view->buffer, view->loc);
        access.indices = indices;
        access.extents = extents;
        access.is_view = true;
        access.sure = false;
        result.list.push_back(std::move(access));
      }
    }
  }

 private:
  void visit_stmt(const Stmt& stmt) {
    Stmt outer = std::exchange(current_, stmt);
    visit(stmt);
    if (stmt.as<Let>()) scopes_.push_back({stmt, true});
    current_ = outer;
  }

  void with_scope(bool truth, uint32_t place, const Stmt& body) {
    if (!body) return;
    scopes_.push_back({current_, truth});
    way_.push_back(place);
    visit(body);
    way_.pop_back();
    scopes_.pop_back();
  }

  Access make(AccessKind kind, const Buffer& buffer, const Loc& loc) {
    Access access;
    access.kind = kind;
    access.buffer = buffer;
    access.stmt = current_;
    access.loc = loc ? loc : current_ ? current_.loc() : Loc{};
    access.scopes = scopes_;
    access.way = way_;
    access.sure = sure_;
    if (auto local = allocations_.find(buffer.get()); local != allocations_.end()) {
      access.is_local = true;
      access.allocation_depth = local->second;
    }
    return access;
  }

  // A vector index covers the elements between its ends; what is no ramp, anything.
  static void set_indices(Access& access, const std::vector<Expr>& indices) {
    access.indices = indices;
    if (indices.empty() || indices.back().type().is_scalar()) return;
    auto* ramp = indices.back().as<Ramp>();
    auto* step = ramp ? as_int(ramp->stride) : nullptr;
    if (!step || step->value < 0) {
      access.unknown = true;
      access.indices.clear();
      return;
    }
    access.indices.back() = ramp->base;
    access.extents.resize(indices.size());
    access.extents.back() = Expr((ramp->type.lanes - 1) * step->value + 1);
  }

  void touch_all(const View& node) {
    for (const ViewDim& dim : node.dims) {
      visit(dim.min);
      visit(dim.extent);
    }
    for (AccessKind kind : {AccessKind::Read, AccessKind::Write}) {
      Access access = make(kind, node.buffer, node.loc);
      access.unknown = true;
      access.sure = false;
      result.list.push_back(std::move(access));
    }
  }

 public:
  // The root itself may be any statement.
  void run(const Stmt& root) { visit_stmt(root); }

 private:
  const Program& program_;
  int depth_;
  Stmt current_;
  std::vector<Scope> scopes_;
  std::vector<uint32_t> way_;
  bool sure_ = true;
  std::unordered_map<const BufferNode*, size_t> allocations_;
};

Effects effects_at(const Stmt& root, const Program& program, int depth) {
  Collector collector(program, depth);
  collector.run(root);
  Effects effects;
  for (const Access& access : collector.result.list) {
    if (access.kind != AccessKind::Write) effects.read.insert(access.buffer.get());
    if (access.writes()) effects.written.insert(access.buffer.get());
  }
  return effects;
}

}  // namespace

Accesses collect_accesses(const Stmt& root, const Program& program) {
  Collector collector(program, 0);
  collector.run(root);
  return std::move(collector.result);
}

Effects effects_of(const Stmt& root, const Program& program) {
  return effects_at(root, program, 0);
}

}  // namespace inlay
