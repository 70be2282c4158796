// Factories: what they accept, what they refuse and with which words; types; constants' rounding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/ir/program.h"
#include "core/support/check.h"

namespace inlay {
namespace {

using testing::HasSubstr;

std::string fault_of(const std::function<void()>& make) {
  try {
    make();
  } catch (const CompileError& error) {
    const Diagnostic& told = error.diagnostics().at(0);
    return told.rule + ": " + told.message;
  }
  return "";
}

TEST(DTypes, NamesAndBack) {
  for (DType type :
       {kBool, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kF16, kF32, kF64, kBF16}) {
    EXPECT_EQ(parse_dtype(to_string(type)), type);
    for (int lanes : {2, 8, 1024}) {
      EXPECT_EQ(parse_dtype(to_string(type.with_lanes(lanes))), type.with_lanes(lanes));
    }
    EXPECT_EQ(type.bytes(), type == kBool ? 1 : type.bits / 8);
  }
  EXPECT_EQ(to_string(kF32.with_lanes(8)), "f32x8");
  EXPECT_EQ(parse_dtype("index"), kI64);
  for (const char* text : {"", "f", "f31", "f32x", "f32x1", "f32x0", "f32x08", "f32x1025", "f32x-2",
                           "f32x8x2", "f32 x8", "ptr", "void", "indexx2", "i128"}) {
    EXPECT_EQ(parse_dtype(text), std::nullopt) << text;
  }
  EXPECT_EQ(to_string(kVoid), "void");
  EXPECT_EQ(to_string(kPointer), "ptr");
}

TEST(Constants, IntegersFitTheirType) {
  struct Range {
    DType type;
    int64_t low, high;
  };
  for (const Range& range : {Range{kBool, 0, 1}, Range{kI8, -128, 127}, Range{kU8, 0, 255},
                             Range{kI32, INT32_MIN, INT32_MAX}, Range{kU32, 0, UINT32_MAX}}) {
    EXPECT_EQ(IntImm::make(range.type, range.low).as<IntImm>()->value, range.low);
    EXPECT_EQ(IntImm::make(range.type, range.high).as<IntImm>()->value, range.high);
    EXPECT_THAT(fault_of([&] { IntImm::make(range.type, range.low - 1); }), HasSubstr("not fit"));
    EXPECT_THAT(fault_of([&] { IntImm::make(range.type, range.high + 1); }), HasSubstr("not fit"));
  }
  EXPECT_EQ(IntImm::make(kU64, -1).as<IntImm>()->value, -1);
  EXPECT_EQ(fault_of([] { IntImm::make(kF32, 1); }), "type-mismatch: integer constant of type f32");
  EXPECT_EQ(fault_of([] { IntImm::make(kI32.with_lanes(4), 1); }),
            "type-mismatch: integer constant of type i32x4");
}

double rounded(DType type, double value) {
  return FloatImm::make(type, value).as<FloatImm>()->value;
}

TEST(Constants, FloatsRoundOnceToNearestEven) {
  EXPECT_EQ(rounded(kF64, 0.1), 0.1);
  EXPECT_EQ(rounded(kF32, 0.1), static_cast<double>(0.1f));
  EXPECT_EQ(rounded(kF16, 2049.0), 2048.0);  // a tie: to even
  EXPECT_EQ(rounded(kF16, 2051.0), 2052.0);
  EXPECT_EQ(rounded(kF16, 65519.0), 65504.0);
  EXPECT_TRUE(std::isinf(rounded(kF16, 65520.0)));
  EXPECT_EQ(rounded(kF16, std::ldexp(1.0, -24)), std::ldexp(1.0, -24));  // the least subnormal
  EXPECT_EQ(rounded(kF16, std::ldexp(1.0, -26)), 0.0);
  EXPECT_EQ(rounded(kBF16, 257.0), 256.0);
  EXPECT_EQ(rounded(kBF16, 259.0), 260.0);
  // Just above a tie: rounding through float first would make it one, and go to even.
  EXPECT_EQ(rounded(kBF16, 257.0 + 1e-9), 258.0);
  EXPECT_EQ(rounded(kBF16, -257.0 - 1e-9), -258.0);
  EXPECT_EQ(rounded(kBF16, 257.0 - 1e-9), 256.0);
  EXPECT_TRUE(std::isinf(rounded(kBF16, 3.4e38)));
  for (DType type : {kF16, kBF16, kF32, kF64}) {
    EXPECT_TRUE(std::isnan(rounded(type, -std::nan("7"))));
    EXPECT_FALSE(std::signbit(rounded(type, -std::nan("7"))));
    EXPECT_TRUE(std::signbit(rounded(type, -0.0)));
    EXPECT_EQ(rounded(type, -INFINITY), -INFINITY);
  }
  EXPECT_EQ(fault_of([] { FloatImm::make(kI32, 1.0); }),
            "type-mismatch: float constant of type i32");
}

TEST(Expressions, TypesOfOperators) {
  Var i("i"), x("x", kF32), t("t", kBool);
  EXPECT_EQ((i + i).type(), kIndex);
  EXPECT_EQ(lt(i, Expr(3)).type(), kBool);
  EXPECT_EQ((x / x).as<Binary>()->op, BinaryOp::Div);
  EXPECT_EQ((i / i).as<Binary>()->op, BinaryOp::FloorDiv);
  Expr v = Broadcast::make(x, 8);
  EXPECT_EQ(Binary::make(BinaryOp::Lt, v, v).type(), kBool.with_lanes(8));
  EXPECT_THAT(fault_of([&] { i + x; }), HasSubstr("operands of + have types i64 and f32"));
  EXPECT_THAT(fault_of([&] { v + x; }), HasSubstr("operands of + have types f32x8 and f32"));
  EXPECT_THAT(fault_of([&] { t + t; }), HasSubstr("operator + does not take bool"));
  EXPECT_THAT(fault_of([&] { x % x; }), HasSubstr("operator % does not take f32"));
  EXPECT_THAT(fault_of([&] { Binary::make(BinaryOp::Div, i, i); }), HasSubstr("does not take i64"));
  EXPECT_THAT(fault_of([&] { logical_and(i, i); }), HasSubstr("operator && does not take i64"));
  EXPECT_THAT(fault_of([&] { Unary::make(UnaryOp::Neg, t); }), HasSubstr("does not take bool"));
  EXPECT_THAT(fault_of([&] { Unary::make(UnaryOp::BitNot, x); }), HasSubstr("does not take f32"));
}

TEST(Expressions, CastsSelectsAndVectors) {
  Var i("i"), x("x", kF32), t("t", kBool);
  Expr v = Broadcast::make(x, 8);
  EXPECT_EQ(Cast::make(kBF16.with_lanes(8), v).type(), kBF16.with_lanes(8));
  EXPECT_THAT(fault_of([&] { Cast::make(kF64, v); }), HasSubstr("changes the number of lanes"));
  EXPECT_THAT(fault_of([&] { Cast::make(kVoid, x); }), HasSubstr("can't cast to void"));
  EXPECT_EQ(Select::make(t, v, v).type(), kF32.with_lanes(8));
  EXPECT_EQ(Select::make(Broadcast::make(t, 8), v, v).type(), kF32.with_lanes(8));
  EXPECT_THAT(fault_of([&] { Select::make(Broadcast::make(t, 4), v, v); }),
              HasSubstr("condition of select has type boolx4"));
  EXPECT_THAT(fault_of([&] { Select::make(t, v, x); }), HasSubstr("two values of select"));
  EXPECT_EQ(Ramp::make(i, 2, 4).type(), kIndex.with_lanes(4));
  EXPECT_THAT(fault_of([&] { Ramp::make(x, x, 4); }), HasSubstr("two scalar integers"));
  EXPECT_THAT(fault_of([&] { Ramp::make(i, 1, 1025); }), HasSubstr("ramp of 1025 lanes"));
  EXPECT_THAT(fault_of([&] { Broadcast::make(v, 8); }), HasSubstr("expected a scalar"));
}

TEST(Expressions, LoadsAndViews) {
  Var i("i"), x("x", kF32);
  Buffer a = Buffer::make("A", kF32, {8, i});
  EXPECT_EQ(Load::make(a, {i, i}).type(), kF32);
  EXPECT_EQ(Load::make(a, {i, Ramp::make(i, 1, 4)}).type(), kF32.with_lanes(4));
  EXPECT_THAT(fault_of([&] { Load::make(a, {i}); }), HasSubstr("has 2 dimensions, found 1"));
  EXPECT_THAT(fault_of([&] { Load::make(a, {i, x}); }), HasSubstr("index has type f32"));
  EXPECT_THAT(fault_of([&] { Load::make(a, {Ramp::make(i, 1, 4), i}); }),
              HasSubstr("index has type i64x4"));
  Expr whole = View::whole(a);
  EXPECT_EQ(whole.type(), kPointer);
  EXPECT_TRUE(whole.as<View>()->is_whole());
  EXPECT_FALSE(View::make(a, {{0, 8}, {0, {}}}).as<View>()->is_whole());
  EXPECT_THAT(fault_of([&] { View::make(a, {{0, 8}}); }), HasSubstr("found a view with 1"));
  EXPECT_THAT(fault_of([&] { whole + whole; }), HasSubstr("is a view of a buffer"));
}

TEST(Expressions, Calls) {
  Var i("i"), x("x", kF32);
  EXPECT_EQ(CallMath::make(MathOp::Fma, {x, x, x}).type(), kF32);
  EXPECT_THAT(fault_of([&] { CallMath::make(MathOp::Fma, {x, x}); }), HasSubstr("takes 3"));
  EXPECT_THAT(fault_of([&] { CallMath::make(MathOp::Exp, {i}); }), HasSubstr("does not take i64"));
  Expr nothing = CallExtern::make(kVoid, "g", {});
  EXPECT_THAT(fault_of([&] { CallExtern::make(kVoid, "g", {nothing}); }), HasSubstr("no value"));
  EXPECT_THAT(fault_of([&] { CallExtern::make(kPointer, "g", {}); }),
              HasSubstr("return a pointer"));
  EXPECT_THAT(fault_of([&] { CallExtern::make(kVoid, "", {}); }), HasSubstr("without a symbol"));
  EXPECT_THAT(fault_of([&] { nothing + nothing; }), HasSubstr("has no value"));
  EXPECT_THAT(fault_of([&] { CallIntrin::make("t", {x}, {}); }),
              HasSubstr("template argument has type f32"));
  EXPECT_TRUE(InlineAsm::make(kVoid, "nop", "", false, {}).as<InlineAsm>()->is_volatile);
  EXPECT_FALSE(InlineAsm::make(kF32, "nop", "=x", false, {}).as<InlineAsm>()->is_volatile);
}

TEST(Buffers, ShapesAndStrides) {
  Var n("n"), x("x", kF32);
  Buffer compact = Buffer::make("A", kF32, {4, n, 3});
  EXPECT_TRUE(is_const(stride_of(compact, 2), 1));
  EXPECT_TRUE(is_const(stride_of(compact, 1), 3));
  EXPECT_TRUE(stride_of(compact, 0).as<Binary>());
  EXPECT_FALSE(is_strided_form(compact));
  Buffer strided = Buffer::make_strided("A", kF32, {4, n});
  EXPECT_TRUE(is_strided_form(strided));
  EXPECT_EQ(strided->strides[0].as<VarNode>()->name, "A.stride0");
  EXPECT_FALSE(is_strided_form(Buffer::make("B", kF32, {4, n}, strided->strides)));
  EXPECT_THROW(stride_of(compact, 3), InternalError);
  EXPECT_THAT(fault_of([&] { Buffer::make("A", kF32.with_lanes(4), {}); }), HasSubstr("f32x4"));
  EXPECT_THAT(fault_of([&] { Buffer::make("A", kF32, {4}, {1, 1}); }), HasSubstr("2 strides"));
  EXPECT_THAT(fault_of([&] { Buffer::make("A", kF32, {x}); }), HasSubstr("extent has type f32"));
  for (int alignment : {-1, 3, 8192}) {
    EXPECT_THAT(fault_of([&] { Buffer::make("A", kF32, {}, {}, MemorySpace::Global, alignment); }),
                HasSubstr("power of two"));
  }
}

TEST(Statements, AreChecked) {
  Var i("i"), x("x", kF32);
  Buffer a = Buffer::make("A", kF32, {8});
  EXPECT_THAT(fault_of([&] { Store::make(a, {i}, i); }), HasSubstr("value of type i64 stored"));
  EXPECT_THAT(fault_of([&] { If::make(i, Block::make({})); }), HasSubstr("expected bool"));
  EXPECT_THAT(fault_of([&] { Assert::make(x, ""); }), HasSubstr("expected bool"));
  EXPECT_THAT(fault_of([&] { For::make(ForKind::Serial, x, 0, 4, Block::make({})); }),
              HasSubstr("bound of loop `x` has type f32"));
  EXPECT_THAT(fault_of([&] { Let::make(i, x); }), HasSubstr("is given a value of type f32"));
  EXPECT_THAT(fault_of([&] { Evaluate::make(x); }), HasSubstr("only a call"));
  Stmt loop = For::make(ForKind::Serial, i, 0, 8, Store::make(a, {i}, x));
  EXPECT_TRUE(loop.as<For>()->body.as<Block>());
}

TEST(Depth, IsBounded) {
  Expr chain = Var("i");
  for (uint32_t depth = 1; depth < ExprNode::kMaxDepth; ++depth) chain = chain + Expr(1);
  EXPECT_EQ(chain->depth, ExprNode::kMaxDepth);
  EXPECT_THAT(fault_of([&] { chain + Expr(1); }), HasSubstr("too-deep"));
  Stmt nest = Block::make({});
  for (uint32_t depth = 1; depth < StmtNode::kMaxDepth; ++depth) nest = Block::make({nest});
  EXPECT_THAT(fault_of([&] { Block::make({nest}); }), HasSubstr("too-deep"));
}

TEST(Programs, SymbolsInOrderOfAppearance) {
  Var m("M"), n("N"), k("K"), c = Var::constant("c");
  Function f{"f",
             {n, Buffer::make("A", kF32, {m, n, c}), Buffer::make("B", kF32, {k * m}, {Expr(1)})},
             {},
             Block::make({}),
             {}};
  std::vector<Var> symbols = f.symbols();
  ASSERT_EQ(symbols.size(), 2u);
  EXPECT_TRUE(symbols[0].same_as(m));
  EXPECT_TRUE(symbols[1].same_as(k));
}

TEST(Places, OfVariablesAreThoseOfTheirUse) {
  Ref<const SourceFile> file(new SourceFile("a.inlay", "text"));
  Loc declared{file, 1, 1}, used{file, 2, 2};
  Var i("i", kIndex, declared);
  EXPECT_EQ(place_of(i, used).line, 2u);
  EXPECT_EQ(place_of(IntImm::make(kIndex, 1, declared), used).line, 1u);
  EXPECT_EQ(place_of(Expr(1), used).line, 2u);
}

}  // namespace
}  // namespace inlay
