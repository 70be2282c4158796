// Budgets: what the kernels of a function may take of a GPU.
#pragma once

#include <optional>

#include "core/ir/expr.h"
#include "core/ir/schedule_item.h"

namespace inlay {

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

/// `require vgprs <= 128 for amdgpu(gfx900)`: holds for each kernel that the function becomes on a
/// GPU target that fits; a build that breaks it fails. Says nothing of CPU targets.
struct Budget {
  Resource resource{};
  BinaryOp op{};  ///< a comparison, the resource on its left
  int64_t limit = 0;
  std::optional<TargetPredicate> target;  ///< none: every GPU
  Loc loc;

  bool holds(int64_t value) const;
};
bool equal(const Budget& a, const Budget& b);
/// "vgprs <= 128".
std::string to_string(const Budget& budget);

}  // namespace inlay
