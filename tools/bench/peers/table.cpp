// The table of peers. A library that was not there when this was built leaves its row with the name
// of its package.
#include "tools/bench/peers/peer.h"

namespace inlay::bench {

std::unique_ptr<Peer> make_openblas(const PeerOptions& options, std::string* why_not);
std::unique_ptr<Peer> make_blis(const PeerOptions& options, std::string* why_not);
std::unique_ptr<Peer> make_onednn(const PeerOptions& options, std::string* why_not);
std::unique_ptr<Peer> make_xnnpack(const PeerOptions& options, std::string* why_not);
std::unique_ptr<Peer> make_libxsmm(const PeerOptions& options, std::string* why_not);

#define INLAY_NOT_BUILT(name, package)                                                  \
  std::unique_ptr<Peer> name(const PeerOptions&, std::string* why_not) {                \
    *why_not = "built without it; install " package ", then configure and build again"; \
    return nullptr;                                                                     \
  }
#ifndef INLAY_BENCH_ONEDNN
INLAY_NOT_BUILT(make_onednn, "libdnnl-dev")
#endif
#ifndef INLAY_BENCH_XNNPACK
INLAY_NOT_BUILT(make_xnnpack, "libxnnpack-dev, libpthreadpool-dev and libcpuinfo-dev")
#endif
#ifndef INLAY_BENCH_LIBXSMM
INLAY_NOT_BUILT(make_libxsmm, "libxsmm-dev and libpthreadpool-dev")
#endif

const std::vector<PeerEntry>& peer_table() {
  static const std::vector<PeerEntry> table = {
      {"OpenBLAS", make_openblas}, {"BLIS", make_blis},       {"oneDNN", make_onednn},
      {"XNNPACK", make_xnnpack},   {"libxsmm", make_libxsmm},
  };
  return table;
}

}  // namespace inlay::bench
