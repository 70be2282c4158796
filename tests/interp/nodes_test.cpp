// What each kind of node does, and the numbers that operators give.
#include <bit>
#include <cmath>
#include <limits>

#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;

// The value of an expression of type T, over out[0].
template <typename T>
T value_of(const std::string& expr) {
  Array<T> out({1});
  run("func f(out: " + to_string(out.type) + "[1]) { out[0] = " + expr + " }", {out.fresh()});
  return out.data[0];
}

TEST(InterpIntegers, ArithmeticWraps) {
  EXPECT_EQ(value_of<int8_t>("127i8 + 1i8"), -128);
  EXPECT_EQ(value_of<uint8_t>("3u8 - 5u8"), 254);
  EXPECT_EQ(value_of<int16_t>("300i16 * 300i16"), static_cast<int16_t>(90000));
  EXPECT_EQ(value_of<int32_t>("2147483647i32 + 1i32"), INT32_MIN);
  EXPECT_EQ(value_of<int64_t>("9223372036854775807 + 1"), INT64_MIN);
  EXPECT_EQ(value_of<uint64_t>("0u64 - 1u64"), UINT64_MAX);
  EXPECT_EQ(value_of<int8_t>("-i8(-128)"), -128);
  EXPECT_EQ(value_of<uint16_t>("~1u16"), 65534);
  EXPECT_EQ(value_of<int32_t>("~1i32"), -2);
}

TEST(InterpIntegers, DivisionFloors) {
  struct Row {
    int64_t a, b, quotient, rest;
  };
  for (Row row : {Row{7, 2, 3, 1},
                  {-7, 2, -4, 1},
                  {7, -2, -4, -1},
                  {-7, -2, 3, -1},
                  {6, 3, 2, 0},
                  {-6, 3, -2, 0},
                  {0, -5, 0, 0},
                  {INT64_MIN, -1, INT64_MIN, 0}}) {
    Array<int64_t> x({2}, {row.a, row.b}), out({2});
    run("func f(x: i64[2], out: i64[2]) { out[0] = x[0] / x[1]  out[1] = x[0] % x[1] }", {x, out});
    EXPECT_EQ(out.data[0], row.quotient) << row.a << " / " << row.b;
    EXPECT_EQ(out.data[1], row.rest) << row.a << " % " << row.b;
  }
  EXPECT_EQ(value_of<uint64_t>("(0u64 - 1u64) / 2u64"), UINT64_MAX / 2);
  EXPECT_EQ(value_of<uint64_t>("(0u64 - 1u64) % 10u64"), UINT64_MAX % 10);
  EXPECT_EQ(value_of<int8_t>("i8(-128) / i8(-1)"), -128);
}

TEST(InterpIntegers, BitsShiftsComparisons) {
  EXPECT_EQ(value_of<int32_t>("12i32 & 10i32 | 1i32 ^ 3i32"), (12 & 10) | (1 ^ 3));
  EXPECT_EQ(value_of<int32_t>("i32(-8) >> 1i32"), -4);
  EXPECT_EQ(value_of<uint32_t>("4294967288u32 >> 1u32"), 2147483644u);
  EXPECT_EQ(value_of<int8_t>("1i8 << 7i8"), -128);
  EXPECT_EQ(value_of<uint64_t>("(0u64 - 1u64) >> 63u64"), 1u);
  EXPECT_TRUE(value_of<bool>("0u64 - 1u64 > 1u64"));
  EXPECT_FALSE(value_of<bool>("0 - 1 > 1"));
  EXPECT_EQ(value_of<uint64_t>("max(0u64 - 1u64, 1u64)"), UINT64_MAX);
  EXPECT_EQ(value_of<int64_t>("min(0 - 1, 1)"), -1);
  EXPECT_TRUE(value_of<bool>("(1 < 2 && 2 <= 2) || 3 != 3"));
  EXPECT_FALSE(value_of<bool>("!(1 >= 1) || true == false"));
}

