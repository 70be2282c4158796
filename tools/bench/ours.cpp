#include "tools/bench/ours.h"

#include <filesystem>
#include <stdexcept>

#include "core/passes/passes.h"
#include "core/text/text.h"

namespace inlay::bench {

namespace {

// A compact f32 tensor over somebody's memory.
struct View {
  DLTensor tensor{};
  std::vector<int64_t> shape;

  View(float* data, std::vector<int64_t> extents) : shape(std::move(extents)) {
    tensor.data = data;
    tensor.device = {kDLCPU, 0};
    tensor.ndim = static_cast<int32_t>(shape.size());
    tensor.dtype = {kDLFloat, 32, 1};
    tensor.shape = shape.data();
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
};

// A call through the runtime, with a list of arguments.
struct Call {
  const InlayCallable* function;
  std::vector<std::unique_ptr<View>> views;
  std::vector<InlayValue> values;

  void add(float* data, std::vector<int64_t> shape) {
    views.push_back(std::make_unique<View>(data, std::move(shape)));
    values.push_back(inlay_tensor(&views.back()->tensor));
  }
  void add(int64_t number) { values.push_back(inlay_int(number)); }
  void run() const {
    if (inlay_call(function, values.data(), static_cast<uint32_t>(values.size())) != INLAY_OK)
      throw std::runtime_error(inlay_last_error());
  }
};

// A product, as a C program calls it that was compiled with the operator's header.
struct Product {
  int32_t (*entry)(const DLTensor*, const DLTensor*, const DLTensor*);
  View a, b, c;

  Product(void* address, Problem& problem)
      : entry(reinterpret_cast<decltype(entry)>(address)),
        a(problem.a.data(), {problem.row.gemm.m, problem.row.gemm.k}),
        b(problem.b.data(), {problem.row.gemm.k, problem.row.gemm.n}),
        c(problem.c.data(), {problem.row.gemm.m, problem.row.gemm.n}) {}
  void run() const {
    if (entry(&a.tensor, &b.tensor, &c.tensor) != INLAY_OK)
      throw std::runtime_error(inlay_last_error());
  }
};

}  // namespace

Operators::Operators(std::string kernels, std::string target, cli::Session& session)
    : kernels_(std::move(kernels)), target_(std::move(target)), session_(session) {}

const Operators::Loaded* Operators::load(const std::string& file, std::string* why_not) {
  std::string path = kernels_ + "/" + file;
  if (!std::filesystem::exists(path)) {
    *why_not = "there is no " + path;
    return nullptr;
  }
  std::unique_ptr<Loaded>& loaded = loaded_[path];
  if (!loaded) {
    BuildRequest request;
    request.input = path;
    request.targets = {target_};
    Target target = session_.plugins().resolve(target_);
    loaded = std::make_unique<Loaded>(
        bind_params(load_program(path), &target, {}),
        session_.driver().build(request).artifacts[Artifact::SharedObject]);
  }
  return loaded.get();
}

namespace {

// Floats in the innermost dimension of a parameter: the width of a panel, which follows the target.
int64_t panel_width(const Program& program, const std::string& function, const std::string& name) {
  for (const Param& param : cli::pick_function(program, function).params) {
    const Buffer* buffer = std::get_if<Buffer>(&param);
    if (!buffer || (*buffer)->name != name || (*buffer)->shape.empty()) continue;
    Expr last = simplify((*buffer)->shape.back());
    if (const IntImm* width = as_int(last)) return width->value;
  }
  throw CompileError("bench", {}, function + " has no parameter `" + name + "` in panels");
}

// Strides, the paddings of the four sides, dilations.
void add_steps(Call& call, const ConvShape& s) {
  for (int64_t number :
       {s.stride_h, s.stride_w, s.top, s.left, s.bottom, s.right, int64_t{1}, int64_t{1}})
    call.add(number);
}

// from[rows, columns] to to[columns, rows].
void turn(int64_t rows, int64_t columns, const float* from, float* to) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  }
}

}  // namespace

std::vector<Implementation> Operators::implement(Problem& problem, std::string* why_not) {
  if (problem.row.kind == Kind::Gemm) {
    const Loaded* sgemm = load("gemm/sgemm.inlay", why_not);
    if (!sgemm) return {};
    auto product = std::make_shared<Product>(sgemm->code.entry("sgemm"), problem);
    return {{"Inlay", [product] { product->run(); }, nullptr}};
  }
  if (problem.row.kind == Kind::Dense) return dense(problem, why_not);
  if (problem.row.kind == Kind::Depthwise) return depthwise(problem, why_not);
  return convolution(problem, why_not);
}

