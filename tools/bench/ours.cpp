#include "tools/bench/ours.h"

#include <filesystem>
#include <stdexcept>

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

// A call whose arguments were checked once; a failure later is told when it happens.
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

}  // namespace

Operators::Operators(std::string kernels, std::string target, cli::Session& session)
    : kernels_(std::move(kernels)), target_(std::move(target)), session_(session) {}

const InlayCallable* Operators::function(const std::string& file, const std::string& name,
                                         std::string* why_not) {
  std::string path = kernels_ + "/" + file;
  if (!std::filesystem::exists(path)) {
    *why_not = "there is no " + path;
    return nullptr;
  }
  std::unique_ptr<cli::LoadedProgram>& program = loaded_[path];
  if (!program) {
    BuildRequest request;
    request.input = path;
    request.targets = {target_};
    program = std::make_unique<cli::LoadedProgram>(
        session_.driver().build(request).artifacts[Artifact::SharedObject]);
  }
  return program->function(name);
}

std::vector<Implementation> Operators::implement(Problem& problem, std::string* why_not) {
  auto call = std::make_shared<Call>();
  if (problem.row.kind == Kind::Gemm) {
    const GemmShape& s = problem.row.gemm;
    call->function = function("gemm/sgemm.inlay", "sgemm", why_not);
    if (!call->function) return {};
    call->add(problem.a.data(), {s.m, s.k});
    call->add(problem.b.data(), {s.k, s.n});
    call->add(problem.c.data(), {s.m, s.n});
    return {{"Inlay", [call] { call->run(); }, nullptr}};
  }
  *why_not = "kernels/ has no convolution";
  return {};
}

}  // namespace inlay::bench
