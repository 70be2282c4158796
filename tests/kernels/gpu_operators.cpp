#include "tests/kernels/gpu_operators.h"

namespace inlay {

namespace {

using Grid = std::vector<Sizes>;

Grid lengths(std::initializer_list<int64_t> values, Sizes others = {}) {
  Grid all;
  for (int64_t n : values) {
    all.push_back(others);
    all.back()["N"] = n;
  }
  return all;
}

Sizes gemm(int64_t m, int64_t n, int64_t k, Sizes others = {}) {
  others.insert({{"M", m}, {"N", n}, {"K", k}});
  return others;
}

// Every combination of one element, a prime below a tile, a tile, and beyond it; and what is
// special.
Grid gemms(const Sizes& others = {}) {
  Grid all;
  for (int64_t m : {1, 13, 64, 131}) {
    for (int64_t n : {1, 37, 128, 149}) {
      for (int64_t k : {1, 8, 29}) all.push_back(gemm(m, n, k, others));
    }
  }
  for (auto [m, n, k] : {std::array<int64_t, 3>{0, 5, 3},
                         {5, 0, 3},
                         {5, 3, 0},
                         {129, 1, 3},
                         {1, 257, 64},
                         {2, 3, 301},
                         {257, 130, 17},
                         {128, 256, 64}}) {
    all.push_back(gemm(m, n, k, others));
  }
  return all;
}

Grid few_gemms(const Sizes& others = {}) {
  Grid all;
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {0, 5, 3}, {5, 3, 0}, {37, 70, 13}}) {
    all.push_back(gemm(m, n, k, others));
  }
  return all;
}

// Weights in panels of 16 columns.
Sizes with_panels(Sizes sizes, const char* columns) {
  sizes["P"] = (sizes.at(columns) + 15) / 16;
  return sizes;
}

Grid with_panels(Grid grid, const char* columns) {
  for (Sizes& sizes : grid) sizes = with_panels(sizes, columns);
  return grid;
}

struct Window {
  int64_t n, groups, cin, h, w, cout, r, s, sh, sw, pt, pl, dh, dw;  ///< channels of a group
  int64_t below = 0, right = 0;  ///< padding there, less that above and left
};

Sizes conv(const Window& c) {
  return {{"N", c.n},
          {"G", c.groups},
          {"Cg", c.cin},
          {"H", c.h},
          {"W", c.w},
          {"Og", c.cout},
          {"R", c.r},
          {"S", c.s},
          {"OH", (c.h + 2 * c.pt + c.below - (c.r - 1) * c.dh - 1) / c.sh + 1},
          {"OW", (c.w + 2 * c.pl + c.right - (c.s - 1) * c.dw - 1) / c.sw + 1},
          {"sh", c.sh},
          {"sw", c.sw},
          {"pt", c.pt},
          {"pl", c.pl},
          {"pb", c.pt + c.below},
          {"pr", c.pl + c.right},
          {"dh", c.dh},
          {"dw", c.dw}};
}

Grid few_convs() {
  return {conv({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1}),
          conv({1, 1, 3, 5, 5, 0, 3, 3, 1, 1, 1, 1, 1, 1}),
          conv({1, 2, 5, 9, 7, 3, 3, 2, 1, 2, 2, 1, 2, 1})};
}

