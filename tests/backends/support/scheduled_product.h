// A matrix product in loops of a GPU, as the steps of a schedule make them.
#pragma once

#include <string>

#include "core/schedule/steps.h"
#include "core/text/text.h"

namespace inlay::test {

/// Function `f` of A[M, K], B[K, N], C[M, N]: a workgroup of 8 x 16 work-items computes 32 x 64
/// elements, each work-item 4 x 4 in registers, in blocks of 8 of K that lie in shared memory; then
/// `more` steps.
inline std::string scheduled_product(const std::string& more) {
  ParseResult parsed = parse_program(R"(
func f(A: f32[M, K], B: f32[K, N], C: f32[M, N]) {
  for i in 0..M { for j in 0..N { C[i, j] = 0.0 for k in 0..K { C[i, j] += A[i, k] * B[k, j] } } }
})",
                                     "product.inlay");
  Schedule schedule(parsed.program, "f");
  apply_steps(schedule, R"(
split i by 32 into ib, ir   split ir by 4 into it, ii
split j by 64 into jb, jr   split jr by 4 into jt, jj
split k by 8 into kb, p
reorder ib, jb, it, jt, ii, jj   fission ii, jj before kb   reorder kb, p, ii, jj
bind ib to grid(y)   bind jb to grid(x)   bind it to lane(y)   bind jt to lane(x)
stage C at jt as c_block pad in private
stage A at kb as a_block transposed pitch 36 in shared
stage B at kb as b_block in shared
whole ii_0, jj_0, ii, jj
)" + more,
              "steps");
  return print(schedule.program());
}

}  // namespace inlay::test
