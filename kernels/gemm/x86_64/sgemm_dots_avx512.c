// sgemm micro-kernel for few rows or columns, AVX-512F: rows of a times columns of b that lie end
// to end.
//
// Equation   c[i, j] = beta' * c[i, j] + alpha * sum over p of a[i, p] * b[j, p]
//            i in 0..m, j in 0..n, p in 0..k; beta' = beta if first != 0, else 1;
//            with beta' = 0 the values of c are not read
// Block      any m, n, k from 0; meant for a long k
// Strides    in floats: a a_row, 1; b b_row, 1; c c_row, 1
// Alignment  that of a float (4 bytes)
// Aliasing   c overlaps neither a nor b
// Clobbers   no memory but the m x n elements of c; no state, no libc
// Registers  up to 16 accumulators + 4 vectors of b + 1 of a = 21 of 32 ZMM
#define INLAY_DOT_ROWS_1 8
#define INLAY_DOT_ROWS_2 4
#define INLAY_DOT_ROWS_3 4
#define INLAY_DOT_ROWS_4 4
#include "../dots.h"

INLAY_DOTS_KERNEL(uk_sgemm_dots_f32_avx512)
