// oneDNN (Debian: libdnnl2): its sgemm, its inner product, and its direct convolution in three
// layouts. Weights are reordered ahead into the layout that the primitive asks for. "blocked" lets
// it choose the layouts of image and result as well; those reorders are not measured, as if the
// whole network were in its layouts. Winograd is never asked for: it computes something else, with
// other errors.
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include "tools/bench/peers/blas.h"

namespace inlay::bench {

namespace {

using Tag = dnnl::memory::format_tag;
using Desc = dnnl::memory::desc;
constexpr auto kF32 = dnnl::memory::data_type::f32;

class OneDnn : public Peer {
 public:
  OneDnn(void (*set_threads)(int), int threads, std::string description)
      : set_threads_(set_threads), threads_(threads), description_(std::move(description)) {}
  std::string name() const override { return "oneDNN"; }
  std::string description() const override { return description_; }
  std::vector<Implementation> implement(Problem& problem) override;
  void use_threads() override { set_threads_(threads_); }

 private:
  Implementation convolution(Problem& problem, const char* layout, Tag tag);
  Implementation dense(Problem& problem);
  dnnl::memory reordered(dnnl::memory& from, const Desc& to) {
    dnnl::memory memory(to, engine_);
    dnnl::reorder(from, memory).execute(stream_, from, memory);
    return memory;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  void (*set_threads_)(int);
  int threads_;
  std::string description_;
};

std::vector<Implementation> OneDnn::implement(Problem& problem) {
  if (problem.row.kind == Kind::Gemm) {
    GemmShape s = problem.row.gemm;
    const float *a = problem.a.data(), *b = problem.b.data();
    float* c = problem.c.data();
    return {{name(),
             [=] { dnnl_sgemm('N', 'N', s.m, s.n, s.k, 1.0f, a, s.k, b, s.n, 0.0f, c, s.n); },
             nullptr}};
  }
  if (problem.row.kind == Kind::Dense) return {dense(problem)};
  if (problem.row.kind == Kind::Planes) return {convolution(problem, "nchw", Tag::nchw)};
  if (problem.row.kind == Kind::Depthwise) {
    return {convolution(problem, "nhwc", Tag::nhwc), convolution(problem, "blocked", Tag::any)};
  }
  return {convolution(problem, "nhwc", Tag::nhwc), convolution(problem, "nchw", Tag::nchw),
          convolution(problem, "blocked", Tag::any)};
}

Implementation OneDnn::dense(Problem& problem) {
  const GemmShape& s = problem.row.gemm;
  dnnl::post_ops after;
  after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  dnnl::inner_product_forward::desc wanted(
      dnnl::prop_kind::forward_inference, Desc({s.m, s.k}, kF32, Tag::nc),
      Desc({s.n, s.k}, kF32, Tag::any), Desc({s.n}, kF32, Tag::x), Desc({s.m, s.n}, kF32, Tag::nc));
  dnnl::inner_product_forward::primitive_desc chosen(wanted, attributes, engine_);
  dnnl::memory source(Desc({s.m, s.k}, kF32, Tag::nc), engine_, problem.a.data());
  dnnl::memory our_weights(Desc({s.n, s.k}, kF32, Tag::io), engine_, problem.b.data());
  dnnl::memory weights = reordered(our_weights, chosen.weights_desc());
  dnnl::memory bias(Desc({s.n}, kF32, Tag::x), engine_);
  std::fill_n(static_cast<float*>(bias.get_data_handle()), s.n, 0.0f);
  dnnl::memory target(Desc({s.m, s.n}, kF32, Tag::nc), engine_, problem.c.data());
  stream_.wait();
  dnnl::inner_product_forward primitive(chosen);
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, source},
                                                  {DNNL_ARG_WEIGHTS, weights},
                                                  {DNNL_ARG_BIAS, bias},
                                                  {DNNL_ARG_DST, target}};
  return {name(),
          [this, primitive, arguments]() mutable {
            primitive.execute(stream_, arguments);
            stream_.wait();
          },
          nullptr};
}

Implementation OneDnn::convolution(Problem& problem, const char* layout, Tag tag) {
  ConvShape s = problem.row.conv;
  bool depthwise = problem.row.kind == Kind::Depthwise;
  dnnl::memory::dims image{s.batch, s.cin, s.h, s.w}, window{s.cout, s.cin, s.kernel_h, s.kernel_w};
  if (depthwise) window = {s.cin, 1, 1, s.kernel_h, s.kernel_w};
  dnnl::memory::dims result{s.batch, s.cout, s.out_h(), s.out_w()};
  dnnl::memory::dims strides{s.stride_h, s.stride_w};
  dnnl::memory::dims before{s.top, s.left}, behind{s.bottom, s.right};
  dnnl::convolution_forward::desc wanted(dnnl::prop_kind::forward_inference,
                                         dnnl::algorithm::convolution_direct,
                                         Desc(image, kF32, tag), Desc(window, kF32, Tag::any),
                                         Desc(result, kF32, tag), strides, before, behind);
  dnnl::convolution_forward::primitive_desc chosen(wanted, engine_);

  // Ours are NHWC and HWIO.
  dnnl::memory our_image(Desc(image, kF32, Tag::nhwc), engine_, problem.a.data());
  dnnl::memory our_weights(Desc(window, kF32, depthwise ? Tag::hwigo : Tag::hwio), engine_,
                           problem.b.data());
  dnnl::memory our_result(Desc(result, kF32, Tag::nhwc), engine_, problem.c.data());
  bool ours = tag == Tag::nhwc;
  dnnl::memory source = ours ? our_image : reordered(our_image, chosen.src_desc());
  dnnl::memory weights = reordered(our_weights, chosen.weights_desc());
  dnnl::memory target = ours ? our_result : dnnl::memory(chosen.dst_desc(), engine_);
  stream_.wait();
  dnnl::convolution_forward primitive(chosen);
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, target}};
  Implementation result_of{name() + " " + layout,
                           [this, primitive, arguments]() mutable {
                             primitive.execute(stream_, arguments);
                             stream_.wait();
                           },
                           nullptr};
  if (!ours) {
    result_of.publish = [this, target, our_result]() mutable {
      dnnl::reorder(target, our_result).execute(stream_, target, our_result);
      stream_.wait();
    };
  }
  return result_of;
}

}  // namespace

std::unique_ptr<Peer> make_onednn(const PeerOptions& options, std::string* why_not) {
  std::string why;
  if (options.avx2_only) why = ", " + steer("DNNL_MAX_CPU_ISA", "AVX2");
  // Debian's library runs on OpenMP.
  auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (!set_threads) {
    *why_not = "no omp_set_num_threads to set its threads with";
    return nullptr;
  }
  const dnnl_version_t* version = dnnl_version();
  return std::make_unique<OneDnn>(set_threads, options.threads,
                                  "oneDNN " + std::to_string(version->major) + "." +
                                      std::to_string(version->minor) + "." +
                                      std::to_string(version->patch) + why);
}

}  // namespace inlay::bench
