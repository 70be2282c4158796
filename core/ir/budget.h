// What is for some targets alone, and what kernels may take of a GPU there: TargetPredicate,
// Budget, Requirement.
#pragma once

#include <optional>

#include "core/ir/expr.h"

namespace inlay {

/// `x86_64(avx2, fma)`: an architecture and features that it must have. Arch "any" matches all.
struct TargetPredicate {
  std::string arch;
  std::vector<std::string> features;
  Loc loc;
};
std::string to_string(const TargetPredicate& predicate);

//                      Name       spelling
#define INLAY_RESOURCES(ROW)                                                        \
  ROW(Vgprs, "vgprs")         /* vector registers of a work-item */                 \
  ROW(Sgprs, "sgprs")         /* scalar registers of a wavefront */                 \
  ROW(Lds, "lds")             /* bytes of a workgroup */                            \
  ROW(Scratch, "scratch")     /* bytes of a work-item */                            \
  ROW(Spills, "spills")       /* registers, vector and scalar, that were spilled */ \
  ROW(Occupancy, "occupancy") /* wavefronts on a SIMD */

enum class Resource : uint8_t {
#define INLAY_RESOURCE(Name, spelling) Name,
  INLAY_RESOURCES(INLAY_RESOURCE)
#undef INLAY_RESOURCE
};
const char* to_string(Resource resource);
std::optional<Resource> resource_of(std::string_view spelling);

/// `vgprs <= 128`.
struct Budget {
  Resource resource{};
  BinaryOp op{};  ///< a comparison, the resource on its left
  int64_t limit = 0;
  Loc loc;

  bool holds(int64_t value) const;
};
/// "vgprs <= 128".
std::string to_string(const Budget& budget);

/// `require vgprs <= 128, scratch == 0 for amdgpu(gfx900)`: holds for each of certain kernels on
/// each GPU target that fits; a build that breaks it fails. Says nothing of CPU targets.
struct Requirement {
  std::vector<Budget> budgets;
  std::optional<TargetPredicate> target;  ///< none: every GPU
  Loc loc;
};
bool equal(const Requirement& a, const Requirement& b);
/// As it is written, on one line.
std::string to_string(const Requirement& requirement);

}  // namespace inlay
