// Verifier: what a program must hold besides the types that make() checks.
#pragma once

#include "core/ir/program.h"

namespace inlay {

/// So many copies of a statement unrolled loops may make together.
inline constexpr int64_t kMostUnrolled = 4096;

/// Collects every fault of `program`: scopes (each use of a variable or buffer is reached by its
/// one definition), unique names, symbols bound by a plain appearance, intrinsic calls (exists,
/// count of constants and arguments, kinds, ranks, element types, constants that fold), implement
/// rows (the intrinsic exists, constants' count, duplicates), stores to parameters, vector indices,
/// barrier and grid/lane nesting, loops that write to what a parallel sibling writes where
/// provable, unrolled loops that make too many copies, negative constant extents, constant indices
/// out of constant bounds, lanes.
Diagnostics verify(const Program& program);

}  // namespace inlay
