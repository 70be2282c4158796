// Convolutions and dense layers of kernels/, compiled for the targets that this CPU runs, against
// sums in double precision: shapes that are multiples of nothing, nothing at all, every stride,
// padding, dilation and number of groups; and the sentences of shapes that do not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>

#include "core/text/text.h"
#include "tools/driver/accuracy.h"
#include "tools/inlay/execute.h"

namespace inlay {
namespace {

using Words = std::map<std::string, std::string>;
using Numbers = std::map<std::string, int64_t>;

constexpr const char* kTargets[] = {"native", "x86-64-v3", "x86-64"};

bool runs_here(const Target& target) {
  for (const char* feature : {"avx2", "fma", "avx512f"}) {
    if (target.features.count(feature) && inlay_cpu_has_feature(feature) != 1) return false;
  }
  return true;
}

Words words(const Numbers& numbers) {
  Words all;
  for (const auto& [name, value] : numbers) all[name] = std::to_string(value);
  return all;
}

const float* floats(const TensorArgument& tensor) {
  return reinterpret_cast<const float*>(tensor.data());
}

// A file compiled for one target.
class Compiled {
 public:
  Compiled(PluginRegistry& plugins, const std::string& file, const std::string& target)
      : target_(plugins.resolve(target)) {
    std::string path = std::string(INLAY_SOURCE_DIR "/kernels/") + file;
    program_ = bind_params(load_program(path), &target_, {});
    if (!runs_here(target_)) return;
    BuildRequest request;
    request.input = path;
    request.targets = {target};
    Driver driver(plugins, nullptr);
    code_ = std::make_unique<cli::LoadedProgram>(
        driver.build(request).artifacts[Artifact::SharedObject]);
  }

  bool runs() const { return code_ != nullptr; }
  const Function& described(const std::string& name) const {
    return cli::pick_function(program_, name);
  }
  /// Width of a panel of packed weights.
  int64_t nr(const std::string& name) const {
    const auto& weights = std::get<Buffer>(described(name).params[1]);
    return as_int(weights->shape.back())->value;
  }
  Arguments call(const std::string& name, const Numbers& numbers) const {
    Arguments arguments(described(name), words(numbers), 7);
    cli::call(code_->function(name), arguments.values());
    return arguments;
  }
  std::string refusal(const std::string& name, const Numbers& numbers) const {
    Arguments arguments(described(name), words(numbers), 7);
    std::vector<InlayValue> values = arguments.values();
    int32_t status =
        inlay_call(code_->function(name), values.data(), static_cast<uint32_t>(values.size()));
    return status == INLAY_OK ? "" : inlay_last_error();
  }

 private:
  Target target_;
  Program program_;
  std::unique_ptr<cli::LoadedProgram> code_;
};

// Calls `each` with the file compiled for every target that this CPU has; a file is compiled once
// for all tests of a run.
void on_each_target(const std::string& file, const std::function<void(const Compiled&)>& each) {
  static PluginRegistry plugins;
  static std::map<std::pair<std::string, std::string>, std::unique_ptr<Compiled>> all;
  for (const char* target : kTargets) {
    std::unique_ptr<Compiled>& compiled = all[{file, target}];
    if (!compiled) compiled = std::make_unique<Compiled>(plugins, file, target);
    if (!compiled->runs()) {
      std::printf("not run: %s for %s, whose features this CPU lacks\n", file.c_str(), target);
      continue;
    }
    SCOPED_TRACE(target);
    each(*compiled);
  }
}

struct Conv {
  int64_t n, groups, cin, h, w, cout, r, s, sh, sw, pt, pl, dh, dw;  ///< channels of a group
  int64_t below = 0, right = 0;  ///< padding there, less that above and left

