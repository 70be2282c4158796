// Each fault that the interpreter reports: rule, sentence, place.
#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;
using ::testing::HasSubstr;

TEST(InterpFaults, OutOfBoundsNamesBufferIndexExtentPathAndPlace) {
  Array<float> a({4, 8}), out({9});
  Diagnostic error = fault_of(R"(func f(a: f32[M, N], out: f32[9]) {
  for i in 0..M {
    for j in 0..9 {
      out[j] = a[i, j]
    }
  }
})",
                              {a, out});
  EXPECT_EQ(error.rule, "out-of-bounds");
  EXPECT_EQ(error.message, "read of `a`[0, 8] is out of bounds: index 1 is 8, the extent is 8");
  EXPECT_EQ(error.ir_path, "f/for i/for j");
  EXPECT_EQ(error.detail, "where i = 0, j = 8");
  EXPECT_EQ(error.loc.line, 4u);

  error = fault_of("func f(a: f32[4, 8], out: f32[9]) { a[-1, 0] = 0.0 }", {a, out});
  EXPECT_EQ(error.message, "write to `a`[-1, 0] is out of bounds: index 0 is -1, the extent is 4");
  error = fault_of("func f(a: f32[4, 8], out: f32[9]) { a[0, ramp(5, 1, 4)] = broadcast(0.0, 4) }",
                   {a, out});
  EXPECT_EQ(error.message,
            "write to `a`[0, 8] is out of bounds: index 1 is 8, the extent is 8 (lane 3)");
}

TEST(InterpFaults, ViewsWithoutElementsLieAnywhere) {
  Array<float> a({4, 8});
  const std::string text = R"(intrin g(x: f32[n]) { for i in 0..n { x[i] = 0.0 } }
      func f(a: f32[4, 8], r: index, n: index) { g(a[r, 3..3 + n]) })";
  run(text, {a, scalar(int64_t{9}), scalar(int64_t{0})});
  Diagnostic error = fault_of(text, {a, scalar(int64_t{9}), scalar(int64_t{1})});
  EXPECT_EQ(error.message, "view of `a` is out of bounds: dimension 0 is 9, the extent is 4");
  error = fault_of(text, {a, scalar(int64_t{0}), scalar(int64_t{-1})});
  EXPECT_EQ(error.message, "view of `a` is out of bounds: dimension 1 is 3..2, the extent is 8");
}

TEST(InterpFaults, ViewsStayInTheirBuffer) {
  Array<float> a({4, 8});
  const std::string text = R"(intrin g(x: f32[m, n] strided) { }
      func f(a: f32[4, 8], r: index) { g(a[r..r + 2, 0..8]) })";
  run(text, {a, scalar(int64_t{2})});
  Diagnostic error = fault_of(text, {a, scalar(int64_t{3})});
  EXPECT_EQ(error.rule, "out-of-bounds");
  EXPECT_EQ(error.message, "view of `a` is out of bounds: dimension 0 is 3..5, the extent is 4");
  error = fault_of(R"(intrin g(x: f32[n]) { }
      func f(a: f32[4, 8], r: index) { g(a[r, 0..8]) })",
                   {a, scalar(int64_t{4})});
  EXPECT_EQ(error.message, "view of `a` is out of bounds: dimension 0 is 4, the extent is 4");
}

TEST(InterpFaults, UninitialisedReads) {
  Array<float> a({2});
  const std::string text = "func f(a: f32[2]) { alloc t: f32[4]  t[1] = 0.0  a[0] = t[2] }";
  Diagnostic error = fault_of(text, {a});
  EXPECT_EQ(error.rule, "uninitialised-read");
  EXPECT_EQ(error.message, "read of `t`[2], which was never written");
  InterpOptions lenient;
  lenient.check_uninitialised = false;
  run(text, {a}, lenient);
  EXPECT_NE(a.data[0], a.data[0]) << "unwritten floats read as NaN";

  Array<float> out({2});
  error = fault_of("func f(a: f32[2]) { a[0] += 1.0 }", {out.fresh()});
  EXPECT_EQ(error.message, "read of `a`[0], which was never written");
  run("func f(a: f32[2]) { a[0] += 1.0 }", {out.ref()});
}

