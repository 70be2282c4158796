// sgemm micro-kernel on blocks of any size, SSE2.
//
// Equation   c[i, j] = beta' * c[i, j] + alpha * sum over p of a[i, p] * b[p, j]
//            i in 0..m, j in 0..n, p in 0..k; beta' = beta if first != 0, else 1;
//            with beta' = 0 the values of c are not read
// Block      any m, n, k from 0
// Strides    in floats: a a_row, a_step; b b_step, 1; c c_row, 1
// Alignment  that of a float (4 bytes); fastest with rows of b on 16 bytes
// Aliasing   c overlaps neither a nor b
// Clobbers   no memory but the m x n elements of c; no state, no libc
// Registers  8 accumulators + 2 for a row of b + 1 broadcast of a + 1 product = 12 of 16 XMM
//
// Blocks of 4 x 8 or 8 x 4.
#define INLAY_HEIGHT_1 8
#define INLAY_HEIGHT_2 4
#define INLAY_HEIGHT_3 0
#define INLAY_HEIGHT_4 0
#define INLAY_ROWS 8
#define INLAY_VECTORS 2
#define INLAY_NEAR_VECTORS 2
#define INLAY_FETCH 0
#define INLAY_MASKED_VECTORS 1
#define INLAY_MASK_WHOLE 0
#define INLAY_STREAM_ROWS 2
#define INLAY_STREAM_PAGED_ROWS 2
#define INLAY_STREAM_GROUP 2
#include "../blocks.h"

INLAY_BLOCKS_KERNEL(uk_sgemm_blocks_f32_sse2)