  int64_t pb() const { return pt + below; }
  int64_t pr() const { return pl + right; }
  int64_t oh() const { return (h + pt + pb() - (r - 1) * dh - 1) / sh + 1; }
  int64_t ow() const { return (w + pl + pr() - (s - 1) * dw - 1) / sw + 1; }
  Numbers numbers(int64_t nr) const {
    return {{"N", n},
            {"G", groups},
            {"Cg", cin},
            {"H", h},
            {"W", w},
            {"Og", cout},
            {"R", r},
            {"S", s},
            {"OH", oh()},
            {"OW", ow()},
            {"sh", sh},
            {"sw", sw},
            {"pt", pt},
            {"pl", pl},
            {"pb", pb()},
            {"pr", pr()},
            {"dh", dh},
            {"dw", dw},
            {"P", (cout + nr - 1) / nr}};
  }
};

std::vector<Conv> grid() {
  std::vector<Conv> all = {// n, groups, cin, h, w, cout, r, s, sh, sw, pt, pl, dh, dw, below, right
                           {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1},
                           {0, 1, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 1, 0, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 1, 3, 5, 5, 0, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 0, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {2, 1, 64, 7, 7, 64, 1, 1, 1, 1, 0, 0, 1, 1},
                           {1, 1, 33, 15, 9, 31, 1, 1, 2, 3, 0, 0, 1, 1},
                           {1, 1, 3, 31, 29, 35, 7, 7, 2, 2, 3, 3, 1, 1},
                           {1, 1, 16, 57, 57, 40, 3, 3, 1, 1, 1, 1, 1, 1},
                           {2, 3, 5, 13, 17, 7, 3, 2, 2, 1, 1, 0, 1, 1},
                           {1, 2, 17, 19, 11, 33, 3, 3, 1, 2, 2, 1, 2, 2},
                           {1, 4, 8, 8, 8, 8, 5, 1, 3, 1, 2, 0, 1, 3},
                           {1, 1, 2, 4, 4, 3, 3, 3, 1, 1, 6, 5, 1, 1},
                           {1, 1, 3, 6, 40, 18, 1, 5, 1, 1, 0, 4, 1, 3},
                           {1, 1, 300, 3, 3, 17, 3, 3, 1, 1, 1, 1, 1, 1},
                           {3, 1, 4, 1, 200, 9, 1, 9, 1, 5, 0, 4, 1, 1},
                           {1, 1, 2, 200, 1, 9, 9, 1, 5, 1, 4, 0, 1, 1},
                           {1, 1, 1, 3, 3, 1, 2, 2, 1, 1, 0, 1, 2, 2},
                           // Sums that are taken in parts: some taps, some channels of one.
                           {1, 1, 700, 5, 4, 20, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 1, 9001, 2, 2, 5, 1, 2, 1, 1, 0, 1, 1, 1},
                           // A last panel of one vector, with all kinds of blocks.
                           {1, 1, 24, 7, 9, 40, 1, 1, 1, 1, 0, 0, 1, 1},
                           {1, 1, 24, 5, 7, 40, 1, 1, 1, 1, 0, 0, 1, 1},
                           {2, 1, 6, 5, 50, 40, 3, 3, 1, 1, 1, 1, 1, 1},
                           // Products of planes: blocks of two and of three vectors of pixels.
                           {1, 1, 20, 10, 13, 37, 1, 1, 1, 1, 0, 0, 1, 1},
                           {2, 2, 9, 8, 10, 70, 1, 1, 1, 1, 0, 0, 1, 1},
                           // Groups of few channels, of which several fill a vector: the last
                           // vector not whole, blocks of all sizes, every kind of filter; and rows
                           // too long to be copied.
                           {1, 8, 4, 9, 20, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 5, 3, 13, 31, 4, 3, 3, 2, 2, 1, 0, 1, 1},
                           {2, 7, 2, 6, 9, 8, 3, 3, 1, 1, 0, 2, 1, 1},
                           {1, 9, 1, 12, 5, 2, 5, 2, 2, 3, 2, 1, 2, 3},
                           {1, 6, 7, 8, 8, 1, 1, 1, 1, 1, 0, 0, 1, 1},
                           {1, 3, 16, 9, 14, 12, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 4, 7, 12, 23, 8, 2, 3, 3, 2, 1, 1, 2, 1},
                           {1, 4, 2, 4, 600, 3, 3, 3, 1, 1, 1, 1, 1, 1},
                           // TensorFlow's SAME with a stride of 2, a causal filter, one side only.
                           {1, 1, 16, 14, 12, 40, 3, 3, 2, 2, 0, 0, 1, 1, 1, 1},
                           {1, 1, 3, 28, 26, 35, 7, 7, 2, 2, 2, 2, 1, 1, 1, 1},
                           {2, 1, 5, 1, 60, 18, 1, 4, 1, 1, 0, 9, 1, 3, 0, -9},
                           {1, 2, 4, 9, 8, 33, 3, 5, 1, 1, 7, 0, 1, 1, -6, 4},
                           // More runs than a list takes.
                           {1, 1, 2, 14, 26, 9, 12, 12, 1, 1, 0, 0, 1, 2}};
  for (int64_t width = 1; width <= 18; ++width) {
    all.push_back({1, 1, 3, 2, width, 2 * width + 1, 1, 1, 1, 1, 0, 0, 1, 1});
    all.push_back({1, 1, 2, 3, width, 2 * width, 3, 3, 1, 1, 1, 1, 1, 1});
  }
  // And what comes along.
  std::mt19937 random(3);
  auto any = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<uint32_t>(most - least + 1));
  };
  for (int i = 0; i < 60; ++i) {
    Conv c{any(1, 2), any(1, 3), any(1, 7), any(1, 16), any(1, 16), any(1, 40), any(1, 5),
           any(1, 5), any(1, 3), any(1, 3), any(0, 5),  any(0, 5),  any(1, 3),  any(1, 3)};
    if (i % 2) {
      c.below = any(-c.pt, 5);
      c.right = any(-c.pl, 5);
    }
    if ((c.r - 1) * c.dh < c.h + c.pt + c.pb() && (c.s - 1) * c.dw < c.w + c.pl + c.pr())
      all.push_back(c);
  }
  return all;
}

// Square filters of 3 and 5 with strides of 1 and 2: widths that blocks of pixels don't divide,
// channels that vectors don't divide, and numbers of channels that crowd into few sets of a cache.
std::vector<Conv> squares() {
  std::vector<Conv> all;
  int64_t place = 0;
  for (int64_t channels : {8, 17, 31, 40, 64, 100, 128, 136, 256, 512, 1024}) {
    for (int64_t taps : {3, 5}) {
      for (int64_t step : {1, 2}) {
        int64_t pad = ++place % (taps + 1), width = step * (place % 13) + taps;
        all.push_back({1, 1, 1, 6, width, channels, taps, taps, step, step, pad, pad, 1, 1});
        if (place % 3 == 0) all.back().below = all.back().right = pad ? -1 : 1;
      }
    }
  }
  all.push_back({4, 1, 1, 50, 30, 20, 3, 3, 1, 1, 1, 1, 1, 1});
  all.push_back({1, 1, 1, 97, 25, 9, 3, 3, 2, 2, 0, 1, 1, 1});
  // Images of more than 1 MB.
  all.push_back({1, 1, 1, 75, 71, 50, 3, 3, 2, 2, 1, 1, 1, 1});
  all.push_back({1, 1, 1, 66, 65, 64, 3, 3, 2, 2, 1, 0, 1, 1});
  return all;
}

// Compares one element after the other with its sum and the sum of its magnitudes.
struct Judge {
  double worst = 0;  ///< error over what is allowed
  void take(float got, double sum, double magnitude, int64_t terms) {
    double allowed = sum_error_bound(static_cast<double>(terms), magnitude, kEpsilonF32);
    double error = std::fabs(got - sum);
    worst = std::isnan(error) ? INFINITY : std::max(worst, allowed > 0 ? error / allowed : error);
  }
};

// Names with _relu: what is below 0 becomes 0.
bool has_relu(const std::string& name) {
  return name.size() > 5 && name.substr(name.size() - 5) == "_relu";
}

void check_conv(const Compiled& compiled, const std::string& name, const Conv& c) {
  int64_t nr = compiled.nr(name), panels = (c.cout + nr - 1) / nr;
  Arguments arguments = compiled.call(name, c.numbers(nr));
  const auto& tensors = arguments.tensors();
  const float *x = floats(tensors[0]), *wp = floats(tensors[1]), *bias = floats(tensors[2]),
              *y = floats(tensors[3]);
  Judge judge;
  int64_t channels = c.groups * c.cin;
  for (int64_t n = 0; n < c.n; ++n) {
    for (int64_t oh = 0; oh < c.oh(); ++oh) {
      for (int64_t ow = 0; ow < c.ow(); ++ow) {
        for (int64_t g = 0; g < c.groups; ++g) {
          for (int64_t oc = 0; oc < c.cout; ++oc) {
            double sum = bias[g * c.cout + oc], magnitude = std::fabs(sum);
            for (int64_t r = 0; r < c.r; ++r) {
              int64_t row = oh * c.sh + r * c.dh - c.pt;
              for (int64_t s = 0; s < c.s; ++s) {
                int64_t column = ow * c.sw + s * c.dw - c.pl;
                if (row < 0 || row >= c.h || column < 0 || column >= c.w) continue;
                for (int64_t p = 0; p < c.cin; ++p) {
                  double product =
                      static_cast<double>(
                          x[((n * c.h + row) * c.w + column) * channels + g * c.cin + p]) *
                      wp[((((g * panels + oc / nr) * c.r + r) * c.s + s) * c.cin + p) * nr +
                         oc % nr];
                  sum += product;
                  magnitude += std::fabs(product);
                }
              }
            }
            if (has_relu(name)) sum = std::max(sum, 0.0);
            judge.take(y[((n * c.oh() + oh) * c.ow() + ow) * c.groups * c.cout + g * c.cout + oc],
                       sum, magnitude, c.r * c.s * c.cin + 1);
          }
        }
      }
    }
  }
  EXPECT_LE(judge.worst, 1) << name << ::testing::PrintToString(words(c.numbers(nr)));
}

// What is computed does not depend on who computes it: the last tensor is the same, bit by bit, for
// any number of threads.
void expect_same_bits(const Compiled& compiled, const std::string& name, const Numbers& numbers,
                      int64_t results) {
  const int32_t before = inlay_num_threads();
  std::vector<float> alone;
  for (int threads : {1, 2, 5}) {
    ASSERT_EQ(inlay_set_num_threads(threads), INLAY_OK);
    Arguments arguments = compiled.call(name, numbers);
    const float* y = floats(arguments.tensors().back());
    if (alone.empty()) alone.assign(y, y + results);
    EXPECT_EQ(std::memcmp(y, alone.data(), alone.size() * sizeof(float)), 0)
        << name << ", " << threads << " threads " << ::testing::PrintToString(words(numbers));
  }
  ASSERT_EQ(inlay_set_num_threads(before), INLAY_OK);
}

// Shared out by strips, by panels of channels and by groups; sums in parts, planes of products.
void expect_same_bits(const Compiled& compiled, const std::string& name) {
  for (const Conv& c : {Conv{1, 1, 40, 29, 31, 70, 3, 3, 1, 1, 1, 1, 1, 1},
                        Conv{2, 1, 20, 17, 30, 50, 1, 1, 1, 1, 0, 0, 1, 1},
                        Conv{1, 9, 4, 40, 33, 4, 3, 3, 2, 2, 1, 1, 1, 1},
                        Conv{1, 2, 700, 9, 8, 40, 3, 3, 1, 1, 1, 1, 1, 1}}) {
    expect_same_bits(compiled, name, c.numbers(compiled.nr(name)),
                     c.n * c.groups * c.cout * c.oh() * c.ow());
  }
}

TEST(Conv2d, AgreesWithSumsInDoublePrecision) {
  on_each_target("conv/conv2d_nhwc.inlay", [](const Compiled& compiled) {
    std::vector<Conv> all = grid();
    for (const Conv& conv : all) check_conv(compiled, "conv2d_nhwc", conv);
    for (size_t i = 0; i < all.size(); i += 5) check_conv(compiled, "conv2d_nhwc_relu", all[i]);
    expect_same_bits(compiled, "conv2d_nhwc");
  });
}

TEST(Conv2d, PackedWeights) {
  auto check = [](const Compiled& compiled, const std::vector<std::string>& functions) {
    int64_t groups = 2, out = 37, in = 3, r = 2, s = 5;
    int64_t nr = compiled.nr(functions[0]);
    int64_t panels = (out + nr - 1) / nr;
    Numbers numbers{{"G", groups}, {"Og", out}, {"Cg", in}, {"R", r}, {"S", s}, {"P", panels}};
    for (const std::string& name : functions) {
      Arguments arguments = compiled.call(name, numbers);
      const float *w = floats(arguments.tensors()[0]), *wp = floats(arguments.tensors()[1]);
      bool hwio = name == "conv2d_pack_hwio";
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t o = 0; o < panels * nr; ++o) {
          for (int64_t tap = 0; tap < r * s; ++tap) {
            for (int64_t c = 0; c < in; ++c) {
              float got = wp[(((g * panels + o / nr) * r * s + tap) * in + c) * nr + o % nr];
              int64_t from = hwio ? ((tap * in + c) * groups + g) * out + o
                                  : ((g * out + o) * in + c) * r * s + tap;
              ASSERT_EQ(got, o < out ? w[from] : 0.0f) << name << " " << g << " " << o;
            }
          }
        }
      }
    }
  };
  on_each_target("conv/conv2d_nhwc.inlay", [&](const Compiled& compiled) {
    check(compiled, {"conv2d_pack_hwio", "conv2d_pack_oihw"});
  });
  on_each_target("conv/conv2d_nchw.inlay",
                 [&](const Compiled& compiled) { check(compiled, {"conv2d_nchw_pack"}); });
}

