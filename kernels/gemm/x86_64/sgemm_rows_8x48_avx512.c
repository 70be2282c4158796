// sgemm micro-kernel on rows of A as they lie, register block 8 x 48, AVX-512F.
//
// Equation   c[i, j] = beta' * c[i, j] + alpha * sum over q, p of a[q, i, p] * b[q, p, j]
//            i in 0..m, j in 0..n, q in 0..r, p in 0..k; beta' = beta if first != 0, else 1;
//            with beta' = 0 the values of c are not read
// Block      0 <= m <= 8, 0 <= n <= 48
// Strides    in floats: a a_outer, a_row, a_step; b b_outer, b_step, 1; c c_row, 1
// Alignment  that of a float (4 bytes); fastest with rows of b on 64 bytes
// Aliasing   c overlaps neither a nor b
// Clobbers   no memory but the m x n block of c; no state, no libc
// Registers  whole blocks: 24 accumulators + 3 for a row of b + 2 broadcasts of a = 29 of 32 ZMM
//
// For products of few rows: each row of b that comes from L3 or memory is used for 8 rows at once.
#define INLAY_ROWS 8
#define INLAY_VECTORS 3
#define INLAY_AHEAD 0
#include "../rows.h"

INLAY_ROWS_KERNEL(uk_sgemm_rows_f32_8x48_avx512)
