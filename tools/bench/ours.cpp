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

}  // namespace

std::vector<Implementation> Operators::implement(Problem& problem, std::string* why_not) {
  if (problem.row.kind == Kind::Gemm) {
    const Loaded* sgemm = load("gemm/sgemm.inlay", why_not);
    if (!sgemm) return {};
    auto product = std::make_shared<Product>(sgemm->code.entry("sgemm"), problem);
    return {{"Inlay", [product] { product->run(); }, nullptr}};
  }
  auto call = std::make_shared<Call>();
  const ConvShape& s = problem.row.conv;
  const Loaded* conv = load("conv/conv2d_nhwc.inlay", why_not);
  if (!conv) return {};
  int64_t width = panel_width(conv->program, "conv2d_nhwc", "Wp");
  int64_t panels = (s.cout + width - 1) / width;
  auto weights = std::make_shared<Floats>(panels * s.taps() * width);
  auto bias = std::make_shared<Floats>(s.cout);
  // One group: [R, S, Cg, G, Og] is HWIO.
  std::vector<int64_t> packed{1, panels, s.kernel, s.kernel, s.cin, width};
  Call pack;
  pack.function = conv->code.function("conv2d_pack_hwio");
  pack.add(problem.b.data(), {s.kernel, s.kernel, s.cin, 1, s.cout});
  pack.add(weights->data(), packed);
  pack.run();
  call->function = conv->code.function("conv2d_nhwc");
  call->add(problem.a.data(), {s.batch, s.h, s.w, s.cin});
  call->add(weights->data(), packed);
  call->add(bias->data(), {1, s.cout});
  call->add(problem.c.data(), {s.batch, s.out_h(), s.out_w(), s.cout});
  // Strides, paddings, dilations; of rows and of columns each.
  for (int64_t number : {s.stride, s.stride, s.pad, s.pad, int64_t{1}, int64_t{1}})
    call->add(number);
  return {{"Inlay nhwc", [call, weights, bias] { call->run(); }, nullptr}};
}

}  // namespace inlay::bench