TEST(Conv2d, ShapesThatDoNotFitAreToldInASentence) {
  on_each_target("conv/conv2d_nhwc.inlay", [](const Compiled& compiled) {
    Conv fits{1, 2, 3, 8, 8, 4, 3, 3, 1, 1, 0, 0, 1, 1};
    int64_t nr = compiled.nr("conv2d_nhwc");
    auto with = [&](const std::string& name, int64_t value) {
      Numbers numbers = fits.numbers(nr);
      numbers[name] = value;
      return compiled.refusal("conv2d_nhwc", numbers);
    };
    EXPECT_EQ(with("N", 1), "");
    EXPECT_THAT(with("sh", 0), ::testing::HasSubstr("strides are 1 or more"));
    EXPECT_THAT(with("dw", 0), ::testing::HasSubstr("dilations are 1 or more"));
    for (const char* side : {"pt", "pl", "pb", "pr"})
      EXPECT_THAT(with(side, -1), ::testing::HasSubstr("paddings are 0 or more")) << side;
    EXPECT_THAT(with("R", 9), ::testing::HasSubstr("filter is higher than the padded input"));
    EXPECT_THAT(with("S", 9), ::testing::HasSubstr("filter is wider than the padded input"));
    EXPECT_THAT(with("OH", 7), ::testing::HasSubstr("Y has more rows"));
    EXPECT_THAT(with("OW", 5), ::testing::HasSubstr("Y has fewer columns"));
    EXPECT_THAT(with("P", 9), ::testing::HasSubstr("panels"));
  });
}

