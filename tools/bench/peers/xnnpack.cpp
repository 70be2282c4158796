// XNNPACK (Debian: libxnnpack0): its NHWC convolutions and its fully connected operator, weights
// packed ahead. So it is no peer for matrix multiplications where B is packed inside the call; its
// NCHW convolution is for sparse weights.
#include <cpuinfo.h>
#include <xnnpack.h>

#include <limits>
#include <stdexcept>

#include "tools/bench/peers/peer.h"

namespace inlay::bench {

namespace {

struct DeleteOperator {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::shared_ptr<std::remove_pointer_t<xnn_operator_t>>;

void check(xnn_status status, const char* what) {
  if (status != xnn_status_success) {
    throw std::runtime_error(std::string("XNNPACK: ") + what + " fails with status " +
                             std::to_string(status));
  }
}

class Xnnpack : public Peer {
 public:
  Xnnpack(int threads, std::string description) : description_(std::move(description)) {
    if (threads > 1) pool_ = pthreadpool_create(static_cast<size_t>(threads));
  }
  ~Xnnpack() override {
    if (pool_) pthreadpool_destroy(pool_);
  }
  std::string name() const override { return "XNNPACK"; }
  std::string description() const override { return description_; }
  std::vector<Implementation> implement(Problem& problem) override;

 private:
  std::vector<Implementation> dense(Problem& problem);

  pthreadpool_t pool_ = nullptr;
  std::string description_;
};

std::vector<Implementation> Xnnpack::dense(Problem& problem) {
  auto size = [](int64_t value) { return static_cast<size_t>(value); };
  const GemmShape& s = problem.row.gemm;
  std::vector<float> bias(size(s.n));
  xnn_operator_t made = nullptr;
  check(xnn_create_fully_connected_nc_f32(
            size(s.k), size(s.n), size(s.k), size(s.n), problem.b.data(), bias.data(), 0.0f,
            std::numeric_limits<float>::infinity(), XNN_FLAG_TRANSPOSE_WEIGHTS, &made),
        "xnn_create_fully_connected_nc_f32");
  Operator op(made, DeleteOperator());
  check(xnn_setup_fully_connected_nc_f32(op.get(), size(s.m), problem.a.data(), problem.c.data(),
                                         pool_),
        "xnn_setup_fully_connected_nc_f32");
  return {{"XNNPACK", [this, op] { xnn_run_operator(op.get(), pool_); }, nullptr}};
}

std::vector<Implementation> Xnnpack::implement(Problem& problem) {
  if (problem.row.kind == Kind::Dense) return dense(problem);
  if (problem.row.kind != Kind::Conv && problem.row.kind != Kind::Depthwise) return {};
  bool depthwise = problem.row.kind == Kind::Depthwise;
  const ConvShape& s = problem.row.conv;
  auto number = [](int64_t value) { return static_cast<uint32_t>(value); };
  auto size = [](int64_t value) { return static_cast<size_t>(value); };
  // It wants OHWI; ours are HWIO. Those of depthwise are HWC for both.
  int64_t taps = problem.row.terms();
  std::vector<float> weights(problem.b.data(), problem.b.data() + taps * s.cout);
  for (int64_t t = 0; t < taps && !depthwise; ++t) {
    for (int64_t o = 0; o < s.cout; ++o)
      weights[size(o * taps + t)] = problem.b.data()[t * s.cout + o];
  }
  xnn_operator_t made = nullptr;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  check(xnn_create_convolution2d_nhwc_f32(
            number(s.top), number(s.right), number(s.bottom), number(s.left), number(s.kernel_h),
            number(s.kernel_w), number(s.stride_h), number(s.stride_w), 1, 1,
            number(depthwise ? s.cin : 1), size(depthwise ? 1 : s.cin),
            size(depthwise ? 1 : s.cout), size(s.cin), size(s.cout), weights.data(), nullptr,
            -kInfinity, kInfinity, depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &made),
        "xnn_create_convolution2d_nhwc_f32");
  Operator op(made, DeleteOperator());
  check(xnn_setup_convolution2d_nhwc_f32(op.get(), size(s.batch), size(s.h), size(s.w),
                                         problem.a.data(), problem.c.data(), pool_),
        "xnn_setup_convolution2d_nhwc_f32");
  return {{"XNNPACK nhwc", [this, op] { xnn_run_operator(op.get(), pool_); }, nullptr}};
}

}  // namespace

std::unique_ptr<Peer> make_xnnpack(const PeerOptions& options, std::string* why_not) {
  std::string why;
#if defined(__x86_64__)
  if (options.avx2_only && cpuinfo_initialize()) {
    // It has no switch for this; but it asks this table when it is initialized.
    cpuinfo_isa.avx512f = false;
    why = ", AVX-512 hidden from it";
  }
#endif
  xnn_status status = xnn_initialize(nullptr);
  if (status != xnn_status_success) {
    *why_not = "xnn_initialize fails with status " + std::to_string(status);
    return nullptr;
  }
  return std::make_unique<Xnnpack>(options.threads, "XNNPACK" + why);
}

}  // namespace inlay::bench
