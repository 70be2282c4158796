// Windows: zeros around a staged part, factors of loops that an intrinsic takes as parameters,
// asserts as facts, filter rows clipped to the image.
#include "core/schedule/rewrite.h"
#include "tests/core/support/schedule_util.h"

namespace inlay::testing {
namespace {

const char* kConv = R"(
intrin rows<nr>(m: index, n: index, taps: index, step: index, dilation: index,
                a: f32[(m - 1) * step + (taps - 1) * dilation + 1], b: f32[taps, nr],
                c: f32[m, n] strided) {
  for i in 0..m {
    for j in 0..n {
      c[i, j] = 0.0
      for s in 0..taps { c[i, j] += a[i * step + s * dilation] * b[s, j] }
    }
  }
}
func conv(X: f32[N, W], B: f32[P, S, 4], Y: f32[N, OW, C], step: index, pad: index, dilation: index) {
  assert step >= 1 && dilation >= 1 && pad >= 0 && S >= 1, "parameters"
  assert (OW - 1) * step + (S - 1) * dilation + 1 <= W + 2 * pad, "output"
  assert P == (C + 3) / 4, "panels"
  for n in 0..N {
    for ow in 0..OW {
      for oc in 0..C {
        Y[n, ow, oc] = 0.0
        for s in 0..S {
          Y[n, ow, oc] += select(0 <= ow * step + s * dilation - pad &&
                                 ow * step + s * dilation - pad < W,
                                 X[n, ow * step + s * dilation - pad], 0.0) * B[oc / 4, s, oc % 4]
        }
      }
    }
  }
})";

Schedule panels(const Program& program) {
  Schedule s(program, "conv");
  s.split("oc", 4, "jp", "jj");
  s.reorder({"jp", "ow", "jj"});
  return s;
}

Stage strip() {
  Stage stage;
  stage.buffer = "X";
  stage.at = "n";
  stage.name = "strip";
  stage.space = MemorySpace::Global;
  return stage;
}

std::vector<Sizes> sizes() {
  std::vector<Sizes> all;
  for (int64_t step : {1, 2, 3}) {
    for (int64_t pad : {0, 1, 4}) {
      for (int64_t dilation : {1, 2}) {
        for (int64_t taps : {1, 3}) {
          int64_t width = 9, reach = width + 2 * pad - (taps - 1) * dilation - 1;
          all.push_back({{"N", 2},
                         {"W", width},
                         {"S", taps},
                         {"C", 7},
                         {"P", 2},
                         {"OW", reach / step + 1},
                         {"step", step},
                         {"pad", pad},
                         {"dilation", dilation}});
        }
      }
    }
  }
  return all;
}

TEST(ScheduleConv, StripWithZerosAndRowsTensorized) {
  Program program = parse(kConv);
  Schedule s = panels(program);
  s.stage(strip());
  s.tensorize("ow", "rows", {4});
  std::string text = print(s.function());
  EXPECT_TRUE(has(text, {"alloc strip", "} else {", "rows<4>(", "step, dilation, strip["})) << text;
  EXPECT_EQ(text.find("+="), std::string::npos) << text;
  EXPECT_EQ(text.find("select"), std::string::npos) << text;
  for (const Sizes& each : sizes()) expect_same(program, s, each, {"Y"});
}

// What a window misses is left out: a guard of the meaning, that tells two of its parameters.
const char* kGuarded = R"(
intrin window<nr>(m: index, taps: index, step: index, left: index, a: f32[w], b: f32[taps], c: f32[m]) {
  for i in 0..m {
    c[i] = 0.0
    for s in 0..taps {
      if 0 <= i * step + s - left && i * step + s - left < w { c[i] += a[i * step + s - left] * b[s] }
    }
  }
}
func conv(X: f32[W], B: f32[S], Y: f32[OW], step: index, pad: index) {
  for ow in 0..OW {
    Y[ow] = 0.0
    for s in 0..S {
      if 0 <= ow * step + s - pad && ow * step + s - pad < W {
        Y[ow] += X[ow * step + s - pad] * B[s]
      }
    }
  }
})";

TEST(ScheduleConv, AGuardOfTheMeaningTellsWhatIsLeftBetweenTheTwo) {
  Program program = parse(kGuarded);
  Schedule s(program, "conv");
  s.split("ow", 4, "block", "i");
  s.tensorize("i", "window", {4});
  std::string text = print(s.function());
  EXPECT_TRUE(has(text, {"window<4>(min(4, OW - block * 4), S, step, pad - block * step * 4, X,"}))
      << text;
  for (int64_t step : {1, 2}) {
    for (int64_t pad : {0, 1, 4}) {
      Sizes sizes{{"W", 9}, {"S", 3}, {"OW", 5 + pad}, {"step", step}, {"pad", pad}};
      expect_same(program, s, sizes, {"Y"});
    }
  }
}

TEST(ScheduleConv, AGuardOnAnotherPlaceIsNoneOfTheMeaning) {
  std::string text = kGuarded;
  text.replace(text.rfind("ow * step + s - pad < W"), 23, "ow * step + s - pad < S");
  Program program = parse(text);
  Schedule s(program, "conv");
  Diagnostic refused = refusal([&] { s.tensorize("ow", "window", {4}); });
  EXPECT_EQ(refused.rule, "tensorize-mismatch");
}

TEST(ScheduleConv, WithoutTheGuardNothingIsStagedThatMayLieOutside) {
  Program program = parse(R"(
    func f(X: f32[N], Y: f32[N]) {
      for i in 0..N { for s in 0..3 { Y[i] = select(0 <= i + s - 1, X[i + s - 1], 0.0) } }
    })");
  Schedule s(program, "f");
  Stage stage;
  stage.buffer = "X";
  stage.at = "i";
  stage.name = "t";
  Diagnostic refused = refusal([&] { s.stage(stage); });
  EXPECT_EQ(refused.rule, "illegal-stage");
  EXPECT_TRUE(has(refused.help, {"select"}));
}

TEST(ScheduleConv, AGuardOnSomethingElseIsRefused) {
  Program program = parse(R"(
    func f(X: f32[N], Y: f32[N]) {
      for i in 0..N {
        for s in 0..3 { Y[i] = select(0 < s * s && i + s < N, X[i + s], 0.0) }
      }
    })");
  Schedule s(program, "f");
  Stage stage;
  stage.buffer = "X";
  stage.at = "i";
  stage.name = "t";
  Diagnostic refused = refusal([&] { s.stage(stage); });
  EXPECT_EQ(refused.rule, "illegal-stage");
  EXPECT_TRUE(has(refused.message, {"does not follow from where it reads"})) << refused.message;
}

TEST(ScheduleConv, NothingPaddedNothingCopied) {
  Program program = parse(R"(
    func f(X: f32[W], Y: f32[OW], step: index, pad: index) {
      assert step >= 1 && pad >= 0, "parameters"
      assert (OW - 1) * step + 3 <= W + 2 * pad, "output"
      if pad == 0 {
        for i in 0..OW {
          for s in 0..3 {
            Y[i] = select(0 <= i * step + s - pad && i * step + s - pad < W,
                          X[i * step + s - pad], 0.0)
          }
        }
      }
    })");
  // Where the assert holds and nothing is padded the guard is always true.
  Site site = find_loop(*program.find_function("f"), "s");
  Context context = context_at(*program.find_function("f"), site);
  std::string text = print(simplify_in(context, site.self));
  EXPECT_EQ(text.find("select"), std::string::npos) << text;
}

}  // namespace
}  // namespace inlay::testing