TEST(Conv2dNchw, AgreesWithSumsInDoublePrecision) {
  on_each_target("conv/conv2d_nchw.inlay", [](const Compiled& compiled) {
    int64_t nr = compiled.nr("conv2d_nchw");
    int64_t place = 0;
    for (const Conv& c : grid()) {
      std::string name = ++place % 5 == 0 ? "conv2d_nchw_relu" : "conv2d_nchw";
      int64_t panels = (c.cout + nr - 1) / nr;
      Numbers numbers = c.numbers(nr);
      Arguments arguments = compiled.call(name, numbers);
      const auto& tensors = arguments.tensors();
      const float *x = floats(tensors[0]), *wp = floats(tensors[1]), *bias = floats(tensors[2]),
                  *y = floats(tensors[3]);
      Judge judge;
      int64_t channels = c.groups * c.cout, pixels = c.oh() * c.ow();
      for (int64_t at = 0; at < c.n * channels * pixels; ++at) {
        int64_t ow = at % c.ow(), oh = at / c.ow() % c.oh(), out = at / pixels % channels,
                n = at / pixels / channels, g = out / c.cout, oc = out % c.cout;
        double sum = bias[out], magnitude = std::fabs(sum);
        for (int64_t p = 0; p < c.cin; ++p) {
          for (int64_t r = 0; r < c.r; ++r) {
            for (int64_t s = 0; s < c.s; ++s) {
              int64_t row = oh * c.sh + r * c.dh - c.pt, column = ow * c.sw + s * c.dw - c.pl;
              if (row < 0 || row >= c.h || column < 0 || column >= c.w) continue;
              double product =
                  static_cast<double>(
                      x[((n * c.groups * c.cin + g * c.cin + p) * c.h + row) * c.w + column]) *
                  wp[((((g * panels + oc / nr) * c.r + r) * c.s + s) * c.cin + p) * nr + oc % nr];
              sum += product;
              magnitude += std::fabs(product);
            }
          }
        }
        if (has_relu(name)) sum = std::max(sum, 0.0);
        judge.take(y[at], sum, magnitude, c.r * c.s * c.cin + 1);
      }
      EXPECT_LE(judge.worst, 1) << ::testing::PrintToString(words(numbers));
    }
    expect_same_bits(compiled, "conv2d_nchw");
  });
}