TEST(InterpFloats, EachOperationRoundsOnce) {
  EXPECT_EQ(value_of<float>("1.0 / 3.0"), 1.0f / 3.0f);
  EXPECT_EQ(value_of<double>("1.0f64 / 3.0f64"), 1.0 / 3.0);
  // 1 + 2^-24 is a tie in f32 and goes to even; twice that is not lost.
  EXPECT_EQ(value_of<float>("1.0 + 5.9604644775390625e-8 + 5.9604644775390625e-8"), 1.0f);
  EXPECT_EQ(value_of<_Float16>("2048f16 + 1f16"), static_cast<_Float16>(2048));
  EXPECT_EQ(value_of<_Float16>("65504f16 + 16f16"),
            static_cast<_Float16>(std::numeric_limits<float>::infinity()));
  // a * b + c is two roundings, fma one.
  EXPECT_EQ(value_of<float>("(1.0 + 1.1920928955078125e-7) * (1.0 - 1.1920928955078125e-7) - 1.0"),
            (1.0f + 0x1p-23f) * (1.0f - 0x1p-23f) - 1.0f);
  EXPECT_EQ(
      value_of<float>("fma(1.0 + 1.1920928955078125e-7, 1.0 - 1.1920928955078125e-7, 0.0 - 1.0)"),
      -0x1p-46f);
}

TEST(InterpFloats, Bf16) {
  auto bits_of = [](const std::string& expr) {
    Array<uint16_t> out({1});
    out.type = kBF16;
    run("func f(out: bf16[1]) { out[0] = " + expr + " }", {out.ref()});
    return out.data[0];
  };
  EXPECT_EQ(bits_of("1.0bf16"), 0x3f80);
  EXPECT_EQ(bits_of("1.0bf16 + bf16(0.00390625)"), 0x3f80) << "a tie goes to even";
  EXPECT_EQ(bits_of("bf16(1.01171875)"), 0x3f82);
  EXPECT_EQ(bits_of("bf16(-1.00390626f64)"), 0xbf81) << "one rounding, from f64";
  EXPECT_EQ(bits_of("bf16(i64(16842753))"), 0x4b81) << "one rounding, from an integer";
  EXPECT_EQ(bits_of("bf16(i64(36169534507319297))"), 0x5b01);
  EXPECT_EQ(bits_of("bf16(i64(36169534507319296))"), 0x5b00);
  EXPECT_EQ(bits_of("nan(bf16)") & 0x7fff, 0x7fc0);
}

TEST(InterpFloats, MinMaxNanAndComparisons) {
  EXPECT_EQ(value_of<float>("min(nan(f32), 2.0)"), 2.0f);
  EXPECT_EQ(value_of<float>("max(2.0, nan(f32))"), 2.0f);
  EXPECT_TRUE(std::isnan(value_of<float>("max(nan(f32), nan(f32))")));
  EXPECT_EQ(value_of<float>("min(1.0, 2.0) + max(1.0, 2.0)"), 3.0f);
  EXPECT_FALSE(value_of<bool>("nan(f32) < 1.0 || nan(f32) >= 1.0 || nan(f32) == nan(f32)"));
  EXPECT_TRUE(value_of<bool>("nan(f64) != nan(f64)"));
  EXPECT_EQ(value_of<float>("1.0 / 0.0"), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::signbit(value_of<float>("-(0.0)")));
}

TEST(InterpFloats, Math) {
  EXPECT_EQ(value_of<float>("abs(0.0 - 2.5)"), 2.5f);
  EXPECT_EQ(value_of<float>("sqrt(2.0)"), std::sqrt(2.0f));
  EXPECT_EQ(value_of<double>("sqrt(2.0f64)"), std::sqrt(2.0));
  EXPECT_EQ(value_of<float>("floor(0.0 - 1.5)"), -2.0f);
  EXPECT_EQ(value_of<float>("ceil(0.0 - 1.5)"), -1.0f);
  EXPECT_EQ(value_of<float>("trunc(0.0 - 1.5)"), -1.0f);
  EXPECT_EQ(value_of<float>("round(2.5)"), 3.0f);
  EXPECT_EQ(value_of<float>("exp(1.0)"), static_cast<float>(std::exp(1.0)));
  EXPECT_EQ(value_of<double>("log(2.0f64)"), std::log(2.0));
  EXPECT_EQ(value_of<float>("sin(1.0)"), static_cast<float>(std::sin(1.0)));
  EXPECT_EQ(value_of<float>("cos(1.0)"), static_cast<float>(std::cos(1.0)));
  EXPECT_EQ(value_of<float>("pow(2.0, 0.5)"), static_cast<float>(std::pow(2.0, 0.5)));
  EXPECT_EQ(value_of<float>("rsqrt(3.0)"), 1.0f / std::sqrt(3.0f));
  EXPECT_EQ(value_of<double>("rsqrt(3.0f64)"), 1.0 / std::sqrt(3.0));
  EXPECT_EQ(value_of<float>("sigmoid(1.0)"), 1.0f / (1.0f + static_cast<float>(std::exp(-1.0))));
  EXPECT_EQ(value_of<float>("sigmoid(0.0 - 1000.0)"), 0.0f);
  EXPECT_EQ(value_of<float>("sigmoid(1000.0)"), 1.0f);
}

