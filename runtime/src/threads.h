// The thread pool behind InlayRuntimeTable::parallel_for.
#pragma once

#include <inlay_abi.h>

namespace inlay {

int32_t parallel_for(int64_t n, int64_t grain, InlayParallelBody body, void* closure);

// Reads INLAY_NUM_THREADS if that did not happen yet; an unfit value is an error at each call until
// it is corrected or overridden by inlay_set_num_threads.
int32_t configure_threads();

}  // namespace inlay
