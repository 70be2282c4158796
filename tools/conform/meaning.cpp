#include "tools/conform/meaning.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/ir/visitor.h"
#include "core/passes/passes.h"
#include "tools/conform/floats.h"
#include "tools/conform/rows.h"

namespace inlay::conform {

namespace {

DType widened(DType type) {
  return type.is_float() ? kF64.with_lanes(type.lanes) : type;
}

// Every float type becomes f64. What derives from it computes something else in the same loops.
class Widen : public Mutator {
 public:
  Program run(const Program& program) {
    Program result = program;
    for (Item& item : result.items) {
      Function* function = std::get_if<Function>(&item);
      if (!function) continue;
      for (Param& param : function->params) {
        if (Buffer* buffer = std::get_if<Buffer>(&param)) {
          param = mutate_buffer(*buffer);
        } else {
          param = mutate_definition(std::get<Var>(param));
        }
      }
      function->body = mutate(function->body);
    }
    return result;
  }

 protected:
  using Mutator::mutate_node;

  Buffer mutate_buffer(const Buffer& buffer) override {
    if (!buffer->type.is_float()) return buffer;
    Buffer& wide = buffers_[buffer.get()];
    if (!wide) {
      wide = Buffer::make(buffer->name, kF64, buffer->shape, buffer->strides, buffer->space, 0,
                          buffer->loc);
    }
    return wide;
  }
  Var mutate_definition(const Var& var) override {
    if (!var.type().is_float()) return var;
    Var& wide = vars_[var.get()];
    if (!wide) wide = Var(var.name(), widened(var.type()), var.loc());
    return wide;
  }
  Expr mutate_node(const VarNode& node, const Expr& self) override {
    auto found = vars_.find(&node);
    return found == vars_.end() ? self : Expr(found->second);
  }
  Expr mutate_node(const FloatImm& node, const Expr&) override {
    return constant(node.value, node.type.lanes, node.loc);
  }
  Expr mutate_node(const Cast& node, const Expr&) override {
    return Cast::make(widened(node.type), mutate(node.value), node.loc);
  }

  static Expr constant(double value, int lanes, const Loc& loc) {
    Expr scalar = FloatImm::make(kF64, value, loc);
    return lanes > 1 ? Broadcast::make(scalar, lanes, loc) : scalar;
  }

 private:
  std::unordered_map<const BufferNode*, Buffer> buffers_;
  std::unordered_map<const ExprNode*, Var> vars_;
};

// |a| + |b| for each a + b or a - b: no cancellation.
class Magnitude : public Widen {
 protected:
  using Widen::mutate_node;
  Expr mutate_node(const FloatImm& node, const Expr&) override {
    return constant(std::abs(node.value), node.type.lanes, node.loc);
  }
  Expr mutate_node(const Unary& node, const Expr& self) override {
    return node.type.is_float() ? mutate(node.a) : Widen::mutate_node(node, self);
  }
  Expr mutate_node(const Binary& node, const Expr& self) override {
    if (!node.type.is_float()) return Widen::mutate_node(node, self);
    BinaryOp op = node.op == BinaryOp::Sub   ? BinaryOp::Add
                  : node.op == BinaryOp::Min ? BinaryOp::Max
                                             : node.op;
    return Binary::make(op, mutate(node.a), mutate(node.b), node.loc);
  }
};

// How many roundings lie between the inputs and a value.
class Roundings : public Widen {
 protected:
  using Widen::mutate_node;
  Expr mutate_node(const FloatImm& node, const Expr&) override {
    return constant(0, node.type.lanes, node.loc);
  }
  Expr mutate_node(const Unary& node, const Expr& self) override {
    return node.type.is_float() ? mutate(node.a) : Widen::mutate_node(node, self);
  }
  Expr mutate_node(const Cast& node, const Expr& self) override {
    if (!node.type.is_float()) return Widen::mutate_node(node, self);
    Expr one = constant(1, node.type.lanes, node.loc);
    if (!node.value.type().is_float()) return one;
    return Binary::make(BinaryOp::Add, mutate(node.value), one, node.loc);
  }
  Expr mutate_node(const Binary& node, const Expr& self) override {
    if (!node.type.is_float()) return Widen::mutate_node(node, self);
    Expr deepest = Binary::make(BinaryOp::Max, mutate(node.a), mutate(node.b), node.loc);
    if (node.op == BinaryOp::Min || node.op == BinaryOp::Max) return deepest;
    return Binary::make(BinaryOp::Add, deepest, constant(1, node.type.lanes, node.loc), node.loc);
  }
};

// The float types of a meaning, and whether its rounding can be bounded.
class Survey : public Visitor {
 public:
  explicit Survey(Meaning& meaning) : meaning_(meaning) {}
  void type(DType type) {
    if (!type.is_float()) return;
    meaning_.epsilon = std::max(meaning_.epsilon, epsilon(type));
    meaning_.smallest = std::max(meaning_.smallest, least_positive(type));
    meaning_.largest = std::min(meaning_.largest, greatest(type));
    meaning_.exact_below = std::min(meaning_.exact_below, 2 / epsilon(type));
  }

