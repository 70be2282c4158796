// The libc and libm functions that compiled code may call: a table from libc.def. In C, where each
// name is one function and not a set of overloads.
#include "load/libc_table.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define INLAY_LIBC(name, result, parameters) (void (*)(void)) name,
const InlayLibcTable inlay_libc_table = {
    sizeof(InlayLibcTable),
#include "libc.def"
};
#undef INLAY_LIBC
