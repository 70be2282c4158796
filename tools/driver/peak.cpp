#include "tools/driver/peak.h"

#include <inlay/runtime.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace inlay {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What a probe computes goes here, so that the compiler can't leave it out.
volatile float sink;

struct Row {
  PeakProbe probe;
  double flops_per_step;
  std::vector<const char*> features;
};

#if defined(__x86_64__)

// 12 chains: two ports times five cycles of latency and two to spare; with their operands they fill
// the 16 registers.
constexpr int kChains = 12;

__attribute__((target("avx2,fma"))) void probe_avx2(int64_t steps) {
  __m256 sums[kChains], x = _mm256_set1_ps(sink), y = _mm256_set1_ps(0.5f);
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t step = 0; step < steps; ++step) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], y, x);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  sink = _mm256_cvtss_f32(sums[0]) * 0x1p-100f;
}

__attribute__((target("avx512f"))) void probe_avx512(int64_t steps) {
  __m512 sums[kChains], x = _mm512_set1_ps(sink), y = _mm512_set1_ps(0.5f);
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t step = 0; step < steps; ++step) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], y, x);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  sink = _mm512_cvtss_f32(sums[0]) * 0x1p-100f;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {{"AVX-512 FMA", "avx512f", probe_avx512}, 2.0 * 16 * kChains, {"avx512f"}},
      {{"AVX2 FMA", "avx2", probe_avx2}, 2.0 * 8 * kChains, {"avx2", "fma"}},
  };
  return all;
}

#elif defined(__aarch64__)

// Four pipes times four cycles, and some to spare.
constexpr int kChains = 24;

void probe_neon(int64_t steps) {
  float32x4_t sums[kChains], x = vdupq_n_f32(sink), y = vdupq_n_f32(0.5f);
  for (int i = 0; i < kChains; ++i) sums[i] = vdupq_n_f32(static_cast<float>(i));
  for (int64_t step = 0; step < steps; ++step) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kChains; ++i) sums[i] = vfmaq_f32(sums[i], x, y);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = vaddq_f32(sums[0], sums[i]);
  sink = vgetq_lane_f32(sums[0], 0) * 0x1p-100f;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {{"NEON FMLA", "neon", probe_neon}, 2.0 * 4 * kChains, {"neon"}}};
  return all;
}

#else

const std::vector<Row>& rows() {
  static const std::vector<Row> all;
  return all;
}

#endif

// CPUs that this thread may run on, but for the one where it is.
std::vector<int> other_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return cpus;
  int here = sched_getcpu();
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (cpu != here && CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

void stay_on(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);  // only better if it works
}

double rate(const Row& row, double seconds) {
  // Steps for a tenth of the time, by a first guess; then until the time is over.
  constexpr int64_t kFew = 2000;
  double start = now();
  row.probe.run(kFew);
  double each = std::max(now() - start, 1e-9) / kFew;
  auto steps = std::max<int64_t>(kFew, static_cast<int64_t>(seconds / 10 / each));
  double best = 0;
  for (double end = now() + seconds; best == 0 || now() < end;) {
    start = now();
    row.probe.run(steps);
    best = std::max(best, static_cast<double>(steps) * row.flops_per_step / (now() - start));
  }
  return best * 1e-9;
}

}  // namespace

const std::vector<PeakProbe>& peak_probes() {
  static const std::vector<PeakProbe> usable = [] {
    std::vector<PeakProbe> found;
    for (const Row& row : rows()) {
      bool has_all = true;
      for (const char* feature : row.features)
        has_all = has_all && inlay_cpu_has_feature(feature) == 1;
      if (has_all) found.push_back(row.probe);
    }
    return found;
  }();
  return usable;
}

double peak_gflops(const PeakProbe& probe, int threads, double seconds) {
  const Row* row = nullptr;
  for (const Row& candidate : rows()) {
    if (candidate.probe.run == probe.run) row = &candidate;
  }
  if (!row) return 0;
  std::vector<double> rates(static_cast<size_t>(threads));
  std::vector<std::thread> others;
  // All at the same time, each on a CPU of its own: a new thread often starts on its maker's.
  std::vector<int> cpus = other_cpus();
  std::atomic<int> ready{0};
  auto run = [&](size_t i) {
    if (i > 0 && i <= cpus.size()) stay_on(cpus[i - 1]);
    ++ready;
    while (ready < threads) {
    }
    rates[i] = rate(*row, seconds);
  };
  for (size_t i = 1; i < rates.size(); ++i) others.emplace_back(run, i);
  run(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (double each : rates) sum += each;
  return sum;
}

}  // namespace inlay
