// The passes judged by the interpreter: a program gives the same numbers before and after each.
#include <cstring>
#include <random>

#include "tests/interp/helpers.h"

namespace inlay {
namespace {

using namespace inlay::testing;

Target x86_target(std::set<std::string> features) {
  Target target;
  target.spec = "test";
  target.arch = "x86_64";
  target.features = std::move(features);
  return target;
}

Program simplified(Program program) {
  for (Item& item : program.items) {
    if (auto* function = std::get_if<Function>(&item)) function->body = simplify(function->body);
    if (auto* intrinsic = std::get_if<Intrinsic>(&item))
      intrinsic->body = simplify(intrinsic->body);
  }
  return program;
}

// Every way to come from a parsed program to one that can be run, by name.
std::vector<std::pair<std::string, Program>> stages(const Program& program, const Target& target) {
  Program bound = bind_params(program, &target, {});
  Program meaning = lower_intrinsics(bound, nullptr).program;
  Program rows = lower_intrinsics(bound, &target).program;
  auto reparsed = [](const Program& lowered) { return parse(print(lowered)); };
  return {{"bound", bound},
          {"simplified", simplified(bound)},
          {"lowered to meanings", meaning},
          {"lowered to meanings, printed, parsed", reparsed(meaning)},
          {"lowered to meanings, simplified", simplified(meaning)},
          {"lowered to rows", rows},
          {"lowered to rows, simplified", simplified(rows)},
          {"lowered to rows, simplified, printed, parsed", reparsed(simplified(rows))}};
}

const char* const kBlockedMatmul = R"(
  intrin tile<mr, nr>(k: index, a: f32[k, mr], b: f32[k, nr], c: f32[mr, nr] strided) {
    for p in 0..k { for i in 0..mr { for j in 0..nr { c[i, j] += a[p, i] * b[p, j] } } }
  }
  // The same sums in the same order, otherwise written.
  implement tile<3, 4> for x86_64(avx2) {
    let ld = stride(c, 0)
    alloc row: f32[nr] in private
    for i in 0..mr {
      for j in 0..nr { row[j] = c[i, j] }
      for p in 0..k { for j in 0..nr { row[j] += a[p, i] * b[p, j] } }
      for j in 0..nr { if ld >= nr { c[i, j] = row[j] } }
    }
  }
  implement tile<3, 4> for x86_64(avx512f) { call never() }
  param mr = 2 { x86_64(avx2): 3 }
  param nr = 4
  func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
    for i in 0..M { for j in 0..N { C[i, j] = 0.0 } }
    alloc Ap: f32[K, mr] align 64
    alloc Bp: f32[K, nr] align 64
    for jp in 0..(N + nr - 1) / nr {
      let cols = min(nr, N - jp * nr)
      for p in 0..K {
        for j in 0..cols { Bp[p, j] = B[p, jp * nr + j] }
        for j in cols..nr { Bp[p, j] = 0.0 }
      }
      for ip in 0..(M + mr - 1) / mr {
        let rows = min(mr, M - ip * mr)
        for p in 0..K {
          for i in 0..rows { Ap[p, i] = A[ip * mr + i, p] }
          for i in rows..mr { Ap[p, i] = 0.0 }
        }
        if rows == mr && cols == nr {
          tile<mr, nr>(K, Ap, Bp, C[ip * mr..ip * mr + mr, jp * nr..jp * nr + nr])
        } else {
          alloc edge: f32[mr, nr]
          for i in 0..mr { for j in 0..nr { edge[i, j] = 0.0 } }
          tile<mr, nr>(K, Ap, Bp, edge)
          for i in 0..rows { for j in 0..cols { C[ip * mr + i, jp * nr + j] = edge[i, j] } }
        }
      }
    }
  })";

std::vector<float> random_floats(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(int(generator() % 2001) - 1000) / 64.0f;
  return values;
}

TEST(InterpLowering, BlockedMatmulIsTheSameAtEveryStage) {
  Target target = x86_target({"avx2"});
  auto all = stages(parse(kBlockedMatmul), target);
  for (auto [m, n, k] : {std::tuple(7, 9, 5), {6, 8, 3}, {1, 1, 1}, {3, 4, 0}, {0, 5, 2}}) {
    Array<float> a({m, k}, random_floats(m * k, 1)), b({k, n}, random_floats(k * n, 2));
    std::vector<float> expected(m * n);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        for (int p = 0; p < k; ++p) expected[i * n + j] += a.data[i * k + p] * b.data[p * n + j];
      }
    }
    for (auto& [stage, program] : all) {
      Array<float> c({m, n});
      run(program, {a, b, c.fresh()});
      EXPECT_EQ(c.data, expected) << stage << " " << m << "x" << n << "x" << k;
    }
  }
}

