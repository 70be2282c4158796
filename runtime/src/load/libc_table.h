// The libc and libm functions that compiled code may call.
#pragma once

#include <inlay_abi.h>

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    __attribute__((visibility("hidden"))) const InlayLibcTable inlay_libc_table;