Grid convs() {
  Grid all = few_convs();
  for (const Window& window :
       std::vector<Window>{{0, 1, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 1, 0, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {1, 0, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1},
                           {2, 1, 64, 7, 7, 64, 1, 1, 1, 1, 0, 0, 1, 1},
                           {1, 1, 33, 15, 9, 31, 1, 1, 2, 3, 0, 0, 1, 1},
                           {1, 1, 3, 31, 29, 35, 7, 7, 2, 2, 3, 3, 1, 1},
                           {1, 1, 16, 29, 70, 40, 3, 3, 1, 1, 1, 1, 1, 1},
                           {2, 3, 5, 13, 17, 7, 3, 2, 2, 1, 1, 0, 1, 1},
                           {1, 2, 17, 19, 11, 33, 3, 3, 1, 2, 2, 1, 2, 2},
                           {1, 4, 8, 8, 8, 8, 5, 1, 3, 1, 2, 0, 1, 3},
                           {1, 1, 2, 4, 4, 3, 3, 3, 1, 1, 6, 5, 1, 1},
                           {1, 1, 3, 6, 40, 18, 1, 5, 1, 1, 0, 4, 1, 3},
                           {1, 1, 130, 3, 3, 17, 3, 3, 1, 1, 1, 1, 1, 1},
                           {3, 1, 4, 1, 200, 9, 1, 9, 1, 5, 0, 4, 1, 1},
                           {1, 1, 2, 200, 1, 9, 9, 1, 5, 1, 4, 0, 1, 1},
                           {1, 1, 1, 3, 3, 1, 2, 2, 1, 1, 0, 1, 2, 2},
                           {1, 1, 4, 8, 8, 20, 3, 3, 2, 2, 0, 0, 1, 1, 1, 1},
                           {2, 1, 3, 1, 30, 9, 1, 4, 1, 1, 0, 9, 1, 3, 0, -9},
                           {1, 1, 5, 9, 131, 67, 3, 3, 1, 1, 1, 1, 1, 1}}) {
    all.push_back(conv(window));
  }
  return all;
}

// Without groups, and the channels by their name there.
Grid depthwise(const Grid& grid) {
  Grid all;
  for (Sizes sizes : grid) {
    if (sizes["G"] > 1) continue;
    sizes["C"] = sizes["Cg"] * 9;
    for (const char* name : {"G", "Cg", "Og"}) sizes.erase(name);
    all.push_back(sizes);
  }
  return all;
}

Grid weights() {
  Grid all;
  for (const Window& window : std::vector<Window>{{0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0},
                                                  {0, 2, 3, 0, 0, 17, 3, 2, 0, 0, 0, 0, 0, 0},
                                                  {0, 1, 37, 0, 0, 64, 3, 3, 0, 0, 0, 0, 0, 0},
                                                  {0, 1, 4, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0}}) {
    all.push_back({{"G", window.groups},
                   {"Cg", window.cin},
                   {"Og", window.cout},
                   {"R", window.r},
                   {"S", window.s}});
  }
  return all;
}

double product(const Sizes& sizes) {
  return double(sizes.at("K"));
}
double scaled_product(const Sizes& sizes) {
  return double(sizes.at("K")) * 2 + 2;
}
double window(const Sizes& sizes) {
  auto channels = sizes.find("Cg");
  return double(sizes.at("R") * sizes.at("S") * (channels == sizes.end() ? 1 : channels->second)) +
         1;
}
double none(const Sizes&) {
  return 0;
}

std::vector<Operator> make_operators() {
  std::vector<Operator> all;
  const char* const dense = "dense/dense.inlay";
  all.push_back({"gemm/sgemm.inlay", "sgemm", few_gemms(), gemms(), product});
  // What is for large products.
  all.push_back(
      {"gemm/sgemm.inlay", "sgemm", {}, gemms(), product, "sgemm", false, {{"small", -1}}});
  for (const char* form : {"sgemm_nn", "sgemm_nt", "sgemm_tn", "sgemm_tt"}) {
    // alpha = 1: terms of magnitude 1.
    all.push_back({"gemm/sgemm_blas.inlay", form, few_gemms({{"alpha", 1}, {"beta", -1}}),
                   gemms({{"alpha", 1}, {"beta", 0}}), scaled_product});
  }
  for (const char* form : {"sgemm_panels", "sgemm_loops"}) {
    all.push_back({"gemm/sgemm_panels.inlay", form, few_gemms(), gemms(), product});
  }
  for (const char* form : {"dense", "dense_relu"}) {
    all.push_back({dense, form, with_panels(few_gemms(), "N"), with_panels(gemms(), "N"), product});
  }
  all.push_back({dense,
                 "dense_pack",
                 {{{"K", 3}, {"N", 17}, {"P", 2}}},
                 {{{"K", 3}, {"N", 17}, {"P", 2}},
                  {{"K", 0}, {"N", 5}, {"P", 1}},
                  {{"K", 131}, {"N", 0}, {"P", 0}},
                  {{"K", 67}, {"N", 257}, {"P", 17}}},
                 none});
  for (const char* name : {"conv2d_nhwc", "conv2d_nhwc_relu"}) {
    all.push_back({"conv/conv2d_nhwc.inlay", name, with_panels(few_convs(), "Og"),
                   with_panels(convs(), "Og"), window});
  }
  for (const char* form : {"conv2d_pack_hwio", "conv2d_pack_oihw"}) {
    Grid grid = with_panels(weights(), "Og");
    all.push_back({"conv/conv2d_nhwc.inlay", form, {grid[1]}, grid, none});
  }
  for (const char* name : {"conv2d_nchw", "conv2d_nchw_relu"}) {
    all.push_back({"conv/conv2d_nchw.inlay", name, with_panels(few_convs(), "Og"),
                   with_panels(convs(), "Og"), window});
  }
  Grid packed = with_panels(weights(), "Og");
  all.push_back({"conv/conv2d_nchw.inlay", "conv2d_nchw_pack", {packed[1]}, packed, none});
  Grid several = depthwise(convs()), few_several = depthwise(few_convs());
  for (Grid* grid : {&several, &few_several}) {
    for (Sizes& sizes : *grid) sizes["Q"] = 3;
  }
  all.push_back(
      {"conv/depthwise_conv2d.inlay", "depthwise_conv2d_multiplier", few_several, several, window});
  for (const char* name : {"depthwise_conv2d", "depthwise_conv2d_relu"}) {
    all.push_back(
        {"conv/depthwise_conv2d.inlay", name, depthwise(few_convs()), depthwise(convs()), window});
  }
  for (const char* name : {"add", "mul", "axpy", "relu", "sigmoid", "tanh", "gelu", "gelu_tanh"}) {
    Sizes others;
    if (std::string(name) == "axpy") others["alpha"] = -1;
    all.push_back({"elementwise/elementwise.inlay", name, lengths({0, 1, 257}, others),
                   lengths({0, 1, 2, 63, 64, 65, 255, 256, 257, 1009, 70001}, others),
                   // A power, a quotient and a product or two, of 4 units of the last place each.
                   [](const Sizes&) { return 8; }});
  }
  Grid rows;
  for (int64_t m : {0, 1, 2, 5}) {
    for (int64_t n : {0, 1, 2, 63, 64, 255, 256, 257, 511, 1009})
      rows.push_back({{"M", m}, {"N", n}});
  }
  rows.push_back({{"M", 67}, {"N", 300}});
  all.push_back({"softmax/softmax.inlay",
                 "softmax",
                 {{{"M", 3}, {"N", 300}}, {{"M", 1}, {"N", 1}}, {{"M", 2}, {"N", 0}}},
                 rows,
                 [](const Sizes&) { return 8; },
                 /*reference=*/"softmax",
                 /*normalized=*/true});
  all.push_back({"examples/vadd16/vadd16.inlay", "vadd", lengths({0, 1, 100}),
                 lengths({0, 1, 15, 16, 17, 100, 4096, 5003}), none});
  for (const char* form : {"c", "llvm", "inline", "expression", "kernel"}) {
    std::string name = std::string("vadd_") + form;
    bool interpreted = name != "vadd_expression" && name != "vadd_kernel";
    all.push_back({"examples/vadd16/import_forms_gfx9.inlay", name, lengths({0, 1, 65}),
                   lengths({0, 1, 3, 4, 5, 63, 64, 65, 257}), none, interpreted ? name : "vadd_c"});
  }
  return all;
}

}  // namespace

const std::vector<Operator>& operators() {
  static const std::vector<Operator> all = make_operators();
  return all;
}

const std::map<std::string, std::string>& not_for_gpus() {
  static const std::map<std::string, std::string> all = {
      {"examples/vadd16/import_forms.inlay", "its imports are code for x86-64"}};
  return all;
}

}  // namespace inlay
