// OpenBLAS (Debian: libopenblas0). It chooses its kernels by CPU, or as OPENBLAS_CORETYPE says.
#include <dlfcn.h>

#include <cstdlib>

#include "tools/bench/peers/blas.h"

namespace inlay::bench {

namespace {

class OpenBlas : public Peer {
 public:
  OpenBlas(CblasSgemm sgemm, void (*set_threads)(int), int threads, std::string description)
      : sgemm_(sgemm),
        set_threads_(set_threads),
        threads_(threads),
        description_(std::move(description)) {}
  std::string name() const override { return "OpenBLAS"; }
  std::string description() const override { return description_; }
  std::vector<Implementation> implement(Problem& problem) override {
    return blas_implementations(name(), sgemm_, problem);
  }
  void use_threads() override { set_threads_(threads_); }

 private:
  CblasSgemm sgemm_;
  void (*set_threads_)(int);
  int threads_;
  std::string description_;
};

}  // namespace

std::unique_ptr<Peer> make_openblas(const PeerOptions& options, std::string* why_not) {
  // Read when the library is loaded.
  const char* asked = std::getenv("OPENBLAS_CORETYPE");
  std::string why = asked ? std::string(", OPENBLAS_CORETYPE=") + asked : "";
  if (options.avx2_only && !asked) why = ", " + steer("OPENBLAS_CORETYPE", "Haswell");
  for (const char* variable : {"OPENBLAS_L2_SIZE"}) {
    if (const char* value = std::getenv(variable))
      why += std::string(", ") + variable + "=" + value;
  }
  void* library = open_library({"libopenblas.so.0"}, why_not);
  if (!library) return nullptr;
  auto sgemm = reinterpret_cast<CblasSgemm>(dlsym(library, "cblas_sgemm"));
  auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  auto config = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_config"));
  auto core = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_corename"));
  if (!sgemm || !set_threads) {
    *why_not = "libopenblas.so.0 has no cblas_sgemm or no openblas_set_num_threads";
    return nullptr;
  }
  std::string version = config ? config() : "OpenBLAS";
  size_t words = version.find(' ', version.find(' ') + 1);
  return std::make_unique<OpenBlas>(
      sgemm, set_threads, options.threads,
      version.substr(0, words) + ", " + (core ? core() : "unknown") + " kernels" + why);
}

}  // namespace inlay::bench
