#include "backends/cpu/targets/architecture.h"

namespace inlay::cpu {

#define INLAY_CPU_TARGET(function) const Architecture& function();
#include "backends/cpu/targets/targets.def"
#undef INLAY_CPU_TARGET

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all{
#define INLAY_CPU_TARGET(function) &function(),
#include "backends/cpu/targets/targets.def"
#undef INLAY_CPU_TARGET
  };
  return all;
}

}  // namespace inlay::cpu