TEST(InterpFaults, UnwrittenElementsMayBeCopiedButNotUsed) {
  // Copied as they are, through two allocations, scalars and vectors, chosen or not.
  auto function = [](const std::string& use) {
    return R"(func f(a: f32[8]) {
      alloc t: f32[8]  alloc u: f32[8]  alloc v: f32[8]
      for i in 0..4 { t[2 * i] = 1.0 + f32(i) }
      for i in 0..8 { u[i] = select(i < 6, t[i], select(i == 6, 9.0, t[7])) }
      v[ramp(0, 1, 8)] = u[ramp(0, 1, 8)]
      )" + use +
           " }";
  };
  Array<float> a({8});
  run(function("for i in 0..4 { a[i] = v[2 * i] }"), {a});
  EXPECT_EQ(std::vector<float>(a.data.begin(), a.data.begin() + 4),
            (std::vector<float>{1, 2, 3, 9}));
  struct Use {
    const char *text, *message;
  };
  for (const Use& use :
       {Use{"a[0] = v[3] + 1.0", "read of `v`[3], which was never written"},
        Use{"a[0] = v[7]", "read of `v`[7], which was never written"},
        Use{"a[0] = select(v[6] > 0.0, v[5], 0.0)", "read of `v`[5], which was never written"},
        Use{"if v[1] > 0.0 { a[0] = 1.0 }", "read of `v`[1], which was never written"},
        Use{"let x = v[1] u[0] = x", "read of `v`[1], which was never written"},
        Use{"a[ramp(0, 1, 4)] = v[ramp(0, 1, 4)]", "read of `v`[1], which was never written"}}) {
    Diagnostic error = fault_of(function(use.text), {a});
    EXPECT_EQ(error.rule, "uninitialised-read") << use.text;
    EXPECT_EQ(error.message, use.message);
  }
  // A store into the caller's tensor says where.
  Diagnostic error = fault_of(function("a[0] = v[7]"), {a});
  ASSERT_EQ(error.notes.size(), 1u);
  EXPECT_EQ(error.notes[0].message, "it would go into the argument `a` here");
  EXPECT_EQ(error.notes[0].loc.line, 6);
  // What was copied over is as unwritten as where it came from, until it is written.
  error = fault_of(function("v[2] = t[1]  a[0] = v[2] * 2.0"), {a});
  EXPECT_EQ(error.message, "read of `v`[2], which was never written");
  run(function("v[2] = t[1]  v[2] = 3.0  a[0] = v[2] * 2.0"), {a});
  EXPECT_EQ(a.data[0], 6.0f);
}

TEST(InterpFaults, ArithmeticThatHasNoResult) {
  Array<int64_t> a({2}, {5, 0});
  EXPECT_EQ(fault_of("func f(a: i64[2]) { a[0] = a[0] / a[1] }", {a}).rule, "division-by-zero");
  EXPECT_EQ(fault_of("func f(a: i64[2]) { a[0] = a[0] % a[1] }", {a}).rule, "division-by-zero");
  a.data[1] = 64;
  Diagnostic error = fault_of("func f(a: i64[2]) { a[0] = a[0] << a[1] }", {a});
  EXPECT_EQ(error.rule, "shift");
  EXPECT_EQ(error.message, "shift of i64 by 64, expected 0 to 63");
  a.data[1] = -1;
  error = fault_of("func f(a: i64[2]) { a[0] = a[0] >> a[1] }", {a});
  EXPECT_EQ(error.message, "shift of i64 by -1, expected 0 to 63");
  EXPECT_EQ(fault_of("func f(a: i64[2]) { a[0] = i64(u8(a[0]) >> 8u8) }", {a}).message,
            "shift of u8 by 8, expected 0 to 7");
}

TEST(InterpFaults, Asserts) {
  Diagnostic error = fault_of("func f(n: index) { for i in 0..n { assert i < 3, \"i is small\" } }",
                              {scalar(int64_t{5})});
  EXPECT_EQ(error.rule, "assert");
  EXPECT_EQ(error.message, "i is small");
  EXPECT_EQ(error.detail, "where i = 3");
}

