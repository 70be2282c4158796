// BLIS (Debian: libblis4). It chooses its kernels by CPU, or as BLIS_ARCH_TYPE says. Version 0.9
// takes an AMD CPU newer than itself for one that has nothing, and would run plain C there: it is
// told to use the kernels that the CPU has features for.
#include <dlfcn.h>
#include <inlay/runtime.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <cstdlib>

#include "tools/bench/peers/blas.h"

namespace inlay::bench {

namespace {

class Blis : public Peer {
 public:
  Blis(CblasSgemm sgemm, void (*set_threads)(int64_t), int threads, std::string description)
      : sgemm_(sgemm),
        set_threads_(set_threads),
        threads_(threads),
        description_(std::move(description)) {}
  std::string name() const override { return "BLIS"; }
  std::string description() const override { return description_; }
  std::vector<Implementation> implement(Problem& problem) override {
    return blas_implementations(name(), sgemm_, problem);
  }
  void use_threads() override { set_threads_(threads_); }

 private:
  CblasSgemm sgemm_;
  void (*set_threads_)(int64_t);
  int threads_;
  std::string description_;
};

// AMD, of a family after Zen 3 and 4.
bool is_newer_than_blis() {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx) || ebx != signature_AMD_ebx) return false;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return false;
  return (eax >> 8 & 0xf) + (eax >> 20 & 0xff) > 0x19;
#else
  return false;
#endif
}

}  // namespace

std::unique_ptr<Peer> make_blis(const PeerOptions& options, std::string* why_not) {
  const char* asked = std::getenv("BLIS_ARCH_TYPE");
  std::string why = asked ? std::string(", BLIS_ARCH_TYPE=") + asked : "";
  if (!asked && is_newer_than_blis()) {
    constexpr const char *kSkx = "0", *kZen3 = "6";  // arch_t of BLIS 0.9
    bool avx512 = !options.avx2_only;
    for (const char* feature : {"avx512f", "avx512dq", "avx512bw", "avx512vl"})
      avx512 = avx512 && inlay_cpu_has_feature(feature) == 1;
    why = ", " + steer("BLIS_ARCH_TYPE", avx512 ? kSkx : kZen3);
  }
  void* library = open_library({"libblis.so.4"}, why_not);
  if (!library) return nullptr;
  auto sgemm = reinterpret_cast<CblasSgemm>(dlsym(library, "cblas_sgemm"));
  auto set_threads =
      reinterpret_cast<void (*)(int64_t)>(dlsym(library, "bli_thread_set_num_threads"));
  auto init = reinterpret_cast<void (*)()>(dlsym(library, "bli_init"));
  auto query = reinterpret_cast<int (*)()>(dlsym(library, "bli_arch_query_id"));
  auto arch = reinterpret_cast<const char* (*)(int)>(dlsym(library, "bli_arch_string"));
  auto version = reinterpret_cast<const char* (*)()>(dlsym(library, "bli_info_get_version_str"));
  if (!init || !sgemm || !set_threads || !query || !arch || !version) {
    *why_not = "libblis.so.4 lacks one of the functions that are called";
    return nullptr;
  }
  init();  // a steered choice is looked up in tables that this fills
  std::string kernels = arch(query());
  if (options.avx2_only && (kernels == "skx" || kernels == "knl")) {
    *why_not =
        "it chose AVX-512 kernels (" + kernels + "); BLIS_ARCH_TYPE can make it choose others";
    return nullptr;
  }
  return std::make_unique<Blis>(
      sgemm, set_threads, options.threads,
      std::string("BLIS ") + version() + ", " + kernels + " kernels" + why);
}

}  // namespace inlay::bench
