// Image micro-kernel, register block 8 x 32, AVX-512F, written with intrinsics: see sconv_image.h.
//
// Registers  16 accumulators + 2 for a row of b + 2 broadcasts of a = 20 of 32 ZMM
//
// Sixteen independent FMA chains are twice what 2 ports x 4 cycles of latency need, and a step
// costs 10 loads for 16 FMAs. Taller blocks (10, 12, 14 pixels) were not faster on Zen 5: a sum
// over few channels then pays more for the start and the end of a block. Blocks of one vector have
// 16 pixels: as many chains.
#include "sconv_image.h"
#include "vector_avx512.h"

INLAY_SCONV(Avx512, 8, 16, 8x32_avx512)