TEST(InterpFaults, ShapesOfAllocations) {
  const std::string text = "func f(n: index) { alloc t: f32[n + 1, 2 * n] }";
  run(text, {scalar(int64_t{5})});
  Diagnostic error = fault_of(text, {scalar(int64_t{-3})});
  EXPECT_EQ(error.rule, "negative-extent");
  EXPECT_EQ(error.message, "extent 0 of `t` is -2");
  error = fault_of(text, {scalar(INT64_MAX)});
  EXPECT_EQ(error.rule, "overflow");
  EXPECT_EQ(error.message, "9223372036854775807 + 1 in a shape does not fit into 64 bits");
  error = fault_of(text, {scalar(int64_t{1} << 40)});
  EXPECT_EQ(error.rule, "overflow");
  EXPECT_THAT(error.message, HasSubstr("has a size that does not fit into 64 bits"));
  error = fault_of("func f(n: index) { alloc t: f32[n] }", {scalar(int64_t{1} << 60)});
  EXPECT_EQ(error.rule, "out-of-memory");
}

TEST(InterpFaults, StepLimit) {
  InterpOptions options;
  options.step_limit = 100;
  Array<int64_t> a({1});
  const std::string text = "func f(a: i64[1], n: index) { for i in 0..n { a[0] = i } }";
  run(text, {a, scalar(int64_t{10})}, options);
  EXPECT_EQ(fault_of(text, {a, scalar(int64_t{1000})}, options).rule, "step-limit");
}

TEST(InterpFaults, MachineCode) {
  Array<float> a({2});
  Diagnostic error = fault_of("func f(a: f32[2]) { call uk(a) }", {a});
  EXPECT_EQ(error.rule, "extern");
  EXPECT_EQ(error.message, "call of `uk` can't be interpreted: it is machine code");
  EXPECT_THAT(error.help, HasSubstr("an intrinsic's meaning can be"));
  error = fault_of("func f(a: f32[2]) { asm volatile (\"nop\", \"\") }", {a});
  EXPECT_EQ(error.message, "inline assembly can't be interpreted: it is machine code");
}

TEST(InterpFaults, ViewsMustFitCompactFormals) {
  Array<float> a({4, 8}), b({4, 8});
  const std::string intrin = "intrin g<n>(k: index, x: f32[k, n], y: f32[k, n] strided) { }\n";
  run(intrin + "func f(a: f32[M, N], b: f32[4, 8]) { g<8>(M, a, b) }", {a, b});
  Diagnostic error = fault_of(
      intrin + "func f(a: f32[M, N], b: f32[4, 8]) { g<4>(M, a[0..M, 0..4], b[0..4, 2..6]) }",
      {a, b});
  EXPECT_EQ(error.rule, "view-mismatch");
  EXPECT_EQ(error.message, "g<4>: x has strides [8, 1], expected [n=4, 1] (compact, row-major)");
  error = fault_of(intrin + "func f(a: f32[M, N], b: f32[4, 8]) { g<8>(3, a, b) }", {a, b});
  EXPECT_EQ(error.message, "g<8>: x has shape [4, 8], expected [k=3, n=8]");
  // One row has no second one to step to.
  run(intrin + "func f(a: f32[M, N], b: f32[4, 8]) { g<4>(1, a[0..1, 0..4], b[0..1, 2..6]) }",
      {a, b});
}

TEST(InterpFaults, AlignmentOfViews) {
  const std::string text = R"(intrin g(x: f32[8] align 32) { }
      func f(at: index) { alloc t: f32[64] align 32  g(t[at..at + 8]) })";
  run(text, {scalar(int64_t{8})});
  Diagnostic error = fault_of(text, {scalar(int64_t{2})});
  EXPECT_EQ(error.rule, "view-mismatch");
  EXPECT_EQ(error.message,
            "g: x begins at an address that is 8 modulo 32, expected a multiple of "
            "32");
  // An allocation that promises nothing is not better aligned by luck.
  EXPECT_EQ(fault_of(R"(intrin g(x: f32[8] align 32) { }
      func f() { alloc t: f32[64]  g(t[0..8]) })",
                     {})
                .rule,
            "view-mismatch");
}