// Each channel by `filters` filters of its own, in one call of `name`.
void expect_depthwise(const Compiled& compiled, const std::string& name, const Conv& c,
                      const Numbers& numbers, int64_t channels, int64_t filters) {
  Arguments arguments = compiled.call(name, numbers);
  const auto& tensors = arguments.tensors();
  const float *x = floats(tensors[0]), *f = floats(tensors[1]), *bias = floats(tensors[2]),
              *y = floats(tensors[3]);
  Judge judge;
  int64_t outs = channels * filters;
  for (int64_t at = 0; at < c.n * c.oh() * c.ow() * outs; ++at) {
    int64_t out = at % outs, channel = out / filters, ow = at / outs % c.ow(),
            oh = at / outs / c.ow() % c.oh(), n = at / outs / c.ow() / c.oh();
    double sum = bias[out], magnitude = std::fabs(sum);
    for (int64_t r = 0; r < c.r; ++r) {
      for (int64_t s = 0; s < c.s; ++s) {
        int64_t row = oh * c.sh + r * c.dh - c.pt, column = ow * c.sw + s * c.dw - c.pl;
        if (row < 0 || row >= c.h || column < 0 || column >= c.w) continue;
        double product =
            static_cast<double>(x[((n * c.h + row) * c.w + column) * channels + channel]) *
            f[(r * c.s + s) * outs + out];
        sum += product;
        magnitude += std::fabs(product);
      }
    }
    if (has_relu(name)) sum = std::max(sum, 0.0);
    judge.take(y[at], sum, magnitude, c.r * c.s + 1);
  }
  EXPECT_LE(judge.worst, 1) << name << ::testing::PrintToString(words(numbers));
}