TEST(InterpFloats, FunctionsOfTheMathLibrary) {
  const double x = 0.375, y = 1.5;
  const std::pair<const char*, double> cases[] = {
      {"exp(x)", std::exp(x)},           {"exp2(x)", std::exp2(x)},
      {"expm1(x)", std::expm1(x)},       {"log(x)", std::log(x)},
      {"log2(x)", std::log2(x)},         {"log10(x)", std::log10(x)},
      {"log1p(x)", std::log1p(x)},       {"sin(x)", std::sin(x)},
      {"cos(x)", std::cos(x)},           {"tan(x)", std::tan(x)},
      {"asin(x)", std::asin(x)},         {"acos(x)", std::acos(x)},
      {"atan(x)", std::atan(x)},         {"sinh(x)", std::sinh(x)},
      {"cosh(x)", std::cosh(x)},         {"tanh(x)", std::tanh(x)},
      {"erf(x)", std::erf(x)},           {"erfc(x)", std::erfc(x)},
      {"cbrt(x)", std::cbrt(x)},         {"pow(x, y)", std::pow(x, y)},
      {"atan2(x, y)", std::atan2(x, y)}, {"hypot(x, y)", std::hypot(x, y)}};
  size_t rows = 0;
#define INLAY_LIBM_OP(Name, spelling, arity) ++rows;
#include "core/ir/operators.def"
  EXPECT_EQ(std::size(cases), rows) << "a function without a case";
  for (const auto& [call, expected] : cases) {
    std::string narrow = call, wide = call;
    auto put = [](std::string& text, char name, const std::string& value) {
      // Behind the name, which may hold the letter too.
      size_t at = text.find(name, text.find('('));
      if (at != std::string::npos) text.replace(at, 1, value);
    };
    put(narrow, 'x', "0.375");
    put(narrow, 'y', "1.5");
    put(wide, 'x', "0.375f64");
    put(wide, 'y', "1.5f64");
    EXPECT_EQ(value_of<double>(wide), expected) << call;
    EXPECT_EQ(value_of<float>(narrow), static_cast<float>(expected)) << call;
  }
}

// `value` cast from one type to another.
template <typename To, typename From>
auto cast_of(From value) {
  Array<From> x({1}, {value});
  Array<To> out({1});
  run("func f(x: " + to_string(x.type) + "[1], out: " + to_string(out.type) +
          "[1]) { out[0] = " + to_string(out.type) + "(x[0]) }",
      {x, out});
  return out.data[0];
}

TEST(InterpCasts, Table) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(cast_of<int8_t>(int64_t{300}), 44);
  EXPECT_EQ(cast_of<uint8_t>(int64_t{-1}), 255);
  EXPECT_EQ(cast_of<int64_t>(uint32_t{4294967295}), 4294967295);
  EXPECT_EQ(cast_of<int32_t>(uint32_t{4294967295}), -1);
  EXPECT_EQ(cast_of<int8_t>(1000.0f), 127);
  EXPECT_EQ(cast_of<int8_t>(-1000.0f), -128);
  EXPECT_EQ(cast_of<int32_t>(-2.9f), -2);
  EXPECT_EQ(cast_of<uint8_t>(-0.9f), 0);
  EXPECT_EQ(cast_of<uint8_t>(255.9f), 255);
  EXPECT_EQ(cast_of<int64_t>(std::nanf("")), 0);
  EXPECT_EQ(cast_of<int64_t>(kInf), INT64_MAX);
  EXPECT_EQ(cast_of<int64_t>(-kInf), INT64_MIN);
  EXPECT_EQ(cast_of<uint64_t>(1e30), UINT64_MAX);
  EXPECT_EQ(cast_of<uint64_t>(0x1p63), uint64_t{1} << 63);
  EXPECT_EQ(cast_of<float>(int64_t{16777217}), 16777216.0f);
  EXPECT_EQ(cast_of<float>(UINT64_MAX), 0x1p64f);
  EXPECT_EQ(cast_of<double>(INT64_MIN), -0x1p63);
  EXPECT_EQ(cast_of<_Float16>(int64_t{2049}), static_cast<_Float16>(2048));
  // Above a tie by 1: what a detour through a double would lose decides.
  EXPECT_EQ(cast_of<float>((int64_t{1} << 53) + (1 << 29) + 1), 0x1p53f + 0x1p30f);
  EXPECT_EQ(cast_of<float>((int64_t{1} << 53) + (1 << 29)), 0x1p53f);
  EXPECT_TRUE(cast_of<bool>(0.5f));
  EXPECT_TRUE(cast_of<bool>(std::nanf("")));
  EXPECT_FALSE(cast_of<bool>(int32_t{0}));
  EXPECT_EQ(value_of<float>("f32(1 < 2)"), 1.0f);
}