TEST(InterpArguments, EachIsCheckedWithASentence) {
  const std::string text =
      "func sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N] align 16, n: i32) { C[0, 0] = 0.0 }";
  Program program = parse(text);
  alignas(64) float data[64 * 64] = {};
  TensorRef a{kF32, {64, 32}, {}, data, 0, false}, b{kF32, {32, 64}, {}, data, 0, false};
  TensorRef c{kF32, {64, 63}, {}, data, 0, false};
  auto message = [&](std::vector<ArgValue> args) {
    Diagnostic error = error_of([&] { run(program, args, {}, "sgemm"); });
    EXPECT_EQ(error.rule, "argument");
    return error.message;
  };
  EXPECT_EQ(message({a, b, c, scalar(int64_t{1})}),
            "sgemm: C has shape [64, 63], expected [M=64, N=64]");
  EXPECT_EQ(message({a, b}), "sgemm: takes 4 arguments (A, B, C, n), 2 were given");
  EXPECT_EQ(message({a, b, scalar(1.0), scalar(int64_t{1})}),
            "sgemm: C is a tensor, a scalar was given");
  EXPECT_EQ(message({a, b, c, a}), "sgemm: n is a scalar, a tensor was given");
  EXPECT_EQ(message({a, b, c, scalar(1.0)}),
            "sgemm: n takes a value of type i32, which the one given is not");
  EXPECT_EQ(message({a, b, c, scalar(int64_t{1} << 31)}),
            "sgemm: n takes a value of type i32, which the one given is not");
  TensorRef wrong = a;
  wrong.type = kF64;
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}), "sgemm: A has type f64, expected f32");
  wrong = a;
  wrong.shape = {64};
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}), "sgemm: A has 1 dimensions, expected 2");
  wrong = a;
  wrong.shape = {64, -1};
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}),
            "sgemm: A has shape [64, -1] with a negative extent");
  wrong = a;
  wrong.strides = {1, 64};
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}),
            "sgemm: A has strides [1, 64], expected [K=32, 1] (compact, row-major)");
  wrong.strides = {1};
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}), "sgemm: A has 1 strides, but 2 dimensions");
  wrong = a;
  wrong.data = nullptr;
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}), "sgemm: A has no data");
  wrong = a;
  wrong.data = reinterpret_cast<char*>(data) + 1;
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}),
            "sgemm: A is not aligned to its elements of 4 bytes");
  wrong = a;
  wrong.shape = {int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_EQ(message({wrong, b, c, scalar(int64_t{1})}),
            "sgemm: A has shape [1099511627776, 1099511627776], which no memory holds");
  TensorRef good = c;
  good.shape = {64, 64};
  good.data = data + 1;
  EXPECT_EQ(message({a, b, good, scalar(int64_t{1})}),
            "sgemm: C begins at an address that is 4 modulo 16, expected a multiple of 16");
  good.data = data;
  good.alignment = 8;
  EXPECT_EQ(message({a, b, good, scalar(int64_t{1})}),
            "sgemm: C is aligned to 8 bytes, expected 16");
}

TEST(InterpArguments, WrittenTensorsDoNotOverlap) {
  std::vector<float> data(64);
  TensorRef left{kF32, {4, 4}, {8, 1}, data.data(), 0, false};
  TensorRef right{kF32, {4, 4}, {8, 1}, data.data() + 4, 0, false};
  TensorRef shifted{kF32, {4, 4}, {8, 1}, data.data() + 3, 0, false};
  const std::string text =
      "func f(a: f32[4, 4] strided, b: f32[4, 4] strided) { b[0, 0] = a[0, 0] }";
  run(text, {left, right});
  EXPECT_EQ(fault_of(text, {left, shifted}).message,
            "f: a and b overlap, and one of them is written");
  // Written through an intrinsic.
  EXPECT_EQ(fault_of(R"(intrin g(x: f32[4, 4] strided) { x[0, 0] = 0.0 }
                func f(a: f32[4, 4] strided, b: f32[4, 4] strided) { g(b) })",
                     {left, left})
                .rule,
            "argument");
  run(R"(intrin g(x: f32[4, 4] strided, y: f32[1]) { y[0] = x[0, 0] }
         func f(a: f32[4, 4] strided, b: f32[4, 4] strided) { alloc t: f32[1]  g(b, t) })",
      {left, left});
}

TEST(InterpArguments, SymbolsAreBoundByStridesToo) {
  std::vector<float> data(32);
  TensorRef a{kF32, {4, 4}, {8, 1}, data.data(), 0, false};
  const std::string text = "func f(a: f32[4, 4] strides [s, 1], b: f32[s]) { }";
  run(text, {a, TensorRef{kF32, {8}, {}, data.data(), 0, false}});
  EXPECT_EQ(fault_of(text, {a, TensorRef{kF32, {9}, {}, data.data(), 0, false}}).message,
            "f: a has strides [8, 1], expected [s=9, 1]");
}

}  // namespace
}  // namespace inlay
