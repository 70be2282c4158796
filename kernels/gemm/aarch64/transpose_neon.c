// Transposition of a matrix, NEON: squares of 4 x 4 in registers.
//
// Equation   b[j, i] = a[i, j]; i in 0..m, j in 0..n
// Block      any m, n from 0
// Strides    in floats: a a_row, 1; b b_row, 1
// Alignment  that of a float (4 bytes)
// Aliasing   b does not overlap a
// Clobbers   no memory but the n x m elements of b; no state, no libc
// Registers  4 rows and 2 of them in exchange
#include "../transpose.h"

INLAY_TRANSPOSE_KERNEL(uk_transpose_f32_neon)