 protected:
  using Visitor::visit_node;
  void visit_buffer(const Buffer& buffer) override { type(buffer->type); }
  void visit_node(const Cast& node) override {
    type(node.type.element());
    if (!node.type.is_float() && node.value.type().is_float())
      unbounded("a cast of a float to an integer");
    Visitor::visit_node(node);
  }
  void visit_node(const Binary& node) override {
    if (node.a.type().is_float()) {
      bool fine = node.op == BinaryOp::Add || node.op == BinaryOp::Sub ||
                  node.op == BinaryOp::Mul || node.op == BinaryOp::Min || node.op == BinaryOp::Max;
      bool adds = node.op == BinaryOp::Add || node.op == BinaryOp::Sub;
      if (adds && (is_product(node.a) || is_product(node.b))) meaning_.adds_products = true;
      if (!fine) unbounded(node.type.is_float() ? "a division" : "a comparison of floats");
    }
    Visitor::visit_node(node);
  }
  void visit_node(const FloatImm& node) override {
    if (node.value != std::floor(node.value)) meaning_.whole_constants = false;
  }
  void visit_node(const CallMath& node) override {
    unbounded(std::string("the function ") + spelling(node.op));
    Visitor::visit_node(node);
  }

 private:
  static bool is_product(const Expr& expr) {
    const Binary* binary = expr.as<Binary>();
    return binary && binary->op == BinaryOp::Mul;
  }
  void unbounded(const std::string& why) {
    if (meaning_.bounded) meaning_.why_unbounded = why;
    meaning_.bounded = false;
  }
  Meaning& meaning_;
};

// Multiplications and additions, loops multiplied by their extents.
class Operations : public Visitor {
 public:
  explicit Operations(Substitution sizes) : sizes_(std::move(sizes)) {}
  double count = 0;
  bool known = true;

 protected:
  using Visitor::visit_node;
  void visit_node(const For& node) override {
    Expr extent = simplify(substitute(node.extent, sizes_));
    const IntImm* times = as_int(extent);
    Expr first = simplify(substitute(node.min, sizes_));
    if (!times) {
      known = false;
      return;
    }
    sizes_.vars[node.var.get()] = first;
    double before = count;
    visit(node.body);
    count = before + static_cast<double>(std::max<int64_t>(times->value, 0)) * (count - before);
  }
  void visit_node(const Let& node) override {
    visit(node.value);
    if (!node.value.type().is_float())
      sizes_.vars[node.var.get()] = simplify(substitute(node.value, sizes_));
  }
  void visit_node(const Binary& node) override {
    // What is multiplied by a scalar or constant could be so once, outside of the loops.
    bool counts = node.op == BinaryOp::Add || node.op == BinaryOp::Sub ||
                  (node.op == BinaryOp::Mul && loads(node.a) && loads(node.b));
    if (node.type.is_float() && counts) count += node.type.lanes;
    Visitor::visit_node(node);
  }

 private:
  static bool loads(const Expr& expr) {
    class Loads : public Visitor {
     public:
      bool found = false;

     protected:
      using Visitor::visit_node;
      void visit_node(const Load&) override { found = true; }
    } visitor;
    visitor.visit(expr);
    return visitor.found;
  }
  Substitution sizes_;
};

}  // namespace

namespace {

// `plain` is there; the rest follows.
void derive(Meaning& meaning) {
  meaning.largest = meaning.exact_below = std::numeric_limits<double>::infinity();
  Survey survey(meaning);
  for (const Param& param : meaning.function().params) {
    const Buffer* buffer = std::get_if<Buffer>(&param);
    survey.type(buffer ? (*buffer)->type : std::get<Var>(param).type());
  }
  survey.visit(meaning.function().body);
  meaning.value = Widen().run(meaning.plain);
  if (meaning.bounded) {
    meaning.magnitude = Magnitude().run(meaning.plain);
    meaning.roundings = Roundings().run(meaning.plain);
  }
}

}  // namespace

Meaning meaning_of(const Program& program) {
  Meaning meaning;
  meaning.plain = lower_intrinsics(bind_params(program, nullptr, {}), /*target=*/nullptr).program;
  std::erase_if(meaning.plain.items, [](const Item& item) {
    const Function* function = std::get_if<Function>(&item);
    return !function || function->name != kCallOnce;
  });
  derive(meaning);
  return meaning;
}

Meaning specialize(const Meaning& meaning, const std::vector<double>& scalars) {
  Meaning special;
  special.plain = meaning.plain;
  auto& function = std::get<Function>(special.plain.items.front());
  Substitution values;
  size_t next = 0;
  for (const Param& param : function.params) {
    const Var* var = std::get_if<Var>(&param);
    if (var && var->type().is_float())
      values.vars[var->get()] = FloatImm::make(var->type(), scalars.at(next++));
  }
  function.body = simplify(substitute(function.body, values));
  derive(special);
  return special;
}

double float_operations(const Meaning& meaning, const std::map<std::string, int64_t>& sizes) {
  const Function& function = meaning.function();
  Substitution known;
  auto bind = [&](const Var& var) {
    auto found = sizes.find(var.name());
    if (found != sizes.end()) known.vars[var.get()] = Expr(found->second);
  };
  for (const Param& param : function.params) {
    if (const Var* var = std::get_if<Var>(&param)) bind(*var);
  }
  for (const Var& symbol : function.symbols()) bind(symbol);
  Operations operations(known);
  operations.visit(function.body);
  return operations.known ? operations.count : 0;
}

}  // namespace inlay::conform
