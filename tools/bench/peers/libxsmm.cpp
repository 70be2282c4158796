// libxsmm (Debian: libxsmm-dev, a static library): small matrix products made at run time. The
// loops around them are ours, in the form that its authors use (Georganas et al., "High-Performance
// Deep Learning via a Single Building Block", IPDPS 2020): a batch of products is summed up in one
// call, over blocks of K, or over the window and blocks of the channels of a convolution. Block
// sizes and the order of the two outer loops are chosen by trying them out when a row is set up.
//
// The library is column-major, so that its A is our B, and its m our columns.
#include <libxsmm.h>
#include <pthreadpool.h>

#include <chrono>
#include <cstring>
#include <stdexcept>

#include "tools/bench/peers/blas.h"

namespace inlay::bench {

namespace {

// One product with all of its reduction: columns x rows of the result, `batch` blocks of depth k.
struct Tile {
  libxsmm_blasint columns, rows, k, lda, ldb, ldc;
};

using Kernel = libxsmm_smmfunction_reducebatch_addr;

Kernel make_kernel(const Tile& t) {
  float one = 1, zero = 0;
  int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  return libxsmm_smmdispatch_reducebatch_addr(t.columns, t.rows, t.k, &t.lda, &t.ldb, &t.ldc, &one,
                                              &zero, &flags, &prefetch);
}

// A row as the library sees it: `lines` of `pixels` rows of the result each; a line's pixels lie
// one `step` apart in the operand. For a matrix, all rows are one line.
struct Work {
  int64_t lines, pixels, columns, depth;  ///< depth: of one tap
  int64_t step;
  const float* weights;          ///< [taps][depth][columns]
  std::vector<int64_t> offsets;  ///< of each tap in the operand, from a line's first element
  std::vector<int64_t> starts;   ///< of each line in the operand
};

struct Blocks {
  int64_t columns, rows, depth;
  bool columns_outside;
};

struct Plan {
  Work work;
  Blocks blocks;
  Kernel kernels[2][2] = {};  ///< [last block of columns][last block of rows]
  bool usable = true;

  Plan(const Work& w, const Blocks& b) : work(w), blocks(b) {
    if (w.depth % b.depth) usable = false;
    for (int i = 0; usable && i < 2; ++i) {
      for (int j = 0; usable && j < 2; ++j) {
        int64_t columns = i ? w.columns % b.columns : b.columns;
        int64_t rows = j ? w.pixels % b.rows : b.rows;
        if (columns == 0 || rows == 0) continue;
        auto narrow = [](int64_t value) { return static_cast<libxsmm_blasint>(value); };
        kernels[i][j] = make_kernel({narrow(columns), narrow(rows), narrow(b.depth),
                                     narrow(w.columns), narrow(w.step), narrow(w.columns)});
        usable = kernels[i][j] != nullptr;
      }
    }
  }
  int64_t column_blocks() const { return (work.columns + blocks.columns - 1) / blocks.columns; }
  int64_t row_blocks() const { return (work.pixels + blocks.rows - 1) / blocks.rows; }
  int64_t tasks() const {
    return blocks.columns_outside ? column_blocks() : work.lines * row_blocks();
  }
  // One iteration of the outer loop: the unit that threads share.
  void run_task(size_t task, const float* operand, float* result) const {
    int64_t inner = blocks.columns_outside ? work.lines * row_blocks() : column_blocks();
    for (int64_t i = 0; i < inner; ++i) {
      int64_t outer = static_cast<int64_t>(task);
      run_tile(blocks.columns_outside ? outer : i, blocks.columns_outside ? i : outer, operand,
               result);
    }
  }
  void run_tile(int64_t column_block, int64_t row, const float* operand, float* result) const {
    constexpr size_t kMost = 1024;
    const float *a[kMost], *b[kMost];
    int64_t line = row / row_blocks(), first = row % row_blocks() * blocks.rows;
    int64_t column = column_block * blocks.columns;
    bool narrow = column + blocks.columns > work.columns, low = first + blocks.rows > work.pixels;
    unsigned long long count = 0;
    const float* start = operand + work.starts[static_cast<size_t>(line)] + first * work.step;
    for (size_t tap = 0; tap < work.offsets.size(); ++tap) {
      for (int64_t k = 0; k < work.depth; k += blocks.depth, ++count) {
        a[count] =
            work.weights + (static_cast<int64_t>(tap) * work.depth + k) * work.columns + column;
        b[count] = start + work.offsets[tap] + k;
      }
    }
    kernels[narrow][low](a, b, result + (line * work.pixels + first) * work.columns + column,
                         &count);
  }
  static bool fits(const Work& work, int64_t depth) {
    return static_cast<int64_t>(work.offsets.size()) * (work.depth / depth) <= 1024;
  }
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr double kTuning = 2;  // seconds that all trials of a row may take

// The fastest of some calls, after `warm` seconds of them: threads that slept have to be
// spread. What takes long is called twice in all.
double seconds_of(const std::function<void()>& run, double warm) {
  double start = now();
  do {
    run();
  } while (now() < start + warm);
  double best = 1e9, until = now() + kTuning / 400;
  do {
    start = now();
    run();
    best = std::min(best, now() - start);
  } while (now() < until && now() + 2 * best < until);
  return best;
}

class Libxsmm : public Peer {
 public:
  Libxsmm(int threads, std::string description)
      : threads_(threads), description_(std::move(description)) {
    if (threads > 1) pool_ = pthreadpool_create(static_cast<size_t>(threads));
  }
  ~Libxsmm() override {
    if (pool_) pthreadpool_destroy(pool_);
  }
  std::string name() const override { return "libxsmm"; }
  std::string description() const override { return description_; }
  std::vector<Implementation> implement(Problem& problem) override;

