// substitute and bind_params.
#include "core/ir/equal.h"
#include "core/ir/visitor.h"
#include "tests/core/support/ir_builders.h"

namespace inlay {
namespace {

using namespace inlay::testing;

TEST(Substitute, VariablesInExpressions) {
  Var i("i"), j("j");
  Substitution sub;
  sub.vars[i.get()] = j + 3;
  EXPECT_TRUE(equal(substitute(i * 2 + j, sub), (j + 3) * 2 + j));
  Expr untouched = j * 2;
  EXPECT_TRUE(substitute(untouched, sub).same_as(untouched));
}

TEST(Substitute, AccessThroughViewKeepsAndDropsDimensions) {
  Var i("i"), j("j"), k("k");
  Buffer formal = Buffer::make("a", kF32, {4, 8});
  Buffer actual = Buffer::make("A", kF32, {100, 100, 100});
  Substitution sub;
  sub.buffers[formal.get()] = View::make(actual, {{k * 4, Expr(4)}, {j, {}}, {Expr(0), Expr(8)}});
  EXPECT_TRUE(equal(substitute(load(formal, {i, j}), sub), load(actual, {k * 4 + i, j, j})));
  EXPECT_TRUE(
      equal(substitute(store(formal, {0, 1}, f32(1)), sub), store(actual, {k * 4, j, 1}, f32(1))));
}

TEST(Substitute, ViewOfViewComposes) {
  Var i("i");
  Buffer formal = Buffer::make("a", kF32, {4, 8});
  Buffer actual = Buffer::make("A", kF32, {16, 16, 16});
  Substitution sub;
  Expr view = View::make(actual, {{i, Expr(4)}, {Expr(5), {}}, {Expr(2), Expr(8)}});
  sub.buffers[formal.get()] = view;
  EXPECT_TRUE(equal(substitute(View::whole(formal), sub), view));
  EXPECT_TRUE(equal(substitute(View::make(formal, {{Expr(1), {}}, {Expr(2), Expr(3)}}), sub),
                    View::make(actual, {{i + 1, {}}, {Expr(5), {}}, {Expr(2) + 2, Expr(3)}})));
}

TEST(Substitute, VectorIndexKeepsItsForm) {
  Var i("i");
  Buffer formal = Buffer::make("a", kF32, {8});
  Buffer actual = Buffer::make("A", kF32, {4, 64});
  Substitution sub;
  sub.buffers[formal.get()] = View::make(actual, {{i, {}}, {i * 8, Expr(8)}});
  Expr moved = substitute(load(formal, {Ramp::make(0, 1, 8)}), sub);
  EXPECT_TRUE(equal(moved, load(actual, {i, Ramp::make(i * 8, 1, 8)})));
  Expr gathered = Broadcast::make(i, 8) * Broadcast::make(2, 8);
  EXPECT_TRUE(equal(substitute(load(formal, {gathered}), sub),
                    load(actual, {i, Broadcast::make(i * 8, 8) + gathered})));
}

TEST(Substitute, VectorIndexOffTheLastDimensionIsRefused) {
  Buffer formal = Buffer::make("a", kF32, {4});
  Buffer actual = Buffer::make("A", kF32, {4, 64});
  Substitution sub;
  sub.buffers[formal.get()] = View::make(actual, {{Expr(0), Expr(4)}, {Expr(3), {}}});
  Diagnostic error = error_of([&] { substitute(load(formal, {Ramp::make(0, 1, 4)}), sub); });
  EXPECT_EQ(error.rule, "vector-index");
  EXPECT_EQ(error.message,
            "vector index into `a` falls on dimension 0 of `A`, which is not its last");
}

TEST(Substitute, AllocationsFollowTheirShape) {
  Var n("n"), i("i");
  Buffer tmp = Buffer::make("tmp", kF32, {n, 4});
  Stmt body = block({Allocate::make(tmp), store(tmp, {i, 0}, load(tmp, {i, 1})),
                     Evaluate::make(CallExtern::make(kVoid, "f", {View::whole(tmp)}))});
  Substitution sub;
  sub.vars[n.get()] = Expr(12);
  Stmt result = substitute(body, sub);
  Buffer made = Buffer::make("tmp", kF32, {12, 4});
  Stmt expected = block({Allocate::make(made), store(made, {i, 0}, load(made, {i, 1})),
                         Evaluate::make(CallExtern::make(kVoid, "f", {View::whole(made)}))});
  EXPECT_TRUE(equal(result, expected));
}

struct Definitions : Visitor {
  std::vector<const void*> found;
  using Visitor::visit_node;
  void visit_node(const For& node) override {
    found.push_back(node.var.get());
    Visitor::visit_node(node);
  }
  void visit_node(const Let& node) override { found.push_back(node.var.get()); }
  void visit_node(const Allocate& node) override { found.push_back(node.buffer.get()); }
};

TEST(Substitute, FreshCopiesShareNoDefinition) {
  Var i("i"), x("x", kF32);
  Buffer tmp = Buffer::make("tmp", kF32, {4}), out = Buffer::make("out", kF32, {4});
  Stmt body = block(
      {Allocate::make(tmp), serial(i, 0, 4, {Let::make(x, load(tmp, {i})), store(out, {i}, x)})});
  Stmt copy = substitute(body, {}, true);
  EXPECT_TRUE(equal(body, copy));
  Definitions before, after;
  before.visit(body);
  after.visit(copy);
  ASSERT_EQ(before.found.size(), 3u);
  for (size_t d = 0; d < 3; ++d) EXPECT_NE(before.found[d], after.found[d]);
  EXPECT_TRUE(substitute(body, {}).same_as(body));
}

// ---- bind_params ----

Target avx2() {
  Target target;
  target.spec = "x86-64-v3";
  target.arch = "x86_64";
  target.features = {"avx2", "fma", "avx"};
  return target;
}

Program program_with_param() {
  Program program;
  program.name = "p";
  ProgramParam mr{Var::constant("mr"), 6, {}, {}};
  mr.rows.push_back({{"any", {"avx2", "fma", "avx"}, {}}, 10});
  mr.rows.push_back({{"x86_64", {"avx2"}, {}}, 8});
  mr.rows.push_back({{"x86_64", {"avx"}, {}}, 9});
  mr.rows.push_back({{"x86_64", {"avx512f"}, {}}, 14});
  program.items.push_back(mr);
  Var m("M"), i("i");
  Buffer a = Buffer::make("A", kF32, {m, mr.var * 2});
  Function f{"f", {a}, {}, serial(i, 0, mr.var, {store(a, {i, mr.var}, f32(0))}), {}};
  f.body = block({f.body});
  program.items.push_back(f);
  return program;
}

int64_t bound_value(const Program& program, const Target* target, const ParamValues& values) {
  Program bound = bind_params(program, target, values);
  EXPECT_TRUE(bound.params().empty());
  const Function* f = bound.find_function("f");
  auto* loop = f->body.as<Block>()->stmts[0].as<For>();
  // The parameter's buffer is a new one, and the body uses that.
  const Buffer& buffer = std::get<Buffer>(f->params[0]);
  auto* written = loop->body.as<Block>()->stmts[0].as<Store>();
  EXPECT_TRUE(written->buffer.same_as(buffer));
  EXPECT_EQ(as_int(simplify(buffer->shape[1]))->value, 2 * as_int(written->indices[1])->value);
  EXPECT_EQ(f->symbols().size(), 1u);
  return as_int(simplify(loop->extent))->value;
}

TEST(BindParams, DefaultRowAndOverride) {
  Program program = program_with_param();
  Target target = avx2();
  EXPECT_EQ(bound_value(program, nullptr, {}), 6);
  EXPECT_EQ(bound_value(program, &target, {}), 8) << "exact architecture, then the first of equals";
  EXPECT_EQ(bound_value(program, &target, {{"mr", 4}}), 4);
  target.features.insert("avx512f");
  EXPECT_EQ(bound_value(program, &target, {}), 8) << "as many features, but a later row";
  target.arch = "aarch64";
  EXPECT_EQ(bound_value(program, &target, {}), 10);
}

TEST(BindParams, UnknownOverrideNamesTheNearest) {
  Program program = program_with_param();
  Diagnostic error = error_of([&] { bind_params(program, nullptr, {{"mrr", 4}}); });
  EXPECT_EQ(error.rule, "unknown-param");
  EXPECT_EQ(error.message, "program `p` has no parameter `mrr`");
  EXPECT_EQ(error.help, "did you mean `mr`?");
  error = error_of([&] { bind_params(program, nullptr, {{"blocking", 4}}); });
  EXPECT_EQ(error.help, "it has: mr");
  Program empty;
  empty.name = "e";
  error = error_of([&] { bind_params(empty, nullptr, {{"x", 4}}); });
  EXPECT_EQ(error.help, "it declares no `param`, and no number of a schedule");
}

TEST(BindParams, IntrinsicsAndTheirRowsShareNewBuffers) {
  Program program;
  ProgramParam n{Var::constant("n"), 4, {}, {}};
  Buffer x = Buffer::make("x", kF32, {n.var});
  Stmt body = block({store(x, {0}, f32(1))});
  program.items = {n, Intrinsic{"fill", {}, {x}, body, {}},
                   Implement{"fill", {}, {"any", {}, {}}, {}, block({store(x, {1}, f32(1))}), {}}};
  Program bound = bind_params(program, nullptr, {});
  const Buffer& buffer = std::get<Buffer>(bound.find_intrinsic("fill")->params[0]);
  EXPECT_EQ(as_int(buffer->shape[0])->value, 4);
  auto* in_row = bound.implements("fill")[0]->body.as<Block>()->stmts[0].as<Store>();
  EXPECT_TRUE(in_row->buffer.same_as(buffer));
}

}  // namespace
}  // namespace inlay
