// Depthwise micro-kernels, AVX2 + FMA, written with intrinsics: see sdepthwise_image.h.
#include "sdepthwise_image.h"
#include "vector_avx2.h"

INLAY_SDEPTHWISE(Avx2, 4x16_avx2)
