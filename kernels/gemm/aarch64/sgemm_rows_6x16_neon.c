// sgemm micro-kernel on rows of A as they lie, register block 6 x 16, NEON.
//
// Equation   c[i, j] = beta' * c[i, j] + alpha * sum over q, p of a[q, i, p] * b[q, p, j]
//            i in 0..m, j in 0..n, q in 0..r, p in 0..k; beta' = beta if first != 0, else 1;
//            with beta' = 0 the values of c are not read
// Block      0 <= m <= 6, 0 <= n <= 16
// Strides    in floats: a a_outer, a_row, a_step; b b_outer, b_step, 1; c c_row, 1
// Alignment  that of a float (4 bytes)
// Aliasing   c overlaps neither a nor b
// Clobbers   no memory but the m x n block of c; no state, no libc
// Registers  whole blocks: 24 accumulators + 4 for a row of b + 2 broadcasts of a = 30 of 32 V
#define INLAY_ROWS 6
#define INLAY_VECTORS 4
#define INLAY_AHEAD 0
#include "../rows.h"

INLAY_ROWS_KERNEL(uk_sgemm_rows_f32_6x16_neon)
