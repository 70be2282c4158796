// sgemm micro-kernel on rows of A as they lie, register block 4 x 24, AVX2 + FMA.
//
// Equation   c[i, j] = beta' * c[i, j] + alpha * sum over q, p of a[q, i, p] * b[q, p, j]
//            i in 0..m, j in 0..n, q in 0..r, p in 0..k; beta' = beta if first != 0, else 1;
//            with beta' = 0 the values of c are not read
// Block      0 <= m <= 4, 0 <= n <= 24
// Strides    in floats: a a_outer, a_row, a_step; b b_outer, b_step, 1; c c_row, 1
// Alignment  that of a float (4 bytes); fastest with rows of b on 32 bytes
// Aliasing   c overlaps neither a nor b
// Clobbers   no memory but the m x n block of c; no state, no libc
// Registers  whole blocks: 12 accumulators + 3 for a row of b + 1 broadcast of a = 16 of 16 YMM
//
// For products of few rows, where b is read from L3 or memory: what the next block needs of the
// same rows of b is fetched meanwhile, since the hardware does not follow steps of a page.
#define INLAY_ROWS 4
#define INLAY_VECTORS 3
#define INLAY_AHEAD 24
#include "../rows.h"

INLAY_ROWS_KERNEL(uk_sgemm_rows_f32_4x24_avx2)