Numbers depthwise_numbers(const Conv& c, int64_t channels) {
  Numbers numbers = c.numbers(1);
  for (const char* other : {"G", "Cg", "Og", "P"}) numbers.erase(other);
  numbers["C"] = channels;
  return numbers;
}

TEST(DepthwiseConv2d, AgreesWithSumsInDoublePrecision) {
  on_each_target("conv/depthwise_conv2d.inlay", [](const Compiled& compiled) {
    int64_t place = 0;
    std::vector<Conv> all = grid();
    for (const Conv& c : squares()) all.push_back(c);
    for (const Conv& c : all) {
      std::string name = ++place % 5 == 0 ? "depthwise_conv2d_relu" : "depthwise_conv2d";
      // Channels and pixels of the grid, each channel a group of its own.
      int64_t channels = c.groups * c.cout;
      expect_depthwise(compiled, name, c, depthwise_numbers(c, channels), channels, 1);
    }
    // Shared out by channels, by columns, by rows and by all of them.
    for (const Conv& c : {Conv{1, 1, 1, 30, 50, 300, 3, 3, 1, 1, 1, 1, 1, 1},
                          Conv{1, 1, 1, 120, 40, 33, 3, 3, 2, 2, 1, 1, 1, 1},
                          Conv{2, 1, 1, 110, 29, 128, 5, 5, 1, 1, 2, 2, 1, 1}}) {
      expect_same_bits(compiled, "depthwise_conv2d", depthwise_numbers(c, c.cout),
                       c.n * c.cout * c.oh() * c.ow());
    }
  });
}