TEST(InterpLowering, ChosenRowRunsInsteadOfTheMeaning) {
  Program program = parse(R"(
      intrin mark(x: i64[1]) { x[0] = 1 }
      implement mark for any { x[0] = 2 }
      func f(x: i64[1]) { mark(x) })");
  Target target = x86_target({});
  Array<int64_t> x({1});
  run(program, {x});
  EXPECT_EQ(x.data[0], 1);
  run(lower_intrinsics(program, &target).program, {x});
  EXPECT_EQ(x.data[0], 2);
}

TEST(InterpLowering, ArgumentsThatTheBodyChangesAreReadOnce) {
  Program program = parse(R"(
      intrin bump(n: i64, x: i64[m] strides [s]) { for i in 0..n { x[i] += n  x[0] += m + s } }
      func f(d: i64[9]) { bump(d[0], d[d[1]..d[1] + d[2]]) })");
  Target target = x86_target({});
  Array<int64_t> before({9}, {3, 0, 3, 1, 1, 1, 1, 1, 1});
  std::vector<int64_t> expected;
  for (auto& [stage, lowered] : stages(program, target)) {
    Array<int64_t> d = before;
    run(lowered, {d});
    if (expected.empty()) expected = d.data;
    EXPECT_EQ(d.data, expected) << stage;
  }
  EXPECT_EQ(expected[0], 3 + 3 + 3 * 4);
}

TEST(InterpLowering, VectorsThroughViews) {
  Program program = parse(R"(
      intrin axpy<n>(a: f32, x: f32[n], y: f32[r, n] strided, at: index) {
        let v = broadcast(a, 4) * x[ramp(0, 1, 4)]
        y[at, ramp(n - 1, -1, 4)] = y[at, ramp(n - 1, -1, 4)] + v
      }
      func f(X: f32[4, 8], Y: f32[8, 8]) {
        for i in 0..4 { axpy<4>(f32(i), X[i, 2..6], Y[2..8, i..i + 4], i) }
      })");
  Target target = x86_target({});
  std::vector<float> expected;
  for (auto& [stage, lowered] : stages(program, target)) {
    Array<float> x({4, 8}, random_floats(32, 3)), y({8, 8}, random_floats(64, 4));
    run(lowered, {x, y});
    if (expected.empty()) expected = y.data;
    EXPECT_EQ(y.data, expected) << stage;
  }
}

// ---- simplify against the interpreter, on random expressions ----

class RandomExprs {
 public:
  RandomExprs(unsigned seed, DType type) : generator_(seed), type_(type) {
    for (const char* name : {"a", "b", "c"}) params.emplace_back(name, type);
    for (const char* name : {"i", "j"}) loops.emplace_back(name);
  }

  Expr number(int depth) {
    if (depth == 0 || pick(8) == 0) return leaf();
    switch (pick(type_.is_float() ? 8 : 15)) {
      case 0:
        return number(depth - 1) + number(depth - 1);
      case 1:
        return number(depth - 1) - number(depth - 1);
      case 2:
        return number(depth - 1) * number(depth - 1);
      case 3:
        return min(number(depth - 1), number(depth - 1));
      case 4:
        return max(number(depth - 1), number(depth - 1));
      case 5:
        return Unary::make(UnaryOp::Neg, number(depth - 1));
      case 6:
        return Select::make(truth(depth - 1), number(depth - 1), number(depth - 1));
      case 7: {
        static const DType through[] = {kI8, kU16, kI32, kU64, kI64, kF32, kF64, kBool};
        return Cast::make(type_, Cast::make(through[pick(8)], number(depth - 1)));
      }
      case 8:
      case 9:
        return Binary::make(BinaryOp::FloorDiv, number(depth - 1), divisor());
      case 10:
      case 11:
        return Binary::make(BinaryOp::FloorMod, number(depth - 1), divisor());
      case 12: {
        BinaryOp ops[] = {BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor};
        return Binary::make(ops[pick(3)], number(depth - 1), number(depth - 1));
      }
      case 13:
        return Unary::make(UnaryOp::BitNot, number(depth - 1));
      default:
        return Binary::make(pick(2) ? BinaryOp::Shl : BinaryOp::Shr, number(depth - 1),
                            IntImm::make(type_, pick(8)));
    }
  }

