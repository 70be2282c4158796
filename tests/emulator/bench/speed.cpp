// How fast the emulator is: lane-operations, elements, workgroups and floating-point operations a
// second, on one and on two host threads. Not a test: no time decides anything.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>

#include "runtime/emulator/machine/launch.h"

namespace inlay::emulator {
namespace {

class Machine {
 public:
  static Machine& instance() {
    static Machine machine;
    return machine;
  }
  Machine() {
    std::ifstream file(INLAY_BENCH_CODE, std::ios::binary);
    const std::string data{std::istreambuf_iterator<char>(file), {}};
    std::string error;
    object_ = CodeObject::load(Chip::kGfx900, &memory_, data.data(), data.size(), &error);
    if (object_ == nullptr) fprintf(stderr, "%s: %s\n", INLAY_BENCH_CODE, error.c_str());
  }
  float* floats(size_t n) {
    float* p = static_cast<float*>(memory_.allocate(4 * n, "bench"));
    for (size_t k = 0; k < n; k++) p[k] = static_cast<float>(k % 97) / 64.0f;
    return p;
  }
  void release(void* p) { memory_.free(p); }
  // False, with a word, if the launch failed.
  bool launch(benchmark::State& state, const char* kernel, uint32_t gx, uint32_t gy, uint32_t block,
              std::vector<void*> arguments, int threads, Statistics* statistics = nullptr) {
    Launch launch;
    launch.object = object_.get();
    launch.kernel = object_ ? object_->kernel(kernel) : nullptr;
    std::string error = "no such kernel";
    LaunchOptions options;
    options.threads = threads;
    options.workers = &workers_;
    options.observe.statistics = statistics;
    if (launch.kernel != nullptr) {
      launch.grid[0] = gx;
      launch.grid[1] = gy;
      launch.block[0] = block;
      launch.arguments = pack_arguments(*launch.kernel, arguments.data());
      if (run_launch(&memory_, launch, options, &error)) return true;
    }
    state.SkipWithError(error.c_str());
    return false;
  }

 private:
  DeviceMemory memory_;
  Workers workers_;
  std::unique_ptr<CodeObject> object_;
};

using benchmark::Counter;

// Elements a second, and vector instructions times active lanes a second.
void elementwise(benchmark::State& state, const char* kernel, bool scale) {
  Machine& m = Machine::instance();
  const int threads = static_cast<int>(state.range(0));
  const std::string name = kernel;
  const int floats = 1 << 20;
  int n = name == "axpy4" ? floats / 4 : name == "doubles" ? floats / 2 : floats;
  float a = 1.0f / 1024;
  float* x = m.floats(floats);
  float* y = m.floats(floats);
  std::vector<void*> arguments{&n};
  if (scale) arguments.push_back(&a);
  arguments.push_back(&x);
  arguments.push_back(&y);
  const uint32_t groups = static_cast<uint32_t>(n) / (name == "strided" ? 256 * 16 : 256);
  Statistics counted;
  m.launch(state, kernel, groups, 1, 256, arguments, 1, &counted);
  for (auto _ : state)
    if (!m.launch(state, kernel, groups, 1, 256, arguments, threads)) break;
  state.counters["elements"] = Counter(floats, Counter::kIsIterationInvariantRate);
  // Vector ALU and memory instructions, each for all its lanes.
  state.counters["lane_ops"] =
      Counter(static_cast<double>(counted.lane_operations + counted.vector_memory * kLanes),
              Counter::kIsIterationInvariantRate);
  m.release(x);
  m.release(y);
}
void axpy(benchmark::State& state) {
  elementwise(state, "axpy", true);
}
void axpy4(benchmark::State& state) {
  elementwise(state, "axpy4", true);
}
void relu(benchmark::State& state) {
  elementwise(state, "relu", false);
}
void add(benchmark::State& state) {
  elementwise(state, "add", false);
}
void strided(benchmark::State& state) {
  elementwise(state, "strided", true);
}
void integers(benchmark::State& state) {
  elementwise(state, "integers", false);
}
void doubles(benchmark::State& state) {
  elementwise(state, "doubles", false);
}
void choose(benchmark::State& state) {
  elementwise(state, "choose", true);
}
void polynomial(benchmark::State& state) {
  elementwise(state, "polynomial", false);
}
void gemm(benchmark::State& state) {
  Machine& m = Machine::instance();
  int size = 512;
  const size_t count = static_cast<size_t>(size) * static_cast<size_t>(size);
  float* a = m.floats(count);
  float* b = m.floats(count);
  float* c = m.floats(count);
  for (auto _ : state)
    if (!m.launch(state, "gemm", 4, 4, 256, {&size, &size, &size, &a, &b, &c},
                  static_cast<int>(state.range(0))))
      break;
  state.counters["FLOP"] = Counter(2.0 * size * size * size, Counter::kIsIterationInvariantRate);
  for (float* p : {a, b, c}) m.release(p);
}
void small(benchmark::State& state) {
  Machine& m = Machine::instance();
  const uint32_t groups = 1 << 16;
  float* out = m.floats(groups);
  for (auto _ : state)
    if (!m.launch(state, "small", groups, 1, 64, {&out}, static_cast<int>(state.range(0)))) break;
  state.counters["workgroups"] = Counter(groups, Counter::kIsIterationInvariantRate);
  m.release(out);
}

#define INLAY_BENCH(name) \
  BENCHMARK(name)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond)
INLAY_BENCH(axpy);
INLAY_BENCH(axpy4);
INLAY_BENCH(relu);
INLAY_BENCH(add);
INLAY_BENCH(strided);
INLAY_BENCH(integers);
INLAY_BENCH(doubles);
INLAY_BENCH(choose);
INLAY_BENCH(polynomial);
INLAY_BENCH(gemm);
INLAY_BENCH(small);

}  // namespace
}  // namespace inlay::emulator

BENCHMARK_MAIN();