TEST(DepthwiseConv2d, EachChannelMayHaveSeveralFilters) {
  on_each_target("conv/depthwise_conv2d.inlay", [](const Compiled& compiled) {
    std::vector<Conv> all = grid();
    for (size_t i = 0; i < all.size(); i += 3) {
      const Conv& c = all[i];
      int64_t channels = c.groups * std::min<int64_t>(c.cin, 20), filters = c.cout % 5 + 1;
      Numbers numbers = depthwise_numbers(c, channels);
      numbers["Q"] = filters;
      expect_depthwise(compiled, "depthwise_conv2d_multiplier", c, numbers, channels, filters);
    }
  });
}

TEST(Dense, AgreesWithSumsInDoublePrecision) {
  on_each_target("dense/dense.inlay", [](const Compiled& compiled) {
    int64_t nr = compiled.nr("dense");
    const int64_t shapes[][3] = {{1, 1, 1},    {0, 5, 3},      {5, 0, 3},     {5, 3, 0},
                                 {6, 16, 4},   {61, 67, 71},   {8, 32, 9},    {1, 100, 20},
                                 {100, 1, 20}, {23, 45, 1000}, {300, 33, 400}};
    for (const auto& [m, n, k] : shapes) {
      Numbers numbers{{"M", m}, {"N", n}, {"K", k}, {"P", (n + nr - 1) / nr}};
      for (const char* name : {"dense", "dense_relu"}) {
        Arguments arguments = compiled.call(name, numbers);
        const auto& tensors = arguments.tensors();
        const float *a = floats(tensors[0]), *wp = floats(tensors[1]), *bias = floats(tensors[2]),
                    *c = floats(tensors[3]);
        Judge judge;
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            double sum = bias[j], magnitude = std::fabs(sum);
            for (int64_t p = 0; p < k; ++p) {
              double product =
                  static_cast<double>(a[i * k + p]) * wp[(j / nr * k + p) * nr + j % nr];
              sum += product;
              magnitude += std::fabs(product);
            }
            if (name == std::string("dense_relu")) sum = std::max(sum, 0.0);
            judge.take(c[i * n + j], sum, magnitude, k + 1);
          }
        }
        EXPECT_LE(judge.worst, 1) << name << " " << m << " " << n << " " << k;
      }
    }
    // By panels, and by blocks of rows and panels: who computes a part does not show in its bits.
    for (const auto& [m, n, k] : {std::array<int64_t, 3>{61, 167, 71}, {300, 133, 400}}) {
      Numbers numbers{{"M", m}, {"N", n}, {"K", k}, {"P", (n + nr - 1) / nr}};
      for (const char* name : {"dense", "dense_relu"}) {
        std::vector<float> alone;
        const int32_t before = inlay_num_threads();
        for (int threads : {1, 2, 5}) {
          ASSERT_EQ(inlay_set_num_threads(threads), INLAY_OK);
          Arguments arguments = compiled.call(name, numbers);
          const float* c = floats(arguments.tensors()[3]);
          auto size = static_cast<size_t>(m * n);
          if (alone.empty()) alone.assign(c, c + size);
          EXPECT_EQ(std::memcmp(c, alone.data(), size * sizeof(float)), 0)
              << name << " " << m << " " << n << " " << k << ", " << threads << " threads";
        }
        ASSERT_EQ(inlay_set_num_threads(before), INLAY_OK);
      }
    }
    Arguments packing = compiled.call("dense_pack", {{"K", 5}, {"N", 37}, {"P", (36 + nr) / nr}});
    const float *w = floats(packing.tensors()[0]), *wp = floats(packing.tensors()[1]);
    for (int64_t j = 0; j < (36 + nr) / nr * nr; ++j) {
      for (int64_t p = 0; p < 5; ++p) {
        ASSERT_EQ(wp[(j / nr * 5 + p) * nr + j % nr], j < 37 ? w[p * 37 + j] : 0.0f);
      }
    }
  });
}

}  // namespace
}  // namespace inlay
