// Image micro-kernel, register block 6 x 16, AVX2 + FMA, written with intrinsics: see
// sconv_image.h.
//
// Registers  12 accumulators + 2 for a row of b + 2 broadcasts of a = 16 of 16 YMM. Blocks of one
//            vector have 12 pixels: as many accumulators
#include "sconv_image.h"
#include "vector_avx2.h"

INLAY_SCONV(Avx2, 6, 12, 6x16_avx2)