TEST(InterpExprs, SelectEvaluatesTheChosenSideOnly) {
  Array<float> a({4}, {1, 2, 3, 4}), out({6});
  run(R"(func f(a: f32[N], out: f32[M]) {
        for i in 0..M { out[i] = select(i < N, a[min(i, N - 1)], 0.0) }
        for i in 0..M { out[i] = out[i] + select(i < N, a[i], 100.0) }
      })",
      {a, out});
  EXPECT_EQ(out.data, (std::vector<float>{2, 4, 6, 8, 100, 100}));
}

TEST(InterpExprs, Vectors) {
  Array<float> a({8}, {0, 1, 2, 3, 4, 5, 6, 7}), out({8});
  run(R"(func f(a: f32[8], out: f32[8]) {
        let v = a[ramp(0, 2, 4)] * broadcast(10.0, 4)
        out[ramp(0, 1, 4)] = v
        out[ramp(7, -1, 4)] = select(ramp(0, 1, 4) < broadcast(2, 4), v, -v)
        let s = select(1 < 2, v, v + v)
        out[ramp(0, 3, 2)] = sqrt(a[ramp(0, 4, 2)])
        out[ramp(1, 1, 4)] = fma(s, broadcast(1.0, 4), f32x4(ramp(0, 1, 4)))
      })",
      {a, out});
  EXPECT_EQ(out.data, (std::vector<float>{0, 0, 21, 42, 63, -40, 20, 0}));
}

TEST(InterpStmts, LoopsLetsBranchesNested) {
  Array<int64_t> out({10});
  run(R"(func f(out: i64[10]) {
        for i in 0..10 { out[i] = 0 }
        for i in 5..3 { out[0] = 99 }
        unrolled for i in 2..5 {
          let j = i * 2
          if j == 6 { out[j] = 1 } else if j == 8 { out[j] = 2 } else { out[j] = 3 }
          if j > 100 { out[0] = 98 }
        }
        { let k = 7  out[k] += 5  out[k] *= 3  out[k] -= 1 }
        assert 1 < 2, "never"
      })",
      {out});
  EXPECT_EQ(out.data, (std::vector<int64_t>{0, 0, 0, 0, 3, 0, 1, 14, 2, 0}));
}

TEST(InterpStmts, AllocationsShapesStridesAndScalars) {
  Array<float> out({2, 3});
  run(R"(func f(n: index, x: f32, out: f32[2, 3]) {
        alloc one: f32[]
        one[] = x
        alloc t: f32[n, 3] strides [1, n]
        for i in 0..n { for j in 0..3 { t[i, j] = one[] + f32(i * 10 + j) } }
        for i in 0..2 { for j in 0..3 { out[i, j] = t[i, j] * f32(stride(t, 1)) } }
        alloc none: f32[n - n, 5]
      })",
      {scalar(int64_t{4}), scalar(0.5), out});
  EXPECT_EQ(out.data, (std::vector<float>{2, 6, 10, 42, 46, 50}));
}

TEST(InterpStmts, AnAllocationIsFreshInEachIteration) {
  Array<int64_t> out({3});
  EXPECT_EQ(fault_of(R"(func f(out: i64[3]) {
        for i in 0..3 {
          alloc t: i64[1]
          if i == 0 { t[0] = 7 }
          out[i] = t[0]
        }
      })",
                     {out})
                .rule,
            "uninitialised-read");
  EXPECT_EQ(out.data[0], 7);
}

TEST(InterpTensors, StridesOfEverySign) {
  // A column of a matrix, backwards, as a strided parameter with explicit strides.
  std::vector<float> data{1, 2, 3, 4, 5, 6};
  TensorRef backwards{kF32, {3}, {-2}, &data[4], 0, false};
  Array<float> out({3});
  run("func f(x: f32[n] strides [s], out: f32[n]) { for i in 0..n { out[i] = x[i] + f32(s) } }",
      {backwards, out});
  EXPECT_EQ(out.data, (std::vector<float>{3, 1, -1}));
}

