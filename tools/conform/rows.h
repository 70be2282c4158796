// The `implement` rows of a program, each made into a small program of its own: the row's
// intrinsic, called once by a function whose parameters are the intrinsic's. That function is what
// conformance tests call, what is disassembled, and what micro-benchmarks time.
#pragma once

#include "core/ir/program.h"
#include "core/passes/passes.h"
#include "tools/driver/build.h"

namespace inlay::conform {

struct Row {
  const Intrinsic* intrinsic = nullptr;
  const Implement* implement = nullptr;
  std::string name;  ///< "sgemm_tile<6, 16> for x86_64(avx2, fma)"
};

/// Every row, in order. Rows point into `program`.
std::vector<Row> rows_of(const Program& program);

/// Of the function that calls the row's intrinsic once.
inline constexpr const char* kCallOnce = "conform";
/// Of the function that does so many times: its first parameter says how many.
inline constexpr const char* kCallOften = "conform_often";

/// The text of the small program, without other rows for the same constants, so that this one is
/// chosen wherever its target predicate holds; paths of imports are absolute. With `often`, the
/// second function is there too.
std::string row_program(const Program& program, const Row& row, bool often);

/// `f32[k, 6] strided align 32`, constants of the intrinsic put in.
std::string buffer_type(const Buffer& buffer, const Substitution& constants);
/// The items of that program without its functions.
std::string items_around(const Program& program, const Row& row);
/// Values of the intrinsic's constants in the row.
Substitution constants_of(const Row& row);

/// The text of a program for a row that runs on a GPU: kCallOnce is a kernel of one workgroup,
/// whose work-items copy what the intrinsic wants in shared or private memory there, call it, each
/// with private operands of its own, and copy those back. Extents known at run time end at
/// kGpuExtent, by an assert. Operands in global memory are for one work-item.
std::string gpu_row_program(const Program& program, const Row& row);
inline constexpr int64_t kGpuExtent = 24;

/// What to compile a row for: of the targets that backends offer and where its predicate holds, the
/// one with the fewest features; else the smallest of its architecture, with the features added.
/// Null if no backend that is here compiles for the architecture.
std::optional<Target> target_of(const Row& row, PluginRegistry& plugins);

/// Compiles row_program(): a shared object and its assembly.
BuildOutput build_row(const std::string& text, const Target& target, PluginRegistry& plugins);

}  // namespace inlay::conform