  Expr truth(int depth) {
    if (depth == 0) return IntImm::make(kBool, pick(2));
    switch (pick(5)) {
      case 0:
        return logical_and(truth(depth - 1), truth(depth - 1));
      case 1:
        return Binary::make(BinaryOp::Or, truth(depth - 1), truth(depth - 1));
      case 2:
        return Unary::make(UnaryOp::Not, truth(depth - 1));
      default: {
        BinaryOp ops[] = {BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt,
                          BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge};
        return Binary::make(ops[pick(6)], number(depth - 1), number(depth - 1));
      }
    }
  }

  int pick(int count) { return static_cast<int>(generator_() % static_cast<unsigned>(count)); }

  std::vector<Var> params, loops;

 private:
  Expr leaf() {
    int which = pick(10);
    if (which < 4) return params[pick(3)];
    if (which < 7) return Cast::make(type_, loops[pick(2)]);
    if (type_.is_float()) {
      static const double values[] = {0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e30};
      return FloatImm::make(type_, values[pick(7)]);
    }
    int limit = type_.bits == 8 ? 256 : 600;
    return IntImm::make(type_, pick(limit) - (type_.is_uint() ? 0 : limit / 2));
  }
  Expr divisor() {
    static const int values[] = {1, 2, 3, 4, 7, 8, 12, 16};
    return IntImm::make(type_, values[pick(8)]);
  }

  std::mt19937 generator_;
  DType type_;
};

template <typename T>
void simplify_keeps_values(unsigned seeds) {
  DType type = dtype_of<T>();
  for (unsigned seed = 0; seed < seeds; ++seed) {
    RandomExprs random(seed, type);
    Expr expr = random.number(2 + random.pick(5));
    // for i in 0..5 { for j in 3..11 { out[i, j - 3] = expr } }
    Buffer out = Buffer::make("out", type, {5, 8});
    const Var &i = random.loops[0], &j = random.loops[1];
    Stmt body = block({serial(i, 0, 5, {serial(j, 3, 11, {store(out, {i, j - 3}, expr)})})});
    std::vector<Param> params(random.params.begin(), random.params.end());
    params.push_back(out);
    Program program;
    program.items = {Function{"f", params, {}, body, {}}};
    std::vector<ArgValue> args;
    static const int64_t ints[] = {0, 1, -1, 5, 100, 127, -128, INT64_MAX, INT64_MIN, 1 << 20};
    static const double floats[] = {0.0, -0.0, 1.5, -2.0, 1e20, 1e-30, INFINITY, NAN};
    for (int p = 0; p < 3; ++p) {
      if constexpr (std::is_integral_v<T>) {
        T value = static_cast<T>(ints[random.pick(10)]);
        args.push_back(std::is_signed_v<T> ? ScalarValue(int64_t(value))
                                           : ScalarValue(uint64_t(value)));
      } else {
        args.push_back(scalar(floats[random.pick(8)]));
      }
    }
    Array<T> before({5, 8}), after({5, 8});
    args.push_back(before);
    run(program, args);
    args.back() = after;
    Program simpler = simplified(program);
    run(simpler, args);
    for (size_t at = 0; at < before.data.size(); ++at) {
      bool both_nan = before.data[at] != before.data[at] && after.data[at] != after.data[at];
      ASSERT_TRUE(both_nan || std::memcmp(&before.data[at], &after.data[at], sizeof(T)) == 0)
          << "seed " << seed << " element " << at << ": " << +before.data[at] << " became "
          << +after.data[at] << "\n"
          << print(program) << print(simpler);
    }
  }
}

TEST(InterpLowering, SimplifyKeepsValuesOfI64) {
  simplify_keeps_values<int64_t>(3000);
}
TEST(InterpLowering, SimplifyKeepsValuesOfI8) {
  simplify_keeps_values<int8_t>(3000);
}
TEST(InterpLowering, SimplifyKeepsValuesOfU8) {
  simplify_keeps_values<uint8_t>(2000);
}
TEST(InterpLowering, SimplifyKeepsValuesOfU32) {
  simplify_keeps_values<uint32_t>(2000);
}
TEST(InterpLowering, SimplifyKeepsValuesOfU64) {
  simplify_keeps_values<uint64_t>(2000);
}
TEST(InterpLowering, SimplifyKeepsValuesOfF32) {
  simplify_keeps_values<float>(2000);
}

}  // namespace
}  // namespace inlay