std::vector<Implementation> Operators::dense(Problem& problem, std::string* why_not) {
  const GemmShape& s = problem.row.gemm;
  const Loaded* dense = load("dense/dense.inlay", why_not);
  if (!dense) return {};
  int64_t width = panel_width(dense->program, "dense_relu", "Wp");
  int64_t panels = (s.n + width - 1) / width;
  auto weights = std::make_shared<Floats>(panels * s.k * width);
  auto bias = std::make_shared<Floats>(s.n);
  Call pack;
  pack.function = dense->code.function("dense_pack");
  pack.add(problem.b.data(), {s.k, s.n});
  pack.add(weights->data(), {panels, s.k, width});
  pack.run();
  auto call = std::make_shared<Call>();
  call->function = dense->code.function("dense_relu");
  call->add(problem.a.data(), {s.m, s.k});
  call->add(weights->data(), {panels, s.k, width});
  call->add(bias->data(), {s.n});
  call->add(problem.c.data(), {s.m, s.n});
  return {{"Inlay", [call, weights, bias] { call->run(); }, nullptr}};
}

std::vector<Implementation> Operators::depthwise(Problem& problem, std::string* why_not) {
  const ConvShape& s = problem.row.conv;
  const Loaded* conv = load("conv/depthwise_conv2d.inlay", why_not);
  if (!conv) return {};
  auto bias = std::make_shared<Floats>(s.cout);
  auto call = std::make_shared<Call>();
  call->function = conv->code.function("depthwise_conv2d");
  call->add(problem.a.data(), {s.batch, s.h, s.w, s.cin});
  call->add(problem.b.data(), {s.kernel_h, s.kernel_w, s.cin});
  call->add(bias->data(), {s.cin});
  call->add(problem.c.data(), {s.batch, s.out_h(), s.out_w(), s.cin});
  add_steps(*call, s);
  return {{"Inlay nhwc", [call, bias] { call->run(); }, nullptr}};
}

std::vector<Implementation> Operators::convolution(Problem& problem, std::string* why_not) {
  const ConvShape& s = problem.row.conv;
  bool planes = problem.row.kind == Kind::Planes;
  std::string name = planes ? "conv2d_nchw" : "conv2d_nhwc";
  const Loaded* conv = load("conv/" + name + ".inlay", why_not);
  if (!conv) return {};
  int64_t width = panel_width(conv->program, name, "Wp");
  int64_t panels = (s.cout + width - 1) / width;
  auto weights = std::make_shared<Floats>(panels * s.taps() * width);
  auto bias = std::make_shared<Floats>(s.cout);
  std::vector<int64_t> packed{1, panels, s.kernel_h, s.kernel_w, s.cin, width};
  Call pack;
  // One group: [R, S, Cg, G, Og] is HWIO. [G, Og, Cg, R, S] is HWIO turned round.
  Floats turned = planes ? Floats(s.cout * s.taps()) : Floats();
  if (planes) turn(s.taps(), s.cout, problem.b.data(), turned.data());
  if (planes && s.window() > 1) {
    Floats rows(turned.size());
    for (int64_t o = 0; o < s.cout; ++o) {
      turn(s.window(), s.cin, turned.data() + o * s.taps(), rows.data() + o * s.taps());
    }
    turned = std::move(rows);
  }
  pack.function = conv->code.function(planes ? "conv2d_nchw_pack" : "conv2d_pack_hwio");
  if (planes) {
    pack.add(turned.data(), {1, s.cout, s.cin, s.kernel_h, s.kernel_w});
  } else {
    pack.add(problem.b.data(), {s.kernel_h, s.kernel_w, s.cin, 1, s.cout});
  }
  pack.add(weights->data(), packed);
  pack.run();
  auto call = std::make_shared<Call>();
  call->function = conv->code.function(name);
  if (!planes) {
    call->add(problem.a.data(), {s.batch, s.h, s.w, s.cin});
    call->add(weights->data(), packed);
    call->add(bias->data(), {1, s.cout});
    call->add(problem.c.data(), {s.batch, s.out_h(), s.out_w(), s.cout});
    add_steps(*call, s);
    return {{"Inlay nhwc", [call, weights, bias] { call->run(); }, nullptr}};
  }
  auto image = std::make_shared<Floats>(problem.a.size());
  auto result = std::make_shared<Floats>(problem.c.size());
  int64_t places = s.h * s.w, out_places = s.out_h() * s.out_w();
  for (int64_t n = 0; n < s.batch; ++n) {
    int64_t from = n * places * s.cin;
    turn(places, s.cin, problem.a.data() + from, image->data() + from);
  }
  call->add(image->data(), {s.batch, s.cin, s.h, s.w});
  call->add(weights->data(), packed);
  call->add(bias->data(), {1, s.cout});
  call->add(result->data(), {s.batch, s.cout, s.out_h(), s.out_w()});
  add_steps(*call, s);
  auto publish = [s, out_places, result, &problem] {
    for (int64_t n = 0; n < s.batch; ++n) {
      int64_t from = n * out_places * s.cout;
      turn(s.cout, out_places, result->data() + from, problem.c.data() + from);
    }
  };
  return {{"Inlay nchw", [call, weights, bias, image, result] { call->run(); }, publish}};
}

}  // namespace inlay::bench