 private:
  void run(const Plan& plan, const float* operand, float* result) const {
    if (!pool_) {
      for (int64_t task = 0; task < plan.tasks(); ++task)
        plan.run_task(static_cast<size_t>(task), operand, result);
      return;
    }
    auto body = [&](size_t task) { plan.run_task(task, operand, result); };
    pthreadpool_parallelize_1d(
        pool_, [](void* context, size_t task) { (*static_cast<decltype(body)*>(context))(task); },
        &body, static_cast<size_t>(plan.tasks()), 0);
  }
  std::shared_ptr<Plan> best_plan(const Work& work, const float* operand, float* result) const;

  pthreadpool_t pool_ = nullptr;
  int threads_;
  std::string description_;
};

std::shared_ptr<Plan> Libxsmm::best_plan(const Work& work, const float* operand,
                                         float* result) const {
  std::vector<int64_t> widths, heights, depths;
  for (int64_t width : {32, 64, 128, 256})
    if (width <= work.columns) widths.push_back(width);
  if (widths.empty()) widths.push_back(work.columns);
  for (int64_t height : {6, 12, 14, 24, 28, 48, 96})
    if (height < work.pixels) heights.push_back(height);
  if (work.pixels <= 128) heights.push_back(work.pixels);
  for (int64_t depth : {64, 128, 256, 512})
    if (depth < work.depth && work.depth % depth == 0 && Plan::fits(work, depth))
      depths.push_back(depth);
  if (work.depth <= 512 || depths.empty()) depths.push_back(work.depth);
  // One size at a time: all combinations would take minutes.
  std::shared_ptr<Plan> best;
  double fastest = 0, deadline = now() + kTuning;
  // What is done in microseconds is not worth waking a thread.
  double products = static_cast<double>(work.lines * work.pixels) *
                    static_cast<double>(work.columns * work.depth) *
                    static_cast<double>(work.offsets.size());
  int64_t fewest_tasks = products < 1e6 ? 1 : threads_;
  auto attempt = [&](const Blocks& blocks) {
    if (best && now() > deadline) return;
    auto plan = std::make_shared<Plan>(work, blocks);
    if (!plan->usable || plan->tasks() < fewest_tasks) return;
    double time = seconds_of([&] { run(*plan, operand, result); }, pool_ ? 5e-3 : 0);
    if (best && time >= fastest) return;
    best = plan;
    fastest = time;
  };
  auto attempt_depths = [&] {
    for (bool outside : {false, true}) {
      for (int64_t depth : depths) {
        attempt({widths[widths.size() / 2], heights.back(), depth, outside});
        attempt({widths.front(), heights.front(), depth, outside});
      }
    }
  };
  attempt_depths();
  if (!best) {  // too small for all threads to have a part
    fewest_tasks = 1;
    attempt_depths();
  }
  if (!best) return nullptr;
  for (int64_t height : heights) {
    for (int64_t width : widths)
      attempt({width, height, best->blocks.depth, best->blocks.columns_outside});
  }
  Blocks chosen = best->blocks;
  for (int64_t depth : depths)
    attempt({chosen.columns, chosen.rows, depth, !chosen.columns_outside});
  return best;
}

std::vector<Implementation> Libxsmm::implement(Problem& problem) {
  if (problem.row.kind != Kind::Gemm && problem.row.kind != Kind::Conv) return {};
  float* result = problem.c.data();
  const float* operand = problem.a.data();
  Work work;
  work.weights = problem.b.data();
  std::shared_ptr<Floats> padded;
  ConvShape s = problem.row.conv;
  if (problem.row.kind == Kind::Gemm) {
    const GemmShape& g = problem.row.gemm;
    work = {1, g.m, g.n, g.k, g.k, problem.b.data(), {0}, {0}};
  } else {
    int64_t height = s.h + s.top + s.bottom, width = s.w + s.left + s.right;
    if (s.padded()) padded = std::make_shared<Floats>(s.batch * height * width * s.cin);
    if (padded) operand = padded->data();
    work = {s.batch * s.out_h(), s.out_w(),        s.cout, s.cin,
            s.stride_w * s.cin,  problem.b.data(), {},     {}};
    for (int64_t y = 0; y < s.kernel_h; ++y)
      for (int64_t x = 0; x < s.kernel_w; ++x) work.offsets.push_back((y * width + x) * s.cin);
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t y = 0; y < s.out_h(); ++y)
        work.starts.push_back((n * height + y * s.stride_h) * width * s.cin);
    if (s.is_product()) {  // a matrix
      work.lines = 1;
      work.pixels = s.pixels();
      work.starts = {0};
    }
  }
  std::shared_ptr<Plan> plan = best_plan(work, operand, result);
  if (!plan) return {};
  const float* image = problem.a.data();
  std::string label = problem.row.kind == Kind::Gemm ? name() : name() + " nhwc";
  return {{label,
           [this, plan, padded, operand, result, image, s] {
             if (padded) {
               int64_t width = s.w + s.left + s.right, height = s.h + s.top + s.bottom;
               for (int64_t line = 0; line < s.batch * s.h; ++line) {
                 int64_t to = (line / s.h * height + line % s.h + s.top) * width + s.left;
                 std::memcpy(padded->data() + to * s.cin, image + line * s.w * s.cin,
                             static_cast<size_t>(s.w * s.cin) * sizeof(float));
               }
             }
             run(*plan, operand, result);
           },
           nullptr}};
}

}  // namespace

std::unique_ptr<Peer> make_libxsmm(const PeerOptions& options, std::string* why_not) {
  std::string why;
  if (options.avx2_only) why = ", " + steer("LIBXSMM_TARGET", "hsw");
  libxsmm_init();
  const char* target = libxsmm_get_target_arch();
  if (!target || !std::strcmp(target, "generic")) {
    *why_not = "it makes no code for this CPU";
    return nullptr;
  }
  return std::make_unique<Libxsmm>(
      options.threads, std::string("libxsmm ") + LIBXSMM_VERSION + ", target " + target + why);
}

}  // namespace inlay::bench
