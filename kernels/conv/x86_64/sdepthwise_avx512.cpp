// Depthwise micro-kernels, AVX-512F, written with intrinsics: see sdepthwise_image.h.
#include "sdepthwise_image.h"
#include "vector_avx512.h"

INLAY_SDEPTHWISE(Avx512, 4x32_avx512)