TEST(InterpTensors, AllElementTypes) {
  auto round_trip = [](auto value, const std::string& type) {
    using T = decltype(value);
    Array<T> a({1}, {value}), b({1});
    run("func f(a: " + type + "[1], b: " + type + "[1]) { b[0] = a[0] }", {a, b});
    EXPECT_EQ(a.data[0], b.data[0]) << type;
  };
  round_trip(int8_t{-3}, "i8");
  round_trip(int16_t{-300}, "i16");
  round_trip(int32_t{-70000}, "i32");
  round_trip(int64_t{INT64_MIN}, "i64");
  round_trip(uint8_t{200}, "u8");
  round_trip(uint16_t{60000}, "u16");
  round_trip(uint32_t{4000000000u}, "u32");
  round_trip(uint64_t{UINT64_MAX}, "u64");
  round_trip(static_cast<_Float16>(1.5), "f16");
  round_trip(1.25f, "f32");
  round_trip(1e300, "f64");
}

TEST(InterpCalls, IntrinsicsRunByTheirMeaning) {
  Array<float> a({4, 6}), b({3, 2});
  for (int i = 0; i < 24; ++i) a.data[i] = static_cast<float>(i);
  run(R"(
      intrin grow<n>(x: f32[r, n] strided, y: f32[r, n], by: f32) {
        for i in 0..r { for j in 0..n { y[i, j] = x[i, j] + by * f32(stride(x, 0)) } }
      }
      intrin twice<n>(x: f32[r, n] strided, y: f32[r, n]) {
        grow<n>(x, y, 0.0)
        for i in 0..r { for j in 0..n { y[i, j] += y[i, j] } }
        grow<n>(y, y, 1.0)
      }
      implement grow<2> for any { call machine_code(x, y) }
      param two = 1
      func f(a: f32[4, 6], b: f32[3, 2]) { twice<two + 1>(a[1..4, 2..4], b) }
      )",
      {a, b});
  EXPECT_EQ(b.data, (std::vector<float>{18, 20, 30, 32, 42, 44}));
}

TEST(InterpCalls, ViewsMayDropDimensions) {
  Array<float> a({2, 3, 2}), out({3});
  for (int i = 0; i < 12; ++i) a.data[i] = static_cast<float>(i);
  run(R"(
      intrin column(x: f32[n] strides [s], y: f32[n]) { for i in 0..n { y[i] = x[i] } }
      intrin set(x: f32[], v: f32) { x[] = v }
      func f(a: f32[2, 3, 2], out: f32[3]) {
        column(a[1, 0..3, 1], out)
        set(&out[1], 100.0)
      })",
      {a, out});
  EXPECT_EQ(out.data, (std::vector<float>{7, 100, 11}));
}

TEST(InterpLimits, TheDeepestTreesRun) {
  Var x("x");
  Buffer out = Buffer::make("out", kI64, {1});
  Expr sum = x;
  int64_t expected = 3;
  for (; sum->depth + 1 < ExprNode::kMaxDepth; expected += 6) sum = sum + x * 2;
  Stmt body = store(out, {0}, sum);
  while (body->depth + 2 < StmtNode::kMaxDepth) body = loop(ForKind::Serial, Var("i"), 1, {body});
  Program program;
  program.items = {Function{"f", {x, out}, {}, block({body}), {}}};
  Array<int64_t> result({1});
  run(program, {scalar(int64_t{3}), result});
  EXPECT_EQ(result.data[0], expected);
  program.items = {Function{"f", {x, out}, {}, simplify(block({body})), {}}};
  run(lower_intrinsics(program, nullptr).program, {scalar(int64_t{3}), result});
  EXPECT_EQ(result.data[0], expected);
}

class Adder : public ExternHandler {
 public:
  bool call(const std::string& symbol, const std::vector<ArgValue>& args,
            ScalarValue* result) override {
    if (symbol != "add") return false;
    auto& x = std::get<TensorRef>(args[0]);
    auto& scalar = std::get<ScalarValue>(args[1]);
    static_cast<float*>(x.data)[0] += static_cast<float>(std::get<int64_t>(scalar));
    *result = double{2.5};
    return true;
  }
};

TEST(InterpCalls, ExternsGoToTheHandler) {
  Array<float> a({4}, {1, 2, 3, 4});
  Adder adder;
  InterpOptions options;
  options.externs = &adder;
  run("func f(a: f32[4]) { a[3] = call f32 add(&a[2], i32(5)) }", {a}, options);
  EXPECT_EQ(a.data, (std::vector<float>{1, 2, 8, 2.5f}));
  Diagnostic error = fault_of("func f(a: f32[4]) { call other(a) }", {a}, options);
  EXPECT_EQ(error.rule, "extern");
  EXPECT_EQ(error.message, "call of `other` is not known to the handler of externs");
}

}  // namespace
}  // namespace inlay
